"""Work on plans that outlives the call that began it: a plan is made, and run, cancelled, resumed or taken back."""

import secrets
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import ExitStack, asynccontextmanager
from dataclasses import replace

import anyio
import anyio.abc

from salesloft_mcp import errors
from salesloft_mcp.bulk.job_guard import JobGuard
from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.runner import Job, Load, make_plan, run_plan
from salesloft_mcp.bulk.runs import PlanRow, State
from salesloft_mcp.bulk.status import Plans, Status
from salesloft_mcp.changes.apply import SENT_SECONDS, Changes
from salesloft_mcp.changes.change import Author, Operation
from salesloft_mcp.changes.consent import Question
from salesloft_mcp.changes.log import UsedError
from salesloft_mcp.salesloft.call import open_call
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.text import quoted

STARTING = "starting"  # the lock of whoever begins a run, so that two runs do not overlook each other
_RUNNABLE: tuple[State, ...] = ("planned", "stopped", "cancelled")
_AGAIN = "make the same call again; the person is asked about it as it is now."


class Jobs:
    """What is done for the plans of one environment, in `tasks`.

    `quiet` is how many seconds a write whose answer was lost may still be on its way.
    """

    def __init__(self, plans: Plans, changes: Changes, tasks: anyio.abc.TaskGroup, quiet: float) -> None:
        self._plans = plans
        self._changes = changes
        self._tasks = tasks
        self._quiet = quiet
        self._jobs: dict[str, Job] = {}

    @property
    def api(self) -> Salesloft:
        """The client that plans and runs send with."""
        return self._changes.api

    async def plan(self, aim: Aim, load: Load, source: str) -> str:
        """Begin to plan what `load` brings from `source`; the id of the plan. Nothing is written to Salesloft."""
        plan = secrets.token_hex(4)
        source = source.encode("utf-8", "backslashreplace").decode()  # a file's name may be any bytes
        job = Job(plan, await self._plans.lock(plan))
        await self._plans.table.add(
            plan, state="planning", external_type=aim.external_type, object_type=aim.object_type, source=source
        )
        self._begin(job, lambda: make_plan(job, self._plans, self._changes, aim, load))
        return plan

    async def operation(self, plan: str, title: str = "run") -> Operation:
        """What a run of the plan would do now, for a person to agree to; `title` is the tool or command that asks.

        Raises:
            MissingError: no such plan here. ConflictError: it cannot be run.
        """
        return _operation(await self._plans.status(plan), title)

    async def question(self, operation: Operation) -> Question | None:
        """What a person is asked about a run; None where nobody has to agree, or did before it was cut off.

        The creates of an hour count together: those of other runs, and of this one before it was cancelled.
        """
        own, left = await self._plans.table.get(operation.plan), operation.creates + operation.deletes
        if own is not None and own.agreed >= left:
            return None
        besides = own.writes - left if own else 0
        for plan in set(await self._plans.table.running()) - {operation.plan}:
            other = await self._plans.status(plan)
            besides += 0 if other.plan.agreed else other.left
        return await self._changes.question(operation, besides)

    async def start(self, operation: Operation, author: Author) -> int:
        """Begin or resume a run; it goes on when the caller does not wait. The number of its operation.

        Raises:
            MissingError: no such plan here. ConflictError: it cannot be run, or runs elsewhere.
            UnconfirmedError: it would write more than was agreed to, or the yes was used already.
        """
        job = Job(operation.plan, await self._plans.lock(operation.plan))
        with ExitStack() as held:
            held.callback(job.lock.release)
            status = await self._plans.status(job.plan, held=True)
            await self._check_team(status.plan)
            async with self._plans.locked(STARTING):
                row, epoch = await self._begun(status, operation, author)
            held.pop_all()  # the job lets go of it
        self._begin(job, lambda: run_plan(job, self._plans, self._changes, row, epoch, self._quiet))
        return row.operation

    async def start_undo(self, operation: Operation, author: Author, number: int = 0) -> int:
        """Run what is left of taking an operation back; `number` is the undoing itself where it was begun already.

        Raises what `start` raises.
        """
        undone = operation.undoes or 0
        (line,) = await self._changes.log.lines(undone, limit=1)
        own = await self._plans.table.of_operation(undone)
        if own:  # it must not go on by itself, now or later
            (await self._plans.lock(own)).release()
            await self._plans.table.note(own, cancelled=1, agreed=0)
        if await self._plans.table.get(operation.plan) is None:
            await self._plans.table.add(
                operation.plan,
                state="planned",
                external_type=line.change.key.external_type,
                object_type=line.change.key.object_type,
                source=f"change {undone}",
                undoes=undone,
                counts=Counter({"create": operation.creates, "delete": operation.deletes}),
                team=(await self._changes.place(fresh=True)).team_key,
                operation=number or None,
            )
        number = await self.start(operation, author)
        if own:
            await self._plans.table.note(own, state="undone")
        return number

    async def cancel(self, plan: str) -> None:
        """Ask a run to end after the rows in flight, wherever it runs. What was written stays.

        Raises:
            MissingError: no such plan here. ConflictError: it is at its end.
        """
        status = await self._plans.status(plan)
        if status.state in ("finished", "failed", "undone"):
            raise errors.ConflictError(f"plan: it is {status.state}. Nothing was cancelled.")
        await self._plans.table.note(plan, cancelled=1, agreed=0)
        if status.state in ("planned", "stopped"):
            await self._plans.table.note(plan, state="cancelled")
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
            elif (await self._plans.status(plan)).under_way:
                await anyio.sleep(seconds)  # in another process, which tells nothing
        return await self._plans.status(plan)

    def spent(self, plan: str) -> int:
        """Points that its last job in this process has spent so far."""
        return self._jobs[plan].call.points if plan in self._jobs else 0

    async def resume_all(self, deletes: bool = True) -> None:
        """Go on with the runs that ended with their process, those that delete only if `deletes`. One that somebody
        else runs is left alone.
        """
        for plan in await self._plans.table.running():
            status = await self._plans.status(plan)
            if status.state != "stopped" or (status.plan.counts["delete"] and not deletes):
                continue
            with JobGuard():
                try:
                    await self.start(_operation(status, "serve"), Author())
                except errors.SalesloftMcpError as error:
                    await self._plans.table.note(plan, problem=str(error))

    def _begin(self, job: Job, work: Callable[[], Awaitable[None]]) -> None:
        self._jobs[job.plan] = job
        self._plans.at_work.add(job.plan)
        self._tasks.start_soon(self._do, job, work)

    async def _do(self, job: Job, work: Callable[[], Awaitable[None]]) -> None:
        try:
            with JobGuard() as guard, job.scope, open_call(lane="bulk") as job.call:
                await work()
            if guard.problem:
                with JobGuard():  # the database itself may be what failed
                    await self._plans.table.note(job.plan, problem=guard.problem)
        finally:
            self._plans.at_work.discard(job.plan)
            job.lock.release()
            job.ended.set()

    async def _begun(self, status: Status, agreed: Operation, author: Author) -> tuple[PlanRow, int]:
        """Judged again under the lock: the run, and the epoch in which this process may write for it.

        Raises:
            UnconfirmedError: more would be written than was agreed to, a yes is needed by now, or it was used already.
        """
        now, number = _operation(status, agreed.title), status.plan.operation
        if now.creates > agreed.creates or now.deletes > agreed.deletes:
            what = f"{status.left} writes are left, and fewer were agreed to. Nothing was started."
            raise errors.UnconfirmedError(what, next_step=_AGAIN)
        if not author.how and await self.question(now) is not None:
            raise errors.UnconfirmedError("a person has to agree to this run. Nothing was started.", next_step=_AGAIN)
        try:
            begun = number or await self._changes.log.begin_run(now, await self._changes.place(), author)
            epoch = await self._changes.log.take_over(begun, author if number else Author())
        except UsedError:
            what = "this yes was used already. Nothing was started."
            raise errors.UnconfirmedError(what, next_step="make the call again to ask the person anew.") from None
        writes = status.left if author.how else status.plan.agreed
        await self._plans.table.note(
            agreed.plan, state="running", problem="", cancelled=0, operation=begun, agreed=writes
        )
        return replace(status.plan, operation=begun), epoch

    async def _check_team(self, plan: PlanRow) -> None:
        """The same address may be another team's with another token, and its objects have other ids."""
        now = (await self._changes.place(fresh=True)).team_key
        if plan.team != now:
            what = f"plan: it was made for {_team(plan.team)}, and this token is of {_team(now)}. Nothing was written."
            raise errors.ConflictError(what, next_step="resume it with a token of its own team, or plan anew.")


