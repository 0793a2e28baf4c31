"""Bytes to rows: each row is returned, or named as invalid with its line, or the file is refused."""

import csv
import io
import random
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from salesloft_mcp.errors import InputError
from salesloft_mcp.intake.heads import Wanted
from salesloft_mcp.intake.lines import MAX_LINE
from salesloft_mcp.intake.tables import Invalid, Rows, Table, open_table

Told = dict[int, list[object] | str]  # by line: the cells, or why the row is invalid
PROSE = "abc 12;\t.,\"'=\n\r"
LINE_END = re.compile(r"\r\n?|\n")
NAMES = ("external_id", "name", "note", "n", "email", "h1", "h2", "h3")
ANY = Wanted(frozenset(NAMES), {"id": "external_id", "h0": "external_id", "e-mail address": "email"})
PEOPLE = Wanted(
    frozenset({"external_id", "object_id", "email", "crm_id"}),
    {"email_address": "email", "person_id": "object_id"},
    ("object_id", "email", "crm_id"),
)


def told(rows: Rows) -> Told:
    found = list(rows)
    by_line = {line: one.problem if isinstance(one, Invalid) else list(one.values()) for line, one in found}
    assert len(by_line) == len(found)
    return by_line


def table(text: str | bytes, name: str = "a.csv", wanted: Wanted = ANY, **columns: str) -> Table:
    return open_table(io.BytesIO(text.encode() if isinstance(text, str) else text), name, wanted, columns)


def read(text: str | bytes, name: str = "a.csv", wanted: Wanted = PEOPLE) -> tuple[Told, list[str]]:
    """The rows, and the notes once they were read."""
    found = table(text, name, wanted)
    return told(found.rows), found.notes


def csv_of(text: str) -> Told:
    return told(table(text).rows)


def invalid(text: str) -> dict[int, str]:
    return {line: row for line, row in csv_of(text).items() if isinstance(row, str)}


def refused(text: str | bytes, name: str = "a.csv", wanted: Wanted = PEOPLE, **columns: str) -> str:
    with pytest.raises(InputError) as raised:
        list(table(text, name, wanted, **columns).rows)
    return str(raised.value)


def csv_refused(text: str) -> str:
    return refused(text, wanted=ANY)


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_cells_stand_between_commas_semicolons_tabs_or_pipes(delimiter: str, end: str) -> None:
    text = end.join(["id,name", 'a,"x,y"', "", 'b,"say ""hi"""', "c,", '"","d"', ""]).replace(",", delimiter)
    assert csv_of(text) == {2: ["a", f"x{delimiter}y"], 4: ["b", 'say "hi"'], 5: ["c", ""], 6: ["", "d"]}


def test_the_delimiter_is_taken_from_the_head_alone() -> None:
    assert csv_of('id;"a, b, c";n\n1;x;2,3\n') == {2: ["1", "2,3"]}
    assert csv_of("id\n1;2\n") == {2: ["1;2"]}


def test_marks_of_a_byte_order_blank_lines_and_a_mark_of_the_end_are_no_rows() -> None:
    assert csv_of("\ufeff\ufeffid,name\na,b\n\n\r\nc,d\n\x1a") == {2: ["a", "b"], 5: ["c", "d"]}
    assert csv_of("\ufeff\n  \nid,name\na,b\x1a") == {4: ["a", "b"]}


def test_line_ends_may_be_mixed() -> None:
    assert csv_of("id,name\r\na,b\nc,d\re,f\r\n") == {2: ["a", "b"], 3: ["c", "d"], 4: ["e", "f"]}


def test_a_row_has_the_line_it_begins_on() -> None:
    assert csv_of('id,n\na,"one\r\n\ntwo"\nb,2\n') == {2: ["a", "one\r\n\ntwo"], 5: ["b", "2"]}


REPORT = "line,external_id,plan,outcome,name"


def test_quotes_before_formulas_are_taken_off_in_a_report_of_ours_alone() -> None:
    assert csv_of(f"{REPORT}\n1,'=1,,,'x\n2,\"'+2\",,,''-3\n") == {2: ["=1", "'x"], 3: ["+2", "'-3"]}
    assert csv_of("id,name\n'=1,'x\n'+2,''-3\n-2,'@x\n") == {2: ["'=1", "'x"], 3: ["'+2", "''-3"], 4: ["-2", "'@x"]}


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("id,email,email", 'the head "email" stands in columns 2 and 3.'),
        ('note,id,"note",n,note', 'the head "note" stands in columns 1 and 3 and 5.'),
    ],
)
def test_a_head_that_stands_twice_refuses_the_file(head: str, words: str) -> None:
    assert csv_refused(f"{head}\n1,2,3,4,5\n") == f"file: {words}\nNext: rename or remove all of them but one."


