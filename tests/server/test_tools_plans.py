"""Many mappings through tools: planned, agreed to, run behind the call, watched, cancelled, resumed and taken back."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client

from salesloft_mcp.app import App, open_app
from salesloft_mcp.bulk.status import operation_of
from salesloft_mcp.changes.change import Author
from salesloft_mcp.hosting.run import resume
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import Entry, chosen
from salesloft_mcp.server.tools import plans
from salesloft_mcp.settings import Settings
from tests.bulk.working import Gate
from tests.conftest import Connect, Era
from tests.crowd import FIRST_OF_CROWD, crowd
from tests.hosting.program import HANG_SECONDS
from tests.server.calling import Reply, call, refused, writes
from tests.server.human import YES, Human

pytestmark = [pytest.mark.anyio, pytest.mark.steady]

LEADS: dict[str, Any] = {"external_type": "sdfc_lead", "object_type": "people"}
PERSON = 578495206
LEAD = 207550815  # the one whose CONTACT3456 the seed holds
MOST = 40  # writes of an hour that nobody is asked about, in some of these tests
MANY = 45


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """More points than a minute has: these tests are about other things."""
    return Settings(state_dir=tmp_path / "state").model_copy(update={"rate_limit": 100_000})


@pytest.fixture
def few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("salesloft_mcp.changes.consent.MOST_UNASKED", MOST)


@pytest.fixture
def sandbox() -> Any:
    with Sandbox(rate_limit=0) as sandbox:
        crowd(sandbox, 600)
        yield sandbox


async def people(app: App) -> list[int]:
    return [row.id for row in (await app.salesloft.list_objects("people", (), per_page=100)).rows]


def rows(number: int) -> list[dict[str, Any]]:
    """So many rows, each with a person of its own."""
    return [{"external_id": f"N{n:04}", "object_id": FIRST_OF_CROWD + n} for n in range(number)]


async def planned(client: Client, given: list[dict[str, Any]]) -> str:
    """The id of a plan of these rows."""
    reply = await call(client, "plan_backfill", **LEADS, rows=given)
    assert not reply.failed, reply
    return str(reply.data["plan"])


async def ended(client: Client, plan: str) -> Reply:
    """The answer once nobody works on it any more."""
    with anyio.fail_after(HANG_SECONDS):
        while True:
            reply = await call(client, "get_plan", plan=plan)
            if reply.data["state"] not in ("planning", "running", "cancelling"):
                return reply
            await anyio.sleep(0.01)


async def live(app: App, prefix: str = "N") -> list[str]:
    found, page = [], 1
    while page:
        mappings = await app.salesloft.list_mappings(external_type="sdfc_lead", deleted=False, page=page)
        found += [row.external_id for row in mappings.rows if row.external_id.startswith(prefix)]
        page = mappings.next_page or 0
    return sorted(found)


@asynccontextmanager
async def client_of(app: App, era: Era, **options: Any) -> AsyncIterator[Client]:
    async with Client(build_server(app, chosen(app.settings.mode)), mode=era, **options) as client:
        yield client


async def test_a_plan_tells_what_would_happen_and_writes_nothing(connect: Connect, app: App, sandbox: Sandbox) -> None:
    given = [
        {"external_id": "N1", "email": "NOBODY@x.test"},
        {"external_id": "N2", "object_id": PERSON},
        {"external_id": "CONTACT3456", "object_id": str(LEAD)},
        {"external_id": "CONTACT3456", "object_id": str(LEAD)},
        {"external_id": "CONTACT3456", "object_id": str(PERSON)},
        {"external_id": 7, "object_id": PERSON},
        {"external_id": "N3\u202e", "object_id": "x"},
    ]
    async with connect() as client:
        reply = await call(client, "plan_backfill", **LEADS, rows=given[:4] + given[5:])
        clash = await call(client, "plan_backfill", **LEADS, rows=given[4:5])
    assert not reply.failed, reply
    data = reply.data
    assert data["state"] == "planned"
    assert data["counts"] == {"create": 1, "unchanged": 1, "duplicate": 1, "object unknown": 1, "invalid": 2}
    assert data["rows_read"] == 6
    assert (data["points"], data["minutes"]) == (2, 0.1)  # to look what was mapped meanwhile, and a mapping
    assert data["source"] == "6 rows"
    assert [(row["line"], row["plan"]) for row in data["rows"]] == [
        (1, "object unknown"),
        (5, "invalid"),
        (6, "invalid"),
    ]
    assert data["rows"][0]["given"] == "email nobody@x.test"
    assert data["rows"][2]["external_id"] == "N3\\u{202e}"
    told = "1 to create, 1 unchanged, 1 duplicate, 1 of an unknown object, 2 invalid"
    assert reply.words == f"planned: of 6 rows, {told}. Nothing written."
    assert data["points_spent"] > 0
    assert clash.data["rows"][0]["plan"] == "conflict"
    assert clash.data["rows"][0]["note"] == f"is mapped to {LEAD}"
    assert writes(sandbox) == []


async def test_a_plan_answers_in_few_tokens_however_many_rows_it_has(connect: Connect, app: App) -> None:
    given = [{"external_id": f"N{n}", "email": f"nobody{n}@x.test"} for n in range(1_000)]
    async with connect() as client:
        reply = await call(client, "plan_backfill", **LEADS, rows=given)
        assert reply.data["counts"] == {"object unknown": 1_000}
        assert len(reply.data["rows"]) == 5
        assert reply.tokens < 300
        seen, cursor = [row["line"] for row in reply.data["rows"]], reply.data["next_cursor"]
        alone = await call(client, "get_plan", plan=reply.data["plan"], cursor=cursor)  # lists what the plan listed
        assert alone.data["rows"][0]["line"] == 6
        while cursor:
            page = await call(client, "get_plan", plan=reply.data["plan"], rows="attention", cursor=cursor)
            seen += [row["line"] for row in page.data["rows"]]
            cursor = page.data.get("next_cursor")
        too_many = await refused(client, "plan_backfill", **LEADS, rows=[*given, {}])
    assert seen == list(range(1, 1_001))
    assert too_many.startswith("rows: ")


async def test_a_small_plan_tells_every_row_that_needs_a_person_at_once(connect: Connect) -> None:
    given = [{"external_id": f"N{n}", "email": f"nobody{n}@x.test"} for n in range(20)]
    async with connect() as client:
        reply = await call(client, "plan_backfill", **LEADS, rows=given)
    assert [row["line"] for row in reply.data["rows"]] == list(range(1, 21))
    assert "next_cursor" not in reply.data


async def test_every_row_of_a_plan_can_be_seen_on_request(connect: Connect, app: App) -> None:
    given = [*rows(150), {"external_id": "N0200", "email": "nobody@x.test"}]
    async with connect() as client:
        plan = await planned(client, given)
        assert "rows" not in (await call(client, "get_plan", plan=plan)).data
        first = await call(client, "get_plan", plan=plan, rows="all")
        rest = await call(client, "get_plan", plan=plan, rows="all", cursor=first.data["next_cursor"])
    assert [row["line"] for row in first.data["rows"] + rest.data["rows"]] == list(range(1, 152))
    assert "next_cursor" not in rest.data
    assert rest.data["rows"][-1]["plan"] == "object unknown"


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"rows": [], "file": ""},
        {"rows": [{"external_id": "a"}], "custom_field": "b"},
        {"file": "a", "custom_field": "b"},
    ],
)
async def test_exactly_one_source_is_given(connect: Connect, sandbox: Sandbox, given: dict[str, Any]) -> None:
    async with connect() as client:
        words = await refused(client, "plan_backfill", **LEADS, **given)
    assert words.splitlines()[0] == "rows: give exactly one of rows, file and custom_field."
    assert len(sandbox.requests) == 0


async def test_a_plan_that_writes_nothing_asks_for_no_configuration(connect: Connect) -> None:
    leads = {**LEADS, "external_type": "crm_leed"}
    async with connect() as client:
        nothing = await call(client, "plan_backfill", **leads, rows=[{"external_id": "", "object_id": 1}])
        damaged = await call(client, "plan_backfill", **leads, rows=[{"external_id": "#N/A", "object_id": PERSON}])
    assert "asks" not in nothing.data
    (note,) = nothing.data["notes"]
    assert note.startswith('"crm_leed" is not configured for people')
    assert "the run" not in note
    assert damaged.data["counts"] == {"suspicious": 1}  # which a person may want
    assert damaged.data["asks"] == {"configurations to create first": 1}


async def test_a_type_that_is_not_configured_is_told_with_the_nearest_and_the_run_creates_it_after_a_yes(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    human = Human(action="decline")
    async with connect(elicitation_callback=human) as client:
        made = await call(client, "plan_backfill", **{**LEADS, "external_type": "crm_leed"}, rows=rows(2))
        assert made.data["counts"] == {"create": 2}
        assert made.data["asks"] == {"configurations to create first": 1}
        assert made.data["points"] == 5  # to look for the configuration, to create it, to look, and two mappings
        assert made.data["notes"] == [
            '"crm_leed" is not configured for people (existing are "crm_lead", "sdfc_lead", '
            '"marketing_automation", "sdfc_contact"); the run creates the configuration first.'
        ]
        await refused(client, "run_plan", plan=made.data["plan"])
        assert writes(sandbox) == []
        human.action, human.answer = "accept", YES
        run = await call(client, "run_plan", plan=made.data["plan"])
    assert "configurations to create first: 1" in human.questions[0].splitlines()
    assert run.words == "finished: 2 of 2 done (2 created)."
    assert len(writes(sandbox)) == 3
    assert await app.configurations.nearest("crm_leed", "people") is None


async def test_a_type_that_somebody_configures_meanwhile_is_not_configured_twice(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    async with connect(elicitation_callback=Human(YES)) as client:
        made = await call(client, "plan_backfill", **{**LEADS, "external_type": "erp"}, rows=rows(2))
        await app.salesloft.create_configuration("erp", "people")
        run = await call(client, "run_plan", plan=made.data["plan"])
    assert run.data["outcomes"] == {"created": 2}
    assert len(writes(sandbox)) == 3


async def test_a_custom_field_is_retired_in_two_calls(connect: Connect, app: App) -> None:
    target = {"external_type": "old_crm", "object_type": "people"}
    await app.salesloft.create_configuration("old_crm", "people")
    async with connect() as client:
        plan = await call(client, "plan_backfill", **target, custom_field="Legacy ID")
        assert plan.data["counts"] == {"create": 120}
        assert plan.data["source"] == "custom field Legacy ID"
        run = await call(client, "run_plan", plan=plan.data["plan"])
        again = await call(client, "plan_backfill", **target, custom_field="Legacy ID")
        missing = await refused(client, "plan_backfill", **target, custom_field="legacy")
    assert run.words == "finished: 120 of 120 done (120 created)."
    assert run.data["outcomes"] == {"created": 120}
    assert run.data["points_spent"] >= 120
    assert again.data["counts"] == {"unchanged": 120}
    assert missing.startswith('custom_field: no people have a value in "legacy".')


async def test_a_file_is_read_only_from_the_folder_that_was_opened(app: App, era: Era, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(f"external_id,object_id\nN1,{PERSON}\n")
    async with client_of(app, era) as client:
        words = await refused(client, "plan_backfill", **LEADS, file=str(tmp_path / "in.csv"))
    assert words.startswith("file: no folder is open to files here.")
    async with client_of(replace(app, settings=app.settings.model_copy(update={"files_dir": tmp_path})), era) as client:
        plan = await call(client, "plan_backfill", **LEADS, file="in.csv")
        outside = await refused(client, "plan_backfill", **LEADS, file="../in.csv")
        odd = await refused(client, "plan_backfill", **LEADS, file="in.txt")
    assert plan.data["counts"] == {"create": 1}
    assert plan.data["source"] == "file in.csv"
    assert "outside" in outside
    assert "cannot be opened" in odd


async def test_a_small_run_needs_no_question(connect: Connect, app: App) -> None:
    human = Human(action="decline")
    async with connect(elicitation_callback=human) as client:
        reply = await call(client, "run_plan", plan=await planned(client, rows(3)))
    assert reply.data["state"] == "finished"
    assert human.questions == []
    assert await live(app) == ["N0000", "N0001", "N0002"]


@pytest.mark.usefixtures("few_are_many")
async def test_a_preview_says_whether_a_person_would_be_asked_and_begins_nothing(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    human = Human(YES)
    async with connect(elicitation_callback=human) as client:
        small, large = await planned(client, rows(3)), await planned(client, rows(MANY))
        unasked = await call(client, "run_plan", plan=small, preview=True)
        asked = await call(client, "run_plan", plan=large, preview=True)
    assert unasked.words.endswith(" The run would change: 3 mappings to create. Nobody would be asked.")
    told = " The run would change: 45 mappings to create. A person would be asked through this client."
    assert asked.words.endswith(told)
    assert "question" not in unasked.data
    assert "changes: 45 mappings to create" in asked.data["question"].splitlines()
    assert {unasked.data["state"], asked.data["state"]} == {"planned"}
    assert (human.questions, writes(sandbox)) == ([], [])


@pytest.mark.usefixtures("few_are_many")
async def test_a_large_run_is_asked_about_with_its_facts_and_a_no_writes_nothing(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    human = Human(action="decline")
    async with connect(elicitation_callback=human) as client:
        plan = await planned(client, rows(MANY))
        words = await refused(client, "run_plan", plan=plan)
        status = await call(client, "get_plan", plan=plan)
    head, *lines = human.questions[0].split("\n")
    place = 'SANDBOX (http://sandbox.localhost), team "Northwind Software (sandbox)" (100013)'
    assert head == f"Create these external id mappings in {place}?"
    assert not any(line.startswith("last change here") for line in lines)  # a run has no place of its own
    digest = (await app.plans.status(plan)).plan.digest
    assert {
        'external type: "sdfc_lead"',
        "object type: people",
        'from: "45 rows"',
        f"digest of the input: SHA-256 {digest[:16]}…",
        "changes: 45 mappings to create",
        "cost: 46 points",
    } <= set(lines)
    assert len(digest) == 64
    assert "Nothing was changed" in words
    assert status.data["state"] == "planned"
    assert writes(sandbox) == []


async def test_a_large_run_goes_through_after_a_yes_and_once(connect: Connect, app: App, sandbox: Sandbox) -> None:
    human = Human(YES)
    async with connect(elicitation_callback=human) as client:
        plan = await planned(client, rows(501))
        run = await call(client, "run_plan", plan=plan)
        assert (await ended(client, plan)).data["outcomes"] == {"created": 501}
        again = await call(client, "run_plan", plan=plan)
    assert run.data["state"] in ("running", "finished")
    assert again.data["state"] == "finished"
    assert len(human.questions) == 1
    assert len(writes(sandbox)) == 501


@pytest.mark.usefixtures("few_are_many")
async def test_a_plan_that_was_begun_meanwhile_is_not_begun_twice(connect: Connect, app: App, sandbox: Sandbox) -> None:
    async with connect() as other:
        plan = await planned(other, rows(MANY))

    async def begin() -> None:
        operation = operation_of(await app.plans.status(plan))
        question = await app.jobs.question(operation)
        assert question is not None
        await app.jobs.start(operation, Author("another", "asked elsewhere", question.digest))

    async with connect(elicitation_callback=Human(YES, meanwhile=[begin])) as client:
        await call(client, "run_plan", plan=plan)
        assert (await ended(client, plan)).data["outcomes"] == {"created": MANY}
    assert len(writes(sandbox)) == MANY


@pytest.mark.usefixtures("few_are_many")
async def test_a_client_that_cannot_ask_leaves_an_approval_behind(connect: Connect, app: App, sandbox: Sandbox) -> None:
    async with connect() as client:
        plan = await planned(client, rows(MANY))
        words = await refused(client, "run_plan", plan=plan)
        assert "salesloft-mcp approvals" in words
        assert writes(sandbox) == []
        (pending,) = await app.approvals.pending()
        await app.approvals.decide(pending.id, True)
        assert not (await call(client, "run_plan", plan=plan)).failed
        assert (await ended(client, plan)).data["state"] == "finished"


async def test_a_call_that_ends_does_not_end_the_job_and_progress_grows(
    connect: Connect, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[float, float | None, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))

    monkeypatch.setattr(plans, "STEP_SECONDS", 0.01)
    async with connect() as client:
        plan = await planned(client, rows(200))
        result = await client.call_tool("run_plan", {"plan": plan}, progress_callback=hear)
        assert not result.is_error
        gate = Gate(app.salesloft, monkeypatch, 0, "list_objects")
        monkeypatch.setattr(plans, "WAIT_SECONDS", 0.0)
        later = await call(client, "plan_backfill", **LEADS, rows=[{"external_id": "Z1", "object_id": PERSON}])
        assert later.data["state"] == "planning"
        gate.open()
        assert (await ended(client, later.data["plan"])).data["counts"] == {"create": 1}
        await call(client, "run_plan", plan=later.data["plan"])
        assert (await ended(client, later.data["plan"])).data["outcomes"] == {"created": 1}
    numbers = [progress for progress, _, _ in told]
    assert numbers == sorted(set(numbers))
    assert told[-1][:2] == (200, 200)


async def test_a_cancelled_run_keeps_what_it_created_and_can_go_on(
    connect: Connect, app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plans, "STEP_SECONDS", 0.0)
    async with connect() as client:
        plan = await planned(client, rows(150))
        gate = Gate(app.salesloft, monkeypatch, 20)
        await app.jobs.start(operation_of(await app.plans.status(plan)), Author())
        await gate.wait()
        cancelled = await call(client, "cancel_plan", plan=plan)
        assert cancelled.data["state"] == "cancelling"
        assert cancelled.words.endswith("The rows in flight may still be written.")
        words = await refused(client, "undo_change", change=1)
        assert words.startswith(f"change: plan {plan} is still under way. Nothing was changed.")
        gate.open()
        assert (await ended(client, plan)).data["state"] == "cancelled"
        assert 20 <= len(writes(sandbox)) < 150
        assert (await call(client, "run_plan", plan=plan)).data["state"] == "finished"
        words = await refused(client, "cancel_plan", plan=plan)
    assert len(writes(sandbox)) == len(await live(app)) == 150
    assert words.startswith("plan: it is finished.")


@pytest.mark.usefixtures("few_are_many")
async def test_a_cancelled_run_is_asked_about_anew(
    connect: Connect, app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    human = Human(YES)
    monkeypatch.setattr(plans, "WAIT_SECONDS", 0.0)
    async with connect(elicitation_callback=human) as client:
        plan = await planned(client, rows(200))
        await ended(client, plan)
        gate = Gate(app.salesloft, monkeypatch, 20)
        await call(client, "run_plan", plan=plan)
        await gate.wait()
        await call(client, "cancel_plan", plan=plan)
        gate.open()
        assert (await ended(client, plan)).data["state"] == "cancelled"
        human.action = "decline"
        await refused(client, "run_plan", plan=plan)
    assert len(human.questions) == 2
    assert human.questions[1].splitlines()[-1] == "begun before: 1"
    assert len(writes(sandbox)) < 400


async def test_a_plan_can_be_cancelled_while_it_is_made(
    connect: Connect, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = rows(3)
    Gate(app.salesloft, monkeypatch, 0, "list_objects")
    monkeypatch.setattr(plans, "WAIT_SECONDS", 0.0)
    async with connect() as client:
        reply = await call(client, "plan_backfill", **LEADS, rows=given)
        assert reply.words.startswith("planning: ")
        cancelled = await call(client, "cancel_plan", plan=reply.data["plan"])
        words = await refused(client, "run_plan", plan=reply.data["plan"])
    assert cancelled.data["state"] == "cancelled"
    assert cancelled.data["problem"].startswith("it was cancelled while it was planned.")
    what, step = words.split("\n")
    assert what == "plan: it is cancelled. Nothing was started."
    assert step == "Next: plan it again with plan_backfill, plan_bulk_upsert or plan_type_rename, to write anew."


@pytest.mark.parametrize(
    ("entries", "state"),
    [
        (chosen("full"), "finished"),
        (chosen("read-only"), "stopped"),
        (chosen("full", without=("run_plan",)), "stopped"),
    ],
    ids=["full", "read-only", "without run_plan"],
)
async def test_a_run_that_was_cut_off_goes_on_with_the_next_server_where_runs_are_allowed(
    settings: Settings, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, entries: tuple[Entry, ...], state: str
) -> None:
    async with open_app(settings, sandbox) as app, client_of(app, "auto") as client:
        plan = await planned(client, rows(150))
        gate = Gate(app.salesloft, monkeypatch, 20)
        await app.jobs.start(operation_of(await app.plans.status(plan)), Author())
        await gate.wait()
    async with open_app(settings, sandbox) as app:
        assert (await app.plans.status(plan)).state == "stopped"
        await resume(app, entries)
        assert (await app.jobs.wait(plan, HANG_SECONDS)).state == state
        assert (len(await live(app)) == 150) is (state == "finished")


async def test_a_run_in_another_process_is_followed_and_not_begun_again(
    settings: Settings, app: App, sandbox: Sandbox, era: Era, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(app.salesloft, monkeypatch, 1)
    monkeypatch.setattr(plans, "STEP_SECONDS", 0.0)
    async with open_app(settings, sandbox) as other, client_of(other, era) as client:
        plan = await planned(client, rows(3))
        await app.jobs.start(operation_of(await app.plans.status(plan)), Author())
        await gate.wait()
        with monkeypatch.context() as patched:
            patched.setattr(plans, "WAIT_SECONDS", 0.0)
            assert (await call(client, "run_plan", plan=plan)).data["state"] == "running"
        gate.open()
        assert (await ended(client, plan)).data["outcomes"] == {"created": 3}
    assert len(writes(sandbox)) == 3


async def test_rows_that_are_refused_are_told_with_their_line(connect: Connect, app: App, sandbox: Sandbox) -> None:
    async with connect() as client:
        plan = await planned(client, rows(3))
        await app.salesloft.create_mapping("sdfc_lead", "people", "N0001", PERSON)
        run = await call(client, "run_plan", plan=plan)
        seen = await call(client, "get_plan", plan=plan, rows="attention")
    assert run.words == "finished: 3 of 3 done (2 created, 1 conflict)."
    (row,) = seen.data["rows"]
    assert (row["line"], row["external_id"], row["plan"], row["outcome"]) == (2, "N0001", "create", "conflict")


async def test_what_hides_in_a_row_is_escaped_once_in_its_id_and_in_its_note(connect: Connect, app: App) -> None:
    await app.salesloft.create_mapping("sdfc_lead", "people", "N\u202e1", PERSON)
    given = [{"external_id": "N\u202e2", "object_id": LEAD}, {"external_id": "X1", "object_id": PERSON}]
    async with connect() as client:
        plan = await planned(client, given)
        hidden, second = (await call(client, "get_plan", plan=plan, rows="all")).data["rows"]
    assert hidden["external_id"] == "N\\u{202e}2"
    assert second["note"] == 'the record has the external id "N\\u{202e}1" already'


async def test_a_run_that_salesloft_refuses_stops_with_the_reason(connect: Connect, app: App, sandbox: Sandbox) -> None:
    async with connect() as client:
        plan = await planned(client, rows(3))
        sandbox.faults.add(Fault("status", status=401, method="POST", times=None))
        run = await call(client, "run_plan", plan=plan)
        assert run.data["state"] == "stopped"
        assert run.data["problem"] == (
            'Salesloft does not accept this token (401). It says "The sandbox was told to fail".\n'
            "Next: set a current SALESLOFT_API_KEY."
        )
        sandbox.faults.clear()
        assert (await call(client, "run_plan", plan=plan)).data["outcomes"] == {"created": 3}


async def test_a_run_that_goes_on_tells_how_a_person_agreed_to_it(
    connect: Connect, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("salesloft_mcp.changes.consent.MOST_UNASKED", 2)
    human = Human(YES)
    async with connect(elicitation_callback=human) as client:
        plan = await planned(client, rows(3))
        sandbox.faults.add(Fault("status", status=401, method="POST", times=None))
        begun = await call(client, "run_plan", plan=plan)
        sandbox.faults.clear()
        resumed = await call(client, "run_plan", plan=plan)
    assert len(human.questions) == 1
    assert begun.data["agreed"] == resumed.data["agreed"] == "asked through the client"


@pytest.mark.parametrize("tool", ["run_plan", "get_plan", "cancel_plan"])
@pytest.mark.parametrize("plan", ["", "nope", "../change_log", "a\0b", "x" * 64])
async def test_an_id_that_is_none_is_refused(connect: Connect, sandbox: Sandbox, tool: str, plan: str) -> None:
    async with connect() as client:
        words = await refused(client, tool, plan=plan)
    again = "plan it again with plan_backfill, plan_bulk_upsert or plan_type_rename."
    assert words == f"plan: there is no such plan here.\nNext: {again}"
    assert len(sandbox.requests) == 0


async def test_a_plan_for_one_team_is_not_run_for_another(connect: Connect, app: App, sandbox: Sandbox) -> None:
    async with connect() as client:
        plan = await planned(client, rows(1))
        await app.plans.note(plan, team="7")
        words = await refused(client, "run_plan", plan=plan)
    assert "it was made for team 7, and this token is of team 100013. Nothing was written." in words
    assert writes(sandbox) == []


@pytest.mark.usefixtures("few_are_many")
async def test_a_run_is_one_line_of_the_change_log_and_says_how_a_person_agreed(connect: Connect, app: App) -> None:
    async with connect(elicitation_callback=Human(YES)) as client:
        plan = await planned(client, rows(MANY))
        await call(client, "run_plan", plan=plan)
        number = (await ended(client, plan)).data["change_id"]
        (line,) = (await call(client, "list_changes")).data["changes"]
    assert (line["id"], line["tool"], line["plan"], line["did"]) == (number, "run_plan", plan, f"{MANY} created")
    assert line["agreed"] == "asked through the client"
    assert "changes" not in line  # the plan tells them


async def test_a_run_is_undone_under_one_yes_and_can_be_watched(connect: Connect, app: App, sandbox: Sandbox) -> None:
    human = Human(YES)
    async with connect(elicitation_callback=human) as client:
        plan = await planned(client, rows(120))
        number = (await call(client, "run_plan", plan=plan)).data["change_id"]
        preview = await call(client, "undo_change", change=number, preview=True)
        assert "changes: 120 mappings to delete" in preview.data["question"]
        assert len(await live(app)) == 120
        reply = await call(client, "undo_change", change=number)
        seen = await call(client, "get_plan", plan=f"undo-{number}", rows="all")
        (undo, run) = (await call(client, "list_changes")).data["changes"]
        again = await refused(client, "undo_change", change=number)
    assert reply.data["status"] == "deleted"
    assert reply.data["run"]["outcomes"] == {"deleted": 120}
    assert reply.data["change_id"] == undo["id"] == run["undone_by"]
    assert (undo["undoes"], undo["did"]) == (number, "120 deleted")
    assert {row["outcome"] for row in seen.data["rows"]} == {"deleted"}
    assert [row["line"] for row in seen.data["rows"]] == list(range(1, 101))
    assert seen.data["next_cursor"] == "100"
    assert f"change {number} was undone by change {undo['id']} already" in again
    assert await live(app) == []
    assert len(human.questions) == 1


async def test_a_no_to_the_undo_of_a_run_leaves_it_as_it_is(connect: Connect, app: App, sandbox: Sandbox) -> None:
    async with connect(elicitation_callback=Human(action="decline")) as client:
        plan = await planned(client, rows(30))
        number = (await call(client, "run_plan", plan=plan)).data["change_id"]
        await refused(client, "undo_change", change=number)
        assert (await call(client, "get_plan", plan=plan)).data["state"] == "finished"
    assert len(await live(app)) == 30


@pytest.mark.parametrize("era", ["auto"])
async def test_a_configuration_with_six_hundred_mappings_comes_back_with_all_of_them_after_a_yes(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    human = Human({"type_the_name": "erp"})
    async with connect(elicitation_callback=human) as client:
        await call(client, "create_external_id_configuration", external_type="erp", object_type="people")
        ids = await people(app)
        for n in range(600):
            await app.salesloft.create_mapping("erp", "people", f"E{n:04}", ids[n % len(ids)])
        gone = await call(client, "delete_external_id_configuration", external_type="erp", object_type="people")
        assert gone.data["saved_mappings"] == 600
        for row in [row async for row in mappings_of(app)]:
            await app.salesloft.delete_mapping(row)
        human.answer = YES
        back = await call(client, "undo_change", change=gone.data["change_id"])
        plan = f"undo-{gone.data['change_id']}"
        assert (await ended(client, plan)).data["outcomes"] == {"created": 600}
    assert "changes: 600 mappings to create" in human.questions[-1].splitlines()
    assert back.data["run"]["plan"] == plan
    assert len([row async for row in mappings_of(app)]) == 600


async def mappings_of(app: App) -> AsyncIterator[int]:
    """The ids of the mappings of the configuration that comes and goes."""
    page, found = 1, list[int]()
    while page:
        rows = await app.salesloft.list_mappings(external_type="erp", object_type="people", deleted=False, page=page)
        found += [row.id or 0 for row in rows.rows]
        page = rows.next_page or 0
    for one in found:
        yield one
