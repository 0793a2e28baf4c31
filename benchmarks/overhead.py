"""What this server costs a user beside its peers: start, memory, time of a call, tokens.

    python benchmarks/overhead.py [--rounds N]

Every round starts each contestant once, in turn, so that a busy machine slows all of them alike. One round more goes
before and is not counted: it compiles the bytecode. What is held against a limit is the median of the rounds' ratios.
The server is started twice a round: as a host starts it, with a key for the live address (nothing is sent to it), and
with --sandbox, which adds the making of a seeded sandbox; both have to stay within the limit.

The call compared is the one both have: one GET of the mappings of one external id, with the same filters and the same
page size, answered by a sandbox inside the contestant's own process. The sandbox's work for that very request is
measured in the same round without any client around it, and taken off both. What is left is what a server adds: reading
and checking the arguments, its HTTP client and the layers on it, reading the rows, building and checking the answer.
Ours also counts points, may retry, and holds every row against the question; the peer passes the answer on.
`resolve_external_ids` has no like among generated tools: it is shown beside the peer's nearest way, one call for the
mapping and one for the record, and no limit hangs on it.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from driver import Server, environment, text
from peers import EXTERNAL_ID

PEERS = str(Path(__file__).with_name("peers.py"))
ROUNDS = 7
WARM_UP, CALLS = 20, 150  # with the calls of `resolve` fewer points than a minute has

Arguments = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call to repeat, or several that one user's question takes together."""

    name: str
    steps: tuple[tuple[str, Arguments], ...]


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server: how to start it, and what to ask of it. Without calls it is only started."""

    name: str
    command: tuple[str, ...]
    calls: tuple[Call, ...] = ()


@dataclass(slots=True)
class Figures:
    """What was measured, a value a round; and the answers of the last round."""

    start: list[float] = field(default_factory=list)
    cpu: list[float] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    calls: dict[str, list[float]] = field(default_factory=dict)
    tokens: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Limit:
    """A promise: `value` is at most `most`, or below it."""

    what: str
    value: float
    most: float
    below: bool = False

    @property
    def holds(self) -> bool:
        return self.value < self.most if self.below else self.value <= self.most


MAPPING = {"external_id": EXTERNAL_ID}
OURS = ("-m", "salesloft_mcp", "serve")
OUR_CALLS = (
    Call("mapping", (("list_external_id_mappings", MAPPING),)),
    Call("resolve", (("resolve_external_ids", {"external_ids": [EXTERNAL_ID]}),)),
)
ONE_PAGE = MAPPING | {"deleted": False, "page": 1, "per_page": 25}
OBJECTS = {"external_type": "crm_lead", "object_type": "people", "external_ids[]": [EXTERNAL_ID]}
PEER_CALLS = (
    Call("mapping", (("list_mappings", ONE_PAGE),)),
    Call("resolve", (("list_mappings", ONE_PAGE), ("list_objects", OBJECTS))),
)


def contestants(state_dir: str) -> tuple[Contestant, ...]:
    """Everybody, in the order of a round."""
    ours = (*OURS, "--state-dir", state_dir)
    return (
        Contestant("one-tool", (PEERS, "one-tool"), (Call("nothing", (("nothing", {}),)),)),
        Contestant("ours", ours),
        Contestant("ours, sandbox", (*ours, "--sandbox"), OUR_CALLS),
        Contestant("from_openapi", (PEERS, "openapi")),
        Contestant("from_openapi, sandbox", (PEERS, "openapi-sandbox"), PEER_CALLS),
    )


def main() -> int:
    """Measure, print, judge."""
    parser = argparse.ArgumentParser(description="Start, memory, call and tokens of salesloft-mcp beside its peers.")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = max(1, parser.parse_args().rounds)
    alone: list[float] = []
    with tempfile.TemporaryDirectory() as state_dir:
        everybody = contestants(state_dir)
        figures = {one.name: Figures() for one in everybody}
        for number in range(-1, rounds):
            results = {one.name: measured(one) for one in everybody}
            cost = sandbox_cost()
            if number >= 0:
                alone.append(cost)
                for name, result in results.items():
                    add(figures[name], result)
        read_only = Contestant("read-only", (*OURS, "--state-dir", state_dir, "--mode", "read-only"))
        read_only_tokens = measured(read_only).tokens["tools/list"]
    show(table(figures, alone))
    print(f"\n{steadier(figures)}")
    return judge([*ratios(figures, alone), *token_limits(figures, read_only_tokens)])


def measured(contestant: Contestant) -> Figures:
    """One start of one contestant, in figures of a single round."""
    figures = Figures()
    # The key is well formed and opens nothing; no request leaves the process.
    with Server(list(contestant.command), environment(SALESLOFT_API_KEY="ak" + "0" * 64)) as server:
        tools = server.open()["tools"]
        figures.start.append(1000 * (time.perf_counter() - server.started))
        figures.cpu.append(server.cpu_ms())
        figures.tokens["tools/list"] = sum(map(tokens, map(told, tools)))
        for call in contestant.calls[:1]:
            run(server, call)
        figures.memory.append(server.resident_mb())
        for call in contestant.calls:
            figures.tokens[call.name] = sum(len(text(result)) // 4 for result in run(server, call))
            figures.calls[call.name] = [repeated(server, call)]
    return figures


def repeated(server: Server, call: Call) -> float:
    """The median of many calls, in milliseconds."""
    for _ in range(WARM_UP):
        run(server, call)
    times = []
    for _ in range(CALLS):
        begun = time.perf_counter()
        run(server, call)
        times.append(1000 * (time.perf_counter() - begun))
    return statistics.median(times)


def run(server: Server, call: Call) -> list[Arguments]:
    """Every step of `call`, one after the other."""
    return [server.call(tool, arguments) for tool, arguments in call.steps]


def sandbox_cost() -> float:
    """Milliseconds of the sandbox's own work for one look-up, from a process of its own."""
    command = [sys.executable, PEERS, "sandbox-alone"]
    done = subprocess.run(command, env=environment(), check=True, capture_output=True, text=True)
    return float(done.stdout)


