"""A backfill: which records that exist would get which external id. Nothing is written to Salesloft."""

import anyio.to_thread

from salesloft_mcp.bulk.plan import Aim, hold
from salesloft_mcp.lookups.objects import BY, find_objects
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.state.staging import Staging


async def plan(api: Salesloft, staging: Staging, aim: Aim) -> bool:
    """Hold the rows against each other and against what Salesloft has, so that each gets its verdict. Whether that was
    all that is mapped: else an external id may be nearly one of another record.
    """
    await anyio.to_thread.run_sync(staging.do, "duplicates")
    for by in BY[aim.object_type]:
        if count := await anyio.to_thread.run_sync(staging.count, "ref", by):
            async for batch in find_objects(api, aim.object_type, by, staging.distinct("ref", by), count):
                staging.found(by, batch)
    for by in BY[aim.object_type]:
        also = list(staging.also(by))
        async for batch in find_objects(api, aim.object_type, by, also, len(also)):
            staging.found_also(by, batch)
    await anyio.to_thread.run_sync(staging.do, "contradictions")
    whole = await hold(api, staging, aim)
    await anyio.to_thread.run_sync(staging.do, "verdicts")
    await anyio.to_thread.run_sync(staging.do, "suspicious")
    return whole
