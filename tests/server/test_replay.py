"""One answer of a person executes once, however often its message arrives."""

import anyio
import pytest
from mcp.client import Client
from mcp_types import CallToolResult, ElicitResult, InputRequiredResult, InputResponses

from salesloft_mcp.app import App
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import chosen
from tests.server.human import Human, text
from tests.server.test_confirm import CONTACT, writes

pytestmark = pytest.mark.anyio

RACERS = 20
TOOL = "delete_external_id_mapping"


async def asked(client: Client) -> tuple[str, str]:
    """The sealed state of a question, and the key its answer goes under."""
    result = await client.session.call_tool(TOOL, CONTACT, allow_input_required=True)
    assert isinstance(result, InputRequiredResult)
    (key,) = result.input_requests or {}
    assert result.request_state is not None
    return result.request_state, key


async def answered(client: Client, state: str, responses: InputResponses) -> CallToolResult:
    """Send an answer with the sealed state of its question."""
    result = await client.session.call_tool(
        TOOL, CONTACT, request_state=state, input_responses=responses, allow_input_required=True
    )
    assert isinstance(result, CallToolResult)
    return result


def yes(key: str) -> InputResponses:
    return {key: ElicitResult(action="accept", content={"confirm": True})}


async def put_back(app: App) -> None:
    await app.salesloft.create_mapping("crm_lead", "people", "CONTACT3456", 578495206)


def deletions(sandbox: Sandbox) -> int:
    return len([one for one in writes(sandbox) if one.startswith("DELETE")])


async def test_a_replayed_answer_gets_the_stored_outcome(app: App, sandbox: Sandbox) -> None:
    async with Client(build_server(app, chosen("full")), elicitation_callback=Human()) as client:
        state, key = await asked(client)
        first = await answered(client, state, yes(key))
        await put_back(app)
        second = await answered(client, state, yes(key))
    assert text(first) == text(second)
    assert deletions(sandbox) == 1


async def test_twenty_copies_at_once_delete_once(app: App, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("delay", method="DELETE", seconds=0.05))
    results: list[CallToolResult] = []
    async with Client(build_server(app, chosen("full")), elicitation_callback=Human()) as client:
        state, key = await asked(client)

        async def race() -> None:
            results.append(await answered(client, state, yes(key)))

        async with anyio.create_task_group() as tasks:
            for _ in range(RACERS):
                tasks.start_soon(race)
    assert len(results) == RACERS
    assert {text(result) for result in results} == {text(results[0])}
    assert deletions(sandbox) == 1


async def test_a_no_cannot_be_turned_into_a_yes_afterwards(app: App, sandbox: Sandbox) -> None:
    async with Client(build_server(app, chosen("full")), elicitation_callback=Human()) as client:
        state, key = await asked(client)
        await answered(client, state, {key: ElicitResult(action="decline")})
        second = await answered(client, state, yes(key))
    assert second.is_error
    assert deletions(sandbox) == 0


async def test_two_honest_confirmations_of_equal_questions_both_count(app: App, sandbox: Sandbox) -> None:
    async with Client(build_server(app, chosen("full")), elicitation_callback=Human()) as client:
        for _ in range(2):
            state, key = await asked(client)
            assert not (await answered(client, state, yes(key))).is_error
            await put_back(app)
    assert deletions(sandbox) == 2


async def test_an_answer_for_one_target_does_nothing_for_another(app: App, sandbox: Sandbox) -> None:
    other = {**CONTACT, "external_id": "CONTACT1001"}
    async with Client(build_server(app, chosen("full")), elicitation_callback=Human()) as client:
        state, key = await asked(client)
        with pytest.raises(Exception, match="requestState"):
            await client.session.call_tool(
                TOOL, other, request_state=state, input_responses=yes(key), allow_input_required=True
            )
    assert deletions(sandbox) == 0
