"""The rows of one plan: a SQLite file with each row of the input and its verdict. After planning, a run only adds what
was mapped meanwhile.

Rows are never held in memory, so a million of them take no more room than a thousand.
"""

import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files
from itertools import islice
from pathlib import Path
from typing import Literal, NamedTuple

from salesloft_mcp.errors import Hint, MissingError
from salesloft_mcp.state.files import private_file
from salesloft_mcp.text import quoted

BATCH = 5_000
AND = ", "  # between several reasons to ask
ADDED = 1_000  # rows at once: more of them outlive several passes of the garbage collector

Verdict = Literal[
    "new",
    "create",
    "update",
    "rename",
    "delete",
    "unchanged",
    "conflict",
    "object unknown",
    "suspicious",
    "invalid",
    "duplicate",
]
Column = Literal["external_id", "ref", "object_id"]
# What is done to all rows at once, each in a file of statements that says what it is for.
Step = Literal["duplicates", "contradictions", "verdicts", "taken", "suspicious", "renames"]


class NewRow(NamedTuple):
    """A row of the input by itself; `staging.sql` says what each value means."""

    line: int
    external_id: str = ""
    by: str = ""
    ref: str = ""
    taken: str = ""
    given: str = ""
    fields: str = ""
    refs: str = ""
    near: str = ""
    family: str = ""
    spelling: str = ""
    doubt: str = ""
    verdict: Verdict = "new"
    note: str = ""
    mapping_id: int | None = None
    also: Sequence[tuple[str, str]] = ()  # other keys of it, as pairs of `by` and `ref`


class Judged(NamedTuple):
    """What the plan says of a row of an upsert, once the record it stands for was read."""

    verdict: Verdict
    note: str
    asks: str
    fields: str
    before: str
    line: int


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
    taken: str
    given: str
    asks: str
    fields: str
    refs: str
    before: str


_ROW = ", ".join(StagedRow.__slots__)


