"""Nothing is created under an external id that looks damaged before a person has agreed; what stands is left alone."""

from typing import Any

import pytest

from salesloft_mcp.app import App
from salesloft_mcp.sandbox import Sandbox
from tests.conftest import Connect
from tests.server.calling import call, refused, writes
from tests.server.human import YES, Human
from tests.server.test_tools_upserts import PERSON, mapped

pytestmark = pytest.mark.anyio

MAPPING = "create_external_id_mapping"
HEADLINE = "Write what looks damaged"
DAMAGED = {
    "5.78E+08": "a number that a spreadsheet shortened",
    "00123 ": "a space at its end",
    "2024-01-05": "a date or a time",
    "A\u200b1": "an invisible character (U+200B)",
    "N/A": "a word for nothing",
}


def of(tool: str, external_id: str) -> dict[str, Any]:
    """The arguments of a call that creates something under this external id."""
    key = {"external_type": "crm_lead", "external_id": external_id}
    if tool == MAPPING:
        return {**key, "object_type": "people", "object_id": 578495206}
    return {**key, "person": {"email_address": "ann@new.test"}}


@pytest.mark.parametrize("tool", [MAPPING, PERSON])
@pytest.mark.parametrize("external_id", DAMAGED)
async def test_a_person_is_asked_and_told_why_it_looks_damaged(
    connect: Connect, app: App, sandbox: Sandbox, tool: str, external_id: str
) -> None:
    human = Human(action="decline")
    async with connect(elicitation_callback=human) as client:
        words = await refused(client, tool, **of(tool, external_id))
        (question,) = human.questions
        assert question.startswith(HEADLINE)
        assert f"\nwhat looks damaged: the external id ({DAMAGED[external_id]})\n" in question
        assert f"What looks damaged: the external id ({DAMAGED[external_id]})." in words
        assert writes(sandbox) == []
        human.action, human.answer = "accept", YES
        created = await call(client, tool, **of(tool, external_id))
        again = await call(client, tool, **of(tool, external_id))
    assert created.data["status"] == "created"
    assert created.data["agreed"] == "asked through the client"
    assert again.data["status"] == "unchanged"
    assert len(human.questions) == 2  # nobody is asked about what stands there already
    assert await mapped(app, external_id) == [created.data["object_id"]]


@pytest.mark.parametrize("tool", [MAPPING, PERSON])
async def test_a_client_that_cannot_ask_is_told_why_and_the_ways_on(
    connect: Connect, app: App, sandbox: Sandbox, tool: str
) -> None:
    async with connect() as client:
        preview = await call(client, tool, **of(tool, "00123 "), preview=True)
        words = await refused(client, tool, **of(tool, "00123 "))
        assert writes(sandbox) == []
        (pending,) = await app.approvals.pending()
        assert await app.approvals.decide(pending.id, yes=True)
        reply = await call(client, tool, **of(tool, "00123 "))
    assert preview.data["question"].startswith(HEADLINE)
    assert words.startswith(
        "this needs a person's yes, and this client cannot ask. "
        "What looks damaged: the external id (a space at its end). "
        "Nothing was changed;"
    )
    assert "give it as your own system holds it, or a person runs `salesloft-mcp approvals" in words
    assert reply.data["agreed"] == "approved in a terminal"


async def test_a_deletion_of_a_damaged_id_is_taken_back_without_that_reason(connect: Connect, app: App) -> None:
    await app.salesloft.create_mapping("crm_lead", "people", "N/A", 578495206)
    key = {"external_type": "crm_lead", "object_type": "people", "external_id": "N/A"}
    human = Human(YES)
    async with connect(elicitation_callback=human) as client:
        gone = await call(client, "delete_external_id_mapping", **key)
        back = await call(client, "undo_change", change=gone.data["change_id"])
    assert back.data["status"] == "created"
    assert len(human.questions) == 1
    assert "looks damaged" not in human.questions[0]
    assert await mapped(app, "N/A") == [578495206]


async def test_an_id_that_replaces_another_is_told_with_its_damage(connect: Connect) -> None:
    human = Human(action="decline")
    async with connect(elicitation_callback=human) as client:
        await refused(client, MAPPING, **of(MAPPING, "00123 "), instead_of="CONTACT3456")
    (question,) = human.questions
    assert question.startswith("Replace an external id")
    assert "what looks damaged: the external id (a space at its end)" in question


@pytest.mark.parametrize("tool", [MAPPING, PERSON])
async def test_nobody_is_asked_where_the_type_is_not_configured(connect: Connect, tool: str) -> None:
    human = Human(YES)
    async with connect(elicitation_callback=human) as client:
        words = await refused(client, tool, **{**of(tool, "00123 "), "external_type": "crm_leads"})
    assert words.startswith('external_type: "crm_leads" is not configured for people.')
    assert human.questions == []
