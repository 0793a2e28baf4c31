"""The operation that takes another one back: its changes inverted, the last one first, and what it carried."""

import time
from collections import Counter
from collections.abc import Sequence
from functools import partial

from pydantic import JsonValue

from salesloft_mcp import errors
from salesloft_mcp.changes import configurations, history, mappings
from salesloft_mcp.changes.apply import Changes
from salesloft_mcp.changes.change import DONE, OPEN, UNSETTLED, ByRun, Change, Line, Operation, State
from salesloft_mcp.changes.history import Logged, Search
from salesloft_mcp.changes.kinds import as_it_stands
from salesloft_mcp.changes.way_back import way_back
from salesloft_mcp.errors import Hint
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.environment import named
from salesloft_mcp.salesloft.gather import gather_limited
from salesloft_mcp.salesloft.models import ObjectType
from salesloft_mcp.state.database import Database
from salesloft_mcp.text import quoted

MOST_AT_ONCE = 20  # changes that one call makes; more of them are a run
_PASSED: frozenset[State] = DONE | {"unchanged"}
MOST_LATER = 20  # of what was done with an external id, the newest
MOST_CUT_OFF = 200  # changes of a run that a dead process can leave unsettled
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
        raise errors.ConflictError(what, next_step=errors.LOOK)
    read_at = time.monotonic()
    try:
        if ran["delete"]:
            only = [one for one in first if one.change.kind == "mapping" or not ran["update"]]
            await _check_deletable(changes.api, only)
        back, left = await _all_back(changes.api, done)
    except (errors.ConflictError, errors.MissingError) as error:
        raise _no_way_back(number, error.what, await _later_first(database, logged, error)) from error
    gone = next((one for one in back if one.kind == "configuration" and one.after is None), None)
    key = logged.lines[0].change.key
    types = await _types(changes, number) if not done else []
    facts = tuple(zip(("external type", "new external type"), map(quoted, types), strict=False))
    facts = (*facts, ("object type", key.object_type)) if facts else ()
    restricted = await history.restricted_again(database, number) if ran["update"] else 0
    if restricted:
        facts = (*facts, (history.RESTRICTED_AGAIN, f"{restricted} records (contact, or archived)"))
    return Operation(
        title,
        tuple(back),
        carries=await configurations.count(changes.api, gone.key) if gone else 0,
        undoes=number,
        by_run=_by_run(number, ran, key.object_type, restricted, len(types) > 1),
        facts=facts,
        left=tuple(left),
        read_at=read_at,
    )


def _by_run(number: int, ran: Counter[str], object_type: ObjectType, restricted: int, renamed: bool) -> ByRun:
    return ByRun(
        f"undo-{number}" if ran else "",
        of=object_type if ran["update"] else "mappings",
        creates=ran["create"],
        updates=ran["update"],
        deletes=ran["delete"],
        asks=restricted,
        remaps=bool(ran["update"] and ran["create"]),
        renames=renamed and ran["delete"] > 0,
    )


async def _types(changes: Changes, number: int) -> list[str]:
    """The external types of a run: of a rename, what was written first and last, so that the way back goes from the one
    to the other.
    """
    ends = [(await changes.log.lines(number, DONE, limit=1, by=order))[:1] for order in ("id", "id DESC")]
    return list(dict.fromkeys(line.change.key.external_type for end in ends for line in end))


async def _logged(changes: Changes, database: Database, number: int) -> Logged:
    cut_off = await changes.log.lines(number, UNSETTLED, limit=MOST_CUT_OFF)
    await gather_limited([partial(changes.free, line.change.key) for line in cut_off])
    found = await history.find(database, Search(tenant=changes.environment, id=number), 1)
    if not found:
        what = f"change: there is no change {number} in {named(changes.environment)}."
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
    by, tried, log = 0, 0, changes.log
    for one in await history.find(log.database, Search(tenant=logged.tenant, undoes=logged.id)):
        passed = [line for line in await log.lines(one.id, _PASSED) if line.line is None]
        counts = await history.counts(log.database, one.id)
        back = Counter(create=counts["created"], update=counts["updated"], delete=counts["deleted"])
        back += await history.refused(log.database, one.id)
        left = ran - back
        ended = sum(number for state, number in counts.items() if state not in OPEN) - (ran - left).total()
        done, ran = done[len(passed) :], left
        for what in ran:  # of what was as it should be the log does not tell which it was, and the sum is what counts
            gone = min(ended, ran[what])
            ran, ended = ran - Counter({what: gone}), ended - gone
        by, tried = by or one.undone_by, tried or one.id
    by = by or (logged.undone_by if not done and not ran else 0)
    if by:
        how = f" by change {by} already" if by == logged.undone_by else f", and that by change {by}"
        what = f"change {logged.id} was undone{how}. Nothing was changed."
        raise errors.ConflictError(what, next_step=("to take that back, ", Hint.UNDO, f" {by}."))
    if tried and not done and not ran:
        how = "was refused" if await history.refused(log.database, tried) else "found it as it was before"
        what = f"change {logged.id} was to be undone by change {tried} already, which {how}. Nothing was changed."
        raise errors.ConflictError(what, next_step=errors.LOOK)
    return done, ran


async def _check_deletable(api: Salesloft, lines: Sequence[Line]) -> None:
    """Where mappings are shown without an id, as the guide prints them, none of a run can be deleted.

    A log of version 0.1 kept no ids of a run, so what stands there now decides.
    """
    unnamed = [one for one in lines if one.line is not None and _mapping_id(one.change) is None]
    rows = await mappings.read(api, unnamed[0].change.key) if unnamed else []
    for row in rows:
        mappings.deletion(unnamed[0].change.key, await mappings.with_id(api, unnamed[0].change.key, row))


def _mapping_id(change: Change) -> JsonValue:
    """The id of the mapping that was made; with a record the log keeps none."""
    return (change.after or {}).get("id") if change.kind == "mapping" else None


async def _all_back(api: Salesloft, done: Sequence[Line]) -> tuple[list[Change], list[str]]:
    back: list[Change] = []
    left: list[str] = []
    for line in done:
        change, fields = await way_back(api, line)
        follows = any(one.key == change.key for one in back)  # it waits for what goes before it
        back.append(change if follows else await as_it_stands(api, change))
        left += fields
    return back, left


async def _later_first(database: Database, logged: Logged, error: errors.SalesloftMcpError) -> errors.Step:
    """What `error` says to do; where that is no more than to look, to undo first what was written to the same external
    id since.
    """
    key = logged.lines[0].change.key
    if error.steps != errors.LOOK:
        return error.steps
    if logged.plan or not key.external_id:
        return errors.LOOK
    search = Search(logged.tenant, external_id=key.external_id, object_type=key.object_type)
    found = [one for one in await history.find(database, search, MOST_LATER) if DONE & one.counts.keys()]
    later = next((one for one in found if key in [line.change.key for line in one.lines]), None)
    if later is None or later.id <= logged.id or later.undone_by:
        return errors.LOOK
    return (f"change {later.id} came after it; where both shall go, that one goes first: ", Hint.UNDO, f" {later.id}.")


def _no_way_back(number: int, why: str, step: errors.Step = errors.LOOK) -> errors.ConflictError:
    why = why.removesuffix(" Nothing was changed.")
    what = f"change: {number} cannot be undone: {why} Nothing was changed."
    return errors.ConflictError(what, next_step=step)
