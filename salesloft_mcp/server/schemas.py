"""JSON schemas that every host accepts: no references, no nullable unions, nothing said twice."""

from typing import Any

_DROPPED = frozenset(
    {
        "title",
        "maxLength",
        "minLength",
        "minItems",
        "maxItems",
        "exclusiveMinimum",
        "exclusiveMaximum",
        "maxProperties",
        "propertyNames",
    }
)


def compact(schema: dict[str, Any]) -> dict[str, Any]:
    """`schema` with references inlined, and without what a caller does not need: titles, lengths, empty defaults.

    The checks that are left out here are still made: a schema tells, the models enforce.
    """
    definitions = {name: _undescribed(one) for name, one in schema.get("$defs", {}).items()}
    return _compact({name: one for name, one in _undescribed(schema).items() if name != "$defs"}, definitions)


def _undescribed(model: dict[str, Any]) -> dict[str, Any]:
    """A model without its docstring, which tells a developer what it is and not a caller."""
    return {name: value for name, value in model.items() if name != "description"}


def _compact(node: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    slim: dict[str, Any] = {}
    node = _inlined(node, definitions)
    for name, value in node.items():
        if name in _DROPPED or (name == "default" and not value and value is not False):
            continue
        if name == "minimum" and value == 1:  # nobody asks for no rows at all
            continue
        # An unknown name is refused with the nearest known one; where none is known, some hosts would send anything.
        if name == "additionalProperties" and value is False and node.get("properties"):
            continue
        if name == "const":  # some hosts know only enum
            slim["enum"] = [value]
        elif name == "properties":  # its keys are names of ours and not words of JSON Schema
            slim[name] = {key: _compact(one, definitions) for key, one in value.items()}
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
