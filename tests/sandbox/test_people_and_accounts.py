"""The public calls beside the external ids: people, accounts, users, custom fields."""

from collections.abc import Sequence
from datetime import datetime

import pytest

from salesloft_mcp.sandbox import Sandbox

from .conftest import Client, Clock, Connect

Param = str | int | Sequence[str | int]

pytestmark = pytest.mark.anyio


async def ids(api: Client, path: str, **params: Param) -> list[int]:
    answer = await api.get(path, params={"per_page": 100, "sort_by": "id", "sort_direction": "ASC", **params})
    assert answer.status_code == 200, answer.text
    return [row["id"] for row in answer.json()["data"]]


async def test_a_person_has_every_field_the_guide_shows(api: Client) -> None:
    person = (await api.get("/v2/people/578495206")).json()["data"]
    guide = (
        "id created_at updated_at last_contacted_at last_replied_at first_name last_name email_address city "
        "custom_fields success_count starred untouched counts account owner last_contacted_by "
        "most_recent_cadence last_completed_step_cadence last_completed_step cadences"
    )
    assert set(guide.split()) <= set(person)
    assert person["account"] == {"id": 9872, "_href": "https://api.salesloft.com/v2/accounts/9872"}
    assert {"do_not_contact", "crm_id", "tags", "contact_restrictions"} <= set(person)


async def test_times_are_told_with_an_offset_as_often_as_in_utc(api: Client) -> None:
    people = (await api.get("/v2/people", params={"per_page": 100})).json()["data"]
    offsets = [person["created_at"][-6:] for person in people] + [person["updated_at"][-6:] for person in people]
    assert set(offsets) == {"+00:00", "-05:00", "-04:00"}
    assert offsets.count("+00:00") * 2 == len(offsets)
    moments = [datetime.fromisoformat(person["updated_at"]) for person in people]
    assert moments == sorted(moments, reverse=True)


async def test_people_are_found_by_id_email_crm_id_account_and_custom_field(api: Client) -> None:
    person = (await api.get("/v2/people/207550001")).json()["data"]
    email = person["email_address"].upper()
    assert await ids(api, "/v2/people", **{"ids[]": ["207550001", "1"]}) == [207550001]
    assert await ids(api, "/v2/people", **{"email_addresses[]": email}) == [207550001]
    assert await ids(api, "/v2/people", **{"custom_fields[Legacy ID]": "L-70002"}) == [207550001]
    assert await ids(api, "/v2/people", **{"account_id[]": "9872"}) == [207550060, 207550120, 578495206]
    by_crm_id = (await api.get("/v2/people", params={"crm_id[]": "003Dn0000000003IAA"})).json()["data"]
    assert [row["crm_id"] for row in by_crm_id] == ["003Dn0000000003IAA"]


async def test_a_custom_field_name_is_only_a_name(api: Client) -> None:
    assert await ids(api, "/v2/people", **{"custom_fields[\"') OR 1=1 --]": "x"}) == []


async def test_people_changed_since_a_moment_can_be_followed_like_a_cursor(api: Client, clock: Clock) -> None:
    start = "2025-06-15T15:07:00.25Z"
    for city in ("Lima", "Oslo"):
        assert (await api.put("/v2/people/578495206", json={"city": city})).status_code == 200
    assert await ids(api, "/v2/people", **{"updated_at[gte]": start}) == [578495206]
    assert await ids(api, "/v2/people", **{"updated_at[gt]": start}) == []
    assert len(await ids(api, "/v2/people", **{"updated_at[lte]": start})) == 100
    before = await ids(api, "/v2/people", **{"updated_at[lt]": start, "sort_direction": "DESC"})
    assert len(before) == 100
    assert 578495206 not in before


