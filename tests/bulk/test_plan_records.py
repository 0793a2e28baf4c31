"""Bulk upserts as jobs: nothing is made twice, nothing of others is overwritten, and all of it can be taken back."""

from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest

from salesloft_mcp import errors
from salesloft_mcp.app import App, open_app
from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.report import ReportRow, every_row
from salesloft_mcp.bulk.sources import load_file, load_rows
from salesloft_mcp.bulk.status import Status, operation_of
from salesloft_mcp.changes.change import ByRun
from salesloft_mcp.changes.undo import undo
from salesloft_mcp.salesloft.fields import PersonFields
from salesloft_mcp.salesloft.models import MappingKey, Person
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.sandbox.faults import FaultKind
from salesloft_mcp.settings import Settings
from tests.hosting.program import HANG_SECONDS
from tests.server.calling import writes

from .running import FIRST_PERSON
from .working import NOBODY, YES, Gate, undone

pytestmark = [pytest.mark.anyio, pytest.mark.steady]

LEADS = Aim("crm_lead", "people", "upsert")
CRM_ID = "003Dn00000AbCdEIAV"

Row = dict[str, object]


def new(count: int) -> list[Row]:
    """Rows that create a person each."""
    return [{"external_id": f"NEW-{n}", "email_address": f"new{n}@new.test"} for n in range(count)]


def old(count: int, **fields: object) -> list[Row]:
    """Rows that change a person each, of the first twenty in the seed."""
    return [{"external_id": f"CONTACT{1001 + n}", **(fields or {"title": f"Title {n}"})} for n in range(count)]


async def planned(app: App, rows: Sequence[Row], aim: Aim = LEADS) -> Status:
    plan = await app.jobs.plan(aim, partial(load_rows, rows=rows), "rows")
    status = await app.jobs.wait(plan, HANG_SECONDS)
    assert status.state == "planned", status
    return status


async def finished(app: App, status: Status) -> Status:
    """Run a plan, or what is left of it, to its end."""
    await app.jobs.start(operation_of(await app.plans.status(status.plan.id)), YES)
    return await app.jobs.wait(status.plan.id, HANG_SECONDS)


async def report(app: App, status: Status) -> list[ReportRow]:
    return [row async for row in every_row(app.plans, app.changes.log, await app.plans.status(status.plan.id))]


async def person(app: App, one: int) -> Person:
    found = await app.salesloft.get_object("people", one)
    assert isinstance(found, Person)
    return found


async def titles(app: App, count: int) -> list[str | None]:
    """The titles of the people of `old`."""
    return [(await person(app, FIRST_PERSON + n)).title for n in range(count)]


async def mapped(app: App, prefix: str = "NEW-") -> dict[str, int]:
    """What is mapped under ids that begin so; each once."""
    found: list[tuple[str, int]] = []
    page = 1
    while page:
        rows = await app.salesloft.list_mappings(external_type="crm_lead", deleted=False, page=page)
        found += [(row.external_id, row.object_id) for row in rows.rows if row.external_id.startswith(prefix)]
        page = rows.next_page or 0
    assert len({external_id for external_id, _ in found}) == len({one for _, one in found}) == len(found)
    return dict(found)


async def with_email(app: App, email: str) -> int:
    return len((await app.salesloft.list_objects("people", (("email_addresses[]", email),))).rows)


async def test_an_external_id_that_somebody_maps_before_the_run_does_not_overwrite_that_record(
    app: App, sandbox: Sandbox
) -> None:
    status = await planned(app, [*new(2), *old(1)])
    await app.salesloft.create_mapping("crm_lead", "people", "NEW-1", FIRST_PERSON + 150)
    email = (await person(app, FIRST_PERSON + 150)).email_address
    sandbox.requests.clear()
    ran = await finished(app, status)
    assert ran.outcomes == {"created": 1, "updated": 1, "conflict": 1}
    assert (await person(app, FIRST_PERSON + 150)).email_address == email
    assert len(writes(sandbox)) == 2
    assert [row.note for row in await report(app, status)][1] == (
        f"it was mapped to person {FIRST_PERSON + 150} since the plan was made. Nothing was written."
    )


async def test_a_row_that_somebody_else_has_created_meanwhile_is_unchanged(app: App, sandbox: Sandbox) -> None:
    status = await planned(app, new(2))
    await app.salesloft.upsert_person("crm_lead", "NEW-1", PersonFields(email_address="new1@new.test"))
    assert (await finished(app, status)).outcomes == {"created": 1, "unchanged": 1}
    assert len(writes(sandbox)) == 2
    back = await undone(app, (await app.plans.status(status.plan.id)).plan.operation)
    assert (back.outcomes, list(await mapped(app))) == ({"deleted": 1}, ["NEW-1"])


