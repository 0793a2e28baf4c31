"""A write that a tool asks for: agreed to, carried out, told to clients, and answered; or only previewed."""

import inspect
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, replace
from functools import wraps
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Elicit, ElicitationResult, Resolve
from mcp_types import CallToolResult
from pydantic import Field, JsonValue

from salesloft_mcp import errors
from salesloft_mcp.app import App
from salesloft_mcp.changes.change import DONE, Change, Done, Image, Operation, Outcome, State
from salesloft_mcp.changes.history import UNASKED
from salesloft_mcp.changes.kinds import stands_already
from salesloft_mcp.changes.refusals import require_configured
from salesloft_mcp.changes.rekey import Rekey, is_whole, rekeyed
from salesloft_mcp.changes.spelling import not_taken, spelled_otherwise
from salesloft_mcp.salesloft.environment import named
from salesloft_mcp.salesloft.models import SINGULAR, one_record
from salesloft_mcp.server import announce, answers
from salesloft_mcp.server.consent import Asked, Consent, Granted, how_asked, put, question_about, require_consent
from salesloft_mcp.text import Shown, View, some

# Which ids an answer tells of each kind, and where the image of it holds them.
_IDS = {
    "mapping": {"mapping_id": "id", "object_id": "object_id"},
    "configuration": {"configuration_id": "id"},
    "record": {"object_id": "id"},
}

Ended = Literal[State, "done", "open"]
Status = Literal[
    "created", "updated", "deleted", "moved", "replaced", "renamed", "unchanged", "preview", "running", "stopped"
]
Preview = Annotated[bool, Field(strict=True, description="Show only; write nothing.")]
# What does the work once the person was asked: it gets the context, the question, the answer, `preview` and the
# arguments of the tool. The schema of what it returns is the tool's.
Finish = Callable[..., Awaitable[CallToolResult]]


class ChangeView(View):
    """One change. `old` and `new` are what stands there before and after; neither is there when nothing is."""

    ours = frozenset({"old", "new", "note"})  # `Shown` makes the first two safe

    kind: Literal["mapping", "configuration", "record"] = Field(description="What is changed.")
    external_type: answers.ExternalTypeField
    object_type: answers.ObjectTypeField
    external_id: answers.ExternalIdField = ""
    old: Shown | None = Field(None, description="What stood there before; absent where nothing did.")
    new: Shown | None = Field(None, description="What stands there now; absent where nothing does.")
    outcome: Ended = Field(description="How it ended; of a preview done (nothing to do) or open.")
    note: str = Field("", description="Why it is not done.")


class Written(answers.Answer):
    """What a write did, and how a person agreed to it."""

    ours = frozenset({"question", "not_taken", "spelled_otherwise", "notes"})

    status: Status = Field(description="What happened; preview: nothing was written; running: a run does it now.")
    change_id: int | None = Field(None, description="The number that undo_change takes.")
    environment: str = Field(description="Where it was written.")
    team: str | None = Field(None, description="The team, by name and id.")
    agreed: str = Field(description="How a person agreed, or that nobody was asked.")
    changes: list[ChangeView] = Field(description="Each change, in its order.")
    mapping_id: answers.MappingIdField | None = None
    object_id: answers.ObjectIdField | None = None
    configuration_id: answers.ConfigurationIdField | None = None
    not_taken: list[str] = Field([], description="The fields that Salesloft did not take, with what stands there.")
    spelled_otherwise: list[str] = Field([], description="The fields that Salesloft spells otherwise, and how.")
    saved_mappings: int = Field(0, description="How many mappings used the configuration and can come back.")
    not_brought_back: list[str] = Field([], description="The fields that an undo could not bring back.")
    notes: list[str] = Field([], description="What else there is to know of what was given, or of the record.")
    question: str | None = Field(None, description="Of a preview: what a person would be asked.")


