"""Twenty at once: each with its own connection to the same file, let go together."""

import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import TypeVar

from salesloft_mcp.state.local import LocalState
from tests.hosting.program import HANG_SECONDS

RACERS = 20
FoundT = TypeVar("FoundT")
RACER = """
import sys
from pathlib import Path
from salesloft_mcp.state.local import LocalState, Question
print("ready", flush=True)
sys.stdin.readline()
with LocalState(Path(sys.argv[1])) as state:
    question = Question(*sys.argv[2:5])
    print({expression})
"""


def race(directory: Path, run: Callable[[LocalState], FoundT]) -> list[FoundT]:
    """What each of twenty threads found."""
    start = Barrier(RACERS)

    def racer(_: int) -> FoundT:
        with LocalState(directory) as state:
            start.wait(HANG_SECONDS)
            return run(state)

    with ThreadPoolExecutor(RACERS) as pool:
        return list(pool.map(racer, range(RACERS)))


def race_of_processes(directory: Path, expression: str, *question: str, count: int = 6) -> list[str]:
    """What each of several processes found; they open the state at the same moment, too."""
    command = [sys.executable, "-c", RACER.format(expression=expression), str(directory), *question]
    racers = [subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(count)]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    found = [racer.communicate(timeout=HANG_SECONDS)[0].strip() for racer in racers]
    assert [racer.returncode for racer in racers] == [0] * count
    return found
