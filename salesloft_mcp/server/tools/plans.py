"""Plans: many mappings at once, planned before anything is written, run by a job that outlives the call."""

from functools import partial
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import ElicitationResult
from mcp_types import CallToolResult
from pydantic import Field, WithJsonSchema

from salesloft_mcp import errors
from salesloft_mcp.app import App
from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.report import ReportRow, attention, every_row
from salesloft_mcp.bulk.sources import source
from salesloft_mcp.bulk.status import Status, operation_of
from salesloft_mcp.bulk.views import PlanView, RowView, plan_sentence
from salesloft_mcp.changes.change import Operation
from salesloft_mcp.changes.refusals import require_configured
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.server import announce, answers, arguments
from salesloft_mcp.server.consent import Asked, how_asked, require_consent
from salesloft_mcp.server.writes import writing

WAIT_SECONDS = 15.0  # of the twenty a tool has
STEP_SECONDS = 1.0
EXAMPLES = 5
PAGE = 100
_ROWS = "Up to 1000 rows, each with external_id and one of object_id, email, domain and crm_id."
_FILE = "A .csv or .jsonl file in the folder that is open to files, instead of rows."
_FIELD = "The Salesloft custom field that holds the external ids, instead of rows."

Rows = Annotated[
    list[dict[str, Any]],
    Field(max_length=1_000),
    WithJsonSchema({"type": "array", "description": _ROWS, "items": {"type": "object"}}),
]
File = Annotated[str, Field(strict=True, max_length=4_096, description=_FILE)]
CustomField = Annotated[str, Field(strict=True, max_length=255, description=_FIELD)]
PlanId = Annotated[str, Field(strict=True, max_length=64, description="The plan of an earlier answer.")]
WhichRows = Annotated[
    Literal["none", "attention", "all"], Field(description="attention: the rows that cannot be written or failed.")
]


class PlanAnswer(PlanView, answers.Answer):
    environment: str = Field(description="Where it is written.")
    team: str = Field("", description="The id of the team, where that is known.")
    agreed: str = Field("", description="How a person agreed to the run, or that nobody was asked.")
    rows: list[RowView] = Field([], description="The rows that need a person, or those that were asked for.")
    next_cursor: answers.NextCursor | None = None


async def plan_backfill(
    ctx: Context[App, Any],
    external_type: arguments.ExternalType,
    object_type: arguments.KindOfRecord,
    rows: Rows = [],  # noqa: B006 - never changed
    file: File = "",
    custom_field: CustomField = "",
) -> Annotated[CallToolResult, PlanAnswer]:
    """Plan a backfill: many mappings of existing records, from rows, a file or a custom field. It writes nothing, and
    says what would be created, what cannot be, and what it costs."""
    app = ctx.request_context.lifespan_context
    load, described = source(app.salesloft, rows, file, custom_field, app.settings.files_dir)
    await require_configured(app.configurations, external_type, object_type)
    plan = await app.jobs.plan(Aim(external_type, object_type), load, described)
    status = await followed(ctx, plan)
    await announce.updated(ctx, announce.uri(announce.PLAN, plan=plan))
    if status.problem:
        raise errors.SalesloftMcpError(status.problem)
    return await _answer(app, status, app.jobs.spent(plan), "attention", limit=EXAMPLES)


async def _run(
    ctx: Context[App, Any], asked: Asked, answered: ElicitationResult[Any], preview: bool, plan: str
) -> Annotated[CallToolResult, PlanAnswer]:
    app = ctx.request_context.lifespan_context
    spent, agreed = app.jobs.spent(plan), ""
    if preview:
        agreed = "nobody would be asked" if asked.question is None else how_asked(ctx)
    elif asked.operation.plan:
        author = await require_consent(ctx, asked, answered)
        await app.jobs.start(asked.operation, author)
        spent, agreed = 0, author.how or "nobody was asked"
    status = await (app.plans.status(plan) if preview else followed(ctx, plan))
    await announce.updated(ctx, announce.uri(announce.PLAN, plan=plan))
    added = f" {agreed[0].upper()}{agreed[1:]}." if preview else ""
    return await _answer(app, status, app.jobs.spent(plan) - spent, "none", added=added, agreed=agreed)


@partial(writing, finish=_run)
async def run_plan(ctx: Context[App, Any], plan: PlanId) -> Operation:
    """Run a plan in the background, or resume it. A person has to agree to more than 500 creates in an hour."""
    app = ctx.request_context.lifespan_context
    status = await app.plans.status(plan)
    return Operation("", ()) if status.state in ("running", "finished") else operation_of(status, "")


async def get_plan(
    ctx: Context[App, Any], plan: PlanId, rows: WhichRows = "none", cursor: arguments.Cursor = 0
) -> Annotated[CallToolResult, PlanAnswer]:
    """Get a plan: how far it is, and on request its rows, a hundred at a time."""
    app = ctx.request_context.lifespan_context
    return await _answer(app, await app.plans.status(plan), 0, rows, after=cursor)


async def cancel_plan(ctx: Context[App, Any], plan: PlanId) -> Annotated[CallToolResult, PlanAnswer]:
    """Cancel a plan: its run ends after the rows in flight. What was created stays; undo_change takes it back."""
    app = ctx.request_context.lifespan_context
    await app.jobs.cancel(plan)
    status = await app.jobs.wait(plan, STEP_SECONDS)
    await announce.updated(ctx, announce.uri(announce.PLAN, plan=plan))
    return await _answer(app, status, 0, "none")


async def followed(ctx: Context[App, Any], plan: str) -> Status:
    """The status when the job has ended, or when a tool has to answer; the client sees it move meanwhile."""
    jobs, told = ctx.request_context.lifespan_context.jobs, 0
    seconds = min(WAIT_SECONDS, current().patience())
    async for status in jobs.watch(plan, STEP_SECONDS, seconds):
        if status.state != "planning" and status.done > told:  # the protocol wants numbers that grow
            told = status.done
            await ctx.report_progress(told, status.plan.writes, plan_sentence(status))
    return status


async def _answer(
    app: App,
    status: Status,
    spent: int,
    which: str,
    *,
    after: int = 0,
    limit: int = PAGE,
    added: str = "",
    agreed: str = "",
) -> CallToolResult:
    rows: list[ReportRow] = []
    if which == "attention":
        rows = await attention(app.plans, app.changes.log, status, after, limit + 1)
    elif which == "all":
        rows = [row async for row in every_row(app.plans, app.changes.log, status, after, limit + 1)]
    views = answers.fitting(map(RowView.model_validate, rows[:limit]))
    cursor = str(rows[len(views) - 1].line) if len(views) < len(rows) else None
    place = {"environment": app.environment, "team": status.plan.team, "agreed": agreed}
    view = PlanAnswer.of(status, app.budget.bulk, rows=views, next_cursor=cursor, points_spent=spent, **place)
    return answers.answer(f"{plan_sentence(status)}{added}", view)
