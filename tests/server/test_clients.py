"""What a server saw of a client stands in its state, for whoever wants to know why nobody was asked."""

import sqlite3
from contextlib import closing

import anyio
import anyio.lowlevel
import pytest
from mcp.client import Client
from mcp.client.session import ClientRequestContext
from mcp_types import ElicitRequestParams, ErrorData, Implementation

from salesloft_mcp.app import App
from salesloft_mcp.errors import StateError
from salesloft_mcp.state.clients import MOST, Clients, all_seen
from salesloft_mcp.state.files import FILE
from tests.conftest import Connect, Era
from tests.server.calling import call
from tests.server.human import YES, Human

pytestmark = pytest.mark.anyio

ME = Implementation(name="a-host", version="7.1")
UNMAP = "delete_external_id_mapping"
CONTACT = {"external_type": "crm_lead", "object_type": "people", "external_id": "CONTACT3456"}
PROTOCOLS = {"auto": "2026-07-28", "legacy": "2025-11-25"}


async def deleting(client: Client) -> None:
    await call(client, UNMAP, **CONTACT)


async def test_a_client_is_noted_with_its_version_its_protocol_and_no_way_to_ask(
    connect: Connect, app: App, era: Era
) -> None:
    async with connect(client_info=ME) as client:
        await client.list_tools()
    (seen,) = await all_seen(app.database)
    assert (seen.name, seen.version, seen.protocol, seen.asks) == ("a-host", "7.1", PROTOCOLS[era], "")
    assert (seen.tenant, seen.answer) == (app.environment, "")


@pytest.mark.parametrize("human", [Human(YES), Human(action="decline")], ids=["accept", "decline"])
async def test_how_it_answered_is_noted_and_how_quickly(connect: Connect, app: App, human: Human) -> None:
    async with connect(client_info=ME, elicitation_callback=human) as client:
        await deleting(client)
    (seen,) = await all_seen(app.database)
    assert seen.asks.startswith("form")
    assert seen.answer == human.action
    assert 0 < seen.answered_in < 60
    assert seen.answered_at >= seen.seen_at


@pytest.mark.parametrize("era", ["legacy"], indirect=True)
async def test_an_error_in_place_of_an_answer_is_noted_as_one(connect: Connect, app: App) -> None:
    async def failing(context: ClientRequestContext, params: ElicitRequestParams) -> ErrorData:
        return ErrorData(code=-32603, message="not implemented")

    async with connect(client_info=ME, elicitation_callback=failing) as client:
        await deleting(client)
    (seen,) = await all_seen(app.database)
    assert seen.answer == "an error"


async def test_a_file_that_cannot_be_written_stops_no_call(
    connect: Connect, app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object) -> None:
        await anyio.lowlevel.checkpoint()
        raise StateError("the disk is full.")

    monkeypatch.setattr(Clients, "note", full)
    monkeypatch.setattr(Clients, "answered", full)
    async with connect(client_info=ME, elicitation_callback=Human(YES)) as client:
        assert not (await call(client, UNMAP, **CONTACT)).failed


async def test_a_client_that_comes_while_another_process_has_the_file_is_noted_by_its_next_call(
    app: App, connect: Connect
) -> None:
    with closing(sqlite3.connect(app.settings.state_dir / FILE, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        async with connect(client_info=ME) as client:
            await client.list_tools()
            assert await all_seen(app.database) == []
            other.execute("ROLLBACK")
            await client.list_tools()
    assert [one.name for one in await all_seen(app.database)] == ["a-host"]


async def test_only_the_newest_are_kept_and_one_that_stays_is_written_once_an_hour(app: App) -> None:
    now = [1_000.0]
    clients = Clients(app.database, "here", lambda: now[0])
    for number in range(MOST + 3):
        now[0] += 1
        await clients.note(f"client {number}", "1", "2025-11-25", "")
    kept = [one.name for one in await all_seen(app.database)]
    assert (len(kept), kept[0], kept[-1]) == (MOST, f"client {MOST + 2}", "client 3")
    await clients.note(f"client {MOST + 2}", "1", "2025-11-25", "")
    now[0] += 3_600
    await clients.note(f"client {MOST + 1}", "1", "2025-11-25", "")
    newest, second = (await all_seen(app.database))[:2]
    assert (newest.name, newest.seen_at) == (f"client {MOST + 1}", now[0])
    assert second.seen_at == now[0] - 3_600
