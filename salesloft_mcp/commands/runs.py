"""`salesloft-mcp runs`: a plan of any kind is run, watched, stopped, resumed, reported and taken back."""

import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Literal, Unpack

import anyio
import click

from salesloft_mcp.app import App
from salesloft_mcp.bulk.jobs import Jobs
from salesloft_mcp.bulk.report import Format, all_attention, ended_badly, every_row, write_report
from salesloft_mcp.bulk.status import Status, operation_of
from salesloft_mcp.bulk.views import RowView
from salesloft_mcp.changes import undo as undoing
from salesloft_mcp.changes.change import Author, Operation
from salesloft_mcp.changes.consent import Question
from salesloft_mcp.commands.approvals import at_terminal, forget_what_was_typed, require_own_answer
from salesloft_mcp.commands.live import Where, with_app
from salesloft_mcp.commands.options import typed
from salesloft_mcp.commands.plan_output import EXAMPLES, followed, row_told, show, show_all
from salesloft_mcp.errors import ConflictError, InputError
from salesloft_mcp.policy import Policy
from salesloft_mcp.state.files import atomic_output

CANCEL_SECONDS = 5.0

WhichRows = Literal["all", "written", "attention"]

Build = Callable[[App, str], Awaitable[Operation | None]]  # None where it runs already, and is only to be watched
Begin = Callable[[Jobs, Operation, Author], Awaitable[int]]


def start(plan_id: str, include_suspicious: bool, yes: bool, as_json: bool, **where: Unpack[Where]) -> None:
    """Do what a plan says, from its beginning or from where it was stopped."""
    build = partial(_to_start, suspicious=include_suspicious)
    _carry_out(plan_id, build, Jobs.start, yes, as_json, **where)


def resume(plan_id: str, yes: bool, as_json: bool, **where: Unpack[Where]) -> None:
    """Go on with a run that was stopped."""
    _carry_out(plan_id, _to_resume, Jobs.start, yes, as_json, **where)


def undo(plan_id: str, yes: bool, as_json: bool, **where: Unpack[Where]) -> None:
    """Take back what a run wrote, which is a run of its own."""
    _carry_out(plan_id, _to_undo, Jobs.start_undo, yes, as_json, **where)


def status(plan_id: str, as_json: bool, **where: Unpack[Where]) -> None:
    """Show how far a plan is."""

    async def work(app: App) -> None:
        show(app, await app.plans.status(plan_id), as_json)

    with_app(work, **where)


def cancel(plan_id: str, as_json: bool, **where: Unpack[Where]) -> None:
    """Cancel a run, and show how far it came."""

    async def work(app: App) -> None:
        await app.jobs.cancel(plan_id)
        show(app, await app.jobs.wait(plan_id, CANCEL_SECONDS), as_json)

    with_app(work, **where)


def list_all(limit: int, as_json: bool, **where: Unpack[Where]) -> None:
    """Show the newest plans."""

    async def work(app: App) -> None:
        show_all(app, await app.plans.newest(limit), as_json)

    with_app(work, **where)


def report(
    plan_id: str, which: WhichRows, form: Format | Literal["text"] | None, output: Path | None, **where: Unpack[Where]
) -> None:
    """Write the rows of a plan."""
    by_suffix: Format = "csv" if output is not None and output.suffix.lower() == ".csv" else "jsonl"

    async def work(app: App) -> None:
        found = await app.plans.status(plan_id)
        of = (app.plans, app.changes.log, found)
        rows = (
            all_attention(*of)
            if which == "attention"
            else every_row(*of, only=found.plan.written if which == "written" else ())
        )
        with nullcontext(sys.stdout) if output is None else atomic_output(output) as stream:
            if form == "text":
                async for row in rows:
                    stream.write(row_told(RowView.model_validate(row)) + "\n")
            else:
                await write_report(rows, stream, form or by_suffix)

    with_app(work, **where)


def _carry_out(plan_id: str, build: Build, begin: Begin, yes: bool, as_json: bool, **where: Unpack[Where]) -> None:
    """Ask, begin or go on, watch, and exit with 1 unless all of it was done.

    The question is put before the loop runs, where Ctrl-C would wait for Enter.
    """
    operation, question, policy = with_app(partial(_asked, plan=plan_id, build=build), **where)
    author = _author(operation, question, yes, policy)
    plan = operation.by_run.plan if operation else plan_id
    stopped_by: list[signal.Signals] = []

    async def work(app: App) -> Status | None:
        if operation:
            await begin(app.jobs, operation, author)
        if found := await (_watched(app, plan, stopped_by) if operation else followed(app, plan)):
            show(app, found, as_json, await ended_badly(app.plans, app.changes.log, found, 0, EXAMPLES + 1))
        return found

    try:
        after = with_app(work, **where)
    except KeyboardInterrupt:
        stopped_by, after = [signal.SIGINT], None
    if after is None:
        on = "resume" if plan == plan_id else "undo"  # whose own plan may not be there yet
        click.echo(f"Stopped. Go on with: {typed('runs', on, plan_id)}", err=True)
        sys.exit(128 + stopped_by[0])
    sys.exit(0 if after.state == "finished" and not after.refused else 1)


