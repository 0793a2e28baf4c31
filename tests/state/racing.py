"""Several processes at once: each opens the same state at the same moment, and does the same."""

import importlib
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
    pipe = subprocess.PIPE
    racers = [subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True) for _ in range(RACERS)]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    found = [racer.communicate(timeout=HANG_SECONDS)[0].strip() for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * RACERS
    return found


async def _take_part(directory: Path, act: Act) -> None:
    database = Database(directory)
    print(await act(database))
    database.close()


if __name__ == "__main__":
    module, name = sys.argv[2].split(":")
    found: Act = getattr(importlib.import_module(module), name)
    print("ready", flush=True)
    sys.stdin.readline()
    anyio.run(_take_part, Path(sys.argv[1]), found)
