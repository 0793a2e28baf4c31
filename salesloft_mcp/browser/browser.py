"""The person's own browser: opened with a page of ours, as seldom as it can be."""

import math
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

AGAIN_SECONDS = 30.0  # a page is not opened again sooner: the browser may take its time
SEEN_SECONDS = 300.0  # nor one that the person sees, unless the person asks for it
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
    _opened: dict[str, float] = field(default_factory=dict, init=False)  # by what, when it was opened last
    _windows: list[float] = field(default_factory=list, init=False)  # when each of the last minute was opened

    def __post_init__(self) -> None:
        self.visits = Visits(self.loopback)
        self.loopback.answers[SHOW] = self._show

    async def show(self, about: str, subject: Subject) -> Opening:
        """Open the page of what is called `about`, unless it was opened a moment ago.

        Every opening has a secret of its own, and an earlier one counts no more.
        """
        self._add(about, subject)
        seen = self.visits.was_seen(self._pages[about])
        return await self._open(about, SEEN_SECONDS if seen else AGAIN_SECONDS)

    async def address(self, about: str, subject: Subject) -> str:
        """An address for others to lead the person to. It holds no secret, and does nothing but open the page.

        Raises:
            OSError: no port is free.
        """
        self._add(about, subject)
        name = next((name for name, one in self._names.items() if one == about), "") or secrets.token_urlsafe(16)
        self._names[name] = about
        return f"{await self.loopback.start()}/{SHOW}/{name}"

    async def lead(self, about: str, address: str) -> bool:
        """Open an address that is none of ours. Whether a browser was started for it."""
        if self.desktop is None:
            return False
        self._tidy(about)
        try:
            self._started[about] = await anyio.to_thread.run_sync(self.desktop.open, address)
        except OSError:
            return False
        return True

    def _add(self, about: str, subject: Subject) -> None:
        if self.visits.knows(self._pages.get(about, "")):
            return
        self._pages[about] = self.visits.add(subject)
        for closed in [one for one, number in self._pages.items() if not self.visits.knows(number)]:
            del self._pages[closed]
            self._tidy(closed)
        self._names = {name: one for name, one in self._names.items() if one in self._pages}

    async def _open(self, about: str, again: float) -> Opening:
        """Open a page, unless it was opened less than `again` seconds ago."""
        now = anyio.current_time()
        self._opened = {one: at for one, at in self._opened.items() if at > now - SEEN_SECONDS}
        self._windows = [at for at in self._windows if at > now - MINUTE]
        if self.desktop is None:
            return "not opened"
        if now - self._opened.get(about, -math.inf) < again:
            return "open already"
        if len(self._windows) >= MOST_OPENED:
            return "not opened"
        self._opened[about] = now
        self._windows.append(now)
        self._tidy(about)  # an earlier address leads nowhere from now on
        try:
            address = await self.visits.address(self._pages[about], partial(self._tidy, about))
            self._started[about] = await anyio.to_thread.run_sync(self.desktop.open, address)
        except OSError:
            del self._opened[about]
            return "not opened"
        if self.visits.was_seen(self._pages[about]):  # by a browser that was quicker than the thread
            self._tidy(about)
        return "opened"

    def _tidy(self, about: str) -> None:
        """No browser needs the file of a page any more."""
        if started := self._started.pop(about, None):
            started.file.unlink(missing_ok=True)

    @property
    def rests(self) -> bool:
        """Whether it has opened as many pages as it opens in a minute."""
        return self.desktop is not None and len(self._windows) >= MOST_OPENED

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
        return Reply(
            rendered(Page("A question of the Salesloft MCP server", (told[await self._open(about, AGAIN_SECONDS)],)))
        )


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
