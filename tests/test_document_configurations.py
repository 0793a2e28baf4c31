"""The document on configurations: created, listed, deleted."""

from collections.abc import Iterator

import pytest
from mcp.client import ClientRequestContext
from mcp_types import ElicitRequestParams, ElicitResult

from salesloft_mcp.salesloft.models import ObjectType
from salesloft_mcp.sandbox import Fault, Sandbox
from tests.conftest import Connect
from tests.document import proves
from tests.test_document import CONFIGURATIONS, call, raw, read, refused, rows

pytestmark = pytest.mark.anyio

CRM = {"external_type": "crm", "object_type": "users"}


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(dialect="guide") as sandbox:
        yield sandbox


async def type_the_name(_: ClientRequestContext, __: ElicitRequestParams) -> ElicitResult:
    return ElicitResult(action="accept", content={"type_the_name": "crm"})


async def type_another_name(_: ClientRequestContext, __: ElicitRequestParams) -> ElicitResult:
    return ElicitResult(action="accept", content={"type_the_name": "CRM"})


@proves("CREATE-CONFIGURATION", "CREATE-CONFIGURATION-OBJECTS", "HOW-CONFIGURE")
@pytest.mark.parametrize("object_type", ["people", "accounts", "users"])
async def test_a_type_is_configured_for_each_kind_of_object_by_itself(
    sandbox: Sandbox, connect: Connect, object_type: ObjectType
) -> None:
    key = {"external_type": "erp", "object_type": object_type}
    async with connect() as client:
        statuses = [(await call(client, "create_external_id_configuration", **key))["status"] for _ in range(2)]
    assert statuses == ["created", "unchanged"]
    made = [row for row in await rows(sandbox, CONFIGURATIONS) if row["external_type"] == "erp"]
    assert [(row["object_type"], row["deleted"]) for row in made] == [(object_type, False)]


@proves("CREATE-CONFIGURATION-NAMES", "HOW-GENERAL-NAMES")
@pytest.mark.parametrize("name", ["external_id", "marketing_automation", "Northwind Billing v2"])
async def test_a_generic_and_a_specific_name_are_created_as_given(
    sandbox: Sandbox, connect: Connect, name: str
) -> None:
    async with connect() as client:
        await call(client, "create_external_id_configuration", external_type=name, object_type="accounts")
    newest = (await rows(sandbox, CONFIGURATIONS))[0]
    assert (newest["external_type"], newest["object_type"]) == (name, "accounts")


@proves("GLOSSARY-EXTERNAL-TYPE")
@pytest.mark.parametrize("name", ["", "x" * 256, "two\nlines"])
async def test_what_cannot_be_a_name_is_refused_before_anything_is_sent(
    sandbox: Sandbox, connect: Connect, name: str
) -> None:
    async with connect() as client:
        words = await refused(client, "create_external_id_configuration", external_type=name, object_type="people")
    assert "external_type" in words
    assert not sandbox.requests


@proves("VIEW-CONFIGURATIONS")
async def test_all_configurations_of_the_team_are_listed(sandbox: Sandbox, connect: Connect) -> None:
    async with connect() as client:
        listed = (await call(client, "list_external_id_configurations"))["configurations"]
        resource = await read(client, "salesloft://external/configurations")
    team = {(row["id"], row["external_type"], row["object_type"]) for row in await rows(sandbox, CONFIGURATIONS)}
    assert len(team) == 8
    assert {(row["id"], row["external_type"], row["object_type"]) for row in listed} == team
    assert {(row["id"], row["external_type"], row["object_type"]) for row in resource} == team


@proves("VIEW-CONFIGURATIONS", "DELETE-CONFIGURATION")
async def test_a_deleted_configuration_is_listed_only_when_asked_for(sandbox: Sandbox, connect: Connect) -> None:
    async with raw(sandbox) as api, connect() as client:
        assert (await api.delete(f"{CONFIGURATIONS}/228")).status_code == 204
        live = (await call(client, "list_external_id_configurations"))["configurations"]
        every = (await call(client, "list_external_id_configurations", include_deleted=True))["configurations"]
    assert 228 not in {row["id"] for row in live}
    assert {row["id"]: row.get("deleted") for row in every}[228] is True


@proves("DELETE-CONFIGURATION-ENDPOINT", "DELETE-CONFIGURATION", "DELETE-CONFIGURATION-STATUS")
async def test_a_configuration_is_deleted_once_a_person_has_typed_its_name(sandbox: Sandbox, connect: Connect) -> None:
    async with connect(elicitation_callback=type_the_name) as client:
        await call(client, "delete_external_id_configuration", **CRM)
        listed = (await call(client, "list_external_id_configurations"))["configurations"]
    assert "crm" not in {row["external_type"] for row in listed}
    (sent,) = (request for request in sandbox.requests if request.method == "DELETE")
    assert (sent.raw_path, sent.status) == (f"{CONFIGURATIONS}/228".encode(), 204)


@proves("DELETE-CONFIGURATION-ENDPOINT")
async def test_another_name_or_nobody_to_ask_deletes_nothing(sandbox: Sandbox, connect: Connect) -> None:
    async with connect(elicitation_callback=type_another_name) as client:
        assert "Nothing was changed" in await refused(client, "delete_external_id_configuration", **CRM)
    async with connect() as client:
        assert "Nothing was changed" in await refused(client, "delete_external_id_configuration", **CRM)
    assert "DELETE" not in {request.method for request in sandbox.requests}


@proves("DELETE-CONFIGURATION")
@pytest.mark.parametrize("status", [403, 404])
async def test_whether_a_configuration_may_go_is_for_salesloft_to_say(
    sandbox: Sandbox, connect: Connect, status: int
) -> None:
    """Who created it is shown nowhere: a refusal is told as such, and the configuration is still listed."""
    sandbox.faults.add(Fault("status", method="DELETE", status=status))
    async with connect(elicitation_callback=type_the_name) as client:
        assert f"({status})" in await refused(client, "delete_external_id_configuration", **CRM)
        listed = (await call(client, "list_external_id_configurations"))["configurations"]
    assert 228 in {row["id"] for row in listed}


@proves("DELETE-CONFIGURATION-STATUS")
async def test_the_answer_to_a_deletion_has_no_body(sandbox: Sandbox) -> None:
    async with raw(sandbox) as api:
        answer = await api.delete(f"{CONFIGURATIONS}/228")
    assert (answer.status_code, answer.content) == (204, b"")
