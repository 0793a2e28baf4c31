"""A loopback server with one page, and a desk whose browser is the test itself."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from salesloft_mcp.browser.browser import Browser, open_browser
from salesloft_mcp.browser.loopback import Loopback, open_loopback
from salesloft_mcp.browser.pages import Ask, Page
from salesloft_mcp.browser.visits import Visits
from tests.browser.desk import Desk


@dataclass
class Question:
    """A page that asks once, and keeps what was answered."""

    answers: list[tuple[bool, str]] = field(default_factory=list)
    name: str = ""

    async def page(self) -> Page:
        if self.answers:
            return Page("Answered", ("You can close this window.",))
        return Page("Delete it?", ask=Ask("Delete", "Keep", self.name, "Type its name"))

    async def answer(self, yes: bool, typed: str) -> str:
        if yes and typed != self.name:
            return "Another name was typed."
        self.answers.append((yes, typed))
        return ""


@pytest.fixture
def question() -> Question:
    return Question()


@pytest.fixture
async def loopback() -> AsyncIterator[Loopback]:
    async with open_loopback() as loopback:
        yield loopback


@pytest.fixture
def visits(loopback: Loopback) -> Visits:
    return Visits(loopback)


@pytest.fixture
def number(visits: Visits, question: Question) -> str:
    return visits.add(question)


@pytest.fixture
async def browser(desk: Desk, tmp_path: Path) -> AsyncIterator[Browser]:
    async with open_browser(tmp_path / "state") as browser:
        yield browser
