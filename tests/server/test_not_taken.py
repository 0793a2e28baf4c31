"""What was written is what stands there: what Salesloft did not take, or spells otherwise, is told."""

import json
from typing import Any

import pytest

from salesloft_mcp.app import App
from salesloft_mcp.sandbox import Fault, Sandbox
from tests.conftest import Connect, one_era
from tests.server.calling import call, refused, writes
from tests.server.test_tools_upserts import ACCOUNT, KNOWN, NEW, PERSON

pytestmark = pytest.mark.anyio
era = one_era

COMPANY = {"external_type": "sdfc_account", "external_id": "ABC"}


def answers(sandbox: Sandbox, **fields: Any) -> None:
    """The next write is answered with these fields of the record."""
    times = {"created_at": "2023-01-01T09:00:00Z", "updated_at": "2026-01-01T09:00:00Z"}
    body = json.dumps({"data": {"id": 578495206, **times, **fields}}).encode()
    sandbox.faults.add(Fault("raw", method="POST", status=200, body=body))


async def test_a_field_that_was_kept_as_it_was_is_told(connect: Connect, sandbox: Sandbox) -> None:
    answers(sandbox, title="Clerk", city="Oslo", custom_fields={"Lead Source": "Fair"})
    person = {"title": "CEO", "city": "Oslo", "custom_fields": {"Legacy ID": "1", "Lead Source": "Fair"}}
    async with connect() as client:
        reply = await call(client, PERSON, **KNOWN, person=person)
    assert reply.data["not_taken"] == ['title stands as "Clerk"', 'custom field "Legacy ID" stands as (empty)']
    told = 'Not taken: title stands as "Clerk", custom field "Legacy ID" stands as (empty).'
    assert reply.words == f"updated: person 578495206. {told}"
    assert "spelled_otherwise" not in reply.data


async def test_another_spelling_of_the_same_value_is_told_as_such(connect: Connect, sandbox: Sandbox) -> None:
    answers(sandbox, phone="+14045550001", title="CEO", personal_email_address="ann@home.test")
    person = {"personal_email_address": "Ann@Home.test", "phone": "(404) 555-0001", "title": " CEO "}
    async with connect() as client:
        reply = await call(client, PERSON, **KNOWN, person=person)
    assert "not_taken" not in reply.data
    assert reply.data["spelled_otherwise"] == [
        'phone stands as "+14045550001"',
        'title stands as "CEO"',
    ]
    assert "Spelled otherwise: phone stands" in reply.words


async def test_what_an_answer_does_not_show_is_believed(connect: Connect, sandbox: Sandbox) -> None:
    answers(sandbox, first_name="Chris")
    async with connect() as client:
        reply = await call(client, PERSON, **KNOWN, person={"first_name": "Chris", "home_phone": "1", "owner_id": 3})
    assert "not_taken" not in reply.data
    assert reply.data["changes"][0]["new"].items() >= {"home_phone": "1", "owner_id": 3}.items()


async def test_names_that_salesloft_shows_otherwise_count_as_taken(connect: Connect, sandbox: Sandbox) -> None:
    crm = {"crm_id": "003Dn00000AbCdEIAV", "crm_id_type": "salesforce"}
    answers(sandbox, crm_id=crm["crm_id"], crm_object_type="contact")
    async with connect() as client:
        person = await call(client, PERSON, **KNOWN, person=crm)
        answers(sandbox, id=13, archived_at=None)
        account = await call(client, ACCOUNT, **COMPANY, account={"archived": False, "size": "9"})
    assert "not_taken" not in person.data
    assert "not_taken" not in account.data


async def test_what_was_emptied_and_is_shown_as_empty_was_taken(connect: Connect, sandbox: Sandbox) -> None:
    answers(sandbox, title="", tags=None, custom_fields={}, owner=None)
    clear = ["title", "tags", "custom_fields.Legacy ID", "owner_id"]
    async with connect() as client:
        reply = await call(client, PERSON, **KNOWN, person={"clear": clear})
    assert "not_taken" not in reply.data


