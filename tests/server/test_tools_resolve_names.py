"""Who the records of external ids are, beside the ids and at no second call."""

import json
from typing import Any

import pytest
from mcp.client import Client

from salesloft_mcp.app import App, open_app
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import chosen
from salesloft_mcp.settings import Settings
from tests.conftest import Connect, Era, one_era
from tests.server.calling import Reply, call

pytestmark = pytest.mark.anyio
era = one_era

LEAD = {"external_type": "crm_lead"}
BEATRIZ = "Beatriz Haddad, VP of Sales, Beacon Analytics"


async def resolve(client: Client, *external_ids: str, **arguments: Any) -> Reply:
    return await call(client, "resolve_external_ids", external_ids=list(external_ids), **arguments)


def change(sandbox: Sandbox, table: str, object_id: int, **fields: Any) -> None:
    """A record holds these values from now on, whether its API would take them or not."""
    store = sandbox.store
    row = store.by_id(table, object_id)  # type: ignore[arg-type]
    assert row
    store.remove(table, object_id)  # type: ignore[arg-type]
    store.insert(table, {**row, "fields": json.dumps({**row["fields"], **fields})})  # type: ignore[arg-type]


async def test_one_id_tells_who_it_is_and_of_which_account_for_three_points(connect: Connect) -> None:
    async with connect() as client:
        reply = await resolve(client, "CONTACT3456", **LEAD)
    record = reply.data["record"]
    assert (record["name"], record["title"]) == ("Beatriz Haddad", "VP of Sales")
    assert (record["account_id"], record["account_name"]) == (9872, "Beacon Analytics")
    assert "names" not in reply.data["found"][0]
    assert reply.data["points_spent"] == 3
    assert reply.tokens <= 150


async def test_every_id_that_stands_for_something_comes_with_its_name(connect: Connect) -> None:
    """Found, ambiguous and near; people, accounts and users."""
    async with connect() as client:
        reply = await resolve(client, "CONTACT3456", "ABC", "abd", "contact1003")
    names = {one: name for group in reply.data["found"] for one, name in group["names"].items()}
    assert names == {
        "ABC": "Alder Analytics, alder-analytics.test",
        "abd": "Christina Doe, christina.doe@externalid.com",
    }
    assert reply.data["ambiguous"]["CONTACT3456"][2]["name"] == BEATRIZ
    (near,) = reply.data["near"]["contact1003"]
    assert near["name"] == "Elena Castillo, Procurement Specialist, Evergreen Analytics"


async def test_one_id_that_is_nearly_several_names_each_record_once_and_stays_short(connect: Connect) -> None:
    async with connect() as client:
        reply = await resolve(client, "contact3456")
    rows = reply.data["near"]["contact3456"]
    assert [row["object_id"] for row in rows] == [207550815, 207550815, 578495206]
    assert ["name" in row for row in rows] == [True, False, True]
    assert reply.tokens <= 150


async def test_names_cost_two_calls_and_none_where_they_are_not_wanted(connect: Connect, app: App) -> None:
    rows = (await app.salesloft.list_mappings(external_type="crm_lead", deleted=False)).rows
    wanted = [row.external_id for row in rows]
    async with connect() as client:
        without = await resolve(client, *wanted, external_type="crm_lead", records=False)
        named = await resolve(client, *wanted, external_type="crm_lead")
        more = await resolve(client, *wanted, *(f"x{one}" for one in range(20)), external_type="crm_lead")
        single = await resolve(client, "CONTACT3456", **LEAD, records=False)
    assert named.data["points_spent"] == without.data["points_spent"] + 2
    assert list(named.data["found"][0]["names"]) == list(named.data["found"][0]["ids"]) == wanted
    assert "names" not in without.data["found"][0]
    assert "names" not in more.data["found"][0]  # of more than a hundred ids
    assert set(single.data) == {"found", "points_spent"}


@pytest.mark.parametrize("external_id", ["CONTACT{}", "003Dn000001{}IAA"])
async def test_a_hundred_long_names_are_cut_until_they_fit(
    connect: Connect, sandbox: Sandbox, external_id: str
) -> None:
    wanted = [external_id.format(1000 + number) for number in range(100)]
    row = {"external_type": "erp", "object_type": "people", "inserted_at": "2024-02-01"}
    with sandbox.store.transaction():
        for number, one in enumerate(wanted):
            sandbox.store.insert("mappings", {**row, "external_id": one, "object_id": 207550001 + number})
        for number in range(100):
            change(
                sandbox,
                "people",
                207550001 + number,
                last_name="Vasquez-Montgomery of Northumberland",
                title="Senior Vice President of Global Revenue Operations and Enablement",
            )
    async with connect() as client:
        reply = await resolve(client, *wanted, external_type="erp")
        without = await resolve(client, *wanted, external_type="erp", records=False)
    names = reply.data["found"][0]["names"]
    assert list(names) == wanted
    assert all(len(name.split(", ")) == 3 and "…" in name for name in names.values())
    assert reply.tokens <= 2_500
    assert without.tokens <= 900


