"""The browser is started where a person sees it, with a private file, and keeps nothing of ours."""

import os
import signal
import stat
import sys
from pathlib import Path

import anyio
import pytest

from salesloft_mcp.browser.browser import Browser, open_browser
from salesloft_mcp.browser.desktop import FOLDER, Desktop, for_a_browser, is_here, readable_place
from salesloft_mcp.settings import surroundings
from tests.browser.conftest import Question
from tests.browser.desk import Desk, Visitor
from tests.hosting.program import HANG_SECONDS

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize(
    ("platform", "environment", "here"),
    [
        ("linux", {}, False),
        ("linux", {"DISPLAY": ":0"}, True),
        ("linux", {"WAYLAND_DISPLAY": "wayland-0"}, True),
        ("linux", {"DISPLAY": ""}, False),
        ("linux", {"DISPLAY": "localhost:10.0", "SSH_CONNECTION": "10.0.0.1 1 10.0.0.2 22"}, False),
        ("darwin", {}, True),
        ("darwin", {"SSH_TTY": "/dev/ttys001"}, False),
        ("win32", {}, True),
        ("win32", {"SSH_CLIENT": "10.0.0.1 1 22"}, False),
        ("freebsd14", {}, False),
    ],
)
def test_a_page_opens_only_where_somebody_sees_it(platform: str, environment: dict[str, str], here: bool) -> None:
    assert is_here(environment, platform) is here


@pytest.mark.parametrize(
    ("named", "kept"),
    [
        ("w3m", None),
        ("/usr/bin/lynx -accept_all_cookies %s", None),
        (os.pathsep.join(["w3m", "firefox", "links %s"]), "firefox"),
        ("google-chrome %s", "google-chrome %s"),
        (" ", None),
    ],
)
def test_a_browser_that_draws_into_a_terminal_is_never_started(named: str, kept: str | None) -> None:
    found = for_a_browser({"BROWSER": named, "TERM": "xterm", "HOME": "/home/x"})
    assert found.get("BROWSER") == kept
    assert "TERM" not in found  # with it, the standard library would look for text browsers itself
    assert found["HOME"] == "/home/x"


