"""Configurations: an external type allowed for one kind of object, or not any more."""

from dataclasses import replace

from salesloft_mcp import errors
from salesloft_mcp.changes import mappings
from salesloft_mcp.changes.change import Change, Fact, Image, State, holds
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import MappingKey, ObjectType, Page
from salesloft_mcp.salesloft.paging import counted, live_configurations, mappings_of
from salesloft_mcp.salesloft.responses import complete
from salesloft_mcp.text import quoted

SAVED_AT_MOST = 10_000  # mappings that come back with a deleted configuration: a hundred points to read them

fits = holds


async def read(api: Salesloft, key: MappingKey) -> list[Image]:
    """The live configurations of an external type for one kind of object.

    Raises:
        UnreadRowsError: there is none, and a row that cannot be read might be the one.
    """
    live, unread = await live_configurations(api)
    rows = [row for row in live if (row.external_type, row.object_type) == (key.external_type, key.object_type)]
    if not rows:
        complete(Page((), unread=unread))
    return [{"id": row.id} for row in rows]


async def send(api: Salesloft, change: Change) -> tuple[State, Image | None]:
    """Create the configuration, or delete the one that stood there."""
    if change.after is None:
        await api.delete_configuration(int(str((change.before or {})["id"])))
        return "deleted", None
    row = await api.create_configuration(change.key.external_type, change.key.object_type)
    return "created", {"id": row.id}


async def back(api: Salesloft, change: Change) -> tuple[Change, list[str]]:
    """The way back. What is created again gets a new id."""
    return creation(change.key) if change.after is None else change.inverse, []


def conflict(change: Change, rows: list[Image]) -> errors.ConflictError:
    """Another configuration stands there than the one that was read."""
    what = f"external_type: configuration {rows[0].get('id')} stands there now. Nothing was changed."
    return errors.ConflictError(what, next_step="make the same call again.")


def facts(change: Change) -> list[Fact]:
    """What a person is told."""
    told = [Fact("external type", quoted(change.key.external_type)), Fact("object type", change.key.object_type)]
    return [*told, Fact("configuration id", str((change.before or {}).get("id")))] if change.after is None else told


def creation(key: MappingKey) -> Change:
    """The external type is allowed."""
    return Change("configuration", key, None, {})


def key_of(external_type: str, object_type: ObjectType) -> MappingKey:
    """The key of a configuration has no external id."""
    return MappingKey(external_type, object_type, "")


async def count(api: Salesloft, key: MappingKey) -> int | None:
    """How many live mappings use a configuration; None when Salesloft does not count."""
    return await counted(api, key.external_type, key.object_type)


async def carried(api: Salesloft, key: MappingKey, number: int | None) -> list[Change] | None:
    """The mappings that go along with a configuration, about `number` of them; None when they are too many."""
    rows = await mappings_of(api, key.external_type, key.object_type, total=number or 0, most=SAVED_AT_MOST)
    if rows is None:
        return None
    return [Change("mapping", replace(key, external_id=row.external_id), mappings.image(row), None) for row in rows]
