"""What every trial of the chaos test has: rows for a plan, and what must be true after its run and after its undo."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.plans import Plans
from salesloft_mcp.bulk.report import ReportRow, every_row
from salesloft_mcp.changes.change import Line, State
from salesloft_mcp.changes.log import ChangeLog
from salesloft_mcp.state.database import Database

from .chaos_runner import ENVIRONMENT

Row = dict[str, Any]


class Trial(Protocol):
    """One input, the team it is for, and what others do to that team meanwhile."""

    @property
    def aim(self) -> Aim:
        """What the plan is for."""

    @property
    def rows(self) -> Sequence[Row]:
        """What is planned."""

    @property
    def writes(self) -> int:
        """How many rows the run should write."""

    def before_the_run(self) -> None:
        """What others do after the plan was made."""

    async def after_the_run(self, folder: Path, plan: str) -> list[str]:
        """What is lost, doubled, wrong or misreported then."""

    def before_the_undo(self) -> None:
        """What others do when the run has ended."""

    async def after_the_undo(self, folder: Path, plan: str) -> list[str]:
        """What is not as it was, or misreported."""


async def reported(folder: Path, plan: str, *states: State) -> tuple[list[ReportRow], list[Line]]:
    """The report of a run, and what the log holds of it in these states."""
    database = Database(folder)
    plans, log = Plans(folder, database, ENVIRONMENT), ChangeLog(database, ENVIRONMENT)
    try:
        status = await plans.status(plan)
        lines = await log.lines(status.plan.operation, states)
        rows = [row async for row in every_row(plans, log, status)]
    finally:
        database.close()
    return rows, lines
