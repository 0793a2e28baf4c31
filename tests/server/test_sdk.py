"""What server/sdk.py takes from the protocol library without a promise. A release that changes it fails here first."""

from typing import Annotated, Any, cast

import pytest
from mcp.client import Client
from mcp.client.session import ClientRequestContext
from mcp.server import MCPServer, ServerRequestContext
from mcp.server.context import CallNext, HandlerResult
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.tools import Tool
from mcp_types import (
    CallToolResult,
    ElicitRequestParams,
    ElicitRequestURLParams,
    ElicitResult,
    TextContent,
    ToolAnnotations,
)
from pydantic import BaseModel, Field

from salesloft_mcp.app import App
from salesloft_mcp.errors import InputError
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.server.outside import PAGE, PageNeededError
from salesloft_mcp.server.sdk import CheckedTool, checked_tool
from tests.conftest import Era
from tests.server.human import text

pytestmark = pytest.mark.anyio

TOOL_CLASS = "look at CheckedTool and checked_tool: mcp.server.mcpserver.tools.Tool works in another way now"
MIDDLEWARE = (
    "look at _list_configurations in server/build.py: a middleware gets something else than the finished answer"
)


class Doubled(BaseModel):
    """What the tool of these tests answers."""

    number: int
    client: str = ""


async def double(
    number: Annotated[int, Field(strict=True, description="What to double")], ctx: Context[App, Any]
) -> Annotated[CallToolResult, Doubled]:
    """Double   a
    number."""
    if number == 0:
        raise InputError("number", "is nothing to double.")
    if number < 0:
        raise ZeroDivisionError("a secret")
    data = {"number": 2 * number, "client": current().who}
    return CallToolResult(content=[TextContent(type="text", text="doubled")], structured_content=data)


def doubling(middleware: Any = ()) -> "MCPServer[App]":
    """A server with one tool."""
    tool = checked_tool(double, "Double", ToolAnnotations(read_only_hint=True))
    return MCPServer[App]("test", tools=[tool], middleware=middleware, log_level="CRITICAL")


async def called(era: Era, **arguments: object) -> CallToolResult:
    """What the tool answers."""
    async with Client(doubling(), mode=era) as client:
        return await client.call_tool("double", arguments)


async def test_a_tool_is_made_of_a_function_by_the_class_that_is_asked() -> None:
    tool = checked_tool(double, "Double", ToolAnnotations())
    assert type(tool) is CheckedTool, TOOL_CLASS
    assert issubclass(CheckedTool, Tool), TOOL_CLASS


async def test_its_schemas_and_its_description_are_the_ones_that_are_listed(era: Era) -> None:
    async with Client(doubling(), mode=era) as client:
        (listed,) = (await client.list_tools()).tools
    assert listed.description == "Double a number.", TOOL_CLASS
    assert listed.input_schema == {
        "type": "object",
        "properties": {"number": {"type": "integer", "description": "What to double"}},
        "required": ["number"],
    }, TOOL_CLASS
    assert listed.output_schema is not None, TOOL_CLASS
    assert set(listed.output_schema["properties"]) == {"number", "client"}, TOOL_CLASS


async def test_it_is_run_with_the_name_of_the_client(era: Era) -> None:
    result = await called(era, number=4)
    assert result.structured_content == {"number": 8, "client": "mcp"}, TOOL_CLASS


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"number": 4, "nubmer": 5}, '"nubmer" is not known here: did you mean number?'),
        ({}, "number: is required."),
        ({"number": 0}, "number: is nothing to double."),
        ({"number": -1}, "double failed inside the server (ZeroDivisionError); its log says where."),
    ],
    ids=["an unknown argument", "a missing one", "an error of ours", "a crash"],
)
async def test_every_failure_comes_with_its_cause_and_is_told_in_our_words(
    era: Era, arguments: dict[str, object], words: str
) -> None:
    result = await called(era, **arguments)
    assert result.is_error, TOOL_CLASS
    assert text(result).splitlines()[0] == words, TOOL_CLASS


async def test_a_middleware_gets_the_finished_answer_and_may_add_to_it(era: Era) -> None:
    answers: dict[str, object] = {}

    async def look(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        answers[ctx.method] = result = await call_next(ctx)
        if ctx.method == "resources/list":
            cast(dict[str, Any], result)["resources"].append({"uri": "test://added", "name": "added"})
        return result

    async with Client(doubling([look]), mode=era) as client:
        listed = await client.list_resources()
    assert [one.name for one in listed.resources] == ["added"], MIDDLEWARE
    if era == "legacy":
        initialized = answers["initialize"]
        assert isinstance(initialized, dict), MIDDLEWARE
        assert initialized["capabilities"]["resources"]["listChanged"] is False, (
            "the library promises changes itself now"
        )


async def lead(ctx: Context[App, Any], number: int = 0) -> CallToolResult:
    """Lead the person to an address first."""
    if not ctx.input_responses:
        raise PageNeededError("Look there", "http://127.0.0.1:1/show/x")
    answer = ctx.input_responses[PAGE]
    return CallToolResult(content=[TextContent(type="text", text=str(getattr(answer, "action", None)))])


async def test_a_client_of_the_newer_version_leads_its_person_to_an_address_and_calls_again() -> None:
    asked: list[ElicitRequestParams] = []

    async def leading(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        asked.append(params)
        return ElicitResult(action="accept")

    server = MCPServer[App]("test", tools=[checked_tool(lead, "Lead", ToolAnnotations())], log_level="CRITICAL")
    async with Client(server, elicitation_callback=leading) as client:
        assert text(await client.call_tool("lead", {})) == "accept", TOOL_CLASS
    assert asked == [ElicitRequestURLParams(message="Look there", url="http://127.0.0.1:1/show/x")], TOOL_CLASS
