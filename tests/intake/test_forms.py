"""A file is told by what it holds. What is no table is named in words of its own, whatever it is called."""

import bz2
import gzip
import io
import json
import re
import zipfile

import pytest

from salesloft_mcp.intake.heads import Wanted
from salesloft_mcp.intake.json_rows import Number
from salesloft_mcp.intake.tables import Invalid

from .test_tables import read, refused, table

ROW = '{"external_id": "A-1", "email": "a@x.test"}'
NAMES = ["a.csv", "a.jsonl", "a.ndjson", "a.json", "a.txt", "a.dat", "noname"]


def zipped(*names: str) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as parts:
        for name in names:
            parts.writestr(name, "x")
    return made.getvalue()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    "content",
    [
        "external_id,email\nA-1,a@x.test\n",
        f"{ROW}\n",
        f"\ufeff\n[{ROW}]",
        json.dumps([json.loads(ROW)], indent=2),
        json.dumps(json.loads(ROW), indent=2),
    ],
)
def test_the_content_tells_the_form_and_not_the_name(name: str, content: str) -> None:
    assert list(read(content, name)[0].values()) == [["A-1", "a@x.test"]]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (gzip.compress(b"external_id,email\n", mtime=0), "is compressed with gzip."),
        (bz2.compress(b"external_id,email\n"), "is compressed with bzip2."),
        (zipped("leads.csv"), "is a zip archive."),
        (zipped("mimetype", "content.xml"), "is a document of OpenOffice, such as .ods."),
        (zipped("Index/Document.iwa"), "is a document of Numbers or Pages."),
        (zipped("[Content_Types].xml", "xl/workbook.bin"), "is a binary workbook (.xlsb)."),
        (zipped("word/document.xml"), "is a document (Word)."),
        (b"PK\x03\x04 and then nothing", "is a workbook that cannot be read: it is damaged."),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 100, "is a workbook of the old form (.xls)"),
        (b"%PDF-1.7\n", "is a PDF."),
        (b"{\\rtf1}", "is a document (RTF)."),
        (b"SQLite format 3\0", "is an SQLite database."),
        (b"<!DOCTYPE html>\n<html>", "is a web page (HTML)."),
        ("\ufeff\n <HTML><table>".encode(), "is a web page (HTML)."),
        ("<html>".encode("utf-16"), "is a web page (HTML)."),
        (b'<?xml version="1.0"?><Workbook/>', "is XML."),
        (b"", "is empty (0 bytes)."),
        (b"\x1a\x1a", "is empty."),
        ("\u00a0\x1a \x1a".encode(), "is empty."),
        ("\ufeff".encode(), "is empty."),
        ("\ufeff".encode("utf-16"), "is empty."),
        (b"\n \n,,\n", "has no column external_id"),
        (b"\r\n \r\n", "is empty: it holds blank lines only."),
        (b"A-1,a@x.test\nA-2,b@x.test\n", "has no line with the names of its columns: line 1 looks like a row"),
        (b"[1, 2]", "holds no JSON object that can be read."),
        (b'[{"external_id": "A", "email": "b"}, {"external', "is JSON, and item 2 in it cannot be read"),
        (f"[{ROW}][{ROW}]".encode(), "is JSON with several arrays, one after another."),
        (b'["A-1", "a@x.test"]\n["A-2", "b@x.test"]\n', "is JSON with several arrays, one after another."),
        (f"[{ROW}]x".encode(), "is JSON that cannot be read after item 1"),
        (json.dumps(f"[{ROW}]").encode(), "holds JSON that was written as a text once more."),
        (f"HTTP/2 200\ncontent-type: application/json\n\n[{ROW}]".encode(), "begins with the headers of an answer"),
        (" ID   EMAIL\n ──── ────────\n A-1  a@x.test\n".encode(), "is a table as a terminal or Markdown shows it"),
        (
            b'{"data": [{"external_id": "A-1"}]}',
            'has no column object_id, email or crm_id. Its columns are "external_id".',
        ),
        (b'{"data": [1], "more": [2]}', 'has no column external_id. Its columns are "data" and "more".'),
        (b"-- MySQL dump 10.13\n--\nINSERT INTO `leads` VALUES (1);\n", "is a dump of a database (SQL)."),
        (b"INSERT INTO leads (id, email) VALUES ('a', 'a@x.test');\n", "is a dump of a database (SQL)."),
        (b"--\n-- PostgreSQL database dump\n--\n\nSET x = 0;\n", "is a dump of a database (SQL)."),
        (b"CREATE TABLE leads (external_id text);\n", "is a dump of a database (SQL)."),
        (b"ID;PWXL;N;E\nP;PGeneral\n", "is a table in the form SYLK (.slk)."),
        (b'TABLE\r\n0,1\r\n"EXCEL"\r\n', "is a table in the form DIF."),
        (b"{'external_id': 'A-1', 'email': None}\n", "holds objects as Python prints them, not JSON."),
        (b"[{'external_id': 'A-1'}]", "holds objects as Python prints them, not JSON."),
        (f"{ROW},\n{ROW},\n".encode(), "is JSON with a comma after item 1, and no brackets around all items."),
        (f'{{"type": "RECORD", "row": {ROW}}}\n'.encode() * 2, 'holds its fields one level down, inside "row".'),
        (b'{"id": "A-1", "email": "a@x.test"}\n' * 3, 'columns {"id": "external_id"}'),
        *(
            (drawn.encode(), "is a table as a terminal or Markdown shows it, drawn with lines")
            for drawn in (
                " external_id |  email   \n-------------+----------\n A-1         | a@x.test\n(1 row)\n",
                "+-------------+----------+\n| external_id | email    |\n+-------------+----------+\n",
                "┌─────────────┬──────────┐\n│ external_id │ email    │\n├─────────────┼──────────┤\n",
                "| external_id | email |\n|---|:--|\n| A-1 | a@x.test |\n",
                "-[ RECORD 1 ]---------\nexternal_id | A-1\nemail       | a@x.test\n",
                "*************************** 1. row ***************************\nexternal_id: A-1\n",
            )
        ),
        (b"BEGIN:VCARD\r\nVERSION:3.0\r\n", "holds address cards (vCard)."),
        (b"MIME-Version: 1.0\r\nContent-Type: multipart/related\r\n", "is an e-mail or a page saved with its pictures"),
        (b"From: Kat <a@x.test>\nTo: b@x.test\n", "is an e-mail or a page saved with its pictures"),
        (b"- external_id: A-1\n  email: a@x.test\n", "is YAML."),
        (b"version https://git-lfs.github.com/spec/v1\n", "is a pointer to a file in Git LFS, not the file."),
        (
            b'{"external_id": {"0": "A-1"}, "email": {"0": "a@x.test"}}',
            "holds its columns one after another, each with",
        ),
        (b'{"external_id": ["A-1"], "email": ["a@x.test"]}', "holds its columns one after another, each with"),
        (
            b'{"A-1": {"email": "a@x.test"}, "A-2": {"email": "b@x.test"}}',
            "holds its rows in one object, each under a name",
        ),
        (b'[["external_id", "email"], ["A-1", "a@x.test"]]', "holds its rows as lists, without the names"),
        (
            b'{"columns": ["external_id"], "index": [0], "data": [["A-1"]]}',
            "holds its rows as lists, without the names",
        ),
        (b'{"range": "A1:B2", "values": [["external_id"], ["A-1"]]}', "holds its rows as lists, without the names"),
        (b"GIF89a;", "is a picture (GIF)."),
        (b"<style>br {}</style>\n<table>", "is a web page (HTML).\nNext: open it in a spreadsheet"),
        (b"<html><body><form><table>", "is a web page (HTML).\nNext: export the table as CSV; a page often says"),
    ],
)
@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_what_is_no_table_is_named_for_what_it_is(content: bytes, words: str, name: str) -> None:
    assert refused(content, name).startswith(f"file: {words}") or words in refused(content, name)


