"""The document's introduction, use cases, glossary, how it works, and conclusion."""

from collections.abc import Iterator

import pytest
from mcp.client import Client

from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import RECORDS, ObjectType
from salesloft_mcp.sandbox import Sandbox
from tests.conftest import Connect
from tests.document import proves
from tests.server.human import YES, Human
from tests.test_document import CONFIGURATIONS, MAPPINGS, call, raw, refused, resolved, rows

pytestmark = pytest.mark.anyio

# A seeded object of each kind, with the type and the external id it has.
OBJECTS: tuple[tuple[ObjectType, int, str, str], ...] = (
    ("people", 578495206, "crm_lead", "CONTACT3456"),
    ("accounts", 13, "sdfc_account", "ABC"),
    ("users", 13, "crm", "abc"),
)
each_kind = pytest.mark.parametrize(("object_type", "object_id", "external_type", "external_id"), OBJECTS)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(dialect="guide") as sandbox:
        yield sandbox


async def prompt(client: Client, name: str, **arguments: str) -> str:
    found = await client.get_prompt(name, arguments)
    return " ".join(one.content.text for one in found.messages if one.content.type == "text")


@proves("INTRO-OWN-IDS", "HOW-SUBSEQUENT")
async def test_a_record_is_found_read_and_written_by_its_own_id_alone(connect: Connect) -> None:
    async with connect() as client:
        assert await resolved(client, "CONTACT3456", "crm_lead") == [("people", 578495206)]
        key = {"external_type": "crm_lead", "external_id": "CONTACT3456"}
        written = await call(client, "upsert_person_by_external_id", **key, person={"city": "Wien"})
        read = await call(
            client,
            "get_records_by_external_id",
            external_type="crm_lead",
            object_type="people",
            external_ids=["CONTACT3456"],
            detail="full",
        )
    assert (written["status"], written["object_id"]) == ("updated", 578495206)
    assert [(record["id"], record["city"]) for record in read["records"]] == [(578495206, "Wien")]


@proves("INTRO-ONE-OR-MORE-IDS", "USE-CASE-MANY-SYSTEMS", "HOW-CONFIGURE", "HOW-MAP")
@each_kind
async def test_an_object_carries_the_ids_of_several_systems_and_each_resolves(
    connect: Connect, object_type: ObjectType, object_id: int, external_type: str, external_id: str
) -> None:
    mapping = {"external_type": "erp", "object_type": object_type, "external_id": "E-1", "object_id": object_id}
    async with connect() as client:
        words = await refused(client, "create_external_id_mapping", **mapping)
        assert "create_external_id_configuration" in words
        await call(client, "create_external_id_configuration", external_type="erp", object_type=object_type)
        assert (await call(client, "create_external_id_mapping", **mapping))["status"] == "created"
        assert await resolved(client, "E-1", "erp") == [(object_type, object_id)]
        assert await resolved(client, external_id, external_type) == [(object_type, object_id)]
        listed = await call(client, "list_external_id_mappings", object_type=object_type, object_id=object_id)
    assert {row["external_id"] for row in listed["mappings"]} >= {external_id, "E-1"}


@proves("HOW-MAP", "CREATE-MAPPING-OBJECT-ID")
async def test_an_object_that_does_not_exist_is_refused_with_the_way_to_find_it(
    sandbox: Sandbox, connect: Connect
) -> None:
    async with connect() as client:
        mapping = {"external_type": "crm", "object_type": "users", "external_id": "new"}
        assert "search_records" in await refused(client, "create_external_id_mapping", **mapping, object_id=4711)
        calls = len(sandbox.requests)
        assert "object_id" in await refused(client, "create_external_id_mapping", **mapping, object_id=0)
    assert len(sandbox.requests) == calls


@proves("INTRO-OBJECTS", "GLOSSARY-OBJECT-TYPE")
@each_kind
async def test_the_words_for_the_three_objects_are_taken_and_the_plural_is_sent(
    sandbox: Sandbox,
    connect: Connect,
    object_type: ObjectType,
    object_id: int,
    external_type: str,
    external_id: str,
) -> None:
    singular = {"people": "Person", "accounts": "Account", "users": "User"}[object_type]
    async with connect() as client:
        for word in (singular, singular.lower(), object_type, object_type.upper()):
            found = await call(client, "list_external_id_mappings", object_type=word, object_id=object_id)
            ids = {(row["external_type"], row["external_id"]) for row in found["mappings"]}
            assert (external_type, external_id) in ids
    assert all(f"object_type={object_type}&".encode() in request.query for request in sandbox.requests)


