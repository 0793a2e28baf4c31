"""Strict CSV, from lines to the cells of each row.

One quote out of place can hide line ends in a cell, and whole rows with them. So a row is returned, or its lines are
named with what is wrong; where quotes leave it open which lines are rows, the file is refused.
"""

import csv
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from salesloft_mcp.errors import InputError
from salesloft_mcp.intake.lines import MAX_LINE, Line, without_end

csv.field_size_limit(4 * MAX_LINE)  # lines and rows have limits here, and csv's own for a cell is smaller

DELIMITERS = ",;\t|"
_LINE_END = re.compile(r"\r\n?|\n")
_QUOTED_TEXT = re.compile(r'"[^"]*"?')
_HOW = "put a cell that holds a quote in quotes, and write each quote inside it twice"
_MISQUOTED = "a quote is out of place, or is not closed"
_STRAY = "its lines look like rows of their own, so that a quote may be out of place"


class Row(NamedTuple):
    """A row: the line it begins on, its cells, and what is wrong with it. One that is blank has blank cells or none."""

    line: int
    cells: Sequence[object]
    problem: str = ""

    @property
    def filled(self) -> list[object]:
        """The cells that hold something."""
        return [cell for cell in self.cells if _holds(cell)]

    @property
    def first(self) -> object:
        """The first of them; None where all are blank."""
        return next(filter(_holds, self.cells), None)

    @property
    def blank(self) -> bool:
        """Whether no cell holds anything."""
        return not any(map(_holds, self.cells))


LikeRow = Callable[[Sequence[str]], bool]  # whether cells could be a row by what they hold


def first_row(lines: Iterable[Line], delimiter: str) -> Row | None:
    """The first row of these lines, with its problem where it is misquoted; None when the lines do not end it."""
    try:
        record = next(_records(iter(lines), delimiter), None)
    except InputError:
        return None
    return record and Row(record.first, record.cells, record.problem)


def rows_below(lines: Iterator[Line], delimiter: str, like_row: LikeRow) -> Iterator[Row]:
    """The rows of a table whose head is the first of them. Where one of several lines cannot be right, each of its
    lines is a row with its problem. Blank lines are rows as well.

    Raises:
        InputError: quotes leave it open which lines are rows; while rows are read.
    """
    records = _records(lines, delimiter)
    head = next(records)
    swallowed = any(delimiter in cell for cell in head.cells if _LINE_END.search(cell))
    if problem := head.problem or (_STRAY if swallowed else ""):
        raise InputError("file", f"line {head.first}: {problem}.")
    width = len(head.cells)
    spanning, misquoted = head.first if head.last > head.first else 0, 0
    for record in records:
        first, last, cells, problem = record
        misquoted = first if problem else misquoted
        spanning = first if last > first else spanning
        if misquoted and spanning:
            what = f"line {misquoted} is misquoted, and line {spanning} begins a row of several lines, "
            raise InputError("file", f"{what}so that it cannot be told where rows begin.", next_step=f"{_HOW}.")
        if not problem and len(cells) != width and any(map(without_end, cells)):
            problem = f"{len(cells)} cell{'s' * (len(cells) != 1)}, the head has {width}"
        if last > first and (problem := problem or _not_one_row(record, delimiter, like_row)):
            problem = f"by its quotes, one row runs from line {first} to line {last}: {problem}"
        yield Row(first, cells, f"{problem}." if problem else "")
        if problem and (len(cells) > 1 or delimiter in "".join(cells)):  # otherwise no line of it is a row
            yield from (Row(line, (), f"{problem}.") for line in range(first + 1, last + 1))


def _holds(cell: object) -> bool:
    if isinstance(cell, str):
        return "!" <= cell[:1] <= "~" or bool(without_end(cell))  # beyond ASCII there are other spaces
    return cell is not None


def delimiter_of(head: str, delimiters: str = DELIMITERS) -> str:
    """A comma, semicolon, tab or pipe: whichever stands most often outside of quotes."""
    return max(delimiters, key=_QUOTED_TEXT.sub("", head).count)


class _Record(NamedTuple):
    """A row from line `first` to line `last`, or what is wrong with the quotes of a line."""

    first: int
    last: int
    cells: list[str]
    problem: str


def _not_one_row(record: _Record, delimiter: str, like_row: LikeRow) -> str:
    """Why several lines may not be one row: two stray quotes may have joined rows that hold no other quotes.

    The first line of the cell between them would then complete its row, and the last line begin one, up to that column.
    So does a note in which commas stand: what tells it from rows is that it has no id or key in their places.
    """
    for before, cell in enumerate(record.cells):
        first, *others = _LINE_END.split(cell)
        behind = len(record.cells) - 1 - before
        if not others or (first.count(delimiter), others[-1].count(delimiter)) != (behind, before):
            continue
        begun = [*record.cells[:before], *first.split(delimiter)]
        ended = [*others[-1].split(delimiter), *record.cells[before + 1 :]]
        if like_row(begun) and like_row(ended):
            return _STRAY
    return ""


def _records(lines: Iterator[Line], delimiter: str) -> Iterator[_Record]:
    taken: list[Line] = []  # of the row that is read

    def fed() -> Iterator[str]:
        size = 0
        for line in lines:
            size = size + len(line[1]) if taken else 0
            if size > MAX_LINE:
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
        first, last, text = taken[0][0], taken[-1][0], taken[0][1]
        if last > first:
            text = "".join([line for _, line in taken])
        # A quote that its cell does not begin with is an ordinary character to csv.
        if '"' in text and any(before and before[-1] != delimiter for before in text.split('"')[:-1:2]):
            cells, problem = [], _MISQUOTED
        if problem and last > first:
            raise _refusal(first, f", which shows on line {last}")
        yield _Record(first, last, cells, problem and f"{problem}; {_HOW}")


def _refusal(line: int, shows: str = "") -> InputError:
    return InputError("file", f"line {line}: {_MISQUOTED}{shows}.", next_step=f"{_HOW}.")
