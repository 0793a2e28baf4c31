"""What a write would do, shown before it is done; and the same lines in the answer when it was done."""

from typing import Any

import pytest

from salesloft_mcp.app import App
from salesloft_mcp.salesloft.fields import PersonFields
from salesloft_mcp.sandbox import Sandbox
from tests.conftest import Connect
from tests.server.calling import call, refused, writes
from tests.server.human import YES, Human
from tests.server.logged import operations

pytestmark = pytest.mark.anyio

PLACE = "SANDBOX (http://sandbox.localhost)"
TEAM = "Northwind Software (sandbox) (100013)"
CONTACT = {"external_type": "crm_lead", "object_type": "people", "external_id": "CONTACT3456"}
LEAD = {"external_type": "crm_lead", "external_id": "CONTACT3456"}
MARKETING = {"external_type": "marketing", "object_type": "accounts"}
MAP, UNMAP = "create_external_id_mapping", "delete_external_id_mapping"
CONFIGURE, UNCONFIGURE = "create_external_id_configuration", "delete_external_id_configuration"
PERSON, ACCOUNT = "upsert_person_by_external_id", "upsert_account_by_external_id"
STANDING = {"id": 5004, "object_id": 578495206}
OLD_TITLE: dict[str, Any] = {"id": 578495206, "title": "Clerk"}

# Each: the tool, its arguments, whether a person would be asked, and the changes by kind, old and new.
WRITES: dict[str, tuple[str, dict[str, Any], bool, list[tuple[str, Any, Any]]]] = {
    "configure": (
        CONFIGURE,
        {"external_type": "erp", "object_type": "people"},
        False,
        [("configuration", None, {})],
    ),
    "map": (
        MAP,
        {**CONTACT, "external_id": "007", "object_id": 578495206},
        False,
        [("mapping", None, {"object_id": 578495206})],
    ),
    "move": (
        MAP,
        {**CONTACT, "object_id": 207550815, "move_from": 578495206},
        True,
        [("mapping", STANDING, None), ("mapping", None, {"object_id": 207550815})],
    ),
    "replace": (
        MAP,
        {**CONTACT, "external_id": "007", "object_id": 578495206, "instead_of": "CONTACT3456"},
        True,
        [("mapping", None, {"object_id": 578495206}), ("mapping", STANDING, None)],
    ),
    "unmap": (UNMAP, CONTACT, True, [("mapping", STANDING, None)]),
    "unconfigure": (UNCONFIGURE, MARKETING, True, [("configuration", {"id": 227}, None)]),
    "update a person": (
        PERSON,
        {**LEAD, "person": {"title": "CEO"}},
        False,
        [("record", OLD_TITLE, {"title": "CEO"})],
    ),
    "stop a person": (
        PERSON,
        {**LEAD, "person": {"do_not_contact": True}},
        True,
        [("record", {"id": 578495206, "do_not_contact": False}, {"do_not_contact": True})],
    ),
    "create a person": (
        PERSON,
        {**LEAD, "external_id": "new", "person": {"email_address": "a@new.test"}},
        False,
        [("record", None, {"email_address": "a@new.test"})],
    ),
    "create an account": (
        ACCOUNT,
        {"external_type": "marketing", "external_id": "new", "account": {"name": "A", "domain": "a-new.test"}},
        False,
        [("record", None, {"name": "A", "domain": "a-new.test"})],
    ),
}
every_write = pytest.mark.parametrize("name", WRITES)


@pytest.fixture(autouse=True)
async def _titled(app: App, sandbox: Sandbox) -> None:
    await app.salesloft.upsert_person("crm_lead", "CONTACT3456", PersonFields(title="Clerk", city="Wien"))
    sandbox.requests.clear()


@every_write
async def test_a_preview_shows_every_change_and_whether_a_person_would_be_asked(connect: Connect, name: str) -> None:
    tool, arguments, asks, changes = WRITES[name]
    human = Human(YES)
    async with connect(elicitation_callback=human) as client:
        reply = await call(client, tool, **arguments, preview=True)
    assert reply.words.startswith("preview: nothing was written. It would ")
    assert [(one["kind"], one.get("old"), one.get("new")) for one in reply.data["changes"]] == changes
    assert {one["outcome"] for one in reply.data["changes"]} == {"open"}
    assert (reply.data["status"], reply.data["environment"], reply.data["team"]) == ("preview", PLACE, TEAM)
    assert reply.data["agreed"] == ("a person would be asked through this client" if asks else "nobody would be asked")
    assert ("question" in reply.data) is asks
    assert "change_id" not in reply.data
    assert human.questions == []


@every_write
async def test_a_preview_writes_nothing_and_costs_what_it_reads(
    connect: Connect, app: App, sandbox: Sandbox, name: str
) -> None:
    tool, arguments, *_ = WRITES[name]
    async with connect() as client:  # it cannot ask, and need not
        reply = await call(client, tool, **arguments, preview=True)
    assert writes(sandbox) == []
    assert reply.data["points_spent"] == len(sandbox.requests) <= (8 if arguments.get("external_id") == "new" else 5)
    assert await operations(app) == []
    assert await app.approvals.pending() == []


