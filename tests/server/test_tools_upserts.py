"""Writing people and accounts by external id: created, updated or unchanged, and never a second record."""

from collections.abc import Iterator
from typing import Any

import pytest
import stamina

from salesloft_mcp.app import App
from salesloft_mcp.salesloft.models import Account, Person
from salesloft_mcp.sandbox import Fault, Sandbox
from tests.conftest import Connect
from tests.server.calling import call, refused, writes

pytestmark = pytest.mark.anyio

PERSON, ACCOUNT = "upsert_person_by_external_id", "upsert_account_by_external_id"
KNOWN = {"external_type": "crm_lead", "external_id": "CONTACT3456"}
NEW = {"external_type": "crm_lead", "external_id": "NEW/1"}
POST_KNOWN = "POST /v2/external/ids/crm_lead/people/CONTACT3456"
POST_NEW = "POST /v2/external/ids/crm_lead/people/NEW%2F1"
ANN: dict[str, Any] = {"email_address": "ann@new.test", "first_name": "Ann", "custom_fields": {"Legacy ID": "007"}}


@pytest.fixture(autouse=True)
def _impatient(app: App) -> Iterator[None]:
    app.changes.quiet = 0.0
    with stamina.set_testing(True, attempts=4, cap=True):
        yield


async def person(app: App, person_id: int) -> Person:
    found = await app.salesloft.get_object("people", person_id)
    assert isinstance(found, Person)
    return found


async def with_email(app: App, email: str) -> int:
    """How many people have this address."""
    return len((await app.salesloft.list_objects("people", (("email_addresses[]", email),))).rows)


async def mapped(app: App, external_id: str) -> list[int]:
    """The objects an external id stands for."""
    return [row.object_id for row in (await app.salesloft.list_mappings(external_id=external_id, deleted=False)).rows]


