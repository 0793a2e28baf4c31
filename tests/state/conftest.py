"""One state directory, opened as often as there are processes, under a clock that moves when it is told to."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from salesloft_mcp.state.database import Database


class Clock:
    def __init__(self) -> None:
        self.now = 1_750_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def database(directory: Path) -> Iterator[Database]:
    database = Database(directory)
    yield database
    database.close()


@pytest.fixture
def elsewhere(directory: Path) -> Iterator[Database]:
    """Another connection to the same file."""
    elsewhere = Database(directory)
    yield elsewhere
    elsewhere.close()
