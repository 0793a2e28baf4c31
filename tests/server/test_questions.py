"""What a person is asked about, in which words, and what asking costs."""

from typing import Any

import pytest
from mcp.client import Client

from salesloft_mcp.app import App
from salesloft_mcp.salesloft.fields import PersonFields
from salesloft_mcp.sandbox import Fault, Sandbox
from tests.conftest import Connect
from tests.server.calling import call, refused, writes
from tests.server.human import YES, Human
from tests.server.logged import lines

pytestmark = pytest.mark.anyio

WHERE = 'in SANDBOX (http://sandbox.localhost), team "Northwind Software (sandbox)" (100013)?'
DELETE, UNCONFIGURE = "delete_external_id_mapping", "delete_external_id_configuration"
PERSON, ACCOUNT = "upsert_person_by_external_id", "upsert_account_by_external_id"
CONTACT = {"external_type": "crm_lead", "object_type": "people", "external_id": "CONTACT3456"}
OF_PERSON = {"external_type": "crm_lead", "external_id": "CONTACT3456"}
OF_ACCOUNT = {"external_type": "sdfc_account", "external_id": "ABC"}
MARKETING = {"external_type": "marketing", "object_type": "accounts"}
STOP = {"do_not_contact": True}
EVERY_CHANNEL = ["call", "email", "message"]


async def asked(connect: Connect, tool: str, **arguments: Any) -> list[str]:
    """The lines of the one question of a call, which the person declines."""
    human = Human(action="decline")
    async with connect(elicitation_callback=human) as client:
        await refused(client, tool, **arguments)
    (question,) = human.questions
    return question.split("\n")


def sent(sandbox: Sandbox) -> list[str]:
    """Every request but the one that asks for the team, which is sent once a process."""
    found = [f"{one.method} {one.raw_path.decode()}" for one in sandbox.requests]
    return [one for one in found if one != "GET /v2/team"]


async def test_the_question_of_a_deletion_names_the_place_the_mapping_and_the_last_change(connect: Connect) -> None:
    assert await asked(connect, DELETE, **CONTACT) == [
        f"Delete this external id mapping {WHERE}",
        'external id: "CONTACT3456"',
        'external type: "crm_lead"',
        "record: person 578495206",
        "mapping id: 5004",
        "what happens: the record stays, but is no longer found by this external id",
        "last change here: none",
    ]


async def test_the_question_of_a_configuration_says_how_much_hangs_on_it_and_comes_back(connect: Connect) -> None:
    assert await asked(connect, UNCONFIGURE, **MARKETING) == [
        f"Delete this external id configuration {WHERE}",
        'external type: "marketing"',
        "object type: accounts",
        "configuration id: 227",
        "live mappings that use it: 29",
        "way back: undo; its mappings come back with it",
        "what happens: Salesloft finds no record by this external type any more; the mappings stay, and are of no use",
        "last change here: none",
    ]


async def test_the_question_of_a_move_names_both_records_and_the_one_of_another_id_both_ids(connect: Connect) -> None:
    tool = "create_external_id_mapping"
    moved = await asked(connect, tool, **CONTACT, object_id=207550815, move_from=578495206)
    assert moved[:5] == [
        f"Move this external id to another record {WHERE}",
        'external id: "CONTACT3456"',
        'external type: "crm_lead"',
        "record: person 578495206 → person 207550815",
        "mapping id that goes: 5004",
    ]
    new = {**CONTACT, "external_id": "NEW"}
    replaced = await asked(connect, tool, **new, object_id=578495206, instead_of="CONTACT3456")
    assert replaced[:5] == [
        f"Replace an external id {WHERE}",
        'external id: "CONTACT3456" → "NEW"',
        'external type: "crm_lead"',
        "record: person 578495206",
        "mapping id that goes: 5004",
    ]


async def test_every_field_that_rides_along_is_named_with_its_old_and_its_new_value(connect: Connect, app: App) -> None:
    await app.salesloft.upsert_person("crm_lead", "CONTACT3456", PersonFields(title="Clerk", city="Oslo", tags=["b"]))
    question = await asked(
        connect, PERSON, **OF_PERSON, person={**STOP, "title": "CEO", "tags": ["a"], "clear": ["city"]}
    )
    assert question[0] == f"Set do_not_contact {WHERE}"
    assert {
        "record: person 578495206",
        "field do_not_contact: false → true",
        'field title: "Clerk" → "CEO"',
        'field city: "Oslo" → (empty)',
        'field tags: "b" → "a"',
    } <= set(question)


async def test_a_new_person_is_named_by_everything_that_is_written(connect: Connect) -> None:
    new = {**OF_PERSON, "external_id": "new"}
    one = await asked(connect, PERSON, **new, person={**STOP, "email_address": "a@x.test"})
    assert {"record: a new one", 'external id: "new"', 'field email_address: "a@x.test"'} <= set(one)


async def test_what_is_cut_tells_its_length_and_a_digest_so_that_two_that_begin_alike_differ(connect: Connect) -> None:
    questions = []
    for end in ("-approved", "-swapped!"):
        title = "L" * 190 + end
        (line,) = [
            one
            for one in await asked(connect, PERSON, **OF_PERSON, person={**STOP, "title": title})
            if one.startswith("field title")
        ]
        assert "(199 characters, SHA-256 " in line
        assert len(line) < 250
        questions.append(line)
    assert questions[0] != questions[1]