async def test_two_external_ids_of_one_record_do_not_both_write_it(app: App) -> None:
    await app.salesloft.create_mapping("crm_lead", "people", "OTHER-1", FIRST_PERSON)
    status = await planned(app, [{"external_id": "OTHER-1", "title": "A"}, *old(1, title="B")])
    both = f"lines 1 and 2 write different fields of record {FIRST_PERSON}"
    assert [(row.plan, row.note) for row in await report(app, status)] == [("conflict", both)] * 2
    status = await planned(app, [{"external_id": "OTHER-1", "title": "A"}, *old(1, title="A")])
    assert [(row.plan, row.note) for row in await report(app, status)] == [
        ("update", ""),
        ("duplicate", "the same record as line 1"),
    ]


async def test_two_rows_that_share_an_address_do_not_make_one_person_twice(app: App) -> None:
    first: Row = {"external_id": "NEW-1", "email_address": "a@new.test"}
    second: Row = {"external_id": "NEW-2", "email_address": "b@new.test", "secondary_email_address": "a@new.test"}
    found = await report(app, await planned(app, [first, second]))
    assert [(row.plan, row.note) for row in found] == [
        ("create", ""),
        ("suspicious", "another email of it is that of line 1"),
    ]


async def test_a_tag_that_a_program_wrote_for_nothing_is_suspicious(app: App) -> None:
    rows: list[Row] = [{"external_id": "NEW-1", "email_address": "a@new.test", "tags": "vip;NULL"}]
    (row,) = await report(app, await planned(app, rows))
    assert (row.plan, row.note) == ("suspicious", "tags (a word for nothing)")


