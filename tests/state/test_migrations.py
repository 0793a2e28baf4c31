"""A file of an earlier version keeps every line, and whoever opens it first brings it up to date."""

import sqlite3
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from salesloft_mcp.changes import history
from salesloft_mcp.changes.change import ByRun, Line, Operation
from salesloft_mcp.changes.history import Search
from salesloft_mcp.changes.log import ChangeLog
from salesloft_mcp.changes.undo import undo
from salesloft_mcp.errors import SettingsError
from salesloft_mcp.salesloft.fields import PersonFields
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.state.database import Database
from tests.changes.world import NOBODY, PLACE, TENANT, World, states, world

from .racing import RACERS, race_of_processes
from .version_0_1 import ANN, HERE, LINES, LIVE, SAVED, write_old_file

pytestmark = pytest.mark.anyio
BACKFILL = [number for number, one in enumerate(LINES, 1) if one["tool"] == "run_backfill 1a2b3c4d"]


@pytest.fixture
async def old(directory: Path) -> AsyncIterator[Database]:
    write_old_file(directory)
    database = Database(directory)
    yield database
    database.close()


@pytest.fixture
def log(old: Database) -> ChangeLog:
    return ChangeLog(old, HERE)


async def the_line(log: ChangeLog, number: int) -> Line:
    (found,) = [one for one in await log.lines(number) if one.state != "carried"]
    return found


async def test_every_line_is_kept_as_a_change(old: Database) -> None:
    rows = await old.read(lambda tx: tx.rows("SELECT * FROM changes WHERE outcome <> 'carried' ORDER BY id"))
    lost = {"intended": "lost", "unknown": "lost"}
    assert [(row["tenant"], row["external_id"], row["object_id"], row["outcome"], row["at"]) for row in rows] == [
        (one["environment"], one["external_id"], one["object_id"], lost.get(one["outcome"], one["outcome"]), one["at"])
        for one in LINES
    ]


async def test_what_a_tool_wrote_keeps_its_number(old: Database) -> None:
    found = {one.id: one for one in await history.find(old)}
    for number, line in enumerate(LINES, 1):
        if not line["tool"].startswith("run_backfill"):
            logged = found[number]
            assert (logged.title, logged.who, logged.how) == (line["tool"], line["who"], line["confirmed"])
            assert [one.change.key.external_id for one in logged.lines] == [line["external_id"]]


async def test_the_lines_of_a_backfill_are_one_operation(old: Database) -> None:
    (found,) = await history.find(old, Search(title="run_backfill", tenant=HERE, external_id="I"))
    here = [number for number in BACKFILL if LINES[number - 1]["environment"] == HERE]
    assert found.id in here
    assert (found.plan, found.counts) == ("1a2b3c4d", Counter(created=1, unchanged=1, failed=1))
    assert [one.change.key.external_id for one in found.lines] == ["I"]
    assert len(await history.find(old, Search(title="run_backfill"))) == 3


async def test_a_new_number_is_one_that_no_line_has_had(old: Database, log: ChangeLog) -> None:
    """A person may still name an old line by it."""
    assert await log.begin_run(Operation("a run", ()), PLACE, NOBODY) == len(LINES) + 1


async def test_what_was_undone_still_is(old: Database) -> None:
    found = {one.id: (one.undoes, one.undone_by) for one in await history.find(old)}
    assert (found[1], found[12]) == ((0, 12), (1, 0))
    assert (found[5], found[18]) == ((0, 18), (5, 0))


async def test_a_backfill_of_which_one_line_was_undone_is_not_undone(old: Database) -> None:
    assert {one.undone_by for one in await history.find(old, Search(title="run_backfill"))} == {0}
    (undoing,) = await history.find(old, Search(id=16))
    assert undoing.undoes == 0


async def test_saved_mappings_come_back_with_their_configuration(log: ChangeLog) -> None:
    carried = await log.lines(4, {"carried"})
    assert [(one.change.key.external_id, one.change.before) for one in carried] == [
        (external_id, {"object_id": object_id}) for external_id, object_id, _ in SAVED
    ]
    assert {(one.change.kind, one.change.key.external_type, one.change.after) for one in carried} == {
        ("mapping", "crm_lead", None)
    }


async def test_each_line_is_of_its_kind(log: ChangeLog) -> None:
    kinds = {number: (await the_line(log, number)).change.kind for number in (1, 2, 3, 4, 5, 6, 8, 9, 10, 12, 17, 18)}
    assert {number for number, kind in kinds.items() if kind == "configuration"} == {3, 4}
    assert {number for number, kind in kinds.items() if kind == "record"} == {5, 6, 17, 18}


