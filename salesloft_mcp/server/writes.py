"""A write that a tool asks for: agreed to, carried out, told to clients, and answered; or only previewed."""

import inspect
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import ElicitationResult, Resolve
from mcp_types import CallToolResult
from pydantic import Field, JsonValue, WithJsonSchema

from salesloft_mcp import errors
from salesloft_mcp.app import App
from salesloft_mcp.changes.change import DONE, Change, Done, Image, Operation, Outcome, Place
from salesloft_mcp.changes.consent import by_run
from salesloft_mcp.changes.kinds import stands_already
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.salesloft.models import one_record
from salesloft_mcp.server import announce
from salesloft_mcp.server.answers import (
    ConfigurationIdField,
    ExternalIdField,
    ExternalTypeField,
    MappingIdField,
    ObjectIdField,
    ObjectTypeField,
    PointsSpent,
    View,
    answer,
    safe,
)
from salesloft_mcp.server.consent import Asked, Build, Consent, asking, require_consent
from salesloft_mcp.text import escaped, shortened

# Which ids an answer tells of each kind, and where the image of it holds them.
_IDS = {
    "mapping": {"mapping_id": "id", "object_id": "object_id"},
    "configuration": {"configuration_id": "id"},
    "record": {"object_id": "id"},
}

Shown = dict[str, JsonValue]
Status = Literal["created", "updated", "deleted", "unchanged", "preview"]
Preview = Annotated[bool, Field(strict=True, description="True only shows what would be written.")]


def _object(description: str) -> WithJsonSchema:
    return WithJsonSchema({"type": "object", "additionalProperties": True, "description": description})


class ChangeView(View):
    """One change. `old` and `new` are what stands there before and after; neither is there when nothing is."""

    kind: Literal["mapping", "configuration", "record"] = Field(description="What is changed.")
    external_type: ExternalTypeField
    object_type: ObjectTypeField
    external_id: ExternalIdField | None = None
    old: Annotated[Shown | None, _object("What stood there before; absent where nothing did.")] = None
    new: Annotated[Shown | None, _object("What stands there now; absent where nothing does.")] = None
    outcome: str = Field(description="How it ended; of a preview done (nothing to do) or open.")
    note: str | None = Field(None, description="Why it is not done.")


class Written(View):
    """What a write did, and how a person agreed to it."""

    status: Status = Field(description="What happened; preview: nothing was written.")
    change_id: int | None = Field(None, description="The number that undo_change takes.")
    environment: str = Field(description="Where it was written.")
    team: str | None = Field(None, description="The team, by name and id.")
    agreed: str = Field(description="How a person agreed, or that nobody was asked.")
    changes: list[ChangeView] = Field(description="Each change, in its order.")
    mapping_id: MappingIdField | None = None
    object_id: ObjectIdField | None = None
    configuration_id: ConfigurationIdField | None = None
    saved_mappings: int | None = Field(None, description="How many mappings used the configuration and can come back.")
    not_brought_back: list[str] | None = Field(None, description="The fields that an undo could not bring back.")
    question: str | None = Field(None, description="Of a preview: what a person would be asked.")
    points_spent: PointsSpent


def writing(build: Build) -> Callable[..., Awaitable[CallToolResult]]:
    """The tool that carries out the operation which `build` makes of its arguments, by its name and docstring.

    It takes `preview` too; and what a person is asked and answers, which the model neither sees nor sends.
    """
    about, answer_on = asking(build)

    async def tool(
        ctx: Context[App, Any],
        asked: Annotated[Asked, Resolve(about)],
        answered: Annotated[ElicitationResult[Consent], Resolve(answer_on)],
        preview: Preview = False,
        **_: object,
    ) -> Annotated[CallToolResult, Written]:
        return await write(ctx, asked, answered, preview)

    own, added = inspect.signature(build).parameters, inspect.signature(tool)
    both = {**own, **{name: one for name, one in added.parameters.items() if name != "_"}}
    shown = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in both.values()]
    tool.__signature__ = added.replace(parameters=shown)  # type: ignore[attr-defined]
    tool.__annotations__ |= {name: one.annotation for name, one in own.items()}
    tool.__name__, tool.__doc__ = build.__name__, build.__doc__
    return tool


async def write(
    ctx: Context[App, Any], asked: Asked, answered: ElicitationResult[Any], preview: bool
) -> CallToolResult:
    """The answer of a tool that writes: what was done, or what would be.

    Raises:
        UnconfirmedError: the person did not agree.
        SalesloftMcpError: a change of it could not be done; what was done before it stands, and is told.
    """
    if preview:
        return await _previewed(ctx, asked)
    done = await carried_out(ctx, asked, answered)
    return answer(sentence(done, asked.operation), Written(**facts(done, asked.operation)))


