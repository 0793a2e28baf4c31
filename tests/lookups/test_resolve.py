"""External ids to objects: the same answer as asking for each, for fewer points, and why an id is missing."""

import asyncio
import unicodedata
from collections.abc import AsyncIterator, Iterable, Iterator

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesloft_mcp.errors import RateLimitedError, SalesloftMcpError, UnauthorizedError
from salesloft_mcp.lookups.configurations import Configurations
from salesloft_mcp.lookups.near_misses import MOST_TRIES
from salesloft_mcp.lookups.resolve import SIZES_SECONDS, Lookups, Resolution
from salesloft_mcp.salesloft.budget import Budget
from salesloft_mcp.salesloft.call import open_call
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.inprocess import InProcess
from salesloft_mcp.salesloft.models import Mapping, ObjectType, Scope
from salesloft_mcp.salesloft.paging import read_all
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.settings import Dialect
from tests.salesloft.opened import PLENTY, opened, over
from tests.salesloft.singular import Singular

Rows = list[tuple[tuple[str, ObjectType], str, bool]]

TYPES: tuple[tuple[str, ObjectType], ...] = (("crm", "people"), ("crm", "accounts"), ("erp", "people"))
LEADS = Scope("crm_lead", "people")
NAMES = st.sampled_from(["a", "A", "b", "a ", "é", unicodedata.normalize("NFD", "é"), "007", "7", "a/b", "%41"])
WANTED = st.lists(NAMES | st.text("xyz", min_size=1, max_size=2), min_size=1, max_size=30)
ROWS = st.lists(st.tuples(st.sampled_from(TYPES), NAMES, st.booleans()), max_size=25)
SCOPES = st.sampled_from([Scope(*one) for one in TYPES] + [Scope("crm"), Scope("", "people"), Scope(), Scope("none")])
DIALECTS = st.sampled_from(["guide", "reference"])
EXPLAINING = MOST_TRIES + 1  # the exact look-ups near a missing id, and the configurations


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def looking(api: Salesloft, clock: Clock | None = None, budget: Budget | None = None) -> Lookups:
    return Lookups(api, Configurations(api), budget or Budget(PLENTY), clock=clock or Clock())


def plain(found: dict[str, list[Mapping]]) -> dict[str, list[tuple[str, str, int]]]:
    """Each row once, and none twice."""
    kinds = {one: [(row.external_type, row.object_type, row.object_id) for row in rows] for one, rows in found.items()}
    return {one: sorted(rows) for one, rows in kinds.items()}


async def naive(api: Salesloft, ids: Iterable[str], scope: Scope) -> dict[str, list[Mapping]]:
    """Read everything, page by page, and look."""
    found: dict[str, list[Mapping]] = {one: [] for one in ids}
    for row in await read_all(api.list_mappings):
        if row in scope and not row.deleted and row.external_id in found:
            found[row.external_id].append(row)
    return found


def most_points(resolution: Resolution, scope: Scope, counting: bool = True) -> int:
    """What asking for each costs, and the questions: how long the list is, whether its filter works, what is near.

    A list that seems to hold nothing of an object type is looked at for two points more.
    """
    ids = len(resolution.mappings)
    empty = scope.object_type is not None and not resolution.of("found") and not resolution.of("ambiguous")
    return ids + (counting and ids >= 10) + 2 * empty + EXPLAINING * bool(resolution.of("missing"))


@settings(max_examples=30)
@given(rows=ROWS, wanted=WANTED, scope=SCOPES, dialect=DIALECTS, extra=st.integers(0, 2), singular=st.booleans())
def test_answers_equal_the_naive_ones_and_are_not_dearer(
    rows: Rows, wanted: list[str], scope: Scope, dialect: Dialect, extra: int, singular: bool
) -> None:
    """Whatever word the filter by object type wants."""

    async def main() -> None:
        wire = Singular(team) if singular else InProcess(team)
        async with over(wire, token=team.api_key) as api:
            with open_call() as call:
                resolution = await looking(api).resolve(wanted, scope)
            assert list(resolution.mappings) == list(dict.fromkeys(wanted))
            assert plain(resolution.mappings) == plain(await naive(api, wanted, scope))
            assert call.points <= most_points(resolution, scope)
            assert all(near and not resolution.mappings[one] for one, near in resolution.near.items())

    with Sandbox(dialect=dialect, rate_limit=PLENTY, seeded=False) as team:
        plant(team, rows, extra)
        asyncio.run(main())


