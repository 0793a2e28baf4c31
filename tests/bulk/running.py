"""A planned journal over a sandbox, and runs of it with a short patience."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from salesloft_mcp.bulk import plan
from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.run import Run
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.state.journal import Journal
from tests.salesloft.opened import opened

AIM = Aim("marketing_automation", "people")
QUIET_SECONDS = 0.4
PATIENCE_SECONDS = 0.15
FIRST_PERSON = 207550001


@dataclass(slots=True)
class Planned:
    """A journal that is planned, and what it takes to run it."""

    api: Salesloft
    journal: Journal
    sandbox: Sandbox

    def run(self, **options: Any) -> Run:
        """A run that does not wait long."""
        return Run(self.api, self.journal, AIM, **{"quiet": QUIET_SECONDS, **options})

    def states(self) -> list[str]:
        """Of each row."""
        return [line.state for line in self.journal.lines()]

    @property
    def sent(self) -> int:
        """Creations that reached the sandbox."""
        return sum(request.method == "POST" for request in self.sandbox.requests)

    async def mapped(self, external_id: str) -> list[int]:
        """The objects that an external id is mapped to now."""
        self.sandbox.faults.clear()
        if late := [task for task in asyncio.all_tasks() if getattr(task.get_coro(), "__name__", "") == "_later"]:
            await asyncio.wait(late)  # commits that are still on their way
        found = await self.api.list_mappings(
            external_type=AIM.external_type, object_type=AIM.object_type, external_id=external_id, deleted=False
        )
        return [row.object_id for row in found.rows]


def creations(count: int) -> list[dict[str, object]]:
    """So many rows that can be created: `new 1` and on."""
    return [{"external_id": f"new {number}", "object_id": FIRST_PERSON + number} for number in range(1, count + 1)]


@asynccontextmanager
async def planned(
    folder: Path, rows: Sequence[dict[str, object]], *, enforce_unique: bool = True
) -> AsyncIterator[Planned]:
    """The rows, planned against a sandbox of their own that does not count points."""
    with Sandbox(rate_limit=0, enforce_unique=enforce_unique) as sandbox, Journal(folder / "one.db") as journal:
        async with opened(sandbox, seconds=PATIENCE_SECONDS) as api:
            plan.load(journal, enumerate(rows, 1), AIM)
            await plan.make(api, journal, AIM)
            yield Planned(api, journal, sandbox)
