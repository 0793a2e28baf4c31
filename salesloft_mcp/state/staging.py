"""The rows of one plan: a SQLite file with each row of the input and its verdict. After planning it is only read.

Rows are never held in memory, so a million of them take no more room than a thousand.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Literal

from salesloft_mcp.errors import Hint, MissingError
from salesloft_mcp.state.files import private_file

BATCH = 5_000

Verdict = Literal["new", "create", "unchanged", "conflict", "object unknown", "invalid", "duplicate"]
Column = Literal["external_id", "ref"]
NewRow = tuple[int, str, str, str, Verdict, str]  # line, external id, by, ref, verdict, note


@dataclass(frozen=True, slots=True)
class StagedRow:
    """One row of the input, and what the plan says of it."""

    line: int
    external_id: str
    by: str
    ref: str
    object_id: int | None
    verdict: Verdict
    note: str
    mapping_id: int | None


class Staging:
    """The rows of one plan on disk. Every method is one statement, or one transaction.

    Long ones may be run in a thread, one at a time: the caller waits for each. Raises MissingError for a file that
    holds no plan.
    """

    def __init__(self, file: Path) -> None:
        self.file = private_file(file)
        self._db = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        try:
            with self._readable():
                self._db.execute("PRAGMA busy_timeout = 5000")
                self._db.execute("PRAGMA journal_mode = WAL")
                self._db.execute("PRAGMA synchronous = OFF")  # a plan that a crash cut off is made again
                self._db.executescript(files("salesloft_mcp.state").joinpath("staging.sql").read_text(encoding="utf-8"))
        except MissingError:
            self._db.close()
            raise

    def __enter__(self) -> "Staging":
        return self

    def __exit__(self, *exception: object) -> None:
        self._db.close()  # the file stays

    def add(self, rows: Iterable[NewRow]) -> int:
        """Add rows, `new` ones and those that are ruled out already; how many there were."""
        added, rows = 0, iter(rows)
        while batch := list(islice(rows, BATCH)):
            with self._transaction():
                self._db.executemany(
                    "INSERT INTO rows (line, external_id, by, ref, verdict, note) VALUES (?, ?, ?, ?, ?, ?)", batch
                )
            added += len(batch)
        return added

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._db.execute("BEGIN IMMEDIATE")
        with self._db:  # commits, or rolls back
            yield

    def mark_duplicates(self) -> None:
        """Rows that say what an earlier one said already."""
        self._db.execute("CREATE INDEX IF NOT EXISTS rows_by_external_id ON rows (external_id, by, ref, line)")
        self._db.execute("CREATE INDEX IF NOT EXISTS rows_by_ref ON rows (by, ref)")
        self._db.execute(
            "UPDATE rows SET verdict = 'duplicate', note = 'the same as line ' || first.line FROM"
            " (SELECT external_id, by, ref, MIN(line) AS line FROM rows WHERE verdict = 'new'"
            "  GROUP BY external_id, by, ref HAVING COUNT(*) > 1) AS first"
            " WHERE rows.verdict = 'new' AND rows.external_id = first.external_id AND rows.by = first.by"
            " AND rows.ref = first.ref AND rows.line > first.line"
        )

    def mark_contradictions(self) -> None:
        """Rows of one external id that name several objects: none of them can be right for sure."""
        self._db.execute(
            "UPDATE rows SET verdict = 'invalid', note = 'this external id is given to several objects in the input'"
            " WHERE verdict = 'new' AND external_id IN (SELECT external_id FROM rows WHERE verdict = 'new'"
            "  GROUP BY external_id HAVING COUNT(DISTINCT object_id) > 1)"
        )

    def count(self, column: Column, by: str = "") -> int:
        """How many different values a column of the rows has that are not ruled out: of all, or of those with `by`."""
        only, values = _by(by)
        query = f"SELECT COUNT(DISTINCT {column}) AS n FROM rows WHERE verdict = 'new' {only}"
        return int(self._db.execute(query, values).fetchone()["n"])

    def distinct(self, column: Column, by: str = "") -> Iterator[str]:
        """These values in order, read batch by batch, so that other statements may run in between."""
        only, values = _by(by)
        query = (
            f"SELECT DISTINCT {column} AS one FROM rows WHERE verdict = 'new' {only} AND {column} > ?"
            f" ORDER BY {column} LIMIT ?"
        )
        last = ""
        while found := [row["one"] for row in self._db.execute(query, (*values, last, BATCH))]:
            yield from found
            last = found[-1]

    def found(self, by: str, objects: Iterable[tuple[str, int]]) -> None:
        """The object of each reference. A reference that stands for a second object is of no use."""
        with self._transaction():
            self._db.executemany(
                "UPDATE rows SET object_id = COALESCE(object_id, :one),"
                " verdict = CASE WHEN object_id <> :one THEN 'object unknown' ELSE verdict END,"
                " note = CASE WHEN object_id <> :one THEN 'several objects have this ' || by ELSE note END"
                " WHERE verdict = 'new' AND by = :by AND ref = :ref",
                [{"one": object_id, "by": by, "ref": ref} for ref, object_id in objects],
            )

    def hold(self, mappings: Iterable[tuple[str, int, int | None]]) -> None:
        """What Salesloft holds already, as (external id, object id, mapping id)."""
        with self._transaction():
            self._db.executemany("INSERT INTO held VALUES (?, ?, ?)", mappings)

    def classify(self) -> None:
        """Give every row that is left its verdict, from what Salesloft holds."""
        with self._transaction():
            self._db.execute("CREATE INDEX IF NOT EXISTS held_by_external_id ON held (external_id)")
            self._db.execute(
                "UPDATE rows SET verdict = 'object unknown', note = 'there is no such object'"
                " WHERE verdict = 'new' AND object_id IS NULL"
            )
            self._db.execute(
                "UPDATE rows SET verdict = 'unchanged', mapping_id = held.mapping_id FROM held"
                " WHERE verdict = 'new' AND held.external_id = rows.external_id AND held.object_id = rows.object_id"
            )
            self._db.execute(
                "UPDATE rows SET verdict = 'conflict', note = 'is mapped to ' || held.object_id FROM held"
                " WHERE verdict = 'new' AND held.external_id = rows.external_id"
            )
            self._db.execute(
                "UPDATE rows SET verdict = 'duplicate', note = 'the same object as line ' || first.line FROM"
                " (SELECT external_id, MIN(line) AS line FROM rows WHERE verdict = 'new'"
                "  GROUP BY external_id HAVING COUNT(*) > 1) AS first"
                " WHERE rows.verdict = 'new' AND rows.external_id = first.external_id AND rows.line > first.line"
            )
            self._db.execute("UPDATE rows SET verdict = 'create' WHERE verdict = 'new'")
            self._db.execute("CREATE INDEX IF NOT EXISTS rows_open ON rows (verdict, line)")

    def verdicts(self) -> Counter[str]:
        """How many rows the plan gives each verdict."""
        return Counter(dict(self._db.execute("SELECT verdict, COUNT(*) FROM rows GROUP BY verdict").fetchall()))

    def lines(self, after: int = 0, limit: int = BATCH, verdicts: tuple[Verdict, ...] = ()) -> list[StagedRow]:
        """Rows past line `after`, of some verdicts or of all."""
        marks = ", ".join("?" * len(verdicts))
        only = f"verdict IN ({marks}) AND" if verdicts else ""
        sql = f"SELECT * FROM rows WHERE {only} line > ? ORDER BY line LIMIT ?"
        with self._readable():
            return [StagedRow(**row) for row in self._db.execute(sql, (*verdicts, after, limit))]

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """A file that was cut off, damaged or never ours is told in words."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            what = f"the rows of plan {self.file.stem} cannot be read ({error})."
            step = (Hint.PLAN_AGAIN, "; what it created is in the log of changes.")
            raise MissingError(what, next_step=step) from error


def _by(by: str) -> tuple[str, tuple[str, ...]]:
    return ("AND by = ?", (by,)) if by else ("", ())
