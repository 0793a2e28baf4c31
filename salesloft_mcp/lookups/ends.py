"""Lists of mappings read whole, several pages at once, from one end or from both."""

from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from salesloft_mcp.lookups.plan import Part, Reading
from salesloft_mcp.salesloft.gather import gather_limited
from salesloft_mcp.salesloft.models import Mapping, Page

# One page of a list: which list, which page, and whether it counts from the oldest row on.
AskPage = Callable[[Part, int, bool], Awaitable[Page[Mapping]]]


async def read_whole(ask: AskPage, reading: Reading, first: Page[Mapping]) -> list[Mapping] | None:
    """Every row of a list once, `first` being its first page; None when its two ends do not meet.

    They may not when rows were added or removed meanwhile, or when Salesloft does not sort as it was told.
    """
    part = reading.part
    pages = [first]
    if reading.oldest:
        pages.append(await ask(part, 1, True))
        if len(distinct(pages)) < len(pages[0].rows) + len(pages[1].rows):
            return None
    pages += await gather_limited([partial(ask, part, number, True) for number in range(2, reading.oldest + 1)])
    newest = await gather_limited([partial(ask, part, number, False) for number in range(2, reading.newest + 1)])
    if reading.oldest:
        rows = distinct([*pages, *newest])
        return rows if len(rows) >= (first.total or 0) else None
    last = newest[-1] if newest else first
    while last.next_page is not None:  # it has grown
        last = await ask(part, last.next_page, False)
        newest.append(last)
    return distinct([*pages, *newest])


def distinct(pages: Iterable[Page[Mapping]]) -> list[Mapping]:
    """Each row once: a list that changes while it is read shows some of them twice."""
    return list({_identity(row): row for page in pages for row in page.rows}.values())


def _identity(row: Mapping) -> tuple[object, ...]:
    return row.id, row.external_type, row.object_type, row.external_id, row.object_id, row.inserted_at
