"""The change log: every write with its before and after, when, by whom, and how a person agreed to it."""

import json
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import astuple, dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

Outcome = Literal["intended", "created", "updated", "unchanged", "deleted", "failed", "unknown"]
ALL = -1  # to SQLite, a limit that is none

_SELECT = (
    "SELECT *, (SELECT MAX(other.id) FROM changes AS other WHERE other.undoes = changes.id"
    " AND other.outcome IN ('created', 'updated', 'deleted')) AS undone_by FROM changes"
)


@dataclass(frozen=True, slots=True)
class Change:
    """One write: what it is about, and how a person agreed to it ("" when nobody had to)."""

    environment: str
    tool: str
    external_type: str
    object_type: str
    external_id: str = ""
    object_id: int | None = None
    confirmed: str = ""
    who: str = "local"
    undoes: int | None = None


@dataclass(frozen=True, slots=True)
class Logged:
    """A write as the log holds it. `undone_by` is the change that took it back."""

    id: int
    at: float
    environment: str
    who: str
    tool: str
    external_type: str
    object_type: str
    external_id: str
    object_id: int | None
    confirmed: str
    outcome: Outcome
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    undoes: int | None
    undone_by: int | None

    @property
    def time(self) -> str:
        """When it was, for people: UTC, to the second."""
        return f"{datetime.fromtimestamp(self.at, UTC):%Y-%m-%dT%H:%M:%SZ}"


@dataclass(frozen=True, slots=True)
class Search:
    """Which changes are asked for. What is empty or None does not narrow; `until` is the first moment too late."""

    environment: str = ""
    external_id: str = ""
    external_type: str = ""
    object_type: str = ""
    object_id: int | None = None
    tool: str = ""
    since: float | None = None
    until: float | None = None
    older_than: int | None = None


_CONDITIONS = {
    "since": "at >= :since",
    "until": "at < :until",
    "older_than": "id < :older_than",
    "tool": "tool >= :tool AND tool < :tool || '!'",  # of a job too, whose id follows after a space
}


_INSERT = (
    f"INSERT INTO changes (at, {', '.join(field.name for field in fields(Change))}, outcome, before)"
    f" VALUES (?, {', '.join('?' * len(fields(Change)))}, ?, ?)"
)


class ChangeLog:
    """The log in one open database."""

    def __init__(self, db: sqlite3.Connection, clock: Callable[[], float]) -> None:
        self._db = db
        self._clock = clock

    def intend(self, change: Change, before: dict[str, object] | None = None) -> int:
        """Log a write before it is sent; its number goes to `settle`."""
        done = self._db.execute(_INSERT, (self._clock(), *astuple(change), "intended", _text(before)))
        return int(done.lastrowid or 0)

    def record(self, writes: Iterable[tuple[Change, Outcome]]) -> None:
        """Log writes that were announced elsewhere and have ended, all at once."""
        now = self._clock()
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(_INSERT, ((now, *astuple(change), outcome, None) for change, outcome in writes))

    def settle(
        self, number: int, outcome: Outcome, after: dict[str, object] | None = None, object_id: int | None = None
    ) -> None:
        """Log how a write ended, and the object it was about where only the answer told."""
        self._db.execute(
            "UPDATE changes SET outcome = ?, after = ?, object_id = COALESCE(object_id, ?) WHERE id = ?",
            (outcome, _text(after), object_id, number),
        )

    def find(self, search: Search = Search(), limit: int = ALL) -> list[Logged]:
        """Newest first."""
        given = {field.name: getattr(search, field.name) for field in fields(Search)}
        given = {name: value for name, value in given.items() if value not in ("", None)}
        where = " AND ".join(_CONDITIONS.get(name, f"{name} = :{name}") for name in given) or "TRUE"
        rows = self._db.execute(f"{_SELECT} WHERE {where} ORDER BY id DESC LIMIT :limit", {**given, "limit": limit})
        return [_logged(row) for row in rows]

    def get(self, number: int, environment: str) -> Logged | None:
        """One change; those of other environments do not exist here."""
        found = self._db.execute(f"{_SELECT} WHERE id = ? AND environment = ?", (number, environment)).fetchone()
        return None if found is None else _logged(found)

    def save_mappings(self, number: int, mappings: Iterable[tuple[str, int]]) -> None:
        """Keep what hangs on a configuration that is about to be deleted, as (external id, object id)."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(
                "INSERT OR IGNORE INTO saved_mappings (change_id, external_id, object_id) VALUES (?, ?, ?)",
                ((number, *mapping) for mapping in mappings),
            )

    def saved_mappings(self, number: int) -> list[tuple[str, int]]:
        """What was kept and is not restored yet."""
        rows = self._db.execute(
            "SELECT external_id, object_id FROM saved_mappings WHERE change_id = ? AND NOT restored", (number,)
        )
        return [(row["external_id"], row["object_id"]) for row in rows]

    def mark_restored(self, number: int, mappings: Iterable[tuple[str, int]]) -> None:
        """These need no second look."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            self._db.executemany(
                "UPDATE saved_mappings SET restored = TRUE WHERE change_id = ? AND external_id = ? AND object_id = ?",
                ((number, *mapping) for mapping in mappings),
            )


def moment(text: str, *, end: bool = False) -> float:
    """An ISO date or time as seconds; without a zone it is UTC. `end` makes a date mean the end of that day.

    Raises:
        ValueError: it is neither.
    """
    at = datetime.fromisoformat(text)
    if end and len(text) <= len("2026-01-31"):
        at += timedelta(days=1)
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _logged(row: sqlite3.Row) -> Logged:
    found = dict(row)
    images = {name: None if found[name] is None else json.loads(found[name]) for name in ("before", "after")}
    return Logged(**{**found, **images})


def _text(image: dict[str, object] | None) -> str | None:
    return None if image is None else json.dumps(image)
