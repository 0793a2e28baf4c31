"""A call as it arrives, and as a handler is given it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from salesloft_mcp.sandbox.answers import ApiError, bad_request, not_found
from salesloft_mcp.sandbox.oddities import Odd
from salesloft_mcp.sandbox.query import Query, integer
from salesloft_mcp.sandbox.scopes import Caller, Scope
from salesloft_mcp.sandbox.store import Store

Dialect = Literal["guide", "reference"]


@dataclass(frozen=True)
class Call:
    """One call as it arrived, before anybody has looked at it."""

    method: str
    raw_path: bytes
    query: bytes
    bearer: str
    body: bytes
    origin: str = ""  # by which the caller came


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

    call: Call
    caller: Caller
    segments: Mapping[str, str]
    now: datetime
    store: Store
    dialect: Dialect
    enforce_unique: bool
    odd: frozenset[Odd]
    most_counted: int

    @property
    def query(self) -> Query:
        return Query(self.call.query)

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
        decoded = decode_json(self.call.body or b"{}")
        if not isinstance(decoded, dict):
            raise bad_request("The body is not a JSON object")
        return decoded

    def require(self, scope: Scope) -> None:
        if scope and self.caller.scopes is not None and self.caller.scopes.isdisjoint(scope):
            raise ApiError(403, {"error": f"Missing scope: {' or '.join(scope)}"})


def decode_json(raw: bytes) -> object:
    """Assumed: a body that is not JSON in UTF-8 answers 400."""
    try:
        decoded: object = json.loads(raw.decode())
        # A lone surrogate is valid in JSON's escapes but has no UTF-8, so it could never be answered again.
        json.dumps(decoded, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise bad_request("The body is not JSON") from None
    return decoded