async def carried_out(ctx: Context[App, Any], asked: Asked, answered: ElicitationResult[Any]) -> Done:
    """Do what was agreed to, and tell clients what changed; raises what `write` raises."""
    app = ctx.request_context.lifespan_context
    done = await app.changes.apply(asked.operation, await require_consent(app, asked, answered))
    await announce.written(ctx, done.outcomes)
    if done.error is not None:
        raise _half_done(done, done.error)
    return done


async def _previewed(ctx: Context[App, Any], asked: Asked) -> CallToolResult:
    """The operation as it would be sent, held against what was read just now, and whether a person would be asked."""
    app, operation = ctx.request_context.lifespan_context, asked.operation
    view = Written(
        status="preview",
        environment=app.environment,
        team=_team(await app.changes.place()),
        agreed="nobody would be asked" if asked.question is None else "a person would be asked",
        changes=[change_view(one, "done" if stands_already(one) else "open", one.after) for one in operation.changes],
        not_brought_back=list(operation.left) or None,
        question=asked.question and asked.question.text,
        points_spent=current().points,
    )
    run = "".join(f" By a run, {name}: {number}." for name, number in by_run(operation).items())
    return answer(f"preview: nothing was written.{run}", view)


def facts(done: Done, operation: Operation) -> dict[str, Any]:
    """The fields of `Written`, for a view that has more of them."""
    return {
        "status": _status(done),
        "change_id": done.number,
        "environment": done.place.environment,
        "team": _team(done.place),
        "agreed": done.how or "nobody was asked",
        "changes": [change_view(one.line.change, one.state, _stands(one), one.note) for one in done.outcomes],
        **_ids(done),
        "saved_mappings": done.carried or None,
        "not_brought_back": list(operation.left) or None,
        "points_spent": current().points,
    }


def sentence(done: Done, operation: Operation) -> str:
    """What happened to each thing, in our words."""
    left = [f"Not brought back: {', '.join(operation.left)}."] if operation.left else []
    return " ".join([f"{_said(one)}." for one in done.outcomes] + left)


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


def _status(done: Done) -> Status:
    """In one word: of several changes the one that creates."""
    states = {one.state for one in done.outcomes}
    words: tuple[Status, ...] = ("created", "updated", "deleted")
    return next((word for word in words if word in states), "unchanged")


def _ids(done: Done) -> dict[str, JsonValue]:
    """Salesloft's ids of what was written; of a mapping that took the place of another, those of the new one."""
    ids: dict[str, JsonValue] = {}
    for one in sorted(done.outcomes, key=lambda one: one.state != "deleted"):
        ids |= {field: _image(one).get(name) for field, name in _IDS[one.line.change.kind].items()}
    return ids


def _said(outcome: Outcome) -> str:
    change, image = outcome.line.change, _image(outcome)
    number = "" if image.get("id") is None else f" {image['id']}"
    what = {
        "mapping": f"mapping{number} of {one_record(change.key.object_type, image.get('object_id'))}",
        "configuration": f"configuration{number} for {change.key.object_type}",
        "record": one_record(change.key.object_type, change.object_id or image.get("id")),
    }[change.kind]
    stays = "; the record stays" if (outcome.state, change.kind) == ("deleted", "mapping") else ""
    return f"{outcome.state}: {what}{stays}"


def _stands(outcome: Outcome) -> Image | None:
    """What stands there now."""
    if outcome.state == "deleted":
        return None
    return outcome.line.change.after if outcome.after is None else outcome.after


def _image(outcome: Outcome) -> Image:
    """What stands there now, or stood there before it was deleted."""
    return _stands(outcome) or outcome.line.change.before or {}


def _team(place: Place) -> str | None:
    """The team by name and id, as far as they are known."""
    if place.team_id is None:
        return None
    return f"{escaped(place.team)} ({place.team_id})" if place.team else str(place.team_id)


def _half_done(done: Done, error: errors.SalesloftMcpError) -> errors.SalesloftMcpError:
    before = [_said(one) for one in done.outcomes if one.state in DONE]
    if not before:
        return error
    what = f"{' and '.join(before)} (change {done.number}), but the rest was not done: {error.what}"
    on = error.steps if error.next_step else ("make the same call again.",)
    step = (f"undo_change {done.number} takes back what was done; or: ", *on)
    return errors.SalesloftMcpError(what, next_step=step)
