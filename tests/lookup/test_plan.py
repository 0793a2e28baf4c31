"""Whichever way is taken, the other would not have been cheaper."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesloft_mcp.api.request import page_points
from salesloft_mcp.lookup.plan import cheaper, pages, scan_points


@pytest.mark.parametrize(("mappings", "expected"), [(0, 1), (1, 1), (100, 1), (101, 2), (10_000, 100), (10_001, 101)])
def test_a_scan_reads_a_page_for_every_hundred_mappings(mappings: int, expected: int) -> None:
    assert pages(mappings) == expected


def test_a_hundred_thousand_mappings_as_one_deep_list_cost_what_salesloft_says() -> None:
    assert scan_points(100_000) == 18_550


@given(ids=st.integers(1, 1_000), mappings=st.integers(0, 200_000), pages_read=st.integers(0, 3))
def test_the_cheaper_way_is_never_the_dearer_one(ids: int, mappings: int, pages_read: int) -> None:
    total = -(-mappings // 100) or 1
    scan = sum(page_points(page) for page in range(pages_read + 1, total + 1))
    points = {"scan": scan, "each": ids}
    assert points[cheaper(ids, mappings, pages_read)] == min(points.values())
