"""Bytes to messages of JSON-RPC 2.0, and for what is no message the error that answers it under its own id.

The library reads a request whose id is neither a text nor a whole number as a notification, which nobody answers, and
where anything else is wrong it answers under no id: the client then waits for ever.
https://modelcontextprotocol.io/specification/2025-11-25/basic#messages
"""

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import mcp_types as types
from pydantic import ValidationError
from pydantic_core import from_json

MAX_MESSAGE = 4 * 1024 * 1024  # bytes of a line or a body; the library's own limit for a body
MOST_AT_ONCE = 100  # messages in one list, or in one line
MOST_TOKENS = 300_000  # read of what is not JSON, to find its id; half a second, in which nobody else is served
NO_ID = b"null"
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_TEXT = rb'"(?:[^"\\]++|\\.)*+(?:"|\Z)'  # one that has no end goes on to the end
_TOKEN = re.compile(rb"[\s\0]*+(?P<token>" + _TEXT + rb'|[{\[]+|[}\]]+|[:,]|[^\s"{}\[\]:,]+)', re.DOTALL)
_BRACKETS = re.compile(rb'(?:[^"{}\[\]]++|' + _TEXT + rb")*+(?P<token>[{\[]+|[}\]]+)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Refusal:
    """The answer to what is no message that can be served."""

    code: int
    words: str
    request_id: bytes = NO_ID
    """As JSON."""

    @property
    def answer(self) -> bytes:
        """The error, as JSON on one line."""
        error = json.dumps({"code": self.code, "message": self.words}).encode()
        return b'{"jsonrpc":"2.0","id":' + self.request_id + b',"error":' + error + b"}"


Read = types.JSONRPCMessage | Refusal


def in_flight(request: types.JSONRPCRequest) -> Refusal:
    """The answer to a request whose id is in flight already: nobody could tell both answers apart."""
    words = "id: a request with this id is not answered yet, so this one was not run; send it under an id of its own"
    return Refusal(types.INVALID_REQUEST, words, _echoed(request.id))


def as_json(message: Read | None) -> bytes:
    """The id under which a message is answered, as JSON."""
    if isinstance(message, Refusal):
        return message.request_id
    return _echoed(message.id) if isinstance(message, types.JSONRPCRequest) else NO_ID


def read(data: bytes) -> list[Read]:
    """What a line or a body says: one message almost always, several where a client joins them, or why it is none.

    A byte order mark before it is passed over.
    """
    return read_with_text(data)[0]


def read_with_text(data: bytes) -> tuple[list[Read], bytes]:
    """The same, and the text of a single message as the library reads it."""
    data = data.strip().removeprefix(_BYTE_ORDER_MARK)
    try:
        message = types.jsonrpc_message_adapter.validate_json(data, by_name=False)
    except ValidationError:
        message = None
    # The library takes what has an id that it cannot read for a notification.
    is_doubtful = isinstance(message, types.JSONRPCNotification) and b'"id"' in data
    if message is not None and not is_doubtful:
        return [message], data
    found = _read_slowly(data)
    if len(found) != 1 or isinstance(found[0], Refusal):
        return found, b""
    return found, json.dumps(found[0].model_dump(by_alias=True, exclude_unset=True)).encode()


def _read_slowly(data: bytes) -> list[Read]:
    try:
        found = from_json(data)
    except ValueError as error:
        return _parts(data, str(error))
    if not isinstance(found, list):
        return [_message(found)]
    if not found:
        return [Refusal(types.INVALID_REQUEST, "the list holds no message")]
    if len(found) > MOST_AT_ONCE:
        return [_too_many()]
    return [_message(one) for one in found]


def _parts(data: bytes, fault: str) -> list[Read]:
    """What is not JSON: messages that stand side by side are read one by one, anything else is refused by its id."""
    objects = list(islice(_objects(data), MOST_AT_ONCE + 1))
    if len(objects) > MOST_AT_ONCE:
        return [_too_many()]
    if len(objects) > 1:
        return [one for part, _ in objects for one in read(part)]
    if b"\0" in data:
        fault += ", and there are zero bytes, as UTF-16 has them"
    request_id = objects[0][1] if objects else NO_ID
    return [Refusal(types.PARSE_ERROR, f"the message cannot be read as JSON in UTF-8: {fault}", request_id)]


def _too_many() -> Refusal:
    return Refusal(types.INVALID_REQUEST, f"more than {MOST_AT_ONCE} messages at once; send each by itself")


def _message(found: object) -> Read:
    """The message that a value of JSON is."""
    if not isinstance(found, dict):
        return Refusal(types.INVALID_REQUEST, "a message of JSON-RPC 2.0 is an object")
    if "method" not in found and ("result" in found or "error" in found):
        return _response(found)
    request_id = found.get("id")
    if isinstance(request_id, float) and request_id.is_integer():
        request_id = int(request_id)  # some languages know no other numbers
    if request_id is None and str(found.get("method")).startswith("notifications/"):
        found = {name: value for name, value in found.items() if name != "id"}  # null is how some leave it out
    elif "id" in found and (isinstance(request_id, bool) or not isinstance(request_id, int | str)):
        return Refusal(types.INVALID_REQUEST, "id: must be a text or a whole number", _echoed(request_id))
    if fault := _fault(found):
        return Refusal(types.INVALID_REQUEST, fault, _echoed(request_id))
    whole = {**found, "id": request_id} if "id" in found else found
    return types.jsonrpc_message_adapter.validate_python(whole, by_name=False)


def _fault(found: dict[str, Any]) -> str | None:
    """What is wrong with a request or a notification, apart from its id."""
    if found.get("jsonrpc") != "2.0":
        return 'jsonrpc: must be "2.0"'
    if not isinstance(found.get("method"), str):
        return "method: must be a text"
    if not isinstance(found.get("params"), dict | None):
        return "params: must be an object"
    return None


def _response(found: dict[str, Any]) -> Read:
    """A client's answer to a question of ours. One that cannot be read counts as an error: then the question ends."""
    try:
        return types.jsonrpc_message_adapter.validate_python(found, by_name=False)
    except ValidationError:
        words, request_id = "the client's answer is none of JSON-RPC 2.0", found.get("id")
    if isinstance(request_id, bool) or not isinstance(request_id, int | str):
        return Refusal(types.INVALID_REQUEST, words)
    fault = types.ErrorData(code=types.INVALID_REQUEST, message=words)
    return types.JSONRPCError(jsonrpc="2.0", id=request_id, error=fault)


def _objects(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """The objects that stand side by side in `data`, and the id of each as JSON.

    Nothing is built, so that it holds for text that no reader takes: cut off, nested too deep, with numbers too long.
    """
    depth, start, request_id = 0, 0, NO_ID
    before = (b"", b"")
    found = _BRACKETS.match(data)
    for _ in range(MOST_TOKENS):
        if found is None:
            break
        token = found["token"]
        if token[0] in b"{[":
            if depth == 0:
                start, request_id = found.start("token"), NO_ID
            depth += len(token)
        elif token[0] in b"}]":
            was, depth = depth, max(0, depth - len(token))
            if was and depth == 0:
                yield data[start : found.end()], request_id
        elif before == (b'"id"', b":"):
            request_id = _as_id(token)
        before = (before[1], token) if depth == 1 else (b"", b"")
        found = (_TOKEN if depth == 1 else _BRACKETS).match(data, found.end())
    if depth:
        yield data[start:], request_id


def _as_id(token: bytes) -> bytes:
    try:
        return _echoed(json.loads(token))
    except ValueError:
        return NO_ID


def _echoed(request_id: object) -> bytes:
    """An id as it is sent back: a text or a number, even where it is none of the protocol's."""
    is_id = isinstance(request_id, str | int) and not isinstance(request_id, bool)
    if is_id or (isinstance(request_id, float) and math.isfinite(request_id)):
        return json.dumps(request_id).encode()
    return NO_ID
