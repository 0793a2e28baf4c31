"""`salesloft-mcp backfill`: many mappings from a file or a custom field, planned, run, watched and reported."""

import json
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from salesloft_mcp.commands.common import EXIT_CODES, Option, exit_on_error, on_salesloft, with_app
from salesloft_mcp.errors import ConflictError, InputError, SalesloftMcpError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from salesloft_mcp.app import App
    from salesloft_mcp.bulk.jobs import Status
    from salesloft_mcp.bulk.plan import Aim
    from salesloft_mcp.bulk.report import Format
    from salesloft_mcp.salesloft.models import ObjectType
    from salesloft_mcp.state.journal import Line

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

    async def work(app: "App") -> "tuple[Status, list[Line], int]":
        from salesloft_mcp.bulk.plan import Aim
        from salesloft_mcp.bulk.report import attention

        aim = Aim(external_type, object_type)
        await _check_type(app, aim.external_type, aim.object_type)
        status = await _followed(app, _begin(app, aim, file, custom_field))
        if status.state == "failed":
            raise SalesloftMcpError(status.problem)
        with app.backfills.report(status.id) as journal:
            return status, attention(journal, 0, EXAMPLES), app.budget.bulk

    status, lines, bulk = _here(work, where)
    if as_json:
        _print_json(status, bulk, lines)
    else:
        _show(status, bulk, lines)
        click.echo(f"Run it with: salesloft-mcp backfill run {status.id}")


@backfill.command(epilog=EXIT_CODES)
@click.argument("backfill_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask, even for more than 500 creates.")
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
@on_salesloft
def run(backfill_id: str, yes: bool, as_json: bool, **where: Option) -> None:
    """Create what the plan ID says, and nothing else. Ctrl-C stops it; `resume` goes on.

    The exit code is 1 when a row was refused, or when it stopped before the end.
    """
    _run(_here(partial(_read, backfill_id=backfill_id), where), yes, as_json, where)


