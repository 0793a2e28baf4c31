"""Which way back there is from a change."""

from collections.abc import Awaitable, Callable

from salesloft_mcp import errors
from salesloft_mcp.app import App
from salesloft_mcp.server.undo import configurations, mappings, records
from salesloft_mcp.server.undo.undo import Undo, nothing_to_undo
from salesloft_mcp.state.changes import Logged, Outcome

# By outcome, and by whether the change was about one external id.
_WAYS: dict[tuple[Outcome, bool], Callable[[App, Logged], Awaitable[Undo]]] = {
    ("created", True): mappings.created,
    ("deleted", True): mappings.deleted,
    ("updated", True): records.updated,
    ("created", False): configurations.created,
    ("deleted", False): configurations.deleted,
}
_WHY_NOT: dict[Outcome, str] = {
    "unchanged": "it found everything as it was asked for.",
    "failed": "it was refused.",
    "intended": "it is under way, or was cut off: whether it did anything is not known.",
    "unknown": "its answer was lost: whether it did anything is not known.",
}


async def plan(app: App, change_id: int) -> Undo:
    """The way back from a change of this environment, from facts that are read now.

    Raises:
        MissingError: no such change here. ConflictError: it was undone before, or there is nothing to undo.
    """
    change = app.state.log.get(change_id, app.environment)
    if change is None:
        what = f"change_id: there is no change {change_id} in {app.environment}."
        raise errors.MissingError(what, next_step="look with list_changes.")
    if change.undone_by is not None and not app.state.log.saved_mappings(change.id):
        what = f"change {change.id} was undone by change {change.undone_by} already. Nothing was changed."
        raise errors.ConflictError(what, next_step=f"to take that back, undo change {change.undone_by}.")
    way = _WAYS.get((change.outcome, bool(change.external_id)))
    if way is None:
        raise nothing_to_undo(change, _WHY_NOT[change.outcome], "look at what stands with list_external_id_mappings.")
    return await way(app, change)
