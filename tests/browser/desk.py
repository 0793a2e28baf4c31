"""A desktop without a person: its browser hands every file that it is told to open to the test."""

import os
import re
import select
import shlex
import sys
from html import unescape
from pathlib import Path
from urllib.parse import unquote, urlsplit

import anyio.to_thread
import httpx
import pytest

from tests.hosting.program import HANG_SECONDS

# What `BROWSER` names. It says on its way out what it was started with, what it holds open, and what the file says.
_BROWSER = """
import os, sys
from urllib.parse import unquote, urlsplit
file = unquote(urlsplit(sys.argv[1]).path)
ends = " ".join(os.path.realpath(f"/proc/self/fd/{number}") for number in range(3))
told = "\\0".join([sys.argv[1], oct(os.stat(file).st_mode & 0o777), ends, open(file).read()])
os.write(os.open(FIFO, os.O_WRONLY), told.encode() + b"\\1")
"""


class Opened:
    """What a browser was told to open."""

    def __init__(self, told: bytes) -> None:
        self.argument, self.mode, self.ends, self.document = told.decode().split("\0")
        found = re.search(r'url=([^"]+)"', self.document)
        assert found
        self.address = unescape(found[1])
        self.file = Path(unquote(urlsplit(self.argument).path))
        self.origin = self.address.rpartition("/open/")[0]


class Desk:
    """Waits for the browser to be started."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(exist_ok=True)
        fifo, program = folder / "opened", folder / "browser.py"
        os.mkfifo(fifo)
        program.write_text(f"FIFO = {str(fifo)!r}\n{_BROWSER}")
        self.command = f"{shlex.quote(sys.executable)} {shlex.quote(str(program))} %s"
        self._fifo = os.open(fifo, os.O_RDWR)
        self._told = b""

    async def opened(self) -> Opened:
        """The next page that the browser is told to open."""
        return await anyio.to_thread.run_sync(self._read)

    def was_left_alone(self) -> bool:
        """Whether the browser was not started, or at least has said nothing until now."""
        return not self._told and not select.select([self._fifo], [], [], 0)[0]

    def close(self) -> None:
        os.close(self._fifo)

    def _read(self) -> Opened:
        while b"\1" not in self._told:
            assert select.select([self._fifo], [], [], HANG_SECONDS)[0], "no browser was started"
            self._told += os.read(self._fifo, 65_536)
        first, _, self._told = self._told.partition(b"\1")
        return Opened(first)


def sit_down(monkeypatch: pytest.MonkeyPatch, desk: Desk) -> None:
    """From now on somebody sits at this machine."""
    for name in ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DISPLAY", ":99")
    monkeypatch.setenv("BROWSER", desk.command)


class Visitor:
    """A browser with cookies of its own."""

    def __init__(self, **headers: str) -> None:
        self.http = httpx.AsyncClient(follow_redirects=True, headers=headers, timeout=HANG_SECONDS)
        self.page = httpx.Response(0)

    async def __aenter__(self) -> "Visitor":
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def visit(self, address: str) -> str:
        """What is shown there."""
        self.page = await self.http.get(address)
        return self.page.text

    def form(self) -> dict[str, str]:
        """The hidden fields of the page that is shown."""
        return {
            name: unescape(value)
            for name, value in re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', self.page.text)
        }

    async def press(self, choice: str, origin: str = "", **fields: str) -> str:
        """Press a button of the page that is shown."""
        url = self.page.url
        headers = {"Origin": origin or f"{url.scheme}://{url.netloc.decode()}"}
        self.page = await self.http.post(url, data={**self.form(), "choice": choice, **fields}, headers=headers)
        return self.page.text
