"""Records by Salesloft's own ids, and which external ids records have."""

from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client

from salesloft_mcp.app import App, open_app
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import chosen
from salesloft_mcp.settings import Settings
from tests.conftest import Connect, one_era
from tests.server.calling import Reply, call, refused

pytestmark = pytest.mark.anyio
era = one_era

TOOL = "get_records_by_external_id"
LEAD = {"external_type": "crm_lead"}


async def get(client: Client, object_type: str = "people", **arguments: Any) -> Reply:
    return await call(client, TOOL, object_type=object_type, **arguments)


def ids_of(reply: Reply) -> dict[int, dict[str, list[str]]]:
    return {row["id"]: row["external_ids"] for row in reply.data["records"]}


async def test_a_hundred_salesloft_ids_cost_a_point_and_those_that_are_gone_are_named(connect: Connect) -> None:
    wanted = [*range(207550001, 207550100), 7]
    async with connect() as client:
        reply = await get(client, object_ids=wanted)
    assert reply.words == "99 records for 100 ids. 1 Salesloft id is gone or hidden from this token."
    assert reply.data["missing_object_ids"] == [7]
    assert reply.data["points_spent"] == 1
    assert reply.data["records"][0]["account_id"]


async def test_both_kinds_of_ids_may_be_given_and_a_record_comes_once(connect: Connect) -> None:
    async with connect() as client:
        reply = await get(client, **LEAD, external_ids=["CONTACT1001", "x"], object_ids=[207550001, 207550002])
    assert [row["id"] for row in reply.data["records"]] == [207550001, 207550002]
    assert reply.data["missing"] == ["x"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "external_ids: nothing to get.\nNext: give external_ids with their external_type, or object_ids"),
        (LEAD, "external_ids: nothing to get."),
        ({**LEAD, "external_ids": True}, "external_ids: nothing to get."),
        ({"external_ids": ["x"]}, "external_type: is needed with external_ids."),
        ({"object_ids": [*range(1, 102)]}, "object_ids: "),
    ],
)
async def test_what_asks_for_nothing_is_refused_with_what_is_needed(
    connect: Connect, sandbox: Sandbox, arguments: dict[str, Any], said: str
) -> None:
    async with connect() as client:
        assert (await refused(client, TOOL, object_type="people", **arguments)).startswith(said)
    assert not sandbox.requests


@pytest.mark.parametrize("asked", [{"with_external_ids": True}, {"external_ids": True}])
async def test_the_external_ids_of_a_record_are_told_by_type(connect: Connect, asked: dict[str, Any]) -> None:
    async with connect() as client:
        reply = await get(client, object_ids=[207550815, 207550065, 578495206, 207550150], **asked)
    assert ids_of(reply) == {
        207550815: {"sdfc_contact": ["CONTACT3456"], "sdfc_lead": ["CONTACT3456"]},
        207550065: {"crm_lead": ["CONTACT1065"], "marketing_automation": ["mkto-00004"]},
        578495206: {"crm_lead": ["CONTACT3456"]},
        207550150: {},
    }
    assert reply.data["points_spent"] == 5  # the records, and a point for each of them


async def test_of_many_records_the_list_of_all_mappings_is_read_where_that_costs_less(connect: Connect) -> None:
    wanted = [*range(207550001, 207550051)]
    async with connect() as client:
        reply = await get(client, object_ids=wanted, with_external_ids=True)
        other = await get(client, "accounts", object_ids=[13], with_external_ids=True)
    assert reply.data["points_spent"] == 3
    assert [one for one, ids in ids_of(reply).items() if not ids] == [207550025, 207550050]  # whose were deleted
    assert list(ids_of(other)[13]) == ["marketing", "sdfc_account"]


async def test_a_mapping_that_cannot_be_read_hides_no_other(connect: Connect, sandbox: Sandbox) -> None:
    row = b'{"external_type": "erp", "external_id": "7", "object_type": "person", "object_id": 207550001}'
    rows = b'{"data": [{"external_id": 7, "object_id": 207550001}, %s]}' % row
    sandbox.faults.add(Fault("raw", path="/v2/external/mappings", status=200, body=rows))
    async with connect() as client:
        reply = await get(client, object_ids=[207550001], with_external_ids=True)
    assert ids_of(reply) == {207550001: {"erp": ["7"]}}
    assert reply.words == "1 record for 1 id. 1 row of Salesloft's answer cannot be read."


async def test_odd_and_hidden_records_and_those_not_asked_for_are_told_rightly(tmp_path: Path) -> None:
    with Sandbox(odd=["odd-values", "null-rows", "hidden-records", "array-spelling"]) as sandbox:
        async with (
            open_app(Settings(state_dir=tmp_path), sandbox) as app,
            Client(build_server(app, chosen("full"))) as it,
        ):
            people = await get(it, object_ids=[207550002, 207550003], with_external_ids=True)
            users = await get(it, "users", object_ids=[14, 15])
    (odd,) = people.data["records"]
    assert (odd["id"], odd["title"], odd.get("account_id")) == (207550002, "7", None)
    assert people.data["missing_object_ids"] == [207550003]
    assert [row["id"] for row in users.data["records"]] == [14, 15]


async def test_the_account_of_a_person_has_its_name_where_the_reference_brings_it(
    connect: Connect, sandbox: Sandbox, app: App
) -> None:
    row = b'{"data": [{"id": 207550001, "account": {"id": 13, "name": "Alder"}}]}'
    sandbox.faults.add(Fault("raw", path="/v2/people", status=200, body=row))
    async with connect() as client:
        (record,) = (await get(client, object_ids=[207550001])).data["records"]
    assert record == {"id": 207550001, "account_id": 13, "account_name": "Alder"}
