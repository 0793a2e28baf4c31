"""From a plan to mappings: intent before each write, outcome after, and nothing is sent twice on a guess.

A row whose answer was lost is looked up after a quiet time, in which its request may still commit. Only when it is not
there is it sent again. A process that dies leaves such rows behind; the next run settles them first.
"""

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

import anyio

from salesloft_mcp import errors
from salesloft_mcp.api.client import Salesloft
from salesloft_mcp.api.writes import MappingKey, live_mappings
from salesloft_mcp.backfill.plan import Aim
from salesloft_mcp.state.journal import Journal, Line, RowState

AT_ONCE = 12  # fewer than the connections, so that a chat call finds one free
BATCH = 256
QUIET_SECONDS = 15.0  # longer than a request may take, so that nothing is on its way any more
MOST_TRIES = 10
LONGEST_PAUSE = 30.0
GIVE_UP_AFTER = 20  # rounds in a row without any progress

_PASSING = (errors.RateLimitedError, errors.UnreachableError, errors.UpstreamError, errors.BrokenAnswerError)
_UNSETTLED: tuple[RowState, ...] = ("intended", "unknown")


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
    """One pass over a plan. `settled` hears of every outcome before the journal does, so that no write is unlogged."""

    api: Salesloft
    journal: Journal
    aim: Aim
    settled: Callable[[Outcomes], None] = lambda _: None
    cancelled: Callable[[], bool] = lambda: False
    quiet: float = QUIET_SECONDS
    at_once: int = AT_ONCE
    clock: Callable[[], float] = time.time
    pauses: int = field(default=0, init=False)

    async def finish(self) -> bool:
        """Bring every row of the plan to its end; False when it was cancelled before.

        Raises:
            ApiError: Salesloft refuses everything, or cannot be reached for a long time. Run again to go on.
        """
        while not self.cancelled():
            fresh = self.journal.open_lines(("",), 0, BATCH)
            open_rows = fresh or self.journal.open_lines(_UNSETTLED, 0, BATCH)
            if not open_rows:
                return True
            outcomes = await (self._send_all(fresh) if fresh else self._settle_all(open_rows))
            await self._pause_without_progress(outcomes)
        return False

    async def _send_all(self, lines: Sequence[Line]) -> Outcomes:
        self.journal.intend((line.line for line in lines), self.clock())
        return await self._each(lines, self._send)

    async def _settle_all(self, lines: Sequence[Line]) -> Outcomes:
        latest = max(line.intended_at or 0.0 for line in lines)
        await anyio.sleep(max(0.0, latest + self.quiet - self.clock()))
        return await self._each(lines, self._look)

    async def _each(self, lines: Sequence[Line], act: Callable[[Line], Awaitable[Outcome]]) -> Outcomes:
        outcomes: list[Outcome] = []
        places = anyio.CapacityLimiter(self.at_once)

        async def one(line: Line) -> None:
            async with places:
                outcomes.append(await act(line))

        try:
            async with anyio.create_task_group() as tasks:
                for line in lines:
                    tasks.start_soon(one, line)
        except ExceptionGroup as failed:
            raise failed.exceptions[0] from None
        finally:
            # What is missing here, because something failed or the process is told to stop, stays `intended`.
            self._write_down(outcomes)
        return outcomes

    def _write_down(self, outcomes: Outcomes) -> None:
        self.settled([outcome for outcome in outcomes if outcome.state not in ("", "unknown")])
        self.journal.settle((one.line.line, one.state, one.note, one.mapping_id) for one in outcomes)

    async def _send(self, line: Line) -> Outcome:
        assert line.object_id is not None
        aim = self.aim
        try:
            row = await self.api.create_mapping(aim.external_type, aim.object_type, line.external_id, line.object_id)
        except errors.RejectedError as error:
            return await self._refused(line, error)
        except errors.UnknownOutcomeError as error:
            return Outcome(line, "unknown", error.what)
        except (errors.RateLimitedError, errors.UnreachableError) as error:
            return Outcome(line, "", error.what)
        return Outcome(line, "created", mapping_id=row.id)

    async def _refused(self, line: Line, refusal: errors.RejectedError) -> Outcome:
        """Somebody was faster, or an earlier try of ours arrived late: then the mapping tells."""
        try:
            found = await self._held(line)
        except errors.ApiError:
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
            return Outcome(line, "created" if line.tries > 1 or line.state in _UNSETTLED else "unchanged", "", same.id)
        return Outcome(line, "conflict", f"is mapped to {rows[0].object_id}", rows[0].id) if rows else None

    async def _pause_without_progress(self, outcomes: Outcomes) -> None:
        if any(outcome.state not in ("", "unknown") for outcome in outcomes):
            self.pauses = 0
            return
        self.pauses += 1
        if self.pauses > GIVE_UP_AFTER:
            note = next((outcome.note for outcome in outcomes if outcome.note), "")
            what = f"nothing went through in {GIVE_UP_AFTER} rounds. The last word: {note}"
            raise errors.UnreachableError(what, request="POST /v2/external/mappings", next_step="resume it later.")
        await anyio.sleep(min(LONGEST_PAUSE, self.quiet * self.pauses))
