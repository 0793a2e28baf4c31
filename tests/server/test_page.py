"""Where the client cannot ask, a page opens in the person's own browser, and the call waits for what is answered."""

import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp.client.session import ClientRequestContext, ClientSession
from mcp_types import (
    ElicitationCapability,
    ElicitCompleteNotification,
    ElicitRequestParams,
    ElicitRequestURLParams,
    ElicitResult,
    ErrorData,
)

from salesloft_mcp.app import App, open_app
from salesloft_mcp.changes.approvals import BROWSER, TERMINAL
from salesloft_mcp.errors import StateError
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import chosen
from salesloft_mcp.settings import Settings
from tests.browser.desk import Desk, Opened, Visitor
from tests.bulk.running import FIRST_PERSON
from tests.conftest import Connect, Era
from tests.server.calling import Reply, call, refused, writes
from tests.server.human import YES, Human
from tests.server.logged import operations

pytestmark = pytest.mark.anyio
# Of tests about what is behind the wire, once it is known that a client of each version gets there.
ONE_ERA = pytest.mark.parametrize("era", ["auto"])

UNMAP, UNCONFIGURE = "delete_external_id_mapping", "delete_external_id_configuration"
CONTACT = {"external_type": "crm_lead", "object_type": "people", "external_id": "CONTACT3456"}
MARKETING = {"external_type": "marketing", "object_type": "accounts"}
PERSON = "upsert_person_by_external_id"
STOP = {
    "external_type": "crm_lead",
    "external_id": "CONTACT3456",
    "person": {"do_not_contact": True, "title": "<b>CEO"},
}


