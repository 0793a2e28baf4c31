"""The command line: parse, then one call each. Imports wait until they are needed, so that --help is quick."""

import gc
import json
import os
import sys
from contextlib import nullcontext
from functools import partial
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import anyio
import click
from click.core import ParameterSource

from salesloft_mcp import __version__
from salesloft_mcp.commands.audit import audit
from salesloft_mcp.commands.backfill import backfill
from salesloft_mcp.commands.changes import changes
from salesloft_mcp.commands.common import (
    EXIT_CODES,
    Option,
    base_url,
    exit_on_error,
    open_sandbox,
    rate_limit,
    sandbox_file,
    setting,
    settings_of,
    state_dir,
)
from salesloft_mcp.commands.resolve import resolve

if TYPE_CHECKING:
    from salesloft_mcp.settings import Dialect


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100}, epilog=EXIT_CODES)
@click.version_option(__version__, prog_name="salesloft-mcp")
def cli() -> None:
    """Salesloft through the ids that your own systems use: an MCP server, and a sandbox to try it on."""


@cli.command(epilog=EXIT_CODES)
@click.option("--json", "as_json", is_flag=True, help="Print the transcript for machines.")
def demo(as_json: bool) -> None:
    """A scripted assistant session with the real server over stdio, on the sandbox. Needs no account."""
    from salesloft_mcp.demo.show import show
    from salesloft_mcp.demo.talk import hold_demo

    events = anyio.run(hold_demo, None if as_json else show)
    if as_json:
        click.echo(json.dumps(events.transcript(), indent=2))
    sys.exit(0 if events.as_promised else 1)


@cli.command(epilog=EXIT_CODES)
@click.option("--http", is_flag=True, help="Serve /mcp over HTTP on loopback instead of stdio.")
@click.option("--host", default="127.0.0.1", show_default=True, help="A loopback address, for --http.")
@click.option("--port", default=8000, show_default=True, type=click.IntRange(1, 65535), help="For --http.")
@click.option("--sandbox", is_flag=True, help="Use the embedded sandbox: no account, no network, no real data.")
@sandbox_file
@click.option("--dialect", type=click.Choice(["reference", "guide"]), default="reference", help="For --sandbox.")
@base_url
@setting("--mode", type=click.Choice(["full", "no-delete", "read-only"]), help="What tools may do.")
@setting("--confirm", type=click.Choice(["auto", "elicit"]), help="How a person agrees.")
@state_dir
@setting(
    "--files-dir",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help="The folder whose files plan_backfill may read; none by default, never with --http.",
)
@rate_limit
@click.option("--tools", default="", help="Only these tools, separated by commas.")
@click.option("--exclude-tools", default="", help="Without these tools, separated by commas.")
def serve(
    http: bool,
    host: str,
    port: int,
    sandbox: bool,
    sandbox_file: Path | None,
    dialect: "Dialect",
    tools: str,
    exclude_tools: str,
    **options: Option,
) -> None:
    """Serve MCP on stdio, or over HTTP on loopback.

    Settings come from SALESLOFT_API_KEY, SALESLOFT_BASE_URL, SALESLOFT_MODE, SALESLOFT_CONFIRM, SALESLOFT_STATE_DIR,
    SALESLOFT_FILES_DIR and SALESLOFT_RATE_LIMIT; options win. The key is read from the environment only.
    """
    # Measured: collecting garbage while a thousand types are made is a sixth of the start. `run` switches it on.
    gc.disable()
    from salesloft_mcp.app import open_app
    from salesloft_mcp.hosting.run import run
    from salesloft_mcp.server.inventory import chosen

    if sandbox and options["base_url"]:
        raise click.UsageError("--sandbox and --base-url exclude each other: it is either the sandbox or that address.")
    _refuse_without("sandbox", "sandbox_file", "dialect")
    _refuse_without("http", "host", "port")
    if http and options["files_dir"]:
        raise click.UsageError("--http and --files-dir exclude each other: callers over HTTP may read no files.")
    settings = settings_of(options)
    if http:
        settings = settings.model_copy(update={"files_dir": None})
    entries = exit_on_error(chosen, settings.mode, _names(tools), _names(exclude_tools))
    with open_sandbox(sandbox_file, dialect) if sandbox else nullcontext() as box:
        address = (host, port) if http else None
        code = exit_on_error(anyio.run, run, open_app(settings, box), entries, address)
    sys.exit(code)


@cli.command(epilog=EXIT_CODES)
@click.option("--port", default=8765, show_default=True, type=click.IntRange(1, 65535))
@click.option("--dialect", type=click.Choice(["reference", "guide"]), default="reference", show_default=True)
@click.option(
    "--file", type=click.Path(path_type=Path, dir_okay=False), help="Keep the data here instead of in memory."
)
@click.option("--rate-limit", default=600, show_default=True, help="Points a minute; 0 for no limit.")
def sandbox(port: int, dialect: "Dialect", file: Path | None, rate_limit: int) -> None:
    """Serve the sandbox over HTTP: a local imitation of the API for tests and trials."""
    from salesloft_mcp.sandbox.serve import serve as serving

    with open_sandbox(file, dialect, rate_limit) as box:
        click.echo(f"# SANDBOX, no real data. Ctrl-C stops it.\nSALESLOFT_BASE_URL=http://127.0.0.1:{port}")
        click.echo(f"SALESLOFT_API_KEY={box.api_key}")
        try:
            anyio.run(partial(serving, box, port=port))
        except SystemExit:  # how uvicorn ends after it has said that the port is taken
            sys.exit(1)


@cli.command(epilog=EXIT_CODES)
@state_dir
@click.option("--json", "as_json", is_flag=True, help="List the pending questions for machines; decide nothing.")
def approvals(as_json: bool, **options: Option) -> None:
    """Decide what a server could not ask about: each pending question, y or N."""
    from salesloft_mcp.commands.approvals import decide_each, listed

    settings = settings_of(options)
    if as_json:
        click.echo(json.dumps(exit_on_error(anyio.run, listed, settings.state_dir), indent=2))
    else:
        exit_on_error(anyio.run, decide_each, settings.state_dir)


cli.add_command(resolve)
cli.add_command(audit)
cli.add_command(backfill)
cli.add_command(changes)


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
        sys.exit(130 if isinstance(abort.__cause__, KeyboardInterrupt) else 1)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # nobody reads on, as with `| head`
        sys.exit(1)
    except BaseExceptionGroup as group:
        if group.subgroup(SystemExit) is None:
            raise
        sys.exit(1)  # how rich ends when nobody reads on


def _refuse_without(flag: str, *names: str) -> None:
    """An option that would be ignored may be a misunderstanding about what is served, or where."""
    context = click.get_current_context()
    for name in names:
        given = context.get_parameter_source(name) is not ParameterSource.DEFAULT and context.params[name] is not None
        if given and not context.params[flag]:
            raise click.UsageError(f"--{name.replace('_', '-')} needs --{flag}.")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
