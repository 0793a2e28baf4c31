"""`salesloft-mcp changes`: the log of every write, for a person or a script."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from salesloft_mcp.commands.common import EXIT_CODES, Option, exit_on_error, settings_of, state_dir

if TYPE_CHECKING:
    from salesloft_mcp.state.changes import Logged, Search


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
    """Show every write that was made through this product, newest first."""
    from salesloft_mcp.state.local import LocalState

    search = _search(**asked)
    options: dict[str, Option] = {"state_dir": state_dir}
    with exit_on_error(LocalState, settings_of(options).state_dir) as state:
        rows = state.log.find(search, limit)
    if as_json:
        click.echo(json.dumps([{**asdict(row), "at": row.time} for row in rows], indent=2))
    else:
        _show(rows)


def _search(external_id: str, of_object: str, tool: str, since: str, until: str) -> "Search":
    from salesloft_mcp.salesloft.models import OBJECT_TYPES, object_type_of
    from salesloft_mcp.state.changes import Search

    word, _, number = of_object.partition("/")
    object_type = str(object_type_of(word))
    if of_object and (object_type not in OBJECT_TYPES or not (number.isascii() and number.isdigit())):
        raise click.BadParameter("must be people, accounts or users, a slash and an id.", param_hint="--object")
    return Search(
        external_id=external_id,
        object_type=object_type,
        object_id=min(int(number), 2**63 - 1) if number else None,
        tool=tool,
        since=_moment("--since", since),
        until=_moment("--until", until, end=True),
    )


def _moment(option: str, text: str, end: bool = False) -> float | None:
    from salesloft_mcp.state.changes import moment

    try:
        return moment(text, end=end) if text else None
    except (ValueError, OverflowError):
        raise click.BadParameter("must be a date or time such as 2026-01-31T09:00.", param_hint=option) from None


def _show(rows: "list[Logged]") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console()
    if not rows:
        console.print("No such change.")
        return
    table = Table("id", "when (UTC)", "who", "environment", "tool", "what", "outcome", "confirmed", box=None)
    for row in rows:
        table.add_row(str(row.id), *map(Text, _cells(row)))
    console.print(table)


def _cells(row: "Logged") -> tuple[str, ...]:
    from salesloft_mcp.text import escaped, quoted

    named = f"{escaped(row.external_type)} {quoted(row.external_id) if row.external_id else ''}".strip()
    of = row.object_type if row.object_id is None else f"{row.object_type} {row.object_id}"
    ended = row.outcome if row.undone_by is None else f"{row.outcome}, undone by {row.undone_by}"
    tool = row.tool if row.undoes is None else f"{row.tool} {row.undoes}"
    return (
        row.time,
        escaped(row.who),
        row.environment,
        escaped(tool),
        f"{named} → {of}",
        ended,
        row.confirmed or "no need",
    )
