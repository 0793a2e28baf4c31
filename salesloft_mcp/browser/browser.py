"""The person's own browser: opened with a page of ours, as seldom as it can be."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import anyio.to_thread

from salesloft_mcp.browser.desktop import Desktop, is_here
from salesloft_mcp.browser.loopback import Loopback, open_loopback
from salesloft_mcp.browser.visits import Subject, Visits
from salesloft_mcp.settings import surroundings

AGAIN_SECONDS = 30.0  # a page is not opened again sooner: the person sees it already
MOST_OPENED = 5  # windows in a minute; a model that calls in a loop is not to fill the screen
MINUTE = 60.0


@dataclass
class Browser:
    """What opens pages. `desktop` is None where nobody would see them."""

    loopback: Loopback
    desktop: Desktop | None
    visits: Visits = field(init=False)
    _pages: dict[str, str] = field(default_factory=dict, init=False)  # by what they are about, the numbers of pages
    _opened: list[tuple[float, str]] = field(default_factory=list, init=False)  # when, and what

    def __post_init__(self) -> None:
        self.visits = Visits(self.loopback)

    async def show(self, about: str, subject: Subject) -> bool:
        """Open the page of what is called `about`, unless it was opened a moment ago; whether it is open.

        Every opening has a secret of its own, and an earlier one counts no more.
        """
        now = anyio.current_time()
        self._opened = [one for one in self._opened if one[0] > now - MINUTE]
        if any(one == about and at > now - AGAIN_SECONDS for at, one in self._opened):
            return True
        if self.desktop is None or len(self._opened) >= MOST_OPENED:
            return False
        if not self.visits.knows(self._pages.get(about, "")):
            self._pages[about] = self.visits.add(subject)
        file: Path | None = None

        def read() -> None:
            if file is not None:
                file.unlink(missing_ok=True)

        try:
            address = await self.visits.address(self._pages[about], read)
            self._opened.append((now, about))
            file = await anyio.to_thread.run_sync(self.desktop.open, address)
        except OSError:
            return False
        return True


@asynccontextmanager
async def open_browser(state_dir: Path, port: int = 0) -> AsyncIterator[Browser]:
    """The browser of the person at this machine. Nothing is opened, and no port listens, until it is needed."""
    environment = surroundings()
    desktop = Desktop(state_dir, environment) if is_here(environment) else None
    try:
        async with open_loopback(port) as loopback:
            yield Browser(loopback, desktop)
    finally:
        if desktop is not None:
            desktop.close()
