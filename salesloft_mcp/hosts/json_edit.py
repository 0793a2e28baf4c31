"""The smallest edits of JSON with comments: one member or item more, one less, or one value replaced.

Everything else stays byte for byte. The libraries that keep comments write the whole text anew, or need Node.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from salesloft_mcp.hosts.json_tree import Node, ParseError, Tree, comments, parse
from salesloft_mcp.hosts.secrets import MASK, is_flag, is_secret_name, is_secret_value

_BLANK = " \t"


@dataclass(frozen=True, slots=True)
class _Layout:
    """How a text is written: one level of indentation, and the line end that most lines have."""

    unit: str
    line: str


def with_member(text: str, path: Sequence[str], value: object) -> str:
    """`text` with `value` at `path`. Objects on the way are made where they are missing.

    Raises:
        ParseError: the text cannot be read, or what stands on the way is no object.
    """
    tree = parse(text)
    layout = _layout(text, tree)
    node, missing = _reached(tree, path)
    if not missing:
        one_line = node.kind == "object" and "\n" not in text[node.start : node.end]
        written = _written(value, layout, "" if one_line else _indent_at(text, node.start), one_line=one_line)
        return text[: node.start] + written + text[node.end :]
    for name in reversed(missing[1:]):
        value = {name: value}
    return _with_part(text, layout, node, json.dumps(missing[0], ensure_ascii=False) + ": ", value)


def with_item(text: str, path: Sequence[str], value: object) -> str:
    """`text` with one more item at the end of the array at `path`, which is made where it is missing.

    Raises:
        ParseError: the text cannot be read, or what stands there is no array.
    """
    tree = parse(text)
    node, missing = _reached(tree, path)
    if missing:
        return with_member(text, path, [value])
    if node.kind != "array":
        raise ParseError(f"{path[-1]} is no array", node.start)
    return _with_part(text, _layout(text, tree), node, "", value)


def without_member(text: str, path: Sequence[str]) -> str:
    """`text` without what stands at `path`, however often; as it was where nothing does. Comments stay.

    Raises:
        ParseError: the text cannot be read, or what stands on the way is no object.
    """
    while text.strip():
        node, missing = _reached(parse(text), path[:-1])
        at = [number for number, part in enumerate(node.parts) if part.key == path[-1]]
        if missing or not at:
            break
        text = without_part(text, path[:-1], at[-1])
    return text


def without_part(text: str, path: Sequence[str], index: int) -> str:
    """`text` without the member or item number `index` of what stands at `path`. Comments stay."""
    node, _ = _reached(parse(text), path)
    part = node.parts[index]
    first, last = part.start, part.node.end
    edits: list[tuple[int, int]] = []
    gap = node.commas[index - 1] if index else node.start  # what stands before it
    if index < len(node.commas):  # the comma after it goes with it
        comma = node.commas[index]
        if any(comments(text, last, comma)):
            edits.append((comma, comma + 1))
        else:
            last = comma + 1
    elif index and not any(comments(text, gap, first)) and not _alone(text, first, last):
        first = gap  # or, where it is the last one, the comma before it
    elif index:
        edits.append((gap, gap + 1))
    edits.append(_with_space(text, node, first, last))
    for start, end in sorted(edits, reverse=True):
        text = text[:start] + text[end:]
    return text


def masked(text: str) -> str:
    """`text` with *** for each value that may be a secret."""
    places: list[Node] = []
    _secrets(parse(text).root, False, places)
    pieces, end = [], 0
    for place in places:  # in the order of the text
        pieces += [text[end : place.start], json.dumps(MASK)]
        end = place.end
    return "".join([*pieces, text[end:]])


def _secrets(node: Node, below: bool, places: list[Node]) -> None:
    if isinstance(node.scalar, str) and is_secret_value(node.scalar, named=below):
        places.append(node)
    after_flag = False
    for part in node.parts:
        _secrets(part.node, below or is_secret_name(part.key) or after_flag, places)
        after_flag = node.kind == "array" and is_flag(part.node.scalar)


def _reached(tree: Tree, path: Sequence[str]) -> tuple[Node, Sequence[str]]:
    """The deepest node on `path` that is there, and what is missing of the path."""
    node = tree.root
    for depth, name in enumerate(path):
        if node.kind != "object":
            raise ParseError(f"{path[depth - 1]} is no object" if depth else "it holds no object", node.start)
        found = node.member(name)
        if found is None:
            return node, path[depth:]
        node = found.node
    return node, ()


def _with_part(text: str, layout: _Layout, node: Node, head: str, value: object) -> str:
    """`text` with a part at the end of `node`, on lines of its own unless `node` has parts on one line."""
    indent = _indent_at(text, node.start)
    if not node.parts:
        inner = indent + layout.unit
        start = max((found.end() for found in comments(text, node.start + 1, node.end - 1)), default=node.start + 1)
        part = f"{layout.line}{inner}{head}{_written(value, layout, inner)}{layout.line}{indent}"
        return text[:start] + part + text[node.end - 1 :]
    first, last = node.parts[0].start, node.parts[-1].node
    trailing = len(node.commas) == len(node.parts)
    end = node.commas[-1] + 1 if trailing else last.end
    place = _end_of_line(text, end, node.end - 1)
    if "\n" not in text[node.start : node.end]:
        part = f" {head}{_written(value, layout, '', one_line=True)}"
    else:
        on_own_line = not text[text.rfind("\n", 0, first) + 1 : first].strip(_BLANK)
        inner = _indent_at(text, first) if on_own_line else indent + layout.unit
        part = f"{layout.line}{inner}{head}{_written(value, layout, inner)}"
    if trailing:
        return text[:place] + part + "," + text[place:]
    return text[:end] + "," + text[end:place] + part + text[place:]


def _written(value: object, layout: _Layout, indent: str, *, one_line: bool = False) -> str:
    """`value` as it is written where the line has this indentation."""
    inner = indent + layout.unit
    if isinstance(value, dict) and value and not one_line:
        opening, closing = "{", "}"
        parts = [f"{json.dumps(name)}: {_written(one, layout, inner)}" for name, one in value.items()]
    elif isinstance(value, list) and any(isinstance(one, dict) for one in value) and not one_line:
        opening, closing, parts = "[", "]", [_written(one, layout, inner) for one in value]
    else:
        return json.dumps(value, ensure_ascii=False)
    return opening + ",".join(f"{layout.line}{inner}{part}" for part in parts) + f"{layout.line}{indent}{closing}"


def _end_of_line(text: str, start: int, limit: int) -> int:
    """After the comments that begin on the line of `start`, and the blanks at its end; or `start` itself."""
    end = start
    for found in comments(text, start, limit):
        if "\n" in text[start : found.start()]:
            break
        end = found.end()
    line_end = end + len(text[end:limit]) - len(text[end:limit].lstrip(_BLANK))
    return line_end if text[line_end:limit].startswith(("\n", "\r\n")) else end


def _alone(text: str, start: int, end: int) -> bool:
    """Whether nothing else stands on the lines from `start` to `end`."""
    after = text[end:].partition("\n")[0]
    return not (text[text.rfind("\n", 0, start) + 1 : start].strip(_BLANK) or after.strip())


def _with_space(text: str, node: Node, start: int, end: int) -> tuple[int, int]:
    """The place to cut out, so that no empty lines and no double spaces stay behind."""
    if not (text[node.start + 1 : start] + text[end : node.end - 1]).strip():
        return node.start + 1, node.end - 1
    if _alone(text, start, end):
        line_end = text.rindex("\n", 0, start)
        rest = text[end:].partition("\n")[0].removesuffix("\r")
        return len(text[:line_end].removesuffix("\r")), end + len(rest)
    if text[start] == ",":
        return start, end
    if text[end:].lstrip(_BLANK)[:1] in ("}", "]"):  # the last one, on the line of the bracket
        before = text[:start].rstrip()
        return len(before if before.endswith((",", "*/")) else text[:start].rstrip(_BLANK)), end
    return start, end + len(text[end:]) - len(text[end:].lstrip(_BLANK))


def _indent_at(text: str, position: int) -> str:
    line = text[text.rfind("\n", 0, position) + 1 : position]
    return line[: len(line) - len(line.lstrip(_BLANK))]


def _layout(text: str, tree: Tree) -> _Layout:
    parts = tree.root.parts
    unit = _indent_at(text, parts[0].start) if parts and "\n" in text[tree.root.start : parts[0].start] else ""
    return _Layout(unit or "  ", "\r\n" if text.count("\r\n") * 2 > text.count("\n") else "\n")
