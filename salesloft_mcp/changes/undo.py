"""The operation that takes another one back: its changes inverted, the last one first, and what it carried."""

import time
from collections.abc import Sequence

from salesloft_mcp import errors
from salesloft_mcp.changes import configurations, history
from salesloft_mcp.changes.apply import Changes
from salesloft_mcp.changes.change import DONE, UNSETTLED, Change, Line, Operation, State
from salesloft_mcp.changes.history import Logged, Search
from salesloft_mcp.changes.kinds import KINDS, as_it_stands
from salesloft_mcp.changes.run import Feed
from salesloft_mcp.errors import Hint
from salesloft_mcp.state.database import Database

MOST_AT_ONCE = 20  # changes that are taken back in one call; more of them are a run
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
        MissingError: there is no such operation here.
        ConflictError: it was undone before, is not settled, or there is nothing to undo.
    """
    logged = await _logged(changes, database, number)
    bulk = bool(logged.plan) or sum(logged.counts[state] for state in DONE) > MOST_AT_ONCE
    done = [] if bulk else await changes.log.lines(number, DONE, newest_first=True)
    if not done and not bulk:
        state: State = next((one for one in _WHY_NOT if logged.counts[one]), "planned")
        raise nothing_to_undo(number, _WHY_NOT[state])
    read_at = time.monotonic()
    back, left = await _all_back(changes, number, done)
    creates = logged.counts["carried"] + (logged.counts["deleted"] if bulk else 0)
    deletes = logged.counts["created"] if bulk else 0
    return Operation(
        title,
        tuple(back),
        carries=await _hanging(changes, back),
        undoes=number,
        plan=f"undo-{number}" if creates or deletes else "",
        creates=creates,
        deletes=deletes,
        left=tuple(left),
        read_at=read_at,
    )


def feed(changes: Changes, number: int) -> Feed:
    """The changes of a run that takes operation `number` back, and what it carried; the newest comes first."""

    async def following(after: int, limit: int) -> Sequence[tuple[int, Change]]:
        # The lines of a run go up, and those of the operation that is undone go down.
        start = 0 if not after else _TOP - after
        states = await _bulk_states(changes, number)
        lines = await changes.log.lines(number, states, after=start, limit=limit, newest_first=True)
        return [(_TOP - line.id, (await KINDS[line.change.kind].back(changes.api, line.change))[0]) for line in lines]

    return following


_TOP = 2**62


async def _bulk_states(changes: Changes, number: int) -> set[State]:
    """Of a run every change comes back; of anything else only what it carried, the rest is undone before."""
    carried = await changes.log.lines(number, {"carried"}, limit=1)
    return {"carried"} if carried else {"created", "updated", "deleted"}


async def _logged(changes: Changes, database: Database, number: int) -> Logged:
    for line in await changes.log.lines(number, UNSETTLED, limit=MOST_AT_ONCE):
        await changes.free(line.change.key)
    found = await history.find(database, Search(tenant=changes.environment, id=number), 1)
    if not found:
        raise errors.MissingError(
            f"change: there is no change {number} in {changes.environment}.", next_step=(Hint.LIST_CHANGES, ".")
        )
    logged = found[0]
    if logged.undone_by:
        what = f"change {number} was undone by change {logged.undone_by} already. Nothing was changed."
        raise errors.ConflictError(what, next_step=("to take that back, ", Hint.UNDO, f" {logged.undone_by}."))
    if any(logged.counts[state] for state in UNSETTLED):
        raise nothing_to_undo(number, "a part of it is under way, or its answer was lost.")
    return logged


async def _all_back(changes: Changes, number: int, done: Sequence[Line]) -> tuple[list[Change], list[str]]:
    back: list[Change] = []
    left: list[str] = []
    for line in done:
        try:
            change, fields = await KINDS[line.change.kind].back(changes.api, line.change)
            back.append(await as_it_stands(changes.api, change))
            left += fields
        except (errors.ConflictError, errors.MissingError) as error:
            raise nothing_to_undo(number, error.what) from error
    return back, left


async def _hanging(changes: Changes, back: Sequence[Change]) -> int | None:
    gone = next((one for one in back if one.kind == "configuration" and one.after is None), None)
    return 0 if gone is None else await configurations.count(changes.api, gone.key)


def nothing_to_undo(number: int, why: str) -> errors.ConflictError:
    """There is no way back, or none is needed."""
    what = f"change: there is nothing to undo in change {number}: {why} Nothing was changed."
    return errors.ConflictError(what, next_step=(Hint.LIST_CHANGES, ", or ", Hint.LIST_MAPPINGS, "."))
