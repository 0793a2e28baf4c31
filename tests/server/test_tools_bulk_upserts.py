"""Many people or accounts through tools: held against what is there, field by field, run, and taken back."""

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client

from salesloft_mcp.app import App
from salesloft_mcp.bulk.report import Format, every_row, write_report
from salesloft_mcp.salesloft.fields import PersonFields
from salesloft_mcp.salesloft.models import ObjectType
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.settings import Settings
from tests.conftest import Connect
from tests.crowd import FIRST_OF_CROWD, crowd
from tests.server.calling import Reply, call, refused, writes
from tests.server.human import YES, Human

pytestmark = [pytest.mark.anyio, pytest.mark.steady]

LEADS: dict[str, Any] = {"external_type": "crm_lead", "object_type": "people"}
COMPANIES: dict[str, Any] = {"external_type": "marketing", "object_type": "accounts"}
FIRST = 207550001  # of CONTACT1001, in the sandbox's seed; the next is of CONTACT1002, and so on
MOST = 4  # writes that nobody is asked about, in some of these tests

Row = dict[str, Any]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """More points than a minute has: these tests are about other things."""
    return Settings(state_dir=tmp_path / "state").model_copy(update={"rate_limit": 100_000})


@pytest.fixture
def sandbox() -> Any:
    with Sandbox(rate_limit=0) as sandbox:
        crowd(sandbox, 1_200)
        yield sandbox


@pytest.fixture
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("salesloft_mcp.changes.consent.MOST_UNASKED", MOST)


async def planned(client: Client, *rows: Row, **more: Any) -> Reply:
    """The plan of an upsert of these rows."""
    reply = await call(client, "plan_bulk_upsert", **{**LEADS, **more}, rows=list(rows))
    assert not reply.failed, reply
    return reply


async def every(client: Client, plan: str) -> list[Row]:
    """All rows of a plan."""
    rows: list[Row] = (await call(client, "get_plan", plan=plan, rows="all")).data["rows"]
    return rows


async def ran(client: Client, *rows: Row, **more: Any) -> Reply:
    """The answer of the run of such a plan."""
    plan = (await planned(client, *rows, **more)).data["plan"]
    return await call(client, "run_plan", plan=plan)


async def record(app: App, one: int, kind: ObjectType = "people") -> Row:
    """A record as Salesloft shows it."""
    found = await app.salesloft.get_object(kind, one)
    assert found is not None
    return found.model_dump()


async def email(app: App, one: int) -> str:
    return str((await record(app, one))["email_address"])


async def mapped(app: App, external_id: str, external_type: str = "crm_lead") -> list[int]:
    """The records that an external id stands for."""
    found = await app.salesloft.list_mappings(external_type=external_type, external_id=external_id, deleted=False)
    return [row.object_id for row in found.rows]


async def moved(app: App, external_id: str, to: int) -> None:
    """Somebody gives an external id to another person."""
    (row,) = (await app.salesloft.list_mappings(external_type="crm_lead", external_id=external_id, deleted=False)).rows
    await app.salesloft.delete_mapping(row.id or 0)
    await app.salesloft.create_mapping("crm_lead", "people", external_id, to)


