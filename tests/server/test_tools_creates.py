"""Creating configurations and mappings: once, truthfully, and with a way on after a refusal."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import stamina

from salesloft_mcp.app import App
from salesloft_mcp.changes.apply import Changes
from salesloft_mcp.changes.change import Author, Done, Operation, State
from salesloft_mcp.sandbox import Fault, Sandbox
from tests.conftest import Connect
from tests.server.calling import call, refused, writes
from tests.server.human import YES, Human
from tests.server.logged import lines

pytestmark = pytest.mark.anyio

CONFIGURATION, MAPPING = "create_external_id_configuration", "create_external_id_mapping"
NEW = {"external_type": "erp", "object_type": "accounts"}
CONTACT = {"external_type": "crm_lead", "object_type": "person", "external_id": "00 7/ü?", "object_id": 578495206}
POST_CONFIGURATION, POST_MAPPING = "POST /v2/external/configurations", "POST /v2/external/mappings"


@pytest.fixture(autouse=True)
def _impatient(app: App) -> Iterator[None]:
    app.changes.quiet = 0.0
    with stamina.set_testing(True, attempts=4, cap=True):
        yield


async def of_type(app: App, external_type: str) -> list[int]:
    """The ids of the live configurations of a type."""
    rows = (await app.salesloft.list_configurations()).rows
    return [row.id for row in rows if row.external_type == external_type and not row.deleted]


async def mapped(app: App, external_id: str) -> list[int]:
    """The objects an external id stands for."""
    return [row.object_id for row in (await app.salesloft.list_mappings(external_id=external_id, deleted=False)).rows]


async def test_a_configuration_is_created_and_its_ids_can_be_mapped_at_once(connect: Connect, app: App) -> None:
    async with connect() as client:
        created = await call(client, CONFIGURATION, **NEW)
        mapping = await call(client, MAPPING, **NEW, external_id="1", object_id=13)
    assert created.data["status"] == "created"
    assert created.words == f"created: configuration {created.data['configuration_id']} for accounts."
    assert [created.data["configuration_id"]] == await of_type(app, "erp")
    assert mapping.data["status"] == "created"


async def test_a_configuration_created_again_is_unchanged_and_one_write(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    async with connect() as client:
        first = await call(client, CONFIGURATION, **NEW)
        second = await call(client, CONFIGURATION, external_type="erp", object_type="Account")
    assert second.data["status"] == "unchanged"
    assert second.data["configuration_id"] == first.data["configuration_id"]
    assert writes(sandbox) == [POST_CONFIGURATION]
    assert await lines(app) == [(CONFIGURATION, "", "created"), (CONFIGURATION, "", "unchanged")]


async def test_the_same_type_for_another_kind_of_object_is_another_configuration(connect: Connect, app: App) -> None:
    async with connect() as client:
        reply = await call(client, CONFIGURATION, external_type="crm", object_type="people")
    assert reply.data["status"] == "created"
    assert len(await of_type(app, "crm")) == 2


@pytest.mark.parametrize(
    ("external_type", "why"),
    [("CRM_Lead", "case"), ("crm_lead ", "spaces"), ("\u200bcrm_lead", "invisible characters")],
)
async def test_a_type_that_is_nearly_another_needs_a_yes(
    connect: Connect, app: App, sandbox: Sandbox, external_type: str, why: str
) -> None:
    human = Human(action="decline")
    async with connect(elicitation_callback=human) as client:
        words = await refused(client, CONFIGURATION, external_type=external_type, object_type="people")
        assert f'There already: "crm_lead" (configuration 226), which differs in {why}.' in words
        assert "use it as it is spelled" in words
        assert human.questions[0].startswith("Create an external type beside one that is nearly the same")
        assert writes(sandbox) == []
        human.action, human.answer = "accept", YES
        again = await call(client, CONFIGURATION, external_type=external_type, object_type="people")
        other = await call(client, CONFIGURATION, external_type=external_type, object_type="users")
    assert (again.data["status"], other.data["agreed"]) == ("created", "nobody was asked")
    assert len(human.questions) == 2


async def test_a_deleted_configuration_can_be_created_anew(connect: Connect, app: App) -> None:
    await app.salesloft.delete_configuration(227)
    async with connect() as client:
        reply = await call(client, CONFIGURATION, external_type="marketing", object_type="accounts")
    assert reply.data["status"] == "created"
    assert reply.data["configuration_id"] != 227


async def test_a_configuration_whose_answer_was_lost_is_told_as_created(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault("lost_answer", method="POST"))
    async with connect() as client:
        reply = await call(client, CONFIGURATION, **NEW)
    assert reply.data["status"] == "created"
    assert len(await of_type(app, "erp")) == 1
    assert writes(sandbox) == [POST_CONFIGURATION]


async def test_a_mapping_is_created_byte_for_byte(connect: Connect, app: App, sandbox: Sandbox) -> None:
    async with connect() as client:
        reply = await call(client, MAPPING, **CONTACT)
        found = await call(client, "resolve_external_ids", external_ids=["00 7/ü?"])
    assert reply.data["status"] == "created"
    assert reply.words == f"created: mapping {reply.data['mapping_id']} of person 578495206."
    assert found.words == "It is person 578495206."
    assert writes(sandbox) == [POST_MAPPING]


async def test_a_mapping_created_again_is_unchanged_and_one_write(connect: Connect, app: App, sandbox: Sandbox) -> None:
    async with connect() as client:
        first = await call(client, MAPPING, **CONTACT)
        second = await call(client, MAPPING, **{**CONTACT, "object_id": "578495206"})
    assert (first.data["status"], second.data["status"]) == ("created", "unchanged")
    assert first.data["mapping_id"] == second.data["mapping_id"]
    assert writes(sandbox) == [POST_MAPPING]
    external_id = CONTACT["external_id"]
    assert await lines(app) == [(MAPPING, external_id, "created"), (MAPPING, external_id, "unchanged")]


async def test_an_id_of_another_record_is_a_conflict_that_names_it(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    taken = {"external_type": "crm_lead", "object_type": "people", "external_id": "CONTACT3456"}
    async with connect() as client:
        words = await refused(client, MAPPING, **taken, object_id=207550001)
    assert "is already mapped to person 578495206. Nothing was changed." in words
    assert "move the external id with move_from 578495206, if a person agrees" in words
    assert writes(sandbox) == []
    assert await lines(app) == []  # nothing was to be sent


async def test_an_unknown_type_is_refused_with_the_nearest_and_how_to_make_it(connect: Connect) -> None:
    async with connect() as client:
        words = await refused(client, MAPPING, **{**CONTACT, "external_type": "crm_leed"})
    assert words.startswith('external_type: "crm_leed" is not configured for people.\nNext: existing are "crm_lead"')
    assert words.endswith("or create it with create_external_id_configuration.")


async def test_a_type_of_another_kind_of_object_is_not_offered(connect: Connect) -> None:
    async with connect() as client:
        words = await refused(
            client, MAPPING, external_type="crm", object_type="people", external_id="1", object_id=578495206
        )
    assert '"crm" is not configured for people' in words
    assert '"crm",' not in words.partition("Next: ")[2]


async def test_an_object_that_does_not_exist_is_named_with_how_to_find_one(connect: Connect, app: App) -> None:
    async with connect() as client:
        words = await refused(client, MAPPING, **{**CONTACT, "object_id": 99})
    assert words == "object_id: there is no person 99.\nNext: find the record with search_records."
    assert await mapped(app, "00 7/ü?") == []


async def test_a_record_that_may_have_no_second_id_is_not_told_as_missing(connect: Connect, sandbox: Sandbox) -> None:
    body = b'{"errors": {"object_id": ["has already been taken"]}}'
    sandbox.faults.add(Fault("raw", method="POST", status=422, body=body))
    async with connect() as client:
        words = await refused(client, MAPPING, **{**CONTACT, "external_id": "SECOND", "object_id": 578495206})
    assert "has already been taken" in words
    assert "there is no person" not in words


@pytest.mark.parametrize("kind", ["lost_answer", "truncated"])
async def test_a_mapping_whose_answer_was_lost_is_told_as_created_and_exists_once(
    connect: Connect, app: App, sandbox: Sandbox, kind: Any
) -> None:
    sandbox.faults.add(Fault(kind, method="POST"))
    async with connect() as client:
        reply = await call(client, MAPPING, **CONTACT)
    assert reply.data["status"] == "created"
    assert await mapped(app, "00 7/ü?") == [578495206]
    assert writes(sandbox) == [POST_MAPPING]
    assert await lines(app) == [(MAPPING, CONTACT["external_id"], "created")]


async def test_a_refusal_with_an_unknown_cause_is_told_in_salesloft_s_own_quoted_words(
    connect: Connect, sandbox: Sandbox
) -> None:
    body = b'{"errors": {"external_type": ["is on hold"]}}'
    sandbox.faults.add(Fault("raw", method="POST", status=422, body=body))
    async with connect() as client:
        words = await refused(client, MAPPING, **CONTACT)
    assert '"external_type": "is on hold"' in words
    assert "not configured" not in words


async def test_a_token_without_the_scope_is_told_which_one_is_lacking(connect: Connect, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("status", method="POST", status=403))
    async with connect() as client:
        words = await refused(client, MAPPING, **CONTACT)
    assert "external_id:manage" in words


@pytest.mark.parametrize("state", ["failed", "planned", "unknown"])
async def test_what_is_not_known_to_be_done_is_never_told_as_unchanged(
    connect: Connect, app: App, monkeypatch: pytest.MonkeyPatch, state: State
) -> None:
    apply = Changes.apply

    async def half(self: Changes, operation: Operation, author: Author) -> Done:
        done = await apply(self, operation, author)
        return replace(done, outcomes=tuple(replace(one, state=state) for one in done.outcomes))

    monkeypatch.setattr(Changes, "apply", half)
    async with connect() as client:
        words = await refused(client, "create_external_id_configuration", external_type="erp", object_type="people")
    assert words.startswith(f"{state}: configuration ")
    assert words.endswith("Next: look with list_changes.")
