"""However slow Salesloft is, a call ends in its time, and says what became of it. Hosts give up after half a minute."""

from collections.abc import Iterator
from typing import Any

import anyio
import pytest

from salesloft_mcp.app import App
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.server.tool_errors import TOOL_SECONDS
from tests.conftest import Connect
from tests.server.calling import call
from tests.server.human import YES, Human

pytestmark = [pytest.mark.anyio, pytest.mark.steady]

SLACK = 2.0
LEAD = {"external_type": "crm_lead", "object_type": "people"}
KNOWN = {**LEAD, "external_id": "CONTACT3456"}
READS: list[tuple[str, dict[str, Any]]] = [
    ("get_connection", {}),
    ("resolve_external_ids", {"external_ids": ["CONTACT3456"]}),
    ("resolve_external_ids", {"external_ids": [f"CONTACT{number}" for number in range(1001, 1041)], **LEAD}),
    ("get_records_by_external_id", {**LEAD, "external_ids": ["CONTACT3456", "no such id"]}),
    ("search_records", {"object_type": "people", "email": "a@b.test"}),
    ("list_external_id_configurations", {}),
    ("list_external_id_mappings", {}),
    ("audit_external_ids", {}),
    ("plan_backfill", {**LEAD, "rows": [{"external_id": "A", "object_id": "207550001"}]}),
    ("plan_type_rename", {**LEAD, "new_external_type": "erp"}),
    ("list_changes", {}),
]
WRITES: list[tuple[str, dict[str, Any]]] = [
    ("create_external_id_configuration", {"external_type": "erp", "object_type": "accounts"}),
    ("create_external_id_mapping", {**LEAD, "external_id": "NEW", "object_id": 207550001}),
    ("create_external_id_mapping", {**LEAD, "external_id": "NEW", "object_id": 578495206, "instead_of": "CONTACT3456"}),
    ("create_external_id_mapping", {**KNOWN, "object_id": 207550001, "move_from": 578495206}),
    ("upsert_person_by_external_id", {"external_type": "crm_lead", "external_id": "NEW", "person": {"title": "x"}}),
    (
        "upsert_person_by_external_id",
        {"external_type": "crm_lead", "external_id": "CONTACT3456", "person": {"do_not_contact": True}},
    ),
    ("delete_external_id_mapping", KNOWN),
]
SLOW = {
    "nothing is answered": [Fault("delay", times=None, seconds=1e6)],
    "no write is answered": [Fault("delay", method=method, times=None, seconds=1e6) for method in ("POST", "DELETE")],
    "every answer takes nine seconds": [Fault("delay", times=None, seconds=9.0)],
}


@pytest.fixture(params=SLOW)
def slow(sandbox: Sandbox, request: pytest.FixtureRequest) -> Iterator[str]:
    sandbox.faults.add(*SLOW[request.param])
    yield request.param
    sandbox.faults.clear()


@pytest.mark.parametrize(("tool", "arguments"), READS)
async def test_a_read_ends_in_its_time(connect: Connect, slow: str, tool: str, arguments: dict[str, Any]) -> None:
    async with connect() as client:
        begun = anyio.current_time()
        await call(client, tool, **arguments)
        assert anyio.current_time() - begun <= TOOL_SECONDS + SLACK


@pytest.mark.parametrize(("tool", "arguments"), WRITES)
async def test_a_write_ends_in_its_time_and_in_that_again_after_a_yes(
    connect: Connect, slow: str, tool: str, arguments: dict[str, Any]
) -> None:
    person = Human(YES)
    async with connect(elicitation_callback=person) as client:
        begun = anyio.current_time()
        await call(client, tool, **arguments)
        rounds = 2 if person.questions else 1
        assert anyio.current_time() - begun <= rounds * (TOOL_SECONDS + SLACK)


async def test_a_write_whose_answer_never_comes_is_told_as_unknown(connect: Connect, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("delay", times=None, seconds=1e6, method="POST"))
    async with connect() as client:
        reply = await call(client, "create_external_id_mapping", **LEAD, external_id="NEW", object_id=207550001)
    assert reply.failed
    assert "Next: " in reply.words


async def test_what_was_cut_off_does_not_keep_the_log_from_being_read(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    app.changes.sent_seconds = -1.0  # whatever is unsettled was cut off
    sandbox.faults.add(Fault("delay", times=None, seconds=1e6, method="POST"))
    async with connect() as client:
        for number in range(8):
            await call(client, "create_external_id_mapping", **LEAD, external_id=f"N{number}", object_id=207550001)
        sandbox.faults.add(Fault("delay", times=None, seconds=1e6))
        begun = anyio.current_time()
        reply = await call(client, "list_changes")
        assert len(reply.data["changes"]) == 8
        assert anyio.current_time() - begun <= 6.0
