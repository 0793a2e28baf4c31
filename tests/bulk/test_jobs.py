"""Runs: one runner each, judged again before they begin, counted together, resumed after a crash and not after a no."""

from dataclasses import replace
from functools import partial

import anyio
import pytest
from pydantic import SecretStr

from salesloft_mcp import errors
from salesloft_mcp.app import App, open_app
from salesloft_mcp.bulk.plan import Aim, Loaded
from salesloft_mcp.bulk.sources import load_rows
from salesloft_mcp.bulk.status import Status, operation_of
from salesloft_mcp.changes.approvals import BY_CLIENT
from salesloft_mcp.changes.change import Author
from salesloft_mcp.policy import Policy
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.settings import Settings
from salesloft_mcp.state.staging import Staging
from tests.crowd import FIRST_OF_CROWD
from tests.hosting.program import HANG_SECONDS
from tests.server.calling import writes

from .running import AIM, creations
from .working import NOBODY, YES, Gate, finished, live, planned, started

pytestmark = [pytest.mark.anyio, pytest.mark.steady]

LIMIT = 120  # creates that need no yes, in these tests


@pytest.fixture(autouse=True)
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("salesloft_mcp.changes.consent.MOST_UNASKED", LIMIT)


def rows(name: str, count: int) -> list[dict[str, object]]:
    """So many rows, each with a person of its own, whatever other name there is beside "a", "b" and "c"."""
    first = FIRST_OF_CROWD + 650 * "abc".index(name)
    return [{"external_id": f"new {name}{number}", "object_id": first + number} for number in range(count)]


async def cut_off(
    settings: Settings, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, count: int, author: Author = NOBODY
) -> str:
    """A run whose process ended in the middle."""
    async with open_app(settings, sandbox) as app:
        plan = await planned(app, rows("", count))
        gate = Gate(app.salesloft, monkeypatch, 20)
        await started(app, plan, author)
        await gate.wait()
    return plan


async def test_two_processes_that_start_one_plan_at_once_make_one_run(
    settings: Settings, app: App, sandbox: Sandbox
) -> None:
    told: list[str] = []

    async def start(one: App, plan: str) -> None:
        try:
            await one.jobs.start(operation_of(await one.plans.status(plan)), NOBODY)
        except errors.ConflictError as error:
            told.append(error.what)

    async with open_app(settings, sandbox) as other:
        plan = await planned(app, 100)
        sandbox.faults.add(Fault("delay", method="POST", times=None, seconds=1.0))
        async with anyio.create_task_group() as both:
            for one in (app, other, app, other):
                both.start_soon(start, one, plan)
        assert len(told) == 3
        assert set(told) <= {"plan: it is running. Nothing was started.", "plan: another job works on it."}
        for one in (app, other):
            assert (await one.jobs.wait(plan, HANG_SECONDS)).outcomes == {"created": 100}
    assert len(writes(sandbox)) == len(await live(app)) == 100


