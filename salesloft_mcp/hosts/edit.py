"""An entry put into the file of a host, or taken out of it; everything else in the file stays as it is."""

import difflib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from salesloft_mcp.errors import InputError
from salesloft_mcp.hosts import json_edit, json_tree, toml_edit
from salesloft_mcp.hosts.entry import is_ours
from salesloft_mcp.hosts.files import HostFile
from salesloft_mcp.hosts.json_tree import ParseError
from salesloft_mcp.hosts.table import INPUT, KEY, Host

_WIDTH = 200  # of a line that is shown; some programs write a whole file on one
_ASKS = {"type": "promptString", "id": INPUT, "description": "Salesloft API key", "password": True}
_REFERENCE = f"${{input:{INPUT}}}"
_STARTS = ("type", "command", "args")


@contextmanager
def _told(file: HostFile) -> Iterator[None]:
    """A fault of the text becomes a refusal with its place."""
    try:
        yield
    except ParseError as error:
        line = file.text.count("\n", 0, error.offset) + 1
        column = error.offset - (file.text.rfind("\n", 0, error.offset) + 1) + 1
        what = f"line {line}, column {column}: {error.what}. It was left as it is."
        step = "mend it there, or copy what --print shows."
        raise InputError(str(file.path), what, next_step=step) from None


def values(host: Host, file: HostFile) -> dict[str, Any]:
    """What the file says.

    Raises:
        InputError: it cannot be read, and where.
    """
    with _told(file):
        return _plain(host, file.text)


def servers(host: Host, file: HostFile) -> dict[str, Any]:
    """The entries in the file, by name.

    Raises:
        InputError: it cannot be read, and where.
    """
    found = values(host, file).get(host.container, {})
    return found if isinstance(found, dict) else {}


def with_entry(host: Host, file: HostFile, name: str, entry: Mapping[str, Any]) -> str:
    """The text of the file with this entry. Of an older entry of ours only what is started is replaced: all else that
    it holds stays, but for the reference to a key that this one does not need.

    Raises:
        InputError: it cannot be read or edited, and where.
    """
    text = file.text if file.text.strip() or host.form == "toml" else "{}\n"
    put = json_edit.with_member if host.form == "json" else toml_edit.with_member
    path = (host.container, name)
    with _told(file):
        old = servers(host, file).get(name)
        if isinstance(old, dict) and is_ours(old):
            for key, value in _changed(old, entry):
                text = put(text, (*path, *key), value)
            if refers_to_key(host, old) and "env" not in entry:
                text = _without(host, text, (*path, "env", KEY) if len(old["env"]) > 1 else (*path, "env"))
        else:
            text = put(text, path, dict(entry))
        if host.inputs and _uses_input(_plain(host, text)) and not _asking(_plain(host, text)):
            text = json_edit.with_item(text, ("inputs",), _ASKS)
        return _without_question(text) if host.inputs else text


def without_entry(host: Host, file: HostFile, name: str) -> str:
    """The text of the file without the entry, and without the question for a key that nothing else needs.

    Raises:
        InputError: it cannot be read or edited, and where.
    """
    text = file.text
    with _told(file):
        text = _without(host, text, (host.container, name))
        return _without_question(text) if host.inputs else text


def shown(host: Host, file: HostFile, new: str) -> str:
    """What changes, line by line, without secrets."""
    masked = json_edit.masked if host.form == "json" else toml_edit.masked
    with _told(file):
        before = masked(file.text) if file.text.strip() else ""
        after = masked(new)
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), str(file.path), f"{file.path} (new)", lineterm="", n=2
    )
    return "\n".join(line if len(line) <= _WIDTH else f"{line[:_WIDTH]}…" for line in lines)


def notes(host: Host, file: HostFile) -> Iterator[str]:
    """What of the file is worth a word, and is not changed."""
    if not file.path.parent.exists():
        yield f"There is no sign of {host.title} here: {file.path.parent} does not exist. It is made."
    with _told(file):
        values = _plain(host, file.text)
        lenient = json_tree.parse(file.text).lenient if host.strict and file.text.strip() else -1
    for key in values:
        if key != host.container and key.lower() == host.container.lower():
            yield f'It has "{key}", which {host.title} does not read; it reads "{host.container}".'
    if lenient >= 0:
        line = file.text.count("\n", 0, lenient) + 1
        yield f"Line {line} has a comment, or a comma before a bracket: {host.title} may not read the file."


def others(host: Host, file: HostFile, name: str) -> Iterator[str]:
    """A word on each other entry of ours."""
    for other, entry in servers(host, file).items():
        if other != name and is_ours(entry):
            yield f'"{other}" starts this server, too. To remove it: salesloft-mcp uninstall {host.name} --name {other}'


def block(host: Host, name: str, entry: Mapping[str, Any]) -> str:
    """What to copy, as it would stand in an empty file."""
    empty = HostFile(Path(host.title), None, "")
    return with_entry(host, empty, name, entry).rstrip("\n")


def holds_key(entry: object) -> bool:
    """Whether a key stands in the entry as it is."""
    settings = entry.get("env") if isinstance(entry, Mapping) else None
    value = settings.get(KEY) if isinstance(settings, Mapping) else None
    return isinstance(value, str) and bool(value.strip()) and not value.startswith("$")


def refers_to_key(host: Host, entry: object) -> bool:
    """Whether the entry has the host put a key in, as `install` writes it."""
    settings = entry.get("env") if isinstance(entry, Mapping) else None
    wanted = (host.for_key or {}).get("env", {}).get(KEY)
    return wanted is not None and isinstance(settings, Mapping) and settings.get(KEY) == wanted


def _changed(old: Mapping[str, Any], entry: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], object]]:
    """What of an older entry of ours changes: the place in it, and the value."""
    for key, value in entry.items():
        there = old.get(key)
        if isinstance(value, dict | list) and not isinstance(there, type(value)):
            there = None
        if there is None or (key in _STARTS and there != value):
            yield (key,), value
        elif isinstance(value, dict):
            yield from (((key, name), one) for name, one in value.items() if name not in there)
        elif isinstance(value, list) and key not in _STARTS and (missing := [one for one in value if one not in there]):
            yield (key,), [*there, *missing]


def _without(host: Host, text: str, path: tuple[str, ...]) -> str:
    if host.form == "toml":
        return toml_edit.without_member(text, path)
    return json_edit.without_member(text, path)


def _without_question(text: str) -> str:
    """VS Code's file without our question for a key, where nothing refers to what is answered."""
    values = json_tree.parse(text).root.plain()
    asked = _asking(values)
    return json_edit.without_part(text, ("inputs",), asked[0]) if asked and not _uses_input(values) else text


def _plain(host: Host, text: str) -> dict[str, Any]:
    if host.form == "toml":
        return toml_edit.parse(text)
    values = json_tree.parse(text).root.plain() if text.strip() else {}
    if not isinstance(values, dict):
        raise ParseError("it holds no object", 0)
    return values


def _uses_input(values: Mapping[str, Any]) -> bool:
    return _REFERENCE in str(values.get("servers"))


def _asking(values: Mapping[str, Any]) -> list[int]:
    """The numbers of our questions among the inputs."""
    inputs = values.get("inputs")
    listed = inputs if isinstance(inputs, list) else []
    return [number for number, one in enumerate(listed) if isinstance(one, dict) and one.get("id") == INPUT]
