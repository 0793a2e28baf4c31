"""Writes that may be repeated: each looks before it sends, and after an answer that was lost.

"No idempotency key exists on these endpoints. After a timeout a write's outcome is unknown: look before sending
it again."
"""

from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

import anyio

from salesloft_mcp import errors
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import Configuration, Mapping, MappingKey, ObjectType
from salesloft_mcp.salesloft.paging import live_configurations, live_mappings

QUIET_SECONDS = 2.0  # how long a write whose answer was lost may still be on its way
ATTEMPTS = 3

RowT = TypeVar("RowT")


@dataclass(frozen=True, slots=True)
class Written(Generic[RowT]):
    """What a write did, and the row as it stands now."""

    status: Literal["created", "updated", "unchanged"]
    row: RowT


async def create_configuration(
    api: Salesloft, external_type: str, object_type: ObjectType, *, quiet: float = QUIET_SECONDS
) -> Written[Configuration]:
    """Create a configuration, or find that it is there already."""

    async def find() -> Configuration | None:
        rows = await live_configurations(api)
        return next((row for row in rows if (row.external_type, row.object_type) == (external_type, object_type)), None)

    return await _create(find, lambda: api.create_configuration(external_type, object_type), quiet)


async def create_mapping(
    api: Salesloft, key: MappingKey, object_id: int, *, quiet: float = QUIET_SECONDS
) -> Written[Mapping]:
    """Map an external id to an object, or find that it is mapped already.

    Raises:
        ConflictError: the external id belongs to another object.
    """

    async def find() -> Mapping | None:
        return same_object(key, object_id, await live_mappings(api, key))

    async def send() -> Mapping:
        return await api.create_mapping(key.external_type, key.object_type, key.external_id, object_id)

    return await _create(find, send, quiet)


async def delete(send: Callable[[], Awaitable[None]], *, quiet: float = QUIET_SECONDS) -> None:
    """Send a deletion until its outcome is known: a 404 after our own lost attempt means that it worked.

    Raises:
        NotFoundError: it was gone before the first attempt.
    """
    lost: errors.UnknownOutcomeError | None = None
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with unknown_since(lost):
                await send()
        except errors.NotFoundError:
            if lost is None:
                raise
            return
        except errors.UnknownOutcomeError as error:
            if attempt == ATTEMPTS:
                raise
            lost = error
            await anyio.sleep(quiet)
        else:
            return


@contextmanager
def unknown_since(lost: errors.UnknownOutcomeError | None) -> Iterator[None]:
    """Once an answer was lost, a look or a second try that fails leaves the outcome as unknown as it was."""
    try:
        yield
    except (errors.RejectedError, errors.NotFoundError, errors.UnknownOutcomeError):
        raise
    except errors.ApiError:
        if lost is None:
            raise
        raise lost from None


async def _create(
    find: Callable[[], Awaitable[RowT | None]], send: Callable[[], Awaitable[RowT]], quiet: float
) -> Written[RowT]:
    if (row := await find()) is not None:
        return Written("unchanged", row)
    lost: errors.UnknownOutcomeError | None = None
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with unknown_since(lost):
                return Written("created", await send())
        except errors.RejectedError:
            # Somebody was faster, or our own lost attempt arrived late: then the row is there.
            with unknown_since(lost):
                row = await find()
            if row is None:
                raise
            return Written("created" if lost else "unchanged", row)
        except errors.UnknownOutcomeError as error:
            lost = error
            with unknown_since(lost):
                row = await find_late(find, quiet)
            if row is not None:
                return Written("created", row)
            if attempt == ATTEMPTS:
                raise
    raise AssertionError("the last attempt returns or raises")


async def find_late(find: Callable[[], Awaitable[RowT | None]], quiet: float) -> RowT | None:
    """Look at once, and again after a quiet time: a request that timed out may commit late."""
    if (row := await find()) is not None:
        return row
    await anyio.sleep(quiet)
    return await find()


def same_object(key: MappingKey, object_id: int, held: tuple[Mapping, ...]) -> Mapping | None:
    """The mapping among those that are `held` by which the external id belongs to the object already.

    Raises:
        ConflictError: it belongs to another one.
    """
    same = next((row for row in held if row.object_id == object_id), None)
    if same is None and held:
        what = f"external_id: is already mapped to {key.object_type} {held[0].object_id}. Nothing was changed."
        step = "use that object, or have a person delete the mapping with delete_external_id_mapping and map again."
        raise errors.ConflictError(what, next_step=step)
    return same
