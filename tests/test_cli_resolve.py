"""`salesloft-mcp resolve`: any number of ids in, their objects out in input order, and an exit code to script with."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import assume, given
from hypothesis import strategies as st

from salesloft_mcp.cli import cli
from salesloft_mcp.commands.resolve import ids_in
from salesloft_mcp.intake.characters import is_blank
from salesloft_mcp.sandbox import Sandbox

# What an id cannot hold: controls, and halves of a surrogate pair. A mark of the byte order goes from a first line.
ID = st.text(st.characters(exclude_characters="\ufeff", exclude_categories=["Cc", "Cs"]), min_size=1, max_size=20)
IDS = st.lists(ID.filter(lambda one: one not in (".", "..")), min_size=1, max_size=8)


def resolve(*arguments: str, given: str | bytes | None = None) -> Result:
    return CliRunner().invoke(cli, ["resolve", "--sandbox", *arguments], input=given)


def lines(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_an_id_is_shown_with_its_object_and_what_it_cost() -> None:
    result = resolve("abc")
    assert result.exit_code == 0
    assert result.stdout == "abc  user 13 by crm\n"
    assert result.stderr == "1 found. Points spent: 1.\n"


@pytest.mark.parametrize(
    ("ids", "code", "said"),
    [
        (["abc", "CONTACT1001"], 0, "2 found."),
        (["abc", "nobody"], 1, "1 found, 1 missing."),
        (["CONTACT3456"], 1, "1 ambiguous."),
        (["nobody"], 1, "1 missing."),
    ],
)
def test_the_exit_code_says_whether_every_id_stands_for_one_object(ids: list[str], code: int, said: str) -> None:
    result = resolve(*ids)
    assert result.exit_code == code
    assert result.stderr.startswith(said)


def test_for_machines_there_is_a_line_for_each_id_in_input_order() -> None:
    result = resolve("--json", "--external-type", "crm_lead", "nobody", "CONTACT3456", "nobody", "CONTACT1001")
    lead = {"external_type": "crm_lead", "object_type": "people"}
    assert result.exit_code == 1
    assert lines(result) == [
        {"external_id": "nobody", "status": "missing", "objects": []},
        {"external_id": "CONTACT3456", "status": "found", "objects": [{**lead, "object_id": 578495206}]},
        {"external_id": "CONTACT1001", "status": "found", "objects": [{**lead, "object_id": 207550001}]},
    ]
    assert result.stderr == "2 found, 1 missing. Points spent: 5.\n"  # nobody in other types, and NOBODY


def test_with_names_it_tells_who_the_records_are() -> None:
    ids = ["--external-type", "crm_lead", "CONTACT3456", "contact1003"]
    found, near = resolve("--names", *ids).stdout.splitlines()
    assert found == "CONTACT3456  person 578495206 by crm_lead, Beatriz Haddad, VP of Sales, Beacon Analytics"
    assert near.endswith(
        "person 207550003 by crm_lead, Elena Castillo, Procurement Specialist, Evergreen Analytics (case)"
    )
    told = lines(resolve("--json", "--names", *ids))
    assert told[0]["objects"][0]["name"] == "Beatriz Haddad, VP of Sales, Beacon Analytics"
    assert told[1]["near"][0]["name"].startswith("Elena Castillo")


def test_names_of_any_number_of_ids_are_read_some_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("salesloft_mcp.commands.resolve.MOST", 50)
    ids = [*(f"CONTACT{number}" for number in range(1001, 1091)), *(f"mkto-{number:05d}" for number in range(40))]
    (tmp_path / "ids.txt").write_text("\n".join(ids))
    result = resolve("--names", "--json", "--object-type", "people", "--file", str(tmp_path / "ids.txt"))
    found = [one for line in lines(result) for one in line["objects"]]
    assert len(found) > 100
    assert all(one["name"] for one in found)
    assert result.stderr.endswith("Points spent: 6.\n")  # twice each: mappings, people and accounts


def test_near_misses_are_shown_and_not_used() -> None:
    ids = ["contact1001", *(f"no-{number}" for number in range(10))]
    near = lines(resolve("--json", "--object-type", "people", *ids))[0]
    assert near["status"] == "missing"
    assert near["near"] == [
        {
            "external_id": "CONTACT1001",
            "external_type": "crm_lead",
            "object_type": "people",
            "object_id": 207550001,
            "why": "case",
        }
    ]
    words = " ".join(resolve("--object-type", "people", *ids).stdout.split())
    assert "contact1001 not mapped - near: CONTACT1001 is person 207550001 by crm_lead (case)" in words


def test_of_a_missing_id_that_looks_damaged_it_is_said_why() -> None:
    result = resolve("--external-type", "crm_lead", "8.96529E+19", "NULL", "nobody", "'CONTACT3456")
    assert result.stdout.splitlines() == [
        "8.96529E+19  not mapped (looks damaged: a number that a spreadsheet shortened)",
        "NULL  not mapped (looks damaged: a word for nothing)",
        "nobody  not mapped",
        "'CONTACT3456  not mapped (looks damaged: the sign by which a spreadsheet marks text or a formula)"
        " - near: CONTACT3456 is person 578495206 by crm_lead (spreadsheet guards)",
    ]
    (told,) = lines(resolve("--external-type", "crm_lead", "--json", "NULL"))
    assert told["suspicious"] == "a word for nothing"


def test_a_type_that_is_not_configured_is_told() -> None:
    result = resolve("--external-type", "crm_leed", "CONTACT1001")
    assert result.exit_code == 1
    assert result.stderr.startswith("The external type is not configured; existing are crm_lead")
    assert "near: CONTACT1001 is person 207550001 by crm_lead" in " ".join(result.stdout.split())


@pytest.mark.parametrize(
    "text",
    [
        "CONTACT1001\nCONTACT1002\n",
        "CONTACT1001\r\n\r\nCONTACT1002",
        "\ufeffCONTACT1001\nCONTACT1002\n",
        'name,external_id\n"Haddad, B.",CONTACT1001\nDoe,CONTACT1002\n',
        "\ufeffexternal_id;name\r\nCONTACT1001;x\r\nCONTACT1002;y\r\n",
        "external_id\tname\nCONTACT1001\tx\nCONTACT1002\ty\n",
        "external_id\nCONTACT1001\nCONTACT1002\n",
        "name|EXTERNAL ID\nDoe|CONTACT1001\nRoe|CONTACT1002\n",
        '{"external_id": "CONTACT1001"}\n{"External_Id": "CONTACT1002", "note": 1}\n',
        '["CONTACT1001",\n "CONTACT1002"]',
    ],
)
def test_a_file_holds_an_id_a_line_or_is_a_csv(tmp_path: Path, text: str) -> None:
    file = tmp_path / "ids"
    file.write_bytes(text.encode())
    for result in (resolve("--json", "--file", str(file)), resolve("--json", "--file", "-", given=text.encode())):
        assert result.exit_code == 0
        assert [line["external_id"] for line in lines(result)] == ["CONTACT1001", "CONTACT1002"]


@given(ids=IDS)
def test_nothing_of_a_line_is_trimmed(ids: list[str]) -> None:
    plain = all(one == "" or not is_blank(one) for one in ids)
    several = any(mark in ids[0] for mark in ",;|") or any(one[0] == one[-1] == '"' for one in ids)
    if plain and not several and ids[0].strip() and ids[0][0] not in "{[<" and "id" not in ids[0].casefold():
        assert ids_in(io.BytesIO("\n".join(ids).encode())) == (ids, [])


@given(ids=IDS)
def test_nothing_of_a_cell_is_trimmed(ids: list[str]) -> None:
    assume(not any(one.strip() and is_blank(one) for one in ids))  # what is invisible is refused
    cells = ['"' + one.replace('"', '""') + '"' for one in ids]
    rows = [one for one in ids if one.strip()]
    assert ids_in(io.BytesIO("\r\n".join(["external_id", *cells]).encode()))[0] == rows


def test_more_ids_than_a_tool_takes_are_answered_for_a_point_a_hundred_mappings(tmp_path: Path) -> None:
    wanted = [f"erp-{number:04d}" for number in range(2_500)]
    data, file = tmp_path / "sandbox.db", tmp_path / "ids.txt"
    file.write_text("\n".join(wanted), encoding="utf-8")
    with Sandbox(data) as sandbox, sandbox.store.transaction():
        for number, one in enumerate(wanted):
            row = {"external_type": "erp", "object_type": "people", "external_id": one, "object_id": number + 1}
            sandbox.store.insert("mappings", {**row, "inserted_at": "2024-02-01", "deleted": 0})
    result = resolve("--sandbox-file", str(data), "--json", "--external-type", "erp", "--file", str(file))
    assert [line["external_id"] for line in lines(result)] == wanted
    assert result.stderr == "2,500 found. Points spent: 25.\n"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "Give ids, or --file with some."),
        (["--file", "/nowhere/ids.txt"], "--file: cannot be read (No such file or directory)."),
        (["abc", "a\nb"], "id 2: has a character that cannot be sent"),
        (["abc", "--external-type", ".."], "external_type: cannot be a path step"),
        (["abc", "--object-type", "leads"], "is not one of 'people', 'accounts', 'users'"),
    ],
)
def test_what_cannot_be_is_refused_with_exit_code_2(arguments: list[str], said: str) -> None:
    result = resolve(*arguments)
    assert (result.exit_code, result.stdout) == (2, "")
    assert said in result.stderr


def test_a_list_with_a_row_that_cannot_be_looked_up_is_refused_as_a_whole() -> None:
    rows = "ACME, Inc.,CONTACT1001\nBolt,CONTACT1002\nShort\nNone,\n" + '19" rack,x\n' * 4
    result = resolve("--file", "-", given=f"name,external_id\n{rows}")
    assert (result.exit_code, result.stdout) == (1, "")
    first, *told = result.stderr.splitlines()
    assert first == "salesloft-mcp: file: 7 of its 8 rows cannot be looked up, so nothing was."
    assert told[:3] == [
        "line 2: 3 cells, the head has 2.",
        "line 4: 1 cell, the head has 2.",
        "line 5: external_id: is empty.",
    ]
    assert told[3].startswith("line 6: a quote is out of place")
    assert told[5:] == ["and 2 more.", "Next: correct these rows or take them out, then resolve the file again."]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (b"\xff\xfe", "file: is empty."),
        (b"abc\n\xff\n", "file: is not UTF-8 text"),
        (b"%PDF-1.7", "file: is a PDF."),
        (b"external_id\n", "file: has no ids."),
        (b"id,email\nabc,x\n", "--map 'id=external_id'"),
        (
            b'external_id,note\nabc,"call back\nCONTACT1001,ok\n',
            "file: line 2: a quote is out of place, or is not closed",
        ),
        (b"external_id,note,External ID\nabc,x,y\n", 'file: "external_id" and "External ID" (columns 1 and 3) both'),
        (b"abc\nx\x07\n", "line 2: external_id: has a character that cannot be sent"),
    ],
)
def test_a_file_that_cannot_be_read_whole_is_refused_in_words(given: bytes, said: str) -> None:
    result = resolve("--file", "-", given=given)
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr


def test_items_of_json_are_told_as_items() -> None:
    result = resolve("--file", "-", given='["abc", "x", 12]')
    assert result.exit_code == 1
    assert 'item 3: is a number, "12"; write ids as text, in quotes.' in result.stderr


def test_an_empty_file_is_no_success() -> None:
    result = resolve("--file", "-", given=b"\n\n")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "file: is empty: it holds blank lines only." in result.stderr


def test_text_that_would_hide_is_shown_as_its_code_point() -> None:
    result = resolve("a\u202eb", "x[bold]y")
    assert "a\\u{202e}b" in result.stdout
    assert "x[bold]y" in result.stdout


@pytest.mark.parametrize(
    ("pair", "code", "said"),
    [
        ("Contact", 2, "--map: "),
        ("=external_id", 2, "--map: "),
        ("Contact=extrenal_id", 2, '--map: there is no field "extrenal_id"'),
        ("Kontact=external_id", 1, '--map: there is no column "Kontact"'),
    ],
)
def test_a_wrong_map_is_a_wrong_option_where_it_is_wrong_whatever_the_file(pair: str, code: int, said: str) -> None:
    result = resolve("--file", "-", "--map", pair, given="Contact,name\nabc,x\n")
    assert (result.exit_code, result.stdout) == (code, "")
    assert said in result.stderr
