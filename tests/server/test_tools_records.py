"""Records by external id, and records to be mapped, through the protocol."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client

from salesloft_mcp.app import App, open_app
from salesloft_mcp.salesloft.fields import AccountFields
from salesloft_mcp.salesloft.models import SINGULAR
from salesloft_mcp.sandbox import Fault, Sandbox
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
    assert set(reply.data["records"][0]) <= {"id", "name", "email_address", "title", "crm_id", "account_id"}
    assert "missing" not in reply.data
    assert reply.data["points_spent"] == 3


async def test_the_ids_that_are_missing_are_named(connect: Connect) -> None:
    async with connect() as client:
        some = await call(client, "get_records_by_external_id", **LEADS, external_ids=["CONTACT1001", "x", "007"])
        none = await call(client, "get_records_by_external_id", **LEADS, external_ids=["x", "y"])
    assert some.data["missing"] == ["x", "007"]
    assert none.data["records"] == []
    assert none.data["missing"] == ["x", "y"]


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
        searches: list[tuple[dict[str, Any], int]] = [
            ({"object_type": "people", "email": "beatriz.haddad1@beacon-analytics.test"}, 578495206),
            ({"object_type": "people", "crm_id": "003Dn0000000000IAA"}, 207550815),
            ({"object_type": "accounts", "name": COMPANY}, 9872),
            ({"object_type": "account", "domain": "beacon-analytics.test"}, 9872),
            ({"object_type": "accounts", "name": COMPANY, "domain": "beacon-analytics.test"}, 9872),
            ({"object_type": "users", "name": "Christopher"}, 13),
            ({"object_type": "users", "email": "christina.doe@externalid.com"}, 14),
            ({"object_type": "users", "name": "tomás g", "filters": {"active": False}}, 9),
            ({"object_type": "people", "filters": {"custom_fields[Legacy ID]": "l-70001"}}, 578495206),
            ({"object_type": "people", "filters": {"account_id": 9872, "title": "sales", "city": "AUS"}}, 578495206),
            (
                {"object_type": "people", "email": "", "filters": {"owner_id": "2", "account_id": 9872, "title": "vp"}},
                578495206,
            ),
            ({"object_type": "accounts", "filters": {"archived": True}}, 9061),
            ({"object_type": "accounts", "filters": {"website": "https://www.beacon-analytics.test"}}, 9872),
            ({"object_type": "accounts", "filters": {"industry": "reta"}}, 9060),
        ]
        for arguments, found in searches:
            reply = await call(client, "search_records", **arguments)
            assert [row["id"] for row in reply.data["records"]] == [found]
            assert reply.words == f"1 {SINGULAR.get(kind := arguments['object_type'], kind)} on this page."
            assert reply.data["points_spent"] == 1


@pytest.mark.parametrize(
    ("arguments", "found", "told"),
    [
        ({"object_type": "people", "crm_id": "003Dn0000000000"}, 207550815, "the 18 characters of the 15 given"),
        (
            {"object_type": "people", "crm_id": "003dn0000000000iaa"},
            207550815,
            "with the capitals that it must have",
        ),
        (
            {"object_type": "people", "email": "Beatriz <mailto:beatriz.haddad1@beacon-analytics.test>"},
            578495206,
            'without "mailto:" and the name beside it',
        ),
        ({"object_type": "accounts", "domain": "@Beacon-Analytics.test"}, 9872, "without the @ before it"),
        ({"object_type": "accounts", "domain": "www.beacon-analytics.test"}, 9872, 'without "www."'),
    ],
)
async def test_what_is_searched_for_is_taken_out_of_what_stands_around_it_and_told(
    connect: Connect, arguments: dict[str, Any], found: int, told: str
) -> None:
    async with connect() as client:
        reply = await call(client, "search_records", **arguments)
    assert [row["id"] for row in reply.data["records"]] == [found]
    (term,) = set(arguments) - {"object_type"}
    assert f' {term} was taken as "' in reply.words
    assert reply.words.endswith(f'", {told}.')


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"object_type": "people", "email": "a@b.test; c@d.test"}, "email: holds 2 addresses."),
        ({"object_type": "people", "email": "_is_null"}, 'email: "_is_null" is a command to Salesloft\'s filters'),
        ({"object_type": "people", "crm_id": "N/A"}, 'crm_id: "N/A" is a placeholder'),
        ({"object_type": "accounts", "domain": "sales@b.test"}, 'domain: "sales@b.test" is an e-mail address.'),
    ],
)
async def test_what_nobody_can_be_found_by_is_refused_before_anything_is_sent(
    connect: Connect, sandbox: Sandbox, arguments: dict[str, Any], words: str
) -> None:
    async with connect() as client:
        assert (await refused(client, "search_records", **arguments)).startswith(words)
    assert not sandbox.requests


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
        searches: list[tuple[dict[str, Any], str, str]] = [
            ({"object_type": "people", "name": "Ann"}, "name", "use email or crm_id"),
            ({"object_type": "people", "domain": "a.test"}, "domain", "use email or crm_id"),
            ({"object_type": "accounts", "email": "a@b.test"}, "email", "name or domain or crm_id; or in filters"),
            ({"object_type": "users", "crm_id": "1"}, "crm_id", "use name or email"),
            ({"object_type": "people"}, "search", "give email or crm_id; or in filters account_id or"),
            ({"object_type": "users", "name": "Ann", "email": "a@b.test"}, "email", "give one of name and email"),
            ({"object_type": "people", "filters": {"titel": "x"}}, "titel", "did you mean title?"),
            ({"object_type": "people", "filters": {"last_name": "x"}}, "last_name", "\nNext: use email"),
            ({"object_type": "people", "filters": {"CITY": "x"}}, "CITY", "did you mean city?"),
            ({"object_type": "people", "filters": {"a\nNext: b": "x"}}, "filters", "use email"),
            ({"object_type": "people", "filters": {"owner_id": "Ann"}}, "owner_id", "whole number"),
            ({"object_type": "accounts", "filters": {"archived": "maybe"}}, "archived", "give one of them"),
            ({"object_type": "accounts", "filters": {"custom_fields[X]": "1"}}, "filters", "use name"),
            ({"object_type": "people", "email": "a@b.test", "filters": {"email": "c@d.test"}}, "email", "one of them"),
            ({"object_type": "people", "filters": {"title": "_is_null"}}, "title", "another field"),
            ({"object_type": "people", "crm_id": "Null"}, "crm_id", '"Null" is a placeholder (a word for nothing)'),
        ]
        for arguments, field, way_on in searches:
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


async def test_an_account_with_an_address_for_its_domain_is_found(connect: Connect, app: App) -> None:
    fields = AccountFields(name="Coach", domain="https://www.coach.test")
    made = await app.salesloft.upsert_account("marketing", "COACH", fields)
    async with connect() as client:
        for domain in ("coach.test", "www.coach.test", "https://coach.test/de?x=1", "https://www.coach.test"):
            reply = await call(client, "search_records", object_type="accounts", domain=domain)
            assert [row["id"] for row in reply.data["records"]] == [made.id]
        nobody = await call(client, "search_records", object_type="accounts", domain="nobody.test")
    assert nobody.data["records"] == []
    assert nobody.data["points_spent"] <= 7


async def test_users_who_are_deactivated_are_found_and_told(connect: Connect, app: App) -> None:
    await app.salesloft.create_mapping("crm", "users", "gone", 9)
    asked = {"external_type": "crm", "object_type": "users", "external_ids": ["gone"]}
    async with connect() as client:
        (found,) = (await call(client, "get_records_by_external_id", **asked)).data["records"]
        (named,) = (await call(client, "search_records", object_type="users", email=found["email"])).data["records"]
        resolved = await call(client, "resolve_external_ids", external_ids=["gone"])
    assert found["active"] is named["active"] is resolved.data["record"]["active"] is False


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
