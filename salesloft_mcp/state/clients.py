"""What a server last saw of each client: its version, its protocol, how it asks a person, and how it answered."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from salesloft_mcp.errors import StateError
from salesloft_mcp.state.database import Database, Transaction

MOST = 50  # clients that are kept of one environment: each names itself as it likes
AGAIN_SECONDS = 3_600.0  # after which one that stays connected is written down again
_COLUMNS = "tenant, name, version, protocol, asks, seen_at, answer, answered_in, answered_at"


@dataclass(frozen=True, slots=True)
class Seen:
    """A client, as it said of itself. `asks` are the ways to ask its person that it declares: form, url, both or none.

    `answer` is how it answered the last question that was put to it, which may be long ago: accept, decline or cancel,
    or in words that there was no answer; empty where it was asked nothing. `answered_in` is after how many seconds that
    was. Times are in seconds since 1970.
    """

    tenant: str
    name: str
    version: str
    protocol: str
    asks: str
    seen_at: float
    answer: str = ""
    answered_in: float = 0.0
    answered_at: float = 0.0


@dataclass
class Clients:
    """The clients of one environment (`tenant`)."""

    database: Database
    tenant: str
    clock: Callable[[], float] = time.time
    _noted: dict[str, tuple[tuple[str, str, str], float]] = field(default_factory=dict, init=False)

    async def note(self, name: str, version: str, protocol: str, asks: str) -> None:
        """Write down that this client is here, unless this process has just done so. It waits for nobody who has the
        file, because a host waits for the first answer: the next call tries it again then.

        Raises:
            StateError: the file cannot be used now.
        """
        now, what = self.clock(), (version, protocol, asks)
        if (before := self._noted.get(name)) and before[0] == what and now - before[1] < AGAIN_SECONDS:
            return
        if len(self._noted) >= MOST:
            self._noted.clear()
        self._noted[name] = what, now

        def write(tx: Transaction) -> None:
            tx.change(
                "INSERT INTO clients (tenant, name, version, protocol, asks, seen_at) VALUES (?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (tenant, name) DO UPDATE SET version = excluded.version, protocol = excluded.protocol,"
                " asks = excluded.asks, seen_at = excluded.seen_at",
                *(self.tenant, name, *what, now),
            )
            tx.change(
                "DELETE FROM clients WHERE tenant = ? AND name NOT IN"
                " (SELECT name FROM clients WHERE tenant = ? ORDER BY seen_at DESC, name LIMIT ?)",
                *(self.tenant, self.tenant, MOST),
            )

        try:
            await self.database.write_if_free(write)
        except StateError:
            self._noted.pop(name, None)
            raise

    async def answered(self, name: str, answer: str, seconds: float) -> None:
        """Write down how a client that was noted answered a question, and after how many seconds.

        Raises:
            StateError: the file cannot be used now.
        """
        sql = "UPDATE clients SET answer = ?, answered_in = ?, answered_at = ? WHERE tenant = ? AND name = ?"
        values = (answer, seconds, self.clock(), self.tenant, name)
        await self.database.write(lambda tx: tx.change(sql, *values))


async def all_seen(database: Database) -> list[Seen]:
    """The clients of every environment, the one that was seen last first."""
    rows = await database.read(lambda tx: tx.rows(f"SELECT {_COLUMNS} FROM clients ORDER BY seen_at DESC, name"))
    return [Seen(*row) for row in rows]
