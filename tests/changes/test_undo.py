"""The way back: what was written is taken back in reverse, from what stands there now, and only once."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from salesloft_mcp import errors
from salesloft_mcp.changes import configurations, history, mappings, records
from salesloft_mcp.changes.change import ByRun, Change, Done, Fed, Operation, Outcome
from salesloft_mcp.changes.history import Search
from salesloft_mcp.changes.run import Run
from salesloft_mcp.changes.undo import undo
from salesloft_mcp.changes.way_back import feed
from salesloft_mcp.salesloft.fields import PersonFields
from salesloft_mcp.salesloft.models import MappingKey
from salesloft_mcp.sandbox import Fault, Sandbox
from tests.salesloft.opened import PLENTY

from .world import ANN, BEN, KEY, LEAD, NOBODY, OTHER_KEY, PLACE, YES, World, states, world

pytestmark = pytest.mark.anyio
MARKETING = configurations.key_of("marketing", "accounts")  # configuration 227 of the sandbox, with mappings
ACCOUNTS = "accounts"


async def way_back(here: World, number: int) -> Operation:
    return await undo(here.changes, here.database, number)


async def written(here: World, *changes: Change) -> Done:
    done = await here.apply(*changes, author=YES)
    assert done.error is None
    return done


async def deletion(here: World, key: MappingKey, object_id: int) -> Change:
    row = await here.api.create_mapping(key.external_type, key.object_type, key.external_id, object_id)
    return mappings.deletion(key, mappings.image(row))


async def test_a_created_mapping_is_deleted_and_that_can_be_undone(here: World) -> None:
    done = await written(here, mappings.creation(KEY, ANN))
    undone = await here.undo(done.number)
    assert (states(undone), await here.mapped()) == (["deleted"], [])
    again = await here.undo(undone.number)
    assert (states(again), await here.mapped()) == (["created"], [ANN])


async def test_a_deleted_mapping_is_created_again(here: World) -> None:
    done = await written(here, await deletion(here, KEY, ANN))
    assert states(await here.undo(done.number)) == ["created"]
    assert await here.mapped() == [ANN]


async def test_a_re_keyed_record_gets_its_old_id_back_before_the_new_one_goes(here: World) -> None:
    old = await deletion(here, OTHER_KEY, ANN)
    done = await written(here, mappings.creation(KEY, ANN), old)
    here.sandbox.requests.clear()
    assert states(await here.undo(done.number)) == ["created", "deleted"]
    assert [one.method for one in here.sandbox.requests if one.method != "GET"] == ["POST", "DELETE"]
    assert (await here.mapped(), await here.mapped(OTHER_KEY)) == ([], [ANN])


async def test_a_moved_id_goes_back_to_its_first_record(here: World) -> None:
    done = await written(here, await deletion(here, KEY, ANN), mappings.creation(KEY, BEN))
    assert states(await here.undo(done.number)) == ["deleted", "created"]
    assert await here.mapped() == [ANN]


async def test_only_what_was_done_of_an_operation_is_taken_back(here: World) -> None:
    """It failed half-way: the new id was created, and the old one stayed."""
    old = await deletion(here, OTHER_KEY, ANN)
    here.sandbox.faults.add(Fault("status", "DELETE", status=403))
    done = await here.apply(mappings.creation(KEY, ANN), old, author=YES)
    assert states(done) == ["created", "failed"]
    assert states(await here.undo(done.number)) == ["deleted"]
    assert (await here.mapped(), await here.mapped(OTHER_KEY)) == ([], [ANN])


async def test_what_was_undone_is_not_undone_again(here: World) -> None:
    done = await written(here, mappings.creation(KEY, ANN))
    undone = await here.undo(done.number)
    with pytest.raises(errors.ConflictError, match=f"undone by change {undone.number}") as caught:
        await here.undo(done.number)
    assert str(undone.number) in caught.value.next_step


async def test_an_undoing_that_failed_may_be_tried_again(here: World) -> None:
    done = await written(here, mappings.creation(KEY, ANN))
    here.sandbox.faults.add(Fault("status", "DELETE", status=403))
    assert states(await here.undo(done.number)) == ["failed"]
    assert states(await here.undo(done.number)) == ["deleted"]


async def test_an_undoing_that_failed_half_way_goes_on_where_it_ended(here: World) -> None:
    done = await written(here, await deletion(here, KEY, ANN), mappings.creation(KEY, BEN))
    here.sandbox.faults.add(Fault("status", "POST", status=403))
    assert states(await here.undo(done.number)) == ["deleted", "failed"]
    assert await here.mapped() == []
    assert states(await here.undo(done.number)) == ["created"]
    assert await here.mapped() == [ANN]
    with pytest.raises(errors.ConflictError, match="undone by change"):
        await here.undo(done.number)


async def test_a_change_of_another_team_is_not_undone(here: World) -> None:
    other = replace(PLACE, team_id=7)
    (line,) = await here.log.begin(Operation("a test", (mappings.creation(KEY, ANN),)), other, YES, ["intended"])
    await here.log.settle([Outcome(line, "created", {"id": 1, "object_id": ANN})])
    with pytest.raises(errors.ConflictError, match="was made in team 7, and this token is of team 100013"):
        await here.undo(line.operation)


@pytest.mark.parametrize("now", ["gone", "another"])
async def test_what_stands_for_something_else_now_is_left_alone(here: World, now: str) -> None:
    done = await written(here, mappings.creation(KEY, ANN))
    await here.api.delete_mapping(int(str((done.outcomes[0].after or {})["id"])))
    if now == "another":
        await deletion(here, KEY, BEN)
    with pytest.raises(errors.ConflictError, match="cannot be undone"):
        await here.undo(done.number)
    assert await here.mapped() == ([BEN] if now == "another" else [])


async def test_a_deleted_mapping_whose_id_is_taken_now_stays_deleted(here: World) -> None:
    done = await written(here, await deletion(here, KEY, ANN))
    await deletion(here, KEY, BEN)
    with pytest.raises(errors.ConflictError, match=str(BEN)):
        await here.undo(done.number)


@pytest.mark.parametrize("state", ["unchanged", "failed", "declined"])
async def test_where_nothing_was_done_there_is_nothing_to_undo(here: World, state: str) -> None:
    operation = Operation("a test", (mappings.creation(KEY, ANN),))
    lines = await here.log.begin(operation, PLACE, NOBODY, [state])  # type: ignore[list-item]
    with pytest.raises(errors.ConflictError, match="nothing to undo"):
        await here.undo(lines[0].operation)


async def test_a_change_that_is_under_way_is_waited_for_and_one_that_is_lost_is_not_undone(here: World) -> None:
    operation = Operation("a test", (mappings.creation(KEY, ANN),))
    (line,) = await here.log.begin(operation, PLACE, NOBODY, ["lost"])
    with pytest.raises(errors.ConflictError, match="never found out"):
        await here.undo(line.operation)


async def test_a_cut_off_change_is_looked_up_before_it_is_undone(here: World) -> None:
    here.changes.sent_seconds = -1.0  # whoever announced it has died
    operation = Operation("a test", (mappings.creation(KEY, ANN),))
    (line,) = await here.log.begin(operation, PLACE, NOBODY, ["intended"])
    await deletion(here, KEY, ANN)  # its request had arrived
    assert states(await here.undo(line.operation)) == ["deleted"]


@pytest.mark.parametrize("number", [0, 99, -1, 2**62])
async def test_a_number_of_nothing_is_missing(here: World, number: int) -> None:
    with pytest.raises(errors.MissingError, match=f"no change {number}"):
        await here.undo(number)


async def test_a_change_of_another_environment_does_not_exist(here: World) -> None:
    done = await written(here, mappings.creation(KEY, ANN))
    here.changes.environment = "LIVE"
    with pytest.raises(errors.MissingError):
        await here.undo(done.number)


async def test_an_update_is_undone_field_by_field_and_says_what_is_left(here: World) -> None:
    change = await records.upsert(here.api, LEAD, PersonFields(title="CFO", city="Bonn"), "upsert")
    before = change.before or {}
    done = await written(here, change)
    await here.api.upsert_person("crm_lead", "CONTACT3456", PersonFields(title="CEO"))
    operation = await way_back(here, done.number)
    (left,) = operation.left
    assert left.startswith("title")
    await here.changes.apply(operation, YES)
    person = await here.api.get_object("people", 578495206)
    assert (getattr(person, "title", ""), getattr(person, "city", "")) == ("CEO", before["city"])


async def test_an_update_that_changed_nothing_has_nothing_to_undo(here: World) -> None:
    done = await written(here, await records.upsert(here.api, LEAD, PersonFields(title="CFO"), "upsert"))
    await here.api.upsert_person("crm_lead", "CONTACT3456", PersonFields(title="CEO"))
    with pytest.raises(errors.ConflictError, match=r"title.*changed again since"):
        await here.undo(done.number)


async def test_an_address_that_another_record_has_by_now_stays_there_and_the_rest_comes_back(here: World) -> None:
    mine = str(getattr(await here.api.get_object("people", 578495206), "email_address", ""))
    new = PersonFields(email_address="new@bh.test", city="Bonn")
    done = await written(here, await records.upsert(here.api, LEAD, new, "upsert"))
    alone = await written(
        here, await records.upsert(here.api, LEAD, PersonFields(email_address="newer@bh.test"), "upsert")
    )
    await here.api.upsert_person("crm_lead", "CONTACT1001", PersonFields(email_address=mine))
    await here.api.upsert_person("crm_lead", "CONTACT1002", PersonFields(email_address="new@bh.test"))
    with pytest.raises(errors.ConflictError, match=r"email_address \(which person 207550002 has now\)"):
        await here.undo(alone.number)
    await here.api.upsert_person("crm_lead", "CONTACT3456", PersonFields(email_address="NEW2@bh.test"))
    assert (await way_back(here, done.number)).left == ("email_address (changed again since, or not writable)",)
    await here.api.upsert_person("crm_lead", "CONTACT1002", PersonFields(email_address="other@bh.test"))
    await here.api.upsert_person("crm_lead", "CONTACT3456", PersonFields(email_address="new@bh.test"))
    operation = await way_back(here, done.number)
    assert operation.left == ("email_address (which person 207550001 has now)",)
    assert states(await here.changes.apply(operation, YES)) == ["updated"]
    person = await here.api.get_object("people", 578495206)
    assert (getattr(person, "email_address", ""), getattr(person, "city", "")) == ("new@bh.test", "Austin")


async def test_a_created_configuration_is_deleted_with_what_hangs_on_it_by_then(here: World) -> None:
    key = configurations.key_of("erp", "people")
    done = await written(here, configurations.creation(key))
    await here.api.create_mapping("erp", "people", "E-1", ANN)
    operation = await way_back(here, done.number)
    assert (operation.carries, operation.by_run) == (1, ByRun())
    assert states(await here.changes.apply(operation, YES)) == ["deleted"]


async def without_configuration(here: World) -> tuple[Done, int]:
    """Delete a configuration; what was done, and how many mappings went along."""
    number = await configurations.count(here.api, MARKETING) or 0
    change = Change("configuration", MARKETING, {"id": 227}, None)
    return await here.changes.apply(Operation("a test", (change,), carries=number), YES), number


async def without_mappings(here: World) -> None:
    """Salesloft may delete what hangs on a configuration by itself."""
    for row in (await here.api.list_mappings(external_type="marketing", deleted=False)).rows:
        await here.api.delete_mapping(row.id or 0)


async def by_run(here: World, number: int, run: int) -> Sequence[str]:
    """Take back by a run what is left; how the changes of the run ended."""
    epoch = await here.log.take_over(run, NOBODY)
    assert await Run(here.changes, run, epoch, feed(here.changes, number), quiet=0.0).finish()
    return [line.state for line in await here.log.lines(run, by="line")]


async def live(here: World) -> int:
    here.sandbox.faults.clear()
    return await configurations.count(here.api, MARKETING) or 0


async def test_a_deleted_configuration_comes_back_first_and_its_mappings_by_a_run(here: World) -> None:
    done, number = await without_configuration(here)
    await without_mappings(here)
    operation = await way_back(here, done.number)
    assert (len(operation.changes), operation.by_run) == (1, ByRun(f"undo-{done.number}", creates=number))
    assert number > 1
    undone = await here.changes.apply(operation, YES)
    assert states(undone) == ["created"]
    assert await by_run(here, done.number, undone.number) == ["created"] * number
    assert await live(here) == number
    with pytest.raises(errors.ConflictError, match=f"undone by change {undone.number}"):
        await way_back(here, done.number)


async def test_mappings_that_stayed_with_their_configuration_are_unchanged(here: World) -> None:
    done, number = await without_configuration(here)
    undone = await here.changes.apply(await way_back(here, done.number), YES)
    assert await by_run(here, done.number, undone.number) == ["unchanged"] * number
    assert await live(here) == number


async def test_mappings_whose_run_was_never_begun_can_still_come_back(here: World) -> None:
    """The process died, or the call was cancelled, when the configuration was there again."""
    done, number = await without_configuration(here)
    await without_mappings(here)
    await here.changes.apply(await way_back(here, done.number), YES)
    operation = await way_back(here, done.number)
    assert (operation.changes, operation.by_run) == ((), ByRun(f"undo-{done.number}", creates=number))
    run = await here.log.begin_run(operation, PLACE, YES)
    assert await by_run(here, done.number, run) == ["created"] * number
    with pytest.raises(errors.ConflictError, match=f"undone by change {run}"):
        await way_back(here, done.number)


def keys(count: int) -> list[MappingKey]:
    return [MappingKey("crm_lead", "people", f"new {number}") for number in range(count)]


async def a_run(here: World, count: int) -> int:
    """A run that has created so many mappings."""
    number = await here.log.begin_run(Operation("run_plan", (), by_run=ByRun("1a2b3c4d", creates=count)), PLACE, NOBODY)
    changes = [Fed(line, mappings.creation(key, ANN)) for line, key in enumerate(keys(count), 1)]

    async def rows(after: int, limit: int) -> list[Fed]:
        return changes[after : after + limit]

    assert await Run(here.changes, number, await here.log.take_over(number, NOBODY), rows, quiet=0.0).finish()
    return number


async def test_a_run_is_taken_back_by_a_run_the_last_first(here: World) -> None:
    number = await a_run(here, 30)
    operation = await way_back(here, number)
    assert (operation.title, operation.changes, operation.undoes) == ("undo", (), number)
    assert operation.by_run == ByRun(f"undo-{number}", deletes=30)
    undoing = await here.log.begin_run(operation, PLACE, YES)
    assert await by_run(here, number, undoing) == ["deleted"] * 30
    order = [line.change.key for line in await here.log.lines(undoing, by="line")]
    assert order == [line.change.key for line in await here.log.lines(number, by="id DESC")]
    assert await here.mapped(order[0]) == []
    (found,) = await history.find(here.database, Search(id=number))
    assert found.undone_by == undoing
    # And the undoing can be taken back in its turn.
    again = await way_back(here, undoing)
    assert again.by_run == ByRun(f"undo-{undoing}", creates=30)
    assert await by_run(here, undoing, await here.log.begin_run(again, PLACE, YES)) == ["created"] * 30
    assert await here.mapped(order[0]) == [ANN]


async def test_what_is_only_deleted_needs_no_list_of_what_stands_there(here: World) -> None:
    number = await a_run(here, 3)
    undoing = await here.log.begin_run(await way_back(here, number), PLACE, YES)
    here.sandbox.requests.clear()
    assert await by_run(here, number, undoing) == ["deleted"] * 3
    assert here.sent("GET") == 0


async def test_rows_of_a_run_that_stand_for_something_else_now_are_left_alone(here: World) -> None:
    number = await a_run(here, 3)
    lines = await here.log.lines(number)
    for line in lines[:2]:
        await here.api.delete_mapping(int(str((line.change.after or {})["id"])))
    await deletion(here, lines[0].change.key, BEN)
    undoing = await here.log.begin_run(await way_back(here, number), PLACE, YES)
    assert sorted(await by_run(here, number, undoing)) == ["deleted", "unchanged", "unchanged"]
    assert await here.mapped(lines[0].change.key) == [BEN]


async def test_rows_without_a_mapping_id_are_found_before_they_go(here: World) -> None:
    """As version 0.1.0 logged the rows of a backfill."""
    number = await a_run(here, 3)
    await here.database.write(lambda tx: tx.change("UPDATE changes SET after = json_object('object_id', object_id)"))
    undoing = await here.log.begin_run(await way_back(here, number), PLACE, YES)
    assert await by_run(here, number, undoing) == ["deleted"] * 3


@pytest.mark.parametrize("by_run", [False, True])
async def test_a_mapping_that_has_no_id_to_anybody_is_not_deleted_on_a_guess(tmp_path: Path, by_run: bool) -> None:
    with Sandbox(dialect="guide", rate_limit=PLENTY) as sandbox:
        async with world(sandbox, tmp_path / "state") as here:
            number = await a_run(here, 2) if by_run else (await written(here, mappings.creation(KEY, ANN))).number
            with pytest.raises(errors.ConflictError, match="cannot be undone: Salesloft shows no id") as caught:
                await here.undo(number)
            assert "ask Salesloft's support" in caught.value.next_step
            assert here.sent("DELETE") == 0
