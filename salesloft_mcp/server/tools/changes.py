"""The log of every write made here, and the way back."""

from functools import partial
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import ElicitationResult
from mcp_types import CallToolResult
from pydantic import BeforeValidator, Field, WithJsonSchema

from salesloft_mcp.app import App
from salesloft_mcp.bulk.views import PlanView, plan_sentence
from salesloft_mcp.changes import history
from salesloft_mcp.changes.change import Author, Done, Operation
from salesloft_mcp.changes.undo import undo
from salesloft_mcp.errors import ConflictError, InputError, SalesloftMcpError
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.server import answers, arguments, writes
from salesloft_mcp.server.consent import Asked, require_consent
from salesloft_mcp.server.tools.plans import followed
from salesloft_mcp.text import View, did_you_mean


def _moment(value: object) -> float:
    try:
        return history.moment(value if isinstance(value, str) else "")
    except (ValueError, OverflowError):
        raise ValueError("must be a date or time such as 2026-01-31 or 2026-01-31T09:00:00Z.") from None


# Who writes, as the log names it: tools, and names that earlier versions had.
WRITERS = frozenset(
    {
        *("create_external_id_mapping", "delete_external_id_mapping"),
        *("create_external_id_configuration", "delete_external_id_configuration"),
        *("upsert_person_by_external_id", "upsert_account_by_external_id"),
        *("run_plan", "undo_change", "run_backfill", "verify"),
    }
)
RUNNERS = ("run_plan", "runs start")  # what these write by themselves is a configuration
_SINCE = "Only since this date or time, such as 2026-01-31."
Since = Annotated[
    Annotated[float, BeforeValidator(_moment), WithJsonSchema({"type": "string"})] | None,
    Field(description=_SINCE),
]
ChangeNumber = Annotated[arguments.ObjectId, Field(description="The change_id of a write, or an id of list_changes.")]
ToolName = Annotated[str, Field(strict=True, max_length=100, description="Only changes made by this tool.")]


class LoggedView(View):
    id: int = Field(description="The change_id that undo_change takes.")
    at: str = Field(description="When it was made, in UTC.")
    who: str = Field(description="The client that asked for it, by the name it gives itself.")
    person: str = Field("", description="Whose token it was made with, by name and id, where that was known.")
    team: str = Field("", description="The id of the team it was made in, where that is known.")
    tool: str = Field(description="The tool or command that made it.")
    agreed: str = Field(description="How a person agreed, or that nobody was asked.")
    did: str = Field("", description="What several changes come to: a run in numbers, a move, a replacement.")
    plan: str = Field("", description="Of a run: its plan; get_plan with rows written lists what it wrote.")
    undoes: int = Field(0, description="The change that this one took back.")
    undone_by: int = Field(0, description="The change that took this one back.")
    changes: list[writes.ChangeView] = Field([], description="Its changes; of a run only those that were asked for.")


class Changes(answers.Answer):
    changes: list[LoggedView] = Field(description="The changes, newest first.")
    next_cursor: answers.NextCursor | None = None


class Undone(writes.Written):
    run: PlanView | None = Field(None, description="The run that takes back the rest; look with get_plan.")


