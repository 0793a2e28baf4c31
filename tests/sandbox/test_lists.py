"""The envelope, paging, sorting and filtering that every list shares."""

from typing import Any

import pytest

from salesloft_mcp.sandbox import Sandbox

from .conftest import Client, Connect

pytestmark = pytest.mark.anyio

LISTS = ["/v2/external/configurations", "/v2/external/mappings", "/v2/people", "/v2/accounts", "/v2/users"]


async def read(api: Client, path: str, **params: str | int) -> dict[str, Any]:
    answer = await api.get(path, params=params)
    assert answer.status_code == 200, answer.text
    decoded: dict[str, Any] = answer.json()
    return decoded


@pytest.mark.parametrize("path", LISTS)
async def test_a_list_comes_in_the_envelope_newest_first_25_a_page(api: Client, path: str) -> None:
    answer = await read(api, path, page=1)
    assert isinstance(answer["data"], list)
    paging = answer["metadata"]["paging"]
    assert (paging["per_page"], paging["current_page"], paging["prev_page"]) == (25, 1, None)
    assert set(paging) == {"per_page", "current_page", "next_page", "prev_page"}
    assert answer["metadata"]["filtering"] == {}
    assert answer["metadata"]["sorting"]["sort_direction"] == "DESC NULLS LAST"


@pytest.mark.parametrize("path", LISTS)
async def test_walking_the_pages_sees_every_row_once(api: Client, path: str) -> None:
    seen: list[int] = []
    page: int | None = 1
    while page:
        answer = await read(api, path, per_page=7, page=page, include_paging_counts="true")
        seen += [row["id"] for row in answer["data"]]
        page = answer["metadata"]["paging"]["next_page"]
    paging = answer["metadata"]["paging"]
    assert len(seen) == len(set(seen)) == paging["total_count"]
    assert paging["current_page"] == paging["total_pages"]


@pytest.mark.parametrize(
    ("given", "used"),
    [("0", 25), ("-3", 25), ("abc", 25), ("", 25), ("1", 1), ("100", 100), ("101", 100), ("9" * 40, 25)],
)
async def test_a_bad_page_length_is_corrected_silently_and_echoed(api: Client, given: str, used: int) -> None:
    answer = await read(api, "/v2/people", per_page=given)
    assert answer["metadata"]["paging"]["per_page"] == used
    assert len(answer["data"]) == used


async def test_a_page_past_the_end_is_an_empty_list(api: Client) -> None:
    answer = await read(api, "/v2/people", page=999)
    assert answer["data"] == []
    paging = answer["metadata"]["paging"]
    assert (paging["current_page"], paging["next_page"], paging["prev_page"]) == (999, None, 998)


async def test_a_bad_page_number_is_the_first_page(api: Client) -> None:
    assert (await read(api, "/v2/people", page="x"))["metadata"]["paging"]["current_page"] == 1


async def test_mappings_sort_by_id_and_by_nothing_else(api: Client) -> None:
    answer = await read(api, "/v2/external/mappings", sort_by="external_id", sort_direction="asc")
    ids = [row["id"] for row in answer["data"]]
    assert ids == sorted(ids)
    assert answer["metadata"]["sorting"] == {"sort_by": "id", "sort_direction": "ASC NULLS LAST"}


async def test_people_sort_by_their_last_update_first(api: Client) -> None:
    answer = await read(api, "/v2/people")
    times = [row["updated_at"] for row in answer["data"]]
    assert times == sorted(times, reverse=True)
    assert answer["metadata"]["sorting"]["sort_by"] == "updated_at"


async def test_an_unknown_filter_name_lists_everything(api: Client) -> None:
    everything = await read(api, "/v2/external/mappings", include_paging_counts="true")
    typo = await read(api, "/v2/external/mappings", external_idd="abc", include_paging_counts="true")
    assert typo == everything


@pytest.mark.parametrize(
    ("path", "name", "value"),
    [
        ("/v2/external/mappings", "object_id", "abc"),
        ("/v2/external/mappings", "object_id", "1" * 30),
        ("/v2/external/mappings", "object_type", "foo"),
        ("/v2/external/mappings", "deleted", "maybe"),
        ("/v2/external/configurations", "object_type", ""),
        ("/v2/external/configurations", "deleted", "1"),
        ("/v2/people", "ids[]", "x"),
        ("/v2/users", "ids[]", "1.5"),
    ],
)
async def test_a_bad_filter_value_is_a_422(api: Client, path: str, name: str, value: str) -> None:
    answer = await api.get(path, params={name: value})
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [name.partition("[")[0]]


async def test_every_bad_filter_is_named_at_once(api: Client) -> None:
    answer = await api.get("/v2/external/mappings?object_id=a&deleted=b")
    assert set(answer.json()["errors"]) == {"object_id", "deleted"}


async def test_the_filters_used_are_echoed(api: Client) -> None:
    answer = await read(api, "/v2/external/mappings", object_id="13", object_type="Account", deleted="false")
    assert answer["metadata"]["filtering"] == {"object_id": 13, "object_type": "accounts", "deleted": False}
    assert [row["external_id"] for row in answer["data"]] == ["MKT-13-000", "ABC"]


async def test_of_a_repeated_bare_key_the_last_one_counts(api: Client) -> None:
    answer = await api.get("/v2/external/mappings?external_id=ABC&external_id=abc")
    assert [row["object_id"] for row in answer.json()["data"]] == [13]
    assert answer.json()["data"][0]["external_type"] == "crm"


@pytest.mark.parametrize("query", ["ids[1]=13&ids[2]=14", "ids[]=13&ids[]=14", "ids%5B%5D=13&ids%5B%5D=14"])
async def test_arrays_come_numbered_or_with_empty_brackets(api: Client, query: str) -> None:
    rows = (await api.get(f"/v2/users?{query}")).json()["data"]
    assert {row["id"] for row in rows} == {13, 14}


async def test_a_bare_repeated_array_key_keeps_its_last_value(api: Client) -> None:
    rows = (await api.get("/v2/users?ids=13&ids=14")).json()["data"]
    assert [row["id"] for row in rows] == [14]


@pytest.mark.parametrize("value", ["yesterday", "0001-01-01T00:00:00+23:00"])
async def test_a_filter_by_what_is_no_time_is_a_500(api: Client, value: str) -> None:
    answer = await api.get("/v2/people", params={"updated_at[gte]": value})
    assert (answer.status_code, answer.json()) == (500, {"status": 500, "error": "Internal Server Error"})


async def test_counts_stop_unless_a_call_says_that_they_shall_not(connect: Connect) -> None:
    with Sandbox(most_counted=100) as sandbox:
        async with connect(sandbox) as api:
            for limited, count in (("", 100), ("true", 100), ("false", 160)):
                asked = {"include_paging_counts": "true", "limit_paging_counts": limited}
                paging = (await read(api, "/v2/people", **asked))["metadata"]["paging"]
                assert (paging["total_count"], paging["total_pages"]) == (count, -(-count // 25))
