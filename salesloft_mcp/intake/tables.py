"""Tables that people hand in, from bytes to rows: CSV, JSON Lines, or one value a line.

A quote out of place hides line ends, and rows with them. So no row is lost without a word: each is returned, or named
as invalid with its line, or the file is refused.
"""

import io
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import BinaryIO, NamedTuple

from salesloft_mcp.errors import InputError
from salesloft_mcp.intake.formulas import unformula
from salesloft_mcp.text import quoted

MAX_LINE = 1024**2  # characters of a line, and of a row that runs over several
DELIMITERS = ",;\t"

_LINE_END = re.compile(r"\r\n?|\n")
_QUOTED_TEXT = re.compile(r'"[^"]*"?')
_DOS_END = "\x1a"
_HOW = "put a cell that holds a quote in quotes, and write each quote inside it twice"
_STRAY = "its lines look like rows of their own, so that a quote may be out of place"

Fields = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Invalid:
    """What stands in the place of a row that cannot be read: the reason."""

    problem: str


Rows = Iterator[tuple[int, Fields | Invalid]]  # each with the line it begins on


@dataclass(frozen=True, slots=True)
class Table:
    """The heads of a CSV, none of them twice, and its rows, which are read once."""

    heads: tuple[str, ...]
    rows: Rows


def read_csv(raw: BinaryIO) -> Table:
    """A CSV with a head, its cells between commas, semicolons or tabs, whichever parts the head in more cells.

    Quotes that a report put before formulas are taken off. Where quotes leave it open which lines are rows, the file is
    refused while its rows are read.

    Raises:
        InputError: empty, not UTF-8, a line over `MAX_LINE`, a head that stands twice, or quotes as said above.
    """
    lines = _lines(raw)
    first = next((one for one in lines if one[1].strip()), None)
    if first is None:
        raise InputError("file", "is empty.")
    return _table(first, lines)


def read_jsonl(raw: BinaryIO) -> Rows:
    """The objects of JSON Lines.

    Raises:
        InputError: not UTF-8, or a line over `MAX_LINE`.
    """
    return ((number, _object(line)) for number, line in _lines(raw) if line.strip())


def read_list(raw: BinaryIO, column: str) -> Rows:
    """The rows of a CSV that has `column`, or else of a file with one value of it a line.

    Raises:
        InputError: as `read_csv`; but an empty file has no rows.
    """
    lines = _lines(raw)
    first = next((one for one in lines if _without_end(one[1])), None)
    if first is None:
        return iter(())
    heads = _without_end(first[1]).split(_delimiter(first[1]))
    if column in (head.strip('"') for head in heads):
        return _table(first, lines).rows
    values = ((number, _without_end(line)) for number, line in chain([first], lines))
    return ((number, {column: value}) for number, value in values if value not in ("", _DOS_END))


class _Record(NamedTuple):
    """A row as its quotes have it: from line `first` to line `last`. With a problem, its cells are worth nothing."""

    first: int
    last: int
    cells: list[str]
    problem: str = ""


class _MisquotedError(Exception):
    """A cell that is not quoted as it should be: its number, the offset at which it begins, and where that shows."""

    def __init__(self, problem: str, number: int, pieces: list[str], begin: int, end: int) -> None:
        super().__init__(problem)
        self.problem = f"cell {number}: {problem}"
        self.begin, self.end = (len('"'.join(pieces[:count])) for count in (begin, end))


class _UnclosedError(_MisquotedError):
    """A quoted cell that goes on behind the text that was looked at."""


def _lines(raw: BinaryIO) -> Iterator[tuple[int, str]]:
    """The numbered lines with their ends, without the byte order marks that some programs put before the first."""
    try:
        with io.TextIOWrapper(raw, "utf-8", newline="") as text:
            for number, line in enumerate(iter(partial(text.readline, MAX_LINE + 1), ""), 1):
                if len(line) > MAX_LINE:
                    raise InputError("file", f"line {number} is longer than {MAX_LINE} characters.")
                yield number, line if number > 1 else line.lstrip("\ufeff")
    except UnicodeDecodeError:
        raise InputError("file", "is not UTF-8 text.", next_step="save it as UTF-8.") from None


def _without_end(line: str) -> str:
    return line.rstrip("\r\n")


def _delimiter(head: str) -> str:
    return max(DELIMITERS, key=_QUOTED_TEXT.sub("", head).count)


def _table(first: tuple[int, str], lines: Iterator[tuple[int, str]]) -> Table:
    delimiter = _delimiter(first[1])
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
    return Table(tuple(head.cells), _rows(head, records, delimiter))


