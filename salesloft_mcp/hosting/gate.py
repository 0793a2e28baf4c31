"""What stands before the library's HTTP application, which refuses or drops what hosts send, or answers it under no id.

A request comes in as the library wants it, and its answer goes out in the form that the client takes, under its own id.
https://modelcontextprotocol.io/specification/2025-11-25/basic/transports#streamable-http
"""

import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import anyio
from mcp_types import HEADER_MISMATCH, INVALID_REQUEST, PROTOCOL_VERSION_META_KEY, JSONRPCRequest

from salesloft_mcp.hosting.replies import Reply, tell
from salesloft_mcp.server.envelope import MAX_MESSAGE, Read, Refusal, in_flight, read_with_text

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]
Headers = dict[bytes, bytes]

ENDING_SECONDS = 1.0  # a client may use an id again once it has the answer, and the library is done a little later
HELD_SECONDS = 120.0  # longer than any call takes, a person's time included
_NAMES = rb"(?:127\.0\.0\.1|localhost|\[::1\])(?::\d*)?"
_HOST = re.compile(_NAMES)
_ORIGIN = re.compile(rb"https?://" + _NAMES)
_WHOLE_ADDRESS = re.compile("https?://([^/?]*)(.*)", re.IGNORECASE | re.DOTALL)
_MODERN = b"2026-07-28"


class Gate:
    """An application that serves `path` with `app`, to this machine alone."""

    def __init__(self, app: Application, path: str) -> None:
        self._app = app
        self._path = path
        # Session, and id as text: the library takes 7 and "7" for one.
        self._in_flight: dict[tuple[bytes, str], anyio.Event] = {}

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request, or tell what is wrong with it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = _headers(scope)
        named, path = _address(scope)
        if (refused := _from_elsewhere(headers, named)) is not None:
            await tell(send, *refused)
        elif path.rstrip("/") != self._path:
            await tell(send, 404, f"there is nothing here; MCP is served at {self._path}")
        else:
            scope = {**scope, "path": self._path, "raw_path": self._path.encode()}
            if scope["method"] == "POST":
                await self._post(scope, headers, receive, send)
            else:
                headers.pop(b"last-event-id", None)  # no event has an id here, so that a new stream has all there is
                headers.setdefault(b"accept", b"*/*")
                await self._app({**scope, "headers": list(headers.items())}, receive, send)

    async def _post(self, scope: Message, headers: Headers, receive: Receive, send: Send) -> None:
        body = await _body(receive)
        if body is None:
            return  # the client has left
        if len(body) > MAX_MESSAGE:
            await tell(send, 413, f"the message is larger than {MAX_MESSAGE // 2**20} MiB; send less at a time")
            return
        read, text = read_with_text(body)
        message = read[0] if len(read) == 1 else None
        reply = Reply(send, message, headers.get(b"accept", b""))
        if (fault := _fault(headers, reply)) is not None:
            await reply.refuse(*fault)
        elif message is None:
            await reply.refuse_all(read)
        elif isinstance(message, Refusal):
            await reply.refuse(400, message.words, message.code)
        elif _lacks_version(message, headers):
            await reply.refuse(400, "MCP-Protocol-Version: must be given, as in _meta", HEADER_MISMATCH)
        else:
            headers |= {b"accept": b"application/json, text/event-stream", b"content-type": b"application/json"}
            headers[b"content-length"] = str(len(text)).encode()
            headers.pop(b"transfer-encoding", None)
            await self._serve(
                message, {**scope, "headers": list(headers.items())}, _again(text, headers, receive), reply
            )

    async def _serve(self, message: Read, scope: Message, receive: Receive, reply: Reply) -> None:
        session = dict(scope["headers"]).get(b"mcp-session-id")
        if session is None or not isinstance(message, JSONRPCRequest):
            await self._app(scope, receive, reply.send)
            return
        key = session, str(message.id)
        with anyio.move_on_after(ENDING_SECONDS):
            while key in self._in_flight:
                await self._in_flight[key].wait()
        if key in self._in_flight:
            refusal = in_flight(message)
            await reply.refuse(400, refusal.words, refusal.code)
            return
        self._in_flight[key] = ended = anyio.Event()
        try:
            await self._app(scope, receive, reply.send)
        finally:
            del self._in_flight[key]
            ended.set()


