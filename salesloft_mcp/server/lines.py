"""One client over lines: the streams that the protocol library reads from and writes to, of which it documents none.

tests/server/test_lines.py holds each piece, so that a release which changes one is noticed there and mended here.
"""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import Any

import anyio
import mcp_types as types
from anyio.abc import ObjectReceiveStream, ObjectSendStream
from mcp.server import MCPServer
from mcp.shared.message import ServerMessageMetadata, SessionMessage

from salesloft_mcp.server.envelope import MAX_MESSAGE, Read, Refusal, in_flight, read

_LISTEN = "subscriptions/listen"  # answered only when it ends, and it ends with the connection


async def serve_lines(
    server: MCPServer[Any],
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

    It counts what is in flight itself, because the library drops that as soon as its input ends, and runs a second
    request with the id of one that runs.
    """

    def __init__(
        self, lines: AsyncIterator[bytes | None], write: Callable[[bytes], Awaitable[None]], grace: float
    ) -> None:
        self._lines = lines
        self._write = write
        self._grace = grace
        self._read: deque[Read] = deque()  # of the last line
        self._in_flight: dict[types.RequestId, str] = {}  # the method of each
        self._writing = 0
        self._settled = anyio.Event()

    async def receive(self) -> SessionMessage | Exception:
        """The next message, or the end of them once all that can be answered is."""
        while (message := await self._next()) is not None:
            if isinstance(message, types.JSONRPCRequest):
                if message.id not in self._in_flight:
                    self._in_flight[message.id] = message.method
                    # A call that the client has cancelled is never answered.
                    settled = ServerMessageMetadata(on_request_unanswered=partial(self._settle, message.id))
                    return SessionMessage(message, settled)
                message = in_flight(message)
            if isinstance(message, Refusal):
                with suppress(OSError):
                    await self._write(message.answer + b"\n")
            else:
                return SessionMessage(message)
        with anyio.move_on_after(self._grace):
            while self._writing or any(method != _LISTEN for method in self._in_flight.values()):
                self._settled = anyio.Event()
                await self._settled.wait()
        raise anyio.EndOfStream

    async def _next(self) -> Read | None:
        """What was said next; None at the end."""
        while not self._read:
            try:
                line = await anext(self._lines)
            except StopAsyncIteration:
                return None
            if line is None:
                limit = f"{MAX_MESSAGE // 2**20} MiB"
                return Refusal(types.INVALID_REQUEST, f"the message is larger than {limit}; send less at a time")
            self._read.extend(read(line))
        return self._read.popleft()

    async def send(self, item: SessionMessage, /) -> None:
        """Write a message. When this returns, the client's end has it."""
        if isinstance(item.message, types.JSONRPCResponse | types.JSONRPCError) and item.message.id is not None:
            self._in_flight.pop(item.message.id, None)  # as soon as the client has the answer, it may use the id again
        text = item.message.model_dump_json(by_alias=True, exclude_unset=True)
        self._writing += 1
        try:
            await self._write(text.encode() + b"\n")
        except OSError as error:
            raise anyio.BrokenResourceError from error  # the one failure of a stream that the library expects
        finally:
            self._writing -= 1
            self._settled.set()

    async def _settle(self, request_id: types.RequestId) -> None:
        self._in_flight.pop(request_id, None)
        self._settled.set()

    async def aclose(self) -> None:
        """Nothing is held: whoever opened the lines closes them."""
