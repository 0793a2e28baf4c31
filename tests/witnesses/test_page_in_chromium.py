"""The page that a person agrees on, in a real browser: by mouse, by keyboard, for a screen reader, dark and light."""

import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import anyio
import pytest

from salesloft_mcp.app import App
from salesloft_mcp.sandbox import Sandbox
from tests.browser.desk import Desk, Opened
from tests.conftest import Connect, Era
from tests.server.calling import Reply, call, refused, writes

if TYPE_CHECKING:
    from playwright.async_api import Browser, BrowserContext, Page

pytestmark = [pytest.mark.witness, pytest.mark.anyio]

UNMAP, UNCONFIGURE = "delete_external_id_mapping", "delete_external_id_configuration"
CONTACT = {"external_type": "crm_lead", "object_type": "people", "external_id": "CONTACT3456"}
MARKETING = {"external_type": "marketing", "object_type": "accounts"}
MOVE = {**CONTACT, "object_id": 207550815, "move_from": 578495206}
STOP = {
    "external_type": "crm_lead",
    "external_id": "CONTACT3456",
    "person": {"do_not_contact": True, "title": f"<b>{'CEO' * 30}"},
}
QUESTIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "a mapping": (UNMAP, CONTACT),
    "a configuration": (UNCONFIGURE, MARKETING),
    "a move": ("create_external_id_mapping", MOVE),
    "a person": ("upsert_person_by_external_id", STOP),
}
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
WHERE_TO_LOOK = os.environ.get("SCREENSHOTS", "")  # a folder, for whoever wants to look at the pages


@dataclass
class Screen:
    """What was shown, and what a page asked for and complained about meanwhile."""

    browser: "Browser"
    complaints: list[str] = field(default_factory=list)
    asked_for: set[str] = field(default_factory=set)

    @asynccontextmanager
    async def window(self) -> AsyncIterator["Page"]:
        """A window of a browser of its own, with its own cookies."""
        context = await self.browser.new_context()
        try:
            yield await self.tab(context)
        finally:
            await context.close()

    async def tab(self, context: "BrowserContext") -> "Page":
        page = await context.new_page()
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.asked_for.add(request.url.split("/")[2]))
        return page


@pytest.fixture
def era() -> Era:
    """What is shown does not depend on the version of the protocol."""
    return "auto"


@pytest.fixture
async def screen(chromium: str) -> AsyncIterator[Screen]:
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium)
        yield Screen(browser)
        await browser.close()


@asynccontextmanager
async def calling(
    connect: Connect, desk: Desk, tool: str = UNMAP, arguments: dict[str, Any] = CONTACT
) -> AsyncIterator[tuple[Opened, list[Reply]]]:
    """A call that waits for the person, and what the browser was told to open for it."""
    replies: list[Reply] = []

    async def one() -> None:
        async with connect() as client:
            replies.append(await call(client, tool, **arguments))

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(one)
        yield await desk.opened(), replies


async def heading(page: "Page") -> str:
    return await page.get_by_role("heading", level=1).inner_text()


async def test_the_file_that_the_browser_is_given_leads_to_the_page_and_a_click_does_it(
    desk: Desk, connect: Connect, screen: Screen, sandbox: Sandbox
) -> None:
    async with calling(connect, desk) as (opened, replies), screen.window() as page:
        await page.goto(opened.argument, wait_until="commit")
        await page.wait_for_url("**/page/**")
        assert await heading(page) == "Delete this external id mapping?"
        await page.get_by_role("button", name="Delete", exact=True).click()
        assert await heading(page) == "Answered: Delete"
        await page.reload()
        assert await heading(page) == "Answered: Delete"
        assert not await page.evaluate("document.cookie")
    assert replies[0].data["agreed"] == "agreed on a page in the browser"
    assert len(writes(sandbox)) == 1
    assert screen.complaints == []
    assert screen.asked_for == {"", opened.origin.removeprefix("http://")}  # the first is the file


