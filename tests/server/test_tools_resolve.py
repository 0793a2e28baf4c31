"""External ids to objects, through the protocol."""

import pytest
from mcp.client import Client

from salesloft_mcp.app import App, open_app
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import chosen
from salesloft_mcp.settings import Settings
from tests.conftest import Connect, Era, one_era
from tests.server.calling import call, refused, writes

pytestmark = pytest.mark.anyio
era = one_era

POINTS = "568 of 570 points a minute are left; all are back in 60 seconds."
CONTACT = {"external_ids": ["CONTACT3456"], "external_type": "crm_lead"}


async def test_get_connection_names_team_user_environment_and_mode(connect: Connect) -> None:
    async with connect() as client:
        reply = await call(client, "get_connection")
    assert reply.words == f"SANDBOX, team 100013, user 1. A person is asked in a terminal. {POINTS}"
    assert reply.data["environment"] == "SANDBOX"
    assert "base_url" not in reply.data  # it leads nowhere outside this server
    assert reply.data["points_spent"] == 2
    assert (reply.data["mode"], reply.data["points_left"]) == ("full", 568)


async def test_one_id_is_resolved_with_its_record_in_few_tokens(connect: Connect) -> None:
    async with connect() as client:
        reply = await call(client, "resolve_external_ids", **CONTACT)
    assert reply.words == "It is person 578495206."
    assert reply.data["found"] == [
        {"external_type": "crm_lead", "object_type": "people", "ids": {"CONTACT3456": 578495206}}
    ]
    assert reply.data["record"]["name"] == "Beatriz Haddad"
    assert reply.tokens < 150


async def test_several_ids_come_grouped_by_type(connect: Connect) -> None:
    wanted = ["abd", "CONTACT1001", "abc"]
    async with connect() as client:
        reply = await call(client, "resolve_external_ids", external_ids=wanted, records=False)
    assert reply.words == "3 of 3 ids resolved."
    assert reply.data["found"] == [
        {"external_type": "crm", "object_type": "users", "ids": {"abd": 14, "abc": 13}},
        {"external_type": "crm_lead", "object_type": "people", "ids": {"CONTACT1001": 207550001}},
    ]
    assert "record" not in reply.data


async def test_an_id_of_several_objects_is_ambiguous_and_nothing_is_chosen(connect: Connect) -> None:
    async with connect() as client:
        reply = await call(client, "resolve_external_ids", external_ids=["CONTACT3456"])
    assert reply.words == "It stands for 2 records; give external_type."
    assert reply.data["found"] == []
    assert {row["object_id"] for row in reply.data["ambiguous"]["CONTACT3456"]} == {578495206, 207550815}


async def test_only_what_tells_several_objects_apart_is_asked_for(connect: Connect, sandbox: Sandbox) -> None:
    row = {"external_type": "crm_lead", "object_type": "people", "inserted_at": "2024-05-01T00:00:00Z"}
    for object_id in (207550001, 207550002):
        sandbox.store.insert("mappings", {**row, "external_id": "TWICE", "object_id": object_id})
    sandbox.store.insert("mappings", {**row, "object_type": "users", "external_id": "BOTH", "object_id": 13})
    sandbox.store.insert("mappings", {**row, "external_id": "BOTH", "object_id": 207550003})
    async with connect() as client:
        twice, both = [
            (await call(client, "resolve_external_ids", external_ids=[one], external_type="crm_lead")).words
            for one in ("TWICE", "BOTH")
        ]
        several = await call(client, "resolve_external_ids", external_ids=["TWICE", "NOPE", "CONTACT1001"])
    assert twice == "It stands for 2 records."
    assert both == "It stands for 2 records; give object_type."
    assert several.words == "1 of 3 ids resolved, 1 ambiguous, 1 missing."


async def test_two_types_for_the_same_object_are_not_ambiguous(connect: Connect, app: App) -> None:
    await app.salesloft.create_mapping("sdfc_lead", "people", "CONTACT1001", 207550001)
    async with connect() as client:
        reply = await call(client, "resolve_external_ids", external_ids=["CONTACT1001"])
    assert reply.words == "It is person 207550001."


