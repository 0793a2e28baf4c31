"""`salesloft-mcp resolve`: any number of external ids to objects, for the fewest points, in input order."""

import io
import json
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Unpack

import click

from salesloft_mcp.app import App
from salesloft_mcp.bulk.rows import id_of
from salesloft_mcp.commands.live import Where, with_app
from salesloft_mcp.errors import InputError, SalesloftMcpError
from salesloft_mcp.intake.heads import MAP, Heads, columns_of
from salesloft_mcp.intake.tables import LIST, read_list
from salesloft_mcp.intake.values import external_id, suspicious
from salesloft_mcp.lookups.names import MOST, Key, Names, read_names
from salesloft_mcp.lookups.resolve import Resolution, Status
from salesloft_mcp.salesloft.call import open_call
from salesloft_mcp.salesloft.models import Mapping as MappingRow
from salesloft_mcp.salesloft.models import ObjectType, Record, Scope, one_record
from salesloft_mcp.text import escaped

COLUMN = "external_id"
SHOWN_PROBLEMS = 5
MEANING = {"ambiguous": "of several objects", "missing": "not mapped"}


def resolve(
    ids: tuple[str, ...],
    file: str | None,
    columns: tuple[str, ...],
    external_type: str,
    object_type: ObjectType | None,
    names: bool,
    as_json: bool,
    **where: Unpack[Where],
) -> None:
    """Print a line for each id as answers come, and exit with 1 unless each stands for one object."""
    for number, one in enumerate(ids, 1):
        external_id(one, f"id {number}")
    chosen = columns_of(columns)
    Heads(LIST, chosen, option=MAP)  # a field that does not exist is a wrong option, whatever the file
    wanted = [*ids, *(_read(file, chosen) if file else ())]
    if not wanted:
        if not file:
            raise click.UsageError("Give ids, or --file with some.")
        raise SalesloftMcpError("file: has no ids.", next_step="put an id on each line.")
    line = _json_line if as_json else _line

    async def work(app: App) -> tuple[Counter[Status], list[str] | None, int]:
        statuses: Counter[Status] = Counter()
        near_types: list[str] | None = None
        who = Names()
        with open_call(enduring=True) as call:
            async for part in app.lookups.in_batches(wanted, Scope(external_type, object_type)):
                if names and not who.problems:  # what keeps some from being read keeps all
                    who = await _who(app, part)
                    for problem in who.problems:
                        click.echo(f"Names are missing: {problem}", err=True)
                click.echo("\n".join(line(part, external_id, who) for external_id in part.mappings))
                statuses.update(map(part.status, part.mappings))
                near_types = part.near_types
        return statuses, near_types, call.points

    statuses, near_types, points = with_app(work, **where)
    if near_types is not None:
        existing = f"existing are {', '.join(map(escaped, near_types))}" if near_types else "there are none"
        kind = f" for {object_type}" if object_type else ""
        click.echo(f"The external type is not configured{kind}; {existing}.", err=True)
    summary = ", ".join(f"{statuses[one]:,} {one}" for one in ("found", "ambiguous", "missing") if statuses[one])
    click.echo(f"{summary}. Points spent: {points:,}.", err=True)
    sys.exit(0 if set(statuses) == {"found"} else 1)


def ids_in(raw: BinaryIO, name: str = "", columns: Mapping[str, str] | None = None) -> tuple[list[str], list[str]]:
    """The ids of a file, and notes on how it was read: its lines, or the column external_id of a table. Nothing is
    trimmed.

    Raises:
        InputError: a file that cannot be read, or a row without an id that can be looked up: the list must be whole.
    """
    table = read_list(raw, name, columns)
    rows = [(line, *id_of(fields)) for line, fields in table.rows]
    problems = [f"{table.told_by} {line}: {problem}" for line, _, problem in rows if problem]
    if problems:
        more = [f"and {len(problems) - SHOWN_PROBLEMS:,} more."] if len(problems) > SHOWN_PROBLEMS else []
        what = f"{len(problems):,} of its {len(rows):,} rows cannot be looked up, so nothing was."
        told = "\n".join([what, *problems[:SHOWN_PROBLEMS], *more])
        raise InputError("file", told, next_step="correct these rows or take them out, then resolve the file again.")
    return [external_id for _, external_id, _ in rows], table.notes


def _read(file: str, columns: Mapping[str, str]) -> list[str]:
    """The ids of a file; notes on how it was read are printed.

    Raises:
        SalesloftMcpError: what is wrong with the file. It is no wrong use of the command, so the exit code is 1.
    """
    try:
        with io.BytesIO(sys.stdin.buffer.read()) if file == "-" else Path(file).open("rb") as raw:
            ids, notes = ids_in(raw, file, columns)
    except OSError as error:
        raise InputError("--file", f"cannot be read ({error.strerror}).") from error
    except InputError as error:
        raise SalesloftMcpError(error.what, next_step=error.next_step) from error
    for note in notes:
        click.echo(f"file: {note}", err=True)
    return ids


async def _who(app: App, part: Resolution) -> Names:
    """Whoever these ids stand for, and those that are offered, read a hundred at a time."""
    rows = [row for held in part.mappings.values() for row in held]
    rows += [one.mapping for near in part.near.values() for one in near]
    keys = list(dict.fromkeys((row.object_type, row.object_id) for row in rows))
    records: dict[Key, Record] = {}
    for start in range(0, len(keys), MOST):
        some = keys[start : start + MOST]
        read = await read_names(app.salesloft, app.budget, app.policy.object_types, some)
        records |= read.records
        if read.problems:
            return Names(records, problems=read.problems)
    return Names(records)


def _json_line(resolution: Resolution, external_id: str, who: Names) -> str:
    status = resolution.status(external_id)
    told: dict[str, Any] = {
        COLUMN: external_id,
        "status": status,
        "objects": [_named(row, who) for row in resolution.mappings[external_id]],
    }
    if near := resolution.near.get(external_id):
        told["near"] = [{COLUMN: one.mapping.external_id, **_named(one.mapping, who), "why": one.why} for one in near]
    if why := _damage(status, external_id):
        told["suspicious"] = why
    return json.dumps(told)


def _named(row: MappingRow, who: Names) -> dict[str, object]:
    told = {"external_type": row.external_type, "object_type": row.object_type, "object_id": row.object_id}
    name = who.line((row.object_type, row.object_id))
    return {**told, "name": name} if name else told


def _line(resolution: Resolution, external_id: str, who: Names) -> str:
    status = resolution.status(external_id)
    told = "; ".join(_words(row, who) for row in resolution.mappings[external_id])
    if status != "found":
        near = resolution.near.get(external_id, ())
        offers = "; ".join(f"{one.mapping.external_id} is {_words(one.mapping, who)} ({one.why})" for one in near)
        damaged = f" (looks damaged: {why})" if (why := _damage(status, external_id)) else ""
        told = f"{MEANING[status]}{damaged}{': ' if told else ''}{told}{' - near: ' if offers else ''}{offers}"
    return escaped(f"{external_id}  {told}")


def _damage(status: Status, external_id: str) -> str:
    """Why an id that is not mapped looks damaged; empty where it does not, or is mapped."""
    return suspicious(external_id) if status == "missing" else ""


def _words(row: MappingRow, who: Names) -> str:
    name = who.line((row.object_type, row.object_id))
    return f"{one_record(row.object_type, row.object_id)} by {row.external_type}{f', {name}' if name else ''}"
