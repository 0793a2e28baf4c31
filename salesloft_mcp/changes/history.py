"""What was written here, to be searched: operations with their first changes, and how many stand in each state."""

from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from salesloft_mcp.changes.change import Line, State
from salesloft_mcp.changes.lines import line_of
from salesloft_mcp.changes.log import ALL
from salesloft_mcp.changes.rekey import is_whole, rekeyed
from salesloft_mcp.intake.near import near_key
from salesloft_mcp.salesloft.models import MappingKey
from salesloft_mcp.state.database import Database, Row, Transaction, Value
from salesloft_mcp.text import utc

RESTRICTED_AGAIN = "restricted again"  # why a person has to agree to the undoing of a run
# What an undo brings back to a record by which it is taken out of use, in the words of SQLite.
_RESTRICTED = (
    "json_extract({image}, '$.do_not_contact')",
    "json_extract({image}, '$.archived')",
    "json_array_length({image}, '$.contact_restrictions') = 3",
)
UNASKED = "nobody was asked"
READ_TOGETHER = 1_000  # changes of a run that are read at once
SHOWN_CHANGES = 5  # of one operation; a run may have a million


@dataclass(frozen=True, slots=True)
class Logged:
    """An operation as the log holds it. `undone_by` is the operation that took it back; numbers are 0 for none."""

    id: int
    tenant: str
    at: float
    who: str
    person: str
    team: str
    title: str
    how: str
    undoes: int
    plan: str
    undone_by: int
    lines: tuple[Line, ...]
    counts: Counter[State]

    @property
    def agreed(self) -> str:
        """How a person agreed, or that nobody was asked."""
        return self.how or UNASKED

    @property
    def did(self) -> str:
        """What several changes come to; a single one says it by itself."""
        if is_whole([one.state for one in self.lines]) and (both := rekeyed([one.change for one in self.lines])):
            return both.told
        several = self.plan or self.counts.total() > len(self.lines)
        return ", ".join(f"{number:,} {state}" for state, number in self.counts.items()) if several else ""

    @property
    def time(self) -> str:
        """When it was, for people: UTC, to the second."""
        return utc(self.at)


@dataclass(frozen=True, slots=True)
class Search:
    """Which operations are asked for. What is empty or None does not narrow; `until` is the first moment too late.

    The last three are of one change of an operation, and stand last for the statement.
    """

    tenant: str = ""
    id: int | None = None
    title: str = ""
    since: float | None = None
    until: float | None = None
    older_than: int | None = None
    undoes: int | None = None
    external_id: str = ""
    object_type: str = ""
    object_id: int | None = None


_CONDITIONS = {"since": "at >= ?", "until": "at < ?", "older_than": "id < ?"}
_OF_A_CHANGE = ("external_id", "object_type", "object_id")
_SELECT = (
    "SELECT id, tenant, at, who, person, team, title, how, COALESCE(undoes, 0) AS undoes, COALESCE(plan, '') AS plan,"
    " COALESCE((SELECT MAX(other.id) FROM operations AS other WHERE other.undoes = operations.id AND EXISTS (SELECT 1"
    " FROM changes WHERE operation = other.id AND outcome IN ('created', 'updated', 'deleted'))), 0) AS undone_by"
    " FROM operations"
)


_TITLES = "SELECT DISTINCT title FROM operations"


async def find(database: Database, search: Search = Search(), limit: int = ALL) -> list[Logged]:
    """Operations, newest first."""
    given = {name: value for name, value in asdict(search).items() if value not in ("", None)}
    where = [_CONDITIONS.get(name, f"{name} = ?") for name in given if name not in _OF_A_CHANGE]
    asked = {name: value for name, value in given.items() if name in _OF_A_CHANGE}
    if change := " AND ".join(f"{name} = ?" for name in asked):
        where.append(f"id IN (SELECT operation FROM changes WHERE {change} AND outcome <> 'carried')")
    sql = f"{_SELECT} WHERE {' AND '.join(where) or 'TRUE'} ORDER BY id DESC LIMIT ?"
    return await database.read(lambda tx: [_logged(tx, row, asked) for row in tx.rows(sql, *given.values(), limit)])


async def writers(database: Database) -> set[str]:
    """Every tool and command by which something was written here."""
    return set(await database.read(lambda tx: [row[0] for row in tx.rows(_TITLES)]))


