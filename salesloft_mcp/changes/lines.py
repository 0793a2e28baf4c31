"""A change as a row of the table `changes`, and back."""

import json
import math
from dataclasses import astuple, replace
from typing import cast

from salesloft_mcp.changes.change import Change, Fed, Image, Kind, Line, Outcome, State
from salesloft_mcp.intake.near import near_key
from salesloft_mcp.salesloft.models import MappingKey, ObjectType, one_record
from salesloft_mcp.state.database import Row, Transaction, Value
from salesloft_mcp.text import quoted

_SINCE = "since the plan was made. Nothing was written."
UNSETTLED = "outcome IN ('intended', 'unknown')"
INSERT = (
    "INSERT INTO changes (operation, tenant, outcome, told, tries, at, line, kind, external_type, object_type,"
    " external_id, object_id, before, after, near) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
)
# Mappings that others make at this moment, or made since another one, and that nobody has taken away again.
_MADE = (
    "SELECT external_id FROM changes AS made WHERE {column} = ? AND tenant = ? AND external_type = ?"
    " AND object_type = ? AND external_id <> ? AND operation <> ? AND kind <> 'configuration' AND before IS NULL"
    f" AND ({UNSETTLED} OR (outcome = 'created' AND at > ? AND at <= ?))"
    " AND NOT EXISTS (SELECT 1 FROM changes AS later WHERE later.external_id = made.external_id AND later.id > made.id"
    " AND later.tenant = made.tenant AND later.external_type = made.external_type"
    " AND later.object_type = made.object_type AND later.outcome = 'deleted') LIMIT 1"
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
    """Kind, key, object id, both images and the near key, as the last columns of `INSERT` hold them."""
    images = (_text(change.before), _text(change.after))
    return (change.kind, *astuple(change.key), change.object_id, *images, _near(change))


def settled(one: Outcome, now: float) -> tuple[Value, ...]:
    """The values of the statement that settles a line."""
    object_id = replace(one.line.change, before=None, after=one.after).object_id
    return one.state, one.note, _text(one.after), object_id, int(not one.tried), now, one.line.id, one.line.tries


def made_nearly(
    tx: Transaction, tenant: str, change: Change, since: float, now: float, but_by: int = 0
) -> MappingKey | None:
    """The key of nearly the external id of a new mapping or record, where another operation than `but_by` maps it at
    this moment, or did since another one.
    """
    near = _near(change) if change.before is None else None
    return None if near is None else _made(tx, "near", near, tenant, change, since, now, but_by)


def made_beside(tx: Transaction, tenant: str, fed: Fed, now: float, number: int) -> str:
    """Why a change of run `number` does not stand alone any more, by what others mapped here after its plan was made:
    nobody has agreed to that. Empty where it does.
    """
    change, since = fed.change, fed.alone_since
    if fed.state != "intended" or since == math.inf:
        return ""
    if made := made_nearly(tx, tenant, change, since, now, number):
        return f"{quoted(made.external_id)}, which is nearly this external id, was mapped {_SINCE}"
    if change.kind != "mapping" or change.before is not None:
        return ""
    other = _made(tx, "object_id", change.object_id, tenant, change, since, now, number)
    record = one_record(change.key.object_type, change.object_id)
    return f"{record} was given the external id {quoted(other.external_id)} {_SINCE}" if other else ""


def _made(
    tx: Transaction, column: str, value: Value, tenant: str, change: Change, since: float, now: float, but_by: int
) -> MappingKey | None:
    found = tx.row(_MADE.format(column=column), value, tenant, *astuple(change.key), but_by, since, now)
    return None if found is None else replace(change.key, external_id=str(found[0]))


def _near(change: Change) -> str | None:
    """The key by which lines of nearly the same external ids find each other."""
    return near_key(change.key.external_id) if change.kind != "configuration" else None


def _text(image: Image | None) -> str | None:
    return None if image is None else json.dumps(dict(image))
