"""A process that takes the token of a sign-in, and may be killed on the way: `refreshing DIRECTORY URL [STEP]`.

It says that it is ready, waits for a line, and prints the token it then has.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import anyio
from pydantic import SecretStr

from salesloft_mcp.errors import SalesloftMcpError
from salesloft_mcp.salesloft.oauth import Accounts, Application, Tokens
from salesloft_mcp.settings import Settings
from salesloft_mcp.sign_in import sign_in_of
from salesloft_mcp.state import credentials

STEPS = ("before the request", "after the answer", "not in its place", "kept")


def die_at(step: str) -> None:
    """From now on the process ends without a word when it gets there."""

    def die(*_: object, **__: object) -> NoReturn:
        os._exit(9)

    asked, written = Accounts.tokens, credentials._write_whole

    async def unanswered(
        self: Accounts, application: Application, request: Mapping[str, str], hidden: tuple[SecretStr, ...] = ()
    ) -> Tokens:
        await asked(self, application, request, hidden)
        die()

    def kept(folder: Path, file: Path, text: str) -> None:
        written(folder, file, text)
        die()

    if step == "before the request":
        Accounts.tokens = die  # type: ignore[method-assign]
    elif step == "after the answer":
        Accounts.tokens = unanswered  # type: ignore[method-assign]
    elif step == "not in its place":
        os.fsync = die
    elif step == "kept":
        credentials._write_whole = kept


async def main(directory: Path, url: str) -> None:
    try:
        print((await sign_in_of(Settings(base_url=url, state_dir=directory)).token()).get_secret_value())
    except SalesloftMcpError as error:
        print(type(error).__name__)


if __name__ == "__main__":
    folder, address, *steps = sys.argv[1:]
    for one in steps:
        die_at(one)
    print("ready", flush=True)
    sys.stdin.readline()
    anyio.run(main, Path(folder), address)
