"""Every command is held to the policy of the computer, as the server is."""

import os
import re
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from salesloft_mcp import policy_file
from salesloft_mcp.cli import cli
from salesloft_mcp.policy_file import read

from .terminal import TO, Terminal, few_rows

ROWS = "rows.csv"  # stands for a file that is there
TO_USERS = ["--external-type", "crm_lead", "--object-type", "users"]


class Computer:
    """A computer with a policy, and a terminal on it."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "policy.toml"
        self.terminal = Terminal(folder)
        self.rows = few_rows(folder)

    def limit(self, content: str) -> None:
        self.file.write_text(content)
        self.file.chmod(0o644)

    def free(self) -> None:
        self.file.unlink()

    def __call__(self, *arguments: str, given: str | None = None) -> Result:
        return self.terminal(*(self.rows if one == ROWS else one for one in arguments), given=given)


@pytest.fixture
def computer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Computer:
    made = Computer(tmp_path)
    monkeypatch.setattr(policy_file, "place", lambda: made.file)
    monkeypatch.setattr(policy_file, "read", lambda file: read(file, os.getuid()))
    return made


def refused(result: Result) -> str:
    """What a command says that the policy forbids."""
    assert result.exit_code == 2, result.output
    assert result.stderr.count("\n") == 2
    assert re.search("policy of this computer|change the policy", result.stderr)
    return result.stderr


@pytest.mark.parametrize(
    ("limit", "options", "told"),
    [
        ("mode = 'no-delete'", ["--mode", "full"], "--mode: full is beyond the policy of this computer (mode in "),
        ("ask = 'all'", ["--ask", "overwrites"], "--ask: overwrites is beyond"),
        ("confirm = 'outside'", ["--confirm", "auto"], "--confirm: auto is beyond"),
        ("tools = ['get_connection']", ["--tools", "undo_change"], "--tools undo_change: the policy of this computer"),
        ("exclude_tools = ['undo_change']", ["--tools", "undo_change"], "(exclude_tools in "),
        ("exclude_tools = ['undo']", [], 'there is no tool "undo"'),
        ("mode = 'none'", [], "mode must be one of"),
    ],
)
def test_a_server_beyond_the_policy_does_not_start(
    computer: Computer, limit: str, options: list[str], told: str
) -> None:
    computer.limit(limit)
    said = refused(computer("serve", *options))
    assert told in said
    assert str(computer.file) in said


@pytest.mark.parametrize(
    "command",
    [
        ["serve"],
        ["resolve", "1"],
        ["audit"],
        ["backfill", "plan", ROWS, *TO],
        ["bulk-upsert", "plan", ROWS, *TO],
        ["runs", "start", "x"],
        ["runs", "resume", "x"],
        ["runs", "undo", "x"],
        ["runs", "list"],
        ["verify"],
    ],
    ids=" ".join,
)
def test_a_policy_that_cannot_be_used_stops_every_command(computer: Computer, command: list[str]) -> None:
    computer.limit("mode = 'full'")
    computer.file.chmod(0o666)
    assert "others than its owner may write to" in refused(computer(*command))


@pytest.mark.parametrize("command", ["approvals", "changes", "login", "logout"])
def test_it_stops_those_that_work_on_no_sandbox_too(computer: Computer, command: str) -> None:
    computer.limit("")
    assert "it limits nothing" in refused(CliRunner().invoke(cli, [command]))


@pytest.mark.parametrize(
    "command",
    [
        ["resolve", "1", *TO_USERS],
        ["resolve", "1"],
        ["audit", "--object-type", "users"],
        ["audit"],
        ["backfill", "plan", ROWS, *TO_USERS],
    ],
    ids=" ".join,
)
def test_commands_about_other_records_are_refused(computer: Computer, command: list[str]) -> None:
    computer.limit("object_types = ['people', 'accounts']")
    said = refused(computer(*command))
    assert said.startswith(
        "salesloft-mcp: --object-type: the policy of this computer allows people and accounts only ("
    )


def test_where_one_kind_of_record_is_allowed_a_command_is_about_it(computer: Computer) -> None:
    computer.limit("object_types = ['accounts']")
    found = computer("resolve", "CONTACT3456", "--external-type", "crm_lead", "--json")
    assert found.exit_code == 1  # it is a person, and that is not told
    assert "578495206" not in found.output
    assert computer("verify").exit_code == 2


@pytest.mark.parametrize(
    ("tool", "command"),
    [
        ("resolve_external_ids", ["resolve", "1"]),
        ("audit_external_ids", ["audit"]),
        ("plan_backfill", ["backfill", "plan", ROWS, *TO]),
        ("plan_bulk_upsert", ["bulk-upsert", "plan", ROWS, *TO]),
        ("plan_type_rename", ["rename", "plan", "crm_lead", "--to", "erp", "--object-type", "people"]),
        ("run_plan", ["runs", "start", "x"]),
        ("run_plan", ["runs", "resume", "x"]),
        ("undo_change", ["runs", "undo", "x"]),
        ("delete_external_id_configuration", ["verify"]),
    ],
)
def test_a_command_goes_with_the_tool_that_does_the_same(computer: Computer, tool: str, command: list[str]) -> None:
    computer.limit(f"exclude_tools = ['{tool}']")
    assert f"the policy of this computer does not allow it (exclude_tools in {computer.file})" in refused(
        computer(*command)
    )


def test_a_run_is_neither_begun_nor_taken_back_beyond_the_mode(computer: Computer) -> None:
    plan = computer.terminal.planned(computer.rows)
    computer.limit("mode = 'read-only'")
    assert f"writes are switched off here (mode read-only in {computer.file})" in refused(
        computer("runs", "start", plan)
    )
    computer.limit("mode = 'no-delete'")
    assert computer("runs", "start", plan).exit_code == 0
    said = refused(computer("runs", "undo", plan, given="y\n"))
    assert f"deletions are switched off here (mode no-delete in {computer.file})" in said
    computer.free()
    assert computer("runs", "undo", plan, given="y\n").exit_code == 0


@pytest.mark.parametrize(("options", "given"), [(["--yes"], None), ([], "y\n")], ids=["--yes", "a pipe"])
@pytest.mark.parametrize("limit", ["ask = 'all'", "ask = 'all'\nconfirm = 'outside'"])
def test_no_option_and_no_pipe_answers_where_the_policy_wants_a_person(
    computer: Computer, limit: str, options: list[str], given: str | None
) -> None:
    plan = computer.terminal.planned(computer.rows)
    computer.limit(limit)
    said = computer("runs", "start", plan, *options, given=given)
    assert said.exit_code == 2
    assert f"wants an answer of a person at a terminal (ask in {computer.file}). Nothing was done." in said.stderr
    assert computer.terminal.state_of(plan) == "planned"


def test_a_person_at_a_terminal_answers(computer: Computer, monkeypatch: pytest.MonkeyPatch) -> None:
    plan = computer.terminal.planned(computer.rows)
    computer.limit("ask = 'all'")
    monkeypatch.setattr("salesloft_mcp.commands.approvals.at_terminal", lambda: True)
    done = computer("runs", "start", plan, given="y\n")
    assert done.exit_code == 0
    assert "Create these external id mappings in SANDBOX" in done.stderr


def test_nobody_agrees_in_a_terminal_where_the_client_alone_may_ask(computer: Computer) -> None:
    computer.limit("confirm = 'elicit'")
    told = f"has a person agree through the client alone (confirm in {computer.file})."
    state = ["--state-dir", str(computer.terminal.state)]
    assert told in refused(CliRunner().invoke(cli, ["approvals", *state]))
    assert CliRunner().invoke(cli, ["approvals", "--json", *state]).stdout == "[]\n"


def test_verify_needs_to_delete_and_to_map_the_own_user(computer: Computer) -> None:
    computer.limit("mode = 'no-delete'")
    assert f"(mode no-delete in {computer.file})" in refused(computer("verify"))
    computer.limit("object_types = ['people']")
    assert refused(computer("verify")).startswith(
        "salesloft-mcp: verify: the policy of this computer allows people only"
    )
