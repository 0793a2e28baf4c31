"""From rows to a plan: what would happen to each, and what it would cost. Nothing is written to Salesloft."""

import math
from collections.abc import Awaitable, Callable, Iterable
from functools import partial
from itertools import islice
from typing import NamedTuple

import anyio.to_thread

from salesloft_mcp.bulk.rows import row_of
from salesloft_mcp.intake.tables import Fields, Invalid
from salesloft_mcp.lookups.objects import BY, find_objects
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.gather import gather_limited
from salesloft_mcp.salesloft.models import Mapping, MappingKey, ObjectType
from salesloft_mcp.salesloft.paging import begin_list, cheapest, live_mappings, pages
from salesloft_mcp.state.staging import Staging

BATCH = 500  # ids that are looked up before their mappings are written down


class Aim(NamedTuple):
    """What is mapped to what: the configuration a backfill is for."""

    external_type: str
    object_type: ObjectType


Load = Callable[[Staging, Aim], Awaitable[str]]  # stages rows, and returns the digest of what they were read from


def load(staging: Staging, rows: Iterable[tuple[int, Fields | Invalid]], aim: Aim) -> int:
    """Check every row by itself, and write it down; how many there are."""
    return staging.add(row_of(line, fields, aim.object_type) for line, fields in rows)


async def make(api: Salesloft, staging: Staging, aim: Aim) -> None:
    """Hold the rows against each other and against what Salesloft has, so that each gets its verdict."""
    await anyio.to_thread.run_sync(staging.mark_duplicates)
    for by in BY[aim.object_type]:
        if count := await anyio.to_thread.run_sync(staging.count, "ref", by):
            async for batch in find_objects(api, aim.object_type, by, staging.distinct("ref", by), count):
                staging.found(by, batch)
    await anyio.to_thread.run_sync(staging.mark_contradictions)
    await _hold(api, staging, aim)
    await anyio.to_thread.run_sync(staging.classify)


def minutes(creates: int, points_a_minute: int) -> float:
    """How long so many creates take at the least, a point each."""
    return math.ceil(10 * creates / points_a_minute) / 10


async def _hold(api: Salesloft, staging: Staging, aim: Aim) -> None:
    """What is mapped already: the list of the type, or a look-up an id, whichever costs less."""
    count = await anyio.to_thread.run_sync(staging.count, "external_id")
    if not count:
        return
    ask, first = await begin_list(api, *aim)
    if first.total is not None and cheapest(count, first.total, begun=True) is not None:
        read = 0
        async for rows in pages(ask, first):
            staging.hold(_held(row) for row in rows if row.object_type == aim.object_type)
            read += len(rows)
        if read >= first.total:
            return  # otherwise rows were taken away meanwhile, and others may have gone unseen
    ids = staging.distinct("external_id")
    while batch := list(islice(ids, BATCH)):
        found = await gather_limited([partial(live_mappings, api, MappingKey(*aim, one)) for one in batch])
        staging.hold(_held(row) for rows in found for row in rows)


def _held(row: Mapping) -> tuple[str, int, int | None]:
    return row.external_id, row.object_id, row.id
