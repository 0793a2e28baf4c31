"""One answer of a person executes once, however often its message arrives, and wherever."""

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, ElicitResult, InputRequiredResult, InputResponses

from salesloft_mcp.app import App, open_app
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import chosen
from salesloft_mcp.settings import Settings
from tests.server.calling import call, writes
from tests.server.human import YES, Human, text
from tests.server.logged import lines

pytestmark = pytest.mark.anyio

COPIES = 50
JUNK = 1_001  # more than a memory of a thousand would keep apart
TOOL = "delete_external_id_mapping"
CONTACT = {"external_type": "crm_lead", "object_type": "people", "external_id": "CONTACT3456"}
Answered = CallToolResult | InputRequiredResult


def opened(app: App) -> Client:
    """A client of the newer protocol, in which answers travel with the next call."""
    return Client(build_server(app, chosen("full")), elicitation_callback=Human())


@asynccontextmanager
async def beside(settings: Settings, sandbox: Sandbox) -> AsyncIterator[App]:
    """Another server on the same state directory, as after a restart or in another process."""
    async with open_app(settings, sandbox) as app:
        yield app


async def asked(client: Client) -> tuple[str, str]:
    """The sealed state of a question, and the key its answer goes under."""
    result = await client.session.call_tool(TOOL, CONTACT, allow_input_required=True)
    assert isinstance(result, InputRequiredResult)
    (key,) = result.input_requests or {}
    assert result.request_state is not None
    return result.request_state, key


async def answered(client: Client, state: str, responses: InputResponses) -> Answered:
    """Send an answer with the sealed state of its question."""
    return await client.session.call_tool(
        TOOL, CONTACT, request_state=state, input_responses=responses, allow_input_required=True
    )


def yes(key: str) -> InputResponses:
    return {key: ElicitResult(action="accept", content={"confirm": True})}


def kind(result: Answered) -> str:
    """What came of one copy: it was done, the person is asked anew, or it was refused."""
    if isinstance(result, InputRequiredResult):
        return "asked anew"
    return "refused" if result.is_error else "done"


async def put_back(app: App) -> None:
    await app.salesloft.create_mapping("crm_lead", "people", "CONTACT3456", 578495206)


def deletions(sandbox: Sandbox) -> int:
    return len([one for one in writes(sandbox) if one.startswith("DELETE")])


async def test_a_replayed_answer_is_asked_anew(app: App, sandbox: Sandbox) -> None:
    async with opened(app) as client:
        state, key = await asked(client)
        assert kind(await answered(client, state, yes(key))) == "done"
        await put_back(app)
        assert kind(await answered(client, state, yes(key))) == "asked anew"
    assert deletions(sandbox) == 1


async def test_fifty_copies_at_once_delete_once(app: App, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("delay", method="DELETE", seconds=0.05))
    results: list[Answered] = []
    async with opened(app) as client:
        state, key = await asked(client)

        async def race() -> None:
            results.append(await answered(client, state, yes(key)))

        async with anyio.create_task_group() as tasks:
            for _ in range(COPIES):
                tasks.start_soon(race)
    kinds = Counter(map(kind, results))
    assert kinds["done"] == 1
    assert kinds.total() == COPIES
    for result in results:
        if kind(result) == "refused":
            assert isinstance(result, CallToolResult)
            assert "Nothing was" in text(result)
    assert deletions(sandbox) == 1
    assert [line for line in await lines(app) if line[2] == "deleted"] == [(TOOL, "CONTACT3456", "deleted")]


async def test_a_no_cannot_be_turned_into_a_yes_afterwards(app: App, sandbox: Sandbox) -> None:
    async with opened(app) as client:
        state, key = await asked(client)
        assert kind(await answered(client, state, {key: ElicitResult(action="decline")})) == "refused"
        assert kind(await answered(client, state, yes(key))) == "asked anew"
    assert deletions(sandbox) == 0


async def test_two_honest_confirmations_of_equal_deletions_both_count(app: App, sandbox: Sandbox) -> None:
    async with opened(app) as client:
        for _ in range(2):
            state, key = await asked(client)
            assert kind(await answered(client, state, yes(key))) == "done"
            await put_back(app)
    assert deletions(sandbox) == 2


