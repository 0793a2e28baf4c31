"""`salesloft-mcp backfill`: many mappings from a file or a custom field, planned, run, watched and reported."""

import signal
import sys
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Unpack

import anyio
import click

from salesloft_mcp.app import App
from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.report import Format, attention, every_row, write_report
from salesloft_mcp.bulk.sources import source
from salesloft_mcp.bulk.status import Status, operation_of
from salesloft_mcp.changes.change import Author, Operation
from salesloft_mcp.changes.consent import Question, by_run
from salesloft_mcp.changes.refusals import require_configured
from salesloft_mcp.commands.live import Where, with_app
from salesloft_mcp.commands.plan_output import followed, show, show_all
from salesloft_mcp.errors import ConflictError, SalesloftMcpError
from salesloft_mcp.salesloft.models import ObjectType
from salesloft_mcp.state.files import atomic_output

CANCEL_SECONDS = 5.0
EXAMPLES = 10


def plan(
    file: Path | None,
    custom_field: str,
    external_type: str,
    object_type: ObjectType,
    as_json: bool,
    **where: Unpack[Where],
) -> None:
    """Make a plan, and show it with the rows that need attention."""
    if (file is None) == (not custom_field):
        raise click.UsageError("Give either FILE or --custom-field.")
    file = file and file.resolve()

    async def work(app: App) -> str:
        await require_configured(app.configurations, external_type, object_type)
        load, described = source(app.salesloft, file=file or "", custom_field=custom_field)
        found = await followed(app, await app.jobs.plan(Aim(external_type, object_type), load, described))
        if found.problem:
            raise SalesloftMcpError(found.problem)
        show(app, found, as_json, await attention(app.plans, app.changes.log, found, 0, EXAMPLES))
        return found.plan.id

    made = with_app(work, **where)
    if not as_json:
        click.echo(f"Run it with: salesloft-mcp backfill run {made}")


def run(plan_id: str, yes: bool, as_json: bool, **where: Unpack[Where]) -> None:
    """Ask, begin or go on, watch, and exit with 1 unless all of it was done.

    The question is put before the loop runs, where Ctrl-C would wait for Enter.
    """
    begun = click.get_current_context().info_name == "resume"
    operation, question = with_app(partial(_asked, plan=plan_id, begun=begun), **where)
    author = _author(operation, question, yes)

    stopped_by: list[signal.Signals] = []

    async def work(app: App) -> Status | None:
        following = _begun(app, operation, author, stopped_by) if operation else followed(app, plan_id)
        if found := await following:
            show(app, found, as_json)
        return found

    try:
        after = with_app(work, **where)
    except KeyboardInterrupt:
        stopped_by, after = [signal.SIGINT], None
    if after is None:
        click.echo(f"Stopped. Go on with: salesloft-mcp backfill resume {plan_id}", err=True)
        sys.exit(128 + stopped_by[0])
    if not as_json:
        click.echo(f"Every row: salesloft-mcp backfill report {plan_id}")
    sys.exit(0 if after.state == "finished" and not after.refused else 1)


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


def report(plan_id: str, form: Format | None, output: Path | None, **where: Unpack[Where]) -> None:
    """Write a line for every row of a plan."""
    by_suffix: Format = "csv" if output is not None and output.suffix.lower() == ".csv" else "jsonl"

    async def work(app: App) -> None:
        rows = every_row(app.plans, app.changes.log, await app.plans.status(plan_id))
        with nullcontext(sys.stdout) if output is None else atomic_output(output) as stream:
            await write_report(rows, stream, form or by_suffix)

    with_app(work, **where)


async def _asked(app: App, plan: str, begun: bool) -> tuple[Operation | None, Question | None]:
    """What a run of the plan would do now, and what a person has to be asked before."""
    found = await app.plans.status(plan)
    if found.state == "planned" and begun:
        raise ConflictError("it was not begun yet.", next_step=f"salesloft-mcp backfill run {plan}")
    if found.state == "running":
        return None, None
    operation = operation_of(found, "backfill run")
    question = await app.jobs.question(operation)
    if question is None:
        numbers = ", ".join(f"mappings to {verb}: {number}" for verb, number in by_run(operation).items())
        click.echo(f"In {await app.changes.place()}, {numbers or 'nothing to write'}", err=True)
    return operation, question


def _author(operation: Operation | None, question: Question | None, yes: bool) -> Author:
    """On whose account it is run, and how a person agreed where somebody has to."""
    if operation is None or question is None:
        return Author("terminal")
    click.echo(question.text, err=True)
    if yes and operation.deletes:
        raise click.UsageError("--yes agrees to creates only, and this run deletes. Leave it out, and answer by hand.")
    if not yes:
        click.confirm("Agree?", abort=True, err=True)
    return Author("terminal", "--yes in a terminal" if yes else "asked in a terminal", question.digest)


async def _begun(app: App, operation: Operation, author: Author, stopped_by: list[signal.Signals]) -> Status | None:
    """Run it to its end. Stopped by a person, it counts as cancelled: no server goes on with it by itself."""
    await app.jobs.start(operation, author)
    found = None
    try:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_stop, tasks.cancel_scope, stopped_by)
            found = await followed(app, operation.plan)
            tasks.cancel_scope.cancel()
    finally:
        if found is None:
            with anyio.CancelScope(shield=True), suppress(ConflictError):
                await app.jobs.cancel(operation.plan)
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
