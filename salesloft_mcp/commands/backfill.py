"""`salesloft-mcp backfill`: many mappings from a file or a custom field, planned, run, watched and reported."""

import json
import sys
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from salesloft_mcp.commands.common import EXIT_CODES, Option, exit_on_error, on_salesloft, with_app
from salesloft_mcp.errors import ConflictError, SalesloftMcpError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from salesloft_mcp.app import App
    from salesloft_mcp.bulk.jobs import Status
    from salesloft_mcp.bulk.plan import Aim
    from salesloft_mcp.bulk.report import Format, ReportRow
    from salesloft_mcp.changes.change import Operation
    from salesloft_mcp.changes.consent import Question
    from salesloft_mcp.salesloft.models import ObjectType

STEP_SECONDS = 0.5
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

    async def work(app: "App") -> "tuple[Status, list[ReportRow], int]":
        from salesloft_mcp.bulk.plan import Aim
        from salesloft_mcp.bulk.report import attention
        from salesloft_mcp.changes.refusals import require_configured

        await require_configured(app.configurations, external_type, object_type)
        found = await _followed(app, await _begin(app, Aim(external_type, object_type), file, custom_field))
        if found.state == "failed":
            raise SalesloftMcpError(found.problem)
        return found, await attention(app.jobs, app.changes.log, found, 0, EXAMPLES), app.budget.bulk

    found, rows, bulk = _here(work, where)
    if as_json:
        _print_json(found, bulk, rows)
    else:
        _show(found, bulk, rows)
        click.echo(f"Run it with: salesloft-mcp backfill run {found.plan.id}")


@backfill.command(epilog=EXIT_CODES)
@click.argument("backfill_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask, even for more than 500 creates.")
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
@on_salesloft
def run(backfill_id: str, yes: bool, as_json: bool, **where: Option) -> None:
    """Create what the plan ID says, and nothing else. Ctrl-C stops it; `resume` goes on.

    The exit code is 1 when a row was refused, or when it stopped before the end.
    """
    _run(backfill_id, yes, as_json, where)


@backfill.command(epilog=EXIT_CODES)
@click.argument("backfill_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask, even for more than 500 creates.")
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
@on_salesloft
def resume(backfill_id: str, yes: bool, as_json: bool, **where: Option) -> None:
    """Go on with a run that was stopped or cancelled. What was in flight is looked up first.

    The exit code is 1 when a row was refused, or when it stopped before the end.
    """
    exit_on_error(_check_begun, _here(partial(_read, plan=backfill_id), where)[0])
    _run(backfill_id, yes, as_json, where)


@backfill.command(epilog=EXIT_CODES)
@click.argument("backfill_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
@on_salesloft
def status(backfill_id: str, as_json: bool, **where: Option) -> None:
    """Show how far ID is. Sends nothing."""
    found, bulk = _here(partial(_read, plan=backfill_id), where)
    if as_json:
        _print_json(found, bulk)
    else:
        _show(found, bulk)


@backfill.command(epilog=EXIT_CODES)
@click.argument("backfill_id", metavar="ID")
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), help="[default: as --output ends, or jsonl]")
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write it to this file.")
@on_salesloft
def report(
    backfill_id: str,
    form: "Format | None",
    output: Path | None,
    **where: Option,
) -> None:
    """Write a line for every row of ID: what was given, what was planned, how it ended. Sends nothing.

    In a CSV, cells that a spreadsheet would run as a formula begin with a quote; `plan` takes it off again.
    """
    by_suffix: Format = "csv" if output is not None and output.suffix.lower() == ".csv" else "jsonl"

    async def work(app: "App") -> None:
        from salesloft_mcp.bulk.report import every_row, write_report
        from salesloft_mcp.state.files import atomic_output

        rows = every_row(app.jobs, app.changes.log, await app.jobs.status(backfill_id))
        with nullcontext(sys.stdout) if output is None else atomic_output(output) as stream:
            await write_report(rows, stream, form or by_suffix)

    _here(work, where)


def _here(work: "Callable[[App], Awaitable[DoneT]]", where: dict[str, Option]) -> DoneT:
    rest = dict(where)
    sandbox, file = bool(rest.pop("sandbox")), rest.pop("sandbox_file")
    return with_app(work, sandbox, Path(str(file)) if file else None, **rest)