async def test_images_hold_what_those_of_today_hold(log: ChangeLog) -> None:
    assert (await the_line(log, 1)).change.after == {"id": 5007, "object_id": ANN}
    assert (await the_line(log, 2)).change.before == {"id": 5007, "object_id": ANN}
    assert (await the_line(log, 3)).change.after == {"id": 226}
    assert (await the_line(log, 4)).change.before == {"id": 226}
    assert (await the_line(log, 14)).change.after == {"object_id": 13}  # an id that was not kept is no id of null
    record = (await the_line(log, 5)).change
    assert ((record.before or {})["title"], (record.after or {})["title"], record.object_id) == ("CFO", "COO", ANN)


async def test_what_was_never_found_out_is_lost_and_holds_no_key(log: ChangeLog) -> None:
    assert {(await the_line(log, number)).state for number in (9, 10, 17)} == {"lost"}
    assert await log.unsettled(2e9) == []


async def test_an_old_question_asks_nobody_any_more(old: Database) -> None:
    """Its digest stood for something else."""
    assert await old.read(lambda tx: tx.rows("SELECT * FROM approvals")) == []


@pytest.mark.parametrize("early", [False, True])
async def test_it_can_be_opened_again_and_again(directory: Path, early: bool) -> None:
    write_old_file(directory, early=early)
    for _ in range(3):
        database = Database(directory)
        assert len(await history.find(database, Search(tenant=LIVE))) == 1
        database.close()


async def test_six_processes_that_open_an_old_file_at_once_all_see_every_line(directory: Path) -> None:
    write_old_file(directory)
    found = await race_of_processes(directory, "tests.state.races:counts")
    assert found == [str(len(LINES) + len(SAVED))] * RACERS


async def test_a_file_of_a_newer_version_is_refused_in_words_and_left_alone(directory: Path) -> None:
    Database(directory).close()
    with sqlite3.connect(directory / "state.db") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(SettingsError, match=r"SALESLOFT_STATE_DIR.*newer version"):
        Database(directory)


async def test_a_file_that_cannot_be_brought_up_to_date_stays_as_it_was(directory: Path) -> None:
    write_old_file(directory)
    with sqlite3.connect(directory / "state.db") as db:
        db.execute("CREATE TABLE operations (id INTEGER)")
    db.close()
    with pytest.raises(SettingsError, match="operations already exists"):
        Database(directory)
    with sqlite3.connect(directory / "state.db") as db:
        assert db.execute("SELECT COUNT(*) FROM changes").fetchone() == (len(LINES),)
        assert db.execute("PRAGMA user_version").fetchone() == (0,)
    db.close()


@pytest.fixture
async def upgraded(directory: Path) -> AsyncIterator[World]:
    """Today's program on an old file, with a team to which the old lines apply."""
    assert TENANT == HERE
    write_old_file(directory)
    with Sandbox(rate_limit=0) as sandbox:
        async with world(sandbox, directory) as upgraded:
            yield upgraded


async def never_undone(upgraded: World) -> None:
    await upgraded.database.write(lambda tx: tx.change("UPDATE operations SET undoes = NULL"))


@pytest.mark.parametrize(("number", "ended", "mapped"), [(1, "deleted", []), (2, "created", [ANN]), (6, "deleted", [])])
async def test_an_old_line_can_be_undone(upgraded: World, number: int, ended: str, mapped: list[int]) -> None:
    await never_undone(upgraded)
    assert states(await upgraded.undo(number)) == [ended]
    assert await upgraded.mapped((await the_line(upgraded.log, number)).change.key) == mapped


async def test_an_old_update_can_be_undone_field_by_field(upgraded: World) -> None:
    """The log of then holds whole records."""
    await never_undone(upgraded)
    key = (await the_line(upgraded.log, 5)).change.key
    await upgraded.api.create_mapping(key.external_type, key.object_type, key.external_id, ANN)
    await upgraded.api.upsert_person(key.external_type, key.external_id, PersonFields(title="COO"))
    before = await upgraded.api.get_object("people", ANN)
    assert states(await upgraded.undo(5)) == ["updated"]
    after = await upgraded.api.get_object("people", ANN)
    assert before is not None
    assert after is not None
    assert {**before.model_dump(), "title": "CFO"} == {**after.model_dump(), "updated_at": before.updated_at}  # type: ignore[union-attr]


async def test_an_old_backfill_can_be_undone_although_its_lines_have_no_ids(upgraded: World) -> None:
    (found,) = await history.find(upgraded.database, Search(title="run_backfill", external_id="K"))
    operation = await undo(upgraded.changes, upgraded.database, found.id)
    assert operation.by_run == ByRun(f"undo-{found.id}", deletes=1)