@asynccontextmanager
async def open_jobs(plans: Plans, changes: Changes, quiet: float = SENT_SECONDS) -> AsyncIterator[Jobs]:
    """Jobs that end with this context; what was in flight is settled by the next run."""
    try:
        async with anyio.create_task_group() as tasks:
            yield Jobs(plans, changes, tasks, quiet)
            tasks.cancel_scope.cancel()
    except ExceptionGroup as group:
        # What a caller raised inside is to reach whoever opened this, as if no jobs had been there.
        raise group.exceptions[0] from group


def _operation(status: Status, title: str) -> Operation:
    """
    Raises:
        ConflictError: it cannot be run.
    """
    row = status.plan
    if status.state not in _RUNNABLE:
        raise errors.ConflictError(f"plan: it is {status.state}. Nothing was started.")
    deletes = status.left if row.counts["delete"] else 0
    return Operation(
        title,
        (),
        undoes=row.undoes or None,
        plan=row.id,
        creates=status.left - deletes,
        deletes=deletes,
        facts=_facts(status),
    )


def _team(key: str) -> str:
    return f"team {key}" if key else "an unknown team"


def _facts(status: Status) -> tuple[tuple[str, str], ...]:
    """What a person is told of a run."""
    row, counts = status.plan, status.plan.counts
    told = {"plan": row.id, "external type": quoted(row.external_type), "object type": row.object_type}
    told["from"] = quoted(row.source)
    if row.digest:
        told["digest of the input"] = row.digest
    if not row.undoes:
        told["conflicts left out"] = str(counts["conflict"])
        told["unknown objects left out"] = str(counts["object unknown"])
    told["cost"] = f"{status.left} points"
    return tuple(told.items())