def test_json_lines_are_objects_or_invalid_with_the_reason() -> None:
    lines = (
        '\ufeff{"external_id": "a", "email": [1, null], "nested": {"x": {"y": []}}}',
        "",
        "not json",
        "[1]",
        '{"external_id": "b", "external_id": "c"}',
        '{"external_id": "d", "more": {"x": 1, "x": 1}}',
        "[" * 100_000,
        '{"external_id": 1.0e3, "email": 9007199254740993, "object_id": ' + "9" * 5_000 + "}",
        '{"external_id": NaN, "email": 1.10, "object_id": -0}',
    )
    found = table("\n".join(lines), "a.jsonl")
    no_object = Invalid("the line is no JSON object.")
    rows = dict(found.rows)
    assert rows == {
        1: {"external_id": "a", "email": [1, None]},
        3: no_object,
        4: no_object,
        5: Invalid('"external_id" is given twice.'),
        6: Invalid('"x" is given twice.', "d"),
        7: no_object,
        8: {
            "external_id": Number("1.0e3"),
            "email": 9007199254740993,
        },
        9: {"external_id": Number("NaN"), "email": Number("1.10")},
    }
    assert found.notes == ["Skipped: 1 blank line.", 'Not used: the columns "nested", "more" and "object_id".']


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"{ROW}{ROW}", "the line holds several JSON objects; write each on a line of its own."),
        (f"{ROW}, {ROW}", "the line holds several JSON objects; write each on a line of its own."),
        (f"{ROW},", "a comma follows the JSON object; leave it out, or put all objects in square brackets."),
        (f"{ROW};", "something follows the JSON object of the line."),
    ],
)
def test_what_follows_an_object_on_its_line_is_named(line: str, words: str) -> None:
    assert read(f"{ROW}\n{line}\n", "a.jsonl")[0][2] == words


