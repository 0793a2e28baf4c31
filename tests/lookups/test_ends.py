"""Lists too long for a hundred pages: from both ends, by object type, and never half of one."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from salesloft_mcp.lookups.ends import read_whole
from salesloft_mcp.lookups.plan import Part, Reading
from salesloft_mcp.lookups.resolve import Found, Lookups, Scope
from salesloft_mcp.salesloft import Mapping, ObjectType, Page, Salesloft
from salesloft_mcp.salesloft.budget import Budget
from salesloft_mcp.salesloft.call import open_call
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.settings import Dialect
from tests.salesloft.opened import PLENTY, mapping, opened, over

pytestmark = pytest.mark.anyio

PEOPLE, ACCOUNTS, USERS = 12_345, 8_000, 155
OF: tuple[tuple[ObjectType, int], ...] = (("people", PEOPLE), ("accounts", ACCOUNTS), ("users", USERS))


@pytest.fixture(scope="module", params=["reference", "guide"])
def team(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A type with 20,500 mappings of three kinds of objects, well mixed."""
    dialect: Dialect = request.param
    rows = [(kind, f"{kind}-{number}", number + 1) for kind, many in OF for number in range(many)]
    mixed = sorted(rows, key=lambda row: (row[2] * 7_919) % 10_007)
    with Sandbox(dialect=dialect, rate_limit=PLENTY, seeded=False) as sandbox:
        store = sandbox.app.store
        with store.transaction():
            store._db.executemany(
                "INSERT INTO mappings (external_type, object_type, external_id, object_id, inserted_at, deleted)"
                " VALUES ('crm', ?, ?, ?, '2024-02-01', 0)",
                mixed,
            )
        yield sandbox


def ids_of(kind: str, many: int, step: int = 1) -> list[str]:
    return [f"{kind}-{number}" for number in range(0, many, step)]


def right(found: Found) -> bool:
    """Each id holds the number of its object, but for those that end in `x`, which stand for nothing."""
    return all(
        [f"{row.object_type}-{row.object_id - 1}" for row in rows] == ([] if one.endswith("x") else [one])
        for one, rows in found.items()
    )


async def looked_up(team: Sandbox, wanted: list[str], scope: Scope) -> tuple[Found, int, list[str]]:
    team.requests.clear()
    async with opened(team) as api:
        with open_call() as call:
            found = (await Lookups(api, Budget(PLENTY)).resolve(wanted, scope)).found
    return found, call.points, [one.query.decode() for one in team.requests]


async def test_a_list_of_a_hundred_and_twenty_four_pages_costs_a_hundred_and_twenty_four_points(team: Sandbox) -> None:
    wanted = [*ids_of("people", PEOPLE, 25), "people-x", "accounts-x"]
    found, points, queries = await looked_up(team, wanted, Scope("crm", "people"))
    assert list(found) == wanted
    assert right(found)
    assert points == 124
    assert sum("sort_direction=ASC" in query for query in queries) == 24


async def test_fewer_ids_than_pages_are_asked_for_by_themselves(team: Sandbox) -> None:
    wanted = ids_of("people", PEOPLE, 120)
    found, points, _ = await looked_up(team, wanted, Scope("crm", "people"))
    assert right(found)
    assert points == len(wanted) + 1 == 104


async def test_more_than_twenty_thousand_mappings_are_read_by_object_type(team: Sandbox) -> None:
    wanted = [one for kind, many in OF for one in ids_of(kind, many, 20)]
    found, points, queries = await looked_up(team, wanted, Scope())
    assert list(found) == wanted
    assert right(found)
    assert points == 1 + 124 + 80 + 2
    assert all(int(query.partition("&page=")[2].partition("&")[0]) <= 100 for query in queries)


async def test_a_salesloft_that_does_not_sort_is_noticed_and_every_id_asked_for(team: Sandbox) -> None:
    async with opened(team) as api:
        plainly = api.list_mappings

        async def unsorted(**asked: Any) -> Page[Mapping]:
            return await plainly(**{**asked, "ascending": False})

        api.list_mappings = unsorted  # type: ignore[method-assign]
        wanted = [*ids_of("people", 300), "people-x"]
        with open_call() as call:
            found = (await Lookups(api, Budget(PLENTY)).resolve(wanted, Scope("crm", "people"))).found
    assert right(found)
    assert call.points == len(wanted) + 2


class Lists:
    """A list that changes while it is read: after each page `change` may add or remove rows."""

    def __init__(self, rows: int, change: str = "") -> None:
        self.rows = list(range(rows, 0, -1))
        self.change = change

    async def __call__(self, part: Part, page: int, ascending: bool) -> Page[Mapping]:
        shown = self.rows[::-1] if ascending else self.rows
        start = (page - 1) * 100
        rows = tuple(Mapping.model_validate(mapping(id=one)) for one in shown[start : start + 100])
        following = page + 1 if start + 100 < len(shown) else None
        if self.change == "grows":
            self.rows.insert(0, self.rows[0] + 1)
        return Page(rows, following, len(shown))


async def test_rows_that_come_while_a_list_is_read_push_none_out() -> None:
    lists = Lists(250, "grows")
    rows = await read_whole(lists, Reading(None, 3), await lists(None, 1, False))
    assert rows is not None
    assert {row.id for row in rows} >= set(range(1, 251))


async def test_a_list_whose_ends_do_not_meet_counts_as_not_read() -> None:
    """Every page that is read lets a row in, so what lies in the middle moves out of sight."""
    for change, met in (("", True), ("grows", False)):
        lists = Lists(400, change)
        first = await lists(None, 1, False)
        assert (await read_whole(lists, Reading(None, 2, 2), first) is not None) is met


async def test_a_list_that_shrank_to_its_first_page_is_read() -> None:
    lists = Lists(100)
    rows = await read_whole(lists, Reading(None, 1), await lists(None, 1, False))
    assert rows is not None
    assert len(rows) == 100


async def test_a_list_is_asked_for_from_its_oldest_row_in_the_words_of_the_reference() -> None:
    def server(request: httpx.Request) -> httpx.Response:
        asked.append(dict(request.url.params))
        return httpx.Response(200, content=json.dumps({"data": []}))

    asked: list[dict[str, str]] = []
    async with over(httpx.MockTransport(server)) as api:
        assert isinstance(api, Salesloft)
        await api.list_mappings(ascending=True)
        await api.list_mappings()
    assert {name: asked[0][name] for name in ("sort_by", "sort_direction")} == {
        "sort_by": "id",
        "sort_direction": "ASC",
    }
    assert "sort_by" not in asked[1]
