"""What a refusal of Salesloft's usually means, and the way on."""

from collections.abc import Sequence
from contextlib import suppress

from salesloft_mcp import errors
from salesloft_mcp.changes.change import Change
from salesloft_mcp.errors import Hint
from salesloft_mcp.lookups.configurations import Configurations
from salesloft_mcp.lookups.known_records import UNIQUE, records_with
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import ObjectType, one_record
from salesloft_mcp.text import quoted


async def explained(
    known: Configurations, api: Salesloft, change: Change, error: errors.SalesloftMcpError
) -> errors.SalesloftMcpError:
    """A refused change has a few usual causes; `error` itself where it is none of them.

    The type is not configured, the record does not exist, or another record has the same e-mail or domain.
    """
    key = change.key
    try:
        if isinstance(error, errors.NotFoundError) and change.kind == "record":
            return await unless_configured(known, error, key.external_type, key.object_type)
        if not isinstance(error, errors.RejectedError):
            return error
        if "object_id" in error.fields and change.kind == "mapping":
            if await api.get_object(key.object_type, change.object_id or 0) is not None:
                return error  # what is wrong with it is something else
            what = f"object_id: there is no {one_record(key.object_type, (change.after or {}).get('object_id'))}."
            return errors.MissingError(what, next_step=(Hint.SEARCH_RECORDS, "."))
        if "external_type" in error.fields and change.kind != "configuration":
            return await unless_configured(known, error, key.external_type, key.object_type)
        return await _taken(api, change, error) if change.kind == "record" else error
    except errors.ApiError:
        return error


async def require_configured(known: Configurations, external_type: str, object_type: ObjectType) -> None:
    """
    Raises:
        MissingError: there is no such configuration; it names the nearest ones.
    """
    near = await known.nearest(external_type, object_type)
    if near is not None:
        raise _not_configured(external_type, object_type, near)


async def unless_configured(
    known: Configurations, error: errors.ApiError, external_type: str, object_type: ObjectType
) -> errors.SalesloftMcpError:
    """What a refusal means when there is no such configuration; `error` itself where there is one."""
    known.forget()
    near = await known.nearest(external_type, object_type)
    return error if near is None else _not_configured(external_type, object_type, near)


async def of_all(
    known: Configurations, error: errors.SalesloftMcpError, external_type: str, object_type: ObjectType
) -> errors.SalesloftMcpError:
    """Why a run has stopped: its type may have been deleted meanwhile; `error` itself where that is not known."""
    if isinstance(error, errors.NotFoundError | errors.RejectedError):
        with suppress(errors.ApiError):
            return await unless_configured(known, error, external_type, object_type)
    return error


def _not_configured(external_type: str, object_type: ObjectType, near: Sequence[str]) -> errors.MissingError:
    offer = f"existing are {', '.join(map(quoted, near))}; or " if near else ""
    what = f"external_type: {quoted(external_type)} is not configured for {object_type}."
    return errors.MissingError(what, next_step=(offer, Hint.CREATE_CONFIGURATION, "."))


async def taken(api: Salesloft, change: Change, name: str, value: str, owner: int) -> errors.ConflictError:
    """The e-mail or the domain of another record, and the way on: never a second external id by itself. One point."""
    key = change.key
    whose = f"{name}: {quoted(value)} belongs to {one_record(key.object_type, owner)}"
    if change.before is not None:
        what = f"{whose}, and this external id to {one_record(key.object_type, change.object_id)}. Nothing was changed."
        return errors.ConflictError(what, next_step=f"leave {name} out, or ask the person which of the two is meant.")
    found = await api.list_mappings(external_type=key.external_type, object_id=owner, deleted=False)
    own = [row for row in found.rows if row.object_type == key.object_type]
    if not own and not found.unread and found.next_page is None:
        what = f"{whose}, which has no such external id. Nothing was created."
        return errors.ConflictError(what, next_step=(Hint.MAP_RECORD, f" with object_id {owner}, then upsert again."))
    ids = ", ".join(quoted(row.external_id) for row in own[:5]) or "not known: the answer cannot be read"
    what = f"{whose}, whose external id of this type is {ids}. Nothing was created."
    instead = f" with object_id {owner} and instead_of; if not, use that id."
    return errors.ConflictError(what, next_step=("if this id has replaced it, ", Hint.MAP_RECORD, instead))


async def _taken(api: Salesloft, change: Change, error: errors.RejectedError) -> errors.SalesloftMcpError:
    """Whose the e-mail or the domain is that Salesloft refused; `error` itself where nobody is found."""
    name = UNIQUE[change.key.object_type]
    value = (change.after or {}).get(name)
    if name not in error.fields or not isinstance(value, str) or not value:
        return error
    holders = (await records_with(api, change.key.object_type, [value])).get(value, [])
    owner = next((one.id for one in holders if one.id != change.object_id), None)
    return error if owner is None else await taken(api, change, name, value, owner)
