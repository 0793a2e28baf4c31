"""Whichever way is taken, the other one would not have been cheaper, and asking for each id least of all."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesloft_mcp.salesloft.paging import WORTH_COUNTING, cheapest, points

SIZES = st.integers(0, 300) | st.integers(0, 60_000) | st.integers(0, 500_000)
NUMBERS = st.integers(0, 30) | st.integers(0, 2_000)


def spending(ids: int, size: int | None, begun: bool = False) -> int:
    """What the chosen way costs from now on."""
    reading = cheapest(ids, size, begun)
    return ids if reading is None else reading


@given(ids=NUMBERS, size=SIZES, begun=st.booleans())
def test_with_the_size_of_the_list_the_cheaper_way_is_taken(ids: int, size: int, begun: bool) -> None:
    reading = points(size) - begun
    assert spending(ids, size, begun) == min(ids, reading)
    assert (cheapest(ids, size, begun) is not None) == (reading <= ids)


@given(ids=NUMBERS, size=st.none() | SIZES, begun=st.booleans())
def test_points_are_never_more_than_one_for_each_id(ids: int, size: int | None, begun: bool) -> None:
    assert spending(ids, size, begun) <= ids


@given(ids=NUMBERS, size=SIZES)
def test_finding_the_size_out_loses_one_point_at_the_most(ids: int, size: int) -> None:
    """The two steps of a look-up: the first page of the list tells its size, and then one decides."""
    spent = ids if cheapest(ids, None) is None else 1 + spending(ids, size, begun=True)
    assert spent <= ids + (ids >= WORTH_COUNTING)


@pytest.mark.parametrize(("ids", "reading"), [(9, None), (10, 1)])
def test_the_size_of_a_list_is_asked_for_from_ten_ids_on(ids: int, reading: int | None) -> None:
    assert cheapest(ids, None) == reading
    assert cheapest(ids, None, begun=True) is None


@pytest.mark.parametrize(("size", "expected"), [(5_000, 50), (20_000, 200), (40_000, 1_000)])
def test_a_thousand_ids_never_cost_more_than_a_call_for_each(size: int, expected: int) -> None:
    assert spending(1_000, size) == expected


def test_no_ids_cost_nothing() -> None:
    assert spending(0, 5) == spending(0, None) == 0