def _rows(head: _Record, records: Iterator[_Record], delimiter: str) -> Rows:
    """Each record as a row of the head. Of one that runs over several lines and cannot be right, all lines are told."""
    heads, spanning, misquoted = head.cells, head.first if head.last > head.first else 0, 0
    for record in records:
        first, last, cells, problem = record
        misquoted = first if problem else misquoted
        spanning = first if last > first else spanning
        if misquoted and spanning:
            what = f"line {misquoted} is misquoted, and line {spanning} begins a row of several lines, "
            raise InputError("file", f"{what}so that it cannot be told where rows begin.", next_step=f"{_HOW}.")
        if not problem and len(cells) != len(heads):
            problem = f"{len(cells)} cell{'s' * (len(cells) != 1)}, the head has {len(heads)}"
        if last > first and (problem := problem or _not_one_row(record, delimiter)):
            problem = f"by its quotes, one row runs from line {first} to line {last}: {problem}"
        if problem:
            invalid = Invalid(f"{problem}.")
            yield from ((line, invalid) for line in range(first, last + 1))
        else:
            yield first, dict(zip(heads, cells, strict=True))


def _not_one_row(record: _Record, delimiter: str) -> str:
    """What speaks against a row of several lines: that a stray quote and a later one may have made it of many.

    The first line of a cell would then complete the row it stands in, and the last one begin a row up to this cell.
    """
    for before, cell in enumerate(record.cells):
        first, *others = _LINE_END.split(cell)
        behind = len(record.cells) - 1 - before
        if others and (first.count(delimiter), others[-1].count(delimiter)) == (behind, before):
            return _STRAY
    return ""


def _records(lines: Iterator[tuple[int, str]], delimiter: str) -> Iterator[_Record]:
    for number, line in lines:
        text = _without_end(line)
        if '"' not in text:
            if text not in ("", _DOS_END):
                cells = text.split(delimiter)
                yield _Record(number, number, list(map(unformula, cells)) if "'" in text else cells)
            continue
        try:
            yield _Record(number, number, _cells(text, delimiter))
        except _UnclosedError:
            yield _spanning(number, line, lines, delimiter)
        except _MisquotedError as error:
            yield _Record(number, number, [], f"{error.problem}; {_HOW}")


def _spanning(number: int, begun: str, lines: Iterator[tuple[int, str]], delimiter: str) -> _Record:
    """The row that begins with a line which ends inside a quoted cell: up to the line that ends outside again."""
    parts, size, last, inside = [begun], len(begun), number, True
    while inside and size <= MAX_LINE and (following := next(lines, None)):
        last, line = following
        parts.append(line)
        size += len(line)
        inside ^= line.count('"') % 2 == 1
    text = _without_end("".join(parts))
    try:
        return _Record(number, last, _cells(text, delimiter))
    except _MisquotedError as error:
        begin, end = (number + len(_LINE_END.findall(text, 0, place)) for place in (error.begin, error.end))
        shows = "" if isinstance(error, _UnclosedError) or begin == end else f" on line {end}"
        raise InputError("file", f"line {begin}, {error.problem}{shows}.", next_step=f"{_HOW}.") from None


def _cells(text: str, delimiter: str) -> list[str]:
    """The cells of one row.

    Raises:
        _MisquotedError: a quote is not closed, or is followed by text; or it stands in a cell that begins otherwise.
    """
    cells = text[1:-1].split(f'"{delimiter}"')
    if not (text[0] == text[-1] == '"' and text.count('"') == 2 * len(cells)):  # else each cell stands in quotes
        cells = _mixed_cells(text.split('"'), delimiter)
    return list(map(unformula, cells)) if "'" in text else cells


def _mixed_cells(pieces: list[str], delimiter: str) -> list[str]:
    """The cells of a row from what stands outside its quotes and between them, by turns."""
    cells = pieces[0].split(delimiter)
    inside, opened = "", 1
    for place in range(1, len(pieces), 2):
        if cells[-1]:
            raise _MisquotedError("it holds a quote and does not begin with one", len(cells), pieces, place, place)
        if place + 1 == len(pieces):
            raise _UnclosedError("its quote is not closed", len(cells), pieces, opened, place)
        inside += pieces[place]
        behind = pieces[place + 1]
        if not behind and place + 2 < len(pieces):  # a quote that is written twice
            inside += '"'
            continue
        if behind and behind[0] != delimiter:
            raise _MisquotedError("text follows its closing quote", len(cells), pieces, opened, place + 1)
        cells[-1] = inside
        cells += behind[1:].split(delimiter) if behind else ()
        inside, opened = "", place + 2
    return cells


def _object(line: str) -> Fields | Invalid:
    try:
        found = json.loads(line, object_pairs_hook=_unique)
    except _TwiceError as error:
        return Invalid(f"{quoted(str(error))} is given twice.")
    except (ValueError, RecursionError):
        found = None
    return found if isinstance(found, dict) else Invalid("the line is no JSON object.")


class _TwiceError(ValueError):
    """A name that stands twice in one object."""


def _unique(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) < len(pairs):
        ((name, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise _TwiceError(name)
    return found
