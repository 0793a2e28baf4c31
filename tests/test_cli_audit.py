"""`salesloft-mcp audit` at a terminal: a summary, every finding in a file, and no surprise for a spreadsheet."""

import csv
import json
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from salesloft_mcp.cli import cli
from salesloft_mcp.sandbox import Sandbox
from tests.audit.conftest import vanish

HOSTILE = ("=1+1", "+1", "-1", "@a", "\t1", "\r1", "'=1", "a,b", 'a"b', "[red]x[/red]", "ünï", "x\u202ey")
PERSON, OTHER = 578495206, 207550815


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A sandbox with findings of every kind, and ids that a spreadsheet would run."""
    file = tmp_path / "box.db"
    with Sandbox(file) as box:
        for external_id in HOSTILE:
            for object_id in (PERSON, OTHER):
                row = {"external_type": "crm_lead", "object_type": "people", "inserted_at": "2024-05-01T00:00:00Z"}
                box.store.insert("mappings", {**row, "external_id": external_id, "object_id": object_id})
        vanish(box, "users", 14)
    return file


def audited(file: Path, *options: str) -> Result:
    where = ["--sandbox", "--sandbox-file", str(file), "--state-dir", str(file.parent / "state")]
    return CliRunner().invoke(cli, ["audit", *where, *options], env={"COLUMNS": "120"})


def test_a_person_gets_a_table_a_sentence_and_the_cost(file: Path) -> None:
    result = audited(file)
    assert result.exit_code == 0
    assert "crm_lead" in result.stdout
    words = " ".join(result.stdout.split())
    assert "12 ids stand for several objects" in words
    assert "1 mapping leads to an object that is gone" in words
    assert "Points spent: 10." in result.stdout
    assert "--output" in result.stdout


def test_a_type_in_square_brackets_is_shown_as_it_is(file: Path) -> None:
    with Sandbox(file) as box:
        at = {"object_type": "people", "external_type": "crm[/lead]"}
        box.store.insert("configurations", at)
        for external_id in HOSTILE:
            for object_id in (PERSON, OTHER):
                row = {**at, "external_id": external_id, "object_id": object_id}
                box.store.insert("mappings", {**row, "inserted_at": "2024-05-01T00:00:00Z"})
    result = audited(file, "--external-type", "crm[/lead]")
    assert result.exit_code == 0
    assert "--external-type 'crm[/lead]'" in result.stdout


def test_the_first_findings_are_shown_and_the_way_to_all_of_them_can_be_typed(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where the file goes
    lines = audited(file, "--external-type", "crm_lead").stdout.splitlines()
    shown = [line for line in lines if line.startswith(("shared ids: ", "near duplicates: ", "suspicious ids: "))]
    assert len(shown) == 10
    assert shown[0] == f'shared ids: crm_lead "\\u{{9}}1" of person {OTHER}; crm_lead "\\u{{9}}1" of person {PERSON}'
    (more,) = [line for line in lines if line.startswith("and ")]
    assert CliRunner().invoke(cli, shlex.split(more.partition(": salesloft-mcp ")[2])).exit_code == 0
    with (tmp_path / "found.csv").open(newline="", encoding="utf-8") as found:
        assert len({row["finding"] for row in csv.DictReader(found)}) == 10 + int(more.split()[1])


def test_machines_get_json(file: Path) -> None:
    result = audited(file, "--json", "--object-type", "users")
    found = json.loads(result.stdout)
    assert found["counts"] == {
        "shared_ids": 0,
        "several_ids": 0,
        "orphans": 1,
        "near_duplicates": 0,
        "suspicious_ids": 0,
        "deleted_mappings": 0,
    }
    assert found["summary"].startswith("1 of 23 users (4 %) has an external id.")
    assert [row["external_type"] for row in found["coverage"]] == ["crm"]
    assert found["points_spent"] == 7  # two of them because no mapping of users is deleted: the filter may find nothing


def test_every_finding_is_a_line_of_jsonl(file: Path, tmp_path: Path) -> None:
    output = tmp_path / "found.jsonl"
    counts = json.loads(audited(file, "--json", "--output", str(output)).stdout)["counts"]
    lines: list[dict[str, Any]] = [json.loads(line) for line in output.read_text(encoding="utf-8").split("\n") if line]
    kinds = [line["kind"] for line in lines]
    assert {kind: kinds.count(kind) for kind in counts if kind != "deleted_mappings"} == {
        kind: number for kind, number in counts.items() if kind != "deleted_mappings"
    }
    shared = {line["mappings"][0]["external_id"] for line in lines if line["kind"] == "shared_ids"}
    assert shared == set(HOSTILE)
    (orphan,) = [line for line in lines if line["kind"] == "orphans"]
    assert orphan["mappings"] == [
        {
            "external_type": "crm",
            "object_type": "users",
            "external_id": "abd",
            "object_id": 14,
            "mapping_id": 5002,
        }
    ]
    (formula,) = {line["why"] for line in lines if "why" in line and line["mappings"][0]["external_id"] == "=1+1"}
    assert formula == "the sign by which a spreadsheet marks text or a formula"
    assert list(tmp_path.glob("*.part")) == []


def test_csv_has_a_line_for_each_mapping_and_nothing_a_spreadsheet_would_run(file: Path, tmp_path: Path) -> None:
    output = tmp_path / "found.CSV"
    assert audited(file, "--output", str(output)).exit_code == 0
    with output.open(encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    shared = [row for row in rows if row["kind"] == "shared_ids"]
    assert len(shared) == 2 * len(HOSTILE)
    assert {row["why"] for row in rows if row["external_id"] == "x\u202ey" and row["kind"] == "suspicious_ids"} == {
        "an invisible character (U+202E)"
    }
    assert len({row["finding"] for row in shared}) == len(HOSTILE)
    for row in rows:
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r")) for cell in row.values())
    assert {row["external_id"] for row in shared} >= {"'=1+1", "'-1", "''=1", "a,b", "[red]x[/red]"}


@pytest.mark.parametrize("name", ["found.xlsx", "found", "no/such/directory/found.csv"])
def test_a_file_that_cannot_be_written_is_told_before_anything_is_read(file: Path, tmp_path: Path, name: str) -> None:
    result = audited(file, "--output", str(tmp_path / name))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("salesloft-mcp: --output: ")


def test_an_audit_that_fails_leaves_the_file_as_it_was(file: Path, tmp_path: Path) -> None:
    output = tmp_path / "found.csv"
    output.write_text("before")
    result = audited(file, "--external-type", "crm_leed", "--output", str(output))
    assert result.exit_code == 1
    assert 'existing are "crm_lead"' in result.stderr
    assert output.read_text() == "before"


def test_names_of_others_are_not_read_as_markup(tmp_path: Path) -> None:
    with Sandbox(tmp_path / "box.db") as box:
        box.store.update("configurations", {"external_type": "[red]\u202e"})
    result = audited(tmp_path / "box.db")
    assert "[red]\\u{202e}" in result.stdout


def test_without_a_credential_it_says_so(tmp_path: Path) -> None:
    result = CliRunner().invoke(cli, ["audit", "--state-dir", str(tmp_path)])
    assert result.exit_code == 2
    assert "SALESLOFT_API_KEY" in result.stderr
