"""Asking a person where no client can answer: on a page in the person's browser, or in a terminal.

The decision stands in the database, whichever way it came, and the same call goes through once after a yes.
"""

import shlex
from contextlib import suppress
from typing import Any

import anyio
from mcp import MCPError
from mcp.server.apps import client_supports_apps
from mcp.server.mcpserver import Context
from mcp_types import ElicitResult

from salesloft_mcp.app import App
from salesloft_mcp.changes.approvals import MOST_PENDING, Decision, TooManyError
from salesloft_mcp.changes.consent import Question
from salesloft_mcp.changes.question_page import QuestionPage, asking
from salesloft_mcp.errors import Step, UnconfirmedError
from salesloft_mcp.program import program
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.server.card import card
from salesloft_mcp.server.tool_errors import TOOL_SECONDS
from salesloft_mcp.settings import Settings

WAIT_SECONDS = 45  # how long a call waits for a person: many hosts give up on it after a minute
LOOK_SECONDS = 0.25  # between two looks at whether somebody has decided
LOOKS = int(WAIT_SECONDS / LOOK_SECONDS)
TOLD_LOOKS = 8  # a client is told that something goes on every two seconds
ASK_SECONDS = 7_200.0  # how long a call waits for a client that holds it open: longer than anybody thinks
PAGE = "page"  # under which a client of the newer protocol answers
REFUSED = "the client refused it before"
_WAITING = "a person is asked on a page in the browser"


async def decision_of(ctx: Context[App, Any], question: Question, why: str) -> Decision:
    """What a person decides within 45 seconds, on the page that opens or in a terminal. The time of the call begins
    anew then.

    Raises:
        UnconfirmedError: nobody could be asked, or has answered until now. A pending approval is recorded.
    """
    app = ctx.request_context.lifespan_context
    approval = await _recorded(app, question)
    page = QuestionPage(app.approvals, approval, question, current().who)
    is_open = await app.browser.show(approval, page) != "not opened"
    if is_open and (decision := await _awaited(ctx, approval)):
        current().renew(TOOL_SECONDS)
        return decision
    is_open = is_open and not app.browser.failed(approval)
    found = f" {question.found}" if question.found else ""  # what a person has to decide about
    shown = await _card(ctx, approval, page) if app.browser.desktop and client_supports_apps(ctx) else {}
    what = f"this needs a person's yes, and {why}.{found} Nothing was changed; approval {approval} is pending."
    on_page = "a person answers on the page, which stays open in the browser, or " if is_open else "a person "
    later = ", or in a minute, when a page opens again," if not is_open and app.browser.rests else ","
    step = f"{on_page}runs `{command(app)}` in a terminal; after the answer{later} make the same call again."
    raise PendingError(what, next_step=(*question.instead, step), card=shown)


async def after_refusal(app: App, refused: Question, again: Question | None) -> tuple[str, ...]:
    """What to do after the client has refused `refused`: some do so by themselves, and show nothing to the person.

    `again` is what the same call would ask now, with the number of the refusal in it. Where a page can open, it asks
    there. Where none can, the client is asked once more, because a person may have changed their mind, and what it
    refuses twice waits in a terminal.
    """
    told = "if a person refused it, do not repeat it unless asked to; if the person says that nothing was asked, "
    if app.settings.confirm == "elicit" or again is None:
        return (f"{told}the server has to be started with --confirm auto, which asks outside of the client, too.",)
    if app.browser.desktop is None and app.approvals.passed_over.pop(refused.digest, "") == REFUSED:
        step = f"`{command(app)}` in a terminal shows it, as approval {await _recorded(app, again)}; then call again."
        return (f"{told}{step}",)
    app.approvals.passed_over[again.digest] = REFUSED
    then = "it asks on a page in the browser or" if app.browser.desktop else "what is refused twice waits for a person"
    return (f"{told}make the same call again: {then} in a terminal, by `{command(app)}`.",)


