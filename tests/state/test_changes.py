"""The log can be searched, says what was undone, and outlives the file format of an earlier version."""

import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from salesloft_mcp.state.changes import Change, Outcome, Search, moment
from salesloft_mcp.state.local import LocalState

from .conftest import Clock

CHANGE = Change("SANDBOX", "create_external_id_mapping", "crm_lead", "people", "A-1", 7)
EARLIER = """
CREATE TABLE changes (
    id INTEGER PRIMARY KEY, at REAL NOT NULL, environment TEXT NOT NULL, who TEXT NOT NULL, tool TEXT NOT NULL,
    external_type TEXT NOT NULL, object_type TEXT NOT NULL, external_id TEXT NOT NULL, object_id INTEGER,
    confirmed TEXT NOT NULL, outcome TEXT NOT NULL, before TEXT, after TEXT
);
INSERT INTO changes VALUES (1, 1.5, 'LIVE', 'local', 't', 'crm', 'people', 'A', 7, '', 'created', NULL, '{"id": 9}');
"""


def numbers(state: LocalState, search: Search = Search(), limit: int = -1) -> list[int]:  # noqa: B008 - frozen
    return [row.id for row in state.log.find(search, limit)]


@pytest.mark.parametrize(
    ("search", "other"),
    [
        (Search(environment="SANDBOX"), {"environment": "LIVE"}),
        (Search(external_id="A-1"), {"external_id": "a-1"}),
        (Search(external_type="crm_lead"), {"external_type": "crm"}),
        (Search(object_type="people"), {"object_type": "accounts"}),
        (Search(object_id=7), {"object_id": 8}),
        (Search(object_type="people", object_id=7), {"object_type": "accounts"}),
        (Search(tool="create_external_id_mapping"), {"tool": "create_external_id_mappings"}),
    ],
)
def test_each_search_finds_its_own_and_nothing_else(state: LocalState, search: Search, other: dict[str, str]) -> None:
    mine = state.log.intend(CHANGE)
    state.log.intend(replace(CHANGE, **other))  # type: ignore[arg-type]
    assert numbers(state, search) == [mine]


def test_a_tool_finds_the_writes_of_all_its_jobs(state: LocalState) -> None:
    for tool in ("run_backfill 1a", "run_backfill", "run_backfills", "run_backfill2", "run"):
        state.log.intend(replace(CHANGE, tool=tool))
    assert numbers(state, Search(tool="run_backfill")) == [2, 1]


def test_a_pattern_in_a_search_is_nothing_but_text(state: LocalState) -> None:
    state.log.intend(CHANGE)
    for text in ("%", "_", "*", "A-1' OR '1'='1", "A-%"):
        assert numbers(state, Search(external_id=text)) == []
        assert numbers(state, Search(tool=text)) == []


def test_newest_come_first_and_page_by_page_each_once(state: LocalState) -> None:
    for _ in range(5):
        state.log.intend(CHANGE)
    assert numbers(state, limit=2) == [5, 4]
    assert numbers(state, Search(older_than=4), 2) == [3, 2]
    assert numbers(state, Search(older_than=2), 2) == [1]


def test_since_is_the_first_moment_and_until_the_first_too_late(state: LocalState, clock: Clock) -> None:
    start = clock.now
    for _ in range(3):
        state.log.intend(CHANGE)
        clock.now += 10
    assert numbers(state, Search(since=start + 10)) == [3, 2]
    assert numbers(state, Search(until=start + 10)) == [1]
    assert numbers(state, Search(since=start + 10, until=start + 20)) == [2]


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("1970-01-02", 86_400.0),
        ("1970-01-02T00:00", 86_400.0),
        ("1970-01-02T00:00:00Z", 86_400.0),
        ("1970-01-02T02:00:00+02:00", 86_400.0),
    ],
)
def test_a_time_is_utc_unless_it_says_otherwise(text: str, same: float) -> None:
    assert moment(text) == same


def test_a_date_at_the_end_of_a_range_includes_its_day() -> None:
    assert moment("1970-01-02", end=True) == 2 * 86_400.0
    assert moment("1970-01-02T09:00", end=True) == 86_400.0 + 9 * 3_600


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "", "1700000000x"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        moment(text)


def test_a_change_of_another_environment_does_not_exist(state: LocalState) -> None:
    number = state.log.intend(CHANGE)
    assert state.log.get(number, "LIVE") is None
    assert state.log.get(number + 1, "SANDBOX") is None
    found = state.log.get(number, "SANDBOX")
    assert found is not None
    assert found.external_id == "A-1"


def test_a_change_says_by_which_it_was_undone_once_that_went_through(state: LocalState) -> None:
    first = state.log.intend(CHANGE)
    nothing: tuple[Outcome, ...] = ("failed", "unknown", "unchanged")
    for outcome in nothing:
        state.log.settle(state.log.intend(replace(CHANGE, undoes=first)), outcome)
    state.log.intend(replace(CHANGE, undoes=first))
    assert [row.undone_by for row in state.log.find()] == [None] * 5
    undoing = state.log.intend(replace(CHANGE, undoes=first))
    state.log.settle(undoing, "deleted")
    assert {row.id: row.undone_by for row in state.log.find()}[first] == undoing
    assert {row.id: row.undoes for row in state.log.find()}[undoing] == first


def test_an_object_that_only_the_answer_told_is_found_by_it(state: LocalState) -> None:
    state.log.settle(state.log.intend(replace(CHANGE, object_id=None)), "created", {"id": 42}, 42)
    state.log.settle(state.log.intend(CHANGE), "updated", {"id": 7}, 42)
    assert numbers(state, Search(object_id=42)) == [1]


def test_saved_mappings_are_kept_once_each_until_they_are_settled(state: LocalState, directory: Path) -> None:
    state.log.save_mappings(3, [("A", 1), ("B", 2), ("A", 1), ("é", 2**62)])
    state.log.save_mappings(4, [("C", 1)])
    state.log.mark_restored(3, [("A", 1)])
    with LocalState(directory) as other:
        assert sorted(other.log.saved_mappings(3)) == [("B", 2), ("é", 2**62)]
        assert other.log.saved_mappings(4) == [("C", 1)]
        assert other.log.saved_mappings(5) == []


def test_a_file_of_an_earlier_version_keeps_its_log_and_takes_new_changes(directory: Path) -> None:
    directory.mkdir()
    with sqlite3.connect(directory / "state.db") as db:
        db.executescript(EARLIER)
    db.close()
    for _ in range(2):  # the second time there is nothing left to bring up to date
        with LocalState(directory) as state:
            state.log.settle(state.log.intend(replace(CHANGE, undoes=1)), "deleted")
            (first,) = state.log.find(Search(environment="LIVE"))
    assert (first.after, first.undoes, first.undone_by) == ({"id": 9}, None, 3)
