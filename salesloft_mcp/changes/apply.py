"""Every write of the product goes through here, whoever asks for it: looked at, logged, sent, judged, settled."""

import math
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import anyio

from salesloft_mcp import errors
from salesloft_mcp.changes import configurations, history
from salesloft_mcp.changes.approvals import BY_CLIENT
from salesloft_mcp.changes.attempt import look, send
from salesloft_mcp.changes.change import DONE, Author, Change, Done, Line, Operation, Outcome, Place, State, Verdict
from salesloft_mcp.changes.consent import Question, needed, question
from salesloft_mcp.changes.kinds import expected, read_again
from salesloft_mcp.changes.log import ChangeLog, HeldError
from salesloft_mcp.changes.refusals import explained
from salesloft_mcp.errors import Hint
from salesloft_mcp.lookups.configurations import Configurations
from salesloft_mcp.policy import NO_LIMITS, Policy
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import MappingKey

ATTEMPTS = 3
FRESH_SECONDS = 2.0  # what was read longer ago is read again before it is written
QUIET_SECONDS = 2.0  # how long a write whose answer was lost may still be on its way
SENT_SECONDS = 15.0  # longer than any request takes: what was not renewed since then was cut off, and has ended
LOOK_BACK_SECONDS = 5.0
_POLL_SECONDS = 0.05

# The token may not see its team, or a server that speaks the guide has none: then no team is told.
_NO_TEAM = (errors.ForbiddenError, errors.NotFoundError)
_NO_WORD = (errors.BrokenAnswerError, errors.UpstreamError)  # that may be so only this time
_CHANGED = "what this is about changed while the person was asked. Nothing was changed."
_BESIDE_NOW = "something that is nearly the same was created at this moment. Nothing was changed."
_AGAIN = "make the same call again; the person is asked about it as it is now."


