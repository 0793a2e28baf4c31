"""External ids to objects: each id asked for by itself, or the list of its type read whole; whichever costs less."""

import math
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal

from salesloft_mcp.errors import ApiError, BrokenAnswerError, RateLimitedError, SalesloftMcpError
from salesloft_mcp.intake.mistaken import doubt
from salesloft_mcp.lookups.configurations import Configurations
from salesloft_mcp.lookups.near_misses import MOST_TRIES, Near, Neighbours, worth_trying
from salesloft_mcp.policy import NO_LIMITS, Policy
from salesloft_mcp.salesloft.budget import MINUTE, Budget
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.gather import gather_limited
from salesloft_mcp.salesloft.models import Mapping, ObjectType, Page, Scope
from salesloft_mcp.salesloft.paging import Ask, as_far_as_read, begin_list, cheapest, pages, read_all
from salesloft_mcp.text import quoted

BATCH = 500  # ids that are asked for before the first of them are handed on
SIZES_SECONDS, MOST_SIZES = 600.0, 1_000
UNNOTICED_POINTS = 10  # a look-up of more is not begun when the minute has no room for it

Status = Literal["found", "ambiguous", "missing"]


@dataclass(frozen=True, slots=True)
class Resolution:
    """The live mappings of every id, in input order; an id that has none keeps an empty list.

    `near` holds mappings that are nearly a missing id. `near_types` is None unless nothing was found because the
    external type is not configured; then it holds the existing ones that are nearest.
    """

    mappings: dict[str, list[Mapping]]
    near: dict[str, list[Near]] = field(default_factory=dict)
    near_types: list[str] | None = None

    def status(self, external_id: str) -> Status:
        """Several types may name the same object; several objects are ambiguous."""
        objects = {(row.object_type, row.object_id) for row in self.mappings[external_id]}
        return "found" if len(objects) == 1 else "ambiguous" if objects else "missing"

    def of(self, status: Status) -> dict[str, list[Mapping]]:
        """The ids of that status, with their mappings."""
        return {one: rows for one, rows in self.mappings.items() if self.status(one) == status}

    @property
    def suspicious(self) -> dict[str, str]:
        """Why missing ids look damaged, or like something else: they may not be what their system holds."""
        return {one: why for one in self.of("missing") if (why := doubt(one))}


@dataclass(frozen=True, slots=True)
class Listing:
    """Rows of a list that were read. A complete one answers every id by itself."""

    rows: Sequence[Mapping] = ()
    complete: bool = False


