"""JSON schemas that every host accepts and that cost few tokens: no titles, no references, no nullable unions."""

from typing import Any

_DROPPED = frozenset(
    {"title", "default", "maxLength", "minLength", "exclusiveMinimum", "exclusiveMaximum"}
    | {"propertyNames", "maxProperties"}
)
_KEPT_NAMES = frozenset({"properties"})  # below these, keys are names of the user's and not words of JSON Schema


def compact(schema: dict[str, Any]) -> dict[str, Any]:
    """`schema` with references inlined and everything a reader of it does not need left out.

    The checks that are left out here are still made: a schema tells, the models enforce.
    """
    definitions = schema.get("$defs", {})
    return _compact({name: value for name, value in schema.items() if name != "$defs"}, definitions)


def _compact(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    node = _inlined(node, definitions)
    slim: dict[str, Any] = {}
    for name, value in node.items():
        if name in _DROPPED or (name == "description" and "properties" in node):
            continue
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
