"""What may be sent again, and when. A write is repeated only when it is known not to have run."""

import time
from collections.abc import Callable

import httpx
import stamina

from salesloft_mcp.salesloft.budget import MINUTE
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.salesloft.causes import NoConnectionError
from salesloft_mcp.salesloft.received import is_metered, wait_asked

ATTEMPTS = 4
LONG_ATTEMPTS = 60  # of a read by a call that has read for minutes; with the longest pause that is five minutes
LONGEST_PAUSE = 5.0
_PASSING = frozenset({500, 502, 503, 504})
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)


class _Repeat(Exception):  # noqa: N818 - not an error: it tells the retry loop to go round again
    def __init__(self, wait: float) -> None:
        self.wait = wait


def wait_before_repeat(method: str, response: httpx.Response, now: float) -> float | None:
    """Seconds until the request may be sent again, 0 for the usual growing pause; None when the answer stands.

    A write is repeated after one of Salesloft's own 429 only, which did not run; a read after a passing 5xx, too.
    """
    asked = wait_asked(response.headers, now)
    if response.status_code == 429 and (method == "GET" or is_metered(response.headers)):
        return MINUTE - now % MINUTE + 0.1 if asked is None else asked
    if response.status_code in _PASSING and method == "GET":
        return asked or 0.0
    return None


def may_repeat(method: str, error: Exception) -> bool:
    """Whether a request that raised `error` may be sent again: reads always, writes only when nothing was sent, and
    neither where the same would come of it.
    """
    if isinstance(error, NoConnectionError):
        return error.passing
    return isinstance(error, NOT_SENT) or (method == "GET" and isinstance(error, httpx.TransportError))


class RetryLayer(httpx.AsyncBaseTransport):
    """Sends again what may be sent again, within the patience of the call."""

    def __init__(self, inner: httpx.AsyncBaseTransport, clock: Callable[[], float] = time.time) -> None:
        self._inner = inner
        self._clock = clock

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        def hook(error: Exception) -> bool | float:
            if isinstance(error, _Repeat):
                return error.wait or True
            return may_repeat(request.method, error) and current().patience(request.method != "GET") > 1

        attempts = LONG_ATTEMPTS if current().enduring and request.method == "GET" else ATTEMPTS
        async for attempt in stamina.retry_context(on=hook, attempts=attempts, timeout=None, wait_max=LONGEST_PAUSE):
            with attempt:
                response = await self._inner.handle_async_request(request)
                wait = wait_before_repeat(request.method, response, self._clock())
                patience = current().patience(request.method != "GET")
                if wait is None or attempt.num == attempts or max(wait, 1.0) > patience:
                    return response
                await response.aclose()
                raise _Repeat(wait)
        raise AssertionError("the last attempt returns or raises")

    async def aclose(self) -> None:
        await self._inner.aclose()
