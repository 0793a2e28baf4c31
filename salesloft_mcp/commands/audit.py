"""`salesloft-mcp audit`: the whole audit, however many minutes of points it takes, and every finding in a file."""

import csv
import json
from collections.abc import Iterable
from contextlib import nullcontext
from pathlib import Path
from typing import TextIO, Unpack

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from salesloft_mcp.app import App
from salesloft_mcp.audit.findings import Finding
from salesloft_mcp.audit.report import Audit
from salesloft_mcp.audit.scan import audit as auditing
from salesloft_mcp.commands.live import Where, with_app
from salesloft_mcp.commands.options import typed
from salesloft_mcp.errors import InputError
from salesloft_mcp.intake.formulas import formula_safe
from salesloft_mcp.salesloft.call import open_call
from salesloft_mcp.salesloft.models import ObjectType, Scope, one_record
from salesloft_mcp.state.files import atomic_output
from salesloft_mcp.text import escaped, quoted

EXAMPLES = 10
COLUMNS = ("finding", "kind", "external_type", "object_type", "external_id", "object_id", "mapping_id", "why")


def audit(
    external_type: str, object_type: ObjectType | None, output: Path | None, as_json: bool, **where: Unpack[Where]
) -> None:
    """Audit, write the findings to `output`, and show the summary."""
    suffix = output.suffix.lower() if output else ""
    if output and suffix not in (".jsonl", ".csv"):
        raise InputError("--output", "must end in .jsonl or .csv.")

    async def work(app: App) -> tuple[Audit, int]:
        with open_call(enduring=True) as call:
            return await auditing(app.salesloft, Scope(external_type, object_type)), call.points

    # A file that cannot be written is told before the first point is spent.
    with atomic_output(output) if output else nullcontext() as file:
        found, points = with_app(work, **where)
        if file:
            _write_csv(file, found.findings) if suffix == ".csv" else _write_jsonl(file, found.findings)
    if as_json:
        click.echo(json.dumps({**found.data(), "points_spent": points}, indent=2))
    else:
        _show(found, points, output)


def _write_jsonl(file: TextIO, findings: Iterable[Finding]) -> None:
    """A line for each finding, with its mappings."""
    for finding in findings:
        mappings = [row._asdict() for row in finding.rows]
        told = {"kind": finding.kind, **({"why": finding.why} if finding.why else {}), "mappings": mappings}
        file.write(json.dumps(told, ensure_ascii=False) + "\n")


def _write_csv(file: TextIO, findings: Iterable[Finding]) -> None:
    """A line for each mapping; those of one finding share its number."""
    lines = csv.writer(file)
    lines.writerow(COLUMNS)
    for number, finding in enumerate(findings, 1):
        for row in finding.rows:
            cells = (number, finding.kind, *row[:4], "" if row.mapping_id is None else row.mapping_id, finding.why)
            lines.writerow([formula_safe(str(cell)) for cell in cells])


def _show(found: Audit, points: int, output: Path | None) -> None:
    console = Console(highlight=False)
    if found.coverage:
        console.print(_table(found))
    console.print(found.sentence, markup=False)
    if found.deleted:
        console.print(f"Deleted mappings, not looked at: {found.deleted}.")
    for finding in found.findings[: 0 if output else EXAMPLES]:
        console.print(Text(_told(finding)), soft_wrap=True)
    if output is not None:
        console.print(f"All findings are in {output}.", markup=False, soft_wrap=True)
    elif len(found.findings) > EXAMPLES:
        whole = typed("audit", "--output", "found.csv", also=("external_type", "object_type"))
        more = f"and {len(found.findings) - EXAMPLES:,} more; all of them in a file: {whole}"
        console.print(more, markup=False, soft_wrap=True)
    console.print(f"Points spent: {points}.")


def _told(finding: Finding) -> str:
    """What a finding is, the mappings it is about, and why where that is not plain."""
    what = {"orphans": "gone, or hidden from this token"}.get(finding.kind, finding.kind.replace("_", " "))
    rows = [
        f"{escaped(row.external_type)} {quoted(row.external_id)} of {one_record(row.object_type, row.object_id)}"
        for row in finding.rows[:EXAMPLES]
    ]
    more = [f"{len(finding.rows) - len(rows):,} more"] if len(finding.rows) > len(rows) else []
    return f"{what}: {'; '.join(rows + more)}{f': {finding.why}' if finding.why else ''}"


def _table(found: Audit) -> Table:
    table = Table("external type", "objects")
    for name in ("mappings", "ids", "reached", "of", "%"):
        table.add_column(name, justify="right")
    for row in found.coverage:
        name = row.external_type + ("" if row.configured else " (not configured)")
        numbers = (row.mappings, row.ids, row.objects, row.of, row.percent)
        cells = ["?" if number is None else f"{number:,}" for number in numbers]
        table.add_row(Text(name), row.object_type, *cells)
    return table
