"""Many mappings through tools: planned, agreed to, run behind the call, watched, cancelled and resumed."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client

from salesloft_mcp.app import App, open_app
from salesloft_mcp.hosting.run import resume
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import Team
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import Entry, chosen
from salesloft_mcp.server.tools import backfills
from salesloft_mcp.settings import Settings
from tests.conftest import Connect, Era
from tests.hosting.program import HANG_SECONDS
from tests.server.calling import Reply, call, refused, writes
from tests.server.human import YES, Human

pytestmark = [pytest.mark.anyio, pytest.mark.steady]

LEADS: dict[str, Any] = {"external_type": "crm_lead", "object_type": "people"}
PERSON = 578495206
MANY = 510  # over 500, and within the points of a minute


@pytest.fixture
def sandbox() -> Any:
    with Sandbox(rate_limit=0) as sandbox:
        yield sandbox


async def people(app: App) -> list[int]:
    return [row.id for row in (await app.salesloft.list_objects("people", (), per_page=100)).rows]


async def rows(app: App, number: int) -> list[dict[str, Any]]:
    ids = await people(app)
    return [{"external_id": f"N{n:04}", "object_id": ids[n % len(ids)]} for n in range(number)]


class Gate:
    """Lets some creates through, and holds the others until it is opened."""

    def __init__(self, api: Salesloft, monkeypatch: pytest.MonkeyPatch, through: int) -> None:
        self._reached = anyio.Event()
        self._open = anyio.Event()
        self._left = through
        self._create = api.create_mapping
        monkeypatch.setattr(api, "create_mapping", self)

    async def __call__(self, *key: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            self._reached.set()
            await self._open.wait()
        return await self._create(*key)

    async def wait(self) -> None:
        with anyio.fail_after(HANG_SECONDS):
            await self._reached.wait()

    def open(self) -> None:
        self._open.set()


async def ended(client: Client, backfill_id: str) -> Reply:
    """The answer once nobody works on it any more."""
    with anyio.fail_after(HANG_SECONDS):
        while True:
            reply = await call(client, "get_backfill", backfill_id=backfill_id)
            if reply.data["state"] not in ("planning", "running"):
                return reply
            await anyio.sleep(0.01)


async def live(app: App, prefix: str = "N") -> list[str]:
    found, page = [], 1
    while page:
        mappings = await app.salesloft.list_mappings(external_type="crm_lead", deleted=False, page=page)
        found += [row.external_id for row in mappings.rows if row.external_id.startswith(prefix)]
        page = mappings.next_page or 0
    return sorted(found)


@asynccontextmanager
async def client_of(app: App, era: Era, **options: Any) -> AsyncIterator[Client]:
    async with Client(build_server(app, chosen(app.mode)), mode=era, **options) as client:
        yield client


async def test_a_plan_tells_what_would_happen_and_writes_nothing(connect: Connect, app: App, sandbox: Sandbox) -> None:
    given = [
        {"external_id": "N1", "email": "NOBODY@x.test"},
        {"external_id": "N2", "object_id": PERSON},
        {"external_id": "CONTACT3456", "object_id": str(PERSON)},
        {"external_id": "CONTACT3456", "object_id": str(PERSON)},
        {"external_id": "CONTACT3456", "object_id": "207550815"},
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
    assert (data["points"], data["minutes"]) == (1, 0.1)
    assert data["source"] == "6 rows"
    assert len(data["digest"]) == 64
    assert [(row["line"], row["verdict"]) for row in data["rows"]] == [
        (1, "object unknown"),
        (5, "invalid"),
        (6, "invalid"),
    ]
    assert data["rows"][0]["email"] == "nobody@x.test"
    assert data["rows"][2]["external_id"] == "N3\\u{202e}"
    assert reply.words == "planned: 1 to create, 1 unchanged, 3 that cannot be. Nothing written."
    assert data["points_spent"] > 0
    assert clash.data["rows"][0]["verdict"] == "conflict"
    assert clash.data["rows"][0]["note"] == f"is mapped to {PERSON}"
    assert writes(sandbox) == []


async def test_a_plan_answers_in_few_tokens_however_many_rows_it_has(connect: Connect, app: App) -> None:
    given = [{"external_id": f"N{n}", "email": f"nobody{n}@x.test"} for n in range(1_000)]
    async with connect() as client:
        reply = await call(client, "plan_backfill", **LEADS, rows=given)
        assert reply.data["counts"] == {"object unknown": 1_000}
        assert len(reply.data["rows"]) == 5
        assert reply.tokens < 300
        seen, cursor = [row["line"] for row in reply.data["rows"]], reply.data["next_cursor"]
        while cursor:
            page = await call(client, "get_backfill", backfill_id=reply.data["backfill_id"], cursor=cursor)
            seen += [row["line"] for row in page.data["rows"]]
            cursor = page.data.get("next_cursor")
        too_many = await refused(client, "plan_backfill", **LEADS, rows=[*given, {}])
    assert seen == list(range(1, 1_001))
    assert too_many.startswith("rows: ")


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
    assert words == "rows: give exactly one of rows, file and custom_field."
    assert len(sandbox.requests) == 0


async def test_an_external_type_that_is_not_configured_is_refused_with_the_nearest(connect: Connect) -> None:
    async with connect() as client:
        words = await refused(client, "plan_backfill", external_type="crm_leed", object_type="people", custom_field="x")
    assert words.startswith('external_type: "crm_leed" is not configured for people.')
    assert 'existing are "crm_lead"' in words
    assert "create_external_id_configuration" in words


async def test_a_custom_field_is_retired_in_two_calls(connect: Connect, app: App) -> None:
    target = {"external_type": "marketing_automation", "object_type": "people"}
    async with connect() as client:
        planned = await call(client, "plan_backfill", **target, custom_field="Legacy ID")
        assert planned.data["counts"] == {"create": 120}
        assert planned.data["source"] == "custom field Legacy ID"
        run = await call(client, "run_backfill", backfill_id=planned.data["backfill_id"])
        again = await call(client, "plan_backfill", **target, custom_field="Legacy ID")
        missing = await refused(client, "plan_backfill", **target, custom_field="legacy")
    assert run.words == "finished: 120 of 120 done; 0 were ruled out by the plan."
    assert run.data["outcomes"] == {"created": 120}
    assert run.data["points_spent"] >= 120
    assert again.data["counts"] == {"unchanged": 120}
    assert missing.startswith('custom_field: no people have a value in "legacy".')


async def test_a_file_is_read_only_from_the_folder_that_was_opened(app: App, era: Era, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text(f"external_id,object_id\nN1,{PERSON}\n")
    async with client_of(app, era) as client:
        words = await refused(client, "plan_backfill", **LEADS, file=str(tmp_path / "in.csv"))
    assert words.startswith("file: no folder is open to files here.")
    async with client_of(replace(app, files_dir=tmp_path), era) as client:
        planned = await call(client, "plan_backfill", **LEADS, file="in.csv")
        outside = await refused(client, "plan_backfill", **LEADS, file="../in.csv")
        odd = await refused(client, "plan_backfill", **LEADS, file="in.txt")
    assert planned.data["counts"] == {"create": 1}
    assert planned.data["source"] == "file in.csv"
    assert "outside" in outside
    assert "cannot be opened" in odd


async def test_a_small_run_needs_no_question(connect: Connect, app: App) -> None:
    human = Human(action="decline")
    async with connect(elicitation_callback=human) as client:
        planned = await call(client, "plan_backfill", **LEADS, rows=await rows(app, 3))
        reply = await call(client, "run_backfill", backfill_id=planned.data["backfill_id"])
    assert reply.data["state"] == "finished"
    assert human.questions == []
    assert await live(app) == ["N0000", "N0001", "N0002"]


async def test_a_large_run_is_asked_about_with_its_facts_and_a_no_writes_nothing(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    human = Human(action="decline")
    async with connect(elicitation_callback=human) as client:
        planned = await call(client, "plan_backfill", **LEADS, rows=await rows(app, MANY))
        words = await refused(client, "run_backfill", backfill_id=planned.data["backfill_id"])
        status = await call(client, "get_backfill", backfill_id=planned.data["backfill_id"])
    lines = human.questions[0].split("\n")
    assert lines[0] == "Create these external id mappings in SANDBOX (http://sandbox.localhost)?"
    assert 'external type: "crm_lead"' in lines
    assert "mappings to create: 510" in lines
    assert "cost: 510 points, about 1.0 minutes" in lines
    assert f"digest of the input: {planned.data['digest']}" in lines
    assert "Nothing was changed" in words
    assert status.data["state"] == "planned"
    assert writes(sandbox) == []


async def test_a_large_run_goes_through_after_a_yes_and_once(connect: Connect, app: App, sandbox: Sandbox) -> None:
    human = Human(YES)
    async with connect(elicitation_callback=human) as client:
        planned = await call(client, "plan_backfill", **LEADS, rows=await rows(app, MANY))
        backfill_id = planned.data["backfill_id"]
        run = await call(client, "run_backfill", backfill_id=backfill_id)
        assert (await ended(client, backfill_id)).data["outcomes"] == {"created": MANY}
        again = await call(client, "run_backfill", backfill_id=backfill_id)
    assert run.data["state"] in ("running", "finished")
    assert again.data["state"] == "finished"
    assert len(human.questions) == 1
    assert len(writes(sandbox)) == MANY


async def test_a_plan_that_was_begun_meanwhile_is_not_begun_twice(connect: Connect, app: App, sandbox: Sandbox) -> None:
    async with connect() as other:
        planned = await call(other, "plan_backfill", **LEADS, rows=await rows(app, MANY))
    backfill_id = planned.data["backfill_id"]

    async def begin() -> None:
        app.backfills.start(backfill_id)

    async with connect(elicitation_callback=Human(YES, meanwhile=[begin])) as client:
        await call(client, "run_backfill", backfill_id=backfill_id)
        assert (await ended(client, backfill_id)).data["outcomes"] == {"created": MANY}
    assert len(writes(sandbox)) == MANY


async def test_a_client_that_cannot_ask_leaves_an_approval_behind(connect: Connect, app: App, sandbox: Sandbox) -> None:
    async with connect() as client:
        planned = await call(client, "plan_backfill", **LEADS, rows=await rows(app, MANY))
        words = await refused(client, "run_backfill", backfill_id=planned.data["backfill_id"])
        assert "salesloft-mcp approvals" in words
        assert writes(sandbox) == []
        (pending,) = app.state.pending()
        app.state.decide(pending.id, True)
        assert not (await call(client, "run_backfill", backfill_id=planned.data["backfill_id"])).failed
        assert (await ended(client, planned.data["backfill_id"])).data["state"] == "finished"


async def test_a_call_that_ends_does_not_end_the_job_and_progress_grows(
    connect: Connect, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[tuple[float, float | None, str | None]] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total, message))

    monkeypatch.setattr(backfills, "STEP_SECONDS", 0.01)
    async with connect() as client:
        planned = await call(client, "plan_backfill", **LEADS, rows=await rows(app, 400))
        result = await client.call_tool(
            "run_backfill", {"backfill_id": planned.data["backfill_id"]}, progress_callback=hear
        )
        assert not result.is_error
        monkeypatch.setattr(backfills, "WAIT_SECONDS", 0.0)
        later = await call(client, "plan_backfill", **LEADS, rows=[{"external_id": "Z1", "object_id": PERSON}])
        assert later.data["state"] == "planning"
        assert (await ended(client, later.data["backfill_id"])).data["counts"] == {"create": 1}
        await call(client, "run_backfill", backfill_id=later.data["backfill_id"])
        assert (await ended(client, later.data["backfill_id"])).data["outcomes"] == {"created": 1}
    numbers = [progress for progress, _, _ in told]
    assert numbers == sorted(set(numbers))
    assert told[-1][:2] == (400, 400)


async def test_a_cancelled_run_keeps_what_it_created_and_can_go_on(
    connect: Connect, app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backfills, "STEP_SECONDS", 0.0)
    async with connect() as client:
        planned = await call(client, "plan_backfill", **LEADS, rows=await rows(app, 300))
        backfill_id = planned.data["backfill_id"]
        gate = Gate(app.backfills.api, monkeypatch, 20)
        app.backfills.start(backfill_id)
        await gate.wait()
        cancelled = await call(client, "cancel_backfill", backfill_id=backfill_id)
        assert cancelled.data["state"] == "running"
        gate.open()
        assert (await ended(client, backfill_id)).data["state"] == "cancelled"
        assert 20 <= len(writes(sandbox)) < 300
        assert app.backfills.stopped() == []
        assert (await call(client, "run_backfill", backfill_id=backfill_id)).data["state"] == "finished"
        words = await refused(client, "cancel_backfill", backfill_id=backfill_id)
    assert len(writes(sandbox)) == len(await live(app)) == 300
    assert words.startswith("backfill_id: this backfill is finished.")


async def test_a_cancelled_run_is_asked_about_anew(
    connect: Connect, app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    human = Human(YES)
    monkeypatch.setattr(backfills, "WAIT_SECONDS", 0.0)
    async with connect(elicitation_callback=human) as client:
        planned = await call(client, "plan_backfill", **LEADS, rows=await rows(app, 900))
        backfill_id = planned.data["backfill_id"]
        await ended(client, backfill_id)
        gate = Gate(app.backfills.api, monkeypatch, 20)
        await call(client, "run_backfill", backfill_id=backfill_id)
        await gate.wait()
        await call(client, "cancel_backfill", backfill_id=backfill_id)
        gate.open()
        assert (await ended(client, backfill_id)).data["state"] == "cancelled"
        human.action = "decline"
        await refused(client, "run_backfill", backfill_id=backfill_id)
    assert len(human.questions) == 2
    assert len(writes(sandbox)) < 400


async def test_a_cancelled_plan_is_not_run_by_a_restart(app: App, era: Era) -> None:
    async with client_of(app, era) as client:
        planned = await call(client, "plan_backfill", **LEADS, rows=await rows(app, 3))
        cancelled = await call(client, "cancel_backfill", backfill_id=planned.data["backfill_id"])
    assert cancelled.data["state"] == "cancelled"
    assert app.backfills.stopped() == []


async def test_a_plan_can_be_cancelled_while_it_is_made(
    connect: Connect, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: Any, **__: Any) -> None:
        await anyio.sleep_forever()

    given = await rows(app, 3)
    monkeypatch.setattr(backfills, "WAIT_SECONDS", 0.0)
    monkeypatch.setattr(app.backfills.api, "list_objects", never)
    async with connect() as client:
        planned = await call(client, "plan_backfill", **LEADS, rows=given)
        assert planned.words == "planning: ask again with get_backfill. Nothing written."
        cancelled = await call(client, "cancel_backfill", backfill_id=planned.data["backfill_id"])
        words = await refused(client, "run_backfill", backfill_id=planned.data["backfill_id"])
    assert cancelled.data["state"] == "failed"
    assert cancelled.data["problem"].startswith("it was cut off while it was planned.")
    assert words.startswith("backfill_id: this backfill is failed. Nothing was started.")


async def cut_off(settings: Settings, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, cancel: bool = False) -> str:
    """A run that a server began, and left in the middle; its id."""
    async with open_app(settings, sandbox) as app:
        async with Client(build_server(app, chosen("full"))) as client:
            planned = await call(client, "plan_backfill", **LEADS, rows=await rows(app, 300))
            backfill_id = str(planned.data["backfill_id"])
            gate = Gate(app.backfills.api, monkeypatch, 20)
            app.backfills.start(backfill_id)
            await gate.wait()
            if cancel:
                app.backfills.cancel(backfill_id)
    assert 20 <= len(writes(sandbox)) < 300
    return backfill_id


async def test_a_run_that_was_cut_off_goes_on_with_the_next_server(
    settings: Settings, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    backfill_id = await cut_off(settings, sandbox, monkeypatch)
    async with open_app(settings, sandbox) as app:
        assert app.backfills.status(backfill_id).state == "stopped"
        app.backfills._quiet = 0.0
        resume(app, chosen("full"))
        status = await app.backfills.wait(backfill_id, 20)
        assert (status.state, status.done) == ("finished", 300)
        assert len(await live(app)) == 300


@pytest.mark.parametrize("entries", [chosen("read-only"), chosen("full", without=("run_backfill",))], ids=len)
async def test_no_run_goes_on_where_runs_are_not_allowed(
    settings: Settings, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, entries: tuple[Entry, ...]
) -> None:
    backfill_id = await cut_off(settings, sandbox, monkeypatch)
    async with open_app(settings, sandbox) as app:
        resume(app, entries)
        assert app.backfills.status(backfill_id).state == "stopped"


async def test_a_run_that_was_cancelled_and_then_cut_off_does_not_go_on(
    settings: Settings, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    backfill_id = await cut_off(settings, sandbox, monkeypatch, cancel=True)
    async with open_app(settings, sandbox) as app:
        assert app.backfills.stopped() == []
        assert app.backfills.status(backfill_id).state == "cancelled"


async def test_what_another_process_works_on_is_left_to_it(
    settings: Settings, app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    gate = Gate(app.backfills.api, monkeypatch, 1)
    async with open_app(settings, sandbox) as other:
        async with Client(build_server(other, chosen("full"))) as client:
            planned = await call(client, "plan_backfill", **LEADS, rows=await rows(app, 3))
            backfill_id = planned.data["backfill_id"]
            app.backfills.start(backfill_id)
            await gate.wait()
            monkeypatch.setattr(backfills, "STEP_SECONDS", 0.0)
            monkeypatch.setattr(backfills, "WAIT_SECONDS", 0.0)
            assert (await call(client, "run_backfill", backfill_id=backfill_id)).data["state"] == "running"
            assert other.backfills.stopped() == []
            gate.open()
            assert (await ended(client, backfill_id)).data["outcomes"] == {"created": 3}
    assert len(writes(sandbox)) == 3


async def test_rows_that_are_refused_are_told_with_their_line(connect: Connect, app: App, sandbox: Sandbox) -> None:
    async with connect() as client:
        planned = await call(client, "plan_backfill", **LEADS, rows=await rows(app, 3))
        ids = await people(app)
        await app.salesloft.create_mapping("crm_lead", "people", "N0001", ids[50])
        run = await call(client, "run_backfill", backfill_id=planned.data["backfill_id"])
        seen = await call(client, "get_backfill", backfill_id=planned.data["backfill_id"])
    assert run.words == "finished: 3 of 3 done, 1 refused; 0 were ruled out by the plan."
    (row,) = seen.data["rows"]
    assert (row["line"], row["external_id"], row["verdict"]) == (2, "N0001", "conflict")
    assert row["note"] == f"is mapped to {ids[50]}"


async def test_a_run_that_salesloft_refuses_stops_with_the_reason(connect: Connect, app: App, sandbox: Sandbox) -> None:
    async with connect() as client:
        planned = await call(client, "plan_backfill", **LEADS, rows=await rows(app, 3))
        sandbox.faults.add(Fault("status", status=401, method="POST", times=None))
        run = await call(client, "run_backfill", backfill_id=planned.data["backfill_id"])
    assert run.data["state"] == "stopped"
    assert run.data["problem"]


@pytest.mark.parametrize("tool", ["run_backfill", "get_backfill", "cancel_backfill"])
@pytest.mark.parametrize("backfill_id", ["", "nope", "../change_log", "a\0b"])
async def test_an_id_that_is_none_is_refused(connect: Connect, sandbox: Sandbox, tool: str, backfill_id: str) -> None:
    async with connect() as client:
        words = await refused(client, tool, backfill_id=backfill_id)
    assert words == "backfill_id: there is no such backfill here.\nNext: make one with plan_backfill."
    assert len(sandbox.requests) == 0


async def test_a_backfill_of_another_environment_is_unknown(connect: Connect, app: App, monkeypatch: Any) -> None:
    async with connect() as client:
        planned = await call(client, "plan_backfill", **LEADS, rows=await rows(app, 1))
        monkeypatch.setattr(app.backfills, "_environment", "https://api.salesloft.com")
        assert "no such backfill" in await refused(client, "run_backfill", backfill_id=planned.data["backfill_id"])
        assert app.backfills.stopped() == []


async def test_a_plan_for_one_team_is_not_run_for_another(
    connect: Connect, app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def other() -> Team:
        return Team(id=7)

    async with connect() as client:
        planned = await call(client, "plan_backfill", **LEADS, rows=await rows(app, 1))
        monkeypatch.setattr(app.backfills.api, "team", other)
        run = await call(client, "run_backfill", backfill_id=planned.data["backfill_id"])
    assert run.data["state"] == "stopped"
    assert "this token is of team 7. Nothing was written." in run.data["problem"]
    assert writes(sandbox) == []


async def test_every_created_row_stands_in_the_change_log(connect: Connect, app: App) -> None:
    async with connect() as client:
        planned = await call(client, "plan_backfill", **LEADS, rows=await rows(app, 3))
        await call(client, "run_backfill", backfill_id=planned.data["backfill_id"])
        listed = await call(client, "list_changes")
    assert sum("run_backfill" in str(change) for change in listed.data["changes"]) == 3


async def test_the_change_log_says_how_a_person_agreed_to_a_run(connect: Connect, app: App) -> None:
    many = await rows(app, 1)
    listed = [{**many[0], "external_id": f"agreed-{number}"} for number in range(501)]
    async with connect(elicitation_callback=Human(YES)) as client:
        planned = await call(client, "plan_backfill", **LEADS, rows=listed)
        await call(client, "run_backfill", backfill_id=planned.data["backfill_id"])
    assert {change.confirmed for change in app.state.log.find(limit=501)} == {"asked through the client"}


async def test_a_journal_that_is_damaged_stops_neither_the_start_nor_the_others(connect: Connect, app: App) -> None:
    async with connect() as client:
        planned = await call(client, "plan_backfill", **LEADS, rows=await rows(app, 1))
        with app.backfills.report(planned.data["backfill_id"]) as journal:
            folder = journal.file.parent
        (folder / "damaged1.db").write_bytes(b"this is no journal" * 100)
        assert app.backfills.stopped() == []
        assert "cannot be read" in await refused(client, "get_backfill", backfill_id="damaged1")
