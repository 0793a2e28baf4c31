"""Making a plan reads for minutes: an outage in the middle of it costs time, and nothing that was read."""

from functools import partial

import pytest

from salesloft_mcp.app import App, open_app
from salesloft_mcp.bulk.sources import load_rows
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.sandbox.faults import Fault
from salesloft_mcp.settings import Settings
from tests.hosting.program import HANG_SECONDS

from .running import AIM, creations

pytestmark = [pytest.mark.anyio, pytest.mark.steady]

ATTEMPTS = 20  # more than a call of a tool makes


async def made(app: App) -> str:
    plan = await app.jobs.plan(AIM, partial(load_rows, rows=creations(3)), "rows")
    return (await app.jobs.wait(plan, HANG_SECONDS * 100)).state


@pytest.mark.parametrize("kind", ["status", "reset"])
async def test_a_plan_waits_for_a_salesloft_that_does_not_answer_for_a_while(
    settings: Settings, sandbox: Sandbox, kind: str
) -> None:
    sandbox.faults.add(
        Fault(kind="reset" if kind == "reset" else "status", method="GET", path="/v2/people", times=ATTEMPTS)
    )
    async with open_app(settings, sandbox) as app:
        assert await made(app) == "planned"
    asked = [request for request in sandbox.requests if request.raw_path == b"/v2/people"]
    assert len(asked) == ATTEMPTS + 1


async def test_a_plan_is_given_up_when_nothing_answers_for_minutes(settings: Settings, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault(kind="status", method="GET", path="/v2/people", times=None))
    async with open_app(settings, sandbox) as app:
        assert await made(app) == "failed"
