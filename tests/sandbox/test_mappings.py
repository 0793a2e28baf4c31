"""Endpoints 1 to 6 in both dialects."""

from typing import Any

import pytest

from salesloft_mcp.sandbox import Sandbox

from .conftest import Client, Clock, Connect

pytestmark = pytest.mark.anyio

CONFIGURATIONS = "/v2/external/configurations"
MAPPINGS = "/v2/external/mappings"
LEAD = {"external_type": "crm_lead", "object_type": "people", "external_id": "X-1", "object_id": 207550001}


async def rows(api: Client, path: str, **params: str | int) -> list[dict[str, Any]]:
    data = (await api.get(path, params={"per_page": 100, **params})).json()["data"]
    assert isinstance(data, list)
    return data


async def refusal(api: Client, path: str, body: dict[str, Any]) -> dict[str, list[str]]:
    answer = await api.post(path, json=body)
    assert answer.status_code == 422, answer.text
    errors: dict[str, list[str]] = answer.json()["errors"]
    return errors


# Configurations


async def test_the_guides_configurations_are_there(api: Client) -> None:
    first, second, *_ = await rows(api, CONFIGURATIONS)
    assert first == {
        "deleted": False,
        "external_type": "crm",
        "id": 228,
        "object_type": "users",
        "source_id": None,
        "source_type": None,
    }
    assert (second["id"], second["external_type"], second["object_type"]) == (227, "marketing", "accounts")


async def test_an_api_key_makes_a_configuration_without_a_source(api: Client) -> None:
    answer = await api.post(CONFIGURATIONS, json={"external_type": "external_id", "object_type": "accounts"})
    assert answer.status_code == 200
    made = answer.json()["data"]
    assert made == {
        "deleted": False,
        "external_type": "external_id",
        "object_type": "accounts",
        "id": 229,
        "source_id": None,
        "source_type": None,
    }
    assert made in await rows(api, CONFIGURATIONS)


async def test_an_oauth_app_is_the_source_of_its_configurations(sandbox: Sandbox, connect: Connect) -> None:
    async with connect(sandbox, sandbox.oauth_token) as client:
        answer = await client.post(CONFIGURATIONS, json={"external_type": "erp", "object_type": "Person"})
    made = answer.json()["data"]
    assert (made["source_type"], made["source_id"], made["object_type"]) == ("integration", 1121, "people")


async def test_the_guide_swaps_the_source_of_an_oauth_app(guide: Sandbox, connect: Connect) -> None:
    async with connect(guide, guide.oauth_token) as client:
        answer = await client.post(CONFIGURATIONS, json={"external_type": "erp", "object_type": "people"})
        assert answer.status_code == 201
        made = answer.json()["data"]
        assert (made["source_type"], made["source_id"]) == (1121, "integration")
        assert await rows(client, CONFIGURATIONS, external_type="erp") == [made]


async def test_configurations_can_be_filtered(api: Client) -> None:
    found = await rows(api, CONFIGURATIONS, object_type="user", external_type="crm", deleted="false")
    assert [row["id"] for row in found] == [228]
    assert await rows(api, CONFIGURATIONS, deleted="true") == []


async def test_a_type_is_configured_once_for_each_kind_of_object(api: Client) -> None:
    taken = {"external_type": ["has already been taken"]}
    assert await refusal(api, CONFIGURATIONS, {"external_type": "crm", "object_type": "user"}) == taken
    answer = await api.post(CONFIGURATIONS, json={"external_type": "crm", "object_type": "people"})
    assert answer.is_success


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"external_type", "object_type"}),
        ({"external_type": "x", "object_type": "deals"}, {"object_type"}),
        ({"external_type": 7, "object_type": ["people"]}, {"external_type", "object_type"}),
        ({"external_type": "", "object_type": "people"}, {"external_type"}),
        ({"external_type": "x" * 256, "object_type": "people"}, {"external_type"}),
    ],
)
async def test_a_configuration_needs_a_name_and_a_kind_of_object(
    api: Client, body: dict[str, Any], fields: set[str]
) -> None:
    assert set(await refusal(api, CONFIGURATIONS, body)) == fields


