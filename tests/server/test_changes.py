"""The log through its tool: found by what one remembers of a write, and never another environment's."""

import time
from typing import Any

import pytest
from mcp.client import Client
from mcp_types import Implementation

from salesloft_mcp.app import App
from salesloft_mcp.changes.change import Author, Change, Image, Operation, Place
from salesloft_mcp.changes.log import ChangeLog
from salesloft_mcp.changes.mappings import creation
from salesloft_mcp.salesloft.models import MappingKey
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.server.inventory import INVENTORY
from salesloft_mcp.server.tools.changes import WRITERS
from tests.conftest import Connect
from tests.server.calling import call, refused
from tests.server.human import YES, Human

pytestmark = pytest.mark.anyio

CONTACT = {"external_type": "crm_lead", "object_type": "people", "external_id": "CONTACT3456"}
KEY = MappingKey("crm_lead", "people", "A")
FORTY_TWO: Image = {"object_id": 42}
NEW = {**CONTACT, "external_id": "007", "object_id": 578495206}


async def logged(
    app: App, key: MappingKey = KEY, *, environment: str = "", after: Image = FORTY_TWO, count: int = 1
) -> None:
    """Operations that are done, in the log alone."""
    log = ChangeLog(app.database, environment or app.environment)
    operation = Operation("create_external_id_mapping", (Change("mapping", key, None, after),))
    for _ in range(count):
        await log.begin(operation, Place(app.environment), Author(), ["created"])


async def rows(client: Client, **search: Any) -> list[dict[str, Any]]:
    """The changes a search finds."""
    reply = await call(client, "list_changes", **search)
    assert not reply.failed, reply.words
    found: list[dict[str, Any]] = reply.data["changes"]
    return found


async def test_an_empty_log_says_so_and_sends_nothing(connect: Connect, sandbox: Sandbox) -> None:
    async with connect() as client:
        reply = await call(client, "list_changes")
    assert reply.words == "No change was found. Only what was written through this server is known here."
    assert reply.data == {"changes": [], "points_spent": 0}
    assert len(sandbox.requests) == 0


async def test_every_kind_of_write_is_listed_newest_first(connect: Connect) -> None:
    human = Human(YES)
    async with connect(elicitation_callback=human) as client:
        await call(client, "create_external_id_configuration", external_type="erp", object_type="accounts")
        await call(client, "create_external_id_mapping", **NEW)
        await call(client, "create_external_id_mapping", **NEW)
        key = {"external_type": "crm_lead", "external_id": "CONTACT3456"}
        await call(client, "upsert_person_by_external_id", **key, person={"title": "CEO"})
        await call(
            client,
            "upsert_account_by_external_id",
            external_type="sdfc_account",
            external_id="ABC",
            account={"size": "7"},
        )
        await call(client, "delete_external_id_mapping", **CONTACT)
        human.answer = {"type_the_name": "erp"}
        await call(client, "delete_external_id_configuration", external_type="erp", object_type="accounts")
        found = await rows(client)
    assert [(row["tool"], *(one["outcome"] for one in row["changes"])) for row in found] == [
        ("delete_external_id_configuration", "deleted"),
        ("delete_external_id_mapping", "deleted"),
        ("upsert_account_by_external_id", "updated"),
        ("upsert_person_by_external_id", "updated"),
        ("create_external_id_mapping", "unchanged"),
        ("create_external_id_mapping", "created"),
        ("create_external_id_configuration", "created"),
    ]


async def test_a_row_says_what_when_and_how_a_person_agreed(connect: Connect) -> None:
    async with connect(elicitation_callback=Human(YES)) as client:
        await call(client, "delete_external_id_mapping", **CONTACT)
        (row,) = await rows(client)
    assert row.pop("at").endswith("Z")
    old = {"id": 5004, "object_id": 578495206}
    assert row == {
        "id": 1,
        "who": "mcp",
        "team": "100013",
        "tool": "delete_external_id_mapping",
        "agreed": "asked through the client",
        "changes": [{"kind": "mapping", **CONTACT, "old": old, "outcome": "deleted"}],
    }