def writing(
    build: Callable[..., Awaitable[Operation]], finish: Finish | None = None
) -> Callable[..., Awaitable[CallToolResult]]:
    """The tool that carries out the operation which `build` makes of its arguments, by its name and docstring.

    It takes `preview` too; and what a person is asked and answers, which the model neither sees nor sends. The protocol
    library runs `build` anew in every round of a question; the title of the operation, and when it was read, are added
    here.
    """

    @wraps(build)
    async def built(*args: Any, **given: Any) -> Operation:  # noqa: ANN401 - whatever `build` takes
        read_at = time.monotonic()
        return replace(await build(*args, **given), title=build.__name__, read_at=read_at)

    async def about(ctx: Context[App, Any], operation: Annotated[Operation, Resolve(built)]) -> Asked:
        return Asked(operation, await question_about(ctx.request_context.lifespan_context, operation))

    async def answer_on(
        ctx: Context[App, Any], asked: Annotated[Asked, Resolve(about)], preview: bool
    ) -> Elicit[Any] | Consent:
        return Granted() if preview or asked.question is None else await put(ctx, asked.question)

    async def tool(
        ctx: Context[App, Any],
        asked: Annotated[Asked, Resolve(about)],
        answered: Annotated[ElicitationResult[Consent], Resolve(answer_on)],
        preview: Preview = False,
        **given: object,
    ) -> CallToolResult:
        return await (finish or write)(ctx, asked, answered, preview, **given)

    _describe(tool, build, inspect.signature(finish or write).return_annotation)
    return tool


def _describe(tool: Callable[..., Any], build: Callable[..., Any], answer: object) -> None:
    """Give a tool the name and the docstring of `build`, its arguments beside those it has, and the form it answers."""
    own, added = inspect.signature(build).parameters, inspect.signature(tool)
    both = {**own, **{name: one for name, one in added.parameters.items() if name != "given"}}
    shown = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in both.values()]
    tool.__signature__ = added.replace(parameters=shown, return_annotation=answer)  # type: ignore[attr-defined]
    tool.__annotations__ |= {name: one.annotation for name, one in own.items()}
    tool.__name__, tool.__doc__ = build.__name__, build.__doc__


async def write(
    ctx: Context[App, Any], asked: Asked, answered: ElicitationResult[Any], preview: bool, **_: object
) -> Annotated[CallToolResult, Written]:
    """The answer of a tool that writes: what was done, or what would be.

    Raises:
        UnconfirmedError: the person did not agree.
        SalesloftMcpError: a change of it could not be done; what was done before it stands, and is told.
    """
    if preview:
        return await _previewed(ctx, asked)
    done = await carried_out(ctx, asked, answered)
    return answers.answer(sentence(done, asked.operation), Written(**facts(done, asked.operation)))


async def carried_out(ctx: Context[App, Any], asked: Asked, answered: ElicitationResult[Any]) -> Done:
    """Do what was agreed to, and tell clients what changed; raises what `write` raises."""
    app = ctx.request_context.lifespan_context
    done = await app.changes.apply(asked.operation, await require_consent(ctx, asked, answered))
    await announce.written(ctx, done.outcomes)
    for one in done.outcomes:
        if one.state not in DONE | {"unchanged"}:
            error = done.error or errors.SalesloftMcpError(f"{_said(one)}.", next_step="look with list_changes.")
            raise half_done(done, error)
    return done


async def _previewed(ctx: Context[App, Any], asked: Asked) -> CallToolResult:
    """The operation as it would be sent, held against what was read just now, and whether a person would be asked."""
    app, operation = ctx.request_context.lifespan_context, asked.operation
    for one in operation.changes:
        if one.kind != "configuration" and one.after is not None:  # else the call itself would be refused
            await require_configured(app.configurations, one.key.external_type, one.key.object_type)
    view = Written(
        status="preview",
        environment=named(app.environment),
        team=(await app.changes.place()).team_named or None,
        agreed="nobody would be asked" if asked.question is None else how_asked(ctx),
        changes=[change_view(one, "done" if stands_already(one) else "open", one.after) for one in operation.changes],
        not_brought_back=list(operation.left),
        notes=list(operation.notes),
        question=asked.question and asked.question.text,
    )
    would = [f"{one.verb.removesuffix('d')} {_named(one)}" for one in operation.changes if not stands_already(one)]
    if both := rekeyed(operation.changes):
        would = [both.told.replace(f"{both.verb}d", both.verb, 1)]
    would += [f"{verb} {what} by a run" for verb, what in operation.by_run.by_verb.items()]
    told = f"It would {', then '.join(would)}." if would else "Nothing would change."
    return answers.answer(" ".join([f"preview: nothing was written. {told}", *operation.notes]), view)


