"""From rows to a plan: what would happen to each, and what it would cost. Nothing is written to Salesloft."""

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from itertools import islice

import anyio
import anyio.to_thread

from salesloft_mcp.bulk.rows import row_of
from salesloft_mcp.intake.tables import Fields, Invalid
from salesloft_mcp.lookups.objects import BY, By, find_objects
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.gather import gather_limited
from salesloft_mcp.salesloft.models import Mapping, MappingKey, ObjectType
from salesloft_mcp.salesloft.paging import begin_list, cheapest, live_mappings, pages
from salesloft_mcp.state.staging import Staging

BATCH = 500  # ids that are looked up before their mappings are written down


@dataclass(frozen=True, slots=True)
class Aim:
    """What is mapped to what: the configuration a backfill is for."""

    external_type: str
    object_type: ObjectType


def load(staging: Staging, rows: Iterable[tuple[int, Fields | Invalid]], aim: Aim) -> int:
    """Check every row by itself, and write it down; how many there are."""
    checked = (row_of(line, fields, aim.object_type) for line, fields in rows)
    return staging.add(
        (row.line, row.external_id, row.by, row.ref, "invalid" if row.problem else "new", row.problem)
        for row in checked
    )


async def make(api: Salesloft, staging: Staging, aim: Aim) -> None:
    """Hold the rows against each other and against what Salesloft has, so that each gets its verdict."""
    await anyio.to_thread.run_sync(staging.mark_duplicates)
    for by in BY[aim.object_type]:
        await _find(api, staging, aim, by)
    await anyio.to_thread.run_sync(staging.mark_contradictions)
    await _hold(api, staging, aim)
    await anyio.to_thread.run_sync(staging.classify)


def minutes(creates: int, points_a_minute: int) -> float:
    """How long so many creates take at the least, a point each."""
    return math.ceil(10 * creates / points_a_minute) / 10


async def _find(api: Salesloft, staging: Staging, aim: Aim, by: By) -> None:
    count = await anyio.to_thread.run_sync(staging.count_refs, by)
    if not count:
        return
    async for batch in find_objects(api, aim.object_type, by, staging.refs(by), count):
        staging.found(by, batch)


async def _hold(api: Salesloft, staging: Staging, aim: Aim) -> None:
    """What is mapped already: the list of the type, or a look-up an id, whichever costs less."""
    ids = await anyio.to_thread.run_sync(staging.count_external_ids)
    if not ids:
        return
    ask, first = await begin_list(api, aim.external_type, aim.object_type)
    if first.total is not None and cheapest(ids, first.total, begun=True) is not None:
        read = 0
        async for rows in pages(ask, first):
            staging.hold(_held(row) for row in rows if row.object_type == aim.object_type)
            read += len(rows)
        if read >= first.total:
            return  # otherwise rows were taken away meanwhile, and others may have gone unseen
    await _look_up_each(api, staging, aim)


async def _look_up_each(api: Salesloft, staging: Staging, aim: Aim) -> None:
    ids = staging.external_ids()
    while batch := list(islice(ids, BATCH)):
        keys = [MappingKey(aim.external_type, aim.object_type, external_id) for external_id in batch]
        found = await gather_limited([partial(live_mappings, api, key) for key in keys])
        staging.hold(_held(row) for rows in found for row in rows)


def _held(row: Mapping) -> tuple[str, int, int | None]:
    return row.external_id, row.object_id, row.id