async def test_a_write_that_failed_is_listed_too(connect: Connect, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("status", method="POST", status=403))
    async with connect() as client:
        await refused(client, "create_external_id_mapping", **NEW)
        (row,) = await rows(client)
    assert [one["outcome"] for one in row["changes"]] == ["failed"]
    assert "403" in row["changes"][0]["note"]


async def test_a_change_is_found_by_id_object_tool_and_time(connect: Connect) -> None:
    async with connect(elicitation_callback=Human(YES)) as client:
        await call(client, "create_external_id_mapping", **NEW)
        await call(client, "delete_external_id_mapping", **CONTACT)
        await call(client, "create_external_id_mapping", **{**NEW, "external_id": "8", "object_id": 207550815})
        for search, expected in (
            ({"external_id": "007"}, [1]),
            ({"external_id": "07"}, []),
            ({"object_type": "person", "object_id": 578495206}, [2, 1]),
            ({"object_type": "accounts", "object_id": 578495206}, []),
            ({"object_id": "207550815"}, [3]),
            ({"tool": "delete_external_id_mapping"}, [2]),
            ({"since": "2020-01-01", "limit": 1}, [3]),
            ({"since": "2999-01-01T00:00:00+02:00"}, []),
        ):
            assert [row["id"] for row in await rows(client, **search)] == expected, search


async def test_a_record_that_an_upsert_created_finds_its_change(connect: Connect) -> None:
    async with connect() as client:
        key = {"external_type": "crm_lead", "external_id": "n"}
        made = await call(client, "upsert_person_by_external_id", **key, person={"email_address": "a@new.test"})
        (row,) = await rows(client, object_type="people", object_id=made.data["object_id"])
    assert row["changes"][0]["outcome"] == "created"


async def test_a_replacement_is_one_line_with_both_of_its_changes(connect: Connect) -> None:
    async with connect(elicitation_callback=Human(YES)) as client:
        await call(client, "create_external_id_mapping", **NEW, instead_of="CONTACT3456")
        (row,) = await rows(client, external_id="CONTACT3456")
    assert [(one["outcome"], one["external_id"]) for one in row["changes"]] == [
        ("created", "007"),
        ("deleted", "CONTACT3456"),
    ]


async def test_what_was_cut_off_some_time_ago_is_looked_at_and_settled(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    app.changes.quiet = 0.0
    sandbox.faults.add(
        Fault("lost_answer", method="POST"),
        Fault("status", method="GET", path="/v2/external/mappings", status=403, times=None),
    )
    operation = Operation("create_external_id_mapping", (creation(KEY, 578495206),), read_at=time.monotonic())
    await app.changes.apply(operation, Author())
    sandbox.faults.clear()
    async with connect() as client:
        assert (await rows(client))[0]["changes"][0]["outcome"] == "unknown"  # it may still be on its way
        app.changes.sent_seconds = 0.0
        assert (await rows(client))[0]["changes"][0]["outcome"] == "created"


async def test_pages_follow_one_another_without_a_gap(connect: Connect, app: App) -> None:
    await logged(app, count=5)
    async with connect() as client:
        seen: list[int] = []
        cursor = ""
        while True:
            reply = await call(client, "list_changes", limit=2, cursor=cursor)
            seen += [row["id"] for row in reply.data["changes"]]
            cursor = reply.data.get("next_cursor", "")
            if not cursor:
                break
    assert seen == [5, 4, 3, 2, 1]


async def test_what_was_done_elsewhere_is_not_shown(connect: Connect, app: App) -> None:
    for environment in ("https://api.salesloft.com", "SANDBOX (http://127.0.0.1:8765)"):
        await logged(app, environment=environment)
    async with connect() as client:
        assert await rows(client) == []
        assert await rows(client, external_id="A") == []
        await call(client, "create_external_id_mapping", **NEW)
        assert [row["id"] for row in await rows(client)] == [3]


async def test_text_from_elsewhere_is_escaped(connect: Connect, app: App) -> None:
    await logged(app, MappingKey("crm\u202elead", "people", "A\u200bB"))
    async with connect() as client:
        (row,) = await rows(client)
    (change,) = row["changes"]
    assert (change["external_type"], change["external_id"]) == ("crm\\u{202e}lead", "A\\u{200b}B")


async def test_a_page_holds_what_hosts_take_and_the_cursor_leads_to_the_rest(connect: Connect, app: App) -> None:
    long: Image = {f"field_{number}": "b" * 10_000 for number in range(10)}
    await logged(app, after=long, count=100)
    async with connect() as client:
        first = await call(client, "list_changes", limit=100)
        assert 0 < len(first.data["changes"]) < 100
        assert first.tokens < 10_000
        second = await call(client, "list_changes", limit=100, cursor=first.data["next_cursor"])
    assert second.data["changes"][0]["id"] == first.data["changes"][-1]["id"] - 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"since": "yesterday"}, "since: must be a date or time such as 2026-01-31"),
        ({"cursor": "x"}, "cursor: is not a cursor of an earlier answer"),
        ({"limit": 101}, "limit: "),
        ({"object_id": True}, "object_id: must be a whole number"),
        ({"object_type": "deals"}, "object_type: must be people, accounts or users, or be left out."),
    ],
)
async def test_a_search_that_cannot_be_is_refused_in_words(
    connect: Connect, arguments: dict[str, Any], said: str
) -> None:
    async with connect() as client:
        assert (await refused(client, "list_changes", **arguments)).startswith(said)


