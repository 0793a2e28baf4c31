"""The operation that takes another one back: its changes inverted, the last one first, and what it carried."""

import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

from salesloft_mcp import errors
from salesloft_mcp.changes import configurations, history, mappings, records
from salesloft_mcp.changes.apply import Changes
from salesloft_mcp.changes.change import DONE, OPEN, UNSETTLED, ByRun, Change, Fed, Image, Line, Operation, State
from salesloft_mcp.changes.history import Logged, Search
from salesloft_mcp.changes.kinds import KINDS, as_it_stands
from salesloft_mcp.changes.refusals import UNIQUE
from salesloft_mcp.changes.run import Feed
from salesloft_mcp.changes.upsert import other_holder
from salesloft_mcp.errors import Hint
from salesloft_mcp.lookups.standing import holders
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.gather import gather_limited
from salesloft_mcp.salesloft.models import MappingKey, ObjectType, one_record
from salesloft_mcp.state.database import Database
from salesloft_mcp.text import quoted

Standing = Mapping[MappingKey, Sequence[Image]] | None

MOST_AT_ONCE = 20  # changes that one call makes; more of them are a run
_PASSED: frozenset[State] = DONE | {"unchanged"}
MOST_CUT_OFF = 200  # changes of a run that a dead process can leave unsettled
_LOOK: errors.Step = (Hint.LIST_CHANGES, ", or ", Hint.LIST_MAPPINGS, ".")
_WHY_NOT: dict[State, str] = {
    "unchanged": "it found everything as it was asked for.",
    "failed": "it was refused.",
    "conflict": "it was refused.",
    "declined": "the person did not agree to it.",
    "planned": "it was not sent.",
    "lost": "whether it did anything was never found out.",
}


async def undo(changes: Changes, database: Database, number: int, title: str = "undo") -> Operation:
    """What would take operation `number` back, from what stands there now; `title` is the tool or command that asks.

    Raises:
        PolicyError: nothing may be done with records of its kind.
        MissingError: there is no such operation here.
        ConflictError: it was undone before, is not settled, or there is nothing to undo.
    """
    for line in await changes.log.lines(number, limit=1):
        changes.limits.require_object_type(line.change.key.object_type)
    logged = await _logged(changes, database, number)
    first = await changes.log.lines(number, DONE, limit=MOST_AT_ONCE)
    done = [line for line in reversed(first) if line.line is None]
    counts, carried = await history.counts(database, number), logged.counts["carried"]
    ran = Counter(create=carried or counts["deleted"])
    if not carried:
        ran += Counter(update=counts["updated"], delete=counts["created"])
    done, ran = await _left(changes, logged, done, ran)
    if not done and not ran:
        why = next((why for state, why in _WHY_NOT.items() if logged.counts[state]), _WHY_NOT["planned"])
        what = f"change: there is nothing to undo in change {number}: {why} Nothing was changed."
        raise errors.ConflictError(what, next_step=_LOOK)
    read_at = time.monotonic()
    try:
        if ran["delete"]:
            await _check_deletable(changes.api, first)
        back, left = await _all_back(changes.api, done)
    except (errors.ConflictError, errors.MissingError) as error:
        raise _no_way_back(number, error.what, error.steps if error.next_step else _LOOK) from error
    gone = next((one for one in back if one.kind == "configuration" and one.after is None), None)
    key = logged.lines[0].change.key
    facts = () if done else (("external type", quoted(key.external_type)), ("object type", key.object_type))
    restricted = await history.restricted_again(database, number) if ran["update"] else 0
    if restricted:
        facts = (*facts, (history.RESTRICTED_AGAIN, f"{restricted} records (contact, or archived)"))
    return Operation(
        title,
        tuple(back),
        carries=await configurations.count(changes.api, gone.key) if gone else 0,
        undoes=number,
        by_run=_by_run(number, ran, key.object_type, restricted),
        facts=facts,
        left=tuple(left),
        read_at=read_at,
    )


def _by_run(number: int, ran: Counter[str], object_type: ObjectType, restricted: int) -> ByRun:
    return ByRun(
        f"undo-{number}" if ran else "",
        of=object_type if ran["update"] else "mappings",
        creates=ran["create"],
        updates=ran["update"],
        deletes=ran["delete"],
        asks=restricted,
    )


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
        updated = [line for line in lines if line.change.kind == "record" and line.change.before is not None]
        there = await _updated(changes.api, updated) if updated else {}
        back = await gather_limited([partial(_back, changes.api, line, top - line.id, there) for line in lines])
        if not seen and any(_creates(one) for one in back):
            seen.append(await _standing(changes.api, back[0].change.key))
        return [
            one._replace(change=await _against(changes.api, one.change, seen[0])) if _creates(one) else one
            for one in back
        ]

    return following


async def _updated(api: Salesloft, lines: Sequence[Line]) -> dict[MappingKey, Image]:
    """How the records stand that a run has updated, where each still has its external id: a few points for all."""
    key, model = lines[0].change.key, records.fields_of(lines[0].change.key).model_fields
    expected = {line.change.key.external_id: line.change.object_id for line in lines}
    there = await holders(api, key.external_type, key.object_type, expected)
    return {
        line.change.key: records.image(found, model)
        for line in lines
        if (found := there.records.get(line.change.object_id or 0)) is not None
        and there.held[line.change.key.external_id] == {found.id}
    }