def _headers(scope: Message) -> Headers:
    """Every header once. One that came several times is their list, as HTTP reads it, so that none hides another."""
    headers: Headers = {}
    for name, value in scope["headers"]:
        headers[name] = headers[name] + b", " + value if name in headers else value
    return headers


def _address(scope: Message) -> tuple[bytes | None, str]:
    """The host and the path that were asked for; a client that takes this for a proxy names the host in the path."""
    asked = str(scope["path"])
    if (whole := _WHOLE_ADDRESS.fullmatch(asked)) is None:
        return None, asked.partition("?")[0]
    return whole[1].encode(), whole[2].partition("?")[0]


def _from_elsewhere(headers: Headers, named: bytes | None) -> tuple[int, str] | None:
    """Whether a page of somebody else may have sent this: its name led here, or it says where it comes from."""
    host = headers.get(b"host", b"")
    if not all(_HOST.fullmatch(one.strip().lower()) for one in (host, host if named is None else named)):
        return 421, "Host: must be 127.0.0.1, localhost or [::1], with or without a port"
    origin = headers.get(b"origin", b"").lower()
    if origin and not _ORIGIN.fullmatch(origin):
        return 403, "Origin: only pages of 127.0.0.1, localhost and [::1] are served"
    return None


async def _body(receive: Receive) -> bytes | None:
    """The body, or as much of it as shows that it is too large; None when the client has left."""
    parts, size, has_more = [], 0, True
    while has_more and size <= MAX_MESSAGE:
        event = await receive()
        if event["type"] != "http.request":
            return None
        parts.append(event.get("body", b""))
        size += len(parts[-1])
        has_more = event.get("more_body", False)
    return b"".join(parts)


def _fault(headers: Headers, reply: Reply) -> tuple[int, str, int] | None:
    """What is wrong with the headers of a message; the status, words and code that tell it."""
    if headers.get(b"content-type", b"").split(b";")[0].strip().lower() != b"application/json":
        return 415, "Content-Type: must be application/json", INVALID_REQUEST
    if headers.get(b"content-encoding", b"identity").lower() != b"identity":
        return 415, "Content-Encoding: leave it out, and send the message as it is", INVALID_REQUEST
    if not (reply.takes_json or reply.takes_events):
        return 406, "Accept: must allow application/json or text/event-stream", INVALID_REQUEST
    return None


def _lacks_version(message: Read, headers: Headers) -> bool:
    """Whether a request of 2026-07-28 does not say so in its headers. The library would miss a session, which that
    version does not have.
    """
    if not isinstance(message, JSONRPCRequest) or {b"mcp-protocol-version", b"mcp-session-id"} & headers.keys():
        return False
    meta = (message.params or {}).get("_meta")
    return message.method != "initialize" and isinstance(meta, dict) and PROTOCOL_VERSION_META_KEY in meta


def _again(body: bytes, headers: Headers, receive: Receive) -> Receive:
    """The body for the library, which was read here first.

    Up to 2025-11-25 a call goes on when its client leaves. Its id stays in flight until it has ended, or its answer
    would go to the next request of that id. Therefore the library does not learn that the client has left meanwhile.
    """
    unread = [body]

    async def receive_again() -> Message:
        if unread:
            return {"type": "http.request", "body": unread.pop(), "more_body": False}
        event = await receive()
        if headers.get(b"mcp-protocol-version") != _MODERN:
            await anyio.sleep(HELD_SECONDS)
        return event

    return receive_again
