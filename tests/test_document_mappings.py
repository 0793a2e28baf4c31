"""The document on mappings: created once, never updated, listed by every filter."""

from collections.abc import Iterator
from itertools import combinations
from urllib.parse import parse_qs

import pytest

from salesloft_mcp.sandbox import Sandbox
from tests.conftest import Connect
from tests.document import proves
from tests.test_document import MAPPINGS, call, raw, read, refused, resolved, rows

pytestmark = pytest.mark.anyio

CONTACT = {"external_type": "crm_lead", "object_type": "people", "external_id": "CONTACT3456"}
FILTERS: dict[str, str | int] = {
    "external_type": "sdfc_lead",
    "external_id": "CONTACT3456",
    "object_type": "people",
    "object_id": 207550815,
}
each_filtering = pytest.mark.parametrize(
    "names", [names for size in range(len(FILTERS) + 1) for names in combinations(FILTERS, size)], ids="+".join
)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(dialect="guide") as sandbox:
        yield sandbox


# Create


@proves("CREATE-MAPPING", "CREATE-MAPPING-OBJECT-ID")
@pytest.mark.parametrize(
    ("external_type", "object_type", "object_id"),
    [("crm_lead", "people", 207550815), ("marketing", "accounts", 9872), ("crm", "users", 14)],
)
async def test_an_object_of_each_kind_is_mapped(
    sandbox: Sandbox, connect: Connect, external_type: str, object_type: str, object_id: int
) -> None:
    mapping = {"external_type": external_type, "object_type": object_type, "external_id": "N/1", "object_id": object_id}
    async with connect() as client:
        answers = [await call(client, "create_external_id_mapping", **mapping) for _ in range(2)]
    assert [answer["status"] for answer in answers] == ["created", "unchanged"]
    (row,) = await rows(sandbox, MAPPINGS, external_id="N/1")
    assert row.items() >= {**mapping, "deleted": False}.items()


@proves("CREATE-MAPPING-OBJECT-ID")
@pytest.mark.parametrize("object_id", [0, -1, True, "abc", 2**63])
async def test_what_is_no_salesloft_id_is_refused_before_anything_is_sent(
    sandbox: Sandbox, connect: Connect, object_id: object
) -> None:
    async with connect() as client:
        assert "object_id" in await refused(client, "create_external_id_mapping", **CONTACT, object_id=object_id)
    assert not sandbox.requests


@proves("CREATE-MAPPING-IMMUTABLE")
async def test_a_mapping_is_not_moved_to_another_object(sandbox: Sandbox, connect: Connect) -> None:
    before = await rows(sandbox, MAPPINGS, **CONTACT)
    async with connect() as client:
        words = await refused(client, "create_external_id_mapping", **CONTACT, object_id=207550815)
    assert "already mapped to person 578495206" in words
    assert await rows(sandbox, MAPPINGS, **CONTACT) == before


@proves("CREATE-MAPPING-IMMUTABLE")
async def test_nothing_updates_a_mapping(sandbox: Sandbox, connect: Connect) -> None:
    async with raw(sandbox) as api:
        for method in ("PUT", "PATCH", "POST"):
            answer = await api.request(method, f"{MAPPINGS}/5001", json={**CONTACT, "object_id": 1})
            assert answer.status_code == 405
    async with connect() as client:
        of_mappings = {tool.name for tool in (await client.list_tools()).tools if "mapping" in tool.name}
    assert of_mappings == {"create_external_id_mapping", "list_external_id_mappings", "delete_external_id_mapping"}


@proves("CREATE-MAPPING-SAME-ID", "VIEW-MAPPINGS-MULTIPLE")
async def test_a_person_has_the_same_id_under_two_types(sandbox: Sandbox, connect: Connect) -> None:
    mapping = {**CONTACT, "external_type": "marketing_automation", "object_id": 578495206}
    async with connect() as client:
        assert (await call(client, "create_external_id_mapping", **mapping))["status"] == "created"
        listed = await call(client, "list_external_id_mappings", object_type="people", object_id=578495206)
        for external_type in ("crm_lead", "marketing_automation"):
            assert await resolved(client, "CONTACT3456", external_type) == [("people", 578495206)]
    assert [(row["external_type"], row["external_id"]) for row in listed["mappings"]] == [
        ("marketing_automation", "CONTACT3456"),
        ("crm_lead", "CONTACT3456"),
    ]
    async with raw(sandbox) as api:
        answer = await api.post(MAPPINGS, json=mapping)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["external_id"])


