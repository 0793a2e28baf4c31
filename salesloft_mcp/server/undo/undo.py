"""What undoing a change would do now, and what it answers when it is done."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from mcp.server.mcpserver import Context
from pydantic import Field

from salesloft_mcp import errors
from salesloft_mcp.app import App
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.salesloft.models import OBJECT_TYPES, MappingKey
from salesloft_mcp.server import confirm
from salesloft_mcp.server.acts import By
from salesloft_mcp.server.answers import ConfigurationIdField, MappingIdField, PointsSpent, View
from salesloft_mcp.state.changes import Logged, Outcome
from salesloft_mcp.state.local import Question

TOOL = "undo_change"


class Undone(View):
    """`change_id` is the undoing itself, which can be undone in its turn. The rest depends on what was undone."""

    status: Outcome = Field(description="What undoing came to, for what was changed.")
    change_id: int = Field(description="The change that this is, which can be undone too.")
    points_spent: PointsSpent
    configuration_id: ConfigurationIdField | None = None
    mapping_id: MappingIdField | None = None
    mappings: dict[str, int] | None = Field(
        None, description="Mappings of the configuration: how many were created, unchanged, refused and left to do."
    )
    fields: list[str] | None = Field(None, description="The fields of the record that are as before.")


Told = tuple[str, Undone]  # one sentence, and the data
Run = Callable[[Context[App, Any], By], Awaitable[Told]]


@dataclass(frozen=True, slots=True)
class Undo:
    """One way back. Nobody has to agree where `question` is None; a `name` is to be typed by hand."""

    run: Run
    question: Question | None = None
    name: str = ""


def question(app: App, change: Logged, what: str, facts: dict[str, object]) -> Question:
    """The question whether to undo `change`."""
    return confirm.question(app, TOOL, f"Undo change {change.id} ({change.tool}): {what}", facts)


def key_of(change: Logged) -> MappingKey:
    """What the change was about."""
    object_type = next(one for one in OBJECT_TYPES if one == change.object_type)
    return MappingKey(change.external_type, object_type, change.external_id)


def nothing_to_undo(change: Logged, why: str, next_step: str = "look with list_changes.") -> errors.SalesloftMcpError:
    """There is no way back, or none is needed."""
    what = f"change_id: there is nothing to undo in change {change.id}: {why} Nothing was changed."
    return errors.ConflictError(what, next_step=next_step)


def undone(status: str, number: int, **more: object) -> Undone:
    """The data of the answer."""
    return Undone.model_validate({"status": status, "change_id": number, "points_spent": current().points, **more})
