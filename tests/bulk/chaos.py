"""A backfill or a bulk upsert, and then its undo, killed again and again while everything goes wrong on the wire; and
what came of it.

    python -m tests.bulk.chaos [--what backfill] [--seeds 10] [--rows 600] [--kills 8]

Every fifth call fails in one of seven ways, in equal parts, and the process is killed with SIGKILL at random moments.
"""

import argparse
import asyncio
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from anyio.from_thread import start_blocking_portal

from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.sandbox.faults import FaultKind
from salesloft_mcp.sandbox.serve import serve
from tests.hosting.program import free_port

from .chaos_backfill import Backfill
from .chaos_trial import Trial
from .chaos_upsert import Upsert

ROOT = Path(__file__).parents[2]
WRONG = 0.2  # of all calls
LATE_SECONDS = 0.4  # past the time-out, and so far within the quiet time that a busy machine does not matter
KINDS: tuple[FaultKind, ...] = ("reset", "lost_answer", "delay", "late_commit", "truncated", "status", "status")
LATER = 2.0  # seconds after which a run is killed even if it has not sent what it was to send
LONGEST_RUN = 300.0

TRIALS: dict[str, Callable[[Sandbox, int, random.Random], Trial]] = {"backfill": Backfill, "upsert": Upsert}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is wrong at the end ("" when nothing is), and what it took."""

    problems: Sequence[str]
    rows: int
    written: int
    kills: int
    calls: int
    seconds: float


def chaos(what: str, seed: int, count: int, kills: int, *, enforce_unique: bool) -> Outcome:
    """Plan `count` rows, run them and take the run back through everything, and hold both ends against the plan."""
    chance, begun = random.Random(seed), time.monotonic()
    with tempfile.TemporaryDirectory() as name, Sandbox(rate_limit=0, enforce_unique=enforce_unique) as sandbox:
        folder, trial = Path(name), TRIALS[what](sandbox, count, chance)
        given = {"aim": asdict(trial.aim), "rows": trial.rows}
        (folder / "given.json").write_text(json.dumps(given), encoding="utf-8")
        share = count // (kills + 1)
        with _served(sandbox) as url:
            start = [sys.executable, "-m", "tests.bulk.chaos_runner", url, sandbox.api_key, name]
            sandbox.faults.add(*_faults())
            plan = _planned(start)
            trial.before_the_run()
            killed, number = _run_and_kill([*start, plan], sandbox, share, chance, kills)
            sandbox.faults.clear()
            problems = asyncio.run(trial.after_the_run(folder, plan))
            trial.before_the_undo()
            sandbox.faults.add(*_faults())
            more, _ = _run_and_kill([*start, "undo", number], sandbox, share, chance, kills)
            sandbox.faults.clear()
        problems += [f"undo: {one}" for one in asyncio.run(trial.after_the_undo(folder, f"undo-{number}"))]
        seconds = time.monotonic() - begun
        return Outcome(problems, count, trial.writes, killed + more, len(sandbox.requests), seconds)


def _faults() -> Iterator[Fault]:
    """Each is asked in turn, so the chance of each is a little more than its part."""
    each = 1 - (1 - WRONG) ** (1 / len(KINDS))
    statuses = iter((429, 500))
    for kind in KINDS:
        status = next(statuses) if kind == "status" else 503
        retry_after = 1 if status == 429 else None
        yield Fault(kind, times=None, probability=each, seconds=LATE_SECONDS, status=status, retry_after=retry_after)


@contextmanager
def _served(sandbox: Sandbox) -> Iterator[str]:
    """The sandbox over HTTP, in a thread that nobody kills."""
    port = free_port()
    with start_blocking_portal() as portal:
        serving = portal.start_task_soon(lambda: serve(sandbox, port=port))
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            serving.cancel()


def _planned(start: list[str]) -> str:
    """The id of a plan; making it may fail as any read may, and is begun again then."""
    for _ in range(10):
        done = subprocess.run(start, cwd=ROOT, capture_output=True, text=True, timeout=LONGEST_RUN)
        assert done.returncode == 0, done.stderr
        plan, state, _ = done.stdout.split()
        if state == "planned":
            return plan
    raise AssertionError("ten plans failed")


def _run_and_kill(start: list[str], sandbox: Sandbox, share: int, chance: random.Random, kills: int) -> tuple[int, str]:
    """Begin the run again and again until it is finished; how often it was killed, after `share` calls on average, and
    the number of its operation.
    """
    killed = 0
    for _ in range(10 * kills + 20):
        with subprocess.Popen(start, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "running\n"
            if killed < kills and _killed(process, sandbox, chance.randrange(2 * share)):
                killed += 1
                continue
            assert process.wait(LONGEST_RUN) == 0
            _, state, number = process.stdout.readline().split()
            if state == "finished":
                return killed, number
    raise AssertionError("it never finishes")


def _killed(process: subprocess.Popen[str], sandbox: Sandbox, calls: int) -> bool:
    """Kill it as soon as so many more calls have arrived, or a while later; False when it has ended before."""
    enough, latest = len(sandbox.requests) + calls, time.monotonic() + LATER
    while len(sandbox.requests) < enough and time.monotonic() < latest:
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.002)
            return False
    process.kill()
    return True


def main() -> int:
    """The long form: every seed against both kinds of Salesloft."""
    parser = argparse.ArgumentParser(description="Kill bulk work at random moments while every fifth call fails.")
    parser.add_argument("--what", choices=TRIALS, help="only this")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--rows", type=int, default=600)
    parser.add_argument("--kills", type=int, default=8)
    asked = parser.parse_args()
    wrong = 0
    for what in [asked.what] if asked.what else TRIALS:
        for enforce_unique in (True, False):
            for seed in range(asked.seeds):
                found = chaos(what, seed, asked.rows, asked.kills, enforce_unique=enforce_unique)
                wrong += len(found.problems)
                print(
                    f"{what:8}  {'unique' if enforce_unique else 'not unique':10}  seed {seed:2}  {found.rows} rows"
                    f"  {found.written} written  {found.kills} kills  {found.calls} calls  {found.seconds:5.1f} s"
                    f"  {'; '.join(found.problems[:5]) or 'as planned'}",
                    flush=True,
                )
    print(f"{wrong} problems")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
