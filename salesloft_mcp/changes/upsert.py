"""An upsert of one record, held against what is there before anybody is asked and before anything is sent."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from salesloft_mcp import errors
from salesloft_mcp.changes.change import Change, Image, Operation
from salesloft_mcp.changes.consent import BESIDE, needed
from salesloft_mcp.changes.kinds import stands_already
from salesloft_mcp.changes.records import same
from salesloft_mcp.changes.refusals import UNIQUE, require_configured, taken
from salesloft_mcp.errors import Hint
from salesloft_mcp.lookups.configurations import Configurations
from salesloft_mcp.lookups.known_records import EMAILS, compared, named, near_ids, records_of, records_with
from salesloft_mcp.lookups.near_misses import Near
from salesloft_mcp.policy import AskMode
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import SINGULAR, ObjectType, Record, Scope
from salesloft_mcp.text import quoted

_NEEDED: dict[ObjectType, str] = {"people": "email_address, or phone and last_name", "accounts": "name and domain"}


@dataclass(frozen=True, slots=True)
class Beside:
    """What a new record would stand beside: records that hold a value of it, and mappings of nearly its external id."""

    holders: Mapping[str, list[Record]]
    near: list[Near]
    records: Mapping[int, Record]


async def checked(api: Salesloft, known: Configurations, change: Change, ask: AskMode = "deletes") -> Operation:
    """The operation of one upsert, with what a person has to know of what is there already; `ask` is what a person is
    asked about here.

    An update costs nothing more, unless it brings a new e-mail or domain: one point, or five. A create costs so many
    and at most seven more.

    Raises:
        InputError: a record cannot be created of these fields.
        MissingError: the type is not configured. ConflictError: another record has the e-mail or the domain.
    """
    key, operation = change.key, Operation("", (change,))
    if stands_already(change):
        return operation
    if change.before is not None:
        if needed(operation, ask=ask) is not None:
            await require_configured(known, key.external_type, key.object_type)
        await _require_free(api, change, await records_with(api, key.object_type, _unique(change)))
        return operation
    await require_configured(known, key.external_type, key.object_type)
    require_enough(key.object_type, change.after or {})
    found = await _beside(api, change)
    await _require_free(api, change, found.holders)
    return replace(operation, facts=facts_beside(change, found), facts_now=partial(_facts_now, api, change))


def require_enough(object_type: ObjectType, fields: Image) -> None:
    """
    Raises:
        InputError: Salesloft creates no record of these fields alone.
    """
    if object_type == "people":
        enough = bool(fields.get("email_address") or (fields.get("phone") and fields.get("last_name")))
    else:
        enough = bool(fields.get("name") and fields.get("domain"))
    noun = SINGULAR[object_type]
    if not enough:
        what = f"the external id is not mapped, and creating needs {_NEEDED[object_type]}. Nothing was created."
        step = ("give them; or, where the record exists already, ", Hint.MAP_RECORD, ", then upsert again.")
        raise errors.InputError(noun, what, next_step=step)
    if fields.get("archived"):
        what = "only an account that exists can be archived. Nothing was created."
        raise errors.InputError(f"{noun}.archived", what, next_step="leave it out, or create the account first.")


def facts_beside(change: Change, found: Beside) -> tuple[tuple[str, str], ...]:
    """What a person is told before a record is created beside these; nothing where there are none."""
    kind = change.key.object_type
    told = [
        f"{quoted(one.mapping.external_id)} is {named(kind, one.mapping.object_id, found.records)}, "
        f"which differs in {one.why}"
        for one in found.near
    ]
    for value, records in found.holders.items():
        told += [
            f"{quoted(value)} is the {holds} of {named(kind, record.id, {record.id: record})}"
            for record in records
            if (holds := _field(kind, record, value))
        ]
    return ((BESIDE, "; ".join(told)),) if told else ()


async def other_holder(api: Salesloft, change: Change) -> Record | None:
    """The record that has the e-mail or the domain which a change would bring to another one; a few points, and none
    where it brings no new one.
    """
    values = _unique(change)
    return _other(change, await records_with(api, change.key.object_type, values)) if values else None


async def _facts_now(api: Salesloft, change: Change) -> tuple[tuple[str, str], ...]:
    return facts_beside(change, await _beside(api, change))


async def _beside(api: Salesloft, change: Change) -> Beside:
    key, fields = change.key, change.after or {}
    names = EMAILS if key.object_type == "people" else ("domain",)
    values = [value for name in names if isinstance(value := fields.get(name), str) and value]
    scope = Scope(key.external_type, key.object_type)
    near = (await near_ids(api, scope, [key.external_id])).get(key.external_id, [])
    holders = await records_with(api, key.object_type, values)
    records = await records_of(api, key.object_type, (one.mapping.object_id for one in near))
    return Beside(holders, near, records)


def _unique(change: Change) -> list[str]:
    """The e-mail or the domain that a change would bring to its record, and that no other record may have."""
    name = UNIQUE[change.key.object_type]
    value = (change.after or {}).get(name)
    return (
        [value] if isinstance(value, str) and value and not same(name, (change.before or {}).get(name), value) else []
    )


async def _require_free(api: Salesloft, change: Change, holders: Mapping[str, list[Record]]) -> None:
    """
    Raises:
        ConflictError: another record has the e-mail or the domain, and Salesloft would refuse a second one.
    """
    if (record := _other(change, holders)) is not None:
        (value,) = _unique(change)
        raise await taken(api, change, UNIQUE[change.key.object_type], value, record.id)


def _other(change: Change, holders: Mapping[str, list[Record]]) -> Record | None:
    """Of the holders of values, the other record that has the e-mail or the domain which a change brings."""
    kind = change.key.object_type
    found = ((value, record) for value in _unique(change) for record in holders.get(value, ()))
    return next(
        (one for value, one in found if one.id != change.object_id and _field(kind, one, value) == UNIQUE[kind]), None
    )


def _field(object_type: ObjectType, record: Record, value: str) -> str:
    """The field of a record that holds an e-mail or a domain; empty where none does."""
    names = EMAILS if object_type == "people" else ("domain",)
    wanted = compared(object_type, value)
    held = ((name, str(getattr(record, name, None) or "")) for name in names)
    return next((name for name, text in held if text and compared(object_type, text) == wanted), "")
