"""A sandbox, the writes over it as one process has them and as two have them, and retries that do not wait."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from salesloft_mcp.sandbox import Sandbox
from tests.salesloft.conftest import _impatient
from tests.salesloft.opened import PLENTY

from .world import World, world

__all__ = ["_impatient"]

# Whether Salesloft refuses a second mapping of one external id: nothing may be doubled where it does not.
unique_or_not = pytest.mark.parametrize("sandbox", [True, False], ids=["unique", "not unique"], indirect=True)


@pytest.fixture
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """Each external id is taken once, unless the test says otherwise (`unique_or_not`)."""
    with Sandbox(rate_limit=PLENTY, enforce_unique=getattr(request, "param", True)) as sandbox:
        yield sandbox


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
async def here(sandbox: Sandbox, directory: Path) -> AsyncIterator[World]:
    """One process."""
    async with world(sandbox, directory) as here:
        yield here


@pytest.fixture
async def there(sandbox: Sandbox, directory: Path) -> AsyncIterator[World]:
    """Another process with the same log, and a client of its own."""
    async with world(sandbox, directory) as there:
        yield there