async def test_a_click_that_was_meant_for_what_stood_there_before_agrees_to_nothing(
    desk: Desk, connect: Connect, screen: Screen, sandbox: Sandbox
) -> None:
    async with calling(connect, desk) as (opened, replies), screen.window() as page:
        clock = await page.context.new_cdp_session(page)
        await clock.send("Animation.enable")
        await clock.send("Animation.setPlaybackRate", {"playbackRate": 0})  # the first second lasts
        await page.goto(opened.address)
        button = page.get_by_role("button", name="Delete", exact=True)
        place = await button.bounding_box()
        assert place
        await page.mouse.dblclick(place["x"] + 5, place["y"] + 5)
        assert await heading(page) == "Delete this external id mapping?"
        assert writes(sandbox) == []
        await clock.send("Animation.setPlaybackRate", {"playbackRate": 1})
        await button.click()
        assert await heading(page) == "Answered: Delete"
    assert replies[0].data["agreed"] == "agreed on a page in the browser"


async def test_it_is_answered_by_keyboard_alone_and_no_key_that_is_pressed_by_chance_agrees(
    desk: Desk, connect: Connect, screen: Screen, sandbox: Sandbox
) -> None:
    async with calling(connect, desk, UNCONFIGURE, MARKETING) as (opened, replies), screen.window() as page:
        await page.goto(opened.address)
        for key in ("Enter", " ", "y"):  # of somebody who was typing when the window came up
            await page.keyboard.press(key)
        assert await heading(page) == "Delete this external id configuration?"
        order = []
        for _ in range(3):
            await page.keyboard.press("Tab")
            focused = page.locator(":focus")
            assert await focused.evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
            order.append(await focused.evaluate("one => one.labels?.[0]?.innerText || one.innerText"))
        assert order == ["To agree, type the external type: marketing", "Delete", "Keep"]
        await page.get_by_role("textbox", name="To agree, type the external type: marketing").focus()
        await page.keyboard.type("marketin")
        async with page.expect_navigation():
            await page.keyboard.press("Enter")
        assert "Another name was typed" in await page.get_by_role("alert").inner_text()
        await page.locator("input:focus").wait_for()  # it is where the person goes on
        await page.keyboard.type("marketing")
        async with page.expect_navigation():
            await page.keyboard.press("Enter")
        assert await heading(page) == "Answered: Delete"
    assert replies[0].data["agreed"] == "agreed on a page in the browser"
    assert writes(sandbox) == ["DELETE /v2/external/configurations/227"]


async def test_keeping_needs_no_name(desk: Desk, connect: Connect, screen: Screen, sandbox: Sandbox) -> None:
    async with calling(connect, desk, UNCONFIGURE, MARKETING) as (opened, _), screen.window() as page:
        await page.goto(opened.address)
        await page.get_by_role("button", name="Delete", exact=True).click()  # the browser itself wants the name
        assert await heading(page) == "Delete this external id configuration?"
        await page.get_by_role("button", name="Keep", exact=True).click()
        assert await heading(page) == "Answered: Keep"
    assert writes(sandbox) == []


@pytest.mark.parametrize("about", QUESTIONS)
async def test_everybody_can_read_it_and_nothing_is_wrong_by_the_rules_of_accessibility(
    desk: Desk, connect: Connect, screen: Screen, npm_package: Callable[[str], Path], about: str
) -> None:
    rules = (npm_package("axe-core") / "axe.min.js").read_text(encoding="utf-8")
    tool, arguments = QUESTIONS[about]

    async def read(page: "Page", what: str) -> None:
        for scheme in SCHEMES:
            await page.emulate_media(color_scheme=scheme)
            paper = await page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert (paper == "rgb(255, 255, 255)") == (scheme == "light")
            for width in (1000, 320):  # the narrower is what WCAG 2.2 asks for (1.4.10)
                await page.set_viewport_size({"width": width, "height": 900})
                assert await page.evaluate("document.documentElement.scrollWidth") <= width
                narrowest = await page.evaluate(
                    "Math.min(...[...document.querySelectorAll('td')].map(e => e.clientWidth))"
                )
                assert narrowest is None or narrowest > width / 5  # the old value is no column of single letters
                await looked_at(page, f"{about} {what} {scheme} {width}")
            found = await page.evaluate(f"{rules}; axe.run()")
            assert [(wrong["id"], [node["html"] for node in wrong["nodes"]]) for wrong in found["violations"]] == []
            assert found["passes"]

    async with calling(connect, desk, tool, arguments) as (opened, _), screen.window() as page:
        await page.goto(opened.address)
        await read(page, "asked")
        await page.get_by_role("button").last.click()
        await read(page, "answered")
    assert screen.complaints == []


