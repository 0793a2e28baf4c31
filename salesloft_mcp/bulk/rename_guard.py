"""What a rename may do to a mapping, by what stands under the other type: no record is ever without its external id."""

from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from itertools import takewhile

from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.status import PlanRow
from salesloft_mcp.changes.apply import Changes
from salesloft_mcp.changes.change import OPEN, Change, Fed, Line, NotYetError, Outcome
from salesloft_mcp.changes.run import Feed
from salesloft_mcp.errors import NotFoundError
from salesloft_mcp.lookups.standing import UNCLEAR, holders, read_mappings
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import MappingKey, one_record
from salesloft_mcp.text import quoted

Standing = Mapping[str, Set[int] | None]


def held_back(feed: Feed, changes: Changes, row: PlanRow) -> Feed:
    """The changes of `feed`, which brings all creations before the first deletion. No deletion comes before every
    creation has come to its end, and what does not stand on a mapping of the other type is not made.
    """

    async def following(after: int, limit: int) -> Sequence[Fed]:
        fed = await feed(after, limit)
        if not fed:
            return fed
        alike = list(takewhile(lambda one: _deletes(one.change) == _deletes(fed[0].change), fed))
        if _deletes(fed[0].change) and await changes.log.lines(row.operation, OPEN, limit=1):
            raise NotYetError
        whys = await _whys(changes.api, row, [one.change for one in alike])
        return [
            one._replace(state="conflict", note=why) if why and one.state == "intended" else one
            for one, why in zip(alike, whys, strict=True)
        ]

    return following


def check(changes: Changes, row: PlanRow) -> Callable[[Sequence[Line]], Awaitable[list[Outcome]]] | None:
    """Says of lines that have waited which of them must not be sent any more; nothing but a rename needs that."""
    if not row.new_external_type:
        return None

    async def checked(lines: Sequence[Line]) -> list[Outcome]:
        found = list[Outcome]()
        for some in (
            [one for one in lines if _deletes(one.change)],
            [one for one in lines if not _deletes(one.change)],
        ):
            whys = await _whys(changes.api, row, [one.change for one in some])
            found += [Outcome(one, "conflict", note=why) for one, why in zip(some, whys, strict=True) if why]
        return found

    return checked


def _deletes(change: Change) -> bool:
    return change.after is None


async def _whys(api: Salesloft, row: PlanRow, changes: Sequence[Change]) -> list[str]:
    """Why each of these changes must not be made; all of them create, or all of them delete. What an undo creates was
    there before, and stands on nothing.
    """
    if not changes or (row.undoes and not _deletes(changes[0])):
        return [""] * len(changes)
    aim, deletes = row.aim, _deletes(changes[0])
    under = aim.new_external_type if changes[0].key.external_type == aim.external_type else aim.external_type
    there = await _standing(api, aim, under, {one.key.external_id: one.object_id for one in changes})
    return [_why(aim, under, one, there[one.key.external_id], deletes) for one in changes]


async def _standing(api: Salesloft, aim: Aim, under: str, expected: Mapping[str, int | None]) -> Standing:
    """The records that each external id stands for under a type; None where that cannot be read."""
    if not aim.is_respelled:
        try:
            there = await holders(api, under, aim.object_type, expected)
            return {one: None if one in there.unclear else there.held[one] for one in expected}
        except NotFoundError:
            pass  # it is not configured any more, and its mappings can still be listed
    rows = await read_mappings(api, [MappingKey(under, aim.object_type, one) for one in expected])
    return {key.external_id: None if of is None else {row.object_id for row in of} for key, of in rows.items()}


def _why(aim: Aim, under: str, change: Change, there: Set[int] | None, deletes: bool) -> str:
    stays = "The mapping stays." if deletes else "Nothing was written."
    if there is None:
        return f"{UNCLEAR} {stays}"
    if change.object_id in there:
        return ""
    record = one_record(aim.object_type, change.object_id)
    when = "" if deletes else " any more"
    return f"{record} does not have this external id under {quoted(under)}{when}. {stays}"
