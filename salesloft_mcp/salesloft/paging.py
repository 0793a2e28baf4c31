"""Lists read whole."""

from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import Configuration, Mapping, MappingKey


async def live_mappings(api: Salesloft, key: MappingKey) -> tuple[Mapping, ...]:
    """The live mappings of an external id. Deleted ones never resolve."""
    found = await api.list_mappings(
        external_type=key.external_type, object_type=key.object_type, external_id=key.external_id, deleted=False
    )
    return found.rows


async def all_configurations(api: Salesloft) -> tuple[Configuration, ...]:
    """All configurations of the team, deleted ones among them."""
    rows: list[Configuration] = []
    page: int | None = 1
    while page is not None:
        found = await api.list_configurations(page=page)
        rows.extend(found.rows)
        page = found.next_page
    return tuple(rows)


async def live_configurations(api: Salesloft) -> tuple[Configuration, ...]:
    """The configurations that are in use."""
    return tuple(row for row in await all_configurations(api) if not row.deleted)
