"""Upsert by external id, told truthfully: created, updated or unchanged, and never a second record by accident."""

from dataclasses import dataclass
from typing import Literal

from salesloft_mcp import errors
from salesloft_mcp.changes.writes import ATTEMPTS, QUIET_SECONDS, Written, find_late, unknown_since
from salesloft_mcp.lookups.objects import search
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.fields import AccountFields, Fields, PersonFields
from salesloft_mcp.salesloft.models import MappingKey, Record
from salesloft_mcp.salesloft.paging import live_mappings
from salesloft_mcp.text import quoted

Intent = Literal["upsert", "create_only", "update_only"]
_REFERENCES = {
    name: name.removesuffix("_id")
    for name in ("account_id", "owner_id", "person_stage_id", "import_id", "company_stage_id", "account_tier_id")
}


@dataclass(frozen=True, slots=True)
class Target:
    """What an external id stands for now: `record` is None when it is not mapped."""

    key: MappingKey
    record: Record | None


async def read_target(api: Salesloft, key: MappingKey, intent: Intent) -> Target:
    """The record behind an external id, held against the intent. One point, or two when it is mapped.

    Raises:
        ConflictError: several objects hold the external id, or it is mapped and the intent is create_only.
        MissingError: it is not mapped and the intent is update_only, or the mapped object is gone.
    """
    ids = sorted({row.object_id for row in await live_mappings(api, key)})
    if len(ids) > 1:
        what = f"this external id is mapped to {len(ids)} {key.object_type}: {', '.join(map(str, ids[:5]))}."
        raise errors.ConflictError(what, next_step="delete the mappings that are wrong first.")
    if not ids:
        if intent == "update_only":
            step = "use intent upsert to create it, or create_external_id_mapping for a record that exists."
            raise errors.MissingError("external_id: is not mapped, and intent is update_only.", next_step=step)
        return Target(key, None)
    if intent == "create_only":
        what = f"external_id: is already mapped to {key.object_type} {ids[0]}, and intent is create_only."
        raise errors.ConflictError(what, next_step="use intent upsert or update_only to change that record.")
    record = await api.get_object(key.object_type, ids[0])
    if record is None:
        what = f"external_id: is mapped to {key.object_type} {ids[0]}, which does not exist any more."
        raise errors.MissingError(what, next_step="have a person delete that mapping, then upsert again.")
    return Target(key, record)


async def upsert(
    api: Salesloft, target: Target, fields: PersonFields | AccountFields, *, quiet: float = QUIET_SECONDS
) -> Written[Record]:
    """Bring the record behind `target` to `fields`, creating it where there is none.

    Raises:
        ConflictError: creating was refused because another record has the same e-mail or domain.
    """
    if target.record is not None:
        if holds(target.record, fields):
            return Written("unchanged", target.record)
        return Written("updated", await _settle(api, target, fields, quiet))
    try:
        return Written("created", await _settle(api, target, fields, quiet))
    except errors.RejectedError as error:
        raise await _taken(api, target.key, fields, error) from error


def holds(record: Record, fields: Fields) -> bool:
    """Whether the record has every given value already, so that writing it would change nothing."""
    return all(_same(name, value_of(record, name), value) for name, value in fields.body().items())


async def _settle(api: Salesloft, target: Target, fields: PersonFields | AccountFields, quiet: float) -> Record:
    """Send; when the answer is lost look, and send again only what is not there."""

    async def find() -> Record | None:
        rows = await live_mappings(api, target.key)
        return await api.get_object(target.key.object_type, rows[0].object_id) if rows else None

    lost: errors.UnknownOutcomeError | None = None
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with unknown_since(lost):
                sent = await _send(api, target.key, fields)
        except errors.UnknownOutcomeError as error:
            lost = error
            with unknown_since(lost):
                found: Record | None = await find_late(find, quiet)
            if found is not None and holds(found, fields):
                return found
            if attempt == ATTEMPTS:
                raise
        else:
            return _checked(target, sent)
    raise AssertionError("the last attempt returns or raises")


async def _send(api: Salesloft, key: MappingKey, fields: PersonFields | AccountFields) -> Record:
    if isinstance(fields, PersonFields):
        return await api.upsert_person(key.external_type, key.external_id, fields)
    return await api.upsert_account(key.external_type, key.external_id, fields)


def _checked(target: Target, sent: Record) -> Record:
    if target.record is not None and sent.id != target.record.id:
        what = f"Salesloft updated {target.key.object_type} {sent.id}, but the mapping named {target.record.id}."
        raise errors.ConflictError(what, next_step="look at both records; the mapping changed in between.")
    return sent


async def _taken(
    api: Salesloft, key: MappingKey, fields: PersonFields | AccountFields, error: errors.RejectedError
) -> errors.SalesloftMcpError:
    """The way out when a create is refused because the record exists without this external id."""
    name, value = _unique(fields)
    if name not in error.fields or not value:
        return error
    term = "email" if name == "email_address" else "domain"
    try:
        found = (await search(api, key.object_type, {term: value})).rows
    except errors.ApiError:
        return error
    if not found:
        return error
    what = f"{name}: {quoted(value)} belongs to {key.object_type} {found[0].id}, which has no such external id."
    step = f"create_external_id_mapping with object_id {found[0].id}, then upsert again."
    return errors.ConflictError(f"{what} Nothing was created.", next_step=step)


def _unique(fields: PersonFields | AccountFields) -> tuple[str, str | None]:
    if isinstance(fields, PersonFields):
        return "email_address", fields.email_address
    return "domain", fields.domain


def value_of(record: Record, name: str) -> object:
    """What a record holds where the field `name` is written: references are shown as objects and written as ids."""
    reference = _REFERENCES.get(name)
    if reference is None:
        return getattr(record, name, None)
    found = getattr(record, reference, None)
    return found.get("id") if isinstance(found, dict) else getattr(found, "id", None)


def _same(name: str, there: object, given: object) -> bool:
    if name == "domain" and isinstance(given, str):
        return there == given.lower()  # Salesloft keeps domains in lower case
    if isinstance(given, dict):
        return all((there if isinstance(there, dict) else {}).get(name) == value for name, value in given.items())
    if isinstance(given, list):
        return isinstance(there, list) and sorted(map(str, there)) == sorted(map(str, given))
    return there == given