async def test_a_row_that_cannot_be_read_contradicts_others_of_its_external_id(app: App, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("external_id,email,title\nNEW-1,a@new.test,CEO\nNEW-1,b@new.test,CFO,extra\n")
    plan = await app.jobs.plan(LEADS, partial(load_file, file=tmp_path / "a.csv"), "a.csv")
    assert [(row.plan, row.note) for row in await report(app, await app.jobs.wait(plan, HANG_SECONDS))] == [
        ("invalid", "line 3 has this external id, too, and is not as it should be"),
        ("invalid", "4 cells, the head has 3."),
    ]


@pytest.mark.parametrize("name", ["crm_id", "secondary_email_address"])
async def test_rows_that_share_another_key_do_not_make_one_person_twice(app: App, name: str) -> None:
    value, what = (CRM_ID, "its crm_id") if name == "crm_id" else ("s@new.test", "another email of it")
    rows: list[Row] = [{"external_id": f"NEW-{n}", "email_address": f"{n}@new.test", name: value} for n in (1, 2)]
    found = await report(app, await planned(app, rows))
    assert [(row.plan, row.note) for row in found] == [
        ("suspicious", f"{what} is that of line 2"),
        ("suspicious", f"{what} is that of line 1"),
    ]
    found = await report(app, await planned(app, [rows[0], {"external_id": "CONTACT1001", name: value}]))
    assert [row.plan for row in found] == ["suspicious", "update"]


async def test_a_row_with_the_crm_id_of_a_record_makes_no_second_one_unasked(app: App) -> None:
    await app.salesloft.upsert_person("crm_lead", "CONTACT1001", PersonFields(crm_id=CRM_ID, crm_id_type="salesforce"))
    status = await planned(app, [{**new(1)[0], "crm_id": CRM_ID}, *old(2, crm_id=CRM_ID)])
    assert [(row.plan, row.note) for row in await report(app, status)] == [
        ("suspicious", f"its crm_id is that of record {FIRST_PERSON}"),
        ("unchanged", ""),
        ("update", ""),
    ]


async def test_a_secondary_email_of_another_record_is_no_reason_to_refuse(app: App) -> None:
    await app.salesloft.upsert_person("crm_lead", "CONTACT1002", PersonFields(secondary_email_address="second@x.test"))
    status = await planned(app, [{"external_id": "NEW-1", "email_address": "second@x.test"}])
    assert status.plan.counts["conflict"] == 0


@pytest.mark.parametrize("kind", ["lost_answer", "truncated", "late_commit", "reset", "status"])
async def test_answers_that_are_lost_make_no_record_twice(app: App, sandbox: Sandbox, kind: FaultKind) -> None:
    before = await titles(app, 20)
    status = await planned(app, [*new(20), *old(20)])
    sandbox.faults.add(Fault(kind, method="POST", times=15, status=500, seconds=0.1, probability=0.5))
    ran = await finished(app, status)
    assert (ran.state, ran.outcomes.total()) == ("finished", 40)
    assert len(await mapped(app)) == 20
    assert [await with_email(app, f"new{n}@new.test") for n in range(20)] == [1] * 20
    assert await titles(app, 20) == [f"Title {n}" for n in range(20)] != before


async def test_a_run_that_a_crash_cut_off_goes_on_with_the_next_server_and_writes_nothing_twice(
    settings: Settings, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_app(settings, sandbox) as app:
        status = await planned(app, [*new(80), *old(20)])
        gate = Gate(app.salesloft, monkeypatch, 30, "upsert_person")
        await app.jobs.start(operation_of(status), NOBODY)
        await gate.wait()
    async with open_app(settings, sandbox) as app:
        assert (await app.plans.status(status.plan.id)).state == "stopped"
        await app.jobs.resume_all()
        ran = await app.jobs.wait(status.plan.id, HANG_SECONDS)
        assert (ran.state, ran.outcomes) == ("finished", {"created": 80, "updated": 20})
        assert len(await mapped(app)) == 80
        assert await titles(app, 20) == [f"Title {n}" for n in range(20)]


async def test_a_cancelled_run_ends_after_the_rows_in_flight_and_goes_on_later(
    app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    status = await planned(app, [*new(80), *old(20)])
    gate = Gate(app.salesloft, monkeypatch, 30, "upsert_person")
    await app.jobs.start(operation_of(status), NOBODY)
    await gate.wait()
    await app.jobs.cancel(status.plan.id)
    gate.open()
    ended = await app.jobs.wait(status.plan.id, HANG_SECONDS)
    assert ended.state == "cancelled"
    assert 30 <= ended.done == len(writes(sandbox)) < 60
    assert (await finished(app, status)).outcomes == {"created": 80, "updated": 20}
    assert len(writes(sandbox)) == 100


async def test_an_undo_brings_old_values_back_and_takes_new_mappings_away(app: App, sandbox: Sandbox) -> None:
    before = await titles(app, 3)
    ran = await finished(app, await planned(app, [*old(3), *new(2)]))
    created = await mapped(app)
    operation = await undo(app.changes, app.database, ran.plan.operation)
    assert operation.by_run == ByRun(f"undo-{ran.plan.operation}", of="people", updates=3, deletes=2)
    back = await undone(app, ran.plan.operation)
    assert (back.state, back.outcomes) == ("finished", {"updated": 3, "deleted": 2})
    assert (await titles(app, 3), await mapped(app)) == (before, {})
    again = await undone(app, back.plan.operation)
    assert again.outcomes == {"updated": 3, "created": 2}
    assert (await titles(app, 3), await mapped(app)) == ([f"Title {n}" for n in range(3)], created)


@pytest.mark.parametrize("kind", ["delay", "lost_answer", "reset"])
async def test_an_undo_leaves_what_was_changed_again_and_tells_it_whatever_its_answers(
    app: App, sandbox: Sandbox, kind: FaultKind
) -> None:
    before = (await person(app, FIRST_PERSON)).model_dump()["city"]
    ran = await finished(app, await planned(app, old(2, title="Ours", city="Oslo")))
    await app.salesloft.upsert_person("crm_lead", "CONTACT1001", PersonFields(title="Theirs"))
    await app.salesloft.upsert_person("crm_lead", "CONTACT1002", PersonFields(title="Theirs", city="Theirs"))
    sandbox.faults.add(Fault(kind, method="POST"))
    back = await undone(app, ran.plan.operation)
    rows = {row.external_id: row for row in await report(app, back)}
    assert back.outcomes == {"updated": 1, "conflict": 1}
    assert rows["CONTACT1001"].note == "not brought back: title (changed again since, or not writable)"
    assert "title (changed again since, or not writable)" in rows["CONTACT1002"].note
    now, other = [(await person(app, FIRST_PERSON + n)).model_dump() for n in range(2)]
    assert (now["title"], now["city"], other["city"]) == ("Theirs", before, "Theirs")


async def test_a_type_that_is_not_configured_is_created_by_the_run_after_a_yes(app: App, sandbox: Sandbox) -> None:
    status = await planned(app, new(2), Aim("erp", "people", "upsert"))
    assert status.plan.asks == {"configuration": 1}
    with pytest.raises(errors.UnconfirmedError, match="a person has to agree"):
        await app.jobs.start(operation_of(status), NOBODY)
    assert (await finished(app, status)).outcomes == {"created": 2}
    assert len(writes(sandbox)) == 3


async def test_suspicious_rows_are_told_by_what_they_would_do(app: App) -> None:
    """A person who is asked about creates and updates is told of each, held-back rows among them."""
    damaged: Row = {"external_id": "CONTACT1005", "title": "#REF!"}
    status = await planned(app, [*old(2), damaged, {"external_id": "NULL", "email_address": "n@new.test"}, *new(1)])
    assert status.plan.counts == {"update": 2, "suspicious": 2, "create": 1}
    plain, all_of_them = operation_of(status).by_run, operation_of(status, suspicious=True).by_run
    assert (plain.creates, plain.updates, plain.asks) == (1, 2, 0)
    assert (all_of_them.creates, all_of_them.updates) == (2, 3)
    assert all_of_them.asks


async def test_a_person_is_asked_when_an_undo_would_stop_contact_again(app: App) -> None:
    await finished(app, await planned(app, old(1, do_not_contact=True)))
    freed = await finished(app, await planned(app, old(1, do_not_contact=False)))
    back = await undo(app.changes, app.database, freed.plan.operation)
    assert back.by_run.asks == 1
    assert await app.jobs.question(back) is not None


async def test_an_account_whose_mappings_cannot_be_read_rules_out_its_own_rows(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[int] = []

    async def resolved(_: object, keys: set[MappingKey]) -> dict[MappingKey, int]:
        asked.append(len(keys))
        if any(key.external_id == "ACC7" for key in keys):
            raise errors.BrokenAnswerError("Salesloft's answer cannot be read.")
        return dict.fromkeys(keys, 13)

    monkeypatch.setattr("salesloft_mcp.bulk.plan_records.resolve_references", resolved)
    rows = [{**row, "account": {"external_id": f"ACC{n}"}} for n, row in enumerate(new(64))]
    status = await planned(app, rows)
    assert status.plan.counts == {"create": 63, "invalid": 1}
    assert len(asked) == 13  # halves, not one by one


async def test_each_restriction_is_asked_about_by_itself(app: App) -> None:
    accounts, one = Aim("marketing", "accounts", "upsert"), "MKT-13-000"
    both = await planned(app, [{"external_id": one, "do_not_contact": True, "archived": True}], accounts)
    assert dict(both.plan.asks) == {"do_not_contact": 1, "archived": 1}
    await finished(app, await planned(app, [{"external_id": one, "do_not_contact": True}], accounts))
    turned = await planned(app, [{"external_id": one, "do_not_contact": False, "archived": True}], accounts)
    ran = await finished(app, turned)
    assert (await undo(app.changes, app.database, ran.plan.operation)).by_run.asks == 1


async def test_what_was_given_of_an_invalid_row_is_shown_as_json(app: App) -> None:
    account = {"external_type": "crm", "external_id": "A"}
    row: Row = {"external_id": "N-1", "account": account, "account_id": 7, "clear": ["x"]}
    (told,) = await report(app, await planned(app, [row]))
    assert told.plan == "invalid"
    assert (told.new or {})["account"] == '{"external_type": "crm", "external_id": "A"}'
    assert (told.new or {})["clear"] == '["x"]'


async def test_a_row_with_a_suspicious_field_is_told_of_a_near_external_id_however_long_the_list_is(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("salesloft_mcp.bulk.plan.cheapest", lambda *_, **__: None)
    row: Row = {"external_id": "contact3456", "email_address": "n@new.test", "title": "NULL"}
    (told,) = await report(app, await planned(app, [row]))
    assert 'nearly the external id "CONTACT3456"' in told.note


@pytest.mark.parametrize("whole", [True, False])
async def test_a_backfill_says_when_near_external_ids_could_not_be_looked_for(
    app: App, monkeypatch: pytest.MonkeyPatch, whole: bool
) -> None:
    if not whole:
        monkeypatch.setattr("salesloft_mcp.bulk.plan.cheapest", lambda *_, **__: None)
    row: Row = {"external_id": "NEW-1", "object_id": FIRST_PERSON}
    status = await planned(app, [row], Aim("crm_lead", "people"))
    assert any("was not looked up" in note for note in status.plan.notes) is not whole
