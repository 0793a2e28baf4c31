"""The log: what will be sent is on disk before, a yes counts once, and a key has one writer."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import anyio
import anyio.lowlevel
import pytest

from salesloft_mcp.changes import history, mappings
from salesloft_mcp.changes.change import (
    Author,
    ByRun,
    Change,
    Fed,
    Last,
    Operation,
    Outcome,
    State,
)
from salesloft_mcp.changes.history import Search, moment
from salesloft_mcp.changes.log import ChangeLog, HeldError, StaleError, UsedError
from salesloft_mcp.salesloft.models import MappingKey
from salesloft_mcp.state.database import Database
from tests.state.racing import race_of_processes

from .world import ANN, BEN, KEY, NOBODY, OTHER_KEY, PLACE, TENANT, Clock

pytestmark = pytest.mark.anyio

CREATE = Operation("create_external_id_mapping", (mappings.creation(KEY, ANN),))
OTHER = Operation("create_external_id_mapping", (mappings.creation(OTHER_KEY, ANN),))
RUN = Operation("run_plan", (), by_run=ByRun("1a2b3c4d", creates=3))
EVERYTHING = Search()
YES = Author("local", "asked through the client", "digest")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def database(directory: Path) -> AsyncIterator[Database]:
    database = Database(directory)
    yield database
    database.close()


@pytest.fixture
def log(database: Database, clock: Clock) -> ChangeLog:
    return ChangeLog(database, TENANT, clock)


@pytest.fixture
async def elsewhere(directory: Path, clock: Clock) -> AsyncIterator[ChangeLog]:
    """The same log, as another process has it."""
    database = Database(directory)
    yield ChangeLog(database, TENANT, clock)
    database.close()


async def begin(log: ChangeLog, operation: Operation = CREATE, author: Author = NOBODY, *states: State) -> int:
    (line, *_) = await log.begin(operation, PLACE, author, states or ["intended"])
    return line.operation


async def settle(log: ChangeLog, number: int, state: State, after: dict[str, int] | None = None) -> None:
    await log.settle([Outcome(line, state, after) for line in await log.lines(number)])


async def states(log: ChangeLog, number: int) -> list[State]:
    return [line.state for line in await log.lines(number)]


async def test_an_operation_stands_in_the_log_of_everybody_before_it_is_sent(
    log: ChangeLog, elsewhere: ChangeLog, clock: Clock
) -> None:
    (line,) = await log.begin(CREATE, PLACE, YES, ["intended"])
    (found,) = await elsewhere.lines(line.operation)
    assert found == line
    assert (found.change, found.state, found.tries, found.at) == (CREATE.changes[0], "intended", 1, clock.now)


async def test_the_end_is_written_beside_it_with_what_stands_there_then(log: ChangeLog) -> None:
    first, second = await begin(log), await begin(log, OTHER)
    await settle(log, first, "created", {"id": 5, "object_id": ANN})
    assert await states(log, second) == ["intended"]
    (line,) = await log.lines(first)
    assert (line.state, line.change.after) == ("created", {"id": 5, "object_id": ANN})


@pytest.mark.parametrize("text", ["Zoë\n\u202e", "'; DROP TABLE changes; --", "\ud800"])
async def test_any_text_comes_back_as_it_was(log: ChangeLog, text: str) -> None:
    change = Change("record", KEY, {"id": 1, "title": None}, {"title": text})
    (line,) = await log.lines(await begin(log, Operation("upsert", (change,))))
    assert line.change == change


async def test_a_key_has_one_writer_whatever_the_number_of_processes(log: ChangeLog, elsewhere: ChangeLog) -> None:
    number = await begin(log)
    with pytest.raises(HeldError):
        await begin(elsewhere)
    assert await begin(elsewhere, OTHER) == number + 1
    await settle(log, number, "unknown")
    with pytest.raises(HeldError):
        await begin(elsewhere)
    await settle(log, number, "failed")
    assert await begin(elsewhere) == number + 2


async def test_nothing_of_an_operation_is_kept_whose_key_is_held(log: ChangeLog, database: Database) -> None:
    await begin(log)
    with pytest.raises(HeldError):
        await log.begin(Operation("re-key", OTHER.changes + CREATE.changes), PLACE, YES, ["unchanged", "intended"])
    assert len(await history.find(database)) == 1
    await begin(log, OTHER, YES)  # the yes was not spent


async def test_a_planned_change_waits_for_whoever_holds_its_key(log: ChangeLog, elsewhere: ChangeLog) -> None:
    number = await begin(log, CREATE, NOBODY, "planned")
    holder = await begin(elsewhere)
    planned = await log.lines(number)
    assert await log.sending(planned) == []
    found = await log.holder(KEY)
    assert found is not None
    assert found.operation == holder
    await settle(elsewhere, holder, "failed")
    (line,) = await log.sending(planned)
    assert (line.state, line.tries) == ("intended", 1)


async def test_who_read_a_key_before_another_change_of_it_ended_has_to_read_again(
    log: ChangeLog, elsewhere: ChangeLog, clock: Clock
) -> None:
    read_at = clock.now
    clock.now += 1
    await settle(elsewhere, await begin(elsewhere), "created")
    with pytest.raises(HeldError):
        await log.begin(CREATE, PLACE, NOBODY, ["intended"], read_at=read_at)
    assert await log.begin(CREATE, PLACE, NOBODY, ["intended"], read_at=clock.now)


@pytest.mark.parametrize("other", ["tenant", "object type", "case"])
async def test_other_keys_and_other_environments_hold_nothing(log: ChangeLog, database: Database, other: str) -> None:
    await begin(log)
    key = {
        "tenant": KEY,
        "object type": MappingKey("crm_lead", "accounts", "NEW-1"),
        "case": MappingKey("crm_lead", "people", "new-1"),
    }[other]
    mine = ChangeLog(database, "LIVE") if other == "tenant" else log
    assert await begin(mine, Operation("a test", (mappings.creation(key, ANN),)))


async def test_a_mapping_and_a_record_of_one_external_id_share_its_key(log: ChangeLog) -> None:
    await begin(log)
    with pytest.raises(HeldError):
        await begin(log, Operation("upsert", (Change("record", KEY, None, {"title": "CFO"}),)))


async def test_six_processes_begin_the_same_and_one_does(directory: Path) -> None:
    found = await race_of_processes(directory, "tests.changes.races:begins")
    assert sorted(found) == ["begun", *["held"] * 5]


async def test_a_yes_counts_once_also_for_another_process(log: ChangeLog, elsewhere: ChangeLog) -> None:
    await begin(log, CREATE, YES)
    for other in (log, elsewhere):
        with pytest.raises(UsedError):
            await begin(other, OTHER, YES)
    await begin(elsewhere, OTHER, replace(YES, consent="another"))


async def test_a_yes_is_spent_by_one_of_six_processes(directory: Path) -> None:
    found = await race_of_processes(directory, "tests.changes.races:spends")
    assert sorted(found) == ["spent", *["used"] * 5]


async def test_what_nobody_had_to_agree_to_spends_nothing(log: ChangeLog) -> None:
    assert await begin(log) < await begin(log, OTHER)


@pytest.mark.parametrize("state", ["failed", "conflict", "unchanged", "planned"])
async def test_a_yes_of_which_nothing_ran_is_given_back(log: ChangeLog, state: State) -> None:
    await settle(log, await begin(log, CREATE, YES), state)
    await begin(log, CREATE, YES)


@pytest.mark.parametrize("state", ["created", "deleted", "updated", "unknown"])
async def test_a_yes_that_was_used_does_not_come_back(log: ChangeLog, state: State) -> None:
    await settle(log, await begin(log, CREATE, YES), state)
    with pytest.raises(UsedError):
        await begin(log, OTHER, YES)


async def test_a_yes_of_which_a_part_ran_is_used(log: ChangeLog) -> None:
    number = await begin(log, Operation("re-key", CREATE.changes + OTHER.changes), YES, "intended", "planned")
    first, second = await log.lines(number)
    await log.settle([Outcome(first, "created")])
    await log.settle([Outcome(second, "failed")])
    with pytest.raises(UsedError):
        await begin(log, CREATE, YES)


async def test_what_was_to_go_along_with_a_change_that_did_not_run_did_not_go(log: ChangeLog) -> None:
    carried = [Change("mapping", OTHER_KEY, {"object_id": BEN}, None)]
    for state, kept in (("deleted", 1), ("failed", 0)):
        (line,) = await log.begin(CREATE, PLACE, NOBODY, ["intended"], carried)
        assert [one.state for one in await log.lines(line.operation, {"carried"})] == ["carried"]
        await log.settle([Outcome(line, state)])  # type: ignore[arg-type]
        assert len(await log.lines(line.operation, {"carried"})) == kept


async def test_a_question_names_the_last_operation_on_its_keys(log: ChangeLog) -> None:
    assert await log.last(CREATE) == Last()
    first = await begin(log)
    assert await log.last(CREATE) == Last(first, written=first)
    assert await log.last(OTHER) == Last()
    second = await begin(log, OTHER)
    assert await log.last(Operation("re-key", CREATE.changes + OTHER.changes)) == Last(second, written=second)


@pytest.mark.parametrize(("state", "counts"), [("failed", False), ("unchanged", False), ("unknown", True)])
async def test_what_is_known_not_to_have_run_is_not_the_last_operation(
    log: ChangeLog, state: State, counts: bool
) -> None:
    number = await begin(log)
    await settle(log, number, state)
    assert await log.last(CREATE) == (Last(number, written=number) if counts else Last())


async def test_a_decline_is_the_last_operation_so_that_its_answer_fits_no_other_question(log: ChangeLog) -> None:
    number = await begin(log, CREATE, Author("local", "declined"), "declined")
    assert await log.last(CREATE) == Last(number)
    assert CREATE.digest(PLACE, await log.last(CREATE)) != CREATE.digest(PLACE, Last())


async def test_a_run_that_was_begun_again_is_another_last_operation(log: ChangeLog) -> None:
    number = await log.begin_run(RUN, PLACE, NOBODY)
    assert await log.last(RUN) == Last(number, 0)
    await log.take_over(number, NOBODY)
    assert await log.last(RUN) == Last(number, 1)


async def test_a_resumed_run_spends_a_yes_of_its_own(log: ChangeLog, database: Database) -> None:
    number = await log.begin_run(RUN, PLACE, YES)
    with pytest.raises(UsedError):
        await log.take_over(number, YES)
    assert await log.take_over(number, Author("local", "approved in a terminal", "another")) == 1
    (logged,) = await history.find(database)
    assert logged.how == "approved in a terminal"


async def test_whoever_lost_a_run_writes_nothing_for_it(log: ChangeLog, elsewhere: ChangeLog) -> None:
    number = await log.begin_run(RUN, PLACE, NOBODY)
    epoch = await log.take_over(number, NOBODY)
    lines = await log.announce(number, epoch, [Fed(1, CREATE.changes[0])])
    newer = await elsewhere.take_over(number, NOBODY)
    with pytest.raises(StaleError):
        await log.announce(number, epoch, [Fed(2, OTHER.changes[0])])
    with pytest.raises(StaleError):
        await log.settle([Outcome(lines[0], "created")], epoch)
    with pytest.raises(StaleError):
        await log.sending(lines, epoch)
    assert await states(log, number) == ["intended"]
    await elsewhere.settle([Outcome(lines[0], "created")], newer)
    assert await states(log, number) == ["created"]


async def test_changes_of_a_run_are_announced_unless_their_key_is_held(log: ChangeLog) -> None:
    await begin(log)
    number = await log.begin_run(RUN, PLACE, NOBODY)
    lines = await log.announce(number, 0, [Fed(4, CREATE.changes[0]), Fed(7, OTHER.changes[0])])
    assert [(line.state, line.line, line.tries) for line in lines] == [("planned", 4, 0), ("intended", 7, 1)]
    assert await log.last_input(number) == 7


async def test_an_announcement_that_no_try_was_no_try(log: ChangeLog) -> None:
    number = await begin(log)
    (line,) = await log.lines(number)
    await log.settle([Outcome(line, "planned", tried=False)])
    assert [(one.state, one.tries) for one in await log.lines(number)] == [("planned", 0)]


async def test_who_looked_before_a_change_was_announced_anew_settles_nothing(log: ChangeLog) -> None:
    number = await begin(log)
    (old,) = await log.lines(number)
    await log.settle([Outcome(old, "planned")])
    await log.sending(await log.lines(number))
    await log.settle([Outcome(old, "planned")], cut_off=True)
    assert await states(log, number) == ["intended"]


async def test_of_two_who_settle_a_cut_off_change_only_the_first_one_does(log: ChangeLog) -> None:
    """The second one may have seen what somebody else wrote after the first."""
    number = await begin(log)
    (line,) = await log.lines(number)
    await log.settle([Outcome(line, "failed")], cut_off=True)
    await log.settle([Outcome(line, "created")], cut_off=True)
    assert await states(log, number) == ["failed"]
    await log.settle([Outcome(line, "created")])  # the sender itself knows better
    assert await states(log, number) == ["created"]


async def test_what_was_cut_off_is_found_after_a_while(log: ChangeLog, clock: Clock) -> None:
    number = await begin(log)
    await begin(log, OTHER, NOBODY, "planned")
    assert await log.unsettled(clock.now - 15) == []
    clock.now += 15
    assert [line.operation for line in await log.unsettled(clock.now - 15)] == [number]


async def test_what_somebody_works_on_is_not_cut_off(database: Database, clock: Clock) -> None:
    log = ChangeLog(database, TENANT, clock, renew_seconds=0.0)
    number = await begin(log)
    clock.now += 60
    with anyio.fail_after(5):
        async with log.renewing(number):
            while await log.unsettled(clock.now - 15):
                await anyio.lowlevel.checkpoint()
    assert [line.at for line in await log.lines(number)] == [clock.now]


async def test_creations_that_nobody_agreed_to_are_counted_for_an_hour(log: ChangeLog, clock: Clock) -> None:
    """Those of one's own run count as a part of that."""
    await settle(log, await begin(log, CREATE, YES), "created")
    number = await begin(log, OTHER)
    assert await log.unconfirmed_creates("") == 0
    await settle(log, number, "created")
    assert await log.unconfirmed_creates("") == 1
    run = await log.begin_run(RUN, PLACE, NOBODY)
    await log.settle([Outcome(one, "created") for one in await log.announce(run, 0, [Fed(1, CREATE.changes[0])])])
    assert await log.unconfirmed_creates("") == 2
    assert await log.unconfirmed_creates(RUN.by_run.plan) == 1
    clock.now += 3_601
    assert await log.unconfirmed_creates("") == 0
    await log.settle([Outcome(one, "created") for one in await log.announce(run, 0, [Fed(2, OTHER.changes[0])])])
    assert await log.unconfirmed_creates("") == 1  # whenever its run was begun


