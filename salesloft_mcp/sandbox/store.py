"""The SQLite file or memory behind the sandbox: rows in, rows out, nothing of HTTP."""

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal, NamedTuple

ObjectType = Literal["people", "accounts", "users"]
Table = Literal["configurations", "mappings"] | ObjectType
Value = str | int | None
Row = dict[str, Any]

SCHEMA = Path(__file__).with_name("schema.sql")


class Condition(NamedTuple):
    """One SQL condition and the values for its question marks."""

    sql: str
    values: tuple[Value, ...]


def equal(column: str, value: Value) -> Condition:
    return Condition(f"{column} = ?", (value,))


def among(column: str, values: Sequence[Value]) -> Condition:
    marks = ", ".join("?" * len(values))
    return Condition(f"{column} IN ({marks})", tuple(values))


class Store:
    """One connection, used from one event loop; `fields` columns are JSON outside, dicts inside."""

    def __init__(self, path: str | Path) -> None:
        try:
            self._db = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            self._db.row_factory = sqlite3.Row
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._db.executescript(SCHEMA.read_text(encoding="utf-8"))
        except sqlite3.Error as error:
            raise OSError(f"cannot hold a sandbox ({error})") from None

    def close(self) -> None:
        self._db.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of the writes inside, or none when the block raises."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            yield

    def select(
        self,
        table: Table,
        conditions: Sequence[Condition] = (),
        order: str = "id",
        limit: int = -1,
        offset: int = 0,
    ) -> list[Row]:
        where, values = _where(conditions)
        sql = f"SELECT * FROM {table}{where} ORDER BY {order} LIMIT ? OFFSET ?"
        return [_unpacked(row) for row in self._db.execute(sql, (*values, limit, offset))]

    def first(self, table: Table, *conditions: Condition) -> Row | None:
        rows = self.select(table, conditions, limit=1)
        return rows[0] if rows else None

    def by_id(self, table: Table, row_id: int) -> Row | None:
        return self.first(table, equal("id", row_id))

    def count(self, table: Table, conditions: Sequence[Condition] = ()) -> int:
        where, values = _where(conditions)
        (number,) = self._db.execute(f"SELECT count(*) FROM {table}{where}", values).fetchone()
        return int(number)

    def insert(self, table: Table, row: Mapping[str, Any]) -> Row:
        """Store the row and return it as it is now, with its id."""
        cursor = self._db.execute(_insertion(table, row), _packed(row))
        return self.select(table, [equal("id", cursor.lastrowid)])[0]

    def insert_all(self, table: Table, rows: Sequence[Row]) -> None:
        """Store many rows, which all have the columns of the first."""
        self._db.executemany(_insertion(table, rows[0]), map(_packed, rows))

    def update(self, table: Table, changes: Mapping[str, Any], *conditions: Condition) -> int:
        """Change every row that meets the conditions; how many there were."""
        where, values = _where(conditions)
        settings = ", ".join(f"{column} = ?" for column in changes)
        return self._db.execute(f"UPDATE {table} SET {settings}{where}", (*_packed(changes), *values)).rowcount

    def mark_deleted(self, table: Literal["configurations", "mappings"], row_id: int) -> bool:
        """Soft: the row stays. False when there is no such row, or no longer."""
        return self.update(table, {"deleted": 1}, equal("id", row_id), equal("deleted", 0)) > 0

    def remove(self, table: Table, row_id: int) -> int:
        return self._db.execute(f"DELETE FROM {table} WHERE id = ?", (row_id,)).rowcount


def _where(conditions: Sequence[Condition]) -> tuple[str, tuple[Value, ...]]:
    if not conditions:
        return "", ()
    sql = " AND ".join(condition.sql for condition in conditions)
    return f" WHERE {sql}", tuple(value for condition in conditions for value in condition.values)


def _insertion(table: Table, row: Mapping[str, Any]) -> str:
    marks = ", ".join("?" * len(row))
    return f"INSERT INTO {table} ({', '.join(row)}) VALUES ({marks})"


def _packed(row: Mapping[str, Any]) -> list[Any]:
    return [json.dumps(value, ensure_ascii=False) if isinstance(value, dict) else value for value in row.values()]


def _unpacked(row: sqlite3.Row) -> Row:
    unpacked = dict(row)
    if "fields" in unpacked:
        unpacked["fields"] = json.loads(unpacked["fields"])
    return unpacked
