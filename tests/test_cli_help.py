"""What `--help` says works as it is typed, and is what there is."""

import re
import shlex
from pathlib import Path

import pytest
from click.testing import CliRunner

from salesloft_mcp.bulk.record_rows import UPSERT
from salesloft_mcp.bulk.rows import BACKFILL
from salesloft_mcp.cli import cli

from .terminal import PEOPLE, Terminal, few_rows

COMMANDS = (
    ["backfill", "plan"],
    ["bulk-upsert", "plan"],
    ["resolve"],
    ["audit"],
    ["runs", "start"],
    ["runs", "report"],
)
FILES = {
    "contacts.csv": f"external_id,object_id\nN1,{PEOPLE[0]}\n",
    "export.csv": "Contact ID,Mail,Area\nCONTACT1001,a@new.test,EMEA\n",
    "leads.csv": "external_id,email\nN2,b@new.test\n",
    "ids.txt": "CONTACT1001\n",
}


def help_of(command: list[str]) -> str:
    return CliRunner().invoke(cli, [*command, "--help"], terminal_width=100).stdout


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_the_examples_can_be_typed(command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        Path(name).write_text(text)
    terminal = Terminal(tmp_path)
    plan = terminal.planned(few_rows(tmp_path)) if command[0] == "runs" else ""
    examples = re.findall(r"^ *salesloft-mcp (.*)", help_of(command).replace("\\\n", ""), re.MULTILINE)
    assert examples
    for number, example in enumerate(examples):
        typed = example.partition(" | ")[0].replace("PLAN", plan)
        result = terminal(*shlex.split(typed))
        again = number and command == ["runs", "start"]  # the plan is run already
        assert result.exit_code == (1 if again else 0), (typed, result.output)


@pytest.mark.parametrize("group", [[], ["runs"], ["backfill"], ["bulk-upsert"]], ids=" ".join)
def test_what_a_command_does_is_told_in_a_whole_sentence(group: list[str]) -> None:
    listed = CliRunner().invoke(cli, [*group, "--help"]).stdout.partition("Commands:\n")[2].partition("\n\n")[0]
    assert [line for line in listed.splitlines() if not line.endswith(".") or line.endswith("...")] == []


def test_every_column_that_a_row_may_have_is_named() -> None:
    words = set(re.findall(r"[\w.]+", help_of(["bulk-upsert", "plan"])))
    for wanted in UPSERT.values():
        assert wanted.names - {"account", "owner", "custom_fields"} - words == set()
    words = set(re.findall(r"\w+", help_of(["backfill", "plan"])))
    for wanted in BACKFILL.values():
        assert wanted.names - words == set()
