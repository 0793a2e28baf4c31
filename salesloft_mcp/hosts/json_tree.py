"""JSON with comments and trailing commas, read into a tree that knows where each part stands in the text."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

DEEPEST = 200  # no configuration is nested as deep, and the reader calls itself

_SPACE = re.compile(r"[ \t\r\n]+")
_COMMENT = re.compile(r"//[^\r\n]*|/\*.*?\*/", re.DOTALL)
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?")
_MANY_DIGITS = 4_000
_WORDS = {"true": True, "false": False, "null": None}


class ParseError(ValueError):
    """A text that is not of its format. `offset` is where that shows."""

    def __init__(self, what: str, offset: int) -> None:
        super().__init__(what)
        self.what = what
        self.offset = offset


@dataclass(frozen=True, slots=True)
class Node:
    """A value, and where it stands: `text[start:end]`. `parts` are the members of an object or the items of an array.

    `commas` are the places of the commas in it; there are as many as parts when the last one is a trailing comma.
    """

    start: int
    end: int
    scalar: Any = None
    kind: str = "scalar"
    parts: tuple["Part", ...] = ()
    commas: tuple[int, ...] = ()

    def member(self, key: str) -> "Part | None":
        """The member of this name. Of several the last one, which is the one that programs read."""
        return next((part for part in reversed(self.parts) if part.key == key), None)

    def plain(self) -> Any:  # noqa: ANN401 - JSON may hold anything
        """The value without its places."""
        if self.kind == "object":
            return {part.key: part.node.plain() for part in self.parts}
        return [part.node.plain() for part in self.parts] if self.kind == "array" else self.scalar


@dataclass(frozen=True, slots=True)
class Part:
    """A member of an object, or an item of an array, whose key is empty. It begins with its key."""

    key: str
    start: int
    node: Node


@dataclass(frozen=True, slots=True)
class Tree:
    """A whole text: its value, and the first place that only lenient programs read (-1: none)."""

    root: Node
    lenient: int


@lru_cache(maxsize=8)  # an edit looks at a text several times, and some programs keep megabytes in theirs
def parse(text: str) -> Tree:
    """Read the text.

    Raises:
        ParseError: it is not JSON, even with comments and trailing commas.
    """
    reader = _Reader(text)
    root = reader.value(reader.skip(0), 0)
    end = reader.skip(root.end)
    if end != len(text):
        raise ParseError("something follows after the end", end)
    return Tree(root, min(reader.lenient, default=-1))


def _integer(digits: str) -> int | float:
    """Python reads no integer of more than 4,300 digits; other programs read every number as a float."""
    return int(digits) if len(digits) < _MANY_DIGITS else float(digits)


def comments(text: str, start: int, end: int) -> Iterator[re.Match[str]]:
    """The comments between two parts, where nothing stands but space, commas and comments."""
    position = start
    while position < end:
        if found := _COMMENT.match(text, position, end):
            yield found
            position = found.end()
        else:
            position += 1


class _Reader:
    """One pass over the text, which remembers what strict programs would not read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lenient: list[int] = []

    def skip(self, position: int) -> int:
        """The place of what follows after space and comments."""
        while True:
            if space := _SPACE.match(self.text, position):
                position = space.end()
            elif comment := _COMMENT.match(self.text, position):
                self.lenient.append(position)
                position = comment.end()
            else:
                return position

    def value(self, start: int, depth: int) -> Node:
        """The value that begins here."""
        if depth > DEEPEST:
            raise ParseError(f"it is nested deeper than {DEEPEST} levels", start)
        first = self.text[start : start + 1]
        if first in ("{", "["):
            return self._container(start, depth, "object" if first == "{" else "array")
        if first == '"':
            scalar, end = self._string(start)
            return Node(start, end, scalar)
        if number := _NUMBER.match(self.text, start):
            return Node(start, number.end(), json.loads(number[0], parse_int=_integer))
        for word, meaning in _WORDS.items():
            if self.text.startswith(word, start):
                return Node(start, start + len(word), meaning)
        raise self._missing("a value", start)

    def _container(self, start: int, depth: int, kind: str) -> Node:
        close = "}" if kind == "object" else "]"
        parts: list[Part] = []
        commas: list[int] = []
        position = self.skip(start + 1)
        while self.text[position : position + 1] != close:
            if len(commas) < len(parts):
                raise self._missing(f"a comma or {close}", position)
            parts.append(self._part(position, depth, kind))
            position = self.skip(parts[-1].node.end)
            if self.text[position : position + 1] == ",":
                commas.append(position)
                position = self.skip(position + 1)
        if parts and len(commas) == len(parts):
            self.lenient.append(commas[-1])
        return Node(start, position + 1, None, kind, tuple(parts), tuple(commas))

    def _missing(self, what: str, position: int) -> ParseError:
        return ParseError(f"{what} is missing" if position < len(self.text) else "it ends too early", position)

    def _part(self, start: int, depth: int, kind: str) -> Part:
        if kind == "array":
            return Part("", start, self.value(start, depth + 1))
        if self.text[start : start + 1] != '"':
            raise self._missing('a name in "', start)
        key, end = self._string(start)
        colon = self.skip(end)
        if self.text[colon : colon + 1] != ":":
            raise self._missing("a colon", colon)
        return Part(key, start, self.value(self.skip(colon + 1), depth + 1))

    def _string(self, start: int) -> tuple[str, int]:
        found = _STRING.match(self.text, start)
        if found is None:
            raise ParseError("a text does not end, or holds a line break", start)
        try:
            return json.loads(found[0]), found.end()
        except ValueError:
            raise ParseError("a text holds a backslash that means nothing; write two", start) from None
