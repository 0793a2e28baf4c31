"""Fifty hostile texts in the records, and as arguments: our sentence and the state are as with a harmless text."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from mcp.client import Client

from salesloft_mcp.app import App
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.sandbox.store import equal
from salesloft_mcp.settings import Settings
from tests.conftest import Connect, one_era
from tests.evals.hostile import TEXTS
from tests.evals.judge import state_of
from tests.server.human import Human, text
from tests.server.test_hostile import hidden

pytestmark = pytest.mark.anyio

era = one_era
HARMLESS = "Ann"
PEOPLE = range(207550001, 207550002 + len(TEXTS))  # the last one has the harmless text
LONGEST_LINE = 260


@dataclass(frozen=True)
class Met:
    """Our sentences, their numbers left out, and the first words of each line of the question to the person."""

    sentences: list[str]
    question: list[str]


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """More points than a minute has: this is about other things."""
    return settings.model_copy(update={"rate_limit": 100_000})


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """Each text is the name, the title and a custom field of one person, and the type and the id of one mapping."""
    with Sandbox(rate_limit=0) as sandbox:
        store = sandbox.store
        for person, called in zip(PEOPLE, (*TEXTS, HARMLESS), strict=True):
            row = store.by_id("people", person)
            assert row
            named = {
                "first_name": called,
                "last_name": called,
                "title": called,
                "custom_fields": {called: called},
                "do_not_contact": False,
            }
            store.update("people", {"fields": {**row["fields"], **named}}, equal("id", person))
            store.insert("configurations", {"external_type": called, "object_type": "people"})
            mapped = {"object_type": "people", "object_id": person, "inserted_at": "2024-03-01T08:30:00Z"}
            store.insert("mappings", {**mapped, "external_type": called, "external_id": called})
            store.insert("mappings", {**mapped, "external_type": "sdfc_lead", "external_id": f"lead of {person}"})
        yield sandbox


async def met(client: Client, human: Human, person: int, called: str) -> Met:
    """What is said where the text stands in the records, where it is handed in, and to a person who is to agree."""
    lead = f"lead of {person}"
    calls: list[tuple[str, dict[str, Any]]] = [
        ("list_external_id_mappings", {"object_type": "people", "object_id": person, "external_type": "sdfc_lead"}),
        ("resolve_external_ids", {"external_ids": [lead], "external_type": "sdfc_lead"}),
        (
            "upsert_person_by_external_id",
            {"external_type": "sdfc_lead", "external_id": lead, "person": {"do_not_contact": True, "title": "CFO"}},
        ),
    ]
    said = [await client.call_tool(tool, arguments) for tool, arguments in calls]
    assert not [char for one in said for char in hidden(one.structured_content)]
    asked = await client.call_tool("search_records", {"object_type": "accounts", "name": called})
    assert first_line(text(asked)).startswith(("# accounts", "name: ")), text(asked)
    assert called not in first_line(text(asked))
    lines = human.questions.pop().splitlines() if human.questions else []
    assert not [line for line in lines if len(line) > LONGEST_LINE or hidden(line)]
    return Met([first_line(text(one)) for one in said], [line.partition(":")[0] for line in lines])


def first_line(said: str) -> str:
    """Our sentence, its numbers left out."""
    return "".join("#" if char.isdigit() else char for char in said.partition("\n")[0])


def test_there_are_fifty_hostile_texts() -> None:
    assert len(set(TEXTS)) == len(TEXTS) == 50


async def test_neither_our_sentences_nor_the_question_nor_the_state_change_with_a_hostile_text(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    human, before = Human(action="decline"), state_of(sandbox)
    async with connect(elicitation_callback=human) as client:
        harmless = await met(client, human, PEOPLE[-1], HARMLESS)
        hostile = [(called, await met(client, human, at, called)) for at, called in zip(PEOPLE, TEXTS, strict=False)]
        listed = [
            text(await client.call_tool(tool, {}))
            for tool in ("audit_external_ids", "list_external_id_configurations", "list_changes")
        ]
    assert harmless.question
    other = [(called, one) for called, one in hostile if one != harmless]
    assert not other, f"{other[:3]} instead of {harmless}"
    assert state_of(sandbox) == before
    assert not [(said, called) for said in listed for called in TEXTS if called in said.partition("\n")[0]]
    assert not [said for said in listed if said.count("\n") != 1 or hidden(said.replace("\n", ""))]
