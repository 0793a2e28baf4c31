"""The team's points: "600 cost points a minute per team, shared by every integration of that team"."""

import time
from collections import deque
from collections.abc import Callable

import anyio
import httpx

from salesloft_mcp.errors import RateLimitedError
from salesloft_mcp.salesloft.call import Lane, current
from salesloft_mcp.salesloft.causes import UNSENT
from salesloft_mcp.salesloft.requests import page_points
from salesloft_mcp.text import whole_number

CHAT_RESERVE = 30  # points a minute that bulk work leaves free, so that a person never waits behind it
MINUTE = 60.0
ANSWER_SECONDS = 15.0  # for the head of an answer, and again for its body; less where a call has less time left


def expected_cost(url: httpx.URL) -> int:
    """Points of one call: 1, and more for list pages past 100."""
    return page_points(whole_number(url.params.get("page", "")) or 1)


class Budget:
    """What this process may still spend, counted in a moving minute and corrected by what Salesloft says.

    A moving minute is safe for a fixed clock minute and for a leaky bucket alike; which one it is, nobody says. Waits
    are measured on `clock`, which nobody sets back; `wall` only says when the clock minute ends.
    """

    def __init__(
        self, points_a_minute: int, clock: Callable[[], float] = time.monotonic, wall: Callable[[], float] = time.time
    ) -> None:
        self._limit = points_a_minute
        self._clock = clock
        self._wall = wall
        self._spent: deque[tuple[float, int]] = deque()
        self._used = 0  # the sum of `_spent`
        self._told = (0.0, 0)  # until then on our clock, so many points are left to the team

    @property
    def bulk(self) -> int:
        """Points a minute that bulk work may spend."""
        return self._limit - self._reserve("bulk")

    def left(self) -> int:
        """Points that may be spent now."""
        now = self._now()
        ours = self._limit - self._used
        until, left = self._told
        return max(0, min(ours, left) if now < until else ours)

    @property
    def limit(self) -> int:
        """Points a minute that may be spent altogether."""
        return self._limit

    def whole_in(self) -> float:
        """Seconds until all of them may be spent again, when nothing is spent until then; 0 where they may be now."""
        now = self._now()
        until, left = self._told
        ends = [self._spent[-1][0] + MINUTE] if self._spent else []
        ends += [until] if left < self._limit else []
        return max([0.0, *(end - now for end in ends)])

    def wait(self, cost: int, lane: Lane = "chat") -> float:
        """Seconds until `cost` points may be spent; 0 when they may be spent now."""
        now, cost = self._now(), cost + self._reserve(lane)
        until, left = self._told
        wait = until - now + 0.05 if now < until and left < cost else 0.0
        over = self._used + cost - self._limit
        for at, points in self._spent:
            if over <= 0:
                break
            over -= points
            wait = max(wait, at + MINUTE - now, 0.001)
        return wait

    def spend(self, cost: int) -> None:
        """Count `cost` points as spent now."""
        now = self._clock()
        self._spent.append((now, cost))
        self._used += cost
        until, left = self._told
        self._told = (until, left - cost)

    def learn(self, remaining: int) -> None:
        """Salesloft says how many points the whole team has left in this clock minute."""
        now = self._clock()
        until, left = self._told
        if now < until:
            self._told = (until, min(remaining, left))
        else:
            self._told = (now + MINUTE - self._wall() % MINUTE, remaining)

    def _reserve(self, lane: Lane) -> int:
        return CHAT_RESERVE if lane == "bulk" and self._limit > 2 * CHAT_RESERVE else 0

    def _now(self) -> float:
        """The time, from which on what was spent a minute ago counts no more."""
        now = self._clock()
        while self._spent and self._spent[0][0] <= now - MINUTE:
            self._used -= self._spent.popleft()[1]
        return now


class BudgetLayer(httpx.AsyncBaseTransport):
    """Waits for a place in the budget, then passes the request on and learns from the answer's headers."""

    def __init__(self, inner: httpx.AsyncBaseTransport, budget: Budget) -> None:
        self._inner = inner
        self._budget = budget

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        cost = expected_cost(request.url)
        call = current()
        while wait := self._budget.wait(cost, call.lane):
            if wait > call.patience(request.method != "GET"):
                what = "the points for this minute are spent; nothing was sent."
                raise RateLimitedError(what, retry_after_seconds=wait)
            await anyio.sleep(wait)
        self._budget.spend(cost)
        call.points += cost
        try:
            # Waiting for a place comes before this, so it is never taken for a lost answer.
            with anyio.fail_after(min(ANSWER_SECONDS, call.patience())):
                response = await self._inner.handle_async_request(request)
        except TimeoutError as error:
            late = httpx.ReadTimeout("no answer in time", request=request)
            raise request.extensions.get(UNSENT) or late from error
        more = (whole_number(response.headers.get("x-ratelimit-endpoint-cost", "")) or 0) - cost
        if more > 0:
            self._budget.spend(more)
            call.points += more
        remaining = whole_number(response.headers.get("x-ratelimit-remaining-minute", ""))
        if response.status_code == 429:
            # With a Retry-After it says itself when there is room again, and the retry layer waits for that.
            remaining = None if "retry-after" in response.headers else remaining or 0
        if remaining is not None:
            self._budget.learn(remaining)
        return response

    async def aclose(self) -> None:
        await self._inner.aclose()
