"""An upsert of one record, held against what is there before anybody is asked and before anything is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from salesloft_mcp import errors
from salesloft_mcp.changes.apply import Changes
from salesloft_mcp.changes.change import Change, Image, Line, Operation
from salesloft_mcp.changes.consent import BESIDE, needed
from salesloft_mcp.changes.kinds import stands_already
from salesloft_mcp.changes.refusals import require_configured, taken
from salesloft_mcp.changes.spelling import same
from salesloft_mcp.errors import Hint
from salesloft_mcp.lookups.known_records import EMAILS, UNIQUE, compared, named, near_ids, records_of, records_with
from salesloft_mcp.lookups.near_misses import Near
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import SINGULAR, ObjectType, Record, Scope, one_record
from salesloft_mcp.text import quoted

_NEEDED: dict[ObjectType, str] = {"people": "email_address, or phone and last_name", "accounts": "name and domain"}


@dataclass(frozen=True, slots=True)
class Beside:
    """What a new record would stand beside: records that hold a value of it, mappings of nearly its external id, and
    the deletion by which it, or nearly the same one, was taken off a record.
    """

    holders: Mapping[str, list[Record]]
    near: list[Near]
    taken_off: Line | None
    records: Mapping[int, Record]
    unclear: Sequence[str] = ()  # nearly its external id, and mapped in rows that cannot be read


async def checked(changes: Changes, change: Change) -> Operation:
    """The operation of one upsert, with what a person has to know of what is there already.

    An update costs nothing more, unless it brings a new e-mail or domain: one point, or five. A create costs so many
    and at most eight more.

    Raises:
        InputError: a record cannot be created of these fields.
        MissingError: the type is not configured. ConflictError: another record has the e-mail or the domain.
    """
    api, known, key, operation = changes.api, changes.known, change.key, Operation("", (change,))
    if stands_already(change):
        return operation
    if change.before is not None:
        if needed(operation, ask=changes.limits.ask) is not None:
            await require_configured(known, key.external_type, key.object_type)
        await _require_free(api, change, await records_with(api, key.object_type, _unique(change)))
        return operation
    await require_configured(known, key.external_type, key.object_type)
    try:
        require_enough(key.object_type, change.after or {})
    except errors.InputError as error:
        raise await _or_meant(api, change, error) from None
    found = await _beside(changes, change)
    await _require_free(api, change, found.holders)
    return replace(operation, facts=facts_beside(change, found), facts_now=partial(_facts_now, changes, change))


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


async def _or_meant(api: Salesloft, change: Change, error: errors.InputError) -> errors.SalesloftMcpError:
    """The refusal of a record that cannot be created. Where its external id is nearly another one, that may be meant,
    and the id must not be mapped as it is.
    """
    key = change.key
    near, _ = await near_ids(api, Scope(key.external_type, key.object_type), [key.external_id])
    told = [
        f"{quoted(one.mapping.external_id)} is {one_record(key.object_type, one.mapping.object_id)}, "
        f"which differs in {one.why}."
        for one in near.get(key.external_id, ())
    ]
    if not told:
        return error
    return errors.MissingError(" ".join([error.what, *told]), next_step="ask the person which id is meant, and use it.")


def facts_beside(change: Change, found: Beside) -> tuple[tuple[str, str], ...]:
    """What a person is told before a record is created beside these; nothing where there are none."""
    kind = change.key.object_type
    told = [
        f"{quoted(one.mapping.external_id)} is {named(kind, one.mapping.object_id, found.records)}, "
        f"which differs in {one.why}"
        for one in found.near
    ]
    told += [f"{quoted(one)} may stand for a record, which Salesloft does not show readably" for one in found.unclear]
    if (line := found.taken_off) is not None:
        was, record = line.change.key.external_id, named(kind, line.change.object_id or 0, found.records)
        told.append(f"{quoted(was)} was the external id of {record} until change {line.operation}")
    for value, records in found.holders.items():
        told += [
            f"{quoted(value)} is the {holds} of {named(kind, record.id, {record.id: record})}"
            for record in records
            if (holds := _field(kind, record, value))
        ]
    return ((BESIDE, "; ".join(told)),) if told else ()


async def other_holders(api: Salesloft, changes: Sequence[Change]) -> list[Record | None]:
    """For each change of records of one kind, the record that has the e-mail or the domain which it would bring to
    another one; a few points for all of them, and none where they bring no new one.
    """
    values = [value for one in changes for value in _unique(one)]
    holders = await records_with(api, changes[0].key.object_type, values) if values else {}
    return [_other(one, holders) for one in changes]


def gives_up(change: Change) -> bool:
    """Whether a change takes the e-mail or the domain off its record that it has now."""
    name = UNIQUE[change.key.object_type]
    before, after = change.before or {}, change.after or {}
    return name in after and bool(before.get(name)) and not same(name, before[name], after[name])


async def _facts_now(changes: Changes, change: Change) -> tuple[tuple[str, str], ...]:
    return facts_beside(change, await _beside(changes, change))


async def _beside(changes: Changes, change: Change) -> Beside:
    api, key, fields = changes.api, change.key, change.after or {}
    names = EMAILS if key.object_type == "people" else ("domain",)
    values = [value for name in names if isinstance(value := fields.get(name), str) and value]
    scope = Scope(key.external_type, key.object_type)
    alike, unclear = await near_ids(api, scope, [key.external_id])
    near = alike.get(key.external_id, [])
    crm_id = fields.get("crm_id")
    holders = await records_with(api, key.object_type, values, [crm_id] if isinstance(crm_id, str) and crm_id else ())
    taken_off = (await changes.taken_off([key])).get(key.external_id)
    ids = [one.mapping.object_id for one in near] + ([taken_off.change.object_id or 0] if taken_off else [])
    return Beside(holders, near, taken_off, await records_of(api, key.object_type, ids), unclear)


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
    """The field of a record that holds an e-mail, a domain or a CRM id; empty where none does."""
    names = (*(EMAILS if object_type == "people" else ("domain",)), "crm_id")
    wanted = compared(object_type, value)
    held = ((name, str(getattr(record, name, None) or "")) for name in names)
    return next((name for name, text in held if text and compared(object_type, text) == wanted), "")
