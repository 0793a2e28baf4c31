"""Which records have no external id of a type, at the least cost."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.gather import gather_limited
from salesloft_mcp.salesloft.models import ObjectType, Record
from salesloft_mcp.salesloft.paging import as_far_as_read, begin_list, pages, points

MOST_LIST = 40  # points for which the list of a type is read, which holds a hundred mappings for each
MOST_ASKED = 50  # records that are asked for one by one in a call
FEW = 2  # records for which even the length of the list is not worth asking for


def reads_list(reading: int, records: int, all_there: bool) -> bool:
    """Whether the list of a type, of which the rest costs `reading` points, is read, or each record asked for.

    `records` are those that were read; when they are not all there are, any number may follow for a point a hundred.
    """
    return reading <= (min(records, MOST_LIST) if all_there else MOST_LIST)


@dataclass
class Holders:
    """The records that have an external id of a type: those of its list, or asked for one by one where it is long."""

    api: Salesloft
    external_type: str
    object_type: ObjectType
    known: frozenset[int] | None = None
    asked: int = field(default=0, init=False)

    @property
    def room(self) -> int | None:
        """How many more records may be asked for; None where the list has told of all of them."""
        return None if self.known is not None else MOST_ASKED - self.asked

    async def without(self, records: Sequence[Record]) -> set[int]:
        """The ids of those records that have none. One whose mappings cannot be read may have one, and is left out."""
        if self.known is not None:
            return {row.id for row in records} - self.known
        self.asked += len(records)
        held = await gather_limited([partial(self._may_have, row.id) for row in records])
        return {row.id for row, has in zip(records, held, strict=True) if not has}

    async def _may_have(self, object_id: int) -> bool:
        lists = as_far_as_read(self.api.list_mappings)
        ask = partial(lists, external_type=self.external_type, object_id=object_id, deleted=False)
        first = await ask()
        rows = [row async for some in pages(ask, first) for row in some]
        return bool(first.unread) or any(row.object_type == self.object_type for row in rows)


async def holders(
    api: Salesloft, external_type: str, object_type: ObjectType, records: int, all_there: bool
) -> Holders:
    """Who has an id of this type, when that is asked of `records` records, and of more unless they are `all_there`."""
    if all_there and records <= FEW:
        return Holders(api, external_type, object_type)
    ask, first = await begin_list(api, external_type, object_type)
    if first.total is None or not reads_list(points(first.total) - 1, records, all_there):
        return Holders(api, external_type, object_type)
    rows = [row async for some in pages(ask, first) for row in some]
    if len(rows) < first.total:  # rows were taken away meanwhile, or cannot be read: others may have been passed over
        return Holders(api, external_type, object_type)
    known = frozenset(row.object_id for row in rows if row.object_type == object_type)
    return Holders(api, external_type, object_type, known)