async def lines(database: Database, number: int) -> AsyncIterator[Line]:
    """Every change of an operation, in the order in which they were written; a run may have a million."""
    sql, after = "SELECT * FROM changes WHERE operation = ? AND id > ? ORDER BY id LIMIT ?", 0
    while rows := await database.read(partial(_rows, sql=sql, values=(number, after, READ_TOGETHER))):
        after = rows[-1]["id"]
        for row in rows:
            yield line_of(row)


def _rows(tx: Transaction, sql: str, values: tuple[Value, ...]) -> list[Row]:
    return tx.rows(sql, *values)


async def counts(database: Database, number: int) -> Counter[State]:
    """How many changes of a run stand in each state; what was done before it, under the same number, is no part."""
    return await database.read(lambda tx: _counts(tx, number, "AND line IS NOT NULL"))


async def refused(database: Database, number: int) -> Counter[str]:
    """How many changes of a run were not made, by what they were to do: create, update or delete. What was found as it
    shall be is no part, since that does not tell it.
    """
    sql = (
        "SELECT CASE WHEN after IS NULL THEN 'delete' WHEN before IS NULL OR kind = 'mapping' THEN 'create'"
        " ELSE 'update' END AS verb, COUNT(*) AS n FROM changes WHERE operation = ? AND line IS NOT NULL"
        " AND outcome IN ('conflict', 'failed', 'declined', 'lost') GROUP BY verb"
    )
    rows = await database.read(lambda tx: tx.rows(sql, number))
    return Counter({row["verb"]: row["n"] for row in rows})


async def restricted_again(database: Database, number: int) -> int:
    """How many records a run has updated that its undoing would take out of use again."""
    was_and_is = ((one.format(image="before"), one.format(image="after")) for one in _RESTRICTED)
    again = " OR ".join(f"({was} AND NOT COALESCE({now}, FALSE))" for was, now in was_and_is)
    sql = f"SELECT COUNT(*) FROM changes WHERE operation = ? AND outcome = 'updated' AND line IS NOT NULL AND ({again})"
    return await database.read(lambda tx: tx.number(sql, number))


async def taken_off(database: Database, tenant: str, team: str, keys: Iterable[MappingKey]) -> dict[str, Line]:
    """Of these external ids, those that were taken off a record of a team, or nearly the same one was: the deletion by
    which that came to be, last.
    """
    sql = (
        "SELECT * FROM changes WHERE (near = ? OR external_id = ?) AND external_type = ? AND object_type = ?"
        " AND tenant = ? AND kind = 'mapping' AND outcome = 'deleted' AND operation IN"
        " (SELECT id FROM operations WHERE id = changes.operation AND team IN ('', ?)) AND NOT EXISTS"
        " (SELECT 1 FROM changes AS later WHERE later.external_id = changes.external_id AND later.tenant = ?"
        " AND later.external_type = ? AND later.object_type = ? AND later.id > changes.id"
        " AND later.outcome = 'created') ORDER BY id DESC LIMIT 1"
    )

    def read(tx: Transaction) -> dict[str, Line]:
        found = {}
        for key in keys:
            kind, own = (key.external_type, key.object_type), key.external_id
            if row := tx.row(sql, near_key(own), own, *kind, tenant, team, tenant, *kind):
                found[own] = line_of(row)
        return found

    return await database.read(read)


def moment(text: str, *, end: bool = False) -> float:
    """An ISO date or time as seconds; without a zone it is UTC. `end` makes a date mean the end of that day.

    Raises:
        ValueError: it is neither.
    """
    at = datetime.fromisoformat(text)
    if end and len(text) <= len("2026-01-31"):
        at += timedelta(days=1)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _counts(tx: Transaction, number: int, only: str = "") -> Counter[State]:
    rows = tx.rows(f"SELECT outcome, COUNT(*) AS n FROM changes WHERE operation = ? {only} GROUP BY outcome", number)
    return Counter({row["outcome"]: row["n"] for row in rows})


def _logged(tx: Transaction, row: Row, asked: Mapping[str, Value]) -> Logged:
    """An operation with its first changes; of the rows of a run only those that were asked for."""
    only = " AND ".join(f"{name} = ?" for name in asked) or "TRUE"
    which = f"outcome <> 'carried' AND (line IS NULL OR ({only}))"
    sql = f"SELECT * FROM changes WHERE operation = ? AND {which} ORDER BY id LIMIT ?"
    lines = tuple(map(line_of, tx.rows(sql, row["id"], *asked.values(), SHOWN_CHANGES)))
    return Logged(**row, lines=lines, counts=_counts(tx, row["id"]))
