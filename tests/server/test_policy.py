"""What an administrator limits holds for every call, whatever the client or its settings say; and what is asked."""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from mcp import MCPError
from mcp.client import Client
from mcp_types import CompletionArgument, ResourceTemplateReference

from salesloft_mcp.app import App, open_app
from salesloft_mcp.errors import PolicyError
from salesloft_mcp.policy import NO_LIMITS, Policy
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.server import announce
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import NAMES, chosen
from salesloft_mcp.settings import Settings
from tests.bulk.running import FIRST_PERSON
from tests.conftest import Era
from tests.server.calling import call, refused, writes
from tests.server.human import YES, Human

pytestmark = pytest.mark.anyio

FILE = "/etc/xdg/salesloft_mcp/policy.toml"
PEOPLE = Policy(object_types=("people",), file=FILE, limits=("object_types",))
NO_USERS = Policy(object_types=("people", "accounts"), file=FILE, limits=("object_types",))
TYPE = {"external_type": "crm_lead"}
CONTACT = {**TYPE, "object_type": "people", "external_id": "CONTACT3456"}
OF_USERS = {**TYPE, "object_type": "users"}
PERSON, ACCOUNT = "upsert_person_by_external_id", "upsert_account_by_external_id"

# Calls about users, or about all kinds of record, by which users would be told of, too.
BEYOND: list[tuple[str, dict[str, Any]]] = [
    ("resolve_external_ids", {"external_ids": ["1"], "object_type": "users"}),
    ("resolve_external_ids", {"external_ids": ["1"], "object_type": " User "}),
    ("resolve_external_ids", {"external_ids": ["1"]}),
    ("resolve_external_ids", {"external_ids": ["1"], "object_type": ""}),
    ("resolve_external_ids", {"external_ids": ["1"], "object_type": None}),
    ("get_records_by_external_id", {**OF_USERS, "external_ids": ["1"]}),
    ("search_records", {"object_type": "users", "email": "a@b.test"}),
    ("list_external_id_configurations", {"object_type": "users"}),
    ("list_external_id_configurations", {}),
    ("list_external_id_mappings", {"object_type": "users"}),
    ("list_external_id_mappings", {"external_id": "1"}),
    ("audit_external_ids", {"object_type": "users"}),
    ("audit_external_ids", {}),
    ("plan_backfill", {**OF_USERS, "rows": [{"external_id": "1", "object_id": 5}]}),
    ("create_external_id_configuration", OF_USERS),
    ("create_external_id_configuration", {**OF_USERS, "preview": True}),
    ("create_external_id_mapping", {**OF_USERS, "external_id": "1", "object_id": 5}),
    ("delete_external_id_mapping", {**OF_USERS, "external_id": "1"}),
    ("delete_external_id_configuration", OF_USERS),
    ("list_changes", {"object_type": "users"}),
    (PERSON, {**TYPE, "external_id": "1", "person": {"title": "x", "owner": {**TYPE, "external_id": "7"}}}),
    (ACCOUNT, {**TYPE, "external_id": "1", "account": {"name": "x", "owner": {**TYPE, "external_id": "7"}}}),
]


@asynccontextmanager
async def opened(
    settings: Settings, sandbox: Sandbox, era: Era, policy: Policy, human: Human | None = None
) -> AsyncIterator[tuple[Client, App]]:
    """A client of a server on a computer with this policy."""
    async with open_app(settings, sandbox, policy) as app:
        server = build_server(app, chosen(app.settings.mode, policy=policy))
        async with Client(server, mode=era, elicitation_callback=human) as client:
            yield client, app


# What is allowed


async def test_calls_about_other_records_are_refused_before_anything_is_sent(
    settings: Settings, sandbox: Sandbox, era: Era
) -> None:
    human = Human(YES)
    async with opened(settings, sandbox, era, NO_USERS, human) as (client, _):
        for tool, arguments in BEYOND:
            words = await refused(client, tool, **arguments)
            assert "the policy of this computer allows people and accounts only" in words, (tool, arguments)
            assert f"(object_types in {FILE})" in words
    assert list(sandbox.requests) == []
    assert human.questions == []


async def test_a_plan_whose_rows_name_records_that_are_not_allowed_fails_and_says_why(
    settings: Settings, sandbox: Sandbox, era: Era
) -> None:
    rows = [{"external_id": "CONTACT3456", "title": "x", "owner.external_id": "7"}]
    async with opened(settings, sandbox, era, NO_USERS) as (client, _):
        words = await refused(client, "plan_bulk_upsert", **TYPE, object_type="people", rows=rows)
    assert "owner: the policy of this computer allows people and accounts only" in words
    assert not [one for one in sandbox.requests if b"object_type=users" in one.query or b"users" in one.raw_path]


