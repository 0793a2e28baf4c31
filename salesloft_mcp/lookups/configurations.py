"""The live configurations, remembered for a short while, and the nearest type when none matches."""

import time
from collections.abc import Callable, Iterable
from difflib import get_close_matches

from salesloft_mcp import errors
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import Configuration, ObjectType, Page
from salesloft_mcp.salesloft.paging import live_configurations
from salesloft_mcp.salesloft.responses import complete

FRESH_SECONDS = 30.0
MOST_NAMED = 20  # of the types there are


class Configurations:
    """The live configurations. Read at most every half minute, and again after a write here."""

    def __init__(self, api: Salesloft, clock: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._clock = clock
        self._known: tuple[float, tuple[Configuration, ...]] | None = None
        self._unread = 0  # rows that cannot be read
        self._changes = 0

    async def live(self) -> tuple[Configuration, ...]:
        """All live configurations that can be read, at most half a minute old."""
        if self._known is not None and self._clock() - self._known[0] <= FRESH_SECONDS:
            return self._known[1]
        at, changes = self._clock(), self._changes
        rows, self._unread = await live_configurations(self._api)
        if changes == self._changes:  # else a write came in between, and these are old already
            self._known = (at, rows)
        return rows

    def forget(self) -> None:
        """Something changed: read them anew the next time."""
        self._known = None
        self._changes += 1

    async def nearest(self, external_type: str, object_type: ObjectType | None) -> list[str] | None:
        """The existing external types for one that is not configured, nearest first; None when it is configured, and
        where the token may not see configurations: then Salesloft has the last word.

        Raises:
            UnreadRowsError: none that can be read is the one, and one that cannot might be.
        """
        try:
            known = await self.live()
        except (errors.ForbiddenError, errors.NotFoundError):
            return None
        if is_configured(external_type, object_type, known):
            return None
        complete(Page((), unread=self._unread))
        return nearest_types(external_type, object_type, known)


def is_configured(external_type: str, object_type: ObjectType | None, configurations: Iterable[Configuration]) -> bool:
    """Whether there is such a configuration among these, for that object type or, with None, for any."""
    return any(one.external_type == external_type and object_type in (None, one.object_type) for one in configurations)


def nearest_types(external_type: str, object_type: ObjectType | None, known: Iterable[Configuration]) -> list[str]:
    """Existing external types for a name that has no configuration, nearest first; never a correction.

    Types are free text that the customer chose, so a type that looks like a typo may well be right.
    """
    usable = [one.external_type for one in known if object_type in (None, one.object_type)]
    every = sorted(set(usable))
    close = get_close_matches(external_type.lower(), {one.lower() for one in every}, n=3, cutoff=0.4)
    like = [one for name in close for one in every if one.lower() == name]
    return [*like, *(one for one in every if one not in like)][:MOST_NAMED]
