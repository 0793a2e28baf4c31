"""The edges of ASGI: a path taken apart, a body read, an answer sent, a connection lost."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import unquote_to_bytes

from salesloft_mcp.sandbox.errors import bad_request
from salesloft_mcp.sandbox.request import Answer, Call

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]


def split_path(raw_path: bytes) -> list[str]:
    """The segments, split first and decoded each by itself, so that `a%2Fb` stays one segment."""
    try:
        return [unquote_to_bytes(segment).decode() for segment in raw_path.split(b"/")]
    except UnicodeDecodeError:
        raise bad_request("The path is not UTF-8") from None


def bearer(scope: Scope) -> str:
    """The token of the Authorization header, or nothing."""
    value = dict(scope["headers"]).get(b"authorization", b"").decode("latin-1")
    scheme, _, token = value.partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


async def read_call(scope: Scope, receive: Receive) -> Call:
    return Call(
        method=scope["method"],
        raw_path=scope["raw_path"],
        query=scope["query_string"],
        bearer=bearer(scope),
        body=await read_body(receive),
    )


async def read_body(receive: Receive) -> bytes:
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return body


async def send_answer(send: Send, answer: Answer) -> None:
    headers = {"content-type": answer.content_type, "content-length": str(len(answer.body)), **answer.headers}
    if answer.status == 204:
        headers = dict(answer.headers)
    await send(_start(answer.status, headers))
    await send({"type": "http.response.body", "body": answer.body})


async def lose_connection(send: Send) -> None:
    """Promise more than is sent, then fail: a server breaks the connection, in process the error arrives."""
    await send(_start(200, {"content-type": "application/json", "content-length": "1000"}))
    await send({"type": "http.response.body", "body": b"{", "more_body": True})
    raise ConnectionResetError("the sandbox lost the connection on purpose")


async def run_lifespan(receive: Receive, send: Send) -> None:
    """Nothing to open or close here: whoever made the sandbox closes it."""
    message = await receive()
    while message["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
        message = await receive()
    await send({"type": "lifespan.shutdown.complete"})


def _start(status: int, headers: dict[str, str]) -> Message:
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    return {"type": "http.response.start", "status": status, "headers": encoded}
