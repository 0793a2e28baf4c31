"""People and accounts behind an external id: some of their fields, or a new record. None can be deleted by this API."""

import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, Literal, cast

from pydantic import JsonValue, ValidationError

from salesloft_mcp import errors
from salesloft_mcp.changes import mappings
from salesloft_mcp.changes.change import Change, Fact, Image, State
from salesloft_mcp.changes.spelling import CUSTOM, REFERENCES, SHOWN_AS, as_text, same, shown
from salesloft_mcp.errors import Hint
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.fields import AccountFields, PersonFields
from salesloft_mcp.salesloft.models import MappingKey, Record, one_record
from salesloft_mcp.salesloft.paging import live_mappings
from salesloft_mcp.text import quoted

Intent = Literal["upsert", "create_only", "update_only"]
RecordFields = PersonFields | AccountFields

_HALF_CHARACTER = re.compile(r"[\ud800-\udfff]")
_EMPTY: Image = {"do_not_contact": False, "tags": [], "contact_restrictions": []}  # where null may stand for it
NEW_SECONDS = 60.0  # a record that was made longer before its last update was there already


class AsBeforeError(errors.ConflictError):
    """What would be taken back is not there any more."""


async def read(api: Salesloft, key: MappingKey) -> list[Image]:
    """The records that an external id is mapped to, each with every field that can be written; one that is gone, or
    hidden from this token, stands there as one that does not come back (`shows`).
    """
    ids = sorted({row.object_id for row in await live_mappings(api, key)})
    found = [(one, await api.get_object(key.object_type, one)) for one in ids]
    names = fields_of(key).model_fields
    return [{"id": one, "hidden": True} if record is None else image(record, names) for one, record in found]


def shows(row: Image) -> bool:
    """Whether a row of `read` is of a record that came back."""
    return "hidden" not in row


async def send(api: Salesloft, change: Change) -> tuple[State, Image | None]:
    """Upsert the given fields. Salesloft creates whoever is not there, also when that was so a moment ago.

    Raises:
        ConflictError: another record was updated than the one that was read.
    """
    key = change.key
    # What is given was checked where it came in, and what comes back stood there: it may hold what is refused in input.
    fields = fields_of(key).model_construct(**cast(dict[str, Any], change.after or {}))
    if isinstance(fields, PersonFields):
        record: Record = await api.upsert_person(key.external_type, key.external_id, fields)
    else:
        record = await api.upsert_account(key.external_type, key.external_id, fields)
    there = {**image(record, change.after or ()), **_not_shown(record, change.after or {})}
    expected = change.before is None or record.id == change.object_id
    if change.object_id != record.id and _is_new(record, unless_told=expected):
        return "created", there
    if expected:
        return "updated", there
    what = (
        f"Salesloft wrote {one_record(key.object_type, record.id)}, but the external id stood for {change.object_id}."
    )
    raise errors.ConflictError(what, next_step="look at both records; the mapping changed in between.")


def fits(row: Image, wanted: Image) -> bool:
    """Whether a record has every wanted value, as Salesloft spells it."""
    return all(same(name, row.get(name), value) for name, value in wanted.items())


async def back(api: Salesloft, change: Change) -> tuple[Change, list[str]]:
    """The fields that were changed, with their earlier values, where nobody has changed them again since, and what
    does not come back. A record that was created stays: its way back is the removal of its mapping.

    Raises:
        ConflictError: nothing of it can be brought back.
    """
    key = change.key
    if change.before is None:
        rows = [row for row in await mappings.read(api, key) if row["object_id"] == change.object_id]
        if not rows:
            raise AsBeforeError("the mapping of the new record is gone already.", next_step=errors.LOOK)
        return mappings.deletion(key, await mappings.with_id(api, key, rows[0])), []
    now = [row for row in await read(api, key) if row.get("id") == change.object_id and shows(row)]
    if not now:
        record = one_record(key.object_type, change.object_id)
        what = f"the external id does not stand for {record} any more, or that is gone, or hidden from this token."
        raise errors.ConflictError(what, next_step=errors.LOOK)
    return written_back(change, now[0])


