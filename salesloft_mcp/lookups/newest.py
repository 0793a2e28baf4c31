"""Which external ids were mapped lately, by whomever, to records that are hidden from this token, too."""

from collections.abc import Sequence

from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import Mapping, ObjectType, Page
from salesloft_mcp.salesloft.paging import begin_list

MOST_PAGES = 100  # to catch up with what was mapped since; deeper ones cost more


def newest(page: Page[Mapping]) -> int | None:
    """The id of the newest mapping, by the first page of a list; 0 where there is none. None where the list does not
    tell: it shows no ids, is not ordered by them, or has rows that cannot be read.
    """
    ids = [row.id or 0 for row in page.rows]
    if page.unread or 0 in ids or ids != sorted(set(ids), reverse=True):
        return None
    return ids[0] if ids else 0


async def mapped_since(
    api: Salesloft, external_type: str, object_type: ObjectType, known: int
) -> tuple[int, Sequence[str]] | None:
    """The id of the newest mapping now, and the external ids of all that are newer than the mapping `known`: a point
    for a hundred, and two more where none is there. None where the list does not tell.
    """
    now, found = known, list[str]()
    ask, page = await begin_list(api, external_type, object_type)
    for _ in range(MOST_PAGES):
        first = newest(page)
        if first is None:
            return None
        now = max(now, first)
        newer = [row for row in page.rows if (row.id or 0) > known]
        found += [row.external_id for row in newer if row.object_type == object_type]
        if page.next_page is None or len(newer) < len(page.rows):
            return now, found
        page = await ask(page=page.next_page)
    return None
