"""The change log: a row for each operation and one for each change, on disk before anything of it is sent."""

import math
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import astuple, dataclass, replace
from typing import Literal

import anyio

from salesloft_mcp.changes.change import Author, Change, Fed, Last, Line, Operation, Outcome, Place, State
from salesloft_mcp.changes.lines import INSERT, UNSETTLED, line_of, made_beside, made_nearly, settled, values_of
from salesloft_mcp.errors import UnconfirmedError
from salesloft_mcp.salesloft.gather import first_of
from salesloft_mcp.salesloft.models import MappingKey
from salesloft_mcp.state.database import Database, Transaction, Value

ALL = -1  # to SQLite, a limit that is none
END = 2**63 - 1  # after every line
HOUR = 3_600.0
LOOKED_BACK = 20  # unsettled lines that one look settles
RENEW_SECONDS = 3.0  # a small part of the time after which an announced change counts as cut off
# An operation of which nothing ran does not count as the last one on its key, so a yes to it may be used again.
_RAN = "changes.outcome NOT IN ('planned', 'failed', 'conflict', 'unchanged')"
_KEY = "tenant = ? AND external_type = ? AND object_type = ? AND external_id = ?"

States = Iterable[State]
Order = Literal["id", "id DESC", "line"]


class UsedError(UnconfirmedError):
    """The yes that an operation stands on was used already."""


class HeldError(Exception):
    """Another change of the same key, or the creation of a record under nearly its external id, is not settled, or was
    settled after the key was read. `key` is that of the other change.
    """

    def __init__(self, key: MappingKey) -> None:
        super().__init__(key)
        self.key = key


class StaleError(Exception):
    """Somebody else took over this run. Nothing was written."""


