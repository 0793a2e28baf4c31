"""An answer over HTTP in the form that its client takes, and an error of the library under the id of its request."""

import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from http import HTTPStatus
from typing import Any

from mcp_types import INTERNAL_ERROR, INVALID_REQUEST, JSONRPCRequest

from salesloft_mcp.server.envelope import NO_ID, Read, Refusal, as_json

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

_JSON, _EVENTS = b"application/json", b"text/event-stream"
_KINDS = {_JSON: {_JSON, b"application/*", b"*/*"}, _EVENTS: {_EVENTS, b"text/*", b"*/*"}}
_ZERO = re.compile(rb"q=0(?:\.0*)?")
_REWRITTEN = {b"content-length", b"content-type", b"transfer-encoding", b"cache-control"}


async def tell(send: Send, status: int, words: str, code: int = INVALID_REQUEST, request_id: bytes = NO_ID) -> None:
    """Answer with an error."""
    await _whole(send, status, Refusal(code, words, request_id).answer)


class Reply:
    """The way back of one message. `send` takes what the library sends."""

    def __init__(self, send: Send, message: Read | None, accept: bytes) -> None:
        self._send = send
        self._id = as_json(message)
        self._is_request = isinstance(message, JSONRPCRequest)
        self.takes_json, self.takes_events = _takes(accept, _JSON), _takes(accept, _EVENTS)
        self._begun: Message | None = None  # what is held back until it is known how to say it
        self._held = b""
        self._is_done = False

    async def refuse(self, status: int, words: str, code: int = INVALID_REQUEST) -> None:
        """Answer with an error under the id of the message."""
        await tell(self._send, status, words, code, self._id)

    async def refuse_all(self, messages: list[Read]) -> None:
        """Answer each of several messages: they cannot be served in one body since 2025-06-18."""
        words = "several messages in one body; send each by itself"
        ids = [as_json(one) for one in messages if isinstance(one, JSONRPCRequest | Refusal)] or [NO_ID]
        answers = [Refusal(INVALID_REQUEST, words, request_id).answer for request_id in ids]
        await _whole(self._send, 400, b"[" + b",".join(answers) + b"]")

    async def send(self, event: Message) -> None:
        """Pass on what the library sends, changed where the client could not take it."""
        if self._is_done:
            return
        if event["type"] == "http.response.start" and self._is_request and not self._suits(event):
            self._begun = event
        elif self._begun is None:
            await self._send(event)
        else:
            self._held += event.get("body", b"")
            await self._convert(self._begun, is_last=not event.get("more_body", False))

    def _suits(self, begun: Message) -> bool:
        return begun["status"] < 400 and (self.takes_events if _kind(begun) == _EVENTS else self.takes_json)

    async def _convert(self, begun: Message, *, is_last: bool) -> None:
        if _kind(begun) == _EVENTS:
            await self._from_events(begun, is_last=is_last)
        elif is_last and begun["status"] >= 400:
            await self._finish(begun, _JSON, _named(self._held, begun["status"], self._id))
        elif is_last:
            await self._finish(begun, _EVENTS, b"event: message\r\ndata: " + self._held + b"\r\n\r\n")

    async def _from_events(self, begun: Message, *, is_last: bool) -> None:
        """Wait for the answer, and send it alone. A question to the person can only be asked in a stream."""
        for event in self._held.split(b"\r\n\r\n")[:-1]:
            data = b"".join(line[6:] for line in event.split(b"\r\n") if line.startswith(b"data: "))
            said = json.loads(data) if data else {}
            if "method" not in said and "id" in said:
                await self._finish(begun, _JSON, data)
                return
            if "id" in said:
                self._begun = None
                await self._send(begun)
                await self._send({"type": "http.response.body", "body": self._held, "more_body": not is_last})
                return
        self._held = self._held.rpartition(b"\r\n\r\n")[2]
        if is_last:
            await self.refuse(503, "the session ended before the answer", INTERNAL_ERROR)

    async def _finish(self, begun: Message, kind: bytes, body: bytes) -> None:
        self._is_done = True
        kept = [header for header in begun["headers"] if header[0].lower() not in _REWRITTEN]
        await _whole(self._send, begun["status"], body, kind, kept)


async def _whole(
    send: Send, status: int, body: bytes, kind: bytes = _JSON, more: list[tuple[bytes, bytes]] | None = None
) -> None:
    headers = [*(more or []), (b"content-type", kind), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _kind(begun: Message) -> bytes:
    return next((value.split(b";")[0] for name, value in begun["headers"] if name.lower() == b"content-type"), b"")


def _takes(accept: bytes, kind: bytes) -> bool:
    """Whether a header Accept allows `kind`. None, or an empty one, allows everything."""
    for one in accept.lower().replace(b" ", b"").split(b",") if accept.strip() else [b"*/*"]:
        name, *parameters = one.split(b";")
        if name in _KINDS[kind] and not any(_ZERO.fullmatch(part) for part in parameters):
            return True
    return False


def _named(body: bytes, status: int, request_id: bytes) -> bytes:
    """An error of the library, in JSON and under the id of its request."""
    try:
        said = json.loads(body)
    except ValueError:
        said = None
    if isinstance(said, dict) and isinstance(said.get("error"), dict):
        return json.dumps({**said, "id": json.loads(request_id)}).encode() if said.get("id") is None else body
    words = body.decode("utf-8", "replace") or HTTPStatus(status).phrase
    return Refusal(INVALID_REQUEST if status < 500 else INTERNAL_ERROR, words, request_id).answer
