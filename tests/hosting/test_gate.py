"""What hosts send over HTTP is served, or told under its own id: each kind on the real server, in both versions."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest

from salesloft_mcp.hosting import gate
from salesloft_mcp.hosting.gate import Application, Gate, Message, Receive, Send
from tests.conftest import one_era

from .program import HANG_SECONDS, HELLO, PLACE, clean_environment, free_port, listening

era = one_era  # each test of the real server sends in both versions
BOTH = pytest.mark.parametrize("version", ["2025-11-25", "2026-07-28"])
ACCEPT, JSON_ONLY, EVENTS_ONLY = "application/json, text/event-stream", "application/json", "text/event-stream"


class Peer:
    """A client of the real server in both versions, which sends bytes and headers as it likes."""

    def __init__(self, client: httpx.Client) -> None:
        self._client = client
        hello = {"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": HELLO}
        opened = client.post("/mcp", json=hello, headers={"accept": ACCEPT})
        self._session = opened.headers["mcp-session-id"]

    def post(
        self, version: str, body: bytes | None = None, path: str = "/mcp", **headers: str | None
    ) -> httpx.Response:
        """Send a body, or a request that is right; a header of None is left out."""
        given: dict[str, str | None] = {"accept": ACCEPT, "content-type": "application/json"}
        given["mcp-protocol-version"] = version
        given |= {"mcp-method": "tools/list"} if version > "2026" else {"mcp-session-id": self._session}
        given |= {name.replace("_", "-"): value for name, value in headers.items()}
        request = self._client.build_request("POST", path, content=body or listing(7))
        for name, value in given.items():
            request.headers.pop(name, None)
            if value is not None:
                request.headers[name] = value
        return self._client.send(request)

    def get(self, **headers: str) -> int:
        """Open the stream of the session; the status."""
        given = {"mcp-session-id": self._session, "mcp-protocol-version": "2025-11-25", **headers}
        with self._client.stream("GET", "/mcp", headers={k.replace("_", "-"): v for k, v in given.items()}) as stream:
            return stream.status_code


@pytest.fixture(scope="module")
def peer(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peer]:
    home: Path = tmp_path_factory.mktemp("gate")
    env = clean_environment(home, SALESLOFT_STATE_DIR=str(home / "state"))
    port = free_port()
    with (
        listening(["serve", "--sandbox", "--http", "--port", str(port)], port, env, home / "log"),
        httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=HANG_SECONDS) as client,
    ):
        yield Peer(client)
    assert "ERROR" not in (home / "log").read_text()


def listing(number: object, method: object = "tools/list") -> bytes:
    """A request that is right in both versions. Only its `_meta` is of the newer one, and the older one ignores it."""
    return json.dumps({"jsonrpc": "2.0", "id": number, "method": method, "params": {"_meta": PLACE}}).encode()


def said(answer: httpx.Response) -> Any:
    """The one message of an answer, whichever its form."""
    if answer.headers["content-type"].startswith(EVENTS_ONLY):
        return json.loads(next(line for line in answer.text.splitlines() if line.startswith("data: "))[6:])
    return answer.json()


@BOTH
@pytest.mark.parametrize(
    ("body", "code", "number"),
    [
        (b'{"id":7,"method":"tools/list"}', -32600, 7),
        (listing(7, 5), -32600, 7),
        (listing(7.5), -32600, 7.5),
        (listing(None), -32600, None),
        (listing(7)[:-1], -32700, 7),
        (listing(7).replace(b"{}", b"[" * 2_000), -32700, 7),
        (b"\xff", -32700, None),
    ],
)
def test_what_is_no_message_is_told_under_its_id(
    peer: Peer, version: str, body: bytes, code: int, number: object
) -> None:
    answer = peer.post(version, body)
    assert (answer.status_code, said(answer)["id"], said(answer)["error"]["code"]) == (400, number, code)


@BOTH
def test_several_messages_in_one_body_are_refused_each_under_its_id(peer: Peer, version: str) -> None:
    answer = peer.post(version, b"[" + listing(7) + b"," + listing("8") + b"]")
    assert (answer.status_code, [one["id"] for one in said(answer)]) == (400, [7, "8"])


@BOTH
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"accept": None}, 200),
        ({"accept": "*/*"}, 200),
        ({"accept": "APPLICATION/JSON; q=0.5, Text/Event-Stream;q=0.1"}, 200),
        ({"accept": "text/html"}, 406),
        ({"content_type": "Application/JSON; charset=utf-8"}, 200),
        ({"content_type": "text/plain"}, 415),
        ({"content_type": None}, 415),
        ({"content_encoding": "gzip"}, 415),
        ({"last_event_id": "3"}, 200),
        ({"host": "LocalHost"}, 200),
        ({"host": "[::1]"}, 200),
        ({"host": "127.0.0.1", "origin": "http://127.0.0.1"}, 200),
        ({"mcp_protocol_version": "1999-01-01"}, 400),
        ({"path": "/mcp/"}, 200),
        ({"path": "/mcp//"}, 200),
    ],
)
def test_what_headers_and_addresses_hosts_use_is_served_or_told(
    peer: Peer, version: str, headers: dict[str, Any], status: int
) -> None:
    answer = peer.post(version, **headers)
    assert (answer.status_code, said(answer)["id"]) == (status, 7)
    assert ("result" in said(answer)) is (status == 200)


@BOTH
@pytest.mark.parametrize("kind", [JSON_ONLY, EVENTS_ONLY])
def test_a_client_that_takes_one_form_alone_gets_that_form(peer: Peer, version: str, kind: str) -> None:
    answer = peer.post(version, accept=kind)
    assert answer.headers["content-type"].startswith(kind)
    assert "tools" in said(answer)["result"]


def test_a_byte_order_mark_and_a_whole_number_written_with_a_point_are_read(peer: Peer) -> None:
    answer = peer.post("2026-07-28", b"\xef\xbb\xbf" + listing(7.0))
    assert "tools" in said(answer)["result"]


def test_an_error_of_a_session_that_is_not_there_stands_under_the_id_of_the_request(peer: Peer) -> None:
    answer = peer.post("2025-11-25", mcp_session_id="gone")
    assert (answer.status_code, said(answer)["id"]) == (404, 7)


def test_a_request_of_the_newer_version_whose_header_is_missing_is_told_which(peer: Peer) -> None:
    answer = peer.post("2026-07-28", mcp_protocol_version=None)
    assert (answer.status_code, said(answer)["id"], said(answer)["error"]["code"]) == (400, 7, -32020)
    assert "MCP-Protocol-Version" in said(answer)["error"]["message"]


def test_a_stream_that_is_resumed_begins_anew(peer: Peer) -> None:
    assert peer.get(accept=EVENTS_ONLY, last_event_id="3") == 200


@BOTH
def test_an_address_where_nothing_is_says_where_it_is(peer: Peer, version: str) -> None:
    answer = peer.post(version, path="/sse")
    assert (answer.status_code, "/mcp" in answer.text) == (404, True)


# What follows needs a moment that no real server can be held in, and so a small application in its place.


class Exchange:
    """One request at a gate, and what came back."""

    def __init__(
        self, number: object, accept: str = ACCEPT, path: str = "/mcp", also: tuple[tuple[str, str], ...] = ()
    ) -> None:
        self.path = path
        self.left = anyio.Event()
        self.sent: list[Message] = []
        self._body = [json.dumps({"jsonrpc": "2.0", "id": number, "method": "x"}).encode()]
        headers = {"host": "localhost", "content-type": JSON_ONLY, "accept": accept, "mcp-session-id": "s"}
        self._headers = [(name.encode(), value.encode()) for name, value in (*headers.items(), *also)]

    async def receive(self) -> Message:
        if self._body:
            return {"type": "http.request", "body": self._body.pop()}
        await self.left.wait()
        return {"type": "http.disconnect"}

    async def send(self, event: Message) -> None:
        self.sent.append(event)

    async def through(self, application: Gate) -> None:
        """Send it."""
        scope = {"type": "http", "method": "POST", "path": self.path, "headers": self._headers}
        await application(scope, self.receive, self.send)

    @property
    def body(self) -> bytes:
        return b"".join(one.get("body", b"") for one in self.sent)


def streaming(*events: dict[str, Any], started: anyio.Event, go_on: anyio.Event) -> Application:
    """An application that sends events one by one when it may, unless its client leaves."""

    async def application(scope: Message, receive: Receive, send: Send) -> None:
        await receive()
        started.set()
        async with anyio.create_task_group() as tasks:

            async def leave() -> None:
                await receive()
                tasks.cancel_scope.cancel()

            tasks.start_soon(leave)
            await go_on.wait()
            kind = [(b"content-type", EVENTS_ONLY.encode())]
            await send({"type": "http.response.start", "status": 200, "headers": kind})
            for one in events:
                text = b"event: message\r\ndata: " + json.dumps(one).encode() + b"\r\n\r\n"
                await send({"type": "http.response.body", "body": text, "more_body": True})
            await send({"type": "http.response.body", "body": b""})
            tasks.cancel_scope.cancel()

    return application


ANSWER: dict[str, Any] = {"jsonrpc": "2.0", "id": 7, "result": {}}


@pytest.mark.anyio
async def test_an_id_stays_in_flight_until_its_call_has_ended_even_when_its_client_has_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gate, "ENDING_SECONDS", 0.0)
    started, go_on = anyio.Event(), anyio.Event()
    served = Gate(streaming(ANSWER, started=started, go_on=go_on), "/mcp")
    first, second, third = Exchange(7), Exchange("7"), Exchange(7)
    with anyio.fail_after(HANG_SECONDS):
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(first.through, served)
            await started.wait()
            first.left.set()
            await second.through(served)
            go_on.set()
        await third.through(served)
    refused = json.loads(second.body)
    assert (second.sent[0]["status"], refused["id"], refused["error"]["code"]) == (400, "7", -32600)
    assert b'"result"' in first.body
    assert b'"result"' in third.body


@pytest.mark.anyio
async def test_a_client_that_takes_json_alone_gets_the_answer_without_what_was_told_on_the_way() -> None:
    told = {"jsonrpc": "2.0", "method": "notifications/progress", "params": {}}
    go_on = anyio.Event()
    go_on.set()
    exchange = Exchange(7, JSON_ONLY)
    await exchange.through(Gate(streaming(told, ANSWER, started=anyio.Event(), go_on=go_on), "/mcp"))
    assert json.loads(exchange.body) == ANSWER


@pytest.mark.anyio
async def test_a_question_to_its_person_reaches_even_a_client_that_takes_json_alone() -> None:
    asked = {"jsonrpc": "2.0", "id": 1, "method": "elicitation/create", "params": {}}
    go_on = anyio.Event()
    go_on.set()
    exchange = Exchange(7, JSON_ONLY)
    await exchange.through(Gate(streaming(asked, ANSWER, started=anyio.Event(), go_on=go_on), "/mcp"))
    assert exchange.sent[0]["headers"] == [(b"content-type", EVENTS_ONLY.encode())]
    assert exchange.body.count(b"data: ") == 2


ELSEWHERE, HERE = ("origin", "http://evil.test"), ("origin", "http://localhost:3000")


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("path", "also", "status"),
    [
        ("/mcp", (("origin", "null"),), 403),
        ("/mcp", (("origin", "https://localhost.evil.test"),), 403),
        ("/mcp", (ELSEWHERE, HERE), 403),
        ("/mcp", (("host", "evil.test"),), 421),
        ("http://localhost:80/mcp?a=b", (), 200),
        ("HTTP://evil.test/mcp", (), 421),
        ("http://[x/mcp", (), 421),
        ("//[x/mcp", (), 404),
        ("/mcp", (("accept", "text/html"),), 200),
    ],
)
async def test_no_second_header_and_no_form_of_an_address_leads_past_the_check(
    path: str, also: tuple[tuple[str, str], ...], status: int
) -> None:
    go_on = anyio.Event()
    go_on.set()
    exchange = Exchange(7, path=path, also=also)
    await exchange.through(Gate(streaming(ANSWER, started=anyio.Event(), go_on=go_on), "/mcp"))
    assert exchange.sent[0]["status"] == status
