"""One call of a tool or one job: how long it may still wait, in which lane, and the points it has spent."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Literal

import anyio

from salesloft_mcp.salesloft.received import Received
from salesloft_mcp.salesloft.requests import Request

Lane = Literal["chat", "bulk"]

WRITE_SECONDS = 5.0  # a write is not begun when less of a call's time is left


@dataclass(slots=True)
class Call:
    """Shared by everything that runs for one call, in whatever task."""

    deadline: float = math.inf
    points: int = 0
    unread: int = 0  # rows of lists that could not be read, and were passed over
    lane: Lane = "chat"  # bulk work leaves room for people who wait
    enduring: bool = False  # its reads wait out minutes without an answer, where much was read already
    who: str = "local"  # as the change log names whoever asked for it
    team: str = ""  # for which it is, where somebody has signed in; its requests carry no token of another one
    login: str = ""  # the sign-in of its last request: where the team is unknown, another one may be of another team
    send_by: float = math.inf  # no write is sent later, because what it was decided on is too old then
    answers: list[tuple[Request, Received]] | None = None  # as they came, where somebody wants to see them

    def patience(self, write: bool = False) -> float:
        """Seconds this call may still wait; before a write so much less that its answer can be waited for."""
        last = min(self.deadline - WRITE_SECONDS, self.send_by) if write else self.deadline
        return last - anyio.current_time()

    def renew(self, seconds: float) -> None:
        """It may wait at least `seconds` from now on: what a person took to answer is not to be missing afterwards."""
        self.deadline = max(self.deadline, anyio.current_time() + seconds)


_current: ContextVar[Call | None] = ContextVar("call", default=None)


@contextmanager
def open_call(seconds: float = math.inf, lane: Lane = "chat", enduring: bool = False) -> Iterator[Call]:
    """Everything inside may wait `seconds` altogether, and its points are counted."""
    call = Call(anyio.current_time() + seconds, lane=lane, enduring=enduring)
    token = _current.set(call)
    try:
        yield call
    finally:
        _current.reset(token)


@contextmanager
def sent_within(seconds: float) -> Iterator[None]:
    """Writes inside wait for points, and for a connection, no longer than so; else they are not sent."""
    with _inside(send_by=anyio.current_time() + seconds):
        yield


@contextmanager
def given_up_after(seconds: float) -> Iterator[None]:
    """Everything inside may wait so long, where the call has not less time left: it is not worth more of it."""
    with _inside(deadline=min(current().deadline, anyio.current_time() + seconds)):
        yield


@contextmanager
def _inside(**changes: float) -> Iterator[None]:
    """A part of the call that is running, with a time of its own. What it costs counts for the call."""
    outer = current()
    inner = replace(outer, points=0, unread=0, **changes)  # type: ignore[arg-type]
    token = _current.set(inner)
    try:
        yield
    finally:
        _current.reset(token)
        outer.team, outer.login = outer.team or inner.team, inner.login
        outer.points += inner.points
        outer.unread += inner.unread


def current() -> Call:
    """The call that is running here; outside any, a patient one that nobody reads."""
    return _current.get() or Call()