@dataclass
class Changes:
    """The writes of one environment, within `limits`. Nothing here knows who asks, or by which protocol.

    `quiet` is how many seconds a write whose answer was lost may still be on its way. What was announced, and not
    renewed for `sent_seconds`, was cut off.
    """

    api: Salesloft
    log: ChangeLog
    known: Configurations
    environment: str
    limits: Policy = NO_LIMITS
    quiet: float = QUIET_SECONDS
    sent_seconds: float = SENT_SECONDS
    known_place: Place | None = field(default=None, init=False)  # as far as it was read

    async def place(self, fresh: bool = False) -> Place:
        """The environment and the team that every write goes to: a point, once, and whenever it has to be `fresh`.

        Raises:
            ApiError: it has to be fresh, and what Salesloft says of the team cannot be read.
        """
        if self.known_place is None or fresh:
            try:
                team = await self.api.team()
                self.known_place = Place(self.environment, team.id, team.name or "")
            except _NO_TEAM:
                self.known_place = Place(self.environment)
            except _NO_WORD:
                if fresh:
                    raise
                return Place(self.environment)
        return self.known_place

    def forget_place(self) -> None:
        """Read the team anew the next time: the token may be of another one by now, and of another person."""
        self.known_place, self.log.person = None, ""

    async def taken_off(self, keys: Iterable[MappingKey]) -> dict[str, Line]:
        """Of these external ids, those that were taken off a record here, or nearly the same one was: the deletion by
        which that came to be, last. What would be created under one of them may be a second record of the same.
        """
        return await history.taken_off(self.log.database, self.log.tenant, (await self.place()).team_key, keys)

    def require_allowed(self, operation: Operation, run_of: str = "") -> None:
        """`run_of` is the kind of record that the run of the operation is about.

        Raises:
            PolicyError: nothing of the kind may be written or deleted here.
        """
        self.limits.require_write(removes=operation.removes)
        for one in {run_of, *(one.key.object_type for one in operation.changes)} - {""}:
            self.limits.require_object_type(one)

    async def question(self, operation: Operation, besides: int = 0) -> Question | None:
        """What a person is asked about an operation; None where nobody has to agree.

        `besides` is how many creates count together with those of the operation, beside the ones the log tells of.

        Raises:
            PolicyError: it may not be done here, whoever agrees.
        """
        self.require_allowed(operation)
        unconfirmed = await self.log.unconfirmed_creates(operation.by_run.plan) if operation.by_run.plan else 0
        rule = needed(operation, unconfirmed + besides, self.limits.ask)
        if rule is None:
            return None
        place = await self.place(fresh=self.known_place is None)  # whoever agrees has to know where
        return question(operation, rule, place, await self.log.last(operation))

    async def still_agreed(self, number: int) -> bool:
        """Whether the way in which a person agreed to an operation is one that counts here."""
        found = await history.find(self.log.database, history.Search(tenant=self.environment, id=number), 1)
        return self.limits.confirm != "outside" or not any(one.how.startswith(BY_CLIENT) for one in found)

    async def apply(self, operation: Operation, author: Author) -> Done:
        """A few changes, one after the other, each brought to its end; what follows a failed one is not sent.

        Raises:
            PolicyError: it may not be done here.
            UnconfirmedError: what a person agreed to is not what stands there now, or the yes was used already.
            ConflictError: something else stands there, or another write of the same key takes long.
        """
        self.require_allowed(operation)
        place = await self.place()
        carried = await self._carried(operation, author)
        lines, alone = await self._begun(operation, place, author, carried)
        outcomes: list[Outcome] = []
        for line in lines:
            outcomes.append(await self._finish(line, looked=alone and line.state == "intended"))
            if outcomes[-1].state not in DONE | {"unchanged"}:
                break
        return Done(lines[0].operation, place, author.how, tuple(outcomes), len(carried))

    async def decline(self, operation: Operation, author: Author) -> None:
        """Write down that a person did not agree, so that the answer cannot be used again."""
        if operation.by_run.plan:
            await self.log.begin_run(operation, await self.place(), author)
        else:
            await self.log.begin(operation, await self.place(), author, ["declined"] * len(operation.changes))

    async def look_back(self) -> None:
        """Settle what was cut off some time ago, as much of it as a few seconds allow: one look at each."""
        with anyio.move_on_after(LOOK_BACK_SECONDS):
            before, after = self.log.clock() - self.sent_seconds, 0
            while lines := await self.log.unsettled(before, after):
                after = lines[-1].id
                for line in lines:
                    await self.settle_cut_off(line)

    async def settle_cut_off(self, line: Line) -> None:
        """Look what became of a change that was announced, and write it down; a change of a run may be sent again."""
        outcome = await look(self.api, line, sent=True)
        if outcome.state == "planned" and line.line is None:
            outcome = replace(outcome, state="failed", note="it was cut off, and was not done")
        if outcome.state != "unknown":
            await self.settle([outcome], cut_off=True)

    async def settle(self, outcomes: Sequence[Outcome], epoch: int = 0, *, cut_off: bool = False) -> None:
        """Write down how changes ended, even while this call is being cancelled."""
        with anyio.CancelScope(shield=True):
            await self.log.settle(outcomes, epoch, cut_off=cut_off)
        if any(one.line.change.kind == "configuration" for one in outcomes):
            self.known.forget()

    async def free(self, key: MappingKey, stop: Callable[[], bool] = lambda: False) -> None:
        """Wait for whoever writes at a key, or until `stop` says so, and settle what was cut off there.

        Raises:
            ConflictError: the other write takes longer than this call may.
        """
        seen, since = (0, 0.0), time.monotonic()
        while not stop() and (line := await self.log.holder(key)) is not None:
            if current().patience() < 0:
                raise _busy()
            if seen != (line.id, line.at):
                seen, since = (line.id, line.at), time.monotonic()
            calm = self.quiet if line.state == "unknown" and line.line is None else self.sent_seconds
            if max(time.monotonic() - since, self.log.clock() - line.at) > calm:
                await self.settle_cut_off(line)
                return
            await anyio.sleep(_POLL_SECONDS)

    async def _begun(
        self, operation: Operation, place: Place, author: Author, carried: Sequence[Change]
    ) -> tuple[list[Line], bool]:
        """The lines of an operation, the first open one as intended, and whether what was read of it still holds.

        What was read some time ago is read again. Whoever met another writer looks once more when its own change is
        announced, because only then nobody else can come in between.
        """
        alone, read_at = True, operation.read_at
        as_read = [expected(one) for one in operation.changes]
        changes, verdicts = operation.changes, as_read
        while True:
            if time.monotonic() - read_at > FRESH_SECONDS:
                read_at = time.monotonic()
                changes, verdicts = await read_again(self.api, operation.changes)
                if operation.facts_now and "open" in verdicts and await operation.facts_now() != operation.facts:
                    raise errors.UnconfirmedError(_CHANGED if author.how else _BESIDE_NOW, next_step=_AGAIN)
            if author.how and verdicts != as_read:
                raise errors.UnconfirmedError(_CHANGED, next_step=_AGAIN)
            now, states = replace(operation, changes=changes), _states(verdicts)
            moment = self.log.clock() - (time.monotonic() - read_at) if alone else math.inf
            try:
                return await self.log.begin(now, place, author, states, carried, moment), alone
            except HeldError as held:
                alone, read_at = False, -math.inf
                await self.free(held.key)

    async def _carried(self, operation: Operation, author: Author) -> list[Change]:
        """What goes along with a configuration: read after the yes, and before anything is sent."""
        change = operation.changes[0]
        if change.kind != "configuration" or change.after is not None:
            return []
        found = await configurations.carried(self.api, change.key, operation.carries)
        # They are counted as they were for the question: some may be in rows that cannot be read, and do not come back.
        if author.how and found is not None and operation.carries not in (None, len(found)):
            now = await configurations.count(self.api, change.key)
            if now == operation.carries:
                return found
            raise errors.UnconfirmedError(_CHANGED, next_step=_AGAIN)
        return found or []

    async def _finish(self, line: Line, *, looked: bool) -> Outcome:
        """Bring one change to its end, and write that down."""
        if line.state == "unchanged":
            return Outcome(line, "unchanged", line.change.before)
        try:
            while line.state != "intended":  # as the first open change is from the beginning
                await self.free(line.change.key)
                (line,) = await self.log.sending([line]) or [line]
        except errors.ConflictError as error:
            return Outcome(line, "planned", note=error.what, error=error)
        async with self.log.renewing(line.operation):
            outcome = Outcome(line, "planned") if looked else await look(self.api, line, sent=False)
            if outcome.state == "planned":
                outcome = await self._carried_out(line)
            try:
                await self.settle([outcome])  # before anything else can be cancelled
            except errors.StateError as error:
                what = f"change {line.operation} was sent, and how it ended could not be written down: {error.what}"
                raise errors.StateError(what, next_step=("when that is mended, ", Hint.LIST_CHANGES, ".")) from error
        if outcome.error is not None and outcome.state == "failed":
            return replace(outcome, error=await explained(self.known, self.api, line.change, outcome.error))
        return outcome

    async def _carried_out(self, line: Line) -> Outcome:
        """Send, and look when the answer is lost; send again only what is known not to be there."""
        outcome = await send(self.api, line)
        for _ in range(ATTEMPTS - 1):
            if outcome.state != "unknown":
                break
            await anyio.sleep(self.quiet)
            found = await look(self.api, outcome.line, sent=True)
            if found.state == "planned":
                announced, busy = await self.log.sending([outcome.line]), _busy()
                found = await send(self.api, announced[0]) if announced else replace(found, note=busy.what, error=busy)
                if announced and found.state == "planned":  # not sent again; what was sent may still be on its way
                    found = replace(found, state="unknown")
            outcome = replace(found, error=outcome.error) if found.state == "unknown" else found
        # The error of a request that was never sent says what to do; there is nothing left to be sent later.
        return replace(outcome, state="failed") if outcome.state == "planned" else outcome


def _busy() -> errors.ConflictError:
    what = "another write of the same external id is under way. Nothing was changed."
    return errors.ConflictError(what, next_step="make the same call again in a minute.")


def _states(verdicts: Sequence[Verdict]) -> list[State]:
    """What is done already stays as it is; the first of the others is announced, and the rest waits for it."""
    states: list[State] = ["unchanged" if verdict == "done" else "planned" for verdict in verdicts]
    if "planned" in states:
        states[states.index("planned")] = "intended"
    return states
