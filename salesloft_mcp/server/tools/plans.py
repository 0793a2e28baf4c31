"""Plans: many mappings at once, planned before anything is written, run by a job that outlives the call."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any, Literal

import anyio
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import ElicitationResult, Resolve
from mcp_types import CallToolResult
from pydantic import AfterValidator, Field, WithJsonSchema

from salesloft_mcp import errors
from salesloft_mcp.app import App
from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.report import ReportRow, attention, every_row
from salesloft_mcp.bulk.runner import Load
from salesloft_mcp.bulk.sources import allowed_file, load_field, load_file, load_rows
from salesloft_mcp.bulk.status import Status
from salesloft_mcp.bulk.views import PlanView, RowView, plan_sentence, plan_view, row_view
from salesloft_mcp.changes.change import Operation
from salesloft_mcp.changes.refusals import require_configured
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.server import announce
from salesloft_mcp.server.answers import NextCursor, PointsSpent, View, answer, count, fitting
from salesloft_mcp.server.arguments import NEXT_CURSOR, ExternalType, ObjectTypeArgument
from salesloft_mcp.server.consent import Asked, Consent, asking, require_consent
from salesloft_mcp.server.writes import Preview

TITLE = "run_plan"
WAIT_SECONDS = 15.0  # of the twenty a tool has
STEP_SECONDS = 1.0
EXAMPLES = 5
PAGE = 100
_ROWS = "Up to 1000 rows, each with external_id and one of object_id, email, domain and crm_id."


def _cursor(value: str) -> str:
    if value and not (value.isascii() and value.isdigit() and len(value) < 12):
        raise ValueError("is not a cursor of an earlier answer; leave it out to begin anew.")
    return value


Rows = Annotated[
    list[dict[str, Any]],
    Field(max_length=1_000),
    WithJsonSchema({"type": "array", "description": _ROWS, "items": {"type": "object"}}),
]
File = Annotated[
    str,
    Field(
        strict=True,
        max_length=4_096,
        description="A .csv or .jsonl file in the folder that is open to files, instead of rows.",
    ),
]
CustomField = Annotated[
    str,
    Field(
        strict=True,
        max_length=255,
        description="The Salesloft custom field that holds the external ids, instead of rows.",
    ),
]
PlanId = Annotated[str, Field(strict=True, max_length=64, description="The plan of an earlier answer.")]
WhichRows = Annotated[
    Literal["none", "attention", "all"], Field(description="attention: the rows that cannot be written or failed.")
]
Cursor = Annotated[str, Field(strict=True, description=NEXT_CURSOR), AfterValidator(_cursor)]


class PlanAnswer(PlanView, View):
    rows: Annotated[
        list[RowView] | None, Field(description="The rows that need a person, or those that were asked for.")
    ] = None
    next_cursor: NextCursor | None = None
    points_spent: PointsSpent


async def plan_backfill(
    ctx: Context[App, Any],
    external_type: ExternalType,
    object_type: ObjectTypeArgument,
    rows: Rows = [],  # noqa: B006 - never changed
    file: File = "",
    custom_field: CustomField = "",
) -> Annotated[CallToolResult, PlanAnswer]:
    """Plan a backfill: many mappings of existing records, from rows, a file or a custom field. It writes nothing, and
    says what would be created, what cannot be, and what it costs."""
    app = ctx.request_context.lifespan_context
    load, described = _source(app, rows, file, custom_field)
    await require_configured(app.configurations, external_type, object_type)
    plan = await app.jobs.plan(Aim(external_type, object_type), load, described)
    status = await followed(ctx, plan)
    await announce.updated(ctx, announce.plan_uri(plan))
    if status.state == "failed":
        raise errors.SalesloftMcpError(status.problem)
    return await _answer(app, status, app.jobs.spent(plan), "attention", limit=EXAMPLES)


async def running(ctx: Context[App, Any], plan: PlanId) -> Operation:
    """What is left to be written of it."""
    app = ctx.request_context.lifespan_context
    status = await app.plans.status(plan)
    if status.state in ("running", "finished"):
        return Operation(TITLE, ())
    return await app.jobs.operation(plan, TITLE)


about_run, answer_on_run = asking(running)


async def run_plan(
    ctx: Context[App, Any],
    plan: PlanId,
    asked: Annotated[Asked, Resolve(about_run)],
    answered: Annotated[ElicitationResult[Consent], Resolve(answer_on_run)],
    preview: Preview = False,
) -> Annotated[CallToolResult, PlanAnswer]:
    """Run a plan in the background, or resume it. A person has to agree to more than 500 creates in an hour."""
    app = ctx.request_context.lifespan_context
    spent = app.jobs.spent(plan)
    if asked.operation.plan and not preview:
        await app.jobs.start(asked.operation, await require_consent(app, asked, answered))
        spent = 0
    status = await (app.plans.status(plan) if preview else followed(ctx, plan))
    await announce.updated(ctx, announce.plan_uri(plan))
    would = "" if not preview else " A person would be asked." if asked.question else " Nobody would be asked."
    return await _answer(app, status, app.jobs.spent(plan) - spent, "none", added=would)


async def get_plan(
    ctx: Context[App, Any], plan: PlanId, rows: WhichRows = "none", cursor: Cursor = ""
) -> Annotated[CallToolResult, PlanAnswer]:
    """Get a plan: how far it is, and on request its rows, a hundred at a time."""
    app = ctx.request_context.lifespan_context
    return await _answer(app, await app.plans.status(plan), 0, rows, after=int(cursor or 0))


async def cancel_plan(ctx: Context[App, Any], plan: PlanId) -> Annotated[CallToolResult, PlanAnswer]:
    """Cancel a plan: its run ends after the rows in flight. What was created stays; undo_change takes it back."""
    app = ctx.request_context.lifespan_context
    await app.jobs.cancel(plan)
    status = await app.jobs.wait(plan, STEP_SECONDS)
    await announce.updated(ctx, announce.plan_uri(plan))
    return await _answer(app, status, 0, "none")


async def followed(ctx: Context[App, Any], plan: str) -> Status:
    """The status when the job has ended, or when a tool has to answer; the client sees it move meanwhile."""
    app = ctx.request_context.lifespan_context
    status = await app.plans.status(plan)
    tell = _teller(ctx)
    with anyio.move_on_after(min(WAIT_SECONDS, current().patience())):
        while status.under_way:
            status = await app.jobs.wait(plan, STEP_SECONDS)
            await tell(status)
    return status


def _source(app: App, rows: list[dict[str, Any]], file: str, custom_field: str) -> tuple[Load, str]:
    """Where the rows come from, and how that is called."""
    if [bool(rows), bool(file), bool(custom_field)].count(True) != 1:
        raise errors.InputError("rows", "give exactly one of rows, file and custom_field.")
    if rows:
        return partial(load_rows, rows=rows), count(len(rows), "row")
    if file:
        found = allowed_file(file, app.files_dir)
        return partial(load_file, file=found), f"file {found.name}"
    return partial(load_field, api=app.jobs.api, field=custom_field), f"custom field {custom_field}"


def _teller(ctx: Context[App, Any]) -> Callable[[Status], Awaitable[None]]:
    """Tells the client how far a job is. The protocol wants numbers that grow."""
    last = 0

    async def tell(status: Status) -> None:
        nonlocal last
        now, total = (0, None) if status.state == "planning" else (status.done, status.plan.writes)
        if now > last:
            last = now
            await ctx.report_progress(now, total, plan_sentence(status))

    return tell


async def _answer(
    app: App, status: Status, spent: int, which: str, *, after: int = 0, limit: int = PAGE, added: str = ""
) -> CallToolResult:
    rows: list[ReportRow] = []
    if which == "attention":
        rows = await attention(app.plans, app.changes.log, status, after, limit + 1)
    elif which == "all":
        rows = [row async for row in every_row(app.plans, app.changes.log, status, after, limit + 1)]
    views = fitting([row_view(row) for row in rows[:limit]])
    cursor = str(rows[len(views) - 1].line) if len(views) < len(rows) else None
    view = PlanAnswer(
        **dict(plan_view(status, app.budget.bulk)),
        rows=views or None,
        next_cursor=cursor,
        points_spent=current().points + spent,
    )
    return answer(f"{plan_sentence(status)}{added}", view)
