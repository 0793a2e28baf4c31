"""State on this machine: one SQLite file that only its owner can read."""

import hashlib
import secrets
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from salesloft_mcp.errors import SettingsError
from salesloft_mcp.state.changes import ChangeLog

ASKED_SECONDS = 24 * 3_600.0  # how long a question waits for a person
GRANTED_SECONDS = 3_600.0  # how long a yes may be used
CODE_SECONDS = 600.0  # how long a two-step code may be used


@dataclass(frozen=True, slots=True)
class Question:
    """What a person is asked, and where. Its digest stands for exactly these words."""

    environment: str
    tool: str
    text: str

    @property
    def digest(self) -> str:
        """Equal for equal questions, in whichever process."""
        return hashlib.sha256("\0".join((self.environment, self.tool, self.text)).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Approval:
    """A question that waits for a person."""

    id: str
    environment: str
    tool: str
    question: str
    asked_at: float


class LocalState:
    """Approvals, and in `log` every write. Statements take well under a millisecond, so they run where they are called.

    Raises:
        SettingsError: the directory cannot be used, or its file is not one of ours.
    """

    def __init__(self, directory: Path | None, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        try:
            self.location = "memory" if directory is None else str(_private_file(directory))
            self._db = _opened(":memory:" if directory is None else self.location)
            self.log = ChangeLog(self._db, clock)
        except (OSError, sqlite3.Error) as error:
            what = f"{directory} cannot hold our state ({error})."
            raise SettingsError("SALESLOFT_STATE_DIR", what, next_step="give another directory.") from error

    def __enter__(self) -> "LocalState":
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the connection; the file stays."""
        self._db.close()

    def ask(self, question: Question) -> str:
        """The id of the pending approval of this question, recorded once however often it is asked."""
        with self._db:
            self._db.execute("BEGIN IMMEDIATE")
            found = self._db.execute(
                "SELECT id FROM approvals WHERE digest = ? AND code IS NULL AND decision IS NULL AND asked_at > ?",
                (question.digest, self._clock() - ASKED_SECONDS),
            ).fetchone()
            return str(found["id"]) if found else self._record(question, None)

    def ask_with_code(self, question: Question) -> str:
        """A new code that stands for a yes to this question, once, for ten minutes."""
        code = secrets.token_hex(4)
        self._record(question, code)
        return code

    def pending(self) -> list[Approval]:
        """The questions that wait for a person, oldest first."""
        rows = self._db.execute(
            "SELECT id, environment, tool, question, asked_at FROM approvals"
            " WHERE code IS NULL AND decision IS NULL AND asked_at > ? ORDER BY asked_at",
            (self._clock() - ASKED_SECONDS,),
        )
        return [Approval(**row) for row in rows]

    def decide(self, approval_id: str, yes: bool) -> bool:
        """Write down a person's answer; False when it was answered already, or has waited too long."""
        now = self._clock()
        done = self._db.execute(
            "UPDATE approvals SET decision = ?, decided_at = ? WHERE id = ? AND decision IS NULL AND asked_at > ?",
            ("yes" if yes else "no", now, approval_id, now - ASKED_SECONDS),
        )
        return done.rowcount == 1

    def granted(self, question: Question) -> bool:
        """Whether a person said yes to exactly this question and the yes is still unused."""
        return self._grant(question.digest) is not None

    def use_grant(self, question: Question) -> bool:
        """Use up the yes to this question. True for exactly one caller, in whichever process."""
        return self._use(self._grant(question.digest))

    def use_code(self, question: Question, code: str) -> bool:
        """Use up the code given for this question. True for exactly one caller."""
        found = self._db.execute(
            "SELECT id FROM approvals WHERE digest = ? AND code = ? AND used_at IS NULL AND asked_at > ?",
            (question.digest, code, self._clock() - CODE_SECONDS),
        ).fetchone()
        return self._use(found and str(found["id"]))

    def _record(self, question: Question, code: str | None) -> str:
        approval_id = secrets.token_hex(3)
        self._db.execute(
            "INSERT INTO approvals (id, environment, tool, question, digest, code, asked_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (approval_id, question.environment, question.tool, question.text, question.digest, code, self._clock()),
        )
        return approval_id

    def _grant(self, digest: str) -> str | None:
        found = self._db.execute(
            "SELECT id FROM approvals WHERE digest = ? AND decision = 'yes' AND used_at IS NULL AND decided_at > ?",
            (digest, self._clock() - GRANTED_SECONDS),
        ).fetchone()
        return None if found is None else str(found["id"])

    def _use(self, approval_id: str | None) -> bool:
        done = self._db.execute(
            "UPDATE approvals SET used_at = ? WHERE id = ? AND used_at IS NULL", (self._clock(), approval_id)
        )
        return done.rowcount == 1


def _private_file(directory: Path) -> Path:
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    file = directory / "state.db"
    file.touch(mode=0o600)
    file.chmod(0o600)  # it may have been there
    return file


def _opened(location: str) -> sqlite3.Connection:
    db = sqlite3.connect(location, isolation_level=None, timeout=5.0)
    db.row_factory = sqlite3.Row
    try:
        with suppress(sqlite3.OperationalError):  # another process is switching the same new file at this moment
            db.execute("PRAGMA journal_mode = WAL")
        _add_missing_columns(db)
        db.executescript(files("salesloft_mcp.state").joinpath("schema.sql").read_text(encoding="utf-8"))
    except sqlite3.Error:
        db.close()
        raise
    return db


def _add_missing_columns(db: sqlite3.Connection) -> None:
    """A file of an earlier version lacks what was added since."""
    if _lacks_undoes(db):
        with db:
            db.execute("BEGIN IMMEDIATE")
            if _lacks_undoes(db):  # no other process was faster
                db.execute("ALTER TABLE changes ADD COLUMN undoes INTEGER")


def _lacks_undoes(db: sqlite3.Connection) -> bool:
    columns = {row["name"] for row in db.execute("PRAGMA table_info(changes)")}
    return bool(columns) and "undoes" not in columns
