"""Backfills: many mappings at once, planned before anything is written, run by a job that outlives the call."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any

import anyio
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Elicit, ElicitationResult, Resolve
from mcp_types import CallToolResult
from pydantic import AfterValidator, Field, WithJsonSchema

from salesloft_mcp import errors
from salesloft_mcp.app import App
from salesloft_mcp.bulk.jobs import Load, Status
from salesloft_mcp.bulk.plan import MOST_UNASKED, Aim, minutes
from salesloft_mcp.bulk.report import attention
from salesloft_mcp.bulk.sources import allowed_file, load_field, load_file, load_rows
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.server import announce, confirm
from salesloft_mcp.server.answers import answer, count, fitting
from salesloft_mcp.server.arguments import NEXT_CURSOR, ExternalType, ObjectTypeArgument
from salesloft_mcp.server.backfill_view import Backfill, attention_row, facts, sentence
from salesloft_mcp.server.confirm import Consent, Granted
from salesloft_mcp.server.refusals import not_configured
from salesloft_mcp.state.local import Question
from salesloft_mcp.text import quoted

RUN = "run_backfill"
WAIT_SECONDS = 15.0  # of the twenty a tool has
STEP_SECONDS = 1.0
EXAMPLES = 5
PAGE = 100
_ROW = {
    "type": "object",
    "properties": {
        "external_id": {"type": "string"},
        "object_id": {"type": "integer"},
        **{name: {"type": "string"} for name in ("email", "domain", "crm_id")},
    },
    "required": ["external_id"],
}
_ROWS = "Up to 1000 rows: an external_id, and one of object_id, email, domain and crm_id for its record."


def _cursor(value: str) -> str:
    if value and not (value.isascii() and value.isdigit() and len(value) < 12):
        raise ValueError("is not a cursor of an earlier answer; leave it out to begin anew.")
    return value


Rows = Annotated[
    list[dict[str, Any]],
    Field(max_length=1_000),
    WithJsonSchema({"type": "array", "description": _ROWS, "maxItems": 1_000, "items": _ROW}),
]
File = Annotated[
    str, Field(strict=True, max_length=4_096, description="Instead of rows: the path of a .csv or .jsonl file.")
]
CustomField = Annotated[
    str,
    Field(
        strict=True,
        max_length=255,
        description="Instead of rows: the custom field in which records hold their external id.",
    ),
]
BackfillId = Annotated[str, Field(strict=True, max_length=64, description="The backfill_id that plan_backfill gave.")]
Cursor = Annotated[str, Field(strict=True, description=NEXT_CURSOR), AfterValidator(_cursor)]


async def plan_backfill(
    ctx: Context[App, Any],
    external_type: ExternalType,
    object_type: ObjectTypeArgument,
    rows: Rows = [],  # noqa: B006 - never changed
    file: File = "",
    custom_field: CustomField = "",
) -> Annotated[CallToolResult, Backfill]:
    """Plan a backfill of many external id mappings from rows, a file or a custom field. Tells how many would be
    created, what it costs, and which rows cannot be used. Writes nothing to Salesloft."""
    app = ctx.request_context.lifespan_context
    aim = Aim(external_type, object_type)
    load, described = _source(app, rows, file, custom_field)
    known = await app.configurations.live()
    if not any((one.external_type, one.object_type) == (external_type, object_type) for one in known):
        raise not_configured(external_type, object_type, known)
    backfill_id = app.backfills.plan(aim, load, described)
    status = await _followed(ctx, backfill_id)
    await announce.updated(ctx, announce.backfill_uri(backfill_id))
    if status.state == "failed":
        raise errors.SalesloftMcpError(status.problem)
    return _answer(app, status, app.backfills.spent(backfill_id))


async def run_question(ctx: Context[App, Any], backfill_id: BackfillId) -> Question | None:
    """None for a small run, and for one that a person agreed to before it was cut off."""
    app = ctx.request_context.lifespan_context
    return _about(app, app.backfills.status(backfill_id))


async def ask_about_run(
    ctx: Context[App, Any], asked: Annotated[Question | None, Resolve(run_question)]
) -> Elicit[Consent] | Granted:
    """A yes or a no, where one is needed."""
    return Granted() if asked is None else confirm.ask(ctx, asked)


async def run_backfill(
    ctx: Context[App, Any],
    backfill_id: BackfillId,
    asked: Annotated[Question | None, Resolve(run_question)],
    answered: Annotated[ElicitationResult[Consent], Resolve(ask_about_run)],
) -> Annotated[CallToolResult, Backfill]:
    """Run or resume a planned backfill of external id mappings. It goes on when this call ends; get_backfill tells how
    far it is. A human has to agree to more than 500 creates."""
    app = ctx.request_context.lifespan_context
    status = app.backfills.status(backfill_id)
    spent = app.backfills.spent(backfill_id)
    if status.state not in ("running", "finished"):
        confirmed = confirm.settle(app, asked, _about(app, status), answered)
        app.backfills.start(backfill_id, confirmed)
        spent = 0
    status = await _followed(ctx, backfill_id)
    await announce.updated(ctx, announce.backfill_uri(backfill_id))
    return _answer(app, status, app.backfills.spent(backfill_id) - spent)


async def get_backfill(
    ctx: Context[App, Any], backfill_id: BackfillId, cursor: Cursor = ""
) -> Annotated[CallToolResult, Backfill]:
    """Get the progress of a backfill, and the rows that need attention."""
    app = ctx.request_context.lifespan_context
    return _answer(app, app.backfills.status(backfill_id), 0, int(cursor or 0), PAGE)


async def cancel_backfill(ctx: Context[App, Any], backfill_id: BackfillId) -> Annotated[CallToolResult, Backfill]:
    """Cancel a backfill when the rows in flight are written. What was created stays; run_backfill can resume it."""
    app = ctx.request_context.lifespan_context
    app.backfills.cancel(backfill_id)
    status = await app.backfills.wait(backfill_id, STEP_SECONDS)
    await announce.updated(ctx, announce.backfill_uri(backfill_id))
    return _answer(app, status, 0)


def _source(app: App, rows: list[dict[str, Any]], file: str, custom_field: str) -> tuple[Load, str]:
    """Where the rows come from, and how that is called."""
    if [bool(rows), bool(file), bool(custom_field)].count(True) != 1:
        raise errors.InputError("rows", "give exactly one of rows, file and custom_field.")
    if rows:
        return partial(load_rows, rows=rows), count(len(rows), "row")
    if file:
        found = allowed_file(file, app.files_dir)
        return partial(load_file, file=found), f"file {found.name}"
    return partial(load_field, api=app.backfills.api, field=custom_field), f"custom field {custom_field}"


async def _followed(ctx: Context[App, Any], backfill_id: str) -> Status:
    """The status when the job has ended, or when a tool has to answer; the client sees it move meanwhile."""
    app = ctx.request_context.lifespan_context
    status = app.backfills.status(backfill_id)
    tell = _teller(ctx)
    with anyio.move_on_after(WAIT_SECONDS):
        while status.under_way:
            status = await app.backfills.wait(backfill_id, STEP_SECONDS)
            await tell(status)
    return status


def _teller(ctx: Context[App, Any]) -> Callable[[Status], Awaitable[None]]:
    """Tells the client how far a job is. The protocol wants numbers that grow."""
    last = 0

    async def tell(status: Status) -> None:
        nonlocal last
        planning = status.state in ("planning", "planned", "failed")
        now = sum(status.verdicts.values()) if planning else status.done
        total = None if status.state == "planning" else now if planning else status.creates
        if now > last:
            last = now
            await ctx.report_progress(now, total, sentence(status))

    return tell


def _about(app: App, status: Status) -> Question | None:
    left = status.creates - status.done
    if left <= MOST_UNASKED or (status.state == "stopped" and status.confirmed):
        return None
    shown: dict[str, object] = {
        "backfill": status.id,
        "external type": quoted(status.aim.external_type),
        "object type": status.aim.object_type,
        "from": quoted(status.source),
        "digest of the input": status.digest,
        "mappings to create": left,
        "conflicts left out": status.verdicts["conflict"],
        "unknown objects left out": status.verdicts["object unknown"],
        "cost": f"{left} points, about {minutes(left, app.budget.bulk)} minutes",
        "what happens": "each is created; a mapping cannot be changed later, only deleted",
    }
    return confirm.question(app, RUN, "Create these external id mappings", shown)


def _answer(app: App, status: Status, spent: int, after: int = 0, limit: int = EXAMPLES) -> CallToolResult:
    with app.backfills.report(status.id) as journal:
        lines = attention(journal, after, limit + 1)
    rows = fitting(map(attention_row, lines[:limit]))
    more = {"next_cursor": str(lines[len(rows) - 1].line)} if len(rows) < len(lines) else {}
    points = {"points_spent": current().points + spent}
    return answer(sentence(status), Backfill(**facts(status, app.budget.bulk), rows=rows, **more, **points))
