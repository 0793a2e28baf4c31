"""What a handler is given, and what it gives back."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from salesloft_mcp.sandbox.errors import bad_request, forbidden, not_found
from salesloft_mcp.sandbox.query import Query, integer, stamp
from salesloft_mcp.sandbox.scopes import Caller, Scope
from salesloft_mcp.sandbox.store import Store

Dialect = Literal["guide", "reference"]


@dataclass(frozen=True)
class Answer:
    """A status and the bytes of a body; headers besides content-type and content-length."""

    status: int
    body: bytes = b""
    content_type: str = "application/json"
    headers: Mapping[str, str] = field(default_factory=dict)


def json_answer(status: int, payload: object) -> Answer:
    return Answer(status, json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode())


def text_answer(status: int, message: str, headers: Mapping[str, str] | None = None) -> Answer:
    return Answer(status, message.encode(), "text/plain; charset=utf-8", headers or {})


@dataclass(frozen=True)
class Call:
    """One call as it arrived, before anybody has looked at it."""

    method: str
    raw_path: bytes
    query: bytes
    bearer: str
    body: bytes


@dataclass(frozen=True)
class ReceivedRequest:
    """What is remembered of a call; `status` is None when the caller got no whole answer."""

    method: str
    raw_path: bytes
    query: bytes
    status: int | None
    cost: int


@dataclass(frozen=True)
class Request:
    """One call that passed authentication, with the sandbox it is made to."""

    store: Store
    dialect: Dialect
    enforce_unique: bool
    caller: Caller
    time: float
    segments: Mapping[str, str]
    raw_query: bytes
    raw_body: bytes

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time, UTC)

    @property
    def stamp(self) -> str:
        return stamp(self.now)

    @property
    def query(self) -> Query:
        return Query(self.raw_query)

    @property
    def id(self) -> int:
        """The `{id}` of the path; one that is no number names nothing."""
        try:
            return integer(self.segments["id"])
        except ValueError:
            raise not_found() from None

    @property
    def body(self) -> dict[str, Any]:
        """The JSON object that was sent; no body at all is an empty one."""
        return decode_object(self.raw_body)

    def require(self, scope: Scope) -> None:
        if not self.caller.may(scope):
            raise forbidden(scope)


Handler = Callable[[Request], Answer]


def decode_object(raw: bytes) -> dict[str, Any]:
    decoded = decode_json(raw) if raw else {}
    if not isinstance(decoded, dict):
        raise bad_request("The body is not a JSON object")
    return decoded


def decode_json(raw: bytes) -> object:
    """Assumed: a body that is not JSON in UTF-8 answers 400."""
    try:
        decoded: object = json.loads(raw.decode())
        # A lone surrogate is valid in JSON's escapes but has no UTF-8, so it could never be answered again.
        json.dumps(decoded, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise bad_request("The body is not JSON") from None
    return decoded
