"""A person agrees, or nothing happens. The model cannot see or send the answer, and an answer counts once.

The ways, tried in this order: the client asks its person (elicitation); a page opens in the person's own browser; a
person decides in a terminal (`salesloft-mcp approvals`), and the same call then goes through once.
"""

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import anyio
from mcp import MCPError
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import AcceptedElicitation, Elicit, ElicitationResult
from mcp_types import ElicitResult
from pydantic import BaseModel, Field

from salesloft_mcp.app import App
from salesloft_mcp.changes.approvals import BY_CLIENT, Decision
from salesloft_mcp.changes.change import Author, Operation
from salesloft_mcp.changes.consent import Question
from salesloft_mcp.errors import Step, UnconfirmedError
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.server.clients import ERROR, NO_ANSWER, UNREADABLE, note_answer
from salesloft_mcp.server.outside import ASK_SECONDS, REFUSED, after_refusal, decision_of, led_by_client, say_completed
from salesloft_mcp.server.tool_errors import TOOL_SECONDS
from salesloft_mcp.text import is_named

MODERN = "2026-07-28"
_SILENT = "the client has left the question unanswered"
_CANNOT = "this client cannot ask"
_UNREADABLE = "the client did not ask, or its answer cannot be read"
SILENT_SECONDS = 60.0  # when the same is asked again, as many after the client was asked, that client shows no question

# What a call has asked through the client.
_question: ContextVar[Question | None] = ContextVar("question", default=None)


class Consent(BaseModel):
    """What comes back from a question, or stands in for it."""


class Agree(Consent):
    """A box the person ticks."""

    confirm: bool = Field(strict=True, title="Yes, do it", description="Leave unticked to refuse")


class Retype(Consent):
    """For what much else depends on: the person types its name."""

    type_the_name: str = Field(title="Type the external type to confirm", max_length=255)


class Refused(Consent):
    """The client answered, and not with a yes."""

    action: str


class Decided(Consent):
    """No question is put to the client, because a person answered elsewhere."""

    decision: Decision


class Granted(Consent):
    """No question is put to anybody."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An operation, and the question that a person has to answer before it; None where nobody has to agree."""

    operation: Operation
    question: Question | None


_WHY_NOT: dict[type[Consent], str] = {
    Agree: "the box was not ticked.",
    Retype: "another name was typed.",
}


async def question_about(app: App, operation: Operation) -> Question | None:
    """What a person is asked about an operation; None where nobody has to agree.

    Raises:
        PolicyError: it may not be done here, whoever agrees.
    """
    app.changes.require_allowed(operation)
    if operation.by_run.plan:
        return await app.jobs.question(operation)
    return await app.changes.question(operation)


async def require_consent(ctx: Context[App, Any], asked: Asked, outcome: ElicitationResult[Any]) -> Author:
    """On whose account the operation is done. Where a person thought in the middle of the call, its time begins anew.

    Raises:
        UnconfirmedError: the person did not agree, or typed another name.
    """
    app, call = ctx.request_context.lifespan_context, current()
    if asked.question is None:
        return Author(call.who)
    if not _is_modern(ctx):  # else the answer came with a call of its own
        call.renew(TOOL_SECONDS)
    data = outcome.data if isinstance(outcome, AcceptedElicitation) else Refused(action=outcome.action)
    if how := _agreed(asked.question, data):
        return Author(call.who, how, asked.question.digest)
    await app.changes.decline(asked.operation, Author(call.who, "declined"))
    why = _WHY_NOT.get(type(data), "")
    way_on: Step = ("do not repeat it unless asked to.",)
    match data:
        case Decided(decision=decision):
            why = f"a person refused it {decision.where}."
        case Refused(action=action):
            why = f"the client answered {action}."
    if not isinstance(data, Decided):
        way_on = await after_refusal(app, asked.question, await question_about(app, asked.operation))
    what = f"not confirmed: {why}{_found(asked.question)} Nothing was changed."
    raise UnconfirmedError(what, next_step=(*asked.question.instead, *way_on))


def _agreed(question: Question, data: Consent) -> str:
    match data:
        case Agree(confirm=True) if not question.name:
            return BY_CLIENT
        case Retype(type_the_name=typed) if question.name and is_named(question.name, typed):
            return f"{BY_CLIENT}, name typed"
        case Decided(decision=decision) if decision.yes:
            return decision.how
        case _:
            return ""


async def put(ctx: Context[App, Any], question: Question) -> Elicit[Any] | Consent:
    """Put the question to a person, by the best way there is.

    Raises:
        UnconfirmedError: nobody could be asked, or has answered until now. A pending approval is recorded.
    """
    app = ctx.request_context.lifespan_context
    if app.settings.confirm != "elicit":
        decision = await app.approvals.answer(app.environment, question)
        if decision is not None:
            return Decided(decision=decision)
    why, modern = await _why_not_the_client(ctx, question), _is_modern(ctx)
    if why == _SILENT:
        await note_answer(ctx, NO_ANSWER, SILENT_SECONDS)
    if why == _CANNOT and app.settings.confirm == "auto" and app.browser.desktop and _can_lead(ctx):
        action = await led_by_client(ctx, question, modern)
        if action in ("decline", "cancel"):
            return Refused(action=action)
        decided = await _outside(ctx, question, _CANNOT if action else _UNREADABLE)
        if not modern:
            await say_completed(ctx, question)
        return decided
    if why:
        return await _outside(ctx, question, why)
    _question.set(question)
    form = Retype if question.name else Agree
    if modern:
        await _keep_in_mind(ctx, question)
        return Elicit(question.text, form)
    answer = await _answer(ctx, question, form)
    return await _outside(ctx, question, _UNREADABLE) if answer is None else answer


