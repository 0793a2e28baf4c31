"""What a job does from its beginning to its end: it makes a plan, or runs one."""

from contextlib import ExitStack

import anyio.to_thread

from salesloft_mcp import errors
from salesloft_mcp.bulk import plan as planning
from salesloft_mcp.bulk.plan import Aim, Load
from salesloft_mcp.bulk.status import Job, PlanRow, Plans
from salesloft_mcp.changes import mappings, undo
from salesloft_mcp.changes.apply import Changes
from salesloft_mcp.changes.change import Change, StaleError
from salesloft_mcp.changes.run import Feed, Run
from salesloft_mcp.salesloft.models import MappingKey
from salesloft_mcp.state.staging import Staging


async def make_plan(job: Job, plans: Plans, changes: Changes, aim: Aim, load: Load) -> None:
    """Stage what `load` brings and judge it, and write down what came of it, unless it was cancelled."""
    with job.scope:
        try:
            with plans.new_staging(job.plan) as staging:
                digest = await load(staging, aim)
                place = await changes.place(fresh=True)
                await planning.make(changes.api, staging, aim)
                counts = await anyio.to_thread.run_sync(staging.verdicts)
        except errors.SalesloftMcpError as error:
            await plans.note(job.plan, state="failed", problem=str(error))
        else:
            await plans.note(job.plan, seen=0, state="planned", counts=counts, digest=digest, team=place.team_key)


async def run_plan(job: Job, plans: Plans, changes: Changes, row: PlanRow, epoch: int, quiet: float) -> None:
    """Bring a run to its end, and write down how it ended; a runner that lost its run writes nothing."""
    try:
        with ExitStack() as opened:
            if row.undoes:
                feed = undo.feed(changes, row.undoes)
            else:
                feed = _feed(opened.enter_context(plans.staging(row.id)), row)
            run = Run(changes, row.operation, epoch, feed, lambda: job.cancelled, quiet=quiet)
            finished = await run.finish()
    except errors.SalesloftMcpError as error:
        await plans.note(job.plan, state="stopped", problem=str(error))
    except StaleError:
        pass
    else:
        await plans.note(job.plan, state="finished" if finished else "cancelled")


def _feed(staging: Staging, row: PlanRow) -> Feed:
    """The rows of a plan that are to be created."""

    async def following(after: int, limit: int) -> list[tuple[int, Change]]:
        found = await anyio.to_thread.run_sync(staging.lines, after, limit, ("create",))
        keys = [MappingKey(row.external_type, row.object_type, one.external_id) for one in found]
        return [(one.line, mappings.creation(key, one.object_id or 0)) for one, key in zip(found, keys, strict=True)]

    return following
