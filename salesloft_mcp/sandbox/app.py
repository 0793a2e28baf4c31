"""The calls: authenticate, charge, go wrong on demand, check the scope, do the work."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from salesloft_mcp.sandbox import asgi, control, routes
from salesloft_mcp.sandbox.errors import ApiError, unauthorized
from salesloft_mcp.sandbox.faults import Faults, go_wrong
from salesloft_mcp.sandbox.limit import RateLimit, cost_of
from salesloft_mcp.sandbox.request import (
    Answer,
    Call,
    Dialect,
    ReceivedRequest,
    Request,
    json_answer,
    text_answer,
)
from salesloft_mcp.sandbox.scopes import Caller
from salesloft_mcp.sandbox.store import Store


@dataclass(frozen=True)
class App:
    """The ASGI application over one store."""

    store: Store
    dialect: Dialect
    enforce_unique: bool
    clock: Callable[[], float]
    limit: RateLimit
    callers: dict[str, Caller]
    faults: Faults
    requests: deque[ReceivedRequest]

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        if scope["type"] == "lifespan":
            await asgi.run_lifespan(receive, send)
            return
        answer = await self._answer(await asgi.read_call(scope, receive))
        if answer is None:
            await asgi.lose_connection(send)
        else:
            await asgi.send_answer(send, answer)

    async def _answer(self, call: Call) -> Answer | None:
        caller = self.callers.get(call.bearer)
        if caller is None:
            self._remember(call, 401, cost=0)
            return refusal(unauthorized())
        if call.raw_path.startswith(control.PREFIX):
            return control.answer(call, self.faults, self.requests)
        return await self._charged(call, caller)

    async def _charged(self, call: Call, caller: Caller) -> Answer | None:
        cost = cost_of(call.query)
        answer = None
        try:
            answer = await self._served(call, caller) if self.limit.take(cost) else too_many()
        finally:
            # Also when the caller went away: the call did arrive.
            self._remember(call, answer.status if answer else None, cost)
        return self._metered(answer, cost) if answer else None

    async def _served(self, call: Call, caller: Caller) -> Answer | None:
        try:
            path = asgi.split_path(call.raw_path)
        except ApiError as error:
            return refusal(error)
        work = partial(self._work, call, caller, path)
        fault = self.faults.take(call.method, "/".join(path))
        return work() if fault is None else await go_wrong(fault, work)

    def _work(self, call: Call, caller: Caller, path: list[str]) -> Answer:
        try:
            match = routes.find(call.method, path)
            request = Request(
                store=self.store,
                dialect=self.dialect,
                enforce_unique=self.enforce_unique,
                caller=caller,
                time=self.clock(),
                segments=match.segments,
                raw_query=call.query,
                raw_body=call.body,
            )
            request.require(match.scope)
            return match.handler(request)
        except ApiError as error:
            return refusal(error)

    def _metered(self, answer: Answer, cost: int) -> Answer:
        meters = {"x-ratelimit-endpoint-cost": str(cost)}
        if self.limit.remaining is not None:
            meters["x-ratelimit-remaining-minute"] = str(self.limit.remaining)
        return replace(answer, headers={**answer.headers, **meters})

    def _remember(self, call: Call, status: int | None, cost: int) -> None:
        self.requests.append(ReceivedRequest(call.method, call.raw_path, call.query, status, cost))


def refusal(error: ApiError) -> Answer:
    return json_answer(error.status, error.body)


def too_many() -> Answer:
    """Assumed, as the 429 body is undocumented: plain text, and no Retry-After."""
    return text_answer(429, "Rate limit exceeded")
