"""Plans in a terminal: a bar while one is worked on, a table of how far it is, a line each in a list; or JSON."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Unpack

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn
from rich.table import Column, Table
from rich.text import Text

from salesloft_mcp.app import App
from salesloft_mcp.bulk.plan import Aim, Load
from salesloft_mcp.bulk.report import ReportRow, attention
from salesloft_mcp.bulk.sources import source, wanted
from salesloft_mcp.bulk.status import Status
from salesloft_mcp.bulk.views import PlanView, RowView, plan_sentence
from salesloft_mcp.commands.live import Where, with_app
from salesloft_mcp.commands.options import typed
from salesloft_mcp.errors import InputError, SalesloftMcpError
from salesloft_mcp.intake.heads import MAP, Heads, columns_of
from salesloft_mcp.intake.values import external_id
from salesloft_mcp.salesloft.environment import named
from salesloft_mcp.salesloft.requests import MAX_EXTERNAL_TYPE
from salesloft_mcp.text import quoted

STEP_SECONDS = 0.5
EXAMPLES = 10


def make(
    aim: Aim, file: Path | None, custom_field: str, columns: tuple[str, ...], as_json: bool, **where: Unpack[Where]
) -> None:
    """Make a plan of what a file or a custom field asks for, and show it with the rows that need attention."""
    external_id(aim.external_type, "--external-type", MAX_EXTERNAL_TYPE)
    file = file and file.resolve()
    chosen = columns_of(columns)
    if chosen and custom_field:
        raise InputError(MAP, "a custom field has no columns.", next_step="leave it out.")
    Heads(wanted(aim), chosen, option=MAP)  # a field that does not exist is a wrong option, whatever the file

    def load(app: App) -> tuple[Load, str]:
        return source(app.salesloft, file=file or "", custom_field=custom_field, columns=chosen)

    make_of(aim, load, as_json, **where)


def make_of(aim: Aim, load_from: Callable[[App], tuple[Load, str]], as_json: bool, **where: Unpack[Where]) -> None:
    """Make a plan of what is loaded, and show it with the rows that need attention."""

    async def work(app: App) -> None:
        load, described = load_from(app)
        found = await followed(app, await app.jobs.plan(aim, load, described))
        if found.problem:
            raise SalesloftMcpError(found.problem)  # which says what to do
        show(app, found, as_json, await attention(app.plans, app.changes.log, found, 0, EXAMPLES + 1))

    with_app(work, **where)


def next_steps(found: Status) -> list[str]:
    """What may be typed next."""
    row, plan = found.plan, found.plan.id
    if found.state in ("planning", "failed") or not row.counts.total():
        return []
    steps = ["Every row: " + typed("runs", "report", plan, "--output", f"{plan}.csv")]
    if found.state in ("paused", "stopped", "cancelled") and found.left:
        steps.append("Go on with: " + typed("runs", "resume", plan))
    if found.state != "planned" or row.undoes:
        return steps
    if row.writes:
        rows = typed("runs", "report", plan, "--rows", "written", "--format", "text")
        steps.append(f"What would be written, old and new: {rows}")
        steps.append("Run it: " + typed("runs", "start", plan))
    if row.counts["suspicious"]:
        told = "Run it with what is suspicious" if row.writes else "Only suspicious rows could be written"
        steps.append(f"{told}: " + typed("runs", "start", plan, "--include-suspicious"))
    return steps if row.writes or row.counts["suspicious"] else [*steps, "There is nothing to run."]


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
    """Everything of one plan, its numbers first, and some of its rows."""
    view = PlanView.of(found, app.budget.bulk).data()
    shown = [RowView.model_validate(one) for one in rows[:EXAMPLES]]
    if as_json:
        given = {"rows": [row.data() for row in shown]} if shown else {}
        click.echo(json.dumps({**view, **given}, indent=2))
        return
    console = Console(highlight=False)
    console.print(Text(plan_sentence(found)), soft_wrap=True)
    console.print(_table({"environment": named(app.environment), "team": found.plan.team, **view}))
    for row in shown:
        console.print(Text(row_told(row)), soft_wrap=True)
    if len(rows) > len(shown):
        attention = typed("runs", "report", view["plan"], "--rows", "attention", "--format", "text")
        console.print(
            Text(f"Only the first {EXAMPLES} of these rows are shown; all of them: {attention}"), soft_wrap=True
        )
    for step in next_steps(found):
        console.print(Text(step), soft_wrap=True)


def _table(facts: Mapping[str, Any]) -> Table:
    """A line for each fact. Of several under one name, each has its own."""
    table = Table("name", Column("value", overflow="fold"), show_header=False, box=None)
    for name, value in facts.items():
        if name == "asks":
            lines = [(name, f"{inner}: {one:,}") for inner, one in value.items()]
        elif isinstance(value, dict):
            lines = [(inner, one) for inner, one in value.items() if one]
        else:
            lines = [(name, one) for one in value] if isinstance(value, list) else [(name, value)]
        for head, cell in lines:
            amount = isinstance(cell, int) and head not in ("team", "change_id")
            table.add_row(Text(head), Text(f"{cell:,}" if amount else str(cell)))
    return table


def row_told(row: RowView) -> str:
    """A row for a person: where it stands, what the plan says of it and why, and each field, old and new."""
    record = "" if row.object_id is None or row.given.startswith("object_id") else f" (record {row.object_id})"
    given = f", {row.given}" if row.given else ""
    ended = f", {row.outcome}" if row.outcome else ""
    told = [f"line {row.line}: {quoted(row.external_id)}{record}{given}: {row.plan}{ended}"]
    told[0] += f": {row.note}" if row.note else ""
    old, new = row.old or {}, row.new or {}
    told += [f"    {name}: {_json(old[name])} → {_json(value)}" for name, value in new.items() if name in old]
    others = [f"{name}: {_json(value)}" for name, value in new.items() if name not in old and value not in ("", None)]
    return "\n".join([*told, *([f"    {', '.join(others)}"] if others else [])])


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def show_all(app: App, found: Sequence[Status], as_json: bool) -> None:
    """A line for each plan."""
    views = [PlanView.of(one, app.budget.bulk) for one in found]
    if as_json:
        click.echo(json.dumps([view.data() for view in views], indent=2))
        return
    for view, one in zip(views, found, strict=True):
        click.echo(f"{view.plan}  {view.external_type} {view.object_type}, {view.source}: {plan_sentence(one)}")
    if not found:
        click.echo(f"No plan was made in {named(app.environment)}.")
