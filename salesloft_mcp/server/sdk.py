"""Every use of the protocol library that its documentation does not promise.

tests/server/test_sdk.py holds each piece, so that a release which changes one of them is noticed there and mended here.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from typing import Any

import anyio
import mcp_types as types
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from mcp.server import MCPServer
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.exceptions import ToolError
from mcp.server.mcpserver.tools import Tool
from mcp.server.mcpserver.utilities.func_metadata import FuncMetadata
from mcp.shared.message import SessionMessage
from pydantic import ValidationError, create_model
from pydantic_core import from_json

from salesloft_mcp.app import App
from salesloft_mcp.errors import PolicyError, SignedOutError, UnconfirmedError
from salesloft_mcp.salesloft.call import open_call
from salesloft_mcp.server.allowed import within_policy
from salesloft_mcp.server.consent import asked_elsewhere
from salesloft_mcp.server.leniency import lenient
from salesloft_mcp.server.outside import PAGE, PageNeededError, PendingError
from salesloft_mcp.server.schemas import compact
from salesloft_mcp.server.signed_out import offered, require_sign_in
from salesloft_mcp.server.tool_errors import TOOL_SECONDS, failure, worded, words_of

MAX_MESSAGE = 4 * 1024 * 1024  # bytes; the library's own limit for a body over HTTP
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
Result = types.CallToolResult | types.InputRequiredResult


class CheckedTool(Tool):
    """A tool that reads arguments as they are meant, refuses unknown ones, and answers every failure in a few lines."""

    async def run(self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool = False) -> Result:
        """Run within the time budget of a tool. Whatever fails becomes a result the model can act on."""
        given = lenient(arguments, self.parameters)
        try:
            with open_call(TOOL_SECONDS) as call:
                call.who = _client(context) or call.who
                if app := _app(context):
                    given = within_policy(app.policy, self.name, self.parameters["properties"], given)
                await require_sign_in(app)
                try:
                    return await self._run(given, context, convert_result)
                except ToolError as error:
                    if isinstance(error.__cause__, PageNeededError):
                        return _leading(error.__cause__)
                    if not _of_the_library(error):
                        raise
                    await asked_elsewhere(context)
                    return await self._run(given, context, convert_result)
        except ToolError as error:
            if isinstance(error.__cause__, SignedOutError):
                return failure(worded(await offered(_app(context), error.__cause__)))
            return failure(words_of(error, self.name, self.fn_metadata.arg_model), _card_of(error.__cause__))
        except SignedOutError as error:
            return failure(worded(await offered(_app(context), error)))
        except (PolicyError, UnconfirmedError) as error:
            return failure(worded(error), _card_of(error))

    async def _run(self, arguments: dict[str, Any], context: Context[Any, Any], convert_result: bool) -> Result:
        result: Result = await super().run(arguments, context, convert_result)
        return result


class _AsGiven(FuncMetadata):
    """Arguments in which nothing is read as JSON any more: `lenient` has done it, and knows a text from an object."""

    def pre_parse_json(self, data: dict[str, Any]) -> dict[str, Any]:
        return data


def checked_tool(fn: Callable[..., Any], title: str, annotations: types.ToolAnnotations) -> CheckedTool:
    """The tool that calls `fn`, with compact schemas. An argument that `fn` does not have is refused.

    The first paragraph of its docstring is what a model reads.
    """
    tool = CheckedTool.from_function(fn, title=title, annotations=annotations)
    assert isinstance(tool, CheckedTool)
    known = tool.fn_metadata
    model = create_model(known.arg_model.__name__, __base__=known.arg_model, __cls_kwargs__={"extra": "forbid"})
    tool.fn_metadata = _AsGiven(arg_model=model, output_model=known.output_model, wrap_output=known.wrap_output)
    tool.parameters = compact(tool.fn_metadata.arg_model.model_json_schema(by_alias=True))
    tool.description = " ".join(tool.description.partition("\n\n")[0].split())
    if tool.fn_metadata.output_schema is not None:
        tool.fn_metadata.output_schema = compact(tool.fn_metadata.output_schema)
    return tool


def _leading(needed: PageNeededError) -> types.InputRequiredResult:
    """The client is to lead its person to a page, and to make the same call again. The library has no resolver for it.

    Nothing is kept between both calls: what the client answers decides nothing.
    """
    params = types.ElicitRequestURLParams(message=needed.message, url=needed.address)
    return types.InputRequiredResult(input_requests={PAGE: types.ElicitRequest(params=params)})


def _card_of(error: BaseException | None) -> dict[str, Any]:
    return error.card if isinstance(error, PendingError) else {}


def _of_the_library(error: ToolError) -> bool:
    """Whether it says that the answer to a form cannot be read, which only the library finds out."""
    return error.__cause__ is None or isinstance(error.__cause__, ToolError)


def _app(context: Context[Any, Any]) -> App | None:
    """What the server was built over; None for one that is built over nothing, as in the tests of this file."""
    found = context.request_context.lifespan_context
    return found if isinstance(found, App) else None


def _client(context: Context[Any, Any]) -> str:
    """The name a client gives itself; it may give none, or any."""
    known = context.session.client_params
    return known.client_info.name[:80] if known is not None else ""


async def serve_lines(
    server: MCPServer[App],
    lines: AsyncIterator[bytes | None],
    write: Callable[[bytes], Awaitable[None]],
    grace: float,
) -> None:
    """Serve one client, one message a line, until `lines` end. None stands for a line above `MAX_MESSAGE`.

    The requests that are in flight at the end get `grace` seconds to be answered.
    """
    messages = _Messages(lines, write, grace)
    lowlevel = server._lowlevel_server  # MCPServer itself serves its own standard input and HTTP, and nothing else
    await lowlevel.run(messages, messages, lowlevel.create_initialization_options())


class _Messages(ObjectReceiveStream[SessionMessage | Exception], ObjectSendStream[SessionMessage]):
    """Both streams of the library at once: it reads messages from here, and writes its own to here.

    It counts what is in flight itself, because the library drops that as soon as its input ends.
    """

    def __init__(
        self, lines: AsyncIterator[bytes | None], write: Callable[[bytes], Awaitable[None]], grace: float
    ) -> None:
        self._lines = lines
        self._write = write
        self._grace = grace
        self._unanswered: set[types.RequestId] = set()
        self._sent = anyio.Event()

    async def receive(self) -> SessionMessage | Exception:
        """The next message, or the end of them once all that can be answered is."""
        async for line in self._lines:
            try:
                message = _message(line)
            except _UnreadableError as error:
                with suppress(anyio.BrokenResourceError):
                    await self.send(SessionMessage(error.answer))
                continue
            # A listening request is answered only when it ends, and it ends with the connection.
            if isinstance(message, types.JSONRPCRequest) and message.method != "subscriptions/listen":
                self._unanswered.add(message.id)
            return SessionMessage(message)
        with anyio.move_on_after(self._grace):
            while self._unanswered:
                self._sent = anyio.Event()
                await self._sent.wait()
        raise anyio.EndOfStream

    async def send(self, item: SessionMessage, /) -> None:
        """Write a message. When this returns, the client's end has it."""
        text = item.message.model_dump_json(by_alias=True, exclude_unset=True)
        try:
            await self._write(text.encode() + b"\n")
        except OSError as error:
            raise anyio.BrokenResourceError from error  # the one failure of a stream that the library expects
        if isinstance(item.message, types.JSONRPCResponse | types.JSONRPCError) and item.message.id is not None:
            self._unanswered.discard(item.message.id)
            self._sent.set()

    async def aclose(self) -> None:
        """Nothing is held: whoever opened the lines closes them."""


