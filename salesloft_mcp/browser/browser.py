"""The person's own browser: opened with a page of ours, as seldom as it can be."""

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

import anyio
import anyio.to_thread

from salesloft_mcp.browser.desktop import Desktop, Started, is_here
from salesloft_mcp.browser.loopback import Loopback, Reply, Request, open_loopback, refusal
from salesloft_mcp.browser.pages import Page, rendered
from salesloft_mcp.browser.visits import Subject, Visits
from salesloft_mcp.settings import surroundings

AGAIN_SECONDS = 30.0  # a page is not opened again sooner: the person sees it already
MOST_OPENED = 5  # windows in a minute; a model that calls in a loop is not to fill the screen
MINUTE = 60.0
SHOW = "show"  # the first segment of an address without a secret

Opening = Literal["opened", "open already", "not opened"]


@dataclass
class Browser:
    """What opens pages. `desktop` is None where nobody would see them."""

    loopback: Loopback
    desktop: Desktop | None
    visits: Visits = field(init=False)
    _pages: dict[str, str] = field(default_factory=dict, init=False)  # by what they are about, the numbers of pages
    _names: dict[str, str] = field(default_factory=dict, init=False)  # by a name for an address, what pages are about
    _started: dict[str, Started] = field(default_factory=dict, init=False)  # by what, until the page was seen
    _opened: list[tuple[float, str]] = field(default_factory=list, init=False)  # when, and what

    def __post_init__(self) -> None:
        self.visits = Visits(self.loopback)
        self.loopback.answers[SHOW] = self._show

    async def show(self, about: str, subject: Subject) -> Opening:
        """Open the page of what is called `about`, unless it was opened a moment ago.

        Every opening has a secret of its own, and an earlier one counts no more.
        """
        self._add(about, subject)
        return await self._open(about)

    async def address(self, about: str, subject: Subject) -> str:
        """An address for others to lead the person to. It holds no secret, and does nothing but open the page.

        Raises:
            OSError: no port is free.
        """
        self._add(about, subject)
        name = next((name for name, one in self._names.items() if one == about), "") or secrets.token_urlsafe(16)
        self._names[name] = about
        return f"{await self.loopback.start()}/{SHOW}/{name}"

    def _add(self, about: str, subject: Subject) -> None:
        if not self.visits.knows(self._pages.get(about, "")):
            self._pages[about] = self.visits.add(subject)

    async def _open(self, about: str) -> Opening:
        now = anyio.current_time()
        self._opened = [one for one in self._opened if one[0] > now - MINUTE]
        if self.desktop is None:
            return "not opened"
        if any(one == about and at > now - AGAIN_SECONDS for at, one in self._opened):
            return "open already"
        if len(self._opened) >= MOST_OPENED:
            return "not opened"
        try:
            address = await self.visits.address(self._pages[about], partial(self._came, about))
            self._opened.append((now, about))
            self._started[about] = await anyio.to_thread.run_sync(self.desktop.open, address)
        except OSError:
            return "not opened"
        return "opened"

    def _came(self, about: str) -> None:
        """A browser has come to a page, and needs the file no more."""
        if started := self._started.pop(about, None):
            started.file.unlink(missing_ok=True)

    def failed(self, about: str) -> bool:
        """Whether no browser could be started for a page. Then none is tried again, as if nobody sat here."""
        started = self._started.get(about)
        if started is None or not started.failed:
            return False
        self.desktop = None
        return True

    async def _show(self, request: Request) -> Reply:
        """Open a page for whoever comes with its address; what is shown here is no answer, and holds no secret."""
        about = self._names.get(request.rest, "")
        if request.method != "GET" or not self.visits.knows(self._pages.get(about, "")):
            return refusal(404, "There is no such question", "Have the assistant make the same call again.")
        if request.headers.get("sec-fetch-dest", "document") != "document":
            return refusal(403, "A page of another program has asked for this", "Nothing was opened.")
        told = {
            "opened": "It opens in another window of your browser. You can close this one.",
            "open already": "It was opened a moment ago, in another window of your browser. You can close this one.",
            "not opened": "No window could be opened for it at this moment. Try again in a minute.",
        }
        return Reply(rendered(Page("A question of the Salesloft MCP server", (told[await self._open(about)],))))


@asynccontextmanager
async def open_browser(state_dir: Path, port: int = 0) -> AsyncIterator[Browser]:
    """The browser of the person at this machine. Nothing is opened, and no port listens, until it is needed."""
    environment = surroundings()
    desktop = Desktop(state_dir, environment)
    desktop.tidy()
    try:
        async with open_loopback(port) as loopback:
            yield Browser(loopback, desktop if is_here(environment) else None)
    finally:
        desktop.close()
