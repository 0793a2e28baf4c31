"""Backfills by name: planned, run, watched, cancelled and resumed, each with its own journal on disk."""

import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import anyio
import anyio.abc
import filelock

from salesloft_mcp import errors
from salesloft_mcp.api.client import Salesloft
from salesloft_mcp.backfill import plan
from salesloft_mcp.backfill.plan import Aim
from salesloft_mcp.backfill.run import QUIET_SECONDS, Outcomes, Run
from salesloft_mcp.state.journal import Journal

State = Literal["planning", "planned", "running", "stopped", "cancelled", "finished", "failed"]
Load = Callable[[Journal, Aim], Awaitable[None]]
Log = Callable[[str, Aim, Outcomes], None]


@dataclass(frozen=True, slots=True)
class Status:
    """How far a backfill is. `stopped` was begun and is run by nobody now: run it again to go on."""

    id: str
    aim: Aim
    environment: str
    state: State
    source: str
    digest: str
    verdicts: Counter[str]
    states: Counter[str]
    problem: str

    @property
    def creates(self) -> int:
        """Mappings the plan wants to create."""
        return self.verdicts["create"]

    @property
    def done(self) -> int:
        """Rows to create that have come to their end."""
        return self.creates - sum(self.states[open_state] for open_state in ("", "intended", "unknown"))


