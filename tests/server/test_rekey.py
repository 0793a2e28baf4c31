"""One id of a record replaced by another, and one id moved to another record: in one operation, under one yes."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
import stamina
from mcp.client import Client

from salesloft_mcp.app import App
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import chosen
from tests.conftest import Connect, Era
from tests.server.calling import call, narrowed, refused, writes
from tests.server.human import YES, Human
from tests.server.logged import lines, operations

pytestmark = pytest.mark.anyio

TOOL = "create_external_id_mapping"
KEY: dict[str, Any] = {"external_type": "crm_lead", "object_type": "people"}
REKEY = {**KEY, "external_id": "NEW-1", "object_id": 578495206, "instead_of": "CONTACT3456"}

MOVE: dict[str, Any] = {**KEY, "external_id": "CONTACT3456", "object_id": 207550815, "move_from": 578495206}


@pytest.fixture(autouse=True)
def _at_once(app: App) -> Iterator[None]:
    app.changes.quiet = 0.0
    app.changes.sent_seconds = 0.0
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


async def held(app: App) -> dict[str, int]:
    """The external ids of type crm_lead that the record has."""
    found = await app.salesloft.list_mappings(
        external_type="crm_lead", object_type="people", object_id=578495206, deleted=False
    )
    return {row.external_id: row.object_id for row in found.rows}


async def holders(app: App) -> list[int]:
    """The records that the external id stands for."""
    found = await app.salesloft.list_mappings(external_type="crm_lead", external_id="CONTACT3456", deleted=False)
    return [row.object_id for row in found.rows]


def kinds(sandbox: Sandbox) -> list[str]:
    """Creates and deletes, in order."""
    return [one.split()[0] for one in writes(sandbox)]


async def test_the_new_id_is_created_before_the_old_one_is_deleted(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    human = Human(YES)
    async with connect(elicitation_callback=human) as client:
        old = (await app.salesloft.list_mappings(external_type="crm_lead", external_id="CONTACT3456")).rows[0].id
        reply = await call(client, TOOL, **REKEY)
    assert not reply.failed, reply.words
    new = f"mapping {reply.data['mapping_id']} of person 578495206"
    assert reply.words == f'replaced "CONTACT3456" by "NEW-1": {new}; the record stays.'
    assert (reply.data["status"], reply.data["object_id"]) == ("replaced", 578495206)
    assert reply.data["changes"][1]["old"]["id"] == old
    assert [(one["outcome"], one["external_id"]) for one in reply.data["changes"]] == [
        ("created", "NEW-1"),
        ("deleted", "CONTACT3456"),
    ]
    assert kinds(sandbox) == ["POST", "DELETE"]
    assert await held(app) == {"NEW-1": 578495206}


@pytest.mark.parametrize("human", [Human(action="decline"), Human({"confirm": False})], ids=["decline", "unticked"])
async def test_without_a_yes_nothing_is_created_and_nothing_deleted(
    connect: Connect, app: App, sandbox: Sandbox, human: Human
) -> None:
    async with connect(elicitation_callback=human) as client:
        await refused(client, TOOL, **REKEY)
    assert writes(sandbox) == []
    assert {state for _, __, state in await lines(app)} == {"declined"}


async def test_both_writes_stand_in_the_log_with_the_yes(connect: Connect, app: App) -> None:
    async with connect(elicitation_callback=Human(YES)) as client:
        await call(client, TOOL, **REKEY)
    assert await lines(app) == [(TOOL, "NEW-1", "created"), (TOOL, "CONTACT3456", "deleted")]
    (operation,) = await operations(app)
    assert operation.how == "asked through the client"


async def test_without_it_nobody_is_asked_and_nothing_more_is_read(connect: Connect, sandbox: Sandbox) -> None:
    human = Human(YES)
    async with connect(elicitation_callback=human) as client:
        reply = await call(client, TOOL, **{**REKEY, "instead_of": ""})
    assert human.questions == []
    assert reply.data["points_spent"] == 3  # one of them for the team, once a process
    assert kinds(sandbox) == ["POST"]


async def test_repeating_it_changes_nothing_and_asks_nobody(connect: Connect, app: App, sandbox: Sandbox) -> None:
    human = Human(YES)
    async with connect(elicitation_callback=human) as client:
        await call(client, TOOL, **REKEY)
        again = await call(client, TOOL, **REKEY)
    assert again.data["status"] == "unchanged"
    assert len(human.questions) == 1
    assert kinds(sandbox) == ["POST", "DELETE"]


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        (
            {"instead_of": "CONTACT1001"},
            "instead_of: the external id belongs to person 207550001, not to 578495206.",
        ),
        ({"instead_of": "nobody"}, "instead_of: there is no such live mapping."),
        ({"instead_of": "NEW-1"}, "instead_of: is the new external id itself."),
        ({"move_from": 207550815}, "move_from: cannot be given together with instead_of."),
        ({"external_id": "CONTACT1001"}, "external_id: is already mapped to person 207550001."),
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


async def test_a_refused_deletion_says_what_was_done_and_how_to_go_on_either_way(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault("status", method="DELETE", status=403))
    human = Human(YES)
    async with connect(elicitation_callback=human) as client:
        words = await refused(client, TOOL, **REKEY)
        assert re.match(
            r"created: mapping \d+ of person 578495206 \(change 1\), but the rest was not done: .*403", words
        )
        assert "\nNext: undo_change 1 takes back what was done; or: " in words
        assert set(await held(app)) == {"NEW-1", "CONTACT3456"}
        await app.salesloft.create_mapping("crm_lead", "people", "SECOND", 578495206)
        again = await call(client, TOOL, **REKEY)
        listed = await call(client, "list_changes", limit=1)
    assert [one["outcome"] for one in again.data["changes"]] == ["unchanged", "deleted"]
    assert again.words.startswith('replaced "CONTACT3456" by "NEW-1": mapping ')
    assert again.data["notes"] == ['Person 578495206 has other ids of this type: "SECOND".']
    assert "update" not in human.questions[-1]
    assert listed.data["changes"][0]["did"] == 'replaced "CONTACT3456" by "NEW-1"'
    assert set(await held(app)) == {"NEW-1", "SECOND"}
    assert [state for _, __, state in await lines(app)] == ["created", "failed", "unchanged", "deleted"]


async def test_a_lost_deletion_is_told_as_unknown_and_settled_by_the_same_call(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault("reset", method="DELETE", times=3))
    async with connect(elicitation_callback=Human(YES)) as client:
        words = await refused(client, TOOL, **REKEY)
        assert "the rest was not done: the answer to DELETE" in words
        assert "done is unknown" in words
        assert (await lines(app))[1][2] == "unknown"
        again = await call(client, TOOL, **REKEY)
    assert not again.failed
    assert set(await held(app)) == {"NEW-1"}


async def test_a_deletion_whose_answer_was_lost_once_is_told_as_done(connect: Connect, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("lost_answer", method="DELETE"))
    async with connect(elicitation_callback=Human(YES)) as client:
        reply = await call(client, TOOL, **REKEY)
    assert [one["outcome"] for one in reply.data["changes"]] == ["created", "deleted"]


async def test_a_refused_create_deletes_nothing(connect: Connect, app: App, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("status", method="POST", status=403))
    async with connect(elicitation_callback=Human(YES)) as client:
        await refused(client, TOOL, **REKEY)
    assert kinds(sandbox) == ["POST"]
    assert set(await held(app)) == {"CONTACT3456"}


async def test_an_old_id_that_moved_while_the_person_thought_is_not_deleted(
    connect: Connect, app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("salesloft_mcp.changes.apply.FRESH_SECONDS", 0.0)  # the person thinks for longer than that

    async def move() -> None:
        rows = (await app.salesloft.list_mappings(external_type="crm_lead", external_id="CONTACT3456")).rows
        await app.salesloft.delete_mapping(rows[0].id or 0)
        await app.salesloft.create_mapping("crm_lead", "people", "CONTACT3456", 207550815)

    async with connect(elicitation_callback=Human(YES, meanwhile=[move])) as client:
        words = await refused(client, TOOL, **REKEY)
    assert "belongs to person 207550815" in words or "changed while the person was asked" in words
    assert kinds(sandbox) == ["DELETE", "POST"]  # those of `move`


async def test_where_nothing_may_be_deleted_nothing_is_replaced_or_moved(app: App, sandbox: Sandbox, era: Era) -> None:
    careful = narrowed(app, "no-delete")
    human = Human(YES)
    async with Client(build_server(careful, chosen("no-delete")), mode=era, elicitation_callback=human) as client:
        for arguments in (REKEY, MOVE):
            words = await refused(client, TOOL, **arguments)
            assert "deletions are switched off here (mode no-delete). Nothing was changed." in words
        assert not (await call(client, TOOL, **{**REKEY, "instead_of": ""})).failed
    assert human.questions == []
    assert kinds(sandbox) == ["POST"]


async def test_a_client_that_cannot_ask_leaves_an_approval_that_works_once(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    async with connect() as client:
        await refused(client, TOOL, **REKEY)
        (pending,) = await app.approvals.pending()
        await app.approvals.decide(pending.id, yes=True)
        reply = await call(client, TOOL, **REKEY)
    assert not reply.failed, reply.words
    assert [operation.how for operation in await operations(app)] == ["approved in a terminal"]


class TestMoves:
    """One external id taken off its record and given to another."""

    async def test_the_old_mapping_goes_before_the_new_one_comes(
        self, connect: Connect, app: App, sandbox: Sandbox
    ) -> None:
        async with connect(elicitation_callback=Human(YES)) as client:
            reply = await call(client, TOOL, **MOVE)
        assert kinds(sandbox) == ["DELETE", "POST"]
        assert (reply.data["status"], reply.data["object_id"]) == ("moved", 207550815)
        assert reply.words.startswith("moved from person 578495206 to person 207550815: mapping ")
        assert await holders(app) == [207550815]
        assert await lines(app) == [(TOOL, "CONTACT3456", "deleted"), (TOOL, "CONTACT3456", "created")]

    async def test_a_person_may_think_for_as_long_as_it_takes(
        self, connect: Connect, app: App, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("salesloft_mcp.changes.apply.FRESH_SECONDS", 0.0)
        async with connect(elicitation_callback=Human(YES)) as client:
            await call(client, TOOL, **MOVE)
        assert await holders(app) == [207550815]

    async def test_repeating_it_changes_nothing_and_asks_nobody(self, connect: Connect, sandbox: Sandbox) -> None:
        human = Human(YES)
        async with connect(elicitation_callback=human) as client:
            await call(client, TOOL, **MOVE)
            again = await call(client, TOOL, **MOVE)
        assert again.data["status"] == "unchanged"
        assert len(human.questions) == 1
        assert kinds(sandbox) == ["DELETE", "POST"]

    @pytest.mark.parametrize(
        ("changed", "said"),
        [
            ({"move_from": 207550001}, "move_from: the external id belongs to person 578495206, not to 207550001."),
            ({"external_id": "nobody"}, "move_from: there is no such live mapping."),
            ({"move_from": 207550815}, "move_from: is the record that shall hold the external id."),
            ({"object_id": 99}, "object_id: person 99 is gone, or hidden from this token."),
        ],
    )
    async def test_what_cannot_be_moved_is_refused_before_anybody_is_asked(
        self, connect: Connect, sandbox: Sandbox, changed: dict[str, Any], said: str
    ) -> None:
        human = Human(YES)
        async with connect(elicitation_callback=human) as client:
            words = await refused(client, TOOL, **{**MOVE, **changed})
        assert words.startswith(said)
        assert human.questions == []
        assert writes(sandbox) == []

    async def test_a_refused_create_says_what_was_done_and_how_to_go_on_either_way(
        self, connect: Connect, app: App, sandbox: Sandbox
    ) -> None:
        sandbox.faults.add(Fault("status", method="POST", status=403))
        async with connect(elicitation_callback=Human(YES)) as client:
            words = await refused(client, TOOL, **MOVE)
            assert words.startswith("deleted: mapping 5004 of person 578495206; the record stays (change 1), but ")
            assert "undo_change 1 takes back what was done" in words
            assert "Without move_from the id is only mapped." in await refused(client, TOOL, **MOVE)
            await call(client, TOOL, **{**MOVE, "move_from": 0})
        assert await holders(app) == [207550815]

    async def test_it_costs_three_reads_and_two_writes(self, connect: Connect, sandbox: Sandbox) -> None:
        async with connect(elicitation_callback=Human(YES)) as client:
            await call(client, "get_connection")
            reply = await call(client, TOOL, **MOVE)
        # The mapping, the new record, a look before the second write, two writes, and the team, once a process.
        assert reply.data["points_spent"] <= 6


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


async def test_an_id_is_moved_by_a_token_that_may_not_read_records(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault("status", method="GET", path="/v2/people", status=403, times=None))
    async with connect(elicitation_callback=Human(YES)) as client:
        reply = await call(client, TOOL, **MOVE)
    assert reply.data["status"] == "moved"
    assert await holders(app) == [207550815]


@pytest.mark.parametrize("arguments", [MOVE, REKEY], ids=["move", "replace"])
async def test_the_question_and_the_answer_warn_of_other_ids_that_the_record_has(
    connect: Connect, arguments: dict[str, Any]
) -> None:
    human = Human(YES)
    async with connect(elicitation_callback=human) as client:
        await call(client, TOOL, **KEY, external_id="OTHER-1", object_id=arguments["object_id"])
        reply = await call(client, TOOL, **arguments)
    assert 'other ids of this type: "OTHER-1"' in human.questions[0].splitlines()
    told = f'Person {arguments["object_id"]} has other ids of this type: "OTHER-1".'
    assert reply.data["notes"] == [told]
    assert reply.words.endswith(told)


async def test_the_refusal_of_a_taken_id_names_the_move(connect: Connect) -> None:
    async with connect() as client:
        words = await refused(client, TOOL, **{**MOVE, "move_from": 0})
    assert "is already mapped to person 578495206" in words
    assert "move_from 578495206" in words


@pytest.mark.parametrize("when", ["before", "meanwhile"])
async def test_an_id_that_a_third_record_has_too_is_not_moved(
    connect: Connect, app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    monkeypatch.setattr("salesloft_mcp.changes.apply.FRESH_SECONDS", 0.0)
    sandbox.enforce_unique = False

    async def take() -> None:
        await app.salesloft.create_mapping("crm_lead", "people", "CONTACT3456", 207550001)

    if when == "before":
        await take()
    human = Human(YES, meanwhile=[take] if when == "meanwhile" else [])
    async with connect(elicitation_callback=human) as client:
        words = await refused(client, TOOL, **MOVE)
    assert "person 207550001" in words
    assert len(human.questions) == (when == "meanwhile")
    assert kinds(sandbox) == ["POST"]  # that of `take`
    assert set(await holders(app)) == {578495206, 207550001}