def test_columns_that_are_not_used_may_have_no_head_or_the_same_one() -> None:
    assert csv_of("id,,x,,x\n1,2,3,4,5\n") == {2: ["1"]}


def test_a_row_with_more_or_fewer_cells_than_the_head_is_invalid_and_the_others_go_on() -> None:
    assert csv_of("name,id\nACME, Inc.,1\nBolt,2\nShort\n") == {
        2: "3 cells, the head has 2.",
        3: ["Bolt", "2"],
        4: "1 cell, the head has 2.",
    }


@pytest.mark.parametrize("row", ['b,19" rack', 'b, "x"', '"Bob" Smith,x', 'b,"x"""y"', 'b,x""', 'b,"x" '])
def test_a_row_that_is_misquoted_is_invalid_and_the_others_go_on(row: str) -> None:
    found = csv_of(f"id,note\na,1\n{row}\nc,3\n")
    assert str(found.pop(3)).startswith("a quote is out of place, or is not closed; put a cell that holds a quote")
    assert found == {2: ["a", "1"], 4: ["c", "3"]}


def test_a_quote_that_the_last_line_leaves_open_is_told() -> None:
    assert list(invalid('id,note\na,1\nb,"x')) == [3]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        (
            'a,ok\nb,"call back\nc,ok\nd,19" rack\n',
            "line 3: a quote is out of place, or is not closed, which shows on line 5.",
        ),
        ('a,"x\nb,"y"\nc,"z"\n', "line 2: a quote is out of place, or is not closed, which shows on line 3."),
        ('a,ok\nb,"x\nc,y\nd,z\n', "line 3: a quote is out of place, or is not closed, which shows on line 5."),
        ('"a\nb",19" rack,"\n', "line 2: a quote is out of place, or is not closed, which shows on line 3."),
        ('a,"1\n2"\nb,19" rack\n', "line 4 is misquoted, and line 2 begins a row of several lines, so that"),
        ('b,19" rack\na,"1\n2"\n', "line 2 is misquoted, and line 3 begins a row of several lines, so that"),
    ],
)
def test_quotes_that_leave_it_open_where_rows_begin_refuse_the_file(rows: str, words: str) -> None:
    assert csv_refused(f"id,note\n{rows}").startswith(f"file: {words}")


def test_rows_between_two_stray_quotes_are_all_told() -> None:
    found = csv_of('id,note\na,1\nb,"call back\n\nc,ok\nd,rack of 19"\ne,5\n')
    assert [line for line, row in found.items() if isinstance(row, str)] == [3, 4, 5, 6]
    assert str(found[3]).startswith("by its quotes, one row runs from line 3 to line 6: its lines look like rows")
    assert (found[2], found[7]) == (["a", "1"], ["e", "5"])


def test_each_line_is_told_of_a_row_of_several_lines_that_has_too_few_cells() -> None:
    words = "by its quotes, one row runs from line 2 to line 3: 2 cells, the head has 3."
    assert csv_of('id,note,n\na,"x,1\nb,y"\nc,z,3\n') == {2: words, 3: words, 4: ["c", "z", "3"]}


def test_a_head_that_swallowed_rows_refuses_the_file() -> None:
    assert "line 1: its lines look like rows" in csv_refused('id,"note\na,1\nb,2"\nc,3\n')
    assert csv_of('id,"e-mail\naddress"\na,1\n') == {3: ["a", "1"]}


def test_a_quote_that_is_never_closed_does_not_fill_the_memory() -> None:
    raw = io.BytesIO(b'id,note\na,"x\n' + (b"b," + b"y" * 1_000 + b"\n") * 40_000)
    with pytest.raises(InputError, match=r"line 2: a quote is out of place, or is not closed"):
        list(open_table(raw, "a.csv", ANY).rows)
    assert raw.closed or raw.tell() < 2 * MAX_LINE


@pytest.mark.parametrize("cell", ["x" * 3_000_000, '"' + "x,y" * 1_000_000 + '"', '"' + "x,\r\n" * 1_000_000 + '"'])
def test_a_huge_cell_in_a_column_that_nobody_asks_for_is_no_trouble(cell: str) -> None:
    assert csv_of(f"id,other\na,{cell}\nb,\n") == {2: ["a"], 3 + cell.count("\n"): ["b"]}


def test_a_line_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("salesloft_mcp.intake.lines.MAX_LINE", 200_000)
    words = "file: line 2 is longer than 200,000 characters.\nNext: correct it and try again; nothing was sent."
    assert csv_refused(f"id,n\na,{'x' * 200_000}\n") == csv_refused(f"id,n\na,{'x' * 1_000_000}") == words


