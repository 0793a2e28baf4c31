"""What reports and spreadsheets put around a table: titles above its head, blank lines, a footer and totals below.

Titles, blank lines and footers are skipped and counted. What is as wide as the head and has an id is never skipped: it
comes as a row, and as an invalid one where it is a total.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial

from salesloft_mcp.errors import InputError
from salesloft_mcp.intake.heads import EXTERNAL_ID, Heads
from salesloft_mcp.intake.strict_csv import Row
from salesloft_mcp.intake.totals import says_end, says_total, says_total_or_count
from salesloft_mcp.text import quoted

HEAD_LINES = 50  # so far down a head is looked for
MAX_FOOTER = 30  # lines
_NUMBER = re.compile(r"[\d\s.,'%€$£+-]*")
_IS_TOTAL = "looks like the total of a report, not like a row."


def texts(cells: Sequence[object]) -> list[str]:
    """The cells as text."""
    return ["" if cell is None else str(cell) for cell in cells]


def fitness(cells: Sequence[object], heads: Heads) -> int:
    """How well cells are a head: 2 when rows below it could be complete, 1 when it names a field, else 0."""
    try:
        found = heads.meant(texts(cells))
    except InputError:
        return 2  # two columns of one field are a head, which is refused in its own words
    return 2 if not heads.lacks(found) else int(bool(found))


def likely_head(rows: Iterable[Row], heads: Heads) -> Row | None:
    """The row that is the head, or that would be the likeliest one; None where all are blank."""
    best, most = None, -1
    for row in rows:
        fits = fitness(row.cells, heads) if row.filled and not row.problem else -1
        if fits > most:
            best, most = row, fits
        if most == 2:
            break
    return best


def skip_titles(above: Sequence[Row], head: Row, fields: Mapping[str, int], heads: Heads, notes: list[str]) -> None:
    """Count the lines above a head. A title has fewer cells than the head, or none that could be a key.

    Raises:
        InputError: a line above may be a row.
    """
    titles = [row for row in above if row.filled]
    for row in titles:
        if len(row.filled) >= max(2, len(head.filled)) and _could_be(row, fields, heads):
            what = f"line {head.line} names the columns, but line {row.line} above it looks like a row."
            raise InputError("file", what, next_step="put the line with the names of the columns first.")
    if titles:
        notes.append(f"Skipped: {_lines(titles)} above the head, {_beginning(titles)}.")
    if blank := len(above) - len(titles):
        notes.append(f"Skipped: {_counted(blank, 'blank line')} above the head.")


def without_frame(rows: Iterable[Row], fields: Mapping[str, int], width: int, notes: list[str]) -> Iterator[Row]:
    """The rows below a head of so many cells, without blank ones, and without the footer of a report.

    A footer follows a blank line or a total, and reaches to the end of the file. Each of its lines has one text, or a
    total with its numbers, and lacks either cells or an id. Totals that end a file come as invalid rows; whether a
    blank line is before them is no matter, as the totals of a table in Excel stand directly below its rows.
    """
    blank = 0
    held: list[Row] = []
    footers = False  # whether a footer may begin here
    for row in rows:
        if row.blank and not row.problem:
            blank += 1
            footers = True
        elif len(held) < MAX_FOOTER and (
            _is_total(row, fields) or (footers and _of_a_footer(row, fields, width)) or _is_end(row, width)
        ):
            held.append(row)
            footers = True
        else:
            yield from held
            held, footers = [], False
            yield row
    yield from _end(held, fields, notes)
    if blank:
        notes.append(f"Skipped: {_counted(blank, 'blank line')}.")


def _end(held: Sequence[Row], fields: Mapping[str, int], notes: list[str]) -> Iterator[Row]:
    """What the last lines are: totals are invalid rows, those that say something are skipped, the others are rows."""
    footer: list[Row] = []
    for row in held:
        if _is_total(row, fields):
            yield Row(row.line, row.cells, _IS_TOTAL)
        elif _has_words(row):
            footer.append(row)
        else:
            yield row
    if footer:
        notes.append(f"Skipped: {_lines(footer)} of a report's footer, {_beginning(footer)}.")


def _is_total(row: Row, fields: Mapping[str, int]) -> bool:
    """Whether a row of the right width has a word for a total as its id, or before nothing but numbers. Beside an id it
    has to be one that is no name.
    """
    if row.problem:
        return False
    place = fields.get(EXTERNAL_ID, 0)
    own = row.cells[place] if place < len(row.cells) else None
    if isinstance(own, str) and says_total_or_count(own):
        return True
    return (
        row.first is not own
        and _has_total(row.filled)
        and (own is None or not str(own).strip() or says_total(str(row.first)))
    )


def _of_a_footer(row: Row, fields: Mapping[str, int], width: int) -> bool:
    if row.problem and not row.cells:
        return False  # misquoted
    if len(row.cells) >= width and cell(texts(row.cells), fields, EXTERNAL_ID).strip():
        return False
    return len(row.filled) == 1 or _has_total(row.filled)


def _is_end(row: Row, width: int) -> bool:
    """Whether a row is one cell that a database wrote below the last one, whatever stands above it."""
    return (width == 1 or bool(row.problem)) and len(row.filled) == 1 and says_end(str(row.first))


def _has_total(filled: Sequence[object]) -> bool:
    first, *others = texts(filled)
    return says_total_or_count(first) and all(map(_NUMBER.fullmatch, others))


def _could_be(row: Row, fields: Mapping[str, int], heads: Heads) -> bool:
    """Whether a row of the right width has an id and a key."""
    return not row.problem and heads.wanted.like_a_row(partial(cell, texts(row.cells), fields))


def cell(cells: Sequence[str], fields: Mapping[str, int], name: str) -> str:
    """The cell of a field; nothing where there is none."""
    place = fields.get(name, len(cells))
    return cells[place] if place < len(cells) else ""


def _has_words(row: Row) -> bool:
    """Whether it says something: one word alone may be the id of a row that was cut off."""
    first = texts(row.filled)[0]
    return len(first.split()) > 1 or says_total_or_count(first) or says_end(first)


def _lines(rows: Sequence[Row]) -> str:
    first, last = rows[0].line, rows[-1].line
    numbers = f"lines {first} to {last}" if last - first == len(rows) - 1 else f"between lines {first} and {last}"
    numbers = f"line {first}" if first == last else numbers
    return f"{_counted(len(rows), 'line')} ({numbers})"


def _beginning(rows: Sequence[Row]) -> str:
    return f"which begin{'s' * (len(rows) == 1)} with {quoted(texts(rows[0].filled)[0], 40)}"


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'s' * (number != 1)}"


def like_data(head: Row, heads: Heads) -> bool:
    """Whether the likeliest head looks like a row."""
    return not fitness(head.cells, heads) and any("@" in one or one.strip().isdigit() for one in texts(head.filled))


def headless(head: Row, heads: Heads) -> InputError:
    """A refusal of a table whose likeliest head is a row."""
    shown = ", ".join(quoted(one, 40) for one in texts(head.filled)[:3])
    fields = heads.wanted.keys or [name for name in ("email_address", "name") if name in heads.wanted.names]
    names = ",".join([EXTERNAL_ID, *fields[:1]])
    what = f"has no line with the names of its columns: line {head.line} looks like a row ({shown})."
    return InputError("file", what, next_step=f"put a line such as {names} above it.")
