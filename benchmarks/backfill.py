"""What a backfill, and a bulk upsert, makes of the points it is granted, beside a plain loop and a generated server.

    python benchmarks/backfill.py [--rounds N] [--rows N] [--only limited,lifted,…]

Every call takes 30 ms. `limited` and our part of `work` run on a clock that is 20 times as fast, `upserts` on one that
is 5 times as fast, `chat` and `lifted` in real time. Granted are the points of the budget without those that are
reserved for people; the steady state begins when the first minute's burst is over. Each part prints its figures as
medians and ranges, and is held against what was promised.
"""

import argparse
import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import engine
import fastloop
from chat import waits
from driver import Server, environment
from overhead import Limit, judge, show, spread

from salesloft_mcp.salesloft.budget import CHAT_RESERVE, MINUTE

HERE = Path(__file__).parent
SCALE, UPSERTS_SCALE = 20.0, 5.0  # what a bulk upsert reads takes the processor longer
BUDGET, TEAM = 570, 600
FEW, FEW_TEAM, WORK = 57, 60, 300
LIFTED, ALONE = 3_000, 150


@dataclass(slots=True)
class Figures:
    """A value a round for each figure, by name, and the digits it is shown with."""

    values: dict[str, list[float]] = field(default_factory=dict)
    digits: dict[str, int] = field(default_factory=dict)

    def add(self, name: str, value: float, digits: int = 1) -> None:
        """One round more."""
        self.values.setdefault(name, []).append(value)
        self.digits[name] = digits

    def median(self, name: str) -> float:
        return statistics.median(self.values[name])

    def worst(self, name: str) -> float:
        return max(self.values[name])

    def table(self) -> Iterator[tuple[str, ...]]:
        """A row a figure."""
        yield "figure", "median (range)"
        for name, values in self.values.items():
            yield name, spread(values, self.digits[name])


def limited(figures: Figures, rows: int) -> None:
    """A backfill under the limit of a team."""

    async def measure() -> None:
        async with engine.opened(BUDGET, TEAM) as one:
            plan = await one.planned(rows)
            before = len(one.meter.calls)
            with engine.timing_the_log(one.meter):
                seconds = await engine.elapsed(one.run(plan))
            calls = one.meter.calls[before:]
            share = steady(calls)
            done = (await one.jobs.wait(plan, 0)).outcomes["created"]
            figures.add("limited: rows created, %", 100 * done / rows)
            figures.add("limited: granted points used, %", 100 * share, 2)
            figures.add("limited: calls answered 429", sum(status == 429 for _, _, status in calls), 0)
            figures.add("limited: minutes", seconds / MINUTE, 2)
            figures.add("limited: the log, % of the run's time", 100 * one.meter.writing_down / seconds, 2)

    fastloop.run(measure, SCALE)


def upserts(figures: Figures, rows: int) -> None:
    """A bulk upsert under the limit of a team: every second row creates a person, the others change one."""

    async def measure() -> None:
        async with engine.opened(BUDGET, TEAM) as one:
            plan = await one.planned_upserts(rows)
            before = len(one.meter.calls)
            seconds = await engine.elapsed(one.run(plan))
            calls = one.meter.calls[before:]
            outcomes = (await one.jobs.wait(plan, 0)).outcomes
            figures.add("upserts: rows written, %", 100 * (outcomes["created"] + outcomes["updated"]) / rows)
            figures.add("upserts: granted points used, %", 100 * steady(calls), 2)
            figures.add("upserts: calls answered 429", sum(status == 429 for _, _, status in one.meter.calls), 0)
            figures.add("upserts: minutes", seconds / MINUTE, 2)
            figures.add("upserts: points of the plan", before, 0)
            reads = sum(method == "GET" for _, method, _ in calls)
            figures.add("upserts: reads of the run, % of its points", 100 * reads / len(calls), 2)

    fastloop.run(measure, UPSERTS_SCALE)