async def test_a_change_that_was_settled_before_the_clock_was_set_back_holds_nothing(
    log: ChangeLog, clock: Clock
) -> None:
    run = await log.begin_run(RUN, PLACE, NOBODY)
    (line,) = await log.announce(run, 0, [Fed(1, CREATE.changes[0])])
    await log.settle([Outcome(line, "planned", tried=False)])
    (waiting,) = await log.lines(run)
    clock.now += 3_600
    await settle(log, await begin(log, CREATE), "conflict")
    clock.now -= 3_600
    assert [one.id for one in await log.sending([waiting])] == [waiting.id]


async def test_a_yes_to_one_team_is_none_to_another(log: ChangeLog) -> None:
    last = await log.last(CREATE)
    assert CREATE.digest(PLACE, last) != CREATE.digest(replace(PLACE, team_id=7), last)


async def numbers(database: Database, search: Search = EVERYTHING, limit: int = -1) -> list[int]:
    return [one.id for one in await history.find(database, search, limit)]


@pytest.mark.parametrize(
    ("search", "key"),
    [
        (Search(external_id="NEW-1"), MappingKey("crm_lead", "people", "new-1")),
        (Search(object_type="people"), MappingKey("crm_lead", "accounts", "NEW-1")),
    ],
)
async def test_each_search_finds_its_own_and_nothing_else(
    log: ChangeLog, database: Database, search: Search, key: MappingKey
) -> None:
    mine = await begin(log)
    await begin(log, Operation("a test", (mappings.creation(key, ANN),)))
    assert await numbers(database, search) == [mine]


