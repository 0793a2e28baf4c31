"""Lists read whole: every row once, for the fewest points, whatever changes meanwhile, and no filter is trusted."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesloft_mcp.changes.change import Change
from salesloft_mcp.changes.refusals import taken
from salesloft_mcp.errors import BrokenAnswerError
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import Mapping, MappingKey, Page
from salesloft_mcp.salesloft.paging import (
    LAST_FLAT_PAGE,
    WINDOW,
    begin_list,
    counted,
    ends,
    live_mappings,
    mappings_of,
    pages,
    points,
    read_all,
)
from salesloft_mcp.salesloft.requests import page_points
from salesloft_mcp.sandbox import Sandbox

from .opened import answering, mapping, over
from .singular import Singular

SIZES = st.integers(0, 300) | st.integers(0, 60_000) | st.integers(0, 500_000)


@pytest.mark.parametrize(
    ("total", "expected"),
    [
        (0, (1, 0)),
        (100, (1, 0)),
        (101, (2, 0)),
        (10_000, (100, 0)),
        (10_001, (100, 1)),
        (20_000, (100, 100)),
        (20_100, (101, 100)),
        (30_000, (150, 150)),
    ],
)
def test_a_long_list_is_read_from_both_ends(total: int, expected: tuple[int, int]) -> None:
    assert ends(total) == expected


@given(total=SIZES)
def test_no_other_way_to_read_a_list_whole_is_cheaper(total: int) -> None:
    """Found by trying every place where the two ends may meet."""
    every = -(-total // 100) or 1
    cost = [0]
    for page in range(1, every + 1):
        cost.append(cost[-1] + page_points(page))
    assert points(total) == min(cost[newest] + cost[every - newest] for newest in range(every + 1))
    assert sum(ends(total)) == every
    assert total > 20_000 or max(ends(total)) <= LAST_FLAT_PAGE


def test_the_points_of_any_total_are_known_at_once() -> None:
    assert points(10**12) > 10**11


pytestmark = pytest.mark.anyio


class Rows:
    """A list of numbered mappings, the newest first. After each page that is read, `change` may add or remove rows."""

    def __init__(self, rows: int, change: str = "", *, counted: bool = True, sorts: bool = True) -> None:
        self.rows = list(range(rows, 0, -1))
        self.change = change
        self.counted = counted
        self.sorts = sorts
        self.asked: list[tuple[int, bool]] = []

    async def __call__(self, *, page: int = 1, ascending: bool = False) -> Page[Mapping]:
        self.asked.append((page, ascending))
        shown = self.rows[::-1] if ascending and self.sorts else self.rows
        start = (page - 1) * 100
        rows = tuple(Mapping.model_validate(mapping(id=one)) for one in shown[start : start + 100])
        following = page + 1 if start + 100 < len(shown) else None
        total = len(shown)
        if self.change == "grows":
            self.rows.insert(0, self.rows[0] + 1)
        if self.change == "shrinks":
            self.rows.pop()
        return Page(rows, following, total if self.counted else None)

    @property
    def points(self) -> int:
        """What the pages that were asked for cost."""
        return sum(page_points(page) for page, _ in self.asked)


async def read(rows: Rows) -> list[int]:
    return [row.id or 0 for row in await read_all(rows, await rows())]


@pytest.mark.parametrize("total", [0, 1, 100, 101, 250, 10_000, 10_050, 12_345])
async def test_every_row_comes_once_and_costs_what_was_said(total: int) -> None:
    rows = Rows(total)
    assert sorted(await read(rows)) == list(range(1, total + 1))
    assert rows.points == points(total)


@pytest.mark.parametrize("total", [250, 10_250, 12_000])
async def test_rows_that_come_meanwhile_push_none_out(total: int) -> None:
    assert set(await read(Rows(total, "grows"))) >= set(range(1, total + 1))


async def test_a_list_that_shrinks_ends_and_says_so_by_its_length() -> None:
    found = await read(Rows(10_250, "shrinks"))
    assert len(found) == len(set(found)) < 10_250


async def test_a_salesloft_that_does_not_sort_is_noticed_and_its_list_read_from_one_end() -> None:
    rows = Rows(12_345, sorts=False)
    assert sorted(await read(rows)) == list(range(1, 12_346))
    assert sum(ascending for _, ascending in rows.asked) == 1


async def test_a_list_that_is_not_counted_is_read_page_by_page() -> None:
    rows = Rows(350, counted=False)
    assert len(await read(rows)) == 350
    assert [page for page, _ in rows.asked] == [1, 2, 3, 4]


async def test_a_total_that_cannot_be_right_costs_a_few_pages_and_not_thousands() -> None:
    rows = Rows(250)
    first = await rows()
    found = await read_all(rows, Page(first.rows, first.next_page, total=1_000_000))
    assert sorted(row.id or 0 for row in found) == list(range(1, 251))
    assert len(rows.asked) <= 2 * WINDOW + 2


async def test_rows_come_in_parts_as_they_are_read() -> None:
    rows = Rows(450)
    parts = pages(rows, await rows())
    assert len(await anext(parts)) == 100
    assert len(rows.asked) == 1


async def test_a_list_is_asked_for_from_either_end_in_the_words_of_the_reference() -> None:
    asked: list[dict[str, str]] = []

    def server(request: httpx.Request) -> httpx.Response:
        asked.append(dict(request.url.params))
        return httpx.Response(200, json={"data": []})

    async with answering(server) as api:
        await api.list_mappings(ascending=True)
        await api.list_mappings()
    assert asked[0].items() >= {"sort_by": "id", "sort_direction": "ASC"}.items()
    assert asked[1].items() >= {"sort_by": "id", "sort_direction": "DESC"}.items()


async def test_a_list_that_gives_one_page_for_every_number_ends() -> None:
    full = [mapping(id=number, external_id=str(number)) for number in range(1, 101)]
    asked: list[str] = []

    def server(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params["page"])
        return httpx.Response(200, json={"data": full})

    async with answering(server) as api:
        assert len(await read_all(api.list_mappings)) == 100
    assert len(asked) < 6


@pytest.fixture
async def singular() -> AsyncIterator[Salesloft]:
    """A Salesloft whose filter knows `person` and finds nothing for `people`."""
    with Sandbox(rate_limit=0) as sandbox:
        async with over(Singular(sandbox), token=sandbox.api_key) as api:
            yield api


async def test_the_mappings_of_an_id_are_found_whatever_word_the_filter_wants(singular: Salesloft) -> None:
    assert [row.object_id for row in await live_mappings(singular, MappingKey("crm", "users", "abc"))] == [13]
    assert await live_mappings(singular, MappingKey("crm", "people", "abc")) == ()
    (row,) = (await singular.list_mappings(external_id="abc", object_type="users", per_page=1)).rows
    assert row.object_id == 13


async def test_the_list_of_a_configuration_is_found_whatever_word_the_filter_wants(singular: Salesloft) -> None:
    _, first = await begin_list(singular, "crm_lead", "people")
    assert first.total == 88
    assert {row.object_type for row in first.rows} == {"people"}
    found = await mappings_of(singular, "crm_lead", "people", total=88, most=100)
    assert found is not None
    assert len(found) == 88


async def test_a_filter_that_works_is_believed_when_it_finds_nothing(api: Salesloft, sandbox: Sandbox) -> None:
    _, first = await begin_list(api, "crm_lead", "accounts")
    assert first == Page((), total=0)
    assert len(sandbox.requests) == 3


@pytest.mark.parametrize(("total", "most"), [(88, 87), (0, 50)])
async def test_more_mappings_of_a_configuration_than_wanted_are_none(api: Salesloft, total: int, most: int) -> None:
    """Counted before, or while they are read."""
    assert await mappings_of(api, "crm_lead", "people", total=total, most=most) is None


async def test_another_external_id_than_was_asked_for_is_still_a_filter_that_does_not_work() -> None:
    def server(_: httpx.Request) -> httpx.Response:
        body: dict[str, Any] = {"data": [mapping(external_id="B")], "metadata": {"paging": {"next_page": 2}}}
        return httpx.Response(200, json=body)

    async with answering(server) as api:
        with pytest.raises(BrokenAnswerError, match="filter does not work"):
            await live_mappings(api, MappingKey("crm_lead", "people", "A"))


async def test_the_mappings_of_a_configuration_are_counted_whatever_word_the_filter_wants(singular: Salesloft) -> None:
    assert await counted(singular, "crm_lead", "people") == 88
    assert await counted(singular, "crm_lead", "accounts") == 0
    assert await counted(singular, "crm_lead", "people", deleted=True) == await counted(
        singular, "crm_lead", None, deleted=True
    )


async def test_the_id_that_a_record_has_is_told_whatever_word_the_filter_wants(singular: Salesloft) -> None:
    change = Change("record", MappingKey("crm_lead", "people", "NEW"), None, {})
    told = await taken(singular, change, "email_address", "a@b.test", 578495206)
    assert 'whose external id of this type is "CONTACT3456"' in told.what
