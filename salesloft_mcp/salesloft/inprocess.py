"""An ASGI application in this process, with the failures a network would have."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

import anyio
import httpx

Message = MutableMapping[str, Any]
AsgiApp = Callable[[Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]]


class InProcess(httpx.AsyncBaseTransport):
    """Calls `app` directly. A dying connection and a read time-out surface as they would over a socket."""

    def __init__(self, app: AsgiApp) -> None:
        self._inner = httpx.ASGITransport(app=app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            with anyio.fail_after(request.extensions.get("timeout", {}).get("read")):
                return await self._inner.handle_async_request(request)
        except TimeoutError as error:
            raise httpx.ReadTimeout("no answer in time", request=request) from error
        except OSError as error:
            raise httpx.ReadError("the connection died", request=request) from error
