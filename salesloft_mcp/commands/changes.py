"""`salesloft-mcp changes`: the log of every write, for a person or a script."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import click

from salesloft_mcp.commands.common import EXIT_CODES, Option, exit_on_error, settings_of, state_dir

if TYPE_CHECKING:
    from collections.abc import Iterator

    from salesloft_mcp.changes.change import Line
    from salesloft_mcp.changes.history import Logged, Search


@click.command(epilog=EXIT_CODES)
@click.option("--external-id", default="", help="Only of this external id, exactly.")
@click.option("--object", "of_object", default="", metavar="TYPE/ID", help="Only of this object, e.g. people/123.")
@click.option("--tool", default="", help="Only by this tool, e.g. delete_external_id_mapping.")
@click.option("--since", default="", help="From this ISO date or time on (UTC).")
@click.option("--until", default="", help="Up to this ISO date, or before this time (UTC).")
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1), help="So many, newest first.")
@state_dir
@click.option("--json", "as_json", is_flag=True, help="For machines, with what was there before and after.")
def changes(limit: int, as_json: bool, state_dir: Path | None, **asked: str) -> None:
    """Show every write that was made through this product, newest first. A run is one line."""
    search = _search(**asked)
    options: dict[str, Option] = {"state_dir": state_dir}
    rows = exit_on_error(anyio.run, _found, settings_of(options).state_dir, search, limit)
    if as_json:
        click.echo(json.dumps([_data(row) for row in rows], indent=2))
    else:
        click.echo("\n".join(line for row in rows for line in _told(row)) or "No such change.")


async def _found(directory: Path, search: "Search", limit: int) -> "list[Logged]":
    from salesloft_mcp.changes import history
    from salesloft_mcp.state.database import Database

    database = Database(directory)
    try:
        return await history.find(database, search, limit)
    finally:
        database.close()


def _search(external_id: str, of_object: str, tool: str, since: str, until: str) -> "Search":
    from salesloft_mcp.changes.history import Search
    from salesloft_mcp.salesloft.models import OBJECT_TYPES, object_type_of

    word, _, number = of_object.partition("/")
    object_type = str(object_type_of(word))
    if of_object and (object_type not in OBJECT_TYPES or not (number.isascii() and number.isdigit())):
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
    from salesloft_mcp.changes.history import moment

    try:
        return moment(text, end=end) if text else None
    except (ValueError, OverflowError):
        raise click.BadParameter("must be a date or time such as 2026-01-31T09:00.", param_hint=option) from None


def _data(row: "Logged") -> dict[str, Any]:
    return {
        "id": row.id,
        "at": row.time,
        "environment": row.tenant,
        "team": row.team,
        "who": row.who,
        "tool": row.title,
        "agreed": row.how,
        "plan": row.plan,
        "undoes": row.undoes or None,
        "undone_by": row.undone_by or None,
        "counts": dict(row.counts),
        "changes": [_line_data(line) for line in row.lines],
    }


def _line_data(line: "Line") -> dict[str, Any]:
    change = line.change
    return {
        "kind": change.kind,
        **asdict(change.key),
        "object_id": change.object_id,
        "outcome": line.state,
        "note": line.note,
        "before": change.before,
        "after": change.after,
    }


def _told(row: "Logged") -> "Iterator[str]":
    """An operation in lines that fit a terminal: what was done and how it ended, each change, where, who and how."""
    from salesloft_mcp.text import escaped

    ended = ", ".join(f"{number} {state}" if number > 1 else state for state, number in row.counts.items())
    title = f"{row.title} {row.undoes}" if row.undoes else row.title
    undone = f", undone by {row.undone_by}" if row.undone_by else ""
    yield f"{row.id}  {row.time}  {escaped(title)}: {ended}{undone}"
    yield from (f"    {_named(line)}" for line in row.lines)
    if row.counts.total() > len(row.lines):
        yield f"    and {row.counts.total() - len(row.lines)} more"
    team = f", team {row.team}" if row.team else ""
    yield f"    {row.tenant}{team} · {escaped(row.who)} · {row.how or 'nobody was asked'}"


def _named(line: "Line") -> str:
    from salesloft_mcp.text import escaped, quoted

    key, object_id = line.change.key, line.change.object_id
    named = f"{escaped(key.external_type)} {quoted(key.external_id) if key.external_id else ''}".strip()
    return f"{named} → {key.object_type if object_id is None else f'{key.object_type} {object_id}'}"
