"""Mappings: what is mapped, an external id given to a record, taken off it, or moved."""

from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult
from pydantic import Field

from salesloft_mcp import errors
from salesloft_mcp.app import App
from salesloft_mcp.changes import mappings
from salesloft_mcp.changes.change import Change, Image, Operation
from salesloft_mcp.changes.consent import needed
from salesloft_mcp.changes.kinds import as_it_stands
from salesloft_mcp.changes.refusals import require_configured
from salesloft_mcp.changes.rekey import rekeyed
from salesloft_mcp.salesloft.models import MappingKey, one_record
from salesloft_mcp.server import answers, arguments
from salesloft_mcp.server.writes import writing
from salesloft_mcp.text import quoted, some

NOTHING = "Nothing was changed."
OTHERS = "other ids of this type"


ReplacedId = Annotated[
    arguments.ExternalId,
    Field(description="The record's old external id; it is deleted after a person has agreed."),
]
MoveFrom = Annotated[
    arguments.ObjectId | None,
    Field(description="The Salesloft id of the record that has it now, to move it."),
]


OnlyDeleted = Annotated[bool, Field(strict=True, description="List deleted ones alone.")]
Order = Annotated[Literal["newest", "oldest"], Field(description="Which come first.")]


class Mappings(answers.Answer):
    mappings: list[answers.MappingView] = Field(description="The mappings on this page.")
    tenant_id: int | None = Field(None, description="The id of the team that they belong to.")
    total: int | None = Field(None, description="How many there are on all pages; told with the first one.")
    next_cursor: answers.NextCursor | None = None


async def list_external_id_mappings(
    ctx: Context[App, Any],
    external_type: arguments.OnlyType = "",
    external_id: arguments.OnlyExternalId = "",
    object_type: arguments.OnlyKind = None,
    object_id: arguments.OnlyObjectId = None,
    include_deleted: arguments.Deleted = False,
    only_deleted: OnlyDeleted = False,
    order: Order = "newest",
    limit: arguments.Limit = 25,
    cursor: arguments.Cursor = 0,
) -> Annotated[CallToolResult, Mappings]:
    """List external id mappings: all ids of one record, all records of one id, when each was made, and deleted ones."""
    app = ctx.request_context.lifespan_context
    found = await app.salesloft.list_mappings(
        external_type=external_type,
        external_id=external_id,
        object_type=object_type,
        object_id=object_id,
        deleted=True if only_deleted else None if include_deleted else False,
        page=cursor or 1,
        per_page=limit,
        counts=not cursor,
        ascending=order == "oldest",
    )
    rows = list(map(answers.MappingView.model_validate, found.rows))
    total = None if external_id and object_type else found.total  # these two are not sent together
    if not cursor and found.next_page is None:
        total = len(rows) + found.unread
    tenant = next((row.tenant_id for row in found.rows), None)
    view = Mappings(mappings=rows, tenant_id=tenant, total=total, next_cursor=answers.cursor(found))
    by = answers.filtered(
        external_type=external_type,
        external_id=external_id,
        object_type=object_type,
        object_id=object_id,
        include_deleted=include_deleted,
        only_deleted=only_deleted,
    )
    words = answers.listed(len(rows), "mapping", by, more=view.next_cursor is not None, first=not cursor, total=total)
    words += answers.left_out(found)
    if (
        not rows
        and external_type
        and (near := await app.configurations.nearest(external_type, object_type)) is not None
    ):
        existing = f"; existing are {', '.join(map(quoted, near))}" if near else ""
        words += f" {answers.not_configured(external_type, object_type)}{existing}."
    return answers.read(words, view)


@writing
async def create_external_id_mapping(
    ctx: Context[App, Any],
    external_type: arguments.ExternalType,
    object_type: arguments.KindOfRecord,
    external_id: arguments.ExternalId,
    object_id: arguments.ObjectId,
    move_from: MoveFrom = None,
    instead_of: ReplacedId = "",
) -> Operation:
    """Create an external id mapping: attach an id to an existing record. Repeating it is safe. An id of another record
    is refused, unless move_from names that record; instead_of replaces its old id.

    Raises:
        InputError: move_from and instead_of are both given, or one of them names what stays.
        ConflictError: the external id belongs to another record. MissingError: what would go is not there, or, where a
            person has to agree, the type is not configured.
    """
    app, key = ctx.request_context.lifespan_context, MappingKey(external_type, object_type, external_id)
    goes = {external_id, instead_of}
    if move_from and instead_of:
        raise errors.InputError("move_from", "cannot be given together with instead_of.", next_step="give one of them.")
    if move_from:
        changes = await _moved(app, key, move_from, object_id)
    elif instead_of:
        changes = await _replaced(app, key, instead_of, object_id)
    else:
        changes = (await as_it_stands(app.salesloft, mappings.creation(key, object_id)),)
        # Nobody is asked about what would be refused.
        if needed(Operation("", changes), ask=app.changes.limits.ask) is not None:
            await require_configured(app.configurations, external_type, object_type)
    if rekeyed(changes) is None:  # a third request for each would halve what agents can map in a minute
        return Operation("", changes)
    others = partial(_others, app, key, object_id, goes)
    facts, record = await others(), one_record(object_type, object_id)
    return Operation("", changes, facts=facts, notes=_noted(record, facts), facts_now=others)


