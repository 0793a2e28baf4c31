"""The short form of `python -m tests.changes.killing`: the first, the middle and the last point of each kind."""

from collections.abc import Iterator

import pytest

from .killed import KINDS
from .killing import Killer, first_middle_last, killer


@pytest.fixture(scope="module")
def killing() -> Iterator[Killer]:
    """Salesloft takes an external id twice, so that what is sent twice is seen."""
    with killer(enforce_unique=False) as found:
        yield found


@pytest.mark.parametrize("kind", KINDS)
def test_the_log_tells_the_truth_after_one_look(killing: Killer, kind: str) -> None:
    points = killing.points(KINDS[kind])
    trials = [killing.kill(KINDS[kind], point) for point in first_middle_last(points)]
    assert [one.untrue for one in trials] == [[]] * len(trials)
    assert trials[0].killed
