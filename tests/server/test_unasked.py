"""A client that says it can ask, and then fails to: refused in our words, with the way that is left; never a yes."""

from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp.client.session import ClientRequestContext
from mcp_types import ElicitRequestParams, ElicitResult, ErrorData

from salesloft_mcp.app import App, open_app
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import chosen
from salesloft_mcp.settings import Settings
from tests.conftest import Connect
from tests.server.calling import call, refused, writes
from tests.server.human import YES, Human

pytestmark = pytest.mark.anyio

UNMAP = "delete_external_id_mapping"
CONTACT = {"external_type": "crm_lead", "object_type": "people", "external_id": "CONTACT3456"}
REFUSED = "this needs a person's yes, and the client did not ask, or its answer cannot be read. Nothing was changed"


@pytest.mark.parametrize("content", [None, {}, {"confirm": "yes"}, {"confirm": 1.0}, {"yes": True}])
async def test_an_answer_that_cannot_be_read_is_none_and_a_terminal_is_the_way_on(
    connect: Connect, app: App, sandbox: Sandbox, content: Any
) -> None:
    async def answering(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        return ElicitResult(action="accept", content=content)

    async with connect(elicitation_callback=answering) as client:
        words = await refused(client, UNMAP, **CONTACT)
        (pending,) = await app.approvals.pending()
        assert words.startswith(f"{REFUSED}; approval {pending.id} is pending.\nNext: a person runs `salesloft-mcp")
        assert writes(sandbox) == []
        assert await refused(client, UNMAP, **CONTACT) == words
        assert await app.approvals.decide(pending.id, yes=True)
        reply = await call(client, UNMAP, **CONTACT)
    assert reply.data["agreed"] == "approved in a terminal"
    assert len(writes(sandbox)) == 1


async def silent(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
    await anyio.sleep_forever()
    raise AssertionError


@pytest.mark.parametrize("era", ["legacy"], indirect=True)
async def test_a_question_that_the_host_has_given_up_on_is_asked_elsewhere_by_the_next_call(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    asked = anyio.Event()

    async def never(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        asked.set()
        return await silent(context, params)

    async with connect(elicitation_callback=never) as client:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(client.call_tool, UNMAP, CONTACT)
            await asked.wait()
            tasks.cancel_scope.cancel()
        words = await refused(client, UNMAP, **CONTACT)
    assert words.startswith("this needs a person's yes, and the client has left the question unanswered.")
    assert len(await app.approvals.pending()) == 1
    async with connect(elicitation_callback=Human(YES)) as client:  # where no page opens, the client has another chance
        assert (await call(client, UNMAP, **CONTACT)).data["agreed"] == "asked through the client"
    assert len(writes(sandbox)) == 1


async def test_where_only_the_client_may_ask_it_is_asked_again_after_a_call_that_was_given_up(
    settings: Settings, sandbox: Sandbox
) -> None:
    human, asked = Human(YES), anyio.Event()

    async def never(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        asked.set()
        return await silent(context, params)

    async with open_app(settings.model_copy(update={"confirm": "elicit"}), sandbox) as app:
        server = build_server(app, chosen("full"))
        async with Client(server, mode="legacy", elicitation_callback=never) as client:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.call_tool, UNMAP, CONTACT)
                await asked.wait()
                tasks.cancel_scope.cancel()
        async with Client(server, mode="legacy", elicitation_callback=human) as client:
            assert (await call(client, UNMAP, **CONTACT)).data["agreed"] == "asked through the client"


@pytest.mark.steady
@pytest.mark.parametrize("era", ["auto"], indirect=True)
async def test_a_question_that_travels_in_a_result_and_never_comes_back_is_asked_elsewhere_after_a_while(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    async def never(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        return await silent(context, params)

    async with connect(elicitation_callback=never) as client:
        for _ in range(2):  # within a minute, the person may only be slow
            with anyio.move_on_after(20):
                await client.call_tool(UNMAP, CONTACT)
        assert await app.approvals.pending() == []
        await anyio.sleep(20)
        words = await refused(client, UNMAP, **CONTACT)
    assert words.startswith("this needs a person's yes, and the client has left the question unanswered.")
    assert len(await app.approvals.pending()) == 1
    assert writes(sandbox) == []


@pytest.mark.steady
async def test_a_person_may_think_for_long_and_the_answer_counts(connect: Connect, app: App, sandbox: Sandbox) -> None:
    async def slow(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        await anyio.sleep(3_600)
        return ElicitResult(action="accept", content={"confirm": True})

    async with connect(elicitation_callback=slow) as client:
        assert (await call(client, UNMAP, **CONTACT)).data["agreed"] == "asked through the client"
        again = await refused(client, UNMAP, **CONTACT)
    assert "there is no such live mapping" in again
    assert app.approvals.unanswered == {}


# In the newer protocol the question travels in the result, and a client that fails makes no second call.
@pytest.mark.parametrize("era", ["legacy"], indirect=True)
@pytest.mark.parametrize("failure", ["error", "silence"])
async def test_an_error_of_the_client_is_not_handed_on_and_its_silence_ends(
    connect: Connect, app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, failure: str
) -> None:
    monkeypatch.setattr("salesloft_mcp.server.consent.ASK_SECONDS", 0.0 if failure == "silence" else 60.0)

    async def failing(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult | ErrorData:
        if failure == "silence":
            await anyio.sleep_forever()
        return ErrorData(code=-32603, message="a secret of the client")

    async with connect(elicitation_callback=failing) as client:
        words = await refused(client, UNMAP, **CONTACT)
    assert words.startswith(REFUSED)
    assert "secret" not in words
    assert len(await app.approvals.pending()) == 1
    assert writes(sandbox) == []


async def test_a_delete_of_a_type_that_is_not_configured_names_the_nearest(connect: Connect) -> None:
    async with connect() as client:
        gone = {"external_type": "CRM Lead", "object_type": "people", "external_id": "CONTACT1003"}
        words = await refused(client, "delete_external_id_mapping", **gone)
    assert words.startswith('external_type: "CRM Lead" is not configured for people.\nNext: existing are "crm_lead"')
