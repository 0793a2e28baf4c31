"""What is kept of a sign-in: private, whole whatever happens, renewed by one process of many, and in a keyring."""

import json
import os
import select
import shutil
import stat
import subprocess
import sys
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import anyio
import anyio.to_thread
import pytest
from pydantic import SecretStr

from salesloft_mcp.errors import StateError
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.state import keyrings as module
from salesloft_mcp.state.credentials import Credentials, SignIn
from tests.hosting.program import HANG_SECONDS, clean_environment
from tests.signing_in import Ring, served, sign_in, token_requests

from .refreshing import STEPS

pytestmark = pytest.mark.anyio

URL = "https://api.salesloft.test"
RACERS = 6
FOUND = SignIn(
    accounts_url=URL,
    client_id="client",
    client_secret=SecretStr("secret-canary"),
    grant="authorization_code",
    redirect_uri="http://localhost:8788/callback",
    login="1",
    access_token=SecretStr("access-canary"),
    refresh_token=SecretStr("refresh-canary"),
    expires_at=1_750_000_000.5,
    lifetime=7200.0,
    scope="external_id:read",
    team="7",
)
Taking = Callable[..., Awaitable[list[tuple[int, str]]]]
INSTALL = "apt-get install gnome-keyring dbus"


@pytest.fixture
def kept(tmp_path: Path) -> Credentials:
    return Credentials(tmp_path / "state", URL)


def files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


async def test_what_is_kept_comes_back_as_it_was(kept: Credentials) -> None:
    assert await kept.read() is None
    assert kept.stamp() is None
    assert await kept.keep(FOUND) == FOUND
    assert await kept.read() == FOUND


async def test_it_is_for_one_address_and_one_state_directory(kept: Credentials, tmp_path: Path) -> None:
    await kept.keep(FOUND)
    assert await Credentials(tmp_path / "state", "https://other.test").read() is None
    assert await Credentials(tmp_path / "elsewhere", URL).read() is None