async def test_a_missing_id_is_a_plain_no_and_not_an_error(connect: Connect) -> None:
    async with connect() as client:
        reply = await call(client, "resolve_external_ids", external_ids=["nobody"])
    assert not reply.failed
    assert reply.words == "It is not mapped."
    assert reply.data == {"found": [], "missing": ["nobody"], "points_spent": 2}  # NOBODY was looked up, too


async def test_a_type_that_does_not_exist_is_answered_with_the_near_ones(connect: Connect) -> None:
    async with connect() as client:
        wrong = await call(client, "resolve_external_ids", external_ids=["CONTACT3456"], external_type="crm_leed")
        right = await call(client, "resolve_external_ids", external_ids=["nobody"], external_type="crm_lead")
    same = "It is not mapped as asked. The same id is mapped under 3 other types."
    assert wrong.words == f'{same} The type "crm_leed" is not configured.'
    assert wrong.data["near"]["CONTACT3456"][0]["external_type"] == "crm_lead"  # the type that is nearest
    assert wrong.data["missing"] == ["CONTACT3456"]
    assert wrong.data["near_types"][0] == "crm_lead"
    assert "near_types" not in right.data


async def test_a_type_of_another_kind_of_object_is_near_only_where_it_is_usable(connect: Connect) -> None:
    wrong = {"external_ids": ["abc"], "external_type": "crm", "object_type": "person"}
    async with connect() as client:
        reply = await call(client, "resolve_external_ids", **wrong)
    assert "crm" not in reply.data["near_types"]
    assert "crm_lead" in reply.data["near_types"]


async def test_a_deleted_mapping_never_resolves(connect: Connect, app: App) -> None:
    gone = [row for row in (await app.salesloft.list_mappings(deleted=True)).rows if row.object_type == "people"]
    assert gone
    async with connect() as client:
        for row in gone:
            reply = await call(client, "resolve_external_ids", external_ids=[row.external_id])
            assert reply.words == "It is not mapped."


