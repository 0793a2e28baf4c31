"""The document on its public API proxy: records by external id, and the upsert."""

from collections.abc import Iterator
from urllib.parse import parse_qsl

import pytest

from salesloft_mcp import errors
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.fields import PersonFields
from salesloft_mcp.sandbox import Fault, Sandbox
from tests.conftest import Connect
from tests.document import printed, printed_json, proves
from tests.test_document import IDS, MAPPINGS, call, raw, refused, resolved, rows

pytestmark = pytest.mark.anyio

LEAD = {"external_type": "crm_lead", "external_id": "CONTACT3456"}
NEW_LEAD = {"external_type": "crm_lead", "external_id": "CONTACT-NEW"}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(dialect="guide") as sandbox:
        yield sandbox


def asked(external_type: str, object_type: str, *external_ids: str) -> dict[str, object]:
    return {"external_type": external_type, "object_type": object_type, "external_ids": list(external_ids)}


# Records by external id


@proves("PROXY-LIST", "LIST-OBJECTS", "LIST-OBJECTS-METHOD")
@pytest.mark.parametrize(
    ("external_type", "object_type", "external_id", "object_id"),
    [
        ("crm_lead", "people", "CONTACT3456", 578495206),
        ("sdfc_account", "accounts", "ABC", 13),
        ("crm", "users", "abd", 14),
    ],
)
async def test_the_record_of_an_id_comes_with_one_call(
    sandbox: Sandbox, connect: Connect, external_type: str, object_type: str, external_id: str, object_id: int
) -> None:
    async with connect() as client:
        found = await call(client, "get_records_by_external_id", **asked(external_type, object_type, external_id))
    assert [record["id"] for record in found["records"]] == [object_id]
    (request,) = sandbox.requests
    assert (request.method, request.raw_path) == ("GET", f"{IDS}/{external_type}/{object_type}".encode())
    assert parse_qsl(request.query.decode())[0] == ("external_ids[1]", external_id)


@proves("LIST-OBJECTS", "LIST-OBJECTS-ARRAY", "LIST-OBJECTS-ANSWER")
async def test_several_ids_give_several_records_and_the_missing_ids_are_named(
    sandbox: Sandbox, connect: Connect
) -> None:
    async with connect() as client:
        found = await call(client, "get_records_by_external_id", **asked("crm", "users", "abc", "ABC", "abd"))
    assert {record["name"]: record["role"] for record in found["records"]} == {
        "Christopher Doe": "Sales Representative",
        "Christina Doe": "Account Executive",
    }
    assert found["missing"] == ["ABC"]


@proves("LIST-OBJECTS-ARRAY")
async def test_a_hundred_ids_go_in_one_call_and_one_more_is_refused(sandbox: Sandbox, connect: Connect) -> None:
    ids = [f"CONTACT{number}" for number in range(1001, 1101)]
    async with raw(sandbox) as http, connect() as client:
        records = (await Salesloft(http).list_records("crm_lead", "people", ids)).rows
        assert "external_ids" in await refused(client, "get_records_by_external_id", **asked("crm", "users", *ids, "x"))
    (request,) = sandbox.requests
    numbered = [(f"external_ids[{n}]", one) for n, one in enumerate(ids, start=1)]
    assert parse_qsl(request.query.decode()) == [*numbered, ("per_page", "100"), ("page", "1")]
    live = await rows(sandbox, MAPPINGS, external_type="crm_lead", deleted="false", per_page=100)
    assert {record.id for record in records} == {row["object_id"] for row in live if row["external_id"] in ids}


# Upsert


@proves("UPSERT-CHECK", "UPSERT-UPDATE", "PROXY-UPSERT", "UPSERT-METHOD")
async def test_a_mapped_id_updates_its_object_and_only_the_given_fields(sandbox: Sandbox, connect: Connect) -> None:
    (before,) = await rows(sandbox, "/v2/people", **{"ids[]": 578495206})
    async with connect() as client:
        statuses = [
            (await call(client, "upsert_person_by_external_id", **LEAD, person={"city": "Wien"}))["status"]
            for _ in range(2)
        ]
    (after,) = await rows(sandbox, "/v2/people", **{"ids[]": 578495206})
    assert statuses == ["updated", "unchanged"]
    assert {**after, "updated_at": ""} == {**before, "city": "Wien", "updated_at": ""}
    posts = [request.raw_path for request in sandbox.requests if request.method == "POST"]
    assert posts == [f"{IDS}/crm_lead/people/CONTACT3456".encode()]