@proves("MAPPING-INSERTED-AT")
async def test_the_time_of_the_mapping_is_shown_as_it_came(connect: Connect) -> None:
    async with connect() as client:
        (row,) = (await call(client, "list_external_id_mappings", **CONTACT))["mappings"]
    assert row["inserted_at"] == "2024-02-01T12:00:00Z"


@proves("MAPPING-DELETED")
async def test_a_mapping_whose_object_is_gone_resolves_nothing_and_is_listed_only_when_asked_for(
    sandbox: Sandbox, connect: Connect
) -> None:
    async with raw(sandbox) as api, connect() as client:
        assert await resolved(client, "CONTACT3456", "crm_lead") == [("people", 578495206)]
        assert (await api.delete("/v2/people/578495206")).status_code == 204
        assert await resolved(client, "CONTACT3456", "crm_lead") == []
        assert (await call(client, "list_external_id_mappings", **CONTACT))["mappings"] == []
        listed = (await call(client, "list_external_id_mappings", **CONTACT, include_deleted=True))["mappings"]
    assert [row["deleted"] for row in listed] == [True]


# View


@proves(
    "VIEW-MAPPINGS-ENDPOINT",
    "VIEW-MAPPINGS-BY-ID",
    "VIEW-MAPPINGS-BY-OBJECT",
    "VIEW-MAPPINGS-BY-TYPE",
    "VIEW-MAPPINGS-OF-OBJECT",
    "VIEW-MAPPINGS-OF-SHARED-ID",
    "VIEW-MAPPINGS-INTERCHANGEABLE",
)
@each_filtering
async def test_mappings_are_listed_by_any_filters_together(
    sandbox: Sandbox, connect: Connect, names: tuple[str, ...]
) -> None:
    asked = {name: FILTERS[name] for name in names}
    async with connect() as client:
        listed = await call(client, "list_external_id_mappings", **asked, include_deleted=True, limit=100)
    sent = parse_qs(sandbox.requests[-1].query.decode())
    # With an external id the object type is compared here, because its spelling differs between the documents.
    compared = {"object_type"} if "external_id" in asked else set()
    assert {name: values for name, values in sent.items() if name in FILTERS} == {
        name: [str(value)] for name, value in asked.items() if name not in compared
    }
    newest: dict[str, str | int] = {"sort_direction": "DESC", "per_page": 100}
    every = await rows(sandbox, MAPPINGS, **newest) + await rows(sandbox, MAPPINGS, **newest, page=2)
    wanted = [row for row in every if row.items() >= asked.items()][:100]
    keys = ("external_type", "external_id", "object_id")
    assert [[row[key] for key in keys] for row in listed["mappings"]] == [[row[key] for key in keys] for row in wanted]
    assert ("next_cursor" in listed) is (len([row for row in every if row.items() >= asked.items()]) > 100)


@proves("VIEW-MAPPINGS-INTERCHANGEABLE", "VIEW-MAPPINGS-BY-OBJECT", "VIEW-MAPPINGS-BY-TYPE")
async def test_a_filter_in_brackets_lists_everything_so_none_is_sent_that_way(
    sandbox: Sandbox, connect: Connect
) -> None:
    assert len(await rows(sandbox, MAPPINGS, **{"object_id[1]": 13, "per_page": 100})) == 100
    async with connect() as client:
        await call(client, "list_external_id_mappings", **FILTERS)
        await call(client, "resolve_external_ids", external_ids=["ABC"], external_type="sdfc_account")
    calls = [request for request in list(sandbox.requests)[1:] if request.raw_path == MAPPINGS.encode()]
    assert len(calls) == 2
    assert not any(b"%5B" in request.query for request in calls)


@proves("VIEW-MAPPINGS-BY-OBJECT", "VIEW-MAPPINGS-BY-TYPE")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("object_type=people&object_id=[578495206]", ["CONTACT3456"]),
        ("object_type=accounts&object_id=[13]", ["ABC", "MKT-13-000"]),
        ("external_type=sdfc_account&external_id=[ABC]", ["ABC"]),
        ("external_type=crm&external_id=[1]", []),
        ("object_type=people&object_id=[1]", []),
    ],
)
async def test_the_sandbox_takes_an_id_in_brackets_as_it_is_printed(
    sandbox: Sandbox, query: str, found: list[str]
) -> None:
    async with raw(sandbox) as api:
        data = (await api.get(f"{MAPPINGS}?{query}")).json()["data"]
    assert [row["external_id"] for row in (data if isinstance(data, list) else [data])] == found