@st.composite
def tables(draw: st.DrawFn) -> list[list[str]]:
    """The rows of a table whose first column tells them apart; other cells hold anything."""
    width = draw(st.integers(2, 4))
    cells = st.text(PROSE, max_size=8) | st.sampled_from(["", "ok", '"', "\n"])
    rows = draw(st.lists(st.lists(cells, min_size=width - 1, max_size=width - 1), min_size=1, max_size=6))
    return [[f"r{number}", *row] for number, row in enumerate(rows)]


def written(rows: list[list[str]], quoting: int) -> str:
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL if quoting else csv.QUOTE_MINIMAL).writerows(rows)
    return text.getvalue()


def with_first_lines(rows: list[list[str]]) -> dict[int, list[str]]:
    """Each row under the line it begins on, below a head of one line."""
    line, found = 2, {}
    for row in rows:
        found[line] = row
        line += 1 + sum(len(LINE_END.findall(cell)) for cell in row)
    return found


@given(rows=tables(), quoting=st.integers(0, 1))
def test_every_row_of_a_well_formed_table_is_returned_or_told(rows: list[list[str]], quoting: int) -> None:
    found = csv_of(written([[f"h{number}" for number in range(len(rows[0]))], *rows], quoting))
    for line, row in with_first_lines(rows).items():
        cells = found.pop(line)
        if isinstance(cells, str):
            assert "look like rows of their own" in cells
        else:
            assert cells == row
    assert all(isinstance(rest, str) for rest in found.values())


@given(rows=tables(), quoting=st.integers(0, 1), data=st.data())
def test_one_quote_more_or_less_never_loses_a_row_in_silence(
    rows: list[list[str]], quoting: int, data: st.DataObject
) -> None:
    head = [f"h{number}" for number in range(len(rows[0]))]
    text = written([head, *rows], quoting)
    assume(not [row for row in csv_of(text).values() if isinstance(row, str)])
    place = data.draw(st.integers(0, len(text)))
    damaged = f'{text[:place]}"{text[place:]}'
    if quotes := [found.start() for found in re.finditer('"', text)]:
        gone = data.draw(st.sampled_from(quotes))
        damaged = data.draw(st.sampled_from([damaged, text[:gone] + text[gone + 1 :]]))
    try:
        found = csv_of(damaged)
    except InputError:
        return
    ids = [str(row[0]) for row in found.values() if not isinstance(row, str)]
    assert len(found) >= len(rows)
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("removed", [1, 2, 3, 10])
def test_a_thousand_rows_with_quotes_removed_are_a_thousand_rows_or_refused(removed: int) -> None:
    rows = [[f"ID-{number}", f"{number}@a.test", f'note {number}, "so"'] for number in range(1_000)]
    text = written([["id", "email", "note"], *rows], 0)
    quotes = [found.start() for found in re.finditer('"', text)]
    for seed in range(20):
        gone = set(random.Random(seed).sample(quotes, removed))
        damaged = "".join(char for place, char in enumerate(text) if place not in gone)
        try:
            found = csv_of(damaged)
        except InputError:
            continue
        good = [row for row in found.values() if not isinstance(row, str)]
        assert list(found) == list(range(2, 1_002))
        assert len(good) >= 1_000 - removed
        assert all(row[:2] == rows[int(str(row[0])[3:])][:2] for row in good)


@pytest.mark.parametrize(
    "note",
    [
        "Call back\nDear Ann, thanks, Bob",
        "one\n\n\ntwo, three\nfour, five, six",
        "He said, yes\nfine",
        "a;b|c\td\n,,,\n",
    ],
)
def test_a_note_of_several_lines_is_a_note_whatever_it_holds(note: str) -> None:
    for heads, row in (
        ("external_id,email,note", ["A-1", "a@x.test", note]),
        ("external_id,note,email", ["A-1", note, "a@x.test"]),
        ("note,external_id,email", [note, "A-1", "a@x.test"]),
    ):
        text = f"{heads}\n" + written([row, ["B-1", "b@x.test", "ok"]], 0)
        assert read(text)[0][2] == ["A-1", "a@x.test"], heads


def test_rows_that_two_stray_quotes_have_joined_are_told_by_their_keys() -> None:
    found, _ = read('external_id,email,note\na,a@x.test,"call back\nb,b@x.test,rack of 19"\nc,c@x.test,\n')
    assert [line for line, row in found.items() if isinstance(row, str)] == [2, 3]
    assert found[4] == ["c", "c@x.test"]


