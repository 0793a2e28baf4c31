"""New configurations and new mappings."""

from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult

from salesloft_mcp import errors
from salesloft_mcp.api import writes
from salesloft_mcp.api.models import ObjectType
from salesloft_mcp.app import App
from salesloft_mcp.escape import quoted
from salesloft_mcp.lookup.configurations import nearest_types
from salesloft_mcp.server import announce
from salesloft_mcp.server.arguments import ExternalId, ExternalType, ObjectId, ObjectTypeArgument
from salesloft_mcp.server.log import logged
from salesloft_mcp.server.view import (
    View,
    answer,
)
from salesloft_mcp.state.local import Change
from salesloft_mcp.transport.call import current

Status = Literal["created", "unchanged"]


class CreatedConfiguration(View):
    status: Status
    configuration_id: int
    points_spent: int


class CreatedMapping(View):
    status: Status
    mapping_id: int | None = None
    points_spent: int


async def create_external_id_configuration(
    ctx: Context[App, Any], external_type: ExternalType, object_type: ObjectTypeArgument
) -> Annotated[CallToolResult, CreatedConfiguration]:
    """Allow external ids of a new type (the name of your system) for people, accounts or users. Once a type."""
    app = ctx.request_context.lifespan_context
    change = Change(app.environment, "create_external_id_configuration", external_type, object_type)
    with logged(app, change) as settle:
        written = await writes.create_configuration(app.salesloft, external_type, object_type)
        settle(written.status, written.row)
    if written.status == "created":
        app.configurations.forget()
        await announce.listed(ctx)
        await announce.updated(ctx, announce.CONFIGURATIONS_URI, announce.configuration_uri(external_type, object_type))
    status: Status = "created" if written.status == "created" else "unchanged"
    view = CreatedConfiguration(status=status, configuration_id=written.row.id, points_spent=current().points)
    return answer(f"{status}: configuration {written.row.id} for {object_type}.", view)


async def create_external_id_mapping(
    ctx: Context[App, Any],
    external_type: ExternalType,
    object_type: ObjectTypeArgument,
    external_id: ExternalId,
    object_id: ObjectId,
) -> Annotated[CallToolResult, CreatedMapping]:
    """Give an existing Salesloft record your system's id. Repeating it is safe (unchanged); an id that belongs to
    another record is refused. A mapping cannot be updated, only deleted and created anew."""
    app = ctx.request_context.lifespan_context
    key = writes.MappingKey(external_type, object_type, external_id)
    change = Change(app.environment, "create_external_id_mapping", external_type, object_type, external_id, object_id)
    with logged(app, change) as settle:
        try:
            written = await writes.create_mapping(app.salesloft, key, object_id)
        except errors.RejectedError as error:
            raise await _explained(app, error, external_type, object_type, object_id) from error
        settle(written.status, written.row)
    if written.status == "created":
        uris = (
            announce.mapping_uri(external_type, object_type, external_id),
            announce.object_uri(object_type, object_id),
        )
        await announce.updated(ctx, *uris)
    status: Status = "created" if written.status == "created" else "unchanged"
    view = CreatedMapping(status=status, mapping_id=written.row.id, points_spent=current().points)
    return answer(f"{status}: mapped to {object_type} {object_id}.", view)


async def _explained(
    app: App, error: errors.RejectedError, external_type: str, object_type: ObjectType, object_id: int
) -> errors.SalesloftMcpError:
    """A refused mapping has two usual causes: the type is not configured, or the object does not exist."""
    if "object_id" in error.fields:
        what = f"object_id: there is no {object_type} {object_id}."
        return errors.MissingError(what, next_step="find the record with search_records.")
    if "external_type" in error.fields:
        return await unknown_type(app, error, external_type, object_type)
    return error


async def unknown_type(
    app: App, error: errors.ApiError, external_type: str, object_type: ObjectType
) -> errors.SalesloftMcpError:
    """What a refusal means when there is no such configuration: the nearest ones, and how to make it.

    Where there is one, `error` had another cause and stands.
    """
    app.configurations.forget()
    known = await app.configurations.live()
    if any((one.external_type, one.object_type) == (external_type, object_type) for one in known):
        return error
    near = nearest_types(external_type, object_type, known)
    offer = f"existing are {', '.join(map(quoted, near))}; or " if near else ""
    what = f"external_type: {quoted(external_type)} is not configured for {object_type}."
    return errors.MissingError(what, next_step=f"{offer}create it with create_external_id_configuration.")
