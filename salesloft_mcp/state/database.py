"""The database that keeps what outlives a process: transactions in a worker thread, so that no disk stops the loop."""

import sqlite3
import stat
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import anyio
import anyio.to_thread

from salesloft_mcp.errors import SettingsError, StateError
from salesloft_mcp.state.files import FILE, private_directory, private_file
from salesloft_mcp.state.migrations import is_current, migrate

Value = str | int | float | None
Row = sqlite3.Row
DoneT = TypeVar("DoneT")

TURN_SECONDS = 8.0  # how long a transaction waits for those of this process
BUSY_SECONDS = 5.0  # how long a transaction waits for one of another process
SYNCHRONOUS = "FULL"  # an intent is on disk before the write it announces, also when the power fails

_WAYS_ON = {
    "database is locked": "close whatever holds it",
    "database or disk is full": "make room on the disk",
}
_BUSY = "the file of approvals, changes and plans is busy."
_LOOK = "look at the folder that SALESLOFT_STATE_DIR names"


class Transaction:
    """The statements of one transaction. Values go in as `?`, in portable SQL."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def rows(self, sql: str, *values: Value) -> list[Row]:
        """What a SELECT finds. Columns are read by name."""
        return self._connection.execute(sql, values).fetchall()

    def row(self, sql: str, *values: Value) -> Row | None:
        """The first row that a SELECT finds."""
        return next(self._connection.execute(sql, values), None)

    def number(self, sql: str, *values: Value) -> int:
        """The first number that a SELECT finds; 0 when it finds none."""
        found = self.row(sql, *values)
        return int(found[0] or 0) if found else 0

    def change(self, sql: str, *values: Value) -> int:
        """How many rows an UPDATE or DELETE changed."""
        return self._connection.execute(sql, values).rowcount

    def insert(self, sql: str, *values: Value) -> int:
        """The id of the new row."""
        return int(self._connection.execute(sql, values).lastrowid or 0)

    def each(self, sql: str, values: Iterable[Sequence[Value]]) -> None:
        """The same statement for many rows."""
        self._connection.executemany(sql, values)


class Database:
    """One SQLite file, or memory when `directory` is None.

    A transaction that has begun is always brought to its end, also when the call that asked for it is cancelled. With
    `to_read`, nothing is made or changed, neither the directory nor the file; `is_current` says whether the file has
    all tables: one of an earlier version gets them when a server starts.

    Raises:
        SettingsError: the directory cannot be used, or its file is not one of ours.
    """

    def __init__(self, directory: Path | None, *, to_read: bool = False) -> None:
        self._turn = anyio.Lock()
        try:
            if directory is not None and to_read:
                self._connection, self.is_current = _opened_to_read(directory / FILE)
            else:
                file = None if directory is None else private_file(private_directory(directory) / FILE)
                self._connection, self.is_current = _opened(file), True
        except (OSError, sqlite3.Error) as error:
            what = f"{directory} cannot hold our state ({error})."
            raise SettingsError("SALESLOFT_STATE_DIR", what, next_step="give another directory.") from error

    def close(self) -> None:
        """End the connection; the file stays."""
        self._connection.close()

    async def write(self, work: Callable[[Transaction], DoneT]) -> DoneT:
        """Everything that `work` does, or nothing of it. On disk when this returns."""
        return await self._in_turn(lambda: self._commit(work))

    async def write_if_free(self, work: Callable[[Transaction], DoneT]) -> DoneT:
        """The same, where nobody else is at work on the file at this moment. It waits for nobody.

        Raises:
            StateError: somebody is, or the file cannot be used.
        """
        try:
            self._turn.acquire_nowait()
        except anyio.WouldBlock:
            raise StateError(_BUSY, next_step="try again.") from None
        return await self._aside(lambda: self._commit_at_once(work))

    async def read(self, work: Callable[[Transaction], DoneT]) -> DoneT:
        """What `work` reads, all at one moment."""
        return await self._in_turn(lambda: self._commit(work, "BEGIN"))

    async def _in_turn(self, work: Callable[[], DoneT]) -> DoneT:
        try:
            with anyio.fail_after(TURN_SECONDS):
                await self._turn.acquire()
        except TimeoutError:
            raise StateError(_BUSY, next_step="try again.") from None
        return await self._aside(work)

    async def _aside(self, work: Callable[[], DoneT]) -> DoneT:
        """`work` in a thread; whoever comes here has the turn, and it is given back."""
        try:
            return await anyio.to_thread.run_sync(work)
        except sqlite3.IntegrityError:
            raise
        except sqlite3.DatabaseError as error:
            what = f"the file of approvals, changes and plans cannot be used ({error})."
            raise StateError(what, next_step=f"{_WAYS_ON.get(str(error), _LOOK)}, then try again.") from error
        finally:
            self._turn.release()

    def _commit(self, work: Callable[[Transaction], DoneT], begin: str = "BEGIN IMMEDIATE") -> DoneT:
        self._connection.execute(begin)
        with self._connection:  # commits, or rolls back
            return work(Transaction(self._connection))

    def _commit_at_once(self, work: Callable[[Transaction], DoneT]) -> DoneT:
        self._connection.execute("PRAGMA busy_timeout = 0")
        try:
            return self._commit(work)
        finally:
            self._connection.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000:.0f}")


def _connected(place: Path | str, uri: bool = False) -> sqlite3.Connection:
    db = sqlite3.connect(place, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False, uri=uri)
    db.row_factory = sqlite3.Row
    return db


def _opened_to_read(file: Path) -> tuple[sqlite3.Connection, bool]:
    """A connection that can change nothing, and whether the file has all tables of this version.

    Where no process has the file open, SQLite would make two files beside it in order to read it, and leave them there:
    https://www.sqlite.org/wal.html#read_only_databases. The file of another program may be a pipe, which never ends.
    """
    if not stat.S_ISREG(file.stat().st_mode):
        raise OSError(f"{file} is no regular file")
    how = "mode=ro" if file.with_name(f"{file.name}-wal").exists() else "mode=ro&immutable=1"
    db = _connected(f"{file.absolute().as_uri()}?{how}", uri=True)
    try:
        return db, is_current(db)
    except sqlite3.Error:
        db.close()
        raise


def _opened(file: Path | None) -> sqlite3.Connection:
    db = _connected(file or ":memory:")
    try:
        with suppress(sqlite3.OperationalError):  # another process is switching the same new file at this moment
            db.execute("PRAGMA journal_mode = WAL")
        db.execute(f"PRAGMA synchronous = {SYNCHRONOUS}")
        migrate(db)
    except sqlite3.Error:
        db.close()
        raise
    return db
