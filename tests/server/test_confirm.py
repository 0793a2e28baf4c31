"""A person agrees, or nothing happens."""

import anyio
import pytest
from mcp.client import Client

from salesloft_mcp.app import App, open_app
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import chosen
from salesloft_mcp.settings import Settings
from tests.conftest import Connect, Era
from tests.server.calling import writes
from tests.server.human import YES, Human, text
from tests.server.logged import operations

pytestmark = pytest.mark.anyio

CONTACT = {"external_type": "crm_lead", "object_type": "people", "external_id": "CONTACT3456"}
MARKETING = {"external_type": "marketing", "object_type": "accounts"}
STOP = {"external_type": "crm_lead", "external_id": "CONTACT3456", "person": {"do_not_contact": True}}


async def live(app: App) -> list[int]:
    found = await app.salesloft.list_mappings(external_type="crm_lead", external_id="CONTACT3456", deleted=False)
    return [row.object_id for row in found.rows]


async def approve(app: App, yes: bool = True) -> None:
    """A person answers the question that waits in a terminal."""
    (pending,) = await app.approvals.pending()
    assert await app.approvals.decide(pending.id, yes)


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
    connect: Connect, app: App, era: Era, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("salesloft_mcp.changes.apply.FRESH_SECONDS", 0.0)  # the person thinks for longer than that

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
    assert "person 578495206" in human.questions[0]
    assert "person 207550815" in human.questions[1]


@pytest.mark.steady
async def test_the_thinking_time_of_a_person_is_no_part_of_the_time_a_write_may_take(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    async def think() -> None:
        await anyio.sleep(3_600)
        sandbox.faults.add(Fault("status", status=429, retry_after=1, method="DELETE"))  # without time left, the end

    async with connect(elicitation_callback=Human(YES, meanwhile=[think])) as client:
        result = await client.call_tool("delete_external_id_mapping", CONTACT)
    assert not result.is_error, text(result)
    assert await live(app) == []


async def test_a_client_that_cannot_ask_gets_a_refusal_and_leaves_a_pending_approval(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    async with connect() as client:
        first = await client.call_tool("delete_external_id_mapping", CONTACT)
        await client.call_tool("delete_external_id_mapping", CONTACT)
    assert first.is_error
    assert "salesloft-mcp approvals" in text(first)
    assert writes(sandbox) == []
    (pending,) = await app.approvals.pending()
    assert pending.id in text(first)
    assert pending.question.startswith("Delete this external id mapping in SANDBOX")


async def test_an_approved_call_goes_through_exactly_once(connect: Connect, app: App, sandbox: Sandbox) -> None:
    async with connect() as client:
        await client.call_tool("delete_external_id_mapping", CONTACT)
        await approve(app)
        result = await client.call_tool("delete_external_id_mapping", CONTACT)
        assert not result.is_error, text(result)
        await app.salesloft.create_mapping("crm_lead", "people", "CONTACT3456", 578495206)
        again = await client.call_tool("delete_external_id_mapping", CONTACT)
    assert again.is_error
    assert len([one for one in writes(sandbox) if one.startswith("DELETE")]) == 1


async def test_a_refused_approval_does_not_let_the_call_through(connect: Connect, app: App, sandbox: Sandbox) -> None:
    async with connect() as client:
        await client.call_tool("delete_external_id_mapping", CONTACT)
        await approve(app, yes=False)
        result = await client.call_tool("delete_external_id_mapping", CONTACT)
    assert text(result).startswith("not confirmed: a person refused it in a terminal. Nothing was changed.")
    assert writes(sandbox) == []
    assert [one.lines[0].state for one in await operations(app)] == ["declined"]
    assert await app.approvals.pending() == []


async def test_the_command_to_answer_with_names_the_folder_where_it_is_not_the_usual_one(
    connect: Connect, app: App
) -> None:
    async with connect() as client:
        result = await client.call_tool("delete_external_id_mapping", CONTACT)
    assert f"`salesloft-mcp approvals --state-dir {app.settings.state_dir}`" in text(result)


async def test_an_approval_is_for_the_facts_as_they_were_shown(connect: Connect, app: App, sandbox: Sandbox) -> None:
    async with connect() as client:
        await client.call_tool("delete_external_id_mapping", CONTACT)
        await approve(app)
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


async def test_elicit_mode_asks_through_the_client_alone(settings: Settings, sandbox: Sandbox, era: Era) -> None:
    async with open_app(settings.model_copy(update={"confirm": "elicit"}), sandbox) as app:
        server = build_server(app, chosen("full"))
        async with Client(server, mode=era) as client:
            result = await client.call_tool("delete_external_id_mapping", CONTACT)
        assert result.is_error
        assert "this client cannot ask. Nothing was changed." in text(result)
        assert "salesloft-mcp approvals" not in text(result)
        assert writes(sandbox) == []
        assert await app.approvals.pending() == []
        async with Client(server, mode=era, elicitation_callback=Human(YES)) as client:
            assert not (await client.call_tool("delete_external_id_mapping", CONTACT)).is_error
        assert len(writes(sandbox)) == 1


async def test_the_change_log_says_how_a_person_agreed(connect: Connect, app: App) -> None:
    async with connect(elicitation_callback=Human(YES)) as client:
        await client.call_tool("delete_external_id_mapping", CONTACT)
    (operation,) = await operations(app)
    assert operation.title == "delete_external_id_mapping"
    assert operation.how == "asked through the client"
    (line,) = operation.lines
    assert (line.state, line.change.key.external_id, line.change.object_id) == ("deleted", "CONTACT3456", 578495206)
