"""Records by external id, through the protocol."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from mcp.client import Client

from salesloft_mcp.app import App, open_app
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.server.answers import RecordView, fitting, read
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import chosen
from salesloft_mcp.server.tools.records import Records
from salesloft_mcp.settings import Settings
from tests.conftest import Connect, Era, one_era
from tests.server.calling import call, refused
from tests.server.human import text

pytestmark = pytest.mark.anyio
era = one_era

LEADS = {"external_type": "crm_lead", "object_type": "people"}


@pytest.fixture
async def lax(tmp_path: Path, era: Era) -> AsyncIterator[tuple[Client, App]]:
    """A client of a Salesloft that lets one external id stand for several records."""
    with Sandbox(enforce_unique=False) as sandbox:
        async with open_app(Settings(state_dir=tmp_path), sandbox) as app:
            async with Client(build_server(app, chosen("full")), mode=era) as client:
                yield client, app


async def test_records_come_concise_and_a_single_one_for_one_point(connect: Connect) -> None:
    async with connect() as client:
        single = await call(client, "get_records_by_external_id", **LEADS, external_ids=["CONTACT1001"])
        reply = await call(client, "get_records_by_external_id", **LEADS, external_ids=["CONTACT1001", "CONTACT1002"])
    assert single.words == "1 record for 1 id."
    assert reply.words == "2 records for 2 ids."
    assert {row["id"] for row in reply.data["records"]} == {207550001, 207550002}
    assert set(reply.data["records"][0]) <= {"id", "name", "email_address", "title", "account_id", "crm_id"}
    assert "missing" not in reply.data
    assert single.data["points_spent"] == reply.data["points_spent"] == 1


async def test_the_ids_that_are_missing_are_named(connect: Connect) -> None:
    async with connect() as client:
        some = await call(client, "get_records_by_external_id", **LEADS, external_ids=["CONTACT1001", "x", "007"])
        none = await call(client, "get_records_by_external_id", **LEADS, external_ids=["x", "y"])
    assert some.data["missing"] == ["x", "007"]
    assert some.data["points_spent"] > 1
    assert none.data["records"] == []
    assert none.data["missing"] == ["x", "y"]


async def test_a_missing_id_is_named_although_another_stands_for_several_records(lax: tuple[Client, App]) -> None:
    client, app = lax
    for person in (207550002, 207550003):
        await app.salesloft.create_mapping("crm_lead", "people", "CONTACT1001", person)
    reply = await call(client, "get_records_by_external_id", **LEADS, external_ids=["CONTACT1001", "x"])
    assert len(reply.data["records"]) == 3
    assert reply.data["missing"] == ["x"]


async def test_of_as_many_records_as_ids_nothing_is_claimed(lax: tuple[Client, App]) -> None:
    """One id may stand for two records and another for none. To know it would cost a point an id."""
    client, app = lax
    await app.salesloft.create_mapping("crm_lead", "people", "CONTACT1001", 207550002)
    reply = await call(client, "get_records_by_external_id", **LEADS, external_ids=["CONTACT1001", "NO-SUCH-ID"])
    assert reply.words == "2 records for 2 ids."
    assert "missing" not in reply.data
    assert reply.data["points_spent"] == 1


async def test_full_detail_gives_every_field_that_is_known(connect: Connect) -> None:
    arguments = {"external_type": "sdfc_account", "object_type": "account", "external_ids": ["ABC"]}
    async with connect() as client:
        concise = await call(client, "get_records_by_external_id", **arguments)
        full = await call(client, "get_records_by_external_id", **arguments, detail="full")
    assert set(concise.data["records"][0]) <= {"id", "name", "domain", "crm_id"}
    assert full.data["records"][0]["custom_fields"] == {"Legacy Account ID": "A-4000"}
    assert None not in full.data["records"][0].values()


async def test_users_can_be_read_too(connect: Connect) -> None:
    arguments = {"external_type": "crm", "object_type": "User", "external_ids": ["abc", "abd"]}
    async with connect() as client:
        reply = await call(client, "get_records_by_external_id", **arguments)
    assert {row["email"] for row in reply.data["records"]} == {
        "christopher.doe@externalid.com",
        "christina.doe@externalid.com",
    }


async def test_what_does_not_fit_a_host_is_left_out_and_counted(connect: Connect, app: App) -> None:
    wanted = [f"CONTACT{1001 + number}" for number in range(90)]
    live = {row.external_id for row in (await app.salesloft.list_mappings(external_type="crm_lead")).rows}
    async with connect() as client:
        reply = await call(client, "get_records_by_external_id", **LEADS, external_ids=wanted, detail="full")
    shown = len(reply.data["records"])
    assert 0 < shown < len(live)
    assert reply.data["omitted"] + shown == int(reply.words.split()[0])
    assert reply.tokens <= 10_000


@pytest.mark.parametrize("character", ["a", "é", "漢", "😀"])
def test_as_many_rows_are_shown_as_hosts_take_bytes_and_characters_of(character: str) -> None:
    rows = [RecordView(id=number, name=character * 1_000) for number in range(100)]
    reply = text(read("These fit.", Records(records=fitting(rows), points_spent=1)))
    assert 30_000 < max(len(reply), len(reply.encode()) * 5 / 6) <= 40_000


async def test_a_type_that_is_not_configured_is_told_with_the_nearest(connect: Connect) -> None:
    async with connect() as client:
        words = await refused(
            client,
            "get_records_by_external_id",
            external_type="crm_leed",
            object_type="people",
            external_ids=["CONTACT3456"],
        )
    assert words.startswith('external_type: "crm_leed" is not configured for people.')
    assert '"crm_lead"' in words


@pytest.fixture
async def odd(tmp_path: Path, era: Era) -> AsyncIterator[Client]:
    """A client of a team with everything that is odd."""
    with Sandbox(odd=["odd-values", "null-rows", "hidden-records"]) as sandbox:
        async with open_app(Settings(state_dir=tmp_path), sandbox) as app:
            async with Client(build_server(app, chosen("full")), mode=era) as client:
                yield client


async def test_odd_values_hide_no_record(odd: Client) -> None:
    asked = {**LEADS, "external_ids": ["CONTACT1001", "CONTACT1002"]}
    for detail in ("concise", "full"):
        reply = await call(odd, "get_records_by_external_id", **asked, detail=detail)
        rows = {row["id"]: row for row in reply.data["records"]}
        assert set(rows) == {207550001, 207550002}
        assert (rows[207550002]["title"], rows[207550002]["crm_id"]) == ("7", "12345")
    assert rows[207550002]["owner"] == "5a1e510f-0000-4000-8000-000000000005"
    users = await call(odd, "search_records", object_type="users", name="christina", limit=5)
    accounts = await call(odd, "search_records", object_type="accounts", filters={"city": "a"}, limit=100)
    assert [row["role"] for row in users.data["records"]] == ["7"]
    assert accounts.words.endswith("1 row of Salesloft's answer cannot be read.")
    assert (await call(odd, "search_records", object_type="people", crm_id="003Dn0000000006IAC")).data["records"]


async def test_a_record_that_is_mapped_and_does_not_come_is_gone_or_hidden(tmp_path: Path) -> None:
    settings, three = Settings(state_dir=tmp_path), ["CONTACT1003", "CONTACT1004", "x"]
    with Sandbox(odd=["hidden-records"]) as sandbox:
        async with open_app(settings, sandbox) as app, Client(build_server(app, chosen("full"))) as client:
            reply = await call(client, "get_records_by_external_id", **LEADS, external_ids=three)
            alone = await call(client, "get_records_by_external_id", **LEADS, external_ids=["CONTACT1003"])
            one = await call(client, "resolve_external_ids", external_ids=["CONTACT1003"])
    assert (reply.data["missing"], reply.data["not_shown"]) == (["x"], ["CONTACT1003"])
    assert reply.words == "1 record for 3 ids, 1 missing. 1 record is mapped, but gone or hidden from this token."
    assert (alone.data.get("missing"), alone.data["not_shown"]) == (None, ["CONTACT1003"])
    assert one.data["no_record"] == "it is gone, or hidden from this token."
    assert "delete" not in f"{reply.text} {alone.text} {one.text}"