@proves("CREATE-MAPPING-ANSWER", "VIEW-MAPPINGS-SINGLE")
async def test_the_team_of_mappings_is_told_once(connect: Connect) -> None:
    async with connect() as client:
        listed = await call(client, "list_external_id_mappings", external_type="crm")
        assert (await call(client, "get_connection"))["team_id"] == listed["tenant_id"] == 100013
    assert not any("tenant_id" in row for row in listed["mappings"])


@proves("VIEW-MAPPINGS", "VIEW-MAPPINGS-OF-OBJECT", "VIEW-MAPPINGS-MULTIPLE", "VIEW-MAPPINGS-RESOLVE-AFTER")
async def test_all_ids_of_a_record_are_one_call_away_from_the_record(sandbox: Sandbox, connect: Connect) -> None:
    (person,) = await rows(sandbox, "/v2/people", **{"ids[]": 207550815})
    async with connect() as client:
        found = await call(client, "search_records", object_type="people", email=person["email_address"])
        object_id = found["records"][0]["id"]
        listed = await call(client, "list_external_id_mappings", object_type="people", object_id=object_id)
        address = f"salesloft://external/objects/people/{object_id}/mappings"
        resource = await read(client, address)
    types = [row["external_type"] for row in listed["mappings"]]
    assert sorted(types) == ["sdfc_contact", "sdfc_lead"]
    assert [row["external_type"] for row in resource] == types


@proves("VIEW-MAPPINGS-OF-SHARED-ID", "VIEW-MAPPINGS-MULTIPLE", "VIEW-MAPPINGS-BY-ID")
async def test_all_mappings_of_a_shared_id_are_listed(connect: Connect) -> None:
    async with connect() as client:
        listed = await call(client, "list_external_id_mappings", external_id="CONTACT3456")
    assert {(row["external_type"], row["object_id"]) for row in listed["mappings"]} == {
        ("crm_lead", 578495206),
        ("sdfc_lead", 207550815),
        ("sdfc_contact", 207550815),
    }


@proves("VIEW-MAPPINGS-SINGLE", "VIEW-MAPPINGS-BY-TYPE")
async def test_one_mapping_is_listed_as_a_list_of_one(sandbox: Sandbox, connect: Connect) -> None:
    async with raw(sandbox) as api:
        answer = await api.get(MAPPINGS, params=CONTACT)
    assert isinstance(answer.json()["data"], dict)
    async with connect() as client:
        listed = await call(client, "list_external_id_mappings", external_type="crm_lead", external_id="CONTACT3456")
    assert [row["object_id"] for row in listed["mappings"]] == [578495206]


@proves("VIEW-MAPPINGS-STATUS", "VIEW-MAPPINGS-ENDPOINT")
@pytest.mark.parametrize(
    "query", ["", "?external_id=ABC", "?object_type=accounts&object_id=13", "?external_type=crm&external_id=abc"]
)
async def test_each_printed_form_of_the_list_answers_200(sandbox: Sandbox, query: str) -> None:
    async with raw(sandbox) as api:
        answer = await api.get(f"{MAPPINGS}{query}")
    assert (answer.status_code, "data" in answer.json()) == (200, True)


@proves("VIEW-MAPPINGS-RESOLVE-BEFORE")
async def test_an_upsert_looks_the_salesloft_id_up_first(sandbox: Sandbox, connect: Connect) -> None:
    key = {"external_type": "crm_lead", "external_id": "CONTACT3456"}
    async with connect() as client:
        await call(client, "upsert_person_by_external_id", **key, person={"city": "Wien"})
    sent = [(request.method, request.raw_path) for request in sandbox.requests]
    assert [one for one in sent if one != ("GET", b"/v2/team")] == [
        ("GET", b"/v2/external/mappings"),
        ("GET", b"/v2/people"),
        ("POST", b"/v2/external/ids/crm_lead/people/CONTACT3456"),
    ]
