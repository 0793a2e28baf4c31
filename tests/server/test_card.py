"""Hosts with MCP Apps show a card of a question that waits for a person. It answers nothing, and holds no secret."""

import json
from typing import Any

import pytest
from mcp.client.extension import ClientExtension
from mcp.server.apps import APP_MIME_TYPE, EXTENSION_ID
from mcp_types import TextResourceContents

from salesloft_mcp.app import App
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.server.card import ADDRESS, KEY
from tests.browser.desk import Desk, Visitor
from tests.conftest import Connect
from tests.server.calling import writes

pytestmark = pytest.mark.anyio

UNMAP = "delete_external_id_mapping"
CONTACT = {"external_type": "crm_lead", "object_type": "people", "external_id": "CONTACT3456"}


class Cards(ClientExtension):
    """What a host says that shows cards."""

    identifier = EXTENSION_ID

    def settings(self) -> dict[str, Any]:
        return {"mimeTypes": [APP_MIME_TYPE]}


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody answers: the 45 seconds of a call are over at once."""
    monkeypatch.setattr("salesloft_mcp.server.outside.LOOKS", 1)


async def test_the_card_shows_the_facts_and_leads_to_the_page_without_its_secret(
    desk: Desk, connect: Connect, app: App, sandbox: Sandbox
) -> None:
    async with connect(extensions=[Cards()]) as client:
        result = await client.call_tool(UNMAP, CONTACT)
    opened = await desk.opened()
    card = (result.meta or {})[KEY]
    assert card["heading"] == "Delete this external id mapping?"
    assert ["Record", "person 578495206"] in [list(one) for one in card["facts"]]
    assert card["follows"].startswith("What happens: the record stays")
    assert card["command"] == f"salesloft-mcp approvals --state-dir {app.settings.state_dir}"
    assert opened.address.rpartition("/")[2] not in json.dumps(result.model_dump(mode="json"))
    async with Visitor() as anybody:
        assert "It was opened a moment ago" in await anybody.visit(card["address"])
        assert "<form" not in anybody.page.text
    assert writes(sandbox) == []


async def test_tools_that_may_ask_name_the_card_and_let_it_call_nothing(connect: Connect) -> None:
    async with connect(extensions=[Cards()]) as client:
        tools = (await client.list_tools()).tools
        (content,) = (await client.read_resource(ADDRESS)).contents
    named = {tool.name: tool.meta for tool in tools if tool.meta}
    assert named[UNMAP] == {"ui": {"resourceUri": ADDRESS, "visibility": ["model"]}}
    assert "resolve_external_ids" not in named
    assert isinstance(content, TextResourceContents)
    assert content.mime_type == APP_MIME_TYPE
    for forbidden in ("innerHTML", "tools/call", "http://", "https://", "eval"):
        assert forbidden not in content.text.replace("http:\\/\\/127", "")


async def test_a_host_without_cards_hears_nothing_of_them(desk: Desk, connect: Connect) -> None:
    async with connect() as client:
        tools = (await client.list_tools()).tools
        resources = (await client.list_resources()).resources
        result = await client.call_tool(UNMAP, CONTACT)
    assert not [tool.name for tool in tools if tool.meta]
    assert not [one.uri for one in resources if one.uri.startswith("ui:")]
    assert KEY not in (result.meta or {})


async def test_where_no_page_can_be_opened_there_is_no_card(connect: Connect) -> None:
    async with connect(extensions=[Cards()]) as client:
        result = await client.call_tool(UNMAP, CONTACT)
    assert KEY not in (result.meta or {})