def tokens(value: object) -> int:
    """As hosts estimate them: a quarter of the characters of the JSON."""
    return len(json.dumps(value, ensure_ascii=False, separators=(",", ":"))) // 4


def told(tool: dict[str, Any]) -> dict[str, Any]:
    """The part of a listed tool that hosts give to a model."""
    return {name: tool.get(name) for name in ("name", "description", "inputSchema")}


def add(figures: Figures, result: Figures) -> None:
    """One round more."""
    figures.start += result.start
    figures.cpu += result.cpu
    figures.memory += result.memory
    for name, times in result.calls.items():
        figures.calls.setdefault(name, []).extend(times)
    figures.tokens = result.tokens


def table(figures: dict[str, Figures], alone: list[float]) -> Iterator[tuple[str, ...]]:
    """The absolute figures: a row a contestant, each cell a median and its range."""
    yield "median (range)", "start ms", "CPU ms", "RSS MB", "call ms", "own ms", "resolve ms", "tools/list tokens"
    for name, one in figures.items():
        call = one.calls.get("mapping") or one.calls.get("nothing", [])
        own = less(call, alone) if "mapping" in one.calls else call
        shown = (one.start, one.cpu, one.memory, call, own, one.calls.get("resolve", []))
        digits = (0, 0, 1, 2, 2, 2)
        yield name, *map(spread, shown, digits), str(one.tokens["tools/list"])
    yield "sandbox alone", "", "", "", spread(alone, 2), "", "", ""


def spread(values: list[float], digits: int) -> str:
    """ "753 (740-790)": the median and the range."""
    if not values:
        return ""
    return f"{statistics.median(values):.{digits}f} ({min(values):.{digits}f}-{max(values):.{digits}f})"


def less(values: list[float], others: list[float]) -> list[float]:
    """Round by round, without what `others` took."""
    return [value - other for value, other in zip(values, others, strict=True)]


def ratio(values: list[float], others: list[float]) -> float:
    """The median of the rounds' ratios."""
    return statistics.median(value / other for value, other in zip(values, others, strict=True))


def ratios(figures: dict[str, Figures], alone: list[float]) -> Iterator[Limit]:
    """The promises about time and memory."""
    floor, ours, ours_there = figures["one-tool"], figures["ours"], figures["ours, sandbox"]
    peer, peer_there = figures["from_openapi"], figures["from_openapi, sandbox"]
    yield Limit("start, of one-tool's", ratio(ours.start, floor.start), 1.35)
    yield Limit("start with the sandbox, of one-tool's", ratio(ours_there.start, floor.start), 1.35)
    yield Limit("start, of from_openapi's", ratio(ours.start, peer.start), 1.0, below=True)
    yield Limit("start with the sandbox, of from_openapi's", ratio(ours_there.start, peer_there.start), 1.0, below=True)
    own, peer_own = less(ours_there.calls["mapping"], alone), less(peer_there.calls["mapping"], alone)
    yield Limit("a call's own cost, of from_openapi's", ratio(own, peer_own), 1.0, below=True)
    yield Limit("memory after one call, of one-tool's", ratio(ours_there.memory, floor.memory), 1.35)


def steadier(figures: dict[str, Figures]) -> str:
    """The start once more in CPU time: where it says otherwise than the clock, the machine was busy."""
    floor, ours, peer = (figures[name].cpu for name in ("one-tool", "ours", "from_openapi"))
    return f"start in CPU time: {ratio(ours, floor):.2f} of one-tool's, {ratio(ours, peer):.2f} of from_openapi's"


def token_limits(figures: dict[str, Figures], read_only: int) -> Iterator[Limit]:
    """The promises about a model's context."""
    ours = figures["ours, sandbox"].tokens
    yield Limit("tokens of tools/list, all tools", ours["tools/list"], 4_500)
    yield Limit("tokens of tools/list, read-only", read_only, 2_400)
    yield Limit("tokens of resolving one id", ours["resolve"], 150)


def show(rows: Iterator[tuple[str, ...]]) -> None:
    """Columns, aligned."""
    cells = list(rows)
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def judge(limits: list[Limit]) -> int:
    """Says of each limit whether it holds; 1 when one does not."""
    for one in limits:
        word, sign = "holds" if one.holds else "FAILS", "<" if one.below else "<="
        value = f"{one.value:,.2f}" if one.most < 10 else f"{one.value:,.0f}"
        print(f"{word}  {one.what}: {value} (limit {sign} {one.most:,})")
    return 0 if all(one.holds for one in limits) else 1


if __name__ == "__main__":
    sys.exit(main())