async def _read(app: "App", plan: str) -> "tuple[Status, int]":
    return await app.jobs.status(plan), app.budget.bulk


async def _asked(app: "App", plan: str) -> "tuple[int, Operation | None, Question | None]":
    """What a run of the plan would do now, and what a person has to be asked before; with the points a minute."""
    found = await app.jobs.status(plan)
    if found.state in ("running", "planning", "finished", "failed"):
        return app.budget.bulk, None, None
    operation = await app.jobs.operation(plan, "backfill run")
    return app.budget.bulk, operation, await app.jobs.question(operation)


def _check_begun(found: "Status") -> None:
    if found.state == "planned":
        raise ConflictError("it was not begun yet.", next_step=f"salesloft-mcp backfill run {found.plan.id}")


def _run(plan: str, yes: bool, as_json: bool, where: dict[str, Option]) -> None:
    """Ask, begin, watch. The question is put before the loop runs, where Ctrl-C would wait for Enter."""
    bulk, operation, question = _here(partial(_asked, plan=plan), where)
    how = _agreed(question, yes)

    async def work(app: "App") -> "Status":
        from salesloft_mcp.changes.change import Author

        if operation is not None:
            await app.jobs.start(operation, Author("terminal", how, question.digest if question and how else ""))
        return await _followed(app, plan)

    try:
        after = _here(work, where)
    except KeyboardInterrupt:
        click.echo(f"Stopped. Go on with: salesloft-mcp backfill resume {plan}", err=True)
        sys.exit(130)
    if as_json:
        _print_json(after, bulk)
    else:
        _show(after, bulk)
        click.echo(f"Every row: salesloft-mcp backfill report {plan}")
    sys.exit(0 if after.state == "finished" and not after.refused else 1)


def _agreed(question: "Question | None", yes: bool) -> str:
    """How a person agreed; "" where nobody has to."""
    if question is None:
        return ""
    if yes:
        return "--yes in a terminal"
    click.echo(question.text, err=True)
    click.confirm("Agree?", abort=True, err=True)
    return "asked in a terminal"


async def _followed(app: "App", plan: str) -> "Status":
    """Until nobody works on it any more, with a bar on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    bar = Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal)
    with bar:
        task = bar.add_task("")
        found = await app.jobs.status(plan)
        while found.under_way:
            done, total = (0, None) if found.state == "planning" else (found.done, found.writes)
            bar.update(task, description=found.state, completed=done, total=total)
            found = await app.jobs.wait(plan, STEP_SECONDS)
    return found


def _print_json(found: "Status", bulk: int, rows: "Sequence[ReportRow]" = ()) -> None:
    from salesloft_mcp.bulk.views import plan_view, row_view

    shown = plan_view(found, bulk).model_dump(exclude_none=True)
    more = {"rows": [row_view(row).model_dump(exclude_none=True) for row in rows]} if rows else {}
    click.echo(json.dumps({**shown, **more}, indent=2))


def _show(found: "Status", bulk: int, rows: "Sequence[ReportRow]" = ()) -> None:
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    from salesloft_mcp.bulk.views import plan_sentence, plan_view, row_view

    console = Console(highlight=False)
    table = Table("name", Column("value", overflow="fold"), show_header=False, box=None)
    for name, value in plan_view(found, bulk).model_dump(exclude_none=True).items():
        for row, cell in value.items() if isinstance(value, dict) else [(name, value)]:
            table.add_row(Text(str(row)), Text(f"{cell:,}" if isinstance(cell, int) else str(cell)))
    console.print(table)
    for one in rows:
        cells = row_view(one).model_dump(exclude_none=True)
        console.print(Text("  ".join(f"{name} {cell}" for name, cell in cells.items())), soft_wrap=True)
    console.print(Text(plan_sentence(found)))


async def _begin(app: "App", aim: "Aim", file: Path | None, custom_field: str) -> str:
    from salesloft_mcp.bulk.sources import load_field, load_file

    if file is not None:
        return await app.jobs.plan(aim, partial(load_file, file=file), f"file {file.name}")
    load = partial(load_field, api=app.jobs.api, field=custom_field)
    return await app.jobs.plan(aim, load, f"custom field {custom_field}")
