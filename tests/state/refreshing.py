"""Processes that take the token of a sign-in at one moment, and may be killed on the way: `refreshing`.

It reads lines of JSON: a state directory, an address, and for each process the step at which it is killed, or an empty
text. It answers each with a line of JSON: for each process its exit code and what it found. All of them are forked from
one process, which has imported what they need.
"""

import json
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


async def found(directory: Path, url: str) -> str:
    """The token, or what went wrong."""
    try:
        return (await sign_in_of(Settings(base_url=url, state_dir=directory)).token()).get_secret_value()
    except SalesloftMcpError as error:
        return type(error).__name__


def run(directory: Path, url: str, steps: list[str]) -> list[tuple[int, str]]:
    """Fork a process for each step, and let them go at once."""
    held, let_go = os.pipe()
    processes = []
    for step in steps:
        told, tell = os.pipe()
        process = os.fork()
        if process == 0:
            os.close(let_go)
            die_at(step)
            os.read(held, 1)  # until the other end is closed, which is the same moment for all
            os.write(tell, anyio.run(found, directory, url).encode())
            os._exit(0)
        os.close(tell)
        processes.append((process, told))
    os.close(let_go)
    ended = [(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]), told) for process, told in processes]
    return [(code, os.fdopen(told).read()) for code, told in ended]


if __name__ == "__main__":
    for line in sys.stdin:
        folder, address, steps = json.loads(line)
        print(json.dumps(run(Path(folder), address, steps)), flush=True)
