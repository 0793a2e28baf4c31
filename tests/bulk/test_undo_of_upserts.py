"""The undo of a run of upserts brings back of each record what can come back, whatever keeps the others from it."""

from dataclasses import replace
from typing import Any

import pytest

from salesloft_mcp.app import App
from salesloft_mcp.bulk.report import every_row
from salesloft_mcp.bulk.status import operation_of
from salesloft_mcp.changes.undo import undo
from salesloft_mcp.changes.way_back import feed
from salesloft_mcp.errors import ConflictError
from salesloft_mcp.salesloft.fields import PersonFields
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.sandbox.oddities import ODD_VALUES
from tests.hosting.program import HANG_SECONDS

from .test_upsert_runs import AIM, ANN, BEN, CLEO, app, mapped, person, planned
from .working import YES, Gate, finished, undone

__all__ = ["app"]
pytestmark = pytest.mark.anyio
PEOPLE = {"A": ANN, "B": BEN, "C": CLEO}


async def run_of(app: App, **rows: dict[str, Any]) -> int:
    """A run that updated these people; the number of its operation."""
    await mapped(app, **PEOPLE)
    plan = await planned(app, *({"external_id": name, **fields} for name, fields in rows.items()))
    return (await finished(app, plan, YES)).plan.operation


async def told(app: App, number: int) -> list[tuple[str, str]]:
    """How each row of the undoing of a run ended, the newest first."""
    status = await undone(app, number)
    return [(row.outcome, row.note) async for row in every_row(app.plans, app.changes.log, status)]


async def test_an_address_that_somebody_else_has_by_now_keeps_nothing_else_from_coming_back(
    app: App, sandbox: Sandbox
) -> None:
    before = person(sandbox, ANN)
    number = await run_of(app, A={"email_address": "a@new.test", "title": "T"}, B={"email_address": "b@new.test"})
    for name, taken in (("CONTACT3456", before["email_address"]), ("CONTACT1005", "bea@other.test")):
        await app.salesloft.upsert_person("crm_lead", name, PersonFields(email_address=taken))
    rows = await told(app, number)
    assert rows[0][0] == "updated"
    assert rows[1] == ("updated", "not brought back: email_address (which person 578495206 has now)")
    assert (person(sandbox, ANN)["title"], person(sandbox, ANN)["email_address"]) == (before["title"], "a@new.test")


async def test_an_address_that_went_from_one_row_to_another_goes_back_the_same_way(app: App, sandbox: Sandbox) -> None:
    address = person(sandbox, ANN)["email_address"]
    number = await run_of(app, A={"email_address": "a@new.test"})
    plan = await planned(app, {"external_id": "B", "email_address": address})
    await finished(app, plan, YES)
    await app.database.write(lambda tx: tx.change("UPDATE changes SET operation = ? WHERE line IS NOT NULL", number))
    fed = await feed(app.changes, number)(0, 10)
    assert [(one.change.after or {}).get("email_address") for one in fed if one.change.after][-1] == address


async def test_what_is_left_of_an_undoing_is_told_without_the_rows_that_were_refused(
    app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    await mapped(app, **PEOPLE)
    new = [{"external_id": f"N{n}", "email_address": f"n{n}@new.test"} for n in range(30)]
    plan = await planned(app, *new, *({"external_id": name, "title": "T"} for name in PEOPLE))
    number = (await finished(app, plan, YES)).plan.operation
    for name in PEOPLE:
        await app.salesloft.upsert_person(AIM.external_type, name, PersonFields(title="by hand"))
    operation = await undo(app.changes, app.database, number)
    gate = Gate(app.salesloft, monkeypatch, 2, "delete_mapping")  # the newest go first, which were updated
    await app.jobs.start_undo(operation, YES)
    await gate.wait()
    await app.jobs.cancel(operation.by_run.plan)
    gate.open()
    status = await app.jobs.wait(operation.by_run.plan, HANG_SECONDS)
    assert status.outcomes["conflict"] == 3
    again = await undo(app.changes, app.database, number)
    assert again.by_run.told == operation_of(status).by_run.told == f"{status.left} mappings to delete"


async def test_what_the_undo_of_an_undo_creates_are_mappings(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    await mapped(app, **PEOPLE)
    new = [{"external_id": f"N{n}", "email_address": f"n{n}@new.test"} for n in range(2)]
    plan = await planned(app, *new, *({"external_id": name, "title": "T"} for name in PEOPLE))
    undoing = await undone(app, (await finished(app, plan, YES)).plan.operation)
    operation = await undo(app.changes, app.database, undoing.plan.operation)
    assert operation.by_run.told == "2 mappings to create, 3 people to update"
    gate = Gate(app.salesloft, monkeypatch, 0, "upsert_person")
    await app.jobs.start_undo(operation, YES)
    await gate.wait()
    await app.jobs.cancel(operation.by_run.plan)
    gate.open()
    status = await app.jobs.wait(operation.by_run.plan, HANG_SECONDS)
    assert "people to create" not in operation_of(replace(status, state="cancelled")).by_run.told


async def test_an_undoing_that_was_refused_is_named_when_it_is_asked_for_once_more(app: App, sandbox: Sandbox) -> None:
    number = await run_of(app, A={"title": "T"})
    await app.salesloft.upsert_person(AIM.external_type, "A", PersonFields(title="by hand"))
    assert [state for state, _ in await told(app, number)] == ["conflict"]
    words = rf"change {number} was to be undone by change {number + 1} already.*refused"
    with pytest.raises(ConflictError, match=words):
        await undo(app.changes, app.database, number)


@pytest.mark.parametrize("unread", ["person", "mapping"])
async def test_what_cannot_be_read_keeps_no_other_row_from_coming_back(
    app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, unread: str
) -> None:
    number = await run_of(app, A={"title": "T"}, B={"title": "T"}, C={"title": "T"})
    monkeypatch.setitem(ODD_VALUES, ("people", BEN), {"id": None})
    sandbox._odd = frozenset({"odd-values", "null-rows"})
    if unread == "mapping":
        sandbox.faults.add(Fault("raw", "GET", "/v2/external/mappings", status=200, body=b"{}", times=1))
    rows = await told(app, number)
    assert [state for state, _ in rows].count("updated") == 2
    assert [state for state, _ in rows][1] == "failed"
    assert "cannot be read" in rows[1][1]
