"""All mappings that hang on one configuration."""

from functools import partial

from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.gather import gather_limited
from salesloft_mcp.salesloft.models import Mapping, ObjectType, Page
from salesloft_mcp.salesloft.requests import PAGE_SIZE


async def mappings_of(
    api: Salesloft, external_type: str, object_type: ObjectType, *, total: int, most: int
) -> list[Mapping] | None:
    """The live mappings of a type, of which there are about `total`: a point for each hundred. None if above `most`."""
    if total > most:
        return None
    read = partial(_page, api, external_type, object_type)
    last = max(1, -(-total // PAGE_SIZE))
    pages = await gather_limited([partial(read, page) for page in range(1, last)])
    following: int | None = last
    while following is not None:  # more may have come since they were counted
        if following * PAGE_SIZE > most + PAGE_SIZE:
            return None
        pages.append(await read(following))
        following = pages[-1].next_page
    return [row for page in pages for row in page.rows]


async def _page(api: Salesloft, external_type: str, object_type: ObjectType, page: int) -> Page[Mapping]:
    return await api.list_mappings(external_type=external_type, object_type=object_type, deleted=False, page=page)
