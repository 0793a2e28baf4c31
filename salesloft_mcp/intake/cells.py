"""Rows of cells become rows of fields: of a CSV, of a workbook, or of a list of bare ids."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import chain, islice
from typing import BinaryIO

from salesloft_mcp.errors import InputError
from salesloft_mcp.intake import first_rows, layout
from salesloft_mcp.intake.fields import Invalid, Rows, told
from salesloft_mcp.intake.formulas import REPORT_HEADS, unformula
from salesloft_mcp.intake.heads import EXTERNAL_ID, Heads
from salesloft_mcp.intake.lines import CHUNK, Line, without_end
from salesloft_mcp.intake.strict_csv import DELIMITERS, Row, delimiter_of, first_row, rows_below
from salesloft_mcp.intake.workbooks import NoResult, open_workbook
from salesloft_mcp.text import quoted

_AGAIN = "repeats the names of the columns, so that a second table may begin here."
_EXACT = 2**53  # a float below it stands for one whole number
_QUOTED = re.compile('"(?:[^"]|"")+"')  # one cell of a CSV


def csv_rows(lines: Iterator[Line], heads: Heads, notes: list[str], bare: bool) -> Rows:
    """Rows of a CSV, or of a list of bare ids where that is wanted and no head is there."""
    start = _beginning(lines, notes)
    delimiters = DELIMITERS
    if (first := without_end(start[0][1]).strip('"')).lower().startswith("sep=") and first[4:5] in DELIMITERS:
        number, line = start.pop(0)
        delimiters = line.strip().strip('"')[4:5] or "\t"
        notes.append(f"Skipped: line {number}, which says that {quoted(delimiters)} separates the cells.")
        start = start or list(islice(lines, 1))
    at, delimiter, head = _head(start, delimiters, heads)
    if bare and _is_bare(head, heads):
        if several := _several_cells(start, heads):
            raise layout.headless(several, heads)
        return _bare(chain(start, lines), notes)
    if head.problem:
        raise InputError("file", f"line {head.line}: {head.problem}.")
    fields = _fields(head, heads)
    above = [first_row([line], delimiter) or Row(line[0], ()) for line in start[:at]]
    layout.skip_titles(above, head, fields, heads, notes)

    def like_row(cells: Sequence[str]) -> bool:
        return heads.wanted.like_a_row(partial(layout.cell, cells, fields))

    rows = rows_below(chain(start[at:], lines), delimiter, like_row)
    names = layout.texts(head.cells)
    return _named(first_rows.fitting(rows, len(names), delimiter), names, fields, heads, notes)


def _beginning(lines: Iterator[Line], notes: list[str]) -> list[Line]:
    """So many lines that a head is in them, from the first one that is not blank."""
    found: list[Line] = []
    blank, size = 0, 0
    for line in lines:
        if not found and not without_end(line[1]):
            blank += 1
            continue
        found.append(line)
        size += len(line[1])
        if size > CHUNK or len(found) == layout.HEAD_LINES:
            break
    if blank:
        notes.append(f"Skipped: {blank:,} blank line{'s' * (blank > 1)} at its beginning.")
    return found


def _head(start: list[Line], delimiters: str, heads: Heads) -> tuple[int, str, Row]:
    """Where the head is, what separates its cells, and the head; the first line where none has what is needed."""
    best, most = (0, delimiters, Row(1, ())), -1
    for at, (number, line) in enumerate(start):
        usual = delimiter_of(line, delimiters)
        for delimiter in [usual, *delimiters.replace(usual, "")] if without_end(line) else ():
            row = first_row(start[at:], delimiter) or Row(number, ())
            fits = layout.fitness(row.cells, heads) if not row.problem else 0
            if at and len(row.filled) < 2:
                fits = 0  # one cell below others is an id among ids
            if fits > most:
                best, most = (at, delimiter, row), fits
            if most == 2:
                return best
    return best


def _is_bare(head: Row, heads: Heads) -> bool:
    """Whether a list begins with an id, and not with a head."""
    if layout.fitness(head.cells, heads) or heads.columns:
        return False
    return not any(heads.nearly(one) for one in layout.texts(head.cells))


def _several_cells(start: Sequence[Line], heads: Heads) -> Row | None:
    """The first row where all lines have as many cells, so that they are no ids. What a space follows is prose."""
    texts = [(number, line) for number, line in start if without_end(line)]
    for delimiter in DELIMITERS:
        rows = [first_row([line], delimiter) for line in texts]
        widths = {len(row.cells) if row and not row.problem else 1 for row in rows}
        cells = [str(cell) for row in rows if row for cell in row.cells]
        plain = all(cell and cell == cell.strip() for cell in cells)
        cut = plain and len(widths) == 1 and max(widths) > 1
        if cut and (first := rows[0]) and (len(texts) > 1 or layout.like_data(first, heads)):
            return first
    return None


def _bare(lines: Iterator[Line], notes: list[str]) -> Rows:
    blank, quotes = 0, 0
    for number, line in lines:
        if value := line.rstrip("\r\n"):
            if _QUOTED.fullmatch(value):
                value, quotes = value[1:-1].replace('""', '"'), quotes + 1
            yield number, {EXTERNAL_ID: value}
        else:
            blank += 1
    if quotes:
        notes.append(f"Taken off: the quotes around {quotes:,} id{'s' * (quotes > 1)}.")
    if blank:
        notes.append(f"Skipped: {blank:,} blank line{'s' * (blank > 1)}.")


def _fields(head: Row, heads: Heads) -> dict[str, int]:
    """The fields of a head.

    Raises:
        InputError: it lacks what rows need.
    """
    cells = layout.texts(head.cells)
    fields = heads.fields(cells)
    heads.unmet(cells)
    if lacking := heads.lacks(fields):
        unread = layout.headless(head, heads) if layout.like_data(head, heads) else heads.refusal(lacking, cells)
        raise first_rows.misread_head(head, heads) or unread
    return fields


def _named(rows: Iterable[Row], head: Sequence[str], fields: Mapping[str, int], heads: Heads, notes: list[str]) -> Rows:
    """Rows of cells, as rows of fields."""
    places = list(fields.items())
    place, width = fields[EXTERNAL_ID], len(head)
    quoted_by_us = set(head) >= REPORT_HEADS
    again = {f"{mark}{name}" for name in (head[place], EXTERNAL_ID, "External ID") for mark in ("", "\ufeff")}
    for line, cells, problem in layout.without_frame(rows, fields, width, notes):
        if not problem and cells[place] in again:
            problem = _AGAIN
        if problem:
            # Of a row with too many cells only the first stands where it belongs.
            seen = place < len(cells) and (len(cells) <= width or not place)
            yield (
                line,
                Invalid(problem, told(_unquoted(cells[place]) if quoted_by_us else cells[place]) if seen else ""),
            )
        else:
            row = {name: cells[at] for name, at in places}
            yield line, {name: _unquoted(cell) for name, cell in row.items()} if quoted_by_us else row
    notes.extend(heads.notes())


def _calculated(row: Row, fields: Mapping[str, int]) -> Row:
    """The row, with a problem where a field is a formula without a result."""
    missing = [] if row.problem else [name for name, at in fields.items() if isinstance(row.cells[at], NoResult)]
    return row._replace(problem=f"{missing[0]}: {NoResult.problem}") if missing else row


def _unquoted(cell: object) -> object:
    """The cell without the quote that reports of ours put before what a spreadsheet would run."""
    return unformula(cell) if isinstance(cell, str) else cell


def workbook_rows(raw: BinaryIO, start: bytes, heads: Heads, notes: list[str], bare: bool) -> Rows:
    """The rows of the one sheet that has what rows need."""
    with ExitStack() as stack:
        stack.enter_context(raw)
        book = stack.enter_context(open_workbook(raw, start))
        found = {name: layout.likely_head(islice(book.rows(name), layout.HEAD_LINES), heads) for name in book.sheets}
        filled_in = {name: head for name, head in found.items() if head}
        if not filled_in:
            raise InputError("file", "is a workbook without any rows.")
        fitting = [name for name, head in filled_in.items() if layout.fitness(head.cells, heads) == 2]
        if len(shown := [name for name in fitting if name not in book.hidden]) == 1:
            fitting = shown
        if len(fitting) > 1:
            names = ", ".join(quoted(name) + " (hidden)" * (name in book.hidden) for name in fitting)
            what = f"is a workbook with {len(fitting)} sheets of such rows: {names}."
            raise InputError("file", what, next_step="save the one that is meant as CSV, or remove the others.")
        name = [*fitting, *filled_in][0]
        if bare and _is_bare(filled_in[name], heads):
            raise layout.headless(filled_in[name], heads)
        if hidden := book.hidden_rows(name):
            rows, are = ("1 row", "is") if hidden == 1 else (f"{hidden:,} rows", "are")
            notes.append(f"{rows} of the sheet {are} hidden, such as by a filter, and {are} read as well.")
        closing = stack.pop_all()
    return _sheet(closing, book.rows(name), filled_in, name, heads, notes)


def _sheet(
    closing: ExitStack, rows: Iterator[Row], likely: Mapping[str, Row], name: str, heads: Heads, notes: list[str]
) -> Rows:
    head = likely[name]
    fields = _fields(head, heads)
    notes.append("Rows are told by their number in the sheet.")
    if others := [quoted(one) for one in likely if one != name]:
        notes.append(
            f"Read: the sheet {quoted(name)}, which is not all: there are rows in {', '.join(others)} as well."
        )
    layout.skip_titles(list(islice(rows, head.line - 1)), head, fields, heads, notes)
    names = layout.texts(_trimmed(next(rows)).cells)
    below = (_calculated(_fitted(row, len(names)), fields) for row in rows)
    return _closing(closing, _numbers_told(_named(below, names, fields, heads, notes), notes))


def _numbers_told(rows: Rows, notes: list[str]) -> Rows:
    """The rows; it is noted afterwards which fields besides the ids of Salesloft hold numbers, which may lack zeros."""
    first: dict[str, int] = {}
    for line, row in rows:
        for name, value in row.items() if not isinstance(row, Invalid) else ():
            if type(value) in (int, float) and (name == EXTERNAL_ID or not name.endswith("_id")):
                first.setdefault(name, line)
        yield line, row
    if first:
        where = ", ".join(f"{quoted(name)} (first in row {line:,})" for name, line in first.items())
        step = (
            "where a field takes text, format its column as text and enter the values again, or save the sheet as CSV"
        )
        notes.append(f"Numbers in the workbook, not text: {where}; {step}.")


def _closing(closing: ExitStack, rows: Rows) -> Rows:
    with closing:
        yield from rows


def _trimmed(row: Row) -> Row:
    """Without the blank cells at its end, which spreadsheets keep where something stood once."""
    cells = list(row.cells)
    while cells and Row(0, cells[-1:]).blank:
        cells.pop()
    return Row(row.line, cells)


def _fitted(row: Row, width: int) -> Row:
    """As many cells as the head has."""
    found = row if len(row.cells) == width else _trimmed(row)
    if len(found.cells) > width:
        return Row(row.line, found.cells, f"{len(found.cells)} cells, the head has {width}.")
    return Row(row.line, [_as_shown(cell) for cell in found.cells] + [""] * (width - len(found.cells)))


def _as_shown(cell: object) -> object:
    """Nothing as an empty text, and a whole number as one: some programs write every number with an exponent."""
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < _EXACT:
        return int(cell)
    return "" if cell is None else cell