async def test_a_refusal_is_no_change_and_yet_makes_the_next_question_another_one(
    connect: Connect,
) -> None:
    human = Human(action="decline")
    async with connect(elicitation_callback=human) as client:
        await refused(client, DELETE, **CONTACT)
        await refused(client, DELETE, **CONTACT)
        await refused(client, PERSON, **OF_PERSON, person=STOP)
        await refused(client, DELETE, **{**CONTACT, "external_id": "CONTACT1001"})
    none = "last change here: none"
    said = [[line for line in question.splitlines() if " here: " in line] for question in human.questions]
    assert said == [[none], [none, "last refused here: 1"], [none, "last refused here: 2"], [none]]


async def test_a_no_is_logged_with_what_was_declined(connect: Connect, app: App) -> None:
    await asked(connect, DELETE, **CONTACT)
    await asked(connect, UNCONFIGURE, **MARKETING)
    assert await lines(app) == [(DELETE, "CONTACT3456", "declined"), (UNCONFIGURE, "", "declined")]
    async with connect() as client:
        listed = (await call(client, "list_changes")).data["changes"]
    assert [row["agreed"] for row in listed] == ["declined", "declined"]
    assert [row["changes"][0]["outcome"] for row in listed] == ["declined", "declined"]


@pytest.mark.parametrize(
    ("tool", "arguments", "headline"),
    [
        (PERSON, {**OF_PERSON, "person": STOP}, "Set do_not_contact"),
        (ACCOUNT, {**OF_ACCOUNT, "account": STOP}, "Set do_not_contact"),
        (PERSON, {**OF_PERSON, "person": {"contact_restrictions": EVERY_CHANNEL}}, "Restrict every way of contact"),
        (ACCOUNT, {**OF_ACCOUNT, "account": {"archived": True}}, "Archive this account"),
    ],
    ids=["a person", "an account", "every channel", "archived"],
)
class TestWhatStopsContact:
    """It is hard to take back, so a person agrees."""

    async def test_asks_once_and_not_again_when_it_is_so(
        self, connect: Connect, tool: str, arguments: dict[str, Any], headline: str
    ) -> None:
        human = Human(YES)
        async with connect(elicitation_callback=human) as client:
            first = await call(client, tool, **arguments)
            again = await call(client, tool, **arguments)
        assert (first.data["status"], again.data["status"]) == ("updated", "unchanged"), (first, again)
        assert first.data["agreed"] == "asked through the client"
        (question,) = human.questions
        assert question.startswith(f"{headline} {WHERE}")

    async def test_is_not_written_without_a_yes(
        self, connect: Connect, sandbox: Sandbox, tool: str, arguments: dict[str, Any], headline: str
    ) -> None:
        await asked(connect, tool, **arguments)
        assert writes(sandbox) == []


@pytest.mark.parametrize(
    "person", [{"title": "CEO"}, {"contact_restrictions": ["call", "email"]}, {"do_not_contact": False}], ids=str
)
async def test_nobody_is_asked_about_what_can_be_taken_back(connect: Connect, person: dict[str, Any]) -> None:
    human = Human(action="decline")
    async with connect(elicitation_callback=human) as client:
        reply = await call(client, PERSON, **OF_PERSON, person=person)
    assert human.questions == []
    assert reply.data["agreed"] == "nobody was asked"


async def test_stopping_an_account_says_that_all_its_people_stop(connect: Connect) -> None:
    question = await asked(connect, ACCOUNT, **OF_ACCOUNT, account=STOP)
    assert any("every person of the account, leaves all running cadences" in line for line in question)


async def configurations_and_count(client: Client, sandbox: Sandbox) -> list[str]:
    """What the question of a configuration costs."""
    sandbox.requests.clear()
    await refused(client, UNCONFIGURE, **MARKETING)
    return sent(sandbox)


async def test_a_question_that_is_declined_costs_no_more_than_a_count(connect: Connect, sandbox: Sandbox) -> None:
    async with connect(elicitation_callback=Human(action="decline")) as client:
        found = await configurations_and_count(client, sandbox)
    rounds = found.count("GET /v2/external/configurations")
    assert rounds in (1, 2)  # the newer protocol builds the question anew with the answer
    assert found == ["GET /v2/external/configurations", "GET /v2/external/mappings"] * rounds
    counts = [one for one in sandbox.requests if one.raw_path == b"/v2/external/mappings"]
    assert all(one.cost == 1 for one in counts)


async def test_a_deletion_costs_two_reads_and_itself(
    connect: Connect, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with connect(elicitation_callback=Human(YES)) as client:
        await call(client, DELETE, **CONTACT)
        assert len([one for one in sandbox.requests if one.raw_path == b"/v2/team"]) == 1
        sandbox.requests.clear()
        await call(client, DELETE, **{**CONTACT, "external_id": "CONTACT1001"})
    found = [f"{one.method} {one.raw_path.decode()}" for one in sandbox.requests]
    assert found[-1].startswith("DELETE ")
    assert set(found[:-1]) == {"GET /v2/external/mappings"}
    assert len(found) <= 3


async def test_while_salesloft_does_not_say_which_team_it_is_nobody_is_asked(
    connect: Connect, sandbox: Sandbox
) -> None:
    sandbox.faults.add(Fault("raw", path="/v2/team", status=200, body=b"<html>", times=None))
    human = Human(YES)
    async with connect(elicitation_callback=human) as client:
        result = await client.call_tool("delete_external_id_mapping", {**OF_PERSON, "object_type": "people"})
    assert result.is_error
    assert human.questions == []
    assert writes(sandbox) == []
