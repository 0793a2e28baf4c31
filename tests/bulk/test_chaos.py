"""Nothing lost, nothing twice: the short form of `python -m tests.bulk.chaos`.

More of it: `CHAOS="10 600 8"` stands for seeds, rows and kills.
"""

import os

import pytest

from .chaos import TRIALS, chaos

SEEDS, ROWS, KILLS = (int(number) for number in os.environ.get("CHAOS", "1 60 2").split())


@pytest.mark.parametrize("enforce_unique", [True, False], ids=["unique", "not unique"])
@pytest.mark.parametrize("seed", range(SEEDS))
@pytest.mark.parametrize("what", TRIALS)
def test_a_run_that_is_killed_again_and_again_writes_what_was_planned(
    what: str, seed: int, enforce_unique: bool
) -> None:
    outcome = chaos(what, seed, ROWS, KILLS, enforce_unique=enforce_unique)
    assert outcome.problems == []
    assert outcome.kills > 0