async def test_a_person_without_a_name_or_an_account_is_told_by_what_there_is(
    connect: Connect, sandbox: Sandbox
) -> None:
    nothing = {"first_name": None, "last_name": None, "title": None}
    change(sandbox, "people", 207550001, **nothing, account_id=None, person_company_name="Acme", email_address="a@b.c")
    change(sandbox, "people", 207550002, **nothing, account_id=None, email_address=None)
    async with connect() as client:
        names = (await resolve(client, "CONTACT1001", "CONTACT1002")).data["found"][0]["names"]
    assert names == {"CONTACT1001": "a@b.c, Acme", "CONTACT1002": "no name"}


async def test_what_a_name_holds_is_made_safe_and_stays_out_of_our_words(connect: Connect, sandbox: Sandbox) -> None:
    change(sandbox, "people", 207550001, first_name="Ann\nIGNORE", last_name="\u202eevil", title="x\x07")
    async with connect() as client:
        reply = await resolve(client, "CONTACT1001", "CONTACT1002")
    assert reply.data["found"][0]["names"]["CONTACT1001"] == "Ann IGNORE \\u{202e}evil, x\\u{7}, Cobalt Analytics"
    assert reply.words == "2 of 2 ids resolved."


@pytest.mark.parametrize(
    ("address", "shown"),
    [
        ("https://cobalt.my.salesforce.test/003Dn0000000001IAA", True),
        ("javascript:alert(1)", False),
        ("https://", False),
        ("http://[x", False),
        (7, False),
    ],
)
async def test_a_single_record_brings_its_link_where_that_is_one(
    connect: Connect, sandbox: Sandbox, address: object, shown: bool
) -> None:
    row = {"id": 207550001, "first_name": "Ann", "crm_url": address}
    sandbox.faults.add(Fault("raw", path="/v2/people", status=200, body=json.dumps({"data": [row]}).encode()))
    async with connect() as client:
        record = (await resolve(client, "CONTACT1001")).data["record"]
    assert record.get("crm_url") == (address if shown else None)


async def test_what_the_token_may_not_read_is_said_once_and_the_ids_are_right_all_the_same(
    settings: Settings, sandbox: Sandbox, era: Era
) -> None:
    for scopes, said in ((("external_id:read",), "person:view"), (("external_id:read", "person:view"), "account:view")):
        sandbox.api_key = sandbox.issue_token(*scopes)
        async with open_app(settings, sandbox) as app, Client(build_server(app, chosen("full")), mode=era) as client:
            reply = await resolve(client, "CONTACT1001", "CONTACT1002")
            single = await resolve(client, "CONTACT1001")
        assert reply.data["found"][0]["ids"] == {"CONTACT1001": 207550001, "CONTACT1002": 207550002}
        assert reply.words.startswith("2 of 2 ids resolved. Not every record is shown: ")
        assert reply.data["no_record"].count("the token may not") == 1
        assert said in reply.data["no_record"]
        assert reply.data["no_record"] == single.data["no_record"]
    assert reply.data["found"][0]["names"]["CONTACT1001"] == "Chen Okafor, Director of Operations, account 9001"
    assert single.words.startswith("It is person 207550001. Its account is not shown: ")


async def test_records_that_are_gone_or_were_not_asked_for_are_no_names(connect: Connect, sandbox: Sandbox) -> None:
    rows = b'{"data": [null, {"id": 207550001, "first_name": "Ann"}, {"id": 5, "first_name": "Somebody else"}]}'
    sandbox.faults.add(Fault("raw", path="/v2/people", status=200, body=rows))
    async with connect() as client:
        reply = await resolve(client, "CONTACT1001", "CONTACT1002", "CONTACT1003")
    assert reply.data["found"][0]["names"] == {"CONTACT1001": "Ann"}
    assert reply.data["no_record"] == "2 records are gone, or hidden from this token."
    assert reply.words == f"3 of 3 ids resolved. Not every record is shown: {reply.data['no_record']}"


async def test_without_points_ids_come_without_names_rather_than_later(connect: Connect, app: App) -> None:
    app.budget.spend(app.budget.left() - 2)
    async with connect() as client:
        reply = await resolve(client, "CONTACT1001", "CONTACT1002")
    assert reply.data["found"][0]["ids"] == {"CONTACT1001": 207550001, "CONTACT1002": 207550002}
    assert reply.data["points_spent"] == 2
    assert reply.data["no_record"].startswith("the points for this minute are spent. retry_after_seconds: ")
