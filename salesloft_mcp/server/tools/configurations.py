"""External types: which are configured, a new one, and one that goes."""

import time
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult
from pydantic import Field

from salesloft_mcp import errors
from salesloft_mcp.app import App
from salesloft_mcp.changes import configurations
from salesloft_mcp.changes.change import Change, Operation
from salesloft_mcp.changes.kinds import as_it_stands
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.server.answers import (
    ConfigurationView,
    NextCursor,
    PointsSpent,
    View,
    configuration_view,
    count,
    read,
)
from salesloft_mcp.server.arguments import (
    AnyExternalType,
    AnyObjectType,
    Cursor,
    Deleted,
    ExternalType,
    Limit,
    ObjectTypeArgument,
    WhichId,
)
from salesloft_mcp.server.writes import writing

CREATE = "create_external_id_configuration"
DELETE = "delete_external_id_configuration"


class Configurations(View):
    configurations: list[ConfigurationView] = Field(description="The configurations on this page.")
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


@writing
async def create_external_id_configuration(
    ctx: Context[App, Any], external_type: ExternalType, object_type: ObjectTypeArgument
) -> Operation:
    """Create an external id configuration: allow external ids of a new type for people, accounts or users. Repeating
    it is safe."""
    app, read_at = ctx.request_context.lifespan_context, time.monotonic()
    change = configurations.creation(configurations.key_of(external_type, object_type))
    return Operation(CREATE, (await as_it_stands(app.salesloft, change),), read_at=read_at)


@writing
async def delete_external_id_configuration(
    ctx: Context[App, Any], external_type: ExternalType, object_type: ObjectTypeArgument, configuration_id: WhichId = 0
) -> Operation:
    """Delete an external id configuration after a person has typed its name; its ids no longer find records.

    How much hangs on it is counted for one point.

    Raises:
        MissingError: none fits. ConflictError: several fit.
    """
    app, read_at = ctx.request_context.lifespan_context, time.monotonic()
    key = configurations.key_of(external_type, object_type)
    rows = [row for row in await configurations.read(app.salesloft, key) if configuration_id in (0, row["id"])]
    if not rows:
        step = "look with list_external_id_configurations; names are compared exactly."
        what = "external_type: there is no such live configuration. Nothing was deleted."
        raise errors.MissingError(what, next_step=step)
    if len(rows) > 1:
        step = f"give configuration_id: {', '.join(str(row['id']) for row in rows[:5])}."
        what = "configuration_id: several configurations fit. Nothing was deleted."
        raise errors.ConflictError(what, next_step=step)
    change = Change("configuration", key, rows[0], None)
    return Operation(DELETE, (change,), carries=await configurations.count(app.salesloft, key), read_at=read_at)
