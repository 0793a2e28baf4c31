"""What a job does from its beginning to its end: it makes a plan, or runs one."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

import anyio
import anyio.to_thread
import filelock

from salesloft_mcp import errors
from salesloft_mcp.bulk import plan as planning
from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.runs import PlanRow, PlanTable
from salesloft_mcp.bulk.status import Plans
from salesloft_mcp.changes import mappings, undo
from salesloft_mcp.changes.apply import Changes
from salesloft_mcp.changes.change import Change
from salesloft_mcp.changes.log import StaleError
from salesloft_mcp.changes.run import Feed, Run
from salesloft_mcp.salesloft.call import Call
from salesloft_mcp.salesloft.models import MappingKey
from salesloft_mcp.state.staging import Staging

WATCH_SECONDS = 1.0  # how often a run looks whether another process has cancelled it

Load = Callable[[Staging, Aim], Awaitable[None]]


@dataclass(slots=True)
class Job:
    """What this process does for a plan. Its patience is its own, not that of the call that began it."""

    plan: str
    lock: filelock.BaseFileLock
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    ended: anyio.Event = field(default_factory=anyio.Event)
    call: Call = field(default_factory=Call)
    cancelled: bool = False


async def make_plan(job: Job, plans: Plans, changes: Changes, aim: Aim, load: Load) -> None:
    """Stage what `load` brings and judge it, and write down what came of it."""
    try:
        with plans.new_staging(job.plan) as staging:
            await load(staging, aim)
            place = await changes.place(fresh=True)
            await planning.make(changes.api, staging, aim)
            counts, digest = await anyio.to_thread.run_sync(staging.verdicts), staging.digest
    except errors.SalesloftMcpError as error:
        await plans.table.note(job.plan, state="failed", problem=str(error))
    else:
        await plans.table.note(job.plan, state="planned", counts=counts, digest=digest, team=place.team_key)


async def run_plan(job: Job, plans: Plans, changes: Changes, row: PlanRow, epoch: int, quiet: float) -> None:
    """Bring a run to its end, and write down how it ended; a runner that lost its run writes nothing."""
    try:
        with _feed(plans, changes, row) as feed:
            run = Run(changes, row.operation, epoch, feed, lambda: job.cancelled, quiet=quiet)
            async with _cancelled_from_anywhere(job, plans.table):
                finished = await run.finish()
    except errors.SalesloftMcpError as error:
        await plans.table.note(job.plan, state="stopped", problem=str(error))
    except StaleError:
        pass
    else:
        await plans.table.note(job.plan, state="finished" if finished else "cancelled")


@asynccontextmanager
async def _cancelled_from_anywhere(job: Job, table: PlanTable) -> AsyncIterator[None]:
    """Any process may ask for the end of a run."""

    async def watch() -> None:
        while not job.cancelled:
            await anyio.sleep(WATCH_SECONDS)
            row = await table.get(job.plan)
            job.cancelled = job.cancelled or (row is not None and row.cancelled)

    try:
        async with anyio.create_task_group() as watching:
            watching.start_soon(watch)
            yield
            watching.cancel_scope.cancel()
    except ExceptionGroup as group:
        raise group.exceptions[0] from None  # how the run ended


@contextmanager
def _feed(plans: Plans, changes: Changes, row: PlanRow) -> Iterator[Feed]:
    """Where the changes of a run come from: what is to be taken back, or the rows of the plan."""
    if row.undoes:
        yield undo.feed(changes, row.undoes)
        return
    with plans.staging(row.id) as staging:

        async def following(after: int, limit: int) -> list[tuple[int, Change]]:
            found = await anyio.to_thread.run_sync(staging.creates, after, limit)
            keys = [MappingKey(row.external_type, row.object_type, one.external_id) for one in found]
            return [
                (one.line, mappings.creation(key, one.object_id or 0)) for one, key in zip(found, keys, strict=True)
            ]

        yield following
