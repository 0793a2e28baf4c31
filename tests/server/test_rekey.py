"""One id of a record replaced by another: created before the old one is deleted, in one confirmed operation."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import stamina
from mcp.client import Client

from salesloft_mcp.app import App, open_app
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import chosen
from salesloft_mcp.settings import Settings
from tests.conftest import Connect, Era
from tests.server.calling import call, refused, writes
from tests.server.human import YES, Human

pytestmark = [pytest.mark.anyio, pytest.mark.steady]

TOOL = "create_external_id_mapping"
KEY: dict[str, Any] = {"external_type": "crm_lead", "object_type": "people"}
REKEY = {**KEY, "external_id": "NEW-1", "object_id": 578495206, "replaces": "CONTACT3456"}


@pytest.fixture(autouse=True)
def _two_attempts() -> Iterator[None]:
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


async def held(app: App) -> dict[str, int]:
    """The external ids of type crm_lead that the record has."""
    found = await app.salesloft.list_mappings(
        external_type="crm_lead", object_type="people", object_id=578495206, deleted=False
    )
    return {row.external_id: row.object_id for row in found.rows}


def kinds(sandbox: Sandbox) -> list[str]:
    """Creates and deletes, in order."""
    return [one.split()[0] for one in writes(sandbox)]


def logged(app: App) -> list[tuple[str, str, str, str]]:
    return [(row.tool, row.external_id, row.outcome, row.confirmed) for row in reversed(app.state.log.find())]


async def test_the_new_id_is_created_before_the_old_one_is_deleted(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    human = Human(YES)
    async with connect(elicitation_callback=human) as client:
        old = (await app.salesloft.list_mappings(external_type="crm_lead", external_id="CONTACT3456")).rows[0].id
        reply = await call(client, TOOL, **REKEY)
    assert not reply.failed, reply.words
    assert reply.words == "created: mapped to people 578495206. The old id is deleted."
    assert reply.data["replaced_mapping_id"] == old
    assert kinds(sandbox) == ["POST", "DELETE"]
    assert await held(app) == {"NEW-1": 578495206}


async def test_the_question_names_both_ids_and_is_asked_once(connect: Connect) -> None:
    human = Human(action="decline")
    async with connect(elicitation_callback=human) as client:
        await refused(client, TOOL, **REKEY)
    (question,) = human.questions
    lines = question.split("\n")
    assert lines[0] == "Replace an external id in SANDBOX (http://sandbox.localhost)?"
    assert {'new external id: "NEW-1"', 'old external id: "CONTACT3456"', "record: people 578495206"} <= set(lines)


@pytest.mark.parametrize("human", [Human(action="decline"), Human({"confirm": False})], ids=["decline", "unticked"])
async def test_without_a_yes_nothing_is_created_and_nothing_deleted(
    connect: Connect, app: App, sandbox: Sandbox, human: Human
) -> None:
    async with connect(elicitation_callback=human) as client:
        await refused(client, TOOL, **REKEY)
    assert writes(sandbox) == []
    assert app.state.log.find() == []


async def test_both_writes_stand_in_the_log_with_the_yes(connect: Connect, app: App) -> None:
    async with connect(elicitation_callback=Human(YES)) as client:
        await call(client, TOOL, **REKEY)
    agreed = "asked through the client"
    assert logged(app) == [(TOOL, "NEW-1", "created", agreed), (TOOL, "CONTACT3456", "deleted", agreed)]


async def test_without_replaces_nobody_is_asked_and_nothing_more_is_read(connect: Connect, sandbox: Sandbox) -> None:
    human = Human(YES)
    async with connect(elicitation_callback=human) as client:
        reply = await call(client, TOOL, **{**REKEY, "replaces": ""})
    assert human.questions == []
    assert reply.data["points_spent"] == 2
    assert "replaced_mapping_id" not in reply.data
    assert kinds(sandbox) == ["POST"]


async def test_repeating_it_changes_nothing_and_asks_nobody(connect: Connect, app: App, sandbox: Sandbox) -> None:
    human = Human(YES)
    async with connect(elicitation_callback=human) as client:
        await call(client, TOOL, **REKEY)
        again = await call(client, TOOL, **REKEY)
    assert again.data["status"] == "unchanged"
    assert "replaced_mapping_id" not in again.data
    assert len(human.questions) == 1
    assert kinds(sandbox) == ["POST", "DELETE"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"replaces": "CONTACT1001"}, "replaces: belongs to people 207550001, not to 578495206."),
        ({"replaces": "nobody"}, "replaces: there is no such live mapping."),
        ({"replaces": "NEW-1"}, "replaces: is the new external id itself."),
        ({"external_id": "CONTACT1001"}, "external_id: is already mapped to people 207550001."),
    ],
)
async def test_what_cannot_be_replaced_is_refused_before_anybody_is_asked(
    connect: Connect, sandbox: Sandbox, changed: dict[str, str], said: str
) -> None:
    human = Human(YES)
    async with connect(elicitation_callback=human) as client:
        words = await refused(client, TOOL, **{**REKEY, **changed})
    assert words.startswith(said)
    assert human.questions == []
    assert writes(sandbox) == []


async def test_a_refused_deletion_says_that_both_ids_stand_and_how_to_go_on(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault("status", method="DELETE", status=403))
    human = Human(YES)
    async with connect(elicitation_callback=human) as client:
        words = await refused(client, TOOL, **REKEY)
        assert words.startswith("created: mapped to people 578495206, but the old mapping ")
        assert '("CONTACT3456") is not deleted: ' in words
        assert "make the same call again" in words
        assert set(await held(app)) == {"NEW-1", "CONTACT3456"}
        again = await call(client, TOOL, **REKEY)
    assert again.words == "unchanged: mapped to people 578495206. The old id is deleted."
    assert set(await held(app)) == {"NEW-1"}
    assert [row[2] for row in logged(app)] == ["created", "failed", "unchanged", "deleted"]


async def test_a_lost_deletion_is_told_as_unknown_and_settled_by_the_same_call(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault("reset", method="DELETE", times=3))
    async with connect(elicitation_callback=Human(YES)) as client:
        words = await refused(client, TOOL, **REKEY)
        assert "may or may not be deleted" in words
        assert logged(app)[1][2] == "unknown"
        again = await call(client, TOOL, **REKEY)
    assert not again.failed
    assert set(await held(app)) == {"NEW-1"}


async def test_a_deletion_whose_answer_was_lost_once_is_told_as_done(connect: Connect, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("lost_answer", method="DELETE"))
    async with connect(elicitation_callback=Human(YES)) as client:
        reply = await call(client, TOOL, **REKEY)
    assert reply.words.endswith("The old id is deleted.")


async def test_a_refused_create_deletes_nothing(connect: Connect, app: App, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("status", method="POST", status=403))
    async with connect(elicitation_callback=Human(YES)) as client:
        await refused(client, TOOL, **REKEY)
    assert kinds(sandbox) == ["POST"]
    assert set(await held(app)) == {"CONTACT3456"}


async def test_an_old_id_that_moved_while_the_person_thought_is_not_deleted(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    async def move() -> None:
        rows = (await app.salesloft.list_mappings(external_type="crm_lead", external_id="CONTACT3456")).rows
        await app.salesloft.delete_mapping(rows[0].id or 0)
        await app.salesloft.create_mapping("crm_lead", "people", "CONTACT3456", 207550815)

    async with connect(elicitation_callback=Human(YES, meanwhile=[move])) as client:
        words = await refused(client, TOOL, **REKEY)
    assert "belongs to people 207550815" in words
    assert kinds(sandbox) == ["DELETE", "POST"]  # those of `move`


async def test_where_nothing_may_be_deleted_nothing_is_replaced(app: App, sandbox: Sandbox, era: Era) -> None:
    careful = replace(app, mode="no-delete")
    human = Human(YES)
    async with Client(build_server(careful, chosen("no-delete")), mode=era, elicitation_callback=human) as client:
        words = await refused(client, TOOL, **REKEY)
        assert not (await call(client, TOOL, **{**REKEY, "replaces": ""})).failed
    assert "deletions are switched off here (mode no-delete). Nothing was changed." in words
    assert human.questions == []
    assert kinds(sandbox) == ["POST"]


async def test_a_client_that_cannot_ask_leaves_an_approval_that_works_once(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    async with connect() as client:
        await refused(client, TOOL, **REKEY)
        app.state.decide(app.state.pending()[0].id, yes=True)
        reply = await call(client, TOOL, **REKEY)
    assert not reply.failed, reply.words
    assert {row[3] for row in logged(app)} == {"approved in a terminal"}


async def test_two_step_takes_its_code_for_a_replacement_only(settings: Settings, sandbox: Sandbox, era: Era) -> None:
    async with open_app(settings.model_copy(update={"confirm": "two-step"}), sandbox) as app:
        async with Client(build_server(app, chosen("full")), mode=era) as client:
            words = await refused(client, TOOL, **REKEY)
            code = words.rsplit("confirmation_code ", 1)[1].rstrip(".")
            assert not (await call(client, TOOL, **REKEY, confirmation_code=code)).failed
            plain = await call(client, TOOL, **{**REKEY, "external_id": "NEW-2", "replaces": ""})
            assert not plain.failed


class TestGuide:
    """Where Salesloft shows no id of a mapping."""

    @pytest.fixture
    def sandbox(self) -> Iterator[Sandbox]:
        with Sandbox(dialect="guide") as sandbox:
            yield sandbox

    async def test_nothing_is_created_when_the_old_one_could_not_be_deleted(
        self, connect: Connect, sandbox: Sandbox
    ) -> None:
        human = Human(YES)
        async with connect(elicitation_callback=human) as client:
            words = await refused(client, TOOL, **REKEY)
        assert "Salesloft shows no id for this mapping" in words
        assert "Nothing was changed." in words
        assert human.questions == []
        assert writes(sandbox) == []