async def test_what_another_process_runs_is_seen_as_running_and_its_end_is_seen(
    settings: Settings, app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(app.salesloft, monkeypatch, 1)
    plan = await planned(app, 3)
    async with open_app(settings, sandbox) as other:
        await started(app, plan)
        await gate.wait()
        assert (await other.plans.status(plan)).state == "running"
        with pytest.raises(errors.ConflictError, match="it is running"):
            operation_of(await other.plans.status(plan))
        await other.jobs.resume_all()
        gate.open()
        await app.jobs.wait(plan, HANG_SECONDS)
        assert (await other.plans.status(plan)).state == "finished"
    assert len(writes(sandbox)) == 3


async def test_many_who_look_do_not_keep_a_run_from_its_start_nor_take_a_stopped_one_for_running(
    settings: Settings, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = await cut_off(settings, sandbox, monkeypatch, 100)
    seen: list[Status] = []

    async def look(one: App) -> None:
        seen.append(await one.plans.status(plan))

    async with open_app(settings, sandbox) as app, open_app(settings, sandbox) as other:
        async with anyio.create_task_group() as looking:
            for _ in range(20):
                looking.start_soon(look, app)
                looking.start_soon(look, other)
        assert {status.state for status in seen} == {"stopped"}
        async with anyio.create_task_group() as looking:
            for _ in range(20):
                looking.start_soon(look, other)
            assert (await finished(app, plan)).state == "finished"


async def test_a_run_that_would_create_more_than_was_agreed_to_is_refused(app: App, sandbox: Sandbox) -> None:
    plan = await planned(app, 10)
    operation = operation_of(await app.plans.status(plan))
    agreed = replace(operation, by_run=replace(operation.by_run, creates=9))
    with pytest.raises(errors.UnconfirmedError, match="10 writes are left, and fewer were agreed to"):
        await app.jobs.start(agreed, YES)
    assert writes(sandbox) == []


async def test_a_plan_that_is_still_made_elsewhere_cannot_be_run(
    settings: Settings, app: App, sandbox: Sandbox
) -> None:
    go_on = anyio.Event()

    async def load(staging: Staging, _: object) -> Loaded:
        await go_on.wait()
        return Loaded("")

    plan = await app.jobs.plan(AIM, load, "rows")
    async with open_app(settings, sandbox) as other:
        with pytest.raises(errors.ConflictError, match="it is planning"):
            operation_of(await other.plans.status(plan))
    go_on.set()


async def test_creates_that_nobody_was_asked_about_count_together_in_an_hour(app: App, sandbox: Sandbox) -> None:
    first, second = await planned(app, rows("a", LIMIT - 1)), await planned(app, rows("b", LIMIT - 1))
    assert (await finished(app, first)).state == "finished"
    operation = operation_of(await app.plans.status(second))
    question = await app.jobs.question(operation)
    assert question is not None
    with pytest.raises(errors.UnconfirmedError, match="a person has to agree to this run"):
        await app.jobs.start(operation, NOBODY)
    assert len(await live(app)) == LIMIT - 1
    assert await app.jobs.question(operation_of(await app.plans.status(await planned(app, rows("c", 1))))) is None
    await app.jobs.start(operation, Author("tests", "agreed in a test", question.digest))
    assert (await app.jobs.wait(second, HANG_SECONDS)).outcomes == {"created": LIMIT - 1}


async def test_a_run_that_has_just_begun_counts_whole(
    settings: Settings, app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_app(settings, sandbox) as other:
        first, second = await planned(app, rows("a", LIMIT - 1)), await planned(other, rows("b", 2))
        operation = operation_of(await other.plans.status(second))
        assert await other.jobs.question(operation) is None
        Gate(app.salesloft, monkeypatch, 0)
        await started(app, first)
        with pytest.raises(errors.UnconfirmedError, match="a person has to agree"):
            await other.jobs.start(operation, NOBODY)


async def test_a_run_that_was_agreed_to_leaves_the_hour_to_others(app: App) -> None:
    assert (await finished(app, await planned(app, rows("a", LIMIT + 1)), YES)).state == "finished"
    assert await app.jobs.question(operation_of(await app.plans.status(await planned(app, rows("b", LIMIT))))) is None


async def test_a_yes_to_a_run_counts_once(app: App) -> None:
    first, second = await planned(app, rows("a", LIMIT + 1)), await planned(app, rows("b", LIMIT + 1))
    question = await app.jobs.question(operation_of(await app.plans.status(first)))
    assert question is not None
    yes = replace(YES, consent=question.digest)
    await started(app, first, yes)
    with pytest.raises(errors.UnconfirmedError, match="this yes was used already"):
        await started(app, second, yes)
    await app.jobs.wait(first, HANG_SECONDS)
    assert (await app.plans.status(second)).state == "planned"


@pytest.mark.parametrize(("count", "author"), [(LIMIT - 1, NOBODY), (LIMIT + 100, YES)], ids=["unasked", "agreed"])
async def test_the_next_server_goes_on_with_what_a_crash_cut_off(
    settings: Settings, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, count: int, author: Author
) -> None:
    plan = await cut_off(settings, sandbox, monkeypatch, count, author)
    async with open_app(settings, sandbox) as app:
        assert (await app.plans.status(plan)).state == "stopped"
        await app.jobs.resume_all()
        status = await app.jobs.wait(plan, HANG_SECONDS)
        assert (status.state, status.outcomes) == ("finished", {"created": count})
        assert len(await live(app)) == count


async def test_a_run_that_was_cancelled_is_not_gone_on_with_and_can_be_run_again(
    settings: Settings, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = await cut_off(settings, sandbox, monkeypatch, LIMIT + 100, YES)
    async with open_app(settings, sandbox) as app:
        await app.jobs.cancel(plan)
        await app.jobs.resume_all()
        assert (await app.plans.status(plan)).state == "cancelled"
        assert await app.jobs.question(operation_of(await app.plans.status(plan))) is not None  # asked anew
        status = await finished(app, plan, YES)
        assert (status.state, status.outcomes) == ("finished", {"created": LIMIT + 100})


async def test_a_cancel_from_another_process_ends_the_run_there(settings: Settings, app: App, sandbox: Sandbox) -> None:
    plan = await planned(app, 200)
    sandbox.faults.add(Fault("delay", method="POST", times=None, seconds=0.5))
    await started(app, plan, YES)
    async with open_app(settings, sandbox) as other:
        await other.jobs.cancel(plan)
        status = await app.jobs.wait(plan, HANG_SECONDS)
        assert status.state == "cancelled"
        assert 0 < status.outcomes["created"] == len(await live(app)) < 200
        assert (await other.plans.status(plan)).state == "cancelled"


@pytest.mark.parametrize("begun", [False, True], ids=["first", "again"])
async def test_a_cancel_that_comes_while_a_run_is_begun_is_not_lost(
    settings: Settings, app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, begun: bool
) -> None:
    async def start() -> None:
        with pytest.raises(errors.ConflictError, match="it was cancelled meanwhile"):
            await started(app, plan)

    plan = await planned(app, 100)
    if begun:
        await app.jobs.cancel(plan)
    gate = Gate(app.salesloft, monkeypatch, 0, "team")
    async with open_app(settings, sandbox) as other, anyio.create_task_group() as tasks:
        tasks.start_soon(start)
        await gate.wait()
        await other.jobs.cancel(plan)
        assert (await other.plans.status(plan)).state == "cancelled"
        gate.open()
    assert (await app.plans.status(plan)).state == "cancelled"
    assert writes(sandbox) == []
    assert (await finished(app, plan)).outcomes == {"created": 100}


async def test_a_run_that_is_cancelled_while_a_server_starts_is_not_gone_on_with(
    settings: Settings, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = await cut_off(settings, sandbox, monkeypatch, 100)
    before = len(writes(sandbox))
    async with open_app(settings, sandbox) as app, open_app(settings, sandbox) as other:
        gate = Gate(app.plans, monkeypatch, 1, "status")
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(app.jobs.resume_all)
            await gate.wait()
            await other.jobs.cancel(plan)
            gate.open()
        status = await app.jobs.wait(plan, HANG_SECONDS)
    assert (status.state, status.problem, len(writes(sandbox))) == ("cancelled", "", before)


@pytest.mark.parametrize("hangs", [False, True], ids=["at its end", "in the middle"])
async def test_a_cancel_from_another_process_ends_the_making_of_a_plan(
    settings: Settings, app: App, sandbox: Sandbox, hangs: bool
) -> None:
    go_on = anyio.Event()

    async def load(staging: Staging, aim: Aim) -> Loaded:
        await go_on.wait()
        return await load_rows(staging, aim, creations(3))

    plan = await app.jobs.plan(AIM, load, "rows")
    async with open_app(settings, sandbox) as other:
        await other.jobs.cancel(plan)
        if not hangs:
            go_on.set()
        status = await app.jobs.wait(plan, HANG_SECONDS)
        assert (status.state, status.problem.split("\n")[0]) == ("cancelled", "it was cancelled while it was planned.")
        assert await other.plans.status(plan) == status
    with pytest.raises(errors.ConflictError, match=r"it is cancelled\. Nothing was started"):
        await started(app, plan)


async def test_where_the_token_is_of_another_team_no_run_goes_on_and_the_reason_is_told(
    settings: Settings, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = await cut_off(settings, sandbox, monkeypatch, 100)
    async with open_app(settings, sandbox) as app:
        await app.plans.note(plan, team="7")
        await app.jobs.resume_all()
        status = await app.plans.status(plan)
        assert status.state == "stopped"
        assert "it was made for team 7, and this token is of team 100013. Nothing was written." in status.problem


@pytest.mark.parametrize(
    ("policy", "author", "told"),
    [
        (Policy(ask="all"), NOBODY, "a person has to agree to this run"),
        (Policy(ask="overwrites"), NOBODY, ""),
        (Policy(ask="all"), Author("a client", BY_CLIENT), ""),
        (Policy(ask="all", confirm="outside"), Author("a client", BY_CLIENT), "a person has to agree to this run"),
        (Policy(ask="all", confirm="outside"), Author("a client", "approved in a terminal"), ""),
        (Policy(mode="read-only"), NOBODY, "writes are switched off here (mode read-only)"),
        (Policy(object_types=("accounts",)), NOBODY, "the policy of this computer allows accounts only"),
    ],
)
async def test_a_run_goes_on_only_as_far_as_the_policy_of_now_allows(
    settings: Settings, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, policy: Policy, author: Author, told: str
) -> None:
    plan = await cut_off(settings, sandbox, monkeypatch, 100, author)
    async with open_app(settings, sandbox, policy) as app:
        await app.jobs.resume_all()
        status = await app.plans.status(plan)
        assert told in status.problem
        assert (status.state == "stopped") is bool(told)


async def test_while_the_team_cannot_be_read_nothing_is_planned_or_run(app: App, sandbox: Sandbox) -> None:
    plan = await planned(app, 3)
    sandbox.faults.add(Fault("raw", path="/v2/team", status=200, body=b"<html>", times=None))
    with pytest.raises(errors.BrokenAnswerError):
        await started(app, plan)
    unbound = await app.jobs.plan(AIM, partial(load_rows, rows=creations(3)), "rows")
    assert (await app.jobs.wait(unbound, HANG_SECONDS)).state == "failed"
    sandbox.faults.clear()
    assert writes(sandbox) == []
    assert (await finished(app, plan)).outcomes == {"created": 3}


async def test_how_far_a_plan_is_is_told_without_its_rows(app: App, settings: Settings) -> None:
    plan = await planned(app, 3)
    for file in (settings.state_dir / "plans").glob(f"{plan}.db*"):
        file.unlink()
    assert (await app.plans.status(plan)).plan.counts == {"create": 3}
    status = await finished(app, plan)
    assert (status.state, status.problem.split("\n")[0]) == ("stopped", "plan: its rows are gone.")


async def test_a_plan_of_version_0_1_is_none_any_more_and_that_is_said(app: App, settings: Settings) -> None:
    old = settings.state_dir / "backfills" / "0a1b2c3d.db"
    old.parent.mkdir()
    old.write_bytes(b"a journal of version 0.1")
    with pytest.raises(errors.MissingError, match=r"it was made by version 0\.1, whose plans cannot be run any more"):
        await app.plans.status("0a1b2c3d")
    with pytest.raises(errors.MissingError, match="there is no such plan here"):
        await app.plans.status("../backfills/0a1b2c3d")


async def test_plans_of_another_environment_do_not_exist_here(app: App, settings: Settings) -> None:
    plan = await planned(app, 1)
    with Sandbox() as box:
        async with open_app(settings, box) as same:
            assert [status.plan.id for status in await same.plans.newest(10)] == [plan]
    elsewhere = Settings(
        state_dir=settings.state_dir, api_key=SecretStr("ak-test-0123456789"), base_url="https://other.test"
    )
    async with open_app(elsewhere) as other:
        assert await other.plans.newest(10) == []
        with pytest.raises(errors.MissingError):
            await other.plans.status(plan)