@settings(max_examples=30)
@given(rows=ROWS, calls=st.lists(WANTED, min_size=2, max_size=4), scope=SCOPES, extra=st.integers(0, 2))
def test_with_the_size_of_the_list_known_nothing_is_asked_to_find_it(
    rows: Rows, calls: list[list[str]], scope: Scope, extra: int
) -> None:
    async def main() -> None:
        async with opened(team) as api:
            lookups = looking(api)
            await lookups.resolve([str(number) for number in range(10)], scope)
            for wanted in calls:
                with open_call() as call:
                    resolution = await lookups.resolve(wanted, scope)
                assert plain(resolution.mappings) == plain(await naive(api, wanted, scope))
                assert call.points <= most_points(resolution, scope, counting=False)

    with Sandbox(rate_limit=PLENTY, seeded=False) as team:
        plant(team, rows, extra)
        asyncio.run(main())


def plant(sandbox: Sandbox, rows: Rows, extra: int) -> None:
    """Random mappings, beneath `extra` hundreds of others that a scan has to go through."""
    every = [*rows, *((TYPES[number % 3], f"other-{number}", False) for number in range(extra * 150))]
    planted = [
        {
            "external_type": external_type,
            "object_type": object_type,
            "external_id": name,
            "object_id": number,
            "inserted_at": "2024-02-01",
            "deleted": int(gone),
        }
        for number, ((external_type, object_type), name, gone) in enumerate(every, 1)
    ]
    if planted:
        with sandbox.store.transaction():
            sandbox.store.insert_all("mappings", planted)


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
    ids = [f"CONTACT{1001 + number}" for number in reversed(range(91))]
    with open_call() as call:
        resolution = await lookups.resolve([*ids, *(f"absent-{number}" for number in range(9))], LEADS)
    assert call.points == len(sandbox.requests) == 1
    assert list(resolution.mappings)[:91] == ids
    assert len(resolution.of("found")) == 87


async def test_a_few_ids_are_asked_for_by_themselves(sandbox: Sandbox, lookups: Lookups) -> None:
    resolution = await lookups.resolve(["CONTACT3456", "CONTACT1001", "CONTACT3456"], Scope())
    assert len(sandbox.requests) == 2
    assert [len(rows) for rows in resolution.mappings.values()] == [3, 1]
    assert [resolution.status(one) for one in resolution.mappings] == ["ambiguous", "found"]


async def test_deleted_mappings_never_resolve(api: Salesloft, lookups: Lookups) -> None:
    gone = [row.external_id for row in (await api.list_mappings(deleted=True)).rows]
    assert gone
    for ids in (gone, [*gone, *map(str, range(20))]):
        assert not (await lookups.resolve(ids, Scope())).of("found")


async def test_a_look_up_that_fails_is_one_error_of_the_tree(sandbox: Sandbox, lookups: Lookups) -> None:
    """Eight run at once; what fails arrives as itself, not as a group."""
    sandbox.faults.add(Fault("status", "GET", status=401, times=None))
    with pytest.raises(UnauthorizedError):
        await lookups.resolve(["a", "b", "c"], LEADS)


@pytest.mark.parametrize("dialect", ["reference"])
async def test_an_answer_is_never_an_old_one(sandbox: Sandbox, lookups: Lookups) -> None:
    ((row,),) = (await lookups.resolve(["CONTACT1001"], LEADS)).mappings.values()
    async with opened(sandbox) as somebody_else:
        await somebody_else.delete_mapping(row.id or 0)
    assert (await lookups.resolve(["CONTACT1001"], LEADS)).mappings == {"CONTACT1001": []}


async def test_the_size_of_a_list_is_known_for_a_while_and_makes_two_ids_one_point(
    clock: Clock, lookups: Lookups, sandbox: Sandbox
) -> None:
    await lookups.resolve([f"CONTACT{1001 + number}" for number in range(20)], LEADS)
    for seconds, expected in ((0.0, 1), (SIZES_SECONDS, 1), (2 * SIZES_SECONDS, 2)):
        clock.now += seconds
        sandbox.requests.clear()
        await lookups.resolve(["CONTACT1001", "CONTACT1002"], LEADS)
        assert len(sandbox.requests) == expected


def near(resolution: Resolution) -> dict[str, list[tuple[str, str]]]:
    """What is offered for each id, and why."""
    return {one: [(miss.mapping.external_id, miss.why) for miss in rows] for one, rows in resolution.near.items()}


