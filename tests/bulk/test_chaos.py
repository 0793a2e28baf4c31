"""Nothing lost, nothing twice: the short form of `python -m tests.bulk.chaos`.

More of it: `CHAOS="10 600 8"` stands for seeds, rows and kills.
"""

import os

import pytest

from .chaos import chaos

SEEDS, ROWS, KILLS = (int(number) for number in os.environ.get("CHAOS", "1 120 4").split())


@pytest.mark.parametrize("enforce_unique", [True, False], ids=["unique", "not unique"])
@pytest.mark.parametrize("seed", range(SEEDS))
def test_a_backfill_that_is_killed_again_and_again_creates_what_was_planned(seed: int, enforce_unique: bool) -> None:
    outcome = chaos(seed, ROWS, KILLS, enforce_unique=enforce_unique)
    assert outcome.problems == []
    assert outcome.kills > 0
