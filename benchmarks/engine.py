"""The engine of backfills and bulk upserts over a sandbox that takes 30 ms for a call, with everything metered."""

import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import fastloop
import httpx
from pydantic import SecretStr

from salesloft_mcp.bulk.jobs import Jobs, open_jobs
from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.planning import Reads
from salesloft_mcp.bulk.plans import Plans
from salesloft_mcp.bulk.sources import load_rows
from salesloft_mcp.bulk.status import Status, operation_of
from salesloft_mcp.changes.apply import Changes
from salesloft_mcp.changes.change import Author
from salesloft_mcp.changes.log import ChangeLog
from salesloft_mcp.intake.tables import Fields
from salesloft_mcp.lookups.configurations import Configurations
from salesloft_mcp.lookups.custom_fields import CustomFields
from salesloft_mcp.lookups.resolve import Lookups
from salesloft_mcp.salesloft.budget import Budget
from salesloft_mcp.salesloft.call import open_call
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.credential import Key
from salesloft_mcp.salesloft.http import open_http
from salesloft_mcp.salesloft.inprocess import InProcess
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.state import database as state
from salesloft_mcp.state.database import Database

AIM = Aim("marketing_automation", "people")
CALL_SECONDS = 0.030
FIRST_PERSON, PEOPLE = 207550001, 158
URL = "http://sandbox.localhost"
state.TURN_SECONDS = 3_600.0  # on a clock that is many times as fast, a disk seems to be so much slower
YES = Author("benchmark", "benchmark")  # runs of more than twenty creations are asked about


@dataclass(slots=True)
class Meter:
    """Every call as (when it was answered, method, status), and the seconds that writing down took."""

    calls: list[tuple[float, str, int]] = field(default_factory=list)
    writing_down: float = 0.0


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
    """The jobs of plans, and what goes through them."""

    jobs: Jobs
    plans: Plans
    api: Salesloft
    sandbox: Sandbox
    meter: Meter

    async def planned(self, count: int) -> str:
        """A plan of so many creations."""
        rows = [
            {"external_id": f"bench-{number}", "object_id": FIRST_PERSON + number % PEOPLE} for number in range(count)
        ]
        return await self._planned(AIM, rows)

    async def planned_upserts(self, count: int) -> str:
        """A plan of so many people, every second of whom is there already and gets another title."""
        times = dict.fromkeys(("created_at", "updated_at"), "2024-01-01T00:00:00.000000+00:00")
        key = {"external_type": AIM.external_type, "object_type": AIM.object_type, "inserted_at": "2024-01-01"}
        rows: list[Fields] = []
        for number in range(count):
            name, email = f"bench-{number}", f"person{number}@bench.test"
            rows.append({"external_id": name, "email_address": email, "title": "CFO"})
            if number % 2:
                person = self.sandbox.store.insert("people", {**times, "fields": {"email_address": email}})
                self.sandbox.store.insert("mappings", {**key, "external_id": name, "object_id": person["id"]})
        return await self._planned(replace(AIM, intent="upsert"), rows)

    async def _planned(self, aim: Aim, rows: Sequence[Fields]) -> str:
        plan = await self.jobs.plan(aim, partial(load_rows, rows=rows), "benchmark")
        status = await self.jobs.wait(plan, 86_400)
        if status.state != "planned" or status.plan.writes != len(rows):
            raise RuntimeError(f"not planned: {status}")
        return plan

    async def run(self, plan: str) -> Status:
        """The plan, to its end."""
        await self.jobs.start(operation_of(await self.plans.status(plan)), YES)
        return await self.jobs.wait(plan, 86_400)


@asynccontextmanager
async def opened(budget: int, sandbox_limit: int) -> AsyncIterator[Engine]:
    """The engine with a budget of its own; a limit of 0 means none. Its clock is that of the event loop."""
    meter = Meter()
    with (
        tempfile.TemporaryDirectory() as name,
        Sandbox(rate_limit=sandbox_limit, clock=fastloop.clock) as sandbox,
        closing(Database(Path(name))) as database,
    ):
        wire = Metered(InProcess(sandbox), meter)
        key = Key(SecretStr(sandbox.api_key))
        points = Budget(budget or 10**9, fastloop.clock, fastloop.clock)
        async with open_http(URL, key, wire, points, agent="benchmark") as http:
            api = Salesloft(http)
            changes = Changes(api, ChangeLog(database, "benchmark", fastloop.clock), Configurations(api), "benchmark")
            plans = Plans(Path(name), database, "benchmark")
            reads = Reads(Lookups(api, changes.known, points), CustomFields(api))
            async with open_jobs(plans, changes, reads) as jobs:
                yield Engine(jobs, plans, api, sandbox, meter)


@contextmanager
def timing_the_log(meter: Meter) -> Iterator[None]:
    """Count the time of every transaction, in the thread that does it."""
    commit = Database._commit

    def timed(*given: Any, **named: Any) -> Any:  # noqa: ANN401 - whatever a transaction takes and gives
        begun = time.perf_counter()
        try:
            return commit(*given, **named)
        finally:
            meter.writing_down += time.perf_counter() - begun

    Database._commit = timed  # type: ignore[method-assign]
    try:
        yield
    finally:
        Database._commit = commit  # type: ignore[method-assign]


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
