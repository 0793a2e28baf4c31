"""External ids to objects: each id asked for by itself, or one scan of the list, whichever costs less."""

from collections.abc import Sequence
from dataclasses import dataclass

import anyio

from salesloft_mcp.api.client import Salesloft
from salesloft_mcp.api.models import Mapping, ObjectType, Page
from salesloft_mcp.api.request import MAX_EXTERNAL_TYPE, checked
from salesloft_mcp.lookup.plan import WORTH_COUNTING, cheaper

AT_ONCE = 8

Found = dict[str, list[Mapping]]


@dataclass(frozen=True, slots=True)
class Scope:
    """Where to look: an external type and an object type, each optional."""

    external_type: str = ""
    object_type: ObjectType | None = None


async def resolve(api: Salesloft, external_ids: Sequence[str], scope: Scope) -> Found:
    """The live mappings of every id, in input order; an id that has none keeps an empty list.

    Ids are compared byte by byte. Raises InputError for an id that cannot be one, before anything is sent.
    """
    found: Found = {checked("external_ids", one): [] for one in external_ids}
    if scope.external_type:
        checked("external_type", scope.external_type, MAX_EXTERNAL_TYPE)
    if len(found) < WORTH_COUNTING:
        await _ask_each(api, found, scope)
    else:
        await _scan_or_ask(api, found, scope)
    return found


async def _scan_or_ask(api: Salesloft, found: Found, scope: Scope) -> None:
    first = await _page(api, scope, 1)
    _sort_in(found, first.rows)
    if first.next_page is None:
        return
    if first.total is None or cheaper(len(found), first.total, pages_read=1) == "each":
        await _ask_each(api, found, scope)
        return
    page: int | None = first.next_page
    while page is not None:
        following = await _page(api, scope, page)
        _sort_in(found, following.rows)
        page = following.next_page


async def _page(api: Salesloft, scope: Scope, page: int) -> Page[Mapping]:
    return await api.list_mappings(
        external_type=scope.external_type, object_type=scope.object_type, deleted=False, page=page, counts=page == 1
    )


async def _ask_each(api: Salesloft, found: Found, scope: Scope) -> None:
    places = anyio.CapacityLimiter(AT_ONCE)

    async def ask(external_id: str) -> None:
        async with places:
            page = await api.list_mappings(
                external_type=scope.external_type, object_type=scope.object_type, external_id=external_id, deleted=False
            )
            found[external_id] = list(page.rows)

    try:
        async with anyio.create_task_group() as tasks:
            for external_id in found:
                tasks.start_soon(ask, external_id)
    except ExceptionGroup as failed:
        # The first failure stopped the others; a caller gets it as if there had been one request only.
        raise failed.exceptions[0] from None


def _sort_in(found: Found, rows: Sequence[Mapping]) -> None:
    for row in rows:
        held = found.get(row.external_id)
        if held is not None and all(one.id != row.id or row.id is None for one in held):
            held.append(row)
