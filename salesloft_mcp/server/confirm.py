"""A person agrees, or nothing happens. The model cannot see, send or replay the answer.

Three ways, tried in this order: the client asks its person (elicitation); a person decides in a terminal
(`salesloft-mcp approvals`) and the same call then goes through once; or, where an administrator chose the weaker
`two-step`, the model repeats a code.
"""

from typing import Any

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import AcceptedElicitation, Elicit, ElicitationResult
from pydantic import BaseModel, Field

from salesloft_mcp.app import App
from salesloft_mcp.errors import UnconfirmedError
from salesloft_mcp.server.two_step import code
from salesloft_mcp.state.local import Question

MODERN = "2026-07-28"


class Consent(BaseModel):
    """What comes back from a question, or stands in for it."""


class Agree(Consent):
    """A box the person ticks."""

    confirm: bool = Field(strict=True, title="Yes, do it", description="Leave unticked to refuse")


class Retype(Consent):
    """For what hangs together with much else: the person types its name."""

    type_the_name: str = Field(title="Type the external type to confirm", max_length=255)


class Granted(Consent):
    """No question is put to the client: nothing needs asking, or a person answered elsewhere."""

    how: str = ""


def question(app: App, tool: str, headline: str, facts: dict[str, object]) -> Question:
    """Facts the server has read itself, one line each. Text from elsewhere comes `quoted`, never as it is."""
    lines = [f"{headline} in {app.environment}?", *(f"{name}: {value}" for name, value in facts.items())]
    return Question(app.environment, tool, "\n".join(lines))


def ask(ctx: Context[App, Any], asked: Question, form: type[Consent] = Agree) -> Elicit[Any] | Granted:
    """Put the question to a person, by the best way this client has.

    Raises:
        UnconfirmedError: nobody can be asked through this client. A pending approval is recorded.
    """
    app = ctx.request_context.lifespan_context
    if app.confirm == "two-step":
        return _by_code(app, asked)
    if _can_ask(ctx):
        return Elicit(asked.text, form)
    if app.confirm == "auto":
        return _by_approval(app, asked)
    raise UnconfirmedError(
        "this needs a person's yes, and this client cannot ask. Nothing was changed.",
        next_step="use a client with elicitation, or start the server with --confirm auto and approve in a terminal.",
    )


def settle(
    app: App, asked: Question | None, now: Question | None, outcome: ElicitationResult[Any], name: str = ""
) -> str:
    """How a person agreed, as the change log keeps it; "" when nothing had to be asked. Called right before the write.

    Raises:
        UnconfirmedError: refused, another name typed, the yes used already, or the facts (`now`) are not those asked.
    """
    if asked != now:
        what = "what this is about changed while the person was asked. Nothing was changed."
        raise UnconfirmedError(what, next_step="make the same call again; the person is asked about it as it is now.")
    if asked is None:
        return ""
    if not isinstance(outcome, AcceptedElicitation):
        raise _refused(f"the person chose {outcome.action}.")
    return _agreed(app, asked, outcome.data, name)


def _agreed(app: App, asked: Question, consent: Consent, name: str) -> str:
    match consent:
        case Agree(confirm=True):
            return "asked through the client"
        case Retype(type_the_name=typed) if typed == name:
            return "asked through the client, name typed"
        case Granted(how=how) if how:
            _use(app, asked)
            return how
        case _:
            raise _refused("the box was not ticked, or another name was typed.")


def _can_ask(ctx: Context[App, Any]) -> bool:
    capabilities = ctx.client_capabilities
    elicitation = capabilities.elicitation if capabilities is not None else None
    by_form = elicitation is not None and (elicitation.form is not None or elicitation.url is None)
    return by_form and ((ctx.protocol_version or "") >= MODERN or ctx.session.can_send_request)


def _by_approval(app: App, asked: Question) -> Granted:
    if app.state.granted(asked):
        return Granted(how="approved in a terminal")
    approval = app.state.ask(asked)
    raise UnconfirmedError(
        f"this needs a person's yes, and this client cannot ask. Nothing was changed; approval {approval} is pending.",
        next_step="a person runs `salesloft-mcp approvals` in a terminal; after a yes, make the same call again.",
    )


def _by_code(app: App, asked: Question) -> Granted:
    if code():
        return Granted(how="two-step code, the weaker confirmation")
    raise UnconfirmedError(
        f"weaker confirmation (two-step), nothing was changed yet. Show the person this:\n{asked.text}",
        next_step=f"if they agree, make the same call with confirmation_code {app.state.ask_with_code(asked)}.",
    )


def _use(app: App, asked: Question) -> None:
    by_code = app.confirm == "two-step"
    used = app.state.use_code(asked, code()) if by_code else app.state.use_grant(asked)
    if not used:
        what = "the confirmation does not fit: it was used already, is too old, or the facts changed."
        raise UnconfirmedError(f"{what} Nothing was changed.", next_step="make the call again to be asked anew.")


def _refused(why: str) -> UnconfirmedError:
    return UnconfirmedError(f"not confirmed: {why} Nothing was changed.", next_step="do not repeat it unless asked to.")
