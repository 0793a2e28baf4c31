"""Without a key and a sign-in the server starts, sends nothing, and says in every answer the one thing to do."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import anyio
import anyio.lowlevel
import anyio.to_thread
import httpx
import pytest
from click.testing import CliRunner
from mcp import MCPError
from mcp.client import Client
from pydantic import SecretStr

from salesloft_mcp.app import App, open_app
from salesloft_mcp.browser.desktop import Desktop
from salesloft_mcp.cli import cli
from salesloft_mcp.errors import SignedOutError
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.server import announce
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import NAMES, chosen
from salesloft_mcp.settings import Settings
from salesloft_mcp.state.credentials import Credentials
from tests.browser.desk import Desk
from tests.conftest import Connect, Era
from tests.hosting.program import COMMAND, HANG_SECONDS, clean_environment, free_port, started
from tests.server.calling import call, refused
from tests.server.test_secrets import CALLS
from tests.signing_in import URL, agreed, application, everything_in_process, served, sign_in

pytestmark = pytest.mark.anyio

KEY = {"external_type": "crm_lead", "object_type": "people", "external_id": "CONTACT3456", "object_id": "578495206"}
ADDRESSES = (
    announce.CONFIGURATIONS,
    announce.uri(announce.CONFIGURATION, **{name: KEY[name] for name in ("external_type", "object_type")}),
    announce.uri(announce.OBJECT, **{name: KEY[name] for name in ("object_type", "object_id")}),
    announce.uri(announce.PLAN, plan="1"),
)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path / "state").model_copy(update={"base_url": URL})


@pytest.fixture
async def app(settings: Settings, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[App]:
    """Live parts without a key, on an address where the sandbox answers."""
    everything_in_process(monkeypatch, sandbox)
    async with open_app(settings) as app:
        yield app


@pytest.fixture
def kept(settings: Settings) -> Credentials:
    return Credentials(settings.state_dir, URL)


async def test_every_tool_answers_with_the_one_thing_to_do_and_nothing_is_sent(
    connect: Connect, sandbox: Sandbox, settings: Settings
) -> None:
    assert set(CALLS) == set(NAMES)
    async with connect() as client:
        assert len((await client.list_tools()).tools) == len(NAMES)
        for tool, arguments in CALLS.items():
            words = await refused(client, tool, **arguments)
            assert words.startswith("there is no credential for Salesloft. Nothing was sent."), tool
            for way in ("salesloft-mcp login --base-url", str(settings.state_dir), "SALESLOFT_API_KEY", "--sandbox"):
                assert way in words
    assert not sandbox.requests


@pytest.mark.parametrize("address", ADDRESSES)
async def test_every_resource_does_so_too(connect: Connect, sandbox: Sandbox, address: str) -> None:
    async with connect() as client:
        await client.list_resources()
        with pytest.raises(MCPError, match="salesloft-mcp login"):
            await client.read_resource(address)
    assert not sandbox.requests


async def test_when_somebody_signs_in_meanwhile_the_next_call_works(
    connect: Connect, sandbox: Sandbox, kept: Credentials
) -> None:
    async with connect() as client:
        await refused(client, "get_connection")
        await sign_in(sandbox, kept)
        assert (await call(client, "get_connection")).data["team_id"] == 100013
        await kept.remove()
        assert "no credential" in await refused(client, "get_connection")


async def test_what_is_kept_here_can_be_read_when_a_sign_in_has_ended(
    connect: Connect, sandbox: Sandbox, kept: Credentials
) -> None:
    await sign_in(sandbox, kept)
    sandbox.authority.end_sign_ins()
    async with connect() as client:
        words = await refused(client, "get_connection")
        assert words.startswith("the sign-in to Salesloft has ended, and cannot be renewed")
        assert "salesloft-mcp login" in words
        assert (await call(client, "list_changes")).data["changes"] == []


async def test_a_key_wins_over_a_sign_in(
    settings: Settings, sandbox: Sandbox, kept: Credentials, monkeypatch: pytest.MonkeyPatch, era: Era
) -> None:
    everything_in_process(monkeypatch, sandbox)
    await kept.keep(replace(await sign_in(sandbox, kept), access_token=SecretStr("of-nobody")))
    with_key = settings.model_copy(update={"api_key": SecretStr(sandbox.api_key)})
    async with open_app(with_key) as app, Client(build_server(app, chosen("full")), mode=era) as client:
        await call(client, "get_connection")
    assert {request.status for request in sandbox.requests if request.raw_path == b"/v2/me"} == {200}


@pytest.fixture
async def seated(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[tuple[App, Sandbox, Desk]]:
    """The same where a person sits at the machine, and the settings name an application."""
    with Sandbox(redirect_uri=f"http://localhost:{free_port()}/callback") as sandbox:
        everything_in_process(monkeypatch, sandbox)
        redirect = sandbox.authority.client.redirect_uri
        monkeypatch.setattr("salesloft_mcp.sign_in.REDIRECT_URI", redirect)
        own = application(sandbox)
        named = {"base_url": URL, "client_id": own.id, "client_secret": own.secret}
        async with open_app(Settings(state_dir=tmp_path / "state").model_copy(update=named)) as app:
            yield app, sandbox, desk


async def test_where_somebody_sits_the_page_to_sign_in_opens_and_the_same_call_then_works(
    seated: tuple[App, Sandbox, Desk], era: Era
) -> None:
    app, sandbox, desk = seated
    async with Client(build_server(app, chosen("full")), mode=era) as client:
        words = await refused(client, "get_connection")
        assert "a person signs in on the page that has opened in the browser" in words
        opened = await desk.opened()
        assert opened.mode == "0o600"
        assert opened.address.startswith(f"{URL}/oauth/authorize?")
        assert "a person signs in on the page" in await refused(client, "list_changes")
        assert desk.was_left_alone()  # the page is there already
        async with httpx.AsyncClient() as browser:
            page = await browser.get(await agreed(sandbox, opened.address))
        assert "You are signed in" in page.text
        assert (await call(client, "get_connection")).data["team_id"] == 100013


async def test_whoever_denies_it_is_told_and_asked_again_later(seated: tuple[App, Sandbox, Desk], era: Era) -> None:
    app, sandbox, desk = seated
    async with Client(build_server(app, chosen("full")), mode=era) as client:
        await refused(client, "get_connection")
        opened = await desk.opened()
        async with httpx.AsyncClient() as browser:
            page = await browser.get(await agreed(sandbox, opened.address, "deny"))
        assert "You are not signed in" in page.text
        words = await refused(client, "get_connection")
        assert "salesloft-mcp login" in words
        assert "has opened" not in words  # the page that was open leads nowhere any more
        assert desk.was_left_alone()


async def asked_for(app: App) -> str:
    """What a call is told that finds nobody signed in."""
    assert app.sign_in_page
    return (await app.sign_in_page.told(SignedOutError("over.", next_step="log in."))).next_step


async def test_a_new_secret_of_the_application_takes_the_place_of_the_one_that_is_kept(
    seated: tuple[App, Sandbox, Desk], kept: Credentials
) -> None:
    app, sandbox, desk = seated
    old = await kept.keep(replace(await sign_in(sandbox, kept), client_secret=SecretStr("old"), ended="over"))
    assert "page that has opened" in await asked_for(app)
    async with httpx.AsyncClient() as browser:
        page = await browser.get(await agreed(sandbox, (await desk.opened()).address))
    assert "You are signed in" in page.text
    assert app.signed_in
    assert (await app.signed_in.require()).login != old.login


async def test_a_server_that_knows_no_safe_challenge_gets_none_from_the_page_either(
    seated: tuple[App, Sandbox, Desk],
) -> None:
    app, sandbox, desk = seated
    body = b'{"code_challenge_methods_supported": ["plain"]}'
    sandbox.faults.add(Fault("raw", path="/.well-known/*", status=200, body=body))
    await asked_for(app)
    assert "code_challenge" not in (await desk.opened()).address


async def test_where_no_browser_is_found_no_page_is_called_open(
    seated: tuple[App, Sandbox, Desk], tmp_path: Path
) -> None:
    app, _, _ = seated
    assert app.browser.desktop
    app.browser.desktop = Desktop(tmp_path / "state", {"DISPLAY": ":99", "PATH": str(tmp_path)})
    await asked_for(app)
    with anyio.fail_after(HANG_SECONDS):
        while not app.browser.failed("sign-in"):
            await anyio.lowlevel.checkpoint()
    assert "has opened" not in await asked_for(app)


async def test_no_page_opens_where_nobody_sits_or_no_application_is_known(
    connect: Connect, app: App, sandbox: Sandbox
) -> None:
    async with connect() as client:
        assert "opened in the browser" not in await refused(client, "get_connection")


async def test_a_server_over_stdio_starts_without_a_credential_and_works_after_a_login(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        async with served(sandbox) as url:
            client = sandbox.authority.client
            env = clean_environment(tmp_path, SALESLOFT_BASE_URL=url, SALESLOFT_STATE_DIR=str(tmp_path / "state"))
            own = {"SALESLOFT_CLIENT_ID": client.id, "SALESLOFT_CLIENT_SECRET": client.secret}

            def talk() -> list[str]:
                with started([*COMMAND, "serve"], env, tmp_path / "log") as program:
                    program.shake_hands("legacy")
                    said = []
                    for number in (2, 3):
                        program.call(number, "get_connection")
                        said.append(program.receive()["result"]["content"][0]["text"])
                        if number == 2:
                            done = CliRunner(env={**env, **own}).invoke(cli, ["login", "--client-credentials"])
                            assert done.exit_code == 0, done.output
                    assert program.stop(None) == 0
                return said

            before, after = await anyio.to_thread.run_sync(talk)
            assert before.startswith("there is no credential for Salesloft.")
            assert "team 100013" in after