@pytest.mark.parametrize(
    "around",
    [
        '{{"rows": [{0}, {0}]}}',
        '{{"totalSize": 2, "done": true,\n "records": [{0}, {0}]}}',
        '{{"results": [{0}, {0}], "paging": {{"next": {{"after": "2"}}}}}}',
        '{{"records": [{0}, {0}], "warnings": [], "errors": ["none of the rest"]}}',
        '{{"schema": {{"fields": [{{"name": "email"}}]}}, "rows": [{0}, {0}], "errors": [{{"code": 1}}]}}',
        '{{"status": 0, "result": {{"done": true, "records": [{0}, {0}]}}, "warnings": []}}',
    ],
)
def test_a_list_inside_the_only_object_is_read_and_said(around: str) -> None:
    found, notes = read(around.format(ROW))
    assert found == {1: ["A-1", "a@x.test"], 2: ["A-1", "a@x.test"]}
    assert 'Read: the list "r' in " ".join(notes)


@pytest.mark.parametrize(
    ("around", "sign"),
    [
        ('{{"totalSize": 5000, "done": false, "nextRecordsUrl": "/x", "records": [{0}]}}', "totalSize"),
        ('{{"done": false, "records": [{0}]}}', "done"),
        ('{{"value": [{0}], "@odata.nextLink": "https://x.test"}}', "@odata.nextLink"),
        ('{{"results": [{0}], "paging": {{"next": {{"after": "2"}}}}}}', "next"),
        ('{{"data": [{0}], "metadata": {{"paging": {{"next_page": 2}}}}}}', "next_page"),
        ('{{"data": [{0}], "metadata": {{"paging": {{"next_page": null, "total_count": 1}}}}}}', ""),
        ('{{"data": [{0}], "has_more": false, "next_cursor": ""}}', ""),
    ],
)
def test_it_is_said_of_a_list_that_it_may_be_one_page_of_several(around: str, sign: str) -> None:
    pages = [note for note in read(around.format(ROW))[1] if "page" in note]
    told = f'It may be one page of several, as "{sign}" stands beside it: are all pages in the file?'
    assert pages == [told] * bool(sign)


@pytest.mark.parametrize(
    "empty",
    [
        '{"data": [], "total": 0}',
        '{"totalSize": 0, "done": true, "records": []}',
        '{"status": 0, "result": {"records": []}, "warnings": []}',
        '{"contacts": [], "next_page": "https://x.test/2"}',
    ],
)
def test_an_export_without_rows_is_told_as_one(empty: str) -> None:
    assert re.search(r'file: holds no rows: its list "\S+" is empty[.]', refused(empty, "a.json"))


def test_an_object_with_an_empty_list_may_be_a_row() -> None:
    assert "has no column external_id" in refused('{"id": "A-1", "email": "a@x.test", "tags": []}', "a.json")
    assert read('{"external_id": "A-1", "email": "a@x.test", "data": []}', "a.json")[0] == {1: ["A-1", "a@x.test"]}


def test_a_line_that_only_begins_like_another_form_is_a_head() -> None:
    wanted = Wanted(frozenset({"external_id", "n"}), {"from": "n", "id": "external_id", "note": "n"})
    assert list(table("From,ID\n1,A\n", wanted=wanted).rows) == [(2, {"external_id": "A", "n": "1"})]
    assert list(table("ID|note\nA|--\n", wanted=wanted).rows) == [(2, {"external_id": "A", "n": "--"})]
    assert list(table("ID | note\nA | - b\n", wanted=wanted).rows) == [(2, {"external_id": "A ", "n": " - b"})]


def test_a_head_that_only_begins_like_another_form_is_a_head() -> None:
    wanted = Wanted(frozenset({"external_id"}), {"id": "external_id"})
    assert list(table("ID;Phone\nB;1\n", wanted=wanted).rows) == [(2, {"external_id": "B"})]


def test_an_array_is_read_piece_by_piece_whatever_its_form() -> None:
    rows = [{"external_id": f"A-{number}", "email": "x" * number, "n": [number, 1.5]} for number in range(3_000)]
    for text in (json.dumps(rows), json.dumps(rows, indent=1), "\n".join(json.dumps(row, indent=1) for row in rows)):
        found, notes = read(text)
        assert found == {number: [row["external_id"], row["email"]] for number, row in enumerate(rows, 1)}
        assert notes[0].startswith("Rows are told by their number in the")


def test_an_array_on_one_line_may_be_longer_than_a_row_and_its_numbers_are_never_cut(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("salesloft_mcp.intake.lines.MAX_LINE", 100_000)
    monkeypatch.setattr("salesloft_mcp.intake.json_rows.MAX_LINE", 100_000)
    numbers = "12345678901234567890123456789, " * 50_000
    found, _ = read(f"[{numbers}{ROW}]")
    assert len(found) == 50_001
    assert found[50_001] == ["A-1", "a@x.test"]
    long = ROW.replace("a@x.test", "a" * 1_000_000)
    assert "is JSON, and item 2 in it cannot be read: it is damaged, or too long." in refused(f"[{ROW}, {long}]")


def test_odd_items_of_an_array_are_invalid_by_themselves() -> None:
    found, _ = read(f'[{ROW}, 12, "x", null, {{"external_id": "b", "email": 1, "email": 2}}, {ROW}]')
    assert {number: row for number, row in found.items() if isinstance(row, str)} == {
        2: "the item is no JSON object.",
        3: "the item is no JSON object.",
        4: "the item is no JSON object.",
        5: '"email" is given twice.',
    }
