"""Backfills by name: planned, run, watched, cancelled and resumed, each with its own journal on disk."""

import logging
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Literal

import anyio
import anyio.abc
import filelock

from salesloft_mcp import errors
from salesloft_mcp.bulk import plan
from salesloft_mcp.bulk.contained import Contained
from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.run import QUIET_SECONDS, Outcomes, Run
from salesloft_mcp.salesloft.call import Call, open_call
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.state.journal import Journal
from salesloft_mcp.text import quoted

State = Literal["planning", "planned", "running", "stopped", "cancelled", "finished", "failed"]
Load = Callable[[Journal, Aim], Awaitable[None]]
Log = Callable[[str, Aim, str, Outcomes], None]
Work = Callable[[Journal], Awaitable[None]]
_HALF_PLANNED = "it was cut off while it was planned.\nNext: plan it again."

log = logging.getLogger("salesloft_mcp")


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
    confirmed: str  # how a person agreed to this run; "" when nobody was asked, or the run was cancelled since

    @property
    def creates(self) -> int:
        """Mappings the plan wants to create."""
        return self.verdicts["create"]

    @property
    def done(self) -> int:
        """Rows to create that have come to their end."""
        return self.creates - sum(self.states[open_state] for open_state in ("", "intended", "unknown"))

    @property
    def under_way(self) -> bool:
        """Whether somebody works on it now."""
        return self.state in ("planning", "running")

    @property
    def refused(self) -> int:
        """Rows that were to be created and cannot be."""
        return self.states["conflict"] + self.states["failed"]


@dataclass(slots=True)
class _Job:
    """What this process does for a backfill. Its patience is its own, not that of the call that began it."""

    lock: filelock.BaseFileLock
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    edge: Contained = field(default_factory=Contained)
    ended: anyio.Event = field(default_factory=anyio.Event)
    call: Call = field(default_factory=Call)


