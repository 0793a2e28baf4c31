"""The way back from every kind of write, told truthfully where there is none."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import anyio
import pytest
import stamina
from mcp.client import Client
from mcp_types import ElicitResult, InputRequiredResult, InputResponses

from salesloft_mcp.app import App
from salesloft_mcp.errors import UnreachableError
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import chosen
from salesloft_mcp.state.changes import Change, Logged
from tests.conftest import Connect, Era
from tests.server.calling import Reply, call, refused, writes
from tests.server.human import YES, Human

pytestmark = [pytest.mark.anyio, pytest.mark.steady]

CONTACT: dict[str, Any] = {"external_type": "crm_lead", "object_type": "people", "external_id": "CONTACT3456"}
NEW = {**CONTACT, "external_id": "007", "object_id": 578495206}
MARKETING = {"external_type": "marketing", "object_type": "accounts"}
PERSON = {"external_type": "crm_lead", "external_id": "CONTACT3456"}
NAMED: dict[str, Any] = {"type_the_name": "marketing"}


@pytest.fixture(autouse=True)
def _two_attempts() -> Iterator[None]:
    with stamina.set_testing(True, attempts=2, cap=True):
        yield


async def undo(client: Client, change_id: int) -> Reply:
    """Undo a change, which has to go through."""
    reply = await call(client, "undo_change", change_id=change_id)
    assert not reply.failed, reply.words
    return reply


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


def last(app: App) -> Logged:
    return app.state.log.find(limit=1)[0]


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
        assert reply.words == f"deleted: mapping {made.data['mapping_id']} of people 578495206; the record stays."
        assert reply.data["status"] == "deleted"
        assert reply.data["mapping_id"] == made.data["mapping_id"]
        assert reply.data["points_spent"] > 0
        (question,) = human.questions
        assert question.startswith("Undo change 1 (create_external_id_mapping): delete this external id mapping in ")
        assert 'external id: "007"' in question.split("\n")
        assert await held(app, "007") == []

    @pytest.mark.parametrize("human", [Human(action="decline"), Human({"confirm": False})], ids=["no", "unticked"])
    async def test_without_a_yes_a_created_mapping_stays(self, connect: Connect, app: App, human: Human) -> None:
        async with connect(elicitation_callback=human) as client:
            await call(client, "create_external_id_mapping", **NEW)
            words = await refused(client, "undo_change", change_id=1)
        assert "Nothing was changed" in words
        assert await held(app, "007") == [578495206]
        assert len(app.state.log.find()) == 1

    async def test_a_deleted_mapping_comes_back_under_a_new_id_and_nobody_is_asked_again(
        self, connect: Connect, app: App
    ) -> None:
        human = Human(YES)
        async with connect(elicitation_callback=human) as client:
            gone = await call(client, "delete_external_id_mapping", **CONTACT)
            reply = await undo(client, 1)
        assert reply.words == "created: mapped to people 578495206 again, under a new mapping id."
        assert reply.data["mapping_id"] != gone.data["mapping_id"]
        assert len(human.questions) == 1
        assert await held(app) == [578495206]

    async def test_a_deleted_id_that_was_given_away_meanwhile_is_a_conflict(
        self, connect: Connect, app: App, sandbox: Sandbox
    ) -> None:
        async with connect(elicitation_callback=Human(YES)) as client:
            await call(client, "delete_external_id_mapping", **CONTACT)
            await call(client, "create_external_id_mapping", **{**CONTACT, "object_id": 207550815})
            words = await refused(client, "undo_change", change_id=1)
        assert "is already mapped to people 207550815. Nothing was changed." in words
        assert await held(app) == [207550815]

    async def test_a_deleted_mapping_that_is_there_again_is_unchanged_and_can_still_be_undone_later(
        self, connect: Connect, app: App
    ) -> None:
        async with connect(elicitation_callback=Human(YES)) as client:
            await call(client, "delete_external_id_mapping", **CONTACT)
            await app.salesloft.create_mapping("crm_lead", "people", "CONTACT3456", 578495206)
            reply = await undo(client, 1)
        assert reply.words == "unchanged: mapped to people 578495206 already."
        assert app.state.log.find()[-1].undone_by is None

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
            words = await refused(client, "undo_change", change_id=1)
        assert ("stands for something else now" if remapped else "is gone already") in words
        assert human.questions == []
        assert len(writes(sandbox)) == before

    async def test_a_mapping_that_changed_while_the_person_thought_is_not_deleted(
        self, connect: Connect, app: App
    ) -> None:
        async def remap() -> None:
            rows = (await app.salesloft.list_mappings(external_type="crm_lead", external_id="007")).rows
            await app.salesloft.delete_mapping(rows[0].id or 0)
            await app.salesloft.create_mapping("crm_lead", "people", "007", 207550815)

        async with connect(elicitation_callback=Human(YES, meanwhile=[remap])) as client:
            await call(client, "create_external_id_mapping", **NEW)
            words = await refused(client, "undo_change", change_id=1)
        assert "stands for something else now" in words
        assert await held(app, "007") == [207550815]

    async def test_a_mapping_that_a_job_created_is_undone_like_any_other(self, connect: Connect, app: App) -> None:
        await app.salesloft.create_mapping("crm_lead", "people", "007", 578495206)
        job = Change(app.environment, "run_backfill 1a2b", "crm_lead", "people", "007", 578495206)
        app.state.log.settle(app.state.log.intend(job), "created")
        async with connect(elicitation_callback=Human(YES)) as client:
            await undo(client, 1)
        assert await held(app, "007") == []

    async def test_both_halves_of_a_replacement_can_be_undone(self, connect: Connect, app: App) -> None:
        async with connect(elicitation_callback=Human(YES)) as client:
            await call(client, "create_external_id_mapping", **NEW, replaces="CONTACT3456")
            await undo(client, 2)
            await undo(client, 1)
        assert await held(app) == [578495206]
        assert await held(app, "007") == []


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
        assert app.state.log.saved_mappings(reply.data["change_id"]) == [("007", 578495206)]

    async def test_another_name_deletes_nothing(self, connect: Connect, app: App) -> None:
        async with connect(elicitation_callback=Human({"type_the_name": "ERP"})) as client:
            await call(client, "create_external_id_configuration", external_type="erp", object_type="people")
            await refused(client, "undo_change", change_id=1)
        assert await configured(app, "erp")

    async def test_a_deleted_configuration_comes_back_and_its_mappings_are_looked_at(
        self, connect: Connect, app: App, sandbox: Sandbox
    ) -> None:
        human = Human(NAMED)
        async with connect(elicitation_callback=human) as client:
            await call(client, "delete_external_id_configuration", **MARKETING)
            assert len(app.state.log.saved_mappings(1)) == 29
            reply = await undo(client, 1)
        number = reply.data["configuration_id"]
        assert reply.words == f"created: configuration {number}; its mappings: 29 unchanged."
        assert reply.data["mappings"] == {"created": 0, "unchanged": 29, "refused": 0, "left": 0}
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
            assert reply.data["mappings"] == {"created": 5, "unchanged": 24, "refused": 0, "left": 0}
            found = await call(client, "list_changes", external_id=rows[0].external_id)
        now = (await app.salesloft.list_mappings(external_type="marketing", deleted=False)).rows
        assert {(row.external_id, row.object_id) for row in now} == {(row.external_id, row.object_id) for row in rows}
        assert [(row["tool"], row["outcome"]) for row in found.data["changes"]] == [("undo_change", "created")]

    async def test_a_mapping_that_was_given_away_meanwhile_stays_where_it_is(self, connect: Connect, app: App) -> None:
        async with connect(elicitation_callback=Human(NAMED)) as client:
            await call(client, "delete_external_id_configuration", **MARKETING)
            first = (await app.salesloft.list_mappings(external_type="marketing", deleted=False)).rows[0]
            await app.salesloft.delete_mapping(first.id or 0)
            await app.salesloft.create_configuration("marketing", "accounts")
            await app.salesloft.create_mapping("marketing", "accounts", first.external_id, 13)
            reply = await undo(client, 1)
        assert reply.data["status"] == "unchanged"
        assert reply.data["mappings"] == {"created": 0, "unchanged": 28, "refused": 1, "left": 0}
        assert await held(app, first.external_id, "marketing") == [13]

    async def test_what_is_left_over_is_done_by_the_same_call_again(
        self, connect: Connect, app: App, sandbox: Sandbox
    ) -> None:
        rows = (await app.salesloft.list_mappings(external_type="marketing", deleted=False)).rows
        async with connect(elicitation_callback=Human(NAMED)) as client:
            await call(client, "delete_external_id_configuration", **MARKETING)
            await app.salesloft.delete_mapping(rows[0].id or 0)
            sandbox.faults.add(Fault("status", method="GET", path="/v2/external/mappings", status=403))
            partly = await undo(client, 1)
            assert partly.data["mappings"]["left"] == 29
            assert "29 left, to be done by the same call again" in partly.words
            reply = await undo(client, 1)
            assert reply.data["status"] == "unchanged"
            assert reply.data["mappings"] == {"created": 1, "unchanged": 28, "refused": 0, "left": 0}
            assert "was undone by change" in await refused(client, "undo_change", change_id=1)

    async def test_nothing_is_deleted_when_its_mappings_cannot_be_saved(
        self, connect: Connect, app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        async def fails(*_: object, **__: object) -> None:
            raise UnreachableError("Salesloft cannot be reached.", request="GET")

        monkeypatch.setattr("salesloft_mcp.server.tools.deletes.mappings_of", fails)
        async with connect(elicitation_callback=Human(NAMED)) as client:
            await refused(client, "delete_external_id_configuration", **MARKETING)
        assert writes(sandbox) == []

    async def test_too_many_mappings_are_not_saved_and_the_question_says_so(
        self, connect: Connect, app: App, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("salesloft_mcp.server.tools.deletes.SAVE_AT_MOST", 28)
        human = Human(NAMED)
        async with connect(elicitation_callback=human) as client:
            await call(client, "delete_external_id_configuration", **MARKETING)
            reply = await undo(client, 1)
        assert "way back: undo_change; its mappings may be too many to be saved" in human.questions[0]
        assert reply.words.endswith("its mappings: none was saved.")

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
        assert len(app.state.log.saved_mappings(1)) == reply.data["live_mappings"] > 200


class TestRecords:
    """Fields of people and accounts."""

    async def test_an_update_is_written_back_field_by_field(self, connect: Connect, app: App) -> None:
        before = await person(app)
        fields = {
            "title": "CEO",
            "city": None,
            "owner_id": 3,
            "account_id": 13,
            "tags": ["a", "b"],
            "custom_fields": {"Legacy ID": "other", "New": "x"},
        }
        async with connect(elicitation_callback=Human(YES)) as client:
            await call(client, "upsert_person_by_external_id", **PERSON, person=fields)
            reply = await undo(client, 1)
        after = await person(app)
        assert reply.data["status"] == "updated"
        assert reply.data["fields"] == sorted(fields)
        assert {**after, "updated_at": ""} == {**before, "updated_at": ""}

    async def test_an_account_is_written_back_too(self, connect: Connect, app: App) -> None:
        key = {"external_type": "sdfc_account", "external_id": "ABC"}
        async with connect() as client:
            await call(client, "upsert_account_by_external_id", **key, account={"name": "Other", "domain": "o.test"})
            reply = await undo(client, 1)
        record = await app.salesloft.get_object("accounts", 13)
        assert reply.data["fields"] == ["domain", "name"]
        assert record is not None
        assert getattr(record, "domain", "") != "o.test"

    async def test_only_what_the_update_changed_is_written(self, connect: Connect, app: App) -> None:
        async with connect() as client:
            await call(client, "upsert_person_by_external_id", **PERSON, person={"title": "CEO"})
            await call(client, "upsert_person_by_external_id", **PERSON, person={"city": "Oslo"})
            reply = await undo(client, 1)
        assert reply.data["fields"] == ["title"]
        assert (await person(app))["city"] == "Oslo"

    async def test_a_field_that_was_changed_again_since_is_left_alone_and_named(
        self, connect: Connect, app: App
    ) -> None:
        async with connect() as client:
            await call(client, "upsert_person_by_external_id", **PERSON, person={"title": "CEO", "city": "Oslo"})
            await call(client, "upsert_person_by_external_id", **PERSON, person={"title": "Owner"})
            reply = await undo(client, 1)
            assert "Not brought back: title (changed again since, or not writable)." in reply.words
        assert reply.data["fields"] == ["city"]
        assert (await person(app))["title"] == "Owner"

    async def test_an_update_of_which_everything_was_changed_again_is_left_alone(self, connect: Connect) -> None:
        async with connect() as client:
            await call(client, "upsert_person_by_external_id", **PERSON, person={"title": "CEO"})
            await call(client, "upsert_person_by_external_id", **PERSON, person={"title": "Owner"})
            words = await refused(client, "undo_change", change_id=1)
        assert "title: changed again since, or not writable. Nothing was changed." in words

    async def test_an_update_that_is_not_there_any_more_has_nothing_to_undo(self, connect: Connect, app: App) -> None:
        title = (await person(app))["title"]
        async with connect() as client:
            await call(client, "upsert_person_by_external_id", **PERSON, person={"title": "CEO"})
            await call(client, "upsert_person_by_external_id", **PERSON, person={"title": title})
            assert "the record is as it was before" in await refused(client, "undo_change", change_id=1)

    async def test_lifting_do_not_contact_says_what_it_cannot_bring_back(self, connect: Connect, app: App) -> None:
        human = Human(YES)
        async with connect(elicitation_callback=human) as client:
            await call(client, "upsert_person_by_external_id", **PERSON, person={"do_not_contact": True})
            reply = await undo(client, 1)
        assert "People who were taken out of cadences are not put back by this." in reply.words
        assert len(human.questions) == 1
        assert (await person(app))["do_not_contact"] is False

    async def test_setting_do_not_contact_as_the_way_back_needs_a_yes(self, connect: Connect, app: App) -> None:
        human = Human(YES)
        async with connect(elicitation_callback=human) as client:
            await call(client, "upsert_person_by_external_id", **PERSON, person={"do_not_contact": True})
            await call(client, "upsert_person_by_external_id", **PERSON, person={"do_not_contact": False})
            assert len(human.questions) == 1
            await undo(client, 2)
        assert human.questions[1].startswith("Undo change 2 (upsert_person_by_external_id): set do_not_contact again")
        assert (await person(app))["do_not_contact"] is True
        assert last(app).confirmed == "asked through the client"

    async def test_a_created_record_stays_and_only_its_mapping_goes(self, connect: Connect, app: App) -> None:
        human = Human(YES)
        key = {"external_type": "crm_lead", "external_id": "n"}
        async with connect(elicitation_callback=human) as client:
            made = await call(client, "upsert_person_by_external_id", **key, person={"email_address": "a@new.test"})
            reply = await undo(client, 1)
        number = made.data["record"]["id"]
        assert reply.words.endswith(f"of people {number}; the new record stays: this API cannot delete one.")
        assert "what stays: the new record stays: this API cannot delete one" in human.questions[0]
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
            assert "stands for people 207550815 now" in await refused(client, "undo_change", change_id=1)
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
        assert undoing["confirmed"] == "asked through the client"
        assert first["undone_by"] == undoing["id"]
        assert (last(app).before or {})["external_id"] == "007"

    async def test_undoing_twice_says_by_which_change_it_was_undone(self, connect: Connect, sandbox: Sandbox) -> None:
        human = Human(YES)
        async with connect(elicitation_callback=human) as client:
            await call(client, "create_external_id_mapping", **NEW)
            await undo(client, 1)
            words = await refused(client, "undo_change", change_id=1)
        assert words.startswith("change 1 was undone by change 2 already. Nothing was changed.")
        assert "undo change 2" in words
        assert len(human.questions) == 1
        assert len(writes(sandbox)) == 2

    async def test_an_undoing_can_be_undone_and_that_too(self, connect: Connect, app: App) -> None:
        async with connect(elicitation_callback=Human(YES)) as client:
            await call(client, "create_external_id_mapping", **NEW)
            for number in (1, 2, 3):
                await undo(client, number)
        assert await held(app, "007") == []
        assert [row.outcome for row in app.state.log.find()] == ["deleted", "created", "deleted", "created"]

    async def test_an_undone_update_and_an_undone_configuration_can_be_undone(self, connect: Connect, app: App) -> None:
        async with connect(elicitation_callback=Human(NAMED)) as client:
            await call(client, "upsert_person_by_external_id", **PERSON, person={"title": "CEO"})
            await undo(client, 1)
            await undo(client, 2)
            await call(client, "delete_external_id_configuration", **MARKETING)
            back = await undo(client, 4)
            await undo(client, back.data["change_id"])
        assert (await person(app))["title"] == "CEO"
        assert not await configured(app, "marketing")

    @pytest.mark.parametrize(
        ("outcome", "why"),
        [
            ("unchanged", "found everything as it was asked for"),
            ("failed", "it was refused"),
            ("unknown", "its answer was lost"),
            ("intended", "under way, or was cut off"),
        ],
    )
    async def test_what_changed_nothing_has_nothing_to_undo_and_says_why(
        self, connect: Connect, app: App, sandbox: Sandbox, outcome: Any, why: str
    ) -> None:
        number = app.state.log.intend(Change(app.environment, "t", "crm_lead", "people", "007", 7))
        app.state.log.settle(number, outcome)
        async with connect() as client:
            words = await refused(client, "undo_change", change_id=number)
        assert why in words
        assert len(sandbox.requests) == 0

    async def test_a_change_of_another_environment_cannot_be_undone(
        self, connect: Connect, app: App, sandbox: Sandbox
    ) -> None:
        for environment in ("https://api.salesloft.com", "SANDBOX (http://127.0.0.1:8765)"):
            change = Change(environment, "create_external_id_mapping", "crm_lead", "people", "CONTACT3456", 578495206)
            app.state.log.settle(app.state.log.intend(change), "created")
        async with connect(elicitation_callback=Human(YES)) as client:
            elsewhere = [await refused(client, "undo_change", change_id=number) for number in (1, 2)]
            unknown = await refused(client, "undo_change", change_id=99)
        assert [words.replace("change 1", "change 99") for words in elsewhere[:1]] == [unknown]
        assert len(sandbox.requests) == 0

    async def test_a_lost_answer_leaves_the_undoing_unknown_and_it_can_be_tried_again(
        self, connect: Connect, app: App, sandbox: Sandbox
    ) -> None:
        sandbox.faults.add(Fault("reset", method="DELETE", times=3))
        async with connect(elicitation_callback=Human(YES)) as client:
            await call(client, "create_external_id_mapping", **NEW)
            await refused(client, "undo_change", change_id=1)
            assert last(app).outcome == "unknown"
            await undo(client, 1)
        assert await held(app, "007") == []


class TestWhoMayUndo:
    """A way back is no way around."""

    async def test_a_client_that_cannot_ask_leaves_an_approval_that_works_once(
        self, connect: Connect, app: App, sandbox: Sandbox
    ) -> None:
        async with connect() as client:
            await call(client, "create_external_id_mapping", **NEW)
            assert "salesloft-mcp approvals" in await refused(client, "undo_change", change_id=1)
            assert len(writes(sandbox)) == 1
            app.state.decide(app.state.pending()[0].id, yes=True)
            await undo(client, 1)
            await undo(client, 2)
            assert "salesloft-mcp approvals" in await refused(client, "undo_change", change_id=3)
        assert app.state.log.find()[1].confirmed == "approved in a terminal"

    async def test_where_nothing_may_be_deleted_only_deletions_are_undone(
        self, connect: Connect, app: App, era: Era, sandbox: Sandbox
    ) -> None:
        human = Human(YES)
        async with connect(elicitation_callback=human) as client:
            await call(client, "create_external_id_mapping", **NEW)
            await call(client, "delete_external_id_mapping", **CONTACT)
        careful = replace(app, mode="no-delete")
        async with Client(build_server(careful, chosen("no-delete")), mode=era, elicitation_callback=human) as client:
            words = await refused(client, "undo_change", change_id=1)
            await undo(client, 2)
        assert "deletions are switched off here (mode no-delete)" in words
        assert await held(app, "007") == [578495206]
        assert await held(app) == [578495206]

    async def test_reading_only_lists_and_does_not_undo(self, app: App, era: Era) -> None:
        async with Client(build_server(app, chosen("read-only")), mode=era) as client:
            assert not (await call(client, "list_changes")).failed
            assert "switched off" in await refused(client, "undo_change", change_id=1)


class TestReplays:
    """One yes is one undoing."""

    async def test_copies_of_an_answered_question_undo_once(self, app: App, sandbox: Sandbox) -> None:
        async with Client(build_server(app, chosen("full")), elicitation_callback=Human()) as client:
            await call(client, "create_external_id_mapping", **NEW)
            asked = await client.session.call_tool("undo_change", {"change_id": 1}, allow_input_required=True)
            assert isinstance(asked, InputRequiredResult)
            yes: InputResponses = {
                key: ElicitResult(action="accept", content={"confirm": True}) for key in asked.input_requests or {}
            }
            results: list[object] = []

            async def answer() -> None:
                results.append(
                    await client.session.call_tool(
                        "undo_change", {"change_id": 1}, request_state=asked.request_state, input_responses=yes
                    )
                )

            async with anyio.create_task_group() as tasks:
                for _ in range(5):
                    tasks.start_soon(answer)
        assert [result == results[0] for result in results] == [True] * 5
        assert len(writes(sandbox)) == 2
        assert len(app.state.log.find()) == 2

    async def test_several_calls_at_once_bring_a_deleted_mapping_back_once(self, connect: Connect, app: App) -> None:
        async with connect(elicitation_callback=Human(YES)) as client:
            await call(client, "delete_external_id_mapping", **CONTACT)
            async with anyio.create_task_group() as tasks:
                for _ in range(5):
                    tasks.start_soon(client.call_tool, "undo_change", {"change_id": 1})
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
            words = await refused(client, "undo_change", change_id=1)
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
            await undo(client, last(app).id)
        assert reply.data["mappings"]["unchanged"] == 29
        assert (await person(app))["title"] == title


async def test_bringing_back_more_than_five_hundred_mappings_needs_a_yes(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    store = sandbox.app.store
    with store.transaction():
        for number in range(500):
            row = {**MARKETING, "external_id": f"many-{number}", "object_id": 13, "deleted": 0}
            store.insert("mappings", {**row, "inserted_at": "2024-02-01"})
    async with connect(elicitation_callback=Human(NAMED)) as client:
        await call(client, "delete_external_id_configuration", **MARKETING)
    no, yes = Human(action="decline"), Human(YES)
    async with connect(elicitation_callback=no) as client:
        assert "Nothing was changed" in await refused(client, "undo_change", change_id=1)
    assert "mappings that were saved: 529" in no.questions[0]
    assert not await configured(app, "marketing")
    async with connect(elicitation_callback=yes) as client:
        reply = await undo(client, 1)
    assert reply.data["mappings"]["unchanged"] == 529
    assert len(yes.questions) == 1
