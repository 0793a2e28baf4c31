"""References become objects in as few calls as there are; a scan meets every record, whatever changes meanwhile."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import quote

import anyio
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesloft_mcp.errors import BrokenAnswerError, InputError
from salesloft_mcp.intake.domains import MOST_SPELLINGS
from salesloft_mcp.lookups.objects import FEW, By, find_objects, scan
from salesloft_mcp.lookups.searches import search
from salesloft_mcp.salesloft.call import open_call
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import ObjectType
from salesloft_mcp.sandbox import Sandbox
from tests.salesloft.opened import always, answering, opened

pytestmark = pytest.mark.anyio

FIELD: dict[By, str] = {"object_id": "id", "email": "email_address", "crm_id": "crm_id", "domain": "domain"}
WAYS: list[tuple[ObjectType, By]] = [
    ("people", "object_id"), ("people", "email"), ("people", "crm_id"), ("accounts", "object_id"),
    ("accounts", "domain"), ("accounts", "crm_id"), ("users", "object_id"), ("users", "email"),
]  # fmt: skip


async def everything(api: Salesloft, object_type: ObjectType) -> list[Any]:
    rows: list[Any] = []
    page: int | None = 1
    while page is not None:
        found = await api.list_objects(object_type, (), page=page, per_page=100)
        rows.extend(found.rows)
        page = found.next_page
    return rows


async def pairs(api: Salesloft, object_type: ObjectType, by: By, refs: list[str]) -> list[tuple[str, int]]:
    batches = [batch async for batch in find_objects(api, object_type, by, refs, len(refs))]
    return sorted(pair for batch in batches for pair in batch if pair[0] in refs)


@pytest.mark.parametrize(("object_type", "by"), WAYS)
async def test_every_kind_of_reference_finds_its_object_and_none_that_is_missing(
    sandbox: Sandbox, object_type: ObjectType, by: By
) -> None:
    name = "email" if (object_type, by) == ("users", "email") else FIELD[by]
    async with opened(sandbox) as api:
        known = [(str(getattr(row, name)), row.id) for row in await everything(api, object_type) if getattr(row, name)]
        known = [(ref.lower() if by in ("email", "domain") else ref, found) for ref, found in known]
        for count in (1, 5, len(known)):
            some = known[:count]
            assert await pairs(api, object_type, by, [*[ref for ref, _ in some], "999999999"]) == sorted(some)


async def test_a_hundred_references_cost_a_point(sandbox: Sandbox) -> None:
    async with opened(sandbox) as api:
        ids = [str(row.id) for row in await everything(api, "people")]
        before = len(sandbox.requests)
        await pairs(api, "people", "object_id", ids[:100])
        assert len(sandbox.requests) - before == 1


async def test_long_references_are_split_over_calls_that_fit(sandbox: Sandbox) -> None:
    async with opened(sandbox) as api:
        await pairs(api, "people", "email", [f"{'é' * 200}{number}@x.test" for number in range(30)])
    asked = [request.query for request in sandbox.requests]
    assert sum(query.count(b"email_addresses") for query in asked) == 30
    assert len(asked) > 1
    assert max(map(len, asked)) < 6_100


async def test_few_domains_are_asked_for_and_many_are_read_with_all_accounts(sandbox: Sandbox) -> None:
    async with opened(sandbox) as api:
        await pairs(api, "accounts", "domain", ["alder-analytics.test", "beacon-analytics.test"])
        assert [b"domain=" in request.query for request in sandbox.requests] == [True, True]
        sandbox.requests.clear()
        await pairs(api, "accounts", "domain", [f"{number}.test" for number in range(FEW + 1)])
        assert all(b"sort_by=updated_at" in request.query for request in sandbox.requests)


def at(moment: int) -> datetime:
    return datetime(2024, 1, 1, tzinfo=UTC) + timedelta(seconds=moment)


class Team:
    """People who may share a moment, listed as Salesloft would, and changed behind the reader's back."""

    def __init__(self, moments: list[int], touched: list[int]) -> None:
        self.moments = dict(enumerate(moments, 1))
        self.touched = iter(touched)
        self.asked = 0

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked += 1
        query = request.url.params
        since = query.get("updated_at[gte]", "")
        rows = sorted((at(moment), one) for one, moment in self.moments.items())
        rows = [row for row in rows if not since or row[0] >= datetime.fromisoformat(since)]
        page, size = int(query["page"]), int(query["per_page"])
        part = rows[(page - 1) * size : page * size]
        following = page + 1 if len(rows) > page * size else None
        if self.moments and (one := next(self.touched, None)) is not None:
            self.moments[one % len(self.moments) + 1] = 1_000 + self.asked
        # Salesloft writes one moment with this offset here and with another there.
        zones = (UTC, timezone(timedelta(hours=-5)))
        data = [{"id": one, "updated_at": moment.astimezone(zones[one % 2]).isoformat()} for moment, one in part]
        paging = {"per_page": size, "current_page": page, "next_page": following, "prev_page": None}
        return httpx.Response(200, json={"data": data, "metadata": {"paging": paging}})


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> int:
    """Pages of three, so that a few records are many pages."""
    monkeypatch.setattr("salesloft_mcp.lookups.objects.PAGE_SIZE", 3)
    return 3


def scanned(team: Callable[[httpx.Request], httpx.Response]) -> list[int]:
    async def read() -> list[int]:
        async with answering(team) as api:
            return [row.id async for rows in scan(api, "people") for row in rows]

    return anyio.run(read)


