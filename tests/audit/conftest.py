"""A sandbox that allows what an audit looks for, and ways to put it there."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.inprocess import InProcess
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.settings import Dialect

Change = Callable[[httpx.Request, dict[str, Any]], None]


@pytest.fixture
def box(dialect: Dialect) -> Iterator[Sandbox]:
    """Seeded, in each dialect, without the rule that an id has one object, and without a rate limit."""
    with Sandbox(dialect=dialect, enforce_unique=False, rate_limit=0) as box:
        yield box


class Changed(httpx.AsyncBaseTransport):
    """The sandbox, with its answers changed on the way back."""

    def __init__(self, box: Sandbox, change: Change) -> None:
        self._inner = InProcess(box)
        self._change = change

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await self._inner.handle_async_request(request)
        content = await response.aread()
        if response.status_code != 200:
            return httpx.Response(response.status_code, content=content)
        body = json.loads(content)
        self._change(request, body)
        return httpx.Response(response.status_code, json=body)


def opened(box: Sandbox, change: Change = lambda _, __: None) -> Salesloft:
    """A client over `box` alone: no layers in between."""
    headers = {"Authorization": f"Bearer {box.api_key}"}
    http = httpx.AsyncClient(base_url="http://sandbox.test", headers=headers, transport=Changed(box, change))
    return Salesloft(http)


@pytest.fixture
def api(box: Sandbox) -> Salesloft:
    return opened(box)


def vanish(box: Sandbox, object_type: Any, object_id: int) -> None:
    """Take an object away and leave its mappings live, as Salesloft may and the sandbox's own API does not."""
    assert box.store.remove(object_type, object_id)


def fill(box: Sandbox, external_type: str, object_type: str, mappings: int, objects: int) -> None:
    """Many mappings at once, to objects of which only the seeded ones exist."""
    with box.store.transaction():
        for number in range(mappings):
            box.store.insert(
                "mappings",
                {
                    "external_type": external_type,
                    "object_type": object_type,
                    "external_id": f"many-{number:06d}x",
                    "object_id": 207550001 + number % objects,
                    "inserted_at": "2024-05-01T00:00:00Z",
                },
            )
