"""Records: what counts as the same value, what is new, and which fields an undo brings back."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from salesloft_mcp import errors
from salesloft_mcp.changes import records
from salesloft_mcp.changes.change import Change, Image
from salesloft_mcp.changes.records import RecordFields, fits, way_back
from salesloft_mcp.changes.spelling import same
from salesloft_mcp.salesloft.fields import AccountFields, PersonFields
from salesloft_mcp.salesloft.models import Person
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.sandbox.store import equal
from tests.salesloft.opened import PLENTY, answering

from .world import ANN, COMPANY, KEY, LEAD, YES, World, states, world

pytestmark = pytest.mark.anyio
LEAD_PERSON = 578495206


@pytest.mark.parametrize(
    ("name", "there", "given"),
    [
        ("title", "CFO", "CFO"),
        ("title", " CFO ", "CFO"),
        ("email_address", "A@b.test", "a@B.test"),
        ("domain", "new.test", "New.TEST"),
        ("tags", ["a", "b"], ["b", "a"]),
        ("custom_fields", {"A": "1", "B": "2"}, {"A": "1"}),
        ("custom_fields", {}, {"A": None}),
        ("custom_fields", {"A": "", "B": "x"}, {"A": None, "B": " x"}),
        ("custom_fields", None, {"A": None}),
        ("tags", None, []),
        ("domain", "https://www.trainers.test/en-gb/", "trainers.test"),
        ("domain", "xn--bcher-kva.test", "Bücher.test."),
        ("phone", "+1 (404) 555-0001", "404 555 0001"),
        ("phone", "+14045550001", "+1 404 555 0001"),
        ("do_not_contact", False, False),
        ("crm_id_type", "person", "salesforce"),
        ("title", None, None),
        ("postal_code", 94105, "94105"),
        ("custom_fields", {"Score": 5, "Share": 2.0}, {"Score": "5", "Share": "2"}),
    ],
)
def test_the_same_value_may_be_spelled_otherwise(name: str, there: object, given: object) -> None:
    assert same(name, there, given)


@pytest.mark.parametrize(
    ("name", "there", "given"),
    [
        ("title", "CFO", "cfo"),
        ("title", None, ""),
        ("domain", "trainers.test", "trainers2.test"),
        ("phone", "404 555 0001", "+1 404 555 0001"),
        ("phone", "+1 404 555 0001", "555 0001"),
        ("phone", "+1 404 555 0001 ext. 5", "404 555 0001"),
        ("phone", "+14045550001", "0001"),
        ("phone", "+15551234567", "+5551234567"),
        ("tags", ["a"], ["a", "a"]),
        ("custom_fields", {"A": "1"}, {"A": None}),
        ("do_not_contact", None, False),
        ("owner_id", 4, "4"),
        ("postal_code", 1067, "01067"),
        ("title", True, "true"),
        ("crm_id_type", None, "salesforce"),
        ("archived", False, True),
    ],
)
def test_another_value_is_another(name: str, there: object, given: object) -> None:
    assert not same(name, there, given)


def test_a_record_fits_when_it_has_every_wanted_value() -> None:
    record = Person.model_validate(
        {"id": 1, "title": None, "owner": {"id": 4}, "person_stage": {"id": 9}, "custom_fields": {"A": "1"}}
    )
    row = records.image(record, PersonFields.model_fields)
    assert fits(row, {})
    assert fits(row, {"title": None, "owner_id": 4, "person_stage_id": 9, "account_id": None})
    assert fits(row, {"custom_fields": {"A": "1", "B": None}})
    assert not fits(row, {"custom_fields": {"A": "2"}})
    assert not fits(row, {"owner_id": 5})
    assert not fits(row, {"person_stage_id": None})
    assert not fits(row, {"do_not_contact": False})


async def test_the_change_of_a_mapped_record_holds_the_given_fields_that_differ(here: World) -> None:
    fields = PersonFields(title="CFO", account_id=9872, custom_fields={"Region": "EMEA", "Other": None})
    change = await records.upsert(here.api, LEAD, fields, "upsert")
    assert change.before == {"id": LEAD_PERSON, "title": "VP of Sales", "custom_fields": {"Region": None}}
    assert change.after == {"title": "CFO", "custom_fields": {"Region": "EMEA"}}


@pytest.mark.parametrize("differ", [{"crm_id": "003A"}, {"crm_object_type": None}])
def test_a_crm_id_is_sent_with_its_type(differ: dict[str, Any]) -> None:
    there = Person.model_validate({"id": 1, "crm_id": "003B", "crm_object_type": "contact", **differ})
    wanted: Image = {"title": None, "crm_id": "003B", "crm_id_type": "salesforce"}
    assert set(records.differing(wanted, records.image(there, wanted))) == {"crm_id", "crm_id_type"}


async def test_what_is_only_spelled_otherwise_is_neither_overwritten_nor_lost(here: World) -> None:
    old = PersonFields(phone="+1 555 123 4567", title="Old")
    await here.api.upsert_person(LEAD.external_type, LEAD.external_id, old)
    new = PersonFields(phone="5551234567", title="New")
    done = await here.apply(await records.upsert(here.api, LEAD, new, "upsert"))
    assert (await whole(here))["phone"] == "+1 555 123 4567"
    assert states(await here.undo(done.number)) == ["updated"]
    assert [(await whole(here))[name] for name in ("phone", "title")] == ["+1 555 123 4567", "Old"]


async def test_create_only_refuses_a_mapped_id_and_update_only_an_unmapped_one(here: World) -> None:
    with pytest.raises(errors.ConflictError, match=str(LEAD_PERSON)):
        await records.upsert(here.api, LEAD, PersonFields(title="CFO"), "create_only")
    with pytest.raises(errors.MissingError, match="not mapped"):
        await records.upsert(here.api, KEY, PersonFields(title="CFO"), "update_only")
    assert {one.method for one in here.sandbox.requests} == {"GET"}


@pytest.mark.parametrize("sandbox", [False], indirect=True)
async def test_an_id_of_several_objects_is_a_conflict(here: World) -> None:
    await here.api.create_mapping(LEAD.external_type, LEAD.object_type, LEAD.external_id, ANN)
    with pytest.raises(errors.ConflictError, match=f"{ANN}, {LEAD_PERSON}"):
        await records.upsert(here.api, LEAD, PersonFields(title="CFO"), "upsert")


async def test_a_mapping_whose_record_is_gone_is_missing() -> None:
    def serve(request: httpx.Request) -> httpx.Response:
        row = {"external_type": "crm_lead", "object_type": "people", "external_id": "CONTACT3456", "object_id": 7}
        return httpx.Response(200, json={"data": row if "mappings" in request.url.path else []})

    async with answering(serve) as api:
        with pytest.raises(errors.MissingError, match="person 7"):
            await records.upsert(api, LEAD, PersonFields(title="CFO"), "upsert")


@pytest.mark.parametrize(
    ("made", "changed", "state"),
    [
        ("2026-01-01T09:00:00Z", "2026-01-01T09:00:00Z", "created"),
        ("2026-01-01T09:00:00Z", "2026-01-01T09:00:59.9Z", "created"),
        ("2026-01-01T09:00:00Z", "2026-01-01T09:01:00Z", "updated"),
        ("2025-01-01", "2026-01-01T00:00:00", "updated"),
        (None, None, "created"),
        ("yesterday", "2026-01-01T09:01:00Z", "created"),
    ],
)
async def test_a_record_counts_as_created_only_when_it_is_new(made: str, changed: str, state: str) -> None:
    """Salesloft may find an unmapped record by its e-mail, and update that."""

    def serve(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"data": {"id": 5, "title": "CFO", "created_at": made, "updated_at": changed}})

    async with answering(serve) as api:
        found, after = await records.send(api, Change("record", KEY, None, {"title": "CFO"}))
    assert (found, after) == (state, {"id": 5, "title": "CFO"})


def back(before: Image, after: Image, now: Image, model: type[RecordFields] = PersonFields) -> tuple[Any, list[str]]:
    return way_back(before, after, now, model)


def test_only_the_fields_that_were_changed_come_back() -> None:
    before: Image = {"id": 1, "title": "CFO", "city": "Rome"}
    after: Image = {"id": 1, "title": "COO", "city": "Rome"}
    assert back(before, after, {**after, "last_name": "Lee"}) == ({"title": "CFO"}, [])


def test_a_field_that_was_changed_once_more_is_left_alone_and_told() -> None:
    before, after = {"title": "CFO", "city": "Rome"}, {"title": "COO", "city": "Bonn"}
    assert back(before, after, {"title": "CEO", "city": "Bonn"}) == ({"city": "Rome"}, ["title"])


def test_a_field_that_is_as_it_was_needs_no_way_back() -> None:
    assert back({"title": "CFO"}, {"title": "COO"}, {"title": "CFO"}) == ({}, [])


def test_a_field_that_was_overwritten_in_another_spelling_comes_back_to_the_letter() -> None:
    before: Image = {"phone": "+1 555 123 4567", "custom_fields": {"A": "x "}}
    after: Image = {"phone": "5551234567", "custom_fields": {"A": "x"}}
    assert back(before, after, after) == (before, [])
    domains: list[Image] = [{"domain": "https://www.trainers.test/en-gb/"}, {"domain": "trainers.test"}]
    assert back(domains[0], domains[1], domains[1], AccountFields) == (domains[0], [])
    assert back(domains[0], {"domain": "other.test"}, domains[1], AccountFields) == ({}, [])


def test_a_field_that_was_empty_is_emptied() -> None:
    assert back({"title": None}, {"title": "COO"}, {"title": "COO"}) == ({"title": None}, [])


@pytest.mark.parametrize(
    ("old", "new", "now", "expected"),
    [
        ({"A": "1"}, {"A": "2"}, {"A": "2"}, {"A": "1"}),
        ({}, {"A": "2"}, {"A": "2"}, {"A": None}),
        ({"A": "1", "B": "1"}, {"A": "2"}, {"A": "2", "B": "1"}, {"A": "1"}),
        ({"A": "1", "B": "1"}, {"A": None}, {"B": "1"}, {"A": "1"}),
        ({"A": "1", "B": "1"}, {"A": "2"}, {"A": "2", "B": "9"}, {"A": "1"}),
    ],
)
def test_custom_fields_come_back_one_by_one(
    old: dict[str, str], new: dict[str, str | None], now: dict[str, str], expected: dict[str, str | None]
) -> None:
    found, left = back({"custom_fields": old}, {"custom_fields": new}, {"custom_fields": now})  # type: ignore[dict-item]
    assert (found, left) == ({"custom_fields": expected}, [])


def test_a_custom_field_that_was_changed_once_more_keeps_no_other_from_coming_back() -> None:
    before, after = {"A": "1", "B": "1"}, {"A": "2", "B": "2", "C": "2"}
    found = back({"custom_fields": before}, {"custom_fields": after}, {"custom_fields": {"A": "9", "B": "2", "C": "2"}})  # type: ignore[dict-item]
    assert found == ({"custom_fields": {"B": "1", "C": None}}, ['custom field "A"'])


def test_a_crm_id_comes_back_with_its_type() -> None:
    """Salesloft takes the one only with the other."""
    before, after = {"crm_id": "003A", "crm_id_type": "salesforce"}, {"crm_id": "003B", "crm_id_type": "salesforce"}
    assert back(before, after, after) == ({"crm_id": "003A", "crm_id_type": "salesforce"}, [])


def test_a_crm_id_that_was_emptied_comes_back_with_the_type_that_is_written() -> None:
    """Salesloft shows the kind of CRM object in place of the type."""
    before, after = {"crm_id": "003A", "crm_id_type": "contact"}, {"crm_id": None, "crm_id_type": None}
    assert back(before, after, after) == ({"crm_id": "003A", "crm_id_type": "salesforce"}, [])


@pytest.mark.parametrize("archived", [True, False])
def test_an_account_is_archived_or_taken_back_again(archived: bool) -> None:
    before, after = {"archived": archived}, {"archived": not archived}
    assert back(before, after, after, AccountFields) == ({"archived": archived}, [])


def test_a_value_that_cannot_be_written_is_left_and_told() -> None:
    before, after = {"job_seniority": "chief"}, {"job_seniority": "director"}
    assert back(before, after, after) == ({}, ["job_seniority"])


@pytest.mark.parametrize("was", [None, False])
def test_the_cadences_that_do_not_contact_ended_are_told_as_lost(was: bool | None) -> None:
    before: Image = {"id": ANN, "do_not_contact": was, "tags": None, "contact_restrictions": None}
    after: Image = {"id": ANN, "do_not_contact": True, "tags": ["x"], "contact_restrictions": ["call"]}
    change, left = records.written_back(Change("record", LEAD, before, after), after)
    assert change.after == {"do_not_contact": False, "tags": [], "contact_restrictions": []}
    assert left == ["the cadences that do_not_contact ended"]


async def test_what_is_refused_in_input_comes_back_where_it_stood(here: World) -> None:
    await here.api.create_mapping(COMPANY.external_type, COMPANY.object_type, COMPANY.external_id, 9872)
    held: dict[str, str | None] = {"Legacy Account ID": "A-1\nand more"}
    old = AccountFields.model_construct(street="1 Main\nSuite 2", size="9" * 3_000, custom_fields=held)
    await here.api.upsert_account(COMPANY.external_type, COMPANY.external_id, old)
    new = AccountFields(street="2 Main", size="1", custom_fields={"Legacy Account ID": "A-2"})
    done = await here.apply(await records.upsert(here.api, COMPANY, new, "upsert"))
    assert states(await here.undo(done.number)) == ["updated"]
    (stands,) = await records.read(here.api, COMPANY)
    assert fits(stands, old.body())


def test_a_field_that_salesloft_does_not_show_is_told_as_left() -> None:
    shown = Person.model_validate({"id": ANN, "title": "CFO"})
    now = records.image(shown, PersonFields.model_fields)
    change = Change("record", LEAD, {"id": ANN, "title": "COO"}, {"id": ANN, "title": "CFO", "locale": "de"})
    back, left = records.written_back(change, now)
    assert (back.after, left) == ({"title": "COO"}, ["locale (not shown by Salesloft)"])
    alone = Change("record", LEAD, {"id": ANN}, {"id": ANN, "locale": "de"})
    with pytest.raises(errors.ConflictError, match="not shown by Salesloft"):
        records.written_back(alone, now)


def test_a_text_that_is_shown_as_a_number_comes_back_as_text() -> None:
    before: Image = {"postal_code": 94105, "custom_fields": {"Score": 5}}
    after: Image = {"postal_code": "10115", "custom_fields": {"Score": "7"}}
    now: Image = {"postal_code": 10115, "custom_fields": {"Score": 7}}
    expected = {"postal_code": "94105", "custom_fields": {"Score": "5"}}
    assert back(before, after, now, AccountFields) == (expected, [])


def test_a_whole_record_of_an_earlier_version_comes_back_by_its_ids() -> None:
    before: Image = {"id": 1, "title": "CFO", "owner": {"id": 4}, "account": None}
    after: Image = {"id": 1, "title": "CFO", "owner": {"id": 5}, "account": {"id": 9}}
    assert back(before, after, {"owner_id": 5, "account_id": 9}) == ({"owner_id": 4, "account_id": None}, [])


async def whole(here: World, object_id: int = LEAD_PERSON) -> dict[str, object]:
    """All of a person but when it was changed."""
    found = await here.api.get_object("people", object_id)
    assert found is not None
    return {name: value for name, value in found.model_dump().items() if name != "updated_at"}


ALL_SORTS = PersonFields(
    title="CFO",
    account_id=9872,
    owner_id=None,
    tags=["x"],
    contact_restrictions=["email"],
    custom_fields={"Legacy ID": None, "Lead Source": "1"},
    crm_id="003Dn0000099999IAC",
    crm_id_type="salesforce",
    do_not_contact=True,
)


@pytest.mark.parametrize("answer", ["comes", "is lost"])
async def test_an_update_that_is_undone_leaves_no_trace(here: World, answer: str) -> None:
    await here.api.upsert_person(
        LEAD.external_type, LEAD.external_id, PersonFields(custom_fields={"Legacy ID": "L-1", "Region": "2"})
    )
    before = await whole(here)
    change = await records.upsert(here.api, LEAD, ALL_SORTS, "upsert")
    if answer == "is lost":
        here.sandbox.faults.add(Fault("lost_answer", "POST"))
    done = await here.apply(change)
    assert states(done) == ["updated"]
    assert set(done.outcomes[0].after or {}) == {"id", *ALL_SORTS.model_fields_set} - {"account_id"}
    undone = await here.undo(done.number)
    assert states(undone) == ["updated"]
    assert await whole(here) == before
    assert states(await here.undo(undone.number)) == ["updated"]
    assert fits(records.image(Person.model_validate(await whole(here)), PersonFields.model_fields), ALL_SORTS.body())


async def test_an_archived_account_comes_back(here: World) -> None:
    key = COMPANY
    await here.api.create_mapping(key.external_type, key.object_type, key.external_id, 9872)
    done = await here.apply(await records.upsert(here.api, key, AccountFields(archived=True), "upsert"))
    assert getattr(await here.api.get_object("accounts", 9872), "archived_at", None)
    await here.undo(done.number)
    assert getattr(await here.api.get_object("accounts", 9872), "archived_at", "") is None


async def test_a_new_record_stays_and_its_mapping_goes(here: World) -> None:
    fields = PersonFields(email_address="new@externalid.com")
    done = await here.apply(await records.upsert(here.api, KEY, fields, "upsert"))
    object_id = (done.outcomes[0].after or {})["id"]
    assert states(await here.undo(done.number)) == ["deleted"]
    assert await here.mapped() == []
    assert await here.api.get_object("people", int(str(object_id))) is not None


async def test_a_change_begins_with_the_custom_fields_that_it_writes(here: World) -> None:
    held = {"Region": "EMEA", "Legacy ID": "7"}
    await here.api.upsert_person(LEAD.external_type, LEAD.external_id, PersonFields(custom_fields=held))
    change = await records.upsert(here.api, LEAD, PersonFields(custom_fields={"Region": "APAC"}), "upsert")
    assert (change.before or {})["custom_fields"] == {"Region": "EMEA"}


async def test_a_record_that_took_the_place_of_one_that_had_just_disappeared_is_told_and_taken_back(
    here: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Salesloft creates whoever is not there, and between the last look and the request nobody can be stopped."""
    fields = PersonFields(last_name="Abara", phone="+1 404 555 0100")
    change, upsert = await records.upsert(here.api, LEAD, fields, "upsert"), here.api.upsert_person

    async def disappeared(*given: Any) -> Person:
        here.sandbox.store.update("mappings", {"deleted": 1}, equal("external_id", LEAD.external_id))
        return await upsert(*given)

    monkeypatch.setattr(here.api, "upsert_person", disappeared)
    done = await here.apply(change)
    (outcome,) = done.outcomes
    new = (outcome.after or {})["id"]
    assert (outcome.state, await here.mapped(LEAD)) == ("created", [new])
    assert "does not stand for person 578495206 any more" in outcome.note
    (line,) = await here.lines(done.number)
    assert (line.change.object_id, line.change.before) == (new, None)
    assert states(await here.undo(done.number)) == ["deleted"]
    assert await here.mapped(LEAD) == []