@writing
async def delete_external_id_mapping(
    ctx: Context[App, Any],
    external_type: arguments.ExternalType,
    object_type: arguments.KindOfRecord,
    external_id: arguments.ExternalId,
    mapping_id: arguments.WhichId = None,
) -> Operation:
    """Delete an external id mapping after a person has agreed; the record stays.

    Raises:
        MissingError: none fits. ConflictError: several fit, or Salesloft gives no id to delete by.
    """
    app, key = ctx.request_context.lifespan_context, MappingKey(external_type, object_type, external_id)
    found = [await mappings.with_id(app.salesloft, key, row) for row in await mappings.read(app.salesloft, key)]
    rows = [row for row in found if mapping_id in (None, row.get("id", mapping_id))]
    listed = ", ".join(f"{row.get('id')} ({one_record(object_type, row['object_id'])})" for row in found[:5])
    if not found:
        await require_configured(app.configurations, external_type, object_type)
    if not rows:
        what, step = (
            "external_id: there is no such live mapping",
            "look with list_external_id_mappings; ids are compared exactly.",
        )
        if found:
            what, step = (
                f"mapping_id: this external id has no mapping {mapping_id}",
                f"leave it out, or give the right one: {listed}.",
            )
        raise errors.MissingError(f"{what}. Nothing was deleted.", next_step=step)
    if len(rows) > 1:
        what = f"mapping_id: {answers.count(len(rows), 'mapping')} fit. Nothing was deleted."
        raise errors.ConflictError(what, next_step=f"ask the person which one, and give its mapping_id: {listed}.")
    return Operation("", (mappings.deletion(key, rows[0]),))


async def _replaced(app: App, key: MappingKey, instead_of: str, object_id: int) -> tuple[Change, ...]:
    """The new external id comes before the old one goes, so that the record is never without one."""
    if instead_of == key.external_id:
        raise errors.InputError("instead_of", "is the new external id itself.")
    new = await as_it_stands(app.salesloft, mappings.creation(key, object_id))
    old = replace(key, external_id=instead_of)
    rows = await mappings.read(app.salesloft, old)
    if new.before is not None and not rows:
        return (new,)
    row = await mappings.with_id(app.salesloft, old, _of_record("instead_of", rows, key, object_id))
    return new, mappings.deletion(old, row)


async def _moved(app: App, key: MappingKey, move_from: int, object_id: int) -> tuple[Change, ...]:
    """The old mapping goes first, because Salesloft is taken to refuse a second one: only a try with somebody else's
    record would tell. So the new record is looked for before.
    """
    if move_from == object_id:
        raise errors.InputError("move_from", "is the record that shall hold the external id.")
    rows = await mappings.read(app.salesloft, key)
    standing = [row for row in rows if row["object_id"] == object_id]
    if standing and len(rows) == 1:
        return (mappings.creation(key, object_id, standing[0]),)
    row = await mappings.with_id(app.salesloft, key, _of_record("move_from", rows, key, move_from))
    if others := [one for one in rows if one["object_id"] not in (move_from, object_id)]:
        held = one_record(key.object_type, others[0]["object_id"])
        what = f"external_id: belongs to {held}, too, so that it cannot be given to another record. {NOTHING}"
        step = "ask the person which record is meant, and delete each other mapping with delete_external_id_mapping."
        raise errors.ConflictError(what, next_step=step)
    old = mappings.deletion(key, row)
    if await _is_gone(app, key, object_id):
        what = f"object_id: {one_record(key.object_type, object_id)} is gone, or hidden from this token. {NOTHING}"
        raise errors.MissingError(what, next_step="find the record with search_records.")
    return old, mappings.creation(key, object_id, standing[0] if standing else None)


async def _others(app: App, key: MappingKey, object_id: int, but: set[str]) -> tuple[tuple[str, str], ...]:
    """That the record has other external ids of the type, as a fact, for a point."""
    of_record = await app.salesloft.list_mappings(
        external_type=key.external_type, object_type=key.object_type, object_id=object_id, deleted=False
    )
    ids = [quoted(row.external_id) for row in of_record.rows if row.external_id not in but]
    return ((OTHERS, ", ".join(some(ids))),) if ids else ()


def _noted(record: str, facts: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    return tuple(f"{record[0].upper()}{record[1:]} has {name}: {ids}." for name, ids in facts)


async def _is_gone(app: App, key: MappingKey, object_id: int) -> bool:
    """Whether no such record comes back; a token that may not read records may still map them."""
    try:
        return await app.salesloft.get_object(key.object_type, object_id) is None
    except errors.ForbiddenError:
        return False


def _of_record(argument: str, rows: list[Image], key: MappingKey, object_id: int) -> Image:
    """The mapping of that record among `rows`."""
    same = [row for row in rows if row["object_id"] == object_id]
    if len(same) == 1:
        return same[0]
    if same:
        what = f"{argument}: {len(same)} mappings of {one_record(key.object_type, object_id)} fit. {NOTHING}"
        step = "delete each that is wrong with delete_external_id_mapping and its mapping_id."
        raise errors.ConflictError(what, next_step=step)
    if rows:
        held = one_record(key.object_type, rows[0]["object_id"])
        what = f"{argument}: the external id belongs to {held}, not to {object_id}. {NOTHING}"
        raise errors.ConflictError(what, next_step="look with list_external_id_mappings which record holds it.")
    what = f"{argument}: there is no such live mapping. {NOTHING}"
    step = f"look with list_external_id_mappings; ids are compared exactly. Without {argument} the id is only mapped."
    raise errors.MissingError(what, next_step=step)
