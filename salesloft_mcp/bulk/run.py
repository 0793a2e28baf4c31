"""From a plan to mappings: intent before each write, outcome after, and nothing is sent twice on a guess.

A row whose answer was lost is looked up after a quiet time, in which its request may still commit. Only when it is not
there is it sent again. A process that dies leaves such rows behind; the next run settles them first.
"""

from collections import Counter, deque
from collections.abc import Awaitable, Callable, Generator, Sequence
from dataclasses import dataclass, field
from time import time

import anyio

from salesloft_mcp import errors
from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import MappingKey
from salesloft_mcp.salesloft.paging import live_mappings
from salesloft_mcp.state.journal import Journal, Line, RowState

AT_ONCE = 12  # fewer than the connections, so that a chat call finds one free
BATCH = 64  # rows announced in one transaction; so many a killed process leaves to be looked up without need
WRITE_DOWN_SECONDS = 1.0
QUIET_SECONDS = 15.0  # longer than a request may take, so that nothing is on its way any more
MOST_TRIES = 10
LONGEST_PAUSE = 30.0
GIVE_UP_AFTER = 20  # passes in a row in which nothing went through

_PASSING = (errors.RateLimitedError, errors.UnreachableError, errors.UpstreamError, errors.BrokenAnswerError)
_FRESH: tuple[RowState, ...] = ("",)
_UNSETTLED: tuple[RowState, ...] = ("intended", "unknown")
_OPEN = frozenset({"", "unknown"})

