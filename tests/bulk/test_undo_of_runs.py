"""A run is taken back as a whole: journaled, resumed after a crash, and refused where it could only be half done."""

import time
from contextlib import suppress

import anyio
import pytest

from salesloft_mcp import errors
from salesloft_mcp.app import App, open_app
from salesloft_mcp.bulk.report import every_row
from salesloft_mcp.bulk.status import operation_of
from salesloft_mcp.changes import history
from salesloft_mcp.changes.change import ByRun, Operation
from salesloft_mcp.changes.history import Search
from salesloft_mcp.changes.undo import undo
from salesloft_mcp.policy import Policy
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.settings import Settings
from tests.hosting.program import HANG_SECONDS
from tests.server.calling import writes

from .running import AIM, FIRST_PERSON
from .working import NOBODY, YES, Gate, finished, live, planned, started, undone

pytestmark = [pytest.mark.anyio, pytest.mark.steady]


async def run_of(app: App, count: int = 100) -> int:
    """A run that created so many mappings; the number of its operation."""
    return (await finished(app, await planned(app, count))).plan.operation


async def cancelled(app: App, monkeypatch: pytest.MonkeyPatch) -> tuple[str, int]:
    """A plan of 60 rows whose run was cancelled on its way, and how many it created."""
    plan = await planned(app, 60)
    gate = Gate(app.salesloft, monkeypatch, 20)
    await started(app, plan)
    await gate.wait()
    await app.jobs.cancel(plan)
    gate.open()
    return plan, (await app.jobs.wait(plan, HANG_SECONDS)).outcomes["created"]


async def undoing(app: App, number: int) -> Operation:
    return await undo(app.changes, app.database, number)


async def test_everything_that_a_run_created_goes_and_nothing_else(app: App) -> None:
    before = await live(app, "")
    number = await run_of(app)
    mine = ("new of somebody else", FIRST_PERSON)
    await app.salesloft.create_mapping(AIM.external_type, AIM.object_type, *mine)
    status = await undone(app, number)
    assert (status.state, status.outcomes, status.left) == ("finished", {"deleted": 100}, 0)
    assert await live(app, "") == sorted([*before, mine])


async def test_it_needs_a_yes_that_says_how_many_go_and_of_what_type(app: App) -> None:
    number = await run_of(app, 3)
    operation = await undoing(app, number)
    assert (operation.changes, operation.by_run) == ((), ByRun(f"undo-{number}", deletes=3))
    question = await app.jobs.question(operation)
    assert question is not None
    head, *lines = question.text.splitlines()
    assert head.startswith(f"Undo change {number}: delete these external id mappings in SANDBOX")
    assert 'team "Northwind' in head
    told = {"changes: 3 mappings to delete", f'external type: "{AIM.external_type}"', "object type: people"}
    assert told <= set(lines)
    with pytest.raises(errors.UnconfirmedError, match="a person has to agree to this run"):
        await app.jobs.start_undo(operation, NOBODY)
    assert len(await live(app)) == 3


@pytest.mark.parametrize("begun_before", [False, True])
async def test_a_run_that_went_on_while_a_person_was_asked_is_not_undone_beyond_the_yes(
    app: App, monkeypatch: pytest.MonkeyPatch, begun_before: bool
) -> None:
    plan, written = await cancelled(app, monkeypatch)
    number = (await app.plans.status(plan)).plan.operation
    operation = await undoing(app, number)
    assert operation.by_run.deletes == written < 60
    if begun_before:  # and nobody had agreed
        with pytest.raises(errors.UnconfirmedError, match="a person has to agree"):
            await app.jobs.start_undo(operation, NOBODY)
    assert (await finished(app, plan)).outcomes == {"created": 60}  # it goes on while the person thinks
    with pytest.raises(errors.UnconfirmedError, match="fewer were agreed to"):
        await app.jobs.start_undo(operation, YES)
    assert len(await live(app)) == 60
    assert (await app.plans.status(plan)).state == "finished"
    status = await undone(app, number)  # agreed to as it is now
    assert (status.plan.writes, status.outcomes, status.left) == (60, {"deleted": 60}, 0)