async def test_a_preview_of_what_is_not_configured_is_refused_as_the_call_would_be(connect: Connect) -> None:
    key = {"external_type": "crm_leed", "external_id": "new"}
    async with connect() as client:
        mapping = await refused(client, MAP, **key, object_type="people", object_id=578495206, preview=True)
        person = await refused(client, PERSON, **key, person={"title": "x"}, preview=True)
    for words in (mapping, person):
        assert words.startswith('external_type: "crm_leed" is not configured for people.')


@every_write
async def test_the_question_of_a_preview_is_the_one_that_is_asked(connect: Connect, name: str) -> None:
    tool, arguments, asks, _ = WRITES[name]
    human = Human(action="decline")
    async with connect(elicitation_callback=human) as client:
        preview = await call(client, tool, **arguments, preview=True)
        await call(client, tool, **arguments)
    assert human.questions == ([preview.data["question"]] if asks else [])


@every_write
async def test_the_answer_of_a_write_has_the_lines_of_its_preview_with_how_they_ended(
    connect: Connect, app: App, name: str
) -> None:
    tool, arguments, asks, changes = WRITES[name]
    human = Human({"type_the_name": "marketing"} if tool == UNCONFIGURE else YES)
    async with connect(elicitation_callback=human) as client:
        reply = await call(client, tool, **arguments)
    assert not reply.failed, reply.words
    (operation,) = await operations(app)
    assert reply.data["change_id"] == operation.id
    assert (reply.data["environment"], reply.data["team"]) == (PLACE, TEAM)
    typed = ", name typed" if tool == UNCONFIGURE else ""
    assert reply.data["agreed"] == (f"asked through the client{typed}" if asks else "nobody was asked")
    for shown, (kind, old, new) in zip(reply.data["changes"], changes, strict=True):
        assert (shown["kind"], shown.get("old")) == (kind, old)
        if new is None:
            assert "new" not in shown
        else:
            assert shown["new"].items() >= new.items()
        assert shown["outcome"] == ("deleted" if new is None else "created" if old is None else "updated")
    states = [shown["outcome"] for shown in reply.data["changes"]]
    status = {"move": "moved", "replace": "replaced"}.get(name, states[0])
    assert reply.data["status"] == status
    assert reply.words.startswith(status)


async def test_the_preview_of_what_is_so_already_has_nothing_to_do(connect: Connect) -> None:
    async with connect() as client:
        for tool, arguments in (
            (MAP, {**CONTACT, "object_id": 578495206}),
            (CONFIGURE, {"external_type": "crm_lead", "object_type": "people"}),
            (PERSON, {**LEAD, "person": {"title": "Clerk"}}),
        ):
            reply = await call(client, tool, **arguments, preview=True)
            assert [one["outcome"] for one in reply.data["changes"]] == ["done"], tool


async def test_a_preview_refuses_what_the_write_would_refuse(connect: Connect) -> None:
    async with connect() as client:
        words = await refused(client, MAP, **CONTACT, object_id=207550815, preview=True)
    assert words.startswith("external_id: is already mapped to person 578495206.")


async def test_a_preview_shows_a_long_text_with_its_length_and_a_digest(connect: Connect) -> None:
    async with connect() as client:
        reply = await call(client, PERSON, **LEAD, person={"title": "x" * 1_000}, preview=True)
    assert "(1000 characters, SHA-256 " in reply.data["changes"][0]["new"]["title"]


class TestUndo:
    """The way back has a preview, too."""

    async def test_of_a_mapping_and_of_a_record(self, connect: Connect, sandbox: Sandbox) -> None:
        async with connect() as client:
            await call(client, MAP, **{**CONTACT, "external_id": "007"}, object_id=578495206)
            await call(client, PERSON, **LEAD, person={"title": "CEO"})
            sandbox.requests.clear()
            mapping = await call(client, "undo_change", change=1, preview=True)
            record = await call(client, "undo_change", change=2, preview=True)
        assert writes(sandbox) == []
        assert mapping.data["agreed"] == "a person would be asked in a terminal"  # this client cannot ask
        assert mapping.words.endswith("It would delete mapping 5167 of person 578495206.")
        assert mapping.data["question"].startswith("Undo change 1: delete this external id mapping")
        (change,) = record.data["changes"]
        assert (change["old"]["title"], change["new"]) == ("CEO", {"title": "Clerk"})

    async def test_says_what_would_not_come_back(self, connect: Connect) -> None:
        async with connect() as client:
            await call(client, PERSON, **LEAD, person={"title": "CEO", "city": "Oslo"})
            await call(client, PERSON, **LEAD, person={"title": "Owner"})
            reply = await call(client, "undo_change", change=1, preview=True)
        assert reply.data["not_brought_back"] == ["title (changed again since, or not writable)"]

    async def test_of_a_configuration_says_how_many_mappings_come_back_by_a_run(
        self, connect: Connect, sandbox: Sandbox
    ) -> None:
        async with connect(elicitation_callback=Human({"type_the_name": "marketing"})) as client:
            await call(client, UNCONFIGURE, **MARKETING)
            sandbox.requests.clear()
            reply = await call(client, "undo_change", change=1, preview=True)
        would = "create a configuration for accounts, then create 29 mappings by a run"
        assert reply.words == f"preview: nothing was written. It would {would}."
        assert writes(sandbox) == []
