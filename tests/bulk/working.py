"""Plans and runs over the live parts, for tests."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import anyio
import pytest

from salesloft_mcp.app import App
from salesloft_mcp.bulk.sources import load_rows
from salesloft_mcp.bulk.status import Status, operation_of
from salesloft_mcp.changes.change import Author
from salesloft_mcp.changes.undo import undo
from tests.hosting.program import HANG_SECONDS

from .running import AIM, creations

NOBODY = Author("tests")
YES = Author("tests", "agreed in a test")


class Gate:
    """Lets some calls of a method through, mostly of the client, and holds the others until it is opened."""

    def __init__(
        self, api: object, monkeypatch: pytest.MonkeyPatch, through: int, method: str = "create_mapping"
    ) -> None:
        self._reached = anyio.Event()
        self._open = anyio.Event()
        self._left = through
        self._send = getattr(api, method)
        monkeypatch.setattr(api, method, self)

    async def __call__(self, *key: Any, **named: Any) -> Any:
        self._left -= 1
        if self._left < 0:
            self._reached.set()
            await self._open.wait()
        return await self._send(*key, **named)

    async def wait(self) -> None:
        with anyio.fail_after(HANG_SECONDS):
            await self._reached.wait()

    def open(self) -> None:
        self._open.set()


async def planned(app: App, rows: int | Sequence[dict[str, object]]) -> str:
    """A plan of so many creations, or of these rows."""
    given = creations(rows) if isinstance(rows, int) else rows
    plan = await app.jobs.plan(AIM, partial(load_rows, rows=given), "rows")
    status = await app.jobs.wait(plan, HANG_SECONDS)
    assert status.state == "planned", status
    return plan


async def started(app: App, plan: str, author: Author = NOBODY) -> int:
    """Begin the run of a plan; the number of its operation."""
    return await app.jobs.start(operation_of(await app.plans.status(plan)), author)


async def finished(app: App, plan: str, author: Author = NOBODY) -> Status:
    """Run a plan to its end."""
    await started(app, plan, author)
    return await app.jobs.wait(plan, HANG_SECONDS)


async def undone(app: App, number: int) -> Status:
    """Take a run back, to its end."""
    operation = await undo(app.changes, app.database, number)
    await app.jobs.start_undo(operation, YES)
    return await app.jobs.wait(operation.by_run.plan, HANG_SECONDS)


async def live(app: App, prefix: str = "new ") -> list[tuple[str, int]]:
    """What is mapped now under ids that begin so."""
    found, page = list[tuple[str, int]](), 1
    while page:
        mappings = await app.salesloft.list_mappings(external_type=AIM.external_type, deleted=False, page=page)
        found += [(row.external_id, row.object_id) for row in mappings.rows if row.external_id.startswith(prefix)]
        page = mappings.next_page or 0
    return sorted(found)
