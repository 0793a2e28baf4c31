"""`salesloft-mcp changes`: the log of every write, for a person or a script."""

import json
import sys
from collections.abc import Iterator
from contextlib import closing, nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, TextIO

import anyio
import click

from salesloft_mcp.changes import history
from salesloft_mcp.changes.change import Line
from salesloft_mcp.changes.history import Logged, Search
from salesloft_mcp.salesloft.environment import named
from salesloft_mcp.salesloft.models import OBJECT_TYPES, object_type_of, one_record
from salesloft_mcp.settings import load
from salesloft_mcp.state.database import Database
from salesloft_mcp.state.files import atomic_output
from salesloft_mcp.text import escaped, quoted, utc, whole_number

SHOWN = 50  # where nobody said how many
_TOGETHER = 100  # operations that are read at once for an export


def changes(
    limit: int | None,
    number: int | None,
    as_json: bool,
    jsonl: bool,
    output: Path | None,
    state_dir: Path | None,
    **asked: str,
) -> None:
    """Search the log, and print what was found, or write each change of it to a file."""
    search, directory = replace(_search(**asked), id=number), load({"state_dir": state_dir}).state_dir
    if jsonl or output is not None:
        with nullcontext(sys.stdout) if output is None else atomic_output(output) as stream:
            anyio.run(_export, directory, search, limit, stream)
        return
    rows = anyio.run(_found, directory, search, limit or SHOWN)
    if as_json:
        click.echo(json.dumps([_data(row) for row in rows], indent=2))
    else:
        click.echo("\n".join(line for row in rows for line in _told(row)) or "No such change.")


async def _found(directory: Path, search: Search, limit: int) -> list[Logged]:
    with closing(Database(directory)) as database:
        found = await history.find(database, search, limit)
        if search.id is None:
            return found
        return [replace(one, lines=tuple([line async for line in history.lines(database, one.id)])) for one in found]


async def _export(directory: Path, search: Search, limit: int | None, stream: TextIO) -> None:
    """A line of JSON for each change of what was found, the newest operation first; of one without changes, a line."""
    left, older_than = limit, search.older_than
    with closing(Database(directory)) as database:
        while left != 0:
            most = _TOGETHER if left is None else min(_TOGETHER, left)
            found = await history.find(database, replace(search, older_than=older_than), most)
            for one in found:
                about = {name: value for name, value in _data(one).items() if name not in ("changes", "counts")}
                without = True
                async for line in history.lines(database, one.id):
                    _write(stream, {**about, "change": _line_data(line)})
                    without = False
                if without:
                    _write(stream, {**about, "change": None})
            if len(found) < most:
                return
            left, older_than = None if left is None else left - most, found[-1].id


def _write(stream: TextIO, row: dict[str, Any]) -> None:
    stream.write(json.dumps(row) + "\n")  # in ASCII, so that every id comes back as it is


def _search(external_id: str, of_object: str, tool: str, since: str, until: str) -> Search:
    word, _, number = of_object.partition("/")
    object_type = str(object_type_of(word))
    if of_object and (object_type not in OBJECT_TYPES or whole_number(number, 1_000) is None):
        raise click.BadParameter("must be people, accounts or users, a slash and an id.", param_hint="--object")
    return Search(
        external_id=external_id,
        object_type=object_type,
        object_id=min(int(number), 2**63 - 1) if number else None,
        title=tool,
        since=_moment("--since", since),
        until=_moment("--until", until, end=True),
    )


def _moment(option: str, text: str, end: bool = False) -> float | None:
    try:
        return history.moment(text, end=end) if text else None
    except (ValueError, OverflowError):
        raise click.BadParameter("must be a date or time such as 2026-01-31T09:00.", param_hint=option) from None


def _data(row: Logged) -> dict[str, Any]:
    return {
        "id": row.id,
        "at": row.time,
        "environment": named(row.tenant),
        "team": row.team,
        "who": row.who,
        "person": row.person,
        "tool": row.title,
        "agreed": row.agreed,
        "plan": row.plan,
        "undoes": row.undoes or None,
        "undone_by": row.undone_by or None,
        "counts": dict(row.counts),
        "changes": [_line_data(line) for line in row.lines],
    }


def _line_data(line: Line) -> dict[str, Any]:
    change = line.change
    return {
        "id": line.id,
        "line": line.line,
        "at": utc(line.at),
        "kind": change.kind,
        **asdict(change.key),
        "object_id": change.object_id,
        "outcome": line.state,
        "note": line.note,
        "before": change.before,
        "after": change.after,
    }


def _told(row: Logged) -> Iterator[str]:
    """An operation in lines that fit a terminal: what was done and how it ended, each change, where, who and how."""
    several = row.counts.total() > 1
    ended = row.did or ", ".join(f"{number:,} {state}" if several else state for state, number in row.counts.items())
    title = f"{row.title} {row.undoes}" if row.undoes else row.title
    plan = f" (plan {row.plan})" if row.plan else ""
    undone = f", undone by {row.undone_by}" if row.undone_by else ""
    yield f"{row.id}  {row.time}  {escaped(title + plan)}: {ended or 'nothing was to be written'}{undone}"
    yield from (f"    {_named(line)}" for line in row.lines)
    if row.counts.total() > len(row.lines):
        yield f"    and {row.counts.total() - len(row.lines)} more"
    team = f", team {row.team}" if row.team else ""
    who = escaped(f"{row.who}, {row.person}" if row.person else row.who)
    yield f"    {named(row.tenant)}{team} · {who} · {row.agreed}"


def _named(line: Line) -> str:
    key, object_id = line.change.key, line.change.object_id
    named = f"{escaped(key.external_type)} {quoted(key.external_id) if key.external_id else ''}".strip()
    return f"{named} → {key.object_type if object_id is None else one_record(key.object_type, object_id)}"
