"""Endpoints 7 and 8: objects by external id, and the upsert."""

from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from salesloft_mcp.sandbox import Sandbox

from .conftest import Client, Clock, Connect

pytestmark = pytest.mark.anyio

IDS = "/v2/external/ids"
MAPPINGS = "/v2/external/mappings"

# The guide's own example.
CHRISTOPHER = {
    "email_address": "christoper.doe@externalid.com",
    "first_name": "Christopher",
    "last_name": "Doe",
    "account_id": 9872,
    "city": "Atlanta",
}


def by_ids(*external_ids: str) -> dict[str, str]:
    return {f"external_ids[{number}]": value for number, value in enumerate(external_ids, start=1)}


async def mapped(api: Client, external_id: str, external_type: str = "crm_lead") -> list[dict[str, Any]]:
    params = {"external_type": external_type, "external_id": external_id, "deleted": "false"}
    rows: list[dict[str, Any]] = (await api.get(MAPPINGS, params=params)).json()["data"]
    return rows


# Endpoint 7


async def test_users_come_back_by_external_id_as_the_platform_shows_them(api: Client) -> None:
    rows = (await api.get(f"{IDS}/crm/users", params=by_ids("abc", "abd"))).json()["data"]
    named = {row["id"]: (row["first_name"], row["role"]) for row in rows}
    assert named == {
        13: ("Christopher", {"id": "Sales Representative"}),
        14: ("Christina", {"id": "Account Executive"}),
    }


async def test_users_come_back_by_external_id_as_the_guide_shows_them(guide_api: Client) -> None:
    rows = (await guide_api.get(f"{IDS}/crm/users", params=by_ids("abc", "abd"))).json()["data"]
    keys = ("id", "email", "active", "role", "last_name", "first_name")
    assert tuple(rows[0])[: len(keys)] == keys
    assert {key: rows[0][key] for key in keys} == {
        "id": 13,
        "email": "christopher.doe@externalid.com",
        "active": True,
        "role": "Sales Representative",
        "last_name": "Doe",
        "first_name": "Christopher",
    }


async def test_the_guide_answers_one_hit_as_an_object_and_the_reference_as_a_list(
    api: Client, guide_api: Client
) -> None:
    params = by_ids("CONTACT3456")
    assert (await guide_api.get(f"{IDS}/crm_lead/people", params=params)).json()["data"]["id"] == 578495206
    assert len((await api.get(f"{IDS}/crm_lead/people", params=params)).json()["data"]) == 1


async def test_unmapped_ids_are_left_out_without_a_word(api: Client) -> None:
    answer = await api.get(f"{IDS}/sdfc_account/account", params=by_ids("ABC", "nobody", "abc"))
    assert [row["id"] for row in answer.json()["data"]] == [13]
    assert (await api.get(f"{IDS}/crm_lead/people", params=by_ids("nobody"))).json()["data"] == []


async def test_deleted_mappings_find_nothing(api: Client) -> None:
    (row,) = await mapped(api, "CONTACT3456")
    await api.delete(f"{MAPPINGS}/{row['id']}")
    assert (await api.get(f"{IDS}/crm_lead/people", params=by_ids("CONTACT3456"))).json()["data"] == []


async def test_a_hundred_ids_fit_one_call_for_one_point_and_no_more(api: Client) -> None:
    wanted = [f"CONTACT{number}" for number in range(1001, 1101)]
    answer = await api.get(f"{IDS}/crm_lead/people", params={**by_ids(*wanted), "per_page": "100"})
    assert len(answer.json()["data"]) == 87
    assert answer.headers["x-ratelimit-endpoint-cost"] == "1"
    refused = await api.get(f"{IDS}/crm_lead/people", params=by_ids(*wanted, "one more"))
    assert (refused.status_code, list(refused.json()["errors"])) == (422, ["external_ids"])


async def test_records_by_external_id_come_in_pages_like_any_list(api: Client) -> None:
    wanted = by_ids(*(f"CONTACT{number}" for number in range(1001, 1041)))
    first = (await api.get(f"{IDS}/crm_lead/people", params=wanted)).json()
    assert (len(first["data"]), first["metadata"]["paging"]["next_page"]) == (25, 2)
    second = (await api.get(f"{IDS}/crm_lead/people", params={**wanted, "page": "2"})).json()
    assert (len(second["data"]), second["metadata"]["paging"]["next_page"]) == (14, None)


