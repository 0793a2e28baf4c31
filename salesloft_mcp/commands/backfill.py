"""`salesloft-mcp backfill`: many mappings from a file or a custom field, planned, run, watched and reported."""

import sys
from contextlib import nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import anyio
import click

from salesloft_mcp.commands.common import EXIT_CODES, Option, on_salesloft, with_app
from salesloft_mcp.commands.plan_output import followed, show, show_all
from salesloft_mcp.errors import ConflictError, SalesloftMcpError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from salesloft_mcp.app import App
    from salesloft_mcp.bulk.plan import Aim
    from salesloft_mcp.bulk.report import Format
    from salesloft_mcp.bulk.status import Status
    from salesloft_mcp.changes.change import Author, Operation
    from salesloft_mcp.changes.consent import Question
    from salesloft_mcp.salesloft.models import ObjectType

CANCEL_SECONDS = 5.0
EXAMPLES = 10
JSON_HELP = "Print it for machines."

DoneT = TypeVar("DoneT")


@click.group(epilog=EXIT_CODES)
def backfill() -> None:
    """Give many records an external id: plan first, read the plan, then run it.

    A plan writes nothing to Salesloft. A run does exactly what its plan says, can be stopped and resumed at any moment,
    and creates nothing twice. With --sandbox, give --sandbox-file as well: a sandbox in memory is a new one for every
    command.
    """


@backfill.command(epilog=EXIT_CODES)
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--custom-field", default="", help="Take the ids from this custom field of people or accounts.")
@click.option("--external-type", required=True, help="The configured name of your system, such as crm_lead.")
@click.option("--object-type", required=True, type=click.Choice(["people", "accounts", "users"]))
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
@on_salesloft
def plan(
    file: Path | None,
    custom_field: str,
    external_type: str,
    object_type: "ObjectType",
    as_json: bool,
    **where: Option,
) -> None:
    """Plan what FILE (.csv or .jsonl) or a custom field asks for. Writes nothing to Salesloft.

    Each row has external_id and one of object_id, email, domain or crm_id. Rows that cannot be are no failure: the exit
    code is 0, and the run leaves them out.
    """
    if (file is None) == (not custom_field):
        raise click.UsageError("Give either FILE or --custom-field.")
    file = file and file.resolve()

    async def work(app: "App") -> str:
        from salesloft_mcp.bulk.plan import Aim
        from salesloft_mcp.bulk.report import attention
        from salesloft_mcp.changes.refusals import require_configured

        await require_configured(app.configurations, external_type, object_type)
        found = await followed(app, await _begin(app, Aim(external_type, object_type), file, custom_field))
        if found.state == "failed":
            raise SalesloftMcpError(found.problem)
        show(app, found, as_json, await attention(app.plans, app.changes.log, found, 0, EXAMPLES))
        return found.plan.id

    made = _here(work, where)
    if not as_json:
        click.echo(f"Run it with: salesloft-mcp backfill run {made}")


@backfill.command(epilog=EXIT_CODES)
@click.argument("plan_id", metavar="PLAN")
@click.option("--yes", is_flag=True, help="Do not ask, even for more than 500 creates.")
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
@on_salesloft
def run(plan_id: str, yes: bool, as_json: bool, **where: Option) -> None:
    """Create what PLAN says, and nothing else. Ctrl-C stops it; `resume` goes on.

    The exit code is 1 when a row was refused, or when it stopped before the end.
    """
    _run(plan_id, yes, as_json, where)


@backfill.command(epilog=EXIT_CODES)
@click.argument("plan_id", metavar="PLAN")
@click.option("--yes", is_flag=True, help="Do not ask, even for more than 500 creates.")
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
@on_salesloft
def resume(plan_id: str, yes: bool, as_json: bool, **where: Option) -> None:
    """Go on with a run that was stopped or cancelled. What was in flight is looked up first.

    The exit code is 1 when a row was refused, or when it stopped before the end.
    """
    _run(plan_id, yes, as_json, where, begun=True)


@backfill.command(epilog=EXIT_CODES)
@click.argument("plan_id", metavar="PLAN")
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
@on_salesloft
def status(plan_id: str, as_json: bool, **where: Option) -> None:
    """Show how far PLAN is. Sends nothing."""

    async def work(app: "App") -> None:
        show(app, await app.plans.status(plan_id), as_json)

    _here(work, where)


@backfill.command(epilog=EXIT_CODES)
@click.argument("plan_id", metavar="PLAN")
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
@on_salesloft
def cancel(plan_id: str, as_json: bool, **where: Option) -> None:
    """End the run of PLAN after the rows in flight, wherever it runs. What was created stays; `resume` goes on."""

    async def work(app: "App") -> None:
        await app.jobs.cancel(plan_id)
        show(app, await app.jobs.wait(plan_id, CANCEL_SECONDS), as_json)

    _here(work, where)


