"""The command line: what each command is told. What it does is in `commands`, under the same names."""

import gc
import json
import os
import sys
from dataclasses import asdict
from io import TextIOWrapper
from typing import NoReturn

import click

from salesloft_mcp import __version__, cli_hosts, cli_plans
from salesloft_mcp.commands import options
from salesloft_mcp.commands.options import EXIT_CODES, FILE, as_json, on_salesloft, setting, state_dir

PORT = click.IntRange(1, 65535)


def _oddities(ctx: click.Context, parameter: click.Parameter, names: tuple[str, ...]) -> tuple[str, ...]:
    """Names that the sandbox knows. It takes too long to be imported for `--help`."""
    if not names:
        return ()
    from salesloft_mcp.sandbox import ODD

    return tuple(click.Choice(ODD).convert(name, parameter, ctx) for name in names)


@click.group(
    cls=options.Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=EXIT_CODES,
)
@click.version_option(__version__, prog_name="salesloft-mcp")
def cli() -> None:
    """Salesloft through the ids that your own systems use: an MCP server, and a sandbox to try it on."""


@cli.command(cls=click.Command, epilog=EXIT_CODES)
@as_json(help="Print the transcript for machines.")
def demo(as_json: bool) -> None:
    """Show an assistant at work, on the sandbox.

    It is a scripted session with the real server over stdio. Needs no account.
    """
    import anyio

    from salesloft_mcp.demo.show import show
    from salesloft_mcp.demo.talk import hold_demo

    session = anyio.run(hold_demo, None if as_json else show)
    if as_json:
        click.echo(json.dumps([asdict(event) for event in session.events], indent=2))
    sys.exit(0 if session.as_promised else 1)


@cli.command(epilog=EXIT_CODES)
@click.option("--http", is_flag=True, help="Serve /mcp over HTTP on loopback instead of stdio.")
@click.option("--host", default="127.0.0.1", show_default=True, help="A loopback address, for --http.")
@click.option("--port", default=8000, show_default=True, type=PORT, help="For --http.")
@options.sandbox
@options.sandbox_file
@options.dialect(help="For --sandbox.")
@options.base_url
@options.mode
@options.ask
@options.confirm
@state_dir
@options.files_dir
@options.rate_limit
@options.tools
@options.setting("--exclude-tools", default="", help="Without these tools, separated by commas.")
def serve() -> None:
    """Serve MCP on stdio, or over HTTP on loopback.

    Settings come from SALESLOFT_API_KEY, SALESLOFT_CLIENT_ID, SALESLOFT_CLIENT_SECRET, SALESLOFT_BASE_URL,
    SALESLOFT_MODE, SALESLOFT_ASK, SALESLOFT_CONFIRM, SALESLOFT_STATE_DIR, SALESLOFT_FILES_DIR and SALESLOFT_RATE_LIMIT;
    options win. Secrets are read from the environment only. Without a key, the sign-in of `salesloft-mcp login` is
    used. A policy of the computer's administrator limits all of them: docs/policy.md.
    """
    # Measured: collecting garbage while a thousand types are made is a sixth of the start. `run` switches it on.
    gc.disable()


@cli.command(epilog=EXIT_CODES)
@click.option("--port", default=8765, show_default=True, type=PORT)
@options.dialect(show_default=True)
@click.option("--file", type=FILE, help="Keep the data here instead of in memory.")
@click.option("--rate-limit", default=600, show_default=True, help="Points a minute; 0 for no limit.")
@click.option("--scopes", multiple=True, help="Limit the token to these scopes, separated by commas.")
@click.option("--oauth", is_flag=True, help="Print an OAuth token instead of an API key, and how to sign in.")
@click.option(
    "--token-seconds",
    default=7200,
    show_default=True,
    type=click.IntRange(1, 86_400),
    help="How long a token lives that somebody signs in for.",
)
@click.option(
    "--odd",
    multiple=True,
    metavar="NAME",
    callback=_oddities,
    help="What few expect; may be given several times.",
)
def sandbox() -> None:
    """Serve the sandbox over HTTP, for tests and trials.

    It imitates the API locally. It prints a token with which every call may be made, or with --scopes only some: the
    others answer 403. What is configured with an OAuth token has the source type "integration".

    \b
    --odd odd-values          numbers, lists and GUIDs where text and references are expected, in single rows
    --odd null-rows           lists of records end with a null
    --odd hidden-records      the records of user 5 are left out of every list, as from a token that may not see them
    --odd ids-in-plain-lists  mappings show their id only in lists that are not narrowed by external id
    --odd singular-filter     mappings are filtered by "person", as the reference shows it, and not by "people"

    \b
    Each other one makes one assumption untrue, which `salesloft-mcp verify` then finds; docs/assumptions.md tells them.
    """


for command in cli_hosts.COMMANDS:
    cli.add_command(command)


@cli.command(epilog=EXIT_CODES)
@setting("--client-id", help="Of the OAuth application; its secret is asked for, or is SALESLOFT_CLIENT_SECRET.")
@click.option("--api-key", is_flag=True, help="Keep an API key instead; it is asked for, or is SALESLOFT_API_KEY.")
@click.option("--client-credentials", is_flag=True, help="For a private application: no person has to agree.")
@click.option("--no-browser", is_flag=True, help="Print the address, and take the pasted redirect.")
@click.option("--no-keyring", is_flag=True, help="Keep it in a private file, even where the system has a keyring.")
@click.option(
    "--redirect-uri",
    default="http://localhost:8788/callback",
    show_default=True,
    help="The Redirect URI of the application.",
)
@click.option("--scope", default="", help="Ask for these scopes, separated by spaces. [default: the application's]")
@options.base_url
@setting("--accounts-url", help="Where one signs in. [default: Salesloft's, or of another base URL that one]")
@state_dir
@as_json(help="Print who it is for machines.")
def login() -> None:
    """Sign in to Salesloft with an OAuth application.

    A page of Salesloft opens in the browser, where a person agrees. The sign-in is kept in the system's keyring, with
    the extra `keyring`, or in a file that only you can read, and is renewed by itself. A server that runs already uses
    it from its next call on. docs/sign-in.md says how to make the application.
    """


