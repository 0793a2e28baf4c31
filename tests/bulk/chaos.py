"""A backfill, and then its undo, killed again and again while everything goes wrong on the wire; and what came of it.

    python -m tests.bulk.chaos [--seeds 10] [--rows 600] [--kills 8]

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
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from anyio.from_thread import start_blocking_portal

from salesloft_mcp.bulk.report import ReportRow, every_row
from salesloft_mcp.bulk.rows import row_of
from salesloft_mcp.bulk.status import Plans
from salesloft_mcp.changes.change import State
from salesloft_mcp.changes.log import ChangeLog
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.sandbox.faults import FaultKind
from salesloft_mcp.sandbox.serve import serve
from salesloft_mcp.state.database import Database
from tests.hosting.program import free_port
from tests.salesloft.opened import opened

from .chaos_runner import AIM, ENVIRONMENT
from .naive import Given, Pair, Verdicts, verdicts

ROOT = Path(__file__).parents[2]
WRONG = 0.2  # of all calls
LATE_SECONDS = 0.4  # past the time-out, and so far within the quiet time that a busy machine does not matter
KINDS: tuple[FaultKind, ...] = ("reset", "lost_answer", "delay", "late_commit", "truncated", "status", "status")
LATER = 2.0  # seconds after which a run is killed even if it has not sent what it was to send
LONGEST_RUN = 300.0

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class World:
    """The team before the backfill: people and their e-mails, and what is mapped."""

    people: Sequence[Any]
    held: Sequence[Pair]

    def find(self, by: str, ref: str) -> list[int]:
        """The objects of a reference."""
        if by == "object_id":
            return [one.id for one in self.people if str(one.id) == ref]
        if by == "email":
            return [one.id for one in self.people if (one.email_address or "").lower() == ref]
        return [one.id for one in self.people if one.crm_id == ref]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is wrong at the end ("" when nothing is), and what it took."""

    problems: Sequence[str]
    rows: int
    created: int
    kills: int
    calls: int
    seconds: float


def chaos(seed: int, count: int, kills: int, *, enforce_unique: bool) -> Outcome:
    """Plan `count` rows, run them and take the run back through everything, and hold both ends against the plan."""
    chance, begun = random.Random(seed), time.monotonic()
    with tempfile.TemporaryDirectory() as name, Sandbox(rate_limit=0, enforce_unique=enforce_unique) as sandbox:
        folder = Path(name)
        world = asyncio.run(_world(sandbox))
        rows = _rows(world, count, chance)
        (folder / "rows.json").write_text(json.dumps(rows), encoding="utf-8")
        expected = verdicts([_given(row) for row in rows], world.find, world.held)
        share = count // (kills + 1)
        with _served(sandbox) as url:
            start = [sys.executable, "-m", "tests.bulk.chaos_runner", url, sandbox.api_key, name]
            sandbox.faults.add(*_faults())
            plan = _planned(start)
            killed, number = _run_and_kill([*start, plan], sandbox, share, chance, kills)
            sandbox.faults.clear()
            after = asyncio.run(_world(sandbox))
            problems = list(_misplaced(world.held, after.held, expected.creates))
            problems += asyncio.run(_misreported(folder, plan, expected))
            sandbox.faults.add(*_faults())
            more, _ = _run_and_kill([*start, "undo", number], sandbox, share, chance, kills)
            sandbox.faults.clear()
        last = asyncio.run(_world(sandbox))
        problems += [f"undo: {one}" for one in _misplaced(world.held, last.held, Counter())]
        problems += [f"undo: {one}" for one in asyncio.run(_untold(folder, f"undo-{number}", expected))]
        seconds = time.monotonic() - begun
        return Outcome(problems, count, expected.creates.total(), killed + more, len(sandbox.requests), seconds)


def _faults() -> Iterator[Fault]:
    """Each is asked in turn, so the chance of each is a little more than its part."""
    each = 1 - (1 - WRONG) ** (1 / len(KINDS))
    statuses = iter((429, 500))
    for kind in KINDS:
        status = next(statuses) if kind == "status" else 503
        retry_after = 1 if status == 429 else None
        yield Fault(kind, times=None, probability=each, seconds=LATE_SECONDS, status=status, retry_after=retry_after)


