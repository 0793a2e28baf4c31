"""The demo keeps what the README promises, and says so when it does not."""

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from mcp.client import Client
from mcp.server import MCPServer
from mcp_types import CallToolResult, TextContent

from salesloft_mcp.cli import cli
from salesloft_mcp.demo.session import Event, Session
from salesloft_mcp.demo.show import show
from tests.hosting.program import clean_environment, run

Json = dict[str, Any]
Wrong = Callable[[], CallToolResult]


@pytest.fixture(scope="module")
def transcript(tmp_path_factory: pytest.TempPathFactory) -> list[Json]:
    """The whole conversation, held once."""
    done = run("demo", "--json", env=clean_environment(tmp_path_factory.mktemp("home")))
    assert (done.returncode, done.stderr) == (0, "")
    found: list[Json] = json.loads(done.stdout)
    return found


def answers(transcript: list[Json], tool: str) -> list[Json]:
    """What each call of a tool came to, in order."""
    kinds = [event for event in transcript if event["kind"] in ("calls", "answers")]
    return [after for before, after in pairwise(kinds) if before["words"] == tool]


def test_every_line_has_a_kind_words_and_data(transcript: list[Json]) -> None:
    assert {tuple(event) for event in transcript} == {("kind", "words", "data")}
    assert {event["kind"] for event in transcript} == {"person", "calls", "answers", "reads", "asks", "decides"}


def test_it_says_first_that_this_is_the_sandbox(transcript: list[Json]) -> None:
    first = answers(transcript, "get_connection")[0]
    assert first["data"]["environment"] == "SANDBOX"
    assert transcript.index(first) == 2


def test_an_answer_is_a_sentence_and_its_data_once(transcript: list[Json]) -> None:
    successes = [event for event in transcript if event["kind"] == "answers" and not event["data"]["isError"]]
    assert successes
    assert all(event["data"]["points_spent"] > 0 for event in successes)
    assert not [event["words"] for event in successes if "\n" in event["words"] or "points_spent" in event["words"]]


def test_it_reads_a_resource(transcript: list[Json]) -> None:
    (read,) = [event for event in transcript if event["kind"] == "reads"]
    assert "crm_lead" in {row["external_type"] for row in json.loads(read["data"]["text"])}


@pytest.mark.parametrize("tool", ["create_external_id_configuration", "create_external_id_mapping"])
def test_it_creates_a_configuration_and_a_mapping(transcript: list[Json], tool: str) -> None:
    assert answers(transcript, tool)[0]["data"]["status"] == "created"


def test_it_resolves_the_contact_to_a_person(transcript: list[Json]) -> None:
    resolved = answers(transcript, "resolve_external_ids")[0]["data"]
    assert resolved["found"][0]["ids"] == {"CONTACT3456": 578495206}
    assert resolved["record"]["id"] == 578495206


def test_an_upsert_says_truthfully_what_it_did(transcript: list[Json]) -> None:
    said = [answer["data"]["status"] for answer in answers(transcript, "upsert_person_by_external_id")]
    assert said == ["created", "updated", "unchanged"]


def test_a_conflict_is_refused_with_the_next_step(transcript: list[Json]) -> None:
    conflict = answers(transcript, "create_external_id_mapping")[1]
    assert conflict["data"]["isError"] is True
    assert "already mapped" in conflict["words"]
    assert "\nNext: " in conflict["words"]


def test_a_deletion_is_declined_once_and_confirmed_once(transcript: list[Json]) -> None:
    asked = [event["words"] for event in transcript if event["kind"] == "asks"]
    assert len(asked) == 2
    # The same deletion; the no stands between, so neither answer fits the other question.
    assert asked[1].startswith(f"{asked[0]}\nlast refused here: ")
    assert asked[0].startswith("Delete this external id mapping in SANDBOX")
    assert [event["words"] for event in transcript if event["kind"] == "decides"] == ["decline", "accept"]
    missing = answers(transcript, "resolve_external_ids")[1]["data"]["missing"]
    assert missing == ["CONTACT9001"]


def test_it_ends_with_the_points_that_were_spent(transcript: list[Json]) -> None:
    spent = sum(event["data"].get("points_spent", 0) for event in transcript if event["kind"] == "answers")
    last = transcript[-1]["words"]
    assert last.startswith("So ")
    assert spent <= int(last.split()[1]) <= 60


def test_a_person_sees_the_same_as_a_conversation(tmp_path: Path) -> None:
    done = run("demo", env=clean_environment(tmp_path, COLUMNS="120"))
    assert (done.returncode, done.stderr) == (0, "")
    for words in ("Who is CONTACT3456?", "578495206", "The server asks the person", "API points"):
        assert words in done.stdout


def refused() -> CallToolResult:
    return CallToolResult(is_error=True, content=[TextContent(type="text", text="already mapped")])


def other() -> CallToolResult:
    return CallToolResult(content=[], structured_content={"status": "updated"})


def empty() -> CallToolResult:
    return CallToolResult(content=[])


def created() -> CallToolResult:
    return CallToolResult(
        content=[TextContent(type="text", text="already mapped")], structured_content={"status": "created"}
    )


async def kept(answer: Wrong, promise: Json | str) -> bool:
    """Whether a session believes that `answer` is what was promised."""
    server = MCPServer[None]("wrong")
    server.add_tool(answer, name="tool")
    session = Session(None)
    async with Client(server) as client:
        session.client = client
        await session.call("tool", promise)
    return session.as_promised


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("answer", "promise", "is_kept"),
    [
        (created, {"status": "created"}, True),
        (refused, "already mapped", True),
        (other, {"status": "created"}, False),
        (empty, {"status": "created"}, False),
        (refused, {}, False),
        (created, "already mapped", False),
        (refused, "something else", False),
    ],
)
async def test_an_answer_is_held_against_its_promise(answer: Wrong, promise: Json | str, is_kept: bool) -> None:
    assert await kept(answer, promise) is is_kept


@pytest.mark.anyio
async def test_a_resource_is_held_against_its_promise_too() -> None:
    server = MCPServer[None]("wrong")
    server.resource("test://one", name="one")(lambda: "something")
    session = Session(None)
    async with Client(server) as client:
        session.client = client
        await session.read("test://one", "some")
        assert session.as_promised
        await session.read("test://one", "crm_lead")
    assert not session.as_promised


@pytest.mark.anyio
async def test_one_broken_promise_is_not_forgotten() -> None:
    server = MCPServer[None]("wrong")
    server.add_tool(created, name="tool")
    session = Session(None)
    async with Client(server) as client:
        session.client = client
        await session.call("tool", {"status": "updated"})
        await session.call("tool", {"status": "created"})
    assert not session.as_promised


@pytest.mark.parametrize(("as_promised", "code"), [(True, 0), (False, 1)])
def test_the_exit_code_tells_whether_all_promises_were_kept(
    monkeypatch: pytest.MonkeyPatch, as_promised: bool, code: int
) -> None:
    async def hold_demo(_: object) -> Session:
        session = Session(None)
        session.as_promised = as_promised
        return session

    monkeypatch.setattr("salesloft_mcp.demo.talk.hold_demo", hold_demo)
    result = CliRunner().invoke(cli, ["demo", "--json"])
    assert (result.exit_code, json.loads(result.output)) == (code, [])


def test_words_with_markup_are_shown_as_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    show(Event("answers", "[bold]it[/bold] [/] is", {"isError": False, "name": "[red]x"}))
    assert "[bold]it[/bold] [/] is" in capsys.readouterr().out
