"""Plans: a row each in the database, the rows of their input in a folder, and who works on them."""

import time
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import anyio
import anyio.to_thread
import filelock

from salesloft_mcp import errors
from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.status import Fact, PlanRow, State, Status, plan_row, values_of
from salesloft_mcp.changes import history
from salesloft_mcp.errors import Hint
from salesloft_mcp.salesloft.call import Call
from salesloft_mcp.state.database import Database, Value
from salesloft_mcp.state.files import private_directory
from salesloft_mcp.state.staging import Staging

LOCK_SECONDS = 2.0  # how long whoever starts a run waits for those who only look
LOOK_SECONDS = 0.2  # how long whoever looks waits for others who look
_COLUMNS = (
    "id, at, state, external_type, object_type, COALESCE(intent, '') AS intent, new_external_type, source, digest,"
    " team, counts, asks, notes, suspicious, COALESCE(operation, 0) AS operation, COALESCE(undoes, 0) AS undoes,"
    " agreed, problem, cancelled"
)


@dataclass(slots=True)
class Job:
    """What this process does for a plan while it holds its lock. Its patience is its own, not that of its caller."""

    plan: str
    lock: AbstractContextManager[object]
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)  # of what may be given up at any moment
    ended: anyio.Event = field(default_factory=anyio.Event)
    call: Call = field(default_factory=Call)
    cancelled: bool = False

    def cancel(self) -> None:
        """End it: a run after the rows in flight, the making of a plan at once."""
        self.cancelled = True
        self.scope.cancel()