@backfill.command(epilog=EXIT_CODES)
@click.argument("backfill_id", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask, even for more than 500 creates.")
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
@on_salesloft
def resume(backfill_id: str, yes: bool, as_json: bool, **where: Option) -> None:
    """Go on with a run that was stopped or cancelled. What was in flight is looked up first.

    The exit code is 1 when a row was refused, or when it stopped before the end.
    """
    found = _here(partial(_read, backfill_id=backfill_id), where)
    exit_on_error(_check_begun, found[0])
    _run(found, yes, as_json, where)


@backfill.command(epilog=EXIT_CODES)
@click.argument("backfill_id", metavar="ID")
@click.option("--json", "as_json", is_flag=True, help=JSON_HELP)
@on_salesloft
def status(backfill_id: str, as_json: bool, **where: Option) -> None:
    """Show how far ID is. Sends nothing."""
    found, bulk = _here(partial(_read, backfill_id=backfill_id), where)
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
        from salesloft_mcp.bulk.report import write_report

        with app.backfills.report(backfill_id) as journal:
            if output is None:
                write_report(journal, sys.stdout, form or by_suffix)
                return
            # All of it, or the file stays what it was.
            part = output.with_name(f"{output.name}.part")
            try:
                with part.open("w", encoding="utf-8", newline="") as file:
                    write_report(journal, file, form or by_suffix)
                part.replace(output)
            except OSError as error:
                raise InputError("--output", f"cannot be written ({error.strerror}).") from error

    _here(work, where)


def _here(work: "Callable[[App], Awaitable[DoneT]]", where: dict[str, Option]) -> DoneT:
    rest = dict(where)
    sandbox, file = bool(rest.pop("sandbox")), rest.pop("sandbox_file")
    return with_app(work, sandbox, Path(str(file)) if file else None, **rest)


async def _read(app: "App", backfill_id: str) -> "tuple[Status, int]":
    return app.backfills.status(backfill_id), app.budget.bulk


def _check_begun(found: "Status") -> None:
    if found.state == "planned":
        raise ConflictError("this backfill was not begun yet.", next_step=f"salesloft-mcp backfill run {found.id}")


def _run(found: "tuple[Status, int]", yes: bool, as_json: bool, where: dict[str, Option]) -> None:
    """Ask, begin, watch. The question is put before the loop runs, where Ctrl-C would wait for Enter."""
    before, bulk = found
    confirmed = _agreed(before, bulk, yes)

    async def work(app: "App") -> "Status":
        if not app.backfills.status(before.id).under_way:
            app.backfills.start(before.id, confirmed)
        return await _followed(app, before.id)

    try:
        after = _here(work, where)
    except KeyboardInterrupt:
        click.echo(f"Stopped. Go on with: salesloft-mcp backfill resume {before.id}", err=True)
        sys.exit(130)
    if as_json:
        _print_json(after, bulk)
    else:
        _show(after, bulk)
        click.echo(f"Every row: salesloft-mcp backfill report {after.id}")
    sys.exit(0 if after.state == "finished" and not after.refused else 1)


def _agreed(before: "Status", bulk: int, yes: bool) -> str:
    """How a person agreed; "" where a run is small, or was agreed to before it was cut off."""
    from salesloft_mcp.bulk.plan import MOST_UNASKED

    left = before.creates - before.done
    if left <= MOST_UNASKED or (before.state == "stopped" and before.confirmed):
        return ""
    if yes:
        return "--yes in a terminal"
    _show(before, bulk)
    click.confirm(f"Create {left:,} mappings in {before.environment}?", abort=True, err=True)
    return "asked in a terminal"


async def _followed(app: "App", backfill_id: str) -> "Status":
    """Until nobody works on it any more, with a bar on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    console = Console(stderr=True)
    bar = Progress(*columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal)
    with bar:
        task = bar.add_task("")
        found = app.backfills.status(backfill_id)
        while found.under_way:
            planning = found.state == "planning"
            done, total = (sum(found.verdicts.values()), None) if planning else (found.done, found.creates)
            bar.update(task, description=found.state, completed=done, total=total)
            found = await app.backfills.wait(backfill_id, STEP_SECONDS)
    return found


def _print_json(found: "Status", bulk: int, lines: "Sequence[Line]" = ()) -> None:
    from salesloft_mcp.server.backfill_view import attention_row, facts

    rows = {"rows": [attention_row(line) for line in lines]} if lines else {}
    click.echo(json.dumps({**facts(found, bulk), **rows}, indent=2))


def _show(found: "Status", bulk: int, lines: "Sequence[Line]" = ()) -> None:
    from rich.console import Console
    from rich.table import Column, Table
    from rich.text import Text

    from salesloft_mcp.server.backfill_view import attention_row, facts, sentence

    console = Console(highlight=False)
    table = Table("name", Column("value", overflow="fold"), show_header=False, box=None)
    for name, value in facts(found, bulk).items():
        for row, cell in value.items() if isinstance(value, dict) else [(name, value)]:
            table.add_row(Text(str(row)), Text(f"{cell:,}" if isinstance(cell, int) else str(cell)))
    console.print(table)
    for line in lines:
        shown = attention_row(line)
        console.print(Text("  ".join(f"{name} {cell}" for name, cell in shown.items())), soft_wrap=True)
    console.print(Text(sentence(found)))


def _begin(app: "App", aim: "Aim", file: Path | None, custom_field: str) -> str:
    from salesloft_mcp.bulk.sources import load_field, load_file

    if file is not None:
        return app.backfills.plan(aim, partial(load_file, file=file.resolve()), f"file {file.name}")
    load = partial(load_field, api=app.backfills.api, field=custom_field)
    return app.backfills.plan(aim, load, f"custom field {custom_field}")


async def _check_type(app: "App", external_type: str, object_type: "ObjectType") -> None:
    from salesloft_mcp.server.refusals import not_configured

    known = await app.configurations.live()
    if not any((one.external_type, one.object_type) == (external_type, object_type) for one in known):
        raise not_configured(external_type, object_type, known)
