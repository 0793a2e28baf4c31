"""The table of plans and runs: one row each, so that looking how far they are reads no file."""

import json
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, cast

from salesloft_mcp.salesloft.models import ObjectType
from salesloft_mcp.state.database import Database, Row, Value

State = Literal["planning", "planned", "running", "stopped", "cancelled", "finished", "failed"]


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A plan as the table holds it. `agreed` is how many writes a person said yes to, until the run is cancelled."""

    id: str
    at: float
    state: State
    external_type: str
    object_type: ObjectType
    source: str
    digest: str
    team: str
    counts: Counter[str]
    operation: int
    undoes: int
    agreed: int
    problem: str
    cancelled: bool


class PlanTable:
    """The plans of one environment (`tenant`)."""

    def __init__(self, database: Database, tenant: str, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._tenant = tenant
        self._clock = clock

    async def add(
        self, plan: str, state: State, external_type: str, object_type: ObjectType, source: str, undoes: int = 0
    ) -> None:
        """A new plan, whole or not at all."""
        sql = (
            "INSERT INTO runs (id, tenant, at, state, external_type, object_type, source, undoes)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        )
        values = (plan, self._tenant, self._clock(), state, external_type, object_type, source, undoes or None)
        await self._database.write(lambda tx: tx.insert(sql, *values))

    async def note(self, plan: str, **facts: Value | Counter[str]) -> None:
        """Keep facts about a plan, all at once; they are named as in `PlanRow`."""
        values = [json.dumps(value) if isinstance(value, Counter) else value for value in facts.values()]
        names = ", ".join(f"{name} = ?" for name in facts)
        sql = f"UPDATE runs SET {names} WHERE id = ? AND tenant = ?"
        await self._database.write(lambda tx: tx.change(sql, *values, plan, self._tenant))

    async def get(self, plan: str) -> PlanRow | None:
        """One plan; those of other environments do not exist here."""
        sql = "SELECT * FROM runs WHERE id = ? AND tenant = ?"
        found = await self._database.read(lambda tx: tx.row(sql, plan, self._tenant))
        return None if found is None else _plan(found)

    async def running(self) -> list[str]:
        """Plans whose run was under way when somebody last wrote of it."""
        sql = "SELECT id FROM runs WHERE tenant = ? AND state = 'running' AND NOT cancelled ORDER BY at"
        return [row["id"] for row in await self._database.read(lambda tx: tx.rows(sql, self._tenant))]

    async def all(self, limit: int) -> list[PlanRow]:
        """The newest plans first."""
        sql = "SELECT * FROM runs WHERE tenant = ? ORDER BY at DESC LIMIT ?"
        return [_plan(row) for row in await self._database.read(lambda tx: tx.rows(sql, self._tenant, limit))]


def _plan(row: Row) -> PlanRow:
    names = ("id", "at", "source", "digest", "team", "external_type", "agreed", "problem")
    return PlanRow(
        **{name: row[name] for name in names},
        state=cast(State, row["state"]),
        object_type=cast(ObjectType, row["object_type"]),
        counts=Counter(json.loads(row["counts"])),
        operation=row["operation"] or 0,
        undoes=row["undoes"] or 0,
        cancelled=bool(row["cancelled"]),
    )
