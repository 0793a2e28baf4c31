"""The log of every write made here, and the way back."""

from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Elicit, ElicitationResult, Resolve
from mcp_types import CallToolResult
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from salesloft_mcp.app import App
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.server import confirm
from salesloft_mcp.server.acts import By
from salesloft_mcp.server.answers import (
    ExternalIdField,
    ExternalTypeField,
    NextCursor,
    ObjectIdField,
    ObjectTypeField,
    PointsSpent,
    View,
    answer,
    count,
    read,
)
from salesloft_mcp.server.arguments import NEXT_CURSOR, AnyExternalId, AnyObjectId, AnyObjectType, Limit, typed, whole
from salesloft_mcp.server.confirm import Agree, Consent, Granted, Retype
from salesloft_mcp.server.undo.plan import plan
from salesloft_mcp.server.undo.undo import TOOL, Undo, Undone
from salesloft_mcp.state.changes import Logged, Outcome, Search, moment
from salesloft_mcp.text import escaped


def _moment(value: str) -> str:
    try:
        return value and str(moment(value))
    except (ValueError, OverflowError):
        raise ValueError("must be a date or time such as 2026-01-31 or 2026-01-31T09:00:00Z.") from None


def _change_cursor(value: str) -> str:
    return value and str(whole(value))


Since = Annotated[
    str,
    Field(strict=True, description="Only changes since this date or time, such as 2026-01-31 or 2026-01-31T09:00:00Z."),
    AfterValidator(_moment),
]
ChangeCursor = Annotated[str, Field(strict=True, description=NEXT_CURSOR), AfterValidator(_change_cursor)]
ChangeId = Annotated[
    int,
    BeforeValidator(whole),
    WithJsonSchema({"type": "integer", "minimum": 1, "description": "The id of the change in list_changes."}),
]
ToolName = Annotated[str, Field(strict=True, max_length=100, description="Only changes made by this tool.")]


class ChangeView(View):
    id: int = Field(description="The change_id that undo_change takes.")
    at: str = Field(description="When it was made, in UTC.")
    who: str | None = Field(None, description="The client that asked for it, by the name it gives itself.")
    tool: str = Field(description="The tool that made it.")
    outcome: Outcome = Field(description="How it ended; intended and unknown: it may or may not have been done.")
    external_type: ExternalTypeField | None = None
    external_id: ExternalIdField | None = None
    object_type: ObjectTypeField | None = None
    object_id: ObjectIdField | None = None
    confirmed: str | None = Field(None, description="How a human agreed; absent where nobody was asked.")
    undoes: int | None = Field(None, description="The change that this one took back.")
    undone_by: int | None = Field(None, description="The change that took this one back.")


class Changes(View):
    changes: list[ChangeView] = Field(description="The changes, newest first.")
    next_cursor: NextCursor | None = None
    points_spent: PointsSpent


async def list_changes(
    ctx: Context[App, Any],
    external_id: AnyExternalId = "",
    object_type: AnyObjectType = "",
    object_id: AnyObjectId = 0,
    tool: ToolName = "",
    since: Since = "",
    limit: Limit = 20,
    cursor: ChangeCursor = "",
) -> Annotated[CallToolResult, Changes]:
    """List the changes this server has made, newest first: what was written, when, and how a human agreed."""
    app = ctx.request_context.lifespan_context
    search = Search(
        environment=app.environment,
        external_id=external_id,
        object_type=object_type,
        object_id=object_id or None,
        tool=tool,
        since=float(since) if since else None,
        older_than=int(cursor) if cursor else None,
    )
    found = app.state.log.find(search, limit + 1)
    rows = found[:limit]
    view = Changes(
        changes=[_row(row) for row in rows],
        next_cursor=str(rows[-1].id) if len(found) > limit else None,
        points_spent=current().points,
    )
    return read(f"{count(len(rows), 'change')}, newest first.", view)


async def undoing(ctx: Context[App, Any], change_id: ChangeId) -> Undo:
    """What it would do, as things stand now."""
    return await plan(ctx.request_context.lifespan_context, change_id)


async def ask_about_undoing(
    ctx: Context[App, Any], undo: Annotated[Undo, Resolve(undoing)]
) -> Elicit[Consent] | Granted:
    """A yes, or a name typed by hand, where one is needed."""
    return Granted() if undo.question is None else confirm.ask(ctx, undo.question, Retype if undo.name else Agree)


async def undo_change(
    ctx: Context[App, Any],
    change_id: ChangeId,
    undo: Annotated[Undo, Resolve(undoing)],
    answered: Annotated[ElicitationResult[Consent], Resolve(ask_about_undoing)],
) -> Annotated[CallToolResult, Undone]:
    """Undo a change: restore what it deleted or replaced, or delete what it created. A human has to agree to a
    deletion."""
    app = ctx.request_context.lifespan_context
    now = await plan(app, change_id)
    confirmed = confirm.settle(app, undo.question, now.question, answered, now.name)
    said, view = await now.run(ctx, By(TOOL, confirmed, undoes=change_id))
    return answer(said, view)


def _row(row: Logged) -> ChangeView:
    return ChangeView(
        id=row.id,
        at=row.time,
        who=escaped(row.who) or None,
        tool=escaped(row.tool),
        outcome=row.outcome,
        external_type=escaped(row.external_type) or None,
        external_id=escaped(row.external_id) or None,
        object_type=typed(row.object_type),
        object_id=row.object_id,
        confirmed=row.confirmed or None,
        undoes=row.undoes,
        undone_by=row.undone_by,
    )
