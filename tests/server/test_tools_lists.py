"""Lists of configurations and mappings: every filter, and every row exactly once."""

import json
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client

from salesloft_mcp.app import App, open_app
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import chosen
from salesloft_mcp.settings import Dialect, Settings
from tests.conftest import Connect, one_era
from tests.server.calling import call, refused

pytestmark = pytest.mark.anyio
era = one_era

MAPPINGS, CONFIGURATIONS = "list_external_id_mappings", "list_external_id_configurations"
FILTERS: tuple[tuple[dict[str, Any], set[tuple[str, str, int]]], ...] = (
    ({"external_type": "crm"}, {("crm", "abc", 13), ("crm", "abd", 14)}),
    ({"external_id": "abc"}, {("crm", "abc", 13)}),
    ({"external_id": "ABC"}, {("sdfc_account", "ABC", 13)}),
    ({"object_type": "users"}, {("crm", "abc", 13), ("crm", "abd", 14)}),
    ({"object_id": 578495206}, {("crm_lead", "CONTACT3456", 578495206)}),
    ({"object_id": "578495206"}, {("crm_lead", "CONTACT3456", 578495206)}),
    (
        {"object_type": "person", "object_id": 207550815},
        {("sdfc_lead", "CONTACT3456", 207550815), ("sdfc_contact", "CONTACT3456", 207550815)},
    ),
    ({"object_type": "users", "object_id": 13}, {("crm", "abc", 13)}),
    (
        {"external_type": "crm_lead", "object_type": "people", "external_id": "CONTACT3456"},
        {("crm_lead", "CONTACT3456", 578495206)},
    ),
    ({"external_type": "crm", "object_type": "people"}, set()),
    ({"external_type": "", "object_type": "", "external_id": "abd", "object_id": 0}, {("crm", "abd", 14)}),
)


async def walked(client: Client, tool: str, **arguments: Any) -> list[dict[str, Any]]:
    """The rows of all pages, in the order they came."""
    rows: list[dict[str, Any]] = []
    cursor = ""
    while True:
        reply = await call(client, tool, **arguments, cursor=cursor)
        assert not reply.failed, reply.words
        rows += reply.data[tool.removeprefix("list_external_id_")]
        cursor = reply.data.get("next_cursor", "")
        if not cursor:
            return rows


async def test_the_live_configurations_are_listed(connect: Connect, sandbox: Sandbox) -> None:
    async with connect() as client:
        reply = await call(client, CONFIGURATIONS)
    assert reply.words == "8 configurations, unfiltered."
    rows = {row["id"]: row for row in reply.data["configurations"]}
    assert rows[227] == {"id": 227, "external_type": "marketing", "object_type": "accounts"}
    assert rows[221]["source_type"] == "integration"
    assert isinstance(rows[221]["source_id"], int)
    assert reply.data["points_spent"] == len(sandbox.requests) == 1


async def test_configurations_are_narrowed_by_type_and_object(connect: Connect) -> None:
    async with connect() as client:
        for arguments, ids in [
            ({"external_type": "crm"}, {228}),
            ({"external_type": "CRM"}, set()),
            ({"object_type": "User"}, {228}),
            ({"object_type": "account"}, {221, 223, 227}),
            ({"external_type": "crm", "object_type": "people"}, set()),
        ]:
            assert {row["id"] for row in await walked(client, CONFIGURATIONS, **arguments)} == ids


async def test_a_deleted_configuration_is_listed_only_when_asked_for(connect: Connect, app: App) -> None:
    await app.salesloft.delete_configuration(227)
    async with connect() as client:
        live = await walked(client, CONFIGURATIONS)
        every = await walked(client, CONFIGURATIONS, include_deleted=True)
    assert 227 not in [row["id"] for row in live]
    assert [row for row in every if row.get("deleted")] == [
        {"id": 227, "external_type": "marketing", "object_type": "accounts", "deleted": True}
    ]


async def test_a_walk_over_configurations_reaches_every_row_once(connect: Connect) -> None:
    async with connect() as client:
        for limit in [1, 3, 8, 100]:
            ids = [row["id"] for row in await walked(client, CONFIGURATIONS, limit=limit)]
            assert sorted(ids) == list(range(221, 229))


@pytest.mark.parametrize("limit", [7, 50, 100])
async def test_a_walk_over_mappings_reaches_every_live_row_once(connect: Connect, app: App, limit: int) -> None:
    expected = {row.id for page in (1, 2) for row in (await app.salesloft.list_mappings(deleted=False, page=page)).rows}
    async with connect() as client:
        ids = [row["id"] for row in await walked(client, MAPPINGS, limit=limit)]
    assert len(ids) == len(set(ids)) == 160
    assert set(ids) == expected


async def test_deleted_mappings_are_listed_only_when_asked_for(connect: Connect) -> None:
    async with connect() as client:
        live = await walked(client, MAPPINGS, limit=100)
        every = await walked(client, MAPPINGS, limit=100, include_deleted=True)
    assert len(every) == 166
    assert not any("deleted" in row for row in live)
    assert len([row for row in every if row.get("deleted") is True]) == 6


async def test_mappings_are_narrowed_by_every_filter(connect: Connect) -> None:
    async with connect() as client:
        for arguments, expected in FILTERS:
            rows = await walked(client, MAPPINGS, **arguments)
            assert {(row["external_type"], row["external_id"], row["object_id"]) for row in rows} == expected


