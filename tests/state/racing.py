"""Several processes at once: each opens the same state at the same moment, and does the same."""

import importlib
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
import anyio.to_thread

from salesloft_mcp.state.database import Database
from tests.hosting.program import HANG_SECONDS

RACERS = 6
Act = Callable[[Database], Awaitable[object]]


async def race_of_processes(directory: Path, act: str) -> list[str]:
    """What each of six processes found; `act` names the function that each of them calls: `module:function`."""
    return await anyio.to_thread.run_sync(_race, directory, act)


def _race(directory: Path, act: str) -> list[str]:
    command = [sys.executable, "-m", "tests.state.racing", str(directory), act]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, timeout=HANG_SECONDS)
    assert done.returncode == 0
    found = done.stdout.splitlines()
    assert len(found) == RACERS
    return found


async def _take_part(directory: Path, act: Act) -> None:
    database = Database(directory)
    os.write(sys.stdout.fileno(), f"{await act(database)}\n".encode())  # at once: all of them write into one pipe
    database.close()


def _run(directory: Path, act: Act) -> int:
    """Fork all of them from this process, which has imported what they need; 0 when each of them ended well."""
    held, let_go = os.pipe()
    racers = []
    for _ in range(RACERS):
        racer = os.fork()
        if racer == 0:
            os.close(let_go)
            os.read(held, 1)  # until the other end is closed, which is the same moment for all
            anyio.run(_take_part, directory, act)
            return 0
        racers.append(racer)
    os.close(let_go)
    ended = [os.waitpid(racer, 0)[1] for racer in racers]
    return int(any(ended))


if __name__ == "__main__":
    module, name = sys.argv[2].split(":")
    sys.exit(_run(Path(sys.argv[1]), getattr(importlib.import_module(module), name)))
