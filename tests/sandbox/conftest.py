"""A sandbox, plain httpx clients over it, and a clock that stands still until it is told to move."""

from collections.abc import AsyncIterator, Callable, Iterator

import httpx
import pytest

from salesloft_mcp.sandbox import Sandbox

Client = httpx.AsyncClient
Connect = Callable[..., Client]


class Clock:
    def __init__(self) -> None:
        self.now = 1_750_000_020.25

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def sandbox(clock: Clock) -> Iterator[Sandbox]:
    with Sandbox(clock=clock) as sandbox:
        yield sandbox


@pytest.fixture
def guide(clock: Clock) -> Iterator[Sandbox]:
    with Sandbox(dialect="guide", clock=clock) as sandbox:
        yield sandbox


@pytest.fixture
def connect() -> Connect:
    """A client of a sandbox, with its API key unless another token is given."""

    def connect(sandbox: Sandbox, token: str | None = None) -> Client:
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(sandbox),
            base_url="http://sandbox",
            headers={"Authorization": f"Bearer {token or sandbox.api_key}"},
        )

    return connect


@pytest.fixture
async def api(sandbox: Sandbox, connect: Connect) -> AsyncIterator[Client]:
    async with connect(sandbox) as client:
        yield client


@pytest.fixture
async def guide_api(guide: Sandbox, connect: Connect) -> AsyncIterator[Client]:
    async with connect(guide) as client:
        yield client
