"""What a refusal of Salesloft's usually means, and the way on."""

from collections.abc import Sequence

from salesloft_mcp import errors
from salesloft_mcp.changes.change import Change
from salesloft_mcp.errors import Hint
from salesloft_mcp.lookups.configurations import Configurations
from salesloft_mcp.lookups.objects import search
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import ObjectType, one_record
from salesloft_mcp.text import quoted

_UNIQUE = {"people": ("email_address", "email"), "accounts": ("domain", "domain")}


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


def _not_configured(external_type: str, object_type: ObjectType, near: Sequence[str]) -> errors.MissingError:
    offer = f"existing are {', '.join(map(quoted, near))}; or " if near else ""
    what = f"external_type: {quoted(external_type)} is not configured for {object_type}."
    return errors.MissingError(what, next_step=(offer, Hint.CREATE_CONFIGURATION, "."))


async def _taken(api: Salesloft, change: Change, error: errors.RejectedError) -> errors.SalesloftMcpError:
    """The way out when a create is refused because the record exists without this external id."""
    name, term = _UNIQUE[change.key.object_type]
    value = (change.after or {}).get(name)
    if name not in error.fields or not isinstance(value, str) or not value:
        return error
    found = (await search(api, change.key.object_type, {term: value})).rows
    if not found:
        return error
    record = one_record(change.key.object_type, found[0].id)
    what = f"{name}: {quoted(value)} belongs to {record}, which has no such external id."
    step = (Hint.MAP_RECORD, f" with object_id {found[0].id}, then upsert again.")
    return errors.ConflictError(f"{what} Nothing was created.", next_step=step)
