"""The list of tools: what it costs, what every host can read, and that it never changes unnoticed."""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import replace
from typing import Any

import jsonschema  # type: ignore[import-untyped]
import pytest
from mcp.client import Client

from salesloft_mcp import __version__
from salesloft_mcp.app import App
from salesloft_mcp.audit.findings import KINDS
from salesloft_mcp.changes.given import Given, GivenAccount, GivenPerson
from salesloft_mcp.policy import Mode
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import NAMES, chosen
from tests.conftest import Connect, Era
from tests.server.calling import tokens
from tests.server.human import YES, Human
from tests.server.snapshot import FILE, listed

KEY = {"external_type": "crm_lead", "object_type": "people"}
ROWS = {"rows": [{"external_id": "007", "object_id": "578495206"}, {"external_id": 7}]}
OFTEN = {"external_ids": ["CONTACT3456", "nobody"]}
SUCCESSES: tuple[tuple[str, dict[str, Any]], ...] = (
    ("get_connection", {}),
    ("resolve_external_ids", OFTEN),
    ("resolve_external_ids", {"external_ids": ["abc"]}),
    ("resolve_external_ids", {"external_ids": ["abc"], "external_type": "crn"}),
    ("get_records_by_external_id", {**KEY, **OFTEN, "detail": "full"}),
    ("get_records_by_external_id", {**KEY, "external_ids": ["CONTACT1001", "CONTACT1002"]}),
    (
        "get_records_by_external_id",
        {"object_type": "people", "object_ids": [578495206, 7], "with_external_ids": True, "detail": "full"},
    ),
    ("search_records", {"object_type": "users", "name": "a", "limit": 2}),
    ("search_records", {"object_type": "accounts", "domain": "nobody.test"}),
    ("list_external_id_configurations", {"include_deleted": True}),
    ("list_external_id_mappings", {"include_deleted": True, "limit": 100}),
    ("audit_external_ids", {}),
    ("audit_external_ids", {"kind": "orphans"}),
    ("create_external_id_configuration", {"external_type": "erp", "object_type": "people"}),
    ("create_external_id_configuration", {"external_type": "erp", "object_type": "people"}),
    ("create_external_id_mapping", {"external_type": "erp", "object_type": "people", "external_id": "1"}),
    (
        "upsert_person_by_external_id",
        {"external_type": "erp", "external_id": "2", "person": {"email_address": "a@b.test"}},
    ),
    ("upsert_person_by_external_id", {"external_type": "erp", "external_id": "2", "person": {"title": "x"}}),
    ("upsert_account_by_external_id", {"external_type": "marketing", "external_id": "2", "account": {"name": "A"}}),
    ("delete_external_id_mapping", {**KEY, "external_id": "CONTACT3456"}),
    ("delete_external_id_configuration", KEY),
    ("list_changes", {"limit": 2}),
    ("undo_change", {"change": 3}),
    ("plan_backfill", {"external_type": "erp", "object_type": "people", **ROWS}),
    ("plan_bulk_upsert", {**KEY, "rows": [{"external_id": "CONTACT1001", "title": "x"}, {"external_id": 7}]}),
    ("plan_type_rename", {**KEY, "new_external_type": "erp"}),
    ("get_plan", {"rows": "all"}),
    ("cancel_plan", {}),
    ("run_plan", {"preview": True}),
    ("run_plan", {}),
)
ADDED: dict[str, dict[str, Any]] = {"create_external_id_mapping": {"object_id": 578495206}}
MAY_DESTROY = ("delete_", "upsert_", "undo_", "run_", "create_external_id_mapping")
LOCAL = {"get_plan", "cancel_plan"}

# Bulk work, audit and the way back: what the guide leaves to its reader.
BEYOND_THE_GUIDE = {
    *("plan_backfill", "plan_bulk_upsert", "plan_type_rename", "run_plan", "get_plan", "cancel_plan"),
    *("audit_external_ids", "list_changes", "undo_change"),
}


