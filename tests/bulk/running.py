"""Rows that are planned over a sandbox."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from salesloft_mcp.bulk import plan_mappings
from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.sources import load
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.state.staging import Staging
from tests.salesloft.opened import opened

AIM = Aim("sdfc_lead", "people")
FIRST_PERSON = 207550001


@dataclass(slots=True)
class Planned:
    """Rows with their verdicts, and what they were held against."""

    api: Salesloft
    staging: Staging
    sandbox: Sandbox


def creations(count: int) -> list[dict[str, object]]:
    """So many rows that can be created: `new 1` and on."""
    return [{"external_id": f"new {number}", "object_id": FIRST_PERSON + number} for number in range(1, count + 1)]


@asynccontextmanager
async def planned(folder: Path, rows: Sequence[dict[str, object]], aim: Aim = AIM) -> AsyncIterator[Planned]:
    """The rows, planned against a sandbox of their own that does not count points."""
    folder.mkdir(exist_ok=True)
    with Sandbox(rate_limit=0) as sandbox, Staging(folder / "one.db") as staging:
        async with opened(sandbox) as api:
            load(staging, enumerate(rows, 1), aim)
            await plan_mappings.plan(api, staging, aim)
            yield Planned(api, staging, sandbox)
