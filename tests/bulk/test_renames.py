"""All mappings of an external type go to another type: none is lost, and no record is ever without its external id."""

from collections.abc import AsyncIterator
from functools import partial

import pytest

from salesloft_mcp.app import App, open_app
from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.plan_renames import load_mappings
from salesloft_mcp.bulk.report import attention, every_row
from salesloft_mcp.bulk.status import Status, operation_of
from salesloft_mcp.changes.undo import undo
from salesloft_mcp.errors import ConflictError
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.settings import Settings
from tests.bulk.running import FIRST_PERSON
from tests.hosting.program import HANG_SECONDS

from .working import YES, Gate, finished, started, undone

pytestmark = [pytest.mark.anyio, pytest.mark.steady]

OLD, NEW = "crm_leed", "erp"
AIM = Aim(OLD, "people", new_external_type=NEW)


@pytest.fixture
async def app(settings: Settings, sandbox: Sandbox) -> AsyncIterator[App]:
    async with open_app(settings, sandbox) as app:
        for name in (OLD, NEW):
            await app.salesloft.create_configuration(name, "people")
        yield app


async def mapped(app: App, numbers: range, external_type: str = OLD) -> None:
    """Mappings `id 1` and on, of a person each."""
    for number in numbers:
        await app.salesloft.create_mapping(external_type, "people", f"id {number}", FIRST_PERSON + number)


async def planned(app: App, aim: Aim = AIM) -> Status:
    plan = await app.jobs.plan(aim, partial(load_mappings, api=app.salesloft), "type")
    return await app.jobs.wait(plan, HANG_SECONDS)


async def held(app: App, external_type: str) -> dict[str, int]:
    """The external ids of a type and their records."""
    found, page = dict[str, int](), 1
    while page:
        rows = await app.salesloft.list_mappings(external_type=external_type, deleted=False, page=page)
        found |= {row.external_id: row.object_id for row in rows.rows}
        page = rows.next_page or 0
    return found


