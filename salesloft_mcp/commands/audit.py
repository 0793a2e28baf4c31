"""`salesloft-mcp audit`: the whole audit, however many minutes of points it takes, and every finding in a file."""

import csv
import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

import click

from salesloft_mcp.commands.common import EXIT_CODES, Option, exit_on_error, on_salesloft, with_app
from salesloft_mcp.errors import InputError

if TYPE_CHECKING:
    from rich.table import Table

    from salesloft_mcp.app import App
    from salesloft_mcp.audit.findings import Finding
    from salesloft_mcp.audit.report import Audit
    from salesloft_mcp.salesloft.models import ObjectType

COLUMNS = ("finding", "kind", "external_type", "object_type", "external_id", "object_id", "mapping_id")


@click.command(epilog=EXIT_CODES)
@click.option("--external-type", default="", help="Only this external type.")
@click.option("--object-type", type=click.Choice(["people", "accounts", "users"]), help="Only these objects.")
@click.option(
    "--output", type=click.Path(path_type=Path, dir_okay=False), help="Write every finding to this .jsonl or .csv file."
)
@click.option("--json", "as_json", is_flag=True, help="Print the summary for machines.")
@on_salesloft
def audit(
    external_type: str,
    object_type: "ObjectType | None",
    output: Path | None,
    as_json: bool,
    sandbox: bool,
    sandbox_file: Path | None,
    **options: Option,
) -> None:
    """Check all mappings: how many objects they reach, and which of them look wrong. Nothing is changed.

    Looked for are external ids of several objects, objects with several ids of one type, mappings to objects that are
    gone (or that the token may not see), and ids that are nearly the same. To find some is no failure: the exit code
    is 0.
    """
    exit_on_error(_check, output)

    async def work(app: "App") -> "tuple[Audit, int]":
        from salesloft_mcp.audit.scan import audit as auditing
        from salesloft_mcp.salesloft.call import open_call
        from salesloft_mcp.salesloft.models import Scope

        with open_call() as call:
            return await auditing(app.salesloft, Scope(external_type, object_type)), call.points

    found, points = with_app(work, sandbox, sandbox_file, **options)
    if output is not None:
        exit_on_error(_write, output, found.findings)
    if as_json:
        click.echo(json.dumps({**found.data(), "points_spent": points}, indent=2))
    else:
        _show(found, points, output)


def _check(output: Path | None) -> None:
    """A file that cannot be written is told before the first point is spent."""
    if output is None:
        return
    if output.suffix.lower() not in (".jsonl", ".csv"):
        raise InputError("--output", "must end in .jsonl or .csv.")
    if not os.access(output.parent, os.W_OK) or (output.exists() and not os.access(output, os.W_OK)):
        raise InputError("--output", "cannot be written.", next_step="give a file in a directory of yours.")


def _write(output: Path, findings: "Iterable[Finding]") -> None:
    """All of it, or the file stays what it was."""
    from salesloft_mcp.state.files import atomic_output

    with atomic_output(output) as file:
        _write_csv(file, findings) if output.suffix.lower() == ".csv" else _write_jsonl(file, findings)


def _write_jsonl(file: TextIO, findings: "Iterable[Finding]") -> None:
    """A line for each finding, with its mappings."""
    for finding in findings:
        mappings = [row._asdict() for row in finding.rows]
        file.write(json.dumps({"kind": finding.kind, "mappings": mappings}, ensure_ascii=False) + "\n")


def _write_csv(file: TextIO, findings: "Iterable[Finding]") -> None:
    """A line for each mapping; those of one finding share its number."""
    from salesloft_mcp.intake.formulas import formula_safe

    lines = csv.writer(file)
    lines.writerow(COLUMNS)
    for number, finding in enumerate(findings, 1):
        for row in finding.rows:
            cells = (number, finding.kind, *row[:4], "" if row.mapping_id is None else row.mapping_id)
            lines.writerow([formula_safe(str(cell)) for cell in cells])


def _show(found: "Audit", points: int, output: Path | None) -> None:
    from rich.console import Console

    console = Console(highlight=False)
    if found.coverage:
        console.print(_table(found))
    console.print(found.sentence, markup=False)
    if found.deleted:
        console.print(f"Deleted mappings, not looked at: {found.deleted}.")
    if output is not None:
        console.print(f"All findings are in {output}.", markup=False, soft_wrap=True)
    elif found.findings:
        console.print("Give --output FILE.csv for all of them.")
    console.print(f"Points spent: {points}.")


def _table(found: "Audit") -> "Table":
    from rich.table import Table
    from rich.text import Text

    table = Table("external type", "objects")
    for name in ("mappings", "ids", "reached", "of", "%"):
        table.add_column(name, justify="right")
    for row in found.coverage:
        name = row.external_type + ("" if row.configured else " (not configured)")
        numbers = (row.mappings, row.ids, row.objects, row.of, row.percent)
        cells = ["?" if number is None else f"{number:,}" for number in numbers]
        table.add_row(Text(name), row.object_type, *cells)
    return table