@proves("INTRO-OBJECTS", "GLOSSARY-OBJECT-TYPE")
async def test_any_other_object_is_refused_by_every_tool_before_anything_is_sent(
    sandbox: Sandbox, connect: Connect
) -> None:
    async with connect() as client:
        tools = [tool for tool in (await client.list_tools()).tools if "object_type" in tool.input_schema["properties"]]
        for tool in tools:
            assert "object_type" in await refused(client, tool.name, object_type="deals")
    assert len(tools) == 14
    assert not sandbox.requests


@proves("USE-CASE-IDENTIFY", "VIEW-MAPPINGS-OF-SHARED-ID")
async def test_an_id_stands_for_one_object_or_is_called_ambiguous(connect: Connect) -> None:
    async with connect() as client:
        assert await resolved(client, "CONTACT3456", "sdfc_lead") == [("people", 207550815)]
        found = await call(client, "resolve_external_ids", external_ids=["CONTACT3456"])
    assert found["found"] == []
    assert {one["object_id"] for one in found["ambiguous"]["CONTACT3456"]} == {578495206, 207550815}


@proves("USE-CASE-CUSTOM-CRM", "GLOSSARY-EXTERNAL-TYPE", "CREATE-CONFIGURATION-NAMES")
@pytest.mark.parametrize("name", ["external_id", "crm2", "Großhandel ERP/2 (Süd)", "sdfc_lead ", "x" * 255])
async def test_any_name_of_a_system_is_a_type_exactly_as_written(sandbox: Sandbox, connect: Connect, name: str) -> None:
    key = {"external_type": name, "object_type": "people"}
    async with connect(elicitation_callback=Human(YES)) as client:  # one is nearly a name that is there
        await call(client, "create_external_id_configuration", **key)
        await call(client, "create_external_id_mapping", **key, external_id="1", object_id=578495206)
        assert await resolved(client, "1", name) == [("people", 578495206)]
    assert [row["external_id"] for row in await rows(sandbox, MAPPINGS, external_type=name)] == ["1"]
    assert name in {row["external_type"] for row in await rows(sandbox, CONFIGURATIONS)}


@proves("GLOSSARY-EXTERNAL-TYPE")
async def test_an_unknown_type_is_answered_with_the_nearest_that_exist(connect: Connect) -> None:
    async with connect() as client:
        found = await call(client, "resolve_external_ids", external_ids=["CONTACT3456"], external_type="crmlead")
    assert found["missing"] == ["CONTACT3456"]
    assert found["near_types"][0] == "crm_lead"


@proves("USE-CASE-NATIVE-CRM", "SUPPORTED-CUSTOMERS")
@pytest.mark.parametrize("in_a_crm", [True, False])
async def test_records_are_mapped_with_a_native_crm_and_without_one(
    sandbox: Sandbox, connect: Connect, in_a_crm: bool
) -> None:
    people = await rows(sandbox, "/v2/people", per_page=100)
    person = next(row for row in people if (row["crm_id"] is not None) is in_a_crm)
    term = {"crm_id": person["crm_id"]} if in_a_crm else {"email": person["email_address"]}
    async with connect() as client:
        (found,) = (await call(client, "search_records", object_type="people", **term))["records"]
        mapping = {"external_type": "sdfc_contact", "object_type": "people", "external_id": "new"}
        await call(client, "create_external_id_mapping", **mapping, object_id=found["id"])
        assert await resolved(client, "new", "sdfc_contact") == [("people", person["id"])]
    (after,) = await rows(sandbox, "/v2/people", **{"ids[]": person["id"]})
    assert after == person


@proves("USE-CASE-CUSTOM-FIELDS")
async def test_ids_kept_in_a_custom_field_become_external_ids(sandbox: Sandbox, connect: Connect) -> None:
    async with raw(sandbox) as http, connect() as client:
        for value in ("L-70000", "L-70001", "L-70002"):
            found = (await Salesloft(http).list_objects("people", (("custom_fields[Legacy ID]", value),))).rows
            assert len(found) == 1
            mapping = {"external_type": "marketing_automation", "object_type": "people", "external_id": value}
            await call(client, "create_external_id_mapping", **mapping, object_id=found[0].id)
            assert await resolved(client, value, "marketing_automation") == [("people", found[0].id)]


@proves("USE-CASE-CUSTOM-FIELDS", "HOW-BACKFILL")
async def test_a_custom_field_that_held_the_ids_is_backfilled_at_once(connect: Connect) -> None:
    async with connect() as client:
        await call(client, "create_external_id_configuration", external_type="legacy", object_type="people")
        aim = {"external_type": "legacy", "object_type": "people", "custom_field": "Legacy ID"}
        planned = await call(client, "plan_backfill", **aim)
        assert planned["counts"]["create"] == 120
        assert await resolved(client, "L-70000", "legacy") == []
        done = await call(client, "run_plan", plan=planned["plan"])
        assert done["state"] == "finished"
        assert len(await resolved(client, "L-70000", "legacy")) == 1


