"""Pure: one row of input becomes an external id and a way to find its object, or a reason why it cannot."""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TextIO

from salesloft_mcp.errors import InputError
from salesloft_mcp.lookups.objects import BY, By
from salesloft_mcp.salesloft.models import ObjectType
from salesloft_mcp.salesloft.requests import checked
from salesloft_mcp.text import escaped, quoted

EXTERNAL_ID = "external_id"
MAX_REF = 255
MAX_LINE = 1024**2
Fields = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of input: which external id goes to which object, or the `problem` that rules it out."""

    line: int
    external_id: str
    by: By | Literal[""] = ""
    ref: str = ""
    problem: str = ""


def rows_in(text: TextIO, suffix: str) -> Iterator[tuple[int, Fields]]:
    """The rows of a CSV (with a head) or JSONL file, each with the line it stands on.

    Raises:
        InputError: another suffix, a CSV without the columns that are needed, or text that cannot be read as rows.
    """
    if suffix.lower() not in (".csv", ".jsonl"):
        raise InputError("file", "must end in .csv or .jsonl.")
    try:
        yield from _csv(_lines(text)) if suffix.lower() == ".csv" else _jsonl(_lines(text))
    except UnicodeDecodeError:
        raise InputError("file", "is not UTF-8 text.", next_step="save it as UTF-8.") from None
    except csv.Error as error:
        raise InputError("file", f"is no CSV that can be read ({error}).") from None


def row_of(line: int, fields: Fields, object_type: ObjectType) -> Row:
    """Check one row. Nothing is trimmed or folded: ids are byte-exact."""
    external_id = fields.get(EXTERNAL_ID)
    if not isinstance(external_id, str):
        return Row(line, "", problem="external_id: must be text; a number may have lost leading zeros.")
    try:
        checked(EXTERNAL_ID, external_id)
    except InputError as error:
        return Row(line, escaped(external_id[:MAX_REF]), problem=error.what)
    try:
        by, ref = _reference(fields, object_type)
    except InputError as error:
        return Row(line, external_id, problem=error.what)
    return Row(line, external_id, by, ref)


def unformula(cell: str) -> str:
    """Take off the quote that a report puts before a cell a spreadsheet would run."""
    return cell[1:] if cell.startswith("'") and _runs(cell) else cell


def formula_safe(cell: str) -> str:
    """Put a quote before a cell that a spreadsheet would run, or that would lose one of its own on the way back."""
    return f"'{cell}" if _runs(cell) else cell


def _runs(cell: str) -> bool:
    return cell.lstrip("'").startswith(FORMULA_STARTS)


FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def _reference(fields: Fields, object_type: ObjectType) -> tuple[By, str]:
    given = [(by, fields[by]) for by in BY[object_type] if fields.get(by) not in (None, "")]
    if len(given) != 1:
        ways = ", ".join(BY[object_type])
        raise InputError("row", f"needs exactly one of {ways}.")
    by, value = given[0]
    text = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    if not isinstance(text, str):
        raise InputError(by, "must be text.")
    if by == "object_id":
        return by, _object_id(text)
    return by, checked(by, text.lower() if by in ("email", "domain") else text, MAX_REF)


def _object_id(text: str) -> str:
    if not (text.isascii() and text.isdigit() and len(text) < 20 and 0 < int(text) < 2**63):
        raise InputError("object_id", f"{quoted(text)} is not a Salesloft id.")
    return str(int(text))


def _lines(text: TextIO) -> Iterator[str]:
    """Line by line, none of which may fill the memory."""
    number = 0
    while line := text.readline(MAX_LINE + 1):
        number += 1
        if len(line) > MAX_LINE:
            raise InputError("file", f"line {number} is longer than {MAX_LINE} characters.")
        yield line


def _csv(text: Iterable[str]) -> Iterator[tuple[int, Fields]]:
    reader = csv.DictReader(text)
    if EXTERNAL_ID not in (reader.fieldnames or ()):
        raise InputError("file", "has no column external_id in its first line.")
    for cells in reader:
        yield reader.line_num, {name: unformula(cell) for name, cell in cells.items() if isinstance(cell, str)}


def _jsonl(text: Iterable[str]) -> Iterator[tuple[int, Fields]]:
    for number, line in enumerate(text, 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except (ValueError, RecursionError):
            found = None
        yield number, found if isinstance(found, dict) else {}
