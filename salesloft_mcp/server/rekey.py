"""One external id of a record is replaced by another: the new one is mapped before the old one is deleted."""

from dataclasses import replace
from typing import Any

from mcp.server.mcpserver import Context

from salesloft_mcp import errors
from salesloft_mcp.app import App
from salesloft_mcp.changes.writes import same_object
from salesloft_mcp.salesloft.models import Mapping, MappingKey
from salesloft_mcp.salesloft.paging import live_mappings
from salesloft_mcp.server import acts, confirm
from salesloft_mcp.server.acts import By
from salesloft_mcp.state.local import Question
from salesloft_mcp.text import quoted

TOOL = "create_external_id_mapping"
NOTHING = "Nothing was changed."


async def read_old(app: App, key: MappingKey, object_id: int, replaces: str) -> Mapping | None:
    """The mapping that `key` would replace; None when nothing is to be replaced, or it was done before.

    Raises:
        SalesloftMcpError: it cannot be done, and why. Nothing was created then.
    """
    if not replaces:
        return None
    acts.deletes_allowed(app)
    if replaces == key.external_id:
        raise errors.InputError("replaces", "is the new external id itself.")
    new = same_object(key, object_id, await live_mappings(app.salesloft, key))
    rows = await live_mappings(app.salesloft, replace(key, external_id=replaces))
    if new is not None and not rows:
        return None
    return acts.deletable(_of_object(rows, key, object_id), NOTHING)


def about(app: App, key: MappingKey, old: Mapping | None) -> Question | None:
    """What a person is asked; None when nothing would be deleted."""
    if old is None:
        return None
    facts: dict[str, object] = {
        "record": f"{old.object_type} {old.object_id}",
        "external type": quoted(old.external_type),
        "new external id": quoted(key.external_id),
        "old external id": quoted(old.external_id),
        "old mapping id": acts.row_id(old),
        "what happens": "the new id is mapped, then the old one is deleted; the record stays",
    }
    return confirm.question(app, TOOL, "Replace an external id", facts)


async def delete_old(ctx: Context[App, Any], old: Mapping, by: By, said: str) -> None:
    """The second half. `said` is what the first one did, and stands whatever comes of this.

    Raises:
        SalesloftMcpError: the old mapping is still there, or may be.
    """
    try:
        await acts.unmap(ctx, old, by)
    except errors.NotFoundError:
        return  # somebody else deleted it meanwhile
    except errors.ApiError as error:
        unknown = isinstance(error, errors.UnknownOutcomeError)
        fate = "may or may not be deleted" if unknown else "is not deleted"
        what = f"{said}, but the old mapping {old.id} ({quoted(old.external_id)}) {fate}: {error.what}"
        step = "make the same call again; it deletes the old one if it is still there."
        raise errors.SalesloftMcpError(what, next_step=step) from error


def _of_object(rows: tuple[Mapping, ...], key: MappingKey, object_id: int) -> Mapping:
    same = [row for row in rows if row.object_id == object_id]
    if len(same) == 1:
        return same[0]
    if same:
        what = f"replaces: {len(same)} mappings of {key.object_type} {object_id} fit. {NOTHING}"
        step = "map the new id without replaces, then delete each with delete_external_id_mapping and its mapping_id."
        raise errors.ConflictError(what, next_step=step)
    if rows:
        what = f"replaces: belongs to {key.object_type} {rows[0].object_id}, not to {object_id}. {NOTHING}"
        raise errors.ConflictError(what, next_step="only an id of the same record can be replaced.")
    what = f"replaces: there is no such live mapping. {NOTHING}"
    raise errors.MissingError(what, next_step="look with list_external_id_mappings; ids are compared exactly.")
