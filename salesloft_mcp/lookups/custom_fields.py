"""The custom fields of people and of accounts, remembered for a short while, and the nearest name for a wrong one."""

import time
from collections.abc import Callable, Iterable
from functools import partial

from salesloft_mcp import errors
from salesloft_mcp.lookups.configurations import FRESH_SECONDS
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import ObjectType, Page
from salesloft_mcp.salesloft.paging import readable
from salesloft_mcp.salesloft.responses import complete
from salesloft_mcp.text import did_you_mean, quoted

Names = frozenset[str]


class CustomFields:
    """The names of the team's custom fields. Read at most every half minute for each kind of record."""

    def __init__(self, api: Salesloft, clock: Callable[[], float] = time.monotonic) -> None:
        self._api = api
        self._clock = clock
        self._known: dict[ObjectType, tuple[float, Names | None]] = {}
        self._unread: dict[ObjectType, int] = {}  # rows that cannot be read

    async def names(self, object_type: ObjectType) -> Names | None:
        """The names there are; None where the token may not read them, or nobody answers for them."""
        told = self._known.get(object_type)
        if told is not None and self._clock() - told[0] <= FRESH_SECONDS:
            return told[1]
        at, names = self._clock(), None
        try:
            rows, self._unread[object_type] = await readable(partial(self._api.custom_fields, object_type))
            names = frozenset(row.name for row in rows if row.name)
        except (errors.ForbiddenError, errors.NotFoundError):
            pass
        self._known[object_type] = at, names
        return names

    def forget(self) -> None:
        """Read them anew the next time: they may be those of another team by now."""
        self._known.clear()

    async def check(self, object_type: ObjectType, given: Iterable[str]) -> None:
        """
        Raises:
            InputError: there is no custom field of one of these names; it tells the nearest.
            UnreadRowsError: none that can be read has it, and one that cannot might have.
        """
        given = list(given)
        known = await self.names(object_type) if given else None
        for name in given:
            if known is not None and (what := unknown(object_type, name, known)):
                complete(Page((), unread=self._unread.get(object_type, 0)))
                raise errors.InputError("custom_fields", what, next_step="correct the name; nothing was sent.")


def unknown(object_type: ObjectType, name: str, known: Names) -> str:
    """What is wrong with the name of a custom field; empty where there is one of that name."""
    if name in known:
        return ""
    return f"{object_type} have no custom field {quoted(name)}: {did_you_mean(quoted(name), map(quoted, known))}"