@pytest.fixture
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody answers: the 45 seconds of a call are over at once."""
    monkeypatch.setattr("salesloft_mcp.server.outside.LOOKS", 1)
    monkeypatch.setattr("salesloft_mcp.server.outside.LOOK_SECONDS", 0.0)


@asynccontextmanager
async def calling(connect: Connect, tool: str = UNMAP, /, **arguments: Any) -> AsyncIterator[list[Reply]]:
    """A call that goes on meanwhile; its reply stands in the list afterwards."""
    replies: list[Reply] = []
    options = arguments.pop("options", {})

    async def one() -> None:
        async with connect(**options) as client:
            replies.append(await call(client, tool, **arguments or CONTACT))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one)
        yield replies


async def answered(desk: Desk, choice: str, **fields: str) -> str:
    """A person answers the next page that opens; what is shown then."""
    opened = await desk.opened()
    async with Visitor() as person:
        await person.visit(opened.address)
        return await person.press(choice, **fields)


async def test_the_call_waits_for_a_click_and_does_what_was_agreed_to(
    desk: Desk, connect: Connect, app: App, sandbox: Sandbox
) -> None:
    async with calling(connect) as replies:
        told = await answered(desk, "yes")
    assert "Answered: Delete" in told
    assert "This was decided on a page in the browser, and is written down" in told
    assert replies[0].data["agreed"] == "agreed on a page in the browser"
    assert len(writes(sandbox)) == 1
    assert [one.how for one in await operations(app)] == ["agreed on a page in the browser"]


async def test_a_no_on_the_page_leaves_everything(desk: Desk, connect: Connect, app: App, sandbox: Sandbox) -> None:
    async with calling(connect) as replies:
        told = await answered(desk, "no")
    assert "Answered: Keep" in told
    assert "nothing was changed" in told
    said = "not confirmed: a person refused it on a page in the browser. Nothing was changed."
    assert replies[0].words.startswith(said)
    assert writes(sandbox) == []
    assert [one.lines[0].state for one in await operations(app)] == ["declined"]
    assert await app.approvals.pending() == []


@ONE_ERA
async def test_the_page_shows_the_whole_question_with_every_field_old_and_new(desk: Desk, connect: Connect) -> None:
    async with calling(connect, PERSON, **STOP):
        opened = await desk.opened()
        async with Visitor() as person:
            shown = await person.visit(opened.address)
            await person.press("no")
    for fact in (
        "<h1>Set do_not_contact?</h1>",
        "<p>&quot;mcp&quot; asks for this. It can neither see this page nor answer it.</p>",
        "SANDBOX (http://sandbox.localhost)",
        "Northwind Software (sandbox) (100013)",
        '<th scope="row">Record</th><td>person 578495206</td>',
        '<th scope="row">do_not_contact</th><td>false</td><td class="new">true</td>',
        '<th scope="row">title</th><td>&quot;VP of Sales&quot;</td><td class="new">&quot;&lt;b&gt;CEO&quot;</td>',
        "leaves all running cadences",
        ">Set it</button>",
        ">Leave it</button>",
    ):
        assert fact in shown, fact
    for forbidden in ("<script", "<b>", "http-equiv", "<img", "<link", " src=", " onclick", "javascript:"):
        assert forbidden not in shown


@ONE_ERA
async def test_where_much_depends_on_it_only_the_typed_name_agrees(
    desk: Desk, connect: Connect, sandbox: Sandbox
) -> None:
    async with calling(connect, UNCONFIGURE, **MARKETING) as replies:
        opened = await desk.opened()
        async with Visitor() as person:
            shown = await person.visit(opened.address)
            assert '<label for="typed">To agree, type the external type: marketing</label>' in shown
            assert '<th scope="row">Live mappings that use it</th><td>29</td>' in shown
            for typed in ("", "Marketing", "yes"):
                assert "Another name was typed." in await person.press("yes", typed=typed)
                assert writes(sandbox) == []
            await person.press("yes", typed="marketing")
    assert replies[0].data["agreed"] == "agreed on a page in the browser"
    assert writes(sandbox) == ["DELETE /v2/external/configurations/227"]


@ONE_ERA
async def test_an_answer_in_a_terminal_ends_the_wait_too(desk: Desk, connect: Connect, app: App) -> None:
    async with calling(connect) as replies:
        opened = await desk.opened()
        (pending,) = await app.approvals.pending()
        assert await app.approvals.decide(pending.id, True, TERMINAL)
        async with Visitor() as person:
            shown = await person.visit(opened.address)
            assert "This was decided in a terminal" in shown
            assert "<form" not in shown
    assert replies[0].data["agreed"] == "approved in a terminal"


async def test_when_nobody_answers_the_call_ends_and_a_yes_given_later_lets_it_through_once(
    desk: Desk, connect: Connect, app: App, sandbox: Sandbox, patience: None
) -> None:
    async with connect() as client:
        words = await refused(client, UNMAP, **CONTACT)
        (pending,) = await app.approvals.pending()
        assert words == (
            "this needs a person's yes, and this client cannot ask. Nothing was changed; "
            f"approval {pending.id} is pending.\nNext: a person answers on the page, which stays open in the browser, "
            f"or runs `salesloft-mcp approvals --state-dir {app.settings.state_dir}` in a terminal; after the answer, "
            "make the same call again."
        )
        assert "Answered: Delete" in await answered(desk, "yes")
        reply = await call(client, UNMAP, **CONTACT)
        assert reply.data["agreed"] == "agreed on a page in the browser"
        await app.salesloft.create_mapping("crm_lead", "people", "CONTACT3456", 578495206)
        assert "is pending" in await refused(client, UNMAP, **CONTACT)
    assert len([one for one in writes(sandbox) if one.startswith("DELETE")]) == 1


@ONE_ERA
@pytest.mark.usefixtures("desk")
async def test_a_call_that_comes_after_all_the_pages_of_a_minute_is_told_when_the_next_one_opens(
    connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("salesloft_mcp.browser.browser.MOST_OPENED", 0)
    async with connect() as client:
        words = await refused(client, UNMAP, **CONTACT)
    assert words.endswith("; after the answer, or in a minute, when a page opens again, make the same call again.")


@ONE_ERA
async def test_a_call_that_is_repeated_opens_no_second_window_for_the_same_question(
    desk: Desk, connect: Connect, patience: None
) -> None:
    async with connect() as client:
        for _ in range(5):
            assert "stays open in the browser" in await refused(client, UNMAP, **CONTACT)
    await desk.opened()
    assert desk.was_left_alone()


@ONE_ERA
async def test_a_model_that_asks_for_everything_does_not_fill_the_screen(
    desk: Desk, connect: Connect, app: App, patience: None
) -> None:
    async with connect() as client:
        for number in range(8):
            words = await refused(client, UNMAP, **{**CONTACT, "external_id": f"CONTACT{1001 + number}"})
    assert "the page" not in words
    assert "Next: a person runs `salesloft-mcp approvals" in words
    assert len(await app.approvals.pending()) == 8
    for _ in range(5):
        await desk.opened()
    assert desk.was_left_alone()


@ONE_ERA
async def test_of_two_answers_the_first_counts(desk: Desk, connect: Connect, sandbox: Sandbox) -> None:
    async with calling(connect) as replies:
        opened = await desk.opened()
        async with Visitor() as person:
            await person.visit(opened.address)
            before = person.page
            await person.press("no")
            person.page = before
            assert "Answered: Keep" in await person.press("yes")
    assert "a person refused it" in replies[0].words
    assert writes(sandbox) == []


@ONE_ERA
async def test_a_click_that_cannot_be_written_down_is_told_and_may_be_repeated(
    desk: Desk, connect: Connect, app: App, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(*_: object) -> bool:
        raise StateError("the file of approvals is busy.", next_step="try again.")

    async with calling(connect) as replies:
        opened = await desk.opened()
        async with Visitor() as person:
            await person.visit(opened.address)
            before = person.page
            with monkeypatch.context() as patched:
                patched.setattr("salesloft_mcp.changes.approvals.Approvals.decide", busy)
                assert "the file of approvals is busy." in await person.press("yes")
                assert person.page.status_code == 503
            assert writes(sandbox) == []
            person.page = before
            await person.press("yes")
    assert replies[0].data["agreed"] == "agreed on a page in the browser"


async def test_the_client_is_told_that_a_person_is_asked(desk: Desk, connect: Connect) -> None:
    told: list[str] = []

    async def heard(progress: float, total: float | None, message: str | None) -> None:
        told.append(f"{progress:g} of {total:g}: {message}")

    async with connect() as client, anyio.create_task_group() as tasks:
        tasks.start_soon(lambda: client.call_tool(UNMAP, CONTACT, progress_callback=heard))
        await answered(desk, "no")
    assert told[0] == "0 of 45: a person is asked on a page in the browser"


@pytest.mark.steady
async def test_a_call_waits_45_seconds_and_has_its_time_anew_afterwards(
    app: App, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def shown(*_: object) -> str:
        return "opened"

    monkeypatch.setattr("salesloft_mcp.browser.browser.Browser.show", shown)
    async with connect() as client:
        began = anyio.current_time()
        assert "stays open" in await refused(client, UNMAP, **CONTACT)
        assert anyio.current_time() - began == pytest.approx(45.0)

        async with anyio.create_task_group() as tasks:
            replies: list[Reply] = []

            async def one() -> None:
                replies.append(await call(client, UNMAP, **CONTACT))

            tasks.start_soon(one)
            await anyio.sleep(40)
            (pending,) = await app.approvals.pending()
            await app.approvals.decide(pending.id, True, BROWSER)
    assert not replies[0].failed, replies[0].words


@pytest.mark.steady
async def test_it_waits_no_longer_where_the_disk_is_slow(
    app: App, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def shown(*_: object) -> str:
        return "opened"

    async def slow(*_: object) -> str:
        await anyio.sleep(1)
        return "pending"

    monkeypatch.setattr("salesloft_mcp.browser.browser.Browser.show", shown)
    monkeypatch.setattr("salesloft_mcp.changes.approvals.Approvals.decided", slow)
    async with connect() as client:
        began = anyio.current_time()
        assert "is pending" in await refused(client, UNMAP, **CONTACT)
        assert anyio.current_time() - began < 47


async def unreadable(_: ClientRequestContext, __: ElicitRequestParams) -> ElicitResult | ErrorData:
    return ElicitResult(action="accept", content={"confirm": "yes"})


async def failing(_: ClientRequestContext, __: ElicitRequestParams) -> ElicitResult | ErrorData:
    return ErrorData(code=-32603, message="no")


async def test_an_answer_of_the_client_that_cannot_be_read_leads_to_the_page_within_the_same_call(
    desk: Desk, connect: Connect, sandbox: Sandbox
) -> None:
    async with calling(connect, options={"elicitation_callback": unreadable}) as replies:
        await answered(desk, "yes")
    assert replies[0].data["agreed"] == "agreed on a page in the browser"
    assert len(writes(sandbox)) == 1


# In the newer protocol the question travels in the result, and a client that fails makes no second call.
@pytest.mark.parametrize("era", ["legacy"], indirect=True)
async def test_an_error_of_the_client_leads_to_the_page_within_the_same_call(
    desk: Desk, connect: Connect, sandbox: Sandbox
) -> None:
    async with calling(connect, options={"elicitation_callback": failing}) as replies:
        await answered(desk, "yes")
    assert replies[0].data["agreed"] == "agreed on a page in the browser"


@pytest.mark.parametrize("tool", [UNMAP, UNCONFIGURE])
async def test_a_client_that_fills_its_form_in_by_itself_refuses_and_the_next_same_call_asks_on_the_page(
    desk: Desk, connect: Connect, sandbox: Sandbox, tool: str
) -> None:
    human, about = Human({"confirm": False, "type_the_name": ""}), CONTACT if tool == UNMAP else MARKETING
    async with connect(elicitation_callback=human) as client:
        assert "make the same call again: it asks on a page" in await refused(client, tool, **about)
    async with calling(connect, tool, **about, options={"elicitation_callback": human}) as replies:
        await answered(desk, "no")
    assert "a person refused it on a page" in replies[0].words
    assert (len(human.questions), writes(sandbox)) == (1, [])


@pytest.mark.parametrize("action", ["decline", "cancel"])
async def test_a_client_that_refuses_by_itself_is_told_so_and_the_next_same_call_asks_on_the_page(
    desk: Desk, connect: Connect, app: App, sandbox: Sandbox, action: str
) -> None:
    human = Human(action=action)
    async with connect(elicitation_callback=human) as client:
        words = await refused(client, UNMAP, **CONTACT)
    assert words.startswith(f"not confirmed: the client answered {action}. Nothing was changed.")
    assert "if the person says that nothing was asked, make the same call again: it asks on a page in" in words
    assert await app.approvals.pending() == []
    assert desk.was_left_alone()
    async with calling(connect, options={"elicitation_callback": human}) as replies:
        await answered(desk, "yes")
    assert replies[0].data["agreed"] == "agreed on a page in the browser"
    assert len(human.questions) == 1
    assert len(writes(sandbox)) == 1


async def test_after_a_refusal_of_the_client_another_call_is_asked_through_it_again(
    desk: Desk, connect: Connect
) -> None:
    human = Human(action="decline")
    async with connect(elicitation_callback=human) as client:
        await refused(client, UNMAP, **CONTACT)
        await refused(client, UNMAP, **{**CONTACT, "external_id": "CONTACT1001"})
    assert len(human.questions) == 2


async def test_without_a_desktop_what_a_client_refuses_twice_waits_in_a_terminal(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    human = Human(action="decline")
    async with connect(elicitation_callback=human) as client:
        words = await refused(client, UNMAP, **CONTACT)
        assert "if a person refused it, do not repeat it unless asked to; " in words
        assert "what is refused twice waits for a person in a terminal, by `salesloft-mcp approvals" in words
        assert await app.approvals.pending() == []  # a refusal leaves nothing that could be agreed to
        words = await refused(client, UNMAP, **CONTACT)
        (pending,) = await app.approvals.pending()
        assert f"in a terminal shows it, as approval {pending.id}; then call again." in words
        assert await app.approvals.decide(pending.id, True)
        assert (await call(client, UNMAP, **CONTACT)).data["agreed"] == "approved in a terminal"
    assert len(human.questions) == 2
    assert len(writes(sandbox)) == 1


async def test_without_a_desktop_a_person_who_refused_is_asked_again_by_the_same_call(connect: Connect) -> None:
    human = Human(action="decline")
    async with connect(elicitation_callback=human) as client:
        await refused(client, UNMAP, **CONTACT)
        human.action, human.answer = "accept", YES
        assert (await call(client, UNMAP, **CONTACT)).data["agreed"] == "asked through the client"


@ONE_ERA
async def test_a_server_that_asks_through_the_client_alone_says_after_a_refusal_how_it_is_started_otherwise(
    settings: Settings, sandbox: Sandbox, era: Era
) -> None:
    human = Human(action="decline")
    async with open_app(settings.model_copy(update={"confirm": "elicit"}), sandbox) as app:
        async with Client(build_server(app, chosen("full")), mode=era, elicitation_callback=human) as client:
            for _ in range(2):
                words = await refused(client, UNMAP, **CONTACT)
                assert "has to be started with --confirm auto, which asks outside of the client, too." in words
    assert len(human.questions) == 2


async def test_a_client_that_can_ask_is_asked_and_no_page_opens(desk: Desk, connect: Connect) -> None:
    async with connect(elicitation_callback=Human(YES)) as client:
        assert (await call(client, UNMAP, **CONTACT)).data["agreed"] == "asked through the client"
    assert desk.was_left_alone()


async def test_outside_asks_on_the_page_and_never_through_the_client(
    desk: Desk, settings: Settings, sandbox: Sandbox, era: Era
) -> None:
    human = Human(YES)
    async with open_app(settings.model_copy(update={"confirm": "outside"}), sandbox) as app:

        def connect(**options: Any) -> Client:
            return Client(build_server(app, chosen("full")), mode=era, **options)

        async with connect(elicitation_callback=human) as client:
            preview = await call(client, UNMAP, **CONTACT, preview=True)
        assert preview.data["agreed"] == "a person would be asked on a page in the browser"
        async with calling(connect, options={"elicitation_callback": human}) as replies:
            await answered(desk, "yes")
    assert replies[0].data["agreed"] == "agreed on a page in the browser"
    assert human.questions == []


@ONE_ERA
async def test_outside_without_a_desktop_a_person_is_asked_in_a_terminal(
    settings: Settings, sandbox: Sandbox, era: Era
) -> None:
    human = Human(YES)
    async with open_app(settings.model_copy(update={"confirm": "outside"}), sandbox) as app:
        async with Client(build_server(app, chosen("full")), mode=era, elicitation_callback=human) as client:
            words = await refused(client, UNMAP, **CONTACT)
    assert "this server asks outside of the client" in words
    assert "a person runs `salesloft-mcp approvals" in words
    assert human.questions == []
    assert writes(sandbox) == []


@pytest.fixture
def only_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Clients that lead their person to an address, and show no form."""
    build = ClientSession._build_capabilities

    def capabilities(self: ClientSession, version: str) -> Any:
        found = build(self, version)
        return found.model_copy(
            update={"elicitation": found.elicitation and ElicitationCapability(url=found.elicitation.url)}
        )

    monkeypatch.setattr(ClientSession, "_build_capabilities", capabilities)


