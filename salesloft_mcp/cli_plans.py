"""The commands of plans: what each is told. What it does is in `commands`, under the name of its group."""

from collections.abc import Callable
from pathlib import Path

import click

from salesloft_mcp.commands import options
from salesloft_mcp.commands.options import EXIT_CODES, FILE, as_json, on_salesloft

MACHINES = "Print it for machines."


@click.group(cls=options.Moved, epilog=EXIT_CODES)
def backfill() -> None:
    """Plan an external id for each of many records.

    Read the plan, then run it with `runs`. A plan writes nothing to Salesloft. With --sandbox, give --sandbox-file as
    well: a sandbox in memory is a new one for every command.
    """


@backfill.command(epilog=EXIT_CODES)
@click.argument("file", required=False, type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--custom-field", default="", help="Take the ids from this custom field of people or accounts.")
@click.option("--external-type", required=True, help="The name of your system, such as crm_lead.")
@options.object_type(required=True, help="The kind of record.")
@options.columns
@as_json(help=MACHINES)
@on_salesloft
def plan() -> None:
    """Plan what FILE or a custom field asks for. Writes nothing to Salesloft.

    FILE is a CSV, JSON Lines, a JSON array or, with the extra `excel`, a workbook (.xlsx). Each row has external_id,
    the id in your own system, and one or more of these columns, which name its record:

    \b
    people    object_id (Salesloft's own id; also person_id), email, crm_id
    accounts  object_id (also account_id), domain, crm_id
    users     object_id (also user_id), email

    Heads match without regard to case, spaces, underscores, hyphens and dots. What any other column holds, --map says.

    Rows that cannot be are no failure: the plan tells them, the run leaves them out, and the exit code is 0. It is 1
    when the file as a whole is refused, and 2 when an option is wrong.

    \b
    salesloft-mcp backfill plan contacts.csv --external-type crm_lead --object-type people
    salesloft-mcp backfill plan export.csv --external-type crm_lead --object-type people \\
        --map "Contact ID=external_id" --map "Mail=email"
    salesloft-mcp backfill plan --custom-field "Legacy ID" --external-type crm_lead --object-type people
    """


@click.group("bulk-upsert", cls=options.Commands, epilog=EXIT_CODES)
def bulk_upsert() -> None:
    """Plan many people or accounts to create or update.

    Read the plan, then run it with `runs`. A plan writes nothing to Salesloft. With --sandbox, give --sandbox-file as
    well: a sandbox in memory is a new one for every command.
    """


@bulk_upsert.command("plan", epilog=EXIT_CODES)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option("--external-type", required=True, help="The name of your system, such as crm_lead.")
@click.option("--object-type", required=True, type=click.Choice(["people", "accounts"]), help="The kind of record.")
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

    FILE is a CSV, JSON Lines, a JSON array or, with the extra `excel`, a workbook (.xlsx). Each row has external_id,
    the id in your own system, and the fields to write. A blank cell leaves a field as it is. The columns are:

    \b
    people    email_address (also email), first_name, last_name, title, phone, phone_extension,
              mobile_phone, home_phone, secondary_email_address, personal_email_address,
              linkedin_url, twitter_handle, personal_website, city, state, country, work_city,
              work_state, work_country, person_company_name, person_company_website,
              person_company_industry, job_seniority, locale, eu_resident, do_not_contact,
              contact_restrictions, person_stage_id, account_id, import_id
    accounts  name, domain, website, phone, description, industry, size, revenue_range, founded,
              company_type, company_stage_id, account_tier_id, conversational_name, linkedin_url,
              twitter_handle, street, city, state, postal_code, country, locale, archived,
              do_not_contact
    both      owner_id, crm_id with crm_id_type, tags (separated by ; or ,), custom_fields.NAME,
              clear (names of fields to empty)
    instead   account.external_id and owner.external_id, ids of another system in place of Salesloft's
              own; with account.external_type and owner.external_type where that is another type

    Heads match without regard to case, spaces, underscores, hyphens and dots. What any other column holds, --map says.

    Rows that cannot be are no failure: the plan tells them, the run leaves them out, and the exit code is 0. It is 1
    when the file as a whole is refused, and 2 when an option is wrong.

    \b
    salesloft-mcp bulk-upsert plan leads.csv --external-type crm_lead --object-type people
    salesloft-mcp bulk-upsert plan export.csv --external-type crm_lead --object-type people \\
        --intent update_only --map "Contact ID=external_id" --map "Area=custom_fields.Region"
    """


@click.group(cls=options.Commands, epilog=EXIT_CODES)
def rename() -> None:
    """Plan to give all mappings of an external type to another type.

    Read the plan, then run it with `runs`. A plan writes nothing to Salesloft. With --sandbox, give --sandbox-file as
    well: a sandbox in memory is a new one for every command.
    """


@rename.command("plan", epilog=EXIT_CODES)
@click.argument("external_type", metavar="TYPE")
@click.option("--to", "new", required=True, help="The external type that the mappings get.")
@options.object_type(required=True, help="The kind of record.")
@as_json(help=MACHINES)
@on_salesloft
def plan_rename() -> None:
    """Plan to give all mappings of TYPE to another type. Writes nothing to Salesloft.

    The run creates each mapping under the new type, and only then deletes mappings under TYPE, after you have agreed.
    A type that does not exist yet is configured first; the configuration of TYPE stays. `runs undo` renames it back.

    Mappings that cannot be renamed are no failure: the plan tells them, and the run leaves them as they are.

    \b
    salesloft-mcp rename plan crm_leed --to crm_lead --object-type people
    """


@click.group(cls=options.Commands, epilog=EXIT_CODES)
def runs() -> None:
    """Run what was planned, watch it, and take it back.

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
    """Write what PLAN says, and nothing else.

    Ctrl-C stops it; `resume` goes on. The exit code is 1 when a row was refused, or when it stopped before the end.

    \b
    salesloft-mcp runs start PLAN
    salesloft-mcp runs start PLAN --include-suspicious
    """


@runs.command(epilog=EXIT_CODES)
@_writing
def resume() -> None:
    """Go on with a run that was stopped or cancelled.

    What was in flight is looked up first. The exit code is 1 when a row was refused, or when it stopped before the end.
    """


@runs.command(epilog=EXIT_CODES)
@_writing
def undo() -> None:
    """Take back all that the run of PLAN wrote.

    Ctrl-C stops it; the same command goes on. The mappings that the run created are deleted, after you have agreed;
    records stay, and fields that it overwrote get their old values. That is a run, too, with a plan of its own.
    The exit code is 1 when a row was refused, or when it stopped before the end.
    """


@runs.command(epilog=EXIT_CODES)
@_plan
@as_json(help=MACHINES)
@on_salesloft
def status() -> None:
    """Show how far PLAN is. Sends nothing.

    It is planned, running, stopped (nobody works on it: `resume` goes on), cancelled, finished, failed or undone.
    """


@runs.command(epilog=EXIT_CODES)
@_plan
@as_json(help=MACHINES)
@on_salesloft
def cancel() -> None:
    """End the run of PLAN after the rows in flight.

    It may run anywhere. What was written stays; `resume` goes on.
    """


@runs.command("list", epilog=EXIT_CODES)
@click.option(
    "--limit", default=20, show_default=True, type=click.IntRange(1, 1_000_000), help="So many, newest first."
)
@as_json(help=MACHINES)
@on_salesloft
def list_all() -> None:
    """Show the plans made here and how far they are.

    The newest comes first. Sends nothing.
    """


@runs.command(epilog=EXIT_CODES)
@_plan
@click.option(
    "--rows",
    "which",
    type=click.Choice(["all", "written", "attention"]),
    default="all",
    show_default=True,
    help="written: what the run writes; attention: what it cannot write, or what failed.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["jsonl", "csv", "text"]),
    help="text is for reading. [default: as --output ends, or jsonl]",
)
@click.option("--output", type=FILE, help="Write it to this file.")
@on_salesloft
def report() -> None:
    """Write every row of PLAN, or some. Sends nothing.

    A row has what was given, what was planned and why, each field old and new, and how it ended. `value` is the key
    that was looked up, and `as_given` has keys, account and owner as the input has them, where these are others.
    In a CSV, cells that a spreadsheet would run as a formula begin with a quote; `plan` takes it off again.

    \b
    salesloft-mcp runs report PLAN --output report.csv
    salesloft-mcp runs report PLAN --rows written --format text | less
    """


GROUPS = (backfill, bulk_upsert, rename, runs)
