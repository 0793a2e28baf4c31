"""A write that a tool asks for: agreed to, carried out, told to clients, and answered; or only previewed."""

from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import ElicitationResult
from pydantic import Field, JsonValue

from salesloft_mcp import errors
from salesloft_mcp.app import App
from salesloft_mcp.changes.change import DONE, Change, Done, Image, Outcome, Place, Verdict
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.server import announce
from salesloft_mcp.server.answers import ExternalIdField, ExternalTypeField, ObjectTypeField, PointsSpent, View, safe
from salesloft_mcp.server.consent import Asked, require_consent
from salesloft_mcp.text import escaped, shortened

Status = Literal["created", "updated", "deleted", "unchanged", "preview"]
Preview = Annotated[bool, Field(strict=True, description="True only shows what would be written.")]


class ChangeView(View):
    """One change. `old` and `new` are what stands there before and after; neither is there when nothing is."""

    kind: Literal["mapping", "configuration", "record"] = Field(description="What is changed.")
    external_type: ExternalTypeField
    object_type: ObjectTypeField
    external_id: ExternalIdField | None = None
    old: Annotated[
        dict[str, JsonValue] | None, Field(description="What stood there before; absent where nothing did.")
    ] = None
    new: Annotated[
        dict[str, JsonValue] | None, Field(description="What stands there now; absent where nothing does.")
    ] = None
    outcome: Annotated[
        str,
        Field(description="How it ended; of a preview done (nothing to do), open or conflict."),
    ]
    note: str | None = Field(None, description="Why it is not done.")


class Written(View):
    """What a write did, and how a person agreed to it."""

    status: Status = Field(description="What happened; preview: nothing was written.")
    change_id: int | None = Field(None, description="The number that undo_change takes.")
    environment: str = Field(description="Where it was written.")
    team: str | None = Field(None, description="The team, by name and id.")
    agreed: str = Field(description="How a person agreed, or that nobody was asked.")
    changes: list[ChangeView] = Field(description="Each change, in its order.")
    points_spent: PointsSpent


async def carried_out(ctx: Context[App, Any], asked: Asked, answered: ElicitationResult[Any]) -> Done:
    """Do what was agreed to, and tell clients what changed.

    Raises:
        UnconfirmedError: the person did not agree.
        SalesloftMcpError: a change of it could not be done; what was done before it stands, and is told.
    """
    app = ctx.request_context.lifespan_context
    done = await app.changes.apply(asked.operation, await require_consent(app, asked, answered))
    await announce.written(ctx, done.outcomes)
    if done.error is not None:
        raise _half_done(done, done.error)
    return done


async def previewed(ctx: Context[App, Any], asked: Asked) -> Written:
    """The operation as it would be sent, and whether a person would be asked."""
    app = ctx.request_context.lifespan_context
    operation = asked.operation
    verdicts = await app.changes.preview(operation)
    return Written(
        status="preview",
        environment=app.environment,
        team=team_of(await app.changes.place()),
        agreed="nobody would be asked" if asked.question is None else "a person would be asked",
        changes=[_planned(change, verdict) for change, verdict in zip(operation.changes, verdicts, strict=True)],
        points_spent=current().points,
    )


def facts(done: Done) -> dict[str, Any]:
    """The fields of `Written`, for a view that has more of them."""
    return {
        "status": status_of(done),
        "change_id": done.number,
        "environment": done.place.environment,
        "team": team_of(done.place),
        "agreed": done.how or "nobody was asked",
        "changes": [_settled(one) for one in done.outcomes],
        "points_spent": current().points,
    }


def status_of(done: Done) -> Status:
    """In one word: of several changes the one that creates."""
    states = {one.state for one in done.outcomes}
    words: tuple[Status, ...] = ("created", "updated", "deleted")
    return next((word for word in words if word in states), "unchanged")


def team_of(place: Place) -> str | None:
    """The team by name and id, as far as they are known."""
    if place.team_id is None:
        return None
    return f"{escaped(place.team)} ({place.team_id})" if place.team else str(place.team_id)


def _half_done(done: Done, error: errors.SalesloftMcpError) -> errors.SalesloftMcpError:
    before = [one for one in done.outcomes if one.state in DONE]
    if not before:
        return error
    said = " and ".join(f"{one.state}: {_named(one.line.change)}" for one in before)
    what = f"{said} (change {done.number}), but the rest was not done: {error.what}"
    step = f"undo_change {done.number} takes back what was done; or: {error.next_step or 'make the same call again.'}"
    return errors.SalesloftMcpError(what, next_step=step)


def _named(change: Change) -> str:
    kind = change.kind if change.object_id is None else f"{change.kind} of {change.key.object_type} {change.object_id}"
    return f"the {kind}"


def _planned(change: Change, verdict: Verdict) -> ChangeView:
    return change_view(change, verdict, change.after)


def _settled(outcome: Outcome) -> ChangeView:
    change = outcome.line.change
    stands = outcome.after if outcome.after is not None else change.after
    return change_view(change, outcome.state, None if outcome.state == "deleted" else stands, outcome.note)


def change_view(change: Change, outcome: str, after: Image | None, note: str = "") -> ChangeView:
    """A change as tools show it, with every text in it made safe."""
    return ChangeView(
        kind=change.kind,
        external_type=escaped(change.key.external_type),
        object_type=change.key.object_type,
        external_id=escaped(change.key.external_id) or None,
        old=None if change.before is None else safe(dict(change.before), shortened),
        new=None if after is None else safe(dict(after), shortened),
        outcome=outcome,
        note=escaped(note) or None,
    )