async def test_only_its_owner_may_read_it_whatever_the_umask(kept: Credentials, tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        async with kept.locked():
            await kept.keep(FOUND)
    finally:
        os.umask(before)
    modes = {stat.S_IMODE(file.stat().st_mode) for file in files(tmp_path)}
    assert modes == {0o600}
    for folder in (tmp_path / "state", tmp_path / "state" / "sign-ins"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


async def test_every_change_shows_by_a_look_at_the_file(kept: Credentials) -> None:
    stamps = []
    for login in ("1", "2", "3"):
        await kept.keep(replace(FOUND, login=login))
        stamps.append(kept.stamp())
    assert len(set(stamps)) == 3


async def test_removed_it_is_gone(kept: Credentials, tmp_path: Path) -> None:
    await kept.keep(FOUND)
    await kept.remove()
    await kept.remove()
    assert await kept.read() is None
    assert [file for file in files(tmp_path) if file.stat().st_size] == []


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"kept": "file"}', '{"access_token": "a"}'])
async def test_a_file_that_cannot_be_read_is_told_with_the_way_on(kept: Credentials, tmp_path: Path, text: str) -> None:
    await kept.keep(FOUND)
    (file,) = files(tmp_path)
    file.write_text(text)
    with pytest.raises(StateError, match="salesloft-mcp login"):
        await kept.read()
    await kept.keep(FOUND)
    assert await kept.read() == FOUND


async def test_a_lock_that_is_held_for_long_is_told(kept: Credentials, tmp_path: Path) -> None:
    async with kept.locked():
        with pytest.raises(StateError, match="another process"):
            async with Credentials(tmp_path / "state", URL).locked(0.0):
                raise AssertionError("both have it")
    async with kept.locked(0.0):
        pass


@asynccontextmanager
async def ended_sign_in(folder: Path) -> AsyncIterator[tuple[Sandbox, str, Credentials]]:
    """A sandbox over HTTP, and a sign-in to it whose token has just ended."""
    with Sandbox() as sandbox:
        async with served(sandbox) as url:
            kept = Credentials(folder, url)
            found = await sign_in(sandbox, kept)
            await kept.keep(replace(found, accounts_url=url, expires_at=1.0))
            yield sandbox, url, kept


@pytest.fixture(scope="module")
def taking(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Taking]:
    """Processes that take the token at one moment, each killed at a step of its own; how each ended, and its token."""
    env, pipe = clean_environment(tmp_path_factory.mktemp("home")), subprocess.PIPE
    command = [sys.executable, "-m", "tests.state.refreshing"]
    with subprocess.Popen(command, env=env, stdin=pipe, stdout=pipe, text=True) as program:
        to, back = program.stdin, program.stdout
        assert to is not None
        assert back is not None

        def ask(*given: object) -> list[tuple[int, str]]:
            to.write(f"{json.dumps(given)}\n")
            to.flush()
            assert select.select([back], [], [], HANG_SECONDS)[0]
            return [(code, said) for code, said in json.loads(back.readline())]

        async def take(folder: Path, url: str, *steps: str) -> list[tuple[int, str]]:
            return await anyio.to_thread.run_sync(ask, str(folder), url, steps)

        yield take


async def test_of_many_processes_one_renews_and_all_have_the_new_token(tmp_path: Path, taking: Taking) -> None:
    async with ended_sign_in(tmp_path) as (sandbox, url, kept):
        before = token_requests(sandbox)
        took = await taking(tmp_path, url, *[""] * RACERS)
        now = await kept.read()
        assert now is not None
        assert took == [(0, now.access_token.get_secret_value())] * RACERS
        assert token_requests(sandbox) - before == 1


@pytest.mark.parametrize("step", STEPS)
async def test_a_process_that_is_killed_on_the_way_leaves_what_was_there_or_what_came(
    tmp_path: Path, step: str, taking: Taking
) -> None:
    """Between the answer and the disk the new token is lost with its process: docs/sign-in.md names that moment."""
    async with ended_sign_in(tmp_path) as (sandbox, url, kept):
        before = await kept.read()
        assert await taking(tmp_path, url, step) == [(9, "")]
        after = await kept.read()
        assert after is not None
        assert (after == before) is (step != "kept")
        ((_, said),) = await taking(tmp_path, url, "")
        now = await kept.read()
        assert now is not None
        if step != "after the answer":
            assert said == now.access_token.get_secret_value()
            assert token_requests(sandbox) == 2
        else:
            assert said == "SignedOutError"
            assert "invalid_grant" in now.ended
        assert len(files(tmp_path / "sign-ins")) == 2  # with the lock; nothing half written is left


@pytest.mark.parametrize("text", ["", '{"login": "1"', "{}", "[]"])
async def test_what_is_half_written_is_nobodys_and_goes(kept: Credentials, tmp_path: Path, text: str) -> None:
    await kept.keep(FOUND)
    (file,) = files(tmp_path)
    (file.parent / f".{file.stem}.part").write_text(text)
    assert await kept.recovered() == FOUND
    await kept.keep(FOUND)
    assert files(tmp_path) == [file]


async def test_removed_it_is_gone_with_what_a_killed_process_had_written(kept: Credentials, tmp_path: Path) -> None:
    await kept.keep(FOUND)
    (file,) = files(tmp_path)
    (file.parent / f".{file.stem}.part").write_text(FOUND.dumped())
    assert await kept.remove()
    assert files(tmp_path) == []


async def test_what_another_login_left_is_not_taken_up(kept: Credentials, tmp_path: Path) -> None:
    await kept.keep(FOUND)
    (file,) = files(tmp_path)
    (file.parent / f".{file.stem}.part").write_text(replace(FOUND, login="2").dumped())
    assert await kept.recovered() == FOUND


@pytest.fixture
def ring(monkeypatch: pytest.MonkeyPatch) -> Ring:
    ring = Ring()
    monkeypatch.setattr(module, "system_keyring", lambda: ring)
    return ring


IN_RING = replace(FOUND, kept="keyring")


async def test_in_a_keyring_the_file_holds_no_secret(kept: Credentials, ring: Ring, tmp_path: Path) -> None:
    assert await kept.keep(IN_RING) == IN_RING
    assert await kept.read() == IN_RING
    assert all(b"canary" not in file.read_bytes() for file in files(tmp_path))
    await kept.remove()
    assert not ring.held


async def test_two_state_directories_have_two_entries(kept: Credentials, ring: Ring, tmp_path: Path) -> None:
    await kept.keep(IN_RING)
    await Credentials(tmp_path / "other", URL).keep(replace(IN_RING, login="2"))
    assert await kept.read() == IN_RING
    assert len(ring.held) == 2


async def test_a_keyring_that_refuses_is_told_and_what_is_new_goes_into_the_file(kept: Credentials, ring: Ring) -> None:
    await kept.keep(IN_RING)
    ring.works = False
    with pytest.raises(StateError, match="--no-keyring"):
        await kept.read()
    newer = await kept.keep(replace(IN_RING, login="2"))
    assert newer.kept == "file"
    ring.works = True
    assert await kept.read() == newer


async def test_a_keyring_fails_in_ways_of_its_own_and_nothing_is_lost(kept: Credentials, ring: Ring) -> None:
    await kept.keep(IN_RING)
    ring.refusal = Exception("(1783, 'CredWrite', 'The stub received bad data')")  # as pywintypes.error is one
    newer = await kept.keep(replace(IN_RING, login="2"))
    assert newer.kept == "file"
    assert await kept.read() == newer


@pytest.mark.parametrize("kept_of_it", [0, 2560], ids=["nothing", "a part"])
async def test_a_keyring_that_keeps_less_than_it_is_given_is_not_relied_on(
    kept: Credentials, ring: Ring, kept_of_it: int
) -> None:
    ring.keeps = kept_of_it
    found = await kept.keep(replace(IN_RING, access_token=SecretStr("x" * 4000)))
    assert found.kept == "file"
    assert await kept.read() == found
    assert ring.held == {}


async def test_a_keyring_that_holds_what_is_no_sign_in_is_told(kept: Credentials, ring: Ring) -> None:
    await kept.keep(IN_RING)
    for held in ("{canary", "[1]", '{"access_token": ["canary"]}'):
        ring.held = dict.fromkeys(ring.held, held)
        with pytest.raises(StateError, match="salesloft-mcp login") as caught:
            await kept.read()
        assert "canary" not in "".join(traceback.format_exception(caught.value))


async def test_a_keyring_that_waits_for_its_password_holds_nobody_up_for_long(
    kept: Credentials, ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    await kept.keep(IN_RING)
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.05)
    ring.unlocked.clear()
    for _ in range(2):  # the second one does not even ask
        with pytest.raises(StateError, match="unlock it"):
            await kept.read()
    ring.unlocked.set()
    monkeypatch.setattr(module, "ANSWER_SECONDS", HANG_SECONDS)
    assert await kept.read() == IN_RING


async def test_whoever_moves_to_the_file_leaves_nothing_in_the_keyring(kept: Credentials, ring: Ring) -> None:
    await kept.keep(IN_RING)
    await kept.keep(replace(FOUND, login="2"))
    assert not ring.held


async def test_a_keyring_that_does_not_let_go_is_told(kept: Credentials, ring: Ring, tmp_path: Path) -> None:
    await kept.keep(IN_RING)
    ring.works = False
    assert not await kept.remove()
    assert await kept.read() is None
    ring.works = True
    await kept.keep(IN_RING)
    assert await kept.remove()
    assert not ring.held


async def test_the_file_is_wanted_where_a_keyring_is_not(kept: Credentials, ring: Ring) -> None:
    await kept.keep(FOUND)
    assert not ring.held
    assert await kept.read() == FOUND


async def test_a_keyring_that_only_stands_in_for_one_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    import keyring
    from keyring.backends import fail, null

    for stand_in in (fail.Keyring(), null.Keyring()):  # type: ignore[no-untyped-call]
        monkeypatch.setattr(keyring, "get_keyring", lambda stand_in=stand_in: stand_in)
        assert module.system_keyring() is None


WRONG = ("no.such.Keyring", "keyring.backends.null.Nothing", "nothing")
_EACH = f"""
import os
import keyring.core
from salesloft_mcp.state.keyrings import system_keyring
for name in {WRONG}:
    os.environ["PYTHON_KEYRING_BACKEND"] = name
    keyring.core._keyring_backend = None  # as it is in a program that has just begun
    print(system_keyring())
"""


def test_a_keyring_that_is_configured_wrongly_is_none(tmp_path: Path) -> None:
    env = clean_environment(tmp_path, PYTHON_KEYRING_BACKEND=WRONG[0])
    done = subprocess.run([sys.executable, "-c", _EACH], env=env, capture_output=True, text=True, check=True)
    assert done.stdout == "None\n" * len(WRONG)


_REAL = """
import sys
from dataclasses import replace
from pathlib import Path
import anyio
from tests.state.test_credentials import FOUND, URL
from salesloft_mcp.state.credentials import Credentials
from salesloft_mcp.state.keyrings import system_keyring

async def main() -> None:
    assert system_keyring() is not None, "no keyring"
    kept, found = Credentials(Path(sys.argv[1]), URL), replace(FOUND, kept="keyring")
    assert await kept.keep(found) == found
    assert await kept.read() == found
    await kept.remove()
    assert await kept.read() is None
    await kept.keep(found)

anyio.run(main)
"""


def test_the_keyring_of_a_desktop_keeps_it(tmp_path: Path) -> None:
    if not (shutil.which("gnome-keyring-daemon") and shutil.which("dbus-run-session")):
        if os.environ.get("CI") == "true":
            pytest.fail(f"no keyring; install with: {INSTALL}", pytrace=False)
        pytest.skip(f"no keyring; install with: {INSTALL}")
    begin = "echo -n pass | gnome-keyring-daemon --unlock --components=secrets >/dev/null 2>&1"
    script = f'{begin}; exec "$0" -c "$1" "$2"'
    done = subprocess.run(
        ["dbus-run-session", "--", "sh", "-c", script, sys.executable, _REAL, str(tmp_path / "state")],
        env={name: value for name, value in clean_environment(tmp_path).items() if "KEYRING" not in name},
        capture_output=True,
        text=True,
        timeout=HANG_SECONDS,
    )
    assert done.returncode == 0, done.stderr
    assert all(b"canary" not in file.read_bytes() for file in files(tmp_path))
