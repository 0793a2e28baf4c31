"""Equal questions that are under way at the same time are asked once."""

from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

import anyio

from salesloft_mcp.errors import SalesloftMcpError

AnswerT = TypeVar("AnswerT")


class _Flight(Generic[AnswerT]):
    def __init__(self) -> None:
        self.ended = anyio.Event()
        self.answers: list[AnswerT] = []
        self.error: SalesloftMcpError | None = None


class Flights(Generic[AnswerT]):
    """Who asks what is being asked already waits for that answer, and shares its error too."""

    def __init__(self) -> None:
        self._under_way: dict[Hashable, _Flight[AnswerT]] = {}

    async def one(self, key: Hashable, ask: Callable[[], Awaitable[AnswerT]]) -> AnswerT:
        """The answer to `key`. When the one who asks is cancelled, the next who waits asks anew."""
        while (flight := self._under_way.get(key)) is not None:
            await flight.ended.wait()
            if flight.error is not None:
                raise flight.error
            if flight.answers:
                return flight.answers[0]
        flight = self._under_way[key] = _Flight()
        try:
            flight.answers.append(await ask())
            return flight.answers[0]
        except SalesloftMcpError as error:
            flight.error = error
            raise
        finally:
            del self._under_way[key]
            flight.ended.set()
