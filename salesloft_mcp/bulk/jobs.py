"""Plans and their runs: made, started, watched, cancelled and resumed. Jobs outlive the call that began them."""

import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio
import anyio.abc
import anyio.to_thread
import filelock

from salesloft_mcp import errors
from salesloft_mcp.bulk import plan as planning
from salesloft_mcp.bulk.job_guard import JobGuard
from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.runs import PlanRow, PlanTable, State
from salesloft_mcp.changes import history, mappings, undo
from salesloft_mcp.changes.apply import SENT_SECONDS, Changes
from salesloft_mcp.changes.change import OPEN, Author, Change, Operation
from salesloft_mcp.changes.change import State as ChangeState
from salesloft_mcp.changes.consent import Question
from salesloft_mcp.changes.log import StaleError, UsedError
from salesloft_mcp.changes.run import Feed, Run
from salesloft_mcp.errors import Hint
from salesloft_mcp.salesloft.call import Call, open_call
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import MappingKey
from salesloft_mcp.state.database import Database
from salesloft_mcp.state.files import private_directory
from salesloft_mcp.state.staging import Staging
from salesloft_mcp.text import quoted

UNDO = "undo-"  # begins the id of a run that takes an operation back
LOCK_SECONDS = 2.0  # how long a start waits for whoever only looks whether the plan is being run
_RUNNABLE: tuple[State, ...] = ("planned", "stopped", "cancelled")
_HALF_PLANNED = "it was cut off while it was planned.\nNext: plan it again."

