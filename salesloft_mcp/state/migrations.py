"""The tables, and how a file of an earlier version comes to have them. Each step is done once, in its order."""

import sqlite3
from importlib.resources import files

# Each step is a file of statements: what version 0.1.0 made; then a write became an operation of one or more changes;
# then a plan could upsert; then the log found what was created under nearly the same external id; then it was kept
# where a person had decided; then what `verify` saw; then what a server saw of its clients; then a plan could
# rename an external type; then it was kept whose token a write was made with.
_STEPS = (
    "first_tables",
    "operations",
    "bulk_upserts",
    "near_changes",
    "decided_where",
    "learned",
    "clients",
    "renames",
    "persons",
)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring a database to the newest version, in one transaction, whichever process comes first."""
    if is_current(connection):
        return
    connection.execute("BEGIN IMMEDIATE")
    with connection:  # commits, or rolls back
        columns = {row["name"] for row in connection.execute("PRAGMA table_info(changes)")}
        if columns and "undoes" not in columns:
            connection.execute("ALTER TABLE changes ADD COLUMN undoes INTEGER")  # early files of 0.1 lack it
        for step in _STEPS[_version(connection) :]:
            script = files("salesloft_mcp.state").joinpath(f"{step}.sql").read_text(encoding="utf-8")
            for statement in script.split(";"):  # `executescript` would end the transaction; none holds a semicolon
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(_STEPS)}")


def is_current(connection: sqlite3.Connection) -> bool:
    """Whether a database has the newest version.

    Raises:
        sqlite3.DatabaseError: it has one that is not known here.
    """
    if _version(connection) > len(_STEPS):
        raise sqlite3.DatabaseError("it was written by a newer version of this program")
    return _version(connection) == len(_STEPS)


def _version(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])