Lines = Generator[Line, None, None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one row ended, or that it did not: `""` was not sent, `unknown` may have been."""

    line: Line
    state: RowState
    note: str = ""
    mapping_id: int | None = None


Outcomes = Sequence[Outcome]


@dataclass(slots=True)
class Run:
    """All of a plan, in passes over its open rows: first what was never sent, then what is unsettled, and again.

    `settled` hears of every outcome before the journal does, so that no write is unlogged.
    """

    api: Salesloft
    journal: Journal
    aim: Aim
    settled: Callable[[Outcomes], None] = lambda _: None
    cancelled: Callable[[], bool] = lambda: False
    quiet: float = QUIET_SECONDS
    at_once: int = AT_ONCE
    _outcomes: list[Outcome] = field(default_factory=list, init=False)  # not written down yet
    _in_vain: int = field(default=0, init=False)  # rows in a row without an answer
    _pauses: int = field(default=0, init=False)  # passes in a row in which nothing went through
    _last_word: str = field(default="", init=False)
    _calm_at: float = field(default=0.0, init=False)  # from then on nothing that was sent is on its way

    async def finish(self) -> bool:
        """Bring every row of the plan to its end; False when it was cancelled before.

        Raises:
            ApiError: Salesloft refuses everything, or cannot be reached for a long time. Run again to go on.
        """
        # Whoever ran this before may have sent something in its last moment.
        self._calm_at = anyio.current_time() + self.quiet
        while not self.cancelled():
            if self.journal.open_lines(_FRESH, 0, 1):
                seen = await self._pass(self._announced(), self._send)
                self._calm_at = anyio.current_time() + self.quiet
                through = any(state not in _OPEN for state in seen)
            elif self.journal.open_lines(_UNSETTLED, 0, 1):
                await anyio.sleep_until(self._calm_at)
                seen = await self._pass(self._unsettled(), self._look)
                if seen[""]:
                    continue  # known not to be there, so these are sent again at once
                through = any(state not in ("unknown", "failed") for state in seen)
            else:
                return True
            await self._pause(through)
        return False

    async def _pass(self, lines: Lines, act: Callable[[Line], Awaitable[Outcome]]) -> Counter[RowState]:
        """`act` on each of the lines, several at once, and write down what comes of it as time goes by."""
        seen: Counter[RowState] = Counter()
        self._in_vain = 0

        async def work() -> None:
            for line in lines:
                outcome = await act(line)
                self._outcomes.append(outcome)
                seen[outcome.state] += 1
                self._in_vain = self._in_vain + 1 if outcome.note and outcome.state in _OPEN else 0

        try:
            async with anyio.create_task_group() as writing:
                writing.start_soon(self._keep_writing_down)
                async with anyio.create_task_group() as workers:
                    for _ in range(self.at_once):
                        workers.start_soon(work)
                writing.cancel_scope.cancel()
        except ExceptionGroup as failed:
            raise _first(failed) from None
        finally:
            # What is missing after this, because something failed or the process is told to stop, stays `intended`.
            lines.close()
            self._write_down()
        return seen

    def _announced(self) -> Lines:
        """The rows that were never sent, each on disk as intended before it is handed out."""
        after = 0
        while batch := deque(self.journal.open_lines(_FRESH, after, BATCH)):
            after = batch[-1].line
            self.journal.intend([line.line for line in batch], time())
            try:
                while batch and not self._halting():
                    yield batch.popleft()
            finally:
                self.journal.take_back([line.line for line in batch])
            if self._halting():
                return

    def _unsettled(self) -> Lines:
        after = 0
        while batch := self.journal.open_lines(_UNSETTLED, after, BATCH):
            after = batch[-1].line
            for line in batch:
                if self._halting():
                    return
                yield line

    def _halting(self) -> bool:
        """Nobody wants more, or nothing gets through."""
        return self.cancelled() or self._in_vain >= BATCH

    async def _keep_writing_down(self) -> None:
        while True:
            await anyio.sleep(WRITE_DOWN_SECONDS)
            self._write_down()

    def _write_down(self) -> None:
        outcomes, self._outcomes = self._outcomes, []
        if not outcomes:
            return
        self._last_word = next((one.note for one in outcomes if one.note), self._last_word)
        self.settled([outcome for outcome in outcomes if outcome.state not in _OPEN])
        self.journal.settle((one.line.line, one.state, one.note, one.mapping_id) for one in outcomes)

    async def _send(self, line: Line) -> Outcome:
        assert line.object_id is not None
        aim = self.aim
        try:
            row = await self.api.create_mapping(aim.external_type, aim.object_type, line.external_id, line.object_id)
        except (errors.RejectedError, errors.UpstreamError) as error:
            return await self._refused(line, error)
        except errors.UnknownOutcomeError as error:
            return Outcome(line, "unknown", error.what)
        except (errors.RateLimitedError, errors.UnreachableError) as error:
            return Outcome(line, "", error.what)
        return Outcome(line, "created", mapping_id=row.id)

    async def _refused(self, line: Line, refusal: errors.ApiError) -> Outcome:
        """Somebody was faster, or an earlier try of ours arrived late: then the mapping tells."""
        try:
            found = await self._held(line)
        except _PASSING:
            return Outcome(line, "unknown", refusal.what)
        return found or Outcome(line, "failed", refusal.what)

    async def _look(self, line: Line) -> Outcome:
        try:
            found = await self._held(line)
        except _PASSING as error:
            return Outcome(line, "unknown", error.what)
        if found is not None:
            return found
        if line.tries >= MOST_TRIES:
            return Outcome(line, "failed", f"no answer to {line.tries} tries, and it is not there")
        return Outcome(line, "")

    async def _held(self, line: Line) -> Outcome | None:
        key = MappingKey(self.aim.external_type, self.aim.object_type, line.external_id)
        rows = await live_mappings(self.api, key)
        same = next((row for row in rows if row.object_id == line.object_id), None)
        if same is not None:
            # One that was there before our first try would have been `unchanged` in the plan.
            return Outcome(line, "created" if line.tries else "unchanged", "", same.id)
        return Outcome(line, "conflict", f"is mapped to {rows[0].object_id}", rows[0].id) if rows else None

    async def _pause(self, through: bool) -> None:
        """Nothing when something went through, else a longer time with every pass, and an end to it."""
        self._pauses = 0 if through else self._pauses + 1
        if self._pauses > GIVE_UP_AFTER:
            what = f"nothing went through in {GIVE_UP_AFTER} rounds. The last word: {self._last_word}"
            raise errors.UnreachableError(what, request="POST /v2/external/mappings", next_step="resume it later.")
        await anyio.sleep(min(LONGEST_PAUSE, self.quiet * self._pauses))


def _first(group: ExceptionGroup[Exception]) -> Exception:
    """The first failure in a group of groups."""
    found = group.exceptions[0]
    return _first(found) if isinstance(found, ExceptionGroup) else found