class Lookups:
    """Look-ups at the least cost.

    To find ids never takes more points than there are ids, but for two questions about their list: how long it is
    (one point, for ten ids or more, where nobody knows), and whether its filter works (two, where it seems empty). When
    ids are missing, at most eleven points more tell why. Lengths are remembered for ten minutes. Answers are not:
    another integration may take a mapping away at any time, and a wrong answer costs more than a point. Near misses of
    a kind of record that `policy` does not allow are not told.
    """

    def __init__(
        self,
        api: Salesloft,
        configurations: Configurations,
        budget: Budget,
        policy: Policy = NO_LIMITS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._configurations = configurations
        self._budget = budget
        self.policy = policy
        self._clock = clock
        self._sizes: dict[Scope, tuple[float, int | None]] = {}

    async def resolve(self, external_ids: Iterable[str], scope: Scope, listing: Listing | None = None) -> Resolution:
        """The objects that these ids stand for. Ids are compared byte by byte; whoever takes them in has checked them.

        Raises:
            RateLimitedError: the points that are left do not suffice, before they are spent.
            BrokenAnswerError: what is mapped to one of them cannot be read; it names that id.
        """
        wanted = tuple(dict.fromkeys(external_ids))
        listing = listing or await self._listing(len(wanted), scope)
        rows = listing.rows
        if not listing.complete:
            asks = [self._asking(scope.external_type, one) for one in wanted]
            try:
                rows = await _rows(asks, await gather_limited(asks))
            except BrokenAnswerError:  # whose is it?
                for ask in asks:
                    await _named(ask)
                raise
        mappings: dict[str, list[Mapping]] = {one: [] for one in wanted}
        for row in rows:
            if row.external_id in mappings and row in scope:
                mappings[row.external_id].append(row)
        missing = [one for one, held in mappings.items() if not held]
        if not missing:
            return Resolution(mappings)
        near_types = None
        # What was found is told, even when nobody can tell why the rest is missing: a token may not see configurations.
        with suppress(ApiError):
            if scope.external_type and len(missing) == len(wanted):  # one hit proves that the type is configured
                near_types = await self._configurations.nearest(scope.external_type, scope.object_type)
        neighbours = Neighbours(self._allowed([*rows, *listing.rows]), scope, near_types or ())
        with suppress(ApiError):
            lost = [one for one in missing if not neighbours.of(one)]
            if self._budget.left() > MOST_TRIES:
                held = {row.external_id for row in (*rows, *listing.rows) if row in scope}
                nowhere = near_types is not None or listing.complete  # in any other spelling
                tries = worth_trying(lost, scope, None if nowhere else held, found=len(missing) < len(wanted))
                asks = [self._asking(*one) for one in tries]
                neighbours.add(self._allowed(await _rows(asks, await gather_limited(asks))))
        return Resolution(mappings, {one: near for one in missing if (near := neighbours.of(one))}, near_types)

    async def in_batches(self, external_ids: Iterable[str], scope: Scope) -> AsyncIterator[Resolution]:
        """The same for any number of ids, handed on as it comes, still in input order."""
        wanted = tuple(dict.fromkeys(external_ids))
        listing = await self._listing(len(wanted), scope)
        size = max(1, len(wanted)) if listing.complete else BATCH
        for start in range(0, len(wanted), size):
            yield await self.resolve(wanted[start : start + size], scope, listing)

    async def ids_of(self, object_type: ObjectType, object_ids: Iterable[int]) -> dict[int, list[Mapping]]:
        """The live mappings of these records, of every type: each asked for by its record, a point each, or the list of
        all mappings of such records read whole, where that costs less. Rows that cannot be read are left out, and
        counted by the call.

        Raises:
            RateLimitedError: the points that are left do not suffice, before they are spent.
        """
        wanted: dict[int, list[Mapping]] = {one: [] for one in object_ids}
        if not wanted:
            return wanted
        listing = await self._listing(len(wanted), Scope("", object_type))
        rows = list(listing.rows)
        if not listing.complete:
            lists = partial(as_far_as_read(self._api.list_mappings), deleted=False)
            asks = [partial(lists, object_id=one) for one in wanted]  # the object type is compared here
            firsts = await gather_limited(asks)
            several = zip(asks, firsts, strict=True)
            rows = [row for ask, first in several async for some in pages(ask, first) for row in some]
        for row in rows:
            if row.object_type == object_type and row.object_id in wanted:
                wanted[row.object_id].append(row)
        return wanted

    async def _listing(self, ids: int, scope: Scope) -> Listing:
        """The list of the scope, whole where that costs less than asking for so many ids; or the page that told so."""
        told, size = self._sizes.get(scope, (-math.inf, None))
        if cheapest(ids, size if self._clock() - told <= SIZES_SECONDS else None) is None:
            self._check_room(ids)
            return Listing()
        ask, first = await begin_list(self._api, scope.external_type, scope.object_type)
        self._sizes[scope] = self._clock(), first.total
        if len(self._sizes) > MOST_SIZES:
            del self._sizes[next(iter(self._sizes))]
        reading = cheapest(ids, first.total, begun=True)
        self._check_room(ids if reading is None else reading)
        rows = first.rows if reading is None else [row async for rows in pages(ask, first) for row in rows]
        if first.total is not None and len(rows) >= first.total:
            return Listing(rows, complete=True)
        if reading is not None:  # rows were taken away while it was read, or cannot be read: others may stand there
            self._check_room(ids)
        return Listing(rows)

    def _asking(self, external_type: str, external_id: str) -> partial[Coroutine[Any, Any, Page[Mapping]]]:
        """The mappings of an id, of every object type: another one than was asked for is worth telling."""
        return partial(self._api.list_mappings, external_type=external_type, external_id=external_id, deleted=False)

    def _allowed(self, rows: Iterable[Mapping]) -> list[Mapping]:
        return [row for row in rows if row.object_type in self.policy.object_types]

    def _check_room(self, points: int) -> None:
        """A look-up that could only fail half-way is not begun."""
        left = self._budget.left()
        if points <= max(left, UNNOTICED_POINTS) or current().patience() >= MINUTE:
            return
        wait = self._budget.wait(points)
        what = f"this look-up takes {points} points and {left} are left this minute; fewer ids take fewer."
        if not wait:
            raise SalesloftMcpError(what, next_step=f"ask for fewer ids at a time: {left} or less.")
        raise RateLimitedError(what, retry_after_seconds=wait)


async def _rows(asks: Sequence[Ask[Mapping]], firsts: list[Page[Mapping]]) -> list[Mapping]:
    """The rows of several lists, of which the first pages were read; there is hardly ever another."""
    return [row for ask, first in zip(asks, firsts, strict=True) for row in await read_all(ask, first)]


async def _named(ask: partial[Coroutine[Any, Any, Page[Mapping]]]) -> None:
    """
    Raises:
        BrokenAnswerError: the mappings of this id cannot be read. The others can be asked for without it.
    """
    try:
        await read_all(ask)
    except BrokenAnswerError as error:
        what = f"what external id {quoted(ask.keywords['external_id'])} is mapped to is not known. {error.what}"
        raise BrokenAnswerError(what, next_step=("leave this id out, or ", *error.steps)) from error
