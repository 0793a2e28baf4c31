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


def servers(host: Host, file: HostFile) -> dict[str, Any]:
    """The entries in the file, by name.

    Raises:
        InputError: it cannot be read, and where.
    """
    with _told(file):
        found = _plain(host, file.text).get(host.container, {})
    return found if isinstance(found, dict) else {}


def with_entry(host: Host, file: HostFile, name: str, entry: Mapping[str, Any]) -> str:
    """The text of the file with this entry. What else an older entry of ours holds stays in it.

    Raises:
        InputError: it cannot be read or edited, and where.
    """
    text = file.text if file.text.strip() or host.form == "toml" else "{}\n"
    put = json_edit.with_member if host.form == "json" else toml_edit.with_member
    path = (host.container, name)
    with _told(file):
        old = servers(host, file).get(name)
        if isinstance(old, dict) and is_ours(old):
            for key, value in entry.items():
                if old.get(key) != value and key != "env":
                    text = put(text, (*path, key), value)
            for key, value in entry.get("env", {}).items():
                if key not in old.get("env", {}):
                    text = put(text, (*path, "env", key), value)
        else:
            text = put(text, path, dict(entry))
        if host.inputs and _uses_input(_plain(host, text)) and not _asking(_plain(host, text)):
            text = json_edit.with_item(text, ("inputs",), _ASKS)
    return text


def without_entry(host: Host, file: HostFile, name: str) -> str:
    """The text of the file without the entry, and without the question for a key that nothing else needs.

    Raises:
        InputError: it cannot be read or edited, and where.
    """
    text = file.text
    with _told(file):
        if host.form == "toml":
            return toml_edit.without_member(text, (host.container, name))
        while (at := _index(text, host.container, name)) >= 0:  # a name may stand there twice
            text = json_edit.without_part(text, (host.container,), at)
        values = _plain(host, text)
        asked = _asking(values)
        if host.inputs and asked and not _uses_input(values):
            text = json_edit.without_part(text, ("inputs",), asked[0])
    return text


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


def notes(host: Host, file: HostFile, name: str) -> Iterator[str]:
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
    for other, entry in servers(host, file).items():
        if other != name and is_ours(entry):
            yield (
                f'"{other}" starts this server, too: a model would see each tool twice. To remove it:'
                f" salesloft-mcp uninstall {host.name} --name {other}"
            )


def block(host: Host, name: str, entry: Mapping[str, Any]) -> str:
    """What to copy, as it would stand in an empty file."""
    empty = HostFile(Path(host.title), None, "")
    return with_entry(host, empty, name, entry).rstrip("\n")


def holds_key(entry: object) -> bool:
    """Whether a key stands in the entry as it is."""
    settings = entry.get("env") if isinstance(entry, Mapping) else None
    value = settings.get(KEY) if isinstance(settings, Mapping) else None
    return isinstance(value, str) and bool(value.strip()) and not value.startswith("$")


def _plain(host: Host, text: str) -> dict[str, Any]:
    if host.form == "toml":
        return toml_edit.parse(text)
    values = json_tree.parse(text).root.plain() if text.strip() else {}
    if not isinstance(values, dict):
        raise ParseError("it holds no object", 0)
    return values


def _index(text: str, container: str, name: str) -> int:
    """The number of the member, the last of its name; -1 where there is none."""
    found = json_tree.parse(text).root.member(container) if text.strip() else None
    keys = [part.key for part in found.node.parts] if found else []
    return max((number for number, key in enumerate(keys) if key == name), default=-1)


def _uses_input(values: Mapping[str, Any]) -> bool:
    return _REFERENCE in str(values.get("servers"))


def _asking(values: Mapping[str, Any]) -> list[int]:
    """The numbers of our questions among the inputs."""
    inputs = values.get("inputs")
    listed = inputs if isinstance(inputs, list) else []
    return [number for number, one in enumerate(listed) if isinstance(one, dict) and one.get("id") == INPUT]