async def test_the_fields_of_a_record_that_lost_its_id_do_not_come_back_to_another(here: World) -> None:
    done = await here.apply(await records.upsert(here.api, LEAD, PersonFields(title="CFO"), "upsert"))
    (row,) = (await here.api.list_mappings(external_type="crm_lead", external_id="CONTACT3456", deleted=False)).rows
    await here.api.delete_mapping(row.id or 0)
    await here.api.create_mapping(LEAD.external_type, LEAD.object_type, LEAD.external_id, ANN)
    with pytest.raises(errors.ConflictError, match="does not stand for"):
        await here.undo(done.number)


async def test_in_the_guide_s_own_dialect_a_mapping_without_an_id_is_not_deleted_on_a_guess() -> None:
    with Sandbox(dialect="guide", rate_limit=PLENTY) as sandbox:
        async with world(sandbox) as here:
            fields = PersonFields(email_address="new@externalid.com")
            done = await here.apply(await records.upsert(here.api, KEY, fields, "upsert"))
            with pytest.raises(errors.ConflictError, match="shows no id"):
                await here.undo(done.number)


async def test_a_record_that_the_token_may_not_see_any_more_is_told_as_such(here: World) -> None:
    done = await here.apply(await records.upsert(here.api, LEAD, PersonFields(title="CFO"), "upsert"))
    change = await records.upsert(here.api, LEAD, PersonFields(title="COO"), "upsert")
    here.sandbox.faults.add(Fault("raw", method="GET", path="/v2/people", status=200, body=b'{"data": []}', times=None))
    with pytest.raises(errors.ConflictError, match="gone, or hidden from this token"):
        await here.undo(done.number)
    with pytest.raises(errors.ConflictError, match="gone, or hidden from this token"):
        await here.apply(change)
    assert here.sent("DELETE") == 0