async def test_where_one_kind_of_record_is_allowed_it_is_the_one_that_is_meant(
    settings: Settings, sandbox: Sandbox, era: Era
) -> None:
    async with opened(settings, sandbox, era, PEOPLE) as (client, _):
        found = await call(client, "resolve_external_ids", external_ids=["CONTACT3456"], **TYPE)
        assert found.words == "It is person 578495206."
        listed = await call(client, "list_external_id_configurations")
        assert {row["object_type"] for row in listed.data["configurations"]} == {"people"}
        words = await refused(client, ACCOUNT, **TYPE, external_id="1", account={"name": "x"})
        assert "allows people only" in words
    asked = {one.raw_path.decode() for one in sandbox.requests}
    assert not [path for path in asked if "/accounts" in path or "/users" in path]


async def test_a_plan_of_other_records_can_only_be_cancelled(settings: Settings, sandbox: Sandbox, era: Era) -> None:
    rows = [{"external_id": "9", "object_id": 207550158}]
    async with opened(settings, sandbox, era, NO_LIMITS) as (client, _):
        made = await call(client, "plan_backfill", **TYPE, object_type="people", rows=rows)
        created = await call(client, "create_external_id_configuration", external_type="erp", object_type="people")
    plan, before = made.data["plan"], writes(sandbox)
    accounts = Policy(object_types=("accounts",), file=FILE, limits=("object_types",))
    async with opened(settings, sandbox, era, accounts, Human(YES)) as (client, app):
        for tool, arguments in (
            ("get_plan", {"plan": plan}),
            ("run_plan", {"plan": plan}),
            ("run_plan", {"plan": plan, "preview": True}),
            ("undo_change", {"change": created.data["change_id"]}),
        ):
            assert "allows accounts only" in await refused(client, tool, **arguments), tool
        with pytest.raises(MCPError, match="allows accounts only"):
            await client.read_resource(announce.uri(announce.PLAN, plan=plan))
        status = await app.plans.status(plan)
        assert status.state == "planned"
        assert (await call(client, "cancel_plan", plan=plan)).data["state"] == "cancelled"
    assert writes(sandbox) == before


async def test_resources_and_completions_tell_of_allowed_records_alone(
    settings: Settings, sandbox: Sandbox, era: Era
) -> None:
    async with opened(settings, sandbox, era, PEOPLE) as (client, _):
        listed = [str(one.uri) for one in (await client.list_resources()).resources]
        assert any(uri.endswith("/people") for uri in listed)
        assert not [uri for uri in listed if uri.endswith(("/accounts", "/users"))]
        uri = announce.uri(announce.OBJECT, object_type="users", object_id=5)
        with pytest.raises(MCPError, match="allows people only"):
            await client.read_resource(uri)
        template = ResourceTemplateReference(type="ref/resource", uri=announce.OBJECT)
        offered = await client.complete(template, CompletionArgument(name="object_type", value="").model_dump())
        assert offered.completion.values == ["people"]


async def test_tools_are_taken_away_and_named_ones_are_the_only_ones(
    settings: Settings, sandbox: Sandbox, era: Era
) -> None:
    without = Policy(exclude_tools=("undo_change",), file=FILE, limits=("exclude_tools",))
    async with opened(settings, sandbox, era, without) as (client, _):
        assert {tool.name for tool in (await client.list_tools()).tools} == set(NAMES) - {"undo_change"}
        words = await refused(client, "undo_change", change=1)
        assert f"the policy of this computer does not allow it (exclude_tools in {FILE}). Nothing was done." in words
    only = Policy(tools=("get_connection", "undo_change"), file=FILE, limits=("tools",))
    async with opened(settings, sandbox, era, only) as (client, _):
        assert {tool.name for tool in (await client.list_tools()).tools} == {"get_connection", "undo_change"}
        assert f"(tools in {FILE})" in await refused(client, "list_changes")
    assert [entry.name for entry in chosen("full", ("undo_change",), policy=only)] == ["undo_change"]
    with pytest.raises(PolicyError, match=r"--tools list_changes: the policy .* \(tools in "):
        chosen("full", ("list_changes",), policy=only)


async def test_a_resource_goes_with_the_tool_that_tells_the_same(
    settings: Settings, sandbox: Sandbox, era: Era
) -> None:
    only = Policy(tools=("get_connection",), file=FILE, limits=("tools",))
    async with opened(settings, sandbox, era, only) as (client, _):
        for address in (
            announce.CONFIGURATIONS,
            announce.uri(announce.CONFIGURATION, external_type="crm_lead", object_type="people"),
            announce.uri(announce.MAPPINGS, **CONTACT),
            announce.uri(announce.OBJECT, object_type="people", object_id=578495206),
            announce.uri(announce.PLAN, plan="1"),
        ):
            with pytest.raises(MCPError, match=rf"does not allow it \(tools in {FILE}\)"):
                await client.read_resource(address)
        assert not [one for one in (await client.list_resources()).resources if "/people" in str(one.uri)]
        template = ResourceTemplateReference(type="ref/resource", uri=announce.CONFIGURATION)
        offered = await client.complete(template, CompletionArgument(name="external_type", value="").model_dump())
        assert offered.completion.values == []
    assert not sandbox.requests


