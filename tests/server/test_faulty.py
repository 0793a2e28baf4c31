"""A server with a setting that cannot be right is there, sends nothing, and tells what to correct."""

from contextlib import AbstractAsyncContextManager

import pytest
from mcp import MCPError
from mcp.client import Client
from mcp_types import TextContent

from salesloft_mcp.errors import SettingsError
from salesloft_mcp.server.faulty import build_faulty_server
from salesloft_mcp.server.inventory import chosen
from tests.conftest import Era

pytestmark = pytest.mark.anyio
FAULT = SettingsError("SALESLOFT_MODE", "is a place-holder.", next_step="correct it and start again.")
WORDS = (
    "SALESLOFT_MODE: is a place-holder.\nNext: correct it and start again.\nSettings are read when the server starts"
)


def connected(era: Era) -> AbstractAsyncContextManager[Client]:
    return Client(build_faulty_server(FAULT, chosen("full")), mode=era)


async def test_every_tool_is_listed_and_answers_with_it(era: Era) -> None:
    async with connected(era) as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        assert names == [entry.name for entry in chosen("full")]
        for name in names:
            answer = await client.call_tool(name, {"whatever": 1})
            assert answer.is_error
            assert isinstance(answer.content[0], TextContent)
            assert answer.content[0].text.startswith(WORDS)


async def test_resources_are_refused_with_it_and_whoever_connects_is_told(era: Era) -> None:
    async with connected(era) as client:
        assert "a setting is wrong. Tell the user this: SALESLOFT_MODE: is a place-holder." in (
            client.instructions or ""
        )
        assert (await client.list_resources()).resources == []
        with pytest.raises(MCPError, match="SALESLOFT_MODE: is a place-holder"):
            await client.read_resource("salesloft://configurations")
        assert len((await client.list_prompts()).prompts) > 0
