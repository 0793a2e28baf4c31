"""A change as a row of the table `changes`, and back."""

import json
from dataclasses import astuple, replace
from typing import cast

from salesloft_mcp.changes.change import Change, Image, Kind, Line, Outcome, State
from salesloft_mcp.intake.near import near_key
from salesloft_mcp.salesloft.models import MappingKey, ObjectType
from salesloft_mcp.state.database import Row, Transaction, Value

NEWEST = 1_000  # lines that are looked through for what is written at this moment
UNSETTLED = "outcome IN ('intended', 'unknown')"
INSERT = (
    "INSERT INTO changes (operation, tenant, outcome, told, tries, at, line, kind, external_type, object_type,"
    " external_id, object_id, before, after) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)


def line_of(row: Row) -> Line:
    """A row of the table."""
    key = MappingKey(row["external_type"], cast(ObjectType, row["object_type"]), row["external_id"])
    before, after = (None if row[name] is None else cast(Image, json.loads(row[name])) for name in ("before", "after"))
    state = cast(State, row["outcome"])
    # An upsert creates what has disappeared since it was read.
    change = Change(cast(Kind, row["kind"]), key, None if state == "created" else before, after)
    note = "; ".join(filter(None, (row["note"], row["told"])))
    return Line(row["id"], row["operation"], change, state, note, row["tries"], row["at"], row["line"])


def values_of(change: Change) -> tuple[Value, ...]:
    """Kind, key, object id and both images, as the last columns of `INSERT` hold them."""
    return (change.kind, *astuple(change.key), change.object_id, _text(change.before), _text(change.after))


def settled(one: Outcome, now: float) -> tuple[Value, ...]:
    """The values of the statement that settles a line."""
    object_id = replace(one.line.change, before=None, after=one.after).object_id
    return one.state, one.note, _text(one.after), object_id, int(not one.tried), now, one.line.id, one.line.tries


def created_beside(tx: Transaction, tenant: str, change: Change, since: float, now: float) -> MappingKey | None:
    """Where a record is being created, or was since a moment, under nearly the external id of a new one; among the
    newest lines, so that it costs as little however long the log is.
    """
    if change.kind != "record" or change.before is not None:
        return None
    key = change.key
    sql = (
        "SELECT external_id FROM (SELECT * FROM changes ORDER BY id DESC LIMIT ?)"
        " WHERE kind = 'record' AND before IS NULL AND tenant = ? AND external_type = ? AND object_type = ?"
        f" AND external_id <> ? AND ({UNSETTLED} OR (outcome = 'created' AND at > ? AND at <= ?))"
    )
    found = tx.rows(sql, NEWEST, tenant, *astuple(key), since, now)
    near = (str(one[0]) for one in found if near_key(str(one[0])) == near_key(key.external_id))
    return next((replace(key, external_id=one) for one in near), None)


def _text(image: Image | None) -> str | None:
    return None if image is None else json.dumps(dict(image))