async def test_users_who_are_deactivated_are_hidden_by_external_id_too(api: Client) -> None:
    mapping = {"external_type": "crm", "object_type": "users", "external_id": "gone", "object_id": 9}
    assert (await api.post(MAPPINGS, json=mapping)).is_success
    path = f"{IDS}/crm/users"
    assert (await api.get(path, params=by_ids("gone"))).json()["data"] == []
    everybody = await api.get(path, params={**by_ids("gone"), "visible_only": "false"})
    assert [row["active"] for row in everybody.json()["data"]] == [False]


async def test_users_by_external_id_come_in_the_printed_order(guide_api: Client) -> None:
    rows = (await guide_api.get(f"{IDS}/crm/users", params=by_ids("abd", "abc"))).json()["data"]
    assert [row["id"] for row in rows] == [13, 14]


async def test_no_ids_at_all_is_a_422(api: Client) -> None:
    assert (await api.get(f"{IDS}/crm_lead/people")).status_code == 422


@pytest.mark.parametrize("path", ["nowhere/people", "crm/people", "crm/deals", "CRM/users"])
async def test_a_type_that_is_not_configured_for_these_objects_is_a_404(api: Client, path: str) -> None:
    assert (await api.get(f"{IDS}/{path}", params=by_ids("abc"))).status_code == 404


# Endpoint 8


@pytest.mark.parametrize(("fixture", "status"), [("sandbox", 200), ("guide", 201)])
async def test_an_unmapped_id_creates_the_person_and_the_mapping(
    request: pytest.FixtureRequest, connect: Connect, fixture: str, status: int
) -> None:
    async with connect(request.getfixturevalue(fixture)) as api:
        answer = await api.post(f"{IDS}/crm_lead/people/NEW-1", json=CHRISTOPHER)
        assert answer.status_code == status
        made = answer.json()["data"]
        data = (await api.get(MAPPINGS, params={"external_id": "NEW-1"})).json()["data"]
    row = data if isinstance(data, dict) else data[0]
    assert (row["object_id"], row["external_type"]) == (made["id"], "crm_lead")
    assert made["account"] == {"id": 9872, "_href": "https://api.salesloft.com/v2/accounts/9872"}
    assert made["created_at"] == made["updated_at"] == "2025-06-15T15:07:00.250000+00:00"
    assert {key: made[key] for key in ("email_address", "city", "cadences", "owner")} == {
        "email_address": "christoper.doe@externalid.com",
        "city": "Atlanta",
        "cadences": [],
        "owner": None,
    }


@pytest.mark.parametrize(("fixture", "status"), [("sandbox", 200), ("guide", 201)])
async def test_a_mapped_id_updates_the_given_fields_and_moves_the_time(
    request: pytest.FixtureRequest, connect: Connect, clock: Clock, fixture: str, status: int
) -> None:
    async with connect(request.getfixturevalue(fixture)) as api:
        before = (await api.get("/v2/people/578495206")).json()["data"]
        clock.now += 5
        answer = await api.post(f"{IDS}/crm_lead/people/CONTACT3456", json={"city": "Wien", "surprise": 1})
        after = (await api.get("/v2/people/578495206")).json()["data"]
    assert answer.status_code == status
    assert answer.json()["data"] == after
    assert after == {**before, "city": "Wien", "updated_at": "2025-06-15T11:07:05.250000-04:00"}


async def test_an_account_is_created_and_updated_by_external_id(api: Client) -> None:
    path = f"{IDS}/marketing/accounts/ACC-1"
    made = (await api.post(path, json={"name": "Acme", "domain": "Acme.Example"})).json()["data"]
    assert made["domain"] == "acme.example"
    changed = (await api.post(path, json={"industry": "Anvils"})).json()["data"]
    assert (changed["id"], changed["name"], changed["industry"]) == (made["id"], "Acme", "Anvils")


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("crm_lead/people/NEW", {}, "email_address"),
        ("crm_lead/people/NEW", {"email_address": "Christopher@example.com", "account_id": 1}, "account_id"),
        ("crm_lead/people/NEW", {"email_address": 7}, "email_address"),
        ("marketing/accounts/NEW", {"name": "Acme"}, "domain"),
        ("marketing/accounts/NEW", {"name": "Acme", "domain": "ALDER-ANALYTICS.test"}, "domain"),
    ],
)
async def test_a_refused_create_leaves_neither_object_nor_mapping(
    api: Client, path: str, body: dict[str, Any], field: str
) -> None:
    answer = await api.post(f"{IDS}/{path}", json=body)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])
    assert await mapped(api, "NEW", path.partition("/")[0]) == []


