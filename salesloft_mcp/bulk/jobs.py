"""Work on plans that outlives the call that began it: a plan is made, and run, cancelled, resumed or taken back."""

import math
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager, nullcontext
from dataclasses import replace

import anyio
import anyio.abc

from salesloft_mcp import errors
from salesloft_mcp.bulk import rename_guard
from salesloft_mcp.bulk.feeds import feed
from salesloft_mcp.bulk.job_guard import JobGuard
from salesloft_mcp.bulk.plan import Aim, Load
from salesloft_mcp.bulk.planning import Reads, make
from salesloft_mcp.bulk.plans import Job, Plans
from salesloft_mcp.bulk.status import Fact, PlanRow, Status, operation_of
from salesloft_mcp.changes import configurations
from salesloft_mcp.changes.apply import SENT_SECONDS, Changes
from salesloft_mcp.changes.change import DONE, Author, Operation, State
from salesloft_mcp.changes.consent import Question
from salesloft_mcp.changes.history import RESTRICTED_AGAIN
from salesloft_mcp.changes.kinds import as_it_stands, stands_already
from salesloft_mcp.changes.log import StaleError, UsedError
from salesloft_mcp.changes.refusals import of_all
from salesloft_mcp.changes.run import Run
from salesloft_mcp.salesloft.call import current, open_call

STARTING = "starting"  # the lock of whoever begins a run, so that two runs do not overlook each other
WATCH_SECONDS = 1.0  # how often a job looks whether another process has cancelled it
_AGAIN = "make the same call again; the person is asked about it as it is now."


