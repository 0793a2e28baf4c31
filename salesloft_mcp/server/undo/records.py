"""Records: the fields that an upsert changed are written back from the image that was read before it."""

from typing import Any

from mcp.server.mcpserver import Context

from salesloft_mcp.app import App
from salesloft_mcp.changes.upsert import Target, read_target, upsert
from salesloft_mcp.changes.way_back import Fields, way_back
from salesloft_mcp.salesloft.models import RECORDS, Record
from salesloft_mcp.server.acts import By
from salesloft_mcp.server.log import logged
from salesloft_mcp.server.undo.undo import Told, Undo, key_of, nothing_to_undo, question, undone
from salesloft_mcp.state.changes import Change, Logged
from salesloft_mcp.state.local import Question

CADENCES = "people who were taken out of cadences are not put back by this"


async def updated(app: App, change: Logged) -> Undo:
    """Write the earlier values back, of the fields that nobody changed since."""
    if change.before is None or change.after is None:
        raise nothing_to_undo(change, "no image of the record was read before it.")
    target = await read_target(app.salesloft, key_of(change), "update_only")
    assert target.record is not None
    if target.record.id != change.object_id:
        why = f"its external id stands for {change.object_type} {target.record.id} now."
        raise nothing_to_undo(change, why, "look with list_external_id_mappings.")
    read = RECORDS[target.key.object_type].validate_python
    back, left = way_back(read(change.before), read(change.after), target.record)
    if not back.model_fields_set:
        why = f"{', '.join(left)}: changed again since, or not writable." if left else "the record is as it was before."
        raise nothing_to_undo(change, why)

    async def run(ctx: Context[App, Any], by: By) -> Told:
        return await _write_back(ctx.request_context.lifespan_context, target, back, left, by)

    return Undo(run, _about(app, change, target.record, back))


async def _write_back(app: App, target: Target, back: Fields, left: list[str], by: By) -> Told:
    key, record = target.key, target.record
    assert record is not None
    change = Change(
        app.environment,
        by.tool,
        key.external_type,
        key.object_type,
        key.external_id,
        record.id,
        by.confirmed,
        undoes=by.undoes,
    )
    with logged(app, change, record) as settle:
        written = await upsert(app.salesloft, target, back)
        settle(written.status, written.row)
    fields = sorted(back.model_fields_set)
    said = f"{written.status}: {key.object_type} {record.id}, {', '.join(fields)} as before."
    if left:
        said += f" Not brought back: {', '.join(left)} (changed again since, or not writable)."
    if back.do_not_contact is False:
        said += f" {CADENCES[0].upper()}{CADENCES[1:]}."
    return said, undone(written.status, settle.number, fields=fields)


def _about(app: App, change: Logged, record: Record, back: Fields) -> Question | None:
    """Stopping all contact needs a person's yes, also where it is the way back."""
    if not back.do_not_contact:
        return None
    facts: dict[str, object] = {
        "record": f"{change.object_type} {record.id}",
        "fields": ", ".join(sorted(back.model_fields_set)),
        "what happens": "all contact stops, in every running cadence; setting it back does not undo that",
    }
    return question(app, change, "set do_not_contact again", facts)
