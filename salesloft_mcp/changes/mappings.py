"""Mappings: an external id given to a record, or taken off it. A mapping cannot be updated."""

from collections.abc import Iterable

from salesloft_mcp import errors
from salesloft_mcp.changes.change import Change, Fact, Image, State, holds
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import Mapping, MappingKey, one_record
from salesloft_mcp.salesloft.paging import live_mappings, mappings_of
from salesloft_mcp.text import quoted

NO_ID = "Salesloft shows no id for this mapping, and its deletion needs one."
_ASK_SUPPORT = "a person can ask Salesloft's support for its id, or delete it with another client that knows it."
MOST_SEARCHED = 500  # mappings of a type among which the id of one is looked for, a point for each hundred


async def read(api: Salesloft, key: MappingKey) -> list[Image]:
    """The live mappings of an external id; one point."""
    return [image(row) for row in await live_mappings(api, key)]


def fits(row: Image, wanted: Image) -> bool:
    """Whether a row is the wanted mapping. Some lists show no ids, and then its record alone tells."""
    return holds({**wanted, **row}, wanted)


async def send(api: Salesloft, change: Change) -> tuple[State, Image | None]:
    """Create the mapping, or delete the one that stood there. Where one stands already, nothing can be sent.

    Raises:
        ConflictError: Salesloft gives no id to delete it by, or the external id is another record's.
    """
    key = change.key
    if change.after is None:
        await api.delete_mapping(await _id(api, change))
        return "deleted", None
    if change.before is not None:
        if not fits(change.before, change.after):
            raise conflict(change, [change.before])
        return "unchanged", change.before
    object_id = int(str(change.after["object_id"]))
    row = await api.create_mapping(key.external_type, key.object_type, key.external_id, object_id)
    return "created", image(row)


async def back(api: Salesloft, change: Change) -> tuple[Change, list[str]]:
    """The way back. What is created again gets a new mapping id."""
    if change.after is None:
        return creation(change.key, int(str((change.before or {})["object_id"]))), []
    return change.inverse, []


def conflict(change: Change, rows: list[Image]) -> errors.ConflictError:
    """The external id stands for something else now."""
    record = one_record(change.key.object_type, rows[0].get("object_id"))
    what = f"external_id: is already mapped to {record}. Nothing was changed."
    step = f"use that record; or move the external id with move_from {rows[0].get('object_id')}, if a person agrees."
    return errors.ConflictError(what, next_step=step)


def facts(change: Change) -> list[Fact]:
    """What a person is told."""
    key, image = change.key, change.after or change.before or {}
    told = [
        Fact("external id", quoted(key.external_id)),
        Fact("external type", quoted(key.external_type)),
        Fact("record", one_record(key.object_type, image.get("object_id"))),
    ]
    return [*told, Fact("mapping id", str(image.get("id")))] if change.after is None else told


def creation(key: MappingKey, object_id: int, standing: Image | None = None) -> Change:
    """The external id is given to a record; `standing` is the same mapping where it is there already."""
    return Change("mapping", key, standing, {"object_id": object_id})


def deletion(key: MappingKey, row: Image) -> Change:
    """The external id is taken off its record.

    Raises:
        ConflictError: the row has no id, as the guide prints mappings.
    """
    if row.get("id") is None:
        raise errors.ConflictError(f"{NO_ID} Nothing was changed.", next_step=_ASK_SUPPORT)
    return Change("mapping", key, row, None)


async def with_id(api: Salesloft, key: MappingKey, row: Image) -> Image:
    """A mapping with its id, where another list than that of the external id shows one; else the row as it is.

    The list of its record is asked first, for a point; then that of its type, where it has no more than 500, and unless
    `verify` saw that no list shows one.
    """
    if row.get("id") is not None:
        return row
    object_id = int(str(row["object_id"]))
    of_record = await api.list_mappings(external_type=key.external_type, object_id=object_id, deleted=False)
    if of_record.next_page is None and (found := _only(of_record.rows, key, object_id)):
        return found
    if not api.spellings.shows_mapping_ids:
        return row
    of_type = await mappings_of(api, key.external_type, key.object_type, total=0, most=MOST_SEARCHED)
    return _only(of_type or (), key, object_id) or row


def _only(rows: Iterable[Mapping], key: MappingKey, object_id: int) -> Image | None:
    """The mapping among the rows of a list, where exactly one fits and shows its id."""
    wanted = key.object_type, key.external_id, object_id
    same = [row for row in rows if (row.object_type, row.external_id, row.object_id) == wanted]
    return image(same[0]) if len(same) == 1 and same[0].id is not None else None


async def _id(api: Salesloft, change: Change) -> int:
    """The id of the mapping that goes; version 0.1 did not keep the ids of what a backfill created."""
    before = change.before or {}
    rows = [before] if "id" in before else [row for row in await read(api, change.key) if fits(row, before)]
    if not rows:
        raise errors.NotFoundError("the mapping is gone already.", next_step="nothing is left to do.")
    found = (await with_id(api, change.key, rows[0])).get("id") if len(rows) == 1 else None
    if not isinstance(found, int):
        raise errors.ConflictError(NO_ID, next_step=_ASK_SUPPORT)
    return found


def image(row: Mapping) -> Image:
    """A mapping as the log keeps it."""
    return {"object_id": row.object_id} if row.id is None else {"id": row.id, "object_id": row.object_id}
