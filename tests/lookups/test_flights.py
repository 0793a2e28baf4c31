"""Equal questions under way at the same time are one, whoever of those who wait gives up."""

import anyio
import pytest

from salesloft_mcp.errors import SalesloftMcpError
from salesloft_mcp.lookups.flights import Flights

pytestmark = pytest.mark.anyio


class Slow:
    """A question whose answer waits for `answer`."""

    def __init__(self, error: SalesloftMcpError | None = None) -> None:
        self.asked = 0
        self.answer = anyio.Event()
        self._error = error

    async def __call__(self) -> int:
        self.asked += 1
        mine = self.asked
        await self.answer.wait()
        if self._error is not None:
            raise self._error
        return mine


async def test_equal_questions_are_asked_once_and_others_by_themselves() -> None:
    flights: Flights[int] = Flights()
    slow, answers = Slow(), dict[str, int]()

    async def ask(name: str, key: str) -> None:
        answers[name] = await flights.one(key, slow)

    async with anyio.create_task_group() as tasks:
        for name, key in (("first", "a"), ("second", "a"), ("other", "b")):
            tasks.start_soon(ask, name, key)
        await anyio.wait_all_tasks_blocked()
        slow.answer.set()
    assert slow.asked == 2
    assert answers["first"] == answers["second"] != answers["other"]


async def test_a_question_that_was_answered_is_asked_anew() -> None:
    flights: Flights[int] = Flights()
    slow = Slow()
    slow.answer.set()
    assert [await flights.one("a", slow), await flights.one("a", slow)] == [1, 2]


async def test_when_the_one_who_asks_gives_up_the_next_one_asks() -> None:
    flights: Flights[int] = Flights()
    slow, answers = Slow(), list[int]()

    async def ask() -> None:
        answers.append(await flights.one("a", slow))

    async with anyio.create_task_group() as waiting:
        async with anyio.create_task_group() as leading:
            leading.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            waiting.start_soon(ask)
            waiting.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            leading.cancel_scope.cancel()
        await anyio.wait_all_tasks_blocked()
        slow.answer.set()
    assert answers == [2, 2]


async def test_when_one_who_waits_gives_up_the_others_get_their_answer() -> None:
    flights: Flights[int] = Flights()
    slow, answers = Slow(), list[int]()

    async def ask() -> None:
        answers.append(await flights.one("a", slow))

    async with anyio.create_task_group() as leading:
        leading.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        async with anyio.create_task_group() as waiting:
            waiting.start_soon(ask)
            await anyio.wait_all_tasks_blocked()
            waiting.cancel_scope.cancel()
        slow.answer.set()
    assert answers == [1]


async def test_all_who_wait_share_an_error() -> None:
    flights: Flights[int] = Flights()
    slow, told = Slow(SalesloftMcpError("no")), list[str]()

    async def ask() -> None:
        try:
            await flights.one("a", slow)
        except SalesloftMcpError as error:
            told.append(error.what)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(ask)
        tasks.start_soon(ask)
        await anyio.wait_all_tasks_blocked()
        slow.answer.set()
    assert (slow.asked, told) == (1, ["no", "no"])
