"""What the first rows say of a whole table: a fault that each of them has is told once, and nothing is planned."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice

from salesloft_mcp.errors import InputError
from salesloft_mcp.intake.fields import Fields, Invalid, Rows
from salesloft_mcp.intake.heads import EXTERNAL_ID, Heads, is_own_id
from salesloft_mcp.intake.strict_csv import DELIMITERS, Row, first_row
from salesloft_mcp.text import quoted

FIRST = 100
_FOREIGN = re.compile(r"(?=.*\d)(?=.*[A-Za-z])[\w-]{8,}")  # an id of Salesforce or another system, and no number
_SAVE = "save it again, with one separator throughout, and no quotes around whole lines."
_ALLOWED = "save it again with a comma, a semicolon, a tab or a pipe between its cells."
_RULE = re.compile(r"\s*-{2,}\s*")
_OTHER = re.compile(r"\s*[^\w\s.@-]+\s*|\s{2,}"), re.compile(r"\s+")  # what else may separate names
_QUOTES = "'`´‘’‚“”„«»"


def fitting(rows: Iterator[Row], width: int, delimiter: str) -> Iterator[Row]:
    """The rows below a head of so many cells.

    Raises:
        InputError: there are several, and none of the first hundred fits the head.
    """
    rule = next(rows, None)
    if rule and rule.cells and all(_RULE.fullmatch(str(cell)) for cell in rule.cells):
        yield rule._replace(problem="is a line of dashes below the names of the columns, not a row.")
    elif rule:
        rows = chain([rule], rows)
    first: list[Row] = []
    for row in rows:
        first.append(row)
        if not (row.blank or row.problem) or len(first) == FIRST:
            break
    wrong = [row for row in first if row.problem]
    if wrong and not [row for row in first if not (row.blank or row.problem)]:
        _refuse(wrong, width, delimiter)
    yield from chain(first, rows)


def _refuse(wrong: Sequence[Row], width: int, delimiter: str) -> None:
    lines = [str(row.cells[0]) for row in wrong if len(row.cells) == 1]
    if len(lines) == len(wrong):
        for one in (delimiter, *DELIMITERS.replace(delimiter, "")):
            if all(len(cells_of(line, one)) == width for line in lines):
                what = f"its rows are separated by {named(one)}, and its head by {named(delimiter)}."
                if one == delimiter:
                    what = "each of its rows stands in quotes as a whole, so that it is one cell."
                raise InputError("file", what, next_step=_SAVE)
    if len(wrong) > 1 and all(row.cells and len(row.cells) != width for row in wrong):
        what = f"none of its first {len(wrong)} rows fits its head. Line {wrong[0].line}: {wrong[0].problem}"
        raise InputError("file", what, next_step="check the line with the names of the columns against the rows.")


def misread_head(head: Row, heads: Heads) -> InputError | None:
    """A refusal of a head in which the names of the columns stand, but not as the cells of a CSV."""
    bare = [str(cell).strip(_QUOTES) for cell in head.cells]
    if bare != list(head.cells) and not heads.lacks(heads.meant(bare)):
        what = f"line {head.line}, with the names of the columns, has quotes around them that are not those of a CSV."
        return InputError("file", what, next_step='save it again with " around its cells, or with nothing.')
    text = str(head.filled[0]) if len(head.filled) == 1 else ""
    for delimiter in DELIMITERS:
        if not heads.lacks(heads.meant(cells_of(text, delimiter))):
            what = f"line {head.line}, with the names of the columns, stands in quotes as a whole"
            return InputError("file", f"{what}, so that it is one cell.", next_step=_SAVE)
    for other in _OTHER:
        if (found := other.search(text)) and not heads.lacks(heads.meant(other.split(text))):
            sign = quoted(found[0].strip()) if found[0].strip() else "spaces"
            what = f"line {head.line} names the columns, but it separates them by {sign}."
            return InputError("file", what, next_step=_ALLOWED)
    return None


def cells_of(text: str, delimiter: str) -> list[str]:
    """The cells that a text holds which is one line."""
    row = first_row([(1, text)], delimiter)
    return [str(cell) for cell in row.cells] if row else []


def named(delimiter: str) -> str:
    """A delimiter as it is told."""
    return "tabs" if delimiter == "\t" else delimiter


def with_own_ids(rows: Rows, heads: Heads) -> Rows:
    """The rows.

    Raises:
        InputError: in all of the first hundred rows, a column that means an id of Salesloft's own by its head holds ids
            of another system, as Salesforce has columns such as AccountId and OwnerId; or one that means an account or
            an owner holds text, as Salesloft's own export has their names there.
    """
    first: list[tuple[int, Fields | Invalid]] = []
    foreign: dict[str, str] = {}
    cleared = set[str]()
    for row in islice(rows, FIRST):
        first.append(row)
        for name, value in row[1].items() if not isinstance(row[1], Invalid) else ():
            named = f"{name}.{EXTERNAL_ID}" in heads.wanted.names
            if (named or is_own_id(name)) and value not in (None, ""):
                text = str(value) if named and isinstance(value, Mapping) and EXTERNAL_ID not in value else value
                if isinstance(text, str) and (named or _FOREIGN.fullmatch(text.strip())):
                    foreign.setdefault(name, text)
                else:
                    cleared.add(name)
    for name in foreign:
        if name not in cleared and (head := heads.by_itself(name)):
            what = "which is named by an external id, and holds none"
            if is_own_id(name):
                what = "an id of Salesloft's own, and holds those of another system"
            out = f"leave it out: {heads.mapped(head, '')}"
            step = f"{out}; or give the field that it holds."
            if (by := name.removesuffix("_id") + f".{EXTERNAL_ID}") in heads.wanted.names:
                step = f"if they are external ids, map it: {heads.mapped(head, by)}; or {out}."
            what = f"the column {quoted(head)} means {name}, {what}, such as {quoted(foreign[name], 40)}."
            raise InputError(heads.where, what, next_step=step)
    yield from chain(first, rows)
