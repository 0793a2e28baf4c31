"""What plans have in common: what they are for, how rows are staged, and what Salesloft holds already."""

import math
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import NamedTuple

import anyio.to_thread

from salesloft_mcp.changes.records import Intent
from salesloft_mcp.errors import BrokenAnswerError
from salesloft_mcp.intake.near import near_key
from salesloft_mcp.lookups.known_records import MOST_SPELLINGS
from salesloft_mcp.lookups.newest import newest
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.gather import gather_limited
from salesloft_mcp.salesloft.models import Mapping, MappingKey, ObjectType
from salesloft_mcp.salesloft.paging import as_far_as_read, begin_list, cheapest, live_mappings, pages
from salesloft_mcp.state.staging import Staging
from salesloft_mcp.text import quoted

BATCH = 500  # ids that are looked up before their mappings are written down


@dataclass(frozen=True, slots=True)
class Aim:
    """What a plan is for: a configuration, and what an upsert may do. Without an intent it maps existing records, and
    with a new external type it gives the mappings of the configuration to that type.
    """

    external_type: str
    object_type: ObjectType
    intent: Intent | None = None
    new_external_type: str = ""

    @property
    def target(self) -> "Aim":
        """The configuration under which it maps: of a rename the new one."""
        return Aim(self.new_external_type, self.object_type) if self.new_external_type else self

    @property
    def back(self) -> "Aim":
        """What the run that takes it back is for."""
        names = (self.new_external_type, self.external_type) if self.new_external_type else (self.external_type, "")
        return Aim(names[0], self.object_type, new_external_type=names[1])

    @property
    def is_respelled(self) -> bool:
        """Whether a rename changes nothing but case, spaces and the like: Salesloft may take both for one type."""
        return bool(self.new_external_type) and near_key(self.external_type) == near_key(self.new_external_type)

    def key(self, external_id: str) -> MappingKey:
        """The key of a row."""
        return MappingKey(self.external_type, self.object_type, external_id)


class Loaded(NamedTuple):
    """What rows were read from: its digest, and sentences on what was assumed, skipped and not used in reading."""

    digest: str
    notes: tuple[str, ...] = ()


Load = Callable[[Staging, Aim], Awaitable[Loaded]]


def minutes(points: int, points_a_minute: int) -> float:
    """How long so many points take at the least."""
    return math.ceil(10 * points / points_a_minute) / 10


async def hold(api: Salesloft, staging: Staging, aim: Aim) -> bool:
    """Write down what is mapped already: the list of the type, or a look-up for each id, whichever costs less. Whether
    it was the whole list.

    By ids, a backfill takes a look-up for each record, too, and an upsert one for each spelling that is near a new id.
    """
    ids = await anyio.to_thread.run_sync(staging.count, "external_id")
    if not ids:
        return True
    backfill = aim.intent is None
    asks = ids + staging.count("object_id") if backfill else ids * (1 + MOST_SPELLINGS)
    ask, first = await begin_list(api, aim.external_type, aim.object_type)
    staging.see(newest(first))
    if first.total is not None and cheapest(asks, first.total, begun=True) is not None:
        read = 0
        async for rows in pages(ask, first):
            staging.hold(held(row) for row in rows if row.object_type == aim.object_type)
            read += len(rows)
        if read >= first.total:
            return True  # otherwise rows were taken away meanwhile, and others may have gone unseen
    await look_up(api, staging, ((one, aim.key(one)) for one in staging.distinct("external_id")))
    if backfill:
        held_by = partial(_held_by, api, aim)
        numbers = (int(one) for one in staging.distinct("object_id"))
        while batch := list(islice(numbers, BATCH)):
            found = await gather_limited([partial(held_by, one) for one in batch])
            staging.hold(held(row) for rows in found for row in rows)
    return False


async def _held_by(api: Salesloft, aim: Aim, object_id: int) -> list[Mapping]:
    """The mappings of a record. A record of another kind may have the same id; what cannot be read is passed over."""
    ask = as_far_as_read(
        partial(api.list_mappings, external_type=aim.external_type, object_id=object_id, deleted=False)
    )
    return [row async for rows in pages(ask) for row in rows if row.object_type == aim.object_type]


async def look_up(api: Salesloft, staging: Staging, keys: Iterator[tuple[str, MappingKey]]) -> None:
    """Write down the mappings at these keys, a point each. Each comes after the external id of the rows that it is
    looked up for; where the answer cannot be read, these are ruled out.
    """

    async def mappings_of(external_id: str, key: MappingKey) -> Sequence[Mapping]:
        try:
            return await live_mappings(api, key)
        except BrokenAnswerError:
            what = f"Salesloft's answer cannot be read, so what {quoted(key.external_id)} is mapped to is not known"
            staging.rule_out(external_id, what)
            return ()

    while batch := list(islice(keys, BATCH)):
        found = await gather_limited([partial(mappings_of, *one) for one in batch])
        staging.hold(held(row) for rows in found for row in rows)


def held(row: Mapping) -> tuple[str, int, int | None, str]:
    """A mapping as it is staged."""
    return row.external_id, row.object_id, row.id, near_key(row.external_id)
