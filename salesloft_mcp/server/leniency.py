"""What hosts and models write in place of an argument, read as what it says.

Pure: the arguments of a call and the JSON schema of its tool go in, and arguments come out. What has two readings stays
as it came, so that it is refused under its name. A plain text is never read as anything but itself: the external ids
"null", "true", "[1]", "{}" and "0042" are ids.
"""

import json
from collections import Counter
from collections.abc import Mapping
from typing import Any

from salesloft_mcp.text import whole_number

Schema = Mapping[str, Any]
_MOST_DIGITS = 19  # of a whole number of 64 bits
_LAST_EXACT = 2**53  # a float above it may stand for several whole numbers
# What hosts were seen to add to the arguments of any tool, for themselves. A tool that has such an argument gets it.
ADDED_BY_HOSTS = frozenset(
    {
        "_meta",  # belongs beside the arguments: https://modelcontextprotocol.io/specification/2025-11-25/basic#meta
        "toolCallId",  # n8n: https://github.com/n8n-io/n8n/issues/21500
        *("sessionId", "action", "chatInput"),  # n8n, of a chat: https://github.com/n8n-io/n8n/issues/22787
        "tool",  # n8n, to find the tool by: https://github.com/n8n-io/n8n/pull/35067
        "task_progress",  # Cline: https://github.com/cline/cline/pull/9951
        "wait_for_previous",  # Gemini CLI: https://github.com/MemPalace/mempalace/pull/322
        "request_heartbeat",  # Letta: https://github.com/letta-ai/letta/blob/main/letta/agent.py
        "random_string",  # Cursor, where a tool has no arguments; servers declare it as a "dummy parameter"
    }
)
# Around all arguments, where a program or a model took a word for the call itself for one of them.
_AROUND = frozenset(
    {
        "kwargs",  # Semantic Kernel: https://github.com/microsoft/simplechat/issues/1163
        "arguments",  # https://github.com/SuanmoSuanyangTechnology/MemoryBear/pull/1176
        *("args", "params", "parameters", "input"),
    }
)


def lenient(arguments: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    """The arguments as they are meant, of a tool with this input schema. Names that it does not know stay in it.

    - A name that differs in case, in hyphens or in underscores alone is that name, because some programs write all
      names so: https://github.com/taylorwilsdon/google_workspace_mcp/issues/918.
    - What stands around all arguments is taken off.
    - What is optional and null, "", 0, [] or {} is left out; so is what is required and null.
    - A whole float or a text of digits is an integer, "true" or "false" a flag, and a value of an enumeration is known
      as its label, too: without its case and the blanks around it, with blanks or hyphens between its words.
    - One value is a list of one, and a JSON text is the list or the object it holds.
    """
    known = schema["properties"]
    given = {name: one for name, one in arguments.items() if name in known or name not in ADDED_BY_HOSTS}
    return _fields(_taken_off(given, known), schema)


def read_json(text: str) -> Any:  # noqa: ANN401 - any JSON
    """What a JSON text holds. It is None where the text is no JSON or names something twice."""
    try:
        return json.loads(text, object_pairs_hook=_once)
    except (ValueError, RecursionError):
        return None


def _taken_off(given: dict[str, Any], known: Schema) -> dict[str, Any]:
    """What stands inside the one thing that is given, where that is a word for all arguments."""
    (name, inside), *others = given.items() or [("", None)]
    if others or name in known or name.lower() not in _AROUND:
        return given
    inside = read_json(inside) if isinstance(inside, str) else inside
    return inside if isinstance(inside, dict) else given


def _named(given: Mapping[str, Any], known: Schema) -> dict[str, Any]:
    """With the names that are known. A name that is written in two ways, each with a value of its own, stays so."""
    letters = {_letters(name): name for name in known}
    meant = {name: name if name in known else letters.get(_letters(name), name) for name in given}
    times = Counter(meant.values())
    return {meant[name] if times[meant[name]] == 1 else name: value for name, value in given.items()}


def _letters(name: str) -> str:
    """`externalIds`, `external-ids` and `External IDs` are spelled like `external_ids`."""
    return name.lower().replace("_", "").replace("-", "").replace(" ", "")


def _fields(given: Mapping[str, Any], schema: Schema) -> dict[str, Any]:
    known, needed = schema["properties"], schema.get("required", ())
    given = _named(given, known)
    read = {name: _read(value, known[name]) if name in known else value for name, value in given.items()}
    return {
        name: value
        for name, value in read.items()
        if name not in known or not (value is None if name in needed else _is_empty(value))
    }


def _read(value: Any, schema: Schema) -> Any:  # noqa: ANN401 - any JSON
    kind, members = schema.get("type"), schema.get("enum")
    if _is_empty(value) or (kind == "string" and not members):
        return value
    if kind == "array":
        return _list(value, schema)
    if isinstance(value, str) and value.strip() in ("", "null"):
        return None
    if kind == "object":
        return _object(value, schema)
    return _member(value, members) if members else _integer(value) if kind == "integer" else _flag(value, kind)


def _list(value: Any, schema: Schema) -> Any:  # noqa: ANN401 - any JSON
    """A text that begins like a list and is none in JSON could be a broken list or one value, and "null" could be
    nothing or one value: they stay as they came.
    """
    if isinstance(value, str) and value.strip().startswith("["):
        value = found if isinstance(found := read_json(value), list) else value
    elif value != "null" and not isinstance(value, list | bool):  # no tool takes a list of flags
        value = [value]
    if not isinstance(value, list):
        return value
    items = schema.get("items", {})
    read = [_read(one, items) for one in value]
    # ["null"] is how one program sends null for a list: https://github.com/anthropics/claude-code/issues/95239
    return [] if items.get("type") != "string" and all(one is None for one in read) else read


def _object(value: Any, schema: Schema) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, str):
        value = found if isinstance(found := read_json(value), dict) else value
    if not isinstance(value, dict):
        return value
    if "properties" in schema:
        read = _fields(value, schema)
        return {} if all(map(_is_empty, read.values())) else read  # an object of empty texts is as empty as they are
    each = schema.get("additionalProperties")
    if not isinstance(each, dict):
        return value
    read = {name: _read(one, each) for name, one in value.items()}
    return {
        name: one for name, one in read.items() if one == 0 or not _is_empty(one)
    }  # a caller named it: 0 is a value


def _member(value: Any, members: list[str]) -> Any:  # noqa: ANN401 - any JSON
    known = {_letters(one): one for one in members}
    return known.get(_letters(value.strip()), value) if isinstance(value, str) else value


def _integer(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, float) and value.is_integer() and abs(value) < _LAST_EXACT:
        return int(value)
    number = whole_number(value, _MOST_DIGITS) if isinstance(value, str) else None
    return value if number is None else number


def _flag(value: Any, kind: str | None) -> Any:  # noqa: ANN401 - any JSON
    words = {"true": True, "false": False} if kind == "boolean" else {}
    return words.get(value.strip().lower(), value) if isinstance(value, str) else value


def _is_empty(value: object) -> bool:
    """What some clients send for everything they leave out. False is a value."""
    return value is not False and value in (None, "", [], {}, 0)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice in one object")
    return found
