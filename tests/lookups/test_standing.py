"""Whose each of many external ids is now, although Salesloft does not say by which of them it found a record."""

import json
import re
from collections.abc import Mapping, Set
from typing import Any

import anyio
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesloft_mcp.lookups.standing import Standing, holders, questions
from tests.salesloft.opened import answering, mapping

pytestmark = pytest.mark.anyio

Held = dict[str, set[int]]


class Team:
    """External ids and the people they stand for. Rows in `broken` are null, and those in `gone` are not there."""

    def __init__(self, held: Held, broken: Set[int] = frozenset(), gone: Set[int] = frozenset()) -> None:
        self.held, self.broken, self.gone = held, broken, gone
        self.calls = 0

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.calls += 1
        asked = request.url.params.multi_items()
        external_ids = [value for name, value in asked if re.fullmatch(r"external_ids?(\[\d+\])?", name)]
        people = sorted({person for one in external_ids for person in self.held.get(one, ())})
        if request.url.path.endswith("/mappings"):
            return _answer([mapping(id=None, external_id=external_ids[0], object_id=one) for one in people])
        people = people or [int(value) for name, value in asked if name == "ids[]"]
        return _answer([None if one in self.broken else {"id": one} for one in people if one not in self.gone])


def _answer(rows: list[Any]) -> httpx.Response:
    return httpx.Response(200, content=json.dumps({"data": rows, "metadata": {"paging": {"next_page": None}}}))


async def looked(team: Team, expected: Mapping[str, int | None]) -> Standing:
    async with answering(team.answer) as api:
        return await holders(api, "crm_lead", "people", expected)


@settings(deadline=None, max_examples=60)
@given(st.data())
def test_each_external_id_is_told_with_the_records_it_stands_for_whatever_changed_places(data: st.DataObject) -> None:
    ids = [f"L-{number}" for number in range(data.draw(st.integers(1, 30)))]
    expected = {one: data.draw(st.none() | st.just(number)) for number, one in enumerate(ids)}
    moved = data.draw(st.dictionaries(st.sampled_from(ids), st.sets(st.integers(0, len(ids)), max_size=2), max_size=6))
    held: Held = {one: set() if person is None else {person} for one, person in expected.items()} | moved
    found = anyio.run(looked, Team(held), expected)
    assert found.held == held
    assert set(found.records) == {person for some in held.values() for person in some}


@pytest.mark.parametrize(("ids", "calls"), [(1, 1), (2, 2), (10, 5), (126, 9)])
async def test_what_stands_as_expected_costs_a_few_points(ids: int, calls: int) -> None:
    expected = {f"L-{number}": number for number in range(ids)}
    team = Team({one: {person} for one, person in expected.items()})
    found = await looked(team, expected)
    assert (len(found.records), team.calls, questions(ids, 0)) == (ids, calls, calls)


async def test_external_ids_that_should_stand_for_nothing_cost_a_point_for_a_hundred() -> None:
    team = Team({})
    await looked(team, {f"N-{number}": None for number in range(126)})
    assert team.calls == questions(0, 126) == 2


async def test_two_that_have_changed_places_cost_a_point_more_each() -> None:
    expected = {f"L-{number}": number for number in range(126)}
    team = Team({one: {person} for one, person in expected.items()} | {"L-3": {77}, "L-77": {3}})
    found = await looked(team, expected)
    assert (found.held["L-3"], found.held["L-77"], found.held["L-4"]) == ({77}, {3}, {4})
    assert team.calls == 9 + 2


async def test_a_row_that_cannot_be_read_is_told_from_one_that_is_gone_and_hides_no_other() -> None:
    expected = {f"L-{number}": number for number in range(20)}
    team = Team({one: {person} for one, person in expected.items()}, broken={3}, gone={4})
    found = await looked(team, expected)
    assert (found.unread, set(found.records)) == ({3}, set(range(20)) - {3, 4})
    assert found.held == {one: {person} for one, person in expected.items()}