def test_a_row_of_the_wrong_width_keeps_its_id_where_that_can_be_told() -> None:
    for text, ids in (
        ("external_id,email,n\nA-1\nA-2,a@x.test\nA-3,a@x.test,n,n\nA-4,a@x.test,n\n", ["A-1", "A-2", "A-3"]),
        ("email,external_id,n\na@x.test\na@x.test,A-2\nACME, Inc.,A-3,n\nb@x.test,A-4,n\n", ["", "A-2", ""]),
        ('external_id,email\nA-1,19" rack\n', [""]),
    ):
        rows = [row for _, row in table(text, wanted=PEOPLE).rows]
        assert [row.external_id for row in rows if isinstance(row, Invalid)] == ids


DIALECTS = st.sampled_from([",", ";", "\t", "|"])
ENCODINGS = st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
ENDS = st.sampled_from(["\n", "\r\n", "\r"])
CELLS = st.text("abcXYZ 0123456789,;|\t\"'-éł\u4e2d\n", max_size=12)


@given(rows=st.lists(st.tuples(CELLS, CELLS), max_size=8), delimiter=DIALECTS, encoding=ENCODINGS, end=ENDS)
def test_what_a_program_wrote_is_read_back_whatever_its_dialect_and_encoding(
    rows: list[tuple[str, str]], delimiter: str, encoding: str, end: str
) -> None:
    full = [[f"é{number}", f"{number}@x.test", *row] for number, row in enumerate(rows)]
    text = io.StringIO(newline="")
    # Python's writer leaves a line feed unquoted where lines end otherwise.
    writer = csv.writer(text, delimiter=delimiter, lineterminator=end, quoting=1 if end == "\r" else 0)
    writer.writerows([["external_id", "email", "a", "b"], *full])
    found, _ = read(text.getvalue().encode(encoding))
    assert found == {line: row[:2] for line, row in with_first_lines(full).items()}


@pytest.mark.parametrize("rows", ["A-1;a@x.test\nA-2;b@x.test\n", "\nA-1;a@x.test\n"])
def test_rows_with_another_separator_than_the_head_are_a_fault_of_the_file(rows: str) -> None:
    assert refused(f"external_id,email\n{rows}").startswith("file: its rows are separated by ;, and its head by ,.")
    words = refused(f"external_id;email\n{rows}".replace(";", "\t", 1).replace(";", ","))
    assert words.startswith("file: its rows are separated by ,, and its head by tabs.")


def test_rows_or_a_head_that_stand_in_quotes_as_a_whole_are_a_fault_of_the_file() -> None:
    rows = '"A-1,a@x.test"\n"A-2,""b@x.test"""\n'
    assert refused(f"external_id,email\n{rows}").startswith("file: each of its rows stands in quotes as a whole")
    words = refused(f'"external_id,email"\n{rows}')
    assert words.startswith("file: line 1, with the names of the columns, stands in quotes as a whole")


def test_a_head_that_none_of_the_first_rows_fits_is_a_fault_of_the_file() -> None:
    rows = "".join(f"A-{number},x,{number}@x.test\n" for number in range(200))
    assert refused(f"external_id,email\n{rows}").startswith(
        "file: none of its first 100 rows fits its head. Line 2: 3 cells, the head has 2."
    )
    good = f"external_id,email\nB,b@x.test\n{rows}"
    assert len(read(good)[0]) == 201


@pytest.mark.parametrize(
    ("head", "sign"),
    [
        ("external_id~email", '"~"'),
        ("External ID ^ E-mail", '"^"'),
        ("external_id\x01email", '"\\u{1}"'),
        ("external_id，email", '"，"'),
        ("external_id email", "spaces"),
        ("External ID   E-mail", "spaces"),
    ],
)
def test_a_head_with_another_separator_is_told_by_it_and_never_as_one_column(head: str, sign: str) -> None:
    words = refused(f"{head}\n{head}\n")
    assert words.startswith(f"file: line 1 names the columns, but it separates them by {sign}.")
    assert "--map" not in words


@pytest.mark.parametrize("head", ["'external_id','email'", "“external_id”,“email”", "`external_id`;`email`"])
def test_a_head_in_quotes_that_no_csv_has_is_told_by_them(head: str) -> None:
    assert refused(f"{head}\n").startswith("file: line 1, with the names of the columns, has quotes around them that")


@pytest.mark.parametrize("rule", ["-----------,-----", "--,--"])
def test_a_line_of_dashes_below_the_head_is_no_row(rule: str) -> None:
    found, _ = read(f"external_id,email\n{rule}\nA-1,a@x.test\n--,b@x.test\n")
    assert found == {
        2: "is a line of dashes below the names of the columns, not a row.",
        3: ["A-1", "a@x.test"],
        4: ["--", "b@x.test"],
    }