async def _recorded(app: App, question: Question) -> str:
    """The id of the pending approval of a question."""
    try:
        return await app.approvals.ask(app.environment, question)
    except TooManyError:
        what = f"this needs a person's yes, and {MOST_PENDING} questions wait for one already. Nothing was changed."
        step = f"a person answers them first: `{command(app)}` in a terminal shows each."
        raise UnconfirmedError(what, next_step=step) from None


class PendingError(UnconfirmedError):
    """A question waits for a person. `card` is what a host shows of it, where it shows cards."""

    def __init__(self, what: str, *, next_step: Step, card: dict[str, Any]) -> None:
        super().__init__(what, next_step=next_step)
        self.card = card


async def _card(ctx: Context[App, Any], approval: str, page: QuestionPage) -> dict[str, Any]:
    app = ctx.request_context.lifespan_context
    with suppress(OSError):
        address = await app.browser.address(approval, page)
        return card(asking(page.question), address, command(app))
    return {}


class PageNeededError(Exception):
    """A client of the newer protocol is to lead its person to an address; it then makes the same call again."""

    def __init__(self, message: str, address: str) -> None:
        super().__init__(message)
        self.message, self.address = message, address


async def led_by_client(ctx: Context[App, Any], question: Question, modern: bool) -> str:
    """Have the client lead its person to the page: what it answered; empty when it did not, or it cannot be read.

    Its accept says that the page was opened, and no more: the decision is made on the page. The address holds no
    secret, as the protocol wants it, so that neither the client nor whatever it writes down could answer in the
    person's place (https://modelcontextprotocol.io/specification/2026-07-28/client/elicitation).

    Raises:
        PageNeededError: the client speaks the newer protocol, and was not asked yet.
        UnconfirmedError: too many questions wait already.
    """
    app = ctx.request_context.lifespan_context
    if modern and (given := ctx.input_responses):
        answer = given.get(PAGE)
        return answer.action if isinstance(answer, ElicitResult) else ""
    approval = await _recorded(app, question)
    page = QuestionPage(app.approvals, approval, question, current().who)
    try:
        address = await app.browser.address(approval, page)
    except OSError:
        return ""
    message = f"{question.headline} in {question.place}? Answer on a page in your browser."
    if modern:
        raise PageNeededError(message, address)
    with suppress(MCPError, ValueError), anyio.move_on_after(ASK_SECONDS):
        return (await ctx.elicit_url(message, address, _elicitation(ctx, question))).action
    return ""


async def say_completed(ctx: Context[App, Any], question: Question) -> None:
    """Tell a client of the older protocol that the person it has led to a page is done there."""
    await ctx.session.send_elicit_complete(_elicitation(ctx, question), ctx.request_id)


def _elicitation(ctx: Context[App, Any], question: Question) -> str:
    """The name of what a client is asked in this call."""
    return f"{question.digest[:12]}-{ctx.request_id}"


async def _awaited(ctx: Context[App, Any], approval: str) -> Decision | None:
    """The decision, as soon as it is there; None when nobody has decided for too long, or sees the page."""
    app, end = ctx.request_context.lifespan_context, anyio.current_time() + WAIT_SECONDS
    for look in range(LOOKS):
        if anyio.current_time() >= end:  # each look takes its time where the disk is busy
            break
        decision = await app.approvals.decided(approval)
        if isinstance(decision, Decision):
            return decision
        if app.browser.failed(approval):
            return None
        if look % TOLD_LOOKS == 0:
            await ctx.report_progress(look * LOOK_SECONDS, WAIT_SECONDS, _WAITING)
        await anyio.sleep(LOOK_SECONDS)
    return None


def command(app: App) -> str:
    """What a person types to answer; with the folder, where it is not the usual one."""
    folder = app.settings.state_dir
    usual = folder == Settings.model_fields["state_dir"].get_default(call_default_factory=True)
    return shlex.join([program(), "approvals", *(() if usual else ("--state-dir", str(folder)))])
