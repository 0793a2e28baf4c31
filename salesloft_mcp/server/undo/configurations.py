"""Configurations: one that was created is deleted after its name was typed, one that was deleted comes back whole."""

from typing import Any

from mcp.server.mcpserver import Context

from salesloft_mcp.app import App
from salesloft_mcp.bulk.plan import MOST_UNASKED
from salesloft_mcp.bulk.restore import Restored, restore_mappings
from salesloft_mcp.bulk.run import Outcomes
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.server import acts, announce
from salesloft_mcp.server.acts import By
from salesloft_mcp.server.tools.deletes import configuration_facts, hanging, keepsakes, read_configuration
from salesloft_mcp.server.undo.undo import TOOL, Told, Undo, key_of, question, undone
from salesloft_mcp.state.changes import Change, Logged
from salesloft_mcp.text import quoted

RESERVE_SECONDS = 5.0  # of the time of a call, for what is in flight


async def created(app: App, change: Logged) -> Undo:
    """Delete it, with what hangs on it saved first."""
    acts.deletes_allowed(app)
    key = key_of(change)
    number = await hanging(app, key.external_type, key.object_type)
    kept = await keepsakes(app, key.external_type, key.object_type, number)
    row = await read_configuration(app, key.external_type, key.object_type, (change.after or {}).get("id") or 0)

    async def run(ctx: Context[App, Any], by: By) -> Told:
        done = await acts.unconfigure(ctx, row, kept, by)
        return f"deleted: configuration {row.id}.", undone("deleted", done.number, configuration_id=row.id)

    facts = configuration_facts(row, number)
    return Undo(run, question(app, change, "delete this external id configuration", facts), row.external_type)


async def deleted(app: App, change: Logged) -> Undo:
    """Create it again, and those of its mappings that are gone. What does not fit into one call is done by the next."""

    async def run(ctx: Context[App, Any], by: By) -> Told:
        key = key_of(change)
        done = await acts.configure(ctx, key.external_type, key.object_type, by)
        restored = await _restore(ctx, change)
        counts = {name: len(getattr(restored, name)) for name in ("created", "unchanged", "refused", "left")}
        said = f"{done.status}: configuration {done.row.id}; {_told(restored)}"
        view = undone(done.status, done.number, configuration_id=done.row.id, mappings=counts)
        return said, view

    saved = len(app.state.log.saved_mappings(change.id))
    if saved <= MOST_UNASKED:
        return Undo(run)
    facts: dict[str, object] = {
        "external type": quoted(change.external_type),
        "object type": change.object_type,
        "mappings that were saved": saved,
        "what happens": "those that are gone are created again; a mapping cannot be changed later, only deleted",
    }
    return Undo(run, question(app, change, "create this configuration and its mappings again", facts))


async def _restore(ctx: Context[App, Any], change: Logged) -> Restored:
    app = ctx.request_context.lifespan_context
    key = key_of(change)
    wanted = app.state.log.saved_mappings(change.id)
    if not wanted:
        return Restored()

    def log(outcomes: Outcomes) -> None:
        for one in (one for one in outcomes if one.state == "created"):
            line = Change(app.environment, TOOL, *_names(change), one.line.external_id, one.line.object_id)
            app.state.log.settle(app.state.log.intend(line), "created")

    restored = await restore_mappings(
        app.salesloft,
        key.external_type,
        key.object_type,
        wanted,
        settled=log,
        enough=lambda: current().patience() < RESERVE_SECONDS,
    )
    app.state.log.mark_restored(change.id, (*restored.created, *restored.unchanged, *restored.refused))
    await announce.updated(ctx, *(announce.object_uri(key.object_type, one) for _, one in restored.created))
    return restored


def _names(change: Logged) -> tuple[str, str]:
    return change.external_type, change.object_type


def _told(restored: Restored) -> str:
    """What became of its mappings."""
    counts = {"unchanged": restored.unchanged, "created again": restored.created}
    counts["refused, as id or record are gone or taken"] = restored.refused
    counts["left, to be done by the same call again"] = restored.left
    said = ", ".join(f"{len(pairs)} {how}" for how, pairs in counts.items() if pairs)
    why = f" ({restored.problem})" if restored.problem else ""
    return f"its mappings: {said or 'none was saved'}{why}."
