"""JSON schemas that every host accepts and that cost few tokens: no titles, no references, no nullable unions."""

from typing import Any

_DROPPED = frozenset(
    {"title", "default", "maxLength", "minLength", "exclusiveMinimum", "exclusiveMaximum"}
    | {"propertyNames", "maxProperties"}
)
_KINDS = {"string": "text", "integer": "whole numbers", "boolean": "true or false", "array": "lists"}
_KEPT_NAMES = frozenset({"properties"})  # below these, keys are names of the user's and not words of JSON Schema


def compact(schema: dict[str, Any]) -> dict[str, Any]:
    """`schema` with references inlined and everything a reader of it does not need left out.

    The checks that are left out here are still made: a schema tells, the models enforce.
    """
    definitions = schema.get("$defs", {})
    return _compact({name: value for name, value in schema.items() if name != "$defs"}, definitions)


def answered(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema of an answer: names and types. A field that does not apply is left out, so none is called required."""
    slim = compact(schema)
    return {name: _typed(name, value) for name, value in slim.items() if name != "required"}


def _typed(word: str, value: Any) -> Any:  # noqa: ANN401 - any part of a schema
    if word == "properties":
        return {name: _typed("", one) for name, one in value.items()}
    if isinstance(value, dict):
        return {name: _typed(name, one) for name, one in value.items() if name not in ("required", "description")}
    return value


def usual(schema: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    """The schema of an object with many fields: the usual ones in full, the others by name, to save a reader's tokens.

    Every field can be given all the same, and is checked by the model.
    """
    full = compact(schema)["properties"]
    rest: dict[str, list[str]] = {}
    for name, field in full.items():
        if name not in names:
            rest.setdefault(_KINDS.get(field["type"], field["type"]), []).append(name)
    also = "; ".join(f"{kind}: {', '.join(found)}" for kind, found in rest.items())
    properties = {name: full[name] for name in names}
    return {"type": "object", "description": f"Null clears a field. Also {also}", "properties": properties}


def _compact(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    node = _inlined(node, definitions)
    slim: dict[str, Any] = {}
    for name, value in node.items():
        if name in _DROPPED or (name == "description" and node.get("title") and "properties" in node):
            continue  # the docstring of a model tells a developer what it is, not a caller
        if name in _KEPT_NAMES:
            slim[name] = {key: _compact(one, definitions) for key, one in value.items()}
        elif name == "additionalProperties" and value is True:
            continue
        else:
            slim[name] = _compact(value, definitions) if isinstance(value, dict) else value
    return slim


def _inlined(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A reference becomes what it names, and "this or null" becomes this."""
    options = [one for one in node.get("anyOf", ()) if one.get("type") != "null"]
    if "anyOf" in node and len(options) == 1:
        rest = {name: value for name, value in node.items() if name != "anyOf"}
        return _inlined({**options[0], **rest}, definitions)
    reference = node.get("$ref")
    if isinstance(reference, str):
        rest = {name: value for name, value in node.items() if name != "$ref"}
        return _inlined({**definitions[reference.rsplit("/", 1)[-1]], **rest}, definitions)
    return node
