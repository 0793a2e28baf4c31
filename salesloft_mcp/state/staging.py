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
        self._db = sqlite3.connect(file, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        try:
            with self._readable():
                self._script("staging.sql")
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
            with self._db:
                self._db.executemany(
                    "INSERT INTO rows (line, external_id, by, ref, verdict, note) VALUES (?, ?, ?, ?, ?, ?)", batch
                )
            added += len(batch)
        return added

    def mark_duplicates(self) -> None:
        """Rows that say what an earlier one said already."""
        self._script("staging_duplicates.sql")

    def mark_contradictions(self) -> None:
        """Rows of one external id that name several objects: none of them can be right for sure."""
        self._script("staging_contradictions.sql")

    def count(self, column: Column, by: str = "") -> int:
        """How many different values a column of the rows has that are not ruled out: of all, or of those with `by`."""
        only = "AND by = :by" if by else ""
        query = f"SELECT COUNT(DISTINCT {column}) AS n FROM rows WHERE verdict = 'new' {only}"
        return int(self._db.execute(query, {"by": by}).fetchone()["n"])

    def distinct(self, column: Column, by: str = "") -> Iterator[str]:
        """These values in order, read batch by batch, so that other statements may run in between."""
        last, only = "", "AND by = :by" if by else ""
        query = (
            f"SELECT DISTINCT {column} AS one FROM rows WHERE verdict = 'new' {only} AND {column} > :last"
            f" ORDER BY {column} LIMIT {BATCH}"
        )
        while found := [row["one"] for row in self._db.execute(query, {"by": by, "last": last})]:
            yield from found
            last = found[-1]

    def found(self, by: str, objects: Iterable[tuple[str, int]]) -> None:
        """The object of each reference. A reference that stands for a second object is of no use."""
        with self._db:
            self._db.executemany(
                "UPDATE rows SET object_id = COALESCE(object_id, :one),"
                " verdict = CASE WHEN object_id <> :one THEN 'object unknown' ELSE verdict END,"
                " note = CASE WHEN object_id <> :one THEN 'several objects have this ' || by ELSE note END"
                " WHERE verdict = 'new' AND by = :by AND ref = :ref",
                [{"one": object_id, "by": by, "ref": ref} for ref, object_id in objects],
            )

    def hold(self, mappings: Iterable[tuple[str, int, int | None]]) -> None:
        """What Salesloft holds already, as (external id, object id, mapping id)."""
        with self._db:
            self._db.executemany("INSERT INTO held VALUES (?, ?, ?)", mappings)

    def classify(self) -> None:
        """Give every row that is left its verdict, from what Salesloft holds."""
        self._script("staging_verdicts.sql")

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

    def _script(self, name: str) -> None:
        self._db.executescript(files("salesloft_mcp.state").joinpath(name).read_text(encoding="utf-8"))

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """A file that was cut off, damaged or never ours is told in words."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            what = f"the rows of plan {self.file.stem} cannot be read ({error})."
            step = (Hint.PLAN_AGAIN, "; what it created is in the log of changes.")
            raise MissingError(what, next_step=step) from error