async def test_an_answer_for_one_target_does_nothing_for_another(app: App, sandbox: Sandbox) -> None:
    other = {**CONTACT, "external_id": "CONTACT1001"}
    async with opened(app) as client:
        state, key = await asked(client)
        with pytest.raises(MCPError, match="requestState"):
            await client.session.call_tool(
                TOOL, other, request_state=state, input_responses=yes(key), allow_input_required=True
            )
    assert deletions(sandbox) == 0


async def test_states_that_somebody_made_up_do_not_bring_a_used_answer_back(app: App, sandbox: Sandbox) -> None:
    async with opened(app) as client:
        state, key = await asked(client)
        assert kind(await answered(client, state, yes(key))) == "done"
        await put_back(app)
        for number in range(JUNK):
            with pytest.raises(MCPError, match="requestState"):
                await answered(client, f"{state[:-8]}{number:08}", yes(key))
        assert kind(await answered(client, state, yes(key))) == "asked anew"
    assert deletions(sandbox) == 1


async def test_an_answer_that_was_used_before_a_restart_does_nothing_after_it(
    settings: Settings, sandbox: Sandbox
) -> None:
    async with beside(settings, sandbox) as app, opened(app) as client:
        state, key = await asked(client)
        assert kind(await answered(client, state, yes(key))) == "done"
        await put_back(app)
    async with beside(settings, sandbox) as app, opened(app) as client:
        with pytest.raises(MCPError, match="requestState"):
            await answered(client, state, yes(key))
    assert deletions(sandbox) == 1


async def test_an_approval_that_was_used_before_a_restart_stays_used_after_it(
    settings: Settings, sandbox: Sandbox
) -> None:
    async with beside(settings, sandbox) as app, Client(build_server(app, chosen("full"))) as client:
        await call(client, TOOL, **CONTACT)
        (pending,) = await app.approvals.pending()
        await app.approvals.decide(pending.id, yes=True)
        assert not (await call(client, TOOL, **CONTACT)).failed
        await put_back(app)
    async with beside(settings, sandbox) as app, Client(build_server(app, chosen("full"))) as client:
        assert (await call(client, TOOL, **CONTACT)).failed
        assert len(await app.approvals.pending()) == 1  # it is asked about anew
    assert deletions(sandbox) == 1


async def test_two_servers_on_one_state_directory_use_an_approval_once(settings: Settings, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("delay", method="DELETE", seconds=0.05))
    failed: list[bool] = []
    async with beside(settings, sandbox) as one, beside(settings, sandbox) as other:
        servers = [build_server(app, chosen("full")) for app in (one, other)]
        async with Client(servers[0]) as first, Client(servers[1]) as second:
            await call(first, TOOL, **CONTACT)
            (pending,) = await other.approvals.pending()
            await other.approvals.decide(pending.id, yes=True)

            async def race(client: Client) -> None:
                failed.append((await call(client, TOOL, **CONTACT)).failed)

            async with anyio.create_task_group() as tasks:
                for _ in range(10):
                    tasks.start_soon(race, first)
                    tasks.start_soon(race, second)
    assert failed.count(False) == 1
    assert deletions(sandbox) == 1


async def test_two_servers_on_one_state_directory_use_an_answer_once(settings: Settings, sandbox: Sandbox) -> None:
    """Each asks its own person about the same deletion; the log takes the second yes for what it is, a used one."""
    both = anyio.Event()
    waiting: list[int] = []

    async def together() -> None:
        waiting.append(1)
        if len(waiting) == 2:
            both.set()
        await both.wait()

    failed: list[bool] = []
    async with beside(settings, sandbox) as one, beside(settings, sandbox) as other:

        async def delete(app: App) -> None:
            human = Human(YES, meanwhile=[together])
            async with Client(build_server(app, chosen("full")), mode="legacy", elicitation_callback=human) as client:
                failed.append((await call(client, TOOL, **CONTACT)).failed)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(delete, one)
            tasks.start_soon(delete, other)
    assert sorted(failed) == [False, True]
    assert deletions(sandbox) == 1
