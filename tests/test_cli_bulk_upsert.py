"""`salesloft-mcp bulk-upsert plan`, and what the report of such a plan says of each row."""

import csv
import io
import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from salesloft_mcp.cli import cli

from .terminal import TO, Terminal

ACCOUNT, ACCOUNT_ID = "MKT-9872-001", 9872  # of the seeded sandbox, and so is the owner
OWNER, OWNER_ID = "abd", 14


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


def planned(terminal: Terminal, folder: Path, text: str) -> str:
    """A plan of people from a CSV of this text."""
    file = folder / "people.csv"
    file.write_text(text)
    result = terminal("bulk-upsert", "plan", str(file), *TO, "--json")
    assert result.exit_code == 0, result.output
    return str(json.loads(result.stdout)["plan"])


def reported(terminal: Terminal, plan: str) -> list[dict[str, Any]]:
    """The rows of the report of a plan."""
    return [json.loads(line) for line in terminal("runs", "report", plan).stdout.splitlines()]


def test_a_report_has_keys_account_and_owner_as_they_were_given_beside_what_was_made_of_them(
    terminal: Terminal, tmp_path: Path
) -> None:
    head = "external_id,Email,account.external_type,account.external_id,owner.external_type,owner.external_id\n"
    text = f"{head}N-1,Ann <Ann@new.test>,marketing,{ACCOUNT},crm,{OWNER}\nN-2,bob@new.test,,,,\n"
    plan = planned(terminal, tmp_path, text)
    one, other = reported(terminal, plan)
    assert one["new"] == {"account_id": ACCOUNT_ID, "email_address": "ann@new.test", "owner_id": OWNER_ID}
    assert one["as_given"] == {
        "email_address": "Ann <Ann@new.test>",
        "account": {"external_type": "marketing", "external_id": ACCOUNT},
        "owner": {"external_type": "crm", "external_id": OWNER},
    }
    assert other["as_given"] is None
    cells = list(csv.DictReader(io.StringIO(terminal("runs", "report", plan, "--format", "csv").stdout)))
    assert [json.loads(row["as_given"] or "null") for row in cells] == [one["as_given"], None]


def test_the_rows_of_a_report_can_be_chosen_and_read_with_their_old_and_new_values(
    terminal: Terminal, tmp_path: Path
) -> None:
    text = "external_id,email,title\nN-1,a@new.test,CEO\nCONTACT3456,,Chief\nN-2,none,CEO\nN/A,b@new.test,CEO\n"
    plan = planned(terminal, tmp_path, text)
    written = terminal("runs", "report", plan, "--rows", "written", "--format", "text").stdout.splitlines()
    assert written == [
        'line 2: "N-1", email a@new.test: create',
        '    email_address: "a@new.test", title: "CEO"',
        'line 3: "CONTACT3456" (record 578495206): update',
        '    title: "VP of Sales" → "Chief"',
    ]
    attention = terminal("runs", "report", plan, "--rows", "attention").stdout.splitlines()
    assert [json.loads(line)["plan"] for line in attention] == ["invalid", "suspicious"]
    assert len(reported(terminal, plan)) == 4


def test_where_not_all_rows_that_need_attention_fit_the_command_that_shows_them_is_told(
    terminal: Terminal, tmp_path: Path
) -> None:
    file = tmp_path / "people.csv"
    file.write_text("external_id,email\n" + "".join(f"N-{number},none\n" for number in range(11)))
    lines = terminal("bulk-upsert", "plan", str(file), *TO).stdout.splitlines()
    assert len([line for line in lines if line.startswith("line ")]) == 10
    (more,) = [line for line in lines if line.startswith("Only the first 10 of these rows are shown")]
    shown = CliRunner().invoke(cli, shlex.split(more.partition(": salesloft-mcp ")[2])).stdout
    assert len([line for line in shown.splitlines() if line.startswith("line ")]) == 11


def test_a_row_that_is_refused_is_shown_as_it_came_without_its_blank_cells(terminal: Terminal, tmp_path: Path) -> None:
    plan = planned(terminal, tmp_path, "external_id,Email,city,phone\nN-1,no e-mail,Ulm,\nN-2,,Ulm,\n")
    one, other = reported(terminal, plan)
    assert one["new"] == {"email_address": "no e-mail", "city": "Ulm"}
    assert other["note"].endswith("creating needs email_address, or phone and last_name.")
