"""What was seen of a Salesloft, by environment and team, with the time: kept, so that it need not be guessed again."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from salesloft_mcp.state.database import Database, Transaction


@dataclass(frozen=True, slots=True)
class Fact:
    """What one check saw last, and when, in seconds of the clock."""

    team: str
    name: str
    seen: str
    at: float


@dataclass
class Learned:
    """The facts of one environment (`tenant`)."""

    database: Database
    tenant: str
    clock: Callable[[], float] = time.time

    async def keep(self, team: str, seen: Mapping[str, str]) -> None:
        """Write down what was seen now; what an earlier look saw of the same is replaced."""
        now = self.clock()

        def write(tx: Transaction) -> None:
            sql = "INSERT OR REPLACE INTO learned (tenant, team, name, seen, at) VALUES (?, ?, ?, ?, ?)"
            tx.each(sql, [(self.tenant, team, name, what, now) for name, what in seen.items()])

        await self.database.write(write)

    async def facts(self, team: str | None = None) -> list[Fact]:
        """All that is known of a team, or of every team of the environment."""
        sql = (
            "SELECT team, name, seen, at FROM learned WHERE tenant = ? AND (? IS NULL OR team = ?) ORDER BY team, name"
        )
        rows = await self.database.read(lambda tx: tx.rows(sql, self.tenant, team, team))
        return [Fact(*row) for row in rows]

    async def agreed(self) -> dict[str, str]:
        """What was seen alike in every team of the environment where it was looked at. Which team a token belongs to is
        not known before the first request.
        """
        found: dict[str, set[str]] = {}
        for fact in await self.facts():
            found.setdefault(fact.name, set()).add(fact.seen)
        return {name: seen.pop() for name, seen in found.items() if len(seen) == 1}
