"""External ids to objects: the same answer as asking for each, for fewer points."""

import asyncio
import unicodedata
from collections.abc import Iterator, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesloft_mcp.api import ObjectType, Salesloft
from salesloft_mcp.errors import InputError, UnauthorizedError
from salesloft_mcp.lookup.resolve import Found, Scope, resolve
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.settings import Dialect
from salesloft_mcp.transport.call import open_call
from tests.api.opened import PLENTY, opened

TYPES: tuple[tuple[str, ObjectType], ...] = (("crm", "people"), ("crm", "accounts"), ("erp", "people"))
LEADS = Scope("crm_lead", "people")
NAMES = st.sampled_from(["a", "A", "b", "a ", "é", unicodedata.normalize("NFD", "é"), "007", "7", "a/b", "%41"])
ROWS = st.lists(st.tuples(st.sampled_from(TYPES), NAMES, st.booleans()), max_size=25)
SCOPES = st.sampled_from([Scope(*one) for one in TYPES] + [Scope("crm"), Scope("", "people"), Scope(), Scope("none")])


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
@given(
    rows=ROWS,
    wanted=st.lists(NAMES | st.text("xyz", min_size=1, max_size=2), min_size=1, max_size=30),
    scope=SCOPES,
    dialect=st.sampled_from(["guide", "reference"]),
    extra=st.integers(0, 2),
)
def test_answers_equal_the_naive_ones(
    rows: list[tuple[tuple[str, ObjectType], str, bool]],
    wanted: list[str],
    scope: Scope,
    dialect: Dialect,
    extra: int,
) -> None:
    async def main() -> None:
        async with opened(team) as api:
            with open_call() as call:
                found = await resolve(api, wanted, scope)
            assert list(found) == list(dict.fromkeys(wanted))
            assert plain(found) == plain(await naive(api, wanted, scope))
            assert call.points <= len(found) + 1

    with Sandbox(dialect=dialect, rate_limit=PLENTY, seeded=False) as team:
        plant(team, rows, extra)
        asyncio.run(main())


def plant(sandbox: Sandbox, rows: list[tuple[tuple[str, ObjectType], str, bool]], extra: int) -> None:
    """Random mappings, beneath `extra` hundreds of others that a scan has to go through."""
    store = sandbox.app.store
    with store.transaction():
        every = [(one, name, gone) for one, name, gone in rows]
        every += [(TYPES[number % 3], f"other-{number}", False) for number in range(extra * 150)]
        for number, ((external_type, object_type), name, gone) in enumerate(every, 1):
            row = {"external_type": external_type, "object_type": object_type, "external_id": name}
            store.insert("mappings", {**row, "object_id": number, "inserted_at": "2024-02-01", "deleted": int(gone)})


@pytest.fixture
def sandbox(dialect: Dialect) -> Iterator[Sandbox]:
    with Sandbox(dialect=dialect, rate_limit=PLENTY) as sandbox:
        yield sandbox


@pytest.mark.anyio
async def test_a_hundred_ids_of_a_small_type_cost_one_point(sandbox: Sandbox) -> None:
    ids = [f"CONTACT{1001 + number}" for number in reversed(range(100))]
    async with opened(sandbox) as api:
        with open_call() as call:
            found = await resolve(api, ids, LEADS)
    assert call.points == len(sandbox.requests) == 1
    assert list(found) == ids
    assert sum(map(len, found.values())) == 87


@pytest.mark.anyio
async def test_a_few_ids_are_asked_for_by_themselves(sandbox: Sandbox) -> None:
    async with opened(sandbox) as api:
        with open_call() as call:
            found = await resolve(api, ["CONTACT3456", "nobody", "CONTACT3456"], Scope())
    assert call.points == 2
    assert [len(rows) for rows in found.values()] == [3, 0]


@pytest.mark.anyio
async def test_deleted_mappings_never_resolve(sandbox: Sandbox) -> None:
    async with opened(sandbox) as api:
        gone = [row.external_id for row in (await api.list_mappings(deleted=True)).rows]
        assert gone
        for ids in (gone, [*gone, *map(str, range(20))]):
            assert not any((await resolve(api, ids, Scope())).values())


@pytest.mark.anyio
async def test_ids_that_cannot_be_are_refused_before_anything_is_sent(sandbox: Sandbox) -> None:
    async with opened(sandbox) as api:
        with pytest.raises(InputError, match="external_ids"):
            await resolve(api, ["fine", "a\nb"], LEADS)
        with pytest.raises(InputError, match="external_type"):
            await resolve(api, ["fine"], Scope(".."))
    assert not sandbox.requests


@pytest.mark.anyio
async def test_a_look_up_that_fails_is_one_error_of_the_tree(sandbox: Sandbox) -> None:
    """Eight run at once; what fails arrives as itself, not as a group."""
    sandbox.faults.add(Fault("status", "GET", status=401, times=None))
    async with opened(sandbox) as api:
        with pytest.raises(UnauthorizedError):
            await resolve(api, ["a", "b", "c"], LEADS)