class Plans:
    """The plans of one environment (`tenant`), and the jobs of this process: the last one of each plan."""

    def __init__(self, folder: Path, database: Database, tenant: str) -> None:
        self.jobs: dict[str, Job] = {}
        self._folder = folder / "plans"
        self._old_folder = folder / "backfills"  # of version 0.1
        self._database = database
        self._tenant = tenant

    async def add(self, plan: str, aim: Aim, source: str, **facts: Fact) -> None:
        """A new plan, whole or not at all. Its facts are named as in `PlanRow`."""
        given = {**asdict(aim), "source": source, **facts}
        row = {"id": plan, "tenant": self._tenant, "at": time.time(), **values_of(given)}
        sql = f"INSERT INTO runs ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})"
        await self._database.write(lambda tx: tx.insert(sql, *row.values()))

    async def note(self, plan: str, seen: int | None = None, **facts: Fact) -> bool:
        """Keep facts about a plan, all at once: with `seen`, only while `cancelled` is what it was. Whether it was."""
        row = values_of(facts)
        changes = ", ".join(f"{name} = ?" for name in row)
        sql = f"UPDATE runs SET {changes} WHERE id = ? AND tenant = ? AND cancelled = COALESCE(?, cancelled)"
        return await self._database.write(lambda tx: tx.change(sql, *row.values(), plan, self._tenant, seen)) > 0

    async def cancel(self, plan: str) -> None:
        """Ask for the end of a plan that is not at its end, whoever works on it."""
        sql = (
            "UPDATE runs SET cancelled = cancelled + 1, agreed = 0,"
            " state = CASE WHEN state IN ('planned', 'stopped', 'paused') THEN 'cancelled' ELSE state END"
            " WHERE id = ? AND tenant = ? AND state NOT IN ('finished', 'failed', 'undone')"
        )
        await self._database.write(lambda tx: tx.change(sql, plan, self._tenant))

    @asynccontextmanager
    async def set_aside(self, plan: str) -> AsyncIterator[None]:
        """Let a run not go on by itself, now or later, while its undoing begins. Where that fails it is as it was.

        Raises:
            ConflictError: another job works on it.
        """
        with await self.lock(plan):
            was = await self.row(plan)
            await self.cancel(plan)
            await self.note(plan, state="undone")
        begun = False
        try:
            yield
            begun = True
        finally:
            if was is not None and not begun:
                with anyio.CancelScope(shield=True):
                    await self.note(plan, state=was.state, cancelled=was.cancelled, agreed=was.agreed)

    async def row(self, plan: str) -> PlanRow | None:
        """One plan; those of other environments do not exist here."""
        return next(iter(await self._rows("id = ?", plan)), None)

    async def of_operation(self, number: int) -> PlanRow | None:
        """The plan whose run is this operation."""
        return next(iter(await self._rows("operation = ?", number)), None)

    async def undo_of(self, row: PlanRow) -> PlanRow | None:
        """The last plan that takes the run of this one back."""
        return next(iter(await self._rows("undoes = ? ORDER BY at DESC LIMIT 1", row.operation)), None)

    async def running(self) -> list[PlanRow]:
        """Plans whose run was under way when somebody last wrote of it, or waits for somebody to sign in."""
        return await self._rows("state IN ('running', 'paused') AND NOT cancelled ORDER BY at")

    async def newest(self, limit: int) -> list[Status]:
        """The newest plans first."""
        return [await self.status(row.id) for row in await self._rows("TRUE ORDER BY at DESC LIMIT ?", limit)]

    async def status(self, plan: str, *, held: bool = False) -> Status:
        """How far it is. `held` says that the caller holds its lock, and so nobody works on it.

        Raises:
            MissingError: no such plan in this environment.
        """
        row = await self.row(plan)
        if row is None:
            raise self._no_such(plan)
        state, problem = row.state, row.problem
        if state in ("planning", "running") and (held or not await self._is_worked_on(plan)):
            row = await self.row(plan) or row  # it may have ended in this moment
            state, problem = row.state, row.problem
            if state == "running":
                state = "cancelled" if row.cancelled else "stopped"
            elif state == "planning":
                state, how = ("cancelled", "cancelled") if row.cancelled else ("failed", "cut off")
                problem = problem or f"it was {how} while it was planned.\nNext: plan it again."
        elif state == "running" and row.cancelled:
            state = "cancelling"
        outcomes = await history.counts(self._database, row.operation)
        status = Status(row, state, problem, outcomes, await history.refused(self._database, row.operation))
        return replace(status, state=await self._undone(status)) if state == "undone" else status

    def new_staging(self, plan: str) -> Staging:
        """An empty file for the rows of a plan."""
        return Staging(private_directory(self._folder) / f"{plan}.db")

    def staging(self, plan: str) -> Staging:
        """The rows of a plan, for reading.

        Raises:
            MissingError: it has none, or they cannot be read.
        """
        file = self._folder / f"{plan}.db"
        if not file.exists():
            raise errors.MissingError("plan: its rows are gone.", next_step=(Hint.PLAN_AGAIN, "."))
        return Staging(file)

    async def lock(self, plan: str, seconds: float = LOCK_SECONDS) -> AbstractContextManager[object]:
        """The lock of a plan, held until the context ends, or the process, however that ends.

        Raises:
            ConflictError: another process holds it.
        """
        file = private_directory(self._folder) / f"{plan}.lock"
        lock = filelock.FileLock(file, mode=0o600, thread_local=False, poll_interval=0.02)
        try:
            return await anyio.to_thread.run_sync(lambda: lock.acquire(timeout=seconds))
        except filelock.Timeout:
            raise errors.ConflictError("plan: another job works on it.", next_step="look how far it is.") from None

    async def _rows(self, where: str, *values: Value) -> list[PlanRow]:
        sql = f"SELECT {_COLUMNS} FROM runs WHERE tenant = ? AND {where}"
        found = await self._database.read(lambda tx: tx.rows(sql, self._tenant, *values))
        return [plan_row(row) for row in found]

    async def _undone(self, status: Status) -> State:
        """How far the last undo of a run is, or how the run stands after that was undone itself."""
        last = await self.undo_of(status.plan)
        state = (await self.status(last.id)).state if last else "planned"
        if state == "undone":
            return "cancelled" if status.left else "finished"
        return "undone" if state == "finished" else "undoing"

    async def _is_worked_on(self, plan: str) -> bool:
        if plan in self.jobs and not self.jobs[plan].ended.is_set():
            return True
        try:
            with await self.lock(plan, LOOK_SECONDS):
                return False
        except errors.ConflictError:
            return True

    def _no_such(self, plan: str) -> errors.MissingError:
        if len(plan) < 20 and plan.isalnum() and (self._old_folder / f"{plan}.db").exists():
            what = "plan: it was made by version 0.1, whose plans cannot be run any more."
            return errors.MissingError(what, next_step=(Hint.PLAN_AGAIN, "; what it created comes out as unchanged."))
        return errors.MissingError("plan: there is no such plan here.", next_step=(Hint.PLAN_AGAIN, "."))
