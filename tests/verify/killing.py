"""A trial is killed at every moment at which it matters, and the next one takes away what it left.

    python -m tests.verify.killing [--all]

The moments are those just before and just after every commit of the log and every request. With `--all` all of them are
tried, else a few.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
from anyio.from_thread import start_blocking_portal

from salesloft_mcp.changes import history
from salesloft_mcp.changes.change import Author
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.sandbox.serve import serve
from salesloft_mcp.verify.trial import verify
from tests.changes.killed import COUNTED, opened
from tests.hosting.program import free_port

from .conftest import standing

ROOT = Path(__file__).parents[2]
KILLED, ENDED = -9, 0
FEW = 5


class Killer:
    """Kills trials of one sandbox over HTTP. `ready` is the process that forks the victims."""

    def __init__(self, sandbox: Sandbox, url: str, folder: Path, ready: "subprocess.Popen[str]") -> None:
        self._sandbox = sandbox
        self._url = url
        self._folder = folder
        self._ready = ready

    def points(self) -> int:
        """How many points a trial has when nobody kills it."""
        assert self._run(0) == ENDED
        return int((self._folder / "0" / COUNTED).read_text())

    def kill(self, point: int) -> list[str]:
        """Kill a trial there, and have the next one begin; what is wrong after that, in words."""
        ended = self._run(point)
        wrong = [] if ended == KILLED else [f"it ended with {ended}"]
        left = len(standing(self._sandbox))
        return wrong + anyio.run(self._next, str(point), left)

    def _run(self, point: int) -> int:
        assert self._ready.stdin is not None
        assert self._ready.stdout is not None
        asked = [self._url, self._sandbox.api_key, str(self._folder / str(point)), point]
        print(json.dumps(asked), file=self._ready.stdin, flush=True)
        return int(self._ready.stdout.readline())

    async def _next(self, name: str, left: int) -> list[str]:
        async with opened(self._url, self._sandbox.api_key, self._folder / name) as app:
            report = await verify(app.changes, app.database, Author("terminal", "asked in a test"))
            unsettled = [one.id for one in await history.find(app.database) if one.counts["intended"]]
        wrong = [f"{len(rows)} are left after the next one" for rows in [standing(self._sandbox)] if rows]
        wrong += [f"{report.made.earlier} of {left} were removed"] if report.made.earlier != left else []
        wrong += [f"not told: {one}" for one in report.made.left]
        return wrong + [f"not settled: {number}" for number in unsettled]


@contextmanager
def killer() -> Iterator[Killer]:
    """A sandbox over HTTP, and a process that is ready to be forked."""
    command = [sys.executable, "-m", "tests.verify.killed"]
    port, pipe = free_port(), subprocess.PIPE
    with (
        tempfile.TemporaryDirectory() as folder,
        Sandbox(rate_limit=0) as sandbox,
        start_blocking_portal() as portal,
        subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True) as ready,
    ):
        serving = portal.start_task_soon(lambda: serve(sandbox, port=port))
        assert ready.stdout is not None
        assert ready.stdout.readline() == "ready\n"
        try:
            yield Killer(sandbox, f"http://127.0.0.1:{port}", Path(folder), ready)
        finally:
            assert ready.stdin is not None
            ready.stdin.close()
            serving.cancel()


def a_few(points: int) -> list[int]:
    """Spread over the whole trial, the last moment among them."""
    return sorted({points * number // FEW for number in range(1, FEW + 1)})


def main() -> int:
    """The points, and what is wrong after a kill at one of them."""
    parser = argparse.ArgumentParser(description="Kill a trial, and see what the next one leaves.")
    parser.add_argument("--all", action="store_true", help="at every point, not only at a few")
    every, wrong = parser.parse_args().all, 0
    with killer() as found:
        points = found.points()
        tried = list(range(1, points + 1)) if every else a_few(points)
        for point in tried:
            told = found.kill(point)
            wrong += bool(told)
            if told:
                print(f"point {point}: {'; '.join(told)}", flush=True)
        print(f"{points} points, {len(tried)} kills, {wrong} of them wrong")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
