"""The sandbox as its users hold it: open it, call it, close it."""

import time
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from hashlib import sha256
from pathlib import Path

from salesloft_mcp.sandbox import asgi, control, oauth, odd_answers, routes
from salesloft_mcp.sandbox.answers import Answer, ApiError, json_answer, text_answer
from salesloft_mcp.sandbox.faults import Faults, go_wrong
from salesloft_mcp.sandbox.limit import RateLimit, cost_of
from salesloft_mcp.sandbox.oddities import Odd
from salesloft_mcp.sandbox.request import Call, Dialect, ReceivedRequest, Request
from salesloft_mcp.sandbox.scopes import Caller, Kind, needed
from salesloft_mcp.sandbox.seed import plant
from salesloft_mcp.sandbox.store import Store

API_KEY = "ak" + "0123456789abcdef" * 4
OAUTH_TOKEN = "sandbox-oauth-token-that-is-no-secret"
CLIENT_ID = "sandbox-client"
CLIENT_SECRET = "sandbox-client-secret-that-is-no-secret"
REDIRECT_URI = "http://localhost:8788/callback"

REQUESTS_KEPT = 10_000


class Sandbox:
    """A local Salesloft External IDs API, as an ASGI application for a server or for httpx.ASGITransport.

    A file keeps its data over restarts and is seeded once, while it is empty. `odd` names what real teams hold and few
    expect (see `oddities`); `most_counted` is where counts of rows stop, unless a call says that they shall not.
    Tokens that somebody signed in for are good for `token_seconds`; it sends people back to `redirect_uri` alone.
    """

    def __init__(
        self,
        path: str | Path = ":memory:",
        *,
        dialect: Dialect = "reference",
        rate_limit: int = 600,
        enforce_unique: bool = True,
        seeded: bool = True,
        odd: Collection[Odd] = (),
        most_counted: int = 10_000,
        token_seconds: float = 7_200.0,
        redirect_uri: str = REDIRECT_URI,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.api_key = API_KEY
        self.oauth_token = OAUTH_TOKEN
        self.faults = Faults()
        self.requests: deque[ReceivedRequest] = deque(maxlen=REQUESTS_KEPT)
        self.store = Store(path)
        self.enforce_unique = enforce_unique
        self._dialect: Dialect = dialect
        self._odd = frozenset(odd)
        self._most_counted = most_counted
        self._clock = clock
        self._limit = RateLimit(rate_limit, clock)
        self._callers = {API_KEY: Caller("api_key"), OAUTH_TOKEN: Caller("oauth")}
        client = oauth.Client(CLIENT_ID, CLIENT_SECRET, redirect_uri)
        self.authority = oauth.Authority(client, self._callers, token_seconds, clock)
        if seeded:
            plant(self.store)

    def __enter__(self) -> "Sandbox":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        self.store.close()

    def issue_token(self, *scopes: str, kind: Kind = "api_key") -> str:
        """A token limited to those scopes, good for as long as this object lives."""
        digest = sha256(f"sandbox token {len(self._callers)}".encode()).hexdigest()
        token = f"ak{digest}" if kind == "api_key" else f"sandbox-{digest}"
        self._callers[token] = Caller(kind, frozenset(scopes))
        return token

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        """Authenticate, charge, go wrong on demand, check the scope, do the work."""
        if scope["type"] == "lifespan":
            await asgi.run_lifespan(receive, send)
        else:
            await asgi.send_answer(send, await self._answer(await asgi.read_call(scope, receive)))

    async def _answer(self, call: Call) -> Answer | None:
        if call.raw_path in oauth.PATHS:
            return await self._authorized(call)
        caller = self._callers.get(call.bearer)
        if caller is None or caller.until <= self._clock():
            self._remember(call, 401, cost=0)
            return json_answer(401, {"error": "Invalid or missing bearer token"})
        if call.raw_path.startswith(control.PREFIX):
            return control.answer(call, self.faults, self.requests)
        answer, cost = None, cost_of(call.query)
        try:
            # Assumed, as the 429 body is undocumented: plain text, and no Retry-After.
            enough = self._limit.take(cost)
            answer = await self._served(call, caller) if enough else text_answer(429, "Rate limit exceeded")
        finally:
            # Also when the caller went away: the call did arrive.
            self._remember(call, answer.status if answer else None, cost)
        if answer is None:
            return None
        if "metered" in self._odd:
            return answer
        meters = {"x-ratelimit-endpoint-cost": str(cost)}
        if self._limit.remaining is not None:
            meters["x-ratelimit-remaining-minute"] = str(self._limit.remaining)
        return replace(answer, headers={**answer.headers, **meters})

    async def _authorized(self, call: Call) -> Answer | None:
        """The authorization server costs no points."""
        fault = self.faults.take(call.method, call.raw_path.decode())
        work = partial(self.authority.answer, call)
        answer = work() if fault is None else await go_wrong(fault, work)
        self._remember(call, answer.status if answer else None, cost=0)
        return answer

    async def _served(self, call: Call, caller: Caller) -> Answer | None:
        try:
            path = asgi.split_path(call.raw_path)
        except ApiError as error:
            return error.answer
        work = partial(self._work, call, caller, path)
        fault = self.faults.take(call.method, "/".join(path))
        return work() if fault is None else await go_wrong(fault, work)

    def _work(self, call: Call, caller: Caller, path: list[str]) -> Answer:
        try:
            noun, handler, segments = routes.find(call.method, path)
            now = datetime.fromtimestamp(self._clock(), UTC)
            request = Request(
                call,
                caller,
                segments,
                now,
                self.store,
                self._dialect,
                self.enforce_unique,
                self._odd,
                self._most_counted,
            )
            request.require(needed(call.method, noun))
            return odd_answers.around(handler, self._odd)(request)
        except ApiError as error:
            return error.answer

    def _remember(self, call: Call, status: int | None, cost: int) -> None:
        self.requests.append(ReceivedRequest(call.method, call.raw_path, call.query, status, cost))
