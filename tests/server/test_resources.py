"""What can be read by address, and what a wrong address is told."""

import json
from collections.abc import Iterator
from typing import Any

import anyio
import pytest
import stamina
from mcp import MCPError
from mcp.client import Client
from mcp_types import INVALID_PARAMS, TextResourceContents

from salesloft_mcp.app import App
from salesloft_mcp.sandbox import Fault, Sandbox
from tests.conftest import Connect
from tests.server.addresses import configuration_uri, mapping_uri, object_uri

pytestmark = [pytest.mark.anyio, pytest.mark.steady]

CONFIGURATIONS = "salesloft://external/configurations"
ODD = "a/b ü?#%..;x"


@pytest.fixture(autouse=True)
def _impatient() -> Iterator[None]:
    with stamina.set_testing(True, attempts=2):
        yield


async def read(client: Client, uri: str) -> Any:
    """The JSON behind an address."""
    (content,) = (await client.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    assert content.mime_type == "application/json"
    return json.loads(content.text)


async def test_the_list_holds_one_resource_for_each_live_configuration(connect: Connect, app: App) -> None:
    await app.salesloft.delete_configuration(227)
    async with connect() as client:
        uris = {str(one.uri) for one in (await client.list_resources()).resources}
    live = [row for row in (await app.salesloft.list_configurations()).rows if not row.deleted]
    assert uris == {CONFIGURATIONS, *(configuration_uri(row.external_type, row.object_type) for row in live)}
    assert len(uris) == 8


async def test_every_listed_resource_can_be_read(connect: Connect, app: App) -> None:
    await app.salesloft.create_configuration(ODD, "users")
    async with connect() as client:
        resources = (await client.list_resources()).resources
        found = [await read(client, str(one.uri)) for one in resources if str(one.uri) != CONFIGURATIONS]
        every = await read(client, CONFIGURATIONS)
    assert len(found) == 9
    assert sorted(every, key=str) == sorted(found, key=str)
    assert {"external_type": ODD, "object_type": "users"}.items() <= found[0].items()


async def test_a_mapping_is_read_by_its_encoded_id(connect: Connect, app: App) -> None:
    await app.salesloft.create_mapping("crm_lead", "people", ODD, 578495206)
    async with connect() as client:
        (row,) = await read(client, mapping_uri("crm_lead", "people", ODD))
        nobody = await read(client, mapping_uri("crm_lead", "people", "nobody"))
    assert (row["external_id"], row["object_id"]) == (ODD, 578495206)
    assert nobody == []


async def test_all_ids_of_an_object_are_read_together(connect: Connect) -> None:
    async with connect() as client:
        rows = await read(client, object_uri("people", 207550815))
        same = await read(client, "salesloft://external/objects/person/207550815/mappings")
    assert {row["external_type"] for row in rows} == {"sdfc_lead", "sdfc_contact"}
    assert same == rows


async def test_deleted_mappings_are_not_read(connect: Connect, app: App) -> None:
    (gone, *_) = (await app.salesloft.list_mappings(object_type="people", deleted=True)).rows
    async with connect() as client:
        assert await read(client, mapping_uri(gone.external_type, "people", gone.external_id)) == []


async def test_the_templates_are_listed(connect: Connect) -> None:
    async with connect() as client:
        templates = (await client.list_resource_templates()).resource_templates
    assert [one.uri_template.removeprefix("salesloft://external/") for one in templates] == [
        "configurations/{external_type}/{object_type}",
        "mappings/{external_type}/{object_type}/{external_id}",
        "objects/{object_type}/{object_id}/mappings",
        "plans/{plan}",
    ]
    assert all(one.title and one.description and one.mime_type == "application/json" for one in templates)


async def test_an_address_of_nothing_is_told_as_such(connect: Connect) -> None:
    async with connect() as client:
        for uri, words in [
            (f"{CONFIGURATIONS}/crn/users", "there is no such live configuration"),
            (f"{CONFIGURATIONS}/crm/leads", "object_type: must be people, accounts or users"),
            ("salesloft://external/mappings/crm_lead/people/..", "external_id: cannot be a path step"),
            ("salesloft://external/mappings/crm_lead/people/%2e%2e", "external_id: cannot be a path step"),
            ("salesloft://external/mappings/crm_lead/people/%20%20", "external_id: is blank"),
            ("salesloft://external/mappings/%20/people/CONTACT3456", "external_type: is blank"),
            ("salesloft://external/mappings/crm_lead/people/a%00b", "external_id: has a character that cannot be sent"),
            ("salesloft://external/mappings/crm_lead/people/" + "x" * 1_025, "external_id: has 1025 characters"),
            ("salesloft://external/objects/people/x/mappings", "object_id: must be a whole number above 0"),
            ("salesloft://external/objects/people/0/mappings", "object_id: must be a whole number above 0"),
            ("salesloft://external/objects/people/-1/mappings", "object_id: must be a whole number above 0"),
            (f"salesloft://external/objects/people/{2**63}/mappings", "object_id: must be a whole number above 0"),
            ("salesloft://external/nothing", "Unknown resource"),
            ("salesloft://elsewhere/configurations", "Unknown resource"),
            ("file:///etc/passwd", "Unknown resource"),
            ("https://example.com/", "Unknown resource"),
            ("no address", "Unknown resource"),
        ]:
            with pytest.raises(MCPError) as raised:
                await client.read_resource(uri)
            assert raised.value.error.code == INVALID_PARAMS
            assert raised.value.error.data == {"uri": uri}
            assert words in raised.value.error.message


async def test_an_object_with_more_ids_than_a_page_is_never_shown_in_part(connect: Connect, app: App) -> None:
    for number in range(101):
        await app.salesloft.create_mapping("crm", "users", f"many-{number}", 5)
    async with connect() as client:
        with pytest.raises(MCPError, match="list_external_id_mappings"):
            await client.read_resource(object_uri("users", 5))


async def test_the_list_stands_without_configurations_while_salesloft_cannot_be_asked(
    connect: Connect, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault("status", status=401, times=None))
    async with connect() as client:
        assert [str(one.uri) for one in (await client.list_resources()).resources] == [CONFIGURATIONS]
        with pytest.raises(MCPError, match="does not accept this token"):
            await client.read_resource(CONFIGURATIONS)


async def test_a_list_never_waits_for_a_minute_of_the_rate_limit(connect: Connect, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("status", status=429, retry_after=50, times=None))
    async with connect() as client:
        with anyio.fail_after(8):
            assert len((await client.list_resources()).resources) == 1
        with anyio.fail_after(8), pytest.raises(MCPError, match="retry_after_seconds"):
            await client.read_resource(CONFIGURATIONS)
