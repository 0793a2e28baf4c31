"""The edges of ASGI: a call read, a path taken apart, an answer sent, a connection lost."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NoReturn
from urllib.parse import unquote_to_bytes

from salesloft_mcp.sandbox.answers import Answer, bad_request
from salesloft_mcp.sandbox.request import Call

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


async def read_call(scope: Scope, receive: Receive) -> Call:
    """The call with its whole body, and the token of its Authorization header, or none."""
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    headers = dict(scope["headers"])
    kind, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
    bearer = token.strip() if kind.lower() == "bearer" else ""
    origin = f"{scope.get('scheme', 'http')}://{headers.get(b'host', b'').decode('latin-1')}"
    return Call(scope["method"], scope["raw_path"], scope["query_string"], bearer, body, origin)


async def send_answer(send: Send, answer: Answer | None) -> None:
    """Send it, or lose the connection where there is none."""
    if answer is None:
        await _lose_connection(send)
    described = {"content-type": answer.content_type, "content-length": str(len(answer.body))}
    await _start(send, answer.status, {**({} if answer.status == 204 else described), **answer.headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _lose_connection(send: Send) -> NoReturn:
    """Promise more than is sent, then fail: a server breaks the connection, in process the error arrives."""
    await _start(send, 200, {"content-type": "application/json", "content-length": "1000"})
    await send({"type": "http.response.body", "body": b"{", "more_body": True})
    raise ConnectionResetError("the sandbox lost the connection on purpose")


async def run_lifespan(receive: Receive, send: Send) -> None:
    """Nothing to open or close here: whoever made the sandbox closes it."""
    while (await receive())["type"] != "lifespan.shutdown":
        await send({"type": "lifespan.startup.complete"})
    await send({"type": "lifespan.shutdown.complete"})


async def _start(send: Send, status: int, headers: dict[str, str]) -> None:
    encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": encoded})
