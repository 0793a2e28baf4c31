"""What tools write, the same way whichever tool asks for it: logged, sent, logged again, and told to clients."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Generic, TypeVar

from mcp.server.mcpserver import Context

from salesloft_mcp import errors
from salesloft_mcp.app import App
from salesloft_mcp.changes import writes
from salesloft_mcp.salesloft.models import Configuration, Mapping, MappingKey, ObjectType
from salesloft_mcp.server import announce
from salesloft_mcp.server.log import logged
from salesloft_mcp.server.refusals import refused_mapping
from salesloft_mcp.state.changes import Change, Outcome

RowT = TypeVar("RowT")
NO_ID = "Salesloft shows no id for this mapping, and its deletion needs one; guessing could delete another."
NO_DELETES = "no-delete"


@dataclass(frozen=True, slots=True)
class By:
    """On whose account a write is made: a tool's, as a person agreed to it, to take back another change."""

    tool: str
    confirmed: str = ""
    undoes: int | None = None


@dataclass(frozen=True, slots=True)
class Done(Generic[RowT]):
    """A write that went through, under its number in the change log."""

    number: int
    status: Outcome
    row: RowT


async def map_id(ctx: Context[App, Any], key: MappingKey, object_id: int, by: By) -> Done[Mapping]:
    """Give an external id to an object."""
    app = ctx.request_context.lifespan_context
    with logged(app, _change(app, key, object_id, by)) as settle:
        try:
            written = await writes.create_mapping(app.salesloft, key, object_id)
        except errors.RejectedError as error:
            raise await refused_mapping(app, error, key.external_type, key.object_type, object_id) from error
        settle(written.status, written.row)
    if written.status == "created":
        await announce.mapped(ctx, key, object_id)
    return Done(settle.number, written.status, written.row)


async def unmap(ctx: Context[App, Any], row: Mapping, by: By) -> Done[Mapping]:
    """Take an external id off its object."""
    app = ctx.request_context.lifespan_context
    key = MappingKey(row.external_type, row.object_type, row.external_id)
    with logged(app, _change(app, key, row.object_id, by), row) as settle:
        await writes.delete(partial(app.salesloft.delete_mapping, row_id(row)))
        settle("deleted", None)
    await announce.mapped(ctx, key, row.object_id)
    return Done(settle.number, "deleted", row)


async def configure(ctx: Context[App, Any], external_type: str, object_type: ObjectType, by: By) -> Done[Configuration]:
    """Allow external ids of a type."""
    app = ctx.request_context.lifespan_context
    with logged(app, _change(app, MappingKey(external_type, object_type, ""), None, by)) as settle:
        written = await writes.create_configuration(app.salesloft, external_type, object_type)
        settle(written.status, written.row)
    if written.status == "created":
        app.configurations.forget()
        await announce.configured(ctx, external_type, object_type)
    return Done(settle.number, written.status, written.row)


async def unconfigure(
    ctx: Context[App, Any], row: Configuration, hanging: Sequence[Mapping], by: By
) -> Done[Configuration]:
    """Delete a configuration, after its mappings were written down."""
    app = ctx.request_context.lifespan_context
    key = MappingKey(row.external_type, row.object_type, "")
    with logged(app, _change(app, key, None, by), row) as settle:
        app.state.log.save_mappings(settle.number, ((one.external_id, one.object_id) for one in hanging))
        await writes.delete(partial(app.salesloft.delete_configuration, row.id))
        settle("deleted", None)
    app.configurations.forget()
    await announce.configured(ctx, row.external_type, row.object_type)
    return Done(settle.number, "deleted", row)


def deletes_allowed(app: App) -> None:
    """What deletes although it is no delete tool obeys the mode all the same.

    Raises:
        UnconfirmedError: the administrator switched deletions off.
    """
    if app.mode == NO_DELETES:
        what = f"this would delete, and deletions are switched off here (mode {NO_DELETES}). Nothing was changed."
        raise errors.UnconfirmedError(what, next_step="ask the administrator of this server.")


def deletable(row: Mapping, nothing: str = "Nothing was deleted.") -> Mapping:
    """A mapping that can be named to Salesloft.

    Raises:
        ConflictError: it has no id.
    """
    if row.id is None:
        step = "a person can delete it in Salesloft's own interface, or ask Salesloft's support for its id."
        raise errors.ConflictError(f"{NO_ID} {nothing}", next_step=step)
    return row


def row_id(row: Mapping) -> int:
    """The id of a mapping that is known to have one."""
    assert row.id is not None
    return row.id


def _change(app: App, key: MappingKey, object_id: int | None, by: By) -> Change:
    return Change(
        environment=app.environment,
        tool=by.tool,
        external_type=key.external_type,
        object_type=key.object_type,
        external_id=key.external_id,
        object_id=object_id,
        confirmed=by.confirmed,
        undoes=by.undoes,
    )
