"""A run of upserts writes to nobody but whom its plan was about, whatever others do between the plan and the run."""

import time
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from salesloft_mcp import errors
from salesloft_mcp.app import App, open_app
from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.report import ReportRow, every_row
from salesloft_mcp.bulk.sources import load_rows
from salesloft_mcp.bulk.status import operation_of
from salesloft_mcp.changes.run import READ_AGAIN_SECONDS
from salesloft_mcp.changes.undo import undo
from salesloft_mcp.salesloft.fields import PersonFields
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.sandbox.oddities import ODD_VALUES
from salesloft_mcp.sandbox.store import Row, equal
from salesloft_mcp.settings import Settings
from tests.hosting.program import HANG_SECONDS

from .running import FIRST_PERSON
from .working import YES, Gate, finished, started, undone

pytestmark = pytest.mark.anyio

AIM = Aim("marketing", "people", "upsert")
ANN, BEN, CLEO = FIRST_PERSON, FIRST_PERSON + 1, FIRST_PERSON + 2


@pytest.fixture
async def app(settings: Settings, sandbox: Sandbox) -> AsyncIterator[App]:
    async with open_app(settings, sandbox) as app:
        await app.salesloft.create_configuration(AIM.external_type, "people")
        yield app


async def mapped(app: App, **people: int) -> None:
    for external_id, person in people.items():
        await app.salesloft.create_mapping(AIM.external_type, "people", external_id, person)


async def planned(app: App, *rows: dict[str, Any], aim: Aim = AIM) -> str:
    plan = await app.jobs.plan(aim, partial(load_rows, rows=rows), "rows")
    status = await app.jobs.wait(plan, HANG_SECONDS)
    assert status.state == "planned", status
    return plan


async def outcomes(app: App, plan: str) -> list[str]:
    return [row.outcome for row in await report(app, plan)]


async def report(app: App, plan: str) -> list[ReportRow]:
    return [row async for row in every_row(app.plans, app.changes.log, await app.plans.status(plan))]


def unmap(sandbox: Sandbox, external_id: str) -> None:
    sandbox.store.update("mappings", {"deleted": 1}, equal("external_id", external_id))


def person(sandbox: Sandbox, number: int) -> Row:
    (row,) = sandbox.store.select("people", [equal("id", number)])
    return dict(row["fields"])


def people(sandbox: Sandbox) -> list[Row]:
    return sandbox.store.select("people")


async def test_a_row_whose_external_id_was_given_to_somebody_meanwhile_is_not_written_to_them(
    app: App, sandbox: Sandbox
) -> None:
    plan = await planned(app, {"external_id": "NEW-1", "email_address": "new@chaos.test", "title": "CFO"})
    await mapped(app, **{"NEW-1": ANN})
    before = people(sandbox)
    await finished(app, plan, YES)
    (row,) = await report(app, plan)
    assert (row.outcome, row.note) == (
        "conflict",
        f"it was mapped to person {ANN} since the plan was made. Nothing was written.",
    )
    assert people(sandbox) == before


async def test_a_row_whose_mapping_is_gone_makes_no_new_person_where_another_row_has_the_old_one_by_now(
    app: App, sandbox: Sandbox
) -> None:
    """Salesloft answers with people, and does not say by which of the external ids it found them."""
    await mapped(app, **{"OLD-1": ANN, "OLD-2": BEN})
    new = {"last_name": "Abara", "phone": "+1 404 555 0100"}  # enough to create somebody
    plan = await planned(app, *({"external_id": name, **new} for name in ("OLD-1", "OLD-2")))
    unmap(sandbox, "OLD-1")
    unmap(sandbox, "OLD-2")
    await mapped(app, **{"OLD-2": ANN})
    before = people(sandbox)
    await finished(app, plan, YES)
    assert await outcomes(app, plan) == ["conflict", "conflict"]
    assert people(sandbox) == before


async def test_an_external_id_that_stands_for_somebody_else_by_now_is_left_alone(app: App, sandbox: Sandbox) -> None:
    await mapped(app, **{"OLD-1": ANN, "OLD-2": BEN})
    plan = await planned(
        app, *({"external_id": f"OLD-{number}", "title": f"Title {number}"} for number in (1, 2)), {"external_id": "X"}
    )
    unmap(sandbox, "OLD-1")
    await mapped(app, **{"OLD-1": CLEO})
    before = person(sandbox, CLEO)
    await finished(app, plan, YES)
    assert await outcomes(app, plan) == ["conflict", "updated", ""]
    assert person(sandbox, CLEO) == before


