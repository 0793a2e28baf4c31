"""Many changes of one operation, several at once: announced before they are sent, and nothing is sent twice on a guess.

A change whose answer was lost is looked up after a quiet time, in which its request may still commit. Only when it is
not there is it sent again. A process that dies leaves such changes behind; the next run settles them first.
"""

import math
from collections import Counter, deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

import anyio

from salesloft_mcp import errors
from salesloft_mcp.changes.apply import SENT_SECONDS, Changes
from salesloft_mcp.changes.attempt import look, look_together, send
from salesloft_mcp.changes.change import OPEN, UNSETTLED, Fed, Line, NotYetError, Outcome, State
from salesloft_mcp.changes.refused import Refusals
from salesloft_mcp.salesloft.call import sent_within
from salesloft_mcp.salesloft.gather import gather_limited

AT_ONCE = 12  # fewer than the connections, so that a chat call finds one free
# Changes announced in one transaction; so many a killed process leaves to be looked up without need. Nine questions
# tell whose the external ids of so many records are.
BATCH = 126
IN_VAIN = 64  # changes in a row without an answer: the pass ends
WRITE_DOWN_SECONDS = 1.0
# A record that was read longer ago is read again before it is written: a single write may wait as long for its points.
READ_AGAIN_SECONDS = 15.0
RESTED_SECONDS = 600.0  # a run that rested so long looks at each creation that was left over
MOST_SENDS = 10  # of one change in one run, each with an answer that was lost
LONGEST_PAUSE = 30.0
GIVE_UP_AFTER = 20  # passes in a row in which nothing went through

# The next changes past a line of the input: at most so many, and none when there are no more. It raises NotYetError.
Feed = Callable[[int, int], Awaitable[Sequence[Fed]]]
Lines = AsyncGenerator[Line, None]
ReadT = TypeVar("ReadT")


