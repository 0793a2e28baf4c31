"""The same tools where Salesloft answers as in the guide: mappings without an id, a lone object instead of a list."""

from collections.abc import Iterator

import pytest

from salesloft_mcp.app import App
from salesloft_mcp.sandbox import Sandbox
from tests.conftest import Connect
from tests.server.calling import call, refused, writes
from tests.server.human import YES, Human

pytestmark = pytest.mark.anyio

CONTACT = {"external_type": "crm_lead", "object_type": "people", "external_id": "CONTACT3456"}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(dialect="guide") as sandbox:
        yield sandbox


async def test_an_id_is_resolved_from_a_lone_object(connect: Connect) -> None:
    async with connect() as client:
        reply = await call(client, "resolve_external_ids", external_ids=["CONTACT3456"], external_type="crm_lead")
    assert reply.words == "It is person 578495206."


async def test_rows_without_an_id_are_all_kept_in_a_scan(connect: Connect) -> None:
    wanted = ["CONTACT3456", *(f"x{number}" for number in range(20))]
    async with connect() as client:
        reply = await call(client, "resolve_external_ids", external_ids=wanted)
    assert len(reply.data["ambiguous"]["CONTACT3456"]) == 3
    assert len(reply.data["missing"]) == 20


async def test_mappings_are_listed_without_an_id(connect: Connect) -> None:
    async with connect() as client:
        reply = await call(client, "list_external_id_mappings", external_id="abc")
    assert reply.data["mappings"] == [
        {
            "external_type": "crm",
            "object_type": "users",
            "external_id": "abc",
            "object_id": 13,
            "inserted_at": "2024-02-01T12:00:00Z",
        }
    ]


async def test_a_source_printed_the_wrong_way_round_is_shown_the_right_way(connect: Connect) -> None:
    async with connect() as client:
        reply = await call(client, "list_external_id_configurations", external_type="billing")
    (row,) = reply.data["configurations"]
    assert row["source_type"] == "integration"
    assert isinstance(row["source_id"], int)


async def test_a_mapping_is_created_once_although_its_id_is_never_shown(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    arguments = {**CONTACT, "external_id": "007", "object_id": 578495206}
    async with connect() as client:
        first = await call(client, "create_external_id_mapping", **arguments)
        second = await call(client, "create_external_id_mapping", **arguments)
    assert (first.data["status"], second.data["status"]) == ("created", "unchanged")
    assert "mapping_id" not in first.data
    assert writes(sandbox) == ["POST /v2/external/mappings"]


async def test_a_mapping_without_an_id_is_never_deleted_by_guessing(connect: Connect, sandbox: Sandbox) -> None:
    human = Human(YES)
    async with connect(elicitation_callback=human) as client:
        words = await refused(client, "delete_external_id_mapping", **CONTACT)
        with_an_id = await refused(client, "delete_external_id_mapping", **CONTACT, mapping_id=5004)
    assert "Salesloft shows no id for this mapping" in words
    assert "Nothing was changed." in words
    assert "ask Salesloft's support for its id" in words
    assert "Nothing was changed." in with_an_id
    assert human.questions == []
    assert writes(sandbox) == []


async def test_records_and_upserts_work_alike(connect: Connect) -> None:
    async with connect() as client:
        records = await call(
            client,
            "get_records_by_external_id",
            external_type="crm",
            object_type="users",
            external_ids=["abc", "nobody"],
        )
        upserted = await call(
            client,
            "upsert_person_by_external_id",
            external_type="crm_lead",
            external_id="NEW",
            person={"email_address": "ann@new.test"},
        )
    assert records.data["missing"] == ["nobody"]
    assert records.data["records"][0]["name"] == "Christopher Doe"
    assert upserted.data["status"] == "created"