async def test_each_row_is_told_with_what_would_become_of_it_and_why(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    title = (await record(app, FIRST + 1))["title"]
    rows: list[Row] = [
        {"external_id": "NEW-1", "email_address": "ann@new.test", "first_name": "Ann"},
        {"external_id": "CONTACT1001", "title": "Chief Listener"},
        {"external_id": "CONTACT1002", "title": title},
        {"external_id": "CONTACT1003", "email_address": (await email(app, FIRST)).upper()},
        {"external_id": "NEW-2", "email_address": await email(app, FIRST + 150)},
        {"external_id": "NEW-3", "title": "CEO"},
        {"external_id": "NEW-4", "email_address": "twin@new.test"},
        {"external_id": "NEW-5", "email_address": "TWIN@new.test"},
        {"external_id": 7, "title": "CEO"},
        {"external_id": "CONTACT1001", "title": "Chief Listener"},
        {"external_id": "CONTACT1004", "title": "A"},
        {"external_id": "CONTACT1004", "title": "B"},
        {"external_id": "CONTACT1005", "job_seniority": "boss"},
    ]
    async with connect() as client:
        reply = await planned(client, *rows)
        found = await every(client, reply.data["plan"])
    told = "1 to create, 1 to update, 1 unchanged, 1 duplicate, 4 conflicts, 5 invalid"
    assert reply.words == f"planned: of 13 rows, {told}. Nothing written."
    assert (reply.data["intent"], reply.data["rows_read"]) == ("upsert", 13)
    assert [(row["plan"], row.get("note", "")) for row in found] == [
        ("create", ""),
        ("update", ""),
        ("unchanged", ""),
        ("conflict", f"the email is that of record {FIRST}, and the external id is mapped to {FIRST + 2}"),
        ("conflict", f"the email is that of record {FIRST + 150}, which has to be given this external id first"),
        ("invalid", found[5]["note"]),
        ("conflict", "lines 7 and 8 have the same email"),
        ("conflict", "lines 7 and 8 have the same email"),
        ("invalid", "external_id: must be text; a number may have lost leading zeros."),
        ("duplicate", "the same as line 2"),
        ("invalid", "this external id has different fields on lines 11 and 12"),
        ("invalid", "this external id has different fields on lines 11 and 12"),
        ("invalid", found[12]["note"]),
    ]
    assert "the external id is not mapped, and creating needs email_address" in found[5]["note"]
    assert found[12]["note"].startswith("job_seniority: must be ")
    assert writes(sandbox) == []


async def test_each_field_is_told_with_its_old_and_its_new_value_before_and_after_the_run(
    connect: Connect, app: App
) -> None:
    before = await record(app, FIRST)
    rows: list[Row] = [
        {
            "external_id": "CONTACT1001",
            "title": "Listener",
            "city": before["city"],
            "custom_fields": {"Tier": "A"},
        },
        {"external_id": "NEW-1", "email_address": "ann@new.test"},
    ]
    async with connect() as client:
        plan = (await planned(client, *rows)).data["plan"]
        update, creation = await every(client, plan)
        assert update["old"] == {"title": before["title"], "custom_fields": {"Tier": None}}
        assert update["new"] == {"title": "Listener", "custom_fields": {"Tier": "A"}}
        assert "old" not in creation
        assert creation["new"] == {"email_address": "ann@new.test"}
        run = await call(client, "run_plan", plan=plan)
        after = await every(client, plan)
    assert run.words == "finished: 2 of 2 done (1 created, 1 updated)."
    assert [(row["outcome"], row.get("old", None), row["new"]) for row in after] == [
        ("updated", update["old"], update["new"]),
        ("created", None, creation["new"]),
    ]
    assert await mapped(app, "NEW-1") == [after[1]["object_id"]]
    now = await record(app, FIRST)
    assert (now["title"], now["city"], now["custom_fields"]["Tier"]) == ("Listener", before["city"], "A")
    assert now["email_address"] == before["email_address"]


@pytest.mark.parametrize("form", ["csv", "jsonl"])
async def test_the_report_has_old_and_new_values_and_how_each_row_ended(
    connect: Connect, app: App, form: Format
) -> None:
    title = (await record(app, FIRST))["title"]
    async with connect() as client:
        run = await ran(client, {"external_id": "CONTACT1001", "title": "=1+1"}, {"external_id": 7, "title": "x"})
    stream = io.StringIO(newline="")
    await write_report(every_row(app.plans, app.changes.log, await app.plans.status(run.data["plan"])), stream, form)
    stream.seek(0)
    rows = list(csv.DictReader(stream)) if form == "csv" else [json.loads(line) for line in stream]
    shown = [json.loads(one) if form == "csv" else one for one in (rows[0]["old"], rows[0]["new"])]
    assert shown == [{"title": title}, {"title": "=1+1"}]
    assert [(row["plan"], row["outcome"]) for row in rows] == [("update", "updated"), ("invalid", "")]


async def test_the_intent_says_what_may_be_written(connect: Connect, sandbox: Sandbox) -> None:
    rows = [{"external_id": "CONTACT1001", "title": "x"}, {"external_id": "NEW-1", "email_address": "a@new.test"}]
    notes = {
        "create_only": ("conflict", f"is mapped to person {FIRST}, and the intent is create_only"),
        "update_only": ("conflict", "is not mapped, and the intent is update_only"),
    }
    async with connect() as client:
        only_new = await planned(client, *rows, intent="create_only")
        only_old = await planned(client, *rows, intent="update_only")
        both = await planned(client, *rows)
        for one, line in ((only_new, 1), (only_old, 2)):
            (row,) = one.data["rows"]
            assert (row["line"], row["plan"], row["note"]) == (line, *notes[one.data["intent"]])
        await call(client, "run_plan", plan=only_new.data["plan"])
    assert both.data["counts"] == {"create": 1, "update": 1}
    assert writes(sandbox) == ["POST /v2/external/ids/crm_lead/people/NEW-1"]


async def test_suspicious_rows_are_counted_listed_and_not_run(connect: Connect, app: App, sandbox: Sandbox) -> None:
    rows = [
        {"external_id": "contact1001", "email_address": "a@new.test"},
        {"external_id": "New 1", "email_address": "b@new.test"},
        {"external_id": "new1", "email_address": "c@new.test"},
        {"external_id": "N/A", "email_address": "d@new.test"},
        {"external_id": "GOOD-1", "email_address": "e@new.test"},
    ]
    async with connect() as client:
        reply = await planned(client, *rows)
        run = await call(client, "run_plan", plan=reply.data["plan"])
    assert reply.words == "planned: of 5 rows, 1 to create, 4 suspicious. Nothing written."
    assert [(row["line"], row["plan"], row["note"]) for row in reply.data["rows"]] == [
        (1, "suspicious", f'nearly the external id "CONTACT1001", which is mapped to {FIRST}'),
        (2, "suspicious", "nearly the external id of line 3"),
        (3, "suspicious", "nearly the external id of line 2"),
        (4, "suspicious", "a word for nothing"),
    ]
    assert run.words == "finished: 1 of 1 done (1 created). Left out of 5 rows: 4 suspicious."
    assert len(writes(sandbox)) == len(await mapped(app, "GOOD-1")) == 1


async def test_suspicious_rows_are_run_when_asked_for_and_after_a_yes(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    human = Human(action="decline")
    rows = [{"external_id": "contact1001", "email_address": "a@new.test"}, {"external_id": "CONTACT1001", "title": "x"}]
    async with connect(elicitation_callback=human) as client:
        plan = (await planned(client, *rows)).data["plan"]
        preview = await call(client, "run_plan", plan=plan, include_suspicious=True, preview=True)
        told = "1 person to create, 1 person to update; 1 of them suspicious"
        assert preview.words.endswith(f" The run would change: {told}. A person would be asked through this client.")
        assert f"cost: {preview.data['points']} points" in preview.data["question"].splitlines()
        await refused(client, "run_plan", plan=plan, include_suspicious=True)
        assert writes(sandbox) == []
        human.action, human.answer = "accept", YES
        run = await call(client, "run_plan", plan=plan, include_suspicious=True)
    assert human.questions[0].splitlines()[1] == f"changes: {told}"
    assert run.data["outcomes"] == {"created": 1, "updated": 1}
    assert await email(app, (await mapped(app, "contact1001"))[0]) == "a@new.test"


async def test_what_suspicious_rows_ask_is_told_only_where_they_are_run(connect: Connect, sandbox: Sandbox) -> None:
    human = Human(action="decline")
    rows: list[Row] = [
        {"external_id": "contact1001", "email_address": "a@new.test", "do_not_contact": True},
        {"external_id": "CONTACT1002", "title": "x"},
    ]
    async with connect(elicitation_callback=human) as client:
        reply = await planned(client, *rows)
        assert "asks" not in reply.data
        await refused(client, "run_plan", plan=reply.data["plan"], include_suspicious=True)
        without = await call(client, "run_plan", plan=reply.data["plan"])
    assert "records that leave all running cadences (do_not_contact): 1" in human.questions[0].splitlines()
    assert (without.data["outcomes"], len(human.questions), len(writes(sandbox))) == ({"updated": 1}, 1, 1)


async def test_a_run_that_was_begun_without_its_suspicious_rows_goes_on_without_them(connect: Connect) -> None:
    async with connect(elicitation_callback=Human(YES)) as client:
        plan = (await planned(client, {"external_id": "contact1001", "email_address": "a@new.test"})).data["plan"]
        await call(client, "run_plan", plan=plan)
        words = await refused(client, "run_plan", plan=plan, include_suspicious=True)
    assert words == (
        "plan: its run ended without its suspicious rows. Nothing was started.\n"
        "Next: plan it again with plan_backfill, plan_bulk_upsert or plan_type_rename for them; what was"
        " written comes out as unchanged."
    )


@pytest.mark.parametrize(
    ("field", "line"),
    [
        ({"do_not_contact": True}, "records that leave all running cadences (do_not_contact): 1"),
        (
            {"contact_restrictions": ["call", "email", "message"]},
            "people whom nobody may contact any more: 1",
        ),
    ],
)
async def test_a_row_that_takes_a_person_out_of_use_asks_however_small_the_run(
    connect: Connect, app: App, sandbox: Sandbox, field: Row, line: str
) -> None:
    human = Human(action="decline")
    async with connect(elicitation_callback=human) as client:
        reply = await planned(
            client, {"external_id": "CONTACT1001", **field}, {"external_id": "CONTACT1002", "city": "x"}
        )
        words, _, number = line.rpartition(": ")
        assert reply.data["asks"] == {words: int(number)}
        await refused(client, "run_plan", plan=reply.data["plan"])
        assert line in human.questions[0].splitlines()
        assert human.questions[0].startswith("Write these people in SANDBOX")
        assert writes(sandbox) == []
        human.action, human.answer = "accept", YES
        run = await call(client, "run_plan", plan=reply.data["plan"])
        again = await planned(client, {"external_id": "CONTACT1001", **field})
    assert run.data["outcomes"] == {"updated": 2}
    assert (again.data["counts"], "asks" in again.data) == ({"unchanged": 1}, False)


async def test_an_account_is_archived_after_a_yes_and_accounts_are_told_apart_by_their_domain(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    (mapping, other, *_) = (
        await app.salesloft.list_mappings(external_type="marketing", object_type="accounts", deleted=False)
    ).rows
    taken = (await record(app, other.object_id, "accounts"))["domain"]
    rows: list[Row] = [
        {"external_id": mapping.external_id, "archived": True, "name": "Gone Ltd"},
        {"external_id": "NEW-1", "name": "New", "domain": "brand-new.test"},
        {"external_id": "NEW-2", "name": "Twin", "domain": taken},
        {"external_id": "NEW-3", "name": "Without"},
        {"external_id": other.external_id, "domain": taken, "size": "7"},
    ]
    human = Human(YES)
    async with connect(elicitation_callback=human) as client:
        reply = await planned(client, *rows, **COMPANIES)
        run = await call(client, "run_plan", plan=reply.data["plan"])
    assert reply.data["counts"] == {"create": 1, "update": 2, "conflict": 1, "invalid": 1}
    assert next((row["line"], row["note"]) for row in reply.data["rows"]) == (
        3,
        f"the domain is that of record {other.object_id}, which has to be given this external id first",
    )
    assert "accounts to archive: 1" in human.questions[0].splitlines()
    assert run.data["outcomes"] == {"created": 1, "updated": 2}
    found = await record(app, mapping.object_id, "accounts")
    assert (found["name"], found["archived_at"] is not None) == ("Gone Ltd", True)
    assert (await record(app, other.object_id, "accounts"))["size"] == "7"
    created = (await mapped(app, "NEW-1", "marketing"))[0]
    assert (await record(app, created, "accounts"))["domain"] == "brand-new.test"


@pytest.mark.usefixtures("few_are_many")
async def test_many_overwrites_are_asked_about_and_those_of_small_runs_count_together(
    connect: Connect, sandbox: Sandbox
) -> None:
    human = Human(action="decline")
    rows = [{"external_id": f"CONTACT{1001 + number}", "title": "x"} for number in range(MOST + 1)]
    async with connect(elicitation_callback=human) as client:
        await refused(client, "run_plan", plan=(await planned(client, *rows)).data["plan"])
        assert f"changes: {MOST + 1} people to update" in human.questions[0].splitlines()
        assert "what happens: fields that are written lose what stands there now" in human.questions[0]
        assert "created" not in human.questions[0]
        small = await ran(client, *rows[: MOST - 1])
        assert (small.data["state"], len(human.questions)) == ("finished", 1)
        await refused(client, "run_plan", plan=(await planned(client, *rows)).data["plan"])
    assert "changes: 2 people to update" in human.questions[1].splitlines()
    assert len(writes(sandbox)) == MOST - 1


async def test_a_record_that_somebody_else_changes_before_the_run_is_left_alone(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    async with connect() as client:
        plan = (
            await planned(
                client,
                {"external_id": "CONTACT1001", "title": "Ours", "city": "Oslo"},
                {"external_id": "CONTACT1002", "title": "Ours"},
                {"external_id": "CONTACT1003", "title": "Ours"},
            )
        ).data["plan"]
        await app.salesloft.upsert_person("crm_lead", "CONTACT1001", PersonFields(title="Theirs"))
        await app.salesloft.upsert_person("crm_lead", "CONTACT1002", PersonFields(title="Ours"))
        await app.salesloft.upsert_person("crm_lead", "CONTACT1003", PersonFields(city="Bergen"))
        sandbox.requests.clear()
        run = await call(client, "run_plan", plan=plan)
        rows = await every(client, plan)
    assert run.data["outcomes"] == {"conflict": 1, "unchanged": 1, "updated": 1}
    assert rows[0]["note"] == f"person {FIRST} was changed since the plan was made. Nothing was written."
    assert ((await record(app, FIRST))["title"], (await record(app, FIRST))["city"]) != ("Ours", "Oslo")
    assert [row["outcome"] for row in rows] == ["conflict", "unchanged", "updated"]
    assert writes(sandbox) == ["POST /v2/external/ids/crm_lead/people/CONTACT1003"]


async def test_an_external_id_that_moves_to_another_record_before_the_run_changes_neither(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    async with connect() as client:
        plan = (await planned(client, {"external_id": "CONTACT1001", "title": "Ours"})).data["plan"]
        await moved(app, "CONTACT1001", FIRST_OF_CROWD)
        sandbox.requests.clear()
        run = await call(client, "run_plan", plan=plan)
        (row,) = await every(client, plan)
    assert run.data["outcomes"] == {"conflict": 1}
    assert row["note"] == (
        f"person {FIRST} does not have this external id any more, or is gone or hidden from this token."
    )
    assert writes(sandbox) == []
    assert (await record(app, FIRST_OF_CROWD))["title"] is None


@pytest.mark.parametrize("era", ["auto"])
async def test_a_thousand_rows_cost_a_point_for_a_hundred_of_each_thing_that_is_read(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    for number in range(500):
        await app.salesloft.create_mapping("sdfc_lead", "people", f"S{number:04}", FIRST_OF_CROWD + number)
    rows = [{"external_id": f"S{number:04}", "email_address": f"s{number}@new.test"} for number in range(1_000)]
    sandbox.requests.clear()
    async with connect(elicitation_callback=(human := Human(YES))) as client:
        reply = await planned(client, *rows, external_type="sdfc_lead")
        assert reply.data["counts"] == {"create": 500, "update": 500}
        # Six pages of mappings, ten of e-mails, ten of records; the team, the configurations and the custom fields.
        assert reply.data["points_spent"] <= 30
        assert len(sandbox.requests) <= 30
        assert reply.data["points"] == 1_000 + (9 + 2) * 8 + (1 + 7 * 2)  # at most: 126 rows at a time are looked at
        sandbox.requests.clear()
        run = await call(client, "run_plan", plan=reply.data["plan"])
    assert run.data["outcomes"] == {"created": 500, "updated": 500}
    assert len(writes(sandbox)) == 1_000
    assert len(sandbox.requests) <= 1_000 + 9 * 4 + 2 * 4 + 5 + (1 + 7 * 2)  # the last are the newest mappings
    assert len(human.questions) == 1


async def test_a_run_is_taken_back_under_one_yes_and_that_again(connect: Connect, app: App, sandbox: Sandbox) -> None:
    before = await record(app, FIRST)
    rows = [{"external_id": "CONTACT1001", "title": "x"}, {"external_id": "NEW-1", "email_address": "ann@new.test"}]
    human = Human(YES)
    async with connect(elicitation_callback=human) as client:
        run = await ran(client, *rows)
        created = await mapped(app, "NEW-1")
        back = await call(client, "undo_change", change=run.data["change_id"])
        undone = await every(client, f"undo-{run.data['change_id']}")
        words = await refused(client, "undo_change", change=run.data["change_id"])
        assert ((await record(app, FIRST))["title"], await mapped(app, "NEW-1")) == (before["title"], [])
        again = await call(client, "undo_change", change=back.data["change_id"])
    assert "changes: 1 person to update, 1 mapping to delete" in human.questions[0].splitlines()
    assert back.data["run"]["outcomes"] == {"updated": 1, "deleted": 1}
    assert [(row["external_id"], row["plan"], row["outcome"]) for row in undone] == [
        ("NEW-1", "delete", "deleted"),
        ("CONTACT1001", "update", "updated"),
    ]
    assert (undone[1]["old"], undone[1]["new"]) == ({"title": "x"}, {"title": before["title"]})
    assert f"was undone by change {back.data['change_id']} already" in words
    assert again.data["run"]["outcomes"] == {"updated": 1, "created": 1}
    assert ((await record(app, FIRST))["title"], await mapped(app, "NEW-1")) == ("x", created)


async def test_an_undo_that_brings_nothing_back_says_so(connect: Connect, app: App) -> None:
    async with connect() as client:
        run = await ran(client, {"external_id": "CONTACT1001", "title": "T"})
        await app.salesloft.upsert_person("crm_lead", "CONTACT1001", PersonFields(title="U"))
        reply = await call(client, "undo_change", change=run.data["change_id"])
    assert (reply.data["status"], reply.data["run"]["outcomes"]) == ("unchanged", {"conflict": 1})


async def test_a_plan_tells_its_points_and_minutes(connect: Connect, app: App) -> None:
    rows = [{"external_id": f"NEW-{n}", "email_address": f"n{n}@new.test"} for n in range(100)]
    async with connect() as client:
        reply = await planned(client, *rows)
        assert reply.data["points"] == 100 + 1 + 1  # they, and what was mapped meanwhile, are looked at together
        assert reply.data["minutes"] == 0.1
        run = await call(client, "run_plan", plan=reply.data["plan"])
    assert 101 <= run.data["points_spent"] <= 103
    assert run.data["outcomes"] == {"created": 100}
    assert not {"points", "minutes"} & run.data.keys()  # nothing is still to be spent


async def test_a_user_cannot_be_written_nor_a_row_without_anything_to_write(connect: Connect) -> None:
    async with connect() as client:
        reply = await planned(client, {"external_id": "CONTACT1001"}, {"external_id": "CONTACT1002", "title": ""})
        users = await refused(
            client, "plan_bulk_upsert", external_type="crm", object_type="users", rows=[{"external_id": "1"}]
        )
        neither = await refused(client, "plan_bulk_upsert", **LEADS)
    assert neither.splitlines()[0] == "rows: give exactly one of rows and file."
    assert {(row["plan"], row["note"]) for row in reply.data["rows"]} == {("invalid", reply.data["rows"][0]["note"])}
    assert "has no field to write" in reply.data["rows"][0]["note"]
    assert users.startswith("object_type: must be people or accounts")


async def test_a_type_that_is_not_configured_is_asked_about_and_created_by_the_run(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    human = Human(action="decline")
    async with connect(elicitation_callback=human) as client:
        reply = await planned(client, {"external_id": "1A", "email_address": "a@new.test"}, external_type="erp")
        assert reply.data["asks"] == {"configurations to create first": 1}
        await refused(client, "run_plan", plan=reply.data["plan"])
        assert writes(sandbox) == []
        human.action, human.answer = "accept", YES
        run = await call(client, "run_plan", plan=reply.data["plan"])
    assert run.data["outcomes"] == {"created": 1}
    assert len(await mapped(app, "1A", "erp")) == 1
    assert len(writes(sandbox)) == 2


async def test_a_row_whose_owner_is_of_another_type_is_told_how_that_is_named(connect: Connect) -> None:
    rows: list[Row] = [
        {"external_id": "MKT-9028-029", "owner.external_id": "abc"},
        {"external_id": "MKT-9027-028", "owner.external_id": "abd", "owner.external_type": "crm"},
        {"external_id": "MKT-9026-027", "owner.external_id": "none", "owner.external_type": "crm"},
    ]
    async with connect() as client:
        reply = await planned(client, *rows, external_type="marketing", object_type="accounts")
        unused = await planned(
            client,
            {"external_id": "MKT-9028-029", "HR owner": "abc"},
            external_type="marketing",
            object_type="accounts",
        )
    assert reply.data["counts"] == {"invalid": 2, "update": 1}
    first, other = (row["note"] for row in reply.data["rows"])
    assert first.endswith("not configured for users. owner.external_type may name another type.")
    assert other == 'owner: "none" of type "crm" is not mapped to a user.'
    assert unused.data["notes"] == ['Not used: the column "HR owner" (did you mean owner.external_id?).']