@pytest.mark.parametrize("now", [4e9, 1e9], ids=["days later", "clock set back"])
async def test_what_was_changed_while_a_run_was_cancelled_is_not_overwritten_when_it_goes_on(
    app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, now: float
) -> None:
    await mapped(app, **{f"OLD-{number}": FIRST_PERSON + number for number in range(30)})
    plan = await planned(app, *({"external_id": f"OLD-{number}", "title": "CFO"} for number in range(30)))
    with monkeypatch.context() as patched:
        gate = Gate(app.salesloft, patched, 0, "upsert_person")
        await started(app, plan, YES)
        await gate.wait()
        await app.jobs.cancel(plan)
        gate.open()
        assert (await app.jobs.wait(plan, HANG_SECONDS)).state == "cancelled"
    last = FIRST_PERSON + 29
    sandbox.store.update("people", {"fields": {**person(sandbox, last), "title": "Somebody's"}}, equal("id", last))
    app.changes.log.clock = lambda: now
    await finished(app, plan, YES)
    assert await outcomes(app, plan) == ["updated"] * 29 + ["conflict"]
    assert person(sandbox, last)["title"] == "Somebody's"


async def test_rows_that_have_waited_long_are_looked_at_once_more_before_they_are_sent(
    app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """For points, or for the end of an outage: somebody may have changed a record, or mapped an external id."""
    await mapped(app, **{f"OLD-{number}": FIRST_PERSON + number for number in range(30)})
    rows = [{"external_id": f"OLD-{number}", "title": "CFO"} for number in range(30)]
    plan = await planned(app, *rows, {"external_id": "NEW-1", "email_address": "new@chaos.test"})
    gate = Gate(app.salesloft, monkeypatch, 0, "upsert_person")
    await started(app, plan, YES)
    await gate.wait()
    last = FIRST_PERSON + 29
    sandbox.store.update("people", {"fields": {**person(sandbox, last), "title": "Somebody's"}}, equal("id", last))
    await mapped(app, **{"NEW-1": CLEO})
    sandbox.requests.clear()
    monkeypatch.setattr(app.changes.log, "clock", lambda: time.time() + 20)
    gate.open()
    await app.jobs.wait(plan, HANG_SECONDS)
    assert await outcomes(app, plan) == ["updated"] * 29 + ["conflict"] * 2
    assert person(sandbox, last)["title"] == "Somebody's"
    assert sum(one.method == "GET" for one in sandbox.requests) <= 12  # they are looked at together


async def test_a_row_that_would_have_to_wait_long_for_points_is_looked_at_when_there_are_some(
    app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await mapped(app, **{"OLD-1": ANN})
    plan = await planned(app, {"external_id": "OLD-1", "title": "CFO"})
    app.jobs._quiet = 0.0
    sandbox.faults.add(Fault("status", method="POST", status=429, retry_after=int(READ_AGAIN_SECONDS) + 5))
    send = app.salesloft.upsert_person

    async def waiting(*given: Any) -> Any:
        try:
            return await send(*given)
        except errors.RateLimitedError:
            sandbox.store.update("people", {"fields": {**person(sandbox, ANN), "title": "Hers"}}, equal("id", ANN))
            raise

    monkeypatch.setattr(app.salesloft, "upsert_person", waiting)
    await finished(app, plan, YES)
    assert await outcomes(app, plan) == ["conflict"]
    assert person(sandbox, ANN)["title"] == "Hers"


async def test_a_lost_update_is_not_told_of_another_person_to_whom_the_external_id_was_given_meanwhile(
    app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That person has what was to be written; an undo would take it away."""
    await mapped(app, **{"OLD-1": ANN})
    wanted = person(sandbox, CLEO)["title"]
    plan = await planned(app, {"external_id": "OLD-1", "title": wanted})
    send = app.salesloft.upsert_person

    async def moved(*given: Any) -> Any:
        unmap(sandbox, "OLD-1")
        await mapped(app, **{"OLD-1": CLEO})
        return await send(*given)

    monkeypatch.setattr(app.salesloft, "upsert_person", moved)
    sandbox.faults.add(Fault("reset", method="POST", path="/v2/external/ids/*"))
    app.jobs._quiet = 0.0
    await finished(app, plan, YES)
    assert await outcomes(app, plan) == ["lost"]


async def test_an_undo_leaves_the_mapping_of_a_person_who_was_mapped_at_the_very_moment_of_a_create(
    app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Salesloft then updates that person, and nobody has read what stood there before."""
    plan = await planned(app, {"external_id": "NEW-1", "email_address": "new@chaos.test"})
    send = app.salesloft.upsert_person

    async def overtaken(*given: Any) -> Any:
        await mapped(app, **{"NEW-1": ANN})
        return await send(*given)

    monkeypatch.setattr(app.salesloft, "upsert_person", overtaken)
    status = await finished(app, plan, YES)
    assert await outcomes(app, plan) == ["updated"]
    operation = await undo(app.changes, app.database, status.plan.operation)
    await app.jobs.start_undo(operation, YES)
    assert (await app.jobs.wait(operation.by_run.plan, HANG_SECONDS)).outcomes == {"conflict": 1}
    held = await app.salesloft.list_mappings(external_type=AIM.external_type, deleted=False)
    assert [row.external_id for row in held.rows if row.object_type == "people"] == ["NEW-1"]


async def test_two_runs_of_the_same_new_people_create_each_once(app: App, sandbox: Sandbox) -> None:
    rows = [{"external_id": f"NEW-{number}", "email_address": f"new{number}@chaos.test"} for number in range(40)]
    plans = [await planned(app, *rows), await planned(app, *rows)]
    for plan in plans:
        await started(app, plan, YES)
    ended = [(await app.jobs.wait(plan, HANG_SECONDS)).outcomes for plan in plans]
    assert ended[0] + ended[1] == {"created": 40, "unchanged": 40}
    assert len([one for one in people(sandbox) if "@chaos.test" in one["fields"]["email_address"]]) == 40
    assert all(one["created_at"] == one["updated_at"] for one in people(sandbox)[-40:])  # none was written again


async def test_a_backfill_and_a_bulk_upsert_of_the_same_external_ids_do_not_both_write_one(
    app: App, sandbox: Sandbox
) -> None:
    """One would map a person who exists, and the other would create one."""
    names = [f"NEW-{number}" for number in range(40)]
    creates = [{"external_id": name, "email_address": f"{name}@chaos.test"} for name in names]
    maps = [{"external_id": name, "object_id": FIRST_PERSON + number} for number, name in enumerate(names)]
    upserts, backfill = await planned(app, *creates), await planned(app, *maps, aim=Aim(AIM.external_type, "people"))
    before = {one["id"]: one["fields"] for one in people(sandbox)}
    for plan in (backfill, upserts):
        await started(app, plan, YES)
    for plan in (backfill, upserts):
        assert (await app.jobs.wait(plan, HANG_SECONDS)).state == "finished"
    ended = zip(await outcomes(app, backfill), await outcomes(app, upserts), strict=True)
    assert {tuple(sorted(pair)) for pair in ended} == {("conflict", "created")}
    held = sandbox.store.select("mappings", [equal("external_type", AIM.external_type), equal("deleted", 0)])
    assert sorted(row["external_id"] for row in held if row["external_id"] in names) == sorted(names)
    assert {one["id"]: one["fields"] for one in people(sandbox) if one["id"] in before} == before


async def test_a_person_who_disappears_in_the_middle_is_refused_and_the_rest_is_written(
    app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await mapped(app, **{f"OLD-{number}": FIRST_PERSON + number for number in range(3)})
    plan = await planned(app, *({"external_id": f"OLD-{number}", "title": "CFO"} for number in range(3)))
    gate = Gate(app.salesloft, monkeypatch, 0, "upsert_person")
    await started(app, plan, YES)
    await gate.wait()
    unmap(sandbox, "OLD-1")
    sandbox.store.remove("people", BEN)
    count = len(people(sandbox))
    gate.open()
    await app.jobs.wait(plan, HANG_SECONDS)
    assert await outcomes(app, plan) == ["updated", "conflict", "updated"]
    assert len(people(sandbox)) == count


async def test_a_person_who_was_created_because_the_old_one_has_just_disappeared_is_told_and_taken_back(
    app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the last look and the request nobody can be stopped, and Salesloft creates whoever is not there."""
    await mapped(app, **{"OLD-1": ANN})
    plan = await planned(app, {"external_id": "OLD-1", "last_name": "Abara", "phone": "+1 404 555 0100"})
    gate = Gate(app.salesloft, monkeypatch, 0, "upsert_person")
    await started(app, plan, YES)
    await gate.wait()
    unmap(sandbox, "OLD-1")
    gate.open()
    await app.jobs.wait(plan, HANG_SECONDS)
    (row,) = await report(app, plan)
    new = people(sandbox)[-1]["id"]
    assert (row.plan, row.outcome, row.object_id) == ("update", "created", new)
    assert row.note.startswith(f"the external id does not stand for person {ANN} any more, so that this was created")
    number = (await app.plans.status(plan)).plan.operation
    assert (await undone(app, number)).outcomes == {"deleted": 1}
    assert not (
        await app.salesloft.list_mappings(external_type=AIM.external_type, external_id="OLD-1", deleted=False)
    ).rows


async def test_external_ids_of_any_length_are_read_once_more_in_as_many_calls_as_it_takes(
    app: App, sandbox: Sandbox
) -> None:
    """A query holds about 6 kB: five ids of 1,024 letters, and not even one of as many that take six bytes each."""
    names = [f"{number}{letter * 1023}" for letter in "xÜ" for number in range(9)]
    await mapped(app, **{name: FIRST_PERSON + number for number, name in enumerate(names)})
    new = [{"external_id": f"a{one[1:]}", "email_address": f"new{len(one.encode())}@chaos.test"} for one in names[::9]]
    plan = await planned(app, *({"external_id": name, "title": "CFO"} for name in names), *new)
    assert (await finished(app, plan, YES)).outcomes == {"updated": 18, "created": 2}


async def test_a_plan_that_writes_nothing_finishes_and_leaves_nothing_to_undo(app: App, sandbox: Sandbox) -> None:
    plan = await planned(app, {"external_id": "NEW-1", "title": "CFO"})
    status = await finished(app, plan, YES)
    assert (status.state, status.outcomes) == ("finished", {})
    with pytest.raises(errors.ConflictError, match="there is nothing to undo"):
        await undo(app.changes, app.database, status.plan.operation)


async def test_a_plan_without_rows_is_planned_and_run_to_its_end_at_once(app: App, sandbox: Sandbox) -> None:
    plan = await planned(app)
    status = await finished(app, plan, YES)
    assert (status.state, status.plan.counts, status.outcomes) == ("finished", {}, {})


async def test_a_run_goes_on_with_a_token_of_its_own_team_only(app: App, sandbox: Sandbox) -> None:
    await mapped(app, **{"OLD-1": ANN})
    plan = await planned(app, {"external_id": "OLD-1", "title": "CFO"})
    before = person(sandbox, ANN)
    await app.plans.note(plan, team="7")
    with pytest.raises(errors.ConflictError, match="it was made for team 7, and this token is of team 100013"):
        await started(app, plan, YES)
    assert person(sandbox, ANN) == before


@pytest.mark.parametrize("method", ["announce", "settle"])
async def test_a_full_disk_stops_the_run_and_what_it_wrote_is_told_when_it_goes_on(
    app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    await mapped(app, **{"OLD-1": ANN})
    old = person(sandbox, ANN)["title"]
    new = {"external_id": "NEW-1", "email_address": "new@chaos.test"}
    plan = await planned(app, {"external_id": "OLD-1", "title": "CFO"}, new)

    async def full(*_: Any, **__: Any) -> None:
        raise errors.StateError("the file of approvals, changes and plans cannot be used (database or disk is full).")

    with monkeypatch.context() as patched:
        patched.setattr(app.changes.log, method, full)
        status = await finished(app, plan, YES)
    assert (status.state, "disk is full" in status.problem) == ("stopped", True)
    app.jobs._quiet = 0.0
    assert (await finished(app, plan, YES)).outcomes == {"created": 1, "updated": 1}
    told = [(row.outcome, row.old) for row in await report(app, plan)]
    assert told == [("updated", {"title": old}), ("created", None)]
    (new_one,) = people(sandbox)[-1:]
    assert new_one["created_at"] == new_one["updated_at"]


async def test_external_ids_that_have_changed_places_write_to_nobody(app: App, sandbox: Sandbox) -> None:
    """Salesloft answers with the same people as before, in one answer, whichever of the external ids is whose."""
    names = [f"OLD-{number}" for number in range(40)]
    await mapped(app, **{name: FIRST_PERSON + number for number, name in enumerate(names)})
    plan = await planned(app, *({"external_id": name, "title": "CFO"} for name in names))
    for name, other in (("OLD-3", 17), ("OLD-17", 3), ("OLD-20", 21), ("OLD-21", 22), ("OLD-22", 20)):
        unmap(sandbox, name)
        await mapped(app, **{name: FIRST_PERSON + other})
    moved = {3, 17, 20, 21, 22}
    before = {number: person(sandbox, FIRST_PERSON + number) for number in moved}
    await finished(app, plan, YES)
    told = await outcomes(app, plan)
    assert told == ["conflict" if number in moved else "updated" for number in range(40)]
    assert {number: person(sandbox, FIRST_PERSON + number) for number in moved} == before


async def test_an_undo_writes_to_nobody_whose_external_id_has_changed_places(app: App, sandbox: Sandbox) -> None:
    await mapped(app, **{f"OLD-{number}": FIRST_PERSON + number for number in range(30)})
    plan = await planned(app, *({"external_id": f"OLD-{number}", "title": "CFO"} for number in range(30)))
    status = await finished(app, plan, YES)
    for name, other in (("OLD-1", 2), ("OLD-2", 1)):
        unmap(sandbox, name)
        await mapped(app, **{name: FIRST_PERSON + other})
    assert (await undone(app, status.plan.operation)).outcomes == {"updated": 28, "conflict": 2}
    assert {person(sandbox, FIRST_PERSON + number)["title"] for number in (1, 2)} == {"CFO"}


async def test_a_person_whose_row_cannot_be_read_is_told_so_and_keeps_no_other_from_being_written(
    app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await mapped(app, **{f"OLD-{number}": FIRST_PERSON + number for number in range(3)})
    plan = await planned(app, *({"external_id": f"OLD-{number}", "title": "CFO"} for number in range(3)))
    monkeypatch.setitem(ODD_VALUES, ("people", BEN), {"id": None})
    sandbox._odd = frozenset({"odd-values", "null-rows"})
    await finished(app, plan, YES)
    told = [(row.outcome, row.note) for row in await report(app, plan)]
    unread = f"Salesloft shows person {BEN} in a form that cannot be read. Nothing was written."
    assert told == [("updated", ""), ("failed", unread), ("updated", "")]


async def test_what_is_left_of_an_undoing_is_told_by_what_it_does(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    titles = [{"external_id": f"CONTACT{1001 + n}", "title": "T"} for n in range(20)]
    new = [{"external_id": f"N{n}", "email_address": f"n{n}@new.test"} for n in range(4)]
    plan = await planned(app, *titles, *new, aim=Aim("crm_lead", "people", "upsert"))
    number = (await finished(app, plan, YES)).plan.operation
    operation = await undo(app.changes, app.database, number)
    assert operation.by_run.told == "20 people to update, 4 mappings to delete"
    gate = Gate(app.salesloft, monkeypatch, 2, "upsert_person")  # the newest go first, which were created
    await app.jobs.start_undo(operation, YES)
    await gate.wait()
    await app.jobs.cancel(operation.by_run.plan)
    gate.open()
    left = (await app.jobs.wait(operation.by_run.plan, HANG_SECONDS)).left
    assert left > 1
    assert (await undo(app.changes, app.database, number)).by_run.told == f"{left} people to update"


async def test_what_is_left_of_a_run_is_told_without_the_rows_that_were_refused(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    await mapped(app, A=ANN, B=BEN, C=CLEO)
    updates = [{"external_id": name, "title": "T"} for name in "ABC"]
    new = [{"external_id": f"N{n}", "email_address": f"n{n}@new.test"} for n in range(30)]
    plan = await planned(app, *updates, *new)
    for name in "ABC":
        await app.salesloft.upsert_person(AIM.external_type, name, PersonFields(title="by hand"))
    gate = Gate(app.salesloft, monkeypatch, 2, "upsert_person")
    await started(app, plan, YES)
    await gate.wait()
    await app.jobs.cancel(plan)
    gate.open()
    status = await app.jobs.wait(plan, HANG_SECONDS)
    assert status.outcomes["conflict"] == 3
    assert operation_of(status).by_run.told == f"{status.left} people to create"


async def test_what_is_as_it_was_before_is_no_conflict_of_an_undoing(app: App, sandbox: Sandbox) -> None:
    await mapped(app, A1=ANN)
    before = person(sandbox, ANN)["title"]
    plan = await planned(
        app, {"external_id": "A1", "title": "T"}, {"external_id": "N1", "email_address": "n1@new.test"}
    )
    number = (await finished(app, plan, YES)).plan.operation
    await app.salesloft.upsert_person(AIM.external_type, "A1", PersonFields(title=before))
    unmap(sandbox, "N1")
    assert (await undone(app, number)).outcomes == {"unchanged": 2}


async def test_where_mappings_have_no_id_people_who_were_created_are_told_before_anybody_is_asked(
    settings: Settings,
) -> None:
    with Sandbox(rate_limit=0, dialect="guide") as sandbox:
        async with open_app(settings, sandbox) as app:
            aim = Aim("crm_lead", "people", "upsert")
            new = {"external_id": "N1", "email_address": "n1@new.test"}
            number = (await finished(app, await planned(app, new, aim=aim), YES)).plan.operation
            with pytest.raises(errors.ConflictError, match="shows no id for this mapping"):
                await undo(app.changes, app.database, number)