@cli.command(epilog=EXIT_CODES)
@options.base_url
@state_dir
def logout() -> None:
    """End the sign-in.

    It is revoked where Salesloft says how, and is kept no longer.
    """


@cli.command(epilog=EXIT_CODES)
@state_dir
@as_json(help="List the pending questions for machines; decide nothing.")
def approvals() -> None:
    """Decide what a server could not ask about.

    Each pending question is put: y or N. Then the same call of the tool goes through, once.
    """


@cli.command(epilog=EXIT_CODES)
@click.argument("ids", nargs=-1)
@click.option("--file", help="Read ids from this file, or - for standard input: one a line, or a table's external_id.")
@options.columns
@click.option("--external-type", default="", help="Only ids of this external type.")
@options.object_type(help="Only these objects.")
@click.option("--names", is_flag=True, help="Tell who each record is, for two points more for a hundred people.")
@as_json(help="Print a line of JSON for each id.")
@on_salesloft
def resolve() -> None:
    """Find which object each external id stands for.

    Answers come in input order; an id given twice is answered once. Ids are compared byte by byte; near misses that
    were seen on the way are shown, never used. A file has an id a line, or is a table (CSV, JSON Lines, a workbook)
    with the column external_id.

    The exit code is 0 when every id stands for exactly one object, and else 1; it is also 1 when a row of the file has
    no id that can be looked up: then none is.

    \b
    salesloft-mcp resolve CONTACT3456 --external-type crm_lead --names
    salesloft-mcp resolve --file ids.txt --json
    salesloft-mcp resolve --file export.csv --map "Contact ID=external_id"
    """


@cli.command(epilog=EXIT_CODES)
@click.option("--external-type", default="", help="Only this external type.")
@options.object_type(help="Only these objects.")
@click.option("--output", type=FILE, help="Write every finding to this .jsonl or .csv file.")
@as_json(help="Print the summary for machines.")
@on_salesloft
def audit() -> None:
    """Check all mappings, and how much they reach.

    Looked for are external ids of several objects, objects with several ids of one type, mappings to objects that are
    gone (or that the token may not see), ids that are nearly the same, and ids that look damaged. Nothing is changed.
    To find some is no failure: the exit code is 0.

    \b
    salesloft-mcp audit --external-type crm_lead --output found.csv
    """


@cli.command(epilog=EXIT_CODES)
@options.dialect(show_default=True, help="For --sandbox.")
@click.option("--yes", is_flag=True, help="Do not ask; only for a Salesloft on a loopback address.")
@click.option("--output", type=FILE, help="Write the report to this .json file.")
@as_json(help="Print the report for machines.")
@on_salesloft
def verify() -> None:
    """Try whether Salesloft behaves as is assumed here.

    A person at a terminal agrees first. It makes external types that nobody else uses, maps the token's own user to
    them, and removes both again; people, accounts, other users and other types are not touched. What Salesloft gives
    no way to remove is listed, and so is what was not tried. The report names no person. What is seen is remembered and
    used from the next start on. The exit code is 1 when anything is otherwise than assumed.

    \b
    salesloft-mcp verify --sandbox --dialect guide
    salesloft-mcp verify --output report.json
    """


for group in cli_plans.GROUPS:
    cli.add_command(group)


@cli.command(epilog=EXIT_CODES)
@click.option("--external-id", default="", help="Only of this external id, exactly.")
@click.option("--object", "of_object", default="", metavar="TYPE/ID", help="Only of this object, e.g. people/123.")
@click.option("--tool", default="", help="Only by this tool, e.g. delete_external_id_mapping.")
@click.option("--since", default="", help="From this ISO date or time on (UTC).")
@click.option("--until", default="", help="Up to this ISO date, or before this time (UTC).")
@click.option("--id", "number", type=click.IntRange(1), help="This one alone, with each of its changes.")
@click.option("--limit", type=click.IntRange(1), help="So many, newest first.  [default: 50; all with --jsonl]")
@state_dir
@as_json(help="For machines, with what was there before and after.")
@click.option("--jsonl", is_flag=True, help="For an audit: a line of JSON for each change of each write, whole.")
@click.option("--output", type=FILE, help="Write those lines to this file.")
def changes() -> None:
    """Show every write that was made through this product.

    The newest comes first. A run is one line; --id opens it. It shows all environments that share this state directory.
    """


def main() -> NoReturn:
    """The entry point of `salesloft-mcp`."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # where a terminal knows fewer characters than a record
    try:
        sys.exit(cli.main(prog_name="salesloft-mcp", standalone_mode=False))
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except click.Abort as abort:
        if isinstance(abort.__context__, KeyboardInterrupt):
            sys.exit(130)
        told = "" if sys.stdin.isatty() else " Answer y on standard input, or give --yes where nothing is deleted."
        click.echo(f"Nobody agreed, and nothing was done.{told}", err=True)
        sys.exit(1)
    except OSError as error:
        if not isinstance(error, BrokenPipeError):  # nobody reads on, as with `| head`
            click.echo(f"salesloft-mcp: {error.strerror}", err=True)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        sys.exit(1)
    except BaseExceptionGroup as group:
        if group.subgroup(SystemExit) is None:
            raise
        sys.exit(1)  # how rich ends when nobody reads on
