"""The team's points: never more than the limit in any minute, and room left for people."""

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from salesloft_mcp.errors import RateLimitedError
from salesloft_mcp.salesloft.budget import CHAT_RESERVE, MINUTE, Budget, BudgetLayer, expected_cost
from salesloft_mcp.salesloft.call import Lane, open_call

from .conftest import Clock

URL = "http://sandbox/v2/external/mappings"
ONE_POINT = {"x-ratelimit-endpoint-cost": "1"}


@pytest.mark.parametrize(
    ("query", "points"),
    [
        ("", 1), ("?page=1", 1), ("?page=100", 1), ("?page=101", 3), ("?page=150", 3), ("?page=151", 8),
        ("?page=250", 8), ("?page=251", 10), ("?page=500", 10), ("?page=501", 30), ("?page=99999", 30), ("?page=x", 1),
        ("?page=%C2%B2", 1),
    ],
)  # fmt: skip
def test_deep_pages_cost_what_salesloft_says(query: str, points: int) -> None:
    assert expected_cost(httpx.URL(URL + query)) == points


def test_points_come_back_after_a_moving_minute(clock: Clock) -> None:
    budget = Budget(10, clock, clock)
    budget.spend(6)
    clock.now += 20
    budget.spend(4)
    assert (budget.left(), budget.wait(1)) == (0, 40)
    clock.now += 40
    assert (budget.left(), budget.wait(6), budget.wait(7)) == (6, 0, 20)


def test_a_call_dearer_than_the_limit_waits_for_an_empty_minute(clock: Clock) -> None:
    budget = Budget(20, clock, clock)
    assert budget.wait(30) == 0
    budget.spend(15)
    assert budget.wait(30) == MINUTE


def test_bulk_work_leaves_room_for_people(clock: Clock) -> None:
    budget = Budget(100, clock, clock)
    budget.spend(100 - CHAT_RESERVE)
    assert budget.wait(1, "bulk") == MINUTE
    assert budget.wait(CHAT_RESERVE, "chat") == 0


def test_bulk_work_leaves_room_for_people_in_what_other_integrations_left(clock: Clock) -> None:
    budget = Budget(570, clock, clock)
    budget.learn(CHAT_RESERVE)
    assert budget.wait(1, "bulk") > 0
    assert budget.wait(CHAT_RESERVE, "chat") == 0


def test_another_integrations_spending_is_learnt_and_forgotten_with_the_minute(clock: Clock) -> None:
    budget = Budget(570, clock, clock)
    budget.spend(1)
    budget.learn(2)
    assert budget.left() == 2
    budget.spend(2)
    assert budget.wait(1) == pytest.approx(60.05)
    clock.now += 60
    assert (budget.left(), budget.wait(1)) == (570, 0)


def test_an_answer_that_comes_late_does_not_give_points_back(clock: Clock) -> None:
    budget = Budget(570, clock, clock)
    budget.learn(5)
    budget.spend(1)
    budget.learn(100)
    assert budget.left() == 4


@pytest.mark.parametrize("jump", [-3_600, 3_600])
def test_a_wall_clock_that_is_set_changes_no_wait(clock: Clock, jump: float) -> None:
    wall = Clock()
    budget = Budget(10, clock, wall)
    budget.spend(10)
    budget.learn(0)
    clock.now += 20
    wall.now += 20 + jump
    assert budget.wait(1) == pytest.approx(40.05)
    clock.now += 41
    assert budget.wait(1) == 0


STEPS = st.lists(st.tuples(st.floats(0, 40), st.sampled_from([1, 3, 8, 10, 30]), st.sampled_from(["chat", "bulk"])))


@settings(deadline=None)
@given(limit=st.integers(30, 120), steps=STEPS)
def test_no_moving_minute_ever_holds_more_than_the_limit(limit: int, steps: list[tuple[float, int, Lane]]) -> None:
    clock = Clock()
    budget = Budget(limit, clock, clock)
    spent: list[tuple[float, int]] = []
    for pause, cost, lane in steps:
        clock.now += pause
        for _ in range(200):
            if not (wait := budget.wait(cost, lane)):
                break
            clock.now += wait
        else:
            raise AssertionError("the wait never ends")
        budget.spend(cost)
        spent.append((clock.now, cost))
    for at, _ in spent:
        assert sum(cost for when, cost in spent if at - MINUTE < when <= at) <= limit


