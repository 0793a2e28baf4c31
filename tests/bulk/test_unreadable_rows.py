"""A row of Salesloft's answers that cannot be read takes no plan down, and never passes for one that is not there."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from salesloft_mcp.app import App, open_app
from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.report import every_row
from salesloft_mcp.bulk.sources import load_rows
from salesloft_mcp.bulk.status import Status
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.sandbox.oddities import ODD_VALUES
from salesloft_mcp.settings import Settings
from tests.hosting.program import HANG_SECONDS

from .running import FIRST_PERSON
from .working import finished

pytestmark = pytest.mark.anyio

ANN, BEN = FIRST_PERSON, FIRST_PERSON + 1


@pytest.fixture
async def app(settings: Settings, sandbox: Sandbox) -> AsyncIterator[App]:
    async with open_app(settings, sandbox) as app:
        await app.salesloft.create_configuration("marketing", "people")
        sandbox._odd = frozenset({"null-rows", "odd-values"})
        yield app


async def planned(app: App, aim: Aim, *rows: dict[str, Any]) -> tuple[Status, list[tuple[str, str]]]:
    plan = await app.jobs.plan(aim, partial(load_rows, rows=rows), "rows")
    status = await app.jobs.wait(plan, HANG_SECONDS)
    return status, [(row.plan, row.note) async for row in every_row(app.plans, app.changes.log, status)]


def email(sandbox: Sandbox, number: int) -> str:
    return str(sandbox.store.by_id("people", number)["fields"]["email_address"])  # type: ignore[index]


async def test_the_others_of_a_backfill_are_planned_and_it_says_what_may_be_missing(app: App, sandbox: Sandbox) -> None:
    rows = [{"external_id": "A-1", "email": email(sandbox, ANN)}, {"external_id": "A-2", "email": "no@where.test"}]
    status, told = await planned(app, Aim("marketing", "people"), *rows)
    assert [plan for plan, _ in told] == ["create", "object unknown"]
    assert any("cannot be read: a record that was not found may be there" in note for note in status.plan.notes)


async def test_a_person_of_a_bulk_upsert_who_cannot_be_read_is_told_from_one_who_is_gone(
    app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, person in (("M-1", ANN), ("M-2", BEN)):
        await app.salesloft.create_mapping("marketing", "people", name, person)
    monkeypatch.setitem(ODD_VALUES, ("people", BEN), {"id": None})
    rows = [{"external_id": f"M-{number}", "title": "CFO"} for number in (1, 2)]
    new = {"external_id": "M-3", "email_address": "new@where.test"}
    _, told = await planned(app, Aim("marketing", "people", "upsert"), *rows, new)
    assert [plan for plan, _ in told] == ["update", "conflict", "create"]
    assert told[1][1] == f"is mapped to person {BEN}, which Salesloft shows in a form that cannot be read"


@pytest.mark.parametrize("intent", [None, "upsert"])
async def test_an_external_id_whose_mapping_cannot_be_read_is_not_written(
    app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, intent: Any
) -> None:
    for name, person in (("M-1", ANN), ("M-2", BEN)):
        found = await app.salesloft.create_mapping("marketing", "people", name, person)
    monkeypatch.setitem(ODD_VALUES, ("mappings", found.id or 0), {"object_id": None})
    given = {"object_id": ANN + 5} if intent is None else {"email_address": "new@where.test", "title": "CFO"}
    rows = [{"external_id": "M-2", **given}, {"external_id": "M-4", **given, "email_address": "other@where.test"}]
    if intent is None:
        rows = [{"external_id": "M-2", **given}, {"external_id": "M-4", "object_id": ANN + 6}]
    _, told = await planned(app, Aim("marketing", "people", intent), *rows)
    assert [plan for plan, _ in told] == ["conflict", "create"]
    assert "cannot be read" in told[0][1]


async def test_a_mapping_that_cannot_be_read_any_more_fails_its_own_row_of_a_run(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows: list[dict[str, Any]] = [{"external_id": f"N-{one}", "email_address": f"n{one}@new.test"} for one in (1, 2)]
    for one in (3, 4):
        await app.salesloft.create_mapping("marketing", "people", f"N-{one}", ANN + one)
        rows.append({"external_id": f"N-{one}", "title": "CFO"})
    status, told = await planned(app, Aim("marketing", "people", "upsert"), *rows)
    assert [plan for plan, _ in told] == ["create", "create", "update", "update"]
    (old,) = (await app.salesloft.list_mappings(external_type="marketing", external_id="N-3", deleted=False)).rows
    made = await app.salesloft.create_mapping("marketing", "people", "N-1", BEN)
    for mapping, person in ((made, BEN), (old, ANN + 3)):
        monkeypatch.setitem(ODD_VALUES, ("mappings", mapping.id or 0), {"object_id": None})
        monkeypatch.setitem(ODD_VALUES, ("people", person), {"id": None})
    status = await finished(app, status.plan.id)
    assert (status.state, status.outcomes) == ("finished", {"failed": 2, "created": 1, "updated": 1})
    notes = [line.note async for line in every_row(app.plans, app.changes.log, status)]
    assert ["cannot be read" in note for note in notes] == [True, False, True, False]