@pytest.fixture
async def half_hidden() -> AsyncIterator[World]:
    """Salesloft as a token sees it that may not read every record: those of user 5 are hidden."""
    with Sandbox(rate_limit=PLENTY, odd=["hidden-records"]) as sandbox:
        async with world(sandbox) as here:
            yield here


async def test_an_id_that_was_given_to_a_hidden_record_meanwhile_is_not_free(half_hidden: World) -> None:
    here = half_hidden
    (hidden, *_) = [row for row in here.sandbox.store.select("people") if row["fields"].get("owner_id") == 5]
    fields = PersonFields(email_address="new@externalid.com", last_name="Agreed")
    change = await records.upsert(here.api, KEY, fields, "upsert")
    await here.api.create_mapping(KEY.external_type, KEY.object_type, KEY.external_id, hidden["id"])
    posted = here.sent()
    with pytest.raises(errors.ConflictError, match=f"was given to person {hidden['id']}"):
        await here.apply(change, author=YES)
    assert here.sent() == posted


async def test_a_record_that_is_hidden_as_soon_as_it_is_created_is_created_once(half_hidden: World) -> None:
    here = half_hidden
    fields = PersonFields(email_address="new@externalid.com", owner_id=5)
    here.sandbox.faults.add(Fault("lost_answer", method="POST"))
    done = await here.apply(await records.upsert(here.api, KEY, fields, "upsert"))
    assert (states(done), here.sent()) == (["lost"], 1)