async def test_an_email_that_exists_is_taken_until_the_person_is_mapped(api: Client) -> None:
    person = (await api.get("/v2/people/207550001")).json()["data"]
    body = {"email_address": person["email_address"].upper(), "title": "New title"}
    refused = await api.post(f"{IDS}/sdfc_lead/people/LEAD-1", json=body)
    assert refused.json() == {"errors": {"email_address": ["has already been taken"]}}
    mapping = {"external_type": "sdfc_lead", "object_type": "people", "external_id": "LEAD-1"}
    assert (await api.post(MAPPINGS, json={**mapping, "object_id": person["id"]})).is_success
    answer = await api.post(f"{IDS}/sdfc_lead/people/LEAD-1", json=body)
    assert (answer.json()["data"]["id"], answer.json()["data"]["title"]) == (person["id"], "New title")


async def test_users_cannot_be_upserted(api: Client) -> None:
    answer = await api.post(f"{IDS}/crm/users/abc", json={"first_name": "Chris"})
    assert answer.json() == {"errors": {"object_type": ["does not support users"]}}


async def test_an_upsert_under_an_unconfigured_type_is_a_404(api: Client) -> None:
    assert (await api.post(f"{IDS}/nowhere/people/1", json=CHRISTOPHER)).status_code == 404


async def test_an_external_id_in_the_path_is_no_longer_than_in_a_body(api: Client) -> None:
    answer = await api.post(f"{IDS}/crm_lead/people/{'x' * 1025}", json=CHRISTOPHER)
    assert list(answer.json()["errors"]) == ["external_id"]


async def test_deleting_a_person_marks_its_mappings_and_frees_the_external_id(api: Client) -> None:
    assert (await api.delete("/v2/people/578495206")).status_code == 204
    rows = (await api.get(MAPPINGS, params={"object_id": 578495206})).json()["data"]
    assert [row["deleted"] for row in rows] == [True]
    made = (await api.post(f"{IDS}/crm_lead/people/CONTACT3456", json=CHRISTOPHER)).json()["data"]
    assert made["id"] != 578495206


def segment(text: str) -> str:
    """One path segment; dots are escaped too, as URL libraries act on `.` and `..` themselves."""
    return quote(text, safe="").replace(".", "%2E")


EXTERNAL_IDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)


@given(external_id=EXTERNAL_IDS)
@example("..")
@example(".")
@example("a/b")
@example("//")
@example("?#%;&+=[]'\"\\")
@example("%2F")
@example("a b")
@example("007")
@example("e\u0301")
@example("\U0001f600\u202e\ufeff")
@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_external_id_survives_byte_for_byte(connect: Connect, external_id: str) -> None:
    with Sandbox(rate_limit=0, seeded=False) as sandbox:
        async with connect(sandbox) as api:
            await walk(api, external_id)


async def walk(api: Client, external_id: str) -> None:
    """Create by upsert, find in the list, fetch by id, upsert again."""
    await api.post("/v2/external/configurations", json={"external_type": "t/1", "object_type": "people"})
    path = f"{IDS}/{segment('t/1')}/people"
    upsert = f"{path}/{segment(external_id)}"
    made = (await api.post(upsert, json={"email_address": "a@b.test"})).json()["data"]
    (row,) = await mapped(api, external_id, "t/1")
    assert (row["external_id"], row["object_id"]) == (external_id, made["id"])
    (fetched,) = (await api.get(path, params=by_ids(external_id))).json()["data"]
    assert fetched == made
    again = (await api.post(upsert, json={"city": "Oslo"})).json()["data"]
    assert again["id"] == made["id"]
    body = {
        "external_type": "t/1",
        "object_type": "people",
        "external_id": external_id,
        "object_id": made["id"],
    }
    assert list((await api.post(MAPPINGS, json=body)).json()["errors"]) == ["external_id"]
