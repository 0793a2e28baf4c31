"""Strict CSV, from lines to the cells of each row.

One quote out of place can hide line ends in a cell, and whole rows with them. So a row is returned, or its lines are
named with what is wrong; where quotes leave it open which lines are rows, the file is refused.
"""

import csv
import re
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from salesloft_mcp.errors import InputError
from salesloft_mcp.intake.formulas import unformula
from salesloft_mcp.text import quoted

MAX_ROW = 1024**2  # characters of a row below its first line
csv.field_size_limit(4 * MAX_ROW)  # lines and rows have limits here, and csv's own for a cell is smaller

_DELIMITERS = ",;\t"
_LINE_END = re.compile(r"\r\n?|\n")
_QUOTED_TEXT = re.compile(r'"[^"]*"?')
_DOS_END = "\x1a"
_HOW = "put a cell that holds a quote in quotes, and write each quote inside it twice"
_MISQUOTED = "a quote is out of place, or is not closed"
_STRAY = "its lines look like rows of their own, so that a quote may be out of place"

Line = tuple[int, str]  # its number, and its text with the line end
Row = tuple[int, list[str] | str]  # the line it begins on, and its cells or what is wrong with it


def parsed(first: Line, lines: Iterator[Line]) -> tuple[list[str], Iterator[Row]]:
    """The heads that `first` holds, and the rows below; the quotes that a report puts before formulas are taken off.

    Raises:
        InputError: a head stands twice, or quotes leave it open which lines are rows; the latter while rows are read.
    """
    delimiter = delimiter_of(first[1])
    records = _records(chain([first], lines), delimiter)
    head = next(records)
    swallowed = any(delimiter in cell for cell in head.cells if _LINE_END.search(cell))
    if problem := head.problem or (_STRAY if swallowed else ""):
        raise InputError("file", f"line {head.first}: {problem}.")
    named = Counter(filter(None, head.cells))
    if twice := next((name for name, times in named.items() if times > 1), ""):
        columns = " and ".join(str(number) for number, name in enumerate(head.cells, 1) if name == twice)
        what = f"the head {quoted(twice)} stands in columns {columns}."
        raise InputError("file", what, next_step="rename or remove all of them but one.")
    return head.cells, _rows(head, records, delimiter)


def delimiter_of(head: str) -> str:
    """A comma, semicolon or tab: whichever stands most often outside of quotes."""
    return max(_DELIMITERS, key=_QUOTED_TEXT.sub("", head).count)


def without_end(line: str) -> str:
    """The text of a line; nothing where it is the mark by which DOS ended a file."""
    text = line.rstrip("\r\n")
    return "" if text == _DOS_END else text


class _Record(NamedTuple):
    """A row from line `first` to line `last`, or what is wrong with the quotes of a line."""

    first: int
    last: int
    cells: list[str]
    problem: str


def _rows(head: _Record, records: Iterator[_Record], delimiter: str) -> Iterator[Row]:
    """Each record as a row below `head`. Where one of several lines cannot be right, each of its lines is invalid."""
    spanning, misquoted = head.first if head.last > head.first else 0, 0
    for record in records:
        first, last, cells, problem = record
        misquoted = first if problem else misquoted
        spanning = first if last > first else spanning
        if misquoted and spanning:
            what = f"line {misquoted} is misquoted, and line {spanning} begins a row of several lines, "
            raise InputError("file", f"{what}so that it cannot be told where rows begin.", next_step=f"{_HOW}.")
        if not problem and len(cells) != len(head.cells):
            problem = f"{len(cells)} cell{'s' * (len(cells) != 1)}, the head has {len(head.cells)}"
        if last > first and (problem := problem or _not_one_row(record, delimiter)):
            problem = f"by its quotes, one row runs from line {first} to line {last}: {problem}"
        if problem:
            yield from ((line, f"{problem}.") for line in range(first, last + 1))
        else:
            yield first, cells


def _not_one_row(record: _Record, delimiter: str) -> str:
    """Why several lines may not be one row: two stray quotes may have joined rows that hold no other quotes.

    The first line of the cell between them would then complete its row, and the last line begin one, up to that column.
    """
    for before, cell in enumerate(record.cells):
        first, *others = _LINE_END.split(cell)
        behind = len(record.cells) - 1 - before
        if others and (first.count(delimiter), others[-1].count(delimiter)) == (behind, before):
            return _STRAY
    return ""


def _records(lines: Iterator[Line], delimiter: str) -> Iterator[_Record]:
    taken: list[Line] = []  # of the row that is read

    def fed() -> Iterator[str]:
        size = 0
        for line in lines:
            size = size + len(line[1]) if taken else 0
            if size > MAX_ROW:
                raise _refusal(taken[0][0])
            taken.append(line)
            yield line[1]

    rows = csv.reader(fed(), delimiter=delimiter, strict=True)
    while True:
        taken.clear()
        try:
            cells, problem = next(rows, None), ""
        except csv.Error:
            cells, problem = [], _MISQUOTED
        if cells is None:
            return
        first, last, text = taken[0][0], taken[-1][0], "".join([line for _, line in taken])
        # A quote that its cell does not begin with is an ordinary character to csv.
        if '"' in text and any(before and before[-1] != delimiter for before in text.split('"')[:-1:2]):
            problem = _MISQUOTED
        if problem and last > first:
            raise _refusal(first, f", which shows on line {last}")
        if problem or without_end(text):
            cells = list(map(unformula, cells)) if "'" in text else cells
            yield _Record(first, last, cells, problem and f"{problem}; {_HOW}")


def _refusal(line: int, shows: str = "") -> InputError:
    return InputError("file", f"line {line}: {_MISQUOTED}{shows}.", next_step=f"{_HOW}.")
