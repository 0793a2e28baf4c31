"""`salesloft-mcp approvals`: a person decides in a terminal what a client could not ask."""

import json
import os
import select
import subprocess
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import anyio
import pytest
from click.testing import CliRunner
from mcp.client import Client
from mcp_types import ElicitRequestParams, ElicitResult
from rich.console import Console

from salesloft_mcp.changes.approvals import Approvals
from salesloft_mcp.changes.change import Fact, Place
from salesloft_mcp.changes.consent import Question
from salesloft_mcp.cli import cli
from salesloft_mcp.commands.approvals import listed
from salesloft_mcp.settings import Settings
from salesloft_mcp.state.database import Database

from .conftest import Connect
from .hosting.program import COMMAND, HANG_SECONDS, clean_environment

QUESTION = Question(
    "delete_external_id_mapping",
    "Delete this mapping",
    Place("SANDBOX"),
    "digest 1",
    changes=(("delete", (Fact("external id", '"A [b]1[/b]"'),)),),
)
CONFIGURATION = Question(
    "delete_external_id_configuration", "Delete this configuration", Place("SANDBOX"), "digest 2", name="erp"
)
DoneT = TypeVar("DoneT")


class Waiting:
    """The approvals of one state directory, as another process sees them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def ask(self, question: Question) -> str:
        return self._do(lambda approvals: approvals.ask("SANDBOX", question))

    def pending(self) -> list[str]:
        return [one.id for one in self._do(lambda approvals: approvals.pending())]

    def decide(self, approval: str, yes: bool) -> bool:
        return self._do(lambda approvals: approvals.decide(approval, yes))

    def granted(self, question: Question) -> bool | None:
        decision = self._do(lambda approvals: approvals.answer("SANDBOX", question))
        return None if decision is None else decision.yes

    def run(self, *options: str, given: str | None = None) -> tuple[int, str]:
        """Run `salesloft-mcp approvals` here, with what a person types."""
        result = CliRunner().invoke(cli, ["approvals", "--state-dir", str(self.directory), *options], input=given)
        return result.exit_code, result.output

    def _do(self, work: Callable[[Approvals], Awaitable[DoneT]]) -> DoneT:
        async def working() -> DoneT:
            database = Database(self.directory)
            try:
                return await work(Approvals(database))
            finally:
                database.close()

        return anyio.run(working)


@pytest.fixture
def waiting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Waiting:
    monkeypatch.setattr("salesloft_mcp.commands.approvals.at_terminal", lambda: True)
    monkeypatch.setattr(
        "salesloft_mcp.commands.approvals.Console", partial(Console, force_terminal=True, no_color=True)
    )
    return Waiting(tmp_path / "state")


def test_what_a_program_writes_into_a_pipe_approves_nothing(tmp_path: Path) -> None:
    waiting = Waiting(tmp_path / "state")
    asked = waiting.ask(QUESTION)
    code, output = waiting.run(given="y\n")
    assert (code, waiting.pending()) == (2, [asked])
    assert "a person answers them at a terminal, and this is none." in output


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal of its own is opened as POSIX does it")
def test_what_a_person_types_at_a_terminal_approves_and_what_was_typed_before_it_was_shown_does_not(
    waiting: Waiting, tmp_path: Path
) -> None:
    waiting.ask(QUESTION)
    waiting.ask(CONFIGURATION)
    ours, theirs = os.openpty()
    command, env = [*COMMAND, "approvals", "--state-dir", str(waiting.directory)], clean_environment(tmp_path)
    os.write(ours, b"n\n")
    with subprocess.Popen(command, env=env, stdin=theirs, stdout=theirs) as process:
        os.close(theirs)
        read_until(ours, "Agree?")
        os.write(ours, b"y\nerp\n")
        read_until(ours, "Approved")
        read_until(ours, "Type the external type")
        os.write(ours, b"\n")
        read_until(ours, "Refused")
        assert process.wait(HANG_SECONDS) == 0
    os.close(ours)
    assert (waiting.granted(QUESTION), waiting.granted(CONFIGURATION)) == (True, False)


def read_until(terminal: int, wanted: str) -> None:
    """Read what a program writes to a terminal, up to some words."""
    seen = ""
    while wanted not in seen:
        assert select.select([terminal], [], [], HANG_SECONDS)[0], seen
        seen += os.read(terminal, 1).decode(errors="replace")


def test_a_question_that_went_into_a_file_is_not_agreed_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("salesloft_mcp.commands.approvals.at_terminal", lambda: True)
    waiting = Waiting(tmp_path / "state")
    asked = waiting.ask(QUESTION)
    code, output = waiting.run(given="y\n")
    assert (code, waiting.pending()) == (2, [asked])
    assert QUESTION.headline not in output


def test_without_pending_questions_it_says_so_and_where_it_looked(waiting: Waiting) -> None:
    assert waiting.run() == (0, f"Nothing waits for approval in {waiting.directory}.\n")
    assert waiting.run("--json") == (0, "[]\n")


@pytest.mark.parametrize(
    ("typed", "approved", "told"),
    [("y\n", True, "Approved"), ("\n", False, "Refused"), ("n\n", False, "Refused"), ("sure\ny\n", True, "Approved")],
)
def test_only_a_typed_y_approves(waiting: Waiting, typed: str, approved: bool, told: str) -> None:
    waiting.ask(QUESTION)
    code, output = waiting.run(given=typed)
    assert code == 0
    assert told in output
    assert waiting.granted(QUESTION) is approved
    assert waiting.pending() == []


@pytest.mark.parametrize(("typed", "approved"), [("erp\n", True), ("y\n", False), ("\n", False), ("ERP\n", False)])
def test_where_much_depends_on_it_only_the_typed_name_approves(waiting: Waiting, typed: str, approved: bool) -> None:
    waiting.ask(CONFIGURATION)
    code, output = waiting.run(given=typed)
    assert (code, "Approved" in output, "Refused" in output) == (0, approved, not approved)
    assert waiting.granted(CONFIGURATION) is approved


def test_each_question_is_put_by_itself(waiting: Waiting) -> None:
    waiting.ask(QUESTION)
    waiting.ask(CONFIGURATION)
    assert waiting.run(given="y\nno\n")[0] == 0
    assert (waiting.granted(QUESTION), waiting.granted(CONFIGURATION), waiting.pending()) == (True, False, [])


def test_the_question_is_shown_in_full_and_its_markup_is_only_text(waiting: Waiting) -> None:
    waiting.ask(QUESTION)
    _, output = waiting.run(given="\n")
    for line in QUESTION.text.splitlines():
        assert line in output
    assert QUESTION.title in output


def test_no_answer_at_all_decides_nothing(waiting: Waiting) -> None:
    asked = waiting.ask(QUESTION)
    assert waiting.run(given="")[0] == 1
    assert waiting.pending() == [asked]


def test_an_answer_that_comes_too_late_is_not_called_an_approval(
    waiting: Waiting, monkeypatch: pytest.MonkeyPatch
) -> None:
    waiting.ask(QUESTION)

    async def answered_elsewhere(*_: object) -> bool:
        return False

    monkeypatch.setattr(Approvals, "decide", answered_elsewhere)
    code, output = waiting.run(given="y\n")
    assert code == 0
    assert "Too late" in output
    assert "Approved" not in output


def test_for_machines_it_lists_and_decides_nothing(waiting: Waiting) -> None:
    asked = waiting.ask(QUESTION)
    code, output = waiting.run("--json", given="y\n")
    assert code == 0
    assert json.loads(output) == [
        {"id": asked, "environment": "SANDBOX", "tool": QUESTION.title, "question": QUESTION.text}
    ]
    assert waiting.pending() == [asked]


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_state_that_cannot_be_used_is_refused_in_words(tmp_path: Path, options: list[str]) -> None:
    (tmp_path / "state.db").write_bytes(b"no database" * 100)
    result = CliRunner().invoke(cli, ["approvals", "--state-dir", str(tmp_path), *options])
    assert result.exit_code == 2
    assert "cannot hold our state" in result.stderr


@pytest.mark.anyio
async def test_a_pending_question_has_the_words_that_a_client_would_have_shown(
    connect: Connect, settings: Settings
) -> None:
    target = {"external_type": "crm_lead", "object_type": "people", "external_id": "CONTACT3456"}
    asked: list[str] = []

    async def decline(_: object, params: ElicitRequestParams) -> ElicitResult:
        asked.append(params.message)
        return ElicitResult(action="decline")

    async with connect() as client:
        await _delete_pending(client, target)
    (pending,) = await listed(settings.state_dir)
    async with connect(elicitation_callback=decline) as client:
        await client.call_tool("delete_external_id_mapping", target)
    assert [pending["question"]] == asked


async def _delete_pending(client: Client, target: dict[str, str]) -> None:
    result = await client.call_tool("delete_external_id_mapping", target)
    assert result.is_error
    assert "approval" in str(result.content)
