"""Pages that only the browser may see in which this program opened them.

An address holds a secret that counts once: the first browser that comes with it gets a cookie, and from then on the
page has another address, which shows it to that browser alone. An answer has to come with the cookie, with what the
form held, and from our own origin. Of the secrets only digests are kept, in memory.
"""

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from salesloft_mcp.browser.loopback import Loopback, Reply, Request, refusal
from salesloft_mcp.browser.pages import CHOICE, NO, TOKEN, TYPED, YES, Page, rendered

FIRST, PAGE = "open", "page"  # the first segments of both addresses
SECRET_BYTES = 32
MOST_PAGES = 100  # the oldest go first; far more than anybody has open
_AGAIN = "To see it again, have the assistant make the same call again."
_ELSEWHERE = (
    "It is shown only in the browser that this program opened it in, and is open there.",
    f"Nothing was decided here. {_AGAIN}",
)


class Subject(Protocol):
    """What a page is about, and what becomes of an answer."""

    async def page(self) -> Page:
        """What is shown now; without a question once it was answered."""

    async def answer(self, yes: bool, typed: str) -> str:
        """Take an answer; what is wrong with it, or nothing."""


@dataclass
class _Visit:
    subject: Subject
    once: bytes = b""  # the digest of the secret that was not used yet
    cookie: bytes = b""  # the digest of what the browser got that came first
    token: str = field(default_factory=lambda: secrets.token_urlsafe(SECRET_BYTES))
    claimed: Callable[[], object] = lambda: None


class Visits:
    """The pages of one loopback server."""

    def __init__(self, loopback: Loopback) -> None:
        self._loopback = loopback
        self._visits: dict[str, _Visit] = {}
        loopback.answers |= {FIRST: self._first, PAGE: self._page}

    def add(self, subject: Subject) -> str:
        """The number of a new page."""
        number = secrets.token_urlsafe(SECRET_BYTES)
        self._visits[number] = _Visit(subject)
        if len(self._visits) > MOST_PAGES:
            del self._visits[next(iter(self._visits))]
        return number

    def knows(self, number: str) -> bool:
        """Whether there is such a page."""
        return number in self._visits

    def was_seen(self, number: str) -> bool:
        """Whether a browser has come to a page since it was opened last."""
        visit = self._visits.get(number)
        return visit is not None and bool(visit.cookie) and not visit.once

    async def address(self, number: str, claimed: Callable[[], object] = lambda: None) -> str:
        """An address that shows a page to the first browser that comes with it. Every earlier one leads nowhere.

        `claimed` is called when a browser has come.
        """
        secret, visit = secrets.token_urlsafe(SECRET_BYTES), self._visits[number]
        visit.once, visit.claimed = _digest(secret), claimed
        return f"{await self._loopback.start()}/{FIRST}/{secret}"

    async def _first(self, request: Request) -> Reply:
        """The browser that comes first gets the cookie, and goes on to the address without a secret."""
        came = _digest(request.rest)
        for number, visit in self._visits.items():
            if request.method == "GET" and visit.once and hmac.compare_digest(visit.once, came):
                cookie = secrets.token_urlsafe(SECRET_BYTES)
                visit.once, visit.cookie = b"", _digest(cookie)
                visit.claimed()
                # Lax, because the way here began in a file. Only this path gets it, whatever else runs on this machine.
                attributes = f"{PAGE}={cookie}; Path=/{PAGE}/{number}; HttpOnly; SameSite=Lax"
                return Reply(status=303, to=f"/{PAGE}/{number}", headers=(("set-cookie", attributes),))
        return refusal(403, "This address was used already, or is not one of ours", *_ELSEWHERE)

    async def _page(self, request: Request) -> Reply:
        visit = self._visits.get(request.rest)
        if visit is None:
            return refusal(404, "This page is closed", f"Nothing was decided here. {_AGAIN}")
        if not visit.cookie or not hmac.compare_digest(visit.cookie, _digest(_cookie(request))):
            return refusal(403, "This page belongs to another browser", *_ELSEWHERE)
        if request.method == "GET":
            return Reply(rendered(await visit.subject.page(), visit.token))
        if not hmac.compare_digest(visit.token.encode(), request.form.get(TOKEN, "").encode("utf-8", "replace")):
            return refusal(403, "This did not come from the form of the page", "Nothing was decided. Open it again.")
        choice = request.form.get(CHOICE)
        if choice not in (YES, NO):
            return refusal(400, "No button was pressed", "Nothing was decided. Go back, and press one of the two.")
        if problem := await visit.subject.answer(choice == YES, request.form.get(TYPED, "")):
            return Reply(rendered(await visit.subject.page(), visit.token, problem), 422)
        return Reply(status=303, to=f"/{PAGE}/{request.rest}")  # so that a reload sends nothing again


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode("utf-8", "replace")).digest()


def _cookie(request: Request) -> str:
    """The value of our cookie; empty where there is none, or more than one."""
    parts = [one.strip() for one in request.headers.get("cookie", "").split(";")]
    found = [one.removeprefix(f"{PAGE}=") for one in parts if one.startswith(f"{PAGE}=")]
    return found[0] if len(found) == 1 else ""