@backfill.command("list", epilog=EXIT_CODES)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="So many, newest first.")
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
@on_salesloft
def list_all(limit: int, as_json: bool, **where: Option) -> None:
    """Show the plans made here and how far they are, newest first. Sends nothing."""

    async def work(app: "App") -> None:
        show_all(app, await app.plans.newest(limit), as_json)

    _here(work, where)


@backfill.command(epilog=EXIT_CODES)
@click.argument("plan_id", metavar="PLAN")
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), help="[default: as --output ends, or jsonl]")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file.")
@on_salesloft
def report(
    plan_id: str,
    form: "Format | None",
    output: Path | None,
    **where: Option,
) -> None:
    """Write a line for every row of PLAN: what was given, what was planned, how it ended. Sends nothing.

    In a CSV, cells that a spreadsheet would run as a formula begin with a quote; `plan` takes it off again.
    """
    by_suffix: Format = "csv" if output is not None and output.suffix.lower() == ".csv" else "jsonl"

    async def work(app: "App") -> None:
        from salesloft_mcp.bulk.report import every_row, write_report
        from salesloft_mcp.state.files import atomic_output

        rows = every_row(app.plans, app.changes.log, await app.plans.status(plan_id))
        with nullcontext(sys.stdout) if output is None else atomic_output(output) as stream:
            await write_report(rows, stream, form or by_suffix)

    _here(work, where)


def _here(work: "Callable[[App], Awaitable[DoneT]]", where: dict[str, Option]) -> DoneT:
    rest = dict(where)
    sandbox, file = bool(rest.pop("sandbox")), rest.pop("sandbox_file")
    return with_app(work, sandbox, Path(str(file)) if file else None, **rest)


def _run(plan: str, yes: bool, as_json: bool, where: dict[str, Option], begun: bool = False) -> None:
    """Ask, begin, watch. The question is put before the loop runs, where Ctrl-C would wait for Enter."""
    operation, question = _here(partial(_asked, plan=plan, begun=begun), where)
    author = _author(operation, question, yes)

    async def work(app: "App") -> "Status":
        found = await _begun(app, operation, author) if operation else await followed(app, plan)
        show(app, found, as_json)
        return found

    try:
        after = _here(work, where)
    except KeyboardInterrupt:
        click.echo(f"Stopped. Go on with: salesloft-mcp backfill resume {plan}", err=True)
        sys.exit(130)
    if not as_json:
        click.echo(f"Every row: salesloft-mcp backfill report {plan}")
    sys.exit(0 if after.state == "finished" and not after.refused else 1)


async def _asked(app: "App", plan: str, begun: bool) -> "tuple[Operation | None, Question | None]":
    """What a run of the plan would do now, and what a person has to be asked before."""
    from salesloft_mcp.changes.consent import by_run

    found = await app.plans.status(plan)
    if found.state == "planned" and begun:
        raise ConflictError("it was not begun yet.", next_step=f"salesloft-mcp backfill run {plan}")
    if found.state == "running":
        return None, None
    operation = await app.jobs.operation(plan, "backfill run")
    question = await app.jobs.question(operation)
    if question is None:
        numbers = ", ".join(f"{name}: {number}" for name, number in by_run(operation).items())
        click.echo(f"In {await app.changes.place()}, {numbers}", err=True)
    return operation, question


def _author(operation: "Operation | None", question: "Question | None", yes: bool) -> "Author":
    """On whose account it is run, and how a person agreed where somebody has to."""
    from salesloft_mcp.changes.change import Author

    if operation is None or question is None:
        return Author("terminal")
    click.echo(question.text, err=True)
    if yes and operation.deletes:
        raise click.UsageError("--yes agrees to creates only, and this run deletes. Leave it out, and answer by hand.")
    if not yes:
        click.confirm("Agree?", abort=True, err=True)
    return Author("terminal", "--yes in a terminal" if yes else "asked in a terminal", question.digest)


async def _begun(app: "App", operation: "Operation", author: "Author") -> "Status":
    """Run it to its end. Stopped by a person, it counts as cancelled: no server goes on with it by itself."""
    await app.jobs.start(operation, author)
    try:
        return await followed(app, operation.plan)
    except anyio.get_cancelled_exc_class():
        with anyio.CancelScope(shield=True), suppress(ConflictError):
            await app.jobs.cancel(operation.plan)
        raise


async def _begin(app: "App", aim: "Aim", file: Path | None, custom_field: str) -> str:
    from salesloft_mcp.bulk.sources import load_field, load_file

    if file is not None:
        return await app.jobs.plan(aim, partial(load_file, file=file), f"file {file.name}")
    load = partial(load_field, api=app.jobs.api, field=custom_field)
    return await app.jobs.plan(aim, load, f"custom field {custom_field}")