async def test_a_mapping_is_shown_with_the_id_its_deletion_would_need(connect: Connect) -> None:
    async with connect() as client:
        (row,) = await walked(client, MAPPINGS, external_id="abd")
    assert row == {
        "id": 5002,
        "external_type": "crm",
        "object_type": "users",
        "external_id": "abd",
        "object_id": 14,
        "inserted_at": "2024-02-01",
    }


async def test_a_cursor_that_is_none_of_ours_is_refused(connect: Connect, sandbox: Sandbox) -> None:
    async with connect() as client:
        for tool in [MAPPINGS, CONFIGURATIONS, "search_records"]:
            needed = {"object_type": "users", "name": "a"} if tool == "search_records" else {}
            for cursor in ("0", "-1", "two", "1.5", "1e3", "9" * 20, " 2", "²"):
                words = await refused(client, tool, **needed, cursor=cursor)
                assert words.startswith("cursor: is not a cursor of an earlier answer")
            assert len(sandbox.requests) == 0


async def test_a_page_past_the_end_is_empty_and_final(connect: Connect) -> None:
    async with connect() as client:
        reply = await call(client, MAPPINGS, cursor="90")
    assert reply.words == "No mapping is on this page."
    assert reply.data["mappings"] == []
    assert "next_cursor" not in reply.data


async def test_the_first_page_of_mappings_tells_how_many_there_are(connect: Connect) -> None:
    async with connect() as client:
        first = await call(client, MAPPINGS, external_type="crm_lead", limit=10)
        second = await call(client, MAPPINGS, external_type="crm_lead", limit=10, cursor=first.data["next_cursor"])
        one = await call(client, MAPPINGS, external_id="CONTACT3456", object_type="people", external_type="crm_lead")
        shared = await call(client, MAPPINGS, external_id="abc", object_type="accounts")
    assert (first.data["total"], first.data["tenant_id"]) == (88, 100013)
    assert first.words == "10 of 88 mappings by external_type; more with next_cursor."
    assert second.words == "10 mappings on this page by external_type; more with next_cursor."
    assert one.words == "1 mapping by external_type, external_id and object_type."
    assert "total" not in second.data
    assert (one.data["total"], shared.data["total"]) == (1, 0)
    assert first.data["points_spent"] == 1


async def test_more_mappings_are_counted_than_salesloft_counts_by_itself(tmp_path: Path) -> None:
    with Sandbox(most_counted=20) as sandbox:
        settings = Settings(state_dir=tmp_path)
        async with open_app(settings, sandbox) as app, Client(build_server(app, chosen("full"))) as client:
            reply = await call(client, MAPPINGS, limit=100)
            assert reply.data["total"] == 160
            assert await app.salesloft.count_objects("people") == 160


@pytest.mark.parametrize("dialect", ["guide", "reference"])
async def test_mappings_are_listed_from_either_end(tmp_path: Path, dialect: Dialect) -> None:
    with Sandbox(dialect=dialect) as sandbox:
        settings = Settings(state_dir=tmp_path)
        async with open_app(settings, sandbox) as app, Client(build_server(app, chosen("full"))) as client:
            newest = [row["object_id"] for row in await walked(client, MAPPINGS, limit=60)]
            oldest = [row["object_id"] for row in await walked(client, MAPPINGS, limit=60, order="oldest")]
    assert oldest[:2] == [13, 14]
    assert newest == oldest[::-1]


async def test_deleted_mappings_can_be_listed_alone(connect: Connect) -> None:
    async with connect() as client:
        gone = await walked(client, MAPPINGS, only_deleted=True, limit=4)
        both = await call(client, MAPPINGS, only_deleted=True, include_deleted=True)
    assert len(gone) == both.data["total"] == 6
    assert all(row["deleted"] for row in gone)


async def test_a_row_that_cannot_be_read_is_told_beside_the_others(connect: Connect, sandbox: Sandbox) -> None:
    row = {"id": 1, "external_type": "t", "object_type": "people", "external_id": "A", "object_id": 7}
    body = json.dumps({"data": [None, {**row, "external_id": 7}, row]}).encode()
    sandbox.faults.add(Fault("raw", path="/v2/external/mappings", status=200, body=body))
    async with connect() as client:
        reply = await call(client, MAPPINGS)
    assert [one["external_id"] for one in reply.data["mappings"]] == ["A"]
    assert reply.words == "1 of 3 mappings, unfiltered. 2 rows of Salesloft's answer cannot be read."


async def test_no_mappings_of_a_type_that_is_not_configured_are_told_as_such(connect: Connect) -> None:
    wrong = {"external_type": "crm_lead", "object_type": "users"}
    async with connect() as client:
        reply = await call(client, MAPPINGS, **wrong)
        missing = await call(client, "resolve_external_ids", external_ids=["x"], **wrong)
        none = await call(client, MAPPINGS, external_type="billing")
    told = 'The type "crm_lead" is not configured for users; existing are "crm".'
    assert reply.words == f"No mapping was found by external_type and object_type. {told}"
    assert missing.words == 'It is not mapped. The type "crm_lead" is not configured for users.'
    assert none.words == "No mapping was found by external_type."
