"""A run writes no more than a person has agreed to, whoever plans, runs or resumes the same meanwhile."""

from dataclasses import replace
from typing import Any

import anyio
import pytest
from mcp.client import Client

from salesloft_mcp import errors
from salesloft_mcp.app import App
from salesloft_mcp.bulk.plan import Aim, Loaded
from salesloft_mcp.bulk.sources import load_rows
from salesloft_mcp.bulk.status import operation_of
from salesloft_mcp.changes.change import Author
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.state.staging import Staging
from tests.bulk.running import FIRST_PERSON
from tests.conftest import Connect
from tests.server.calling import call, refused, writes
from tests.server.human import YES, Human

pytestmark = pytest.mark.anyio

LEADS = {"external_type": "sdfc_lead", "object_type": "people"}
MOST = 4  # creates that nobody is asked about, in these tests


@pytest.fixture(autouse=True)
def _few_are_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("salesloft_mcp.changes.consent.MOST_UNASKED", MOST)


def rows(count: int, name: str = "N") -> list[dict[str, Any]]:
    """Rows that the plan will want to create, each for a person of its own, whatever other name there is."""
    first = FIRST_PERSON + 10 * "ABN".index(name)
    return [{"external_id": f"{name}{number}", "object_id": first + number} for number in range(count)]


async def planned(client: Client, count: int, name: str = "N") -> str:
    reply = await call(client, "plan_backfill", **LEADS, rows=rows(count, name))
    return str(reply.data["plan"])


async def test_a_plan_that_is_still_being_made_is_not_started(connect: Connect, app: App, sandbox: Sandbox) -> None:
    """What it will create is not known yet, so nobody could have agreed to it."""
    go_on = anyio.Event()

    async def load(staging: Staging, aim: Aim) -> Loaded:
        await go_on.wait()
        return await load_rows(staging, aim, rows=rows(MOST + 1))

    plan = await app.jobs.plan(Aim("sdfc_lead", "people"), load, "rows")
    async with connect() as client:
        assert "it is planning. Nothing was started." in await refused(client, "run_plan", plan=plan)
        go_on.set()
        await app.jobs.wait(plan, 10)
        assert "needs a person's yes" in await refused(client, "run_plan", plan=plan)
    assert writes(sandbox) == []


async def test_a_run_that_would_create_more_than_was_agreed_to_does_not_start(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    async with connect() as client:
        operation = operation_of(await app.plans.status(await planned(client, MOST)))
    smaller = replace(operation, by_run=replace(operation.by_run, creates=MOST - 1))
    for author in (Author(), Author(how="asked through the client", consent="1")):
        with pytest.raises(errors.UnconfirmedError, match="fewer were agreed to"):
            await app.jobs.start(smaller, author)
    assert writes(sandbox) == []


async def test_a_run_that_needs_a_yes_does_not_start_without_one(connect: Connect, app: App, sandbox: Sandbox) -> None:
    async with connect() as client:
        operation = operation_of(await app.plans.status(await planned(client, MOST + 1)))
    with pytest.raises(errors.UnconfirmedError, match="a person has to agree"):
        await app.jobs.start(operation, Author())
    assert writes(sandbox) == []


async def test_small_runs_one_after_the_other_are_asked_about_when_they_are_many_together(
    connect: Connect, sandbox: Sandbox
) -> None:
    human = Human(action="decline")
    async with connect(elicitation_callback=human) as client:
        first = await call(client, "run_plan", plan=await planned(client, MOST - 1, "A"))
        assert first.data["state"] == "finished"
        assert human.questions == []
        await refused(client, "run_plan", plan=await planned(client, MOST - 1, "B"))
    (question,) = human.questions
    assert question.startswith("Create these external id mappings in SANDBOX (http://sandbox.localhost), team ")
    assert f"changes: {MOST - 1} mappings to create" in question.split("\n")
    assert len(writes(sandbox)) == MOST - 1


async def test_what_comes_back_by_a_run_counts_among_them(connect: Connect, app: App, sandbox: Sandbox) -> None:
    store, key = sandbox.store, {"external_type": "few", "object_type": "accounts"}
    async with connect(elicitation_callback=Human({"type_the_name": "few"})) as client:
        await call(client, "create_external_id_configuration", **key)
        with store.transaction():
            for number in range(MOST - 1):
                row = {**key, "external_id": f"F{number}", "object_id": 13, "deleted": 0, "inserted_at": "2024-02-01"}
                store.insert("mappings", row)
        gone = await call(client, "delete_external_id_configuration", **key)
        assert gone.data["saved_mappings"] == MOST - 1
        await call(client, "run_plan", plan=await planned(client, MOST - 1))
    human = Human(YES)
    async with connect(elicitation_callback=human) as client:
        back = await call(client, "undo_change", change=gone.data["change_id"])
    assert not back.failed, back.words
    (question,) = human.questions
    assert f"changes: {MOST - 1} mappings to create" in question.split("\n")
    assert back.data["run"]["outcomes"] == {"unchanged": MOST - 1}
