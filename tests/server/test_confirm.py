"""A person agrees, or nothing happens."""

from typing import Any

import pytest
from mcp.client import Client

from salesloft_mcp.app import App, open_app
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import chosen
from salesloft_mcp.settings import Settings
from tests.conftest import Connect, Era
from tests.server.human import YES, Human, text

pytestmark = pytest.mark.anyio

CONTACT = {"external_type": "crm_lead", "object_type": "people", "external_id": "CONTACT3456"}
MARKETING = {"external_type": "marketing", "object_type": "accounts"}
STOP = {"external_type": "crm_lead", "external_id": "CONTACT3456", "person": {"do_not_contact": True}}


def writes(sandbox: Sandbox) -> list[str]:
    """What reached Salesloft and was no read."""
    return [f"{one.method} {one.raw_path.decode()}" for one in sandbox.requests if one.method != "GET"]


async def live(app: App) -> list[int]:
    found = await app.salesloft.list_mappings(external_type="crm_lead", external_id="CONTACT3456", deleted=False)
    return [row.object_id for row in found.rows]


async def test_a_yes_deletes_the_mapping_and_leaves_the_record(connect: Connect, app: App, sandbox: Sandbox) -> None:
    human = Human(YES)
    async with connect(elicitation_callback=human) as client:
        result = await client.call_tool("delete_external_id_mapping", CONTACT)
    assert not result.is_error, text(result)
    assert len(human.questions) == 1
    assert len(writes(sandbox)) == 1
    assert await live(app) == []
    assert await app.salesloft.get_object("people", 578495206) is not None


@pytest.mark.parametrize(
    "human",
    [
        Human(action="decline"),
        Human(action="cancel"),
        Human({"confirm": False}),
        Human({"confirm": "yes"}),
        Human({"confirm": 1}),
        Human({}),
    ],
    ids=["decline", "cancel", "not ticked", "a word for a tick", "a number for a tick", "nothing"],
)
async def test_anything_but_a_ticked_box_changes_nothing(
    connect: Connect, app: App, sandbox: Sandbox, human: Human
) -> None:
    async with connect(elicitation_callback=human) as client:
        result = await client.call_tool("delete_external_id_mapping", CONTACT)
    assert result.is_error
    assert "Nothing was changed" in text(result)
    assert writes(sandbox) == []
    assert await live(app) == [578495206]


async def test_the_question_is_built_from_facts_the_server_has_read(connect: Connect) -> None:
    human = Human(action="decline")
    async with connect(elicitation_callback=human) as client:
        await client.call_tool("delete_external_id_mapping", CONTACT)
    lines = human.questions[0].split("\n")
    assert lines[0] == "Delete this external id mapping in SANDBOX (http://sandbox.localhost)?"
    assert 'external id: "CONTACT3456"' in lines
    assert "record: people 578495206" in lines


async def test_deleting_a_configuration_counts_what_hangs_on_it_and_wants_its_name(
    connect: Connect, sandbox: Sandbox
) -> None:
    human = Human({"type_the_name": "marketing"})
    async with connect(elicitation_callback=human) as client:
        result = await client.call_tool("delete_external_id_configuration", MARKETING)
    assert not result.is_error, text(result)
    assert "live mappings that use it: 29" in human.questions[0]
    assert writes(sandbox) == ["DELETE /v2/external/configurations/227"]


@pytest.mark.parametrize("typed", ["", "Marketing", "marketing ", "yes"])
async def test_a_configuration_stays_when_another_name_is_typed(connect: Connect, sandbox: Sandbox, typed: str) -> None:
    async with connect(elicitation_callback=Human({"type_the_name": typed})) as client:
        result = await client.call_tool("delete_external_id_configuration", MARKETING)
    assert result.is_error
    assert writes(sandbox) == []


async def test_a_target_that_changed_while_the_person_thought_is_not_deleted(
    connect: Connect, app: App, era: Era, sandbox: Sandbox
) -> None:
    async def remap() -> None:
        held = await app.salesloft.list_mappings(external_type="crm_lead", external_id="CONTACT3456", deleted=False)
        await app.salesloft.delete_mapping(held.rows[0].id or 0)
        await app.salesloft.create_mapping("crm_lead", "people", "CONTACT3456", 207550815)

    human = Human(YES, meanwhile=[remap])
    async with connect(elicitation_callback=human) as client:
        result = await client.call_tool("delete_external_id_mapping", CONTACT)
        if era == "legacy":
            assert "changed while the person was asked" in text(result)
            assert await live(app) == [207550815]
            result = await client.call_tool("delete_external_id_mapping", CONTACT)
    assert not result.is_error
    assert len(human.questions) == 2
    assert "people 578495206" in human.questions[0]
    assert "people 207550815" in human.questions[1]


async def test_do_not_contact_asks_and_other_fields_do_not(connect: Connect, app: App) -> None:
    human = Human(YES)
    async with connect(elicitation_callback=human) as client:
        await client.call_tool("upsert_person_by_external_id", {**STOP, "person": {"title": "CEO"}})
        assert human.questions == []
        result = await client.call_tool("upsert_person_by_external_id", STOP)
        assert not result.is_error, text(result)
        assert len(human.questions) == 1
        again = await client.call_tool("upsert_person_by_external_id", STOP)
    assert (again.structured_content or {})["status"] == "unchanged"
    assert len(human.questions) == 1
    person = await app.salesloft.get_object("people", 578495206)
    assert person is not None
    assert getattr(person, "do_not_contact", None) is True


async def test_stopping_an_account_says_that_all_its_people_stop(connect: Connect, sandbox: Sandbox) -> None:
    human = Human(action="decline")
    stop = {"external_type": "sdfc_account", "external_id": "ABC", "account": {"do_not_contact": True}}
    async with connect(elicitation_callback=human) as client:
        result = await client.call_tool("upsert_account_by_external_id", stop)
    assert result.is_error
    assert "all its people are stopped" in human.questions[0]
    assert writes(sandbox) == []