def nodes(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A schema and every schema within it."""
    yield schema
    for one in schema.get("properties", {}).values():
        yield from nodes(one)
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            yield from nodes(schema[name])


def closed(schema: dict[str, Any]) -> dict[str, Any]:
    """The same schema, in which nothing may stand that is not declared."""
    same = deepcopy(schema)
    for one in nodes(same):
        if "properties" in one:
            one.setdefault("additionalProperties", False)
    return same


def read_by_a_model(tools: list[dict[str, Any]]) -> float:
    """Tokens of what hosts give to a model; none of them passes output schemas on."""
    return sum(tokens({name: tool[name] for name in ("name", "description", "inputSchema")}) for tool in tools)


@pytest.mark.anyio
async def test_the_list_of_tools_is_the_one_that_was_reviewed(connect: Connect) -> None:
    async with connect() as client:
        tools = (await client.list_tools()).tools
    seen = [tool.model_dump(mode="json", by_alias=True, exclude_none=True) for tool in tools]
    reviewed = json.loads(FILE.read_text(encoding="utf-8"))
    assert seen == reviewed, "what clients see changed: run `python -m tests.server.snapshot` and review the diff"


@pytest.mark.parametrize(("mode", "most"), [("full", 4_500), ("read-only", 2_400)])
def test_the_list_of_tools_costs_few_tokens(mode: Mode, most: int) -> None:
    assert read_by_a_model(listed(mode)) <= most


@pytest.mark.parametrize(("mode", "most"), [("full", 4_000), ("read-only", 2_200)])
def test_the_tools_of_the_guide_alone_cost_fewer_still(mode: Mode, most: int) -> None:
    assert read_by_a_model([tool for tool in listed(mode) if tool["name"] not in BEYOND_THE_GUIDE]) <= most


def test_the_connection_comes_first() -> None:
    assert listed()[0]["name"] == NAMES[0] == "get_connection"


@pytest.mark.parametrize("tool", listed(), ids=lambda tool: str(tool["name"]))
class TestEveryTool:
    """Each on its own, so that a failure names the tool."""

    def test_says_what_it_is(self, tool: dict[str, Any]) -> None:
        assert re.fullmatch(r"[a-zA-Z0-9_-]{1,64}", tool["name"])
        assert tool["title"]
        assert 20 < len(tool["description"]) < 300
        assert tool["description"].endswith(".")
        assert "\n" not in tool["description"]

    def test_says_so_in_the_first_words_which_are_what_a_search_sees(self, tool: dict[str, Any]) -> None:
        begun = " ".join(tool["description"].lower().split()[:8])
        assert [word for word in tool["name"].split("_") if word.rstrip("s") not in begun] == []

    def test_states_all_four_hints(self, tool: dict[str, Any]) -> None:
        hints = ("readOnlyHint", "destructiveHint", "idempotentHint", "openWorldHint")
        assert {name: type(tool["annotations"][name]) for name in hints} == dict.fromkeys(hints, bool)
        assert set(tool["annotations"]) == set(hints)
        assert tool["annotations"]["destructiveHint"] is tool["name"].startswith(MAY_DESTROY)
        assert tool["annotations"]["openWorldHint"] is (tool["name"] not in LOCAL)

    def test_takes_an_object(self, tool: dict[str, Any]) -> None:
        assert tool["inputSchema"]["type"] == "object"

    def test_describes_every_argument(self, tool: dict[str, Any]) -> None:
        for name, schema in tool["inputSchema"]["properties"].items():
            assert schema["description"].endswith("."), f"{name} is not described in a sentence"

    def test_describes_every_field_of_an_answer(self, tool: dict[str, Any]) -> None:
        for schema in nodes(tool["outputSchema"]):
            for name, field in schema.get("properties", {}).items():
                assert field["description"].endswith("."), f"{name} is not described in a sentence"
            assert schema["type"] != "object" or "properties" in schema or "additionalProperties" in schema

    def test_answers_with_an_object_that_tells_what_it_cost(self, tool: dict[str, Any]) -> None:
        assert tool["outputSchema"]["type"] == "object"
        assert tool["outputSchema"]["properties"]["points_spent"]["type"] == "integer"
        assert "points_spent" in tool["outputSchema"]["required"]

    def test_uses_no_schema_feature_that_a_host_refuses(self, tool: dict[str, Any]) -> None:
        for top in (tool["inputSchema"], tool["outputSchema"]):
            jsonschema.Draft202012Validator.check_schema(top)
            for schema in nodes(top):
                assert not {"$ref", "$defs", "anyOf", "oneOf", "allOf", "not", "if"} & set(schema)
                assert isinstance(schema["type"], str)
                assert "" not in schema.get("enum", [])
                assert all(isinstance(one, dict) for one in schema.get("properties", {}).values())

    def test_has_no_argument_by_which_a_model_could_confirm(self, tool: dict[str, Any]) -> None:
        suspicious = re.compile(r"confirm|consent|agree|approv|answer|force|sure|code", re.IGNORECASE)
        names = {name for schema in nodes(tool["inputSchema"]) for name in schema.get("properties", {})}
        assert {name for name in names if suspicious.search(name)} <= {"postal_code"}

    def test_gives_no_default_target_to_a_deletion(self, tool: dict[str, Any]) -> None:
        if tool["name"].startswith("delete_"):
            arguments = set(tool["inputSchema"]["properties"])
            assert set(tool["inputSchema"]["required"]) == arguments - {"mapping_id", "configuration_id", "preview"}


@pytest.mark.parametrize(("name", "model"), [("person", GivenPerson), ("account", GivenAccount)])
def test_every_field_of_a_record_stands_in_the_schema_with_its_type(name: str, model: type[Given]) -> None:
    (tool,) = [one for one in listed() if one["name"] == f"upsert_{name}_by_external_id"]
    schema = tool["inputSchema"]["properties"][name]
    assert set(schema["properties"]) == set(model.model_fields)
    assert schema["properties"]["crm_id_type"] == {"enum": ["salesforce"], "type": "string"}
    assert schema["properties"]["owner_id"] == {"type": "integer"}


def test_a_default_a_limit_and_an_enumeration_are_stated() -> None:
    arguments = {tool["name"]: tool["inputSchema"]["properties"] for tool in listed()}
    limit = arguments["list_external_id_mappings"]["limit"]
    assert (limit["maximum"], limit["default"]) == (100, 25)
    assert arguments["list_external_id_mappings"]["include_deleted"]["default"] is False
    assert arguments["upsert_person_by_external_id"]["intent"]["default"] == "upsert"
    assert arguments["audit_external_ids"]["kind"]["enum"] == list(KINDS)
    assert arguments["list_changes"]["object_type"]["enum"] == ["people", "accounts", "users"]


@pytest.mark.anyio
async def test_every_success_fits_the_published_schema(connect: Connect) -> None:
    schemas = {tool["name"]: tool["outputSchema"] for tool in listed()}
    human = Human(answer=YES)
    planned: dict[str, Any] = {}
    async with connect(elicitation_callback=human) as client:
        for tool, arguments in SUCCESSES:
            if tool in ("get_plan", "cancel_plan", "run_plan"):
                arguments = {**arguments, "plan": planned["plan"]}
            human.answer = {"type_the_name": "crm_lead"} if tool == "delete_external_id_configuration" else YES
            if tool == "upsert_account_by_external_id":
                arguments = {**arguments, "account": {"name": "A", "domain": "a-new.test"}}
            result = await client.call_tool(tool, {**arguments, **ADDED.get(tool, {})})
            assert not result.is_error, (tool, result.content)
            jsonschema.validate(result.structured_content, closed(schemas[tool]))
            planned = (result.structured_content or {}) if tool.startswith("plan_") else planned
    assert {tool for tool, _ in SUCCESSES} == set(NAMES)


@pytest.mark.parametrize("tool", listed(), ids=lambda tool: str(tool["name"]))
def test_what_is_one_of_a_few_words_is_an_enumeration(tool: dict[str, Any]) -> None:
    """Some hosts build types from these schemas."""
    for schema in nodes(tool["outputSchema"]):
        for name, field in schema.get("properties", {}).items():
            few = {"status", "state", "kind", "outcome", "object_type", "intent", "mode", "ask"}
            assert name not in few or field.get("enum"), name
            assert field.get("type"), f"{name} may be anything"


@pytest.mark.anyio
async def test_a_tool_that_says_it_touches_nothing_outside_sends_nothing(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    async with connect() as client:
        made = await client.call_tool("plan_backfill", {**KEY, **ROWS})
        plan = (made.structured_content or {})["plan"]
        app.changes.forget_place()  # as in a process that has just begun
        sandbox.requests.clear()
        for tool in sorted(LOCAL):
            assert not (await client.call_tool(tool, {"plan": plan})).is_error
    assert len(sandbox.requests) == 0


@pytest.mark.anyio
async def test_listing_sends_nothing(connect: Connect, sandbox: Sandbox) -> None:
    async with connect() as client:
        await client.list_tools()
        await client.list_prompts()
        await client.list_resource_templates()
    assert len(sandbox.requests) == 0


@pytest.mark.anyio
async def test_the_server_names_itself_its_version_and_the_sandbox(connect: Connect) -> None:
    async with connect() as client:
        info, capabilities, told = client.server_info, client.server_capabilities, client.instructions
    assert info is not None
    assert (info.name, info.version) == ("salesloft_mcp", __version__)
    assert "SANDBOX" in (info.title or "")
    assert info.icons is None
    assert capabilities.resources is not None
    assert capabilities.resources.list_changed is True
    assert "SANDBOX" in (told or "")


@pytest.mark.anyio
async def test_a_server_over_the_live_service_never_says_sandbox(app: App, era: Era) -> None:
    url = "https://api.salesloft.com"
    settings = app.settings.model_copy(update={"base_url": url})
    live = replace(app, sandbox=False, environment=url, settings=settings)
    async with Client(build_server(live, chosen("full")), mode=era) as client:
        assert client.server_info is not None
        assert "SANDBOX" not in (client.server_info.title or "")
        assert "LIVE (https://api.salesloft.com)" in (client.instructions or "")
