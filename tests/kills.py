"""A program that kills itself at a chosen moment, and whoever has it do so on a sandbox over HTTP.

The moments, called points, are those just before and just after every commit of the log and every request.
"""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio
import httpx
from anyio.from_thread import start_blocking_portal
from pydantic import SecretStr

from salesloft_mcp.app import App, open_app
from salesloft_mcp.salesloft.network import Network
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.sandbox.serve import serve
from salesloft_mcp.settings import Settings
from salesloft_mcp.state import database
from salesloft_mcp.state.database import Database, DoneT, Transaction
from tests.hosting.program import free_port

ROOT = Path(__file__).parents[1]
KILLED, ENDED = -9, 0
_COUNTED = "points"  # the file with the number of points that a process has passed


@asynccontextmanager
async def opened(url: str, token: str, folder: Path) -> AsyncIterator[App]:
    """The whole program on the sandbox of the parent, which waits for nobody."""
    settings = Settings(api_key=SecretStr(token), base_url=url, state_dir=folder)
    async with open_app(settings) as app:
        for changes in (app.changes, app.jobs._changes):
            changes.quiet = 0.0
            changes.sent_seconds = -1.0  # whatever is announced and not settled was cut off
        app.jobs._quiet = 0.0
        yield app


class Points:
    """Counts the moments at which a process may die, and kills it at the one that was chosen (0: at none)."""

    def __init__(self, chosen: int) -> None:
        self.passed = 0
        self._chosen = chosen

    def __call__(self) -> None:
        self.passed += 1
        if self.passed == self._chosen:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self) -> None:
        """From here on every transaction of this process counts, before its commit and after, and every request."""
        commit, exchange = Database._commit, Network.handle_async_request

        def commit_and_count(
            database: Database, work: Callable[[Transaction], DoneT], begin: str = "BEGIN IMMEDIATE"
        ) -> DoneT:
            if begin == "BEGIN":
                return commit(database, work, begin)

            def work_and_count(tx: Transaction) -> DoneT:
                done = work(tx)
                self()
                return done

            done = commit(database, work_and_count, begin)
            self()
            return done

        async def exchange_and_count(network: Network, request: httpx.Request) -> httpx.Response:
            self()
            response = await exchange(network, request)
            self()
            return response

        Database._commit = commit_and_count  # type: ignore[method-assign,assignment]
        Network.handle_async_request = exchange_and_count  # type: ignore[method-assign,assignment]


def until_killed(work: Callable[..., Awaitable[None]]) -> None:
    """The program. It stays ready: for each line of JSON that it reads it forks a process that does `work`, and kills
    itself at the point that the line names; then it writes how that ended: the signal, 0 for none.
    """
    database.SYNCHRONOUS = "OFF"  # a kill takes nothing away that was written
    print("ready", flush=True)
    for line in sys.stdin:
        url, token, folder, chosen, *words = json.loads(line)
        child = os.fork()
        if child == 0:
            anyio.run(_work, work, Points(chosen), (url, token, Path(folder)), words)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


async def _work(
    work: Callable[..., Awaitable[None]], points: Points, where: tuple[str, str, Path], words: list[str]
) -> None:
    async with opened(*where) as app:
        points.watch()
        await work(app, *words)
    (where[2] / _COUNTED).write_text(str(points.passed))


@dataclass(frozen=True, slots=True)
class Victims:
    """Processes of the program `ready`, which work on one sandbox at `url`. `folder` has room for what they keep."""

    sandbox: Sandbox
    url: str
    folder: Path
    ready: "subprocess.Popen[str]"

    def killed(self, state: Path, point: int, *words: str) -> int:
        """Have one work until the point; how it ended."""
        assert self.ready.stdin is not None
        assert self.ready.stdout is not None
        asked = [self.url, self.sandbox.api_key, str(state), point, *words]
        print(json.dumps(asked), file=self.ready.stdin, flush=True)
        return int(self.ready.stdout.readline())

    def counted(self, state: Path) -> int:
        """How many points one had whom nobody killed."""
        return int((state / _COUNTED).read_text())

    def opened(self, state: Path) -> AbstractAsyncContextManager[App]:
        """The whole program, before or after a kill."""
        return opened(self.url, self.sandbox.api_key, state)


@contextmanager
def victims(program: str, *, enforce_unique: bool = True) -> Iterator[Victims]:
    """A sandbox over HTTP, and the module `program`, ready to be forked."""
    port, pipe = free_port(), subprocess.PIPE
    with (
        tempfile.TemporaryDirectory() as folder,
        Sandbox(rate_limit=0, enforce_unique=enforce_unique) as sandbox,
        start_blocking_portal() as portal,
        subprocess.Popen([sys.executable, "-m", program], cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as ready,
    ):
        serving = portal.start_task_soon(lambda: serve(sandbox, port=port))
        assert ready.stdout is not None
        assert ready.stdout.readline() == "ready\n"
        try:
            yield Victims(sandbox, f"http://127.0.0.1:{port}", Path(folder), ready)
        finally:
            assert ready.stdin is not None
            ready.stdin.close()
            serving.cancel()
