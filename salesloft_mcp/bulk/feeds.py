"""The changes of a run: the rows of its plan that are to be written, or what takes an operation back."""

from collections.abc import Sequence, Set
from dataclasses import replace

import anyio.to_thread

from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.plans import Plans
from salesloft_mcp.bulk.record_rows import fields_in
from salesloft_mcp.bulk.rename_guard import held_back
from salesloft_mcp.bulk.status import SECOND_ID, PlanRow
from salesloft_mcp.changes import mappings, records, way_back
from salesloft_mcp.changes.apply import Changes
from salesloft_mcp.changes.change import Change, Fed, Image
from salesloft_mcp.changes.run import Feed
from salesloft_mcp.lookups.newest import mapped_since
from salesloft_mcp.lookups.standing import UNCLEAR, Standing, holders, read_mappings
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import Mapping, one_record
from salesloft_mcp.state.staging import AND, StagedRow, Staging

_UNCLEAR = f"{UNCLEAR} Nothing was written."


def feed(plans: Plans, changes: Changes, row: PlanRow) -> Feed:
    """What a run writes, a part at a time."""
    if row.new_external_type:
        own = way_back.feed(changes, row.undoes) if row.undoes else _renaming(plans, changes, row)
        return held_back(own, changes, row)
    if row.undoes:
        return way_back.feed(changes, row.undoes)

    async def following(after: int, limit: int) -> Sequence[Fed]:
        with plans.staging(row.id) as staging:
            rows = await anyio.to_thread.run_sync(staging.lines, after, limit, row.written)
            free = {one.external_id for one in rows if row.aim.intent is None or one.object_id is None}
            doubted = await _doubted(changes.api, staging, row.aim, free) if free else free
        fed = await _fed(changes, row.aim, rows, doubted)
        return [
            change if _was_told(one) else change._replace(alone_since=row.at)
            for one, change in zip(rows, fed, strict=True)
        ]

    return following


def _renaming(plans: Plans, changes: Changes, row: PlanRow) -> Feed:
    """Every mapping is created under the new type, and then every mapping is deleted under the old one. The deletion of
    a row has its line and the number of all rows.
    """
    rows_read, aim, creates = row.counts.total(), row.aim, tuple(one for one in row.written if one != "delete")

    async def following(after: int, limit: int) -> Sequence[Fed]:
        with plans.staging(row.id) as staging:
            if rows := await anyio.to_thread.run_sync(staging.lines, after, limit, creates):
                doubted = await _doubted(changes.api, staging, aim.target, {one.external_id for one in rows})
                mapped = await read_mappings(changes.api, map(aim.target.key, doubted))
                fed = [_mapping(aim.target, one, mapped.get(aim.target.key(one.external_id), ())) for one in rows]
                return [
                    change if one.verdict == "suspicious" else change._replace(alone_since=row.at)
                    for one, change in zip(rows, fed, strict=True)
                ]
            rows = await anyio.to_thread.run_sync(staging.lines, max(0, after - rows_read), limit, row.written)
        return [Fed(rows_read + one.line, mappings.deletion(aim.key(one.external_id), _old(one))) for one in rows]

    return following


def _old(row: StagedRow) -> Image:
    """The mapping of a row under the old type."""
    return {"id": row.mapping_id, "object_id": row.object_id}


async def _doubted(api: Salesloft, staging: Staging, aim: Aim, free: Set[str]) -> Set[str]:
    """Those of external ids that were free when the plan was made which may be taken by now: they were mapped since, or
    Salesloft does not tell what was.
    """
    known = staging.newest()
    found = None if known is None else await mapped_since(api, aim.external_type, aim.object_type, known)
    staging.see(*found or (None,))
    return free if found is None else staging.mapped_since(free)


async def _fed(changes: Changes, aim: Aim, rows: Sequence[StagedRow], doubted: Set[str]) -> list[Fed]:
    if aim.intent is None:
        mapped = await read_mappings(changes.api, map(aim.key, doubted))
        return [_mapping(aim, one, mapped.get(aim.key(one.external_id), ())) for one in rows]
    expected = {one.external_id: one.object_id for one in rows}
    there = await holders(changes.api, aim.external_type, aim.object_type, expected, doubted)
    return [_creation(aim, one, there) if one.object_id is None else _update(aim, one, there) for one in rows]


def _was_told(row: StagedRow) -> bool:
    """Whether a person has agreed to what a row stands beside."""
    return row.verdict == "suspicious" or SECOND_ID in row.asks.split(AND)


def _mapping(aim: Aim, row: StagedRow, there: Sequence[Mapping] | None) -> Fed:
    """A row of a backfill held against the mappings that its external id has now; None where these cannot be read."""
    change = mappings.creation(aim.key(row.external_id), row.object_id or 0)
    if there is None:
        return Fed(row.line, change, "failed", _UNCLEAR)
    if same := next((one for one in there if one.object_id == row.object_id), None):
        return Fed(row.line, replace(change, before=mappings.image(same)), "unchanged")
    if there:
        return Fed(row.line, change, "conflict", _since(aim, there[0].object_id))
    return Fed(row.line, change)


def _since(aim: Aim, object_id: int) -> str:
    return f"it was mapped to {one_record(aim.object_type, object_id)} since the plan was made. Nothing was written."


def _creation(aim: Aim, row: StagedRow, there: Standing) -> Fed:
    """A row held against what stands there now: somebody may have given its external id to a record meanwhile."""
    change = Change("record", aim.key(row.external_id), None, fields_in(row.fields))
    if row.external_id in there.unclear:
        return Fed(row.line, change, "failed", _UNCLEAR)
    if not (held := there.held[row.external_id]):
        return Fed(row.line, change)
    holder = min(held)
    found = there.records.get(holder)
    now = {"id": holder} if found is None else records.image(found, change.after or {})
    if found is not None and records.fits(now, change.after or {}):
        return Fed(row.line, replace(change, before=now), "unchanged")
    return Fed(row.line, change, "conflict", _since(aim, holder))


def _update(aim: Aim, row: StagedRow, there: Standing) -> Fed:
    """A row held against the record that its external id stands for now, which somebody may have changed meanwhile."""
    key, after = aim.key(row.external_id), fields_in(row.fields)
    before = {"id": row.object_id, **fields_in(row.before)}
    change = Change("record", key, before, after)
    one = one_record(aim.object_type, row.object_id)
    if row.external_id in there.unclear:
        return Fed(row.line, change, "failed", _UNCLEAR)
    if row.object_id in there.unread:
        return Fed(
            row.line, change, "failed", f"Salesloft shows {one} in a form that cannot be read. Nothing was written."
        )
    record = there.records.get(row.object_id or 0) if there.held[row.external_id] == {row.object_id} else None
    if record is None:
        note = f"{one} does not have this external id any more, or is gone or hidden from this token."
        return Fed(row.line, change, "conflict", note)
    change = change.over(records.image(record, after))
    now = change.before or {}
    if records.fits(now, after):
        return Fed(row.line, change, "unchanged")
    if records.fits(now, {name: value for name, value in before.items() if name in after}):
        return Fed(row.line, change)
    return Fed(row.line, change, "conflict", f"{one} was changed since the plan was made. Nothing was written.")
