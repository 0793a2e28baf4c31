"""Whether a person sits at this machine, and how a page is opened in that person's own browser.

The browser is given the name of a private file that forwards to the address, because the command line of a program can
be read by everybody on the machine, and the address holds a secret.

Browsers that come as a snap or a flatpak cannot read hidden folders, where this file usually lies
(https://github.com/jupyter/notebook/issues/4500). The person then sees that the file may not be read. Nothing else is
lost: the answer of the call names the way by a terminal, too. With a state directory that is not hidden, it works.
"""

import os
import secrets
import subprocess
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path
from shutil import rmtree

from filelock import FileLock, Timeout

from salesloft_mcp.state.files import private_directory, private_file

FOLDER = "browser"  # in the state directory
LOCK = "lock"
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
        self._state_dir = state_dir
        self._environment = for_a_browser(environment)
        self._folder: Path | None = None
        self._lock: FileLock | None = None

    def open(self, address: str) -> Started:
        """Have the browser open an address. Nothing waits for the browser.

        Raises:
            OSError: the file cannot be written, or no program be started.
        """
        file = self._own_folder() / f"{secrets.token_hex(8)}.html"
        private_file(file).write_text(_forwarding(address), encoding="utf-8")
        # Isolated, so that no file of the working directory takes the place of a module. Nothing is inherited: a
        # browser that held the pipe to the host would eat its messages.
        command = [sys.executable, "-I", "-c", _OPEN, file.as_uri()]
        nothing = subprocess.DEVNULL
        process = subprocess.Popen(
            command, stdin=nothing, stdout=nothing, stderr=nothing, start_new_session=True, env=self._environment
        )
        threading.Thread(target=process.wait, daemon=True).start()  # it may last as long as the browser
        return Started(file, process)

    def close(self) -> None:
        """Remove what is left of the files."""
        if self._lock is not None and self._folder is not None:
            self._lock.release()
            rmtree(self._folder, ignore_errors=True)

    def _own_folder(self) -> Path:
        """The folder of this process. Its lock goes with the process, so the next one can tell what is left over."""
        if self._folder is None:
            root = private_directory(private_directory(self._state_dir) / FOLDER)
            with FileLock(root / LOCK):
                for other in root.iterdir():
                    if other.is_dir() and _is_left_over(other):
                        rmtree(other, ignore_errors=True)
                folder = private_directory(root / secrets.token_hex(8))
                lock = FileLock(folder / LOCK, thread_local=False)
                lock.acquire(timeout=0)
            self._folder, self._lock = folder, lock
        return self._folder


def _is_left_over(folder: Path) -> bool:
    """Whether the process whose folder this was has ended."""
    try:
        with FileLock(folder / LOCK, timeout=0):
            return True
    except Timeout:
        return False


def _forwarding(address: str) -> str:
    """A document that leads to an address, by itself or by a click."""
    safe = escape(address)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8"><meta name="color-scheme" content="light dark">'
        f'<meta http-equiv="refresh" content="0; url={safe}"><title>Salesloft MCP server</title></head>'
        f'<body><p><a href="{safe}">Open the page</a></p></body></html>\n'
    )
