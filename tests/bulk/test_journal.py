"""The SQL of a plan says what the plainest reading of the same rows says; nothing announced is forgotten."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesloft_mcp.state.journal import Journal

from .naive import Given, Pair, verdicts

NAMES = st.sampled_from(["A", "a", "A ", "é", "é", "'; --", "0"])
OBJECTS = st.integers(1, 4)
BYS = {"object_id": ["1", "2", "9"], "email": ["a@x", "b@x", "two@x", "none@x"]}
FOUND = {"1": [1], "2": [2], "9": [], "a@x": [1], "b@x": [3], "two@x": [2, 3], "none@x": []}


@st.composite
def given_rows(draw: st.DrawFn) -> Given:
    by = draw(st.sampled_from(sorted(BYS)))
    problem = draw(st.sampled_from(["", "", "", "", "is wrong"]))
    return Given(draw(NAMES), by, draw(st.sampled_from(BYS[by])), problem)


def planned(journal: Journal, rows: list[Given], held: list[Pair]) -> None:
    """What `plan.make` does, without Salesloft."""
    journal.add(
        (number, row.external_id, row.by, row.ref, "invalid" if row.problem else "new", row.problem)
        for number, row in enumerate(rows, 1)
    )
    journal.mark_duplicates()
    for by in BYS:
        refs = list(journal.refs(by))
        assert journal.count_refs(by) == len(refs)
        journal.found(by, [(ref, one) for ref in refs for one in FOUND[ref]])
    journal.mark_contradictions()
    ids = set(journal.external_ids())
    assert journal.count_external_ids() == len(ids)
    journal.hold((external_id, one, 7) for external_id, one in held if external_id in ids)
    journal.classify()


@settings(deadline=None)
@given(rows=st.lists(given_rows(), max_size=12), held=st.lists(st.tuples(NAMES, OBJECTS), max_size=5))
def test_verdicts_are_those_of_the_plainest_reading(
    rows: list[Given], held: list[Pair], tmp_path_factory: pytest.TempPathFactory
) -> None:
    expected = verdicts(rows, lambda by, ref: FOUND[ref], held)
    with Journal(tmp_path_factory.mktemp("journal") / "one.db") as journal:
        planned(journal, rows, held)
        lines = journal.lines()
        assert [line.verdict for line in lines] == list(expected.each)
        assert journal.verdicts() == {one: expected.each.count(one) for one in set(expected.each)}
        creates = [(line.external_id, line.object_id) for line in journal.open_lines(("",), 0, 100)]
    assert sorted(creates) == sorted(expected.creates.elements())
    assert all(line.note for line in lines if line.verdict not in ("create", "unchanged"))


def ready(journal: Journal, count: int = 3) -> None:
    """A plan of so many creations, lines 1 and up."""
    planned(journal, [Given(f"id {number}", ref="1") for number in range(count)], [])


def test_what_was_announced_is_found_again_after_the_process_died(tmp_path: Path) -> None:
    with Journal(tmp_path / "one.db") as journal:
        ready(journal)
        journal.intend([1, 2], 5.0)
        journal.settle([(2, "created", "", 70)])
    with Journal(tmp_path / "one.db") as journal:
        (left,) = journal.open_lines(("intended", "unknown"), 0, 10)
        assert (left.line, left.state, left.tries, left.intended_at) == (1, "intended", 1, 5.0)
        assert [line.line for line in journal.open_lines(("",), 0, 10)] == [3]
        assert journal.states() == {"intended": 1, "created": 1, "": 1}


def test_what_is_taken_back_was_never_tried(tmp_path: Path) -> None:
    with Journal(tmp_path / "one.db") as journal:
        ready(journal)
        journal.intend([1, 2, 3], 5.0)
        journal.take_back([2, 3])
        journal.take_back([])
        assert [(line.state, line.tries) for line in journal.lines()] == [("intended", 1), ("", 0), ("", 0)]


def test_a_transaction_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    with Journal(tmp_path / "one.db") as journal:
        ready(journal)
        with pytest.raises(sqlite3.IntegrityError):
            journal.add([(9, "x", "object_id", "1", "new", ""), (1, "y", "object_id", "1", "new", "")])
        assert [line.line for line in journal.lines()] == [1, 2, 3]


def test_only_the_owner_may_read_it_and_an_intent_is_on_disk_at_once(tmp_path: Path) -> None:
    with Journal(tmp_path / "deep" / "one.db") as journal:
        assert journal.file.stat().st_mode & 0o777 == 0o600
        assert journal.file.parent.stat().st_mode & 0o777 == 0o700
        (synchronous,) = journal._db.execute("PRAGMA synchronous").fetchone()
    assert synchronous == 2  # FULL


def test_lines_come_in_parts_and_by_verdict(tmp_path: Path) -> None:
    with Journal(tmp_path / "one.db") as journal:
        planned(journal, [Given("A", ref="1"), Given("B", ref="9"), Given("C", ref="2")], [])
        assert [line.line for line in journal.lines(after=1, limit=1)] == [2]
        assert [line.line for line in journal.lines(verdicts=("create", "invalid"))] == [1, 3]