async def list_changes(
    ctx: Context[App, Any],
    external_id: arguments.OnlyExternalId = "",
    object_type: arguments.OnlyKind = None,
    object_id: arguments.OnlyObjectId = None,
    tool: ToolName = "",
    since: Since = None,
    limit: arguments.Limit = 20,
    cursor: arguments.Cursor = 0,
) -> Annotated[CallToolResult, Changes]:
    """List the changes this server has made, newest first: who wrote what, old and new values, when, and how a person
    agreed."""
    app = ctx.request_context.lifespan_context
    await app.changes.look_back()
    search = history.Search(
        tenant=app.environment,
        external_id=external_id,
        object_type=object_type or "",
        object_id=object_id,
        title=tool,
        since=since,
        older_than=cursor or None,
    )
    found = await history.find(app.database, search, limit + 1)
    if tool and not found and tool not in (known := WRITERS | await history.writers(app.database)):
        raise InputError("tool", f"nothing that writes has this name; {did_you_mean(tool, known)}")
    is_narrow = bool(external_id or object_id)
    rows = answers.fitting(_row(one, is_narrow) for one in found[:limit])
    view = Changes(changes=rows, next_cursor=str(rows[-1].id) if len(found) > len(rows) else None)
    by = answers.filtered(external_id=external_id, object_type=object_type, object_id=object_id, tool=tool, since=since)
    words = answers.listed(len(rows), "change", by, more=view.next_cursor is not None, first=not cursor)
    if not (rows or cursor):
        words += " Only what was written through this server is known here."
    return answers.read(words, view)


async def _undo(
    ctx: Context[App, Any], asked: Asked, answered: ElicitationResult[Any], preview: bool, **_: object
) -> Annotated[CallToolResult, Undone]:
    """What a run wrote, or a configuration took with it, comes back several at once, in the background."""
    app, operation = ctx.request_context.lifespan_context, asked.operation
    if preview or not operation.by_run.plan:
        return await writes.write(ctx, asked, answered, preview)
    if operation.changes:
        done = await writes.carried_out(ctx, asked, answered)
        try:
            await app.jobs.start_undo(operation, Author(current().who, done.how), done.number)
        except SalesloftMcpError as error:
            raise writes.half_done(done, error) from error
    else:
        author = await require_consent(ctx, asked, answered)
        number = await app.jobs.start_undo(operation, author)
        done = Done(number, await app.changes.place(), author.how, ())
    status = await followed(ctx, operation.by_run.plan)
    run, spent = PlanView.short(status, app.budget.bulk), app.jobs.spent(operation.by_run.plan)
    told = writes.facts(done, operation)
    if status.under_way or status.left:
        told["status"] = "running" if status.under_way else "stopped"
    else:
        ended = {*status.outcomes, *(one.state for one in done.outcomes)}
        told["status"] = next((word for word in ("deleted", "updated", "created") if word in ended), "unchanged")
        if operation.by_run.renames and {"created", "deleted"} <= ended:
            told["status"] = "renamed"
    view = Undone(**told, run=run, points_spent=spent)
    return answers.answer(f"{writes.sentence(done, operation)} {plan_sentence(status)}".strip(), view)


@partial(writes.writing, finish=_undo)
async def undo_change(ctx: Context[App, Any], change: ChangeNumber) -> Operation:
    """Undo a change or a whole run: restore what it deleted or replaced, or delete the mappings it created after a
    person has agreed; records stay."""
    app = ctx.request_context.lifespan_context
    own = await app.plans.of_operation(change)
    if own is not None and (status := await app.plans.status(own.id)).under_way:
        ending = "it is ending; look with get_plan" if status.state == "cancelling" else "end it with cancel_plan"
        step = f"{ending} {own.id}, then undo it."
        raise ConflictError(f"change: plan {own.id} is still under way. Nothing was changed.", next_step=step)
    return await undo(app.changes, app.database, change)


def _row(row: history.Logged, is_narrow: bool) -> LoggedView:
    """An operation; a run is one line, beside which only what was asked for by its ids is shown."""
    lines = row.lines if is_narrow or not row.plan else [one for one in row.lines if one.line is None]
    needed = row.title in RUNNERS and not row.plan  # whoever undoes the last run means the run
    return LoggedView(
        id=row.id,
        at=row.time,
        who=row.who,
        person=row.person,
        team=row.team,
        tool=row.title,
        agreed=row.agreed,
        did="the configuration that the run before it needed" if needed else row.did,
        changes=answers.fitting(writes.change_view(one.change, one.state, one.change.after, one.note) for one in lines),
        plan=row.plan,
        undoes=row.undoes,
        undone_by=row.undone_by,
    )
