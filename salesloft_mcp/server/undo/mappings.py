"""Mappings: one that was created is deleted after a person's yes, one that was deleted is created again."""

from typing import Any

from mcp.server.mcpserver import Context

from salesloft_mcp import errors
from salesloft_mcp.app import App
from salesloft_mcp.salesloft.models import Mapping
from salesloft_mcp.salesloft.paging import live_mappings
from salesloft_mcp.server import acts
from salesloft_mcp.server.acts import By
from salesloft_mcp.server.tools.deletes import mapping_facts
from salesloft_mcp.server.undo.undo import Told, Undo, key_of, nothing_to_undo, question, undone
from salesloft_mcp.state.changes import Logged


async def created(app: App, change: Logged) -> Undo:
    """Delete it, if it still is what was created then. A record that was created with it stays."""
    acts.deletes_allowed(app)
    row = await _still_there(app, change)
    with_record = change.tool.startswith("upsert_")
    stays = "the record stays" if not with_record else "the new record stays: this API cannot delete one"

    async def run(ctx: Context[App, Any], by: By) -> Told:
        done = await acts.unmap(ctx, row, by)
        said = f"deleted: mapping {row.id} of {row.object_type} {row.object_id}; {stays}."
        return said, undone("deleted", done.number, mapping_id=row.id)

    facts = mapping_facts(row)
    if with_record:
        facts["what stays"] = stays
    return Undo(run, question(app, change, "delete this external id mapping", facts))


async def deleted(app: App, change: Logged) -> Undo:
    """Create it again. That deletes nothing, so nobody has to agree; an id that is taken meanwhile is a conflict."""
    object_id = change.object_id
    if object_id is None:
        raise nothing_to_undo(change, "the log does not say which record it belonged to.")

    async def run(ctx: Context[App, Any], by: By) -> Told:
        done = await acts.map_id(ctx, key_of(change), object_id, by)
        how = "again, under a new mapping id" if done.status == "created" else "already"
        said = f"{done.status}: mapped to {change.object_type} {object_id} {how}."
        new = {} if done.row.id is None else {"mapping_id": done.row.id}
        return said, undone(done.status, done.number, **new)

    return Undo(run)


async def _still_there(app: App, change: Logged) -> Mapping:
    after = change.after or {}
    mapping_id = after.get("id") if "external_id" in after else None
    rows = await live_mappings(app.salesloft, key_of(change))
    fits = [row for row in rows if row.object_id == change.object_id and mapping_id in (None, row.id)]
    if not fits:
        why = "its external id stands for something else now." if rows else "its mapping is gone already."
        raise nothing_to_undo(change, why, "look with list_external_id_mappings.")
    if len(fits) > 1:
        what = f"{len(fits)} mappings fit what change {change.id} created. Nothing was changed."
        raise errors.ConflictError(what, next_step="delete the right one with delete_external_id_mapping.")
    return acts.deletable(fits[0], "Nothing was changed.")
