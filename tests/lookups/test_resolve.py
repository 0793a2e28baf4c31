"""External ids to objects: the same answer as asking for each, for fewer points."""

import asyncio
import unicodedata
from collections.abc import AsyncIterator, Iterator, Sequence
from typing import Any

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesloft_mcp.errors import InputError, RateLimitedError, SalesloftMcpError, UnauthorizedError
from salesloft_mcp.lookups.resolve import SIZES_SECONDS, Found, Lookups, Scope
from salesloft_mcp.salesloft import Mapping, ObjectType, Page, Salesloft
from salesloft_mcp.salesloft.budget import Budget
from salesloft_mcp.salesloft.call import open_call
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.settings import Dialect
from tests.salesloft.opened import PLENTY, opened

Rows = list[tuple[tuple[str, ObjectType], str, bool]]

TYPES: tuple[tuple[str, ObjectType], ...] = (("crm", "people"), ("crm", "accounts"), ("erp", "people"))
LEADS = Scope("crm_lead", "people")
NAMES = st.sampled_from(["a", "A", "b", "a ", "é", unicodedata.normalize("NFD", "é"), "007", "7", "a/b", "%41"])
WANTED = st.lists(NAMES | st.text("xyz", min_size=1, max_size=2), min_size=1, max_size=30)
ROWS = st.lists(st.tuples(st.sampled_from(TYPES), NAMES, st.booleans()), max_size=25)
SCOPES = st.sampled_from([Scope(*one) for one in TYPES] + [Scope("crm"), Scope("", "people"), Scope(), Scope("none")])
DIALECTS = st.sampled_from(["guide", "reference"])


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def looking(api: Salesloft, clock: Clock | None = None) -> Lookups:
    return Lookups(api, Budget(PLENTY), clock=clock or Clock())


def plain(found: Found) -> dict[str, set[tuple[str, str, int]]]:
    return {one: {(row.external_type, row.object_type, row.object_id) for row in rows} for one, rows in found.items()}


async def naive(api: Salesloft, ids: Sequence[str], scope: Scope) -> Found:
    """Read everything, page by page, and look."""
    found: Found = {one: [] for one in ids}
    page: int | None = 1
    while page is not None:
        listed = await api.list_mappings(page=page)
        for row in listed.rows:
            asked = scope.external_type in ("", row.external_type) and scope.object_type in (None, row.object_type)
            if asked and not row.deleted and row.external_id in found:
                found[row.external_id].append(row)
        page = listed.next_page
    return found


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, wanted=WANTED, scope=SCOPES, dialect=DIALECTS, extra=st.integers(0, 2))
def test_answers_equal_the_naive_ones_for_at_most_one_point_more(
    rows: Rows, wanted: list[str], scope: Scope, dialect: Dialect, extra: int
) -> None:
    """One point more: that is the question how long the list is, asked for ten ids and more."""

    async def main() -> None:
        async with opened(team) as api:
            with open_call() as call:
                answer = await looking(api).resolve(wanted, scope)
            assert list(answer.found) == list(dict.fromkeys(wanted))
            assert plain(answer.found) == plain(await naive(api, wanted, scope))
            assert call.points <= len(answer.found) + (len(answer.found) >= 10)
            assert all(not answer.found[one] and near for one, near in answer.near.items())

    with Sandbox(dialect=dialect, rate_limit=PLENTY, seeded=False) as team:
        plant(team, rows, extra)
        asyncio.run(main())


@settings(max_examples=60, deadline=None)
@given(rows=ROWS, calls=st.lists(WANTED, min_size=2, max_size=4), scope=SCOPES, extra=st.integers(0, 2))
def test_with_the_size_of_the_list_known_points_are_never_more_than_the_naive_ones(
    rows: Rows, calls: list[list[str]], scope: Scope, extra: int
) -> None:
    async def main() -> None:
        clock = Clock()
        async with opened(team) as api:
            lookups = looking(api, clock)
            await lookups.resolve([str(number) for number in range(10)], scope)
            for wanted in calls:
                with open_call() as call:
                    answer = await lookups.resolve(wanted, scope)
                assert plain(answer.found) == plain(await naive(api, wanted, scope))
                assert call.points <= len(answer.found)

    with Sandbox(rate_limit=PLENTY, seeded=False) as team:
        plant(team, rows, extra)
        asyncio.run(main())


