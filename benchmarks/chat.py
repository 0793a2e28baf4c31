"""How long a person's look-up waits, over the whole server, while it is idle and while it runs a backfill."""

import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any, cast

import anyio
import engine
from mcp.client import Client

from salesloft_mcp.app import App, open_app
from salesloft_mcp.bulk.sources import load_rows
from salesloft_mcp.bulk.status import operation_of
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import chosen
from salesloft_mcp.settings import Settings

SECONDS = 62.0  # of a backfill under the limit: the burst of its first points, and the waiting after it
PACE = 2.0  # a look-up so often stays within the points that are reserved for people
IDLE = 60


class Distant:
    """A sandbox whose every call takes 30 ms; what `open_app` wants of one."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.api_key = sandbox.api_key
        self._app = sandbox

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
        await anyio.sleep(engine.CALL_SECONDS)
        await self._app(scope, receive, send)


def waits(points: int, rows: int) -> tuple[list[float], list[float]]:
    """Seconds of each look-up, idle and during a backfill; without a limit when `points` is 0."""
    return anyio.run(_waits, points, rows)


async def _waits(points: int, rows: int) -> tuple[list[float], list[float]]:
    with tempfile.TemporaryDirectory() as name, Sandbox(rate_limit=600 if points else 0) as sandbox:
        settings = Settings(state_dir=Path(name), rate_limit=points or 600)
        async with open_app(settings, cast("Sandbox", Distant(sandbox))) as app:
            if not points:
                app.budget._limit = 10**9
            async with Client(build_server(app, chosen(app.settings.mode))) as client:
                await _look_up(client)
                idle = [await _look_up(client) for _ in range(IDLE if not points else 20)]
                return idle, await _during(app, client, points, rows)


async def _during(app: App, client: Client, points: int, rows: int) -> list[float]:
    creations = [
        {"external_id": f"c{number}", "object_id": engine.FIRST_PERSON + number % engine.PEOPLE}
        for number in range(rows)
    ]
    plan = await app.jobs.plan(engine.AIM, partial(load_rows, rows=creations), "benchmark")
    await app.jobs.wait(plan, 600)
    await app.jobs.start(operation_of(await app.plans.status(plan)), engine.YES)
    found: list[float] = []
    until = time.perf_counter() + SECONDS
    while time.perf_counter() < until and (await app.plans.status(plan)).state == "running":
        found.append(await _look_up(client))
        await anyio.sleep(PACE if points else 0.05)
    if points:
        await app.jobs.cancel(plan)
    return found


async def _look_up(client: Client) -> float:
    begun = time.perf_counter()
    result = await client.call_tool("list_external_id_mappings", {"external_id": "CONTACT1001"})
    if result.is_error:
        raise RuntimeError(f"the look-up failed: {result}")
    return time.perf_counter() - begun
