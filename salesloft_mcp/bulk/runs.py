"""The table of plans and runs: one row each, so that looking how far they are reads no file."""

import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal, cast

from salesloft_mcp.salesloft.models import ObjectType
from salesloft_mcp.state.database import Database, Row, Value

Fact = Value | Counter[str]
State = Literal["planning", "planned", "running", "stopped", "cancelled", "finished", "failed", "undone"]


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

    @property
    def writes(self) -> int:
        """Mappings that it wants to create, or to delete."""
        return self.counts["create"] + self.counts["delete"]


class PlanTable:
    """The plans of one environment (`tenant`)."""

    def __init__(self, database: Database, tenant: str, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._tenant = tenant
        self._clock = clock

    async def add(self, plan: str, **facts: Fact) -> None:
        """A new plan, whole or not at all. Its facts are named as in `PlanRow`."""
        row = {"id": plan, "tenant": self._tenant, "at": self._clock(), **_values(facts)}
        sql = f"INSERT INTO runs ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})"
        await self._database.write(lambda tx: tx.insert(sql, *row.values()))

    async def note(self, plan: str, **facts: Fact) -> None:
        """Keep facts about a plan, all at once."""
        row = _values(facts)
        sql = f"UPDATE runs SET {', '.join(f'{name} = ?' for name in row)} WHERE id = ? AND tenant = ?"
        await self._database.write(lambda tx: tx.change(sql, *row.values(), plan, self._tenant))

    async def get(self, plan: str) -> PlanRow | None:
        """One plan; those of other environments do not exist here."""
        sql = "SELECT * FROM runs WHERE id = ? AND tenant = ?"
        found = await self._database.read(lambda tx: tx.row(sql, plan, self._tenant))
        return None if found is None else _plan(found)

    async def running(self) -> list[str]:
        """Plans whose run was under way when somebody last wrote of it."""
        sql = "SELECT id FROM runs WHERE tenant = ? AND state = 'running' AND NOT cancelled ORDER BY at"
        return [row["id"] for row in await self._database.read(lambda tx: tx.rows(sql, self._tenant))]

    async def of_operation(self, number: int) -> str:
        """The plan whose run is this operation; empty for none."""
        sql = "SELECT id FROM runs WHERE operation = ? AND tenant = ?"
        found = await self._database.read(lambda tx: tx.row(sql, number, self._tenant))
        return "" if found is None else str(found["id"])

    async def newest(self, limit: int) -> list[PlanRow]:
        """The newest plans first."""
        sql = "SELECT * FROM runs WHERE tenant = ? ORDER BY at DESC LIMIT ?"
        return [_plan(row) for row in await self._database.read(lambda tx: tx.rows(sql, self._tenant, limit))]


def _values(facts: Mapping[str, Fact]) -> dict[str, Value]:
    return {name: json.dumps(one) if isinstance(one, Counter) else one for name, one in facts.items()}


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