@proves("UPSERT-CHECK", "UPSERT-CREATE", "UPSERT-REQUEST", "PROXY-UPSERT")
async def test_an_unmapped_id_creates_the_person_and_its_mapping(sandbox: Sandbox, connect: Connect) -> None:
    person = printed_json("upsert_person_request")
    async with connect() as client:
        made = await call(client, "upsert_person_by_external_id", **NEW_LEAD, person=person)
        assert await resolved(client, "CONTACT-NEW", "crm_lead") == [("people", made["object_id"])]
    assert made["status"] == "created"
    (shown,) = await rows(sandbox, "/v2/people", **{"email_addresses[]": person["email_address"]})
    assert (shown["id"], shown["account"]["id"], shown["city"]) == (made["object_id"], 9872, "Atlanta")


@proves("UPSERT-CREATE", "UPSERT-UPDATE", "PROXY-UPSERT")
async def test_an_account_is_created_and_then_updated(sandbox: Sandbox, connect: Connect) -> None:
    key = {"external_type": "marketing", "external_id": "ACME"}
    async with connect() as client:
        account = {"name": "Acme", "domain": "acme.test"}
        made = await call(client, "upsert_account_by_external_id", **key, account=account)
        changed = await call(client, "upsert_account_by_external_id", **key, account={"industry": "Anvils"})
    assert (made["status"], changed["status"]) == ("created", "updated")
    assert made["object_id"] == changed["object_id"]
    (shown,) = await rows(sandbox, "/v2/accounts", domain="acme.test")
    assert (shown["id"], shown["name"], shown["industry"]) == (made["object_id"], "Acme", "Anvils")


@proves("UPSERT-CREATE")
async def test_a_refused_create_leaves_neither_person_nor_mapping(sandbox: Sandbox, connect: Connect) -> None:
    async with connect() as client:
        words = await refused(client, "upsert_person_by_external_id", **NEW_LEAD, person={"city": "Wien"})
        assert await resolved(client, "CONTACT-NEW", "crm_lead") == []
    assert "email_address" in words


@proves("UPSERT-STATUS")
@pytest.mark.parametrize("external_id", ["CONTACT3456", "CONTACT-NEW"])
async def test_both_branches_answer_201(sandbox: Sandbox, external_id: str) -> None:
    async with raw(sandbox) as api:
        answer = await api.post(f"{IDS}/crm_lead/people/{external_id}", content=printed("upsert_person_request"))
    assert answer.status_code == 201


@proves("UPSERT-STATUS", "UPSERT-CHECK")
@pytest.mark.parametrize("key", [LEAD, NEW_LEAD])
async def test_created_or_updated_is_not_told_from_the_status(
    sandbox: Sandbox, connect: Connect, key: dict[str, str]
) -> None:
    body = b'{"data": {"id": 578495206, "first_name": "Chris"}}'
    sandbox.faults.add(Fault("raw", method="POST", status=200 if key is NEW_LEAD else 201, body=body))
    async with connect() as client:
        person = {"email_address": "chris@new.test", "first_name": "Chris"}
        answer = await call(client, "upsert_person_by_external_id", **key, person=person)
    assert answer["status"] == ("created" if key is NEW_LEAD else "updated")


@proves("UPSERT-NO-USERS")
async def test_users_are_not_upserted(sandbox: Sandbox, connect: Connect) -> None:
    async with raw(sandbox) as api:
        answer = await api.post(f"{IDS}/crm/users/abc", json={"first_name": "Chris"})
    assert answer.json() == {"errors": {"object_type": ["does not support users"]}}
    async with connect() as client:
        upserts = {tool.name for tool in (await client.list_tools()).tools if "upsert" in tool.name}
    assert upserts == {"upsert_person_by_external_id", "upsert_account_by_external_id", "plan_bulk_upsert"}


@proves("UPSERT-UPDATE", "UPSERT-CREATE")
async def test_the_typed_client_says_what_salesloft_says(sandbox: Sandbox) -> None:
    async with raw(sandbox) as http:
        api = Salesloft(http)
        updated = await api.upsert_person("crm_lead", "CONTACT3456", PersonFields(city="Wien"))
        with pytest.raises(errors.RejectedError) as refusal:
            await api.upsert_person("crm_lead", "CONTACT-NEW", PersonFields(city="Wien"))
    assert updated.id == 578495206
    assert list(refusal.value.fields) == ["email_address"]
