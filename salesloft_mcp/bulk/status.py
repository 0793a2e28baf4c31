"""How far plans are: what the table and the log say of each, its folder, and the lock of whoever works on it."""

from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import anyio.to_thread
import filelock

from salesloft_mcp import errors
from salesloft_mcp.bulk.runs import PlanRow, PlanTable, State
from salesloft_mcp.changes import history
from salesloft_mcp.changes.change import OPEN
from salesloft_mcp.changes.change import State as ChangeState
from salesloft_mcp.errors import Hint
from salesloft_mcp.state.database import Database
from salesloft_mcp.state.files import private_directory
from salesloft_mcp.state.staging import Staging

LOCK_SECONDS = 2.0  # how long whoever starts a run waits for those who only look
LOOK_SECONDS = 0.2  # how long whoever looks waits for others who look
_HALF_PLANNED = "it was cut off while it was planned.\nNext: plan it again."


@dataclass(frozen=True, slots=True)
class Status:
    """How far a plan is. `stopped` was begun and is run by nobody now: run it again to go on."""

    plan: PlanRow
    state: State
    problem: str
    outcomes: Counter[ChangeState]

    @property
    def done(self) -> int:
        """Rows to write that have come to their end."""
        return sum(number for state, number in self.outcomes.items() if state not in OPEN)

    @property
    def left(self) -> int:
        """Rows that are still to be written."""
        return max(0, self.plan.writes - self.done)

    @property
    def under_way(self) -> bool:
        """Whether somebody works on it now."""
        return self.state in ("planning", "running")

    @property
    def refused(self) -> int:
        """Rows that were to be written and cannot be."""
        return self.outcomes["conflict"] + self.outcomes["failed"]


class Plans:
    """The plans of one environment (`tenant`): a row each in the database, and below a folder their rows and locks."""

    def __init__(self, folder: Path, database: Database, tenant: str) -> None:
        self.table = PlanTable(database, tenant)
        self.at_work: set[str] = set()  # in this process
        self._folder = folder / "plans"
        self._old_folder = folder / "backfills"  # of version 0.1
        self._database = database

    async def status(self, plan: str, *, held: bool = False) -> Status:
        """How far it is. `held` says that the caller holds its lock, and so nobody works on it.

        Raises:
            MissingError: no such plan in this environment.
        """
        row = await self.table.get(plan)
        if row is None:
            raise self._no_such(plan)
        state, problem = row.state, row.problem
        if state in ("planning", "running") and (held or not await self._is_worked_on(plan)):
            row = await self.table.get(plan) or row  # it may have ended in this moment
            state, problem = row.state, row.problem
            if state == "running":
                state = "cancelled" if row.cancelled else "stopped"
            elif state == "planning":
                state, problem = "failed", problem or _HALF_PLANNED
        number = row.operation
        outcomes = await history.counts(self._database, number) if number else Counter[ChangeState]()
        return Status(row, state, problem, outcomes)

    async def newest(self, limit: int) -> list[Status]:
        """The newest plans first."""
        return [await self.status(row.id) for row in await self.table.newest(limit)]

    def new_staging(self, plan: str) -> Staging:
        """An empty file for the rows of a plan."""
        return Staging(private_directory(self._folder) / f"{plan}.db")

    @contextmanager
    def staging(self, plan: str) -> Iterator[Staging]:
        """The rows of a plan, for reading.

        Raises:
            MissingError: it has none, or they cannot be read.
        """
        file = self._folder / f"{plan}.db"
        if not file.exists():
            raise errors.MissingError("plan: its rows are gone.", next_step=(Hint.PLAN_AGAIN, "."))
        with Staging(file) as staging:
            yield staging

    async def lock(self, plan: str, seconds: float = LOCK_SECONDS) -> filelock.BaseFileLock:
        """The lock of a plan, which ends with the process that holds it, however that ends.

        Raises:
            ConflictError: another process holds it.
        """
        file = private_directory(self._folder) / f"{plan}.lock"
        lock = filelock.FileLock(file, mode=0o600, thread_local=False, poll_interval=0.02)
        try:
            await anyio.to_thread.run_sync(lambda: lock.acquire(timeout=seconds))
        except filelock.Timeout:
            raise errors.ConflictError("plan: another job works on it.", next_step="look how far it is.") from None
        return lock

    @asynccontextmanager
    async def locked(self, name: str) -> AsyncIterator[None]:
        """While this lasts, no other process holds this lock; raises what `lock` raises."""
        lock = await self.lock(name)
        try:
            yield
        finally:
            lock.release()

    async def _is_worked_on(self, plan: str) -> bool:
        if plan in self.at_work:
            return True
        try:
            lock = await self.lock(plan, LOOK_SECONDS)
        except errors.ConflictError:
            return True
        lock.release()
        return False

    def _no_such(self, plan: str) -> errors.MissingError:
        if len(plan) < 20 and plan.isalnum() and (self._old_folder / f"{plan}.db").exists():
            what = "plan: it was made by version 0.1, whose plans cannot be run any more."
            return errors.MissingError(what, next_step=(Hint.PLAN_AGAIN, "; what it created comes out as unchanged."))
        return errors.MissingError("plan: there is no such plan here.", next_step=(Hint.PLAN_AGAIN, "."))
