"""What real teams hold and few expect, each switched on by its name."""

from typing import Any

import pytest

from salesloft_mcp.sandbox import ODD, Odd, Sandbox
from salesloft_mcp.sandbox.odd_answers import AROUND

from .conftest import Connect

pytestmark = pytest.mark.anyio

PEOPLE = "/v2/people?ids[]=207550002&ids[]=207550003"
MAPPINGS = "/v2/external/mappings"


async def read(connect: Connect, path: str, *odd: Odd) -> list[Any]:
    with Sandbox(odd=odd) as sandbox:
        async with connect(sandbox) as api:
            answer = await api.get(path)
    assert answer.status_code == 200, answer.text
    rows: list[Any] = answer.json()["data"]
    return rows


async def test_the_ordinary_team_is_plain(connect: Connect) -> None:
    rows = await read(connect, PEOPLE)
    assert [row["id"] for row in rows] == [207550003, 207550002]
    assert all(isinstance(row["title"], str) and isinstance(row["owner"], dict) for row in rows)


async def test_odd_values_stand_in_single_rows(connect: Connect) -> None:
    plain, odd = await read(connect, PEOPLE, "odd-values")
    assert isinstance(plain["title"], str)
    assert (odd["title"], odd["account"], odd["custom_fields"]) == (7, {"id": None}, [])
    for path in (
        "/v2/accounts?ids[]=9002",
        "/v2/users?ids[]=14&page=1",
        "/v2/external/ids/crm/users?external_ids[1]=abd",
    ):
        assert await read(connect, path, "odd-values") != await read(connect, path)


async def test_lists_of_records_may_end_with_a_null(connect: Connect) -> None:
    assert (await read(connect, PEOPLE, "null-rows"))[-1] is None
    assert None not in await read(connect, MAPPINGS, "null-rows")


async def test_what_a_token_may_not_see_is_left_out_of_lists(connect: Connect) -> None:
    assert [row["id"] for row in await read(connect, PEOPLE, "hidden-records")] == [207550002]
    by_external_id = "/v2/external/ids/crm_lead/people?external_ids[1]=CONTACT1003"
    assert len(await read(connect, by_external_id)) == 1
    assert await read(connect, by_external_id, "hidden-records") == []
    assert len(await read(connect, f"{MAPPINGS}?external_id=CONTACT1003", "hidden-records")) == 1


async def test_ids_of_mappings_may_stand_in_plain_lists_alone(connect: Connect) -> None:
    (row,) = await read(connect, f"{MAPPINGS}?external_id=CONTACT1003", "ids-in-plain-lists")
    assert "id" not in row
    rows = await read(connect, f"{MAPPINGS}?object_id={row['object_id']}", "ids-in-plain-lists")
    assert all(row["id"] for row in rows)


def test_every_oddity_has_a_name() -> None:
    of_records = {"odd-values", "null-rows", "hidden-records", "ids-in-plain-lists"}
    assert set(ODD) == of_records | AROUND.keys() | {"metered"}


async def test_mappings_may_be_filtered_by_the_singular_alone(connect: Connect) -> None:
    for word, found in (("person", True), ("people", False)):
        rows = await read(connect, f"{MAPPINGS}?external_type=crm_lead&object_type={word}", "singular-filter")
        assert bool(rows) is found