def plant(sandbox: Sandbox, rows: Rows, extra: int) -> None:
    """Random mappings, beneath `extra` hundreds of others that a scan has to go through."""
    store = sandbox.app.store
    with store.transaction():
        every = [(one, name, gone) for one, name, gone in rows]
        every += [(TYPES[number % 3], f"other-{number}", False) for number in range(extra * 150)]
        for number, ((external_type, object_type), name, gone) in enumerate(every, 1):
            row = {"external_type": external_type, "object_type": object_type, "external_id": name}
            store.insert("mappings", {**row, "object_id": number, "inserted_at": "2024-02-01", "deleted": int(gone)})


pytestmark = pytest.mark.anyio


@pytest.fixture
def sandbox(dialect: Dialect) -> Iterator[Sandbox]:
    with Sandbox(dialect=dialect, rate_limit=PLENTY) as sandbox:
        yield sandbox


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def api(sandbox: Sandbox) -> AsyncIterator[Salesloft]:
    async with opened(sandbox) as api:
        yield api


@pytest.fixture
def lookups(api: Salesloft, clock: Clock) -> Lookups:
    return looking(api, clock)


async def test_a_hundred_ids_of_a_small_type_cost_one_point(sandbox: Sandbox, lookups: Lookups) -> None:
    ids = [f"CONTACT{1001 + number}" for number in reversed(range(100))]
    with open_call() as call:
        found = (await lookups.resolve(ids, LEADS)).found
    assert call.points == len(sandbox.requests) == 1
    assert list(found) == ids
    assert sum(map(len, found.values())) == 87


async def test_a_few_ids_are_asked_for_by_themselves(lookups: Lookups) -> None:
    with open_call() as call:
        found = (await lookups.resolve(["CONTACT3456", "nobody", "CONTACT3456"], Scope())).found
    assert call.points == 2
    assert [len(rows) for rows in found.values()] == [3, 0]


async def test_deleted_mappings_never_resolve(api: Salesloft, lookups: Lookups) -> None:
    gone = [row.external_id for row in (await api.list_mappings(deleted=True)).rows]
    assert gone
    for ids in (gone, [*gone, *map(str, range(20))]):
        assert not any((await lookups.resolve(ids, Scope())).found.values())


async def test_ids_that_cannot_be_are_refused_before_anything_is_sent(sandbox: Sandbox, lookups: Lookups) -> None:
    with pytest.raises(InputError, match="external_ids"):
        await lookups.resolve(["fine", "a\nb"], LEADS)
    with pytest.raises(InputError, match="external_type"):
        await lookups.resolve(["fine"], Scope(".."))
    assert not sandbox.requests


async def test_a_look_up_that_fails_is_one_error_of_the_tree(sandbox: Sandbox, lookups: Lookups) -> None:
    """Eight run at once; what fails arrives as itself, not as a group."""
    sandbox.faults.add(Fault("status", "GET", status=401, times=None))
    with pytest.raises(UnauthorizedError):
        await lookups.resolve(["a", "b", "c"], LEADS)


@pytest.mark.parametrize("dialect", ["reference"])
async def test_an_answer_is_never_an_old_one(sandbox: Sandbox, lookups: Lookups) -> None:
    first = await lookups.resolve(["CONTACT1001"], LEADS)
    assert first.found["CONTACT1001"]
    async with opened(sandbox) as somebody_else:
        await somebody_else.delete_mapping(first.found["CONTACT1001"][0].id or 0)
    assert (await lookups.resolve(["CONTACT1001"], LEADS)).found == {"CONTACT1001": []}


@pytest.mark.parametrize("dialect", ["reference"])
async def test_a_write_here_makes_everything_unknown(sandbox: Sandbox, api: Salesloft) -> None:
    async with opened(sandbox) as bulk:
        lookups = Lookups(api, Budget(PLENTY), writers=(api, bulk))
        for writer in (api, bulk):
            ((row,),) = (await lookups.resolve(["CONTACT1001"], LEADS)).found.values()
            assert row.id is not None
            await writer.delete_mapping(row.id)
            assert (await lookups.resolve(["CONTACT1001"], LEADS)).found == {"CONTACT1001": []}
            await writer.create_mapping("crm_lead", "people", "CONTACT1001", row.object_id)


@pytest.mark.parametrize("dialect", ["reference"])
async def test_what_was_read_while_a_write_was_under_way_is_not_known(api: Salesloft, lookups: Lookups) -> None:
    """A read that began before a write may end after it, and show what was so before."""
    ((row,),) = (await lookups.resolve(["CONTACT1002"], LEADS)).found.values()
    plainly = api.list_mappings

    async def overtaken(**asked: Any) -> Page[Mapping]:
        page = await plainly(**asked)
        if row.id is not None and not deleted:
            deleted.append(row.id)
            await api.delete_mapping(row.id)
        return page

    deleted: list[int] = []
    api.changes += 1
    api.list_mappings = overtaken  # type: ignore[method-assign]
    assert (await lookups.resolve(["CONTACT1002"], LEADS)).found == {"CONTACT1002": [row]}
    assert (await lookups.resolve(["CONTACT1002"], LEADS)).found == {"CONTACT1002": []}


