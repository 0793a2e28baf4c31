"""Lists too long for a hundred pages are read from both ends, and only where that is the cheapest way."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from salesloft_mcp.lookups.configurations import Configurations
from salesloft_mcp.lookups.resolve import Lookups, Resolution
from salesloft_mcp.salesloft.budget import Budget
from salesloft_mcp.salesloft.inprocess import InProcess
from salesloft_mcp.salesloft.models import ObjectType, Scope
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.settings import Dialect
from tests.salesloft.opened import PLENTY, over

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
        store = sandbox.store
        with store.transaction():
            store._db.executemany(
                "INSERT INTO mappings (external_type, object_type, external_id, object_id, inserted_at, deleted)"
                " VALUES ('crm', ?, ?, ?, '2024-02-01', 0)",
                mixed,
            )
        yield sandbox


def ids_of(kind: str, many: int, step: int = 1) -> list[str]:
    return [f"{kind}-{number}" for number in range(0, many, step)]


def right(resolution: Resolution) -> bool:
    """Each id holds the number of its object, but for those that end in `x`, which stand for nothing."""
    return all(
        [f"{row.object_type}-{row.object_id - 1}" for row in rows] == ([] if one.endswith("x") else [one])
        for one, rows in resolution.mappings.items()
    )


async def looked_up(
    team: Sandbox, wanted: list[str], scope: Scope, wire: httpx.AsyncBaseTransport | None = None
) -> tuple[Resolution, int, list[str]]:
    team.requests.clear()
    async with over(wire or InProcess(team), token=team.api_key) as api:
        resolution = await Lookups(api, Configurations(api), Budget(PLENTY)).resolve(wanted, scope)
    return resolution, sum(one.cost for one in team.requests), [one.query.decode() for one in team.requests]


async def test_a_list_of_a_hundred_and_twenty_four_pages_costs_a_hundred_and_twenty_four_points(team: Sandbox) -> None:
    wanted = ids_of("people", PEOPLE, 25)
    resolution, points, queries = await looked_up(team, wanted, Scope("crm", "people"))
    assert list(resolution.mappings) == wanted
    assert right(resolution)
    assert points == 124
    assert sum("sort_direction=ASC" in query for query in queries) == 24


async def test_fewer_ids_than_pages_are_asked_for_by_themselves(team: Sandbox) -> None:
    wanted = ids_of("people", PEOPLE, 120)
    resolution, points, _ = await looked_up(team, wanted, Scope("crm", "people"))
    assert right(resolution)
    assert points == len(wanted) + 1 == 104


async def test_more_than_twenty_thousand_mappings_cost_a_little_more_than_a_point_a_page(team: Sandbox) -> None:
    wanted = [one for kind, many in OF for one in ids_of(kind, many, 20)]
    resolution, points, _ = await looked_up(team, wanted, Scope())
    assert list(resolution.mappings) == wanted
    assert right(resolution)
    assert points == 205 + 2 * (3 + 2)


async def test_a_salesloft_that_does_not_sort_is_noticed_and_every_row_found(team: Sandbox) -> None:
    class Unsorted(InProcess):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            request.url = request.url.copy_remove_param("sort_direction")
            return await super().handle_async_request(request)

    wanted = [*ids_of("people", 300), *(f"{number}x" for number in range(9))]
    resolution, points, _ = await looked_up(team, wanted, Scope("crm", "people"), Unsorted(team))
    assert right(resolution)
    assert points < len(wanted)


async def test_a_list_from_which_rows_go_while_it_is_read_is_not_believed(team: Sandbox) -> None:
    """Every page shifts by a row, so some rows are seen on no page: every id is asked for."""

    class Shrinking(InProcess):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            response = await super().handle_async_request(request)
            if "external_id" in request.url.params:
                return response
            content: dict[str, Any] = httpx.Response(200, content=await response.aread()).json()
            return httpx.Response(200, json={**content, "data": content["data"][1:]})

    wanted = ids_of("users", USERS)
    resolution, points, _ = await looked_up(team, wanted, Scope("crm", "users"), Shrinking(team))
    assert right(resolution)
    assert points == len(wanted) + 2
