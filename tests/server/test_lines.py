"""What server/lines.py takes from the protocol library without a promise, and that every line gets its answer."""

import json
import math
from collections.abc import AsyncIterator
from typing import Any, cast

import anyio
import pytest
from mcp.server import ServerRequestContext
from mcp.server.context import CallNext, HandlerResult

from salesloft_mcp.server.lines import serve_lines
from tests.conftest import Era
from tests.hosting.program import HANG_SECONDS, HELLO, PLACE
from tests.server.test_sdk import doubling

pytestmark = pytest.mark.anyio

STREAMS = "look at serve_lines and _Messages: Server.run of mcp works in another way now"


class Lines:
    """A client that writes lines, and keeps what comes back."""

    def __init__(self, *messages: dict[str, Any] | bytes | None) -> None:
        self.given = [json.dumps(one).encode() if isinstance(one, dict) else one for one in messages]
        self.answers: list[dict[str, Any]] = []
        self.is_open = True

    async def read(self) -> AsyncIterator[bytes | None]:
        """What was written, and then the end."""
        for line in self.given:
            yield line

    async def write(self, data: bytes) -> None:
        """Take a line, and answer late, as a slow reader does."""
        await anyio.lowlevel.checkpoint()
        if not self.is_open:
            raise BrokenPipeError
        self.answers.append(json.loads(data))

    async def serve(self, grace: float = HANG_SECONDS) -> list[object]:
        """Serve all that was given; the ids of the answers."""
        with anyio.fail_after(HANG_SECONDS):
            await serve_lines(doubling(), self.read(), self.write, grace)
        return [one["id"] for one in self.answers if "method" not in one]


def request(era: Era, number: object, method: str, **params: object) -> dict[str, Any]:
    """A request of an era."""
    meta = {"_meta": PLACE} if era == "auto" else {}
    return {"jsonrpc": "2.0", "id": number, "method": method, "params": {**params, **meta}}


def hello(era: Era) -> list[dict[str, Any]]:
    """What a client of an era begins with, under the id 1."""
    if era == "auto":
        return [request(era, 1, "server/discover")]
    return [request(era, 1, "initialize", **HELLO), {"jsonrpc": "2.0", "method": "notifications/initialized"}]


async def test_all_that_was_asked_before_the_lines_end_is_answered(era: Era) -> None:
    calls = [request(era, number, "tools/call", name="double", arguments={"number": 1}) for number in range(2, 40)]
    lines = Lines(*hello(era), *calls)
    assert sorted(cast(list[int], await lines.serve())) == list(range(1, 40)), STREAMS
    assert all("result" in one for one in lines.answers), STREAMS


async def test_a_listening_request_does_not_hold_the_end_up() -> None:
    listening = request("auto", "listen", "subscriptions/listen", notifications={"resourcesListChanged": True})
    lines = Lines(*hello("auto"), listening)
    assert 1 in await lines.serve(grace=math.inf), STREAMS


async def test_a_request_that_is_never_done_gets_a_while_and_then_an_error(era: Era) -> None:
    async def sleep(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        if ctx.method == "tools/list":
            await anyio.sleep_forever()
        return await call_next(ctx)

    lines = Lines(*hello(era), request(era, 2, "tools/list"))
    with anyio.fail_after(HANG_SECONDS):
        await serve_lines(doubling([sleep]), lines.read(), lines.write, 0.0)
    answers = {one["id"]: one for one in lines.answers}
    assert "result" in answers[1], STREAMS
    assert answers[2]["error"]["message"] == "Connection closed", STREAMS


async def test_a_client_that_stops_reading_ends_nothing_but_its_answers(era: Era) -> None:
    lines = Lines(*hello(era), request(era, 2, "tools/list"))
    lines.is_open = False
    await lines.serve(grace=0.0)
    assert lines.answers == [], STREAMS


async def test_each_line_is_answered_under_its_own_ids_whatever_is_wrong_with_it(era: Era) -> None:
    good = [json.dumps(request(era, number, "tools/list")).encode() for number in range(2, 6)]
    faults: dict[bytes, list[object]] = {
        b'{"id":7,"method":"ping"}': [7],
        b'{"jsonrpc":"2.0","id":7.5,"method":"ping"}': [7.5],
        b'{"jsonrpc":"2.0","id":"x","method":"a\\ud800"}': ["x"],
        b'{"jsonrpc":"2.0","id":8,"method":"ping","params":' + b"[" * 2_000: [8],
        b"{": [None],
        b'{"jsonrpc":"2.0","id":9,"result":null}': [],
        b"[" + good[0] + b"," + good[1] + b"]": [2, 3],
        good[2] + good[3]: [4, 5],
    }
    lines = Lines(*hello(era), *faults, None)
    expected: list[object] = [1, None, *(number for numbers in faults.values() for number in numbers)]
    assert sorted(map(str, await lines.serve())) == sorted(map(str, expected))
    assert [one["id"] for one in lines.answers if "result" in one] == [1, 2, 3, 4, 5]


async def test_a_request_is_refused_while_another_one_of_its_id_is_in_flight_and_taken_after_that(era: Era) -> None:
    refused = anyio.Event()

    async def wait(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        if ctx.method == "tools/list":
            await refused.wait()
        return await call_next(ctx)

    lines = Lines()
    answered = anyio.Event()

    async def read() -> AsyncIterator[bytes]:
        for one in (*hello(era), request(era, 2, "tools/list"), request(era, 2, "resources/list")):
            yield json.dumps(one).encode()
        await answered.wait()
        yield json.dumps(request(era, 2, "resources/list")).encode()

    async def write(data: bytes) -> None:
        await lines.write(data)
        if b"not answered yet" in data:
            refused.set()
        if b'"tools":[' in data:
            answered.set()

    with anyio.fail_after(HANG_SECONDS):
        await serve_lines(doubling([wait]), read(), write, HANG_SECONDS)
    one, two, three = (answer for answer in lines.answers if answer["id"] == 2)
    assert one["error"]["code"] == -32600
    assert "tools" in two["result"]
    assert "resources" in three["result"]


async def test_a_call_that_the_client_cancels_does_not_hold_the_end_up_and_frees_its_id(era: Era) -> None:
    async def sleep(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
        if ctx.method == "tools/list":
            await anyio.sleep_forever()
        return await call_next(ctx)

    cancelled = {"jsonrpc": "2.0", "method": "notifications/cancelled", "params": {"requestId": 2}}
    lines = Lines(*hello(era), request(era, 2, "tools/list"), cancelled)
    with anyio.fail_after(HANG_SECONDS):
        await serve_lines(doubling([sleep]), lines.read(), lines.write, math.inf)
    assert [one["id"] for one in lines.answers] == [1], STREAMS
