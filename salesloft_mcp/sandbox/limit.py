"""The rate limit: 600 points a minute for the whole team, deep list pages cost more."""

import re
from collections.abc import Callable

# (first page of the tier, points), deepest first.
DEEP_PAGES = ((501, 30), (251, 10), (151, 8), (101, 3))

_PAGE = re.compile(rb"(?:^|&)page=([0-9]{1,18})(?=&|$)")


def cost_of(query_string: bytes) -> int:
    """Source: "A call costs 1; list pages 101-150 cost 3, 151-250 8, 251-500 10, from 501 on 30"."""
    pages: list[bytes] = _PAGE.findall(query_string)
    page = int(pages[-1]) if pages else 1
    return next((points for first, points in DEEP_PAGES if page >= first), 1)


class RateLimit:
    """Assumed: a fixed window of one clock minute. A limit of 0 means none."""

    def __init__(self, points: int, clock: Callable[[], float]) -> None:
        self._points = points
        self._clock = clock
        self._minute = -1
        self._used = 0

    def take(self, cost: int) -> bool:
        """Spend the points, or say False and spend nothing."""
        self._turn()
        if self._points and self._used + cost > self._points:
            return False
        self._used += cost
        return True

    @property
    def remaining(self) -> int | None:
        """Points left in this minute; None without a limit."""
        if not self._points:
            return None
        self._turn()
        return self._points - self._used

    def _turn(self) -> None:
        minute = int(self._clock() // 60)
        if minute != self._minute:
            self._minute, self._used = minute, 0
