"""The document on deleting a mapping. The API reference shows the id that this needs, the guide does not."""

from collections.abc import Iterator

import pytest
from mcp.client import ClientRequestContext
from mcp_types import ElicitRequestParams, ElicitResult

from salesloft_mcp import errors
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.settings import Dialect
from tests.conftest import Connect
from tests.document import proves
from tests.test_document import MAPPINGS, call, raw, refused, resolved, rows

pytestmark = pytest.mark.anyio

CONTACT = {"external_type": "crm_lead", "object_type": "people", "external_id": "CONTACT3456"}
guide = pytest.mark.parametrize("dialect", ["guide"])
reference = pytest.mark.parametrize("dialect", ["reference"])


@pytest.fixture
def sandbox(dialect: Dialect) -> Iterator[Sandbox]:
    with Sandbox(dialect=dialect) as sandbox:
        yield sandbox


async def agree(_: ClientRequestContext, __: ElicitRequestParams) -> ElicitResult:
    return ElicitResult(action="accept", content={"confirm": True})


async def decline(_: ClientRequestContext, __: ElicitRequestParams) -> ElicitResult:
    return ElicitResult(action="decline")


def deletions(sandbox: Sandbox) -> list[tuple[bytes, int | None]]:
    return [(request.raw_path, request.status) for request in sandbox.requests if request.method == "DELETE"]


@proves("DELETE-MAPPING", "DELETE-MAPPING-ENDPOINT", "CREATE-MAPPING-DELETABLE")
@reference
async def test_a_mapping_goes_when_a_person_agrees_and_the_record_stays(sandbox: Sandbox, connect: Connect) -> None:
    (row,) = await rows(sandbox, MAPPINGS, **CONTACT)
    async with connect(elicitation_callback=agree) as client:
        await call(client, "delete_external_id_mapping", **CONTACT)
        assert await resolved(client, "CONTACT3456", "crm_lead") == []
    assert deletions(sandbox) == [(f"{MAPPINGS}/{row['id']}".encode(), 204)]
    assert len(await rows(sandbox, "/v2/people", **{"ids[]": 578495206})) == 1


@proves("CREATE-MAPPING-DELETABLE", "CREATE-MAPPING-IMMUTABLE")
@reference
async def test_after_a_deletion_the_id_can_be_mapped_to_another_object(connect: Connect) -> None:
    async with connect(elicitation_callback=agree) as client:
        await call(client, "delete_external_id_mapping", **CONTACT)
        made = await call(client, "create_external_id_mapping", **CONTACT, object_id=207550815)
        assert await resolved(client, "CONTACT3456", "crm_lead") == [("people", 207550815)]
    assert made["status"] == "created"


@proves("DELETE-MAPPING-ENDPOINT")
@reference
async def test_a_no_or_nobody_to_ask_deletes_nothing(sandbox: Sandbox, connect: Connect) -> None:
    async with connect(elicitation_callback=decline) as client:
        assert "Nothing was changed" in await refused(client, "delete_external_id_mapping", **CONTACT)
    async with connect() as client:
        assert "Nothing was changed" in await refused(client, "delete_external_id_mapping", **CONTACT)
    assert deletions(sandbox) == []


@proves("DELETE-MAPPING-ENDPOINT", "CREATE-MAPPING-ANSWER")
@guide
async def test_where_no_id_is_shown_none_is_guessed_and_nothing_goes(sandbox: Sandbox, connect: Connect) -> None:
    async with connect(elicitation_callback=agree) as client:
        words = await refused(client, "delete_external_id_mapping", **CONTACT)
        await refused(client, "delete_external_id_mapping", **CONTACT, mapping_id=5004)
        assert await resolved(client, "CONTACT3456", "crm_lead") == [("people", 578495206)]
    assert "shows no id for this mapping" in words
    assert deletions(sandbox) == []


@proves("DELETE-MAPPING")
@reference
async def test_whether_a_mapping_may_go_is_for_salesloft_to_say(sandbox: Sandbox, connect: Connect) -> None:
    sandbox.faults.add(Fault("status", method="DELETE", status=403))
    async with connect(elicitation_callback=agree) as client:
        assert "(403)" in await refused(client, "delete_external_id_mapping", **CONTACT)
        assert await resolved(client, "CONTACT3456", "crm_lead") == [("people", 578495206)]


@proves("DELETE-MAPPING", "DELETE-MAPPING-STATUS")
@pytest.mark.parametrize("dialect", ["guide", "reference"])
async def test_the_typed_deletion_is_answered_with_204_and_no_body(sandbox: Sandbox) -> None:
    async with raw(sandbox) as http:
        await Salesloft(http).delete_mapping(5001)
        with pytest.raises(errors.NotFoundError):
            await Salesloft(http).delete_mapping(5001)
        answer = await http.delete(f"{MAPPINGS}/5002")
    assert (answer.status_code, answer.content) == (204, b"")
    assert deletions(sandbox)[0] == (f"{MAPPINGS}/5001".encode(), 204)


@proves("DELETE-MAPPING-ENDPOINT")
@pytest.mark.parametrize("dialect", ["guide", "reference"])
async def test_the_sandbox_may_show_the_id_of_a_mapping_in_plain_lists_alone(dialect: Dialect) -> None:
    with Sandbox(dialect=dialect, odd=["ids-in-plain-lists"]) as sandbox:
        by_id = await rows(sandbox, MAPPINGS, external_id="CONTACT3456")
        by_type = await rows(sandbox, MAPPINGS, external_type="crm_lead", object_id=578495206)
        async with raw(sandbox) as api:
            assert not any("id" in row for row in by_id)
            assert (await api.delete(f"{MAPPINGS}/{by_type[0]['id']}")).status_code == 204
