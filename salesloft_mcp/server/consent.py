"""A person agrees, or nothing happens. The model cannot see or send the answer, and an answer counts once.

Two ways, tried in this order: the client asks its person (elicitation), or a person decides in a terminal
(`salesloft-mcp approvals`) and the same call then goes through once.
"""

import shlex
from contextlib import suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

import anyio
from mcp import MCPError
from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import AcceptedElicitation, Elicit, ElicitationResult
from pydantic import BaseModel, Field

from salesloft_mcp.app import App
from salesloft_mcp.changes.change import Author, Operation
from salesloft_mcp.changes.consent import Question
from salesloft_mcp.errors import UnconfirmedError
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.server.tool_errors import TOOL_SECONDS
from salesloft_mcp.settings import Settings

MODERN = "2026-07-28"
BY_CLIENT = "asked through the client"
BY_TERMINAL = "approved in a terminal"
NO_DELETES = "no-delete"
ASK_SECONDS = 7_200.0  # how long a call waits for a client that holds it open: longer than anybody thinks

_question: ContextVar[Question | None] = ContextVar(
    "question", default=None
)  # what a call has asked through the client


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


class Granted(Consent):
    """No question is put to the client: nothing needs asking, or a person answered elsewhere."""

    how: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """An operation, and the question that a person has to answer before it; None where nobody has to agree."""

    operation: Operation
    question: Question | None


_WHY_NOT: dict[type[Consent], str] = {
    Agree: "the box was not ticked.",
    Retype: "another name was typed.",
    Granted: "a person refused it in a terminal.",
}


async def question_about(app: App, operation: Operation) -> Question | None:
    """What a person is asked about an operation; None where nobody has to agree.

    Raises:
        UnconfirmedError: it deletes, and the administrator switched deletions off.
    """
    if operation.removes and app.settings.mode == NO_DELETES:
        what = f"this would delete, and deletions are switched off here (mode {NO_DELETES}). Nothing was changed."
        raise UnconfirmedError(what, next_step="ask the administrator of this server.")
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
    if (ctx.protocol_version or "") < MODERN:  # else the answer came with a call of its own
        call.renew(TOOL_SECONDS)
    if isinstance(outcome, AcceptedElicitation):
        how = _agreed(asked.question, outcome.data)
        if how:
            return Author(call.who, how, asked.question.digest)
        data = outcome.data
        why = f"the client answered {data.action}." if isinstance(data, Refused) else _WHY_NOT[type(data)]
    else:
        why = f"the client answered {outcome.action}."
    await app.changes.decline(asked.operation, Author(call.who, "declined"))
    what = f"not confirmed: {why}{_found(asked.question)} Nothing was changed."
    raise UnconfirmedError(what, next_step=(*asked.question.instead, "do not repeat it unless asked to."))


def _agreed(question: Question, data: Consent) -> str:
    match data:
        case Agree(confirm=True) if not question.name:
            return BY_CLIENT
        case Retype(type_the_name=typed) if question.name and typed == question.name:
            return f"{BY_CLIENT}, name typed"
        case Granted(how=how):
            return how
        case _:
            return ""


async def put(ctx: Context[App, Any], question: Question) -> Elicit[Any] | Consent:
    """Put the question to a person, by the best way this client has.

    Raises:
        UnconfirmedError: nobody can be asked through this client. A pending approval is recorded.
    """
    app = ctx.request_context.lifespan_context
    if app.settings.confirm == "auto":
        answered = await app.approvals.answer(app.environment, question)
        if answered is not None:
            return Granted(how=BY_TERMINAL if answered else "")
    if not _can_ask(ctx):
        raise await _unasked(app, question, "this client cannot ask")
    _question.set(question)
    form = Retype if question.name else Agree
    if (ctx.protocol_version or "") >= MODERN:
        return Elicit(question.text, form)
    with suppress(MCPError, ValueError), anyio.move_on_after(ASK_SECONDS):  # its own error, or an unreadable answer
        answer = await ctx.elicit(question.text, form)
        return answer.data if isinstance(answer, AcceptedElicitation) else Refused(action=answer.action)
    raise await unreadable(app)


async def unreadable(app: App) -> UnconfirmedError:
    """The refusal of a call whose question the client has not answered in a form that can be read."""
    question = _question.get()
    if question is None:
        return UnconfirmedError("the client sent an answer to a question that was not asked. Nothing was changed.")
    return await _unasked(app, question, "the client did not ask, or its answer cannot be read")


async def _unasked(app: App, question: Question, why: str) -> UnconfirmedError:
    """The refusal of a call that nobody could be asked about, with the way that is left; a pending approval of it."""
    what = f"this needs a person's yes, and {why}.{_found(question)} Nothing was changed"
    if app.settings.confirm == "elicit":
        step = "use a client with elicitation, or start the server with --confirm auto and agree in a terminal."
        return UnconfirmedError(f"{what}.", next_step=(*question.instead, step))
    approval = await app.approvals.ask(app.environment, question)
    step = f"a person runs `{_command(app)}` in a terminal; after the answer, make the same call again."
    return UnconfirmedError(f"{what}; approval {approval} is pending.", next_step=(*question.instead, step))


def _found(question: Question) -> str:
    """What was found that a person has to decide about, for the end of a sentence."""
    return f" {question.found}" if question.found else ""


def how_asked(ctx: Context[App, Any]) -> str:
    """How a person would be asked about a call."""
    if _can_ask(ctx):
        return "a person would be asked"
    app = ctx.request_context.lifespan_context
    if app.settings.confirm == "elicit":
        return "this client cannot ask, so that it would be refused"
    return "a person would be asked in a terminal"


def _command(app: App) -> str:
    """What a person types to answer; with the folder, where it is not the usual one."""
    folder = app.settings.state_dir
    usual = folder == Settings.model_fields["state_dir"].get_default(call_default_factory=True)
    return "salesloft-mcp approvals" if usual else f"salesloft-mcp approvals --state-dir {shlex.quote(str(folder))}"


def _can_ask(ctx: Context[App, Any]) -> bool:
    capabilities = ctx.client_capabilities
    elicitation = capabilities.elicitation if capabilities is not None else None
    by_form = elicitation is not None and (elicitation.form is not None or elicitation.url is None)
    return by_form and ((ctx.protocol_version or "") >= MODERN or ctx.session.can_send_request)
