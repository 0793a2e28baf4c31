"""Records by external id, and records to be mapped, through the protocol."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from mcp.client import Client

from salesloft_mcp.app import App, open_app
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.server.answers import RecordView, fitting, read
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import chosen
from salesloft_mcp.server.tools.records import Records
from salesloft_mcp.settings import Settings
from tests.conftest import Connect, Era
from tests.server.calling import call, refused
from tests.server.human import text

pytestmark = pytest.mark.anyio

LEADS = {"external_type": "crm_lead", "object_type": "people"}
COMPANY = "Beacon Analytics"


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
    assert single.words == "1 record for 1 id, 0 missing."
    assert single.data["points_spent"] == 1
    assert reply.words == "2 records for 2 ids, 0 missing."
    assert {row["id"] for row in reply.data["records"]} == {207550001, 207550002}
    assert set(reply.data["records"][0]) <= {"id", "name", "email_address", "title", "crm_id"}
    assert "missing" not in reply.data
    assert reply.data["points_spent"] == 3


async def test_the_ids_that_are_missing_are_named(connect: Connect) -> None:
    async with connect() as client:
        some = await call(client, "get_records_by_external_id", **LEADS, external_ids=["CONTACT1001", "x", "007"])
        none = await call(client, "get_records_by_external_id", **LEADS, external_ids=["x", "y"])
    assert some.data["missing"] == ["x", "007"]
    assert none.data["records"] == []
    assert none.data["missing"] == ["x", "y"]
    assert none.data["points_spent"] == 1


async def test_a_missing_id_is_named_although_another_stands_for_several_records(lax: tuple[Client, App]) -> None:
    client, app = lax
    for person in (207550002, 207550003):
        await app.salesloft.create_mapping("crm_lead", "people", "CONTACT1001", person)
    reply = await call(client, "get_records_by_external_id", **LEADS, external_ids=["CONTACT1001", "x"])
    assert len(reply.data["records"]) == 3
    assert reply.data["missing"] == ["x"]


async def test_as_many_records_as_ids_do_not_hide_a_missing_id(lax: tuple[Client, App]) -> None:
    client, app = lax
    await app.salesloft.create_mapping("crm_lead", "people", "CONTACT1001", 207550002)
    reply = await call(client, "get_records_by_external_id", **LEADS, external_ids=["CONTACT1001", "NO-SUCH-ID"])
    assert reply.words == "2 records for 2 ids, 1 missing."
    assert reply.data["missing"] == ["NO-SUCH-ID"]


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


async def test_search_finds_a_record_by_what_salesloft_knows(connect: Connect) -> None:
    async with connect() as client:
        for arguments, found in [
            ({"object_type": "people", "email": "beatriz.haddad1@beacon-analytics.test"}, 578495206),
            ({"object_type": "people", "crm_id": "003Dn0000000000IAC"}, 207550815),
            ({"object_type": "accounts", "name": COMPANY}, 9872),
            ({"object_type": "account", "domain": "beacon-analytics.test"}, 9872),
            ({"object_type": "accounts", "name": COMPANY, "domain": "beacon-analytics.test"}, 9872),
            ({"object_type": "users", "name": "Christopher"}, 13),
            ({"object_type": "users", "email": "christina.doe@externalid.com"}, 14),
        ]:
            reply = await call(client, "search_records", **arguments)
            assert [row["id"] for row in reply.data["records"]] == [found]
            assert reply.words == f"1 record of {_plural(arguments['object_type'])} on this page."
            assert reply.data["points_spent"] == 1


def _plural(word: str) -> str:
    return "accounts" if word == "account" else word


async def test_a_search_is_walked_to_its_end_by_cursor(connect: Connect) -> None:
    seen: list[int] = []
    cursor = ""
    async with connect() as client:
        while True:
            reply = await call(client, "search_records", object_type="users", name="a", limit=5, cursor=cursor)
            seen += [row["id"] for row in reply.data["records"]]
            cursor = reply.data.get("next_cursor", "")
            if not cursor:
                break
        everything = await call(client, "search_records", object_type="users", name="a", limit=100)
    assert len(seen) == len(set(seen)) == len(everything.data["records"]) > 5


async def test_a_search_salesloft_cannot_do_is_refused_with_what_it_can(connect: Connect, sandbox: Sandbox) -> None:
    async with connect() as client:
        for arguments, field, way_on in [
            ({"object_type": "people", "name": "Ann"}, "name", "use email or crm_id"),
            ({"object_type": "people", "domain": "a.test"}, "domain", "use email or crm_id"),
            ({"object_type": "accounts", "email": "a@b.test"}, "email", "use name or domain or crm_id"),
            ({"object_type": "users", "crm_id": "1"}, "crm_id", "use name or email"),
            ({"object_type": "people"}, "search", "give email or crm_id"),
            ({"object_type": "users", "name": "Ann", "email": "a@b.test"}, "email", "give one of name and email"),
        ]:
            words = await refused(client, "search_records", **arguments)
            assert words.startswith(f"{field}: ")
            assert way_on in words
            assert len(sandbox.requests) == 0


async def test_rows_that_were_not_asked_for_are_never_shown(connect: Connect, sandbox: Sandbox) -> None:
    everybody = b'{"data": [{"id": 1, "email": "someone@else.test"}, {"id": 2, "email": "ann@a.test"}]}'
    sandbox.faults.add(Fault("raw", path="/v2/users", status=200, body=everybody))
    async with connect() as client:
        reply = await call(client, "search_records", object_type="users", email="ann@a.test")
    assert [row["id"] for row in reply.data["records"]] == [2]
