"""The short form of `python -m tests.verify.killing`: a few points of one trial."""

import sys

import pytest

from .killing import a_few, killer


@pytest.mark.skipif(sys.platform == "win32", reason="processes are forked, which Windows cannot")
def test_a_trial_that_was_killed_is_cleaned_up_by_the_next_one() -> None:
    with killer() as found:
        assert {point: wrong for point in a_few(found.points()) if (wrong := found.kill(point))} == {}
