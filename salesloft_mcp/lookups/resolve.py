"""External ids to objects: what is known, each id asked for by itself, or lists read whole; whichever costs least."""

import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import islice
from typing import Any

from salesloft_mcp.errors import RateLimitedError, SalesloftMcpError
from salesloft_mcp.lookups.ends import distinct, read_whole
from salesloft_mcp.lookups.flights import Flights
from salesloft_mcp.lookups.known import Known
from salesloft_mcp.lookups.near_misses import Near, Neighbours
from salesloft_mcp.lookups.plan import Part, Plan, cheapest
from salesloft_mcp.salesloft.budget import MINUTE, Budget
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.gather import gather_limited
from salesloft_mcp.salesloft.models import Mapping, ObjectType, Page
from salesloft_mcp.salesloft.requests import MAX_EXTERNAL_TYPE, checked

BATCH = 500  # ids that are asked for before the first of them are handed on
SIZES_SECONDS, MOST_SIZES = 600.0, 1_000
UNNOTICED_POINTS = 10  # a look-up of more is not begun when the minute has no room for it

Found = dict[str, list[Mapping]]


@dataclass(frozen=True, slots=True)
class Scope:
    """Where to look: an external type and an object type, each optional."""

    external_type: str = ""
    object_type: ObjectType | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """The live mappings of every id, in input order; an id that has none keeps an empty list.

    `near` holds what was seen on the way for ids that have none: nearly the same ids, of other mappings.
    """

    found: Found = field(default_factory=dict)
    near: dict[str, list[Near]] = field(default_factory=dict)


class Lookups:
    """Look-ups at the least cost: never more points than there are ids, but for a question where nothing is known.

    That question is how long a list is. It costs one point, is asked for ten ids or more, and two others follow it
    only for more ids than a list of over 20,000 mappings has pages. Sizes are remembered for ten minutes. Answers are
    not: another integration may take a mapping away at any time, and a wrong answer costs more than a point. Equal
    look-ups in flight are one, unless one of `writers` has written in between.
    """

    def __init__(
        self,
        api: Salesloft,
        budget: Budget,
        writers: Sequence[Salesloft] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._api = api
        self._writers = writers or (api,)
        self._budget = budget
        self._sizes: Known[Scope, int] = Known(SIZES_SECONDS, MOST_SIZES, clock)
        self._flights: Flights[Page[Mapping]] = Flights()

    async def resolve(self, external_ids: Iterable[str], scope: Scope) -> Answer:
        """Every id at once. Ids are compared byte by byte.

        Raises:
            InputError: an id that cannot be one, before anything is sent.
            RateLimitedError: the points that are left do not suffice, before they are spent.
        """
        whole = Answer()
        async for part in self.answers(external_ids, scope):
            whole.found.update(part.found)
            whole.near.update(part.near)
        return whole

    async def answers(self, external_ids: Iterable[str], scope: Scope) -> AsyncIterator[Answer]:
        """The same, handed on as it comes, still in input order."""
        wanted = list(dict.fromkeys(checked("external_ids", one) for one in external_ids))
        if scope.external_type:
            checked("external_type", scope.external_type, MAX_EXTERNAL_TYPE)
        plan, firsts = await self._planned(wanted, scope)
        rows = await self._read(plan, firsts, scope)
        neighbours = Neighbours(distinct(firsts.values()) if rows is None else rows)
        if rows is None and plan.read:
            self._check_room(len(wanted))
        for batch in [wanted] if rows is not None else _batches(wanted, BATCH):
            found = await self._each(batch, scope) if rows is None else _sorted_in(batch, rows)
            near = {one: neighbours.of(one) for one in batch if not found[one]}
            yield Answer(found, {one: rows for one, rows in near.items() if rows})

    async def _planned(self, wanted: Sequence[str], scope: Scope) -> tuple[Plan, dict[Part, Page[Mapping]]]:
        """The cheapest plan, and the first pages of the lists that it was worth to begin."""
        firsts: dict[Part, Page[Mapping]] = {}
        splits = scope.object_type is None
        plan = cheapest(wanted, self._counts(scope), firsts, splits)
        while plan.begin:
            for part in plan.begin:
                firsts[part] = first = await self._page(scope, part, 1, False)
                size = len(first.rows) if first.next_page is None else first.total
                self._sizes.forget(_part(scope, part))
                if size is not None:
                    self._sizes.keep(_part(scope, part), size)
            plan = cheapest(wanted, self._counts(scope), firsts, splits)
        self._check_room(plan.points)
        return plan, firsts

    def _era(self) -> int:
        return sum(one.changes for one in self._writers)

    def _counts(self, scope: Scope) -> dict[Part, int]:
        parts: tuple[Part, ...] = (None, "people", "accounts", "users") if scope.object_type is None else (None,)
        known = self._sizes.among(_part(scope, part) for part in parts)
        return {part: known[_part(scope, part)] for part in parts if _part(scope, part) in known}

    async def _read(self, plan: Plan, firsts: dict[Part, Page[Mapping]], scope: Scope) -> list[Mapping] | None:
        """Every row of the lists that the plan wants to be read; None when there are none, or they cannot be."""
        rows: list[Mapping] = []
        for one in plan.read:
            some = await read_whole(partial(self._page, scope), one, firsts[one.part])
            if some is None:
                return None
            rows += some
        return rows if plan.read else None

    async def _page(self, scope: Scope, part: Part, page: int, ascending: bool) -> Page[Mapping]:
        where = _part(scope, part)
        ask = partial(self._list, where, page=page, counts=page == 1 and not ascending, ascending=ascending)
        return await self._flights.one((self._era(), where, page, ascending), ask)

    async def _each(self, external_ids: Sequence[str], scope: Scope) -> Found:
        pages = await gather_limited([partial(self._look_up, scope, one) for one in external_ids])
        return {one: list(page.rows) for one, page in zip(external_ids, pages, strict=True)}

    async def _look_up(self, scope: Scope, external_id: str) -> Page[Mapping]:
        ask = partial(self._list, scope, external_id=external_id)
        return await self._flights.one((self._era(), scope, external_id), ask)

    async def _list(self, scope: Scope, **asked: Any) -> Page[Mapping]:  # noqa: ANN401 - what `list_mappings` takes
        return await self._api.list_mappings(
            external_type=scope.external_type, object_type=scope.object_type, deleted=False, **asked
        )

    def _check_room(self, points: int) -> None:
        """A look-up that could only fail half-way is not begun."""
        left = self._budget.left()
        if points <= max(left, UNNOTICED_POINTS) or current().patience() >= MINUTE:
            return
        wait = self._budget.wait(points)
        what = (
            f"this look-up takes {points} points and {left} are left this minute; fewer ids take fewer. None was sent."
        )
        if not wait:
            raise SalesloftMcpError(what, next_step=f"ask for fewer ids at a time: {left} or less.")
        raise RateLimitedError(what, request="GET /v2/external/mappings", retry_after_seconds=wait)


def _part(scope: Scope, part: Part) -> Scope:
    return scope if part is None else replace(scope, object_type=part)


def _sorted_in(external_ids: Iterable[str], rows: Iterable[Mapping]) -> Found:
    found: Found = {one: [] for one in external_ids}
    for row in rows:
        if row.external_id in found:
            found[row.external_id].append(row)
    return found


def _batches(external_ids: Iterable[str], size: int) -> Iterator[list[str]]:
    rest = iter(external_ids)
    while batch := list(islice(rest, size)):
        yield batch