def _rows(world: World, count: int, chance: random.Random) -> list[Row]:
    """Mostly mappings to create, by every kind of reference, and some of everything else."""
    with_crm = [one for one in world.people if one.crm_id]

    def good(number: int) -> Row:
        one, name = chance.choice(world.people), f"Ü/{number} 100%"
        ways: list[Row] = [{"object_id": one.id}, {"email": one.email_address.upper()}]
        return {"external_id": name, **chance.choice([*ways, {"crm_id": chance.choice(with_crm).crm_id}])}

    def odd(number: int) -> Row:
        external_id, object_id = chance.choice(world.held)
        other = next(one.id for one in world.people if one.id != object_id)
        return chance.choice(
            [
                {"external_id": external_id, "object_id": object_id},
                {"external_id": external_id, "object_id": other},
                {"external_id": f"nobody {number}", "email": "nobody@nowhere.test"},
                {"external_id": number, "object_id": object_id},
                {"external_id": f"Ü/{number - 1} 100%", "object_id": object_id},
            ]
        )

    rows = [odd(number) if chance.random() < 0.15 else good(number) for number in range(count)]
    return [rows[number - 7] if number % 23 == 22 else row for number, row in enumerate(rows)]


def _given(row: Row) -> Given:
    _, external_id, by, ref, _, problem = row_of(0, row, AIM.object_type)
    return Given(external_id, by, ref, problem)


async def _world(sandbox: Sandbox) -> World:
    async with opened(sandbox) as api:
        people: list[Any] = []
        page: int | None = 1
        while page is not None:
            found = await api.list_objects(AIM.object_type, (), page=page, per_page=100)
            people.extend(found.rows)
            page = found.next_page
        return World(people, await _held(api))


async def _held(api: Salesloft) -> list[Pair]:
    held: list[Pair] = []
    page: int | None = 1
    while page is not None:
        found = await api.list_mappings(
            external_type=AIM.external_type, object_type=AIM.object_type, deleted=False, page=page, ascending=True
        )
        held.extend((row.external_id, row.object_id) for row in found.rows)
        page = found.next_page
    return held


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


def _misplaced(before: Sequence[Pair], after: Sequence[Pair], creates: Counter[Pair]) -> Iterator[str]:
    """Where what is mapped now is not what was mapped before and what was to be created."""
    planned, now = Counter(before) + creates, Counter(after)
    yield from (f"lost: {pair}" for pair in planned - now)
    yield from (f"{'twice' if pair in planned else 'wrong'}: {pair}" for pair in now - planned)


async def _misreported(folder: Path, plan: str, expected: Verdicts) -> list[str]:
    """Rows without the line in the report that they should have, and creations in the log that were none."""
    rows, logged = await _report(folder, plan, "created")
    reported = [(row.line, row.plan, row.outcome) for row in rows]
    right = [
        (number, verdict, "created" if verdict == "create" else "") for number, verdict in enumerate(expected.each, 1)
    ]
    problems = [f"reported {got} for {want}" for got, want in zip(reported, right, strict=False) if got != want]
    problems += [f"{len(reported)} lines for {len(right)} rows"] if len(reported) != len(right) else []
    return problems + [f"logged as created: {pair}" for pair in logged - expected.creates]


async def _untold(folder: Path, plan: str, expected: Verdicts) -> list[str]:
    """Mappings that were created, and are not told once as deleted."""
    rows, logged = await _report(folder, plan, "deleted")
    odd = [f"reported {row.outcome} for {row.external_id}" for row in rows if row.outcome != "deleted"]
    return odd + [f"not told: {pair}" for pair in expected.creates - logged]


async def _report(folder: Path, plan: str, state: State) -> tuple[list[ReportRow], Counter[Pair]]:
    """The report of a run, and what the log holds of it in one state."""
    database = Database(folder)
    plans, log = Plans(folder, database, ENVIRONMENT), ChangeLog(database, ENVIRONMENT)
    try:
        status = await plans.status(plan)
        lines = await log.lines(status.plan.operation, {state})
        rows = [row async for row in every_row(plans, log, status)]
    finally:
        database.close()
    return rows, Counter((line.change.key.external_id, line.change.object_id or 0) for line in lines)


def main() -> int:
    """The long form: every seed against both kinds of Salesloft."""
    parser = argparse.ArgumentParser(description="Kill backfills at random moments while every fifth call fails.")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--rows", type=int, default=600)
    parser.add_argument("--kills", type=int, default=8)
    asked = parser.parse_args()
    wrong = 0
    for enforce_unique in (True, False):
        for seed in range(asked.seeds):
            found = chaos(seed, asked.rows, asked.kills, enforce_unique=enforce_unique)
            wrong += len(found.problems)
            print(
                f"{'unique' if enforce_unique else 'not unique':10}  seed {seed:2}  {found.rows} rows"
                f"  {found.created} created  {found.kills} kills  {found.calls} calls  {found.seconds:5.1f} s"
                f"  {'; '.join(found.problems[:5]) or 'as planned'}",
                flush=True,
            )
    print(f"{wrong} problems")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
