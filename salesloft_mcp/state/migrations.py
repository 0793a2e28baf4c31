"""The tables, and how a file of an earlier version comes to have them. Each step is done once, in its order."""

import sqlite3
from collections.abc import Callable
from importlib.resources import files

Step = Callable[[sqlite3.Connection], None]


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a database to the newest version, in one transaction, whichever process comes first."""
    if _version(connection) > len(_STEPS):
        raise sqlite3.DatabaseError("it was written by a newer version of this program")
    if _version(connection) == len(_STEPS):
        return
    connection.execute("BEGIN IMMEDIATE")
    with connection:  # commits, or rolls back
        for number, step in list(enumerate(_STEPS, 1))[_version(connection) :]:
            step(connection)
            connection.execute(f"PRAGMA user_version = {number}")


def _version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def _first_tables(connection: sqlite3.Connection) -> None:
    """What version 0.1.0 made. Such a file has no number yet, and early ones lack a column."""
    columns = {row["name"] for row in connection.execute("PRAGMA table_info(changes)")}
    if columns and "undoes" not in columns:
        connection.execute("ALTER TABLE changes ADD COLUMN undoes INTEGER")
    _run(connection, "first_tables")


def _operations(connection: sqlite3.Connection) -> None:
    """A write became an operation of one or more changes."""
    _run(connection, "operations")


_STEPS: tuple[Step, ...] = (_first_tables, _operations)


def _run(connection: sqlite3.Connection, name: str) -> None:
    """Statement by statement, because `executescript` would end the transaction. None of them holds a semicolon."""
    script = files("salesloft_mcp.state").joinpath(f"{name}.sql").read_text(encoding="utf-8")
    for statement in script.split(";"):
        if statement.strip():
            connection.execute(statement)
