"""A sandbox in both dialects behind the typed client, a clock that is told to move, and retries that do not wait."""

from collections.abc import AsyncIterator, Iterator

import pytest
import stamina

from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.settings import Dialect

from .opened import PLENTY, opened


class Clock:
    def __init__(self) -> None:
        self.now = 1_750_000_020.0  # on a full minute

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(autouse=True)
def _impatient() -> Iterator[None]:
    with stamina.set_testing(True, attempts=4, cap=True):
        yield


@pytest.fixture
def sandbox(dialect: Dialect) -> Iterator[Sandbox]:
    """A seeded sandbox, in each dialect in turn."""
    with Sandbox(dialect=dialect, rate_limit=PLENTY) as sandbox:
        yield sandbox


@pytest.fixture
async def api(sandbox: Sandbox) -> AsyncIterator[Salesloft]:
    async with opened(sandbox) as api:
        yield api