async def test_accounts_are_found_by_id_name_domain_website_crm_id_and_owner(api: Client) -> None:
    account = (await api.get("/v2/accounts/9001")).json()["data"]
    assert await ids(api, "/v2/accounts", **{"ids[1]": 9001}) == [9001]
    assert await ids(api, "/v2/accounts", **{"name[]": account["name"]}) == [9001]
    assert await ids(api, "/v2/accounts", domain=account["domain"].upper()) == [9001]
    assert await ids(api, "/v2/accounts", **{"website[]": account["website"]}) == [9001]
    assert 9001 in await ids(api, "/v2/accounts", **{"owner_id[]": account["owner"]["id"]})
    assert await ids(api, "/v2/accounts", **{"crm_id[]": "001Dn0000000001IAA"}) == [9872]


async def test_users_are_found_by_id_guid_and_a_part_of_name_or_email(api: Client) -> None:
    assert await ids(api, "/v2/users", **{"ids[]": [14, 13]}) == [13, 14]
    assert await ids(api, "/v2/users", **{"guid[]": "5a1e510f-0000-4000-8000-000000000013"}) == [13]
    assert await ids(api, "/v2/users", search="CHRISTINA.DOE@") == [14]
    assert await ids(api, "/v2/users", search="doe pher") == [13]
    assert await ids(api, "/v2/users", active="false", visible_only="false") == [9, 21]
    assert (await api.get("/v2/users/13")).json()["data"]["role"] == {"id": "Sales Representative"}
    assert (await api.get("/v2/users/999")).status_code == 404


async def test_custom_fields_belong_to_people_and_companies_only(api: Client) -> None:
    fields = (await api.get("/v2/custom_fields")).json()["data"]
    assert {field["field_type"] for field in fields} == {"person", "company"}
    people = (await api.get("/v2/custom_fields?field_type=person")).json()["data"]
    assert "Legacy ID" in {field["name"] for field in people}


async def test_a_person_lives_and_goes(api: Client) -> None:
    body = {"phone": "1", "last_name": "Only", "do_not_contact": True, "nonsense": {"ignored": 1}}
    made = (await api.post("/v2/people", json=body)).json()["data"]
    assert (made["phone"], made["do_not_contact"]) == ("1", True)
    assert "nonsense" not in made
    assert (await api.get(f"/v2/people/{made['id']}")).json()["data"] == made
    assert (await api.delete(f"/v2/people/{made['id']}")).status_code == 204
    for method in ("GET", "PUT", "DELETE"):
        assert (await api.request(method, f"/v2/people/{made['id']}")).status_code == 404
    again = (await api.post("/v2/people", json=body)).json()["data"]
    assert again["id"] > made["id"]


async def test_an_account_that_goes_takes_its_mappings_with_it(api: Client) -> None:
    assert (await api.delete("/v2/accounts/13")).status_code == 204
    rows = (await api.get("/v2/external/mappings?object_id=13")).json()["data"]
    assert {(row["object_type"], row["deleted"]) for row in rows} == {("account", True), ("user", False)}


async def test_an_update_merges_custom_fields_and_null_clears(api: Client) -> None:
    path = "/v2/people/578495206"
    changed = await api.put(path, json={"custom_fields": {"Lead Source": "Fair"}, "title": None})
    person = changed.json()["data"]
    assert person["custom_fields"] == {"Legacy ID": "L-70001", "Lead Source": "Fair"}
    assert person["title"] is None
    changed = await api.put(path, json={"custom_fields": {}})
    assert changed.json()["data"]["custom_fields"] == person["custom_fields"]
    changed = await api.put(path, json={"custom_fields": {"Legacy ID": None}})
    assert changed.json()["data"]["custom_fields"] == {"Lead Source": "Fair"}
    changed = await api.put(path, json={"custom_fields": None, "do_not_contact": None})
    assert changed.json()["data"]["custom_fields"] == {}
    assert changed.json()["data"]["do_not_contact"] is False


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("email_address", 1),
        ("city", ["Oslo"]),
        ("account_id", "13"),
        ("account_id", 1),
        ("account_id", 2**80),
        ("owner_id", True),
        ("owner_id", 999),
        ("do_not_contact", "yes"),
        ("tags", "a,b"),
        ("tags", [1]),
        ("contact_restrictions", ["fax"]),
        ("contact_restrictions", [["call"]]),
        ("job_seniority", "boss"),
        ("crm_id_type", "hubspot"),
        ("custom_fields", {"Legacy ID": 7}),
        ("custom_fields", "x"),
    ],
)
async def test_a_wrong_value_is_a_422_and_changes_nothing(api: Client, field: str, value: object) -> None:
    before = (await api.get("/v2/people/578495206")).json()
    answer = await api.put("/v2/people/578495206", json={"title": "Changed", field: value})
    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])
    assert (await api.get("/v2/people/578495206")).json() == before


