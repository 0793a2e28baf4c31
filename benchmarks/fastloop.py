"""An event loop on which time passes faster, so that minutes under a rate limit are seconds of a benchmark.

Every sleep, time-out and `loop.time()` of the process is scaled; what the processor does takes as long as ever, and so
weighs the more. Nothing of the program knows of it.
"""

import asyncio
import selectors
from collections.abc import Awaitable, Callable
from typing import ClassVar, TypeVar

import anyio

T = TypeVar("T")
EPOCH = 1_800_000_000.0  # a whole minute


class _FastSelector(selectors.DefaultSelector):
    def __init__(self, scale: float) -> None:
        super().__init__()
        self._scale = scale

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return super().select(None if timeout is None else timeout / self._scale)


class _FastLoop(asyncio.SelectorEventLoop):
    running: "ClassVar[_FastLoop]"

    def __init__(self, scale: float) -> None:
        self._scale = scale
        super().__init__(_FastSelector(scale))
        _FastLoop.running = self

    def time(self) -> float:
        return super().time() * self._scale


def run(main: Callable[[], Awaitable[T]], scale: float = 1.0) -> T:
    """Run `main` in a world that is `scale` times as fast."""
    return anyio.run(main, backend_options={"loop_factory": lambda: _FastLoop(scale)})


def clock() -> float:
    """What the loop's clock says, as seconds since some epoch: for whoever wants the time of day, in any thread."""
    return EPOCH + _FastLoop.running.time()
