"""Lists read whole: every page walk of the product, and what it costs."""

from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Iterable
from dataclasses import asdict, replace
from functools import partial
from itertools import islice
from typing import Any, TypeVar

from salesloft_mcp.errors import UnreadRowsError
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.gather import gather_limited
from salesloft_mcp.salesloft.models import Configuration, Mapping, MappingKey, ObjectType, Page
from salesloft_mcp.salesloft.requests import DEEPER, PAGE_SIZE
from salesloft_mcp.salesloft.responses import complete

LAST_FLAT_PAGE = 100  # "list pages 101-150 cost 3" points, and later ones more
# Below this many ids the length of a list that was never seen is not worth the point that the question costs.
WORTH_COUNTING = 10
WINDOW = 40  # pages that may wait in memory for the first of them to be used
STALE_PAGES = 3  # in a row with nothing new: a Salesloft that gives the same page for every number

RowT = TypeVar("RowT")
# Asks for one page: `ask(page=2)`; and `ask(page=2, ascending=True)` where the first page told the length of the list.
Ask = Callable[..., Awaitable[Page[RowT]]]


def ends(total: int) -> tuple[int, int]:
    """How to read a list of `total` rows: so many pages from its newest row on, and so many from its oldest.

    A list of at most a hundred pages is read from its newest row alone; a longer one from both ends, because deep pages
    cost up to thirty points each.
    """
    every = max(1, -(-total // PAGE_SIZE))
    newest = max(min(every, LAST_FLAT_PAGE), -(-every // 2))
    return newest, every - newest


def points(total: int) -> int:
    """The points that reading a list of `total` rows costs, its first page included."""
    return sum(count + sum(more * max(0, count - above) for above, more in DEEPER) for count in ends(total))


def cheapest(ids: int, size: int | None, begun: bool = False) -> int | None:
    """The points that reading a list of `size` mappings costs; None where asking for each of `ids` ids costs less.

    Asking costs a point an id, and no way costs more. The one exception: from ten ids on, the first page of a list of
    unknown size is read, because it tells the size. `begun` says that it was read, and so is paid.
    """
    if size is None:
        return 1 if not begun and ids >= WORTH_COUNTING else None
    reading = points(size) - begun
    return reading if reading <= ids else None


async def pages(ask: Ask[RowT], first: Page[RowT] | None = None) -> AsyncIterator[tuple[RowT, ...]]:
    """Every row of a list once, in parts; `first` is its first page, where that was read already.

    When `first` has a total, several pages are read at once, and a long list from both ends. Rows that are added
    meanwhile, and a Salesloft that does not sort, make it read on until the list ends. A row that is taken away
    meanwhile may push another one out of sight, and a row that cannot be read is left out: then there are fewer rows
    than the total said.
    """
    seen: set[Hashable] = set()
    last = first or await ask(page=1)
    yield _unseen(last, seen)
    total = (last.total or 0) if last.next_page is not None else 0
    newest, oldest = ends(total)
    if oldest:
        rows = _unseen(await ask(page=1, ascending=True), seen)
        oldest = oldest if rows else 0  # the same rows from either end: Salesloft does not sort
        yield rows
        async for page in _several(partial(ask, page=number, ascending=True) for number in range(2, oldest + 1)):
            yield _unseen(page, seen)
    async for page in _several(partial(ask, page=number) for number in range(2, newest + 1)):
        last = page
        yield _unseen(page, seen)
    stale = 0
    while last.next_page is not None and not (oldest and len(seen) >= total) and stale < STALE_PAGES:
        last = await ask(page=last.next_page)
        rows = _unseen(last, seen)
        stale = 0 if rows else stale + 1
        yield rows


async def read_all(ask: Ask[RowT], first: Page[RowT] | None = None) -> list[RowT]:
    """Every row of a list, as `pages` reads it.

    Raises:
        BrokenAnswerError: one that cannot be read might be the one that is looked for.
    """
    return [row async for rows in pages(whole(ask), first and complete(first)) for row in rows]


def whole(ask: Ask[RowT]) -> Ask[RowT]:
    """`ask`, refusing a page with rows that cannot be read."""

    async def asking(**asked: Any) -> Page[RowT]:  # noqa: ANN401 - whatever page `ask` is asked for
        return complete(await ask(**asked))

    return asking


async def readable(ask: Ask[RowT]) -> tuple[list[RowT], int]:
    """Every row of a list that can be read, and how many rows there are that cannot."""
    unread = 0

    async def asking(**asked: Any) -> Page[RowT]:  # noqa: ANN401 - whatever page `ask` is asked for
        nonlocal unread
        page = await as_far_as_read(ask)(**asked)
        unread += page.unread
        return page

    return [row async for rows in pages(asking) for row in rows], unread


def as_far_as_read(ask: Ask[RowT]) -> Ask[RowT]:
    """`ask`, taking a page on which no row can be read for one of rows that are left out."""

    async def asking(**asked: Any) -> Page[RowT]:  # noqa: ANN401 - whatever page `ask` is asked for
        try:
            return await ask(**asked)
        except UnreadRowsError as error:
            current().unread += error.unread
            return Page((), error.next_page, unread=error.unread)

    return asking


async def begin_list(
    api: Salesloft, external_type: str, object_type: ObjectType | None, deleted: bool = False
) -> tuple[partial[Awaitable[Page[Mapping]]], Page[Mapping]]:
    """The list of live mappings of a type, or of those that are `deleted`: how to ask for a page of it, and the first
    page, with the total if known.

    It may hold other object types as well, so whoever reads it compares them. The guide filters by `people` and the
    reference shows `person`: a filter that finds nothing is tried on an object type that is there, for two points, and
    left out when it does not find that either.
    """
    lists = as_far_as_read(api.list_mappings)
    ask = partial(lists, external_type=external_type, object_type=object_type, deleted=deleted)
    first = await ask(counts=True)
    if object_type is not None and not first.rows and not first.unread:
        every = partial(ask, object_type=None)
        shown = await every(counts=True)
        if shown.rows and not (await ask(object_type=shown.rows[0].object_type)).rows:
            ask, first = every, shown
    if first.next_page is None:
        first = replace(first, total=len(first.rows) + first.unread)
    return ask, first


async def counted(
    api: Salesloft, external_type: str, object_type: ObjectType | None, deleted: bool = False
) -> int | None:
    """How many mappings such a list holds, those that cannot be read included, for a point where it holds any; None
    where Salesloft does not tell.
    """
    ask, first = await begin_list(api, external_type, object_type, deleted)
    if first.next_page is None:
        return sum(object_type in (None, row.object_type) for row in first.rows) + first.unread
    is_filtered = object_type is None or api.spellings.object_type != "none"
    return first.total if is_filtered and ask.keywords["object_type"] == object_type else None


async def live_mappings(api: Salesloft, key: MappingKey) -> tuple[Mapping, ...]:
    """The live mappings of an external id. Deleted ones never resolve."""
    return tuple(await read_all(partial(api.list_mappings, **asdict(key), deleted=False)))


async def mappings_of(
    api: Salesloft, external_type: str, object_type: ObjectType, *, total: int, most: int
) -> list[Mapping] | None:
    """The live mappings of a configuration, of which there are about `total`; None when there are more than `most`."""
    if total > most:
        return None
    ask, first = await begin_list(api, external_type, object_type)
    found: list[Mapping] = []
    async for rows in pages(ask, first):
        found += (row for row in rows if row.object_type == object_type)
        if len(found) > most:
            return None
    return found


async def live_configurations(api: Salesloft) -> tuple[tuple[Configuration, ...], int]:
    """The configurations that are in use, and how many rows cannot be read: one of them may be any other."""
    rows, unread = await readable(api.list_configurations)
    return tuple(row for row in rows if not row.deleted), unread


async def _several(asks: Iterable[Callable[[], Awaitable[Page[RowT]]]]) -> AsyncIterator[Page[RowT]]:
    """What they answer, in order. A list that ends before its total said so is not asked for the pages that lack."""
    rest, ended = iter(asks), False
    while not ended and (some := list(islice(rest, WINDOW))):
        for page in await gather_limited(some):
            yield page
            ended = page.next_page is None


def _unseen(page: Page[RowT], seen: set[Hashable]) -> tuple[RowT, ...]:
    """The rows that did not come before: a list that changes while it is read shows some of them twice.

    Salesloft's id tells a row apart; the guide shows mappings without one, and then all of the row does.
    """
    rows = {getattr(row, "id", None) or row: row for row in page.rows}
    fresh = tuple(row for name, row in rows.items() if name not in seen)
    seen.update(rows)
    return fresh
