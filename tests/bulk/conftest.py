"""Settings and a sandbox without a limit, for tests that are about other things than points."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """More points than a minute has: these tests are about other things."""
    return Settings(state_dir=tmp_path / "state").model_copy(update={"rate_limit": 100_000})


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(rate_limit=0) as sandbox:
        yield sandbox