class Backfills:
    """The backfills of one environment below one folder. Jobs run in `tasks`, so they outlive the call that began."""

    def __init__(
        self, folder: Path, environment: str, api: Salesloft, tasks: anyio.abc.TaskGroup, log: Log, quiet: float
    ) -> None:
        self._folder = folder / "backfills"
        self._environment = environment
        self._api = api
        self._tasks = tasks
        self._log = log
        self._quiet = quiet
        self._cancel: set[str] = set()

    def plan(self, aim: Aim, load: Load, described: str, digest: str) -> str:
        """Begin to plan what `load` brings; the id under which the plan is found. Nothing is written to Salesloft."""
        backfill_id = secrets.token_hex(4)
        with self._journal(backfill_id, new=True) as journal:
            journal.note(
                external_type=aim.external_type,
                object_type=aim.object_type,
                environment=self._environment,
                source=described,
                digest=digest,
                state="planning",
                at=time.time(),
            )
        self._tasks.start_soon(self._plan, backfill_id, aim, load, self._locked(backfill_id))
        return backfill_id

    def start(self, backfill_id: str) -> None:
        """Begin or resume a run; it goes on when the caller does not wait.

        Raises:
            MissingError: no such backfill here. ConflictError: it is not in a state to be run, or runs elsewhere.
        """
        status = self.status(backfill_id)
        if status.state not in ("planned", "stopped", "cancelled"):
            raise errors.ConflictError(f"backfill_id: this backfill is {status.state}. Nothing was started.")
        lock = self._locked(backfill_id)
        self._cancel.discard(backfill_id)
        self._note(backfill_id, state="running", problem="")
        self._tasks.start_soon(self._run, backfill_id, status.aim, lock)

    def cancel(self, backfill_id: str) -> None:
        """Ask a run to end after the rows in flight. What was created stays."""
        status = self.status(backfill_id)
        self._cancel.add(backfill_id)
        if status.state in ("planned", "stopped"):
            self._note(backfill_id, state="cancelled")

    def status(self, backfill_id: str) -> Status:
        """How far it is.

        Raises:
            MissingError: no such backfill in this environment.
        """
        with self._journal(backfill_id) as journal:
            facts, verdicts, states = journal.facts(), journal.verdicts(), journal.states()
        if facts.get("environment") != self._environment:
            raise _no_such(backfill_id)
        state: State = facts["state"]  # type: ignore[assignment]
        if state in ("running", "planning") and not self._is_locked(backfill_id):
            state = "stopped" if state == "running" else "failed"
        aim = Aim(facts["external_type"], facts["object_type"])  # type: ignore[arg-type]
        return Status(
            backfill_id,
            aim,
            self._environment,
            state,
            facts["source"],
            facts["digest"],
            verdicts,
            states,
            facts.get("problem", ""),
        )

    @contextmanager
    def report(self, backfill_id: str) -> Iterator[Journal]:
        """The journal itself, for reading its lines."""
        self.status(backfill_id)
        with self._journal(backfill_id) as journal:
            yield journal

    def stopped(self) -> list[str]:
        """Backfills that were running when their process ended."""
        found = sorted(file.stem for file in self._folder.glob("*.db"))
        return [one for one in found if self._is_ours(one) and self.status(one).state == "stopped"]

    async def _plan(self, backfill_id: str, aim: Aim, load: Load, lock: filelock.BaseFileLock) -> None:
        with _releasing(lock), self._journal(backfill_id) as journal:
            try:
                await load(journal, aim)
                await plan.make(self._api, journal, aim)
            except errors.SalesloftMcpError as error:
                journal.note(state="failed", problem=str(error))
            else:
                journal.note(state="planned")

    async def _run(self, backfill_id: str, aim: Aim, lock: filelock.BaseFileLock) -> None:
        with _releasing(lock), self._journal(backfill_id) as journal:
            run = Run(
                self._api,
                journal,
                aim,
                settled=lambda outcomes: self._log(backfill_id, aim, outcomes),
                cancelled=lambda: backfill_id in self._cancel,
                quiet=self._quiet,
            )
            try:
                finished = await run.finish()
            except errors.SalesloftMcpError as error:
                journal.note(state="stopped", problem=str(error))
            else:
                journal.note(state="finished" if finished else "cancelled")

    @contextmanager
    def _journal(self, backfill_id: str, new: bool = False) -> Iterator[Journal]:
        file = self._folder / f"{backfill_id}.db"
        if not (backfill_id.isalnum() and backfill_id.isascii()) or not (new or file.exists()):
            raise _no_such(backfill_id)
        with Journal(file) as journal:
            yield journal

    def _note(self, backfill_id: str, **facts: str) -> None:
        with self._journal(backfill_id) as journal:
            journal.note(**facts)

    def _is_ours(self, backfill_id: str) -> bool:
        with self._journal(backfill_id) as journal:
            return journal.facts().get("environment") == self._environment

    def _locked(self, backfill_id: str) -> filelock.BaseFileLock:
        """The lock of a backfill. It goes with the process that holds it, however that ends."""
        lock = filelock.FileLock(self._folder / f"{backfill_id}.lock", timeout=0, thread_local=False)
        try:
            lock.acquire()
        except filelock.Timeout:
            raise errors.ConflictError("backfill_id: another process works on this backfill.") from None
        return lock

    def _is_locked(self, backfill_id: str) -> bool:
        try:
            self._locked(backfill_id).release()
        except errors.ConflictError:
            return True
        return False


@contextmanager
def _releasing(lock: filelock.BaseFileLock) -> Iterator[None]:
    """Gives the lock back at the end."""
    try:
        yield
    finally:
        lock.release()


@asynccontextmanager
async def open_backfills(
    folder: Path, environment: str, api: Salesloft, log: Log, quiet: float = QUIET_SECONDS
) -> AsyncIterator[Backfills]:
    """Backfills whose jobs end with this context; what was in flight is settled by the next run."""
    try:
        async with anyio.create_task_group() as tasks:
            yield Backfills(folder, environment, api, tasks, log, quiet)
            tasks.cancel_scope.cancel()
    except ExceptionGroup as group:
        # What a caller raised inside is to reach whoever opened this, as if no jobs had been there.
        raise group.exceptions[0] from None


def _no_such(backfill_id: str) -> errors.MissingError:
    return errors.MissingError("backfill_id: there is no such backfill here.", next_step="make one with plan_backfill.")
