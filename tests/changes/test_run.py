"""A run brings every change to its end, once, whatever happens to it on the way."""

from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import pytest

from salesloft_mcp import errors
from salesloft_mcp.changes import mappings
from salesloft_mcp.changes import run as running
from salesloft_mcp.changes.change import ByRun, Fed, Line, Operation, Outcome, State
from salesloft_mcp.changes.log import StaleError
from salesloft_mcp.changes.refused import ALIKE
from salesloft_mcp.changes.run import Feed, Run
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import MappingKey
from salesloft_mcp.sandbox import Fault, Sandbox

from .conftest import unique_or_not
from .world import ANN, BEN, KEY, NOBODY, PLACE, Clock, World, states, world

pytestmark = pytest.mark.anyio

QUIET_SECONDS = 0.4


def key(number: int) -> MappingKey:
    return MappingKey("marketing_automation", "people", f"new {number}")


def rows(count: int) -> Feed:
    """So many mappings to create: `new 1` and on, each of another person."""

    async def following(after: int, limit: int) -> list[Fed]:
        last = min(count, after + limit)
        return [Fed(line, mappings.creation(key(line), ANN + line)) for line in range(after + 1, last + 1)]

    return following


@dataclass(slots=True)
class Runner:
    """One run, begun or resumed as often as it takes."""

    here: World
    number: int

    async def finish(self, feed: Feed, **options: Any) -> bool:
        epoch = await self.here.log.take_over(self.number, NOBODY)
        return await Run(self.here.changes, self.number, epoch, feed, **{"quiet": QUIET_SECONDS, **options}).finish()

    async def states(self) -> list[State]:
        return await self.here.states(self.number)

    async def mapped(self, number: int) -> list[int]:
        return await self.here.mapped(key(number))

    async def mapped_once(self, count: int) -> bool:
        return [await self.mapped(number) for number in range(1, count + 1)] == [
            [ANN + number] for number in range(1, count + 1)
        ]


@pytest.fixture
async def here(sandbox: Sandbox, directory: Path) -> AsyncIterator[World]:
    async with world(sandbox, directory, seconds=0.15) as here:
        yield here


@pytest.fixture
async def one(here: World) -> Runner:
    return Runner(here, await here.log.begin_run(Operation("run_plan", (), by_run=ByRun("1a2b3c4d")), PLACE, NOBODY))


async def test_every_change_is_created_once(one: Runner) -> None:
    assert await one.finish(rows(150))
    assert (await one.states(), one.here.sent()) == (["created"] * 150, 150)
    assert [line.line for line in await one.here.log.lines(one.number, by="line")] == list(range(1, 151))
    assert await one.mapped(150) == [ANN + 150]


async def test_an_intent_is_on_disk_before_the_request_leaves(one: Runner, there: World) -> None:
    seen: list[State] = []
    send = one.here.api.create_mapping

    async def create(*arguments: Any) -> Any:
        seen.extend(await there.states(one.number))
        return await send(*arguments)

    one.here.api.create_mapping = create  # type: ignore[method-assign,assignment]
    await one.finish(rows(1))
    assert seen == ["intended"]


@unique_or_not
async def test_what_a_dead_process_announced_is_looked_up_before_it_is_sent(one: Runner) -> None:
    feed = rows(3)
    await one.here.log.announce(one.number, 0, await feed(0, 2))
    await one.here.api.create_mapping("marketing_automation", "people", "new 1", ANN + 1)
    assert await one.finish(feed)
    assert (await one.states(), one.here.sent()) == (["created"] * 3, 3)
    assert await one.mapped_once(3)


@unique_or_not
@pytest.mark.parametrize("kind", ["lost_answer", "truncated", "late_commit", "delay", "reset", "status"])
async def test_whatever_becomes_of_an_answer_the_mapping_is_there_once(one: Runner, kind: str) -> None:
    one.here.sandbox.faults.add(Fault(kind, method="POST", seconds=0.3, status=500))  # type: ignore[arg-type]
    assert await one.finish(rows(2))
    assert await one.states() == ["created"] * 2
    assert await one.mapped_once(2)


