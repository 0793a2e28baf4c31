"""A question for a person outside of the client is asked once, and its answer grows old. The log spends a yes."""

from dataclasses import replace
from pathlib import Path

import pytest

from salesloft_mcp.changes.approvals import ASKED_SECONDS, GRANTED_SECONDS, TERMINAL, Approvals, Decision
from salesloft_mcp.state.database import Database

from .conftest import Clock
from .races import QUESTION
from .racing import race_of_processes

pytestmark = pytest.mark.anyio
HERE = "SANDBOX"
YES = Decision(True, TERMINAL)


@pytest.fixture
def approvals(database: Database, clock: Clock) -> Approvals:
    return Approvals(database, clock)


async def test_a_question_waits_once_however_often_it_is_asked(approvals: Approvals, elsewhere: Database) -> None:
    asked = {await approvals.ask(HERE, QUESTION) for _ in range(10)}
    (pending,) = await Approvals(elsewhere, approvals.clock).pending()
    assert asked == {pending.id}
    assert (pending.tenant, pending.title, pending.question) == (HERE, QUESTION.title, QUESTION.text)


async def test_a_question_waits_once_when_six_processes_ask_it_at_once(directory: Path) -> None:
    assert len(set(await race_of_processes(directory, "tests.state.races:asks"))) == 1


async def test_one_answer_counts_of_those_that_six_processes_give_at_once(directory: Path, database: Database) -> None:
    await Approvals(database).ask(HERE, QUESTION)
    found = await race_of_processes(directory, "tests.state.races:decides")
    assert sorted(found) == [*["False"] * 5, "True"]
    assert await Approvals(database).answer(HERE, QUESTION) == YES


@pytest.mark.parametrize("other", ["environment", "digest"])
async def test_a_yes_is_for_exactly_what_was_asked(approvals: Approvals, other: str) -> None:
    """The digest stands for the operation and its facts, so the words of the question do not matter."""
    await approvals.decide(await approvals.ask(HERE, QUESTION), True)
    place = "LIVE" if other == "environment" else HERE
    question = replace(QUESTION, digest="another") if other == "digest" else QUESTION
    assert await approvals.answer(place, question) is None
    assert await approvals.answer(HERE, QUESTION) == YES


async def test_a_no_grants_nothing_and_is_final(approvals: Approvals) -> None:
    asked = await approvals.ask(HERE, QUESTION)
    assert await approvals.decide(asked, False)
    assert not await approvals.decide(asked, True)
    assert await approvals.answer(HERE, QUESTION) == Decision(False, TERMINAL)
    assert await approvals.pending() == []


async def test_after_a_no_the_question_may_be_asked_anew(approvals: Approvals) -> None:
    first = await approvals.ask(HERE, QUESTION)
    await approvals.decide(first, False)
    assert await approvals.ask(HERE, QUESTION) != first


async def test_an_answer_to_no_question_counts_nothing(approvals: Approvals) -> None:
    assert not await approvals.decide("000000", True)


async def test_a_question_waits_for_a_day(approvals: Approvals, clock: Clock) -> None:
    asked = await approvals.ask(HERE, QUESTION)
    clock.now += ASKED_SECONDS - 1
    assert await approvals.ask(HERE, QUESTION) == asked
    clock.now += 1
    assert await approvals.pending() == []
    assert not await approvals.decide(asked, True)
    assert await approvals.ask(HERE, QUESTION) != asked


async def test_a_yes_may_be_used_for_an_hour_from_when_it_was_given(approvals: Approvals, clock: Clock) -> None:
    asked = await approvals.ask(HERE, QUESTION)
    clock.now += ASKED_SECONDS - 1
    await approvals.decide(asked, True)
    clock.now += GRANTED_SECONDS - 1
    assert await approvals.answer(HERE, QUESTION) == YES
    clock.now += 1
    assert await approvals.answer(HERE, QUESTION) is None


async def test_a_clock_that_was_ahead_makes_a_yes_good_for_no_longer(approvals: Approvals, clock: Clock) -> None:
    clock.now += 7 * ASKED_SECONDS
    await approvals.decide(await approvals.ask(HERE, QUESTION), True)
    clock.now -= 60
    assert await approvals.answer(HERE, QUESTION) == YES
    clock.now -= 6 * ASKED_SECONDS
    assert await approvals.answer(HERE, QUESTION) is None


async def test_pending_questions_come_oldest_first(approvals: Approvals, clock: Clock) -> None:
    digests = [str(number) for number in range(3)]
    for digest in digests:
        await approvals.ask(HERE, replace(QUESTION, headline=digest, digest=digest, name="crm"))
        clock.now += 1
    assert [one.question[0] for one in await approvals.pending()] == digests
    assert {one.name for one in await approvals.pending()} == {"crm"}
