"""Reading all mappings, and which of their objects are still there, at the least cost and within a bound."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice

from salesloft_mcp.audit.findings import Object, Row, row_of
from salesloft_mcp.audit.report import Audit, Configured, audit_of, in_scope
from salesloft_mcp.errors import BrokenAnswerError, MissingError, SalesloftMcpError
from salesloft_mcp.lookups.configurations import nearest_types
from salesloft_mcp.lookups.plan import pages, scan_points
from salesloft_mcp.lookups.resolve import Scope
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.gather import gather_limited
from salesloft_mcp.salesloft.models import Configuration, Mapping, ObjectType, Page
from salesloft_mcp.salesloft.paging import all_configurations
from salesloft_mcp.salesloft.requests import MAX_IDS_A_CALL
from salesloft_mcp.text import quoted

MAX_ROWS = 200_000
CHEAP_PAGES = 100  # from the next page on, a page costs more than a point
OTHER_CALLS = 5  # configurations, deleted mappings, the objects of each kind


@dataclass(frozen=True, slots=True)
class List:
    """A list of mappings of which the first page has been read."""

    scope: Scope
    first: Page[Mapping]


async def audit(api: Salesloft, scope: Scope, most_points: int | None = None) -> Audit:
    """Look at every live mapping of `scope`, and at every object they lead to. Nothing is changed.

    Raises:
        SalesloftMcpError: it would cost more than `most_points`, or there is more than fits in memory.
        MissingError: there is no such external type.
    """
    every = await all_configurations(api)  # deleted ones as well: their mappings may still be live
    first = await _page(api, scope, 1)
    if scope.external_type and not first.rows:
        _check_type(scope, every)
    _check(first.total or 0, pages(first.total or 0), most_points)
    lists = await _lists(api, scope, first, every)
    held = [one.first.total or 0 for one in lists]
    _check(sum(held), sum(scan_points(one, pages_read=1) for one in held), most_points)
    rows = await _rows(api, lists, most_points)
    totals = await gather_limited([partial(api.count_objects, of) for of in in_scope(scope)])
    return audit_of(
        scope,
        rows,
        await _gone(api, {row.object for row in rows}),
        {_named(one) for one in every if not one.deleted and _within(one, scope)},
        dict(zip(in_scope(scope), totals, strict=True)),
        await _deleted(api, scope),
    )


async def _lists(api: Salesloft, scope: Scope, first: Page[Mapping], every: Iterable[Configuration]) -> list[List]:
    """One list; or one for each type where the one would reach the pages that cost more.

    Should they not hold all that the one does, it is read all the same: complete comes before cheap.
    """
    whole = [List(scope, first)]
    narrower = sorted({_named(one) for one in every if _within(one, scope)})
    if first.total is None or pages(first.total) <= CHEAP_PAGES or len(narrower) < 2:
        return whole
    scopes = [Scope(*one) for one in narrower]
    firsts = await gather_limited([partial(_page, api, one, 1) for one in scopes])
    parts = [List(one, page) for one, page in zip(scopes, firsts, strict=True)]
    return parts if sum(one.first.total or 0 for one in parts) >= first.total else whole


async def _rows(api: Salesloft, lists: Iterable[List], most_points: int | None) -> list[Row]:
    """Every row of the lists once, whatever moves from page to page meanwhile."""
    rows: dict[Row, None] = {}
    for one in lists:
        last = one.first
        rows.update((row_of(row), None) for row in last.rows)
        following = range(2, pages(last.total or 0) + 1) if last.next_page == 2 else range(0)
        for found in await gather_limited([partial(_shrunk, api, one.scope, page) for page in following]):
            last = found.page
            rows.update((row, None) for row in found.rows)
        while last.next_page is not None:  # it was not counted, or has grown
            _check(len(rows), current().points, most_points)
            last = await _page(api, one.scope, last.next_page)
            rows.update((row_of(row), None) for row in last.rows)
    _check(len(rows), 0, None)
    return list(rows)


@dataclass(frozen=True, slots=True)
class _Shrunk:
    """A page with its rows made small at once: many of them wait for the others."""

    page: Page[Mapping]
    rows: tuple[Row, ...]


async def _shrunk(api: Salesloft, scope: Scope, page: int) -> _Shrunk:
    found = await _page(api, scope, page)
    return _Shrunk(Page((), found.next_page, found.total), tuple(map(row_of, found.rows)))


async def _page(api: Salesloft, scope: Scope, page: int) -> Page[Mapping]:
    return await api.list_mappings(
        external_type=scope.external_type, object_type=scope.object_type, deleted=False, page=page, counts=page == 1
    )


async def _deleted(api: Salesloft, scope: Scope) -> int | None:
    found = await api.list_mappings(
        external_type=scope.external_type, object_type=scope.object_type, deleted=True, per_page=1, counts=True
    )
    return found.total if found.rows or not found.total else None  # rows of another kind were counted


async def _gone(api: Salesloft, objects: Iterable[Object]) -> set[Object]:
    """Which of these objects Salesloft does not show any more; a hundred cost a point."""
    ordered = sorted(objects)
    asks = [
        partial(_absent, api, of, batch)
        for of in sorted({kind for kind, _ in ordered})
        for batch in _batches([number for kind, number in ordered if kind == of])
    ]
    return {one for absent in await gather_limited(asks) for one in absent}


async def _absent(api: Salesloft, of: ObjectType, batch: Sequence[int]) -> list[Object]:
    there: set[int] = set()
    filters = tuple(("ids[]", str(number)) for number in batch)
    page: int | None = 1
    while page is not None:
        found = await api.list_objects(of, filters, page=page, per_page=MAX_IDS_A_CALL)
        there.update(record.id for record in found.rows)
        page = found.next_page
        if not there <= set(batch):
            what = f"Salesloft answered with {of} that were not asked for, so a filter does not work."
            raise BrokenAnswerError(what, request=f"GET /v2/{of}", next_step="tell Salesloft's support.")
    return [(of, number) for number in batch if number not in there]


def _batches(numbers: Iterable[int]) -> Iterable[list[int]]:
    rest = iter(numbers)
    while batch := list(islice(rest, MAX_IDS_A_CALL)):
        yield batch


def _named(one: Configuration) -> Configured:
    return one.external_type, one.object_type


def _within(one: Configuration, scope: Scope) -> bool:
    return scope.external_type in ("", one.external_type) and scope.object_type in (None, one.object_type)


def _check_type(scope: Scope, every: Sequence[Configuration]) -> None:
    """An audit of a misspelt type would find nothing wrong."""
    live = [one for one in every if not one.deleted]
    if any(_within(one, scope) for one in live):
        return
    near = nearest_types(scope.external_type, scope.object_type, live)
    where = f" for {scope.object_type}" if scope.object_type else ""
    what = f"external_type: {quoted(scope.external_type)} is not configured{where}."
    raise MissingError(what, next_step=f"existing are {', '.join(map(quoted, near))}." if near else "")


def _check(mappings: int, scan: int, most_points: int | None) -> None:
    """Stop before it gets too large, or too dear for someone who waits."""
    if mappings > MAX_ROWS:
        what = f"there are more mappings ({mappings:,}) than an audit holds in memory ({MAX_ROWS:,})."
        raise SalesloftMcpError(what, next_step="audit one external type or one kind of object at a time.")
    points = scan + pages(mappings) + OTHER_CALLS
    if most_points is not None and points > most_points:
        what = f"this audit would spend about {points} of the team's points, and at most {most_points} are spent here."
        next_step = "give an external_type or object_type, or run `salesloft-mcp audit` in a terminal, which may wait."
        raise SalesloftMcpError(what, next_step=next_step)