async def _answer(ctx: Context[App, Any], question: Question, form: type[Consent]) -> Consent | None:
    """What a client answers that is asked in the middle of a call; None where it fails to, or it cannot be read."""
    asked_at, said, answer = anyio.current_time(), NO_ANSWER, None
    try:
        with anyio.move_on_after(ASK_SECONDS):
            outcome = await ctx.elicit(question.text, form)
            said = outcome.action
            answer = outcome.data if isinstance(outcome, AcceptedElicitation) else Refused(action=said)
    except MCPError:
        said = ERROR
    except ValueError:
        said = UNREADABLE
    except anyio.get_cancelled_exc_class():
        ctx.request_context.lifespan_context.approvals.passed_over[question.digest] = _SILENT
        raise
    await note_answer(ctx, said, anyio.current_time() - asked_at)
    return answer


async def _keep_in_mind(ctx: Context[App, Any], question: Question) -> None:
    """When a client was asked that answers in a call of its own: it may never do so, and nobody would notice."""
    now, unanswered = anyio.current_time(), ctx.request_context.lifespan_context.approvals.unanswered
    for digest in [digest for digest, at in unanswered.items() if now - at > ASK_SECONDS]:
        del unanswered[digest]
    if not ctx.input_responses:
        unanswered.setdefault(question.digest, now)
    elif (asked_at := unanswered.pop(question.digest, None)) is not None:
        said = next((one.action for one in ctx.input_responses.values() if isinstance(one, ElicitResult)), UNREADABLE)
        await note_answer(ctx, said, now - asked_at)


async def _why_not_the_client(ctx: Context[App, Any], question: Question) -> str:
    """Why the client is not asked; empty where it is.

    Once it is passed over, the question waits for a person elsewhere, and is asked there as long as pages open here.
    """
    app, digest = ctx.request_context.lifespan_context, question.digest
    if app.settings.confirm == "outside":
        return "this server asks outside of the client"
    may_pass = app.settings.confirm == "auto" and not ctx.input_responses  # what it answers counts
    why = app.approvals.passed_over.get(digest, "") if may_pass else ""
    if why and (why != REFUSED or app.browser.desktop is not None):
        del app.approvals.passed_over[digest]
        return why
    if not _can_ask(ctx):
        return _CANNOT
    now = anyio.current_time()
    if may_pass and now - app.approvals.unanswered.get(digest, now) >= SILENT_SECONDS:
        del app.approvals.unanswered[digest]
        return _SILENT
    if may_pass and app.browser.desktop is not None and await app.approvals.waits(app.environment, question):
        return "it waits for a person already"
    return ""


async def asked_elsewhere(ctx: Context[App, Any]) -> None:
    """Ask a person elsewhere what the client has not answered in a form that can be read. The same call then finds what
    the person decided.

    Raises:
        UnconfirmedError: nobody could be asked, or has answered until now.
    """
    if (question := _question.get()) is None:
        what = "the client sent an answer to a question that was not asked. Nothing was changed."
        raise UnconfirmedError(what, next_step="call again without it.")
    await _outside(ctx, question, _UNREADABLE)


async def _outside(ctx: Context[App, Any], question: Question, why: str) -> Decided:
    """What a person decides outside of the client."""
    if ctx.request_context.lifespan_context.settings.confirm == "elicit":
        what = f"this needs a person's yes, and {why}.{_found(question)} Nothing was changed."
        step = "use a client with elicitation, or start the server with --confirm auto and agree outside of it."
        raise UnconfirmedError(what, next_step=(*question.instead, step))
    return Decided(decision=await decision_of(ctx, question, why))


def _found(question: Question) -> str:
    """What was found that a person has to decide about, for the end of a sentence."""
    return f" {question.found}" if question.found else ""


def how_asked(ctx: Context[App, Any]) -> str:
    """How a person would be asked about a call."""
    way = way_to_ask(ctx)
    return f"a person would be asked {way}" if way else "this client cannot ask, so that it would be refused"


def way_to_ask(ctx: Context[App, Any]) -> str:
    """How a person is asked in a call of this client; empty where nobody can be."""
    app = ctx.request_context.lifespan_context
    if app.settings.confirm != "outside" and _can_ask(ctx):
        return "through this client"
    if app.settings.confirm == "elicit":
        return ""
    return "in a terminal" if app.browser.desktop is None else "on a page in the browser"


def _can_ask(ctx: Context[App, Any]) -> bool:
    """Whether the client shows a question by itself; one that says nothing more of how it asks does."""
    capabilities = ctx.client_capabilities
    elicitation = capabilities.elicitation if capabilities is not None else None
    by_form = elicitation is not None and (elicitation.form is not None or elicitation.url is None)
    return by_form and _is_reached(ctx)


def _can_lead(ctx: Context[App, Any]) -> bool:
    """Whether the client leads its person to an address."""
    capabilities = ctx.client_capabilities
    elicitation = capabilities.elicitation if capabilities is not None else None
    return elicitation is not None and elicitation.url is not None and _is_reached(ctx)


def _is_reached(ctx: Context[App, Any]) -> bool:
    return _is_modern(ctx) or ctx.session.can_send_request


def _is_modern(ctx: Context[App, Any]) -> bool:
    """Whether the client answers a question in a call of its own."""
    return (ctx.protocol_version or "") >= MODERN