async def test_a_hundred_ids_cost_few_tokens_and_come_from_one_scan(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    rows = (await app.salesloft.list_mappings(external_type="crm_lead", deleted=False)).rows
    wanted = [row.external_id for row in reversed(rows)]
    wanted += [f"CONTACT9{number:03d}" for number in range(100 - len(wanted))]
    sandbox.requests.clear()
    async with connect() as client:
        asked = {"external_ids": wanted, "external_type": "crm_lead", "records": False}
        reply = await call(client, "resolve_external_ids", **asked)
    assert reply.tokens <= 900
    assert reply.data["points_spent"] == len(sandbox.requests) == 1
    assert [*reply.data["found"][0]["ids"], *reply.data["missing"]] == wanted


async def test_a_hundred_ids_of_several_types_cost_few_tokens(connect: Connect, app: App) -> None:
    rows = (await app.salesloft.list_mappings(deleted=False)).rows
    async with connect() as client:
        asked = {"external_ids": [row.external_id for row in rows], "records": False}
        reply = await call(client, "resolve_external_ids", **asked)
    assert reply.tokens <= 900


async def test_ids_are_compared_byte_by_byte(connect: Connect, app: App) -> None:
    await app.salesloft.create_mapping("crm_lead", "people", "007", 207550001)
    others = ["7", "07", "0007", " 007", "007 ", "00７"]
    async with connect() as client:
        assert (await call(client, "resolve_external_ids", external_ids=["007"])).words == "It is person 207550001."
        spelled = await call(client, "resolve_external_ids", external_ids=others)
        cased = await call(client, "resolve_external_ids", external_ids=["contact3456"])
    assert spelled.data["missing"] == others
    assert cased.words == "It is not mapped. 3 mappings are nearly the same."
    assert [one["external_id"] for one in cased.data["near"]["contact3456"]] == ["CONTACT3456"] * 3


async def test_an_id_given_twice_is_one_id(connect: Connect) -> None:
    async with connect() as client:
        reply = await call(client, "resolve_external_ids", external_ids=["abc", "abc"], external_type="crm")
    assert reply.words == "It is user 13."


async def test_an_answer_that_no_host_could_take_is_refused_with_a_way_on(connect: Connect) -> None:
    longest = [f"{number:03d}" + "x" * 1_020 for number in range(100)]
    async with connect() as client:
        words = await refused(client, "resolve_external_ids", external_ids=longest)
        assert "fewer" in words
        assert not (await call(client, "get_connection")).failed


async def test_ids_too_long_for_any_answer_cost_nothing(connect: Connect, sandbox: Sandbox) -> None:
    async with connect() as client:
        words = await refused(client, "resolve_external_ids", external_ids=[f"{one:040d}" for one in range(1_000)])
    assert words.startswith("external_ids: have 43000 characters together")
    assert not sandbox.requests


@pytest.mark.parametrize("found", [True, False])
async def test_a_thousand_salesforce_ids_fit_one_answer_in_input_order(
    connect: Connect, sandbox: Sandbox, found: bool
) -> None:
    wanted = [f"003Dn00000{number:05d}IAA" for number in range(1_000)]
    if found:
        plant(sandbox, "salesforce", wanted)
    async with connect() as client:
        reply = await call(client, "resolve_external_ids", external_ids=wanted, external_type="salesforce")
    assert reply.words.startswith(f"{1_000 if found else 0} of 1000 ids resolved")
    assert (list(reply.data["found"][0]["ids"]) if found else reply.data["missing"]) == wanted
    assert reply.data["points_spent"] == (10 if found else 4)  # two of them are looked for in any type
    assert reply.tokens <= 10_000
    assert len(reply.text.encode()) <= 48_000


async def test_an_answer_too_large_for_a_host_is_refused_and_half_of_it_is_not(
    connect: Connect, sandbox: Sandbox
) -> None:
    wanted = [f"{number:030d}" for number in range(1_000)]
    plant(sandbox, "erp", wanted)
    async with connect() as client:
        words = await refused(client, "resolve_external_ids", external_ids=wanted, external_type="erp")
        half = await call(client, "resolve_external_ids", external_ids=wanted[:500], external_type="erp")
    assert "fewer ids" in words
    assert half.words == "500 of 500 ids resolved."
    assert half.data["points_spent"] == 10


def plant(sandbox: Sandbox, external_type: str, external_ids: list[str]) -> None:
    """Mappings of these ids, each to an object of its own."""
    store = sandbox.store
    with store.transaction():
        for number, external_id in enumerate(external_ids):
            row = {"external_type": external_type, "object_type": "people", "external_id": external_id, "deleted": 0}
            store.insert("mappings", {**row, "object_id": 578_000_000 + number, "inserted_at": "2024-02-01"})


async def test_near_misses_that_were_seen_are_offered_and_never_used(connect: Connect) -> None:
    wanted = ["contact1001", "CONTACT1002 ", *(f"no-{number}" for number in range(10))]
    async with connect() as client:
        asked = {"external_ids": wanted, "external_type": "crm_lead", "records": False}
        reply = await call(client, "resolve_external_ids", **asked)
    assert reply.words == "0 of 12 ids resolved, 12 missing, 2 of them with a near miss."
    assert reply.data["missing"] == wanted
    lead = {"external_type": "crm_lead", "object_type": "people"}
    assert reply.data["near"] == {
        "contact1001": [{**lead, "object_id": 207550001, "external_id": "CONTACT1001", "why": "case"}],
        "CONTACT1002 ": [{**lead, "object_id": 207550002, "external_id": "CONTACT1002", "why": "spaces"}],
    }


async def test_of_missing_ids_that_look_damaged_it_is_said_why(connect: Connect) -> None:
    async with connect() as client:
        asked = {"external_ids": ["8.96529E+19", "nobody", "CONTACT3456"], "external_type": "crm_lead"}
        reply = await call(client, "resolve_external_ids", **asked)
    assert reply.data["missing"] == ["8.96529E+19", "nobody"]
    assert reply.data["suspicious"] == {"8.96529E+19": "a number that a spreadsheet shortened"}


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("CONTACT3456, CONTACT1003", "2 ids in one"),
        ("kim@cobalt.test", "an e-mail address, by which records are searched for"),
        (
            "https://northwind.lightning.force.com/lightning/r/Contact/003Dn0000000000IAA/view",
            "the address of a record, whose id is 003Dn0000000000IAA",
        ),
    ],
)
async def test_of_something_else_in_place_of_an_id_it_is_said_what_it_is(
    connect: Connect, given: str, why: str
) -> None:
    async with connect() as client:
        reply = await call(client, "resolve_external_ids", external_ids=given)
    assert reply.words == f"It is not mapped. What is odd about it: {why}."
    assert reply.data["suspicious"] == {given: why}


