"""The order of the layers, in one expression: auth > retry > budget > wire."""

import anyio
import httpx

from salesloft_mcp.salesloft.budget import ANSWER_SECONDS, Budget, BudgetLayer
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.salesloft.credential import Credential
from salesloft_mcp.salesloft.received import complaints, read_json
from salesloft_mcp.salesloft.retry import RetryLayer

MOST_OF_A_REFUSAL = 65_536  # bytes; Salesloft's own have less than 200


def open_http(
    base_url: str, credential: Credential, wire: httpx.AsyncBaseTransport, budget: Budget, *, agent: str
) -> httpx.AsyncClient:
    """The client every call goes through. Redirects are never followed, so the token stays where it belongs."""
    return httpx.AsyncClient(
        base_url=base_url,
        transport=AuthLayer(RetryLayer(BudgetLayer(wire, budget)), credential, base_url),
        timeout=httpx.Timeout(10.0, connect=5.0),
        follow_redirects=False,
        headers={"User-Agent": agent, "Accept": "application/json"},
    )


class AuthLayer(httpx.AsyncBaseTransport):
    """`Authorization: Bearer {{token}}`, on requests to one origin and no other.

    A request that Salesloft refuses with 401, and so did not carry out, is repeated once with a newer token where there
    is one, be it a write or not.
    """

    def __init__(self, inner: httpx.AsyncBaseTransport, credential: Credential, base_url: str) -> None:
        self._inner = inner
        self._credential = credential
        self._origin = _origin(httpx.URL(base_url))

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if _origin(request.url) != self._origin:
            return await self._inner.handle_async_request(request)
        token = await self._credential.token()
        request.headers["Authorization"] = f"Bearer {token.get_secret_value()}"
        response = await self._inner.handle_async_request(request)
        if response.status_code != 401 or not self._credential.renewable:
            return response
        response = await _whole(response)
        if not complaints(read_json(response.content)):  # of something in between: no newer token helps
            return response
        newer = await self._credential.renewed(token)
        if newer is None:
            return response
        request.headers["Authorization"] = f"Bearer {newer.get_secret_value()}"
        return await self._inner.handle_async_request(request)

    async def aclose(self) -> None:
        await self._inner.aclose()


async def _whole(response: httpx.Response) -> httpx.Response:
    """The same answer with its body read; without one where that is longer than a refusal can be, or breaks off."""
    content = bytearray()
    try:
        with anyio.fail_after(max(0.0, min(ANSWER_SECONDS, current().patience()))):
            async for chunk in response.aiter_raw():
                content += chunk
                if len(content) > MOST_OF_A_REFUSAL:
                    content.clear()
                    break
    except (httpx.TransportError, TimeoutError):
        content.clear()
    finally:
        await response.aclose()
    try:
        return httpx.Response(401, headers=response.headers, content=bytes(content), extensions=response.extensions)
    except httpx.DecodingError:
        return httpx.Response(401)


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port