async def looked_at(page: "Page", name: str) -> None:
    if WHERE_TO_LOOK:
        await page.screenshot(path=Path(WHERE_TO_LOOK) / f"{name.replace(' ', '-')}.png", full_page=True)


async def test_another_browser_is_told_that_the_page_is_not_its_own_and_a_second_tab_that_it_was_answered(
    desk: Desk, connect: Connect, screen: Screen
) -> None:
    async with calling(connect, desk) as (opened, _), screen.window() as page, screen.window() as other:
        await page.goto(opened.address)
        await other.goto(page.url)
        assert await heading(other) == "This page belongs to another browser"
        await other.goto(opened.address)
        assert await heading(other) == "This address was used already, or is not one of ours"
        second = await screen.tab(page.context)
        await second.goto(page.url)
        await page.get_by_role("button", name="Keep").click()
        await second.get_by_role("button", name="Delete", exact=True).click()
        assert await heading(second) == "Answered: Keep"


EVILS = ["http://evil.test/", "http://127.0.0.1:9/", "http://localhost:9/"]
SENT = """<form method=post action={address}><input name=choice value=yes><input name=token value=guess></form>
<script>document.forms[0].submit()</script>"""


@asynccontextmanager
async def evil_page(screen: Screen, beside: "Page", evil: str, html: str) -> AsyncIterator["Page"]:
    """A page of somebody else in the same browser."""
    tab = await screen.tab(beside.context)
    await tab.route(f"{evil}**", lambda route: route.fulfill(body=html, content_type="text/html"))
    await tab.goto(evil)
    yield tab
    await tab.close()


async def test_a_form_of_somebody_else_in_the_same_browser_answers_nothing(
    desk: Desk, connect: Connect, app: App, screen: Screen, sandbox: Sandbox
) -> None:
    """A browser takes the other ports of this machine for the same site, and sends the cookie along."""
    async with calling(connect, desk) as (opened, _), screen.window() as page:
        await page.goto(opened.address)
        for evil in EVILS:
            async with evil_page(screen, page, evil, SENT.format(address=page.url)) as tab:
                await tab.wait_for_url(f"{opened.origin}/**")
                assert await heading(tab) == "Another page has sent this"
        assert writes(sandbox) == []
        assert len(await app.approvals.pending()) == 1
        await page.get_by_role("button", name="Keep").click()


async def test_a_page_of_somebody_else_cannot_show_it_in_a_frame(desk: Desk, connect: Connect, screen: Screen) -> None:
    async with calling(connect, desk) as (opened, _), screen.window() as page:
        await page.goto(opened.address)
        for evil in EVILS:
            async with evil_page(screen, page, evil, f"<iframe src={page.url}></iframe>") as tab:
                assert await tab.frame_locator("iframe").get_by_role("button", name="Keep").count() == 0
        await page.get_by_role("button", name="Keep").click()


async def test_the_page_stays_open_for_a_later_answer(
    desk: Desk, connect: Connect, screen: Screen, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("salesloft_mcp.server.outside.LOOKS", 1)
    async with connect() as client, screen.window() as page:
        assert "stays open in the browser" in await refused(client, UNMAP, **CONTACT)
        await page.goto((await desk.opened()).address)
        await page.get_by_role("button", name="Delete", exact=True).click()
        assert await heading(page) == "Answered: Delete"
        assert not (await call(client, UNMAP, **CONTACT)).failed
    assert len(writes(sandbox)) == 1
