"""What may be sent again, and when."""

import math
from collections.abc import Iterator

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesloft_mcp.salesloft.call import current, open_call, sent_within
from salesloft_mcp.salesloft.received import LONGEST_WAIT, wait_asked
from salesloft_mcp.salesloft.retry import RetryLayer, may_repeat, wait_before_repeat

NOW = 1_750_000_020.0  # 2025-06-15 15:07:00 GMT
READS, WRITES = ("GET",), ("POST", "DELETE")
METERED = {"x-ratelimit-remaining-minute": "0"}
STATUSES = (200, 201, 204, 302, 400, 401, 403, 404, 408, 422, 429, 500, 501, 502, 503, 504)


@pytest.mark.parametrize("method", [*READS, *WRITES])
@pytest.mark.parametrize("status", STATUSES)
def test_only_429_and_for_reads_a_passing_5xx_are_repeated(method: str, status: int) -> None:
    wait = wait_before_repeat(method, httpx.Response(status, headers=METERED), NOW)
    repeated = status == 429 or (method == "GET" and status in (500, 502, 503, 504))
    assert (wait is not None) == repeated


@pytest.mark.parametrize("method", [*READS, *WRITES])
def test_a_write_is_not_repeated_after_a_429_that_may_come_from_something_in_between(method: str) -> None:
    wait = wait_before_repeat(method, httpx.Response(429, headers={"retry-after": "1"}), NOW)
    assert (wait is not None) == (method == "GET")


@pytest.mark.parametrize(
    ("status", "header", "seconds"),
    [
        (429, None, 60.1),
        (429, "7", 7),
        (429, " 7 ", 7),
        (429, "Sun, 15 Jun 2025 15:07:30 GMT", 30),
        (429, "Sun, 15 Jun 2025 15:06:30 GMT", 0),
        (429, "soon", 60.1),
        (429, "²", 60.1),
        (429, "9" * 400, LONGEST_WAIT),
        (429, "Fri, 31 Dec 9999 23:59:59 -2359", LONGEST_WAIT),
        (503, None, 0),
        (503, "3", 3),
    ],
)
def test_a_wait_that_was_asked_for_is_honoured(status: int, header: str | None, seconds: float) -> None:
    headers = [] if header is None else [(b"retry-after", header.encode("latin-1"))]
    wait = wait_before_repeat("GET", httpx.Response(status, headers=headers), NOW)
    assert wait == pytest.approx(seconds)


def test_a_date_is_held_against_the_date_of_the_answer() -> None:
    """The clock of the server is an hour before ours."""
    dates = {"retry-after": "Sun, 15 Jun 2025 14:07:30 GMT", "date": "Sun, 15 Jun 2025 14:07:10 GMT"}
    assert wait_before_repeat("GET", httpx.Response(503, headers=dates), NOW) == 20


HEADERS = (
    st.text(max_size=40) | st.integers().map(str) | st.datetimes().map(lambda at: f"{at:%a, %d %b %Y %H:%M:%S GMT}")
)


@given(HEADERS, HEADERS)
def test_no_header_makes_a_wait_that_cannot_be_waited(header: str, date: str) -> None:
    wait = wait_asked({"retry-after": header, "date": date}, NOW)
    assert wait is None or 0 <= wait <= LONGEST_WAIT


REQUEST = httpx.Request("GET", "http://sandbox")
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
MAYBE_SENT = (httpx.ReadError, httpx.ReadTimeout, httpx.WriteError, httpx.WriteTimeout, httpx.RemoteProtocolError)


@pytest.mark.parametrize("method", [*READS, *WRITES])
@pytest.mark.parametrize("kind", [*NOT_SENT, *MAYBE_SENT, ValueError])
def test_a_write_is_repeated_only_when_nothing_was_sent(method: str, kind: type[Exception]) -> None:
    assert may_repeat(method, kind("x")) == (kind in NOT_SENT or (method == "GET" and kind in MAYBE_SENT))


class Script(httpx.AsyncBaseTransport):
    """Answers or fails as told, in order."""

    def __init__(self, *steps: int | Exception) -> None:
        self._steps: Iterator[int | Exception] = iter(steps)
        self.sent = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent += 1
        step = next(self._steps)
        if isinstance(step, Exception):
            raise step
        return httpx.Response(step, headers=METERED)


async def ask(script: Script, method: str = "GET") -> int:
    request = httpx.Request(method, "http://sandbox/v2/me")
    return (await RetryLayer(script, lambda: NOW).handle_async_request(request)).status_code


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("method", "steps", "status", "sent"),
    [
        ("GET", (503, 200), 200, 2),
        ("GET", (503, 502, 500, 504), 504, 4),
        ("GET", (httpx.ReadError("x"), 503, 200), 200, 3),
        ("GET", (501, 200), 501, 1),
        ("POST", (503, 200), 503, 1),
        ("POST", (429, 201), 201, 2),
        ("POST", (429, 429, 429, 429), 429, 4),
        ("DELETE", (500, 204), 500, 1),
        ("DELETE", (httpx.ConnectError("x"), 204), 204, 2),
        ("POST", (httpx.ConnectTimeout("x"), httpx.PoolTimeout("x"), 201), 201, 3),
    ],
)
async def test_the_layer_repeats_until_an_answer_stands(
    method: str, steps: tuple[int | Exception, ...], status: int, sent: int
) -> None:
    script = Script(*steps)
    assert (await ask(script, method), script.sent) == (status, sent)


@pytest.mark.anyio
async def test_a_write_that_may_have_run_is_not_repeated() -> None:
    script = Script(httpx.ReadTimeout("x"), 201)
    with pytest.raises(httpx.ReadTimeout):
        await ask(script, "POST")
    assert script.sent == 1


@pytest.mark.anyio
async def test_a_connection_that_never_comes_is_told_in_the_end() -> None:
    script = Script(*[httpx.ConnectError("x")] * 9)
    with pytest.raises(httpx.ConnectError):
        await ask(script, "POST")
    assert script.sent == 4


@pytest.mark.anyio
@pytest.mark.parametrize("step", [429, 503])
async def test_a_call_without_patience_gets_the_answer_at_once(step: int) -> None:
    script = Script(step, 200)
    with open_call(0.5):
        assert (await ask(script), script.sent) == (step, 1)


@pytest.mark.anyio
async def test_a_call_without_patience_gets_the_failure_at_once() -> None:
    script = Script(httpx.ReadError("x"), 200)
    with open_call(0.5), pytest.raises(httpx.ReadError):
        await ask(script)
    assert script.sent == 1


@pytest.mark.anyio
async def test_a_write_that_would_be_sent_too_late_is_not_sent_and_a_read_is() -> None:
    with open_call() as call, sent_within(5):
        current().points += 1
        assert current().patience(write=True) <= 5 < current().patience()
    assert (call.points, call.patience(write=True)) == (1, math.inf)


@pytest.mark.anyio
async def test_calls_do_not_share_their_points() -> None:
    with open_call() as outer:
        current().points += 1
        with open_call() as inner:
            current().points += 5
        current().points += 1
    assert (outer.points, inner.points) == (2, 5)
    assert current().patience() > 1e9


@pytest.mark.anyio
async def test_a_call_is_renewed_and_never_shortened() -> None:
    with open_call(0.0) as call:
        assert call.patience() <= 0
        call.renew(1_000)
        assert 900 < call.patience() <= 1_000
        call.renew(1)
        assert call.patience() > 900
    with open_call() as call:
        call.renew(1)
        assert call.patience() > 1e9