async def test_a_run_is_one_line_that_its_plan_opens(connect: Connect) -> None:
    ids = [{"external_id": f"N{number}", "object_id": 207550090 + number} for number in range(12)]
    async with connect(elicitation_callback=Human(YES)) as client:
        plan = (await call(client, "plan_backfill", external_type="crm_lead", object_type="people", rows=ids)).data
        await call(client, "run_plan", plan=plan["plan"])
        (row,) = await rows(client)
        (found,) = await rows(client, external_id="N7")
        opened = await call(client, "get_plan", plan=row["plan"], rows="written")
    assert (row["plan"], row["did"], "changes" in row) == (plan["plan"], "12 created", False)
    assert [one["external_id"] for one in found["changes"]] == ["N7"]  # and none that was not asked for
    assert len(opened.data["rows"]) == 12


async def test_a_move_is_named_by_what_it_comes_to(connect: Connect) -> None:
    async with connect(elicitation_callback=Human(YES)) as client:
        moved = {**CONTACT, "object_id": 207550815, "move_from": 578495206}
        await call(client, "create_external_id_mapping", **moved)
        (row,) = await rows(client)
    assert row["did"] == "moved from person 578495206 to person 207550815"


async def test_the_person_stays_named_whose_token_it_was(connect: Connect, app: App) -> None:
    async with connect() as client:
        await call(client, "get_connection")
        await call(client, "create_external_id_mapping", **NEW)
        app.changes.forget_place()  # as when somebody signs in
        await call(client, "create_external_id_mapping", **{**NEW, "external_id": "8"})
        later, earlier = await rows(client)
    assert earlier["person"] == "Luis Castillo (1)"
    assert "person" not in later


async def test_a_misspelt_tool_is_told_and_those_that_write_are_known(connect: Connect) -> None:
    writing = {entry.name for entry in INVENTORY if entry.kind != "read"} - {"cancel_plan"}
    assert writing <= WRITERS
    async with connect() as client:
        words = await refused(client, "list_changes", tool="delete_external_mapping")
        assert await rows(client, tool="delete_external_id_mapping") == []
    assert (
        words.partition("\n")[0] == "tool: nothing that writes has this name; did you mean delete_external_id_mapping?"
    )


async def test_the_log_names_the_client_that_asked(connect: Connect) -> None:
    info = Implementation(name="Ann's chat\nforged", version="1")
    async with connect(client_info=info) as client:
        await call(client, "create_external_id_mapping", **NEW)
        listed = await call(client, "list_changes")
    assert listed.data["changes"][0]["who"] == "Ann's chat\\u{a}forged"
