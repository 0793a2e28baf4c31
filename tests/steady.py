"""An event loop on which a test about time depends on no clock: nothing takes long but waiting, and that costs nothing.

Time stands still while anything can be done, and jumps to the next timer when nothing can. A busy machine changes
nothing of the order in which things happen.
"""

import asyncio
import selectors

from anyio.to_thread import current_default_thread_limiter


class _Selector(selectors.DefaultSelector):
    """Waits for what is real, threads included, and skips what is only time."""

    skipped = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None or timeout <= 0:
            return super().select(timeout)
        if current_default_thread_limiter().borrowed_tokens:
            return super().select(None)
        ready = super().select(0)
        if not ready:
            self.skipped += timeout
        return ready


class SteadyLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._steady = _Selector()
        super().__init__(self._steady)

    def time(self) -> float:
        return self._steady.skipped


STEADY = ("asyncio", {"loop_factory": SteadyLoop})  # as the fixture `anyio_backend` names it
