"""All mappings that hang on one configuration."""

import anyio

from salesloft_mcp.api.client import Salesloft
from salesloft_mcp.api.models import Mapping, ObjectType
from salesloft_mcp.api.request import PAGE_SIZE

AT_ONCE = 8


async def mappings_of(
    api: Salesloft, external_type: str, object_type: ObjectType, *, total: int, most: int
) -> list[Mapping] | None:
    """The live mappings of a type, of which there are about `total`: a point for each hundred. None if above `most`."""
    found: dict[int, tuple[Mapping, ...]] = {}
    places = anyio.CapacityLimiter(AT_ONCE)

    async def read(page: int) -> int | None:
        async with places:
            rows = await api.list_mappings(
                external_type=external_type, object_type=object_type, deleted=False, page=page
            )
            found[page] = rows.rows
            return rows.next_page

    if total > most:
        return None
    last = max(1, -(-total // PAGE_SIZE))
    try:
        async with anyio.create_task_group() as tasks:
            for page in range(1, last):
                tasks.start_soon(read, page)
    except ExceptionGroup as failed:
        # The first failure stopped the others; a caller gets it as if there had been one request only.
        raise failed.exceptions[0] from None
    following: int | None = last
    while following is not None:  # more may have come since they were counted
        if following * PAGE_SIZE > most + PAGE_SIZE:
            return None
        following = await read(following)
    return [row for page in sorted(found) for row in found[page]]
