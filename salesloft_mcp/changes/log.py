"""The change log: a row for each operation and one for each change, on disk before anything of it is sent."""

import math
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio

from salesloft_mcp.changes.change import (
    Author,
    Change,
    HeldError,
    Last,
    Line,
    Operation,
    Outcome,
    Place,
    StaleError,
    State,
    UsedError,
)
from salesloft_mcp.changes.lines import INSERT, among, key_values, line_of, settled, values_of
from salesloft_mcp.salesloft.models import MappingKey
from salesloft_mcp.state.database import Database, DuplicateError, Transaction

ALL = -1  # to SQLite, a limit that is none
RENEW_SECONDS = 3.0  # a small part of the time after which an announced change counts as cut off
# An operation of which nothing ran does not count as the last one on its key, so a yes to it may be used again.
_RAN = "changes.outcome NOT IN ('planned', 'failed', 'conflict', 'unchanged')"
_UNSETTLED = "outcome IN ('intended', 'unknown')"
_KEY = "tenant = ? AND external_type = ? AND object_type = ? AND external_id = ?"


class ChangeLog:
    """The log of one environment (`tenant`). Every method is one transaction.

    A line's `at` is when it was announced, renewed or settled, in seconds of `clock`.
    """

    def __init__(
        self,
        database: Database,
        tenant: str,
        clock: Callable[[], float] = time.time,
        renew_seconds: float = RENEW_SECONDS,
    ) -> None:
        self._database = database
        self._tenant = tenant
        self._clock = clock
        self._renew_seconds = renew_seconds

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
            HeldError: at the key of a change that would be `intended` another one is not settled, or was settled
                after the key was read.
        """

        def write(tx: Transaction) -> list[Line]:
            number = self._operation(tx, operation, place, author)
            for change, state in zip(operation.changes, states, strict=True):
                if state == "intended" and self._is_held(tx, change.key, settled_after=read_at):
                    raise HeldError(change.key.external_id)
            for change in carried:
                self._line(tx, number, change, "carried")
            return [self._line(tx, number, one, state) for one, state in zip(operation.changes, states, strict=True)]

        return await self._database.write(write)

    async def begin_run(self, operation: Operation, place: Place, author: Author) -> int:
        """Write down a run whose changes follow with `announce`; its number.

        Raises:
            UsedError: the yes it stands on was used already.
        """
        return await self._database.write(lambda tx: self._operation(tx, operation, place, author))

    async def take_over(self, number: int, author: Author) -> int:
        """Begin or resume a run, and spend the yes it stands on; the epoch in which the caller alone may write for it.

        Raises:
            UsedError: that yes was used already.
        """

        def write(tx: Transaction) -> int:
            tx.change("UPDATE operations SET epoch = epoch + 1 WHERE id = ?", number)
            if author.consent:
                _spend(tx, number, author)
            found = tx.row("SELECT epoch FROM operations WHERE id = ?", number)
            return int(found["epoch"]) if found else 0

        return await self._database.write(write)

    async def announce(self, number: int, epoch: int, changes: Sequence[tuple[int, Change]]) -> list[Line]:
        """Add changes of a run, each with its line of the input, as `intended`; one whose key is held as `planned`.

        Raises:
            StaleError: somebody else took over.
        """

        def write(tx: Transaction) -> list[Line]:
            _fence(tx, number, epoch)
            return [self._announced(tx, number, line, change) for line, change in changes]

        return await self._database.write(write)

    async def sending(self, lines: Sequence[Line], epoch: int = 0) -> list[Line]:
        """Mark lines as `intended`. Those whose key is held by another change are left out, and those of a run at whose
        key another change was settled since they were planned: they have to be looked at first.

        Raises:
            StaleError: somebody else took over the run.
        """

        def write(tx: Transaction) -> list[Line]:
            if lines:
                _fence(tx, lines[0].operation, epoch)
            return [one for line in lines if (one := self._intend(tx, line)) is not None]

        return await self._database.write(write)

    @asynccontextmanager
    async def renewing(self, number: int, epoch: int = 0) -> AsyncIterator[None]:
        """While this lasts, nobody takes what is announced of an operation for cut off."""
        sql = "UPDATE changes SET at = ? WHERE operation = ? AND outcome = 'intended'"

        def write(tx: Transaction) -> None:
            _fence(tx, number, epoch)
            tx.change(sql, self._clock(), number)

        async def renew() -> None:
            while True:
                await anyio.sleep(self._renew_seconds)
                await self._database.write(write)

        try:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(renew)
                yield
                tasks.cancel_scope.cancel()
        except ExceptionGroup as failed:
            raise _first_of(failed) from failed  # what failed inside is told as if there were no group around it

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
                f" WHERE id = ? AND tries = ? {f'AND {_UNSETTLED}' if cut_off else ''}",
                [settled(one, self._clock()) for one in outcomes],
            )
            for number in {one.line.operation for one in outcomes}:
                if tx.row(f"SELECT 1 FROM changes WHERE operation = ? AND outcome <> 'carried' AND {_RAN}", number):
                    continue
                tx.change("UPDATE operations SET consent = NULL WHERE id = ? AND consent IS NOT NULL", number)
                tx.change("DELETE FROM changes WHERE operation = ? AND outcome = 'carried'", number)

        await self._database.write(write)

    async def last(self, operation: Operation) -> Last:
        """The last operation on one of its keys, or of its plan. A decline counts; what is known not to have run does
        not, so that a yes to it can be used again.
        """
        of_plan = "SELECT id AS n, epoch FROM operations WHERE tenant = ? AND plan = ? ORDER BY id DESC LIMIT 1"
        of_key = f"SELECT MAX(operation) AS n, 0 AS epoch FROM changes WHERE {_KEY} AND outcome <> 'carried' AND {_RAN}"

        def read(tx: Transaction) -> Last:
            found = [tx.row(of_key, self._tenant, *key_values(one.key)) for one in operation.changes]
            found += [tx.row(of_plan, self._tenant, operation.plan)] if operation.plan else []
            rows = [row for row in found if row is not None and row["n"] is not None]
            newest = max(rows, key=lambda row: int(row["n"]), default=None)
            return Last() if newest is None else Last(int(newest["n"]), int(newest["epoch"]))

        return await self._database.read(read)

    async def holder(self, key: MappingKey) -> Line | None:
        """The line that is not settled on a key."""
        sql = f"SELECT * FROM changes WHERE {_KEY} AND {_UNSETTLED}"
        found = await self._database.read(lambda tx: tx.row(sql, self._tenant, *key_values(key)))
        return None if found is None else line_of(found)

    async def unsettled(self, before: float, limit: int) -> list[Line]:
        """Lines whose change was sent, or was about to be, before a moment, and whose end nobody has written down."""
        sql = f"SELECT * FROM changes WHERE tenant = ? AND {_UNSETTLED} AND at <= ? ORDER BY id LIMIT ?"
        return [line_of(row) for row in await self._database.read(lambda tx: tx.rows(sql, self._tenant, before, limit))]

    async def lines(
        self, number: int, states: Iterable[State] = (), *, after: int = 0, limit: int = ALL, newest_first: bool = False
    ) -> list[Line]:
        """Lines of an operation in the order in which they were written, past the id `after`."""
        wanted, only = among(states)
        past, order = ("id < ?", "DESC") if newest_first else ("id > ?", "ASC")
        sql = f"SELECT * FROM changes WHERE operation = ? AND tenant = ? AND {past} {only} ORDER BY id {order} LIMIT ?"
        start = after or 2**63 - 1 if newest_first else after
        rows = await self._database.read(lambda tx: tx.rows(sql, number, self._tenant, start, *wanted, limit))
        return [line_of(row) for row in rows]

    async def of_input(
        self, number: int, after: int, *, limit: int, last: int = 2**63 - 1, states: Iterable[State] = ()
    ) -> list[Line]:
        """Lines of a run past a line of the input, in its order, up to `last`."""
        wanted, only = among(states)
        sql = f"SELECT * FROM changes WHERE operation = ? AND line > ? AND line <= ? {only} ORDER BY line LIMIT ?"
        rows = await self._database.read(lambda tx: tx.rows(sql, number, after, last, *wanted, limit))
        return [line_of(row) for row in rows]

    async def last_input(self, number: int) -> int:
        """The last line of the input that was announced."""
        sql = "SELECT MAX(line) AS n FROM changes WHERE operation = ?"
        found = await self._database.read(lambda tx: tx.row(sql, number))
        return int(found["n"] or 0) if found else 0

    async def unconfirmed_creates(self, seconds: float, but_of: str) -> int:
        """How many mappings and records were created in the last seconds without a yes, those of one plan left out."""
        sql = (
            "SELECT COUNT(*) AS n FROM operations JOIN changes ON changes.operation = operations.id"
            " WHERE operations.tenant = ? AND operations.at >= ? AND operations.how = ''"
            " AND (operations.plan IS NULL OR operations.plan <> ?) AND changes.outcome = 'created'"
        )
        since = self._clock() - seconds
        found = await self._database.read(lambda tx: tx.row(sql, self._tenant, since, but_of))
        return int(found["n"]) if found else 0

    def _operation(self, tx: Transaction, operation: Operation, place: Place, author: Author) -> int:
        try:
            return tx.insert(
                "INSERT INTO operations (tenant, at, who, team, title, how, consent, undoes, plan)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                self._tenant,
                self._clock(),
                author.who,
                place.team_key,
                operation.title,
                author.how,
                author.consent or None,
                operation.undoes,
                operation.plan or None,
            )
        except DuplicateError:
            raise UsedError(operation.title) from None

    def _line(self, tx: Transaction, number: int, change: Change, state: State, line: int | None = None) -> Line:
        now, tries = self._clock(), int(state == "intended")
        try:
            found = tx.insert(INSERT, number, self._tenant, *values_of(change), state, "", tries, now, line)
        except DuplicateError:
            raise HeldError(change.key.external_id) from None
        return Line(found, number, change, state, "", tries, now, line)

    def _announced(self, tx: Transaction, number: int, line: int, change: Change) -> Line:
        return self._line(tx, number, change, "planned" if self._is_held(tx, change.key) else "intended", line)

    def _intend(self, tx: Transaction, line: Line) -> Line | None:
        since = math.inf if line.line is None else line.at
        if self._is_held(tx, line.change.key, line.id, since):
            return None
        now = self._clock()
        tx.change("UPDATE changes SET outcome = 'intended', tries = tries + 1, at = ? WHERE id = ?", now, line.id)
        return replace(line, state="intended", tries=line.tries + 1, at=now)

    def _is_held(
        self, tx: Transaction, key: MappingKey, by_other_than: int = 0, settled_after: float = math.inf
    ) -> bool:
        sql = f"SELECT 1 FROM changes WHERE {_KEY} AND ({_UNSETTLED} OR at > ?) AND id <> ?"
        return tx.row(sql, self._tenant, *key_values(key), settled_after, by_other_than) is not None


def _first_of(group: ExceptionGroup[Exception]) -> Exception:
    """The first failure in a group of groups."""
    found = group.exceptions[0]
    return _first_of(found) if isinstance(found, ExceptionGroup) else found


def _spend(tx: Transaction, number: int, author: Author) -> None:
    if tx.row("SELECT 1 FROM operations WHERE consent = ?", author.consent):
        raise UsedError(author.consent)
    tx.change("UPDATE operations SET consent = ?, how = ? WHERE id = ?", author.consent, author.how, number)


def _fence(tx: Transaction, number: int, epoch: int) -> None:
    """A runner that lost its run while it was stopped must not write for it any more."""
    if epoch and not tx.row("SELECT 1 FROM operations WHERE id = ? AND epoch = ?", number, epoch):
        raise StaleError(str(number))