def written_back(change: Change, now: Image) -> tuple[Change, list[str]]:
    """The same for an update, whose record stands as `now` says.

    Raises:
        ConflictError: nothing of it can be brought back.
    """
    fields, names = way_back(change.before or {}, change.after or {}, now, fields_of(change.key))
    hidden = (change.after or {}).keys() - now.keys()
    left = [
        f"{name} ({'not shown by Salesloft' if name in hidden else 'changed again since, or not writable'})"
        for name in names
    ]
    if not left and fits(now, fields):
        raise AsBeforeError("the record is as it was before.", next_step=errors.LOOK)
    if not fields:
        raise errors.ConflictError(f"{', '.join(left)}.", next_step=errors.LOOK)
    if "do_not_contact" in fields and not fields["do_not_contact"]:
        left.append("the cadences that do_not_contact ended")
    return Change("record", change.key, None, fields).over(now), left


def conflict(change: Change, rows: list[Image]) -> errors.ConflictError:
    """The record was changed by somebody else meanwhile, or the external id given to one."""
    record = one_record(change.key.object_type, rows[0].get("id"))
    done = f"the external id was given to {record}" if change.before is None else f"{record} was changed"
    what = f"{done} by somebody else meanwhile. Nothing was written."
    return errors.ConflictError(what, next_step="make the same call again.")


def facts(change: Change) -> list[Fact]:
    """What a person is told: every field that will be written, with its old and its new value."""
    key, before, after = change.key, change.before, change.after or {}
    record = "a new one" if before is None else one_record(key.object_type, change.object_id)
    told = {"external id": quoted(key.external_id), "external type": quoted(key.external_type), "record": record}
    return [Fact(name, value) for name, value in told.items()] + [
        Fact(f"field {name}", shown(new), "" if before is None else shown(before.get(name)))
        for name, new in after.items()
    ]


async def upsert(api: Salesloft, key: MappingKey, fields: RecordFields, intent: Intent) -> Change:
    """The change that brings the record behind `key` to `fields`, of which those are sent that differ. One point, or
    two when it is mapped.

    Raises:
        ConflictError: several objects hold the external id, or it is mapped and the intent is create_only.
        MissingError: it is not mapped and the intent is update_only, or the mapped record does not come back.
    """
    ids = sorted({row.object_id for row in await live_mappings(api, key)})
    body = cast(Image, fields.body())
    if len(ids) > 1:
        what = f"this external id is mapped to {len(ids)} {key.object_type}: {', '.join(map(str, ids[:5]))}."
        raise errors.ConflictError(what, next_step=("of each that is wrong ", Hint.DELETE_MAPPING, " first."))
    if not ids and intent == "update_only":
        step = ("use intent upsert to create it, or, for a record that exists, ", Hint.MAP_RECORD, ".")
        raise errors.MissingError("external_id: is not mapped, and intent is update_only.", next_step=step)
    if not ids:
        return Change("record", key, None, body)
    held = one_record(key.object_type, ids[0])
    if intent == "create_only":
        what = f"external_id: is already mapped to {held}, and intent is create_only."
        raise errors.ConflictError(what, next_step="use intent upsert or update_only to change that record.")
    record = await api.get_object(key.object_type, ids[0])
    if record is None:
        what = f"external_id: is mapped to {held}, which is gone, or hidden from this token."
        raise errors.MissingError(what, next_step="ask somebody whose token may see all records of the team.")
    there = image(record, body)
    return Change("record", key, None, differing(body, there) or body).over(there)


def differing(wanted: Image, there: Image) -> Image:
    """The wanted fields, and of custom fields those, that a record does not hold yet: what only is spelled otherwise
    there stays as it is spelled. A CRM id and its type go together, as Salesloft takes them.
    """
    names = {name for name, value in wanted.items() if not same(name, there.get(name), value)}
    names |= {"crm_id", "crm_id_type"} if names & {"crm_id", "crm_id_type"} else set()
    found = {name: value for name, value in wanted.items() if name in names}
    if custom := _dict(found.get("custom_fields")):
        held = _dict(there.get("custom_fields"))
        found["custom_fields"] = {one: each for one, each in custom.items() if not same(CUSTOM, held.get(one), each)}
    return found


