"""Who has no id of a type is asked in the cheaper of two ways, and both say the same."""

from collections.abc import Iterator

import pytest

from salesloft_mcp.lookups import unmapped
from salesloft_mcp.lookups.searches import Cursor, find
from salesloft_mcp.lookups.unmapped import reads_list
from salesloft_mcp.salesloft.call import open_call
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.sandbox import Sandbox
from tests.salesloft.opened import opened

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("reading", "records", "all_there", "list_is_read"),
    [(1, 3, True, True), (5, 3, True, False), (40, 1, False, True), (41, 100, False, False), (41, 100, True, False)],
)
def test_the_list_is_read_where_it_costs_no_more_than_asking(
    reading: int, records: int, all_there: bool, list_is_read: bool
) -> None:
    assert reads_list(reading, records, all_there) is list_is_read


async def lacking(api: Salesloft, limit: int) -> Iterator[int]:
    """All people without a lead id, page by page."""
    found, cursor = list[int](), None
    while True:
        some = await find(api, "people", {}, "crm_lead", cursor, limit)
        found += [row.id for row in some.rows]
        cursor = some.following
        if cursor is None:
            return iter(found)


async def test_both_ways_and_every_size_of_page_find_the_same(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with opened(sandbox) as api:
        by_list = list(await lacking(api, 100))
        assert list(await lacking(api, 25)) == by_list
        monkeypatch.setattr(unmapped, "MOST_LIST", -1)
        assert list(await lacking(api, 100)) == by_list
        mapped = [row for page in (1, 2) for row in (await api.list_mappings(external_type="crm_lead", page=page)).rows]
    assert len(by_list) == len(set(by_list))
    assert len(by_list) == 160 - len({row.object_id for row in mapped if not row.deleted})


async def test_a_call_asks_for_a_bounded_number_of_records_and_goes_on(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unmapped, "MOST_LIST", -1)
    monkeypatch.setattr(unmapped, "MOST_ASKED", 20)
    async with opened(sandbox) as api:
        with open_call() as call:
            found = await find(api, "people", {}, "crm_lead", None, 100)
        assert call.points <= 25
        assert found.stopped
        assert found.looked == 20
        following = await find(api, "people", {}, "crm_lead", found.following, 100)
    assert isinstance(found.following, Cursor)
    assert {row.id for row in found.rows}.isdisjoint(row.id for row in following.rows)


async def test_a_mapping_that_was_deleted_or_is_of_another_kind_counts_for_nothing(sandbox: Sandbox) -> None:
    async with opened(sandbox) as api:
        (deleted, *_) = (await api.list_mappings(external_type="crm_lead", deleted=True)).rows
        assert deleted.object_id in list(await lacking(api, 100))
        nobody = await find(api, "accounts", {}, "crm_lead", None, 100)
    assert nobody.looked == 62 == len(nobody.rows)