async def test_an_id_that_is_not_mapped_creates_the_person_and_the_mapping(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    async with connect() as client:
        reply = await call(client, PERSON, **NEW, person=ANN)
    assert reply.data["status"] == "created"
    created = reply.data["object_id"]
    assert reply.words == f"created: person {created}."
    (change,) = reply.data["changes"]
    assert change["new"] == {"id": created, **ANN}
    assert "old" not in change
    assert await mapped(app, "NEW/1") == [created]
    assert (await person(app, created)).custom_fields == {"Legacy ID": "007"}
    assert writes(sandbox) == [POST_NEW]


async def test_the_same_upsert_twice_is_one_write_and_says_so(connect: Connect, sandbox: Sandbox) -> None:
    async with connect() as client:
        first = await call(client, PERSON, **NEW, person=ANN)
        second = await call(client, PERSON, **NEW, person=ANN)
    assert second.data["status"] == "unchanged"
    assert second.data["object_id"] == first.data["object_id"]
    assert writes(sandbox) == [POST_NEW]


async def test_a_mapped_id_updates_only_the_fields_that_were_given(connect: Connect, app: App) -> None:
    before = await person(app, 578495206)
    async with connect() as client:
        reply = await call(client, PERSON, **KNOWN, person={"title": "Chief Listener"})
    after = await person(app, 578495206)
    assert reply.data["status"] == "updated"
    assert after.title == "Chief Listener"
    (change,) = reply.data["changes"]
    assert change["old"] == {"id": 578495206} | ({"title": before.title} if before.title else {})
    assert change["new"] == {"id": 578495206, "title": "Chief Listener"}
    assert after.email_address == before.email_address
    assert after.account == before.account


async def test_a_field_is_emptied_by_its_name_and_emptying_it_again_is_unchanged(connect: Connect, app: App) -> None:
    async with connect() as client:
        first = await call(client, PERSON, **KNOWN, person={"clear": ["title"]})
        second = await call(client, PERSON, **KNOWN, person={"clear": ["title"]})
    assert (first.data["status"], second.data["status"]) == ("updated", "unchanged")
    assert (await person(app, 578495206)).title is None


async def test_custom_fields_are_merged_and_one_is_emptied_by_its_name(connect: Connect, app: App) -> None:
    async with connect() as client:
        await call(client, PERSON, **KNOWN, person={"custom_fields": {"Legacy ID": "A", "Lead Source": "Fair"}})
        same = await call(client, PERSON, **KNOWN, person={"custom_fields": {"Legacy ID": "A"}})
        cleared = await call(client, PERSON, **KNOWN, person={"clear": ["custom_fields.Legacy ID"]})
    assert (same.data["status"], cleared.data["status"]) == ("unchanged", "updated")
    assert "not_taken" not in cleared.data
    fields = (await person(app, 578495206)).custom_fields or {}
    assert fields.get("Legacy ID") is None
    assert fields["Lead Source"] == "Fair"


async def test_what_is_empty_already_is_not_cleared_again(connect: Connect, sandbox: Sandbox) -> None:
    async with connect() as client:
        reply = await call(client, PERSON, **KNOWN, person={"clear": ["contact_restrictions"]})
    assert reply.data["status"] == "unchanged"
    assert writes(sandbox) == []


async def test_references_count_as_held_when_they_are_equal(connect: Connect, sandbox: Sandbox) -> None:
    async with connect() as client:
        first = await call(client, PERSON, **KNOWN, person={"account_id": 9001, "owner_id": 3})
        second = await call(client, PERSON, **KNOWN, person={"account_id": 9001, "owner_id": 3})
    assert (first.data["status"], second.data["status"]) == ("updated", "unchanged")
    assert writes(sandbox) == [POST_KNOWN]


async def test_create_only_refuses_an_id_that_is_mapped(connect: Connect, sandbox: Sandbox) -> None:
    async with connect() as client:
        words = await refused(client, PERSON, **KNOWN, person=ANN, intent="create_only")
        created = await call(client, PERSON, **NEW, person=ANN, intent="create_only")
    assert words.startswith("external_id: is already mapped to person 578495206, and intent is create_only.")
    assert created.data["status"] == "created"
    assert writes(sandbox) == [POST_NEW]


async def test_update_only_refuses_an_id_that_is_not_mapped(connect: Connect, sandbox: Sandbox) -> None:
    async with connect() as client:
        words = await refused(client, PERSON, **NEW, person=ANN, intent="update_only")
        updated = await call(client, PERSON, **KNOWN, person={"title": "x"}, intent="update_only")
    assert words.startswith("external_id: is not mapped, and intent is update_only.\nNext: ")
    assert updated.data["status"] == "updated"
    assert writes(sandbox) == [POST_KNOWN]


TAKEN = {"email_address": "beatriz.haddad1@beacon-analytics.test"}  # of person 578495206, whose id is CONTACT3456


async def test_an_address_that_is_taken_names_its_owner_and_the_way_out(connect: Connect, app: App) -> None:
    new = {"external_type": "marketing_automation", "external_id": "NEW/1"}
    async with connect() as client:
        words = await refused(client, PERSON, **new, person=TAKEN)
        assert "belongs to person 578495206, which has no such external id. Nothing was created." in words
        assert "call create_external_id_mapping with object_id 578495206, then upsert again." in words
        assert await mapped(app, "NEW/1") == []
        way_out = {**new, "object_type": "people", "object_id": 578495206}
        assert (await call(client, "create_external_id_mapping", **way_out)).data["status"] == "created"
        assert (await call(client, PERSON, **new, person=TAKEN)).data["status"] == "unchanged"


async def test_an_address_of_a_record_with_another_id_of_the_type_is_not_given_a_second_one(connect: Connect) -> None:
    async with connect() as client:
        words = await refused(client, PERSON, **NEW, person=TAKEN)
    assert 'belongs to person 578495206, whose external id of this type is "CONTACT3456".' in words
    assert "with object_id 578495206 and instead_of" in words


async def test_an_address_of_another_record_is_no_reason_to_map_an_id_that_is_mapped(
    connect: Connect, app: App
) -> None:
    await app.salesloft.create_mapping("crm_lead", "people", "0042", 207550001)
    async with connect() as client:
        words = await refused(client, PERSON, external_type="crm_lead", external_id="0042", person=TAKEN)
    assert "belongs to person 578495206, and this external id to person 207550001. Nothing was changed." in words
    assert "Next: leave email_address out, or ask the person which of the two is meant." in words


async def test_a_type_that_is_not_configured_is_refused_with_the_nearest(connect: Connect, app: App) -> None:
    async with connect() as client:
        words = await refused(client, PERSON, external_type="crm_leed", external_id="1", person=ANN)
    assert words.startswith('external_type: "crm_leed" is not configured for people.')
    assert '"crm_lead"' in words
    assert await with_email(app, "ann@new.test") == 0


async def test_a_refusal_of_salesloft_s_for_a_configured_type_is_not_told_as_a_missing_one(
    connect: Connect, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault("status", method="POST", status=404))
    async with connect() as client:
        words = await refused(client, PERSON, **KNOWN, person={"title": "x"})
    assert "(404)" in words
    assert "not configured" not in words


async def test_a_person_that_lacks_what_creating_needs_is_refused_in_salesloft_s_words(
    connect: Connect, app: App
) -> None:
    async with connect() as client:
        words = await refused(client, PERSON, **NEW, person={"first_name": "Ann"})
    assert "email_address" in words
    assert await mapped(app, "NEW/1") == []


@pytest.mark.parametrize(("tool", "name"), [(PERSON, "person"), (ACCOUNT, "account")])
async def test_an_upsert_without_a_field_is_refused_before_anything_is_sent(
    connect: Connect, sandbox: Sandbox, tool: str, name: str
) -> None:
    async with connect() as client:
        words = await refused(client, tool, **KNOWN, **{name: {}})
    assert words == (
        f"{name}: has no field to write; one that is left out or empty stays as it is.\n"
        "Next: give at least one field; to empty one, name it in clear."
    )
    assert len(sandbox.requests) == 0


@pytest.mark.parametrize("kind", ["lost_answer", "truncated"])
async def test_a_create_whose_answer_was_lost_is_told_as_created_and_exists_once(
    connect: Connect, app: App, sandbox: Sandbox, kind: Any
) -> None:
    sandbox.faults.add(Fault(kind, method="POST"))
    async with connect() as client:
        reply = await call(client, PERSON, **NEW, person=ANN)
    assert reply.data["status"] == "created"
    assert await with_email(app, "ann@new.test") == 1
    assert await mapped(app, "NEW/1") == [reply.data["object_id"]]
    assert writes(sandbox) == [POST_NEW]


async def test_an_update_whose_answer_was_lost_is_told_as_updated(connect: Connect, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("lost_answer", method="POST"))
    async with connect() as client:
        reply = await call(client, PERSON, **KNOWN, person={"title": "Chief Listener"})
    assert reply.data["status"] == "updated"
    assert writes(sandbox) == [POST_KNOWN]


async def test_an_account_is_created_updated_and_unchanged(connect: Connect, app: App) -> None:
    arguments = {"external_type": "sdfc_account", "external_id": "A-1"}
    async with connect() as client:
        created = await call(client, ACCOUNT, **arguments, account={"name": "Acme", "domain": "acme.test"})
        updated = await call(client, ACCOUNT, **arguments, account={"name": "Acme Inc", "size": "7"})
        same = await call(client, ACCOUNT, **arguments, account={"size": "7"})
    assert [one.data["status"] for one in (created, updated, same)] == ["created", "updated", "unchanged"]
    found = await app.salesloft.get_object("accounts", created.data["object_id"])
    assert isinstance(found, Account)
    assert (found.name, found.domain) == ("Acme Inc", "acme.test")


async def test_a_domain_that_is_taken_names_its_owner(connect: Connect) -> None:
    arguments = {"external_type": "sdfc_account", "external_id": "A-1"}
    async with connect() as client:
        words = await refused(client, ACCOUNT, **arguments, account={"name": "B", "domain": "beacon-analytics.test"})
    assert words.startswith('domain: "beacon-analytics.test" belongs to account 9872')


async def test_an_answer_stays_short_however_long_a_field_is_and_tells_its_length(connect: Connect) -> None:
    arguments = {"external_type": "sdfc_account", "external_id": "ABC"}
    async with connect() as client:
        reply = await call(client, ACCOUNT, **arguments, account={"description": "d" * 20_000})
    assert reply.data["status"] == "updated"
    assert "(20000 characters, SHA-256 " in reply.data["changes"][0]["new"]["description"]
    assert reply.tokens <= 400


async def test_a_record_given_as_json_text_is_read_as_the_object_it_is(connect: Connect) -> None:
    async with connect() as client:
        reply = await call(client, PERSON, **KNOWN, person='{"title": "Chief Listener"}')
    assert reply.data["status"] == "updated"
