"""Reading all mappings, and which of their objects are still there, at the least cost and within a bound."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from salesloft_mcp.audit.findings import Object, Row, row_of
from salesloft_mcp.audit.report import Audit, Configured, audit_of
from salesloft_mcp.errors import MissingError, SalesloftMcpError
from salesloft_mcp.lookups.configurations import is_configured, nearest_types
from salesloft_mcp.lookups.objects import find_objects
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.gather import gather_limited
from salesloft_mcp.salesloft.models import OBJECT_TYPES, Configuration, Mapping, ObjectType, Page, Scope
from salesloft_mcp.salesloft.paging import Ask, begin_list, counted, pages, points, readable
from salesloft_mcp.salesloft.requests import MAX_IDS_A_CALL, PAGE_SIZE
from salesloft_mcp.salesloft.responses import complete
from salesloft_mcp.text import quoted

MAX_ROWS = 200_000
CHEAP_PAGES = 200  # read from both ends; of a longer list, some pages cost more than a point
OTHER_CALLS = 5  # configurations, deleted mappings, the objects of each kind


@dataclass(frozen=True, slots=True)
class List:
    """A list of mappings of which the first page has been read. Its rows are made small: many wait for the others."""

    ask: Ask[Row]
    first: Page[Row]

    @property
    def size(self) -> int:
        """How many mappings it holds, as far as Salesloft counts them."""
        return self.first.total or 0


async def audit(api: Salesloft, scope: Scope, most_points: int | None = None) -> Audit:
    """Look at every live mapping of `scope`, and at every object they lead to. Nothing is changed.

    Raises:
        SalesloftMcpError: it would cost more than `most_points`, or there is more than fits in memory.
        MissingError: there is no such external type.
    """
    every, unread = await readable(api.list_configurations)  # deleted ones, too: their mappings may still be live
    whole = await _begin(api, scope)
    if scope.external_type and not whole.first.rows:
        _check_type(scope, every, unread)
    _check(whole.size, _pages(whole.size), most_points)
    lists = await _lists(api, scope, whole, every)
    _check(sum(one.size for one in lists), sum(points(one.size) - 1 for one in lists), most_points)
    rows = [row for row in await _rows(lists, most_points) if scope.object_type in (None, row.object_type)]
    kinds = (scope.object_type,) if scope.object_type else OBJECT_TYPES
    totals = await gather_limited([partial(api.count_objects, of) for of in kinds])
    return audit_of(
        scope,
        rows,
        await _gone(api, {row.object for row in rows}),
        {_named(one) for one in every if not one.deleted and one in scope},
        dict(zip(kinds, totals, strict=True)),
        await _deleted(api, scope),
        current().unread,
    )


async def _begin(api: Salesloft, scope: Scope) -> List:
    ask, first = await begin_list(api, scope.external_type, scope.object_type)
    return List(partial(_shrunk, ask), _small(first))


async def _shrunk(ask: Ask[Mapping], **asked: Any) -> Page[Row]:  # noqa: ANN401 - whatever page `ask` is asked for
    return _small(await ask(**asked))


def _small(page: Page[Mapping]) -> Page[Row]:
    return Page(tuple(map(row_of, page.rows)), page.next_page, page.total)


async def _lists(api: Salesloft, scope: Scope, whole: List, every: Iterable[Configuration]) -> list[List]:
    """One list; or one for each type where the one would reach the pages that cost more.

    Should they not hold all that the one does, it is read all the same: complete comes before cheap.
    """
    narrower = sorted({_named(one) for one in every if one in scope})
    if _pages(whole.size) <= CHEAP_PAGES or len(narrower) < 2:
        return [whole]
    parts = await gather_limited([partial(_begin, api, Scope(*one)) for one in narrower])
    return parts if sum(one.size for one in parts) >= whole.size else [whole]


async def _rows(lists: Sequence[List], most_points: int | None) -> list[Row]:
    """Every row of the lists once, whatever moves from page to page meanwhile."""
    rows: dict[Row, None] = {}
    counted = sum(one.size for one in lists)
    for one in lists:
        async for found in pages(one.ask, one.first):
            rows.update(dict.fromkeys(found))
            if len(rows) > counted:  # it was not counted, or has grown
                _check(len(rows), current().points, most_points)
    return list(rows)


async def _deleted(api: Salesloft, scope: Scope) -> int | None:
    return await counted(api, scope.external_type, scope.object_type, deleted=True)


async def _gone(api: Salesloft, objects: Iterable[Object]) -> set[Object]:
    """Which of these objects Salesloft does not show any more; a hundred cost a point."""
    of_type: dict[ObjectType, list[int]] = {}
    for of, number in sorted(objects):
        of_type.setdefault(of, []).append(number)
    asks = [
        partial(_absent, api, of, numbers[start : start + MAX_IDS_A_CALL])
        for of, numbers in of_type.items()
        for start in range(0, len(numbers), MAX_IDS_A_CALL)
    ]
    return {one for absent in await gather_limited(asks) for one in absent}


async def _absent(api: Salesloft, of: ObjectType, numbers: Sequence[int]) -> list[Object]:
    found = find_objects(api, of, "object_id", map(str, numbers), len(numbers))
    there = {number async for pairs in found for _, number in pairs}
    return [(of, number) for number in numbers if number not in there]


def _named(one: Configuration) -> Configured:
    return one.external_type, one.object_type


def _pages(mappings: int) -> int:
    return -(-mappings // PAGE_SIZE) or 1


def _check_type(scope: Scope, every: Sequence[Configuration], unread: int) -> None:
    """An audit of a misspelt type would find nothing wrong."""
    live = [one for one in every if not one.deleted]
    if is_configured(scope.external_type, scope.object_type, live):
        return
    complete(Page((), unread=unread))
    near = nearest_types(scope.external_type, scope.object_type, live)
    where = f" for {scope.object_type}" if scope.object_type else ""
    what = f"external_type: {quoted(scope.external_type)} is not configured{where}."
    raise MissingError(what, next_step=f"existing are {', '.join(map(quoted, near))}." if near else "")


def _check(mappings: int, scan: int, most_points: int | None) -> None:
    """Stop before it gets too large, or too dear for someone who waits."""
    if mappings > MAX_ROWS:
        what = f"there are more mappings ({mappings:,}) than an audit holds in memory ({MAX_ROWS:,})."
        raise SalesloftMcpError(what, next_step="audit one external type or one kind of object at a time.")
    cost = scan + _pages(mappings) + OTHER_CALLS
    if most_points is not None and cost > most_points:
        what = f"this audit would spend about {cost} of the team's points, and at most {most_points} are spent here."
        next_step = "give an external_type or object_type, or run `salesloft-mcp audit` in a terminal, which may wait."
        raise SalesloftMcpError(what, next_step=next_step)
