"""The SQL of a plan says what the plainest reading of the same rows says."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesloft_mcp.errors import MissingError
from salesloft_mcp.intake.near import near_key
from salesloft_mcp.intake.values import form, suspicious
from salesloft_mcp.state.staging import NewRow, Staging

from .naive import Given, Pair, verdicts

GUIDS = (
    "0b9dd2c4-5b6e-4f6a-9d5b-0c8f3c3b6a01",
    "0b9dd2c4-5b6e-4f6a-9d5b-0c8f3c3b6a02",
    "1B9DD2C4-5B6E-4F6A-9D5B-0C8F3C3B6A03",
)
NAMES = st.sampled_from(["A", "a", "A ", "é", "é", "'; --", "0", "null", *GUIDS])
OBJECTS = st.integers(1, 4)
BYS = {"object_id": ["1", "2", "9"], "email": ["a@x", "b@x", "two@x", "none@x"]}
FOUND = {"1": [1], "2": [2], "9": [], "a@x": [1], "b@x": [3], "two@x": [2, 3], "none@x": []}


@st.composite
def given_rows(draw: st.DrawFn) -> Given:
    by = draw(st.sampled_from(sorted(BYS)))
    problem = draw(st.sampled_from(["", "", "", "", "is wrong"]))
    return Given(draw(NAMES), by, draw(st.sampled_from(BYS[by])), problem)


def planned(staging: Staging, rows: list[Given], held: list[Pair]) -> None:
    """What `plan_mappings.plan` does, without Salesloft."""
    staging.add(
        NewRow(
            number,
            row.external_id,
            row.by,
            row.ref,
            near=near_key(row.external_id),
            family=form(row.external_id)[0],
            spelling=form(row.external_id)[1],
            doubt=suspicious(row.external_id),
            verdict="invalid" if row.problem else "new",
            note=row.problem,
        )
        for number, row in enumerate(rows, 1)
    )
    staging.do("duplicates")
    for by in BYS:
        refs = list(staging.distinct("ref", by))
        assert staging.count("ref", by) == len(refs)
        staging.found(by, [(ref, one) for ref in refs for one in FOUND[ref]])
    staging.do("contradictions")
    ids = set(staging.distinct("external_id"))
    assert staging.count("external_id") == len(ids)
    staging.hold((external_id, one, 7, near_key(external_id)) for external_id, one in held)
    staging.do("verdicts")
    staging.do("suspicious")


@settings(deadline=None)
@given(rows=st.lists(given_rows(), max_size=12), held=st.lists(st.tuples(NAMES, OBJECTS), max_size=5))
def test_verdicts_are_those_of_the_plainest_reading(
    rows: list[Given], held: list[Pair], tmp_path_factory: pytest.TempPathFactory
) -> None:
    expected = verdicts(rows, lambda by, ref: FOUND[ref], held)
    with Staging(tmp_path_factory.mktemp("staging") / "one.db") as staging:
        planned(staging, rows, held)
        lines = staging.lines()
        assert [line.verdict for line in lines] == list(expected.each)
        assert [line.asks == "second id" for line in lines] == list(expected.second)
        assert staging.verdicts() == {one: expected.each.count(one) for one in set(expected.each)}
        creates = [(line.external_id, line.object_id) for line in staging.lines(0, 100, ("create",))]
    assert sorted(creates) == sorted(expected.creates.elements())
    assert all(line.note for line in lines if line.verdict not in ("create", "unchanged"))


def ready(staging: Staging, count: int = 3) -> None:
    """A plan of so many creations, lines 1 and up."""
    planned(staging, [Given(f"id {number}", ref="1") for number in range(count)], [])


def test_a_transaction_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    with Staging(tmp_path / "one.db") as staging:
        ready(staging)
        with pytest.raises(sqlite3.IntegrityError):
            staging.add([NewRow(9, "x", "object_id", "1"), NewRow(1, "y", "object_id", "1")])
        assert [line.line for line in staging.lines()] == [1, 2, 3]


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    with Staging(tmp_path / "one.db") as staging:
        assert staging.file.stat().st_mode & 0o777 == 0o600


def test_a_file_that_holds_no_plan_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "one.db").write_bytes(b"this is no plan" * 100)
    with pytest.raises(MissingError, match="cannot be read"):
        Staging(tmp_path / "one.db")


def test_lines_come_in_parts_and_by_verdict(tmp_path: Path) -> None:
    with Staging(tmp_path / "one.db") as staging:
        planned(staging, [Given("A", ref="1"), Given("B", ref="9"), Given("C", ref="2")], [])
        assert [line.line for line in staging.lines(after=1, limit=1)] == [2]
        assert [line.line for line in staging.lines(verdicts=("create", "invalid"))] == [1, 3]


def test_a_row_may_repeat_the_address_that_its_record_has_whoever_has_it_besides(tmp_path: Path) -> None:
    with Staging(tmp_path / "plan.db") as staging:
        staging.add([NewRow(2, "A-1", "domain", "shared.test", fields='{"domain": "shared.test"}')])
        staging.hold([("A-1", 1, 9, "a-1")])
        staging.know([("shared.test", 1), ("shared.test", 2)])
        staging.do("duplicates")
        staging.do("taken")
        (row,) = staging.lines()
        assert (row.verdict, row.object_id, row.note) == ("new", 1, "")