@pytest.mark.parametrize(
    ("tool", "key", "argument", "name", "near"),
    [
        (PERSON, KNOWN, "person", "Legacy id", '"Legacy ID"'),
        (ACCOUNT, COMPANY, "account", "Renewal quarter", '"Renewal Quarter"'),
        (ACCOUNT, COMPANY, "account", "Legacy ID", '"Legacy Account ID"'),
    ],
)
async def test_a_custom_field_that_does_not_exist_is_refused_with_the_nearest(
    connect: Connect, sandbox: Sandbox, tool: str, key: dict[str, str], argument: str, name: str, near: str
) -> None:
    async with connect() as client:
        for fields in ({"custom_fields": {name: "x"}}, {"clear": [f"custom_fields.{name}"]}):
            words = await refused(client, tool, **key, **{argument: fields})
            assert f'have no custom field "{name}": did you mean {near}?' in words
    assert writes(sandbox) == []
    assert sum(one.raw_path == b"/v2/custom_fields" for one in sandbox.requests) == 1  # remembered for half a minute


@pytest.mark.parametrize("status", [403, 404])
async def test_where_custom_fields_cannot_be_read_the_answer_still_tells_what_was_not_taken(
    connect: Connect, app: App, sandbox: Sandbox, status: int
) -> None:
    sandbox.faults.add(Fault("status", method="GET", path="/v2/custom_fields", status=status))
    answers(sandbox, custom_fields={})
    async with connect() as client:
        reply = await call(client, PERSON, **KNOWN, person={"custom_fields": {"Teir": "1"}})
    assert reply.data["not_taken"] == ['custom field "Teir" stands as (empty)']


async def test_the_value_of_a_custom_field_is_text(connect: Connect, sandbox: Sandbox) -> None:
    async with connect() as client:
        words = await refused(client, PERSON, **NEW, person={"custom_fields": {"Legacy ID": 7}})
    assert "must be text in quotes" in words
    assert len(sandbox.requests) == 0


async def test_an_undo_after_a_field_was_not_taken_brings_the_others_back(connect: Connect, sandbox: Sandbox) -> None:
    async with connect() as client:
        await call(client, PERSON, **KNOWN, person={"title": "Clerk", "city": "Oslo"})
        await call(client, PERSON, **KNOWN, person={"city": "Bonn"})
        undone = await call(client, "undo_change", change=2)
    assert undone.data["changes"][0]["new"]["city"] == "Oslo"


async def test_an_answer_that_was_lost_is_looked_up_where_a_field_was_kept_too(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    app.changes.quiet = 0.0
    sandbox.faults.add(Fault("status", method="GET", path="/v2/custom_fields", status=403, times=None))
    unknown = {"custom_fields": {"Teir": "1"}}
    async with connect() as client:
        sandbox.faults.add(Fault("lost_answer", method="POST"))
        updated = await call(client, PERSON, **KNOWN, person={"title": "CEO", **unknown})
        sandbox.faults.add(Fault("lost_answer", method="POST"))
        created = await call(client, PERSON, **NEW, person={"email_address": "ann@new.test", **unknown})
        undone = await call(client, "undo_change", change=1)
    for reply, status in ((updated, "updated"), (created, "created")):
        assert reply.data["status"] == status
        assert reply.data["not_taken"] == ['custom field "Teir" stands as (empty)']
    assert undone.data["status"] == "updated"
    assert len(writes(sandbox)) == 3


async def test_what_was_emptied_comes_back(connect: Connect, app: App) -> None:
    before = await app.salesloft.get_object("people", 578495206)
    async with connect() as client:
        await call(client, PERSON, **KNOWN, person={"clear": ["city", "custom_fields.Legacy ID", "account_id"]})
        await call(client, "undo_change", change=1)
    after = await app.salesloft.get_object("people", 578495206)
    assert before is not None
    assert after is not None
    assert {**after.model_dump(), "updated_at": ""} == {**before.model_dump(), "updated_at": ""}


async def test_what_was_written_is_told_in_what_hosts_take_however_much_it_is(
    connect: Connect, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault("status", method="GET", path="/v2/custom_fields", status=403, times=None))
    fields = {f"Field {number} {'n' * 100}": "ü" * 1_900 for number in range(300)}
    person = {"title": "CEO", "tags": ["t" * 250] * 100, "custom_fields": fields}
    async with connect() as client:
        reply = await call(client, PERSON, **KNOWN, person=person)
        listed = await call(client, "list_changes")
        undone = await call(client, "undo_change", change=1, preview=True)
    for one in (reply, listed, undone):
        assert len(one.text.encode()) <= 48_000
    (change,) = reply.data["changes"]
    assert change["new"]["title"] == "CEO"
    assert change["new"]["tags"][-1].endswith(" more")
    assert len(reply.data["not_taken"]) == 21
    assert reply.data["not_taken"][-1] == "280 more"
    assert listed.data["changes"][0]["changes"][0]["new"]["title"] == "CEO"