@dataclass(slots=True)
class Run:
    """All changes of operation `number`, in passes over those that are open: first what was never sent, then what is
    unsettled, and again.

    `feed` brings changes that are not in the log yet. `quiet` is how many seconds a request may still be on its way.
    `check` says which changes that have waited must not be sent any more.
    """

    changes: Changes
    number: int
    epoch: int
    feed: Feed
    cancelled: Callable[[], bool] = lambda: False
    quiet: float = SENT_SECONDS
    at_once: int = AT_ONCE
    check: Callable[[Sequence[Line]], Awaitable[list[Outcome]]] | None = None
    _outcomes: list[Outcome] = field(default_factory=list, init=False)  # not written down yet
    _sends: Counter[int] = field(default_factory=Counter, init=False)  # of each line whose answer was lost
    _in_vain: int = field(default=0, init=False)  # changes in a row without an answer
    _pauses: int = field(default=0, init=False)  # passes in a row in which nothing went through
    _refusals: Refusals = field(default_factory=Refusals, init=False)
    _last_word: str = field(default="", init=False)
    _waits: bool = field(default=False, init=False)  # whether more follows when all that was announced has ended
    _calm_at: float = field(default=0.0, init=False)  # from then on nothing that was sent is on its way

    async def finish(self) -> bool:
        """Bring every change to its end; False when it was cancelled before.

        Raises:
            ApiError: Salesloft refuses everything, or cannot be reached for a long time. Run again to go on.
            StaleError: another runner took over.
        """
        # Whoever ran this before may have sent something in its last moment.
        self._calm_at = anyio.current_time() + self.quiet
        while not self.cancelled():
            seen = await self._pass(self._announced(), self._send)
            if seen:
                self._calm_at = anyio.current_time() + self.quiet
                await self._pause(any(state not in OPEN for state in seen))
            elif await self.changes.log.lines(self.number, UNSETTLED, limit=1):
                await anyio.sleep_until(self._calm_at)
                seen = await self._pass(self._unsettled(), self._look)
                if not seen["planned"]:  # those are known not to be there, and sent again at once
                    await self._pause(any(state not in ("unknown", "failed") for state in seen))
            elif held := await self.changes.log.lines(self.number, {"planned"}, limit=1):
                await self._free(held[0])
            elif not self._waits:
                return True
        return False

    async def _free(self, held: Line) -> None:
        """Others write at the keys of what is left: wait for one of them, and look what it left there."""
        await self.changes.free(held.change.key, self.cancelled)
        if self.cancelled():
            return
        outcome = await look(self.changes.api, held, sent=False)
        unread = outcome.state == "failed"
        self._refusals.read(outcome.error if unread and isinstance(outcome.error, errors.ApiError) else None)
        self._raise_refusal()
        await self.changes.settle([replace(outcome, state="planned") if unread else outcome], self.epoch)
        await self._pause(not unread)

    async def _pass(self, lines: Lines, act: Callable[[Line], Awaitable[Outcome]]) -> Counter[State]:
        """`act` on each of the lines, several at once, and write down what comes of it as time goes by."""
        seen: Counter[State] = Counter()
        self._in_vain = 0
        taking = anyio.Lock()

        async def work() -> None:
            while True:
                async with taking:
                    line = await anext(lines, None)
                if line is None:
                    return
                since = self._refusals.seen
                outcome = await act(line)
                self._outcomes += self._refusals.take(outcome, since)
                seen[outcome.state] += 1
                self._in_vain = self._in_vain + 1 if outcome.error and outcome.state in OPEN else 0

        try:
            renewing = self.changes.log.renewing(self.number, self.epoch)
            async with aclosing(lines), renewing, anyio.create_task_group() as writing:
                writing.start_soon(self._keep_writing_down)
                async with anyio.create_task_group() as workers:
                    for _ in range(self.at_once):
                        workers.start_soon(work)
                writing.cancel_scope.cancel()
        finally:
            # What is missing after this, because something failed or the process is told to stop, stays `intended`.
            self._outcomes += self._refusals.rest()
            with anyio.CancelScope(shield=True):
                await self._write_down()
        self._raise_refusal()
        return seen

    def _raise_refusal(self) -> None:
        if self._refusals.of_all is not None:
            raise self._refusals.of_all

    async def _announced(self) -> Lines:
        """What was never sent, each on disk as intended before it is handed out."""
        log, after = self.changes.log, 0
        line_after = await log.last_input(self.number)
        while not self._halting():
            if waiting := await log.lines(self.number, {"planned"}, after=after, limit=BATCH):
                after = waiting[-1].id
                waiting = await self._as_they_were(waiting)
                announced = await log.sending(waiting, self.epoch) if waiting else []
            elif fed := await self._freshly(partial(self._fed, line_after)):
                line_after = fed[-1].line
                announced = await log.announce(self.number, self.epoch, fed)
            else:
                return
            batch = deque(one for one in announced if one.state == "intended")
            try:
                while batch and not self._halting() and self._holds(batch[0]) > 0:
                    yield batch.popleft()
            finally:
                with anyio.CancelScope(shield=True):
                    await self.changes.settle([Outcome(one, "planned", tried=False) for one in batch], self.epoch)
            after = batch[0].id - 1 if batch else after  # they have waited too long: they are looked at again

    async def _as_they_were(self, waiting: Sequence[Line]) -> list[Line]:
        """Those that may be sent. A run may have rested for days, or waited long for points, and others have changed a
        record meanwhile: they are looked at once more.
        """
        waiting = await self._checked(waiting)
        rested = [one for one in waiting if self._has_rested(one)]
        upserts = [one for one in waiting if one.change.kind == "record" and one not in rested]
        others = [one for one in waiting if one.change.kind != "record" and one not in rested]
        others += await self._looked_at(rested)
        if not upserts:
            return others
        try:
            found = await self._freshly(partial(look_together, self.changes.api, upserts))
        except errors.ApiError as error:  # these are looked at later
            self._refusals.read(error)
            return others
        self._refusals.read()
        now = self.changes.log.clock()
        await self.changes.settle(found, self.epoch)
        return [*others, *(replace(one.line, at=now) for one in found if one.state == "planned")]

    async def _checked(self, waiting: Sequence[Line]) -> Sequence[Line]:
        """Those that may still be sent; where that cannot be read now, none."""
        if self.check is None:
            return waiting
        try:
            found = await self.check(waiting)
        except errors.ApiError as error:
            self._refusals.read(error)
            return ()
        self._refusals.read()
        await self.changes.settle(found, self.epoch)
        ruled_out = {one.line.id for one in found}
        return [one for one in waiting if one.id not in ruled_out]

    def _has_rested(self, line: Line) -> bool:
        """Whether somebody may have given the external id of a creation to a record meanwhile, a hidden one, too."""
        return line.change.before is None and not 0 <= self.changes.log.clock() - line.at < RESTED_SECONDS

    async def _looked_at(self, lines: Sequence[Line]) -> list[Line]:
        """Those of which a look says that they may be sent; one that cannot be looked at now waits."""
        api, now = self.changes.api, self.changes.log.clock()
        found = await gather_limited([partial(look, api, one, sent=False) for one in lines])
        sure = [
            one
            for one in found
            if not isinstance(one.error, errors.ApiError) or isinstance(one.error, errors.UnreadRowsError)
        ]
        await self.changes.settle(sure, self.epoch)
        return [replace(one.line, at=now) for one in sure if one.state == "planned"]

    async def _freshly(self, read: Callable[[], Awaitable[ReadT]]) -> ReadT:
        """What is read; once more where that took so long, by waiting for points, that the first of it is old."""
        since = anyio.current_time()
        found = await read()
        return found if anyio.current_time() - since <= self._oldest else await read()

    @property
    def _oldest(self) -> float:
        """Seconds for which what was read holds; more where nothing went through so, because points are very few."""
        return READ_AGAIN_SECONDS * (1 + self._pauses)

    def _holds(self, line: Line) -> float:
        """Seconds for which what was read of a line still holds. A mapping is created or refused, whatever was read."""
        age = self.changes.log.clock() - line.at
        return math.inf if line.change.kind != "record" else self._oldest - age if age >= 0 else 0.0

    async def _send(self, line: Line) -> Outcome:
        with sent_within(self._holds(line)):
            return await send(self.changes.api, line)

    async def _fed(self, line_after: int) -> Sequence[Fed]:
        """The next changes past a line; where they cannot be read for a moment, that is waited out."""
        self._waits = False
        while not self.cancelled():
            try:
                fed = await self.feed(line_after, BATCH)
            except NotYetError:
                self._waits = True
                return ()
            except errors.ApiError as error:
                self._refusals.read(error)
                self._raise_refusal()
                self._last_word = error.what
                await self._pause(False)
            else:
                self._refusals.read()
                return fed
        return ()

    async def _unsettled(self) -> Lines:
        after = 0
        while lines := await self.changes.log.lines(self.number, UNSETTLED, after=after, limit=BATCH):
            after = lines[-1].id
            for line in lines:
                if self._halting():
                    return
                yield line

    async def _look(self, line: Line) -> Outcome:
        outcome = await look(self.changes.api, line, sent=True)
        if outcome.state == "planned" and self._refusals.sent_enough(line.id):
            told = f"{line.note.removesuffix(errors.UNKNOWN)}It was sent again, and is not there."
            return replace(outcome, state="failed", note=told)
        if outcome.state == "planned":
            self._sends[line.id] += 1
            if self._sends[line.id] >= MOST_SENDS:
                return replace(outcome, state="failed", note=f"no answer to {MOST_SENDS} tries, and it is not there")
        return outcome

    def _halting(self) -> bool:
        """Nobody wants more, or nothing gets through."""
        return self.cancelled() or self._refusals.of_all is not None or self._in_vain >= IN_VAIN

    async def _keep_writing_down(self) -> None:
        while True:
            await anyio.sleep(WRITE_DOWN_SECONDS)
            await self._write_down()

    async def _write_down(self) -> None:
        outcomes, self._outcomes = self._outcomes, []
        if outcomes:
            self._last_word = next((one.note for one in outcomes if one.note), self._last_word)
            await self.changes.settle(outcomes, self.epoch)

    async def _pause(self, through: bool) -> None:
        """Nothing when something went through, else a longer time with every pass, and an end to it."""
        self._pauses = 0 if through else self._pauses + 1
        if self._pauses > GIVE_UP_AFTER:
            what = f"nothing went through in {GIVE_UP_AFTER} rounds. The last word: {self._last_word}"
            raise errors.UnreachableError(what, next_step="resume it later.")
        await anyio.sleep(min(LONGEST_PAUSE, self.quiet * self._pauses))