async def test_at_most_twenty_near_misses_are_offered(connect: Connect) -> None:
    wanted = [f"contact{1001 + number}" for number in range(40)]
    async with connect() as client:
        reply = await call(client, "resolve_external_ids", external_ids=wanted, external_type="crm_lead")
    assert list(reply.data["near"]) == [one for one in wanted if int(one[-2:]) % 25][:20]


async def test_one_missing_id_is_worth_a_point_to_see_which_other_type_holds_it(connect: Connect) -> None:
    arguments = {"external_ids": ["CONTACT1001"], "external_type": "marketing_automation", "object_type": "people"}
    async with connect() as client:
        reply = await call(client, "resolve_external_ids", **arguments)
    assert reply.data["found"] == []
    (near,) = reply.data["near"]["CONTACT1001"]
    assert (near["external_type"], near["object_id"], near["why"]) == ("crm_lead", 207550001, "external_type")
    assert near["name"] == "Chen Okafor, Director of Operations, Cobalt Analytics"
    assert reply.data["points_spent"] == 6  # the id, the types, the id in all of them, contact1001, and who it is


async def test_the_same_id_of_another_kind_of_object_is_near(connect: Connect) -> None:
    arguments = {"external_ids": ["CONTACT1001"], "external_type": "crm_lead", "object_type": "accounts"}
    async with connect() as client:
        reply = await call(client, "resolve_external_ids", **arguments)
    assert [one["why"] for one in reply.data["near"]["CONTACT1001"]] == ["object_type"]


async def test_an_object_type_may_be_singular_and_in_any_case(connect: Connect) -> None:
    async with connect() as client:
        reply = await call(client, "resolve_external_ids", external_ids=["abc"], object_type="USER")
    assert reply.data["found"] == [{"external_type": "crm", "object_type": "users", "ids": {"abc": 13}}]
    assert reply.data["record"]["name"] == "Christopher Doe"


async def test_a_mapping_of_a_record_that_is_gone_resolves_without_a_record(connect: Connect, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("raw", path="/v2/people", status=200, body=b'{"data": []}'))
    async with connect() as client:
        reply = await call(client, "resolve_external_ids", **CONTACT)
    assert reply.words.startswith("It is person 578495206. Its record is not shown")
    assert "gone, or hidden from this token" in reply.data["no_record"]
    assert "record" not in reply.data


async def test_the_scope_of_mappings_alone_resolves_an_id_and_says_what_the_record_needs(
    settings: Settings, sandbox: Sandbox, era: Era
) -> None:
    token = sandbox.issue_token("external_id:read")
    sandbox.api_key = token
    async with open_app(settings, sandbox) as app, Client(build_server(app, chosen("full")), mode=era) as client:
        found = await call(client, "resolve_external_ids", **CONTACT)
        missing = await call(client, "resolve_external_ids", external_ids=["nobody"], external_type="crm_lead")
    assert found.data["found"][0]["ids"] == {"CONTACT3456": 578495206}
    assert ". Grant it person:view" in found.data["no_record"]
    assert missing.words == "It is not mapped."


async def test_resolving_writes_nothing(connect: Connect, sandbox: Sandbox) -> None:
    async with connect() as client:
        await call(client, "resolve_external_ids", **CONTACT)
    assert writes(sandbox) == []