class Backfills:
    """The backfills of one environment below one folder. Jobs run in `tasks`, so they outlive the call that began."""

    def __init__(
        self, folder: Path, environment: str, api: Salesloft, tasks: anyio.abc.TaskGroup, log: Log, quiet: float
    ) -> None:
        self._folder = folder / "backfills"
        self._environment = environment
        self.api = api
        self._tasks = tasks
        self._log = log
        self._quiet = quiet
        self._jobs: dict[str, _Job] = {}

    def plan(self, aim: Aim, load: Load, described: str, digest: str = "") -> str:
        """Begin to plan what `load` brings; the id under which the plan is found. Nothing is written to Salesloft.

        `load` may note a digest of its own, where that is known only when all was read.
        """
        backfill_id = secrets.token_hex(4)
        with self._journal(backfill_id, new=True) as journal:
            journal.note(
                external_type=aim.external_type,
                object_type=aim.object_type,
                environment=self._environment,
                source=described.encode("utf-8", "backslashreplace").decode(),  # a file's name may be any bytes
                digest=digest,
                state="planning",
                at=time.time(),
            )
        self._begin(backfill_id, _Job(self._locked(backfill_id)), lambda journal: self._plan(journal, aim, load))
        return backfill_id

    def start(self, backfill_id: str, confirmed: str = "") -> None:
        """Begin or resume a run; it goes on when the caller does not wait.

        Raises:
            MissingError: no such backfill here. ConflictError: it is not in a state to be run, or runs elsewhere.
        """
        status = self.status(backfill_id)
        if status.state not in ("planned", "stopped", "cancelled"):
            raise errors.ConflictError(f"backfill_id: this backfill is {status.state}. Nothing was started.")
        job = _Job(self._locked(backfill_id))
        self._note(backfill_id, state="running", problem="", cancel="", confirmed=confirmed or status.confirmed)
        self._begin(backfill_id, job, lambda journal: self._run(journal, backfill_id, status.aim))

    def cancel(self, backfill_id: str) -> None:
        """Ask a run to end after the rows in flight, wherever it runs. What was created stays.

        Raises:
            MissingError: no such backfill here. ConflictError: it is at its end.
        """
        status = self.status(backfill_id)
        if status.state in ("finished", "failed"):
            raise errors.ConflictError(f"backfill_id: this backfill is {status.state}. Nothing was cancelled.")
        self._note(backfill_id, cancel="asked for", confirmed="")
        if status.state in ("planned", "stopped"):
            self._note(backfill_id, state="cancelled")
        elif status.state == "planning" and backfill_id in self._jobs:
            self._jobs[backfill_id].scope.cancel()

    async def wait(self, backfill_id: str, seconds: float) -> Status:
        """How far it is when nobody works on it any more, or after so many seconds."""
        with anyio.move_on_after(seconds):
            job = self._jobs.get(backfill_id)
            if job is not None and not job.ended.is_set():
                await job.ended.wait()
            elif self.status(backfill_id).under_way:
                await anyio.sleep(seconds)  # in another process, which tells nothing
        return self.status(backfill_id)

    def spent(self, backfill_id: str) -> int:
        """Points that its last job in this process has spent so far."""
        return self._jobs[backfill_id].call.points if backfill_id in self._jobs else 0

    def status(self, backfill_id: str) -> Status:
        """How far it is.

        Raises:
            MissingError: no such backfill in this environment.
        """
        with self._journal(backfill_id) as journal:
            facts, verdicts, states = journal.beginning(), journal.verdicts(), journal.states()
        if facts.get("environment") != self._environment:
            raise _no_such(backfill_id)
        state: State = facts["state"]  # type: ignore[assignment]
        problem = facts.get("problem", "")
        if state in ("running", "planning") and not self._is_locked(backfill_id):
            unforeseen = self._jobs[backfill_id].edge.problem if backfill_id in self._jobs else ""
            problem = unforeseen or (problem if state == "running" else _HALF_PLANNED)
            left: State = "cancelled" if facts.get("cancel") else "stopped"
            state = left if state == "running" else "failed"
        aim = Aim(facts["external_type"], facts["object_type"])  # type: ignore[arg-type]
        source, digest, confirmed = facts["source"], facts["digest"], facts.get("confirmed", "")
        here = self._environment
        return Status(backfill_id, aim, here, state, source, digest, verdicts, states, problem, confirmed)

    @contextmanager
    def report(self, backfill_id: str) -> Iterator[Journal]:
        """The journal itself, for reading its lines."""
        self.status(backfill_id)
        with self._journal(backfill_id) as journal:
            yield journal

    def stopped(self) -> list[str]:
        """Backfills that were running when their process ended."""
        return [file.stem for file in sorted(self._folder.glob("*.db")) if self._is_stopped(file)]

    def _begin(self, backfill_id: str, job: _Job, work: Work) -> None:
        self._jobs[backfill_id] = job
        self._tasks.start_soon(self._do, backfill_id, job, work)

    async def _do(self, backfill_id: str, job: _Job, work: Work) -> None:
        try:
            with job.edge, job.scope, open_call(lane="bulk") as job.call, self._journal(backfill_id) as journal:
                await work(journal)
        finally:
            job.lock.release()
            job.ended.set()

    async def _plan(self, journal: Journal, aim: Aim, load: Load) -> None:
        try:
            await load(journal, aim)
            journal.note(team=(await self.api.team()).id)
            await plan.make(self.api, journal, aim)
        except errors.SalesloftMcpError as error:
            journal.note(state="failed", problem=str(error))
        else:
            journal.note(state="cancelled" if _cancelled(journal) else "planned")

    async def _run(self, journal: Journal, backfill_id: str, aim: Aim) -> None:
        run = Run(
            self.api,
            journal,
            aim,
            settled=partial(self._log, backfill_id, aim, journal.facts().get("confirmed", "")),
            cancelled=lambda: _cancelled(journal),
            quiet=self._quiet,
        )
        try:
            await self._check_team(journal)
            finished = await run.finish()
        except errors.SalesloftMcpError as error:
            journal.note(state="stopped", problem=str(error))
        else:
            journal.note(state="finished" if finished else "cancelled")

    async def _check_team(self, journal: Journal) -> None:
        """The same address may be another team's with another token, and its objects have other ids."""
        planned, now = journal.facts().get("team"), (await self.api.team()).id
        if planned != str(now):
            what = f"it was planned for team {planned}, and this token is of team {now}. Nothing was written."
            raise errors.ConflictError(what, next_step="resume it with a token of its own team, or plan anew.")

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

    def _is_stopped(self, file: Path) -> bool:
        """Not so for one of another environment, nor for a file that cannot be read."""
        try:
            with self._journal(file.stem) as journal:
                ours = journal.beginning()["environment"] == self._environment
            return ours and self.status(file.stem).state == "stopped"
        except errors.MissingError as error:
            log.warning("%s is passed over: %s", quoted(file.name), error.what)
            return False

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


def _cancelled(journal: Journal) -> bool:
    """Asked on disk, so that any process may cancel, and a cancelled run is not resumed after a crash."""
    return bool(journal.facts().get("cancel"))


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
