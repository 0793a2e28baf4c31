"""Rows of JSON: an object a line, objects of several lines one after another, or an array of them.

Values stay what they are. Nothing is rounded: a number with a fraction or an exponent is kept as it is written.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import UnionType
from typing import NamedTuple

from salesloft_mcp.errors import InputError
from salesloft_mcp.intake.lines import MAX_LINE, Line, without_end
from salesloft_mcp.text import quoted

_MAX_DIGITS = 100
_PIECE = 2**16
_SPACE = re.compile(r"[ \t\r\n\x1a]*")
_NO_OBJECT = "is no JSON object."
_AROUND = re.compile(r"(?i:\b(?:data|results?|records|rows|items|values?|people|contacts|leads|accounts|users|hits)\Z)")
_NEXT = re.compile(
    "(?:odata)?next(?:link|url|href|page|pagetoken|cursor|token|recordsurl|offset)?|has(?:more|nextpage)|more"
)
_COUNT = re.compile("total(?:size|count|results|records|items|entries|hits)?")
_OBJECTS = "write a list of objects with the names of the fields"


@dataclass(frozen=True, slots=True)
class Number:
    """A JSON number that is no plain integer, as it is written."""

    text: str

    def __str__(self) -> str:
        return self.text


class Item(NamedTuple):
    """A row: its line or number, what it holds, and what is wrong with it. Keys that come twice are left out."""

    number: int
    value: object
    problem: str = ""


class _Decoder(json.JSONDecoder):
    """Tells of each value which key was given twice in one of its objects."""

    def __init__(self) -> None:
        self.twice = ""
        super().__init__(object_pairs_hook=self._unique, parse_int=_integer, parse_float=Number, parse_constant=Number)

    def _unique(self, pairs: list[tuple[str, object]]) -> dict[str, object]:
        found = dict(pairs)
        if len(found) < len(pairs):
            times = Counter(name for name, _ in pairs)
            self.twice = self.twice or next(name for name, number in times.items() if number > 1)
            found = {name: value for name, value in pairs if times[name] == 1}
        return found

    def item(self, number: int, value: object) -> Item:
        twice, self.twice = self.twice, ""
        return Item(number, value, f"{quoted(twice)} is given twice." if twice else "")


def json_lines(lines: Iterator[Line], notes: list[str]) -> Iterator[Item]:
    """The value of each line under its number. Blank lines are counted in `notes`."""
    decoder, blank = _Decoder(), 0
    for number, line in lines:
        if not without_end(line):
            blank += 1
            continue
        try:
            value = decoder.decode(line)
        except (ValueError, RecursionError):
            decoder.twice = ""
            yield Item(number, None, _unreadable(line))
            continue
        item = decoder.item(number, value)
        yield item if isinstance(value, dict) else Item(number, value, f"the line {_NO_OBJECT}")
    if blank:
        notes.append(f"Skipped: {blank:,} blank line{'s' * (blank > 1)}.")


def json_items(texts: Iterator[str], array: bool) -> Iterator[Item]:
    """The values of an array, or values one after another, in a text that comes in pieces; numbered from 1.

    Raises:
        InputError: an item that cannot be read: it cannot be told where the next one begins.
    """
    decoder, rest = _Decoder(), _Rest(texts)
    rest.skip("[" if array else "")
    number = 0
    while rest.peek() not in ("", "]" if array else ""):
        number += 1
        value = rest.value(decoder, number)
        item = decoder.item(number, value)
        yield item if isinstance(value, dict) or item.problem else Item(number, value, f"the item {_NO_OBJECT}")
        if not rest.skip(",") if array else rest.peek() == ",":
            break
    if (array and not rest.skip("]")) or rest.peek():
        if rest.peek() == "," and not array:
            what = f"is JSON with a comma after item {number}, and no brackets around all items."
            raise InputError("file", what, next_step="put [ before the first item and ] after the last, or no commas.")
        if array and rest.peek() == "[":
            what = "is JSON with several arrays, one after another."
            raise InputError(
                "file", what, next_step="put the objects of all of them into one, or one object on a line."
            )
        what = f"is JSON that cannot be read after item {number}: it is cut off, or holds something else there."
        raise InputError("file", what)


def unwrapped(
    items: Iterator[Item], notes: list[str], is_row: Callable[[object], bool], kinds: type | UnionType, where: str
) -> Iterator[Item]:
    """The items, or those of the one list of such values that the only item holds, however far inside:
    `{"status": 0, "result": {"records": [...]}}`.

    Raises:
        InputError: the only item holds whole columns, rows without the names of their fields, or no rows.
    """
    first, second = next(items, None), next(items, None)
    held = first.value if first and not second and not first.problem else None
    lists = {} if is_row(held) else dict(_lists_in(held, is_row))
    if is_row(held) and isinstance(held, dict) and set(map(type, held.values())) in ({dict}, {list}):
        what = "holds its columns one after another, each with the values of all rows."
        raise InputError(where, what, next_step=f"{_OBJECTS}, such as with to_json(orient='records') of pandas.")
    of_rows = {name: one for name, one in lists.items() if one and _are(one, kinds if held == lists else dict)}
    if len(of_rows) > 1:  # others may tell of columns, of errors, or of what the rows refer to
        of_rows = {name: one for name, one in of_rows.items() if any(map(is_row, one))}
    if len(of_rows) == 1:
        ((name, rows),) = of_rows.items()
        notes.append(f"Read: the list {quoted(name)} of the one object that there is.")
        if more := next(_signs_of_more(held, len(rows)), ""):
            notes.append(
                f"It may be one page of several, as {quoted(more)} stands beside it: are all pages in the file?"
            )
        yield from (Item(number, one) for number, one in enumerate(rows, 1))
        return
    if empty := next((name for name in lists if _AROUND.search(name)), "") if not any(lists.values()) else "":
        raise InputError(where, f"holds no rows: its list {quoted(empty)} is empty.")
    inner = [name for name, one in held.items() if isinstance(one, dict)] if isinstance(held, dict) else []
    if (
        isinstance(held, dict)
        and not is_row(held)
        and 1 < len(inner) == len(held)
        and not any(map(is_row, held.values()))
    ):
        what = f"holds its rows in one object, each under a name, such as {quoted(inner[0])}."
        raise InputError(where, what, next_step=f"{_OBJECTS}.")
    if any(one and _are(one, list) for one in lists.values()) or (
        first and second and _are([first.value, second.value], list)
    ):
        raise InputError(where, "holds its rows as lists, without the names of their fields.", next_step=f"{_OBJECTS}.")
    yield from (one for one in (first, second) if one)
    yield from items


def _lists_in(held: object, is_row: Callable[[object], bool], depth: int = 3) -> Iterator[tuple[str, list[object]]]:
    """The lists in an object and in the objects inside it that are no rows, by their names: `result.records`."""
    for name, one in held.items() if isinstance(held, dict) and depth else ():
        if isinstance(one, list):
            yield name, one
        elif not is_row(one):
            yield from ((f"{name}.{inner}", found) for inner, found in _lists_in(one, is_row, depth - 1))


def _signs_of_more(held: object, rows: int, depth: int = 3) -> Iterator[str]:
    """The names beside a list of so many rows which say that there are more on other pages."""
    for name, one in held.items() if isinstance(held, dict) and depth else ():
        plain = re.sub("[^a-z]", "", name.lower())
        fewer = _COUNT.fullmatch(plain) and isinstance(one, int) and one > rows
        if (
            fewer
            or (_NEXT.fullmatch(plain) and one not in (None, "", False, [], {}, 0))
            or (plain, one) == ("done", False)
        ):
            yield name
        yield from _signs_of_more(one, rows, depth - 1)


def _are(values: list[object], kind: type | UnionType) -> bool:
    return all(isinstance(one, kind) for one in values)


def _unreadable(line: str) -> str:
    """Why a line is no JSON object."""
    text = line.strip()
    try:
        _, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return f"the line {_NO_OBJECT}"
    if text[:1] != "{":
        return f"the line {_NO_OBJECT}"
    if text[end:].strip() == ",":
        return "a comma follows the JSON object; leave it out, or put all objects in square brackets."
    if text[end:].lstrip(" ,")[:1] == "{":
        return "the line holds several JSON objects; write each on a line of its own."
    return "something follows the JSON object of the line."


class _Rest:
    """The text that is not read yet, as much of it as is needed."""

    def __init__(self, texts: Iterator[str]) -> None:
        self._texts = texts
        self._text = ""
        self._at = 0

    def peek(self) -> str:
        """The next character that is no space; nothing at the end."""
        while True:
            self._at = _SPACE.match(self._text, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._text) or not self._more():
                return self._text[self._at : self._at + 1]

    def skip(self, char: str) -> bool:
        """Whether `char` came next, which is passed over then."""
        found = self.peek() == char != ""
        self._at += found
        return found

    def value(self, decoder: _Decoder, number: int) -> object:
        """The next value. What follows it must be there as well: a number may have been cut."""
        self.peek()
        while True:
            try:
                value, end = decoder.raw_decode(self._text, self._at)
            except (ValueError, RecursionError):
                end = len(self._text)
                value = None
            else:
                if end < len(self._text) or not self._more():
                    self._at = end
                    return value
                decoder.twice = ""
                continue
            decoder.twice = ""
            if end - self._at > MAX_LINE or not self._more():
                what = f"is JSON, and item {number} in it cannot be read: it is damaged, or too long."
                raise InputError("file", what, next_step="export it anew, as JSON Lines or CSV.") from None

    def _more(self) -> bool:
        """Read on, twice as much as is held; whether there was more."""
        held, size = [self._text[self._at :]], 0
        for text in self._texts:
            held.append(text)
            size += len(text)
            if size >= max(_PIECE, len(held[0])):
                break
        self._text, self._at = "".join(held), 0
        return len(held) > 1


def _integer(text: str) -> int | Number:
    return int(text) if len(text) <= _MAX_DIGITS else Number(text)
