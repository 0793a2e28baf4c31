"""Whichever way is taken, no other one would have been cheaper, and asking for each id least of all."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesloft_mcp.lookups.plan import LAST_FLAT_PAGE, Part, Plan, Reading, cheapest, pages, reading, scan_points
from salesloft_mcp.salesloft.models import OBJECT_TYPES
from salesloft_mcp.salesloft.requests import page_points

SIZES = st.integers(0, 300) | st.integers(0, 60_000) | st.integers(0, 500_000)
COUNTS = st.dictionaries(st.sampled_from((None, *OBJECT_TYPES)), SIZES)
NUMBERS = st.integers(0, 30) | st.integers(0, 2_000)


def ids(number: int) -> list[str]:
    return [str(one) for one in range(number)]


def both_ends(mappings: int) -> int:
    """The cheapest way to read a list whole, found by trying every place where its two ends may meet."""
    every = -(-mappings // 100) or 1
    flat = sum(map(page_points, range(1, every + 1)))
    halves = range(every // 2, every + 1)
    return min([flat, *(_ends(newest) + _ends(every - newest) for newest in halves if every < 800)])


def _ends(count: int) -> int:
    return sum(map(page_points, range(1, count + 1)))


@pytest.mark.parametrize(("mappings", "expected"), [(0, 1), (1, 1), (100, 1), (101, 2), (10_000, 100), (10_001, 101)])
def test_a_scan_reads_a_page_for_every_hundred_mappings(mappings: int, expected: int) -> None:
    assert pages(mappings) == expected


def test_a_hundred_thousand_mappings_as_one_deep_list_cost_what_salesloft_says() -> None:
    assert scan_points(100_000) == 18_550


@pytest.mark.parametrize(
    ("mappings", "expected"),
    [
        (0, Reading(None, 1)),
        (10_000, Reading(None, 100)),
        (10_001, Reading(None, 100, 1)),
        (20_000, Reading(None, 100, 100)),
        (20_100, Reading(None, 101, 100)),
        (30_000, Reading(None, 150, 150)),
    ],
)
def test_a_long_list_is_read_from_both_ends(mappings: int, expected: Reading) -> None:
    assert reading(None, mappings) == expected


@given(mappings=SIZES)
def test_no_other_way_to_read_a_list_whole_is_cheaper(mappings: int) -> None:
    one = reading(None, mappings)
    assert (one.newest + one.oldest) * 100 >= mappings
    assert one.points(False) == one.points(True) + 1 <= both_ends(mappings)
    assert mappings > 20_000 or max(one.newest, one.oldest) <= LAST_FLAT_PAGE


@given(asked=NUMBERS, counts=COUNTS, begun=st.sets(st.sampled_from((None, *OBJECT_TYPES))), splits=...)
def test_points_are_never_more_than_one_for_each_id(
    asked: int, counts: dict[Part, int], begun: set[Part], splits: bool
) -> None:
    assert cheapest(ids(asked), counts, begun, splits).points <= len(set(ids(asked)))


@given(asked=st.integers(1, 2_000), counts=st.dictionaries(st.none(), SIZES, min_size=1), splits=st.booleans())
def test_with_the_size_of_the_list_the_cheapest_way_is_taken(asked: int, counts: dict[Part, int], splits: bool) -> None:
    assert cheapest(ids(asked), counts, splits=splits).points == min(asked, reading(None, counts[None]).points(False))


@given(asked=st.integers(1, 2_000), parts=st.tuples(SIZES, SIZES, SIZES))
def test_with_the_sizes_of_all_parts_the_cheapest_way_is_taken(asked: int, parts: tuple[int, int, int]) -> None:
    counts: dict[Part, int] = {None: sum(parts), **dict(zip(OBJECT_TYPES, parts, strict=True))}
    split = sum(reading(None, one).points(False) for one in parts)
    whole = reading(None, sum(parts)).points(False)
    assert cheapest(ids(asked), counts, splits=True).points == min(asked, split, whole)
    assert cheapest(ids(asked), counts).points == min(asked, whole)


@given(asked=NUMBERS, counts=COUNTS, splits=st.booleans())
def test_every_id_is_asked_for_or_in_a_list_that_is_read(asked: int, counts: dict[Part, int], splits: bool) -> None:
    plan = cheapest(ids(asked), counts, splits=splits)
    assert not (plan.ask and plan.read)
    if plan.read:
        assert {one.part for one in plan.read} in ({None}, set(OBJECT_TYPES))
        assert splits or plan.read[0].part is None
    else:
        assert set(plan.ask) == set(ids(asked))


@given(asked=NUMBERS, sizes=st.tuples(SIZES, SIZES, SIZES), told=COUNTS, splits=st.booleans(), counting=st.booleans())
def test_beginning_lists_comes_to_an_end_and_loses_a_point_or_two_more_for_parts(
    asked: int, sizes: tuple[int, int, int], told: dict[Part, int], splits: bool, counting: bool
) -> None:
    """The loop of a look-up, with lists that hold what they hold, and a Salesloft that counts or does not."""
    real: dict[Part, int] = {None: sum(sizes), **dict(zip(OBJECT_TYPES, sizes, strict=True))}
    counts = {part: real[part] for part in told}
    begun: list[Part] = []
    plan = cheapest(ids(asked), counts, begun, splits)
    while plan.begin:
        assert not set(plan.begin) & set(begun)
        begun += plan.begin
        counts |= {part: real[part] for part in plan.begin if counting or real[part] <= 100}
        plan = cheapest(ids(asked), counts, begun, splits)
    spent = len(begun) + plan.points
    may_split = splits and real[None] > 20_000 and asked > pages(real[None])
    assert spent <= asked + (None not in told) + 2 * may_split


def test_the_size_of_a_list_is_asked_for_from_ten_ids_on() -> None:
    assert cheapest(ids(9), {}).begin == ()
    assert cheapest(ids(10), {}).begin == (None,)
    assert cheapest(ids(1_000), {}, begun=[None]) == Plan(ask=tuple(ids(1_000)), points=1_000)


def test_a_list_of_fifty_thousand_is_split_for_five_hundred_points_instead_of_two_thousand() -> None:
    counts: dict[Part, int] = {None: 50_000}
    assert cheapest(ids(10_000), counts, [None]).points == reading(None, 50_000).points(True) == 2_099
    assert cheapest(ids(10_000), counts, [None], splits=True).begin == ("people", "accounts")
    counts |= {"people": 20_000, "accounts": 15_000}
    plan = cheapest(ids(10_000), counts, [None, "people", "accounts"], splits=True)
    assert [one.part for one in plan.read] == list(OBJECT_TYPES)
    assert plan.points == math.ceil(50_000 / 100) - 2
    assert plan.begin == ("users",)


def test_no_ids_cost_nothing() -> None:
    assert cheapest((), {None: 5}) == Plan()