class Staging:
    """The rows of one plan on disk. Every method is one statement, or one transaction.

    Long ones may be run in a thread, one at a time: the caller waits for each. Raises MissingError for a file that
    holds no plan.
    """

    def __init__(self, file: Path) -> None:
        self.file = private_file(file)
        self._db = sqlite3.connect(file, check_same_thread=False)
        self._db.row_factory = sqlite3.Row
        self._db.create_function("quoted", 1, quoted, deterministic=True)
        try:
            with self._readable():
                self._script("staging")
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
        columns = NewRow._fields[:-1]
        sql = f"INSERT INTO rows ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"
        also = "INSERT INTO also (line, by, ref) VALUES (?, ?, ?)"
        while batch := list(islice(rows, ADDED)):
            with self._db:
                self._db.executemany(sql, [row[:-1] for row in batch])
                self._db.executemany(also, [(row.line, *key) for row in batch for key in row.also])
            added += len(batch)
        return added

    def do(self, step: Step) -> None:
        """One step of planning, for all rows."""
        self._script(f"staging_{step}")

    def count(self, column: Column, by: str = "") -> int:
        """How many different values a column of the rows has that are not ruled out: of all, or of those with `by`."""
        only = "AND by = :by" if by else ""
        query = f"SELECT COUNT(DISTINCT {column}) AS n FROM rows WHERE verdict = 'new' {only}"
        return int(self._db.execute(query, {"by": by}).fetchone()["n"])

    def distinct(self, column: Column, by: str = "", verdict: Verdict = "new") -> Iterator[str]:
        """These values as text in order, read batch by batch, so that other statements may run in between."""
        return self._values(f"rows WHERE verdict = '{verdict}' AND", column, by)

    def also(self, by: str) -> Iterator[str]:
        """The other keys of rows that have several."""
        return self._values("also WHERE", "ref", by)

    def _values(self, source: str, column: Column, by: str) -> Iterator[str]:
        last: object = -1 if column == "object_id" else ""
        only = "by = :by AND" if by else ""
        query = f"SELECT DISTINCT {column} AS one FROM {source} {only} {column} > :last ORDER BY {column} LIMIT {BATCH}"
        while found := [row["one"] for row in self._db.execute(query, {"by": by, "last": last})]:
            yield from map(str, found)
            last = found[-1]

    def found(self, by: str, objects: Iterable[tuple[str, int]]) -> None:
        """The object of each reference. A reference that stands for a second object is of no use."""
        pairs = [{"one": object_id, "by": by, "ref": ref} for ref, object_id in objects]
        with self._db:
            self._db.executemany(
                "UPDATE rows SET object_id = COALESCE(object_id, :one),"
                " verdict = CASE WHEN object_id <> :one THEN 'object unknown' ELSE verdict END,"
                " note = CASE WHEN object_id <> :one"
                " THEN 'records ' || object_id || ' and ' || :one || ' have this ' || by ELSE note END"
                " WHERE verdict = 'new' AND by = :by AND ref = :ref",
                pairs,
            )

    def found_also(self, by: str, objects: Iterable[tuple[str, int]]) -> None:
        """The same for other keys of rows. Of several objects, the one that its row names by its first key counts."""
        pairs = [{"one": object_id, "by": by, "ref": ref} for ref, object_id in objects]
        with self._db:
            self._db.executemany(
                "UPDATE also SET object_id = CASE WHEN object_id IS NULL OR"
                " (SELECT object_id FROM rows WHERE rows.line = also.line) = :one THEN :one ELSE object_id END"
                " WHERE by = :by AND ref = :ref",
                pairs,
            )

    def hold(self, mappings: Iterable[tuple[str, int, int | None, str]]) -> None:
        """What Salesloft holds already, as (external id, object id, mapping id, near key)."""
        with self._db:
            self._db.executemany("INSERT INTO held VALUES (?, ?, ?, ?)", mappings)

    def see(self, newest: int | None, mapped_since: Iterable[str] = ()) -> None:
        """The newest mapping of the type is this one by now, and these external ids were mapped after the plan was
        made. With None it is not known any more which are new.
        """
        with self._db:
            self._db.execute("DELETE FROM newest")
            self._db.executemany("INSERT INTO newest VALUES (?)", [] if newest is None else [(newest,)])
            self._db.executemany("INSERT OR IGNORE INTO mapped_since VALUES (?)", ((one,) for one in mapped_since))

    def newest(self) -> int | None:
        """The newest mapping of the type that was seen; None where Salesloft does not tell which are new."""
        found = self._db.execute("SELECT MAX(mapping_id) FROM newest").fetchone()[0]
        return None if found is None else int(found)

    def mapped_since(self, external_ids: Iterable[str]) -> set[str]:
        """Those of them that were mapped after the plan was made, as far as that was seen."""
        sql = "SELECT 1 FROM mapped_since WHERE external_id = ?"
        return {one for one in external_ids if self._db.execute(sql, (one,)).fetchone()}

    def rule_out(self, external_id: str, note: str) -> None:
        """What Salesloft holds under an external id is not known, so none of its rows is written."""
        sql = "UPDATE rows SET verdict = 'conflict', note = ? WHERE verdict IN ('new', 'create') AND external_id = ?"
        with self._db:
            self._db.execute(sql, (note, external_id))

    def doubt(self, external_id: str, note: str) -> None:
        """Hold back the rows that would create something under an external id."""
        sql = "UPDATE rows SET verdict = 'suspicious', note = ? WHERE verdict = 'create' AND external_id = ?"
        with self._db:
            self._db.execute(sql, (note, external_id))

    def know(self, objects: Iterable[tuple[str, int]]) -> None:
        """Which record has an e-mail or a domain."""
        with self._db:
            self._db.executemany("INSERT INTO known VALUES (?, ?)", objects)

    def judge(self, rows: Iterable[Judged]) -> None:
        """Give rows their verdicts."""
        with self._db:
            self._db.executemany(
                "UPDATE rows SET verdict = ?, note = ?, asks = ?, fields = ?, before = ? WHERE line = ?", rows
            )

    def custom_fields(self) -> list[str]:
        """The names of the custom fields that rows write."""
        written = "(SELECT fields FROM rows WHERE verdict = 'new' AND fields <> '') AS written"
        sql = f"SELECT DISTINCT key FROM {written}, json_each(written.fields, '$.custom_fields')"
        return [row["key"] for row in self._db.execute(sql)]

    def verdicts(self) -> Counter[str]:
        """How many rows the plan gives each verdict."""
        return Counter(dict(self._db.execute("SELECT verdict, COUNT(*) FROM rows GROUP BY verdict").fetchall()))

    def suspicious_updates(self) -> int:
        """How many of the suspicious rows would update a record."""
        sql = "SELECT COUNT(*) FROM rows WHERE verdict = 'suspicious' AND before <> ''"
        return int(self._db.execute(sql).fetchone()[0])

    def taken(self) -> int:
        """How many rows have a key that was changed before it was looked up."""
        return int(self._db.execute("SELECT COUNT(*) FROM rows WHERE taken <> ''").fetchone()[0])

    def asks(self) -> Counter[str]:
        """Why a person has to agree to rows that are to be written, and to how many; of suspicious rows by itself."""
        sql = (
            "SELECT CASE verdict WHEN 'suspicious' THEN 'suspicious ' ELSE '' END, asks, COUNT(*) FROM rows"
            " WHERE asks <> '' AND verdict IN ('create', 'update', 'suspicious') GROUP BY 1, 2"
        )
        counted: Counter[str] = Counter()
        for held_back, asks, number in self._db.execute(sql):
            counted.update({f"{held_back}{why}": number for why in asks.split(AND)})
        return counted

    def lines(self, after: int = 0, limit: int = BATCH, verdicts: tuple[Verdict, ...] = ()) -> list[StagedRow]:
        """Rows past line `after`, of some verdicts or of all."""
        marks = ", ".join("?" * len(verdicts))
        only = f"verdict IN ({marks}) AND" if verdicts else ""
        sql = f"SELECT {_ROW} FROM rows WHERE {only} line > ? ORDER BY line LIMIT ?"
        with self._readable():
            return [StagedRow(*row) for row in self._db.execute(sql, (*verdicts, after, limit))]

    def _script(self, name: str) -> None:
        self._db.executescript(files("salesloft_mcp.state").joinpath(f"{name}.sql").read_text(encoding="utf-8"))

    @contextmanager
    def _readable(self) -> Iterator[None]:
        """A file that was cut off, damaged or never ours is told in words."""
        try:
            yield
        except sqlite3.DatabaseError as error:
            what = f"the rows of plan {self.file.stem} cannot be read ({error})."
            step = (Hint.PLAN_AGAIN, "; what it created is in the log of changes.")
            raise MissingError(what, next_step=step) from error
