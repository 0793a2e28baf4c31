"""Signing in and out as a person does it: in a browser, by a pasted address, or for a private application."""

import json
import os
import re
import select
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import anyio.to_thread
import httpx
import pytest
from click.testing import CliRunner, Result

from salesloft_mcp.cli import cli
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.sandbox.sandbox import API_KEY
from tests.hosting.program import COMMAND, HANG_SECONDS, clean_environment, free_port, listening
from tests.signing_in import agreed, served, token_requests


@dataclass
class World:
    """A sandbox that people sign in to, and a machine with a state directory."""

    sandbox: Sandbox
    url: str
    env: dict[str, str]
    state: Path

    @property
    def redirect(self) -> str:
        return self.sandbox.authority.client.redirect_uri

    async def run(self, *arguments: str, given: str = "", **env: str) -> Result:
        """A command to its end, in a thread of this process: the sandbox answers meanwhile."""
        invoke = CliRunner(env={**self.env, **env}).invoke
        return await anyio.to_thread.run_sync(partial(invoke, cli, arguments, input=given))

    def begin(self, *arguments: str) -> "subprocess.Popen[str]":
        pipe = subprocess.PIPE
        command = [*COMMAND, "login", "--redirect-uri", self.redirect, *arguments]
        return subprocess.Popen(command, env=self.env, stdin=pipe, stdout=pipe, stderr=pipe, text=True)

    def secrets(self) -> list[str]:
        """Everything that may be known to nobody else."""
        tokens = [token for token, caller in self.sandbox.authority.callers.items() if caller.client]
        return [*tokens, *self.sandbox.authority._refresh, self.sandbox.authority.client.secret]


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    with Sandbox(redirect_uri=f"http://localhost:{free_port()}/callback") as sandbox:
        async with served(sandbox) as url:
            client = sandbox.authority.client
            settings = {"SALESLOFT_CLIENT_ID": client.id, "SALESLOFT_CLIENT_SECRET": client.secret}
            state = tmp_path / "state"
            places = {"SALESLOFT_BASE_URL": url, "SALESLOFT_STATE_DIR": str(state)}
            yield World(sandbox, url, clean_environment(tmp_path, **settings, **places), state)


def address_in(process: "subprocess.Popen[str]") -> str:
    """The address that a person is told to open."""
    assert process.stderr is not None
    while line := process.stderr.readline():
        if line.startswith("http"):
            return line.strip()
    raise AssertionError("no address was printed")


async def address_of(process: "subprocess.Popen[str]") -> str:
    return await anyio.to_thread.run_sync(address_in, process)