class Jobs:
    """What is done for the plans of one environment, in `tasks`.

    `quiet` is how many seconds a write whose answer was lost may still be on its way.
    """

    def __init__(self, plans: Plans, changes: Changes, reads: Reads, tasks: anyio.abc.TaskGroup, quiet: float) -> None:
        self._plans = plans
        self._changes = changes
        self._reads = reads
        self._tasks = tasks
        self._quiet = quiet

    async def plan(self, aim: Aim, load: Load, source: str) -> str:
        """Begin to plan what `load` brings from `source`; the id of the plan. Nothing is written to Salesloft."""
        plan = secrets.token_hex(4)
        source = source.encode("utf-8", "backslashreplace").decode()  # a file's name may be any bytes
        job = Job(plan, await self._plans.lock(plan))
        await self._plans.add(plan, aim, source, state="planning")
        self._begin(job, lambda: self._make(job, aim, load), "plan again")
        return plan

    async def question(self, operation: Operation) -> Question | None:
        """What a person is asked about a run; None where nobody has to agree, or did before it was cut off.

        The creates of an hour count together: those of other runs, and of this one before it was cancelled.
        """
        own, left = await self._plans.row(operation.by_run.plan), operation.by_run.writes
        self._changes.require_allowed(operation, own.object_type if own else "")
        if own is not None and own.agreed >= left and await self._changes.still_agreed(own.operation):
            return None
        besides = own.writes - left if own else 0
        for row in await self._plans.running():
            if row.id != operation.by_run.plan and not row.agreed:
                besides += (await self._plans.status(row.id)).left
        return await self._changes.question(operation, besides)

    async def start(self, operation: Operation, author: Author, seen: int | None = None) -> int:
        """Begin or resume a run; it goes on when the caller does not wait. The number of its operation.

        A cancel that comes meanwhile wins; `seen` is what `PlanRow.cancelled` was, when not at this moment.

        Raises:
            MissingError: no such plan here. PolicyError: it is not allowed. ConflictError: it is not to be run now.
            UnconfirmedError: it would write more than was agreed to, or the yes was used already.
        """
        with ExitStack() as held:
            held.enter_context(await self._plans.lock(operation.by_run.plan))
            status = await self._plans.status(operation.by_run.plan, held=True)
            self._changes.require_allowed(operation, status.plan.object_type)
            login = await self._check_team(status.plan)
            with await self._plans.lock(STARTING):
                row, epoch = await self._begun(status, operation, author, seen)
            job = Job(row.id, held.pop_all())
        self._begin(job, lambda: self._run(job, row, epoch, author, operation.title, login))
        return row.operation

    async def start_undo(self, operation: Operation, author: Author, number: int = 0) -> int:
        """Run what is left of taking an operation back; `number` is the undoing itself where it was begun already.

        Raises what `start` raises.
        """
        with await self._plans.lock(f"{operation.by_run.plan}-begins"):  # whoever comes at the same time looks after it
            own = await self._plans.of_operation(operation.undoes or 0)
            async with self._plans.set_aside(own.id) if own else nullcontext():
                return await self._begin_undo(operation, own, author, number)

    async def cancel(self, plan: str) -> None:
        """Ask a run to end after the rows in flight, or the making of a plan, wherever that is. What was written stays.

        Raises:
            MissingError: no such plan here. ConflictError: it is at its end.
        """
        status = await self._plans.status(plan)
        if status.state in ("finished", "failed", "undoing", "undone"):
            raise errors.ConflictError(f"plan: it is {status.state}. Nothing was cancelled.", next_step=errors.LOOK)
        await self._plans.cancel(plan)
        if plan in self._plans.jobs:
            self._plans.jobs[plan].cancel()

    async def wait(self, plan: str, seconds: float) -> Status:
        """How far it is when nobody works on it any more, or after so many seconds."""
        with anyio.move_on_after(seconds):
            if plan in self._plans.jobs:
                await self._plans.jobs[plan].ended.wait()
            if (await self._plans.status(plan)).under_way:
                await anyio.sleep(seconds)  # in another process, which tells nothing
        return await self._plans.status(plan)

    async def watch(self, plan: str, step: float, seconds: float = math.inf) -> AsyncIterator[Status]:
        """How far it is now and after every `step`, until nobody works on it any more, or for so many seconds."""
        end = anyio.current_time() + seconds
        status = await self._plans.status(plan)
        yield status
        while status.under_way and anyio.current_time() < end:
            status = await self.wait(plan, min(step, end - anyio.current_time()))
            yield status

    def spent(self, plan: str) -> int:
        """Points that its last job in this process has spent so far."""
        return self._plans.jobs[plan].call.points if plan in self._plans.jobs else 0

    async def resume_all(self, undoings: bool = True) -> None:
        """Go on with runs that ended with their process, or are paused, as far as they are allowed here; with those
        that take something back only if `undoings`.
        """
        for row in await self._plans.running():
            if row.undoes and not undoings:
                continue
            with JobGuard(), open_call(lane="bulk"):
                try:
                    if (status := await self._plans.status(row.id)).waits:
                        await self.start(operation_of(status, "serve"), Author(), seen=0)
                except errors.SalesloftMcpError as error:
                    if (await self._plans.status(row.id)).waits:  # else somebody else was quicker
                        await self._plans.note(row.id, seen=0, problem=str(error))

    def _begin(self, job: Job, work: Callable[[], Awaitable[None]], after_failure: str = "resume it") -> None:
        self._plans.jobs[job.plan] = job
        self._tasks.start_soon(self._do, job, work, after_failure)

    async def _do(self, job: Job, work: Callable[[], Awaitable[None]], after_failure: str) -> None:
        try:
            with job.lock:
                with JobGuard(after_failure) as guard, open_call(lane="bulk") as job.call:
                    async with anyio.create_task_group() as watching:
                        watching.start_soon(self._watch, job)
                        await work()
                        watching.cancel_scope.cancel()
                if guard.problem:
                    with JobGuard():  # the database itself may be what failed
                        await self._plans.note(job.plan, problem=guard.problem)
        finally:
            job.ended.set()

    async def _begin_undo(self, operation: Operation, own: PlanRow | None, author: Author, number: int) -> int:
        run = operation.by_run
        before = await self._plans.row(run.plan)
        done = (await self._plans.status(before.id)).done if before else 0
        written = (await self._plans.status(own.id)).outcomes if own else Counter[State]()
        left = sum(written[state] for state in DONE) - done  # it may have gone on while the person was asked
        if left > run.writes:
            raise _more_than_agreed(left)
        counts = Counter(create=run.creates, update=run.updates, delete=run.deletes)
        if before is None:
            await self._add_undo(operation, own, counts, number)
        elif not done:
            await self._plans.note(before.id, counts=counts)
        return await self.start(operation, author)

    async def _add_undo(self, operation: Operation, own: PlanRow | None, counts: Counter[str], number: int) -> None:
        """The plan of an undoing; `number` is its operation where that was begun already."""
        (line,) = await self._changes.log.lines(operation.undoes or 0, limit=1)
        aim = own.aim.back if own else Aim(line.change.key.external_type, line.change.key.object_type)
        facts: dict[str, Fact] = {
            "undoes": operation.undoes,
            "asks": Counter({RESTRICTED_AGAIN: operation.by_run.asks}),
            "counts": counts,
            "team": (await self._changes.place(fresh=True)).team_key,
            "operation": number or None,
        }
        await self._plans.add(operation.by_run.plan, aim, f"change {operation.undoes}", state="planned", **facts)

    async def _make(self, job: Job, aim: Aim, load: Load) -> None:
        """Make the plan, and write down what came of it, unless it was cancelled."""
        job.call.enduring = True
        with job.scope:
            try:
                with self._plans.new_staging(job.plan) as staging:
                    facts = await make(self._changes, self._reads, staging, aim, load)
            except errors.SalesloftMcpError as error:
                await self._plans.note(job.plan, state="failed", problem=str(error))
            else:
                await self._plans.note(job.plan, seen=0, state="planned", **facts)

    async def _run(self, job: Job, row: PlanRow, epoch: int, author: Author, title: str, login: str) -> None:
        """Bring a run to its end, and write down how it ended; a runner that lost its run writes nothing."""
        job.call.team, job.call.login = row.team, login
        try:
            await self._configure(row, author, title)
            fed, check = feed(self._plans, self._changes, row), rename_guard.check(self._changes, row)
            run = Run(self._changes, row.operation, epoch, fed, lambda: job.cancelled, self._quiet, check=check)
            finished = await run.finish()
        except errors.SalesloftMcpError as error:
            paused = isinstance(error, errors.SignedOutError)
            why = await of_all(self._changes.known, error, row.aim.target.external_type, row.object_type)
            await self._plans.note(job.plan, state="paused" if paused else "stopped", problem=str(why))
        except StaleError:
            pass
        else:
            await self._plans.note(job.plan, state="finished" if finished else "cancelled")

    async def _configure(self, row: PlanRow, author: Author, title: str) -> None:
        """A plan may be made before its external type is configured; whoever agreed to the run agreed to that, too."""
        if row.asks["configuration"] and row.writes:
            change = await as_it_stands(self._changes.api, configurations.creation(row.aim.target.key("")))
            if not stands_already(change):  # as it does whenever a run is resumed
                done = await self._changes.apply(Operation(title, (change,)), replace(author, consent=""))
                if done.error is not None:
                    raise done.error

    async def _watch(self, job: Job) -> None:
        """Any process may ask for the end of a job."""
        while not job.cancelled:
            await anyio.sleep(WATCH_SECONDS)
            row = await self._plans.row(job.plan)
            if row is not None and row.cancelled:
                job.cancel()

    async def _begun(self, status: Status, agreed: Operation, author: Author, seen: int | None) -> tuple[PlanRow, int]:
        """Judged again under the lock: the run, and the epoch in which this process may write for it.

        Raises:
            UnconfirmedError: more would be written than was agreed to, a yes is needed by now, or it was used already.
            ConflictError: it cannot be run, or was cancelled meanwhile.
        """
        now, row = operation_of(status, agreed.title, agreed.by_run.suspicious), status.plan
        left = now.by_run
        if left.writes > agreed.by_run.writes or left.deletes > agreed.by_run.deletes:
            raise _more_than_agreed(left.writes)
        if not author.how and await self.question(now) is not None:
            raise errors.UnconfirmedError("a person has to agree to this run. Nothing was started.", next_step=_AGAIN)
        try:
            number = row.operation or await self._changes.log.begin_run(now, await self._changes.place(), author)
            epoch = await self._changes.log.take_over(number, author if row.operation else Author())
        except UsedError:
            what = "this yes was used already. Nothing was started."
            raise errors.UnconfirmedError(what, next_step="make the call again to ask the person anew.") from None
        seen = row.cancelled if seen is None else seen
        writes = left.writes if author.how else row.agreed
        begun: dict[str, Fact] = {"operation": number, "agreed": writes, "suspicious": left.suspicious}
        kept = await self._plans.note(row.id, seen, state="running", problem="", cancelled=0, **begun)
        if not kept:
            await self._plans.note(row.id, operation=number)
            raise errors.ConflictError("plan: it was cancelled meanwhile. Nothing was started.", next_step=errors.LOOK)
        return replace(row, operation=number, suspicious=left.suspicious), epoch

    async def _check_team(self, plan: PlanRow) -> str:
        """The same address may be another team's with another token, and its objects have other ids. The sign-in of
        which that was read.
        """
        now = (await self._changes.place(fresh=True)).team_key
        if plan.team != now:
            made, here = (f"team {key}" if key else "an unknown team" for key in (plan.team, now))
            what = f"plan: it was made for {made}, and this token is of {here}. Nothing was written."
            raise errors.ConflictError(what, next_step="resume it with a token of its own team, or plan anew.")
        return current().login


def _more_than_agreed(left: int) -> errors.UnconfirmedError:
    what = f"{left} writes are left, and fewer were agreed to. Nothing was started."
    return errors.UnconfirmedError(what, next_step=_AGAIN)


@asynccontextmanager
async def open_jobs(plans: Plans, changes: Changes, reads: Reads, quiet: float = SENT_SECONDS) -> AsyncIterator[Jobs]:
    """Jobs that end with this context; what was in flight is settled by the next run."""
    try:
        async with anyio.create_task_group() as tasks:
            yield Jobs(plans, changes, reads, tasks, quiet)
            tasks.cancel_scope.cancel()
    except ExceptionGroup as group:
        # What a caller raised inside is to reach whoever opened this, as if no jobs had been there.
        raise group.exceptions[0] from group
