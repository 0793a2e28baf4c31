"""The commands of plans: what each is told. What it does is in `commands`, under the name of its group."""

from collections.abc import Callable
from pathlib import Path

import click

from salesloft_mcp.commands import options
from salesloft_mcp.commands.options import EXIT_CODES, FILE, as_json, on_salesloft

MACHINES = "Print it for machines."


@click.group(cls=options.Moved, epilog=EXIT_CODES)
def backfill() -> None:
    """Give many records an external id: plan first, read the plan, then run it with `runs`.

    A plan writes nothing to Salesloft. With --sandbox, give --sandbox-file as well: a sandbox in memory is a new one
    for every command.
    """


@backfill.command(epilog=EXIT_CODES)
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--custom-field", default="", help="Take the ids from this custom field of people or accounts.")
@click.option("--external-type", required=True, help="The configured name of your system, such as crm_lead.")
@options.object_type(required=True)
@options.columns
@as_json(help=MACHINES)
@on_salesloft
def plan() -> None:
    """Plan what FILE or a custom field asks for. Writes nothing to Salesloft.

    Each row has external_id and one of object_id, email, domain or crm_id. Rows that cannot be are no failure: the exit
    code is 0, and the run leaves them out.
    """


@click.group("bulk-upsert", cls=options.Commands, epilog=EXIT_CODES)
def bulk_upsert() -> None:
    """Create or update many people or accounts by external id: plan first, read the plan, then run it with `runs`.

    A plan writes nothing to Salesloft. With --sandbox, give --sandbox-file as well: a sandbox in memory is a new one
    for every command.
    """


@bulk_upsert.command("plan", epilog=EXIT_CODES)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--external-type", required=True, help="The name of your system, such as crm_lead.")
@click.option("--object-type", required=True, type=click.Choice(["people", "accounts"]))
@click.option(
    "--intent",
    type=click.Choice(["upsert", "create_only", "update_only"]),
    default="upsert",
    show_default=True,
    help="create_only changes no record that exists, update_only creates none.",
)
@options.columns
@as_json(help=MACHINES)
@on_salesloft
def plan_upserts() -> None:
    """Plan what FILE asks for. Writes nothing to Salesloft.

    Each row has external_id and the fields to write, such as email_address, last_name or custom_fields.Region. Rows
    that cannot be are no failure: the exit code is 0, and the run leaves them out.
    """


@click.group(cls=options.Commands, epilog=EXIT_CODES)
def runs() -> None:
    """Run what was planned: start it, watch it, stop it, go on with it, take it back.

    A run does exactly what its plan says, can be stopped and resumed at any moment, and writes nothing twice. With
    --sandbox, give --sandbox-file as well: a sandbox in memory is a new one for every command.
    """


_plan = click.argument("plan_id", metavar="PLAN")


def _writing(command: Callable[..., None]) -> Callable[..., None]:
    """The options of the commands that write."""
    yes = "Do not ask, whatever is created or overwritten; deletions need an answer all the same."
    for option in (on_salesloft, as_json(help=MACHINES), click.option("--yes", is_flag=True, help=yes), _plan):
        command = option(command)
    return command


@runs.command(epilog=EXIT_CODES)
@_writing
@click.option("--include-suspicious", is_flag=True, help="Also write rows whose external ids look damaged.")
def start() -> None:
    """Write what PLAN says, and nothing else. Ctrl-C stops it; `resume` goes on.

    The exit code is 1 when a row was refused, or when it stopped before the end.
    """


@runs.command(epilog=EXIT_CODES)
@_writing
def resume() -> None:
    """Go on with a run that was stopped or cancelled. What was in flight is looked up first.

    The exit code is 1 when a row was refused, or when it stopped before the end.
    """


@runs.command(epilog=EXIT_CODES)
@_writing
def undo() -> None:
    """Take back all that the run of PLAN wrote. Ctrl-C stops it; the same command goes on.

    What the run created is deleted, after you have agreed; records stay. That is a run, too, with a plan of its own.
    The exit code is 1 when a row was refused, or when it stopped before the end.
    """


@runs.command(epilog=EXIT_CODES)
@_plan
@as_json(help=MACHINES)
@on_salesloft
def status() -> None:
    """Show how far PLAN is. Sends nothing."""


@runs.command(epilog=EXIT_CODES)
@_plan
@as_json(help=MACHINES)
@on_salesloft
def cancel() -> None:
    """End the run of PLAN after the rows in flight, wherever it runs. What was written stays; `resume` goes on."""


@runs.command("list", epilog=EXIT_CODES)
@click.option("--limit", default=20, show_default=True, type=click.IntRange(1), help="So many, newest first.")
@as_json(help=MACHINES)
@on_salesloft
def list_all() -> None:
    """Show the plans made here and how far they are, newest first. Sends nothing."""


@runs.command(epilog=EXIT_CODES)
@_plan
@click.option("--format", "form", type=click.Choice(["jsonl", "csv"]), help="[default: as --output ends, or jsonl]")
@click.option("--output", type=FILE, help="Write it to this file.")
@on_salesloft
def report() -> None:
    """Write a line for every row of PLAN: what was given, what was planned, how it ended. Sends nothing.

    In a CSV, cells that a spreadsheet would run as a formula begin with a quote; `plan` takes it off again.
    """


GROUPS = (backfill, bulk_upsert, runs)
