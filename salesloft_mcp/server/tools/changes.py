"""The log of every write made here, and the way back."""

from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import ElicitationResult, Resolve
from mcp_types import CallToolResult
from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from salesloft_mcp.app import App
from salesloft_mcp.bulk.views import PlanView, plan_sentence, plan_view
from salesloft_mcp.changes import history
from salesloft_mcp.changes.change import Author, Done, Operation
from salesloft_mcp.changes.history import Logged, Search, moment
from salesloft_mcp.changes.undo import undo
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.server.answers import NextCursor, PointsSpent, View, answer, count, fitting, read
from salesloft_mcp.server.arguments import NEXT_CURSOR, AnyExternalId, AnyObjectId, AnyObjectType, Limit, whole
from salesloft_mcp.server.consent import Asked, Consent, asking, require_consent
from salesloft_mcp.server.tools.plans import followed
from salesloft_mcp.server.writes import (
    ChangeView,
    Preview,
    Written,
    carried_out,
    change_view,
    facts,
    sentence,
    write,
)
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
ChangeNumber = Annotated[
    int,
    BeforeValidator(whole),
    WithJsonSchema(
        {"type": "integer", "minimum": 1, "description": "The change_id of a write, or an id of list_changes."}
    ),
]
ToolName = Annotated[str, Field(strict=True, max_length=100, description="Only changes made by this tool.")]


class LoggedView(View):
    id: int = Field(description="The change_id that undo_change takes.")
    at: str = Field(description="When it was made, in UTC.")
    who: str = Field(description="The client that asked for it, by the name it gives itself.")
    tool: str = Field(description="The tool or command that made it.")
    agreed: str = Field(description="How a person agreed, or that nobody was asked.")
    changes: list[ChangeView] = Field(description="The first five changes of it.")
    counts: dict[str, int] | None = Field(None, description="Of a run: how many changes ended in which way.")
    plan: str | None = Field(None, description="The plan whose run it was.")
    undoes: int | None = Field(None, description="The change that this one took back.")
    undone_by: int | None = Field(None, description="The change that took this one back.")


class Changes(View):
    changes: list[LoggedView] = Field(description="The changes, newest first.")
    next_cursor: NextCursor | None = None
    points_spent: PointsSpent


class Undone(Written):
    run: PlanView | None = Field(None, description="The run that takes back the rest; look with get_plan.")


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
    """List the changes this server has made, newest first: old and new values, when, and how a person agreed."""
    app = ctx.request_context.lifespan_context
    await app.changes.look_back()
    search = Search(
        tenant=app.environment,
        external_id=external_id,
        object_type=object_type,
        object_id=object_id or None,
        title=tool,
        since=float(since) if since else None,
        older_than=int(cursor) if cursor else None,
    )
    found = await history.find(app.database, search, limit + 1)
    rows = fitting(_row(row) for row in found[:limit])
    view = Changes(
        changes=rows,
        next_cursor=str(rows[-1].id) if len(found) > len(rows) else None,
        points_spent=current().points,
    )
    return read(f"{count(len(rows), 'change')}, newest first.", view)


async def undoing(ctx: Context[App, Any], change: ChangeNumber) -> Operation:
    """What it would do, as things stand now."""
    app = ctx.request_context.lifespan_context
    return await undo(app.changes, app.database, change, "undo_change")


about_undoing, answer_on_undoing = asking(undoing)


async def undo_change(
    ctx: Context[App, Any],
    change: ChangeNumber,
    asked: Annotated[Asked, Resolve(about_undoing)],
    answered: Annotated[ElicitationResult[Consent], Resolve(answer_on_undoing)],
    preview: Preview = False,
) -> Annotated[CallToolResult, Undone]:
    """Undo a change or a whole run: restore what it deleted or replaced, or delete what it created after a person
    has agreed."""
    if preview or not asked.operation.plan:
        return await write(ctx, asked, answered, preview)
    return await _undo_by_run(ctx, asked, answered)


async def _undo_by_run(ctx: Context[App, Any], asked: Asked, answered: ElicitationResult[Any]) -> CallToolResult:
    """What a run wrote, or a configuration took with it, comes back several at once, in the background."""
    app, operation = ctx.request_context.lifespan_context, asked.operation
    if operation.changes:
        done = await carried_out(ctx, asked, answered)
        await app.jobs.start_undo(operation, Author(current().who, done.how), done.number)
    else:
        author = await require_consent(app, asked, answered)
        number = await app.jobs.start_undo(operation, author)
        done = Done(number, await app.changes.place(), author.how, ())
    status = await followed(ctx, operation.plan)
    view = Undone(**facts(done, operation), run=plan_view(status, app.budget.bulk))
    view.points_spent += app.jobs.spent(operation.plan)
    view.status = "deleted" if operation.deletes else "created"
    return answer(f"{sentence(done, operation)} {plan_sentence(status)}".strip(), view)


def _row(row: Logged) -> LoggedView:
    return LoggedView(
        id=row.id,
        at=row.time,
        who=escaped(row.who),
        tool=escaped(row.title),
        agreed=row.how or "nobody was asked",
        changes=[change_view(one.change, one.state, one.change.after, one.note) for one in row.lines],
        counts=dict(row.counts) if row.counts.total() > len(row.lines) else None,
        plan=row.plan or None,
        undoes=row.undoes or None,
        undone_by=row.undone_by or None,
    )
