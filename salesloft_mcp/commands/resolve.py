"""`salesloft-mcp resolve`: any number of external ids to objects, for the fewest points, in input order."""

import csv
import io
import json
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click

from salesloft_mcp.commands.common import EXIT_CODES, Option, exit_on_error, on_salesloft, with_app
from salesloft_mcp.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from salesloft_mcp.app import App
    from salesloft_mcp.lookups.near_misses import Near
    from salesloft_mcp.lookups.resolve import Answer
    from salesloft_mcp.salesloft.models import Mapping, ObjectType

COLUMN = "external_id"
MEANING = {"found": "found", "ambiguous": "of several objects", "missing": "not mapped"}

Status = Literal["found", "ambiguous", "missing"]


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
    wanted = [*ids, *(exit_on_error(ids_in, exit_on_error(_text, file)) if file else ())]
    if not wanted:
        raise click.UsageError("Give ids, or --file with at least one.")
    exit_on_error(_check, wanted)
    show: Callable[[Answer], None] = _json_lines if as_json else _table_rows()

    async def work(app: "App") -> tuple[Counter[Status], int]:
        from salesloft_mcp.lookups.resolve import Scope
        from salesloft_mcp.salesloft.call import open_call

        statuses: Counter[Status] = Counter()
        with open_call() as call:
            async for answer in app.lookups.answers(wanted, Scope(external_type, object_type)):
                show(answer)
                statuses.update(status_of(rows) for rows in answer.found.values())
        return statuses, call.points

    statuses, points = with_app(work, sandbox, sandbox_file, **options)
    summary = ", ".join(f"{statuses[one]:,} {one}" for one in ("found", "ambiguous", "missing") if statuses[one])
    click.echo(f"{summary}. Points spent: {points:,}.", err=True)
    sys.exit(0 if set(statuses) == {"found"} else 1)


def ids_in(text: str) -> list[str]:
    """The ids of a file: its lines, or the column `external_id` where the first line names one. Nothing is trimmed.

    Raises:
        InputError: a CSV that cannot be read.
    """
    head = text.partition("\n")[0].rstrip("\r")
    delimiter = next((one for one in ",;\t" if COLUMN in next(csv.reader([head], delimiter=one), [])), "")
    found = _column(text, delimiter) if delimiter else (line.removesuffix("\r") for line in text.split("\n"))
    try:
        return [one for one in found if one]
    except csv.Error as error:
        raise InputError("--file", f"is no readable CSV ({error}).") from error


def status_of(rows: "Sequence[Mapping]") -> Status:
    """Several types may name the same object; several objects are ambiguous."""
    objects = {(row.object_type, row.object_id) for row in rows}
    return "found" if len(objects) == 1 else "ambiguous" if objects else "missing"


def _text(file: str) -> str:
    try:
        raw = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
        return raw.decode("utf-8-sig")
    except OSError as error:
        raise InputError("--file", f"cannot be read ({error.strerror}).") from error
    except UnicodeDecodeError as error:
        raise InputError("--file", f"is not UTF-8 text (byte {error.start}).") from error


def _column(text: str, delimiter: str) -> Iterator[str]:
    from salesloft_mcp.bulk.rows import unformula

    for cells in csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter):
        yield unformula(cells[COLUMN] or "")


def _check(wanted: list[str]) -> None:
    """In a long file, the number tells which id is meant."""
    from salesloft_mcp.salesloft.requests import checked

    for number, one in enumerate(wanted, 1):
        checked(f"id {number}", one)


def _json_lines(answer: "Answer") -> None:
    for external_id, rows in answer.found.items():
        line: dict[str, Any] = {
            COLUMN: external_id,
            "status": status_of(rows),
            "objects": [_named(row) for row in rows],
        }
        if near := answer.near.get(external_id):
            line["near"] = [{COLUMN: one.mapping.external_id, **_named(one.mapping), "why": one.why} for one in near]
        click.echo(json.dumps(line))


def _named(row: "Mapping") -> dict[str, object]:
    return {"external_type": row.external_type, "object_type": row.object_type, "object_id": row.object_id}


def _table_rows() -> "Callable[[Answer], None]":
    """A printer of answers as they come: the head stands above the first ones only."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from salesloft_mcp.text import escaped

    console = Console(highlight=False)
    heads = [True]

    def show(answer: "Answer") -> None:
        table = Table(box=None, expand=True, show_header=bool(heads and heads.pop()), pad_edge=False)
        table.add_column("external id", ratio=2, overflow="fold")
        table.add_column("object", ratio=3, overflow="fold")
        for external_id, rows in answer.found.items():
            cells = (external_id, _described(rows, answer.near.get(external_id, [])))
            table.add_row(*(Text(escaped(cell)) for cell in cells))
        console.print(table)

    return show


def _described(rows: "Sequence[Mapping]", near: "Sequence[Near]") -> str:
    status = status_of(rows)
    told = "; ".join(_words(row) for row in rows)
    if status == "found":
        return told
    offers = "; ".join(f"{one.mapping.external_id} is {_words(one.mapping)} ({one.why})" for one in near)
    return f"{MEANING[status]}{': ' if told else ''}{told}{' - near: ' if offers else ''}{offers}"


def _words(row: "Mapping") -> str:
    return f"{row.object_type} {row.object_id} by {row.external_type}"