class Wire(httpx.AsyncBaseTransport):
    def __init__(self, status: int = 200, headers: dict[str, str] | None = None) -> None:
        self.answer = (status, headers or {})
        self.sent = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.sent += 1
        status, headers = self.answer
        return httpx.Response(status, headers=headers)


@pytest.mark.anyio
async def test_the_layer_counts_points_for_the_call_and_learns_the_real_cost(clock: Clock) -> None:
    wire = Wire(headers={"x-ratelimit-endpoint-cost": "5", "x-ratelimit-remaining-minute": "90"})
    budget = Budget(100, clock, clock)
    with open_call(0.0) as call:
        await BudgetLayer(wire, budget).handle_async_request(httpx.Request("GET", URL))
    assert (call.points, budget.left()) == (5, 90)


@pytest.mark.anyio
async def test_the_layer_leaves_room_for_people_when_the_call_is_bulk_work(clock: Clock) -> None:
    budget = Budget(100, clock, clock)
    budget.spend(100 - CHAT_RESERVE)
    wire = Wire()
    layer = BudgetLayer(wire, budget)
    with open_call(1.0, lane="bulk"), pytest.raises(RateLimitedError):
        await layer.handle_async_request(httpx.Request("GET", URL))
    with open_call(1.0):
        await layer.handle_async_request(httpx.Request("GET", URL))
    assert wire.sent == 1


@pytest.mark.anyio
@pytest.mark.parametrize("value", ["", "x", "-1", "1.5", "²", "9" * 400])
async def test_meters_that_are_no_numbers_are_ignored(clock: Clock, value: str) -> None:
    wire, budget = Wire(), Budget(100, clock, clock)
    raw = {name: value for name in ("x-ratelimit-endpoint-cost", "x-ratelimit-remaining-minute") if value.isascii()}
    wire.answer = (200, raw)
    await BudgetLayer(wire, budget).handle_async_request(httpx.Request("GET", URL))
    assert budget.left() == 99


@pytest.mark.anyio
async def test_a_429_without_a_word_closes_the_minute(clock: Clock) -> None:
    budget = Budget(100, clock, clock)
    await BudgetLayer(Wire(429), budget).handle_async_request(httpx.Request("GET", URL))
    assert budget.left() == 0
    assert budget.wait(1) == pytest.approx(60.05)


@pytest.mark.anyio
async def test_a_429_that_says_when_to_come_back_leaves_it_at_that(clock: Clock) -> None:
    budget = Budget(100, clock, clock)
    wire = Wire(429, {"retry-after": "2", "x-ratelimit-remaining-minute": "0"})
    await BudgetLayer(wire, budget).handle_async_request(httpx.Request("GET", URL))
    assert budget.wait(1) == 0


@pytest.mark.anyio
async def test_a_wait_longer_than_the_call_may_take_is_an_error_that_says_how_long(clock: Clock) -> None:
    wire, budget = Wire(headers=ONE_POINT), Budget(1, clock, clock)
    layer = BudgetLayer(wire, budget)
    budget.spend(1)
    clock.now += 18
    with open_call(20.0), pytest.raises(RateLimitedError) as caught:
        await layer.handle_async_request(httpx.Request("POST", f"{URL}/a%2Fb%E2%80%AE?external_id=secret"))
    assert wire.sent == 0
    assert caught.value.retry_after_seconds == 42
    assert "retry_after_seconds: 42" in caught.value.what


@pytest.mark.anyio
async def test_a_wait_within_the_patience_of_the_call_is_waited() -> None:
    """Every look at this clock takes a third of a millisecond, and the minute is almost over."""

    class Moving(Clock):
        def __call__(self) -> float:
            self.now += 0.0003
            return self.now

    clock, wire = Moving(), Wire()
    budget = Budget(1, clock, clock)
    budget.spend(1)
    clock.now += MINUTE - 0.001
    with open_call(20.0):
        await BudgetLayer(wire, budget).handle_async_request(httpx.Request("GET", URL))
    assert wire.sent == 1
