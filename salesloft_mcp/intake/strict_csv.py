"""Strict CSV, from lines to the cells of each row.

One quote out of place can hide line ends in a cell, and whole rows with them. So a row is returned, or its lines are
named with what is wrong; where quotes leave it open which lines are rows, the file is refused.
"""

import re
from collections import Counter
from collections.abc import Iterator
from itertools import chain
from typing import NamedTuple

from salesloft_mcp.errors import InputError
from salesloft_mcp.intake.formulas import unformula
from salesloft_mcp.text import quoted

MAX_ROW = 1024**2  # characters of a row that runs over several lines

_DELIMITERS = ",;\t"
_LINE_END = re.compile(r"\r\n?|\n")
_QUOTED_TEXT = re.compile(r'"[^"]*"?')
_DOS_END = "\x1a"
_HOW = "put a cell that holds a quote in quotes, and write each quote inside it twice"
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
    problem: str = ""


class _MisquotedError(Exception):
    """A cell is not quoted as it should be. It begins at the offset `begin`, and that shows at `end`."""

    def __init__(self, problem: str, number: int, pieces: list[str], begin: int, end: int) -> None:
        super().__init__(problem)
        self.problem = f"cell {number}: {problem}"
        self.begin, self.end = (len('"'.join(pieces[:count])) for count in (begin, end))


class _UnclosedError(_MisquotedError):
    """A quoted cell goes on after the end of the text."""


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
    for number, line in lines:
        text = without_end(line)
        if '"' not in text:
            if text:
                cells = text.split(delimiter)
                yield _Record(number, number, list(map(unformula, cells)) if "'" in text else cells)
            continue
        try:
            yield _Record(number, number, _cells(text, delimiter))
        except _UnclosedError:
            yield _spanning(number, line, lines, delimiter)
        except _MisquotedError as error:
            yield _Record(number, number, [], f"{error.problem}; {_HOW}")


def _spanning(number: int, begun: str, lines: Iterator[Line], delimiter: str) -> _Record:
    """The row whose first line ends inside a quoted cell; it goes on to the next line that ends outside of one."""
    parts, size, last, inside = [begun], len(begun), number, True
    while inside and size <= MAX_ROW and (following := next(lines, None)):
        last, line = following
        parts.append(line)
        size += len(line)
        inside ^= line.count('"') % 2 == 1
    text = without_end("".join(parts))
    try:
        return _Record(number, last, _cells(text, delimiter))
    except _MisquotedError as error:
        begin, end = (number + len(_LINE_END.findall(text, 0, place)) for place in (error.begin, error.end))
        shows = "" if isinstance(error, _UnclosedError) or begin == end else f" on line {end}"
        raise InputError("file", f"line {begin}, {error.problem}{shows}.", next_step=f"{_HOW}.") from None


def _cells(text: str, delimiter: str) -> list[str]:
    """The cells of one row.

    Raises:
        _MisquotedError: a quote is not closed, text follows a closing quote, or an unquoted cell holds a quote.
    """
    cells = text[1:-1].split(f'"{delimiter}"')
    if not (text[0] == text[-1] == '"' and text.count('"') == 2 * len(cells)):  # otherwise every cell is quoted
        cells = _mixed_cells(text.split('"'), delimiter)
    return list(map(unformula, cells)) if "'" in text else cells


def _mixed_cells(pieces: list[str], delimiter: str) -> list[str]:
    """The cells of a row that was split at its quotes: the pieces stand outside and inside of quotes by turns."""
    cells = pieces[0].split(delimiter)
    inside, opened = "", 1
    for place in range(1, len(pieces), 2):
        if cells[-1]:
            raise _MisquotedError("it holds a quote and does not begin with one", len(cells), pieces, place, place)
        if place + 1 == len(pieces):
            raise _UnclosedError("its quote is not closed", len(cells), pieces, opened, place)
        inside += pieces[place]
        behind = pieces[place + 1]
        if not behind and place + 2 < len(pieces):  # a quote inside the cell, written twice
            inside += '"'
            continue
        if behind and behind[0] != delimiter:
            raise _MisquotedError("text follows its closing quote", len(cells), pieces, opened, place + 1)
        cells[-1] = inside
        cells += behind[1:].split(delimiter) if behind else ()
        inside, opened = "", place + 2
    return cells
