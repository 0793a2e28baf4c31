"""A clock that stands still until it is told to move, and retries that do not wait."""

from collections.abc import Iterator

import pytest
import stamina


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
