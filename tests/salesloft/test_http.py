"""The layers together: where the token goes, and a network that is made ready by its first call."""

import ssl
import threading

import anyio
import httpx
import pytest
import truststore
from pydantic import SecretStr

from salesloft_mcp.app import open_app
from salesloft_mcp.errors import SignedOutError
from salesloft_mcp.salesloft.budget import Budget
from salesloft_mcp.salesloft.credential import Key
from salesloft_mcp.salesloft.http import open_http
from salesloft_mcp.salesloft.network import Network
from salesloft_mcp.settings import Settings

pytestmark = pytest.mark.anyio

BASE = "https://api.salesloft.test"


async def tokens_seen(base_url: str, *urls: str) -> list[str | None]:
    seen: list[str | None] = []

    def serve(request: httpx.Request) -> httpx.Response:
        seen.append(request.headers.get("authorization"))
        return httpx.Response(302, headers={"location": "https://elsewhere.test/"})

    key = Key(SecretStr("ak-test"))
    async with open_http(base_url, key, httpx.MockTransport(serve), Budget(100), agent="tests") as http:
        for url in urls:
            assert (await http.get(url)).status_code == 302
    return seen


async def test_the_token_goes_to_its_origin_and_no_other() -> None:
    same = [BASE, f"{BASE}:443/v2/me", f"{BASE.upper()}/"]
    others = ["http://api.salesloft.test", f"{BASE}:444", "https://salesloft.test", f"{BASE}.evil.test"]
    assert await tokens_seen(BASE, *same, *others) == ["Bearer ak-test"] * 3 + [None] * 4


async def test_every_request_names_the_client_and_asks_for_json() -> None:
    def serve(request: httpx.Request) -> httpx.Response:
        assert (request.headers["user-agent"], request.headers["accept"]) == ("tests", "application/json")
        return httpx.Response(200)

    key = Key(SecretStr("ak-test"))
    async with open_http(BASE, key, httpx.MockTransport(serve), Budget(100), agent="tests") as http:
        await http.get("/v2/me")


class Pool(httpx.AsyncHTTPTransport):
    """The pool of connections, without a network beneath."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return httpx.Response(200)


@pytest.fixture
def built(monkeypatch: pytest.MonkeyPatch) -> list[threading.Thread]:
    """The threads that read the system's certificates, one for each time."""
    threads: list[threading.Thread] = []

    def trust(protocol: int) -> ssl.SSLContext:
        threads.append(threading.current_thread())
        return real(protocol)

    real = truststore.SSLContext
    monkeypatch.setattr(truststore, "SSLContext", trust)
    monkeypatch.setattr(httpx, "AsyncHTTPTransport", Pool)
    return threads


async def test_certificates_are_read_once_and_off_the_event_loop(built: list[threading.Thread]) -> None:
    network = Network(BASE)
    assert not built
    async with anyio.create_task_group() as tasks:
        for _ in range(20):
            tasks.start_soon(network.handle_async_request, httpx.Request("GET", BASE))
    assert len(built) == 1
    assert built[0] is not threading.main_thread()
    await network.aclose()


async def test_no_certificates_are_read_for_loopback(built: list[threading.Thread]) -> None:
    network = Network("http://127.0.0.1:1")
    assert (await network.handle_async_request(httpx.Request("GET", "http://127.0.0.1:1"))).status_code == 200
    assert not built
    await network.aclose()


async def test_a_network_nobody_used_closes() -> None:
    await Network(BASE).aclose()


async def test_a_real_loopback_connection_that_is_refused_is_a_connect_error() -> None:
    network = Network("http://127.0.0.1:1")
    with pytest.raises(httpx.ConnectError):
        await network.handle_async_request(httpx.Request("GET", "http://127.0.0.1:1/"))
    await network.aclose()


async def test_nothing_is_sent_without_a_credential(settings: Settings) -> None:
    async with open_app(settings) as app:
        with pytest.raises(SignedOutError, match="no credential") as caught:
            await app.salesloft.me()
    for way in ("salesloft-mcp login", "SALESLOFT_API_KEY", "--sandbox"):
        assert way in caught.value.next_step


async def test_a_live_start_reads_no_certificates_and_sends_nothing(
    settings: Settings, built: list[threading.Thread]
) -> None:
    live = settings.model_copy(update={"api_key": SecretStr("ak-test"), "base_url": BASE})
    async with open_app(live) as app:
        assert not app.sandbox
        assert app.environment == BASE
        assert not built
    assert not built