@proves("GLOSSARY-EXTERNAL-ID")
async def test_external_ids_are_text_compared_byte_by_byte(connect: Connect) -> None:
    key = {"external_type": "crm", "object_type": "users"}
    ids = ["007", "7", " 7", "Ab", "aB", "é", "e\u0301"]
    async with connect(elicitation_callback=Human({"confirm": True})) as client:  # asked of what looks damaged
        for object_id, external_id in enumerate(ids, start=1):
            await call(client, "create_external_id_mapping", **key, external_id=external_id, object_id=object_id)
        for object_id, external_id in enumerate(ids, start=1):
            assert await resolved(client, external_id, "crm") == [("users", object_id)]
        assert "external_id" in await refused(client, "create_external_id_mapping", **key, external_id=7, object_id=1)


@proves("GLOSSARY-EXTERNAL-ID")
async def test_an_external_id_names_one_object_only(sandbox: Sandbox, connect: Connect) -> None:
    mapping = {"external_type": "crm", "object_type": "users", "external_id": "abc"}
    async with connect() as client:
        words = await refused(client, "create_external_id_mapping", **mapping, object_id=14)
    assert "already mapped to user 13" in words
    assert {(request.method, request.raw_path) for request in sandbox.requests} == {("GET", MAPPINGS.encode())}
    assert [row["object_id"] for row in await rows(sandbox, MAPPINGS, **mapping)] == [13]


@proves("GLOSSARY-OBJECT-ID", "VIEW-MAPPINGS-RESOLVE-BEFORE")
@each_kind
async def test_the_object_id_is_the_id_of_the_object_everywhere_else(
    sandbox: Sandbox, connect: Connect, object_type: ObjectType, object_id: int, external_type: str, external_id: str
) -> None:
    async with connect() as client:
        found = await call(client, "resolve_external_ids", external_ids=[external_id], external_type=external_type)
    async with raw(sandbox) as api:
        shown = RECORDS[object_type].model_validate((await api.get(f"/v2/{object_type}/{object_id}")).json()["data"])
    assert found["found"][0]["ids"] == {external_id: object_id}
    assert found["record"]["id"] == shown.id == object_id


@proves("GLOSSARY-SOURCE-TYPE", "GLOSSARY-SOURCE-ID", "CONFIGURATION-SOURCE-TYPE", "CONFIGURATION-SOURCE-ID")
async def test_the_source_is_shown_for_an_integration_and_left_out_for_an_api_key(connect: Connect) -> None:
    async with connect() as client:
        listed = (await call(client, "list_external_id_configurations"))["configurations"]
    sources = {row["external_type"]: (row.get("source_type"), row.get("source_id")) for row in listed}
    assert sources["billing"] == ("integration", 1121)
    assert sources["crm"] == (None, None)


@proves("HOW-IDENTIFY", "HOW-GENERAL-NAMES")
async def test_a_prompt_leads_through_connecting_a_system_and_recommends_a_general_name(connect: Connect) -> None:
    async with connect() as client:
        text = await prompt(client, "connect_a_system", system="our billing database")
        names = [tool.name for tool in (await client.list_tools()).tools]
    assert "our billing database" in text
    for word in ("people, accounts and users", "general name such as marketing_automation"):
        assert word in " ".join(text.split())
    steps = ("list_external_id_configurations", "create_external_id_configuration", "create_external_id_mapping")
    assert [text.index(step) for step in steps] == sorted(text.index(step) for step in steps)
    assert set(steps) <= set(names)


@proves("HOW-BACKFILL")
async def test_mapping_every_record_may_be_repeated(connect: Connect) -> None:
    key = {"external_type": "crm", "object_type": "users"}
    async with connect() as client:
        for status in ("created", "unchanged"):
            for number in range(1, 13):
                mapping = {**key, "external_id": f"HR-{number}", "object_id": number}
                assert (await call(client, "create_external_id_mapping", **mapping))["status"] == status
        listed = await call(client, "list_external_id_mappings", **key, limit=100)
    assert len([row for row in listed["mappings"] if row["external_id"].startswith("HR-")]) == 12


@proves("CONCLUSION-REFERENCE")
@each_kind
async def test_answers_as_the_api_reference_shows_them_are_read_alike(
    object_type: ObjectType, object_id: int, external_type: str, external_id: str
) -> None:
    read = []
    for sandbox in (Sandbox(dialect="guide"), Sandbox(dialect="reference")):
        with sandbox:
            async with raw(sandbox) as http:
                found = await Salesloft(http).list_mappings(external_type=external_type, external_id=external_id)
                records = (await Salesloft(http).list_records(external_type, object_type, [external_id])).rows
        read.append(([(row.object_type, row.object_id) for row in found.rows], records))
    assert read[0][0] == [(object_type, object_id)]
    assert read[0] == read[1]
