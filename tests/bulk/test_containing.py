"""One runner a backfill, and a job that breaks breaks nothing else."""

import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from salesloft_mcp.bulk.run import Outcomes
from salesloft_mcp.state.journal import Journal

from salesloft_mcp import errors
from salesloft_mcp.bulk.jobs import Backfills, open_backfills
from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.sources import load_rows
from salesloft_mcp.sandbox import Fault, Sandbox
from tests.salesloft.opened import opened

from .running import AIM, QUIET_SECONDS, creations

pytestmark = [pytest.mark.anyio, pytest.mark.steady]


class Full:
    """A change log on a disk that is full, until there is room."""

    def __init__(self) -> None:
        self.room = False
        self.logged = 0

    def __call__(self, backfill_id: str, aim: Aim, confirmed: str, outcomes: Outcomes) -> None:
        if not self.room:
            raise sqlite3.OperationalError("database or disk is full: secret")
        self.logged += len(outcomes)


@asynccontextmanager
async def backfills(folder: Path, sandbox: Sandbox, log: Full) -> AsyncIterator[Backfills]:
    async with opened(sandbox, seconds=1.0) as api:
        async with open_backfills(folder, "tests", api, log, QUIET_SECONDS) as found:
            yield found


async def planned(found: Backfills, count: int) -> str:
    backfill_id = found.plan(AIM, partial(load_rows, rows=creations(count)), "rows")
    assert (await found.wait(backfill_id, 10)).state == "planned"
    return backfill_id


async def test_a_full_disk_stops_the_job_and_not_the_server_and_the_job_goes_on_later(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    log = Full()
    with Sandbox(rate_limit=0, enforce_unique=False) as sandbox:
        async with backfills(tmp_path, sandbox, log) as found:
            one, other = await planned(found, 5), await planned(found, 5)
            found.start(one)
            status = await found.wait(one, 10)
            assert (status.state, status.states["intended"]) == ("stopped", 5)
            assert "OperationalError" in status.problem
            assert "secret" not in status.problem + caplog.text
            assert [record.levelno for record in caplog.records] == [logging.ERROR]
            log.room = True
            found.start(one)
            status = await found.wait(one, 10)
            assert (status.state, status.problem) == ("finished", "")
            assert (await found.wait(other, 10)).state == "planned"
            assert (log.logged, sum(request.method == "POST" for request in sandbox.requests)) == (5, 5)


async def test_a_plan_that_breaks_is_failed(tmp_path: Path) -> None:
    async def breaks(journal: Journal, aim: Aim) -> None:
        raise ZeroDivisionError

    with Sandbox(rate_limit=0) as sandbox:
        async with backfills(tmp_path, sandbox, Full()) as found:
            status = await found.wait(found.plan(AIM, breaks, "rows"), 10)
            assert (status.state, "ZeroDivisionError" in status.problem) == ("failed", True)


async def test_a_second_process_is_refused_while_the_first_one_runs(tmp_path: Path) -> None:
    log = Full()
    log.room = True
    with Sandbox(rate_limit=0) as sandbox:
        async with backfills(tmp_path, sandbox, log) as first, backfills(tmp_path, sandbox, log) as second:
            backfill_id = await planned(first, 5)
            sandbox.faults.add(Fault("delay", method="POST", times=None, seconds=0.1))
            first.start(backfill_id)
            assert second.status(backfill_id).state == "running"
            for runner in (first, second):
                with pytest.raises(errors.ConflictError):
                    runner.start(backfill_id)
            assert (await first.wait(backfill_id, 10)).state == "finished"
            assert second.status(backfill_id).state == "finished"
