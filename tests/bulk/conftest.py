"""Settings and a sandbox without a limit, for tests that are about other things than points."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.settings import Settings
from tests.crowd import crowd


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """More points than a minute has: these tests are about other things."""
    return Settings(state_dir=tmp_path / "state").model_copy(update={"rate_limit": 100_000})


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """With a crowd: no row of these tests gives anybody a second id unless it means to."""
    with Sandbox(rate_limit=0) as sandbox:
        crowd(sandbox, 2_000)
        yield sandbox
