"""A typed client over a sandbox, or over answers no sandbox gives."""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx
from pydantic import SecretStr

from salesloft_mcp.salesloft.budget import Budget
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.credential import Key
from salesloft_mcp.salesloft.http import open_http
from salesloft_mcp.salesloft.inprocess import InProcess
from salesloft_mcp.sandbox import Sandbox

BASE_URL = "http://sandbox.localhost"
TOKEN = "ak-test"
PLENTY = 1_000_000  # points a minute: these tests are about other things

Handler = Callable[[httpx.Request], httpx.Response]


@asynccontextmanager
async def over(
    wire: httpx.AsyncBaseTransport, *, token: str = TOKEN, points: int = PLENTY, seconds: float | None = None
) -> AsyncIterator[Salesloft]:
    """The client with all its layers; `seconds` shortens the time it waits for an answer."""
    key = Key(SecretStr(token))
    async with open_http(BASE_URL, key, wire, Budget(points), agent="tests") as http:
        if seconds is not None:
            http.timeout = httpx.Timeout(seconds)
        yield Salesloft(http)


@asynccontextmanager
async def opened(
    sandbox: Sandbox, *, token: str = "", points: int = PLENTY, seconds: float | None = None
) -> AsyncIterator[Salesloft]:
    """A client of the sandbox, with its API key unless another token is given."""
    wire = InProcess(sandbox)
    async with over(wire, token=token or sandbox.api_key, points=points, seconds=seconds) as api:
        yield api


@asynccontextmanager
async def answering(handler: Handler) -> AsyncIterator[Salesloft]:
    """A client of a server that is only this function."""
    async with over(httpx.MockTransport(handler)) as api:
        yield api


def always(status: int, content: bytes = b"", headers: Mapping[str, str] | None = None) -> Handler:
    """The same bytes for every request."""
    return lambda _: httpx.Response(status, content=content, headers=headers)


def mapping(**changes: Any) -> dict[str, Any]:
    """One mapping as Salesloft shows it."""
    row = {
        "id": 1,
        "tenant_id": 100013,
        "object_type": "people",
        "object_id": 7,
        "external_type": "crm_lead",
        "external_id": "A",
        "inserted_at": "2024-02-01",
        "deleted": False,
    }
    return {**row, **changes}
