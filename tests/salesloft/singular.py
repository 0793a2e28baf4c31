"""A Salesloft that filters mappings by `person`, as the reference shows it, and finds nothing for `people`."""

import httpx

from salesloft_mcp.salesloft.inprocess import InProcess
from salesloft_mcp.sandbox import Sandbox

WORDS = ("person", "account", "user")


class Singular(httpx.AsyncBaseTransport):
    """The sandbox, but for that filter."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._inner = InProcess(sandbox)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        asked = request.url.params.get("object_type", WORDS[0])
        if request.url.path == "/v2/external/mappings" and asked not in WORDS:
            paging = {"per_page": 100, "current_page": 1, "next_page": None, "total_count": 0}
            return httpx.Response(200, json={"data": [], "metadata": {"paging": paging}})
        return await self._inner.handle_async_request(request)
