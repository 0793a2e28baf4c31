"""Workbooks: text stays text, what a spreadsheet changed stays visible, and nothing in them fills the memory."""

import datetime
import io
import sys
import zipfile
from collections.abc import Sequence

import openpyxl
import pytest

from salesloft_mcp.errors import InputError
from salesloft_mcp.intake import workbooks
from salesloft_mcp.intake.tables import Invalid, read_list

from .test_tables import PEOPLE, read, refused, table, told

HEAD = ("External ID", "E-mail", "Object ID")


def book(**sheets: Sequence[Sequence[object]]) -> bytes:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for number, row in enumerate(rows, 1):
            for column, value in enumerate(row, 1):
                sheet.cell(number, column, value)
    raw = io.BytesIO()
    made.save(raw)
    return raw.getvalue()


def with_part(content: bytes, name: str, part: bytes) -> bytes:
    """A workbook with one part in place of its own, or beside them."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        parts = {one: old.read(one) for one in old.namelist()} | {name: part}
        for one, held in parts.items():
            new.writestr(one, held)
    return made.getvalue()


def sheet_of(rows: str, begin: str = "") -> bytes:
    space = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return f'{begin}<worksheet xmlns="{space}"><sheetData>{rows}</sheetData></worksheet>'.encode()


def row(number: int, *texts: str) -> str:
    cells = "".join(f"<c t='inlineStr'><is><t>{text}</t></is></c>" for text in texts)
    return f"<row r='{number}'>{cells}</row>"


ONE = book(Leads=[HEAD, ("A-1", "a@x.test", None)])
SHEET = "xl/worksheets/sheet1.xml"


@pytest.mark.parametrize("name", ["leads.xlsx", "leads.csv", "leads"])
def test_a_workbook_is_a_table_whatever_its_name(name: str) -> None:
    found, notes = read(ONE, name)
    assert found == {2: ["A-1", "a@x.test", ""]}
    assert notes == ["Rows are told by their number in the sheet."]


def test_cells_keep_their_kind() -> None:
    day = datetime.datetime(2025, 3, 1)
    rows = [("007", "a@x.test", 7), (7, "b@x.test", 7.5), (day, True, 1e20), ("#REF!", "'=1+1", None)]
    found = table(book(Leads=[HEAD, *rows]), "a.xlsx", PEOPLE)
    assert told(found.rows) == {
        2: ["007", "a@x.test", 7],
        3: [7, "b@x.test", 7.5],
        4: [day, True, 100000000000000000000],
        5: ["#REF!", "'=1+1", ""],
    }


@pytest.mark.parametrize(
    ("written", "read"),
    [("5.78495206E8", "578495206"), ("12.0", "12"), ("12.5", "12.5"), ("8.96529E19", "8.96529e+19")],
)
def test_a_whole_number_is_one_however_a_program_writes_it(written: str, read: str) -> None:
    number = f"<row r='2'><c t='inlineStr'><is><t>A-1</t></is></c><c r='B2'><v>{written}</v></c></row>"
    content = with_part(ONE, SHEET, sheet_of(row(1, "External ID", "Object ID") + number))
    ((_, found),) = table(content, "a.xlsx", PEOPLE).rows
    assert not isinstance(found, Invalid)
    assert str(found["object_id"]) == read


def test_titles_blank_rows_and_footers_are_skipped_and_wide_rows_are_invalid() -> None:
    rows = [
        ("Leads", None),
        (),
        HEAD,
        ("A-1", "a@x.test"),
        (),
        ("A-2", "b@x.test", None, "x"),
        (),
        ("ACME GmbH",),
        (),
        (None, "Copyright (c) X"),
        ("Total", None, 2),
    ]
    found = table(book(Leads=rows), "a.xlsx", PEOPLE)
    assert list(found.rows) == [
        (4, {"external_id": "A-1", "email": "a@x.test", "object_id": ""}),
        (6, Invalid("4 cells, the head has 3.", "A-2")),
        (8, {"external_id": "ACME GmbH", "email": "", "object_id": ""}),
        (11, Invalid("looks like the total of a report, not like a row.", "Total")),
    ]
    assert [note.split(",")[0] for note in found.notes[1:]] == [
        "Skipped: 1 line (line 1) above the head",
        "Skipped: 1 blank line above the head.",
        "Skipped: 1 line (line 10) of a report's footer",
        "Skipped: 3 blank lines.",
    ]


def test_the_sheet_with_such_rows_is_read_and_the_others_are_named() -> None:
    found, notes = read(book(Notes=[("by", "Ann")], Leads=[HEAD, ("A-1", "a@x.test")], Empty=[]))
    assert found == {2: ["A-1", "a@x.test", ""]}
    assert 'Read: the sheet "Leads", which is not all: there are rows in "Notes" as well.' in notes


def test_several_sheets_of_such_rows_are_refused_by_name() -> None:
    words = refused(book(One=[HEAD, ("A-1", "a@x.test")], Two=[HEAD, ("A-2", "b@x.test")]))
    assert words.startswith('file: is a workbook with 2 sheets of such rows: "One", "Two".')


def test_of_several_sheets_of_such_rows_the_only_one_that_is_shown_is_read() -> None:
    rows = {name: [HEAD, (f"A-{name}", "a@x.test")] for name in ("One", "Two", "Three")}
    made = openpyxl.load_workbook(io.BytesIO(book(**rows)))
    made["One"].sheet_state = "hidden"
    raw = io.BytesIO()
    made.save(raw)
    assert '"One" (hidden), "Two", "Three".' in refused(raw.getvalue())
    made["Three"].sheet_state = "veryHidden"
    raw = io.BytesIO()
    made.save(raw)
    assert read(raw.getvalue())[0] == {2: ["A-Two", "a@x.test", ""]}


@pytest.mark.parametrize("size", [0, 150_000])
def test_rows_that_a_filter_hides_are_read_and_it_is_said(size: int) -> None:
    rows = row(1, "External ID", "E-mail") + row(2, "A-1", f"a@x.test{' ' * size}") + row(3, "A-2", "b@x.test")
    hidden = with_part(ONE, SHEET, sheet_of(rows.replace("r='3'", "r='3' spans='1:2' hidden='1'")))
    found, notes = read(hidden)
    assert list(found) == [2, 3]
    assert "1 row of the sheet is hidden, such as by a filter, and is read as well." in notes
    assert not [note for note in read(with_part(ONE, SHEET, sheet_of(rows)))[1] if "hidden" in note]


def test_hidden_rows_of_a_sheet_that_is_not_read_are_not_told() -> None:
    made = openpyxl.load_workbook(
        io.BytesIO(book(Pivot=[("Region", "Sum"), ("East", 1)], Leads=[HEAD, ("A-1", "a@x.test")]))
    )
    made["Pivot"].row_dimensions[2].hidden = True
    raw = io.BytesIO()
    made.save(raw)
    assert not [note for note in read(raw.getvalue())[1] if "hidden" in note]


def test_numbers_in_fields_are_told_for_the_whole_column() -> None:
    rows = [(f"A-{number}", number, number) for number in range(1, 4)]
    _, notes = read(book(Leads=[HEAD, ("A-0", "a@x.test", 1), *rows]))
    assert notes[-1] == (
        'Numbers in the workbook, not text: "email" (first in row 3); where a field takes text, format its column as '
        "text and enter the values again, or save the sheet as CSV."
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (book(Leads=[]), "is a workbook without any rows."),
        (book(Leads=[("id", "email"), ("A-1", "a@x.test")]), 'columns {"id": "external_id"}'),
        (with_part(ONE, SHEET, b"<not xml"), "is a workbook that cannot be read: it is damaged."),
        (with_part(ONE, "xl/workbook.xml", b"<workbook/>"), "is a workbook without any rows."),
        (
            with_part(ONE, SHEET, sheet_of("<row r='1'/>", '<!DOCTYPE x [<!ENTITY a "b"><!ENTITY c "&a;&a;">]>')),
            "is a workbook that defines XML entities.",
        ),
    ],
)
def test_a_workbook_that_cannot_be_read_is_one_refusal(content: bytes, words: str) -> None:
    assert words in refused(content)


def test_a_sheet_of_too_many_rows_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert workbooks.MAX_ROWS == 1_048_576
    monkeypatch.setattr(workbooks, "MAX_ROWS", 1_000)  # the rows before the last are read, whatever they hold
    far = with_part(ONE, SHEET, sheet_of(row(1, "external_id", "email") + "<row r='99999999'/>"))
    assert "has a sheet of more than 1,000 rows." in refused(far)


def test_a_workbook_that_unpacks_to_too_much_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbooks, "MAX_PART", 100_000)
    assert "unpacks to more than" in refused(with_part(ONE, "xl/styles.xml", b" " * 200_000))
    monkeypatch.setattr(workbooks, "MAX_LINE", 100_000)
    huge = sheet_of(f"<row r='1'><c t='inlineStr'><is><t>{'x' * 300_000}</t></is></c></row>")
    assert "a row of more than" in refused(with_part(ONE, SHEET, huge))
    monkeypatch.setattr(workbooks, "MAX_WORKBOOK", 1_000)
    assert "is a workbook of more than" in refused(with_part(ONE, SHEET, huge))


def test_what_a_part_is_called_lifts_no_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any part may be named as a sheet, whatever its own name."""
    monkeypatch.setattr(workbooks, "MAX_PART", 100_000)
    content = with_part(ONE, "xl/other/sheet.dat", b" " * 200_000)
    assert "unpacks to more than" in refused(content)
    evil = with_part(ONE, "xl/other/sheet.dat", b'<!DOCTYPE x [<!ENTITY a "b">]><worksheet/>')
    assert "defines XML entities" in refused(evil)


