"""One call of a tool: how long it may still wait, and the points it has spent."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class Call:
    """Shared by everything that runs for one tool call, in whatever task."""

    seconds: float = math.inf  # that it may take altogether
    deadline: float = math.inf
    points: int = 0
    who: str = "local"  # as the change log names whoever asked for it

    def renew(self) -> None:
        """Begin its time anew, after a person has thought about a question."""
        self.deadline = time.monotonic() + self.seconds

    def patience(self) -> float:
        """Seconds this call may still wait."""
        return self.deadline - time.monotonic()


_current: ContextVar[Call | None] = ContextVar("call", default=None)


@contextmanager
def open_call(seconds: float = math.inf) -> Iterator[Call]:
    """Everything inside may wait `seconds` altogether, and its points are counted."""
    call = Call(seconds)
    call.renew()
    token = _current.set(call)
    try:
        yield call
    finally:
        _current.reset(token)


def current() -> Call:
    """The call that is running here; outside any, a patient one that nobody reads."""
    return _current.get() or Call()