async def test_an_operation_is_found_by_its_title_object_and_environment(log: ChangeLog, database: Database) -> None:
    mine = await begin(log)
    await begin(log, Operation("another", (mappings.creation(OTHER_KEY, BEN),)))
    await begin(ChangeLog(database, "LIVE"), Operation("another", CREATE.changes))
    assert await numbers(database, Search(title=CREATE.title)) == [mine]
    assert await numbers(database, Search(tenant=TENANT, object_id=ANN)) == [mine]
    assert await numbers(database, Search(tenant="LIVE")) == [mine + 2]


async def test_an_object_that_only_the_answer_told_is_found_by_it(log: ChangeLog, database: Database) -> None:
    number = await begin(log, Operation("upsert", (Change("record", KEY, None, {"title": "CFO"}),)))
    await settle(log, number, "created", {"id": 42})
    assert await numbers(database, Search(object_id=42)) == [number]


async def test_a_pattern_in_a_search_is_nothing_but_text(log: ChangeLog, database: Database) -> None:
    await begin(log)
    for text in ("%", "_", "*", "NEW-1' OR '1'='1", "NEW-%"):
        assert await numbers(database, Search(external_id=text)) == []
        assert await numbers(database, Search(title=text)) == []


async def test_newest_come_first_and_page_by_page_each_once(log: ChangeLog, database: Database) -> None:
    for _ in range(5):
        await log.begin_run(RUN, PLACE, NOBODY)
    assert await numbers(database, limit=2) == [5, 4]
    assert await numbers(database, Search(older_than=4), 2) == [3, 2]
    assert await numbers(database, Search(older_than=2), 2) == [1]


