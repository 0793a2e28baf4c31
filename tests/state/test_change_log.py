"""Every write can be explained, also one that never ended."""

from pathlib import Path

import pytest

from salesloft_mcp.state.changes import Change
from salesloft_mcp.state.local import LocalState

from .conftest import Clock
from .racing import RACERS, race

CHANGE = Change("SANDBOX", "create_external_id_mapping", "crm_lead", "people", "A-1", 7, "asked through the client")


def test_a_write_stands_in_the_log_before_it_is_sent(state: LocalState, now: LocalState, clock: Clock) -> None:
    state.log.intend(CHANGE, {"object_id": 7})
    (row,) = now.log.find()
    assert row.outcome == "intended"
    assert row.before == {"object_id": 7}
    assert row.after is None
    assert (row.at, row.who, row.tool) == (clock.now, "local", CHANGE.tool)
    assert (row.environment, row.external_type, row.object_type) == ("SANDBOX", "crm_lead", "people")
    assert (row.external_id, row.object_id, row.confirmed) == ("A-1", 7, CHANGE.confirmed)


@pytest.mark.parametrize("outcome", ["created", "updated", "unchanged", "deleted", "failed", "unknown"])
def test_its_end_is_written_beside_it(state: LocalState, outcome: str) -> None:
    first, second = state.log.intend(CHANGE), state.log.intend(CHANGE)
    state.log.settle(first, outcome, {"name": "Zoë\n\u202e"})  # type: ignore[arg-type]
    other, one = state.log.find()
    assert (one.id, one.outcome) == (first, outcome)
    assert one.after == {"name": "Zoë\n\u202e"}
    assert (other.id, other.outcome, other.after) == (second, "intended", None)


def test_the_log_outlives_a_connection(now: LocalState, directory: Path) -> None:
    for number in range(3):
        with LocalState(directory) as state:
            state.log.settle(state.log.intend(CHANGE), "created", {"number": number})
    assert [(row.after or {})["number"] for row in now.log.find()] == [2, 1, 0]


def test_twenty_writers_at_once_lose_nothing_and_lock_nobody_out(now: LocalState, directory: Path) -> None:
    def write(state: LocalState) -> list[int]:
        numbers = [state.log.intend(CHANGE) for _ in range(2)]
        for number in numbers:
            state.log.settle(number, "created", {"number": number})
        return numbers

    written = [number for numbers in race(directory, write) for number in numbers]
    rows = now.log.find()
    assert sorted(written) == sorted(row.id for row in rows) == list(range(1, RACERS * 2 + 1))
    assert all(row.after == {"number": row.id} for row in rows)