MOMENTS = st.lists(st.integers(0, 4), max_size=20)


@pytest.mark.usefixtures("small_pages")
def test_a_scan_meets_every_record_once() -> None:
    @settings(deadline=None, max_examples=60)
    @given(MOMENTS)
    def holds(moments: list[int]) -> None:
        assert sorted(scanned(Team(moments, []))) == list(range(1, len(moments) + 1))

    holds()


@pytest.mark.usefixtures("small_pages")
def test_a_scan_meets_every_record_at_least_once_while_they_change() -> None:
    @settings(deadline=None, max_examples=60)
    @given(MOMENTS, st.lists(st.integers(0, 20), max_size=10))
    def holds(moments: list[int], touched: list[int]) -> None:
        assert set(scanned(Team(moments, touched))) == set(range(1, len(moments) + 1))

    holds()


@pytest.mark.usefixtures("small_pages")
def test_a_scan_does_not_page_deep() -> None:
    team = Team(list(range(60)), [])
    assert len(scanned(team)) == 60
    assert team.asked <= 31


async def test_a_scan_of_rows_without_a_time_ends_where_it_cannot_go_on() -> None:
    def serve(request: httpx.Request) -> httpx.Response:
        paging = {"next_page": int(request.url.params["page"]) + 1}
        return httpx.Response(200, json={"data": [{"id": 1, "updated_at": 7}], "metadata": {"paging": paging}})

    async with answering(serve) as api:
        with pytest.raises(BrokenAnswerError, match="person 1 has no usable updated_at"):
            [rows async for rows in scan(api, "people")]


def held(*accounts: dict[str, Any], total: int = 1_000_000) -> Callable[[httpx.Request], httpx.Response]:
    """Accounts that are found by their domain exactly, of a team that has many more."""

    def serve(request: httpx.Request) -> httpx.Response:
        wanted = request.url.params.get("domain")
        rows = [one for one in accounts if wanted in (None, one["domain"])]
        return httpx.Response(
            200, json={"data": rows, "metadata": {"paging": {"next_page": None, "total_count": total}}}
        )

    return serve


@pytest.mark.parametrize(
    ("ref", "domain"),
    [
        ("trainers.test", "www.trainers.test"),
        ("trainers.test", "https://www.trainers.test"),
        ("trainers.test", "https://www.trainers.test/"),
        ("www.trainers.test", "trainers.test"),
        ("https://www.trainers.test/en-gb/", "https://www.trainers.test/en-gb/"),
        ("https://trainers.test/en-gb/", "trainers.test"),
        ("münchen.test", "xn--mnchen-3ya.test"),
        ("xn--mnchen-3ya.test", "münchen.test"),
        ("straße.test", "xn--strae-oqa.test"),
    ],
)
async def test_a_domain_is_found_in_another_spelling_of_its_host(ref: str, domain: str) -> None:
    async with answering(held({"id": 5, "domain": domain}, {"id": 6, "domain": "other.test"})) as api:
        assert await pairs(api, "accounts", "domain", [ref]) == [(ref, 5)]
        assert [row.id for row in (await search(api, "accounts", {"domain": (ref,)})).rows] == [5]


async def test_a_domain_with_a_path_is_found_where_all_accounts_cost_less_to_read() -> None:
    account = {"id": 5, "domain": "https://www.trainers.test/en-gb/", "updated_at": "2024-01-01T00:00:00Z"}
    async with answering(held(account, total=60)) as api:
        assert await pairs(api, "accounts", "domain", ["trainers.test", "nobody.test"]) == [("trainers.test", 5)]
        many = ["trainers.test", *(f"{number}.test" for number in range(FEW))]
        assert await pairs(api, "accounts", "domain", many) == [("trainers.test", 5)]


async def test_a_domain_that_is_nowhere_costs_a_few_points() -> None:
    asked: list[str] = []

    def serve(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params.get("domain", ""))
        return held()(request)

    async with answering(serve) as api:
        assert await pairs(api, "accounts", "domain", ["nobody.test"]) == []
        assert not (await search(api, "accounts", {"domain": ("nobody.test",)})).rows
    assert len(asked) <= 2 * (MOST_SPELLINGS + 1) + 1


MAGIC = ["_is_null", "_is_not_null", "Null", "_unmapped", "null", " NULL "]


@pytest.mark.parametrize("word", MAGIC)
async def test_what_salesloft_takes_for_a_command_is_nobody(sandbox: Sandbox, word: str) -> None:
    async with opened(sandbox) as api:
        for object_type, by in (("people", "email"), ("people", "crm_id"), ("accounts", "domain")):
            assert await pairs(api, object_type, by, [word, "x"]) == []  # type: ignore[arg-type]
        for name in ("email", "title", "custom_fields[Legacy ID]"):
            with pytest.raises(InputError, match="is a command to Salesloft"):
                await search(api, "people", {name: (word,)})
    assert not [one for one in sandbox.requests if quote(word).encode().lower() in one.query.lower()]


async def test_a_row_that_cannot_be_read_hides_no_other_and_is_counted() -> None:
    async with answering(always(200, b'{"data": [null, {"id": 1}]}')) as api:
        with open_call() as call:
            assert await pairs(api, "people", "object_id", ["1", "2"]) == [("1", 1)]
    assert call.unread == 1
