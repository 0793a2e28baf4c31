"""An approval fits one call: the same tool, the same arguments and the same facts, whatever was displayed of them."""

from typing import Any

import pytest

from salesloft_mcp.app import App
from salesloft_mcp.changes.approvals import MOST_PENDING
from salesloft_mcp.sandbox import Fault, Sandbox
from tests.conftest import Connect
from tests.server.calling import call, refused, writes

pytestmark = pytest.mark.anyio

MAP, PERSON = "create_external_id_mapping", "upsert_person_by_external_id"
KEY: dict[str, Any] = {"external_type": "crm_lead", "object_type": "people"}
REKEY: dict[str, Any] = {**KEY, "object_id": 578495206, "instead_of": "CONTACT3456"}
LEAD = {"external_type": "crm_lead", "external_id": "CONTACT3456"}
NEW = {"external_type": "crm_lead", "external_id": "new"}
STOP: dict[str, Any] = {"do_not_contact": True}
LONG = "L" * 90
ALIKE: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "ids that begin alike": (MAP, {**REKEY, "external_id": f"{LONG}-approved"}, {"external_id": f"{LONG}-swapped!"}),
    "quotes that are shown alike": (MAP, {**REKEY, "external_id": "a'b"}, {"external_id": 'a"b'}),
    "another record": (
        MAP,
        {**KEY, "external_id": "CONTACT3456", "object_id": 207550815, "move_from": 578495206},
        {"object_id": 207550001},
    ),
    "another new person": (
        PERSON,
        {**NEW, "person": {**STOP, "email_address": "a@x.test"}},
        {"person": {**STOP, "email_address": "b@x.test"}},
    ),
    "another id of a new person": (
        PERSON,
        {**NEW, "person": {**STOP, "email_address": "a@x.test"}},
        {"external_id": "new2"},
    ),
    "a field more": (PERSON, {**LEAD, "person": STOP}, {"person": {**STOP, "title": "Owner"}}),
    "another value beside it": (
        PERSON,
        {**LEAD, "person": {**STOP, "title": "CEO"}},
        {"person": {**STOP, "title": "Owner"}},
    ),
    "values that begin alike": (
        PERSON,
        {**LEAD, "person": {**STOP, "title": f"{LONG}1"}},
        {"person": {**STOP, "title": f"{LONG}2"}},
    ),
    "a number and its digits": (
        PERSON,
        {**LEAD, "person": {**STOP, "custom_fields": {"Legacy ID": "1"}}},
        {"person": {**STOP, "custom_fields": {"Legacy ID": "01"}}},
    ),
}


@pytest.mark.parametrize("alike", ALIKE)
async def test_an_approval_never_fits_another_call(connect: Connect, app: App, sandbox: Sandbox, alike: str) -> None:
    tool, approved, change = ALIKE[alike]
    async with connect() as client:
        await refused(client, tool, **approved)
        (pending,) = await app.approvals.pending()
        assert await app.approvals.decide(pending.id, yes=True)
        await refused(client, tool, **{**approved, **change})
        assert writes(sandbox) == []
        reply = await call(client, tool, **approved)
    assert not reply.failed, reply.words
    assert reply.data["agreed"] == "approved in a terminal"


async def test_an_approval_of_one_tool_is_none_of_another(connect: Connect, app: App, sandbox: Sandbox) -> None:
    async with connect() as client:
        await call(client, MAP, **KEY, external_id="007", object_id=578495206)
        await refused(client, "delete_external_id_mapping", **KEY, external_id="007")
        (pending,) = await app.approvals.pending()
        assert await app.approvals.decide(pending.id, yes=True)
        await refused(client, "undo_change", change=1)
        assert len(writes(sandbox)) == 1
        assert not (await call(client, "delete_external_id_mapping", **KEY, external_id="007")).failed


async def test_an_approval_is_given_back_when_its_write_is_known_not_to_have_run(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    target = {**KEY, "external_id": "CONTACT3456"}
    async with connect() as client:
        await refused(client, "delete_external_id_mapping", **target)
        (pending,) = await app.approvals.pending()
        assert await app.approvals.decide(pending.id, yes=True)
        sandbox.faults.add(Fault("status", method="DELETE", status=403))
        assert "403" in await refused(client, "delete_external_id_mapping", **target)
        assert not (await call(client, "delete_external_id_mapping", **target)).failed
    assert await app.approvals.pending() == []


async def test_more_questions_than_a_person_would_read_are_not_kept(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    targets = [{**KEY, "external_id": f"CONTACT{1001 + number}"} for number in range(MOST_PENDING + 1)]
    async with connect() as client:
        for target in targets:
            words = await refused(client, "delete_external_id_mapping", **target)
        assert f"{MOST_PENDING} questions wait for one already. Nothing was changed." in words
        assert f"`salesloft-mcp approvals --state-dir {app.settings.state_dir}` in a terminal" in words
        assert len(await app.approvals.pending()) == MOST_PENDING
        assert "is pending" in await refused(client, "delete_external_id_mapping", **targets[0])
        await app.approvals.decide((await app.approvals.pending())[0].id, yes=False)
        assert "is pending" in await refused(client, "delete_external_id_mapping", **targets[-1])
    assert writes(sandbox) == []