async def test_near_misses_that_were_seen_on_the_way_are_offered_and_never_used(lookups: Lookups) -> None:
    wanted = ["contact1001", " CONTACT1002", "CONTACT1003", *map(str, range(10))]
    with open_call() as call:
        resolution = await lookups.resolve(wanted, LEADS)
    assert call.points == 1
    assert list(resolution.of("found")) == ["CONTACT1003"]
    assert near(resolution) == {"contact1001": [("CONTACT1001", "case")], " CONTACT1002": [("CONTACT1002", "spaces")]}


@pytest.mark.parametrize("dialect", ["reference"])
@pytest.mark.parametrize("scope", [LEADS, Scope()], ids=str)
@pytest.mark.parametrize("others", [0, 4, 49])
@pytest.mark.parametrize("found", [True, False])
async def test_the_other_spelling_of_a_missing_id_is_offered_alone_and_in_a_batch(
    sandbox: Sandbox, lookups: Lookups, scope: Scope, others: int, found: bool
) -> None:
    """The list of its type is too long to be read."""
    plant(sandbox, [], 60)
    batch = [f"CONTACT{1004 + number}" if found and number < 4 else f"x-{number}" for number in range(others)]
    with open_call() as call:
        resolution = await lookups.resolve([*batch, "contact1003"], scope)
    assert resolution.mappings["contact1003"] == []
    assert near(resolution)["contact1003"] == [("CONTACT1003", "case")]
    assert call.points <= most_points(resolution, scope)


async def test_what_another_type_or_another_kind_of_object_holds_is_told(lookups: Lookups) -> None:
    elsewhere = await lookups.resolve(["CONTACT1001"], Scope("marketing_automation", "people"))
    beside = await lookups.resolve(["CONTACT1001"], Scope("crm_lead", "accounts"))
    assert near(elsewhere) == {"CONTACT1001": [("CONTACT1001", "external_type")]}
    assert near(beside) == {"CONTACT1001": [("CONTACT1001", "object_type")]}


async def test_a_type_that_is_not_configured_is_told_with_its_neighbours(lookups: Lookups) -> None:
    assert (await lookups.resolve(["nobody"], Scope("crm_leed"))).near_types[:1] == ["crm_lead"]  # type: ignore[index]
    assert (await lookups.resolve(["nobody"], Scope("crm_lead"))).near_types is None
    assert (await lookups.resolve(["nobody"], Scope())).near_types is None


@pytest.mark.parametrize("path", ["/v2/external/configurations", "/v2/external/mappings"])
async def test_what_was_found_is_told_when_nobody_can_tell_why_the_rest_is_missing(
    sandbox: Sandbox, lookups: Lookups, path: str
) -> None:
    """The token may not read configurations, or Salesloft fails after the id was looked up."""
    if path.endswith("configurations"):
        sandbox.faults.add(Fault("status", path=path, status=403))
    else:
        sandbox.faults.add(*[Fault("delay", path=path)] * 2, Fault("status", path=path, status=401, times=None))
    resolution = await lookups.resolve(["nobody", "CONTACT1001"][: 1 + path.endswith("mappings")], LEADS)
    assert list(resolution.of("missing")) == ["nobody"]
    assert not resolution.near


async def test_a_list_that_is_not_counted_is_not_read_to_an_unknown_end(sandbox: Sandbox) -> None:
    plant(sandbox, [], 2)

    class Uncounted(InProcess):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            request.url = request.url.copy_remove_param("include_paging_counts")
            return await super().handle_async_request(request)

    wanted = [f"other-{number}" for number in range(12)]
    async with over(Uncounted(sandbox), token=sandbox.api_key) as api:
        resolution = await looking(api).resolve(wanted, Scope())
    assert len(sandbox.requests) == 13
    assert len(resolution.of("found")) == 12


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
        await looking(api, budget=budget).resolve(wanted, Scope())
    assert len(sandbox.requests) == 1
    if spent:
        assert isinstance(told.value, RateLimitedError)
        assert 50 < told.value.retry_after_seconds <= 60
    else:
        assert told.value.next_step == "ask for fewer ids at a time: 11 or less."
    assert len((await looking(api, budget=budget).resolve(wanted, Scope())).mappings) == 30  # who can wait may


async def test_answers_come_in_input_order_and_in_parts(lookups: Lookups, sandbox: Sandbox) -> None:
    plant(sandbox, [], 225)
    wanted = [f"other-{number}" for number in range(600)]
    parts = [list(part.of("found")) async for part in lookups.in_batches(wanted, Scope())]
    assert len(parts) == 2
    assert [one for part in parts for one in part] == wanted


async def test_no_ids_are_no_parts_and_cost_nothing(lookups: Lookups, sandbox: Sandbox) -> None:
    assert [part async for part in lookups.in_batches([], LEADS)] == []
    assert not sandbox.requests
