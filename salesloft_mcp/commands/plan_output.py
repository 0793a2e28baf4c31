"""Plans in a terminal: a bar while one is worked on, a table of how far it is, a line each in a list; or JSON."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Unpack

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text

from salesloft_mcp.app import App
from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.report import ReportRow, attention
from salesloft_mcp.bulk.sources import source, wanted
from salesloft_mcp.bulk.status import Status
from salesloft_mcp.bulk.views import PlanView, RowView, plan_sentence
from salesloft_mcp.commands.live import Where, with_app
from salesloft_mcp.errors import SalesloftMcpError
from salesloft_mcp.intake.heads import Heads, columns_of

STEP_SECONDS = 0.5
EXAMPLES = 10


def make(
    aim: Aim, file: Path | None, custom_field: str, columns: tuple[str, ...], as_json: bool, **where: Unpack[Where]
) -> None:
    """Make a plan, and show it with the rows that need attention."""
    file = file and file.resolve()
    chosen = columns_of(columns)
    Heads(wanted(aim), chosen)  # a field that does not exist is a wrong option, whatever the file

    async def work(app: App) -> str:
        load, described = source(app.salesloft, file=file or "", custom_field=custom_field, columns=chosen)
        found = await followed(app, await app.jobs.plan(aim, load, described))
        if found.problem:
            raise SalesloftMcpError(found.problem)
        show(app, found, as_json, await attention(app.plans, app.changes.log, found, 0, EXAMPLES))
        return found.plan.id

    made = with_app(work, **where)
    if not as_json:
        click.echo(f"Run it with: salesloft-mcp runs start {made}")


async def followed(app: App, plan: str) -> Status:
    """How far it is when nobody works on it any more, with a bar on standard error until then."""
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    bar = Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal)
    with bar:
        task = bar.add_task("")
        async for found in app.jobs.watch(plan, STEP_SECONDS):
            done, total = (0, None) if found.state == "planning" else (found.done, found.plan.writes)
            bar.update(task, description=found.state, completed=done, total=total)
    return found


def show(app: App, found: Status, as_json: bool, rows: Sequence[ReportRow] = ()) -> None:
    """Everything of one plan, and some of its rows."""
    view = PlanView.of(found, app.budget.bulk).data()
    shown = [RowView.model_validate(one).data() for one in rows]
    if as_json:
        click.echo(json.dumps({**view, **({"rows": shown} if shown else {})}, indent=2))
        return
    console = Console(highlight=False)
    table = Table("name", Column("value", overflow="fold"), show_header=False, box=None)
    for name, value in {"environment": app.environment, "team": found.plan.team, **view}.items():
        for row, cell in value.items() if isinstance(value, dict) else [(name, value)]:
            table.add_row(Text(str(row)), Text(f"{cell:,}" if isinstance(cell, int) else str(cell)))
    console.print(table)
    for cells in shown:
        console.print(Text("  ".join(f"{name} {cell}" for name, cell in cells.items())), soft_wrap=True)
    console.print(Text(plan_sentence(found)))


def show_all(app: App, found: Sequence[Status], as_json: bool) -> None:
    """A line for each plan."""
    views = [PlanView.of(one, app.budget.bulk) for one in found]
    if as_json:
        click.echo(json.dumps([view.data() for view in views], indent=2))
        return
    for view, one in zip(views, found, strict=True):
        click.echo(f"{view.plan}  {view.external_type} {view.object_type}, {view.source}: {plan_sentence(one)}")
    if not found:
        click.echo(f"No plan was made in {app.environment}.")
