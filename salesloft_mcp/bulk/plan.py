"""From rows to a plan: what would happen to each, and what it would cost. Nothing is written to Salesloft."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from itertools import islice

import anyio
import anyio.to_thread

from salesloft_mcp.bulk.rows import Fields, row_of
from salesloft_mcp.lookups.objects import BY, By, find_objects
from salesloft_mcp.lookups.plan import cheapest
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.gather import gather_limited
from salesloft_mcp.salesloft.models import Mapping, MappingKey, ObjectType
from salesloft_mcp.salesloft.paging import begin_list, live_mappings, pages
from salesloft_mcp.state.journal import Journal

BATCH = 500  # ids that are looked up before their mappings are written down
MOST_UNASKED = 500  # creates of one run that nobody has to agree to


@dataclass(frozen=True, slots=True)
class Aim:
    """What is mapped to what: the configuration a backfill is for."""

    external_type: str
    object_type: ObjectType


def load(journal: Journal, rows: Iterable[tuple[int, Fields]], aim: Aim) -> int:
    """Check every row by itself, and write it down; how many there are."""
    checked = (row_of(line, fields, aim.object_type) for line, fields in rows)
    return journal.add(
        (row.line, row.external_id, row.by, row.ref, "invalid" if row.problem else "new", row.problem)
        for row in checked
    )


async def make(api: Salesloft, journal: Journal, aim: Aim) -> None:
    """Hold the rows against each other and against what Salesloft has, so that each gets its verdict."""
    await anyio.to_thread.run_sync(journal.mark_duplicates)
    for by in BY[aim.object_type]:
        await _find(api, journal, aim, by)
    await anyio.to_thread.run_sync(journal.mark_contradictions)
    await _hold(api, journal, aim)
    await anyio.to_thread.run_sync(journal.classify)


def minutes(creates: int, points_a_minute: int) -> float:
    """How long so many creates take at the least, a point each."""
    return math.ceil(10 * creates / points_a_minute) / 10


async def _find(api: Salesloft, journal: Journal, aim: Aim, by: By) -> None:
    count = await anyio.to_thread.run_sync(journal.count_refs, by)
    if not count:
        return
    async for batch in find_objects(api, aim.object_type, by, journal.refs(by), count):
        journal.found(by, batch)


async def _hold(api: Salesloft, journal: Journal, aim: Aim) -> None:
    """What is mapped already: the list of the type, or a look-up an id, whichever costs less."""
    ids = await anyio.to_thread.run_sync(journal.count_external_ids)
    if not ids:
        return
    ask, first = await begin_list(api, aim.external_type, aim.object_type)
    if first.total is not None and cheapest(ids, first.total, begun=True).read:
        read = 0
        async for rows in pages(ask, first):
            journal.hold(_held(row) for row in rows if row.object_type == aim.object_type)
            read += len(rows)
        if read >= first.total:
            return  # otherwise rows were taken away meanwhile, and others may have gone unseen
    await _look_up_each(api, journal, aim)


async def _look_up_each(api: Salesloft, journal: Journal, aim: Aim) -> None:
    ids = journal.external_ids()
    while batch := list(islice(ids, BATCH)):
        keys = [MappingKey(aim.external_type, aim.object_type, external_id) for external_id in batch]
        found = await gather_limited([partial(live_mappings, api, key) for key in keys])
        journal.hold(_held(row) for rows in found for row in rows)


def _held(row: Mapping) -> tuple[str, int, int | None]:
    return row.external_id, row.object_id, row.id
