"""A walk meets every record once, whatever is changed, removed or added meanwhile, and goes on where it stopped."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import anyio
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesloft_mcp.errors import BrokenAnswerError
from salesloft_mcp.lookups.walk import Position, walk
from tests.salesloft.opened import answering

EPOCH = datetime(2024, 1, 1, tzinfo=UTC)


class Team:
    """People who may have been created in one moment, of whom some are removed between two requests."""

    def __init__(self, moments: list[int], removed: list[int]) -> None:
        self.people = dict(enumerate(moments, 1))
        self.removed = iter(removed)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        query = request.url.params
        since = datetime.fromisoformat(query.get("created_at[gte]", "1970-01-01T00:00:00+00:00"))
        rows = sorted((EPOCH + timedelta(seconds=moment), one) for one, moment in self.people.items())
        rows = [row for row in rows if row[0] >= since]
        page, size = int(query["page"]), int(query["per_page"])
        following = page + 1 if len(rows) > page * size else None
        zones = (UTC, timezone(timedelta(hours=-5)))
        part = rows[(page - 1) * size : page * size]
        data = [{"id": one, "created_at": moment.astimezone(zones[one % 2]).isoformat()} for moment, one in part]
        if following is None or page == 1:  # while a moment of several pages is read, a removal would move its pages
            self.people.pop(next(self.removed, 0), None)
        return httpx.Response(200, json={"data": data, "metadata": {"paging": {"next_page": following}}})


async def walked(team: Any, stop_after: int) -> list[int]:
    """All that it meets, in pieces: each begins at the last position of the one before."""
    met: list[int] = []
    position: Position | None = Position()
    async with answering(team) as api:
        while position is not None:
            here = 0
            async for stretch in walk(api, "people", (), position):
                position = stretch.following
                for at, row in stretch.records:
                    met.append(row.id)
                    here += 1
                    if here == stop_after:
                        position = at
                        break
                if here == stop_after:
                    break
    return met


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("salesloft_mcp.lookups.walk.PAGE_SIZE", 3)


MOMENTS = st.lists(st.integers(0, 8), max_size=16)


@pytest.mark.usefixtures("small_pages")
def test_every_record_is_met_once_wherever_it_stops() -> None:
    @settings(max_examples=25)
    @given(MOMENTS, st.integers(1, 7))
    def holds(moments: list[int], stop_after: int) -> None:
        assert sorted(anyio.run(walked, Team(moments, []), stop_after)) == list(range(1, len(moments) + 1))

    holds()


@pytest.mark.usefixtures("small_pages")
def test_a_record_that_is_removed_meanwhile_hides_no_other() -> None:
    @settings(max_examples=25)
    @given(st.lists(st.integers(0, 100), max_size=16, unique=True), st.lists(st.integers(1, 16)), st.integers(1, 7))
    def holds(moments: list[int], removed: list[int], stop_after: int) -> None:
        met = anyio.run(walked, Team(moments, removed), stop_after)
        assert len(met) == len(set(met))
        assert set(met) | set(removed) >= set(range(1, len(moments) + 1))

    holds()


@pytest.mark.anyio
@pytest.mark.parametrize("times", [[None], ["2024-02-01", "2024-01-01"]])
async def test_records_without_a_time_or_out_of_order_are_not_walked(times: list[str | None]) -> None:
    rows = [{"id": number, "created_at": time} for number, time in enumerate(times, 1)]
    async with answering(lambda _: httpx.Response(200, json={"data": rows})) as api:
        with pytest.raises(BrokenAnswerError, match=r"in (the )?order"):
            [one async for one in walk(api, "people", (), Position())]
