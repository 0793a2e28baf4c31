"""Questions that wait for a person outside of the client, and the answers."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from salesloft_mcp.changes.consent import Question
from salesloft_mcp.state.database import Database, Transaction

ASKED_SECONDS = 24 * 3_600.0  # how long a question waits for a person
MOST_PENDING = 20  # more of them nobody would read
GRANTED_SECONDS = 3_600.0  # how long an answer counts
_PENDING = "decision IS NULL AND asked_at > ?"

Where = Literal["in a terminal", "on a page in the browser"]
TERMINAL: Where = "in a terminal"
BROWSER: Where = "on a page in the browser"
BY_CLIENT = "asked through the client"  # how a person agreed who was not asked outside of it


class TooManyError(Exception):
    """So many questions wait already that nobody would read another one."""


@dataclass(frozen=True, slots=True)
class Approval:
    """A question that waits for a person. `name` is to be typed, where it is not empty."""

    id: str
    tenant: str
    title: str
    question: str
    name: str
    asked_at: float


@dataclass(frozen=True, slots=True)
class Decision:
    """What a person decided, and where."""

    yes: bool
    where: Where

    @property
    def how(self) -> str:
        """As the change log and the answers say it."""
        agreed = "approved" if self.where == TERMINAL else "agreed"
        return f"{agreed if self.yes else 'refused'} {self.where}"


@dataclass(frozen=True)
class Approvals:
    """The approvals of every environment in one database. The change log spends a yes, so none is used up here."""

    database: Database
    clock: Callable[[], float] = time.time
    # By digest, why the client is passed over at the next call: it refused, or it left the question unanswered.
    passed_over: dict[str, str] = field(default_factory=dict)
    # By digest, when a client was asked that answers in a call of its own, and has not done so until now.
    unanswered: dict[str, float] = field(default_factory=dict)

    async def ask(self, tenant: str, question: Question) -> str:
        """The id of the pending approval of this question, recorded once however often it is asked.

        Raises:
            TooManyError: too many questions wait already.
        """
        now = self.clock()
        since = now - ASKED_SECONDS

        def write(tx: Transaction) -> str:
            same = f"SELECT id FROM approvals WHERE {_PENDING} AND tenant = ? AND digest = ?"
            if found := tx.row(same, since, tenant, question.digest):
                return str(found["id"])
            if tx.number(f"SELECT COUNT(*) FROM approvals WHERE {_PENDING}", since) >= MOST_PENDING:
                raise TooManyError
            approval = secrets.token_hex(3)
            columns = "id, tenant, asked_at, title, question, digest, name"
            sql = f"INSERT INTO approvals ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?)"
            tx.insert(sql, approval, tenant, now, question.title, question.text, question.digest, question.name)
            return approval

        return await self.database.write(write)

    async def pending(self) -> list[Approval]:
        """The questions that wait for a person, oldest first."""
        sql = f"SELECT id, tenant, title, question, name, asked_at FROM approvals WHERE {_PENDING} ORDER BY asked_at"
        rows = await self.database.read(lambda tx: tx.rows(sql, self.clock() - ASKED_SECONDS))
        return [Approval(**row) for row in rows]

    async def waits(self, tenant: str, question: Question) -> bool:
        """Whether exactly this waits for a person already."""
        sql = f"SELECT 1 FROM approvals WHERE {_PENDING} AND tenant = ? AND digest = ?"
        values = (self.clock() - ASKED_SECONDS, tenant, question.digest)
        return await self.database.read(lambda tx: tx.row(sql, *values)) is not None

    async def decide(self, approval_id: str, yes: bool, where: Where = TERMINAL) -> bool:
        """Write down a person's answer; False when it was answered already, or has waited too long."""
        now = self.clock()
        sql = f"UPDATE approvals SET decision = ?, decided_at = ?, decided_where = ? WHERE id = ? AND {_PENDING}"
        values = ("yes" if yes else "no", now, where, approval_id, now - ASKED_SECONDS)
        return await self.database.write(lambda tx: tx.change(sql, *values)) == 1

    async def decided(self, approval_id: str) -> Decision | Literal["pending", "expired"]:
        """What a person has decided about an approval, or that nobody has."""
        sql = f"SELECT decision, decided_where, {_PENDING} AS waits FROM approvals WHERE id = ?"
        row = await self.database.read(lambda tx: tx.row(sql, self.clock() - ASKED_SECONDS, approval_id))
        if row is None or row["decision"] is None:
            return "pending" if row is not None and row["waits"] else "expired"
        return Decision(row["decision"] == "yes", row["decided_where"])

    async def answer(self, tenant: str, question: Question) -> Decision | None:
        """What a person said to exactly this within the last hour; None for nothing. Using a yes is the log's part."""
        sql = (
            "SELECT decision, decided_where FROM approvals WHERE tenant = ? AND digest = ?"
            " AND decided_at > ? AND decided_at < ?"  # a clock that was ahead and is set right lengthens no hour
            " ORDER BY decided_at DESC"
        )
        now = self.clock()
        values = (tenant, question.digest, now - GRANTED_SECONDS, now + GRANTED_SECONDS)
        found = await self.database.read(lambda tx: tx.row(sql, *values))
        return None if found is None else Decision(found["decision"] == "yes", found["decided_where"])