@pytest.mark.parametrize("sandbox", [False], indirect=True)
async def test_the_quiet_time_counts_from_the_request_and_not_from_its_announcement(one: Runner) -> None:
    """The last change of a batch is sent long after the batch was announced, and commits late."""
    one.here.sandbox.faults.add(Fault("delay", method="POST", times=7, seconds=QUIET_SECONDS / 5))
    one.here.sandbox.faults.add(Fault("late_commit", method="POST", seconds=QUIET_SECONDS * 0.8))
    assert await one.finish(rows(8), at_once=1)
    assert await one.mapped(8) == [ANN + 8]


@pytest.mark.parametrize("sandbox", [False], indirect=True)
async def test_a_look_that_cannot_be_read_leaves_the_change_for_another_look(one: Runner) -> None:
    one.here.sandbox.faults.add(Fault("lost_answer", method="POST"))
    one.here.sandbox.faults.add(Fault("raw", method="GET", status=200, body=b"<html>", times=2))
    assert await one.finish(rows(1), quiet=0.05)
    assert (await one.states(), one.here.sent()) == (["created"], 1)


async def test_what_somebody_else_mapped_since_the_plan_is_unchanged_or_a_conflict(one: Runner) -> None:
    await one.here.api.create_mapping("marketing_automation", "people", "new 1", ANN + 1)
    await one.here.api.create_mapping("marketing_automation", "people", "new 2", ANN)
    assert await one.finish(rows(3))
    assert await one.states() == ["unchanged", "conflict", "created"]


async def test_a_refusal_is_told_in_salesloft_s_words_and_the_rest_goes_on(one: Runner) -> None:
    one.here.sandbox.store.remove("people", ANN + 2)
    assert await one.finish(rows(3))
    assert await one.states() == ["created", "failed", "created"]
    assert "does not exist" in (await one.here.lines(one.number, "failed"))[0].note


@pytest.mark.parametrize(("status", "state"), [(400, "failed"), (409, "created")])
async def test_a_refusal_fails_its_change_alone_and_a_status_that_nobody_expects_is_looked_up(
    one: Runner, status: int, state: State
) -> None:
    one.here.sandbox.faults.add(Fault("status", method="POST", status=status))
    assert await one.finish(rows(2), at_once=1, quiet=0.0)
    assert await one.states() == [state, "created"]


@unique_or_not
@pytest.mark.parametrize(("status", "kind"), [(401, errors.UnauthorizedError), (403, errors.ForbiddenError)])
async def test_a_token_that_ends_in_the_middle_stops_the_run_which_goes_on_later(
    one: Runner, status: int, kind: type[errors.ApiError]
) -> None:
    """No change has failed by that: the next token may carry them out."""
    one.here.sandbox.faults.add(Fault("delay", method="POST", times=30, seconds=0.01))
    one.here.sandbox.faults.add(Fault("status", method="POST", times=None, status=status))
    with pytest.raises(kind):
        await one.finish(rows(100))
    found = await one.states()
    assert found.count("created") == 30
    assert set(found) == {"created", "planned"}
    more = ALIKE if kind is errors.ForbiddenError else 0  # a 403 may be about one record
    assert one.here.sent() <= 30 + more + running.AT_ONCE
    one.here.sandbox.faults.clear()
    assert await one.finish(rows(100), quiet=0.05)
    assert await one.states() == ["created"] * 100
    assert await one.mapped_once(100)


@pytest.mark.parametrize("at_once", [1, running.AT_ONCE])
async def test_a_change_that_alone_is_forbidden_is_told_with_the_cause_and_the_others_are_done(
    one: Runner, at_once: int
) -> None:
    send = one.here.api.create_mapping

    async def create(*given: Any) -> Any:
        if given[2] in ("new 5", "new 20", "new 40"):
            raise errors.ForbiddenError(f"the token may not write {given[2]} (403).")
        return await send(*given)

    one.here.api.create_mapping = create  # type: ignore[method-assign,assignment]
    assert await one.finish(rows(40), at_once=at_once, quiet=0.0)
    assert (await one.states()).count("created") == 37
    failed = await one.here.lines(one.number, "failed")
    assert [(line.line, "(403)" in line.note) for line in failed] == [(5, True), (20, True), (40, True)]


