"""Edits of TOML that keep comments and order. The library does them; what it made is checked before it is used."""

import tomllib
from collections.abc import Mapping, MutableMapping, Sequence
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError
from tomlkit.items import AoT, Array, String

from salesloft_mcp.hosts.json_tree import ParseError
from salesloft_mcp.hosts.secrets import MASK, is_flag, is_secret_name, is_secret_value


def parse(text: str) -> dict[str, Any]:
    """The values of the text.

    Raises:
        ParseError: it is not TOML.
    """
    try:
        tomlkit.parse(text)  # its errors have a place
        return tomllib.loads(text)
    except TOMLKitError as error:
        what = str(error).partition(" at line ")[0]
        raise ParseError(what[:1].lower() + what[1:], _offset(text, error)) from None
    except (tomllib.TOMLDecodeError, RecursionError):
        raise ParseError("it is no TOML", 0) from None


def with_member(text: str, path: Sequence[str], value: object) -> str:
    """`text` with `value` at `path`. Tables on the way are made where they are missing.

    Raises:
        ParseError: the text cannot be read, what stands on the way is no table, or the edit would change more.
    """
    wanted = parse(text)
    document = tomlkit.parse(text)
    table: Any = document
    plain: Any = wanted
    for depth, name in enumerate(path[:-1]):
        if name not in table:
            table[name] = tomlkit.table(is_super_table=depth == 0)
        table, plain = table[name], plain.setdefault(name, {})
        if not isinstance(table, MutableMapping):
            raise ParseError(f"{name} is no table", 0)
    is_new = path[-1] not in table
    table[path[-1]] = value
    plain[path[-1]] = value
    made = _checked(text, tomlkit.dumps(document), wanted)
    # A comment above the next table stays above it: a new table goes to the end.
    appended = _appended(text, path, value, wanted) if is_new and isinstance(value, dict) else ""
    return appended or made


def _appended(text: str, path: Sequence[str], value: Mapping[str, Any], wanted: Mapping[str, Any]) -> str:
    """`text` with a table at its end; "" where that would not say what is wanted."""
    nested: Any = value
    for name in reversed(path):
        nested = {name: nested}
    between = ("" if text.endswith("\n") else "\n") + "\n" if text else ""
    try:
        return _checked(text, f"{text}{between}{tomlkit.dumps(nested)}", wanted)
    except ParseError:  # what is above is one inline table
        return ""


def without_member(text: str, path: Sequence[str]) -> str:
    """`text` without what stands at `path`; as it was where nothing stands there.

    Raises:
        ParseError: the text cannot be read, or the edit would change more.
    """
    wanted = parse(text)
    document = tomlkit.parse(text)
    table: Any = document
    plain: Any = wanted
    for name in path[:-1]:
        if not isinstance(plain.get(name), dict):
            return text
        table, plain = table[name], plain[name]
    if path[-1] not in plain:
        return text
    removed = plain.pop(path[-1])
    del table[path[-1]]
    made = tomlkit.dumps(document)
    if not plain and path[0] not in parse(made):
        del wanted[path[0]]  # a table without a heading of its own goes with the last one in it
    made = _checked(text, made, wanted)
    shorter = _without_separator(text, made)
    if parse(shorter) == wanted and with_member(shorter, path, removed) == text:
        return shorter  # exactly what was there before it was added
    return _with_comments(text, made)


def _with_comments(text: str, made: str) -> str:
    """`made`, with the comments at the end of what was taken out of `text`: they may belong to what follows."""
    start = next((place for place, (old, new) in enumerate(zip(text, made, strict=False)) if old != new), len(made))
    end = start + len(text) - len(made)
    while 0 < start < end and text[start - 1] != "\n" and text[start - 1] == text[end - 1]:
        start, end = start - 1, end - 1
    lines = text[start:end].splitlines(keepends=True)
    last = max((number for number, line in enumerate(lines) if line.strip() and line.lstrip()[0] != "#"), default=-1)
    tail = "".join(lines[last + 1 :])
    if text[end:] != made[start:] or "#" not in tail:
        return made
    kept = made[:start] + tail.lstrip("\r\n") + made[start:]
    return kept if parse(kept) == parse(made) else made


def _without_separator(text: str, made: str) -> str:
    """`made` without the line end before the place where `text` has more: it came with what was added."""
    differs = (place for place, (old, new) in enumerate(zip(text, made, strict=False)) if old != new)
    place = next(differs, min(len(text), len(made)))
    before = made[:place].removesuffix("\n").removesuffix("\r")
    return before + made[place:]


def masked(text: str) -> str:
    """`text` with *** for each value that may be a secret."""
    document = tomlkit.parse(text)
    _mask(document, False)
    return tomlkit.dumps(document)


def _mask(table: MutableMapping[str, Any], below: bool) -> None:
    for name, value in list(table.items()):
        named = below or is_secret_name(name)
        if isinstance(value, MutableMapping):
            _mask(value, named)
        elif isinstance(value, Array | AoT):
            _mask_items(value, named)
        elif isinstance(value, String) and is_secret_value(str(value), named=named):
            table[name] = MASK


def _mask_items(array: Array | AoT, named: bool) -> None:
    after_flag = False
    for index, item in enumerate(list(array)):
        if isinstance(item, MutableMapping):
            _mask(item, named)
        elif isinstance(item, str):
            if is_secret_value(item, named=named or after_flag):
                array[index] = MASK
            after_flag = is_flag(item)


def _checked(old: str, new: str, wanted: Mapping[str, Any]) -> str:
    """What the library made, when it says what was meant and nothing of other tables was written anew."""
    if "\r\n" in old and "\n" not in old.replace("\r\n", ""):
        new = new.replace("\r\n", "\n").replace("\n", "\r\n")
    if parse(new) != wanted:
        raise ParseError("it is written in a way that cannot be edited without changing more", 0)
    return new


def _offset(text: str, error: TOMLKitError) -> int:
    line, column = getattr(error, "line", 1), getattr(error, "col", 0)
    return len("".join(text.splitlines(keepends=True)[: line - 1])) + column
