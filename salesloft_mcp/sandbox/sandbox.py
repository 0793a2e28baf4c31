"""The sandbox as its users hold it: open it, call its app, close it."""

import time
from collections import deque
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

from salesloft_mcp.sandbox.app import App
from salesloft_mcp.sandbox.faults import Faults
from salesloft_mcp.sandbox.limit import RateLimit
from salesloft_mcp.sandbox.request import Dialect, ReceivedRequest
from salesloft_mcp.sandbox.scopes import Caller, Kind
from salesloft_mcp.sandbox.seed import plant
from salesloft_mcp.sandbox.store import Store

API_KEY = "ak" + "0123456789abcdef" * 4
OAUTH_TOKEN = "sandbox-oauth-token-that-is-no-secret"

REQUESTS_KEPT = 10_000


class Sandbox:
    """A local Salesloft External IDs API: give `app` to an ASGI server or to httpx.ASGITransport.

    A file keeps its data over restarts and is seeded once, while it is empty.
    """

    def __init__(
        self,
        path: str | Path = ":memory:",
        *,
        dialect: Dialect = "reference",
        rate_limit: int = 600,
        enforce_unique: bool = True,
        seeded: bool = True,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.api_key = API_KEY
        self.oauth_token = OAUTH_TOKEN
        self.faults = Faults()
        self.requests: deque[ReceivedRequest] = deque(maxlen=REQUESTS_KEPT)
        self._callers = {API_KEY: Caller("api_key"), OAUTH_TOKEN: Caller("oauth")}
        self._store = Store(path)
        self.app = App(
            store=self._store,
            dialect=dialect,
            enforce_unique=enforce_unique,
            clock=clock,
            limit=RateLimit(rate_limit, clock),
            callers=self._callers,
            faults=self.faults,
            requests=self.requests,
        )
        if seeded:
            plant(self._store)

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self._store.close()

    def issue_token(self, *scopes: str, kind: Kind = "api_key") -> str:
        """A token limited to those scopes, good for as long as this object lives."""
        digest = sha256(f"sandbox token {len(self._callers)}".encode()).hexdigest()
        token = f"ak{digest}" if kind == "api_key" else f"sandbox-{digest}"
        self._callers[token] = Caller(kind, frozenset(scopes))
        return token
