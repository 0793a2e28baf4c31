"""Which record each of many external ids stands for now, in the fewest calls."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from functools import partial
from itertools import combinations, count
from math import comb
from urllib.parse import quote

from salesloft_mcp import errors
from salesloft_mcp.lookups.known_records import read_records
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.gather import gather_limited
from salesloft_mcp.salesloft.models import Mapping as Row
from salesloft_mcp.salesloft.models import MappingKey, ObjectType, Record
from salesloft_mcp.salesloft.paging import live_mappings, readable
from salesloft_mcp.salesloft.requests import MAX_IDS_A_CALL, MAX_QUERY_BYTES, ids_path

_NAME = len("&external_ids%5B100%5D=")
_FREE = frozenset({-1})  # the one question about all external ids that are expected to stand for nothing
UNCLEAR = "Salesloft shows a mapping of this external id in a form that cannot be read."


@dataclass(frozen=True, slots=True)
class Standing:
    """The records that each external id stands for, and those of them that can be read. `unread` are those that
    Salesloft shows in a row that cannot be read; all others that are missing are gone, or hidden from this token.
    Of the external ids in `unclear` it is not known what they stand for: their mappings cannot be read.
    """

    held: Mapping[str, Set[int]]
    records: Mapping[int, Record]
    unread: Set[int]
    unclear: Set[str] = frozenset()


async def holders(
    api: Salesloft,
    external_type: str,
    object_type: ObjectType,
    expected: Mapping[str, int | None],
    doubted: Set[str] = frozenset(),
) -> Standing:
    """What each external id stands for, where it is `expected` to stand for this record, or for none.

    Salesloft does not say by which external id it found a record. So each external id is asked for in several
    questions, no two in the same ones: a record that comes back in just those of its external id belongs to it, even
    where others have changed places. That is `questions` points; what is otherwise than expected costs a point more,
    and so do those that are `doubted`: an external id that is expected to be free may stand for a hidden record.
    """
    room = MAX_QUERY_BYTES - len(ids_path(external_type, object_type)) - len("&per_page=100&page=9")
    short = [one for one in expected if _size(one) <= room]
    taken = [one for one in short if expected[one] is not None]
    asked = {**dict.fromkeys(short, _FREE), **dict(zip(taken, _places(len(taken)), strict=False))}
    numbers = sorted(frozenset[int]().union(*asked.values()))
    asks = [
        partial(_found, api, external_type, object_type, [one for one in short if number in asked[one]], room)
        for number in numbers
    ]
    found: dict[int, Record] = {}
    came: dict[int, frozenset[int]] = {}
    for number, (records, odd) in zip(numbers, await gather_limited(asks), strict=True):
        found |= records
        came |= {one: came.get(one, frozenset()) | {number} for one in records}
        doubted |= {one for one in odd if expected[one] is None}  # what cannot be read may be the record of any of them
    doubtful = {*_doubtful(expected, asked, came), *(one for one in expected if one not in asked or one in doubted)}
    held: dict[str, Set[int]] = {one: set() if record is None else {record} for one, record in expected.items()}
    mapped = await read_mappings(api, [MappingKey(external_type, object_type, one) for one in doubtful])
    held |= {key.external_id: {row.object_id for row in rows or ()} for key, rows in mapped.items()}
    unclear = {key.external_id for key, rows in mapped.items() if rows is None}
    more, unread = await read_records(api, object_type, {one for some in held.values() for one in some} - found.keys())
    return Standing(held, found | more, unread, unclear)


async def read_mappings(api: Salesloft, keys: Iterable[MappingKey]) -> dict[MappingKey, Sequence[Row] | None]:
    """The live mappings of these keys, a point each; None for one of which there are rows that cannot be read."""

    async def read(key: MappingKey) -> Sequence[Row] | None:
        try:
            return await live_mappings(api, key)
        except errors.UnreadRowsError:
            return None

    keys = list(keys)
    return dict(zip(keys, await gather_limited([partial(read, one) for one in keys]), strict=True))


def questions(expected: int, free: int) -> int:
    """The points that `holders` takes for so many external ids that stand for a record, and so many that do not."""
    return (_width(expected) if expected else 0) + -(-free // MAX_IDS_A_CALL)


def _width(ids: int) -> int:
    return next(width for width in count(1) if comb(width, (width + 1) // 2) >= ids)


def _places(ids: int) -> Iterator[frozenset[int]]:
    """For each external id the questions in which it is asked for: as many for each, so that none of these sets holds
    another one.
    """
    width = _width(ids)
    return map(frozenset, combinations(range(width), (width + 1) // 2))


def _doubtful(
    expected: Mapping[str, int | None], asked: Mapping[str, frozenset[int]], came: Mapping[int, frozenset[int]]
) -> Iterator[str]:
    """The external ids whose record did not come back as it should, and those of which another one may have come."""
    right = {expected[one]: places for one, places in asked.items()}
    strange = [places for record, places in came.items() if right.get(record) != places]
    for one, places in asked.items():
        record = expected[one]
        missing = record is not None and came.get(record) != places
        if missing or any(places <= some for some in strange):
            yield one


async def _found(
    api: Salesloft, external_type: str, object_type: ObjectType, external_ids: Sequence[str], room: int
) -> tuple[dict[int, Record], list[str]]:
    """The records of these external ids that can be read, a point for a hundred of them; and the external ids that were
    asked for together with those of records that cannot.
    """
    found: dict[int, Record] = {}
    odd: list[str] = []
    for batch in _batches(external_ids, room, api.spellings.ids_a_call):
        try:
            rows, unread = await readable(partial(api.list_records, external_type, object_type, batch))
        except errors.BrokenAnswerError:  # the mappings tell whose they are
            rows, unread = [], len(batch)
        found |= {record.id: record for record in rows}
        odd += batch if unread else []
    return found, odd


def _batches(external_ids: Sequence[str], room: int, most: int) -> Iterator[list[str]]:
    """At most so many ids at a time, whose query has `room` for so many bytes of them."""
    batch: list[str] = []
    size = 0
    for one in external_ids:
        own = _size(one)
        if batch and (len(batch) == most or size + own > room):
            yield batch
            batch, size = [], 0
        batch.append(one)
        size += own
    if batch:
        yield batch


def _size(external_id: str) -> int:
    """The bytes it takes in the query."""
    return _NAME + len(quote(external_id, safe=""))
