"""The way back from every kind of write, told truthfully where there is none."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import anyio
import pytest
import stamina
from mcp.client import Client
from mcp_types import CallToolResult, ElicitResult, InputRequiredResult, InputResponses

from salesloft_mcp.app import App, open_app
from salesloft_mcp.changes.apply import Changes
from salesloft_mcp.changes.log import ChangeLog
from salesloft_mcp.errors import ConflictError
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import chosen
from salesloft_mcp.settings import Settings
from tests.conftest import Connect, Era
from tests.server.calling import Reply, call, narrowed, refused, writes
from tests.server.human import YES, Human
from tests.server.logged import last, lines, operations

pytestmark = pytest.mark.anyio

CONTACT: dict[str, Any] = {"external_type": "crm_lead", "object_type": "people", "external_id": "CONTACT3456"}
NEW = {**CONTACT, "external_id": "007", "object_id": 578495206}
MARKETING = {"external_type": "marketing", "object_type": "accounts"}
PERSON = {"external_type": "crm_lead", "external_id": "CONTACT3456"}
NAMED: dict[str, Any] = {"type_the_name": "marketing"}


@pytest.fixture(autouse=True)
def _at_once(app: App) -> Iterator[None]:
    app.changes.quiet = 0.0
    app.changes.sent_seconds = 0.0
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


async def undo(client: Client, change_id: int) -> Reply:
    """Undo a change, which has to go through."""
    reply = await call(client, "undo_change", change=change_id)
    assert not reply.failed, reply.words
    return reply


def _elsewhere(app: App) -> Changes:
    """The writes of another environment, in the same database."""
    log = ChangeLog(app.database, "https://api.salesloft.com")
    return Changes(app.salesloft, log, app.configurations, "https://api.salesloft.com")


async def held(app: App, external_id: str = "CONTACT3456", external_type: str = "crm_lead") -> list[int]:
    """The objects an external id stands for."""
    found = await app.salesloft.list_mappings(external_type=external_type, external_id=external_id, deleted=False)
    return [row.object_id for row in found.rows]


async def person(app: App) -> dict[str, Any]:
    record = await app.salesloft.get_object("people", 578495206)
    assert record is not None
    return record.model_dump(mode="json")


async def configured(app: App, external_type: str) -> bool:
    rows = (await app.salesloft.list_configurations()).rows
    return any(row.external_type == external_type and not row.deleted for row in rows)


class TestMappings:
    """One external id."""

    async def test_a_created_mapping_is_deleted_after_a_yes_and_the_record_stays(
        self, connect: Connect, app: App
    ) -> None:
        human = Human(YES)
        async with connect(elicitation_callback=human) as client:
            made = await call(client, "create_external_id_mapping", **NEW)
            assert human.questions == []
            reply = await undo(client, 1)
        assert reply.words == f"deleted: mapping {made.data['mapping_id']} of person 578495206; the record stays."
        assert reply.data["status"] == "deleted"
        assert reply.data["mapping_id"] == made.data["mapping_id"]
        assert reply.data["points_spent"] > 0
        (question,) = human.questions
        assert question.startswith("Undo change 1: delete this external id mapping in SANDBOX")
        assert 'external id: "007"' in question.split("\n")
        assert await held(app, "007") == []

    @pytest.mark.parametrize("human", [Human(action="decline"), Human({"confirm": False})], ids=["no", "unticked"])
    async def test_without_a_yes_a_created_mapping_stays(self, connect: Connect, app: App, human: Human) -> None:
        async with connect(elicitation_callback=human) as client:
            await call(client, "create_external_id_mapping", **NEW)
            words = await refused(client, "undo_change", change=1)
        assert "Nothing was changed" in words
        assert await held(app, "007") == [578495206]
        assert [state for _, __, state in await lines(app)] == ["created", "declined"]

    async def test_a_deleted_mapping_comes_back_under_a_new_id_and_nobody_is_asked_again(
        self, connect: Connect, app: App
    ) -> None:
        human = Human(YES)
        async with connect(elicitation_callback=human) as client:
            gone = await call(client, "delete_external_id_mapping", **CONTACT)
            reply = await undo(client, 1)
        assert reply.words == f"created: mapping {reply.data['mapping_id']} of person 578495206."
        assert reply.data["mapping_id"] != gone.data["mapping_id"]
        assert len(human.questions) == 1
        assert await held(app) == [578495206]

    async def test_a_deleted_id_that_was_given_away_meanwhile_is_a_conflict(
        self, connect: Connect, app: App, sandbox: Sandbox
    ) -> None:
        async with connect(elicitation_callback=Human(YES)) as client:
            await call(client, "delete_external_id_mapping", **CONTACT)
            await call(client, "create_external_id_mapping", **{**CONTACT, "object_id": 207550815})
            words = await refused(client, "undo_change", change=1)
        assert "is already mapped to person 207550815. Nothing was changed." in words
        assert await held(app) == [207550815]

    async def test_a_deleted_mapping_that_is_there_again_is_unchanged_and_can_still_be_undone_later(
        self, connect: Connect, app: App
    ) -> None:
        async with connect(elicitation_callback=Human(YES)) as client:
            await call(client, "delete_external_id_mapping", **CONTACT)
            await app.salesloft.create_mapping("crm_lead", "people", "CONTACT3456", 578495206)
            reply = await undo(client, 1)
        assert reply.data["status"] == "unchanged"
        assert (await operations(app))[-1].undone_by == 0

    @pytest.mark.parametrize("remapped", [True, False])
    async def test_a_created_mapping_that_is_another_one_now_is_left_alone(
        self, connect: Connect, app: App, sandbox: Sandbox, remapped: bool
    ) -> None:
        human = Human(YES)
        async with connect(elicitation_callback=human) as client:
            made = await call(client, "create_external_id_mapping", **NEW)
            await app.salesloft.delete_mapping(made.data["mapping_id"])
            if remapped:
                await app.salesloft.create_mapping("crm_lead", "people", "007", 578495206)
            before = len(writes(sandbox))
            words = await refused(client, "undo_change", change=1)
        assert ("something else stands in its place" if remapped else "is gone already") in words
        assert human.questions == []
        assert len(writes(sandbox)) == before

    async def test_a_mapping_that_changed_while_the_person_thought_is_not_deleted(
        self, connect: Connect, app: App, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("salesloft_mcp.changes.apply.FRESH_SECONDS", 0.0)  # the person thinks for longer than that

        async def remap() -> None:
            rows = (await app.salesloft.list_mappings(external_type="crm_lead", external_id="007")).rows
            await app.salesloft.delete_mapping(rows[0].id or 0)
            await app.salesloft.create_mapping("crm_lead", "people", "007", 207550815)

        async with connect(elicitation_callback=Human(YES, meanwhile=[remap])) as client:
            await call(client, "create_external_id_mapping", **NEW)
            words = await refused(client, "undo_change", change=1)
        assert "something else stands in its place" in words or "changed while the person was asked" in words
        assert await held(app, "007") == [207550815]

    async def test_a_replacement_is_undone_at_once_and_that_too(self, connect: Connect, app: App) -> None:
        human = Human(YES)
        async with connect(elicitation_callback=human) as client:
            await call(client, "create_external_id_mapping", **NEW, instead_of="CONTACT3456")
            back = await undo(client, 1)
            assert (await held(app), await held(app, "007")) == ([578495206], [])
            await undo(client, back.data["change_id"])
        assert (await held(app), await held(app, "007")) == ([], [578495206])
        assert human.questions[1].startswith("Undo change 1: replace an external id in SANDBOX")

    async def test_a_move_is_undone_at_once_and_that_too(self, connect: Connect, app: App) -> None:
        human = Human(YES)
        async with connect(elicitation_callback=human) as client:
            await call(client, "create_external_id_mapping", **CONTACT, object_id=207550815, move_from=578495206)
            assert await held(app) == [207550815]
            back = await undo(client, 1)
            assert await held(app) == [578495206]
            await undo(client, back.data["change_id"])
        assert await held(app) == [207550815]
        assert human.questions[1].startswith("Undo change 1: move this external id to another record in SANDBOX")

    async def test_a_half_done_replacement_is_undone_as_far_as_it_was_done(
        self, connect: Connect, app: App, sandbox: Sandbox
    ) -> None:
        sandbox.faults.add(Fault("status", method="DELETE", status=403))
        async with connect(elicitation_callback=Human(YES)) as client:
            assert "undo_change 1" in await refused(
                client, "create_external_id_mapping", **NEW, instead_of="CONTACT3456"
            )
            await undo(client, 1)
        assert (await held(app), await held(app, "007")) == ([578495206], [])

    async def test_a_half_done_move_is_undone_as_far_as_it_was_done(
        self, connect: Connect, app: App, sandbox: Sandbox
    ) -> None:
        move = {**CONTACT, "object_id": 207550815, "move_from": 578495206}
        sandbox.faults.add(Fault("status", method="POST", status=403))
        async with connect(elicitation_callback=Human(YES)) as client:
            assert "undo_change 1" in await refused(client, "create_external_id_mapping", **move)
            assert await held(app) == []
            await undo(client, 1)
        assert await held(app) == [578495206]


class TestConfigurations:
    """An external type."""

    async def test_a_created_configuration_is_deleted_after_its_name_was_typed(
        self, connect: Connect, app: App
    ) -> None:
        human = Human({"type_the_name": "erp"})
        async with connect(elicitation_callback=human) as client:
            await call(client, "create_external_id_configuration", external_type="erp", object_type="people")
            await call(client, "create_external_id_mapping", **{**NEW, "external_type": "erp"})
            reply = await undo(client, 1)
        assert reply.data["status"] == "deleted"
        assert "live mappings that use it: 1" in human.questions[0]
        assert not await configured(app, "erp")
        assert reply.data["saved_mappings"] == 1

    async def test_another_name_deletes_nothing(self, connect: Connect, app: App) -> None:
        async with connect(elicitation_callback=Human({"type_the_name": "ERP"})) as client:
            await call(client, "create_external_id_configuration", external_type="erp", object_type="people")
            await refused(client, "undo_change", change=1)
        assert await configured(app, "erp")

    async def test_a_deleted_configuration_comes_back_and_its_mappings_are_looked_at(
        self, connect: Connect, app: App, sandbox: Sandbox
    ) -> None:
        human = Human(NAMED)
        async with connect(elicitation_callback=human) as client:
            gone = await call(client, "delete_external_id_configuration", **MARKETING)
            assert gone.data["saved_mappings"] == 29
            reply = await undo(client, 1)
        number = reply.data["configuration_id"]
        assert reply.words == f"created: configuration {number} for accounts. finished: 29 of 29 done (29 unchanged)."
        assert reply.data["run"]["outcomes"] == {"unchanged": 29}
        assert len(human.questions) == 1
        assert await configured(app, "marketing")
        assert writes(sandbox) == ["DELETE /v2/external/configurations/227", "POST /v2/external/configurations"]

    async def test_what_is_missing_of_its_mappings_is_created_again_and_logged(
        self, connect: Connect, app: App
    ) -> None:
        rows = (await app.salesloft.list_mappings(external_type="marketing", deleted=False)).rows
        async with connect(elicitation_callback=Human(NAMED)) as client:
            await call(client, "delete_external_id_configuration", **MARKETING)
            for row in rows[:5]:
                await app.salesloft.delete_mapping(row.id or 0)
            reply = await undo(client, 1)
            assert reply.data["run"]["outcomes"] == {"created": 5, "unchanged": 24}
            found = await call(client, "list_changes", external_id=rows[0].external_id)
        now = (await app.salesloft.list_mappings(external_type="marketing", deleted=False)).rows
        assert {(row.external_id, row.object_id) for row in now} == {(row.external_id, row.object_id) for row in rows}
        (listed,) = found.data["changes"]
        assert (listed["undoes"], listed["did"]) == (1, "6 created, 24 unchanged")

    async def test_a_mapping_that_was_given_away_meanwhile_stays_where_it_is(self, connect: Connect, app: App) -> None:
        async with connect(elicitation_callback=Human(NAMED)) as client:
            await call(client, "delete_external_id_configuration", **MARKETING)
            first = (await app.salesloft.list_mappings(external_type="marketing", deleted=False)).rows[0]
            await app.salesloft.delete_mapping(first.id or 0)
            await app.salesloft.create_configuration("marketing", "accounts")
            await app.salesloft.create_mapping("marketing", "accounts", first.external_id, 13)
            reply = await undo(client, 1)
        assert reply.data["run"]["outcomes"] == {"unchanged": 28, "conflict": 1}
        assert await held(app, first.external_id, "marketing") == [13]

    async def test_nothing_is_deleted_when_its_mappings_cannot_be_saved(
        self, connect: Connect, app: App, sandbox: Sandbox
    ) -> None:
        async def cut_off() -> None:
            sandbox.faults.add(Fault("status", method="GET", path="/v2/external/mappings", status=403, times=None))

        async with connect(elicitation_callback=Human(NAMED, meanwhile=[cut_off])) as client:
            await refused(client, "delete_external_id_configuration", **MARKETING)
        assert writes(sandbox) == []

    async def test_too_many_mappings_are_not_saved_and_the_question_says_so(
        self, connect: Connect, app: App, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("salesloft_mcp.changes.configurations.SAVED_AT_MOST", 28)
        monkeypatch.setattr("salesloft_mcp.changes.consent.SAVED_AT_MOST", 28)
        human = Human(NAMED)
        async with connect(elicitation_callback=human) as client:
            gone = await call(client, "delete_external_id_configuration", **MARKETING)
            reply = await undo(client, 1)
        assert "way back: undo; its mappings may be too many to save" in human.questions[0]
        assert "saved_mappings" not in gone.data
        assert reply.words == f"created: configuration {reply.data['configuration_id']} for accounts."

    async def test_many_pages_of_mappings_are_saved(self, connect: Connect, app: App) -> None:
        people = [
            row.id
            for page in (1, 2)
            for row in (await app.salesloft.list_objects("people", (), page=page, per_page=100)).rows
        ]
        for number, object_id in enumerate(people):
            await app.salesloft.create_mapping("crm_lead", "people", f"more-{number}", object_id)
        async with connect(elicitation_callback=Human({"type_the_name": "crm_lead"})) as client:
            reply = await call(
                client, "delete_external_id_configuration", external_type="crm_lead", object_type="people"
            )
        assert reply.data["saved_mappings"] > 200


class TestRecords:
    """Fields of people and accounts."""

    async def test_an_update_is_written_back_field_by_field(self, connect: Connect, app: App) -> None:
        before = await person(app)
        fields = {
            "title": "CEO",
            "clear": ["city"],
            "owner_id": 3,
            "account_id": 13,
            "tags": ["a", "b"],
            "custom_fields": {"Legacy ID": "other", "Region": "x"},
        }
        async with connect(elicitation_callback=Human(YES)) as client:
            await call(client, "upsert_person_by_external_id", **PERSON, person=fields)
            reply = await undo(client, 1)
        after = await person(app)
        assert reply.data["status"] == "updated"
        assert {**after, "updated_at": ""} == {**before, "updated_at": ""}

    async def test_an_account_is_written_back_too(self, connect: Connect, app: App) -> None:
        key = {"external_type": "sdfc_account", "external_id": "ABC"}
        async with connect() as client:
            await call(client, "upsert_account_by_external_id", **key, account={"name": "Other", "domain": "o.test"})
            reply = await undo(client, 1)
        record = await app.salesloft.get_object("accounts", 13)
        assert reply.data["status"] == "updated"
        assert record is not None
        assert getattr(record, "domain", "") != "o.test"

    async def test_only_what_the_update_changed_is_written(self, connect: Connect, app: App) -> None:
        async with connect() as client:
            await call(client, "upsert_person_by_external_id", **PERSON, person={"title": "CEO"})
            await call(client, "upsert_person_by_external_id", **PERSON, person={"city": "Oslo"})
            reply = await undo(client, 1)
        assert set(reply.data["changes"][0]["new"]) == {"id", "title"}
        assert (await person(app))["city"] == "Oslo"

    async def test_a_field_that_was_changed_again_since_is_left_alone_and_named(
        self, connect: Connect, app: App
    ) -> None:
        async with connect() as client:
            await call(client, "upsert_person_by_external_id", **PERSON, person={"title": "CEO", "city": "Oslo"})
            await call(client, "upsert_person_by_external_id", **PERSON, person={"title": "Owner"})
            reply = await undo(client, 1)
            assert "Not brought back: title (changed again since, or not writable)." in reply.words
        assert reply.data["not_brought_back"] == ["title (changed again since, or not writable)"]
        assert (await person(app))["title"] == "Owner"

    async def test_an_update_of_which_everything_was_changed_again_is_left_alone(self, connect: Connect) -> None:
        async with connect() as client:
            await call(client, "upsert_person_by_external_id", **PERSON, person={"title": "CEO"})
            await call(client, "upsert_person_by_external_id", **PERSON, person={"title": "Owner"})
            words = await refused(client, "undo_change", change=1)
            first = await undo(client, 2)
            then = await undo(client, 1)
        assert "title (changed again since, or not writable). Nothing was changed." in words
        assert words.endswith(
            "Next: change 2 came after it; where both shall go, that one goes first: call undo_change 2."
        )
        assert [first.data["status"], then.data["status"]] == ["updated", "updated"]

    async def test_an_update_that_is_not_there_any_more_has_nothing_to_undo(self, connect: Connect, app: App) -> None:
        title = (await person(app))["title"]
        async with connect() as client:
            await call(client, "upsert_person_by_external_id", **PERSON, person={"title": "CEO"})
            await call(client, "upsert_person_by_external_id", **PERSON, person={"title": title})
            assert "the record is as it was before" in await refused(client, "undo_change", change=1)

    async def test_lifting_do_not_contact_says_what_it_cannot_bring_back(self, connect: Connect, app: App) -> None:
        human = Human(YES)
        async with connect(elicitation_callback=human) as client:
            await call(client, "upsert_person_by_external_id", **PERSON, person={"do_not_contact": True})
            reply = await undo(client, 1)
        assert reply.words.endswith("Not brought back: the cadences that do_not_contact ended.")
        assert len(human.questions) == 1
        assert (await person(app))["do_not_contact"] is False

    async def test_setting_do_not_contact_as_the_way_back_needs_a_yes(self, connect: Connect, app: App) -> None:
        human = Human(YES)
        async with connect(elicitation_callback=human) as client:
            await call(client, "upsert_person_by_external_id", **PERSON, person={"do_not_contact": True})
            await call(client, "upsert_person_by_external_id", **PERSON, person={"do_not_contact": False})
            assert len(human.questions) == 1
            await undo(client, 2)
        assert human.questions[1].startswith("Undo change 2: set do_not_contact in SANDBOX")
        assert (await person(app))["do_not_contact"] is True
        assert (await last(app)).how == "asked through the client"

    async def test_a_created_record_stays_and_only_its_mapping_goes(self, connect: Connect, app: App) -> None:
        human = Human(YES)
        key = {"external_type": "crm_lead", "external_id": "n"}
        async with connect(elicitation_callback=human) as client:
            made = await call(client, "upsert_person_by_external_id", **key, person={"email_address": "a@new.test"})
            reply = await undo(client, 1)
        number = made.data["object_id"]
        assert reply.words.endswith(f"of person {number}; the record stays.")
        assert "what happens: the record stays" in human.questions[0]
        assert await held(app, "n") == []
        assert await app.salesloft.get_object("people", number) is not None

    async def test_a_record_whose_external_id_moved_is_not_written(
        self, connect: Connect, app: App, sandbox: Sandbox
    ) -> None:
        async with connect() as client:
            await call(client, "upsert_person_by_external_id", **PERSON, person={"title": "CEO"})
            rows = (await app.salesloft.list_mappings(**CONTACT)).rows
            await app.salesloft.delete_mapping(rows[0].id or 0)
            await app.salesloft.create_mapping("crm_lead", "people", "CONTACT3456", 207550815)
            before = len(writes(sandbox))
            words = await refused(client, "undo_change", change=1)
            assert "the external id does not stand for person 578495206 any more" in words
        assert len(writes(sandbox)) == before


class TestTheLog:
    """Undoing is a change like any other."""

    async def test_an_undoing_is_logged_with_what_it_undid_and_how_a_person_agreed(
        self, connect: Connect, app: App
    ) -> None:
        async with connect(elicitation_callback=Human(YES)) as client:
            await call(client, "create_external_id_mapping", **NEW)
            reply = await undo(client, 1)
            found = await call(client, "list_changes")
        undoing, first = found.data["changes"]
        assert (undoing["id"], undoing["tool"], undoing["undoes"]) == (reply.data["change_id"], "undo_change", 1)
        assert undoing["agreed"] == "asked through the client"
        assert first["undone_by"] == undoing["id"]
        assert undoing["changes"][0]["external_id"] == "007"

    async def test_undoing_twice_says_by_which_change_it_was_undone(self, connect: Connect, sandbox: Sandbox) -> None:
        human = Human(YES)
        async with connect(elicitation_callback=human) as client:
            await call(client, "create_external_id_mapping", **NEW)
            await undo(client, 1)
            words = await refused(client, "undo_change", change=1)
        assert words.startswith("change 1 was undone by change 2 already. Nothing was changed.")
        assert words.endswith("to take that back, call undo_change 2.")
        assert len(human.questions) == 1
        assert len(writes(sandbox)) == 2

    async def test_an_undoing_can_be_undone_and_that_too(self, connect: Connect, app: App) -> None:
        async with connect(elicitation_callback=Human(YES)) as client:
            await call(client, "create_external_id_mapping", **NEW)
            for number in (1, 2, 3):
                await undo(client, number)
        assert await held(app, "007") == []
        assert [state for _, __, state in await lines(app)] == ["created", "deleted", "created", "deleted"]

    async def test_an_undone_update_can_be_undone(self, connect: Connect, app: App) -> None:
        async with connect() as client:
            await call(client, "upsert_person_by_external_id", **PERSON, person={"title": "CEO"})
            await undo(client, 1)
            await undo(client, 2)
        assert (await person(app))["title"] == "CEO"

    async def test_an_undone_configuration_can_be_undone_and_its_name_is_typed_for_that_too(
        self, connect: Connect, app: App
    ) -> None:
        human = Human(NAMED)
        rows = (await app.salesloft.list_mappings(external_type="marketing", deleted=False)).rows
        async with connect(elicitation_callback=human) as client:
            await call(client, "delete_external_id_configuration", **MARKETING)
            await app.salesloft.delete_mapping(rows[0].id or 0)
            back = await undo(client, 1)
            gone = await undo(client, back.data["change_id"])
            assert not await configured(app, "marketing")
            assert human.questions[1].startswith("Undo change 2: delete this external id configuration")
            assert "changes: 1 mapping to delete" in human.questions[1]
            assert await held(app, rows[0].external_id, "marketing") == []
            await undo(client, gone.data["change_id"])
        assert len(human.questions) == 2
        assert await configured(app, "marketing")
        assert len((await app.salesloft.list_mappings(external_type="marketing", deleted=False)).rows) == 29

    async def test_what_found_everything_as_it_was_asked_for_has_nothing_to_undo(self, connect: Connect) -> None:
        async with connect() as client:
            await call(client, "create_external_id_mapping", **{**CONTACT, "object_id": 578495206})
            assert "it found everything as it was asked for" in await refused(client, "undo_change", change=1)

    async def test_what_was_refused_or_declined_has_nothing_to_undo(self, connect: Connect, sandbox: Sandbox) -> None:
        sandbox.faults.add(Fault("status", method="POST", status=403))
        async with connect(elicitation_callback=Human(action="decline")) as client:
            await refused(client, "create_external_id_mapping", **NEW)
            await refused(client, "delete_external_id_mapping", **CONTACT)
            assert "it was refused. Nothing was changed." in await refused(client, "undo_change", change=1)
            assert "the person did not agree to it." in await refused(client, "undo_change", change=2)

    async def test_a_change_of_another_environment_cannot_be_undone(
        self, connect: Connect, app: App, sandbox: Sandbox, era: Era
    ) -> None:
        async with connect() as client:
            await call(client, "create_external_id_mapping", **NEW)
        elsewhere = replace(app, changes=_elsewhere(app))
        sandbox.requests.clear()
        async with Client(build_server(elsewhere, chosen("full")), mode=era, elicitation_callback=Human(YES)) as client:
            held = await refused(client, "undo_change", change=1)
            unknown = await refused(client, "undo_change", change=99)
        assert held.replace("change 1", "change 99") == unknown
        assert len(sandbox.requests) == 0

    async def test_a_lost_answer_leaves_the_undoing_unknown_and_it_can_be_tried_again(
        self, connect: Connect, app: App, sandbox: Sandbox
    ) -> None:
        sandbox.faults.add(Fault("reset", method="DELETE", times=3))
        async with connect(elicitation_callback=Human(YES)) as client:
            await call(client, "create_external_id_mapping", **NEW)
            await refused(client, "undo_change", change=1)
            assert (await lines(app))[-1][2] == "unknown"
            await undo(client, 1)
        assert await held(app, "007") == []


class TestWhoMayUndo:
    """A way back is no way around."""

    async def test_a_client_that_cannot_ask_leaves_an_approval_that_works_once(
        self, connect: Connect, app: App, sandbox: Sandbox
    ) -> None:
        async with connect() as client:
            await call(client, "create_external_id_mapping", **NEW)
            assert "salesloft-mcp approvals" in await refused(client, "undo_change", change=1)
            assert len(writes(sandbox)) == 1
            (pending,) = await app.approvals.pending()
            await app.approvals.decide(pending.id, yes=True)
            await undo(client, 1)
            await undo(client, 2)
            assert "salesloft-mcp approvals" in await refused(client, "undo_change", change=3)
        assert (await operations(app))[1].how == "approved in a terminal"

    async def test_where_nothing_may_be_deleted_only_deletions_are_undone(
        self, connect: Connect, app: App, era: Era, sandbox: Sandbox
    ) -> None:
        human = Human(YES)
        async with connect(elicitation_callback=human) as client:
            await call(client, "create_external_id_mapping", **NEW)
            await call(client, "delete_external_id_mapping", **CONTACT)
        careful = narrowed(app, "no-delete")
        async with Client(build_server(careful, chosen("no-delete")), mode=era, elicitation_callback=human) as client:
            words = await refused(client, "undo_change", change=1)
            await undo(client, 2)
        assert "deletions are switched off here (mode no-delete)" in words
        assert await held(app, "007") == [578495206]
        assert await held(app) == [578495206]

    async def test_reading_only_lists_and_does_not_undo(self, app: App, era: Era) -> None:
        async with Client(build_server(app, chosen("read-only")), mode=era) as client:
            assert not (await call(client, "list_changes")).failed
            assert "switched off" in await refused(client, "undo_change", change=1)


class TestReplays:
    """One yes is one undoing."""

    async def test_copies_of_an_answered_question_undo_once(self, app: App, sandbox: Sandbox) -> None:
        async with Client(build_server(app, chosen("full")), elicitation_callback=Human()) as client:
            await call(client, "create_external_id_mapping", **NEW)
            asked = await client.session.call_tool("undo_change", {"change": 1}, allow_input_required=True)
            assert isinstance(asked, InputRequiredResult)
            yes: InputResponses = {
                key: ElicitResult(action="accept", content={"confirm": True}) for key in asked.input_requests or {}
            }
            done: list[bool] = []

            async def answer() -> None:
                result = await client.session.call_tool(
                    "undo_change",
                    {"change": 1},
                    request_state=asked.request_state,
                    input_responses=yes,
                    allow_input_required=True,
                )
                done.append(isinstance(result, CallToolResult) and not result.is_error)

            async with anyio.create_task_group() as tasks:
                for _ in range(5):
                    tasks.start_soon(answer)
        assert done.count(True) == 1
        assert len(writes(sandbox)) == 2
        assert [state for _, __, state in await lines(app)].count("deleted") == 1

    async def test_several_calls_at_once_bring_a_deleted_mapping_back_once(self, connect: Connect, app: App) -> None:
        async with connect(elicitation_callback=Human(YES)) as client:
            await call(client, "delete_external_id_mapping", **CONTACT)
            async with anyio.create_task_group() as tasks:
                for _ in range(5):
                    tasks.start_soon(client.call_tool, "undo_change", {"change": 1})
        assert await held(app) == [578495206]


class TestGuide:
    """Where Salesloft shows no id of a mapping."""

    @pytest.fixture
    def sandbox(self) -> Iterator[Sandbox]:
        with Sandbox(dialect="guide") as sandbox:
            yield sandbox

    async def test_a_created_mapping_is_never_deleted_by_guessing(self, connect: Connect, sandbox: Sandbox) -> None:
        human = Human(YES)
        async with connect(elicitation_callback=human) as client:
            await call(client, "create_external_id_mapping", **NEW)
            words = await refused(client, "undo_change", change=1)
        assert "Salesloft shows no id for this mapping" in words
        assert human.questions == []
        assert len(writes(sandbox)) == 1

    async def test_a_deleted_configuration_and_an_updated_record_come_back_all_the_same(
        self, connect: Connect, app: App
    ) -> None:
        title = (await person(app))["title"]
        async with connect(elicitation_callback=Human(NAMED)) as client:
            await call(client, "delete_external_id_configuration", **MARKETING)
            reply = await undo(client, 1)
            await call(client, "upsert_person_by_external_id", **PERSON, person={"title": "CEO"})
            await undo(client, (await last(app)).id)
        assert reply.data["run"]["outcomes"] == {"unchanged": 29}
        assert (await person(app))["title"] == title


async def test_what_a_configuration_took_along_comes_back_once_where_salesloft_would_take_it_twice(
    settings: Settings, era: Era
) -> None:
    with Sandbox(enforce_unique=False) as sandbox:
        async with open_app(settings, sandbox) as app:
            server = build_server(app, chosen("full"))
            async with Client(server, mode=era, elicitation_callback=Human(NAMED)) as client:
                await call(client, "delete_external_id_configuration", **MARKETING)
                first = (await app.salesloft.list_mappings(external_type="marketing", deleted=False)).rows[0]
                await app.salesloft.delete_mapping(first.id or 0)
                reply = await undo(client, 1)
            rows = (await app.salesloft.list_mappings(external_type="marketing", deleted=False)).rows
    assert reply.data["run"]["outcomes"] == {"created": 1, "unchanged": 28}
    assert len(rows) == len({row.external_id for row in rows}) == 29


async def test_what_was_done_before_a_run_that_cannot_start_is_told(
    connect: Connect, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def held(*_: object) -> int:
        raise ConflictError("plan: another job works on it.", next_step="look how far it is.")

    async with connect(elicitation_callback=Human(NAMED)) as client:
        gone = await call(client, "delete_external_id_configuration", **MARKETING)
        monkeypatch.setattr(type(app.jobs), "start_undo", held)
        words = await refused(client, "undo_change", change=gone.data["change_id"])
    number = (await last(app)).id
    assert await configured(app, "marketing")
    assert words.startswith("created: configuration ")
    assert f"(change {number}), but the rest was not done: plan: another job works on it.\nNext: undo_change" in words
    assert words.endswith("takes back what was done; or: look how far it is.")


async def test_bringing_back_more_than_five_hundred_mappings_needs_a_yes(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    store = sandbox.store
    with store.transaction():
        for number in range(500):
            row = {**MARKETING, "external_id": f"many-{number}", "object_id": 13, "deleted": 0}
            store.insert("mappings", {**row, "inserted_at": "2024-02-01"})
    async with connect(elicitation_callback=Human(NAMED)) as client:
        await call(client, "delete_external_id_configuration", **MARKETING)
    no, yes = Human(action="decline"), Human(YES)
    async with connect(elicitation_callback=no) as client:
        assert "Nothing was changed" in await refused(client, "undo_change", change=1)
    assert "changes: 529 mappings to create" in no.questions[0]
    assert not await configured(app, "marketing")
    async with connect(elicitation_callback=yes) as client:
        reply = await undo(client, 1)
    assert reply.data["run"]["outcomes"] == {"unchanged": 529}
    assert len(yes.questions) == 1
