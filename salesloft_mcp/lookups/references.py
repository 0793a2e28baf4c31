"""An account or an owner that is named by its own external id, in place of Salesloft's."""

from collections.abc import Iterable

from salesloft_mcp import errors
from salesloft_mcp.errors import Hint
from salesloft_mcp.lookups.near_misses import Near
from salesloft_mcp.lookups.resolve import Lookups, Resolution
from salesloft_mcp.salesloft.models import SINGULAR, MappingKey, ObjectType, Scope, one_record
from salesloft_mcp.text import quoted

Unresolved = errors.MissingError | errors.ConflictError
_ARGUMENTS: dict[ObjectType, str] = {"accounts": "account", "users": "owner", "people": "person"}


async def resolve_references(lookups: Lookups, keys: Iterable[MappingKey]) -> dict[MappingKey, int | Unresolved]:
    """The Salesloft id that each of these stands for, or why it stands for none: one look-up for all ids of a type.

    Raises:
        PolicyError: one of them is of a kind of record that is not allowed here.
    """
    wanted: dict[Scope, list[MappingKey]] = {}
    for key in dict.fromkeys(keys):
        lookups.policy.require_object_type(key.object_type, _ARGUMENTS[key.object_type])
        wanted.setdefault(Scope(key.external_type, key.object_type), []).append(key)
    found: dict[MappingKey, int | Unresolved] = {}
    for scope, same in wanted.items():
        resolution = await lookups.resolve([key.external_id for key in same], scope)
        found |= {key: _stands_for(key, resolution) for key in same}
    return found


def _stands_for(key: MappingKey, resolution: Resolution) -> int | Unresolved:
    ids = sorted({row.object_id for row in resolution.mappings[key.external_id]})
    if len(ids) == 1:
        return ids[0]
    named = f"{_ARGUMENTS[key.object_type]}: {quoted(key.external_id)} of type {quoted(key.external_type)}"
    if ids:
        what = (
            f"{named} is mapped to {len(ids)} {key.object_type}: {', '.join(map(str, ids[:5]))}. Nothing was changed."
        )
        step = ("ask the person which one is meant; of each that is wrong ", Hint.DELETE_MAPPING, ".")
        return errors.ConflictError(what, next_step=step)
    if resolution.near_types is not None:
        offer = f"existing are {', '.join(map(quoted, resolution.near_types))}; or " if resolution.near_types else ""
        what = f"{named} stands for nothing: the type is not configured for {key.object_type}. Nothing was changed."
        return errors.MissingError(what, next_step=(offer, Hint.CREATE_CONFIGURATION, "."))
    near = "".join(f" {_near(one)}" for one in resolution.near.get(key.external_id, ()))
    what = f"{named} is not mapped to {_article(key.object_type)}.{near} Nothing was changed."
    step = ("give an id that is mapped, or ", Hint.MAP_RECORD, " of that record first.")
    return errors.MissingError(what, next_step=step)


def _near(one: Near) -> str:
    row, why = one.mapping, one.why
    record = one_record(row.object_type, row.object_id)
    if why == "object_type":
        return f"It is mapped to {record}, which is another kind of record."
    if why == "external_type":
        return f"As {quoted(row.external_type)} it is {record}."
    return f"{quoted(row.external_id)} is {record}, which differs in {why}."


def _article(object_type: ObjectType) -> str:
    return f"an {SINGULAR[object_type]}" if object_type == "accounts" else f"a {SINGULAR[object_type]}"
