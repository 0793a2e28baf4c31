"""A transaction is done as a whole or not at all, whoever else writes and whatever becomes of the caller."""

import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from salesloft_mcp.errors import StateError
from salesloft_mcp.state.database import Database, Transaction
from tests.hosting.program import HANG_SECONDS

from .races import INSERT
from .racing import RACERS, race_of_processes

pytestmark = pytest.mark.anyio
SELECT = "SELECT title FROM operations ORDER BY id"


def add(title: str, tx: Transaction) -> int:
    return tx.insert(INSERT.replace("'t'", "?"), title)


async def titles(database: Database) -> list[str]:
    return [row["title"] for row in await database.read(lambda tx: tx.rows(SELECT))]


async def test_what_is_written_is_there_for_everybody_when_it_returns(database: Database, elsewhere: Database) -> None:
    assert await database.write(lambda tx: add("a", tx)) == 1
    assert await titles(elsewhere) == ["a"]


async def test_it_outlives_its_connection(directory: Path) -> None:
    for title in "ab":
        database = Database(directory)
        await database.write(lambda tx, title=title: add(title, tx))  # type: ignore[misc]
        database.close()
    database = Database(directory)
    assert await titles(database) == ["a", "b"]
    database.close()


async def test_nothing_is_kept_of_a_transaction_that_fails_and_the_next_one_works(database: Database) -> None:
    def fails(tx: Transaction) -> None:
        add("half", tx)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await database.write(fails)
    await database.write(lambda tx: add("whole", tx))
    assert await titles(database) == ["whole"]


@pytest.mark.parametrize("many", [False, True])
async def test_a_row_that_has_to_be_unique_undoes_its_transaction(database: Database, many: bool) -> None:
    spend = "INSERT INTO operations (tenant, at, who, team, title, how, consent) VALUES ('T', 0, 'w', '', 't', '', ?)"

    def twice(tx: Transaction) -> None:
        add("half", tx)
        if many:
            tx.each(spend, [("yes",), ("yes",)])
        else:
            tx.insert(spend, "yes")
            tx.insert(spend, "yes")

    with pytest.raises(sqlite3.IntegrityError):
        await database.write(twice)
    assert await titles(database) == []


async def test_a_full_disk_fails_one_transaction_and_not_the_next(database: Database) -> None:
    """SQLite itself rolls such a transaction back, or does not."""
    size = (await database.read(lambda tx: tx.rows("PRAGMA page_count")))[0][0]
    database._connection.execute(f"PRAGMA max_page_count = {size}")
    with pytest.raises(StateError, match="full") as caught:
        await database.write(lambda tx: [add("x" * 2_000, tx) for _ in range(1_000)])
    assert caught.value.next_step == "make room on the disk, then try again."
    assert await titles(database) == []
    database._connection.execute("PRAGMA max_page_count = 100000")
    await database.write(lambda tx: add("room again", tx))
    assert await titles(database) == ["room again"]


async def test_a_file_that_another_program_holds_is_told_in_words(directory: Path, database: Database) -> None:
    database._connection.execute("PRAGMA busy_timeout = 1")
    with closing(sqlite3.connect(directory / "state.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StateError, match="database is locked") as caught:
            await database.write(lambda tx: add("one", tx))
    assert caught.value.next_step == "close whatever holds it, then try again."


async def test_transactions_of_many_calls_come_one_after_the_other(database: Database, elsewhere: Database) -> None:
    async def count_up(one: Database) -> None:
        def work(tx: Transaction) -> None:
            found = tx.row("SELECT COUNT(*) AS n FROM operations")
            assert found is not None
            add(str(found["n"]), tx)

        await one.write(work)

    async with anyio.create_task_group() as tasks:
        for one in (database, elsewhere) * 15:
            tasks.start_soon(count_up, one)
    assert await titles(database) == [str(number) for number in range(30)]


async def test_a_transaction_that_has_begun_ends_also_when_its_call_is_cancelled(database: Database) -> None:
    begun, may_go_on = anyio.Event(), threading.Event()

    def work(tx: Transaction) -> None:
        anyio.from_thread.run_sync(begun.set)
        may_go_on.wait(10)
        add("whole", tx)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(database.write, work)
        await begun.wait()
        tasks.cancel_scope.cancel()
        may_go_on.set()
    assert await titles(database) == ["whole"]


async def test_reading_sees_one_moment(database: Database, elsewhere: Database) -> None:
    await database.write(lambda tx: add("a", tx))
    seen: list[int] = []

    def work(tx: Transaction) -> None:
        seen.append(len(tx.rows(SELECT)))
        elsewhere._connection.execute(INSERT)
        seen.append(len(tx.rows(SELECT)))

    await database.read(work)
    assert seen == [1, 1]
    assert len(await titles(database)) == 2


async def test_without_a_directory_it_lives_in_memory(tmp_path: Path) -> None:
    database = Database(None)
    await database.write(lambda tx: add("a", tx))
    assert await titles(database) == ["a"]
    database.close()
    assert list(tmp_path.iterdir()) == []


async def test_six_processes_that_open_a_new_directory_at_once_all_write(directory: Path) -> None:
    found = await race_of_processes(directory, "tests.state.races:writes")
    assert sorted(map(int, found)) == list(range(1, RACERS + 1))


def test_an_intent_is_on_disk_before_the_write_that_it_announces(tmp_path: Path) -> None:
    """These tests wait for no disk themselves, so a program of its own is asked."""
    script = (
        "from salesloft_mcp.state import database\n"
        f"db = database._opened(database.Path({str(tmp_path / 'state.db')!r}))\n"
        "print(db.execute('PRAGMA synchronous').fetchone()[0])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=HANG_SECONDS)
    assert done.stdout == "2\n", done.stderr  # FULL
