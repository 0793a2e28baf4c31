"""A sandbox in both dialects behind the typed client, and retries that do not wait."""

from collections.abc import AsyncIterator, Iterator

import pytest
import stamina

from salesloft_mcp.api import Salesloft
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.settings import Dialect

from .opened import PLENTY, opened


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
