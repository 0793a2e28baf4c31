"""The order of the layers, in one expression: auth > retry > budget > wire."""

import ssl
from collections.abc import Generator

import anyio
import httpx
import truststore
from anyio.to_thread import run_sync
from pydantic import SecretStr

from salesloft_mcp.salesloft.budget import Budget, BudgetLayer
from salesloft_mcp.salesloft.retry import RetryLayer

LIMITS = httpx.Limits(max_connections=16)  # the connection pool of httpx grows slower with every further one


def open_http(
    base_url: str, auth: httpx.Auth, wire: httpx.AsyncBaseTransport, budget: Budget, *, agent: str
) -> httpx.AsyncClient:
    """The client every call goes through. Redirects are never followed, so the token stays where it belongs."""
    return httpx.AsyncClient(
        base_url=base_url,
        auth=auth,
        transport=RetryLayer(BudgetLayer(wire, budget)),
        timeout=httpx.Timeout(10.0, connect=5.0),
        follow_redirects=False,
        headers={"User-Agent": agent, "Accept": "application/json"},
    )


class Bearer(httpx.Auth):
    """`Authorization: Bearer {{token}}`, on requests to one origin and no other.

    The token is an API key, or an OAuth access token that somebody else keeps fresh.
    """

    def __init__(self, token: SecretStr, base_url: str) -> None:
        self._token = token
        self._origin = _origin(httpx.URL(base_url))

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        if _origin(request.url) == self._origin:
            request.headers["Authorization"] = f"Bearer {self._token.get_secret_value()}"
        yield request


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


class Network(httpx.AsyncBaseTransport):
    """The real network, made ready by the first call, so that a start does not wait for it.

    Reading the system's certificates takes a quarter of a second; that happens in a thread, and for https only.
    """

    def __init__(self, *, tls: bool) -> None:
        self._tls = tls
        self._ready: httpx.AsyncHTTPTransport | None = None
        self._readying = anyio.Lock()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        async with self._readying:
            if self._ready is None:
                trust = await run_sync(truststore.SSLContext, ssl.PROTOCOL_TLS_CLIENT) if self._tls else False
                self._ready = httpx.AsyncHTTPTransport(verify=trust, limits=LIMITS)
        return await self._ready.handle_async_request(request)

    async def aclose(self) -> None:
        if self._ready is not None:
            await self._ready.aclose()
