"""The records that many external ids stand for, in the fewest calls."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from urllib.parse import quote

from salesloft_mcp.lookups.known_records import records_of
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.gather import gather_limited
from salesloft_mcp.salesloft.models import MappingKey, ObjectType, Record
from salesloft_mcp.salesloft.paging import live_mappings, read_all
from salesloft_mcp.salesloft.requests import MAX_IDS_A_CALL, MAX_QUERY_BYTES, ids_path

_NAME = len("&external_ids%5B100%5D=")


async def holders(
    api: Salesloft, external_type: str, object_type: ObjectType, expected: Mapping[str, int | None]
) -> tuple[dict[str, set[int]], dict[int, Record]]:
    """The records that each external id stands for, and those of them that can be read.

    A point for a hundred external ids while they stand for the records that are `expected`, and a point more for each
    where they do not, because only then it matters which is whose. Two that have changed places go unseen.
    """
    found = await standing(api, external_type, object_type, list(expected))
    if sorted(found) == sorted(one for one in expected.values() if one is not None):
        return {one: set() if record is None else {record} for one, record in expected.items()}, found
    keys = [MappingKey(external_type, object_type, one) for one in expected]
    rows = await gather_limited([partial(live_mappings, api, key) for key in keys])
    held = {one: {row.object_id for row in mapped} for one, mapped in zip(expected, rows, strict=True)}
    since = set[int]().union(*held.values()) - found.keys()  # mapped in this moment, gone or hidden
    return held, found | await records_of(api, object_type, since)


async def standing(
    api: Salesloft, external_type: str, object_type: ObjectType, external_ids: Sequence[str]
) -> dict[int, Record]:
    """The records by their Salesloft ids, a point for a hundred external ids. Which is whose, Salesloft does not say;
    those that are gone, or hidden from this token, are missing. An external id of more than 6 kB costs a point itself.
    """
    found: dict[int, Record] = {}
    room = MAX_QUERY_BYTES - len(ids_path(external_type, object_type)) - len("&per_page=100&page=9")
    for batch in _batches([one for one in external_ids if _size(one) <= room], room):
        records = await read_all(partial(api.list_records, external_type, object_type, batch))
        found |= {record.id: record for record in records}
    for long in (one for one in external_ids if _size(one) > room):
        for row in await live_mappings(api, MappingKey(external_type, object_type, long)):
            if (record := await api.get_object(object_type, row.object_id)) is not None:
                found[record.id] = record
    return found


def _batches(external_ids: Sequence[str], room: int) -> Iterator[list[str]]:
    """As many ids at a time as one call takes, whose query has `room` for so many bytes of them."""
    batch: list[str] = []
    size = 0
    for one in external_ids:
        own = _size(one)
        if batch and (len(batch) == MAX_IDS_A_CALL or size + own > room):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += own
    if batch:
        yield batch


def _size(external_id: str) -> int:
    """The bytes it takes in the query."""
    return _NAME + len(quote(external_id, safe=""))