def steady(calls: list[tuple[float, str, int]]) -> float:
    """The share of the granted points that was spent in whole minutes after the first."""
    times = [at for at, _, _ in calls]
    begun = times[0] + MINUTE
    minutes = int((times[-1] - begun) // MINUTE)
    if minutes < 1:
        raise RuntimeError("too few rows for a steady state; give more with --rows")
    spent = sum(begun <= at < begun + minutes * MINUTE for at in times)
    return spent / (minutes * (BUDGET - CHAT_RESERVE))


def lifted(figures: Figures, rows: int) -> None:
    """The same without a limit, beside a plain loop."""

    async def measure() -> None:
        async with engine.opened(0, 0) as one:
            alone = ALONE / await engine.elapsed(engine.one_at_a_time(one.api, ALONE))
            count = min(rows, LIFTED)
            together = count / await engine.elapsed(one.run(await one.planned(count)))
            figures.add("lifted: one call at a time, rows/s", alone)
            figures.add("lifted: a backfill, rows/s", together)
            figures.add("lifted: times as many", together / alone, 2)

    fastloop.run(measure)


def work(figures: Figures, rows: int) -> None:
    """300 creations where a minute has room for 60."""
    for name, peer in (("from_openapi", "openapi-limited"), ("a plain server", "plain-limited")):
        figures.add(f"work: {name} done, of 300", done_by(peer), 0)

    async def measure() -> None:
        async with engine.opened(FEW, FEW_TEAM) as one:
            status = await one.run(await one.planned(WORK))
            refused = sum(code == 429 for _, _, code in one.meter.calls)
            figures.add("work: ours done, of 300", status.outcomes["created"], 0)
            figures.add("work: ours refused (429), % of calls", 100 * refused / len(one.meter.calls), 2)

    fastloop.run(measure, SCALE)


def done_by(peer: str) -> int:
    """How many of 300 creations go through a peer, one call each."""
    with Server([str(HERE / "peers.py"), peer], environment()) as server:
        server.open()
        return sum(not server.ask("tools/call", creation(number)).get("isError") for number in range(WORK))


def creation(number: int) -> dict[str, object]:
    """One call of a peer's tool."""
    aim = {"external_type": engine.AIM.external_type, "object_type": engine.AIM.object_type}
    arguments = {**aim, "external_id": f"peer-{number}", "object_id": engine.FIRST_PERSON}
    return {"name": "create_mapping", "arguments": arguments}


def million(figures: Figures, rows: int) -> None:
    """A file of a hundred times as many rows, planned in a process of its own."""
    command = [sys.executable, str(HERE / "bigplan.py"), str(100 * rows)]
    found = json.loads(subprocess.run(command, env=environment(), check=True, capture_output=True, text=True).stdout)
    figures.add("million: validated and checked in the file, rows/s", found["rate"], 0)
    figures.add("million: memory grew by, MB", found["megabytes"])
    figures.add("million: the whole plan, s", found["seconds"])


def chat(figures: Figures, rows: int) -> None:
    """A look-up of a person while a backfill runs, over the whole server."""
    for name, points in (("under the limit", BUDGET), ("limit lifted", 0)):
        idle, busy = waits(points, rows)
        figures.add(f"chat: {name}, idle p95 ms", 1000 * p95(idle))
        figures.add(f"chat: {name}, during a backfill p95 ms", 1000 * p95(busy))
        figures.add(f"chat: {name}, ratio", p95(busy) / p95(idle), 2)


def p95(values: list[float]) -> float:
    return statistics.quantiles(values, n=20)[-1]


PARTS: dict[str, Callable[[Figures, int], None]] = {
    "limited": limited,
    "upserts": upserts,
    "lifted": lifted,
    "work": work,
    "million": million,
    "chat": chat,
}


def limits(figures: Figures) -> Iterator[Limit]:
    """The promises; what has to be at least so much is held by what is missing."""
    found = figures.values
    for part, written in (("limited", "created"), ("upserts", "written")):
        if f"{part}: minutes" in found:
            used = figures.median(f"{part}: granted points used, %")
            yield Limit(f"{part}: granted points left unused, %", 100 - used, 3.0)
            yield Limit(f"{part}: rows left undone, %", 100 - min(found[f"{part}: rows {written}, %"]), 0.0)
            yield Limit(f"{part}: 429 provoked", figures.worst(f"{part}: calls answered 429"), 0.0)
    if "limited: minutes" in found:
        log = figures.median("limited: the log, % of the run's time")
        yield Limit("the log, % of a run's time", log, 5.0, below=True)
    if "lifted: times as many" in found:
        yield Limit("time of a plain loop's tenth", 10 / figures.median("lifted: times as many"), 1.0)
    if "work: ours done, of 300" in found:
        yield Limit("of 300 creations left undone", WORK - min(found["work: ours done, of 300"]), 0.0)
        yield Limit("refused calls, %", figures.worst("work: ours refused (429), % of calls"), 1.0, below=True)
    if "million: memory grew by, MB" in found:
        yield Limit("memory of a plan, MB", figures.worst("million: memory grew by, MB"), 64.0, below=True)
        rate = figures.median("million: validated and checked in the file, rows/s")
        yield Limit("seconds for 25,000 rows of a file", 25_000 / rate, 1.0)
    for name in ("under the limit", "limit lifted"):
        if f"chat: {name}, ratio" in found:
            ratio = figures.median(f"chat: {name}, ratio")
            yield Limit(f"a look-up's p95 during a backfill, {name}, of idle", ratio, 1.5, below=True)


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description="What a backfill makes of the points it is granted.")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--only", default=",".join(PARTS), help="some of: %(default)s")
    asked = parser.parse_args()
    figures, begun = Figures(), time.monotonic()
    for _ in range(max(1, asked.rounds)):
        for name in asked.only.split(","):
            PARTS[name](figures, asked.rows)
    show(figures.table())
    print(f"\n{asked.rounds} rounds, {time.monotonic() - begun:.0f} s")
    return judge(list(limits(figures)))


if __name__ == "__main__":
    sys.exit(main())
