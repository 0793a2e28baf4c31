"""Every finder says what a naive reading of all pairs says."""

from collections.abc import Callable
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesloft_mcp.audit.findings import (
    KINDS,
    Finding,
    Kind,
    Row,
    findings,
    near_duplicates,
    orphans,
    several_ids,
    shared_ids,
    suspicious_ids,
)
from salesloft_mcp.intake.near import near_key
from salesloft_mcp.salesloft.models import OBJECT_TYPES

ROWS = st.lists(
    st.builds(
        Row,
        st.sampled_from(["crm", "erp"]),
        st.sampled_from(OBJECT_TYPES),
        st.sampled_from(["7", "007", "a", "A", "b", " b", "NULL", "003Dn00000AbCdE"]),
        st.integers(1, 4),
        st.one_of(st.none(), st.integers(1, 30)),
    ),
    max_size=20,
    unique=True,
)
Pair = Callable[[Row, Row], bool]
PAIRS: dict[str, tuple[Callable[[list[Row]], list[Finding]], Pair]] = {
    "shared_ids": (
        shared_ids,
        lambda one, other: (
            one[0] == other[0]
            and one.external_id == other.external_id
            and (one.object_type, one.object_id) != (other.object_type, other.object_id)
        ),
    ),
    "several_ids": (
        several_ids,
        lambda one, other: (
            (one[0], one.object_type, one.object_id) == (other[0], other.object_type, other.object_id)
            and one.external_id != other.external_id
        ),
    ),
    "near_duplicates": (
        near_duplicates,
        lambda one, other: (
            one[0] == other[0]
            and near_key(one.external_id) == near_key(other.external_id)
            and one.external_id != other.external_id
        ),
    ),
}


@pytest.mark.parametrize("kind", PAIRS)
@given(rows=ROWS)
def test_a_finder_holds_exactly_the_rows_that_have_a_partner(kind: str, rows: list[Row]) -> None:
    find, pair = PAIRS[kind]
    found = find(rows)
    partnered = {one for a, b in combinations(rows, 2) if pair(a, b) for one in (a, b)}
    # A second mapping of the same id to the same object stands with the others of its group.
    assert {row for one in found for row in one.rows} >= partnered
    for one in found:
        assert one.kind == kind
        assert any(pair(a, b) for a, b in combinations(one.rows, 2))
        assert all(any(pair(a, b) for b in one.rows) for a in one.rows)
    held = [row for one in found for row in one.rows]
    assert len(held) == len(set(held))
    for a, b in combinations(partnered, 2):
        assert not pair(a, b) or any(a in one.rows and b in one.rows for one in found)


@given(rows=ROWS, gone=st.sets(st.tuples(st.sampled_from(OBJECT_TYPES), st.integers(1, 4))))
def test_an_orphan_is_a_mapping_whose_object_is_gone(rows: list[Row], gone: set[tuple[str, int]]) -> None:
    expected = [row for row in rows if (row.object_type, row.object_id) in gone]
    assert [one.rows for one in orphans(rows, gone)] == [(row,) for row in expected]  # type: ignore[arg-type]


@given(rows=ROWS, seed=st.randoms())
def test_the_order_of_findings_does_not_depend_on_the_order_of_rows(rows: list[Row], seed: "object") -> None:
    mixed = list(rows)
    seed.shuffle(mixed)  # type: ignore[attr-defined]
    gone = {("people", 1)}
    same = [{(row[:4]) for row in one.rows} for one in findings(rows, gone)]  # type: ignore[arg-type]
    assert same == [{(row[:4]) for row in one.rows} for one in findings(mixed, gone)]  # type: ignore[arg-type]


@given(rows=ROWS)
def test_findings_come_kind_after_kind(rows: list[Row]) -> None:
    kinds: list[Kind] = [one.kind for one in findings(rows, {("people", 1)})]
    assert kinds == sorted(kinds, key=KINDS.index)


def test_an_id_of_a_person_and_of_an_account_is_an_id_of_several_objects() -> None:
    rows = [Row("erp", "people", "1", 5, 1), Row("erp", "accounts", "1", 5, 2)]
    assert [one.rows for one in shared_ids(rows)] == [tuple(rows)]


def test_one_id_in_two_types_is_nothing_to_find() -> None:
    rows = [Row("sdfc_lead", "people", "X", 5, 1), Row("sdfc_contact", "people", "x", 6, 2)]
    assert findings(rows, set()) == ()


def test_the_same_mapping_twice_is_neither_shared_nor_several() -> None:
    rows = [Row("erp", "people", "1", 5, 1), Row("erp", "people", "1", 5, 2)]
    assert findings(rows, set()) == ()


def test_an_id_that_looks_damaged_is_a_finding_with_its_reason() -> None:
    rows = [Row("erp", "people", one, number, number) for number, one in enumerate(["7", "1001.0", "NULL", "7 "], 1)]
    assert [(one.rows, one.why) for one in suspicious_ids(rows)] == [
        ((rows[1],), "a number with .0 at its end"),
        ((rows[2],), "a word for nothing"),
        ((rows[3],), "a space at its end"),
    ]


def test_numbers_with_leading_zeros_do_not_count_among_those_a_spreadsheet_may_have_shortened() -> None:
    ids = ["12345678901234500", "12345678901234600", *(f"0234567890123456{end}" for end in "789")]
    rows = [Row("erp", "people", one, number, number) for number, one in enumerate(ids)]
    found = [(one.rows[0].external_id, one.why) for one in suspicious_ids(rows)]
    assert found == [(one, "a number of which a spreadsheet kept 15 digits") for one in ids[:2]]


@pytest.mark.parametrize(
    ("digits", "ends", "found"),
    [
        (16, "000", 3),
        (16, "00", 0),
        (16, "0001234", 0),
        (16, "0123456789", 0),
        (17, "0", 1),
        (17, "012", 0),
        (19, "01", 1),
    ],
)
def test_zeros_after_15_digits_are_damage_where_half_of_the_numbers_have_them(
    digits: int, ends: str, found: int
) -> None:
    ids = [f"{123456789012345 + number}{end}{'0' * (digits - 16)}" for number, end in enumerate(ends)]
    rows = [Row("erp", "people", one, number, number) for number, one in enumerate(ids)]
    assert [one.why for one in suspicious_ids(rows)] == ["a number of which a spreadsheet kept 15 digits"] * found


def test_the_rarer_spelling_of_a_family_is_suspicious_in_its_own_type_only() -> None:
    low = "3f2504e0-4f89-41d3-9a0c-0305e82c330"
    usual = [Row("erp", "people", f"{low}{end}", end, end) for end in (1, 2)]
    rare = Row("erp", "people", f"{{{low.upper()}3}}", 3, 3)
    elsewhere = Row("crm", "people", f"{{{low.upper()}4}}", 4, 4)
    (found,) = suspicious_ids([rare, *usual, elsewhere])
    assert found.rows == (rare,)
    assert found.why == "GUID with braces, upper case, where most of this type have dashes, lower case"


def test_of_two_spellings_that_are_as_frequent_one_is_always_the_rarer_one() -> None:
    rows = [Row("erp", "people", one, 1, 1) for one in ("003Dn00000AbCdE", "003Dn00000AbCdFIAV")]
    (found,) = suspicious_ids(rows)
    assert found.why == "Salesforce id with 18 characters, where others of this type have 15 characters"
    assert suspicious_ids(rows) == suspicious_ids(rows[::-1])