async def test_a_token_that_may_do_nothing_fails_no_change_however_few_there_are(one: Runner) -> None:
    one.here.sandbox.faults.add(Fault("status", method="POST", times=None, status=403))
    with pytest.raises(errors.ForbiddenError):
        await one.finish(rows(1))
    assert await one.states() == ["planned"]


def _named(fault: Fault) -> str:
    return f"{fault.kind} {fault.status}"


# What the API itself does not answer so: it may come from anything in between, and proves nothing.
BETWEEN = [Fault("status", method="POST", status=status) for status in (302, 405, 409, 413, 451)]
BETWEEN += [Fault("raw", method="POST", status=status, body=b"<html>No</html>") for status in (403, 404, 422)]
REFUSED_BETWEEN = pytest.mark.parametrize("fault", BETWEEN, ids=_named)


@pytest.mark.parametrize("fault", [*BETWEEN, Fault("status", method="POST", status=403)], ids=_named)
async def test_a_request_that_alone_is_refused_is_sent_once_more(one: Runner, fault: Fault) -> None:
    one.here.sandbox.faults.add(Fault("delay", method="POST", times=5), replace(fault, times=2))
    assert await one.finish(rows(20), quiet=0.0)
    assert await one.states() == ["created"] * 20
    assert await one.mapped_once(20)


@REFUSED_BETWEEN
async def test_changes_that_are_refused_for_good_are_told_with_their_cause_and_the_others_are_done(
    one: Runner, fault: Fault
) -> None:
    """However many they are, as long as others between them go through."""
    send = one.here.api.create_mapping

    async def create(*given: Any) -> Any:
        if given[2] in ("new 5", "new 20", "new 35", "new 50"):
            one.here.sandbox.faults.add(fault)
        return await send(*given)

    one.here.api.create_mapping = create  # type: ignore[method-assign,assignment]
    assert await one.finish(rows(60), quiet=0.0, at_once=1)
    failed = await one.here.lines(one.number, "failed")
    assert [line.line for line in failed] == [5, 20, 35, 50]
    for line in failed:
        assert f"was answered {fault.status} with" in line.note
        assert line.note.endswith("It was sent again, and is not there.")
    assert (await one.states()).count("created") == 56


@REFUSED_BETWEEN
async def test_what_something_in_between_refuses_to_all_stops_the_run_which_goes_on_later(
    one: Runner, fault: Fault
) -> None:
    one.here.sandbox.faults.add(Fault("delay", method="POST", times=30, seconds=0.01), replace(fault, times=None))
    with pytest.raises(errors.UpstreamError, match=f"3 writes in a row were refused alike.* answered {fault.status}"):
        await one.finish(rows(100), quiet=0.0)
    assert one.here.sent() <= 30 + ALIKE + running.AT_ONCE
    assert set(await one.states()) <= {"created", "planned", "unknown"}
    one.here.sandbox.faults.clear()
    assert await one.finish(rows(100), quiet=0.0)
    assert await one.states() == ["created"] * 100
    assert await one.mapped_once(100)


async def test_a_type_that_somebody_deletes_stops_the_run_which_goes_on_when_it_is_there_again(one: Runner) -> None:
    body = b'{"errors": {"external_type": ["is not configured for people"]}}'
    one.here.sandbox.faults.add(Fault("raw", method="POST", times=None, status=422, body=body))
    with pytest.raises(errors.RejectedError, match="is not configured"):
        await one.finish(rows(100))
    assert one.here.sent() <= ALIKE + running.AT_ONCE
    assert set(await one.states()) == {"planned"}
    one.here.sandbox.faults.clear()
    assert await one.finish(rows(100))
    assert await one.mapped_once(100)