def way_back(before: Image, after: Image, now: Image, model: type[RecordFields]) -> tuple[Image, list[str]]:
    """The fields a write changed, with their earlier values, and the names of those that cannot be written back.

    A field that was changed once more since is not touched: somebody meant it.
    """
    back: dict[str, JsonValue] = {}
    left: list[str] = []
    for name in [one for one in model.model_fields if one != "crm_id_type"]:  # which goes with crm_id
        old, new = cast(JsonValue, as_text(name, written(before, name))), written(after, name)
        if name == "custom_fields":
            fields, more = _custom_way_back(_dict(old), _dict(new), _dict(now.get(name)))
            back |= {name: fields} if fields else {}
            left += more
        elif name in after and name not in now and not _is(name, new, old):  # as it stands, nobody can tell
            left.append(name)
        elif (name not in after and new is None) or _is(name, new, old) or _is(name, now.get(name), old):
            continue
        elif same(name, now.get(name), new) and _can_be_written(model, name, old):
            back[name] = _EMPTY.get(name) if old is None else old
        elif not same(name, now.get(name), old):
            left.append(name)
    if "crm_id" in back:  # Salesloft takes the one only with the other
        back["crm_id_type"] = "salesforce" if back["crm_id"] else None
    return back, left


def image(record: Record, names: Iterable[str]) -> Image:
    """A record as the log keeps it: its id, and of these fields those that Salesloft shows, under the names by which
    they are written.
    """
    row = record.model_dump()
    return {"id": record.id, **{name: written(row, name) for name in names if _is_shown(record, name)}}


def written(row: Image, name: str) -> JsonValue:
    """What a record, or an image of one, holds where the field `name` is written.

    References are shown as objects, and written as ids. Version 0.1 kept whole records, as they are shown.
    """
    if name == "archived":
        return row.get("archived_at") is not None or bool(row.get(name))
    found = row.get(name)
    found = row.get(SHOWN_AS[name]) if found is None and name in SHOWN_AS else found
    return found.get("id") if isinstance(found, dict) and name in REFERENCES else found


def fields_of(key: MappingKey) -> type[RecordFields]:
    """What can be written to the records of this kind."""
    return PersonFields if key.object_type == "people" else AccountFields


def _not_shown(record: Record, sent: Image) -> Image:
    """What was sent under names that the answer does not have at all: nothing contradicts that it was taken."""
    return {name: value for name, value in sent.items() if not _is_shown(record, name)}


def _is_shown(record: Record, name: str) -> bool:
    """Whether an answer has the field that is written under this name."""
    as_shown = {**SHOWN_AS, "archived": "archived_at"}
    return not {name, as_shown.get(name)}.isdisjoint(record.model_fields_set)


def _custom_way_back(was: Image, has: Image, now: Image) -> tuple[dict[str, JsonValue], list[str]]:
    """The same for custom fields, which are merged one by one; those that were added are cleared."""
    names = [
        one for one in has if not _is(CUSTOM, has[one], was.get(one)) and not _is(CUSTOM, now.get(one), was.get(one))
    ]
    texts = {one: cast(JsonValue, as_text(CUSTOM, was.get(one))) for one in names}
    back: dict[str, JsonValue] = {
        one: text
        for one, text in texts.items()
        if same(CUSTOM, now.get(one), has[one]) and (text is None or _is_text(text))
    }
    left = [one for one in names if one not in back and not same(CUSTOM, now.get(one), was.get(one))]
    return back, [f"custom field {quoted(one)}" for one in left]


def _is(name: str, there: JsonValue, old: JsonValue) -> bool:
    """Whether a field is just as it was: of a text, to the letter."""
    return there == old if isinstance(there, str) and isinstance(old, str) else same(name, there, old)


def _dict(value: JsonValue) -> Image:
    """Custom fields; in an odd row they are something else."""
    return value if isinstance(value, dict) else {}


def _can_be_written(model: type[RecordFields], name: str, value: JsonValue) -> bool:
    """Whether an earlier value is of the kind that a field takes; of a text, what is refused in input may come back."""
    return _is_taken(model, name, "x" if _is_text(value) else value) or _is_taken(model, name, value)


def _is_taken(model: type[RecordFields], name: str, value: JsonValue) -> bool:
    try:
        model.model_validate({name: value})
    except ValidationError:
        return False
    return True


def _is_text(value: JsonValue) -> bool:
    """Whether it is a text that can be sent, which a half of a character cannot."""
    return isinstance(value, str) and not _HALF_CHARACTER.search(value)


def _is_new(record: Record, *, unless_told: bool) -> bool:
    """Whether a record was made just now; `unless_told` where it shows no usable times."""
    times = [str(getattr(record, name, None) or "") for name in ("created_at", "updated_at")]
    try:
        made, changed = (datetime.fromisoformat(one) for one in times)
        return (changed - made).total_seconds() < NEW_SECONDS
    except (ValueError, TypeError):
        return unless_told