async def test_a_run_that_is_taken_back_does_not_go_on_beside_that(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, _ = await cancelled(app, monkeypatch)
    status = await app.plans.status(plan)
    operation, again = await undoing(app, status.plan.operation), operation_of(status)
    held = Gate(app.salesloft, monkeypatch, 0, "delete_mapping")
    await app.jobs.start_undo(operation, YES)
    await held.wait()
    assert (await app.plans.status(plan)).state == "undoing"
    with pytest.raises(errors.ConflictError, match="it is undoing"):
        await app.jobs.start(again, NOBODY)
    held.open()
    await app.jobs.wait(operation.by_run.plan, HANG_SECONDS)
    assert ((await app.plans.status(plan)).state, await live(app)) == ("undone", [])


async def test_of_two_undoings_at_once_one_begins_and_the_run_stays_closed(app: App) -> None:
    plan = await planned(app, 60)
    operation = await undoing(app, (await finished(app, plan)).plan.operation)
    begun: list[int] = []

    async def begin() -> None:
        with suppress(errors.ConflictError, errors.UnconfirmedError):
            begun.append(await app.jobs.start_undo(operation, YES))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(begin)
        tasks.start_soon(begin)
    assert len(begun) == 1
    assert (await app.jobs.wait(operation.by_run.plan, HANG_SECONDS)).outcomes == {"deleted": 60}
    assert (await app.plans.status(plan)).state == "undone"
    assert await live(app) == []


async def test_an_undoing_that_is_given_up_before_it_begins_leaves_the_run_as_it_was(
    app: App, sandbox: Sandbox
) -> None:
    plan = await planned(app, 3)
    operation = await undoing(app, (await finished(app, plan)).plan.operation)
    sandbox.faults.add(Fault("delay", path="/v2/team", times=None, seconds=1e6))
    with anyio.move_on_after(1):
        await app.jobs.start_undo(operation, YES)
    sandbox.faults.clear()
    assert (await app.plans.status(plan)).state == "finished"
    assert len(await live(app)) == 3


async def test_a_run_whose_undo_was_undone_is_taken_back_by_the_undo_of_that(app: App) -> None:
    plan = await planned(app, 3)
    number = (await finished(app, plan)).plan.operation
    redone = await undone(app, (await undone(app, number)).plan.operation)
    assert redone.outcomes == {"created": 3}
    assert (await app.plans.status(plan)).state == "finished"
    with pytest.raises(errors.ConflictError, match=f"change {number} was undone, and that by change") as told:
        await undoing(app, number)
    assert told.value.next_step.endswith(f" {redone.plan.operation}.")
    assert (await undone(app, redone.plan.operation)).outcomes == {"deleted": 3}
    assert ((await app.plans.status(plan)).state, await live(app)) == ("undone", [])


async def test_a_run_that_came_back_in_part_does_not_go_on(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    plan, written = await cancelled(app, monkeypatch)
    number = (await app.plans.status(plan)).plan.operation
    redone = await undone(app, (await undone(app, number)).plan.operation)
    assert redone.outcomes == {"created": written}
    with pytest.raises(errors.ConflictError, match=r"it is cancelled\. Nothing was started"):
        operation_of(await app.plans.status(plan))
    gate = Gate(app.salesloft, monkeypatch, 5, "delete_mapping")
    back = await undoing(app, redone.plan.operation)
    await app.jobs.start_undo(back, YES)
    await gate.wait()
    await app.jobs.cancel(back.by_run.plan)
    gate.open()
    await app.jobs.wait(back.by_run.plan, HANG_SECONDS)
    assert (await app.plans.status(plan)).state == "undoing"


async def test_while_the_team_cannot_be_read_no_undoing_begins_and_it_begins_later(
    settings: Settings, app: App, sandbox: Sandbox
) -> None:
    number = await run_of(app, 3)
    async with open_app(settings, sandbox) as other:
        sandbox.faults.add(Fault("raw", path="/v2/team", status=200, body=b"<html>", times=None))
        with pytest.raises(errors.BrokenAnswerError):
            await undone(other, number)
        sandbox.faults.clear()
        assert (await undone(other, number)).outcomes == {"deleted": 3}


async def test_its_report_has_a_line_for_each_mapping_in_small_numbers(app: App) -> None:
    status = await undone(app, await run_of(app, 3))
    rows = [row async for row in every_row(app.plans, app.changes.log, status)]
    assert [row.line for row in rows] == [1, 2, 3]
    assert [(row.external_id, row.plan, row.outcome) for row in rows] == [
        (f"new {number}", "delete", "deleted") for number in (3, 2, 1)
    ]
    assert all(row.mapping_id for row in rows)


async def test_what_somebody_else_has_changed_since_is_left_alone(app: App) -> None:
    number = await run_of(app, 3)
    rows = (await app.salesloft.list_mappings(external_type=AIM.external_type, deleted=False, per_page=100)).rows
    by_name = {row.external_id: row.id or 0 for row in rows}
    await app.salesloft.delete_mapping(by_name["new 1"])
    await app.salesloft.delete_mapping(by_name["new 2"])
    await app.salesloft.create_mapping(AIM.external_type, AIM.object_type, "new 2", FIRST_PERSON)
    status = await undone(app, number)
    assert (status.state, status.outcomes) == ("finished", {"deleted": 1, "unchanged": 2})
    assert await live(app) == [("new 2", FIRST_PERSON)]


async def test_a_mapping_whose_external_id_is_taken_by_now_does_not_come_back_and_the_report_says_why(app: App) -> None:
    by = (await undone(app, await run_of(app, 2))).plan.operation
    await app.salesloft.create_mapping(AIM.external_type, AIM.object_type, "new 1", FIRST_PERSON + 5)
    status = await undone(app, by)
    (row, _) = sorted([row async for row in every_row(app.plans, app.changes.log, status)], key=lambda row: row.outcome)
    taken = f"external_id: is already mapped to person {FIRST_PERSON + 5}."
    assert (row.external_id, row.plan, row.outcome) == ("new 1", "create", "conflict")
    assert row.note.startswith(taken)


async def test_the_next_server_goes_on_with_an_undo_that_a_crash_cut_off(
    settings: Settings, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_app(settings, sandbox) as app:
        number = await run_of(app)
        gate = Gate(app.salesloft, monkeypatch, 30, "delete_mapping")
        await app.jobs.start_undo(await undoing(app, number), YES)
        await gate.wait()
    plan = f"undo-{number}"
    async with open_app(settings, sandbox, Policy(mode="no-delete", file="/policy.toml", limits=("mode",))) as app:
        await app.jobs.resume_all()
        status = await app.plans.status(plan)
        assert status.state == "stopped"
        assert "deletions are switched off here (mode no-delete in /policy.toml)" in status.problem
    async with open_app(settings, sandbox) as app:
        await app.jobs.resume_all(undoings=False)  # as where the tool that takes something back is not there
        assert (await app.plans.status(plan)).state == "stopped"
        await app.jobs.resume_all()
        assert (await app.jobs.wait(plan, HANG_SECONDS)).outcomes == {"deleted": 100}
        assert await live(app) == []


async def test_an_undo_that_was_cancelled_is_gone_on_with_by_the_same_call(
    app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = await run_of(app)
    gate = Gate(app.salesloft, monkeypatch, 30, "delete_mapping")
    await app.jobs.start_undo(await undoing(app, number), YES)
    await gate.wait()
    await app.jobs.cancel(f"undo-{number}")
    gate.open()
    status = await app.jobs.wait(f"undo-{number}", HANG_SECONDS)
    assert status.state == "cancelled"
    operation = await undoing(app, number)
    assert operation.by_run.deletes == status.left == len(await live(app)) < 100
    assert await app.jobs.question(operation) is not None  # asked anew
    assert (await undone(app, number)).outcomes == {"deleted": 100}
    assert await live(app) == []


async def test_a_run_that_was_undone_says_by_what_and_does_not_go_on(app: App) -> None:
    plan = await planned(app, 3)
    number = (await finished(app, plan)).plan.operation
    by = (await undone(app, number)).plan.operation
    with pytest.raises(errors.ConflictError, match=f"change {number} was undone by change {by} already"):
        await undoing(app, number)
    assert (await app.plans.status(plan)).state == "undone"
    with pytest.raises(errors.ConflictError, match="it is undone"):
        operation_of(await app.plans.status(plan))
    with pytest.raises(errors.ConflictError, match="it is undone"):
        await app.jobs.cancel(plan)


async def test_a_run_that_is_under_way_cannot_be_undone(
    app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = await planned(app, 100)
    gate = Gate(app.salesloft, monkeypatch, 30)
    number = await started(app, plan)
    await gate.wait()
    app.changes.sent_seconds = 0.5
    operation = Operation("undo", (), undoes=number, by_run=ByRun(f"undo-{number}", deletes=30))
    with pytest.raises(errors.ConflictError, match="another job works on it"):
        await app.jobs.start_undo(operation, YES)
    gate.open()
    assert (await app.jobs.wait(plan, HANG_SECONDS)).outcomes == {"created": 100}


async def test_a_run_that_was_cut_off_is_settled_before_it_is_undone_and_goes_on_no_more(
    settings: Settings, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_app(settings, sandbox) as app:
        plan = await planned(app, 100)
        gate = Gate(app.salesloft, monkeypatch, 30)
        number = await started(app, plan)
        await gate.wait()
    async with open_app(settings, sandbox) as app:
        monkeypatch.setattr(app.changes.log, "clock", lambda: time.time() + 60)  # what was in flight has come by then
        created = len(await live(app))
        assert (await undone(app, number)).outcomes == {"deleted": created}
        await app.jobs.resume_all()
        assert (await app.plans.status(plan)).state == "undone"
        assert await live(app) == []
    assert sum(one.startswith("POST") for one in writes(sandbox)) == created


async def test_a_run_whose_undoing_was_refused_goes_on_as_if_nobody_had_asked_for_it(
    settings: Settings, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_app(settings, sandbox) as app:
        plan = await planned(app, 100)
        gate = Gate(app.salesloft, monkeypatch, 30)
        number = await started(app, plan)
        await gate.wait()
    async with open_app(settings, sandbox) as app:
        before = await app.plans.row(plan)
        operation = Operation("undo", (), undoes=number, by_run=ByRun(f"undo-{number}", deletes=100))
        sandbox.faults.add(Fault("raw", path="/v2/team", status=200, body=b"<html>", times=None))
        with pytest.raises(errors.BrokenAnswerError):
            await app.jobs.start_undo(operation, YES)
        sandbox.faults.clear()
        assert await app.plans.row(plan) == before
        monkeypatch.setattr(app.changes.log, "clock", lambda: time.time() + 60)  # what was in flight has come by then
        await app.jobs.resume_all()
        assert (await app.jobs.wait(plan, HANG_SECONDS)).state == "finished"


async def test_an_undo_can_itself_be_undone(app: App) -> None:
    number = await run_of(app, 30)
    created = await live(app)
    by = (await undone(app, number)).plan.operation
    operation = await undoing(app, by)
    assert operation.by_run == ByRun(f"undo-{by}", creates=30)
    assert (await undone(app, by)).outcomes == {"created": 30}
    assert await live(app) == created


async def test_a_run_that_created_nothing_has_nothing_to_undo(app: App) -> None:
    await run_of(app, 3)
    plan = await planned(app, 0)
    number = (await finished(app, plan)).plan.operation
    with pytest.raises(errors.ConflictError, match=f"there is nothing to undo in change {number}"):
        await undoing(app, number)


async def test_where_mappings_have_no_id_a_run_is_not_undone_at_all_and_that_is_said_first(settings: Settings) -> None:
    with Sandbox(rate_limit=0, dialect="guide") as sandbox:
        async with open_app(settings, sandbox) as app:
            number = await run_of(app, 3)
            sandbox.requests.clear()
            with pytest.raises(errors.ConflictError, match="shows no id for this mapping, and its deletion needs one"):
                await undoing(app, number)
            assert len(sandbox.requests) == 3  # whether any list shows ids by now
            (logged,) = await history.find(app.database, Search())
            assert (logged.id, logged.undone_by, logged.counts) == (number, 0, {"created": 3})
            assert len(await live(app)) == 3
