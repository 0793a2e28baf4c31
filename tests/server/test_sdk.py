"""What server/sdk.py takes from the protocol library without a promise. A release that changes it fails here first."""

import json
import math
from collections.abc import AsyncIterator
from typing import Annotated, Any, cast

import anyio
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
from salesloft_mcp.server.sdk import CheckedTool, checked_tool, serve_lines
from tests.conftest import Era
from tests.hosting.program import HANG_SECONDS, HELLO, PLACE
from tests.server.human import text

pytestmark = pytest.mark.anyio

TOOL_CLASS = "look at CheckedTool and checked_tool: mcp.server.mcpserver.tools.Tool works in another way now"
STREAMS = "look at serve_lines and _Messages: Server.run of mcp works in another way now"
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


class Lines:
    """A client that writes lines, and keeps what comes back."""

    def __init__(self, *messages: dict[str, Any] | bytes | None) -> None:
        self.given = [json.dumps(one).encode() if isinstance(one, dict) else one for one in messages]
        self.answers: list[dict[str, Any]] = []
        self.is_open = True

    async def read(self) -> AsyncIterator[bytes | None]:
        """What was written, and then the end."""
        for line in self.given:
            yield line

    async def write(self, data: bytes) -> None:
        """Take a line, and answer late, as a slow reader does."""
        await anyio.lowlevel.checkpoint()
        if not self.is_open:
            raise BrokenPipeError
        self.answers.append(json.loads(data))

    async def serve(self, grace: float = HANG_SECONDS) -> list[object]:
        """Serve all that was given; the ids of the answers."""
        with anyio.fail_after(HANG_SECONDS):
            await serve_lines(doubling(), self.read(), self.write, grace)
        return [one["id"] for one in self.answers if "method" not in one]


def request(era: Era, number: object, method: str, **params: object) -> dict[str, Any]:
    """A request of an era."""
    meta = {"_meta": PLACE} if era == "auto" else {}
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": {**params, **meta}}


def hello(era: Era) -> list[dict[str, Any]]:
    """What a client of an era begins with, under the id 1."""
    if era == "auto":
        return [request(era, 1, "server/discover")]
    return [request(era, 1, "initialize", **HELLO), {"jsonrpc": "2.0", "method": "notifications/initialized"}]


async def test_all_that_was_asked_before_the_lines_end_is_answered(era: Era) -> None:
    calls = [request(era, number, "tools/call", name="double", arguments={"number": 1}) for number in range(2, 40)]
    lines = Lines(*hello(era), *calls)
    assert sorted(cast(list[int], await lines.serve())) == list(range(1, 40)), STREAMS
    assert all("result" in one for one in lines.answers), STREAMS


async def test_a_listening_request_does_not_hold_the_end_up() -> None:
    listening = request("auto", "listen", "subscriptions/listen", notifications={"resourcesListChanged": True})
    lines = Lines(*hello("auto"), listening)
    assert 1 in await lines.serve(grace=math.inf), STREAMS


async def test_a_request_that_is_never_done_gets_a_while_and_then_an_error(era: Era) -> None:
    async def sleep(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        if ctx.method == "tools/list":
            await anyio.sleep_forever()
        return await call_next(ctx)

    lines = Lines(*hello(era), request(era, 2, "tools/list"))
    with anyio.fail_after(HANG_SECONDS):
        await serve_lines(doubling([sleep]), lines.read(), lines.write, 0.0)
    answers = {one["id"]: one for one in lines.answers}
    assert "result" in answers[1], STREAMS
    assert answers[2]["error"]["message"] == "Connection closed", STREAMS


async def test_a_client_that_stops_reading_ends_nothing_but_its_answers(era: Era) -> None:
    lines = Lines(*hello(era), request(era, 2, "tools/list"))
    lines.is_open = False
    await lines.serve(grace=0.0)
    assert lines.answers == [], STREAMS


@pytest.mark.parametrize(
    ("line", "code", "number"),
    [
        (None, -32600, None),
        (b"{", -32700, None),
        (b"\xff\xfe", -32700, None),
        (b'{"jsonrpc":"2.0","id":7,"method":"a\\ud800"}', -32700, None),
        (b"[" * 100_000, -32700, None),
        (b"[]", -32600, None),
        (b"null", -32600, None),
        (b'{"jsonrpc":"2.0"}', -32600, None),
        (b'{"jsonrpc":"2.0","id":7,"method":"ping","params":[]}', -32600, 7),
        (b'{"id":"a-b","method":"ping"}', -32600, "a-b"),
        (b'{"jsonrpc":"2.0","id":true,"method":"ping","params":[]}', -32600, None),
        (b'{"jsonrpc":"2.0","id":7,"result":null}', -32600, None),
    ],
)
async def test_a_line_that_is_no_message_is_answered_with_an_error_and_the_rest_goes_on(
    line: bytes | None, code: int, number: object
) -> None:
    lines = Lines(line, *hello("legacy"))
    assert await lines.serve() == [number, 1]
    assert lines.answers[0]["error"]["code"] == code


async def test_a_byte_order_mark_before_the_first_message_is_passed_over() -> None:
    first, *others = hello("legacy")
    assert await Lines(b"\xef\xbb\xbf" + json.dumps(first).encode(), *others).serve() == [1]