@pytest.mark.parametrize("at_once", [1, running.AT_ONCE])
async def test_a_run_that_goes_on_gets_past_the_changes_that_stopped_it(one: Runner, at_once: int) -> None:
    """The token may write everything but what is in one place of the input."""
    send, forbidden = one.here.api.create_mapping, {f"new {number}" for number in range(10, 16)}

    async def create(*given: Any) -> Any:
        if given[2] in forbidden:
            raise errors.ForbiddenError(f"the token may not write {given[2]} (403).")
        return await send(*given)

    one.here.api.create_mapping = create  # type: ignore[method-assign,assignment]
    with pytest.raises(errors.ForbiddenError):
        await one.finish(rows(60), at_once=at_once)
    for _ in range(2):
        with suppress(errors.ForbiddenError):
            await one.finish(rows(60), at_once=at_once, quiet=0.0)
    failed = await one.here.lines(one.number, "failed")
    assert {line.change.key.external_id for line in failed} == forbidden
    assert (await one.states()).count("created") == 54


async def test_a_read_that_is_refused_once_stops_no_run(one: Runner) -> None:
    feed, refusals = rows(20), [errors.ForbiddenError("no"), errors.UpstreamError("no")]

    async def refused(after: int, limit: int) -> list[Fed]:
        if refusals:
            raise refusals.pop()
        return list(await feed(after, limit))

    assert await one.finish(refused, quiet=0.0)
    assert await one.states() == ["created"] * 20


async def test_a_token_that_may_not_look_any_more_stops_the_run_at_once(one: Runner) -> None:
    feed = rows(2)
    await one.here.log.announce(one.number, 0, await feed(0, 2))
    one.here.sandbox.faults.add(Fault("status", method="GET", times=None, status=401))
    with pytest.raises(errors.UnauthorizedError):
        await one.finish(feed, quiet=0.0)
    assert set(await one.states()) <= {"intended", "unknown"}
    assert one.here.sent("GET") <= 2


async def test_a_cancelled_run_ends_after_what_is_in_flight(one: Runner) -> None:
    assert not await one.finish(rows(100), cancelled=lambda: one.here.sent() >= 20)
    found = await one.states()
    done = found.count("created")
    assert 20 <= done == one.here.sent() <= 20 + running.AT_ONCE
    assert set(found) == {"created", "planned"}
    assert {line.tries for line in await one.here.lines(one.number, "planned")} == {0}
    assert await one.finish(rows(100))
    assert (await one.states(), one.here.sent()) == (["created"] * 100, 100)


@pytest.mark.parametrize("sandbox", [False], indirect=True)
async def test_a_run_that_is_torn_down_leaves_what_it_knows_and_what_it_does_not(one: Runner) -> None:
    one.here.sandbox.faults.add(Fault("delay", method="POST", times=None, seconds=0.02))
    with anyio.move_on_after(0.1):
        await one.finish(rows(60))
    assert {"planned", "intended"} <= set(await one.states()) <= {"planned", "intended", "created"}
    one.here.sandbox.faults.clear()
    assert await one.finish(rows(60), quiet=0.05)
    assert await one.states() == ["created"] * 60
    assert await one.mapped_once(60)


async def test_it_gives_up_when_nothing_goes_through_and_may_be_resumed(
    one: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_: object) -> None:
        raise errors.RateLimitedError("no points.", retry_after_seconds=1)

    with monkeypatch.context() as patched:
        patched.setattr(running, "GIVE_UP_AFTER", 2)
        patched.setattr(Salesloft, "create_mapping", refused)
        with pytest.raises(errors.UnreachableError, match="no points"):
            await one.finish(rows(150), quiet=0.01)
    assert set(await one.states()) == {"planned"}
    assert {line.tries for line in await one.here.lines(one.number)} == {0}
    assert await one.finish(rows(150))
    assert await one.states() == ["created"] * 150


