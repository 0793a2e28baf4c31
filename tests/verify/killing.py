"""A trial is killed at every moment at which it matters, and the next one takes away what it left.

    python -m tests.verify.killing [--all]

With `--all` it is killed at every point, else at a few.
"""

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio

from salesloft_mcp.changes import history
from salesloft_mcp.verify.trial import verify
from tests.kills import ENDED, KILLED, Victims, victims

from .conftest import YES, standing

FEW = 3


class Killer:
    """Kills trials."""

    def __init__(self, victims: Victims) -> None:
        self._victims = victims

    def points(self) -> int:
        """How many points a trial has when nobody kills it."""
        state = self._victims.folder / "0"
        assert self._victims.killed(state, 0) == ENDED
        return self._victims.counted(state)

    def kill(self, point: int) -> list[str]:
        """Kill a trial there, and have the next one begin; what is wrong after that, in words."""
        state = self._victims.folder / str(point)
        ended = self._victims.killed(state, point)
        wrong = [] if ended == KILLED else [f"it ended with {ended}"]
        left = len(standing(self._victims.sandbox))
        return wrong + anyio.run(self._next, state, left)

    async def _next(self, state: Path, left: int) -> list[str]:
        async with self._victims.opened(state) as app:
            report = await verify(app.changes, app.database, YES)
            unsettled = [one.id for one in await history.find(app.database) if one.counts["intended"]]
        wrong = [f"{len(rows)} are left after the next one" for rows in [standing(self._victims.sandbox)] if rows]
        wrong += [f"{report.made.earlier} of {left} were removed"] if report.made.earlier != left else []
        wrong += [f"not told: {one}" for one in report.made.left]
        return wrong + [f"not settled: {number}" for number in unsettled]


@contextmanager
def killer() -> Iterator[Killer]:
    """On a sandbox of its own."""
    with victims("tests.verify.killed") as found:
        yield Killer(found)


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