def facts(done: Done, operation: Operation) -> dict[str, Any]:
    """The fields of `Written`, for a view that has more of them."""
    ids: dict[str, JsonValue] = {}
    for one in sorted(done.outcomes, key=lambda one: one.state != "deleted"):  # the ids of what is new win
        ids |= {field: _stood(one).get(name) for field, name in _IDS[one.line.change.kind].items()}
    return {
        "status": _status(done, operation),
        "change_id": done.number,
        "environment": done.place.named,
        "team": done.place.team_named or None,
        "agreed": done.how or UNASKED,
        "changes": [change_view(one.line.change, one.state, _stands(one), one.note) for one in done.outcomes],
        **ids,
        "not_taken": _compared(done, not_taken),
        "spelled_otherwise": _compared(done, spelled_otherwise),
        "saved_mappings": done.carried,
        "not_brought_back": list(operation.left),
        "notes": list(operation.notes),
    }


def sentence(done: Done, operation: Operation) -> str:
    """What happened to each thing, in our words."""
    lists = {
        "Not taken": _compared(done, not_taken),
        "Spelled otherwise": _compared(done, spelled_otherwise),
        "Not brought back": operation.left,
    }
    told = [f"{name}: {', '.join(words)}." for name, words in lists.items() if words]
    return " ".join([*_each(done, operation), *told, *operation.notes])


def _each(done: Done, operation: Operation) -> list[str]:
    """A sentence for each change; one for a move or a replacement that is done."""
    both = _whole(done, operation)
    if both is None:
        return [f"{_said(one)}." for one in done.outcomes]
    made = next(one for one in done.outcomes if one.line.change.after is not None)
    stay = "both records stay" if both.is_move else "the record stays"
    return [f"{both.told}: {_named(made.line.change, _stood(made))}; {stay}."]


def _whole(done: Done, operation: Operation) -> Rekey | None:
    """The move or replacement that an operation is, where all of it was done."""
    return rekeyed(operation.changes) if is_whole([one.state for one in done.outcomes]) else None


def _compared(done: Done, compare: Callable[[Image, Image], list[str]]) -> list[str]:
    """What was sent of records, against what stands there now."""
    sent = [one for one in done.outcomes if one.line.change.kind == "record" and one.state in DONE]
    return some([words for one in sent for words in compare(one.line.change.after or {}, one.after or {})])


def change_view(change: Change, outcome: Ended, after: Image | None, note: str = "") -> ChangeView:
    """A change as tools show it."""
    return ChangeView(kind=change.kind, **asdict(change.key), old=change.before, new=after, outcome=outcome, note=note)


def _status(done: Done, operation: Operation) -> str:
    """In one word: of several changes the one that creates."""
    if operation.by_run.plan:
        return "deleted" if operation.by_run.deletes else "updated" if operation.by_run.updates else "created"
    if both := _whole(done, operation):
        return "moved" if both.is_move else "replaced"
    states = {one.state for one in done.outcomes}
    return next(word for word in ("created", "updated", "deleted", "unchanged") if word in states)


def half_done(done: Done, error: errors.SalesloftMcpError) -> errors.SalesloftMcpError:
    """`error`, and what was done before it came; that stands."""
    before = [_said(one) for one in done.outcomes if one.state in DONE]
    if not before:
        return error
    what = f"{' and '.join(before)} (change {done.number}), but the rest was not done: {error.what}"
    on = error.steps if error.next_step else ("make the same call again.",)
    step = (f"undo_change {done.number} takes back what was done; or: ", *on)
    return errors.SalesloftMcpError(what, next_step=step)


def _said(outcome: Outcome) -> str:
    change = outcome.line.change
    what = _named(change, _stood(outcome))
    stays = "; the record stays" if (outcome.state, change.kind) == ("deleted", "mapping") else ""
    noted = f"; {outcome.note}" if outcome.state in DONE and outcome.note else ""
    return f"{outcome.state}: {what}{stays}{noted}"


def _named(change: Change, image: Image | None = None) -> str:
    """What a change is about, in numbers of Salesloft's; `image` is what stands there, or stood."""
    image, of = image or change.after or change.before or {}, change.key.object_type
    named = f"a {change.kind}" if image.get("id") is None else f"{change.kind} {image['id']}"
    if change.kind == "mapping":
        return f"{named} of {one_record(of, image.get('object_id'))}"
    if change.kind == "configuration":
        return f"{named} for {of}"
    found = change.object_id or image.get("id")
    return one_record(of, found) if found else f"a new {SINGULAR[of]}"


def _stands(outcome: Outcome) -> Image | None:
    """What stands there now."""
    if outcome.state == "deleted":
        return None
    return outcome.line.change.after if outcome.after is None else outcome.after


def _stood(outcome: Outcome) -> Image:
    """What stands there now, or stood there before it was deleted."""
    return _stands(outcome) or outcome.line.change.before or {}