async def test_an_email_belongs_to_one_person_in_whatever_case(api: Client) -> None:
    email = (await api.get("/v2/people/207550001")).json()["data"]["email_address"].title()
    taken = {"errors": {"email_address": ["has already been taken"]}}
    assert (await api.post("/v2/people", json={"email_address": email})).json() == taken
    assert (await api.put("/v2/people/578495206", json={"email_address": email})).json() == taken
    assert (await api.put("/v2/people/207550001", json={"email_address": email})).status_code == 200


@pytest.mark.parametrize("body", [{}, {"phone": "1"}, {"last_name": "Doe"}, {"email_address": ""}])
async def test_a_person_needs_an_email_or_a_phone_and_a_last_name(api: Client, body: dict[str, str]) -> None:
    answer = await api.post("/v2/people", json=body)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["email_address"])


async def test_an_account_needs_a_name_and_a_domain(api: Client) -> None:
    answer = await api.post("/v2/accounts", json={"industry": "Software"})
    assert set(answer.json()["errors"]) == {"name", "domain"}


async def test_an_account_is_archived_by_an_update_and_never_by_its_creation(api: Client) -> None:
    body = {"name": "Acme", "domain": "acme.test", "archived": True}
    made = (await api.post("/v2/accounts", json=body)).json()["data"]
    assert made["archived_at"] is None
    assert "archived" not in made
    changed = (await api.put(f"/v2/accounts/{made['id']}", json={"archived": True})).json()["data"]
    assert datetime.fromisoformat(changed["archived_at"]).year == 2025
    again = (await api.put(f"/v2/accounts/{made['id']}", json={"archived": True, "name": "Acme 2"})).json()["data"]
    assert again["archived_at"] == changed["archived_at"]
    assert await ids(api, "/v2/accounts", archived="true") == [9061, made["id"]]
    back = (await api.put(f"/v2/accounts/{made['id']}", json={"archived": False})).json()["data"]
    assert back["archived_at"] is None
    assert await ids(api, "/v2/accounts", archived="true") == [9061]


async def test_users_who_are_deactivated_are_hidden_until_asked_for(api: Client) -> None:
    assert await ids(api, "/v2/users", page=1, **{"ids[]": [8, 9]}) == [8]
    assert await ids(api, "/v2/users", page=1, visible_only="false", **{"ids[]": [8, 9]}) == [8, 9]
    user = (await api.get("/v2/users/9")).json()["data"]
    assert user["active"] is False


async def test_users_are_paged_only_when_a_page_is_asked_for(api: Client) -> None:
    whole = (await api.get("/v2/users", params={"per_page": 5})).json()
    assert len(whole["data"]) == 22
    assert "paging" not in whole["metadata"]
    paged = (await api.get("/v2/users", params={"per_page": 5, "page": 1})).json()
    assert (len(paged["data"]), paged["metadata"]["paging"]["next_page"]) == (5, 2)


