"""The card that hosts with MCP Apps show, in a real browser, with a scripted host around it."""

import json
from collections.abc import AsyncIterator, Callable
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from salesloft_mcp.server.card import KEY

if TYPE_CHECKING:
    from playwright.async_api import Frame, Page

pytestmark = [pytest.mark.witness, pytest.mark.anyio]

HOST = """<!doctype html><title>host</title><iframe sandbox="allow-scripts" title="card" width=420 height=700></iframe>
<script>
const frame = document.querySelector("iframe"), heard = [];
let refuse = false;
window.addEventListener("message", ({source, data}) => {
  if (source !== frame.contentWindow) return;
  heard.push(data);
  if (data.method === "ui/initialize") tell({id: data.id, result: {hostContext: {theme: "dark"}}});
  const answer = refuse ? {error: {code: -32000, message: "no"}} : {result: {}};
  if (data.method === "ui/open-link") tell({id: data.id, ...answer});
});
function tell(message) { frame.contentWindow.postMessage({jsonrpc: "2.0", ...message}, "*"); }
frame.srcdoc = CARD;
</script>"""
# What a host has to allow a card that asks for nothing (MCP Apps of 2026-01-26, "Restrictive Default").
POLICY = "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; frame-src 'self'"
ADDRESS = "http://127.0.0.1:49152/show/abc-_123"


def result(address: str = ADDRESS) -> dict[str, Any]:
    """What a call that waits for a person answers."""
    card = {
        "heading": "Delete this external id mapping?",
        "follows": "What happens: the record stays.",
        "facts": [["Record", "person 578495206"], ["External id", "<img src=x onerror=alert(1)>"]],
        "address": address,
        "command": "salesloft-mcp approvals",
    }
    return {"isError": True, "content": [{"type": "text", "text": "this needs a yes\nNext: …"}], "_meta": {KEY: card}}


@pytest.fixture
async def host(chromium: str) -> AsyncIterator["Page"]:
    from playwright.async_api import async_playwright

    html = files("salesloft_mcp.server").joinpath("card.html").read_text(encoding="utf-8")
    document = HOST.replace("CARD", json.dumps(html).replace("</", "<\\/"))
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium)
        page = await browser.new_page()
        headers = {"content-security-policy": POLICY}
        await page.route("**", lambda route: route.fulfill(body=document, content_type="text/html", headers=headers))
        await page.goto("http://host.test/")
        await page.wait_for_function("heard.some((one) => one.method === 'ui/notifications/initialized')")
        yield page
        await browser.close()


async def tell(host: "Page", given: dict[str, Any]) -> "Frame":
    """Hand a result to the card; the card."""
    await host.evaluate("(params) => tell({method: 'ui/notifications/tool-result', params})", given)
    card = host.frames[1]
    await card.locator("#card > *").first.wait_for()
    return card


async def opened(host: "Page") -> list[str]:
    """The addresses that the card has asked the host to open."""
    heard = await host.evaluate("heard")
    return [one["params"]["url"] for one in heard if one.get("method") == "ui/open-link"]


async def test_it_shows_the_facts_as_text_and_has_the_host_open_the_page(
    host: "Page", npm_package: Callable[[str], Path]
) -> None:
    card = await tell(host, result())
    assert await card.get_by_role("heading", level=1).inner_text() == "Delete this external id mapping?"
    assert await card.get_by_role("row", name="External id").inner_text() == "External id\t<img src=x onerror=alert(1)>"
    assert await card.locator("img").count() == 0
    assert "salesloft-mcp approvals" in await card.locator("main").inner_text()
    await card.get_by_role("button", name="Answer on a page in your browser").click()
    assert await opened(host) == [ADDRESS]
    assert (
        await card.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(22, 25, 29)"
    )  # the host is dark
    rules = (npm_package("axe-core") / "axe.min.js").read_text(encoding="utf-8")
    found = await card.evaluate(f"{rules}; axe.run()")
    assert [one["id"] for one in found["violations"]] == []
    methods = {one["method"] for one in await host.evaluate("heard") if "method" in one}
    assert methods == {"ui/initialize", "ui/notifications/initialized", "ui/notifications/size-changed", "ui/open-link"}


async def test_when_the_host_opens_nothing_it_says_what_to_do(host: "Page") -> None:
    await host.evaluate("refuse = true")
    card = await tell(host, result())
    await card.get_by_role("button").click()
    assert "Answer in a terminal." in await card.get_by_role("alert").inner_text()


@pytest.mark.parametrize(
    "address", ["https://evil.test/show/x", "javascript:alert(1)", "http://127.0.0.1:1/open/x", f"{ADDRESS}?x", ""]
)
async def test_it_leads_nowhere_but_to_this_machine(host: "Page", address: str) -> None:
    card = await tell(host, result(address))
    assert await card.get_by_role("button").count() == 0


async def test_of_any_other_answer_it_shows_the_first_line(host: "Page") -> None:
    card = await tell(host, {"content": [{"type": "text", "text": "deleted: mapping 5004.\n{}"}]})
    assert await card.locator("main").inner_text() == "deleted: mapping 5004."