def test_a_declared_size_that_is_wrong_is_no_matter() -> None:
    rows = row(1, "external_id", "email") + row(2, "A-1", "a@x.test")
    sheet = sheet_of(rows).replace(b"<sheetData>", b'<dimension ref="A1:XFD1048576"/><sheetData>')
    assert read(with_part(ONE, SHEET, sheet))[0] == {2: ["A-1", "a@x.test"]}


def test_without_the_extra_it_says_how_to_install_it_or_to_save_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openpyxl", None)
    assert refused(ONE) == (
        "file: is a workbook, and what reads them is not installed.\n"
        "Next: pip install 'salesloft-mcp[excel]', or save the sheet as CSV (in Excel: \"CSV UTF-8\")."
    )


def test_a_workbook_of_ids_without_a_head_is_told_so() -> None:
    with pytest.raises(InputError, match=r'has no line with the names of its columns: line 1 looks like a row \("A-1"'):
        read_list(io.BytesIO(book(Ids=[("A-1",), ("A-2",)])))


def test_ids_to_resolve_may_stand_in_a_workbook() -> None:
    assert told(read_list(io.BytesIO(ONE), "ids.xlsx").rows) == {2: ["A-1"]}


def formulas(*cells: str) -> bytes:
    """A workbook whose second row has these cells, in XML."""
    return with_part(ONE, SHEET, sheet_of(row(1, *HEAD, "Note") + f"<row r='2'>{''.join(cells)}</row>"))