async def test_deleting_a_configuration_is_soft_once_and_leaves_its_mappings(api: Client) -> None:
    gone = await api.delete(f"{CONFIGURATIONS}/228")
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await api.delete(f"{CONFIGURATIONS}/228")).status_code == 404
    assert [row["id"] for row in await rows(api, CONFIGURATIONS, deleted="true")] == [228]
    left = await rows(api, MAPPINGS, external_type="crm")
    assert [row["deleted"] for row in left] == [False, False]
    assert (await api.get("/v2/external/ids/crm/users?external_ids[1]=abc")).status_code == 404
    assert (await api.post("/v2/external/ids/crm/users/abc", json={})).status_code == 422


async def test_a_deleted_type_can_be_configured_again(api: Client) -> None:
    await api.delete(f"{CONFIGURATIONS}/228")
    assert (await api.post(CONFIGURATIONS, json={"external_type": "crm", "object_type": "users"})).is_success
    assert (await api.get("/v2/external/ids/crm/users?external_ids[1]=abc")).json()["data"][0]["id"] == 13


# Mappings


async def test_the_reference_shows_an_id_a_singular_word_and_a_date(api: Client) -> None:
    (shown,) = await rows(api, MAPPINGS, external_id="ABC")
    assert shown == {
        "id": 5003,
        "deleted": False,
        "external_type": "sdfc_account",
        "object_type": "account",
        "external_id": "ABC",
        "inserted_at": "2024-02-01",
        "object_id": 13,
        "tenant_id": 100013,
    }


async def test_the_guide_shows_a_lone_mapping_as_in_its_own_example(guide_api: Client) -> None:
    answer = await guide_api.get(MAPPINGS, params={"external_type": "sdfc_account", "external_id": "ABC"})
    assert answer.json()["data"] == {
        "deleted": False,
        "external_type": "sdfc_account",
        "object_type": "accounts",
        "external_id": "ABC",
        "inserted_at": "2024-02-01T12:00:00Z",
        "object_id": 13,
        "tenant_id": 100013,
    }


async def test_the_guide_shows_several_mappings_or_none_as_a_list(guide_api: Client) -> None:
    shared = await rows(guide_api, MAPPINGS, external_id="CONTACT3456", object_id=207550815)
    assert {row["external_type"] for row in shared} == {"sdfc_lead", "sdfc_contact"}
    assert await rows(guide_api, MAPPINGS, external_id="nobody") == []


@pytest.mark.parametrize("word", ["people", "person", "People", "PERSON"])
async def test_any_spelling_of_the_object_type_is_understood(api: Client, word: str) -> None:
    made = (await api.post(MAPPINGS, json={**LEAD, "object_type": word})).json()["data"]
    assert made["object_type"] == "person"
    assert made in await rows(api, MAPPINGS, object_type=word, external_id="X-1")


async def test_a_new_mapping_is_shown_and_dated(api: Client, guide_api: Client, clock: Clock) -> None:
    answer = await api.post(MAPPINGS, json=LEAD)
    assert answer.status_code == 200
    assert answer.json()["data"]["inserted_at"] == "2025-06-15"
    answer = await guide_api.post(MAPPINGS, json=LEAD)
    assert answer.status_code == 201
    assert answer.json()["data"]["inserted_at"] == "2025-06-15T15:07:00Z"
    assert "id" not in answer.json()["data"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"external_type": "nowhere"}, "external_type"),
        ({"external_type": "CRM_LEAD"}, "external_type"),
        ({"object_type": "accounts"}, "external_type"),
        ({"object_type": "deals"}, "object_type"),
        ({"object_id": 1}, "object_id"),
        ({"object_id": "207550001"}, "object_id"),
        ({"object_id": True}, "object_id"),
        ({"object_id": 2**70}, "object_id"),
        ({"object_id": None}, "object_id"),
        ({"external_id": 7}, "external_id"),
        ({"external_id": ""}, "external_id"),
        ({"external_id": "x" * 1025}, "external_id"),
        ({"external_id": "CONTACT3456"}, "external_id"),
    ],
)
async def test_a_mapping_that_cannot_be_is_a_422_that_names_the_field(
    api: Client, change: dict[str, Any], field: str
) -> None:
    assert list(await refusal(api, MAPPINGS, {**LEAD, **change})) == [field]