async def test_since_is_the_first_moment_and_until_the_first_too_late(
    log: ChangeLog, database: Database, clock: Clock
) -> None:
    start = clock.now
    for _ in range(3):
        await log.begin_run(RUN, PLACE, NOBODY)
        clock.now += 10
    assert await numbers(database, Search(since=start + 10)) == [3, 2]
    assert await numbers(database, Search(until=start + 10)) == [1]
    assert await numbers(database, Search(since=start + 10, until=start + 20)) == [2]


async def test_an_operation_says_by_which_it_was_undone_once_a_part_of_that_went_through(
    log: ChangeLog, database: Database
) -> None:
    first = await begin(log)
    await settle(log, first, "created")
    nothing: tuple[State, ...] = ("failed", "unknown", "unchanged")
    for state in nothing:
        undoing = Operation("undo_change", OTHER.changes, undoes=first)
        await log.settle([Outcome(one, state) for one in await log.begin(undoing, PLACE, NOBODY, ["planned"])])
    assert {one.undone_by for one in await history.find(database)} == {0}
    await settle(
        log,
        number := await begin(log, Operation("undo_change", OTHER.changes, undoes=first), NOBODY, "planned"),
        "deleted",
    )
    (found,) = await history.find(database, Search(id=first))
    assert (found.undone_by, found.undoes) == (number, 0)
    (found,) = await history.find(database, Search(id=number))
    assert (found.undone_by, found.undoes) == (0, first)


