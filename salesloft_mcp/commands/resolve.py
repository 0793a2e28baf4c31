"""`salesloft-mcp resolve`: any number of external ids to objects, for the fewest points, in input order."""

import io
import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import click

from salesloft_mcp.commands.common import EXIT_CODES, Option, exit_on_error, on_salesloft, with_app
from salesloft_mcp.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from salesloft_mcp.app import App
    from salesloft_mcp.lookups.resolve import Resolution, Status
    from salesloft_mcp.salesloft.models import Mapping, ObjectType

COLUMN = "external_id"
SHOWN_PROBLEMS = 5
MEANING = {"found": "found", "ambiguous": "of several objects", "missing": "not mapped"}


@click.command(epilog=EXIT_CODES)
@click.argument("ids", nargs=-1)
@click.option("--file", help="Read ids from this file, or - for standard input: one a line, or a CSV's external_id.")
@click.option("--external-type", default="", help="Only ids of this external type.")
@click.option("--object-type", type=click.Choice(["people", "accounts", "users"]), help="Only these objects.")
@click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each id.")
@on_salesloft
def resolve(
    ids: tuple[str, ...],
    file: str | None,
    external_type: str,
    object_type: "ObjectType | None",
    as_json: bool,
    sandbox: bool,
    sandbox_file: Path | None,
    **options: Option,
) -> None:
    """Find which object each external id stands for, in input order; an id given twice is answered once.

    It fails, with exit code 1, unless every id stands for exactly one object. Ids are compared byte by byte; near
    misses that were seen on the way are shown, never used.
    """
    exit_on_error(_check, ids)
    wanted = [*ids, *(exit_on_error(_read, file) if file else ())]
    if not wanted:
        raise click.UsageError("Give ids, or --file with at least one.")
    show: Callable[[Resolution], None] = _json_lines if as_json else _table_rows()

    async def work(app: "App") -> "tuple[Counter[Status], list[str] | None, int]":
        from salesloft_mcp.salesloft.call import open_call
        from salesloft_mcp.salesloft.models import Scope

        statuses: Counter[Status] = Counter()
        near_types: list[str] | None = None
        with open_call() as call:
            async for part in app.lookups.in_batches(wanted, Scope(external_type, object_type)):
                show(part)
                statuses.update(map(part.status, part.mappings))
                near_types = part.near_types
        return statuses, near_types, call.points

    statuses, near_types, points = with_app(work, sandbox, sandbox_file, **options)
    if near_types is not None:
        from salesloft_mcp.text import escaped

        existing = f"existing are {', '.join(map(escaped, near_types))}" if near_types else "there are none"
        click.echo(f"The external type is not configured; {existing}.", err=True)
    summary = ", ".join(f"{statuses[one]:,} {one}" for one in ("found", "ambiguous", "missing") if statuses[one])
    click.echo(f"{summary}. Points spent: {points:,}.", err=True)
    sys.exit(0 if set(statuses) == {"found"} else 1)


def ids_in(raw: BinaryIO) -> list[str]:
    """The ids of a file: its lines, or the column `external_id` where its first line names one. Nothing is trimmed.

    Raises:
        InputError: a file that cannot be read, or a row without an id that can be looked up: the list must be whole.
    """
    from salesloft_mcp.bulk.rows import id_of
    from salesloft_mcp.intake.tables import read_list

    rows = [(line, *id_of(fields)) for line, fields in read_list(raw, COLUMN)]
    problems = [f"line {line}: {problem}" for line, _, problem in rows if problem]
    if problems:
        more = [f"and {len(problems) - SHOWN_PROBLEMS:,} more."] if len(problems) > SHOWN_PROBLEMS else []
        what = f"{len(problems):,} of its {len(rows):,} rows cannot be looked up, so nothing was."
        raise InputError("file", "\n".join([what, *problems[:SHOWN_PROBLEMS], *more]))
    return [external_id for _, external_id, _ in rows]


def _read(file: str) -> list[str]:
    try:
        with io.BytesIO(sys.stdin.buffer.read()) if file == "-" else Path(file).open("rb") as raw:
            return ids_in(raw)
    except OSError as error:
        raise InputError("--file", f"cannot be read ({error.strerror}).") from error


def _check(ids: tuple[str, ...]) -> None:
    from salesloft_mcp.salesloft.requests import checked

    for number, one in enumerate(ids, 1):
        checked(f"id {number}", one)


def _json_lines(resolution: "Resolution") -> None:
    for external_id, rows in resolution.mappings.items():
        line: dict[str, Any] = {
            COLUMN: external_id,
            "status": resolution.status(external_id),
            "objects": [_named(row) for row in rows],
        }
        if near := resolution.near.get(external_id):
            line["near"] = [{COLUMN: one.mapping.external_id, **_named(one.mapping), "why": one.why} for one in near]
        click.echo(json.dumps(line))


def _named(row: "Mapping") -> dict[str, object]:
    return {"external_type": row.external_type, "object_type": row.object_type, "object_id": row.object_id}


def _table_rows() -> "Callable[[Resolution], None]":
    """A printer of answers as they come: the head stands above the first ones only."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from salesloft_mcp.text import escaped

    console = Console(highlight=False)
    heads = [True]

    def show(resolution: "Resolution") -> None:
        table = Table(box=None, expand=True, show_header=bool(heads and heads.pop()), pad_edge=False)
        table.add_column("external id", ratio=2, overflow="fold")
        table.add_column("object", ratio=3, overflow="fold")
        for external_id in resolution.mappings:
            cells = (external_id, _described(resolution, external_id))
            table.add_row(*(Text(escaped(cell)) for cell in cells))
        console.print(table)

    return show


def _described(resolution: "Resolution", external_id: str) -> str:
    status = resolution.status(external_id)
    told = "; ".join(_words(row) for row in resolution.mappings[external_id])
    if status == "found":
        return told
    near = resolution.near.get(external_id, ())
    offers = "; ".join(f"{one.mapping.external_id} is {_words(one.mapping)} ({one.why})" for one in near)
    return f"{MEANING[status]}{': ' if told else ''}{told}{' - near: ' if offers else ''}{offers}"


def _words(row: "Mapping") -> str:
    return f"{row.object_type} {row.object_id} by {row.external_type}"
