"""Bytes to rows: each row is returned, or named as invalid with its line, or the file is refused."""

import csv
import io
import random
import re
from collections.abc import Callable

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from salesloft_mcp.errors import InputError
from salesloft_mcp.intake.tables import MAX_LINE, Invalid, Rows, read_csv, read_jsonl, read_list

Told = dict[int, list[object] | str]  # by line: the cells, or why the row is invalid
PROSE = "abc 12;\t.,\"'=\n\r"
LINE_END = re.compile(r"\r\n?|\n")


def told(rows: Rows) -> Told:
    found = list(rows)
    by_line = {line: one.problem if isinstance(one, Invalid) else list(one.values()) for line, one in found}
    assert len(by_line) == len(found)
    return by_line


def csv_of(text: str) -> Told:
    return told(read_csv(io.BytesIO(text.encode())).rows)


def invalid(text: str) -> dict[int, str]:
    return {line: row for line, row in csv_of(text).items() if isinstance(row, str)}


def refused(read: Callable[[io.BytesIO], object], content: bytes) -> str:
    with pytest.raises(InputError) as raised:
        read(io.BytesIO(content))
    return str(raised.value)


def csv_refused(text: str) -> str:
    return refused(lambda raw: list(read_csv(raw).rows), text.encode())


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_cells_stand_between_commas_semicolons_or_tabs(delimiter: str, end: str) -> None:
    text = end.join(["id,name", 'a,"x,y"', "", 'b,"say ""hi"""', "c,", '"","d"', ""]).replace(",", delimiter)
    table = read_csv(io.BytesIO(text.encode()))
    assert table.heads == ("id", "name")
    assert told(table.rows) == {2: ["a", f"x{delimiter}y"], 4: ["b", 'say "hi"'], 5: ["c", ""], 6: ["", "d"]}


def test_the_delimiter_is_taken_from_the_head_alone() -> None:
    assert csv_of('id;"a, b, c"\n1;2,3\n') == {2: ["1", "2,3"]}
    assert csv_of("id\n1;2\n") == {2: ["1;2"]}


def test_marks_of_a_byte_order_blank_lines_and_a_mark_of_the_end_are_no_rows() -> None:
    assert csv_of("\ufeff\ufeffid,name\na,b\n\n\r\nc,d\n\x1a") == {2: ["a", "b"], 5: ["c", "d"]}
    table = read_csv(io.BytesIO("\ufeff\n  \nid,name\na,b".encode()))
    assert (table.heads, told(table.rows)) == (("id", "name"), {4: ["a", "b"]})


def test_line_ends_may_be_mixed() -> None:
    assert csv_of("id,name\r\na,b\nc,d\re,f\r\n") == {2: ["a", "b"], 3: ["c", "d"], 4: ["e", "f"]}


def test_a_row_has_the_line_it_begins_on() -> None:
    assert csv_of('id,n\na,"one\r\n\ntwo"\nb,2\n') == {2: ["a", "one\r\n\ntwo"], 5: ["b", "2"]}


def test_quotes_that_a_report_put_before_formulas_are_taken_off() -> None:
    assert csv_of("id,name\n'=1,'x\n\"'+2\",''-3\n") == {2: ["=1", "'x"], 3: ["+2", "'-3"]}


@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("id,email,email", 'the head "email" stands in columns 2 and 3.'),
        ('a,id,"a",id,a', 'the head "a" stands in columns 1 and 3 and 5.'),
    ],
)
def test_a_head_that_stands_twice_refuses_the_file(head: str, words: str) -> None:
    assert csv_refused(f"{head}\n1,2,3\n") == f"file: {words}\nNext: rename or remove all of them but one."


def test_columns_without_a_head_may_be_several() -> None:
    assert read_csv(io.BytesIO(b"id,,\n1,2,3\n")).heads == ("id", "", "")


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
    assert read_csv(io.BytesIO(b'id,"e-mail\naddress"\na,1\n')).heads == ("id", "e-mail\naddress")


def test_a_quote_that_is_never_closed_does_not_fill_the_memory() -> None:
    raw = io.BytesIO(b'id,note\na,"x\n' + b"b,y\n" * 2_000_000)
    with pytest.raises(InputError, match=r"line 2: a quote is out of place, or is not closed"):
        list(read_csv(raw).rows)
    assert raw.closed or raw.tell() < 2 * MAX_LINE


@pytest.mark.parametrize("read", [lambda raw: read_csv(raw).rows, read_jsonl, lambda raw: read_list(raw, "id")])
def test_what_is_no_text_or_has_no_end_of_line_is_refused(read: Callable[[io.BytesIO], Rows]) -> None:
    assert refused(lambda raw: list(read(raw)), b"id\n\xff") == "file: is not UTF-8 text.\nNext: save it as UTF-8."
    words = refused(lambda raw: list(read(raw)), b"id\n" + b"x" * (MAX_LINE + 1))
    assert words == f"file: line 2 is longer than {MAX_LINE} characters."


@pytest.mark.parametrize("cell", ["x" * 900_000, '"' + "x,y" * 300_000 + '"', '"' + "x\r\n" * 300_000 + '"'])
def test_a_huge_cell_in_a_column_that_nobody_asks_for_is_no_trouble(cell: str) -> None:
    assert csv_of(f"id,note\na,{cell}\n") == {2: ["a", cell.strip('"')]}


def test_an_empty_file_is_no_table() -> None:
    assert {csv_refused(text) for text in ("", "\ufeff\n \n", "\x1a")} == {"file: is empty."}
    assert told(read_list(io.BytesIO(b"\n"), "id")) == told(read_jsonl(io.BytesIO())) == {}


def test_json_lines_are_objects_or_invalid_with_the_reason() -> None:
    lines = (
        '\ufeff{"id": "a", "n": [1, null]}',
        "",
        "not json",
        "[1]",
        '{"id": "b", "id": "c"}',
        '{"id": "d", "more": {"x": 1, "x": 1}}',
        "[" * 100_000,
        '{"id": ' + "9" * 5_000 + "}",
    )
    assert told(read_jsonl(io.BytesIO("\n".join(lines).encode()))) == {
        1: ["a", [1, None]],
        3: "the line is no JSON object.",
        4: "the line is no JSON object.",
        5: '"id" is given twice.',
        6: '"x" is given twice.',
        7: "the line is no JSON object.",
        8: "the line is no JSON object.",
    }


@pytest.mark.parametrize("text", ['a\nb, c\n\n"d', '\ufeffa\r\nb, c\r\n\r\n"d\r\n'])
def test_a_list_has_a_value_a_line_whatever_it_holds(text: str) -> None:
    assert told(read_list(io.BytesIO(text.encode()), "id")) == {1: ["a"], 2: ["b, c"], 4: ['"d']}


@pytest.mark.parametrize("text", ["id,name\na,b\nc\n", '"id";"name"\n"a";"b"\n"c"\n', "id\tname\na\tb\nc\n"])
def test_a_list_whose_first_line_names_the_column_is_a_csv(text: str) -> None:
    assert told(read_list(io.BytesIO(text.encode()), "id")) == {2: ["a", "b"], 3: "1 cell, the head has 2."}


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
            assert cells == [cell[1:] if re.match(r"'+[=+\-@\t\r]", cell) else cell for cell in row]
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