async def test_a_client_that_cannot_ask_gets_a_refusal_and_leaves_a_pending_approval(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    async with connect() as client:
        first = await client.call_tool("delete_external_id_mapping", CONTACT)
        await client.call_tool("delete_external_id_mapping", CONTACT)
    assert first.is_error
    assert "salesloft-mcp approvals" in text(first)
    assert writes(sandbox) == []
    (pending,) = app.state.pending()
    assert pending.id in text(first)
    assert pending.question.startswith("Delete this external id mapping in SANDBOX")


async def test_an_approved_call_goes_through_exactly_once(connect: Connect, app: App, sandbox: Sandbox) -> None:
    async with connect() as client:
        await client.call_tool("delete_external_id_mapping", CONTACT)
        app.state.decide(app.state.pending()[0].id, yes=True)
        result = await client.call_tool("delete_external_id_mapping", CONTACT)
        assert not result.is_error, text(result)
        await app.salesloft.create_mapping("crm_lead", "people", "CONTACT3456", 578495206)
        again = await client.call_tool("delete_external_id_mapping", CONTACT)
    assert again.is_error
    assert len([one for one in writes(sandbox) if one.startswith("DELETE")]) == 1


async def test_a_refused_approval_does_not_let_the_call_through(connect: Connect, app: App, sandbox: Sandbox) -> None:
    async with connect() as client:
        await client.call_tool("delete_external_id_mapping", CONTACT)
        app.state.decide(app.state.pending()[0].id, yes=False)
        result = await client.call_tool("delete_external_id_mapping", CONTACT)
    assert result.is_error
    assert writes(sandbox) == []


async def test_an_approval_is_for_the_facts_as_they_were_shown(connect: Connect, app: App, sandbox: Sandbox) -> None:
    async with connect() as client:
        await client.call_tool("delete_external_id_mapping", CONTACT)
        app.state.decide(app.state.pending()[0].id, yes=True)
        held = await app.salesloft.list_mappings(external_type="crm_lead", external_id="CONTACT3456", deleted=False)
        await app.salesloft.delete_mapping(held.rows[0].id or 0)
        await app.salesloft.create_mapping("crm_lead", "people", "CONTACT3456", 207550815)
        before = len(writes(sandbox))
        result = await client.call_tool("delete_external_id_mapping", CONTACT)
    assert result.is_error
    assert len(writes(sandbox)) == before


async def test_nothing_the_model_was_ever_shown_confirms_when_sent_back(connect: Connect, sandbox: Sandbox) -> None:
    async with connect() as client:
        shown = text(await client.call_tool("delete_external_id_mapping", CONTACT))
        words = {*shown.replace("`", " ").replace(".", " ").split(), shown, "yes", "true"}
        for word in words:
            for name in ("confirm", "confirmed", "approval", "answered", "asked", "confirmation_code"):
                result = await client.call_tool("delete_external_id_mapping", {**CONTACT, name: word})
                assert result.is_error
    assert writes(sandbox) == []


async def test_elicit_mode_never_falls_back_to_an_approval(settings: Settings, sandbox: Sandbox, era: Era) -> None:
    async with open_app(settings.model_copy(update={"confirm": "elicit"}), sandbox) as app:
        async with Client(build_server(app, chosen("full")), mode=era) as client:
            result = await client.call_tool("delete_external_id_mapping", CONTACT)
        assert result.is_error
        assert app.state.pending() == []


async def two_step(client: Client, arguments: dict[str, Any]) -> tuple[str, str]:
    """The first answer of two-step mode, and its code."""
    words = text(await client.call_tool("delete_external_id_mapping", arguments))
    return words, words.rsplit("confirmation_code ", 1)[1].rstrip(".")


async def test_two_step_is_labelled_as_weaker_and_takes_each_code_once(
    settings: Settings, sandbox: Sandbox, era: Era
) -> None:
    async with open_app(settings.model_copy(update={"confirm": "two-step"}), sandbox) as app:
        async with Client(build_server(app, chosen("full")), mode=era) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            schema = tools["delete_external_id_mapping"].input_schema["properties"]
            assert "Weaker" in schema["confirmation_code"]["description"]
            assert "confirmation_code" not in tools["create_external_id_configuration"].input_schema["properties"]
            words, code = await two_step(client, CONTACT)
            assert "weaker confirmation" in words
            wrong = await client.call_tool("delete_external_id_mapping", {**CONTACT, "confirmation_code": "00000000"})
            assert wrong.is_error
            other = {**CONTACT, "external_id": "CONTACT1001", "confirmation_code": code}
            assert (await client.call_tool("delete_external_id_mapping", other)).is_error
            assert writes(sandbox) == []
            right = {**CONTACT, "confirmation_code": code}
            assert not (await client.call_tool("delete_external_id_mapping", right)).is_error
            await app.salesloft.create_mapping("crm_lead", "people", "CONTACT3456", 578495206)
            assert (await client.call_tool("delete_external_id_mapping", right)).is_error
        assert len([one for one in writes(sandbox) if one.startswith("DELETE")]) == 1


async def test_the_change_log_says_how_a_person_agreed(connect: Connect, app: App) -> None:
    async with connect(elicitation_callback=Human(YES)) as client:
        await client.call_tool("delete_external_id_mapping", CONTACT)
    (change,) = app.state.log.find()
    assert change.tool == "delete_external_id_mapping"
    assert change.outcome == "deleted"
    assert change.confirmed == "asked through the client"
    assert (change.before or {})["external_id"] == "CONTACT3456"