@unique_or_not
async def test_what_was_refused_for_want_of_points_was_not_created_by_us(one: Runner) -> None:
    """Somebody else mapped it before there were points again."""
    one.here.sandbox.faults.add(Fault("status", method="POST", status=429, times=4))
    api = one.here.api
    send, calls = api.create_mapping, iter(range(9))

    async def create(*arguments: Any) -> Any:
        if next(calls) == 1:
            await send(*arguments)
        return await send(*arguments)

    api.create_mapping = create  # type: ignore[method-assign,assignment]
    assert await one.finish(rows(1), quiet=0.0)
    assert await one.states() == (["unchanged"] if one.here.sandbox.enforce_unique else ["created"])


async def test_an_outage_does_not_send_change_after_change_into_the_void(
    one: Runner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "GIVE_UP_AFTER", 0)
    monkeypatch.setattr(running, "IN_VAIN", 10)
    one.here.sandbox.faults.add(Fault("reset", method="POST", times=None))
    with pytest.raises(errors.UnreachableError):
        await one.finish(rows(150))
    assert (await one.states()).count("unknown") == one.here.sent() <= 10 + running.AT_ONCE


async def test_a_change_that_is_never_answered_fails_in_the_end(one: Runner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "MOST_SENDS", 2)
    one.here.sandbox.faults.add(Fault("reset", method="POST", times=None))
    assert await one.finish(rows(1), quiet=0.02)
    assert (await one.states(), one.here.sent()) == (["failed"], 2)
    assert "no answer to 2 tries" in (await one.here.lines(one.number))[0].note


async def test_nothing_is_fed_twice_when_a_run_goes_on(one: Runner) -> None:
    fed: list[int] = []
    feed = rows(130)

    async def watched(after: int, limit: int) -> Any:
        found = await feed(after, limit)
        fed.extend(one.line for one in found)
        return found

    assert not await one.finish(watched, cancelled=lambda: one.here.sent() >= 5)
    assert await one.finish(watched)
    assert fed == list(range(1, 131))
    assert await one.states() == ["created"] * 130


@unique_or_not
async def test_a_change_whose_key_somebody_holds_waits_and_is_looked_at_then(one: Runner, there: World) -> None:
    """A chat call writes the same external id at this moment, for the same person."""
    one.here.sandbox.faults.add(Fault("delay", method="POST", seconds=0.1))
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(there.apply, mappings.creation(key(1), ANN + 1))
        while await there.log.holder(key(1)) is None:
            await anyio.lowlevel.checkpoint()
        assert await one.finish(rows(2), quiet=0.0)
    assert await one.states() == ["unchanged", "created"]
    assert await one.mapped_once(2)


@unique_or_not
async def test_two_runs_of_the_same_rows_create_each_once(one: Runner, here: World, there: World) -> None:
    other = Runner(there, await there.log.begin_run(Operation("run_plan", (), by_run=ByRun("2b")), PLACE, NOBODY))
    async with anyio.create_task_group() as tasks:
        for runner in (one, other):
            tasks.start_soon(lambda runner=runner: runner.finish(rows(40), quiet=0.0))  # type: ignore[misc]
    if here.sandbox.enforce_unique:
        found = zip(await one.states(), await other.states(), strict=True)
        assert {tuple(sorted(pair)) for pair in found} == {("created", "unchanged")}
        assert await one.mapped_once(40)


async def test_what_a_dead_process_holds_is_settled_by_whoever_needs_the_key(one: Runner, there: World) -> None:
    operation = Operation("a test", (mappings.creation(key(1), BEN),))
    (held,) = await there.log.begin(operation, PLACE, NOBODY, ["intended"])
    one.here.changes.sent_seconds = -1.0
    assert await one.finish(rows(2), quiet=0.0)
    assert await one.states() == ["created", "created"]
    assert [line.state for line in await there.lines(held.operation)] == ["failed"]


async def test_a_cancelled_run_does_not_wait_for_whoever_holds_a_key(one: Runner, there: World) -> None:
    await there.log.begin(Operation("a test", (mappings.creation(key(1), BEN),)), PLACE, NOBODY, ["intended"])
    asked: list[MappingKey] = []
    holder = one.here.log.holder

    async def held(key: MappingKey) -> Line | None:
        asked.append(key)
        return await holder(key)

    one.here.log.holder = held  # type: ignore[method-assign]
    with anyio.fail_after(5):
        assert not await one.finish(rows(2), cancelled=lambda: bool(asked), quiet=0.0)
    assert await one.states() == ["planned", "created"]