async def test_a_large_operation_shows_its_first_changes_and_counts_all(log: ChangeLog, database: Database) -> None:
    number = await log.begin_run(RUN, PLACE, NOBODY)
    keys = [replace(KEY, external_id=f"N-{one}") for one in range(7)]
    lines = await log.announce(number, 0, [Fed(at, mappings.creation(key, ANN)) for at, key in enumerate(keys, 1)])
    await log.settle([Outcome(line, "created" if (line.line or 0) > 2 else "failed") for line in lines])
    (found,) = await history.find(database)
    assert (found.title, found.plan, found.counts) == ("run_plan", RUN.by_run.plan, {"created": 5, "failed": 2})
    assert [line.line for line in found.lines] == [1, 2, 3, 4, 5]
    assert await history.counts(database, number) == found.counts
    (asked,) = await history.find(database, history.Search(external_id="N-6"))
    assert [line.line for line in asked.lines] == [7]  # of a large one, what was asked for


@pytest.mark.parametrize(
    ("text", "same"),
    [
        ("1970-01-02", 86_400.0),
        ("1970-01-02T00:00", 86_400.0),
        ("1970-01-02T00:00:00Z", 86_400.0),
        ("1970-01-02T02:00:00+02:00", 86_400.0),
    ],
)
def test_a_time_is_utc_unless_it_says_otherwise(text: str, same: float) -> None:
    assert moment(text) == same


def test_a_date_at_the_end_of_a_range_includes_its_day() -> None:
    assert moment("1970-01-02", end=True) == 2 * 86_400.0
    assert moment("1970-01-02T09:00", end=True) == 86_400.0 + 9 * 3_600


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01", "", "1700000000x"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        moment(text)