class Led:
    """A person whose client shows an address, and opens it."""

    def __init__(self, action: str = "accept", visits: bool = True) -> None:
        self.action, self.visits = action, visits
        self.asked: list[ElicitRequestURLParams] = []
        self.shown = ""

    async def __call__(self, _: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        assert isinstance(params, ElicitRequestURLParams)
        self.asked.append(params)
        async with Visitor() as window:
            if self.visits:
                self.shown = await window.visit(params.url)
        return ElicitResult(action="accept" if self.action == "accept" else "decline")


async def test_a_client_that_leads_its_person_to_an_address_shows_the_same_page_and_never_sees_its_secret(
    desk: Desk, connect: Connect, sandbox: Sandbox, only_leads: None, era: Era
) -> None:
    led, completed = Led(), []

    async def heard(message: object) -> None:
        if isinstance(message, ElicitCompleteNotification):
            completed.append(message.params.elicitation_id)

    async with calling(connect, options={"elicitation_callback": led, "message_handler": heard}) as replies:
        opened = await desk.opened()
        async with Visitor() as person:
            assert "Delete this external id mapping?" in await person.visit(opened.address)
            await person.press("yes")
    (asked,) = led.asked
    if era == "legacy":
        assert completed == [asked.elicitation_id]
    assert asked.message.startswith("Delete this external id mapping in SANDBOX")
    assert "It opens in another window of your browser." in led.shown
    assert opened.address.rpartition("/")[2] not in f"{asked.url}{led.shown}"
    assert replies[0].data["agreed"] == "agreed on a page in the browser"
    assert len(writes(sandbox)) == 1


async def test_the_accept_of_such_a_client_decides_nothing(
    desk: Desk, connect: Connect, sandbox: Sandbox, only_leads: None, patience: None
) -> None:
    async with connect(elicitation_callback=Led(visits=False)) as client:
        assert "is pending" in await refused(client, UNMAP, **CONTACT)
    assert writes(sandbox) == []


async def test_when_such_a_client_refuses_it_is_told_so(
    desk: Desk, connect: Connect, sandbox: Sandbox, only_leads: None
) -> None:
    async with connect(elicitation_callback=Led("decline", visits=False)) as client:
        words = await refused(client, UNMAP, **CONTACT)
    assert words.startswith("not confirmed: the client answered decline.")
    assert writes(sandbox) == []


async def test_no_secret_of_a_page_is_to_be_found_anywhere(
    desk: Desk, connect: Connect, app: App, patience: None, caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    """Not in the answer, the log, what is written to a terminal, the command lines of the machine, or the database."""
    async with connect() as client:
        words = await refused(client, UNMAP, **CONTACT)
    opened: Opened = await desk.opened()
    secret = opened.address.rpartition("/")[2]
    assert opened.mode == "0o600"
    assert opened.ends == "/dev/null /dev/null /dev/null"
    assert secret in opened.document
    titles = (await anyio.run_process(["ps", "-eo", "args"])).stdout.decode()
    async with Visitor() as person:
        await person.visit(opened.address)
        cookie = str(next(iter(person.http.cookies.jar)).value)
        token = person.form()["token"]
        await person.press("no")
    assert not opened.file.exists()  # since the page was opened
    state = app.settings.state_dir
    files = [file for file in state.rglob("*") if file.is_file()]
    kept = b"".join(file.read_bytes() for file in files)
    told = "".join([words, caplog.text, *capfd.readouterr(), titles, opened.argument])
    for one in (secret, cookie, token):
        assert one not in told
        assert one.encode() not in kept
    for folder in (state, *(one for one in state.rglob("*") if one.is_dir())):
        assert stat.S_IMODE(os.stat(folder).st_mode) == 0o700


@ONE_ERA
async def test_what_the_model_can_reach_of_a_page_answers_nothing(
    desk: Desk, connect: Connect, sandbox: Sandbox, patience: None
) -> None:
    """A model that fetches addresses knows the port from a look at the machine, and everything that it was told."""
    async with connect() as client:
        words = await refused(client, UNMAP, **CONTACT)
    opened = await desk.opened()
    approval = words.partition("approval ")[2][:6]
    async with Visitor() as model:
        for path in (approval, f"open/{approval}", f"page/{approval}", f"show/{approval}", "open/", "page/", ""):
            assert "Delete this external id mapping?" not in await model.visit(f"{opened.origin}/{path}")
            await model.http.post(f"{opened.origin}/{path}", data={"choice": "yes"}, headers={"Origin": opened.origin})
        await model.http.post(f"{opened.origin}/page/{approval}", data={"choice": "yes", "token": approval})
    async with connect() as client:
        assert "is pending" in await refused(client, UNMAP, **CONTACT)
    assert writes(sandbox) == []


LEADS = {"external_type": "sdfc_lead", "object_type": "people"}


async def planned(connect: Connect) -> str:
    """A plan that a person has to agree to."""
    rows = [{"external_id": f"N{number}", "object_id": FIRST_PERSON + number} for number in range(3)]
    async with connect() as client:
        return str((await call(client, "plan_backfill", **LEADS, rows=rows)).data["plan"])


async def test_a_run_is_agreed_to_on_a_page_and_taken_back_on_another(
    desk: Desk, connect: Connect, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("salesloft_mcp.changes.consent.MOST_UNASKED", 2)
    plan = await planned(connect)
    async with calling(connect, "run_plan", plan=plan) as replies:
        opened = await desk.opened()
        async with Visitor() as person:
            shown = await person.visit(opened.address)
            assert "<h1>Create these external id mappings?</h1>" in shown
            assert '<th scope="row">Changes</th><td>3 mappings to create</td>' in shown
            await person.press("yes")
    assert replies[0].data["agreed"] == "agreed on a page in the browser"
    async with calling(connect, "undo_change", change=replies[0].data["change_id"]) as undone:
        opened = await desk.opened()
        async with Visitor() as person:
            shown = await person.visit(opened.address)
            assert f"<h1>Undo change {replies[0].data['change_id']}: delete these external id mappings?</h1>" in shown
            await person.press("yes")
    assert undone[0].data["agreed"] == "agreed on a page in the browser"


async def test_a_run_that_the_client_refuses_is_asked_about_on_a_page_by_the_next_call(
    desk: Desk, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("salesloft_mcp.changes.consent.MOST_UNASKED", 2)
    plan, human = await planned(connect), Human(action="decline")
    async with connect(elicitation_callback=human) as client:
        assert "the client answered decline" in await refused(client, "run_plan", plan=plan)
    async with calling(connect, "run_plan", plan=plan, options={"elicitation_callback": human}) as replies:
        await answered(desk, "yes")
    assert replies[0].data["agreed"] == "agreed on a page in the browser"
    assert len(human.questions) == 1


@pytest.fixture
def no_browser(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A display without anything that shows a page on it."""
    monkeypatch.delenv("SSH_CONNECTION")
    monkeypatch.delenv("BROWSER", raising=False)
    monkeypatch.setenv("DISPLAY", ":99")
    monkeypatch.setenv("PATH", str(tmp_path))


@ONE_ERA
async def test_where_no_browser_is_found_the_call_does_not_wait_and_names_the_terminal(
    no_browser: None, connect: Connect
) -> None:
    async with connect() as client:
        for _ in range(2):
            words = await refused(client, UNMAP, **CONTACT)
            assert "Next: a person runs `salesloft-mcp approvals" in words


@ONE_ERA
async def test_of_many_calls_that_wait_for_one_answer_one_goes_through(
    desk: Desk, connect: Connect, sandbox: Sandbox
) -> None:
    replies: list[Reply] = []

    async def one() -> None:
        async with connect() as client:
            replies.append(await call(client, UNMAP, **CONTACT))

    async with anyio.create_task_group() as tasks:
        for _ in range(10):
            tasks.start_soon(one)
        opened = await desk.opened()
        async with Visitor() as person:
            await person.visit(opened.address)
            await person.press("yes")
    assert len(writes(sandbox)) == 1
    assert sum(not reply.failed for reply in replies) == 1
    assert desk.was_left_alone()
