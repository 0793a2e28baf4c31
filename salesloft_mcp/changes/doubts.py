"""Why what would be written looks as if a program had damaged it on its way here. Pure; nothing is ever repaired."""

from collections.abc import Iterator

from salesloft_mcp.changes.change import Change, Image, Operation
from salesloft_mcp.changes.spelling import same
from salesloft_mcp.intake.values import field_damage, suspicious
from salesloft_mcp.text import quoted


def of_operation(operation: Operation) -> list[str]:
    """Why external ids under which something is created look damaged. What an undo brings back is as it was."""
    return [doubt for one in operation.changes if operation.undoes is None for doubt in of_change(one)]


def of_change(change: Change) -> list[str]:
    """The doubts about an external id under which something is created, and about the fields of a record."""
    found: list[str] = []
    if change.before is None and change.kind != "configuration" and (why := suspicious(change.key.external_id)):
        found.append(f"the external id ({why})")
    if change.kind == "record" and change.after is not None:
        found += of_fields(change.before or {}, change.after)
    return found


def of_fields(before: Image, after: Image) -> list[str]:
    """The doubts about texts that change, each with the name of its field."""
    changed = {name: value for name, value in after.items() if not same(name, before.get(name), value)}
    return [f"{name} ({why})" for name, text in _texts(changed) if (why := field_damage(text))]


def _texts(fields: Image) -> Iterator[tuple[str, str]]:
    for name, value in fields.items():
        if isinstance(value, str):
            yield name, value
        elif isinstance(value, list):
            yield from ((name, one) for one in value if isinstance(one, str))
        elif isinstance(value, dict):
            yield from ((f"custom field {quoted(one)}", text) for one, text in value.items() if isinstance(text, str))