async def end_of(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    out, err = await anyio.to_thread.run_sync(partial(process.communicate, timeout=HANG_SECONDS))
    return process.returncode, out, err


@pytest.mark.anyio
async def test_a_person_agrees_in_the_browser_and_every_command_works_from_then_on(world: World) -> None:
    assert (await world.run("resolve", "CONTACT3456", "--external-type", "crm_lead")).exit_code == 2
    login = world.begin()
    address = await address_of(login)
    assert "code_challenge_method=S256" in address
    async with httpx.AsyncClient(follow_redirects=True) as browser:
        page = await browser.post(address, data={"decision": "authorize"})
    assert "You are signed in" in page.text
    assert page.headers["content-security-policy"].startswith("default-src 'none'")
    code, out, err = await end_of(login)
    assert code == 0, err
    for told in (
        "Luis Castillo",
        "(1)",
        "Northwind Software (sandbox)",
        "(100013)",
        "120 minutes",
        "renewed by itself",
    ):
        assert told in out
    done = await world.run("resolve", "CONTACT3456", "--external-type", "crm_lead")
    assert (done.exit_code, done.stdout.split()[:1]) == (0, ["CONTACT3456"])


@pytest.mark.anyio
async def test_a_redirect_of_somebody_else_is_refused_and_the_right_one_still_counts(world: World) -> None:
    login = world.begin()
    address = await address_of(login)
    async with httpx.AsyncClient() as stranger:
        for query in ("?code=theirs&state=guessed", "?code=theirs", ""):
            refused = await stranger.get(world.redirect + query)
            assert (refused.status_code, "You are not signed in" in refused.text) == (400, True)
        rebound = await stranger.get(f"{world.redirect}?code=theirs", headers={"Host": "evil.test"})
        assert rebound.status_code == 421
        assert (await stranger.get(await agreed(world.sandbox, address))).status_code == 200
    assert (await end_of(login))[0] == 0


@pytest.mark.anyio
async def test_a_person_who_denies_it_is_not_signed_in(world: World) -> None:
    login = world.begin()
    async with httpx.AsyncClient() as browser:
        page = await browser.get(await agreed(world.sandbox, await address_of(login), "deny"))
    assert "You are not signed in" in page.text
    code, out, err = await end_of(login)
    assert (code, out) == (1, "")
    assert "access_denied" in err
    assert not list(world.state.rglob("*.json"))


@pytest.mark.anyio
async def test_without_a_browser_the_address_is_printed_and_the_redirect_pasted(world: World) -> None:
    process = world.begin("--no-browser", "--json")
    address = await address_of(process)
    pasted = await agreed(world.sandbox, address)
    assert process.stdin is not None
    process.stdin.write(f" {pasted} \n")
    process.stdin.flush()
    code, out, err = await end_of(process)
    assert code == 0, err
    told = json.loads(out)
    assert (told["team_id"], told["user_id"], told["kept"], told["problem"]) == (100013, 1, "file", "")
    assert told["renewed"] is True


@pytest.mark.anyio
@pytest.mark.parametrize("pasted", ["nonsense", "http://localhost:1/callback?code=a&state=b", ""])
async def test_what_is_pasted_has_to_belong_to_this_sign_in(world: World, pasted: str) -> None:
    done = await world.run("login", "--no-browser", "--redirect-uri", world.redirect, given=f"{pasted}\n")
    assert done.exit_code == 2
    assert "salesloft-mcp: redirect: " in done.stderr
    assert token_requests(world.sandbox) == 0


@pytest.mark.anyio
async def test_a_private_application_needs_no_person(world: World) -> None:
    done = await world.run("login", "--client-credentials", "--scope", "external_id:read person:view")
    assert done.exit_code == 0, done.stderr
    assert "Scopes: external_id:read person:view." in done.stdout
    assert (await world.run("resolve", "CONTACT3456", "--external-type", "crm_lead")).exit_code == 0


@pytest.mark.anyio
async def test_an_api_key_is_kept_and_used_where_no_environment_has_it(world: World) -> None:
    key = API_KEY
    kept = await world.run("login", "--api-key", SALESLOFT_API_KEY=key)
    assert kept.exit_code == 0, kept.stderr
    assert "The API key is good until" in kept.stdout
    assert key not in kept.stdout + kept.stderr
    assert (await world.run("resolve", "CONTACT3456", "--external-type", "crm_lead")).exit_code == 0
    assert "until somebody deletes it" in (await world.run("logout")).stdout
    assert (await world.run("resolve", "CONTACT3456", "--external-type", "crm_lead")).exit_code == 2


@pytest.mark.anyio
async def test_an_api_key_that_salesloft_knows_no_longer_is_told_and_nothing_is_asked_for_it(world: World) -> None:
    await world.run("login", "--api-key", SALESLOFT_API_KEY=API_KEY)
    del world.sandbox.authority.callers[API_KEY]
    refused = await world.run("resolve", "CONTACT3456")
    assert refused.exit_code == 2
    assert "does not know the API key any more" in refused.stderr
    assert not token_requests(world.sandbox)


@pytest.mark.anyio
async def test_an_api_key_that_salesloft_does_not_know_takes_the_place_of_nothing(world: World) -> None:
    await world.run("login", "--api-key", SALESLOFT_API_KEY=API_KEY)
    refused = await world.run("login", "--api-key", SALESLOFT_API_KEY="ak-of-nobody")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "does not know this API key" in refused.stderr
    assert (await world.run("resolve", "CONTACT3456", "--external-type", "crm_lead")).exit_code == 0


@pytest.mark.anyio
async def test_who_signs_in_is_told_what_was_not_given_and_what_wins_over_it(world: World) -> None:
    given = b'{"access_token": "a", "scope": "external_id:read"}'
    world.sandbox.faults.add(Fault("raw", path="/oauth/token", status=200, body=given))
    more = ("--client-credentials", "--scope", "external_id:read person:view")
    done = await world.run("login", *more, SALESLOFT_API_KEY=API_KEY)
    assert "Asked for, and not given: person:view." in done.stdout
    assert "SALESLOFT_API_KEY is set here, and wins over it" in done.stdout


def test_without_a_terminal_an_api_key_has_to_be_set(tmp_path: Path) -> None:
    env = clean_environment(tmp_path)
    done = CliRunner(env=env).invoke(cli, ["login", "--api-key"])
    assert done.exit_code == 2
    assert "SALESLOFT_API_KEY: is needed to keep it." in done.stderr


@pytest.mark.anyio
async def test_a_wrong_secret_is_told_and_nothing_is_kept(world: World) -> None:
    done = await world.run("login", "--client-credentials", SALESLOFT_CLIENT_SECRET="wrong-canary")
    assert (done.exit_code, done.stdout) == (1, "")
    assert "invalid_client" in done.stderr
    assert "check the client id, its secret" in done.stderr
    assert "canary" not in done.stderr
    assert not list(world.state.rglob("*.json"))


@pytest.mark.parametrize("missing", ["SALESLOFT_CLIENT_ID", "SALESLOFT_CLIENT_SECRET"])
def test_without_a_terminal_what_is_missing_is_named(missing: str) -> None:
    env = {"SALESLOFT_CLIENT_ID": "client", "SALESLOFT_CLIENT_SECRET": "secret", missing: ""}
    done = CliRunner().invoke(cli, ["login"], env=env)
    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.startswith(f"salesloft-mcp: {missing}: is needed to sign in.")


@pytest.mark.parametrize(
    "address",
    [
        "https://localhost:8788/callback",
        "http://example.com:8788/callback",
        "http://localhost/callback",
        "http://localhost:8788/",
        "http://localhost:8788/a/b",
        "http://localhost:8788/a?b=c",
        "http://localhost:99999/a",
        "http://user@localhost:8788/a",
        "callback",
    ],
)
def test_an_address_that_this_machine_cannot_serve_is_refused(address: str) -> None:
    done = CliRunner().invoke(cli, ["login", "--redirect-uri", address])
    assert done.exit_code == 2
    assert "--redirect-uri: must be an address of this machine" in done.stderr


@pytest.mark.parametrize("address", ["http://accounts.test", "https://user@accounts.test", "accounts.test"])
def test_one_signs_in_at_a_safe_address_only(address: str) -> None:
    done = CliRunner().invoke(cli, ["login", "--accounts-url", address])
    assert done.exit_code == 2
    assert done.stderr.startswith("salesloft-mcp: --accounts-url: ")


@pytest.mark.anyio
async def test_a_port_that_is_taken_is_told(world: World) -> None:
    port = int(world.url.rpartition(":")[2])
    done = await world.run("login", "--redirect-uri", f"http://127.0.0.1:{port}/callback")
    assert done.exit_code == 2
    assert f"cannot listen on port {port}" in done.stderr
    assert "use that page, or --no-browser" in done.stderr


@pytest.mark.anyio
async def test_nobody_agrees_to_a_sign_in_that_cannot_be_kept(world: World) -> None:
    world.state.write_text("a file, and no folder")
    for more in ((), ("--client-credentials",)):
        done = await world.run("login", "--state-dir", str(world.state / "below"), *more)
        assert done.exit_code == 1
        assert "no sign-in can be kept in" in done.stderr
        assert "--state-dir" in done.stderr
    assert not world.sandbox.requests


@pytest.mark.anyio
async def test_a_server_that_is_not_there_is_told(world: World) -> None:
    done = await world.run("login", "--client-credentials", "--accounts-url", f"http://127.0.0.1:{free_port()}")
    assert done.exit_code == 1
    assert "refuses the connection" in done.stderr


@pytest.mark.anyio
async def test_who_it_is_may_be_unreadable_and_the_sign_in_is_kept_all_the_same(world: World) -> None:
    world.sandbox.faults.add(Fault("status", path="/v2/team", status=403))
    done = await world.run("login", "--client-credentials")
    assert done.exit_code == 0
    assert "Who it is could not be read" in done.stdout
    assert (await world.run("resolve", "CONTACT3456", "--external-type", "crm_lead")).exit_code == 0


@pytest.mark.anyio
async def test_a_sign_in_does_not_wait_for_an_hour_to_learn_who_it_is(world: World) -> None:
    world.sandbox.faults.add(Fault("status", path="/v2/me", status=429, retry_after=3_600))
    done = await world.run("login", "--client-credentials")
    assert done.exit_code == 0
    assert "Who it is could not be read" in done.stdout


@pytest.mark.anyio
async def test_who_signs_out_is_revoked_and_nothing_is_kept(world: World) -> None:
    await world.run("login", "--client-credentials")
    (token,) = [token for token, caller in world.sandbox.authority.callers.items() if caller.client]
    done = await world.run("logout")
    assert (done.exit_code, "Its tokens are revoked." in done.stdout) == (0, True)
    assert token not in world.sandbox.authority.callers
    assert not list(world.state.rglob("*.json"))
    again = await world.run("logout")
    assert (again.exit_code, again.stdout) == (0, f"Nobody is signed in to {world.url}.\n")
    assert (await world.run("resolve", "A")).exit_code == 2


@pytest.mark.anyio
async def test_where_no_way_to_revoke_is_told_a_person_is_told_what_to_do(world: World) -> None:
    await world.run("login", "--client-credentials")
    world.sandbox.faults.add(Fault("status", path="/.well-known/*", status=404))
    done = await world.run("logout")
    assert done.exit_code == 0
    assert "documents no way to revoke" in done.stdout
    assert not list(world.state.rglob("*.json"))


@pytest.mark.anyio
async def test_where_nobody_answers_a_revocation_is_not_called_undocumented(world: World) -> None:
    await world.run("login", "--client-credentials", "--accounts-url", world.url)
    (file,) = world.state.rglob("*.json")
    file.write_text(file.read_text().replace(world.url, f"http://127.0.0.1:{free_port()}"))
    done = await world.run("logout")
    assert "did not answer" in done.stdout
    assert "documents no way" not in done.stdout
    assert not list(world.state.rglob("*.json"))


@pytest.mark.anyio
async def test_a_revocation_that_fails_is_told_and_nothing_is_kept(world: World) -> None:
    await world.run("login", "--client-credentials")
    world.sandbox.faults.add(Fault("status", path="/oauth/revoke", status=503))
    done = await world.run("logout")
    assert "did not say that it revoked its tokens" in done.stdout
    assert not list(world.state.rglob("*.json"))


@pytest.mark.anyio
async def test_a_sign_in_that_cannot_be_read_can_be_ended(world: World) -> None:
    await world.run("login", "--client-credentials")
    (file,) = world.state.rglob("*.json")
    file.write_text("{")
    assert (await world.run("resolve", "A")).exit_code == 2
    assert "could not be read" in (await world.run("logout")).stdout
    assert not list(world.state.rglob("*.json"))


@pytest.mark.anyio
async def test_no_secret_shows_anywhere_but_in_the_private_file(world: World) -> None:
    said = []
    login = world.begin()
    async with httpx.AsyncClient(follow_redirects=True) as browser:
        said.append((await browser.post(await address_of(login), data={"decision": "authorize"})).text)
    said += (await end_of(login))[1:]
    arguments = (["resolve", "CONTACT3456"], ["runs", "list"], ["resolve", "A", "--json"])
    for one in arguments:
        done = await world.run(*one)
        said += [done.stdout, done.stderr]
    world.sandbox.authority._refresh.clear()
    for token in [token for token, caller in world.sandbox.authority.callers.items() if caller.client]:
        secrets = world.secrets()
        del world.sandbox.authority.callers[token]
    over = await world.run("resolve", "A")
    assert over.exit_code == 2
    assert "has ended" in over.stderr
    said += [over.stdout, over.stderr]
    assert secrets
    for secret in secrets:
        assert not [text for text in said if secret in text]
        holding = [file for file in world.state.rglob("*") if file.is_file() and secret.encode() in file.read_bytes()]
        assert [file.suffix for file in holding] in ([], [".json"])


@pytest.mark.anyio
async def test_the_sandbox_prints_a_command_that_signs_in_as_it_stands(tmp_path: Path) -> None:
    env, port = clean_environment(tmp_path), free_port()

    def signed_in() -> "subprocess.CompletedProcess[str]":
        with listening(["sandbox", "--oauth", "--port", str(port)], port, env, tmp_path / "log") as box:
            assert box.stdout is not None
            lines = [box.stdout.readline() for _ in range(5)]
            assert "redirect http://localhost:8788/callback" in lines[3]
            found = re.fullmatch(r"(\w+=\S+) (\w+=\S+) salesloft-mcp (.+)\n", lines[4])
            assert found
            settings = dict(one.split("=", 1) for one in found.groups()[:2])
            command = [*COMMAND, *found[3].split(), "--client-credentials"]  # the browser's port may be taken
            return subprocess.run(
                command, env={**env, **settings}, capture_output=True, text=True, timeout=HANG_SECONDS
            )

    done = await anyio.to_thread.run_sync(signed_in)
    assert done.returncode == 0, done.stderr
    assert "Northwind Software (sandbox)" in done.stdout


def test_at_a_terminal_the_secret_is_asked_for_and_not_shown(tmp_path: Path) -> None:
    pty = pytest.importorskip("pty", reason="a terminal, as Linux and macOS have it")
    env = clean_environment(tmp_path, SALESLOFT_BASE_URL=f"http://127.0.0.1:{free_port()}", TERM="dumb")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [*COMMAND, "login", "--client-credentials"], env=env, stdin=theirs, stdout=theirs, stderr=theirs
    )
    os.close(theirs)
    shown = b""

    def read_until(words: bytes) -> None:
        nonlocal shown
        while words not in shown:
            assert select.select([ours], [], [], HANG_SECONDS)[0], shown
            try:
                shown += os.read(ours, 4096)
            except OSError:  # how the other end of a terminal ends on Linux
                break

    for question, answer in ((b"Client id", b"client-canary\n"), (b"not shown", b"secret-canary\n")):
        read_until(question)
        read_until(b": ")
        os.write(ours, answer)
    read_until(b"did not answer")
    process.wait(HANG_SECONDS)
    os.close(ours)
    assert b"client-canary" in shown
    assert b"secret-canary" not in shown
