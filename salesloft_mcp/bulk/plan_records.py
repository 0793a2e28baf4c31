"""A bulk upsert: which records would be created or updated, field by field. Nothing is written to Salesloft."""

from collections.abc import Iterator, Mapping, Sequence, Set

import anyio.to_thread

from salesloft_mcp.bulk.plan import Aim, hold, look_up
from salesloft_mcp.bulk.record_rows import dump, fields_in
from salesloft_mcp.changes.change import Change, Image
from salesloft_mcp.changes.consent import restricts
from salesloft_mcp.changes.doubts import of_fields
from salesloft_mcp.changes.records import differing, image
from salesloft_mcp.changes.upsert import require_enough
from salesloft_mcp.errors import BrokenAnswerError, ConflictError, InputError, SalesloftMcpError
from salesloft_mcp.intake.near import spellings
from salesloft_mcp.lookups.custom_fields import CustomFields
from salesloft_mcp.lookups.known_records import MOST_SPELLINGS, UNIQUE_BY, read_records
from salesloft_mcp.lookups.objects import By, find_objects
from salesloft_mcp.lookups.references import Unresolved, resolve_references
from salesloft_mcp.lookups.resolve import Lookups
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import SINGULAR, MappingKey, Record
from salesloft_mcp.salesloft.requests import PAGE_SIZE
from salesloft_mcp.state.staging import AND, BATCH, Judged, StagedRow, Staging, Verdict


async def plan(api: Salesloft, staging: Staging, aim: Aim, lookups: Lookups, custom_fields: CustomFields) -> None:
    """Hold the rows against each other and against what Salesloft has, so that each gets its verdict.

    Raises:
        InputError: rows write custom fields that do not exist.
    """
    await custom_fields.check(aim.object_type, await anyio.to_thread.run_sync(staging.custom_fields))
    await anyio.to_thread.run_sync(staging.do, "duplicates")
    await anyio.to_thread.run_sync(staging.do, "contradictions")
    await _refer(staging, lookups, aim)
    whole = await hold(api, staging, aim)
    by = UNIQUE_BY[aim.object_type]
    if count := await anyio.to_thread.run_sync(staging.count, "ref", by):
        async for batch in find_objects(api, aim.object_type, by, staging.distinct("ref", by), count):
            staging.know(batch)
    keys: tuple[By, ...] = (by, "crm_id")
    for key in keys:
        also = list(staging.also(key))
        async for batch in find_objects(api, aim.object_type, key, also, len(also)):
            staging.know(batch)
    await anyio.to_thread.run_sync(staging.do, "taken")
    after = 0
    while rows := staging.lines(after, PAGE_SIZE, ("new",)):
        after = rows[-1].line
        judged = await _judged(api, aim, rows)
        await anyio.to_thread.run_sync(staging.judge, judged)
    if not whole:
        near = ((one, aim.key(other)) for one in _created(staging) for other in spellings(one)[:MOST_SPELLINGS])
        await look_up(api, staging, near)
    await anyio.to_thread.run_sync(staging.do, "suspicious")


def _created(staging: Staging) -> Iterator[str]:
    """The external ids under which records would be created, also by rows that are suspicious for another reason."""
    after = 0
    while rows := staging.lines(after, verdicts=("create", "suspicious")):
        after = rows[-1].line
        yield from (row.external_id for row in rows if not row.before)


async def _refer(staging: Staging, lookups: Lookups, aim: Aim) -> None:
    """Replace accounts and owners that are named by their external ids by Salesloft's ids of them."""
    found: dict[MappingKey, int | Unresolved] = {}
    after = 0
    while rows := await anyio.to_thread.run_sync(staging.lines, after, BATCH, ("new",)):
        after = rows[-1].line
        named = [row for row in rows if row.refs]
        keys = {MappingKey(*key) for row in named for key in fields_in(row.refs).values()}
        found |= await _resolved(lookups, keys - found.keys())
        await anyio.to_thread.run_sync(staging.judge, [_referred(row, found, aim) for row in named])


async def _resolved(lookups: Lookups, keys: Set[MappingKey]) -> dict[MappingKey, int | Unresolved]:
    """What these stand for. One whose mappings cannot be read rules its own rows out, and no others."""
    try:
        return await resolve_references(lookups, keys)
    except BrokenAnswerError as error:
        if len(keys) == 1:
            return {key: ConflictError(error.what, next_step=error.steps) for key in keys}
        both = list(keys)[: len(keys) // 2], list(keys)[len(keys) // 2 :]
        return await _resolved(lookups, set(both[0])) | await _resolved(lookups, set(both[1]))


def _referred(row: StagedRow, found: Mapping[MappingKey, int | Unresolved], aim: Aim) -> Judged:
    body = fields_in(row.fields)
    for name, key in fields_in(row.refs).items():
        one = found[MappingKey(*key)]
        if isinstance(one, SalesloftMcpError):
            other = f" {name.removesuffix('_id')}.external_type may name another type."
            why = _why(one) + other * (key[0] == aim.external_type)  # it may have been taken from the row
            return Judged("invalid", why, "", row.fields, "", row.line)
        del body[name.removesuffix("_id")]
        body[name] = one
    return Judged("new", "", "", dump(body), "", row.line)


async def _judged(api: Salesloft, aim: Aim, rows: Sequence[StagedRow]) -> list[Judged]:
    """Rows held against the records that their external ids are mapped to, which are read for a point."""
    ids = sorted({row.object_id for row in rows if row.object_id is not None})
    records, unread = await read_records(api, aim.object_type, ids)
    return [_judge(aim, row, records, unread) for row in rows]


def _judge(aim: Aim, row: StagedRow, records: dict[int, Record], unread: Set[int]) -> Judged:
    body = fields_in(row.fields)
    if row.object_id is None:
        return _creation(aim, row, body)
    one = f"{SINGULAR[aim.object_type]} {row.object_id}"
    if aim.intent == "create_only":
        return Judged("conflict", f"is mapped to {one}, and the intent is create_only", "", row.fields, "", row.line)
    record = records.get(row.object_id)
    if record is None:
        why = (
            "Salesloft shows in a form that cannot be read"
            if row.object_id in unread
            else "is gone, or hidden from this token"
        )
        note = f"is mapped to {one}, which {why}"
        return Judged("conflict", note, "", row.fields, "", row.line)
    before = image(record, body)
    changed = differing(body, before)
    if not changed:
        return Judged("unchanged", "", "", row.fields, "", row.line)
    old = Change("record", aim.key(row.external_id), None, changed).part(before)
    doubts = of_fields(before, changed)
    verdict: Verdict = "suspicious" if doubts else "update"
    return Judged(verdict, "; ".join(doubts), AND.join(restricts(before, changed)), dump(changed), dump(old), row.line)


def _creation(aim: Aim, row: StagedRow, body: Image) -> Judged:
    if aim.intent == "update_only":
        return Judged("conflict", "is not mapped, and the intent is update_only", "", row.fields, "", row.line)
    try:
        require_enough(aim.object_type, body)
    except InputError as error:
        return Judged("invalid", _why(error), "", row.fields, "", row.line)
    doubts = of_fields({}, body)
    verdict: Verdict = "suspicious" if doubts else "create"
    return Judged(verdict, "; ".join(doubts), AND.join(restricts({}, body)), row.fields, "", row.line)


def _why(error: SalesloftMcpError) -> str:
    """Without what was not done: of a plan that goes without saying."""
    return error.what.removesuffix(" Nothing was changed.").removesuffix(" Nothing was created.")
