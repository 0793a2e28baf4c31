"""Faults on demand: what can go wrong between a client and the live service, switched on by name."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Literal, get_args

from salesloft_mcp.sandbox.answers import Answer, json_answer, text_answer

FaultKind = Literal["status", "reset", "lost_answer", "delay", "late_commit", "truncated", "raw"]


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong, for which calls, and how often.

    - `status`: the status is answered as the API answers it, and the work not done
    - `reset`: the connection dies before the work
    - `lost_answer`: the work is done, then the connection dies
    - `delay`: `seconds` pass before the work; in process a caller that leaves meanwhile prevents it
    - `late_commit`: `seconds` pass before the work, which is then done even if the caller has gone away
    - `truncated`: the work is done and answered as usual, but the body is cut in half
    - `raw`: `status` and `body` are answered as they are, and the work not done
    """

    kind: FaultKind
    method: str | None = None
    path: str | None = None
    times: int | None = 1
    status: int = 503
    seconds: float = 0.0
    retry_after: int | None = None
    probability: float = 1.0
    body: bytes = b""

    def __post_init__(self) -> None:
        if self.kind not in get_args(FaultKind):
            raise ValueError(f"unknown kind of fault: {self.kind}")

    def fits(self, method: str, path: str) -> bool:
        """`path` is a glob over the decoded path, where `*` also stands for slashes."""
        return self.method in (None, method) and (self.path is None or fnmatchcase(path, self.path))


class Faults:
    """The faults still to come; the first that fits a call is the one that happens to it."""

    def __init__(self, seed: int = 0) -> None:
        self._random = random.Random(seed)
        self._pending: list[Fault] = []

    def add(self, *faults: Fault) -> None:
        self._pending.extend(faults)

    def clear(self) -> None:
        self._pending.clear()

    def take(self, method: str, path: str) -> Fault | None:
        """The fault of this call, counted off."""
        for place, fault in enumerate(self._pending):
            if fault.fits(method, path) and self._random.random() < fault.probability:
                if fault.times is not None:
                    rest = [replace(fault, times=fault.times - 1)] if fault.times > 1 else []
                    self._pending[place : place + 1] = rest
                return fault
        return None


async def go_wrong(fault: Fault, work: Callable[[], Answer]) -> Answer | None:
    """The answer that the fault leaves of the work, or None when the connection is lost."""
    match fault.kind:
        case "status":
            return _failure(fault)
        case "raw":
            return Answer(fault.status, fault.body)
        case "reset":
            return None
        case "lost_answer":
            work()
            return None
        case "delay":
            return await _later(fault.seconds, work)
        case "late_commit":
            # A task of its own: a caller that is cancelled leaves at once, and the work still comes.
            return await asyncio.shield(asyncio.create_task(_later(fault.seconds, work)))
        case "truncated":
            answer = work()
            return replace(answer, body=answer.body[: len(answer.body) // 2])


def _failure(fault: Fault) -> Answer:
    """JSON where the document shows the body of a refusal; of a 429 and of what a server fails with it shows none."""
    headers = {} if fault.retry_after is None else {"retry-after": str(fault.retry_after)}
    words = "The sandbox was told to fail"
    if fault.status >= 429:
        return text_answer(fault.status, words, headers)
    body = {"errors": {"base": [words]}} if fault.status == 422 else {"error": words}
    return json_answer(fault.status, body, headers)


async def _later(seconds: float, work: Callable[[], Answer]) -> Answer:
    await asyncio.sleep(seconds)
    return work()
