"""What is offered while somebody types."""

import anyio
import pytest
from mcp.client import Client
from mcp_types import PromptReference, ResourceTemplateReference

from salesloft_mcp.app import App
from salesloft_mcp.sandbox import Fault, Sandbox
from tests.conftest import Connect

pytestmark = [pytest.mark.anyio, pytest.mark.steady]

WHO_IS = PromptReference(name="who_is")
CONFIGURATION = ResourceTemplateReference(uri="salesloft://external/configurations/{external_type}/{object_type}")
MAPPING = ResourceTemplateReference(uri="salesloft://external/mappings/{external_type}/{object_type}/{external_id}")
OBJECT = ResourceTemplateReference(uri="salesloft://external/objects/{object_type}/{object_id}/mappings")
Ref = PromptReference | ResourceTemplateReference


async def offered(client: Client, ref: Ref, name: str, typed: str = "", **known: str) -> list[str]:
    completion = (await client.complete(ref, {"name": name, "value": typed}, known or None)).completion
    assert completion.total == len(completion.values)
    return completion.values


async def test_external_types_are_offered_by_their_beginning_in_any_case(connect: Connect) -> None:
    async with connect() as client:
        assert await offered(client, WHO_IS, "external_type", "SDFC_") == ["sdfc_account", "sdfc_contact", "sdfc_lead"]
        assert await offered(client, WHO_IS, "external_type", "zz") == []
        assert len(await offered(client, WHO_IS, "external_type")) == 8


async def test_only_types_of_the_chosen_object_type_are_offered(connect: Connect) -> None:
    async with connect() as client:
        assert await offered(client, CONFIGURATION, "external_type", object_type="users") == ["crm"]
        assert await offered(client, MAPPING, "external_type", "m", object_type="account") == ["marketing"]


async def test_object_types_are_offered(connect: Connect) -> None:
    async with connect() as client:
        assert await offered(client, OBJECT, "object_type") == ["people", "accounts", "users"]
        assert await offered(client, MAPPING, "object_type", "A") == ["accounts"]


async def test_what_is_not_known_has_no_offers_and_asks_nobody(connect: Connect, sandbox: Sandbox) -> None:
    async with connect() as client:
        assert await offered(client, PromptReference(name="nobody"), "external_type") == []
        assert await offered(client, PromptReference(name="../README"), "external_type") == []
        assert await offered(client, WHO_IS, "object_type") == []
        assert await offered(client, WHO_IS, "external_id") == []
        assert await offered(client, OBJECT, "external_type") == []
        assert await offered(client, ResourceTemplateReference(uri="x://{external_type}"), "external_type") == []
    assert len(sandbox.requests) == 0


async def test_a_deleted_type_is_not_offered(connect: Connect, app: App) -> None:
    await app.salesloft.delete_configuration(228)
    async with connect() as client:
        assert await offered(client, WHO_IS, "external_type", "crm") == ["crm_lead"]


async def test_at_most_a_hundred_are_offered_and_the_rest_is_counted(connect: Connect, app: App) -> None:
    for number in range(101):
        await app.salesloft.create_configuration(f"z{number:03d}", "users")
    async with connect() as client:
        completion = (await client.complete(WHO_IS, {"name": "external_type", "value": "z"})).completion
    assert (len(completion.values), completion.total, completion.has_more) == (100, 101, True)


async def test_while_salesloft_cannot_be_asked_nothing_is_offered_and_nobody_waits(
    connect: Connect, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault("status", status=429, retry_after=50, times=None))
    async with connect() as client:
        with anyio.fail_after(8):
            assert await offered(client, WHO_IS, "external_type") == []