NO_RESULT = "holds a formula without a result; open the workbook in Excel and save it."
TEXT = "<c t='inlineStr'><is><t>{}</t></is></c>"


@pytest.mark.parametrize(
    "formula",
    [
        *("<c><f>A1</f></c>", "<c><f>A1&amp;1</f><v></v></c>", "<c t='n'><f>A1</f><v/></c>"),
        *("<c><f>A1</f><v xml:space='preserve'></v></c>", "<c><f>A1</f><!-- none --></c>"),
    ],
)
def test_a_formula_without_a_result_is_no_empty_field(formula: str) -> None:
    good = TEXT.format("A-1"), TEXT.format("a@x.test")
    assert read(formulas(formula, good[1]))[0] == {2: f"external_id: {NO_RESULT}"}
    assert read(formulas(good[0], formula))[0] == {2: f"email: {NO_RESULT}"}
    assert read(formulas(*good, "<c/>", formula))[0] == {2: ["A-1", "a@x.test", ""]}  # in a column that is not used


def test_a_formula_without_a_result_is_found_whatever_the_part_of_its_sheet_is_called() -> None:
    cells = row(1, *HEAD) + f"<row r='2'>{TEXT.format('A-1')}<c><f>A1</f></c></row>"
    content = with_part(ONE, "xl/leads.xml", sheet_of(cells))
    links = "xl/_rels/workbook.xml.rels"
    with zipfile.ZipFile(io.BytesIO(content)) as parts:
        elsewhere = parts.read(links).replace(b"worksheets/sheet1.xml", b"leads.xml")
        kinds = parts.read("[Content_Types].xml").replace(b"xl/worksheets/sheet1.xml", b"xl/leads.xml")
    content = with_part(with_part(content, links, elsewhere), "[Content_Types].xml", kinds)
    assert read(content)[0] == {2: f"email: {NO_RESULT}"}


def test_a_sheet_that_is_an_empty_chart_is_no_damage() -> None:
    made = openpyxl.load_workbook(io.BytesIO(ONE))
    made.create_chartsheet("Chart", 0)
    raw = io.BytesIO()
    made.save(raw)
    assert read(raw.getvalue())[0] == {2: ["A-1", "a@x.test", ""]}


def test_a_formula_with_a_result_is_that_result_be_it_an_empty_text() -> None:
    cells = "<c t='str'><f>A1</f><v>A-1</v></c>", TEXT.format("a@x.test"), "<c t='str'><f>IF(1,B1)</f><v></v></c>"
    assert read(formulas(*cells))[0] == {2: ["A-1", "a@x.test", ""]}
    assert read(formulas(*cells, "<c><f>A1</f></c>"))[0] == {2: ["A-1", "a@x.test", ""]}


def test_formulas_of_a_program_without_results_are_found_in_a_sheet_of_any_size() -> None:
    rows = [HEAD, *[(f"A-{number}", "a@x.test") for number in range(4_000)], ("=A1", "b@x.test")]
    found, _ = read(book(Other=[("x",)], Leads=rows))
    assert [line for line, cells in found.items() if isinstance(cells, str)] == [4_002]
    assert found[4_002] == f"external_id: {NO_RESULT}"
