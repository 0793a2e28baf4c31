"""A mapping whose row shows no id can be deleted where another list gives its id, and only there."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from salesloft_mcp.app import App
from salesloft_mcp.changes import mappings
from salesloft_mcp.salesloft.models import MappingKey
from salesloft_mcp.sandbox import Sandbox
from tests.conftest import Connect
from tests.server.calling import call, refused, writes
from tests.server.human import YES, Human

pytestmark = pytest.mark.anyio

CONTACT = {"external_type": "crm_lead", "object_type": "people", "external_id": "CONTACT3456"}
MAP, UNMAP = "create_external_id_mapping", "delete_external_id_mapping"
BEATRIZ, ANN = 578495206, 207550001


class Odd(Sandbox):
    """Shows no ids of mappings in lists that are filtered by one of these, and none of what was just created."""

    hides: tuple[bytes, ...] = (b"external_id=",)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        hidden = scope.get("method") == "POST" or any(name in scope.get("query_string", b"") for name in self.hides)

        async def without_ids(message: Any) -> None:
            if message["type"] == "http.response.body" and message["body"] and b"external_id" in message["body"]:
                found = json.loads(message["body"])
                rows = found["data"] if isinstance(found["data"], list) else [found["data"]]
                for row in rows:
                    row.pop("id", None)
                message = {**message, "body": json.dumps(found).encode()}
            await send(message)

        mappings = scope.get("path") == "/v2/external/mappings"
        await super().__call__(scope, receive, without_ids if mappings and hidden else send)


class Odder(Odd):
    """Shows ids only in the list of a whole type."""

    hides = (b"external_id=", b"object_id=")


@pytest.fixture(params=[Odd, Odder])
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    with request.param() as sandbox:
        yield sandbox


async def holders(app: App, external_id: str = "CONTACT3456") -> list[int]:
    found = await app.salesloft.list_mappings(external_type="crm_lead", external_id=external_id, deleted=False)
    assert [row.id for row in found.rows] == [None] * len(found.rows)
    return [row.object_id for row in found.rows]


async def test_it_is_deleted_by_the_id_of_another_list_after_a_yes(
    connect: Connect, app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("salesloft_mcp.changes.apply.FRESH_SECONDS", 0.0)  # it is read again after the yes
    async with connect(elicitation_callback=(human := Human(YES))) as client:
        reply = await call(client, UNMAP, **CONTACT)
    assert "mapping id: 5004" in human.questions[0]
    assert reply.data["status"] == "deleted"
    assert writes(sandbox) == ["DELETE /v2/external/mappings/5004"]
    assert await holders(app) == []


async def test_the_mapping_id_of_a_call_is_held_against_the_one_that_was_found(
    connect: Connect, sandbox: Sandbox
) -> None:
    async with connect(elicitation_callback=Human(YES)) as client:
        words = await refused(client, UNMAP, **CONTACT, mapping_id=5005)
        assert words.startswith("mapping_id: this external id has no mapping 5005. Nothing was deleted.")
        assert "give the right one: 5004 (person 578495206)." in words
        other = {"external_type": "crm_lead", "object_type": "people", "configuration_id": 7}
        words = await refused(client, "delete_external_id_configuration", **other)
        assert words.startswith("configuration_id: this external type has no configuration 7 for people.")
        assert "give the right one: 226." in words
        assert writes(sandbox) == []
        assert (await call(client, UNMAP, **CONTACT, mapping_id=5004)).data["status"] == "deleted"


async def test_it_is_moved_replaced_and_undone(connect: Connect, app: App) -> None:
    async with connect(elicitation_callback=Human(YES)) as client:
        await call(client, MAP, **CONTACT, object_id=ANN, move_from=BEATRIZ)
        assert await holders(app) == [ANN]
        await call(client, "undo_change", change=1)
        assert await holders(app) == [BEATRIZ]
        await call(client, MAP, **{**CONTACT, "external_id": "007"}, object_id=BEATRIZ, instead_of="CONTACT3456")
        assert (await holders(app), await holders(app, "007")) == ([], [BEATRIZ])
        await call(client, MAP, **{**CONTACT, "external_id": "008"}, object_id=BEATRIZ)
        await call(client, "undo_change", change=4)
    assert await holders(app, "008") == []


async def test_of_two_rows_that_fit_none_is_deleted_on_a_guess(connect: Connect, app: App, sandbox: Sandbox) -> None:
    sandbox.enforce_unique = False
    await app.salesloft.create_mapping("crm_lead", "people", "CONTACT3456", BEATRIZ)
    sandbox.requests.clear()
    async with connect(elicitation_callback=Human(YES)) as client:
        words = await refused(client, MAP, **CONTACT, object_id=ANN, move_from=BEATRIZ)
        await refused(client, UNMAP, **CONTACT)
    assert "2 mappings of person 578495206 fit" in words
    assert writes(sandbox) == []
    key = MappingKey("crm_lead", "people", "CONTACT3456")
    assert await mappings.with_id(app.salesloft, key, {"object_id": BEATRIZ}) == {"object_id": BEATRIZ}


@pytest.mark.parametrize("sandbox", [Odder], indirect=True)
async def test_the_list_of_a_large_type_is_not_searched(
    connect: Connect, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("salesloft_mcp.changes.mappings.MOST_SEARCHED", 10)
    async with connect(elicitation_callback=Human(YES)) as client:
        words = await refused(client, UNMAP, **CONTACT)
    assert words.startswith("Salesloft shows no id for this mapping, and its deletion needs one.")
    assert writes(sandbox) == []