@dataclass
class ChangeLog:
    """The log of one environment (`tenant`). Every method is one transaction.

    A line's `at` is when it was announced, renewed or settled, in seconds of `clock`.
    """

    database: Database
    tenant: str
    clock: Callable[[], float] = time.time
    renew_seconds: float = RENEW_SECONDS
    person: str = ""  # whose token it is, by name and id, as soon as somebody has read it

    async def begin(
        self,
        operation: Operation,
        place: Place,
        author: Author,
        states: Sequence[State],
        carried: Sequence[Change] = (),
        read_at: float = math.inf,
    ) -> list[Line]:
        """Write an operation down, its changes in `states`, and spend the yes it stands on. The lines of its changes.

        `read_at` is when the keys were read, on the clock of the log; without it they have to be read after this.

        Raises:
            UsedError: that yes was used already.
            HeldError: at or near the key of a change that would be `intended` another one is not settled, or was
                settled after the key was read.
        """
        own = list(zip(operation.changes, states, strict=True))

        def write(tx: Transaction) -> list[Line]:
            number = self._operation(tx, operation, place, author)
            for one in (one for one, state in own if state == "intended"):
                if self._is_held(tx, one.key, settled_after=read_at):
                    raise HeldError(one.key)
                if one.kind == "record" and (near := made_nearly(tx, self.tenant, one, read_at, self.clock())):
                    raise HeldError(near)
            for change in carried:
                self._line(tx, number, change, "carried")
            return [self._line(tx, number, change, state) for change, state in own]

        return await self.database.write(write)

    async def begin_run(self, operation: Operation, place: Place, author: Author) -> int:
        """Write down a run whose changes follow with `announce`; its number.

        Raises:
            UsedError: the yes it stands on was used already.
        """
        return await self.database.write(lambda tx: self._operation(tx, operation, place, author))

    async def take_over(self, number: int, author: Author) -> int:
        """Begin or resume a run, and spend the yes it stands on; the epoch in which the caller alone may write for it.

        Raises:
            UsedError: that yes was used already.
        """

        def write(tx: Transaction) -> int:
            tx.change("UPDATE operations SET epoch = epoch + 1 WHERE id = ?", number)
            self._spend(tx, number, author)
            return tx.number("SELECT epoch FROM operations WHERE id = ?", number)

        return await self.database.write(write)

    async def announce(self, number: int, epoch: int, changes: Sequence[Fed]) -> list[Line]:
        """Add changes of a run, each with its line of the input and its state; an `intended` one whose key is held is
        `planned`, and one that does not stand alone any more a `conflict`.

        Raises:
            StaleError: somebody else took over.
        """

        def write(tx: Transaction) -> list[Line]:
            _fence(tx, number, epoch)
            lines = []
            for one in changes:
                if why := made_beside(tx, self.tenant, one, self.clock(), number):
                    one = one._replace(state="conflict", note=why)
                waits = one.state == "intended" and self._is_held(tx, one.change.key)
                lines.append(self._line(tx, number, one.change, "planned" if waits else one.state, one.line, one.note))
            return lines

        return await self.database.write(write)

    async def sending(self, lines: Sequence[Line], epoch: int = 0) -> list[Line]:
        """Mark lines as `intended`. Those whose key is held by another change are left out, and those of a run at whose
        key another change was settled since they were planned: they have to be looked at first.

        Raises:
            StaleError: somebody else took over the run.
        """

        def write(tx: Transaction) -> list[Line]:
            _fence(tx, lines[0].operation, epoch)
            announced, now = [], self.clock()
            for line in lines:
                since = math.inf if line.line is None else line.at
                if not self._is_held(tx, line.change.key, line.id, since):
                    sql = "UPDATE changes SET outcome = 'intended', tries = tries + 1, at = ? WHERE id = ?"
                    tx.change(sql, now, line.id)
                    announced.append(replace(line, state="intended", tries=line.tries + 1, at=now))
            return announced

        return await self.database.write(write)

    @asynccontextmanager
    async def renewing(self, number: int, epoch: int = 0) -> AsyncIterator[None]:
        """While this lasts, nobody takes what is announced of an operation for cut off."""

        def write(tx: Transaction) -> None:
            _fence(tx, number, epoch)
            tx.change("UPDATE changes SET at = ? WHERE operation = ? AND outcome = 'intended'", self.clock(), number)

        async def renew() -> None:
            while True:
                await anyio.sleep(self.renew_seconds)
                await self.database.write(write)

        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(renew)
                yield
                tasks.cancel_scope.cancel()
        except ExceptionGroup as failed:
            raise first_of(failed) from failed  # what failed inside is told as if there were no group around it

    async def settle(self, outcomes: Sequence[Outcome], epoch: int = 0, *, cut_off: bool = False) -> None:
        """How changes stand now, unless they were announced anew since; those that were `cut_off` are left alone when
        somebody else has settled them. When nothing of an operation ran, its yes is given back, and what it carried
        did not go along.

        Raises:
            StaleError: somebody else took over the run.
        """

        def write(tx: Transaction) -> None:
            if outcomes:
                _fence(tx, outcomes[0].line.operation, epoch)
            tx.each(
                "UPDATE changes SET outcome = ?, note = ?, after = COALESCE(?, after),"
                " object_id = COALESCE(?, object_id), tries = tries - ?, at = ?"
                f" WHERE id = ? AND tries = ? {f'AND {UNSETTLED}' if cut_off else ''}",
                [settled(one, self.clock()) for one in outcomes],
            )
            for number in {one.line.operation for one in outcomes}:
                if tx.row(f"SELECT 1 FROM changes WHERE operation = ? AND outcome <> 'carried' AND {_RAN}", number):
                    continue
                tx.change("UPDATE operations SET consent = NULL WHERE id = ? AND consent IS NOT NULL", number)
                tx.change("DELETE FROM changes WHERE operation = ? AND outcome = 'carried'", number)

        await self.database.write(write)

    async def last(self, operation: Operation) -> Last:
        """The last operation on one of its keys, or of its plan. A decline counts; what is known not to have run does
        not, so that a yes to it can be used again.
        """
        of_plan = "SELECT id, epoch FROM operations WHERE tenant = ? AND plan = ? ORDER BY id DESC LIMIT 1"
        ran = f"SELECT COALESCE(MAX(operation), 0) FROM changes WHERE {_KEY} AND outcome <> 'carried' AND {_RAN}"
        of_key = f"SELECT ({ran}), ({ran} AND outcome <> 'declined')"

        def read(tx: Transaction) -> Last:
            keys = [(self.tenant, *astuple(one.key)) for one in operation.changes]
            of_keys = [tuple(row) for key in keys for row in tx.rows(of_key, *key, *key)] or [(0, 0)]
            number, written = map(max, zip(*of_keys, strict=True))
            of_its_plan = [Last(*row) for row in tx.rows(of_plan, self.tenant, operation.by_run.plan)]
            return max([Last(number, 0, written), *of_its_plan], key=lambda one: one.number)

        return await self.database.read(read)

    async def holder(self, key: MappingKey) -> Line | None:
        """The line that is not settled on a key."""
        found = await self._lines(f"{_KEY} AND {UNSETTLED}", self.tenant, *astuple(key))
        return found[0] if found else None

    async def unsettled(self, before: float, after: int = 0) -> list[Line]:
        """Lines whose change was sent, or was about to be, before a moment, and whose end nobody has written down: at
        most twenty, the oldest past the id `after`.
        """
        where = f"tenant = ? AND {UNSETTLED} AND at <= ? AND id > ? ORDER BY id LIMIT ?"
        return await self._lines(where, self.tenant, before, after, LOOKED_BACK)

    async def lines(
        self, number: int, states: States = (), after: int = 0, last: int = END, limit: int = ALL, by: Order = "id"
    ) -> list[Line]:
        """Lines of an operation in the order in which they were written, or of a run in that of its input; past the id,
        or the line of the input, `after`, and up to `last`.
        """
        wanted = tuple(states)
        only = f"AND outcome IN ({', '.join('?' * len(wanted))})" if wanted else ""
        column = by.split()[0]
        where = f"operation = ? AND tenant = ? AND {column} > ? AND {column} <= ? {only} ORDER BY {by} LIMIT ?"
        return await self._lines(where, number, self.tenant, after, last, *wanted, limit)

    async def last_input(self, number: int) -> int:
        """The last line of the input that was announced."""
        sql = "SELECT MAX(line) FROM changes WHERE operation = ?"
        return await self.database.read(lambda tx: tx.number(sql, number))

    async def unconfirmed_creates(self, but_of: str) -> int:
        """How many creates, and overwrites by runs, of the last hour stand on no yes, those of one plan left out."""
        sql = (
            "SELECT COUNT(*) FROM operations JOIN changes ON changes.operation = operations.id"
            " WHERE operations.tenant = ? AND changes.at >= ? AND operations.how = ''"
            " AND (operations.plan IS NULL OR operations.plan <> ?)"
            " AND (changes.outcome = 'created' OR (changes.outcome = 'updated' AND changes.line IS NOT NULL))"
        )
        since = self.clock() - HOUR
        return await self.database.read(lambda tx: tx.number(sql, self.tenant, since, but_of))

    async def _lines(self, where: str, *values: Value) -> list[Line]:
        sql = f"SELECT * FROM changes WHERE {where}"
        return [line_of(row) for row in await self.database.read(lambda tx: tx.rows(sql, *values))]

    def _operation(self, tx: Transaction, operation: Operation, place: Place, author: Author) -> int:
        columns = "tenant, at, who, person, team, title, how, undoes, plan"
        sql = f"INSERT INTO operations ({columns}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        who = (self.tenant, self.clock(), author.who, self.person, place.team_key)
        number = tx.insert(sql, *who, operation.title, author.how, operation.undoes, operation.by_run.plan or None)
        self._spend(tx, number, author)
        return number

    def _line(
        self, tx: Transaction, number: int, change: Change, state: State, line: int | None = None, note: str = ""
    ) -> Line:
        now, tries = self.clock(), int(state == "intended")
        found = tx.insert(INSERT, number, self.tenant, state, note, tries, now, line, *values_of(change))
        return Line(found, number, change, state, note, tries, now, line)

    def _is_held(self, tx: Transaction, key: MappingKey, but_by: int = 0, settled_after: float = math.inf) -> bool:
        # A line of a later time than now was settled before the clock was set back.
        sql = f"SELECT 1 FROM changes WHERE {_KEY} AND ({UNSETTLED} OR (at > ? AND at <= ?)) AND id <> ?"
        return tx.row(sql, self.tenant, *astuple(key), settled_after, self.clock(), but_by) is not None

    def _spend(self, tx: Transaction, number: int, author: Author) -> None:
        if author.consent:
            if tx.row("SELECT 1 FROM operations WHERE tenant = ? AND consent = ?", self.tenant, author.consent):
                step = "make the call again to ask the person anew."
                raise UsedError(
                    "this yes was used already, by this call or by another. Nothing was changed.", next_step=step
                )
            tx.change("UPDATE operations SET consent = ?, how = ? WHERE id = ?", author.consent, author.how, number)


def _fence(tx: Transaction, number: int, epoch: int) -> None:
    """A runner that lost its run while it was stopped must not write for it any more."""
    if epoch and not tx.row("SELECT 1 FROM operations WHERE id = ? AND epoch = ?", number, epoch):
        raise StaleError(str(number))
