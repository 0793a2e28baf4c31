"""What commands begin with: settings, the sandbox or the live API, and errors told in two lines."""

import sys
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, ParamSpec, TypeVar

import anyio
import click

from salesloft_mcp.errors import Hint, InputError, SalesloftMcpError

if TYPE_CHECKING:
    from salesloft_mcp.app import App
    from salesloft_mcp.sandbox import Sandbox
    from salesloft_mcp.settings import Dialect, Settings

Option = str | int | Path | None
P = ParamSpec("P")
DoneT = TypeVar("DoneT")

EXIT_CODES = "Exit codes: 0 done, 1 failed, 2 wrong options or settings, 130 and 143 stopped by a signal."

_COMMANDS = {
    Hint.LIST_MAPPINGS: "run `salesloft-mcp resolve`",
    Hint.PLAN_AGAIN: "run `salesloft-mcp backfill plan` again",
    Hint.LIST_CHANGES: "run `salesloft-mcp changes`",
}


class _Setting(click.Option):
    """An option that is a setting, too. A blank one is as if it was not given."""

    def type_cast_value(self, ctx: click.Context, value: object) -> object:
        """The value as its type wants it; None when a template left it blank."""
        return None if isinstance(value, str) and not value.strip() else super().type_cast_value(ctx, value)


setting = partial(click.option, cls=_Setting)
base_url = setting("--base-url", help="Where the API lives. [default: https://api.salesloft.com]")
rate_limit = setting("--rate-limit", type=int, help="Points a minute this process may spend. [default: 570]")
state_dir = setting(
    "--state-dir",
    type=click.Path(path_type=Path, file_okay=False),
    help="Where approvals, the change log and plans are kept.",
)
sandbox_file = setting(
    "--sandbox-file", type=click.Path(path_type=Path, dir_okay=False), help="Keep the sandbox's data here."
)


def on_salesloft(command: Callable[..., None]) -> Callable[..., None]:
    """The options of every command that talks to Salesloft; they go to `with_app`."""
    sandbox = click.option("--sandbox", is_flag=True, help="Use the embedded sandbox: no account, no real data.")
    for option in (rate_limit, state_dir, base_url, sandbox_file, sandbox):
        command = option(command)
    return command


def with_app(
    work: Callable[["App"], Awaitable[DoneT]], sandbox: bool, sandbox_file: Path | None, **options: Option
) -> DoneT:
    """Do `work` on the live parts, and tell its errors in words."""
    from salesloft_mcp.app import open_app

    if sandbox and options["base_url"]:
        raise click.UsageError("--sandbox and --base-url exclude each other: it is either the sandbox or that address.")
    if sandbox_file and not sandbox:
        raise click.UsageError("--sandbox-file needs --sandbox.")
    settings = settings_of(options)

    async def working(box: "Sandbox | None") -> DoneT:
        async with open_app(settings, box) as app:
            return await work(app)

    with open_sandbox(sandbox_file) if sandbox else nullcontext() as box:
        return exit_on_error(anyio.run, working, box)


def settings_of(options: dict[str, Option]) -> "Settings":
    """The environment, with the options winning."""
    from salesloft_mcp.settings import load

    return exit_on_error(load, options)


def open_sandbox(file: Path | None, dialect: "Dialect" = "reference", rate_limit: int = 600) -> "Sandbox":
    """The sandbox, in memory or in a file."""
    from salesloft_mcp.sandbox import Sandbox

    return Sandbox(file or ":memory:", dialect=dialect, rate_limit=rate_limit)


def exit_on_error(run: Callable[P, DoneT], *args: P.args, **kwargs: P.kwargs) -> DoneT:
    """Errors of ours become two lines on standard error and exit code 2, or 1 when no option or setting is wrong."""
    try:
        return run(*args, **kwargs)
    except SalesloftMcpError as error:
        click.echo(f"salesloft-mcp: {error.told(_COMMANDS)}", err=True)
        sys.exit(2 if isinstance(error, InputError) else 1)