Load = Callable[[Staging, Aim], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Status:
    """How far a plan is. `stopped` was begun and is run by nobody now: run it again to go on."""

    plan: PlanRow
    state: State
    problem: str
    outcomes: Counter[ChangeState]

    @property
    def aim(self) -> Aim:
        """The configuration it is for."""
        return Aim(self.plan.external_type, self.plan.object_type)

    @property
    def writes(self) -> int:
        """Mappings that it wants to create, or to delete."""
        return self.plan.counts["create"] + self.plan.counts["delete"]

    @property
    def done(self) -> int:
        """Rows to write that have come to their end."""
        return sum(number for state, number in self.outcomes.items() if state not in OPEN)

    @property
    def left(self) -> int:
        """Rows that are still to be written."""
        return max(0, self.writes - self.done)

    @property
    def under_way(self) -> bool:
        """Whether somebody works on it now."""
        return self.state in ("planning", "running")

    @property
    def refused(self) -> int:
        """Rows that were to be written and cannot be."""
        return self.outcomes["conflict"] + self.outcomes["failed"]


@dataclass(slots=True)
class _Job:
    """What this process does for a plan. Its patience is its own, not that of the call that began it."""

    lock: filelock.BaseFileLock
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    guard: JobGuard = field(default_factory=JobGuard)
    ended: anyio.Event = field(default_factory=anyio.Event)
    call: Call = field(default_factory=Call)
    cancelled: bool = False


class Jobs:
    """The plans of one environment below one folder. Jobs run in `tasks`, so they outlive the call that began."""

    def __init__(
        self, folder: Path, changes: Changes, database: Database, tasks: anyio.abc.TaskGroup, quiet: float
    ) -> None:
        self._folder = folder / "plans"
        self._changes = changes
        self._database = database
        self._table = PlanTable(database, changes.environment)
        self._tasks = tasks
        self._quiet = quiet
        self._jobs: dict[str, _Job] = {}

    @property
    def api(self) -> Salesloft:
        """The client in the lane of bulk work."""
        return self._changes.api

    async def plan(self, aim: Aim, load: Load, described: str) -> str:
        """Begin to plan what `load` brings; the id of the plan. Nothing is written to Salesloft."""
        plan = secrets.token_hex(4)
        lock = await self._locked(plan)
        name = described.encode("utf-8", "backslashreplace").decode()  # a file's name may be any bytes
        await self._table.add(plan, "planning", aim.external_type, aim.object_type, name)
        self._begin(plan, _Job(lock), lambda: self._plan(plan, aim, load))
        return plan

    async def operation(self, plan: str, title: str = "run") -> Operation:
        """What a run of the plan would do now, for a person to agree to; `title` is the tool or command that asks.

        Raises:
            MissingError: no such plan here. ConflictError: it cannot be run.
        """
        status = await self.status(plan)
        if status.state not in _RUNNABLE:
            raise errors.ConflictError(f"plan: it is {status.state}. Nothing was started.")
        deletes = status.left if status.plan.counts["delete"] else 0
        return Operation(
            title,
            (),
            undoes=status.plan.undoes or None,
            plan=plan,
            creates=status.left - deletes,
            deletes=deletes,
            facts=tuple(_facts(status).items()),
        )

    async def question(self, operation: Operation) -> Question | None:
        """What a person is asked about a run; None where nobody has to agree, or did before it was cut off."""
        status = await self.status(operation.plan)
        if status.state == "stopped" and status.plan.agreed >= status.left:
            return None
        return await self._changes.question(operation)

    async def start(self, operation: Operation, author: Author) -> int:
        """Begin or resume a run; it goes on when the caller does not wait. The number of its operation.

        Raises:
            MissingError: no such plan here. ConflictError: it cannot be run, or runs elsewhere.
            UnconfirmedError: it would write more than was agreed to, or the yes was used already.
        """
        plan = operation.plan
        await self.operation(plan)
        job = _Job(await self._locked(plan))
        with ExitStack() as held:
            held.callback(job.lock.release)
            now = await self.operation(plan, operation.title)  # judged again, under the lock
            await self._check_agreed(operation, now, author)
            await self._check_team(plan)
            number, epoch = await self._begun(plan, now, author)
            held.pop_all()  # the job lets go of it
        self._begin(plan, job, lambda: self._run(plan, number, epoch, job))
        return number

    async def start_undo(self, operation: Operation, author: Author, number: int = 0) -> int:
        """Run what is left of taking an operation back; `number` is the undoing itself where it was begun already."""
        if await self._table.get(operation.plan) is None:
            undone = operation.undoes or 0
            (line,) = await self._changes.log.lines(undone, limit=1)
            key = line.change.key
            await self._table.add(
                operation.plan, "planned", key.external_type, key.object_type, f"change {undone}", undone
            )
            counts = Counter({"create": operation.creates, "delete": operation.deletes})
            place = await self._changes.place()
            team = "" if place.team_id is None else str(place.team_id)
            await self._table.note(operation.plan, counts=counts, operation=number or None, team=team)
        return await self.start(operation, author)

    async def cancel(self, plan: str) -> None:
        """Ask a run to end after the rows in flight, wherever it runs. What was written stays.

        Raises:
            MissingError: no such plan here. ConflictError: it is at its end.
        """
        status = await self.status(plan)
        if status.state in ("finished", "failed"):
            raise errors.ConflictError(f"plan: it is {status.state}. Nothing was cancelled.")
        await self._table.note(plan, cancelled=1, agreed=0)
        if status.state in ("planned", "stopped"):
            await self._table.note(plan, state="cancelled")
        elif plan in self._jobs:
            self._jobs[plan].cancelled = True
            if status.state == "planning":
                self._jobs[plan].scope.cancel()

    async def wait(self, plan: str, seconds: float) -> Status:
        """How far it is when nobody works on it any more, or after so many seconds."""
        with anyio.move_on_after(seconds):
            job = self._jobs.get(plan)
            if job is not None and not job.ended.is_set():
                await job.ended.wait()
            elif (await self.status(plan)).under_way:
                await anyio.sleep(seconds)  # in another process, which tells nothing
        return await self.status(plan)

    def spent(self, plan: str) -> int:
        """Points that its last job in this process has spent so far."""
        return self._jobs[plan].call.points if plan in self._jobs else 0

    async def status(self, plan: str) -> Status:
        """How far it is.

        Raises:
            MissingError: no such plan in this environment.
        """
        row = await self._table.get(plan)
        if row is None:
            raise _no_such()
        outcomes = await history.counts(self._database, row.operation) if row.operation else Counter[ChangeState]()
        state, problem = row.state, row.problem
        if state in ("running", "planning") and not await self._is_locked(plan):
            row = await self._table.get(plan) or row  # it may have ended in this moment
            state, problem = row.state, row.problem
            unforeseen = self._jobs[plan].guard.problem if plan in self._jobs else ""
            if state == "running":
                state, problem = ("cancelled" if row.cancelled else "stopped"), unforeseen or problem
            elif state == "planning":
                state, problem = ("cancelled" if row.cancelled else "failed"), unforeseen or _HALF_PLANNED
        return Status(row, state, problem, outcomes)

    async def all(self, limit: int) -> list[Status]:
        """The newest plans first."""
        return [await self.status(row.id) for row in await self._table.all(limit)]

    @contextmanager
    def staging(self, plan: str) -> Iterator[Staging]:
        """The rows of a plan, for reading.

        Raises:
            MissingError: it has none, or they cannot be read.
        """
        file = self._folder / f"{plan}.db"
        if not (plan.isalnum() and plan.isascii()) or not file.exists():
            raise _no_such()
        with Staging(file) as staging:
            yield staging

    async def resume_all(self) -> None:
        """Go on with the runs that ended with their process. One that somebody else runs is left alone."""
        for plan in await self._table.running():
            status = await self.status(plan)
            if status.state == "stopped":
                try:
                    await self.start(await self.operation(plan), Author())
                except errors.SalesloftMcpError as error:
                    await self._table.note(plan, problem=str(error))

    def _begin(self, plan: str, job: _Job, work: Callable[[], Awaitable[None]]) -> None:
        self._jobs[plan] = job
        self._tasks.start_soon(self._do, job, work)

    async def _do(self, job: _Job, work: Callable[[], Awaitable[None]]) -> None:
        try:
            with job.guard, job.scope, open_call(lane="bulk") as job.call:
                await work()
        finally:
            job.lock.release()
            job.ended.set()

    async def _plan(self, plan: str, aim: Aim, load: Load) -> None:
        try:
            with Staging(private_directory(self._folder) / f"{plan}.db") as staging:
                await load(staging, aim)
                place = await self._changes.place(fresh=True)
                await planning.make(self._changes.api, staging, aim)
                counts = await anyio.to_thread.run_sync(staging.verdicts)
                digest = staging.digest
        except errors.SalesloftMcpError as error:
            await self._table.note(plan, state="failed", problem=str(error))
        else:
            team = "" if place.team_id is None else str(place.team_id)
            await self._table.note(plan, state="planned", counts=counts, digest=digest, team=team)

    async def _run(self, plan: str, number: int, epoch: int, job: _Job) -> None:
        """Bring a run to its end, and write down how it ended; a runner that lost its run writes nothing."""
        try:
            with self._feed(plan, number) as feed:
                run = Run(self._changes, number, epoch, feed, lambda: job.cancelled, quiet=self._quiet)
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(self._watch_for_cancel, plan, job)
                    finished = await run.finish()
                    tasks.cancel_scope.cancel()
        except* errors.SalesloftMcpError as failed:
            await self._table.note(plan, state="stopped", problem=str(failed.exceptions[0]))
        except* StaleError:
            pass
        else:
            await self._table.note(plan, state="finished" if finished else "cancelled")

    async def _watch_for_cancel(self, plan: str, job: _Job) -> None:
        """Any process may ask for the end of a run."""
        while not job.cancelled:
            await anyio.sleep(1.0)
            row = await self._table.get(plan)
            job.cancelled = job.cancelled or (row is not None and row.cancelled)

    @contextmanager
    def _feed(self, plan: str, number: int) -> Iterator[Feed]:
        """Where the changes of a run come from: what is to be taken back, or the rows of the plan."""
        if plan.startswith(UNDO):
            yield undo.feed(self._changes, int(plan.removeprefix(UNDO)))
            return
        with self.staging(plan) as staging:

            async def following(after: int, limit: int) -> list[tuple[int, Change]]:
                aim = (await self.status(plan)).aim
                rows = await anyio.to_thread.run_sync(staging.creates, after, limit)
                keys = [MappingKey(aim.external_type, aim.object_type, one.external_id) for one in rows]
                return [
                    (one.line, mappings.creation(key, one.object_id or 0)) for one, key in zip(rows, keys, strict=True)
                ]

            yield following

    async def _check_agreed(self, agreed: Operation, now: Operation, author: Author) -> None:
        """Whoever plans, cancels or runs the same meanwhile must not widen what a person said yes to.

        Raises:
            UnconfirmedError: more would be written than was agreed to, or a yes is needed by now.
        """
        again = "make the same call again; the person is asked about it as it is now."
        if now.creates > agreed.creates or now.deletes > agreed.deletes:
            what = f"{now.creates + now.deletes} writes are left, and fewer were agreed to. Nothing was started."
            raise errors.UnconfirmedError(what, next_step=again)
        if not author.how and await self.question(now) is not None:
            raise errors.UnconfirmedError("a person has to agree to this run. Nothing was started.", next_step=again)

    async def _check_team(self, plan: str) -> None:
        """The same address may be another team's with another token, and its objects have other ids."""
        planned = (await self.status(plan)).plan.team
        place = await self._changes.place(fresh=True)
        now = "" if place.team_id is None else str(place.team_id)
        if planned != now:
            what = f"plan: it was made for team {planned}, and this token is of team {now}. Nothing was written."
            raise errors.ConflictError(what, next_step="resume it with a token of its own team, or plan anew.")

    async def _begun(self, plan: str, operation: Operation, author: Author) -> tuple[int, int]:
        """The number of the run's operation, which spends the yes, and the epoch in which this process may write."""
        row = (await self.status(plan)).plan
        try:
            number = row.operation or await self._changes.log.begin_run(operation, await self._changes.place(), author)
            epoch = await self._changes.log.take_over(number, author if row.operation else Author())
        except UsedError:
            what = "this yes was used already. Nothing was started."
            raise errors.UnconfirmedError(what, next_step="make the call again to ask the person anew.") from None
        agreed = operation.creates + operation.deletes if author.how else row.agreed
        await self._table.note(plan, state="running", problem="", cancelled=0, operation=number, agreed=agreed)
        return number, epoch

    async def _locked(self, plan: str) -> filelock.BaseFileLock:
        """The lock of a plan. It goes with the process that holds it, however that ends."""
        lock = self._lock(plan)
        try:
            await anyio.to_thread.run_sync(lambda: lock.acquire(timeout=LOCK_SECONDS))
        except filelock.Timeout:
            raise errors.ConflictError("plan: another process works on it.") from None
        return lock

    async def _is_locked(self, plan: str) -> bool:
        """Whether a process works on it. Looking holds the lock for a moment, for which a start waits."""
        lock = self._lock(plan)
        try:
            lock.acquire(timeout=0)
        except filelock.Timeout:
            return True
        lock.release()
        return False

    def _lock(self, plan: str) -> filelock.BaseFileLock:
        return filelock.FileLock(private_directory(self._folder) / f"{plan}.lock", thread_local=False)


@asynccontextmanager
async def open_jobs(
    folder: Path, changes: Changes, database: Database, quiet: float = SENT_SECONDS
) -> AsyncIterator[Jobs]:
    """Jobs that end with this context; what was in flight is settled by the next run."""
    try:
        async with anyio.create_task_group() as tasks:
            yield Jobs(folder, changes, database, tasks, quiet)
            tasks.cancel_scope.cancel()
    except ExceptionGroup as group:
        # What a caller raised inside is to reach whoever opened this, as if no jobs had been there.
        raise group.exceptions[0] from group


def _facts(status: Status) -> dict[str, str]:
    """What a person is told of a run."""
    counts, row = status.plan.counts, status.plan
    told = {"plan": row.id, "external type": quoted(row.external_type), "object type": row.object_type}
    told["from"] = quoted(row.source)
    if row.digest:
        told["digest of the input"] = row.digest
    if not row.undoes:
        told["conflicts left out"] = str(counts["conflict"])
        told["unknown objects left out"] = str(counts["object unknown"])
    told["cost"] = f"{status.left} points"
    return told


def _no_such() -> errors.MissingError:
    return errors.MissingError("plan: there is no such plan here.", next_step=(Hint.PLAN_AGAIN, "."))
