"""Resolving a thousand external ids under the rate limit, beside what a user would pick instead.

    python benchmarks/resolving.py [--rounds N]

The type holds 5,000 mappings, every call takes 30 ms, and the team has 600 points a minute, counted by the clock minute
in real time. Each contestant has a sandbox of its own over HTTP, and the rounds take turns. The peers ask for one id a
call, as a model has to; when the minute is spent they get an error, and the benchmark waits for the next minute for
them, which a model would not. Endpoint 7 in batches of a hundred is a row of its own: it does not say which id gave
which record. `tokens` is what a model writes and reads to resolve a hundred ids, at four characters each.
"""

import argparse
import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from driver import Server, environment, text
from overhead import Limit, judge, show, spread
from slow_sandbox import TYPE, external_id

from salesloft_mcp.sandbox import Sandbox

HERE = Path(__file__).parent
ASKED, FEW, BATCH = 1_000, 100, 100
KEY = Sandbox(seeded=False).api_key
Ask = Callable[[Server, list[str]], list[tuple[Any, Any]]]


@dataclass(slots=True)
class Figures:
    """One value a round."""

    seconds: list[float] = field(default_factory=list)
    points: list[float] = field(default_factory=list)
    tokens: list[float] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Contestant:
    """A server, and how a model asks it for many ids: the arguments and the result of every call."""

    command: list[str]
    ask: Ask
    figures: Figures = field(default_factory=Figures)


def all_at_once(server: Server, ids: list[str]) -> list[tuple[Any, Any]]:
    """Ours."""
    arguments = {"external_ids": ids, "external_type": TYPE}
    return [(arguments, server.call("resolve_external_ids", arguments))]


def one_by_one(tool: str) -> Ask:
    """The peers: one id a call."""

    def ask(server: Server, ids: list[str]) -> list[tuple[Any, Any]]:
        every = [{"external_type": TYPE, "external_id": one} for one in ids]
        return [(arguments, patiently(server, tool, arguments)) for arguments in every]

    return ask


def in_batches(server: Server, ids: list[str]) -> list[tuple[Any, Any]]:
    """Endpoint 7 through the generated peer."""
    batches = [ids[start : start + BATCH] for start in range(0, len(ids), BATCH)]
    every = [{"external_type": TYPE, "object_type": "people", "external_ids[]": batch} for batch in batches]
    return [(arguments, patiently(server, "list_objects", arguments)) for arguments in every]


def patiently(server: Server, tool: str, arguments: dict[str, Any]) -> Any:  # noqa: ANN401 - any JSON
    """The result of a call; where the minute is spent, the next one is waited for."""
    while True:
        result = server.ask("tools/call", {"name": tool, "arguments": arguments})
        if not result.get("isError"):
            return result
        if not any(sign in json.dumps(result) for sign in ("429", "Rate limited")):
            raise RuntimeError(json.dumps(result)[:300])
        time.sleep(60.05 - time.time() % 60)


CONTESTANTS = {
    "salesloft_mcp": Contestant(["-m", "salesloft_mcp", "serve"], all_at_once),
    "from_openapi, one call an id": Contestant([str(HERE / "peers.py"), "openapi-http"], one_by_one("list_mappings")),
    "plain server, one call an id": Contestant([str(HERE / "peers.py"), "plain-http"], one_by_one("look_up")),
    "from_openapi, endpoint 7": Contestant([str(HERE / "peers.py"), "openapi-http"], in_batches),
}


def main() -> int:
    """Measure, print and judge; 1 when a promise is not kept."""
    parser = argparse.ArgumentParser(description="Resolving a thousand ids under the rate limit.")
    parser.add_argument("--rounds", type=int, default=3)
    for _ in range(parser.parse_args().rounds):
        for contestant in CONTESTANTS.values():
            measure(contestant)
    show(table())
    return judge(list(limits()))


def measure(contestant: Contestant) -> None:
    """One round: a hundred ids for the tokens, and a thousand for time and points, each with a minute of its own."""
    figures = contestant.figures
    ids = [external_id(number * 5) for number in range(ASKED)]
    with running(contestant) as (server, _):
        asked = contestant.ask(server, ids[:FEW])
        figures.tokens.append(sum(len(compact(given)) + len(text(got)) for given, got in asked) / 4)
    with running(contestant) as (server, url):
        begun = time.perf_counter()
        contestant.ask(server, ids)
        figures.seconds.append(time.perf_counter() - begun)
        figures.points.append(points(url))


@contextmanager
def running(contestant: Contestant) -> Iterator[tuple[Server, str]]:
    """The contestant over a fresh sandbox."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen([sys.executable, str(HERE / "slow_sandbox.py"), str(port)], env=environment())
    try:
        wait_for(url)
        env = environment(SALESLOFT_BASE_URL=url, SALESLOFT_API_KEY=KEY)
        with Server(contestant.command, env) as server:
            server.open()
            yield server, url
    finally:
        process.kill()
        process.wait()


def wait_for(url: str) -> None:
    """Until the sandbox answers, for ten seconds at most."""
    for _ in range(200):
        try:
            httpx.get(f"{url}/_sandbox/requests", headers={"Authorization": f"Bearer {KEY}"})
        except httpx.TransportError:
            time.sleep(0.05)
        else:
            return
    raise RuntimeError("the sandbox does not start")


def points(url: str) -> float:
    """What the sandbox has charged."""
    asked = httpx.get(f"{url}/_sandbox/requests", headers={"Authorization": f"Bearer {KEY}"}, timeout=30)
    return float(sum(one["cost"] for one in asked.json()["data"] if one["status"] == 200))


def compact(value: object) -> str:
    """JSON as it is counted."""
    return json.dumps(value, separators=(",", ":"))


def table() -> Iterator[tuple[str, ...]]:
    """A row a contestant."""
    yield "median (range)", "seconds for 1,000 ids", "points", "tokens for 100 ids"
    for name, one in CONTESTANTS.items():
        found = one.figures
        yield name, spread(found.seconds, 2), spread(found.points, 0), spread(found.tokens, 0)


def limits() -> Iterator[Limit]:
    """What was promised, against the better of the two peers that can say which id gave which record."""
    ours, *peers = [one.figures for one in CONTESTANTS.values()][:3]
    for what, mine, theirs, most in (
        ("points, of a peer's", ours.points, [peer.points for peer in peers], 1 / 15),
        ("time, of a peer's", ours.seconds, [peer.seconds for peer in peers], 1 / 20),
        ("tokens, of a peer's", ours.tokens, [peer.tokens for peer in peers], 1 / 10),
    ):
        yield Limit(what, max(one / min(others) for one, *others in zip(mine, *theirs, strict=True)), most)


if __name__ == "__main__":
    sys.exit(main())
