"""What is configured, and what is mapped."""

from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult
from pydantic import Field

from salesloft_mcp.app import App
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.server.answers import (
    ConfigurationView,
    MappingView,
    NextCursor,
    PointsSpent,
    View,
    configuration_view,
    count,
    mapping_view,
    read,
)
from salesloft_mcp.server.arguments import (
    AnyExternalId,
    AnyExternalType,
    AnyObjectId,
    AnyObjectType,
    Cursor,
    Limit,
    typed,
)

Deleted = Annotated[bool, Field(strict=True, description="Whether to list deleted ones too.")]


class Configurations(View):
    configurations: list[ConfigurationView] = Field(description="The configurations on this page.")
    next_cursor: NextCursor | None = None
    points_spent: PointsSpent


class Mappings(View):
    mappings: list[MappingView] = Field(description="The mappings on this page.")
    next_cursor: NextCursor | None = None
    points_spent: PointsSpent


async def list_external_id_configurations(
    ctx: Context[App, Any],
    external_type: AnyExternalType = "",
    object_type: AnyObjectType = "",
    include_deleted: Deleted = False,
    limit: Limit = 50,
    cursor: Cursor = "",
) -> Annotated[CallToolResult, Configurations]:
    """List external id configurations: the external types that exist, and the kind of record each is for."""
    app = ctx.request_context.lifespan_context
    found = await app.salesloft.list_configurations(page=int(cursor or 1), per_page=limit)
    rows = [
        configuration_view(row)
        for row in found.rows
        if external_type in ("", row.external_type)
        and object_type in ("", row.object_type)
        and (include_deleted or not row.deleted)
    ]
    view = Configurations(
        configurations=rows,
        next_cursor=str(found.next_page) if found.next_page else None,
        points_spent=current().points,
    )
    return read(f"{count(len(rows), 'configuration')} on this page.", view)


async def list_external_id_mappings(
    ctx: Context[App, Any],
    external_type: AnyExternalType = "",
    external_id: AnyExternalId = "",
    object_type: AnyObjectType = "",
    object_id: AnyObjectId = 0,
    include_deleted: Deleted = False,
    limit: Limit = 25,
    cursor: Cursor = "",
) -> Annotated[CallToolResult, Mappings]:
    """List external id mappings, narrowed by type, external id or record: for example all external ids of one record,
    or all records of one id."""
    app = ctx.request_context.lifespan_context
    found = await app.salesloft.list_mappings(
        external_type=external_type,
        external_id=external_id,
        object_type=typed(object_type),
        object_id=object_id or None,
        deleted=None if include_deleted else False,
        page=int(cursor or 1),
        per_page=limit,
    )
    view = Mappings(
        mappings=[mapping_view(row) for row in found.rows],
        next_cursor=str(found.next_page) if found.next_page else None,
        points_spent=current().points,
    )
    return read(f"{count(len(found.rows), 'mapping')} on this page.", view)
