"""Signing in from the answer of a tool, in a real browser: the file, the consent, the redirect to this machine."""

import os
from pathlib import Path

import pytest
from mcp.client import Client
from pydantic import SecretStr

from salesloft_mcp.app import open_app
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import chosen
from salesloft_mcp.settings import Settings
from tests.browser.desk import Desk
from tests.hosting.program import free_port
from tests.server.calling import call, refused
from tests.signing_in import served

pytestmark = [pytest.mark.witness, pytest.mark.anyio]

WHERE_TO_LOOK = os.environ.get("SCREENSHOTS", "")  # a folder, for whoever wants to look at the page


async def test_a_click_on_authorize_signs_in_and_the_same_call_then_works(
    desk: Desk, chromium: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The redirect names localhost, which a browser may look for at ::1 first; it is served on 127.0.0.1."""
    from playwright.async_api import async_playwright

    redirect = f"http://localhost:{free_port()}/callback"
    monkeypatch.setattr("salesloft_mcp.sign_in.REDIRECT_URI", redirect)
    with Sandbox(redirect_uri=redirect) as sandbox:
        async with served(sandbox) as url, async_playwright() as playwright:
            own = sandbox.authority.client
            settings = Settings(
                base_url=url, state_dir=tmp_path / "state", client_id=own.id, client_secret=SecretStr(own.secret)
            )
            async with open_app(settings) as app, Client(build_server(app, chosen("full"))) as client:
                await refused(client, "get_connection")
                opened = await desk.opened()
                browser = await playwright.chromium.launch(executable_path=chromium)
                page = await browser.new_page()
                await page.goto(opened.argument, wait_until="commit")
                await page.get_by_role("button", name="Authorize").click()
                await page.wait_for_url(f"{redirect}**")
                assert await page.get_by_role("heading", level=1).inner_text() == "You are signed in"
                if WHERE_TO_LOOK:
                    await page.screenshot(path=Path(WHERE_TO_LOOK) / "signed-in.png")
                await browser.close()
                assert (await call(client, "get_connection")).data["team_id"] == 100013
