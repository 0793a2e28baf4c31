"""`salesloft-mcp backfill plan`: what a file or a custom field would map, before anything is written."""

import gzip
import json
import os
import shlex
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from salesloft_mcp.cli import cli

from .terminal import PEOPLE, TO, Terminal, few_rows


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


def test_a_file_whose_name_is_not_utf_8_is_planned_like_any_other(terminal: Terminal, tmp_path: Path) -> None:
    try:
        odd = Path(few_rows(tmp_path)).rename(tmp_path / os.fsdecode(b"caf\xe9.csv"))
    except OSError:
        pytest.skip("this file system has names of UTF-8 only")
    found = terminal("runs", "start", terminal.planned(str(odd)), "--json")
    assert found.exit_code == 0, found.output


def test_a_plan_tells_every_row_that_was_read(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "ragged.csv"
    file.write_text(f'name,external_id,object_id\nACME, Inc.,N1,{PEOPLE[0]}\nBolt,N2,{PEOPLE[1]}\n19" rack,N3,1\n')
    result = terminal("backfill", "plan", str(file), *TO, "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["rows_read"], found["counts"]) == (0, 3, {"create": 1, "invalid": 2})
    assert [(row["line"], row["note"].split(";")[0]) for row in found["rows"]] == [
        (2, "4 cells, the head has 3."),
        (4, "a quote is out of place, or is not closed"),
    ]


def test_a_file_whose_quotes_hide_rows_is_refused_with_the_line(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "open.csv"
    rows = (f"N{number},{PEOPLE[number]},ok\n" for number in range(20))
    file.write_text("external_id,object_id,note\n" + "".join(rows).replace("ok", '"call back', 1))
    result = terminal("backfill", "plan", str(file), *TO)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "file: line 2: a quote is out of place, or is not closed" in result.stderr


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("leads.txt", f"External ID|Person ID|Note\nN1|{PEOPLE[0]}|José\n\n".encode("cp1252")),
        ("leads.csv", f"\ufeff\ufeffsep=;\nEXTERNAL ID;object-id\nN1;{PEOPLE[0]}\n\x1a".encode()),
        ("leads.tsv", f"Leads\n\nexternal_id\tobject_id\nN1\t{PEOPLE[0]}\n\nGrand Total\n".encode("utf-16")),
        ("leads.ndjson", json.dumps({"External_Id": "N1", "object_id": PEOPLE[0], "nested": {"x": 1}}).encode()),
        ("leads.json", json.dumps([{"external_id": "N1", "object_id": PEOPLE[0]}], indent=2).encode()),
    ],
)
def test_a_file_is_planned_whatever_its_form(terminal: Terminal, tmp_path: Path, name: str, content: bytes) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    result = terminal("backfill", "plan", str(file), *TO, "--json")
    assert (result.exit_code, json.loads(result.stdout)["counts"]) == (0, {"create": 1})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (gzip.compress(b"external_id,object_id\n", mtime=0), "file: is compressed with gzip."),
        (b"<!DOCTYPE html>\n", "file: is a web page (HTML)."),
        (b"", "file: is empty (0 bytes)."),
        (b"id,email\nN1,a@x.test\n", "--map 'id=external_id'"),
        (b"external_id,email,email\nN1,a@x.test,\n", 'the head "email" stands in columns 2 and 3.'),
        (b"N1,a@x.test\nN2,b@x.test\n", "file: has no line with the names of its columns"),
    ],
)
def test_a_file_that_is_no_table_is_one_refusal(terminal: Terminal, tmp_path: Path, content: bytes, words: str) -> None:
    file = tmp_path / "leads.csv"
    file.write_bytes(content)
    result = terminal("backfill", "plan", str(file), *TO)
    assert (result.exit_code, result.stdout) == (1, "")
    assert words in result.stderr
    assert len(result.stderr.splitlines()) <= 2


def test_a_plan_for_a_type_that_is_not_configured_says_so_and_names_what_there_is(
    terminal: Terminal, tmp_path: Path
) -> None:
    result = terminal("backfill", "plan", few_rows(tmp_path), *TO[2:], "--external-type", "crm_leed", "--json")
    (note,) = json.loads(result.stdout)["notes"]
    assert result.exit_code == 0
    assert note.startswith('"crm_leed" is not configured for people (existing are "crm_lead"')
    assert note.endswith("the run creates the configuration first.")


def test_a_plan_shows_the_rows_that_need_attention_and_the_way_on(terminal: Terminal, tmp_path: Path) -> None:
    result = terminal("backfill", "plan", few_rows(tmp_path), *TO)
    assert result.exit_code == 0
    assert '\nline 5: "N3", object_id 99: object unknown: there is no such record' in result.stdout
    numbers = "planned: of 4 rows, 1 to create, 1 of an unknown object, 2 invalid. Nothing written.\n"
    assert result.stdout.startswith(numbers)


