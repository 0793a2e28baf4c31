"""The writes of one environment over a sandbox, opened as often as there are processes, with a short patience."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from salesloft_mcp.changes import history
from salesloft_mcp.changes.apply import Changes
from salesloft_mcp.changes.change import Author, Change, Done, Line, Operation, Place, State
from salesloft_mcp.changes.history import Logged, Search
from salesloft_mcp.changes.log import ChangeLog
from salesloft_mcp.changes.undo import undo
from salesloft_mcp.lookups.configurations import Configurations
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import MappingKey
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.state.database import Database
from tests.salesloft.opened import opened

TENANT = "SANDBOX"
PLACE = Place(TENANT, 1, "Northwind")
YES = Author(how="asked through the client")
NOBODY = Author()
ANN, BEN, CLEO = 207550001, 207550002, 207550003
KEY = MappingKey("crm_lead", "people", "NEW-1")
OTHER_KEY = MappingKey("crm_lead", "people", "NEW-2")
LEAD = MappingKey("crm_lead", "people", "CONTACT3456")  # of person 578495206, from the guide
COMPANY = MappingKey("marketing", "accounts", "NEW-1")
PATIENCE_SECONDS = 0.1  # for an answer


class Clock:
    """A clock that moves when it is told to."""

    def __init__(self) -> None:
        self.now = 1_750_000_000.0

    def __call__(self) -> float:
        return self.now


@dataclass(slots=True)
class World:
    """What one process has: its own connection to the log, and its own client."""

    sandbox: Sandbox
    api: Salesloft
    database: Database
    changes: Changes

    @property
    def log(self) -> ChangeLog:
        return self.changes.log

    async def apply(self, *changes: Change, author: Author = NOBODY) -> Done:
        """The changes as one operation that was read long ago, so that everything is looked at first."""
        return await self.changes.apply(Operation("a test", changes), author)

    async def undo(self, number: int) -> Done:
        """Take an operation back that needs no run."""
        return await self.changes.apply(await undo(self.changes, self.database, number), YES)

    async def lines(self, number: int, *states: State) -> list[Line]:
        return await self.log.lines(number, states)

    async def states(self, number: int) -> list[State]:
        return [line.state for line in await self.log.lines(number)]

    async def logged(self) -> list[Logged]:
        """Every operation, the oldest first."""
        return (await history.find(self.database, Search()))[::-1]

    async def mapped(self, key: MappingKey = KEY) -> list[int]:
        """The objects that an external id stands for, when everything has arrived that is still on its way."""
        self.sandbox.faults.clear()
        if late := [task for task in asyncio.all_tasks() if getattr(task.get_coro(), "__name__", "") == "_later"]:
            await asyncio.wait(late)
        found = await self.api.list_mappings(
            external_type=key.external_type, object_type=key.object_type, external_id=key.external_id, deleted=False
        )
        return [row.object_id for row in found.rows]

    def sent(self, method: str = "POST") -> int:
        """Requests of a kind that reached the sandbox."""
        return sum(one.method == method for one in self.sandbox.requests)


@asynccontextmanager
async def world(
    sandbox: Sandbox,
    directory: Path | None = None,
    *,
    quiet: float = 0.0,
    clock: Callable[[], float] = time.time,
    seconds: float | None = PATIENCE_SECONDS,
) -> AsyncIterator[World]:
    """One process; those of one directory share the log."""
    database = Database(directory)
    async with opened(sandbox, seconds=seconds) as api:
        log = ChangeLog(database, TENANT, clock, renew_seconds=0.02)
        changes = Changes(api, log, Configurations(api), TENANT, quiet=quiet)
        yield World(sandbox, api, database, changes)
    database.close()


def states(done: Done) -> Sequence[State]:
    """How each change of an operation ended."""
    return [one.state for one in done.outcomes]