async def test_the_browser_gets_a_private_file_and_neither_our_pipes_nor_our_key(
    desk: Desk, browser: Browser, tmp_path: Path, question: Question, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert await browser.show("a", question) == "opened"
    opened = await desk.opened()
    assert opened.argument.startswith(f"file://{tmp_path}/state/{FOLDER}/")
    assert opened.mode == "0o600"
    assert opened.ends == " ".join(["/dev/null"] * 3)
    for one in (tmp_path / "state", tmp_path / "state" / FOLDER, *(tmp_path / "state" / FOLDER).iterdir()):
        assert stat.S_IMODE(one.stat().st_mode) == (0o700 if one.is_dir() else 0o600)
    async with Visitor() as person:
        assert "Delete it?" in await person.visit(opened.address)
    assert not opened.file.exists()  # it has done what it was for


def test_our_settings_are_not_handed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESLOFT_API_KEY", "ak-secret")
    monkeypatch.setenv("Salesloft_Mode", "full")
    assert "ak-secret" not in surroundings().values()
    assert not [name for name in surroundings() if name.upper().startswith("SALESLOFT_")]


async def test_no_file_of_the_working_directory_is_run_in_place_of_a_module(
    desk: Desk, browser: Browser, tmp_path: Path, question: Question, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "webbrowser.py").write_text("raise SystemExit")
    monkeypatch.chdir(tmp_path)
    await browser.show("a", question)
    assert (await desk.opened()).address


async def test_the_files_are_gone_when_the_program_ends(desk: Desk, tmp_path: Path, question: Question) -> None:
    async with open_browser(tmp_path / "state") as browser:
        await browser.show("a", question)
        opened = await desk.opened()
        assert opened.file.exists()
    assert [one.name for one in (tmp_path / "state" / FOLDER).iterdir()] == ["lock"]


KILLED = """
import signal, sys
from pathlib import Path
from salesloft_mcp.browser.desktop import Desktop
desktop = Desktop(Path(sys.argv[1]), {"BROWSER": "true"})
print(desktop.open("http://127.0.0.1:9/open/secret").file, flush=True)
signal.pause()
"""


async def test_what_a_program_left_that_was_killed_is_removed_by_the_next_and_what_a_living_one_has_stays(
    desk: Desk, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", KILLED, str(tmp_path / "state")]
    left = []
    processes = [await anyio.open_process(command, stderr=None) for _ in range(2)]
    for process in processes:
        assert process.stdout is not None
        with anyio.fail_after(HANG_SECONDS):
            left.append(Path((await process.stdout.receive()).decode().strip()))
    killed, living = processes
    killed.send_signal(signal.SIGKILL)
    await killed.wait()
    async with open_browser(tmp_path / "state"):
        assert [file.exists() for file in left] == [False, True]
    next_one = Desktop(tmp_path / "state", {"BROWSER": "true"})
    own = next_one.open("http://127.0.0.1:9/open/another").file
    assert [file.exists() for file in (*left, own)] == [False, True, True]
    living.kill()
    await living.wait()
    next_one.close()
    for process in processes:
        await process.aclose()


async def test_an_address_cannot_break_out_of_the_file(desk: Desk, tmp_path: Path) -> None:
    desktop = Desktop(tmp_path / "state", {"BROWSER": "true"})
    file = desktop.open('https://x.test/?a="><script>alert(1)</script>&b=1').file
    assert "<script" not in file.read_text()
    assert "&quot;&gt;&lt;script" in file.read_text()
    desktop.close()


async def test_a_page_is_not_opened_again_within_a_moment_and_no_more_than_five_in_a_minute(
    desk: Desk, browser: Browser, question: Question, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_000.0]
    monkeypatch.setattr("salesloft_mcp.browser.browser.anyio.current_time", lambda: now[0])
    assert [await browser.show("a", question) for _ in range(3)] == ["opened", "open already", "open already"]
    first = (await desk.opened()).file
    now[0] += 31
    assert await browser.show("a", question) == "opened"
    assert not first.exists()  # its address leads nowhere any more
    assert [await browser.show(one, question) for one in "bcdef"] == [*["opened"] * 3, *["not opened"] * 2]
    now[0] += 61
    assert await browser.show("f", question) == "opened"


async def test_a_page_that_the_person_sees_is_not_opened_again_but_on_the_persons_own_wish(
    desk: Desk, browser: Browser, question: Question, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [1_000.0]
    monkeypatch.setattr("salesloft_mcp.browser.browser.anyio.current_time", lambda: now[0])
    assert await browser.show("a", question) == "opened"
    async with Visitor() as person:
        await person.visit((await desk.opened()).address)
        now[0] += 299
        assert await browser.show("a", question) == "open already"
        assert "It opens in another window" in await person.visit(await browser.address("a", question))
        await person.visit((await desk.opened()).address)
        now[0] += 300
        assert await browser.show("a", question) == "opened"


async def test_an_address_for_others_opens_the_page_and_holds_nothing_of_it(
    desk: Desk, browser: Browser, question: Question
) -> None:
    address = await browser.address("a", question)
    assert await browser.address("a", question) == address
    async with Visitor() as anybody, Visitor() as person:
        assert "It opens in another window" in await anybody.visit(address)
        opened = await desk.opened()
        assert "It was opened a moment ago" in await anybody.visit(address)
        assert "set-cookie" not in anybody.page.headers
        assert "<form" not in anybody.page.text
        assert "Delete it?" in await person.visit(opened.address)
        assert "There is no such question" in await anybody.visit(f"{address}x")
        await anybody.press("yes")
        assert anybody.page.status_code == 404
    assert question.answers == []


def test_a_browser_that_cannot_read_hidden_folders_gets_its_file_where_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden, visible, environment = tmp_path / ".local" / "state", tmp_path / "state", {"HOME": str(tmp_path)}
    assert readable_place(hidden, environment) == hidden
    (tmp_path / "Downloads").mkdir()
    assert readable_place(hidden, environment) == hidden
    (tmp_path / "snap").mkdir()
    assert readable_place(hidden, environment) == tmp_path / "Downloads"
    assert readable_place(visible, environment) == visible
    assert readable_place(Path("/var/lib/state"), environment) == Path("/var/lib/state")
    assert readable_place(hidden, {}) == hidden
    monkeypatch.chdir(tmp_path)
    assert Desktop(Path("state"), {"BROWSER": "true"}).open("http://127.0.0.1:9/").file.parent == visible / FOLDER
    desktop = Desktop(hidden, {**environment, "BROWSER": "true"})
    mode = (tmp_path / "Downloads").stat().st_mode
    file = desktop.open("http://127.0.0.1:9/open/secret").file
    assert file.parent == tmp_path / "Downloads"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert (tmp_path / "Downloads").stat().st_mode == mode
    desktop.close()
    assert list((tmp_path / "Downloads").iterdir()) == []


async def test_two_windows_that_open_at_once_share_what_is_of_this_process(
    desk: Desk, browser: Browser, question: Question
) -> None:
    async with anyio.create_task_group() as tasks:
        for one in "abc":
            tasks.start_soon(browser.show, one, question)
    files = [(await desk.opened()).file for _ in range(3)]
    assert len({file.name.split("-")[1] for file in files}) == 1
    assert all(file.exists() for file in files)


async def test_a_page_that_many_later_ones_have_closed_leaves_nothing(
    desk: Desk, browser: Browser, question: Question, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("salesloft_mcp.browser.visits.MOST_PAGES", 1)
    address = await browser.address("a", question)
    await browser.show("a", question)
    opened = await desk.opened()
    await browser.address("b", question)
    assert not opened.file.exists()
    async with Visitor() as person:
        assert "There is no such question" in await person.visit(address)
        assert "was used already" in await person.visit(opened.address)


@pytest.mark.parametrize("what", ["image", "iframe", "empty", "script"])
async def test_what_another_page_loads_by_the_way_opens_nothing(
    desk: Desk, browser: Browser, question: Question, what: str
) -> None:
    address = await browser.address("a", question)
    async with Visitor(**{"Sec-Fetch-Dest": what}) as other:
        assert "Nothing was opened." in await other.visit(address)
    assert desk.was_left_alone()


async def test_where_no_file_can_be_written_no_page_is_called_open(
    desk: Desk, tmp_path: Path, question: Question
) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / FOLDER).write_text("in the way")
    async with open_browser(tmp_path / "state") as browser:
        assert [await browser.show("a", question) for _ in range(2)] == ["not opened"] * 2
        assert not await browser.lead("b", "https://accounts.test")


async def test_where_no_browser_is_to_be_found_none_is_tried_again(
    tmp_path: Path, question: Question, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSH_CONNECTION")
    monkeypatch.setenv("DISPLAY", ":99")
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("BROWSER", raising=False)
    async with open_browser(tmp_path / "state") as browser:
        assert await browser.show("a", question) == "opened"
        with anyio.fail_after(HANG_SECONDS):
            while not browser.failed("a"):
                await anyio.lowlevel.checkpoint()
        assert await browser.show("a", question) == "not opened"
        assert await browser.show("b", question) == "not opened"


async def test_where_nobody_sits_nothing_is_opened(tmp_path: Path, question: Question) -> None:
    async with open_browser(tmp_path / "state") as browser:
        assert await browser.show("a", question) == "not opened"
    assert not (tmp_path / "state").exists()
