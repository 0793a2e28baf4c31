"""A change as a row of the table `changes`, and back."""

import json
from collections.abc import Iterable
from typing import cast

from salesloft_mcp.changes.change import Change, Image, Kind, Line, Outcome, State
from salesloft_mcp.salesloft.models import MappingKey, ObjectType
from salesloft_mcp.state.database import Row, Value

_COLUMNS = (
    "operation, tenant, kind, external_type, object_type, external_id, object_id,"
    " before, after, outcome, note, tries, at, line"
)
INSERT = f"INSERT INTO changes ({_COLUMNS}) VALUES ({', '.join('?' * 14)})"


def line_of(row: Row) -> Line:
    """A row of the table."""
    key = MappingKey(row["external_type"], cast(ObjectType, row["object_type"]), row["external_id"])
    change = Change(cast(Kind, row["kind"]), key, _image(row["before"]), _image(row["after"]))
    state = cast(State, row["outcome"])
    return Line(row["id"], row["operation"], change, state, row["note"], row["tries"], row["at"], row["line"])


def values_of(change: Change) -> tuple[Value, ...]:
    """Kind, key, object id and both images, as the columns hold them."""
    return (change.kind, *key_values(change.key), change.object_id, _text(change.before), _text(change.after))


def key_values(key: MappingKey) -> tuple[str, str, str]:
    """A key, as the columns hold it."""
    return key.external_type, key.object_type, key.external_id


def settled(one: Outcome, now: float) -> tuple[Value, ...]:
    """The values of the statement that settles a line."""
    image, no_try = _text(one.after), int(not one.tried)
    return one.state, one.note, image, _object_id(one), no_try, now, one.line.id, one.line.tries


def _object_id(outcome: Outcome) -> int | None:
    image = outcome.after or {}
    found = image.get("id" if outcome.line.change.kind == "record" else "object_id")
    return found if isinstance(found, int) else None


def _text(image: Image | None) -> str | None:
    return None if image is None else json.dumps(dict(image))


def _image(text: str | None) -> Image | None:
    return None if text is None else cast(Image, json.loads(text))


def among(states: Iterable[State]) -> tuple[tuple[State, ...], str]:
    """The states as values of a statement, and the condition on them; all states where there are none."""
    wanted = tuple(states)
    return wanted, f"AND outcome IN ({', '.join('?' * len(wanted))})" if wanted else ""