async def test_the_size_of_a_list_is_known_for_a_while_and_makes_two_ids_one_point(
    clock: Clock, lookups: Lookups
) -> None:
    await lookups.resolve(map(str, range(10)), LEADS)
    for seconds, expected in ((0.0, 1), (SIZES_SECONDS, 1), (0.1, 2)):
        clock.now += seconds
        with open_call() as call:
            await lookups.resolve(["x", "y"], LEADS)
        if seconds == SIZES_SECONDS:
            clock.now += SIZES_SECONDS  # that answer told the size anew
        assert call.points == expected


async def test_equal_look_ups_under_way_are_one(sandbox: Sandbox, api: Salesloft, lookups: Lookups) -> None:
    ids = ["CONTACT1001", "CONTACT1002"]
    points: list[int] = []
    gate = anyio.Event()
    plainly = api.list_mappings

    async def slowly(**asked: Any) -> Page[Mapping]:
        await gate.wait()
        return await plainly(**asked)

    async def ask(wanted: list[str]) -> None:
        with open_call() as call:
            assert all((await lookups.resolve(wanted, LEADS)).found.values())
        points.append(call.points)

    api.list_mappings = slowly  # type: ignore[method-assign]
    async with anyio.create_task_group() as tasks:
        for wanted in (ids, ids[::-1], ids[:1]):
            tasks.start_soon(ask, wanted)
        await anyio.wait_all_tasks_blocked()
        gate.set()
    assert len(sandbox.requests) == sum(points) == 2


async def test_near_misses_that_were_seen_on_the_way_are_offered_and_never_used(lookups: Lookups) -> None:
    wanted = ["contact1001", " CONTACT1002", "CONTACT1003", *map(str, range(10))]
    with open_call() as call:
        answer = await lookups.resolve(wanted, LEADS)
    assert call.points == 1
    assert [one for one, rows in answer.found.items() if rows] == ["CONTACT1003"]
    near = {one: [(near.mapping.external_id, near.why) for near in rows] for one, rows in answer.near.items()}
    assert near == {"contact1001": [("CONTACT1001", "case")], " CONTACT1002": [("CONTACT1002", "spaces")]}


async def test_a_list_that_is_not_counted_is_not_read_to_an_unknown_end(lookups: Lookups, api: Salesloft) -> None:
    plainly = api.list_mappings

    async def uncounted(**asked: Any) -> Page[Mapping]:
        return await plainly(**{**asked, "counts": False})

    api.list_mappings = uncounted  # type: ignore[method-assign]
    wanted = [f"CONTACT{1001 + number}" for number in range(12)]
    with open_call() as call:
        found = (await lookups.resolve(wanted, Scope())).found
    assert call.points == 13
    assert sum(map(bool, found.values())) == 12 - 12 // 25


@pytest.mark.parametrize(("limit", "spent"), [(11, 0), (60, 50)])
async def test_a_look_up_that_this_minute_has_no_room_for_is_not_begun(
    sandbox: Sandbox, api: Salesloft, limit: int, spent: int
) -> None:
    plant(sandbox, [], 10)
    budget = Budget(limit)
    if spent:
        budget.spend(spent)
    wanted = [f"x{number}" for number in range(30)]
    with open_call(20.0), pytest.raises(SalesloftMcpError, match=f"takes 16 points and {limit - spent} are") as told:
        await Lookups(api, budget).resolve(wanted, Scope())
    assert len(sandbox.requests) == 1
    if spent:
        assert isinstance(told.value, RateLimitedError)
        assert 50 < told.value.retry_after_seconds <= 60
    else:
        assert told.value.next_step == "ask for fewer ids at a time: 11 or less."
    assert len((await Lookups(api, budget).resolve(wanted, Scope())).found) == 30  # who can wait is not refused


async def test_answers_come_in_input_order_and_in_parts(lookups: Lookups, sandbox: Sandbox) -> None:
    plant(sandbox, [], 410)
    wanted = [f"other-{number}" for number in range(600)]
    parts = [list(part.found) async for part in lookups.answers(wanted, Scope())]
    assert len(parts) == 2
    assert [one for part in parts for one in part] == wanted
