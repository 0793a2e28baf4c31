"""Tables that people hand in, from bytes to rows with known fields: CSV, JSON, workbooks, or the rows of a call.

Each row comes with the line it begins on (in a workbook the number of the row, in a JSON array that of the item). No
row is left out: what cannot be read is named as well, and what is skipped around a table is counted.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import BinaryIO

from salesloft_mcp.errors import InputError
from salesloft_mcp.intake import layout
from salesloft_mcp.intake.cells import csv_rows, workbook_rows
from salesloft_mcp.intake.fields import Fields, Invalid, Rows, told
from salesloft_mcp.intake.first_rows import with_own_ids
from salesloft_mcp.intake.forms import form_of, text_form_of
from salesloft_mcp.intake.heads import COLUMNS, EXTERNAL_ID, MAP, Heads, Wanted, folded
from salesloft_mcp.intake.json_rows import Item, Number, json_items, json_lines, unwrapped
from salesloft_mcp.intake.lines import CHUNK, MAX_LINE, filled, lines_of, texts_of, without_end
from salesloft_mcp.text import quoted

__all__ = ["LIST", "Fields", "Invalid", "Rows", "Table", "open_table", "read_list", "table_of"]


@dataclass(slots=True)
class Table:
    """Rows by the fields that were wanted, which can be read once; columns that are not used are left out."""

    rows: Rows
    notes: list[str]  # sentences on what was assumed, skipped and not used; complete once the rows were read
    told_by: str = "line"  # what their numbers count: lines, items of JSON, or rows of a sheet or a call


def open_table(
    raw: BinaryIO, name: str, wanted: Wanted, columns: Mapping[str, str] | None = None, *, option: str = COLUMNS
) -> Table:
    """The table that a file holds, whatever its form: the content tells it, and `name` only what is left open.

    `columns` decides which field a column means, whatever its head, and is called `option` where it is asked for.
    `raw` is closed when the rows have been read.

    Raises:
        InputError: it is no table, lacks a column that rows need, has two for one field, or its quotes leave it open
            which lines are rows. Some of it may come while rows are read.
    """
    return _opened(raw, name, Heads(wanted, columns or {}, option=option), bare=False)


LIST = Wanted(frozenset({EXTERNAL_ID}))


def read_list(raw: BinaryIO, name: str = "", columns: Mapping[str, str] | None = None) -> Table:
    """The ids of a file, as rows of external_id: any table with that column, or else one id a line.

    Raises:
        InputError: as for `open_table`.
    """
    return _opened(raw, name, Heads(LIST, columns or {}, option=MAP), bare=True)


def table_of(rows: Sequence[Mapping[str, object]], wanted: Wanted, columns: Mapping[str, str] | None = None) -> Table:
    """The rows of a call, numbered from 1.

    Raises:
        InputError: as for `open_table`; while rows are read.
    """
    notes: list[str] = []
    items = (Item(number, row) for number, row in enumerate(rows, 1))
    heads = Heads(wanted, columns or {}, "rows")
    return Table(with_own_ids(_objects(items, heads, notes), heads), notes, "row")


def _opened(raw: BinaryIO, name: str, heads: Heads, bare: bool) -> Table:
    notes: list[str] = []
    try:
        start = filled(raw, CHUNK)
        if form_of(start) == "zip":
            found = Table(workbook_rows(raw, start, heads, notes, bare), notes, "row")
        else:
            found = _text(texts_of(raw, start, notes), name, heads, notes, bare)
        return replace(found, rows=with_own_ids(found.rows, heads))
    except InputError:
        raw.close()
        raise


def _text(texts: Iterator[str], name: str, heads: Heads, notes: list[str], bare: bool) -> Table:
    start = ""
    while not without_end(start):
        piece = next(texts, None)
        if piece is None or len(start) > MAX_LINE:
            raise InputError("file", "is empty: it holds blank lines only." if "\n" in start else "is empty.")
        start += piece
    texts = chain([start], texts)
    form = text_form_of(start.lstrip(), name)
    if form in ("json array", "json items"):
        notes.append(f"Rows are told by their number in the {'array' if form == 'json array' else 'file'}.")
        items = json_items(texts, array=form == "json array")
        return Table(_objects(items, heads, notes, bare), notes, "item")
    lines = lines_of(texts, notes)
    if form == "json lines":
        return Table(_objects(json_lines(lines, notes), heads, notes, bare), notes)
    return Table(csv_rows(lines, heads, notes, bare), notes)


def _objects(items: Iterable[Item], heads: Heads, notes: list[str], bare: bool = False) -> Rows:
    """Rows of JSON. Which keys there are is known at the end; then what no row has is refused."""
    names, keys, number = set[str](), dict[str, None](), 0
    inside = ""  # the key of an object in which fields stand
    kinds = dict | str if bare else dict
    for item in unwrapped(iter(items), notes, partial(_holds_id, heads=heads), kinds, heads.where):
        number = item.number
        value = {EXTERNAL_ID: item.value} if bare and isinstance(item.value, str) else item.value
        if bare and isinstance(value, int | Number):
            yield number, Invalid(f"is a number, {quoted(str(value))}; write ids as text, in quotes.")
            keys.setdefault(EXTERNAL_ID)
            names.add(EXTERNAL_ID)
            continue
        if not isinstance(value, Mapping):
            yield number, Invalid(item.problem)
            continue
        try:
            flat = _flat(value, heads)
            fields = heads.fields(tuple(flat))
        except InputError as error:
            yield number, Invalid(error.what.removeprefix(f"{heads.where}: "))
            continue
        names.update(fields)
        if len(keys) < layout.HEAD_LINES:
            keys.update(dict.fromkeys(flat))
            inside = inside or next((name for name, one in value.items() if _holds_id(one, heads)), "")
        values = list(flat.values())
        row = {name: values[place] for name, place in fields.items()}
        wrong = bool(item.problem) and value is item.value
        yield number, Invalid(item.problem, told(row.get(EXTERNAL_ID))) if wrong else row
    if number and not keys:
        raise InputError(
            heads.where, "holds no JSON object that can be read.", next_step="give objects with external_id."
        )
    heads.unmet(keys)
    if number and (lacking := heads.lacks(names)):
        if inside and lacking == EXTERNAL_ID:
            what = f"holds its fields one level down, inside {quoted(inside)}."
            raise InputError(heads.where, what, next_step="write them without the object around them, such as with jq.")
        raise heads.refusal(lacking, list(keys))
    notes.extend(heads.notes())


def _holds_id(value: object, heads: Heads) -> bool:
    return isinstance(value, Mapping) and EXTERNAL_ID in heads.meant([str(key) for key in value])


def _flat(row: Mapping[str, object], heads: Heads) -> Mapping[str, object]:
    """The fields of an object that the prefix names, beside the others: {"custom_fields": {"A": 1}}.

    Raises:
        InputError: one of them stands beside it as well, as custom_fields.A.
    """
    prefix = heads.wanted.prefix
    if not prefix or not any(folded(key) == folded(prefix) for key in row):
        return row
    found: dict[str, object] = {}
    for key, value in row.items():
        inner = isinstance(value, Mapping) and folded(key) == folded(prefix)
        more = {f"{prefix}{name}": one for name, one in value.items()} if inner else {key: value}  # type: ignore[attr-defined]
        if twice := next((name for name in more if name in found), ""):
            raise InputError(heads.where, f"{quoted(twice)} is given twice.")
        found.update(more)
    return found