async def test_every_missing_field_of_a_mapping_is_named(api: Client) -> None:
    assert set(await refusal(api, MAPPINGS, {})) == set(LEAD)


async def test_creating_the_same_mapping_again_is_refused_like_one_of_another_object(api: Client) -> None:
    await api.post(MAPPINGS, json=LEAD)
    taken = {"external_id": ["has already been taken"]}
    assert await refusal(api, MAPPINGS, LEAD) == taken
    assert await refusal(api, MAPPINGS, {**LEAD, "object_id": 207550002}) == taken


async def test_an_object_may_have_several_ids_in_one_type(api: Client) -> None:
    await api.post(MAPPINGS, json=LEAD)
    assert (await api.post(MAPPINGS, json={**LEAD, "external_id": "X-2"})).is_success


async def test_external_ids_are_compared_byte_for_byte(api: Client) -> None:
    different = ["x-1", "X-1", " X-1", "X-1 ", "007", "7", "é", "e\u0301", "ﬁ", "fi"]
    for external_id in different:
        assert (await api.post(MAPPINGS, json={**LEAD, "external_id": external_id})).is_success, external_id
    for external_id in different:
        (found,) = await rows(api, MAPPINGS, external_id=external_id)
        assert found["external_id"] == external_id


async def test_a_team_that_does_not_enforce_uniqueness_takes_duplicates_of_mappings_only(
    connect: Connect,
) -> None:
    with Sandbox(enforce_unique=False) as sandbox:
        async with connect(sandbox) as api:
            for _ in range(2):
                assert (await api.post(MAPPINGS, json=LEAD)).is_success
            assert len(await rows(api, MAPPINGS, external_id="X-1")) == 2
            configuration = {"external_type": "crm", "object_type": "users"}
            assert (await api.post(CONFIGURATIONS, json=configuration)).status_code == 422


async def test_deleting_a_mapping_is_soft_and_happens_once(api: Client) -> None:
    made = (await api.post(MAPPINGS, json=LEAD)).json()["data"]
    gone = await api.delete(f"{MAPPINGS}/{made['id']}")
    assert (gone.status_code, gone.content) == (204, b"")
    assert (await api.delete(f"{MAPPINGS}/{made['id']}")).status_code == 404
    assert await rows(api, MAPPINGS, external_id="X-1") == [{**made, "deleted": True}]
    assert await rows(api, MAPPINGS, external_id="X-1", deleted="false") == []


async def test_a_deleted_external_id_can_be_mapped_again_and_both_rows_are_listed(api: Client) -> None:
    made = (await api.post(MAPPINGS, json=LEAD)).json()["data"]
    await api.delete(f"{MAPPINGS}/{made['id']}")
    again = (await api.post(MAPPINGS, json={**LEAD, "object_id": 207550002})).json()["data"]
    listed = await rows(api, MAPPINGS, external_id="X-1")
    assert [(row["id"], row["deleted"]) for row in listed] == [(again["id"], False), (made["id"], True)]


@pytest.mark.parametrize("mapping_id", ["0", "99999", "abc", "-1", "1" * 30])
async def test_deleting_what_is_not_there_is_a_404(api: Client, mapping_id: str) -> None:
    assert (await api.delete(f"{MAPPINGS}/{mapping_id}")).status_code == 404
