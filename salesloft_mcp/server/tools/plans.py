"""Plans: many mappings or records at once, planned before anything is written, run by a job that outlives the call."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import ElicitationResult
from mcp_types import CallToolResult
from pydantic import BeforeValidator, Field, WithJsonSchema

from salesloft_mcp import errors
from salesloft_mcp.app import App
from salesloft_mcp.bulk.plan import Aim, Load
from salesloft_mcp.bulk.plan_renames import load_mappings, rename
from salesloft_mcp.bulk.report import ReportRow, attention, every_row
from salesloft_mcp.bulk.sources import source
from salesloft_mcp.bulk.status import Status, operation_of
from salesloft_mcp.bulk.views import PlanView, RowView, plan_sentence
from salesloft_mcp.changes import history
from salesloft_mcp.changes.change import Operation
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.salesloft.environment import named
from salesloft_mcp.salesloft.models import object_type_of
from salesloft_mcp.server import announce, answers, arguments
from salesloft_mcp.server.allowed import allowed_plan
from salesloft_mcp.server.consent import Asked, how_asked, require_consent
from salesloft_mcp.server.tools.upserts import IntentArgument
from salesloft_mcp.server.writes import writing

WAIT_SECONDS = 15.0  # of the twenty a tool has
STEP_SECONDS = 1.0
EXAMPLES = 5
SMALL = 25  # rows of a plan that is told with every row that needs a person
PAGE = 100
SHORT_TEAM, LONGEST_TEAM = 20, 255  # characters of the name of a team
_ROWS = "Up to 1000 rows, each with external_id and "
_FILE = "A file in the open folder, instead of rows."
_FIELD = "The custom field that holds the ids, instead of rows."


def _rows(needs: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "array", "description": f"{_ROWS}{needs}.", "items": {"type": "object"}})


Rows = Annotated[list[dict[str, Any]], Field(max_length=1_000), _rows("one of object_id, email, domain and crm_id")]
RecordRows = Annotated[list[dict[str, Any]], Field(max_length=1_000), _rows("the fields to write")]
File = Annotated[str, Field(strict=True, max_length=4_096, description=_FILE)]
CustomField = Annotated[str, Field(strict=True, max_length=255, description=_FIELD)]
PlanId = Annotated[str, Field(strict=True, max_length=64, description="The plan of an earlier answer.")]
Columns = Annotated[
    dict[str, str],
    Field(max_length=200),
    WithJsonSchema({"type": "object", "description": 'Fields by column: {"Contact ID": "external_id"}.'}),
]
WhichRows = Annotated[
    Literal["none", "attention", "written", "all"],
    Field(description="attention: what cannot be written or failed; written: what the run writes."),
]


NewExternalType = Annotated[arguments.ExternalType, Field(description="Its new name.")]
KindOfUpsert = Annotated[
    Literal["people", "accounts"],
    BeforeValidator(object_type_of),
    Field(description="Kind of record."),
]
IncludeSuspicious = Annotated[
    bool, Field(strict=True, description="Also write rows whose ids look damaged; a person is asked.")
]


class PlanAnswer(PlanView, answers.Answer):
    ours = PlanView.ours | {"question"}

    agreed: str = Field("", description="How a person agreed to the run, or that nobody was asked.")
    environment: str = Field("", description="Where it is written.")
    team: str = Field("", description="The team, by name and id, as far as they are known.")
    next_cursor: answers.NextCursor | None = None
    question: str = Field("", description="Of a preview: what a person would be asked.")
    rows: list[RowView] = Field([], description="The rows that need a person, or those that were asked for.")


async def plan_backfill(
    ctx: Context[App, Any],
    external_type: arguments.ExternalType,
    object_type: arguments.KindOfRecord,
    rows: Rows = [],  # noqa: B006 - never changed
    file: File = "",
    custom_field: CustomField = "",
    columns: Columns = {},  # noqa: B006 - never changed
) -> Annotated[CallToolResult, PlanAnswer]:
    """Plan a backfill: give many existing records their ids, from rows, a spreadsheet or a custom field. A dry run that
    writes nothing: it says what would be mapped, what cannot be, and the cost."""
    return await _planned(ctx, Aim(external_type, object_type), rows, file, custom_field, columns=columns)


async def plan_bulk_upsert(
    ctx: Context[App, Any],
    external_type: arguments.ExternalType,
    object_type: KindOfUpsert,
    rows: RecordRows = [],  # noqa: B006 - never changed
    file: File = "",
    columns: Columns = {},  # noqa: B006 - never changed
    intent: IntentArgument = "upsert",
) -> Annotated[CallToolResult, PlanAnswer]:
    """Plan a bulk upsert: many people or accounts created or updated by external id, from rows or a file. A dry run
    that writes nothing: it says what becomes of each row, and the cost."""
    return await _planned(ctx, Aim(external_type, object_type, intent), rows, file, columns=columns)


async def plan_type_rename(
    ctx: Context[App, Any],
    external_type: arguments.ExternalType,
    object_type: arguments.KindOfRecord,
    new_external_type: NewExternalType,
) -> Annotated[CallToolResult, PlanAnswer]:
    """Plan to rename an external type: all its mappings go to a new type. It writes nothing."""
    app = ctx.request_context.lifespan_context
    aim = rename(external_type, object_type, new_external_type)
    return await _answered(ctx, aim, partial(load_mappings, api=app.salesloft), f"type {external_type}")


async def _planned(
    ctx: Context[App, Any],
    aim: Aim,
    rows: Sequence[Mapping[str, Any]],
    file: str,
    custom_field: str | None = None,
    columns: Mapping[str, str] | None = None,
) -> CallToolResult:
    app = ctx.request_context.lifespan_context
    load, described = source(app.salesloft, rows, file, custom_field, app.settings.files_dir, columns)
    return await _answered(ctx, aim, load, described)


async def _answered(ctx: Context[App, Any], aim: Aim, load: Load, described: str) -> CallToolResult:
    app = ctx.request_context.lifespan_context
    plan = await app.jobs.plan(aim, load, described)
    status = await followed(ctx, plan)
    await app.changes.place()  # so that the team is told by its name
    await announce.updated(ctx, announce.uri(announce.PLAN, plan=plan))
    if status.problem:
        raise errors.SalesloftMcpError(status.problem)
    limit = SMALL if status.plan.counts.total() <= SMALL else EXAMPLES
    return await _answer(app, status, app.jobs.spent(plan), "attention", limit=limit)


async def _run(
    ctx: Context[App, Any],
    asked: Asked,
    answered: ElicitationResult[Any],
    preview: bool,
    plan: str,
    include_suspicious: bool,
) -> Annotated[CallToolResult, PlanAnswer]:
    app = ctx.request_context.lifespan_context
    spent, agreed = app.jobs.spent(plan), ""
    if preview:
        agreed = "nobody would be asked" if asked.question is None else how_asked(ctx)
    elif asked.operation.by_run.plan:
        author = await require_consent(ctx, asked, answered)
        await app.jobs.start(asked.operation, author)
        spent, agreed = 0, author.how or await _agreed_before(app, plan)
    run, question = asked.operation.by_run, asked.question
    status = await (app.plans.status(plan) if preview else followed(ctx, plan))
    if preview and run.suspicious:  # so that the points are those of what it would write
        status = replace(status, plan=replace(status.plan, suspicious=True))
    await announce.updated(ctx, announce.uri(announce.PLAN, plan=plan))
    spent = app.jobs.spent(plan) - spent
    if not preview:
        return _poll(app, status, spent, agreed)
    would = f"The run would change: {run.told}." if run.writes else "Nothing would change."
    added = f" {would} {agreed[0].upper()}{agreed[1:]}."
    return await _answer(app, status, spent, "none", added=added, agreed=agreed, asks=question.text if question else "")


async def _agreed_before(app: App, plan: str) -> str:
    """How a person agreed when the run was begun, which may have been some time ago."""
    begun = history.Search(tenant=app.environment, id=(await app.plans.status(plan)).plan.operation)
    return next((one.how for one in await history.find(app.database, begun, 1)), "") or history.UNASKED


@partial(writing, finish=_run)
async def run_plan(ctx: Context[App, Any], plan: PlanId, include_suspicious: IncludeSuspicious = False) -> Operation:
    """Run a plan in the background, or resume it. A person must agree to more than 500 writes in an hour, and to
    what the plan lists under asks."""
    app = ctx.request_context.lifespan_context
    status = await allowed_plan(app, plan)
    if status.state in ("running", "finished") and not include_suspicious:
        return Operation("", ())
    return operation_of(status, "", include_suspicious)


async def get_plan(
    ctx: Context[App, Any], plan: PlanId, rows: WhichRows = "none", cursor: arguments.Cursor = 0
) -> Annotated[CallToolResult, PlanAnswer]:
    """Get a plan: how far it is, and on request its rows."""
    app = ctx.request_context.lifespan_context
    status = await allowed_plan(app, plan)
    if rows == "none" and cursor:  # of the answer that planned, which lists these
        rows = "attention"
    return _poll(app, status) if rows == "none" else await _answer(app, status, 0, rows, after=cursor)


async def cancel_plan(ctx: Context[App, Any], plan: PlanId) -> Annotated[CallToolResult, PlanAnswer]:
    """Cancel a plan: stop its run after the rows in flight. What was created stays; undo_change takes it back."""
    app = ctx.request_context.lifespan_context
    await app.jobs.cancel(plan)
    status = await app.jobs.wait(plan, STEP_SECONDS)
    await announce.updated(ctx, announce.uri(announce.PLAN, plan=plan))
    return _poll(app, status)


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
    asks: str = "",
) -> CallToolResult:
    rows: list[ReportRow] = []
    if which == "attention":
        rows = await attention(app.plans, app.changes.log, status, after, limit + 1)
    elif which != "none":
        only = status.plan.written if which == "written" else ()
        rows = [row async for row in every_row(app.plans, app.changes.log, status, after, limit + 1, only)]
    views = answers.fitting(map(RowView.model_validate, rows[:limit]))
    cursor = str(rows[len(views) - 1].line) if len(views) < len(rows) else None
    place = {"environment": named(app.environment), "team": _team(app, status)}
    place |= {"agreed": agreed, "question": asks}
    view = PlanAnswer.of(status, app.budget.bulk, rows=views, next_cursor=cursor, points_spent=spent, **place)
    return answers.answer(f"{plan_sentence(status)}{added}", view)


def _poll(app: App, status: Status, spent: int = 0, agreed: str = "") -> CallToolResult:
    """How far a plan is, in at most 120 tokens; with the place that it is written to, where it was just begun."""
    place = {"agreed": agreed, "environment": named(app.environment), "team": _team(app, status, SHORT_TEAM)}
    begun = place if agreed else {}
    view = PlanAnswer.short(status, app.budget.bulk, points_spent=spent, **begun)
    return answers.answer(plan_sentence(status, short=True), view)


def _team(app: App, status: Status, most: int = LONGEST_TEAM) -> str:
    """The team that a plan was made for, with its name where it is known already and the token is still of that team:
    looking how far a plan is sends nothing.
    """
    place = app.changes.known_place
    if place is None or place.team_key != status.plan.team:
        return status.plan.team
    short = place.team if len(place.team) <= most else f"{place.team[: most - 1]}…"
    return replace(place, team=short).team_named
