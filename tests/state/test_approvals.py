"""A question is asked once, a yes is used once, and both grow old."""

from dataclasses import astuple, replace
from pathlib import Path

import pytest
from salesloft_mcp.state.local import ASKED_SECONDS, CODE_SECONDS, GRANTED_SECONDS, LocalState, Question

from .conftest import Clock
from .racing import RACERS, race, race_of_processes


def test_a_question_waits_once_however_often_it_is_asked(state: LocalState, question: Question) -> None:
    assert {state.ask(question) for _ in range(10)} == {state.pending()[0].id}
    assert [one.question for one in state.pending()] == [question.text]


def test_a_question_waits_once_when_twenty_ask_it_at_once(directory: Path, question: Question) -> None:
    assert len(set(race(directory, lambda state: state.ask(question)))) == 1


def test_a_question_waits_once_when_several_processes_ask_it_at_once(directory: Path, question: Question) -> None:
    assert len(set(race_of_processes(directory, "state.ask(question)", *astuple(question)))) == 1


def test_a_yes_is_used_by_exactly_one_of_twenty(now: LocalState, directory: Path, question: Question) -> None:
    now.decide(now.ask(question), True)
    assert sorted(race(directory, lambda racer: racer.use_grant(question))) == [False] * (RACERS - 1) + [True]
    assert not now.granted(question)


def test_a_yes_is_used_by_exactly_one_of_several_processes(
    now: LocalState, directory: Path, question: Question
) -> None:
    now.decide(now.ask(question), True)
    found = race_of_processes(directory, "state.use_grant(question)", *astuple(question))
    assert sorted(found) == ["False"] * 5 + ["True"]


def test_a_code_is_used_by_exactly_one_of_twenty(now: LocalState, directory: Path, question: Question) -> None:
    code = now.ask_with_code(question)
    assert sorted(race(directory, lambda racer: racer.use_code(question, code))) == [False] * (RACERS - 1) + [True]


@pytest.mark.parametrize("changed", ["environment", "tool", "text"])
def test_a_yes_or_a_code_is_for_exactly_the_question_that_was_asked(
    state: LocalState, question: Question, changed: str
) -> None:
    other = replace(question, **{changed: "something else"})
    state.decide(state.ask(question), True)
    code = state.ask_with_code(question)
    assert not state.granted(other)
    assert not state.use_grant(other)
    assert not state.use_code(other, code)
    assert state.use_grant(question)
    assert state.use_code(question, code)


def test_a_code_is_no_yes_and_a_yes_is_no_code(state: LocalState, question: Question) -> None:
    code = state.ask_with_code(question)
    assert state.pending() == []
    assert not state.granted(question)
    assert not state.use_code(question, "")
    assert not state.use_code(question, code.upper() + "0")


def test_a_no_grants_nothing_and_is_final(state: LocalState, question: Question) -> None:
    asked = state.ask(question)
    assert state.decide(asked, False)
    assert not state.decide(asked, True)
    assert not state.granted(question)
    assert state.pending() == []


def test_after_a_no_the_question_may_be_asked_anew(state: LocalState, question: Question) -> None:
    first = state.ask(question)
    state.decide(first, False)
    assert state.ask(question) != first


def test_only_the_first_of_two_answers_counts(directory: Path, question: Question) -> None:
    with LocalState(directory) as one, LocalState(directory) as other:
        asked = one.ask(question)
        assert (one.decide(asked, False), other.decide(asked, True)) == (True, False)
        assert not other.granted(question)


def test_a_used_yes_does_not_come_back(state: LocalState, question: Question) -> None:
    state.decide(state.ask(question), True)
    assert [state.use_grant(question), state.use_grant(question), state.granted(question)] == [True, False, False]


def test_a_question_waits_for_a_day(state: LocalState, clock: Clock, question: Question) -> None:
    asked = state.ask(question)
    clock.now += ASKED_SECONDS - 1
    assert state.ask(question) == asked
    clock.now += 1
    assert state.pending() == []
    assert not state.decide(asked, True)
    assert state.ask(question) != asked


def test_a_yes_may_be_used_for_an_hour_from_when_it_was_given(
    state: LocalState, clock: Clock, question: Question
) -> None:
    asked = state.ask(question)
    clock.now += ASKED_SECONDS - 1
    state.decide(asked, True)
    clock.now += GRANTED_SECONDS - 1
    assert state.granted(question)
    clock.now += 1
    assert not state.granted(question)
    assert not state.use_grant(question)


def test_a_code_may_be_used_for_ten_minutes(state: LocalState, clock: Clock, question: Question) -> None:
    first, second = state.ask_with_code(question), state.ask_with_code(question)
    clock.now += CODE_SECONDS - 1
    assert state.use_code(question, first)
    clock.now += 1
    assert not state.use_code(question, second)


def test_pending_questions_come_oldest_first(state: LocalState, clock: Clock, question: Question) -> None:
    texts = [f"{number}?" for number in range(3)]
    for text in texts:
        state.ask(replace(question, text=text))
        clock.now += 1
    assert [one.question for one in state.pending()] == texts