async def test_the_connection_tells_the_policy_and_who_set_it(settings: Settings, sandbox: Sandbox, era: Era) -> None:
    policy = Policy(mode="no-delete", ask="all", object_types=("people",), file=FILE, limits=("mode", "ask"))
    async with opened(settings, sandbox, era, policy) as (client, app):
        found = (await call(client, "get_connection")).data
        assert (found["mode"], found["ask"]) == ("no-delete", "all")
        assert found["policy"] == "mode no-delete, ask all"  # which file it is says nothing to a model
        assert app.policy.line == f"mode no-delete, ask all ({FILE})"
    async with opened(settings, sandbox, era, NO_LIMITS) as (client, _):
        assert "policy" not in (await call(client, "get_connection")).data


async def test_a_deletion_that_the_policy_forbids_names_it(settings: Settings, sandbox: Sandbox, era: Era) -> None:
    policy = Policy(mode="no-delete", file=FILE, limits=("mode",))
    async with opened(settings, sandbox, era, NO_LIMITS) as (client, _):
        made = await call(client, "create_external_id_configuration", external_type="erp", object_type="people")
    async with opened(settings, sandbox, era, policy, Human(YES)) as (client, _):
        words = await refused(client, "undo_change", change=made.data["change_id"])
    assert f"deletions are switched off here (mode no-delete in {FILE}). Nothing was changed." in words
    assert "an administrator of this computer can change the policy" in words


# What is asked

TITLE = {**TYPE, "external_id": "CONTACT3456", "person": {"title": "Head of Nothing"}}
EMPTY = {**TYPE, "external_id": "CONTACT3456", "person": {"personal_website": "https://new.test"}}
MAP = {**CONTACT, "external_id": "A-77", "object_id": 207550158}
NEW = {**TYPE, "external_id": "B-1", "person": {"email_address": "b1@new.test", "last_name": "New"}}
ROWS = [{"external_id": "CONTACT3456", "title": "Head of Rows"}]
WRITES: dict[str, tuple[str, dict[str, Any], str, str]] = {
    "overwrite": (PERSON, TITLE, "overwrites", "Overwrite what stands in this record"),
    "fill": (PERSON, EMPTY, "all", "Update this record"),
    "create": (PERSON, NEW, "all", "Create this record"),
    "map": ("create_external_id_mapping", MAP, "all", "Create this external id mapping"),
    "configure": (
        "create_external_id_configuration",
        {"external_type": "erp", "object_type": "people"},
        "all",
        "Create this external id configuration",
    ),
}


@pytest.mark.parametrize("ask", ["deletes", "overwrites", "all"])
@pytest.mark.parametrize("name", WRITES)
async def test_a_person_is_asked_about_what_was_chosen_to_be_asked(
    settings: Settings, sandbox: Sandbox, era: Era, name: str, ask: str
) -> None:
    tool, arguments, least, headline = WRITES[name]
    order, human = ("deletes", "overwrites", "all"), Human(YES)
    asks = order.index(ask) >= order.index(least)
    async with opened(settings.model_copy(update={"ask": ask}), sandbox, era, NO_LIMITS, human) as (client, _):
        shown = await call(client, tool, **arguments, preview=True)
        who = "a person would be asked through this client" if asks else "nobody would be asked"
        assert shown.data["agreed"] == who
        done = await call(client, tool, **arguments)
        assert done.data["agreed"] == ("asked through the client" if asks else "nobody was asked")
        assert [one.partition(" in SANDBOX")[0] for one in human.questions] == [headline] * asks
        again = await call(client, tool, **arguments)
    assert again.data["status"] == "unchanged"
    assert len(human.questions) == asks  # nothing is written, and so nobody is asked


async def test_the_question_about_an_overwriting_says_old_and_new_and_a_no_leaves_it(
    settings: Settings, sandbox: Sandbox, era: Era
) -> None:
    human = Human(action="decline")
    policy = Policy(ask="overwrites", file=FILE, limits=("ask",))
    async with opened(settings, sandbox, era, policy, human) as (client, _):
        words = await refused(client, PERSON, **TITLE)
    (question,) = human.questions
    assert re.search(r'^field title: ".+" → "Head of Nothing"$', question, re.MULTILINE)
    assert "only an undo brings them back" in question
    assert "Nothing was changed" in words
    assert writes(sandbox) == []


@pytest.mark.parametrize("ask", ["deletes", "overwrites", "all"])
async def test_a_run_that_overwrites_is_asked_about_once(
    settings: Settings, sandbox: Sandbox, era: Era, ask: str
) -> None:
    human, asks = Human(YES), ask != "deletes"
    async with opened(settings.model_copy(update={"ask": ask}), sandbox, era, NO_LIMITS, human) as (client, _):
        made = await call(client, "plan_bulk_upsert", **TYPE, object_type="people", rows=ROWS)
        run = await call(client, "run_plan", plan=made.data["plan"])
        assert run.data["outcomes"] == {"updated": 1}
        assert len(human.questions) == asks
        rows = [{"external_id": f"M-{number}", "object_id": FIRST_PERSON + number} for number in (1, 2)]
        made = await call(client, "plan_backfill", external_type="sdfc_lead", object_type="people", rows=rows)
        run = await call(client, "run_plan", plan=made.data["plan"])
        assert run.data["outcomes"] == {"created": 2}
        assert len(human.questions) == asks + (ask == "all")
