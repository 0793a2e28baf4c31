"""Work on the live parts, over the sandbox or the live API."""

from collections.abc import Awaitable, Callable, Collection
from contextlib import nullcontext
from pathlib import Path
from typing import TypedDict, TypeVar

import anyio

from salesloft_mcp.app import App, open_app
from salesloft_mcp.commands.options import Option
from salesloft_mcp.errors import InputError, SettingsError
from salesloft_mcp.placeholders import left_behind
from salesloft_mcp.sandbox import Odd, Sandbox
from salesloft_mcp.settings import Dialect, load

DoneT = TypeVar("DoneT")


class Where(TypedDict):
    """The options of `on_salesloft`."""

    sandbox: bool
    sandbox_file: Path | None
    base_url: str | None
    state_dir: Path | None
    rate_limit: int | None


def with_app(
    work: Callable[[App], Awaitable[DoneT]],
    sandbox: bool,
    sandbox_file: Path | None,
    dialect: Dialect = "reference",
    **options: Option,
) -> DoneT:
    """Do `work` on the live parts of `Where`."""
    settings = load(options)

    async def working(box: Sandbox | None) -> DoneT:
        async with open_app(settings, box) as app:
            if app.signed_in:
                await app.signed_in.require()
            return await work(app)

    with open_sandbox(sandbox_file, dialect) if sandbox else nullcontext() as box:
        return anyio.run(working, box)


def open_sandbox(
    file: Path | None,
    dialect: Dialect = "reference",
    rate_limit: int = 600,
    odd: Collection[Odd] = (),
    token_seconds: float = 7_200.0,
) -> Sandbox:
    """The sandbox, in memory or in a file. Tokens that somebody signs in for live `token_seconds`.

    Raises:
        SettingsError: a template has left something else than a file or a dialect.
        InputError: the file cannot be used.
    """
    for option, value in (("--sandbox-file", file), ("--dialect", dialect)):
        if value and (wrong := left_behind(str(value))):
            raise SettingsError(option, f"{wrong}.")
    try:
        place = file or ":memory:"
        return Sandbox(place, dialect=dialect, rate_limit=rate_limit, odd=odd, token_seconds=token_seconds)
    except OSError as error:
        step = "give a new file, or one that a sandbox has made."
        raise InputError(str(file), f"{error}.", next_step=step) from None
