"""Several requests under way at the same time, and never more than a few."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

import anyio

AT_ONCE = 8

DoneT = TypeVar("DoneT")


async def gather_limited(asks: Sequence[Callable[[], Awaitable[DoneT]]]) -> list[DoneT]:
    """All of them, a few at once; what they answer in their own order. The first failure stops the others."""
    if len(asks) == 1:
        return [await asks[0]()]
    places = anyio.CapacityLimiter(AT_ONCE)
    done: dict[int, DoneT] = {}

    async def ask(number: int) -> None:
        async with places:
            done[number] = await asks[number]()

    try:
        async with anyio.create_task_group() as tasks:
            for number in range(len(asks)):
                tasks.start_soon(ask, number)
    except ExceptionGroup as failed:
        # A caller gets the first failure as if there had been one request only.
        raise failed.exceptions[0] from None
    return [done[number] for number in range(len(asks))]


def first_of(group: ExceptionGroup[Exception]) -> Exception:
    """The first failure in a group of groups."""
    found = group.exceptions[0]
    return first_of(found) if isinstance(found, ExceptionGroup) else found
