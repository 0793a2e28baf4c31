"""One state directory, opened as often as there are processes, under a clock that moves when it is told to."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from salesloft_mcp.state.local import LocalState, Question


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
def state(directory: Path, clock: Clock) -> Iterator[LocalState]:
    with LocalState(directory, clock) as state:
        yield state


@pytest.fixture
def now(directory: Path) -> Iterator[LocalState]:
    """Another connection to the same files, under the real clock."""
    with LocalState(directory) as state:
        yield state


@pytest.fixture
def question() -> Question:
    return Question("SANDBOX", "delete_external_id_mapping", 'Delete this?\nexternal id: "A-1"')