async def test_a_chat_call_settles_what_a_dead_run_left_and_the_run_goes_on_with_it(one: Runner, there: World) -> None:
    feed = rows(2)
    await one.here.log.announce(one.number, 0, await feed(0, 2))
    there.changes.sent_seconds = -1.0
    await there.changes.look_back()
    assert await one.states() == ["planned", "planned"]
    assert states(await there.apply(mappings.creation(key(1), ANN + 1))) == ["created"]
    assert await one.finish(feed, quiet=0.0)
    assert await one.states() == ["unchanged", "created"]


async def test_nobody_settles_what_a_living_run_has_announced(one: Runner, there: World, directory: Path) -> None:
    """Its rows wait long for their turn, but it says every moment that it is there."""
    there.changes.sent_seconds = 2.0
    there.sandbox.faults.add(Fault("delay", method="POST", seconds=0.3, times=10))
    looked: list[int] = []

    async def look_back() -> None:
        while True:
            await there.changes.look_back()
            looked.append(there.sent("GET"))
            await anyio.sleep(0.02)

    async with world(there.sandbox, directory, seconds=None) as patient, anyio.create_task_group() as tasks:
        tasks.start_soon(look_back)
        assert await Runner(patient, one.number).finish(rows(10), at_once=1)
        tasks.cancel_scope.cancel()
    assert await one.states() == ["created"] * 10
    assert set(looked) == {0}


async def test_a_runner_that_lost_its_run_ends_and_writes_nothing_more(one: Runner, there: World) -> None:
    send = one.here.api.create_mapping

    async def create(*arguments: Any) -> Any:
        if one.here.sent() == 3:
            await there.log.take_over(one.number, NOBODY)
        return await send(*arguments)

    one.here.api.create_mapping = create  # type: ignore[method-assign,assignment]
    with pytest.raises(StaleError):
        await one.finish(rows(20), at_once=1)
    assert set(await one.states()) == {"intended"}
    assert await Runner(there, one.number).finish(rows(20))
    assert await one.states() == ["created"] * 20


async def test_a_key_may_come_twice_in_one_run(one: Runner) -> None:
    """The second one waits for the first, and finds it done."""

    async def twice(after: int, limit: int) -> list[Fed]:
        return [Fed(line, mappings.creation(KEY, ANN)) for line in (1, 2) if line > after]

    assert await one.finish(twice, quiet=0.0)
    assert await one.states() == ["created", "unchanged"]
    assert await one.here.mapped() == [ANN]


async def test_a_change_that_was_planned_and_not_fed_is_carried_out(one: Runner) -> None:
    (line,) = await one.here.log.announce(one.number, 0, [Fed(1, mappings.creation(KEY, ANN))])
    await one.here.log.settle([Outcome(line, "planned", tried=False)])
    assert await one.finish(rows(0))
    assert (await one.states(), await one.here.mapped()) == (["created"], [ANN])


async def test_what_was_left_over_by_a_run_that_rested_is_looked_at_before_it_is_sent(
    sandbox: Sandbox, directory: Path
) -> None:
    """Salesloft may take an external id for two records."""
    sandbox.enforce_unique = False
    clock, feed = Clock(), rows(3)
    async with world(sandbox, directory, clock=clock) as here:
        by_run = Operation("run_plan", (), by_run=ByRun("1a2b3c4d"))
        one = Runner(here, await here.log.begin_run(by_run, PLACE, NOBODY))
        await here.log.announce(one.number, 0, [fed._replace(state="planned") for fed in await feed(0, 2)])
        await here.api.create_mapping("marketing_automation", "people", "new 1", BEN + 7)
        clock.now += 3_600
        assert await one.finish(feed, quiet=0.0)
        assert await one.states() == ["conflict", "created", "created"]
        assert await one.mapped(1) == [BEN + 7]
