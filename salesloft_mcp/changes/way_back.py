"""What takes lines of the log back: one by itself, or those of a run, a part at a time."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from salesloft_mcp import errors
from salesloft_mcp.changes import configurations, mappings, records
from salesloft_mcp.changes.apply import Changes
from salesloft_mcp.changes.change import DONE, Change, Fed, Image, Line, State
from salesloft_mcp.changes.kinds import KINDS
from salesloft_mcp.changes.run import Feed
from salesloft_mcp.changes.upsert import gives_up, other_holders
from salesloft_mcp.lookups.known_records import UNIQUE
from salesloft_mcp.lookups.standing import holders
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.gather import gather_limited
from salesloft_mcp.salesloft.models import MappingKey, Record, one_record

# A change, and what does not come back with it; or why nothing does.
Way = tuple[Change, list[str]] | errors.SalesloftMcpError
Standing = Mapping[MappingKey, Sequence[Image]] | None


async def way_back(api: Salesloft, line: Line) -> tuple[Change, list[str]]:
    """What takes a line back, from what stands there now, and what does not come back with it.

    Raises:
        ConflictError: there is none. MissingError: what it would change is not there.
    """
    (found,) = await _but_taken(api, [await _way_back(api, line)])
    if isinstance(found, errors.SalesloftMcpError):
        raise found
    return found


def feed(changes: Changes, number: int) -> Feed:
    """The changes of a run that takes operation `number` back, and what it carried; the newest comes first.

    Nobody has looked at these keys since, so each mapping that is to be created is held against what stands there.
    """
    newest = partial(changes.log.lines, number, by="id DESC")
    states: Iterable[State] = ()
    top = 0
    seen: list[Standing] = []  # read when the first mapping is to be created

    async def following(after: int, limit: int) -> Sequence[Fed]:
        nonlocal states, top
        if not top:
            # Of a run every change comes back; of anything else only what it carried, the rest is undone before.
            (first,) = await newest({"carried"}, limit=1) or await newest(DONE, limit=1)
            states = {"carried"} if first.state == "carried" else DONE
            top = first.id + 1  # the lines of this run go up from 1, and those of the operation go down
        lines = await newest(states, last=top - after - 1, limit=limit)
        lines = [line for line in lines if line.line is not None or line.state == "carried"]
        ways = await _ways_back(changes.api, lines)
        back = [_fed(line, top - line.id, one) for line, one in zip(lines, ways, strict=True)]
        if not seen and any(_creates(one) for one in back):
            seen.append(await _standing(changes.api, back[0].change.key))
        return [
            one._replace(change=await _against(changes.api, one.change, seen[0])) if _creates(one) else one
            for one in back
        ]

    return following


async def _ways_back(api: Salesloft, lines: Sequence[Line]) -> list[Way]:
    """What takes each of these lines back; what cannot be read keeps no other line from coming back."""
    updated = [line for line in lines if line.change.kind == "record" and line.change.before is not None]
    there = await _updated(api, updated) if updated else {}

    async def found(line: Line) -> Way:
        try:
            if now := there.get(line.change.key):
                return records.written_back(line.change, now)
            return await _way_back(api, line)
        except (errors.ConflictError, errors.MissingError, errors.BrokenAnswerError) as error:
            return error

    return await _but_taken(api, await gather_limited([partial(found, line) for line in lines]))


async def _updated(api: Salesloft, lines: Sequence[Line]) -> dict[MappingKey, Image]:
    """How the records stand that a run has updated, where each still has its external id: a few points for all. Empty
    where a mapping among them cannot be read, so that each is looked at by itself.
    """
    key, model = lines[0].change.key, records.fields_of(lines[0].change.key).model_fields
    expected = {line.change.key.external_id: line.change.object_id for line in lines}
    try:
        there = await holders(api, key.external_type, key.object_type, expected)
    except errors.BrokenAnswerError:
        return {}
    return {
        line.change.key: records.image(found, model)
        for line in lines
        if (found := there.records.get(line.change.object_id or 0)) is not None
        and there.held[line.change.key.external_id] == {found.id}
    }


def _fed(line: Line, place: int, way: Way) -> Fed:
    """A line as it goes back; what cannot come back stays as it is, and the reason is told."""
    if isinstance(way, errors.BrokenAnswerError):
        why = f"stays as it is, because what stands there cannot be read: {way.what}"
        return Fed(place, line.change.inverse, "failed", why)
    if isinstance(way, errors.SalesloftMcpError):
        state: State = "unchanged" if isinstance(way, records.AsBeforeError) else "conflict"
        return Fed(place, line.change.inverse, state, way.what)
    change, left = way
    return Fed(place, change, note=f"not brought back: {', '.join(left)}" if left else "")


async def _way_back(api: Salesloft, line: Line) -> tuple[Change, list[str]]:
    """
    Raises:
        ConflictError: there is none. MissingError: what it would change is not there.
    """
    if line.state == "updated" and line.change.before is None:
        what = "somebody else mapped the external id at that very moment, and what stood there before is not known."
        raise errors.ConflictError(what, next_step=errors.LOOK)
    return await KINDS[line.change.kind].back(api, line.change)


async def _but_taken(api: Salesloft, ways: Sequence[Way]) -> list[Way]:
    """The ways back without the e-mails and domains that other records have by now, and do not give up with them."""
    found = {
        number: one[0]
        for number, one in enumerate(ways)
        if not isinstance(one, errors.SalesloftMcpError) and one[0].kind == "record"
    }
    others = dict(zip(found, await other_holders(api, list(found.values())), strict=True))
    leaving = {one.object_id for one in found.values() if gives_up(one)}
    return [
        one if other is None or other.id in leaving else _without(one, other)
        for one, other in ((one, others.get(number)) for number, one in enumerate(ways))
    ]


def _without(way: Way, other: Record) -> Way:
    """The way back of a record without the e-mail or the domain that `other` has by now."""
    if isinstance(way, errors.SalesloftMcpError):
        return way
    back, left = way
    name, kind = UNIQUE[back.key.object_type], back.key.object_type
    left = [*left, f"{name} (which {one_record(kind, other.id)} has now)"]
    before, after = (
        {field: value for field, value in (image or {}).items() if field != name} for image in (back.before, back.after)
    )
    if not after:
        return errors.ConflictError(f"{', '.join(left)}.", next_step=errors.LOOK)
    return replace(back, before=before, after=after), left


def _creates(fed: Fed) -> bool:
    return fed.state == "intended" and fed.change.kind == "mapping" and fed.change.after is not None


async def _standing(api: Salesloft, key: MappingKey) -> Standing:
    """The live mappings of a configuration by their keys, a point for each hundred; None where they are too many."""
    rows = await configurations.carried(api, key, await configurations.count(api, key))
    if rows is None:
        return None
    found: dict[MappingKey, list[Image]] = {}
    for row in rows:
        found.setdefault(row.key, []).append(row.before or {})
    return found


async def _against(api: Salesloft, change: Change, standing: Standing) -> Change:
    """A creation, held against the same mapping where that stands there, or else another of its external id."""
    rows = await mappings.read(api, change.key) if standing is None else standing.get(change.key, [])
    fitting = sorted(rows, key=lambda row: not mappings.fits(row, change.after or {}))
    return replace(change, before=next(iter(fitting), None))
