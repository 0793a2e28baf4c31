"""Which tools there are: by mode, and by name."""

import pytest
from mcp import MCPError
from mcp.client import Client
from mcp_types import INVALID_PARAMS

from salesloft_mcp.app import App
from salesloft_mcp.errors import SettingsError
from salesloft_mcp.policy import Mode
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import INVENTORY, NAMES, Entry, chosen
from tests.conftest import Connect, Era
from tests.server.calling import call, narrowed, refused, writes
from tests.server.human import YES, Human

READS = {entry.name for entry in INVENTORY if entry.kind == "read"}
DELETES = {"delete_external_id_mapping", "delete_external_id_configuration"}
KEY = {"external_type": "crm_lead", "object_type": "people"}


def opened(app: App, era: Era, entries: tuple[Entry, ...]) -> Client:
    """A client of a server with only these tools."""
    return Client(build_server(app, entries), mode=era)


async def names(client: Client) -> set[str]:
    return {tool.name for tool in (await client.list_tools()).tools}


@pytest.mark.anyio
@pytest.mark.parametrize(("mode", "told"), [("full", ""), ("no-delete", "deleted here"), ("read-only", "written here")])
async def test_the_instructions_say_what_a_mode_switches_off(app: App, era: Era, mode: Mode, told: str) -> None:
    async with opened(narrowed(app, mode), era, chosen(mode)) as client:
        first = (client.instructions or "").partition("\n")[0]
    assert ("Nothing can be" in first) is bool(told)
    assert told in first


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("mode", "listed"), [("full", set(NAMES)), ("no-delete", set(NAMES) - DELETES), ("read-only", READS)]
)
async def test_a_mode_lists_what_it_allows(app: App, era: Era, mode: Mode, listed: set[str]) -> None:
    async with opened(app, era, chosen(mode)) as client:
        assert await names(client) == listed


@pytest.mark.anyio
async def test_read_only_tools_say_that_they_are(app: App, era: Era) -> None:
    async with opened(app, era, chosen("read-only")) as client:
        tools = (await client.list_tools()).tools
    assert all(tool.annotations is not None and tool.annotations.read_only_hint for tool in tools)
    reads = ("get", "res", "sea", "list", "audit", "plan")
    assert {tool.name for tool in tools} == {name for name in NAMES if name.startswith(reads)}


@pytest.mark.anyio
@pytest.mark.parametrize("mode", ["read-only", "no-delete"])
async def test_a_tool_that_is_switched_off_is_refused_in_words_and_sends_nothing(
    app: App, era: Era, sandbox: Sandbox, mode: Mode
) -> None:
    async with opened(app, era, chosen(mode)) as client:
        words = await refused(client, "delete_external_id_configuration", **KEY)
    assert words.startswith("delete_external_id_configuration is switched off here")
    assert "Nothing was done." in words
    assert len(sandbox.requests) == 0


@pytest.mark.anyio
async def test_where_nothing_may_be_deleted_every_way_to_a_deletion_is_refused(
    app: App, era: Era, sandbox: Sandbox
) -> None:
    """By one id for another, by a move, and by undoing what created a mapping, a record, a configuration or a run."""
    mapping = {**KEY, "external_id": "007", "object_id": 578495206}
    async with opened(app, era, chosen("full")) as client:
        await call(client, "create_external_id_mapping", **mapping)
        person = {"email_address": "a@new.test"}
        await call(client, "upsert_person_by_external_id", external_type="crm_lead", external_id="8", person=person)
        await call(client, "create_external_id_configuration", external_type="erp", object_type="people")
        plan = await call(client, "plan_backfill", **KEY, rows=[{"external_id": "9", "object_id": 207550158}])
        run = await call(client, "run_plan", plan=plan.data["plan"])
    assert run.data["outcomes"] == {"created": 1}
    before = writes(sandbox)
    careful, human = narrowed(app, "no-delete"), Human(YES)
    server = build_server(careful, chosen("no-delete"))
    async with Client(server, mode=era, elicitation_callback=human) as client:
        held = {**KEY, "external_id": "CONTACT3456"}
        ways: list[tuple[str, dict[str, object]]] = [
            ("create_external_id_mapping", {**held, "object_id": 207550815, "move_from": 578495206}),
            ("create_external_id_mapping", {**mapping, "external_id": "10", "instead_of": "007"}),
            *(("undo_change", {"change": number}) for number in (1, 2, 3, run.data["change_id"])),
        ]
        for tool, arguments in ways:
            for preview in (False, True):
                words = await refused(client, tool, **arguments, preview=preview)
                assert "deletions are switched off here (mode no-delete). Nothing was changed." in words, arguments
    assert human.questions == []
    assert writes(sandbox) == before


@pytest.mark.anyio
async def test_a_tool_left_out_by_name_is_refused_like_one_that_is_switched_off(
    app: App, era: Era, sandbox: Sandbox
) -> None:
    async with opened(app, era, chosen("full", without=("search_records",))) as client:
        assert await names(client) == set(NAMES) - {"search_records"}
        assert "switched off" in await refused(client, "search_records", object_type="users", name="a")
    assert len(sandbox.requests) == 0


@pytest.mark.anyio
async def test_an_unknown_tool_is_refused_with_the_nearest_name(connect: Connect, sandbox: Sandbox) -> None:
    async with connect() as client:
        with pytest.raises(
            MCPError, match=r'there is no tool "resolve_external_id"; did you mean resolve_external_ids'
        ):
            await client.call_tool("resolve_external_id", {})
        with pytest.raises(MCPError, match=r'there is no tool "cancel_backfill"; did you mean cancel_plan'):
            await client.call_tool("cancel_backfill", {})  # its name in version 0.1
        with pytest.raises(MCPError) as raised:
            await client.call_tool("x\n" * 300, {})
        assert not (await call(client, "get_connection")).failed
    assert raised.value.error.code == INVALID_PARAMS
    assert "\n" not in raised.value.error.message
    assert len(raised.value.error.message) < 600


def test_tools_are_narrowed_by_name_and_never_beyond_the_mode() -> None:
    only = ("resolve_external_ids", "delete_external_id_mapping")
    assert [entry.name for entry in chosen("full", only)] == list(only)
    assert [entry.name for entry in chosen("read-only", only)] == ["resolve_external_ids"]
    assert [entry.name for entry in chosen("full", only, ("delete_external_id_mapping",))] == ["resolve_external_ids"]


@pytest.mark.parametrize("option", ["--tools", "--exclude-tools"])
def test_a_misspelt_tool_name_stops_the_start_with_the_nearest(option: str) -> None:
    misspelt = ("resolve_externalids",)
    with pytest.raises(SettingsError) as raised:
        chosen("full", *((misspelt, ()) if option == "--tools" else ((), misspelt)))
    assert str(raised.value).startswith(f"{option}: there is no tool")
    assert "did you mean resolve_external_ids?" in str(raised.value)
