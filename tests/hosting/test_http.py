"""HTTP on loopback: both eras, nobody from elsewhere, and an end that waits for nobody."""

import asyncio
import json
import signal
import socket
from collections.abc import Iterator
from pathlib import Path
from subprocess import Popen
from typing import NamedTuple

import anyio
import httpx
import pytest
from mcp.client import Client

from salesloft_mcp.errors import SettingsError
from salesloft_mcp.hosting.http import bind

from .program import HANG_SECONDS, PLACE, Era, clean_environment, free_port, listening, run

ACCEPT = {"accept": "application/json, text/event-stream"}
MODERN = {**ACCEPT, "mcp-protocol-version": "2026-07-28", "mcp-method": "tools/list"}
LIST = {"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {"_meta": PLACE}}
LISTEN = {
    "jsonrpc": "2.0",
    "id": 2,
    "method": "subscriptions/listen",
    "params": {"_meta": PLACE, "notifications": {"resourcesListChanged": True}},
}


class Served(NamedTuple):
    process: "Popen[str]"
    port: int

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/mcp"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """One server for the tests that must not end it."""
    yield from _serve(tmp_path_factory.mktemp("http"))


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[Served]:
    yield from _serve(tmp_path)


def _serve(home: Path) -> Iterator[Served]:
    env = clean_environment(home, SALESLOFT_STATE_DIR=str(home / "state"))
    port = free_port()
    with listening(["serve", "--sandbox", "--http", "--port", str(port)], port, env, home / "log") as process:
        yield Served(process, port)


@pytest.mark.anyio
async def test_tools_are_listed_and_called_in_both_eras(served: Served, era: Era) -> None:
    async with Client(served.url, mode=era) as client:
        names = {tool.name for tool in (await client.list_tools()).tools}
        result = await client.call_tool("resolve_external_ids", {"external_ids": ["CONTACT3456"]})
    assert "delete_external_id_mapping" in names
    assert "578495206" in json.dumps(result.structured_content)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_request_to_a_name_of_this_machine_is_served(served: Served, host: str) -> None:
    headers = {**MODERN, "host": f"{host}:{served.port}", "origin": f"http://{host}:{served.port}"}
    assert httpx.post(served.url, json=LIST, headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ('{"external_ids": ["CONTACT3456"]}', "578495206"),
        ("", "external_ids: is required."),
        ("CONTACT3456", "arguments: must be an object, or the JSON text of one."),
        ("[]", "external_ids: is required."),
        ([], "external_ids: is required."),
        ("null", "external_ids: is required."),
        ("[" * 50_000, "arguments: must be an object, or the JSON text of one."),
        (["CONTACT3456"], "arguments: must be an object, or the JSON text of one."),
        (7, "arguments: must be an object, or the JSON text of one."),
    ],
)
def test_arguments_may_be_the_json_text_of_an_object(served: Served, arguments: object, said: str) -> None:
    params = {"_meta": PLACE, "name": "resolve_external_ids", "arguments": arguments}
    headers = {**MODERN, "mcp-method": "tools/call", "mcp-name": "resolve_external_ids"}
    answer = httpx.post(served.url, json={**LIST, "method": "tools/call", "params": params}, headers=headers)
    assert said in answer.text


def test_a_slash_at_the_end_of_the_address_sends_nobody_elsewhere(served: Served) -> None:
    answer = httpx.post(f"{served.url}/", json=LIST, headers=MODERN)
    assert (answer.status_code, "tools" in answer.text) == (200, True)
    assert httpx.post(f"{served.url}s/", json=LIST, headers=MODERN).status_code == 404


@pytest.mark.parametrize(
    ("header", "value", "status"),
    [
        ("host", "evil.example", 421),
        ("host", "evil.example:{port}", 421),
        ("host", "127.0.0.1.evil.example:{port}", 421),
        ("host", "localhost.evil.example", 421),
        ("host", "0.0.0.0:{port}", 421),
        ("host", "", 421),
        ("origin", "http://evil.example", 403),
        ("origin", "http://localhost.evil.example:{port}", 403),
        ("origin", "http://127.0.0.1.evil.example", 403),
        ("origin", "null", 403),
    ],
)
def test_a_page_from_elsewhere_gets_nothing(served: Served, header: str, value: str, status: int) -> None:
    headers = {**MODERN, header: value.format(port=served.port)}
    answer = httpx.post(served.url, json=LIST, headers=headers)
    assert answer.status_code == status
    assert "tools" not in answer.text


def test_a_body_that_is_too_large_is_refused_and_the_server_goes_on(served: Served) -> None:
    long = {**LIST, "params": {"_meta": PLACE, "cursor": "x" * (5 * 1024 * 1024)}}
    assert httpx.post(served.url, json=long, headers=MODERN).status_code == 413
    assert httpx.post(served.url, json=LIST, headers=MODERN).status_code == 200


@pytest.mark.parametrize(("how", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_ends_it_even_while_a_client_listens(own_server: Served, how: signal.Signals, code: int) -> None:
    headers = {**MODERN, "mcp-method": "subscriptions/listen"}
    with httpx.stream("POST", own_server.url, json=LISTEN, headers=headers) as stream:
        assert stream.status_code == 200
        assert "acknowledged" in next(stream.iter_text())
        own_server.process.send_signal(how)
        assert own_server.process.wait(HANG_SECONDS) == code


def test_a_port_that_is_taken_is_said_in_two_lines_with_exit_1(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = run("serve", "--sandbox", "--http", "--port", port, env=clean_environment(tmp_path))
    assert done.returncode == 1
    assert done.stdout == ""
    first, second = done.stderr.splitlines()
    assert port in first
    assert "in use" in first
    assert second.startswith("Next: choose another port")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "example.com", "127.0.0.1.evil.example", ""])
def test_an_address_beyond_loopback_is_refused_before_anything_listens(host: str) -> None:
    with pytest.raises(SettingsError, match="callers are not authenticated"):
        bind(host, free_port())


@pytest.mark.anyio
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
async def test_an_answer_does_not_wait_for_the_acknowledgement_of_what_was_sent_before(host: str) -> None:
    """Nagle's algorithm would hold the second part of every answer back for 40 ms."""
    at_once: list[int] = []

    def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = writer.get_extra_info("socket")
        at_once.append(connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))
        writer.close()

    port = free_port()
    async with await asyncio.start_server(serve, sock=bind(host, port)):
        async with await anyio.connect_tcp(host, port) as client:
            with pytest.raises(anyio.EndOfStream):
                await client.receive()
    assert at_once == [1]