class _UnreadableError(Exception):
    """A line that holds no message, and the error that is sent back for it."""

    def __init__(self, code: int, words: str, request_id: types.RequestId | None = None) -> None:
        super().__init__(words)
        self.answer = types.JSONRPCError(jsonrpc="2.0", id=request_id, error=types.ErrorData(code=code, message=words))


def _message(line: bytes | None) -> types.JSONRPCMessage:
    if line is None:
        limit = f"{MAX_MESSAGE // 2**20} MiB"
        raise _UnreadableError(types.INVALID_REQUEST, f"the message is larger than {limit}; send less at a time")
    line = line.removeprefix(_BYTE_ORDER_MARK)
    try:
        return types.jsonrpc_message_adapter.validate_json(line, by_name=False)
    except ValidationError as error:
        if error.errors()[0]["type"] == "json_invalid":
            raise _UnreadableError(types.PARSE_ERROR, "the line is not JSON in UTF-8") from None
    raise _UnreadableError(types.INVALID_REQUEST, "the line is not a message of JSON-RPC 2.0", _request_id(line))


def _request_id(line: bytes) -> types.RequestId | None:
    """The id under which a client waits for the answer to a malformed request."""
    found = from_json(line)
    request_id = found.get("id") if isinstance(found, dict) and "method" in found else None
    return request_id if isinstance(request_id, int | str) and not isinstance(request_id, bool) else None
