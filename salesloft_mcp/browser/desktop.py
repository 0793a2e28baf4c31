"""Whether a person sits at this machine, and how a page is opened in that person's own browser.

The browser is given the name of a private file that forwards to the address, because the command line of a program can
be read by everybody on the machine, and the address holds a secret.

Where a browser may not read that file after all, the person sees so, and nothing else is lost: the answer of the call
names the way by a terminal, too.
"""

import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from html import escape
from pathlib import Path

from filelock import FileLock, Timeout

from salesloft_mcp.state.files import private_directory

FOLDER = "browser"  # in the state directory
WAIT_SECONDS = 2.0  # for another process that begins at the same moment
_NAME = "salesloft_mcp-"
# What is run, with the file to open: the standard library knows the browsers of every system.
_OPEN = "import sys, webbrowser; sys.exit(not webbrowser.open(sys.argv[1], new=2))"
# Browsers that draw into a terminal, which here is nobody's, or the pipe to the host.
TEXT_BROWSERS = frozenset({"www-browser", "lynx", "w3m", "links", "elinks", "links2", "browsh"})


def is_here(environment: Mapping[str, str], platform: str = sys.platform) -> bool:
    """Whether a page that is opened here is seen by the person: not over SSH, and on Linux only with a display."""
    if any(environment.get(name) for name in ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY")):
        return False
    if platform in ("win32", "darwin"):
        return True
    return any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY"))


def for_a_browser(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment in which a browser is looked for, so that none is found that needs a terminal.

    Without TERM the standard library knows no text browser of its own; one that BROWSER names is left out.
    """
    kept = {name: value for name, value in environment.items() if name != "TERM"}
    if "BROWSER" in kept:
        named = [one for one in kept.pop("BROWSER").split(os.pathsep) if one.strip()]
        if graphic := [one for one in named if Path(one.split()[0]).name not in TEXT_BROWSERS]:
            kept["BROWSER"] = os.pathsep.join(graphic)
    return kept


@dataclass(frozen=True, slots=True)
class Started:
    """A browser that was started, and the file that leads it to an address."""

    file: Path
    process: subprocess.Popen[bytes]

    @property
    def failed(self) -> bool:
        """Whether no browser was found. That one was found says nothing of what it shows."""
        return bool(self.process.returncode)


class Desktop:
    """The browser of the person at this machine. The files it is given are private, and gone at the end."""

    def __init__(self, state_dir: Path, environment: Mapping[str, str]) -> None:
        self._folder = (state_dir / FOLDER).absolute()  # of the locks, one for each process
        self._place = readable_place(self._folder, environment)  # of the files
        self._environment = for_a_browser(environment)
        self._own = secrets.token_hex(8)
        self._lock = FileLock(self._folder / f"{self._own}.lock", mode=0o600, thread_local=False)
        self._turn = threading.Lock()

    def open(self, address: str) -> Started:
        """Have the browser open an address. Nothing waits for the browser.

        Raises:
            OSError: the file cannot be written, or no program be started.
        """
        with self._turn:
            if not self._lock.is_locked:
                self._move_in()
        file = self._place / f"{_NAME}{self._own}-{secrets.token_hex(8)}.html"
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as page:
            page.write(_forwarding(address))
        # Isolated, so that no file of the working directory takes the place of a module. Nothing is inherited: a
        # browser that held the pipe to the host would eat its messages.
        command = [sys.executable, "-I", "-c", _OPEN, file.as_uri()]
        nothing, windowless = subprocess.DEVNULL, getattr(subprocess, "CREATE_NO_WINDOW", 0)
        process = subprocess.Popen(
            command,
            stdin=nothing,
            stdout=nothing,
            stderr=nothing,
            start_new_session=True,
            creationflags=windowless,
            env=self._environment,
        )
        threading.Thread(target=process.wait, daemon=True).start()  # it may last as long as the browser
        return Started(file, process)

    def close(self) -> None:
        """Remove what is left of the files."""
        if self._lock.is_locked:
            self._remove(self._own)
            self._lock.release()
            Path(self._lock.lock_file).unlink(missing_ok=True)

    def tidy(self) -> None:
        """Remove what processes have left that are gone."""
        if self._folder.is_dir():
            with suppress(OSError), self._alone():
                self._remove_left_over()

    def _move_in(self) -> None:
        """Take the lock of this process, which goes with it."""
        private_directory(private_directory(self._folder.parent) / FOLDER)
        with self._alone():
            self._remove_left_over()
            self._lock.acquire(timeout=0)

    def _alone(self) -> FileLock:
        return FileLock(self._folder / "lock", timeout=WAIT_SECONDS, mode=0o600)

    def _remove_left_over(self) -> None:
        for lock in self._folder.glob("*.lock"):
            try:
                with FileLock(lock, timeout=0):
                    self._remove(lock.stem)
            except Timeout:
                continue  # that process is alive
            lock.unlink(missing_ok=True)

    def _remove(self, process: str) -> None:
        for place in {self._folder, self._place}:
            for file in place.glob(f"{_NAME}{process}-*.html"):
                file.unlink(missing_ok=True)


def readable_place(folder: Path, environment: Mapping[str, str]) -> Path:
    """The folder for the files that the browser is given: `folder`, or where the browser may not read that, Downloads.

    A browser that comes as a snap, as in Ubuntu, reads nothing in hidden folders of the home directory, and sees a /tmp
    of its own (https://github.com/jupyter/notebook/issues/4500). A flatpak is handed the file by its portal.
    """
    home = Path(environment.get("HOME") or "/")
    downloads = home / "Downloads"
    hidden = folder.is_relative_to(home) and folder.relative_to(home).parts[0].startswith(".")
    return downloads if hidden and (home / "snap").is_dir() and downloads.is_dir() else folder


def _forwarding(address: str) -> str:
    """A document that leads to an address, by itself or by a click."""
    safe = escape(address)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
        f'<meta http-equiv="refresh" content="0; url={safe}"><title>Salesloft MCP server</title></head>'
        f'<body><p><a href="{safe}">Open the page</a></p></body></html>\n'
    )
