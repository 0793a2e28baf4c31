"""A job that breaks breaks nothing else."""

import logging
import sqlite3
from typing import Any

import pytest

from salesloft_mcp.app import App
from salesloft_mcp.bulk.job_guard import JobGuard
from salesloft_mcp.bulk.plan import Aim, Loaded
from salesloft_mcp.bulk.status import operation_of
from salesloft_mcp.changes.change import Author
from salesloft_mcp.changes.log import ChangeLog
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.state.staging import Staging
from tests.hosting.program import HANG_SECONDS
from tests.server.calling import writes

from .running import AIM
from .working import planned

pytestmark = [pytest.mark.anyio, pytest.mark.steady]


async def test_a_full_disk_stops_the_job_and_not_the_server_and_the_job_goes_on_later(
    app: App, sandbox: Sandbox, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: Any, **__: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full: secret")

    one, other = await planned(app, 5), await planned(app, 5)
    with monkeypatch.context() as patched:
        patched.setattr(ChangeLog, "settle", full)
        await app.jobs.start(operation_of(await app.plans.status(one)), Author())
        status = await app.jobs.wait(one, HANG_SECONDS)
    assert (status.state, status.outcomes) == ("stopped", {"intended": 5})
    assert "OperationalError" in status.problem
    assert "secret" not in status.problem + caplog.text
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    await app.jobs.start(operation_of(await app.plans.status(one)), Author())
    status = await app.jobs.wait(one, HANG_SECONDS)
    assert (status.state, status.problem, status.outcomes) == ("finished", "", {"created": 5})
    assert len(writes(sandbox)) == 5
    assert (await app.plans.status(other)).state == "planned"


async def test_a_plan_that_breaks_is_failed(app: App) -> None:
    async def breaks(staging: Staging, aim: Aim) -> Loaded:
        raise ZeroDivisionError

    status = await app.jobs.wait(await app.jobs.plan(AIM, breaks, "rows"), HANG_SECONDS)
    assert (status.state, "ZeroDivisionError" in status.problem) == ("failed", True)
    assert status.problem.endswith("Next: see there, then plan again.")


def test_an_error_in_groups_is_told_as_what_it_is(caplog: pytest.LogCaptureFixture) -> None:
    with JobGuard() as guard:
        try:
            raise ZeroDivisionError("secret")
        except ZeroDivisionError as error:
            raise ExceptionGroup("outer", [ExceptionGroup("inner", [error])]) from None
    assert guard.problem.startswith("it failed inside the program (ZeroDivisionError)")
    assert "ZeroDivisionError at " in caplog.text
    assert f"{__file__}:" in caplog.text
    assert "secret" not in caplog.text
