"""A write here is told to clients that read what it changed, in both eras of the protocol."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp.client.subscriptions import ResourcesListChanged, ResourceUpdated
from mcp_types import ResourceListChangedNotification, ResourceUpdatedNotification

from tests.conftest import Connect, Era
from tests.hosting.program import HANG_SECONDS
from tests.server.addresses import CONFIGURATIONS_URI, configuration_uri, mapping_uri, object_uri
from tests.server.calling import call
from tests.server.human import YES, Human

pytestmark = [pytest.mark.anyio, pytest.mark.steady]

LIST = "the list of resources"
ERP = {"external_type": "e r/p", "object_type": "people"}
CONTACT = {"external_type": "crm_lead", "object_type": "people", "external_id": "a/b"}
MAPPED = {mapping_uri("crm_lead", "people", "a/b"), object_uri("people", 578495206)}
Listening = Callable[..., Awaitable[set[str]]]


def told(event: object) -> str:
    """What a notification or an event says has changed."""
    match event:
        case ResourceUpdatedNotification():
            return str(event.params.uri)
        case ResourceUpdated():
            return str(event.uri)
        case ResourceListChangedNotification() | ResourcesListChanged():
            return LIST
    return ""


@asynccontextmanager
async def listening(
    connect: Connect, era: Era, expected: set[str], **options: Any
) -> AsyncIterator[tuple[Client, set[str]]]:
    """A client that hears of changes; at the end it has waited for all that is expected."""
    heard: set[str] = set()
    complete = anyio.Event()

    async def hear(message: object) -> None:
        heard.add(told(getattr(message, "root", message)))
        if expected <= heard:
            complete.set()

    async with connect(message_handler=hear, **options) as client:
        if era == "legacy":
            yield client, heard
            with anyio.fail_after(HANG_SECONDS):
                await complete.wait()
            return
        uris = sorted(expected - {LIST})
        async with client.listen(resources_list_changed=True, resource_subscriptions=uris) as events:
            yield client, heard
            with anyio.fail_after(HANG_SECONDS):
                while not complete.is_set():
                    await hear(await anext(events))


async def test_a_new_configuration_changes_the_list_and_its_own_resource(connect: Connect, era: Era) -> None:
    expected = {LIST, CONFIGURATIONS_URI, configuration_uri("e r/p", "people")}
    async with listening(connect, era, expected) as (client, _):
        assert (await call(client, "create_external_id_configuration", **ERP)).data["status"] == "created"
        listed = {str(one.uri) for one in (await client.list_resources(cache_mode="bypass")).resources}
    assert configuration_uri("e r/p", "people") in listed


async def test_a_new_mapping_is_told_by_id_and_by_object(connect: Connect, era: Era) -> None:
    async with listening(connect, era, MAPPED) as (client, heard):
        await call(client, "create_external_id_mapping", **CONTACT, object_id=578495206)
    assert LIST not in heard


async def test_an_upsert_that_creates_is_told_like_a_new_mapping(connect: Connect, era: Era) -> None:
    expected = {mapping_uri("crm_lead", "people", "n")}
    key = {"external_type": "crm_lead", "external_id": "n"}
    async with listening(connect, era, expected) as (client, _):
        await call(client, "upsert_person_by_external_id", **key, person={"email_address": "a@new.test"})


async def test_a_deleted_configuration_changes_the_list(connect: Connect, era: Era) -> None:
    expected = {LIST, CONFIGURATIONS_URI, configuration_uri("crm", "users")}
    human = Human({"type_the_name": "crm"})
    async with listening(connect, era, expected, elicitation_callback=human) as (client, _):
        gone = {"external_type": "crm", "object_type": "users"}
        assert not (await call(client, "delete_external_id_configuration", **gone)).failed


async def test_a_deleted_mapping_is_told_by_id_and_by_object(connect: Connect, era: Era) -> None:
    expected = {mapping_uri("crm", "users", "abc"), object_uri("users", 13)}
    async with listening(connect, era, expected, elicitation_callback=Human(YES)) as (client, _):
        gone = {"external_type": "crm", "object_type": "users", "external_id": "abc"}
        assert not (await call(client, "delete_external_id_mapping", **gone)).failed


async def test_a_move_is_told_by_id_and_by_both_objects(connect: Connect, era: Era) -> None:
    expected = {mapping_uri("crm_lead", "people", "CONTACT3456")}
    expected |= {object_uri("people", 578495206), object_uri("people", 207550815)}
    async with listening(connect, era, expected, elicitation_callback=Human(YES)) as (client, _):
        move = {**CONTACT, "external_id": "CONTACT3456", "object_id": 207550815, "move_from": 578495206}
        assert not (await call(client, "create_external_id_mapping", **move)).failed


async def test_what_is_undone_is_told_too(connect: Connect, era: Era) -> None:
    human = Human(YES)
    async with connect(elicitation_callback=human) as client:
        await call(client, "create_external_id_mapping", **CONTACT, object_id=578495206)
    async with listening(connect, era, MAPPED, elicitation_callback=human) as (client, _):
        assert not (await call(client, "undo_change", change=1)).failed


async def test_what_changed_nothing_is_not_told(connect: Connect, era: Era) -> None:
    async with listening(connect, era, MAPPED) as (client, heard):
        same = {"external_type": "crm_lead", "object_type": "people", "external_id": "CONTACT3456"}
        reply = await call(client, "create_external_id_mapping", **same, object_id=578495206)
        await call(client, "create_external_id_configuration", external_type="crm", object_type="users")
        await call(client, "create_external_id_mapping", **CONTACT, object_id=99)
        assert reply.data["status"] == "unchanged"
        assert heard <= {""}
        await call(client, "create_external_id_mapping", **CONTACT, object_id=578495206)