def test_the_command_does_not_start_beyond_loopback_and_says_why(tmp_path: Path) -> None:
    done = run("serve", "--sandbox", "--http", "--host", "0.0.0.0", env=clean_environment(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert "callers are not authenticated" in done.stderr


def test_two_servers_may_work_on_one_state_directory(tmp_path: Path) -> None:
    """The approvals of one are decided by another process, so neither may lock the other out."""
    state = str(tmp_path / "state")

    async def ask(url: str) -> str:
        async with Client(url) as client:
            target = {"external_type": "crm_lead", "object_type": "people", "external_id": "CONTACT3456"}
            result = await client.call_tool("delete_external_id_mapping", target)
        assert result.is_error
        return str(result.content)

    env = clean_environment(tmp_path, SALESLOFT_STATE_DIR=state)
    ports = free_port(), free_port()
    options = [["serve", "--sandbox", "--http", "--port", str(port)] for port in ports]
    with (
        listening(options[0], ports[0], env, tmp_path / "one.log"),
        listening(options[1], ports[1], env, tmp_path / "other.log"),
    ):
        told = [anyio.run(ask, f"http://127.0.0.1:{port}/mcp") for port in ports]
    assert told[0] == told[1]
    assert len(json.loads(run("approvals", "--json", env=env).stdout)) == 1