async def _back(api: Salesloft, line: Line, place: int, there: Mapping[MappingKey, Image]) -> Fed:
    """What takes a line back; a record that cannot come back stays as it is, and the reason is told."""
    change, now = line.change, there.get(line.change.key)
    try:
        if change.kind == "record" and change.before is not None and now is not None:
            change, left = records.written_back(change, now)
        else:
            change, left = await _way_back(api, line)
    except (errors.ConflictError, errors.MissingError) as error:
        return Fed(place, line.change.inverse, "conflict", error.what)
    return Fed(place, change, note=f"not brought back: {', '.join(left)}" if left else "")


async def _way_back(api: Salesloft, line: Line) -> tuple[Change, list[str]]:
    """
    Raises:
        ConflictError: there is none. MissingError: what it would change is not there.
    """
    if line.state == "updated" and line.change.before is None:
        what = "somebody else mapped the external id at that very moment, and what stood there before is not known."
        raise errors.ConflictError(what)
    back, left = await KINDS[line.change.kind].back(api, line.change)
    return await _but_taken(api, back, left) if back.kind == "record" else (back, left)


async def _but_taken(api: Salesloft, back: Change, left: list[str]) -> tuple[Change, list[str]]:
    """The way back of a record without the e-mail or the domain that another record has by now.

    Raises:
        ConflictError: nothing else would come back.
    """
    other = await other_holder(api, back)
    if other is None:
        return back, left
    name, kind = UNIQUE[back.key.object_type], back.key.object_type
    left = [*left, f"{name} (which {one_record(kind, other.id)} has now)"]
    before, after = (
        {field: value for field, value in (image or {}).items() if field != name} for image in (back.before, back.after)
    )
    if not after:
        raise errors.ConflictError(f"{', '.join(left)}.")
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


async def _logged(changes: Changes, database: Database, number: int) -> Logged:
    cut_off = await changes.log.lines(number, UNSETTLED, limit=MOST_CUT_OFF)
    await gather_limited([partial(changes.free, line.change.key) for line in cut_off])
    found = await history.find(database, Search(tenant=changes.environment, id=number), 1)
    if not found:
        what = f"change: there is no change {number} in {changes.environment}."
        raise errors.MissingError(what, next_step=(Hint.LIST_CHANGES, "."))
    await _check_team(changes, found[0])
    if any(found[0].counts[state] for state in UNSETTLED):
        raise _no_way_back(number, "a part of it is under way, or its answer was lost.")
    return found[0]


async def _check_team(changes: Changes, logged: Logged) -> None:
    """The same address may be another team's with another token, and its objects have other ids."""
    if logged.team and logged.team != (await changes.place()).team_key:
        here = (await changes.place(fresh=True)).team_key  # it may have been hidden only that time
        if logged.team != here:
            what = f"change: {logged.id} was made in team {logged.team}, and this token is of team {here or 'unknown'}."
            step = "undo it with a token of its own team."
            raise errors.ConflictError(f"{what} Nothing was changed.", next_step=step)


async def _left(
    changes: Changes, logged: Logged, done: list[Line], ran: Counter[str]
) -> tuple[list[Line], Counter[str]]:
    """What earlier undoings that were cut off, refused or cancelled have left to do.

    Raises:
        ConflictError: nothing; or one of them was itself undone, and what stands there now is of that.
    """
    by, log = 0, changes.log
    for one in await history.find(log.database, Search(tenant=logged.tenant, undoes=logged.id)):
        passed = [line for line in await log.lines(one.id, _PASSED) if line.line is None]
        counts = await history.counts(log.database, one.id)
        ended = sum(number for state, number in counts.items() if state not in OPEN)
        done = done[len(passed) :]
        for what in ran:  # the log does not tell which of them they were, and the sum is what counts
            gone = min(ended, ran[what])
            ran, ended = ran - Counter({what: gone}), ended - gone
        by = by or one.undone_by
    by = by or (logged.undone_by if not done and not ran else 0)
    if by:
        how = f" by change {by} already" if by == logged.undone_by else f", and that by change {by}"
        what = f"change {logged.id} was undone{how}. Nothing was changed."
        raise errors.ConflictError(what, next_step=("to take that back, ", Hint.UNDO, f" {by}."))
    return done, ran


async def _check_deletable(api: Salesloft, lines: Sequence[Line]) -> None:
    """Where mappings are shown without an id, as the guide prints them, none of a run can be deleted.

    A log of version 0.1 kept no ids of a run, so what stands there now decides.
    """
    unnamed = [one for one in lines if one.line is not None and (one.change.after or {}).get("id") is None]
    rows = await mappings.read(api, unnamed[0].change.key) if unnamed else []
    for row in rows:
        mappings.deletion(unnamed[0].change.key, await mappings.with_id(api, unnamed[0].change.key, row))


async def _all_back(api: Salesloft, done: Sequence[Line]) -> tuple[list[Change], list[str]]:
    back: list[Change] = []
    left: list[str] = []
    for line in done:
        change, fields = await _way_back(api, line)
        follows = any(one.key == change.key for one in back)  # it waits for what goes before it
        back.append(change if follows else await as_it_stands(api, change))
        left += fields
    return back, left


def _no_way_back(number: int, why: str, step: errors.Step = _LOOK) -> errors.ConflictError:
    why = why.removesuffix(" Nothing was changed.")
    what = f"change: {number} cannot be undone: {why} Nothing was changed."
    return errors.ConflictError(what, next_step=step)
