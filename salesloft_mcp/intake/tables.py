"""Tables that people hand in, from bytes to rows: CSV, JSON Lines, or one value a line.

Each row comes with the line it begins on, and no row is left out: what cannot be read is named with its line as well.
"""

import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import BinaryIO

from salesloft_mcp.errors import InputError
from salesloft_mcp.intake.strict_csv import Line, delimiter_of, parsed, without_end
from salesloft_mcp.text import quoted

MAX_LINE = 1024**2  # characters

Fields = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Invalid:
    """Stands for a row that cannot be read, and says why."""

    problem: str


Rows = Iterator[tuple[int, Fields | Invalid]]  # each with the line it begins on


@dataclass(frozen=True, slots=True)
class Table:
    """The heads of a CSV, none of them twice, and its rows, which can be read once."""

    heads: tuple[str, ...]
    rows: Rows


def read_csv(raw: BinaryIO) -> Table:
    """A CSV with a head. Its cells are separated by commas, semicolons or tabs, whichever the head has most of.

    The quotes that a report puts before formulas are taken off. `raw` is closed when all rows have been read.

    Raises:
        InputError: the file is empty, is not UTF-8, has a head twice or a line over `MAX_LINE`, or its quotes leave it
            open which lines are rows. The last three may come while rows are read.
    """
    lines = _lines(raw)
    first = next((one for one in lines if without_end(one[1]).strip()), None)
    if first is None:
        raise InputError("file", "is empty.")
    return _table(first, lines)


def read_jsonl(raw: BinaryIO) -> Rows:
    """The objects of a JSON Lines file; blank lines are skipped.

    Raises:
        InputError: the file is not UTF-8, or has a line over `MAX_LINE`; while rows are read.
    """
    return ((number, _object(line)) for number, line in _lines(raw) if line.strip())


def read_list(raw: BinaryIO, column: str) -> Rows:
    """The rows of a CSV whose first line names `column`, or else of a file with one value of `column` a line.

    Raises:
        InputError: as for `read_csv`, except that an empty file is a list without rows.
    """
    lines = _lines(raw)
    first = next((one for one in lines if without_end(one[1])), None)
    if first is None:
        return iter(())
    heads = without_end(first[1]).split(delimiter_of(first[1]))
    if column in (head.strip('"') for head in heads):
        return _table(first, lines).rows
    values = ((number, without_end(line)) for number, line in chain([first], lines))
    return ((number, {column: value}) for number, value in values if value)


def _lines(raw: BinaryIO) -> Iterator[Line]:
    """The lines with their numbers and ends, without the byte order marks that some programs put before the first."""
    try:
        with io.TextIOWrapper(raw, "utf-8", newline="") as text:
            for number, line in enumerate(iter(partial(text.readline, MAX_LINE + 1), ""), 1):
                if len(line) > MAX_LINE:
                    raise InputError("file", f"line {number} is longer than {MAX_LINE} characters.")
                yield number, line if number > 1 else line.lstrip("\ufeff")
    except UnicodeDecodeError:
        raise InputError("file", "is not UTF-8 text.", next_step="save it as UTF-8.") from None


def _table(first: Line, lines: Iterator[Line]) -> Table:
    heads, rows = parsed(first, lines)
    named = ((line, Invalid(row) if isinstance(row, str) else dict(zip(heads, row, strict=True))) for line, row in rows)
    return Table(tuple(heads), named)


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