def test_what_is_to_be_typed_next_works_as_it_is(
    terminal: Terminal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where the report goes
    result = terminal("backfill", "plan", few_rows(tmp_path), *TO)
    steps = [line.partition(": salesloft-mcp ") for line in result.stdout.splitlines() if ": salesloft-mcp " in line]
    assert [step for step, _, _ in steps] == ["Every row", "What would be written, old and new", "Run it"]
    for _, _, command in steps:
        assert CliRunner().invoke(cli, shlex.split(command)).exit_code == 0


def test_where_nothing_is_to_be_written_nothing_is_said_to_be_run(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "none.csv"
    file.write_text("external_id,object_id,city\nN1,99,Ulm\n")
    result = terminal("backfill", "plan", str(file), *TO)
    assert "planned: of 1 row, none to write, 1 of an unknown object. Nothing written." in result.stdout
    assert "There is nothing to run." in result.stdout
    assert "runs start" not in result.stdout
    assert terminal("runs", "start", json.loads(terminal("runs", "list", "--json").stdout)[0]["plan"]).exit_code == 0
    assert terminal.changes().splitlines()[0].endswith("): nothing was to be written")
    file.write_text(f"external_id,object_id,city\nN/A,{PEOPLE[0]},Ulm\n")
    only_suspicious = terminal("backfill", "plan", str(file), *TO).stdout.splitlines()[-1]
    assert only_suspicious.startswith("Only suspicious rows could be written: salesloft-mcp runs start ")
    assert " --include-suspicious " in only_suspicious


def test_each_note_on_a_file_is_a_line(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "notes.csv"
    file.write_text(f"external_id;object_id;city\nN1;{PEOPLE[0]};Ulm\n\n")
    lines = terminal("backfill", "plan", str(file), *TO).stdout.splitlines()
    notes = [line.split(maxsplit=1)[1].strip() for line in lines if line.startswith(" notes")]
    assert "['" not in "".join(lines)
    assert 'Not used: the column "city".' in notes
    assert len(notes) > 1


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (TO, 2, "Give either FILE or --custom-field."),
        (["none.csv", *TO], 2, "does not exist"),
        (["--custom-field", "Legcy ID", *TO], 1, 'did you mean "Legacy ID"?'),
    ],
)
def test_what_cannot_be_planned_is_refused_in_words(
    terminal: Terminal, arguments: list[str], code: int, words: str
) -> None:
    result = terminal("backfill", "plan", *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert words in result.stderr


@pytest.mark.parametrize(
    ("old", "new"),
    [("run", "start"), *((name, name) for name in ("resume", "status", "cancel", "list", "report"))],
)
def test_a_command_that_moved_says_what_to_type_now(old: str, new: str) -> None:
    result = CliRunner().invoke(cli, ["backfill", old, "1a2b3c4d", "--output", "my report.csv"])
    assert (result.exit_code, result.stdout) == (2, "")
    assert f"use: salesloft-mcp runs {new} 1a2b3c4d --output 'my report.csv'\n" in result.stderr


@pytest.mark.parametrize("environment", [{}, {"SALESLOFT_FILES_DIR": "/"}])
def test_files_are_never_read_over_http(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr("salesloft_mcp.commands.serve.open_app", lambda settings, *_: seen.append(settings.files_dir))
    monkeypatch.setattr("anyio.run", lambda *_: 0)
    where = ["--sandbox", "--state-dir", str(tmp_path)]
    CliRunner().invoke(cli, ["serve", *where, "--http"], env=environment)
    CliRunner().invoke(cli, ["serve", *where, "--files-dir", str(tmp_path)], env=environment)
    assert seen == [None, tmp_path]
    both = CliRunner().invoke(cli, ["serve", *where, "--http", "--files-dir", str(tmp_path)])
    assert both.exit_code == 2
    assert "--http and --files-dir exclude each other" in both.stderr


@pytest.mark.parametrize(
    ("pair", "code", "said"),
    [
        ("Lead", 2, "--map: "),
        ("Lead=extrenal_id", 2, '--map: there is no field "extrenal_id"'),
        ("Laed=external_id", 1, '--map: there is no column "Laed"'),
    ],
)
def test_a_wrong_map_is_a_wrong_option_where_it_is_wrong_whatever_the_file(
    terminal: Terminal, tmp_path: Path, pair: str, code: int, said: str
) -> None:
    file = tmp_path / "leads.csv"
    file.write_text("Lead,email\nN1,a@x.test\n", encoding="utf-8")
    result = terminal("backfill", "plan", str(file), *TO, "--map", pair)
    assert (result.exit_code, result.stdout) == (code, "")
    assert said in result.stderr


def test_a_report_has_the_keys_as_they_were_given(terminal: Terminal, tmp_path: Path) -> None:
    file = tmp_path / "keys.csv"
    file.write_text("external_id,email\nN1,mailto:Ann@new.test\nN2,bob@new.test\n")
    plan = terminal.planned(str(file))
    rows = [json.loads(line) for line in terminal("runs", "report", plan).stdout.splitlines()]
    assert [(row["value"], row["as_given"]) for row in rows] == [
        ("ann@new.test", {"email": "mailto:Ann@new.test"}),
        ("bob@new.test", None),
    ]


@pytest.mark.parametrize("blank", ["", "  ", "\u200b"])
def test_a_blank_external_type_is_a_wrong_option(terminal: Terminal, tmp_path: Path, blank: str) -> None:
    result = terminal("backfill", "plan", few_rows(tmp_path), "--external-type", blank, "--object-type", "people")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--external-type: is" in result.stderr