async def _asked(app: App, plan: str, build: Build) -> tuple[Operation | None, Question | None, Policy]:
    """What would be done now, what a person has to be asked before, and what the administrator says of it."""
    operation = await build(app, plan)
    if operation is None:
        return None, None, app.policy
    question = await app.jobs.question(operation)
    if question is None:
        click.echo(f"In {await app.changes.place()}: {operation.by_run.told}", err=True)
    return operation, question, app.policy


async def _to_start(app: App, plan: str, suspicious: bool = False) -> Operation | None:
    found = await app.plans.status(plan)
    watch = found.state == "running" and not suspicious
    return None if watch else operation_of(found, "runs start", suspicious)


async def _to_resume(app: App, plan: str) -> Operation | None:
    if (await app.plans.status(plan)).state == "planned":
        what = "plan: it was not begun yet. Nothing was started."
        raise ConflictError(what, next_step=typed("runs", "start", plan))
    return await _to_start(app, plan)


async def _to_undo(app: App, plan: str) -> Operation:
    """What takes everything back that the run of a plan wrote.

    Raises:
        ConflictError: it was not begun, is under way or taken back already, or cannot be taken back from here.
    """
    found = await app.plans.status(plan)
    number = found.plan.operation
    if not number:
        step = f"choose one that was begun; {typed('runs', 'list')} shows them."
        raise ConflictError("plan: it was not begun, so there is nothing to undo.", next_step=step)
    if found.under_way:
        step = f"{typed('runs', 'cancel', plan)}; when it has ended, undo it."
        raise ConflictError(f"plan: it is {found.state}. Nothing was changed.", next_step=step)
    if found.state == "undone" and (last := await app.plans.undo_of(found.plan)):
        step = f"to take that back: {typed('runs', 'undo', last.id)}"
        raise ConflictError(f"plan: {last.id} took it back already. Nothing was changed.", next_step=step)
    operation = await undoing.undo(app.changes, app.database, number, "runs undo")
    if operation.changes:
        what = f"plan: its run belongs to change {number}, which changed a configuration, too. Nothing was undone."
        raise ConflictError(what, next_step=f"have an assistant call undo_change {number}, which takes back both.")
    begun = await app.plans.row(operation.by_run.plan)
    if begun and (await app.plans.status(begun.id)).under_way:
        step = f"look how far it is: {typed('runs', 'status', begun.id)}"
        raise ConflictError("plan: somebody is taking it back already. Nothing was changed.", next_step=step)
    return operation


def _author(operation: Operation | None, question: Question | None, yes: bool, policy: Policy) -> Author:
    """On whose account it is run, and how a person agreed where somebody has to."""
    if operation is None or question is None:
        return Author("terminal")
    click.echo(question.text, err=True)
    require_own_answer(policy, yes)
    if yes and operation.by_run.deletes:
        raise click.UsageError("--yes agrees to no deletions, and this run deletes. Leave it out, and answer by hand.")
    if operation.by_run.deletes and not at_terminal():
        what = "this run deletes, and a person agrees to that at a terminal, which this is not. Nothing was done."
        raise InputError("answer", what, next_step="run it in a terminal.")
    if not yes:
        forget_what_was_typed()
        click.confirm("Agree?", abort=True, err=True)
    return Author("terminal", "--yes in a terminal" if yes else "asked in a terminal", question.digest)


async def _watched(app: App, plan: str, stopped_by: list[signal.Signals]) -> Status | None:
    """Its end. Stopped by a person, it counts as cancelled: no server goes on with it by itself."""
    found = None
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_stop, tasks.cancel_scope, stopped_by)
            found = await followed(app, plan)
            tasks.cancel_scope.cancel()
    finally:
        if found is None:
            with anyio.CancelScope(shield=True), suppress(ConflictError):
                await app.jobs.cancel(plan)
    return found


async def _stop(scope: anyio.CancelScope, stopped_by: list[signal.Signals]) -> None:
    """The end of a terminal, or of the machine, stops a run as Ctrl-C does, unless it is ignored, as under nohup."""
    if sys.platform == "win32":
        return
    ends = [one for one in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(one) is not signal.SIG_IGN]
    with anyio.open_signal_receiver(*ends) as signals:
        async for number in signals:
            stopped_by.append(number)
            scope.cancel()