@pytest.fixture
def few_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty changes are announced together, so that thirty take several parts."""
    for module in ("changes.run", "bulk.status"):
        monkeypatch.setattr(f"salesloft_mcp.{module}.BATCH", 20)


@pytest.mark.usefixtures("few_at_once")
async def test_every_mapping_goes_over_and_comes_back_and_goes_over_again(app: App) -> None:
    await mapped(app, range(30))
    before = await held(app, OLD)
    status = await planned(app)
    assert dict(status.plan.counts) == {"rename": 30}
    run = await finished(app, status.plan.id, YES)
    assert (run.state, dict(run.outcomes)) == ("finished", {"created": 30, "deleted": 30})
    assert (await held(app, OLD), await held(app, NEW)) == ({}, before)
    back = await undone(app, run.plan.operation)
    assert (back.state, dict(back.outcomes)) == ("finished", {"created": 30, "deleted": 30})
    assert (await held(app, OLD), await held(app, NEW)) == (before, {})
    again = await undone(app, back.plan.operation)
    assert (again.state, again.refused) == ("finished", 0)
    assert (await held(app, OLD), await held(app, NEW)) == ({}, before)


@pytest.mark.usefixtures("few_at_once")
async def test_nothing_is_deleted_before_everything_is_created(app: App, sandbox: Sandbox) -> None:
    await mapped(app, range(30))
    status = await planned(app)
    seen = len(sandbox.requests)
    await finished(app, status.plan.id, YES)
    methods = [one.method for one in list(sandbox.requests)[seen:] if one.method != "GET"]
    assert methods == ["POST"] * 30 + ["DELETE"] * 30


async def test_the_points_that_are_told_are_those_that_are_spent(app: App) -> None:
    await mapped(app, range(140))  # more than are announced together
    status = await planned(app)
    assert status.points == 280 + 3 + 4 * 9  # two writes each, what is new, and four looks at 126 at the most
    await finished(app, status.plan.id, YES)
    assert status.points - 10 <= app.jobs.spent(status.plan.id) <= status.points + 1  # the team is read, too


async def test_each_mapping_is_judged_by_what_the_new_type_holds(app: App, sandbox: Sandbox) -> None:
    await mapped(app, range(5))
    await app.salesloft.create_mapping(NEW, "people", "id 0", FIRST_PERSON)  # is there already
    await app.salesloft.create_mapping(NEW, "people", "id 1", FIRST_PERSON + 9)  # is another record's
    await app.salesloft.create_mapping(NEW, "people", "other", FIRST_PERSON + 2)  # the record has another one
    await app.salesloft.create_mapping(OLD, "people", "#N/A ", FIRST_PERSON + 5)  # looks damaged, and is what it is
    status = await planned(app)
    rows = {row.external_id: row async for row in every_row(app.plans, app.changes.log, status)}
    assert {name: row.plan for name, row in rows.items()} == {
        "id 0": "delete",
        "id 1": "conflict",
        "id 2": "suspicious",
        "id 3": "rename",
        "id 4": "rename",
        "#N/A ": "rename",
    }
    assert rows["id 1"].note == f"under the new type it is mapped to {FIRST_PERSON + 9}"
    run = await finished(app, status.plan.id, YES)
    assert dict(run.outcomes) == {"created": 3, "deleted": 4}
    assert await held(app, OLD) == {"id 1": FIRST_PERSON + 1, "id 2": FIRST_PERSON + 2}
    told = {row.external_id: row.outcome async for row in every_row(app.plans, app.changes.log, run)}
    assert told == {**dict.fromkeys(("id 3", "id 4", "#N/A "), "renamed"), "id 0": "deleted", "id 1": "", "id 2": ""}


async def test_a_creation_that_fails_leaves_the_old_mapping(app: App, sandbox: Sandbox) -> None:
    await mapped(app, range(3))
    status = await planned(app)
    await app.salesloft.create_mapping(NEW, "people", "id 1", FIRST_PERSON + 9)
    run = await finished(app, status.plan.id, YES)
    assert await held(app, OLD) == {"id 1": FIRST_PERSON + 1}
    assert dict(run.outcomes) == {"created": 2, "deleted": 2, "conflict": 2}
    (row,) = await attention(app.plans, app.changes.log, run, 0, 9)
    assert (row.external_id, row.outcome) == ("id 1", "conflict")
    assert row.note.startswith(f"it was mapped to person {FIRST_PERSON + 9} since the plan was made.")


async def test_a_mapping_that_somebody_took_away_meanwhile_is_not_brought_back_under_the_new_type(app: App) -> None:
    await mapped(app, range(3))
    status = await planned(app)
    (row,) = (await app.salesloft.list_mappings(external_type=OLD, external_id="id 1")).rows
    await app.salesloft.delete_mapping(row.id or 0)
    await finished(app, status.plan.id, YES)
    assert await held(app, NEW) == {"id 0": FIRST_PERSON, "id 2": FIRST_PERSON + 2}


async def test_a_run_that_was_cancelled_among_its_deletions_keeps_what_lost_its_new_mapping(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    await mapped(app, range(40))
    status = await planned(app)
    gate = Gate(app.salesloft, monkeypatch, 5, "delete_mapping")
    await started(app, status.plan.id, YES)
    await gate.wait()
    await app.jobs.cancel(status.plan.id)
    gate.open()
    assert (await app.jobs.wait(status.plan.id, HANG_SECONDS)).state == "cancelled"
    left = await held(app, OLD)
    assert 0 < len(left) < 40
    lost = min(left)
    (row,) = (await app.salesloft.list_mappings(external_type=NEW, external_id=lost)).rows
    await app.salesloft.delete_mapping(row.id or 0)
    run = await finished(app, status.plan.id, YES)
    assert run.state == "finished"
    assert await held(app, OLD) == {lost: left[lost]}
    assert len(await held(app, NEW)) == 39


async def test_half_a_rename_is_taken_back(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    await mapped(app, range(40))
    before = await held(app, OLD)
    for method, through in (("create_mapping", 15), ("delete_mapping", 15)):
        status = await planned(app)
        gate = Gate(app.salesloft, monkeypatch, through, method)
        number = await started(app, status.plan.id, YES)
        await gate.wait()
        await app.jobs.cancel(status.plan.id)
        gate.open()
        await app.jobs.wait(status.plan.id, HANG_SECONDS)
        assert len(await held(app, NEW)) > 14
        assert (await undone(app, number)).state == "finished"
        assert (await held(app, OLD), await held(app, NEW)) == (before, {})


async def test_the_undoing_deletes_no_new_mapping_whose_old_one_did_not_come_back(app: App) -> None:
    await mapped(app, range(3))
    status = await planned(app)
    run = await finished(app, status.plan.id, YES)
    await app.salesloft.create_mapping(OLD, "people", "id 1", FIRST_PERSON + 9)  # somebody else has it there by now
    back = await undone(app, run.plan.operation)
    assert await held(app, NEW) == {"id 1": FIRST_PERSON + 1}
    assert back.outcomes["deleted"] == 2


@pytest.mark.parametrize("kind", ["lost_answer", "status"])
async def test_no_answer_that_is_lost_costs_a_mapping(app: App, sandbox: Sandbox, kind: str) -> None:
    await mapped(app, range(30))
    before = await held(app, OLD)
    status = await planned(app)
    for method in ("POST", "DELETE"):
        sandbox.faults.add(Fault(kind, method=method, times=4, status=500))  # type: ignore[arg-type]
    app.jobs._quiet = 0.05
    run = await finished(app, status.plan.id, YES)
    assert (run.state, run.refused) == ("finished", 0)
    assert (await held(app, OLD), await held(app, NEW)) == ({}, before)


async def test_two_spellings_of_one_name_are_looked_up_one_by_one(app: App) -> None:
    await mapped(app, range(3))
    status = await planned(app, Aim(OLD, "people", new_external_type="CRM_Leed"))
    assert "differ in spelling alone" in " ".join(status.plan.notes)
    assert status.plan.asks["configuration"] == 1
    await finished(app, status.plan.id, YES)
    assert (await held(app, OLD), len(await held(app, "CRM_Leed"))) == ({}, 3)


async def test_a_type_without_mappings_is_told(app: App) -> None:
    status = await planned(app, Aim("nothing", "people", new_external_type=NEW))
    assert status.problem.startswith('external_type: no people have an external id of type "nothing".')


async def test_a_run_that_deletes_asks_a_person_however_small(app: App) -> None:
    await mapped(app, range(1))
    status = await planned(app)
    question = await app.jobs.question(operation_of(status))
    assert question is not None
    assert question.headline == "Rename an external type"
    assert question.removes


async def test_a_rename_cannot_be_undone_twice(app: App) -> None:
    await mapped(app, range(2))
    run = await finished(app, (await planned(app)).plan.id, YES)
    await undone(app, run.plan.operation)
    with pytest.raises(ConflictError, match="was undone"):
        await undo(app.changes, app.database, run.plan.operation)