async def test_records_show_the_keys_of_real_answers(api: Client) -> None:
    person = (await api.get("/v2/people/578495206")).json()["data"]
    account = (await api.get("/v2/accounts/9872")).json()["data"]
    user = (await api.get("/v2/users/13")).json()["data"]
    more = "display_name full_email_address account_crm_id owner_crm_id crm_url bouncing last_contacted_type"
    assert set(more.split()) | {"locale_utc_offset", "crm_object_type"} <= set(person)
    assert {"archived_at", "counts", "creator", "user_relationships", "crm_object_type"} <= set(account)
    assert account["user_relationships"] == []
    assert {"team", "group", "seat_package", "full_email_address"} <= set(user)
    for row in (person, account):
        assert not {"crm_id_type", "archived"} & set(row)
    assert (account["crm_id"], account["crm_object_type"]) == ("001Dn0000000001IAA", "account")
    team = (await api.get("/v2/team")).json()["data"]
    assert team["group_privacy_setting"] == "group_public"
    assert len((await api.get("/v2/me")).json()["data"]) > 15


async def test_a_person_without_a_name_is_shown_by_the_email(api: Client) -> None:
    made = (await api.post("/v2/people", json={"email_address": "a@b.test"})).json()["data"]
    assert made["display_name"] == made["full_email_address"] == "a@b.test"


async def test_custom_fields_that_the_team_does_not_have_are_dropped_without_a_word(api: Client) -> None:
    body = {"custom_fields": {"Lead Source": "Fair", "No Such Field": "x", "Legacy ID": ""}}
    changed = await api.put("/v2/people/578495206", json=body)
    assert (changed.status_code, changed.json()["data"]["custom_fields"]) == (200, {"Lead Source": "Fair"})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"crm_id": "003Dn0000099999IAC"}, "crm_id_type"),
        ({"crm_id": "003Dn0000099999", "crm_id_type": "salesforce"}, "crm_id"),
        ({"crm_id": "001Dn0000099999IAC", "crm_id_type": "salesforce"}, "crm_id"),
        ({"crm_id": "", "crm_id_type": "salesforce"}, "crm_id"),
    ],
)
async def test_a_crm_id_is_whole_and_comes_with_its_type(api: Client, body: dict[str, str], field: str) -> None:
    answer = await api.put("/v2/people/578495206", json=body)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, [field])


async def test_a_crm_id_needs_a_scope_of_its_own(sandbox: Sandbox, connect: Connect) -> None:
    body = {"crm_id": "00QDn0000099999IAC", "crm_id_type": "salesforce"}
    for scopes, status in ((("person:manage",), 403), (("person:manage", "person:set_crm_id"), 200)):
        async with connect(sandbox, sandbox.issue_token(*scopes)) as api:
            answer = await api.put("/v2/people/578495206", json=body)
            assert answer.status_code == status
    assert answer.json()["data"]["crm_object_type"] == "lead"


async def test_people_and_accounts_are_found_by_parts_of_their_fields(api: Client) -> None:
    people = (await api.get("/v2/people", params={"title": "REVENUE", "city": "atl", "per_page": 100})).json()["data"]
    assert people
    assert all("Revenue" in one["title"] and one["city"] == "Atlanta" for one in people)
    owned = (await api.get("/v2/people", params={"owner_id[]": 5})).json()["data"]
    assert {one["owner"]["id"] for one in owned} == {5}
    accounts = (await api.get("/v2/accounts", params={"industry": "soft", "country": "united"})).json()["data"]
    assert {one["industry"] for one in accounts} == {"Software"}
    assert await ids(api, "/v2/people", **{"custom_fields[Legacy ID]": "l-70002"}) == [207550001]


@pytest.mark.parametrize("word", ["_is_null", "Null", "_unmapped", "_is_not_null"])
async def test_words_of_command_select_by_whether_there_is_a_value(api: Client, word: str) -> None:
    people = (await api.get("/v2/people", params={"crm_id[]": word})).json()["data"]
    assert people
    assert {one["crm_id"] is None for one in people} == {word != "_is_not_null"}
    assert (await api.get("/v2/people", params={"title": word})).status_code == 200


async def test_an_account_may_have_an_address_for_its_domain(api: Client) -> None:
    assert await ids(api, "/v2/accounts", domain="trainers.test") == []
    assert await ids(api, "/v2/accounts", domain="https://www.trainers.test/en-gb/") == [9060]
