"""The backfill engine over a sandbox that takes 30 ms for a call, with everything metered."""

import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import fastloop
import httpx
from pydantic import SecretStr
from salesloft_mcp.state.journal import Journal
from salesloft_mcp.state.local import LocalState

from salesloft_mcp.app import log_rows
from salesloft_mcp.bulk.jobs import Backfills, Status, open_backfills
from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.sources import load_rows
from salesloft_mcp.salesloft.budget import Budget
from salesloft_mcp.salesloft.call import open_call
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.http import Bearer, open_http
from salesloft_mcp.salesloft.inprocess import InProcess
from salesloft_mcp.sandbox import Sandbox

AIM = Aim("marketing_automation", "people")
CALL_SECONDS = 0.030
FIRST_PERSON, PEOPLE = 207550001, 158
URL = "http://sandbox.localhost"
_JOURNAL = ("intend", "take_back", "settle", "open_lines", "facts")


@dataclass(slots=True)
class Meter:
    """Every call as (when it was answered, method, status), and the seconds that writing down took."""

    calls: list[tuple[float, str, int]] = field(default_factory=list)
    writing_down: float = 0.0

    def timed(self, act: Callable[..., Any]) -> Callable[..., Any]:
        """`act`, with its time counted."""

        def timing(*arguments: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever `act` takes and gives
            begun = time.perf_counter()
            try:
                return act(*arguments, **named)
            finally:
                self.writing_down += time.perf_counter() - begun

        return timing


class Metered(httpx.AsyncBaseTransport):
    """A wire that takes 30 ms and keeps a record."""

    def __init__(self, inner: httpx.AsyncBaseTransport, meter: Meter) -> None:
        self._inner = inner
        self._meter = meter

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await anyio.sleep(CALL_SECONDS)
        response = await self._inner.handle_async_request(request)
        self._meter.calls.append((anyio.current_time(), request.method, response.status_code))
        return response


@dataclass(frozen=True, slots=True)
class Engine:
    """Open backfills, and what goes through them."""

    backfills: Backfills
    api: Salesloft
    sandbox: Sandbox
    meter: Meter

    async def planned(self, count: int) -> str:
        """A plan of so many creations."""
        rows = [
            {"external_id": f"bench-{number}", "object_id": FIRST_PERSON + number % PEOPLE} for number in range(count)
        ]
        backfill_id = self.backfills.plan(AIM, partial(load_rows, rows=rows), "benchmark")
        status = await self.backfills.wait(backfill_id, 600)
        if status.state != "planned" or status.creates != count:
            raise RuntimeError(f"not planned: {status}")
        return backfill_id

    async def run(self, backfill_id: str) -> Status:
        """The plan, to its end."""
        self.backfills.start(backfill_id)
        return await self.backfills.wait(backfill_id, 86_400)


@asynccontextmanager
async def opened(budget: int, sandbox_limit: int) -> AsyncIterator[Engine]:
    """The engine with a budget of its own; a limit of 0 means none. Its clock is that of the event loop."""
    meter = Meter()
    with (
        tempfile.TemporaryDirectory() as name,
        Sandbox(rate_limit=sandbox_limit, clock=fastloop.clock) as sandbox,
        LocalState(Path(name)) as state,
    ):
        wire = Metered(InProcess(sandbox.app), meter)
        auth = Bearer(SecretStr(sandbox.api_key), URL)
        points = Budget(budget or 10**9, fastloop.clock, fastloop.clock)
        log = meter.timed(partial(log_rows, state, "benchmark"))
        async with open_http(URL, auth, wire, points, agent="benchmark") as http:
            api = Salesloft(http)
            async with open_backfills(Path(name), "benchmark", api, log) as backfills:
                yield Engine(backfills, api, sandbox, meter)


@asynccontextmanager
async def timing_the_journal(meter: Meter) -> AsyncIterator[None]:
    """Count the time of what a run asks of its journal."""
    before = {name: getattr(Journal, name) for name in _JOURNAL}
    for name, method in before.items():
        setattr(Journal, name, meter.timed(method))
    try:
        yield
    finally:
        for name, method in before.items():
            setattr(Journal, name, method)


async def one_at_a_time(api: Salesloft, count: int) -> None:
    """What a plain loop does."""
    with open_call(lane="bulk"):
        for number in range(count):
            await api.create_mapping(AIM.external_type, AIM.object_type, f"alone-{number}", FIRST_PERSON)


async def elapsed(work: Awaitable[object]) -> float:
    """Seconds of the event loop's clock that `work` takes."""
    begun = anyio.current_time()
    await work
    return anyio.current_time() - begun
