"""New configurations and new mappings."""

from typing import Annotated, Any, Literal

from mcp.server.mcpserver import Context
from mcp.server.mcpserver.resolve import Elicit, ElicitationResult, Resolve
from mcp_types import CallToolResult
from pydantic import Field

from salesloft_mcp.app import App
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.salesloft.models import MappingKey
from salesloft_mcp.server import acts, confirm, rekey
from salesloft_mcp.server.acts import By
from salesloft_mcp.server.answers import ConfigurationIdField, MappingIdField, PointsSpent, View, answer
from salesloft_mcp.server.arguments import ExternalId, ExternalType, ObjectId, ObjectTypeArgument, ReplacedId
from salesloft_mcp.server.confirm import Consent, Granted
from salesloft_mcp.state.local import Question

Status = Literal["created", "unchanged"]
StatusField = Annotated[Status, Field(description="unchanged: it was there already.")]
CREATE_CONFIGURATION = "create_external_id_configuration"


class CreatedConfiguration(View):
    status: StatusField
    configuration_id: ConfigurationIdField
    points_spent: PointsSpent


class CreatedMapping(View):
    status: StatusField
    mapping_id: MappingIdField | None = None
    replaced_mapping_id: int | None = Field(None, description="The id of the mapping that was deleted for it.")
    points_spent: PointsSpent


async def create_external_id_configuration(
    ctx: Context[App, Any], external_type: ExternalType, object_type: ObjectTypeArgument
) -> Annotated[CallToolResult, CreatedConfiguration]:
    """Create an external id configuration: allow external ids of a new type for people, accounts or users. Repeating
    it is safe."""
    done = await acts.configure(ctx, external_type, object_type, By(CREATE_CONFIGURATION))
    status: Status = "created" if done.status == "created" else "unchanged"
    view = CreatedConfiguration(status=status, configuration_id=done.row.id, points_spent=current().points)
    return answer(f"{status}: configuration {done.row.id} for {object_type}.", view)


async def replacing_question(
    ctx: Context[App, Any],
    external_type: ExternalType,
    object_type: ObjectTypeArgument,
    external_id: ExternalId,
    object_id: ObjectId,
    replaces: ReplacedId,
) -> Question | None:
    """None where nothing is replaced, so that nothing is deleted."""
    app = ctx.request_context.lifespan_context
    key = MappingKey(external_type, object_type, external_id)
    return rekey.about(app, key, await rekey.read_old(app, key, object_id, replaces))


async def ask_about_replacing(
    ctx: Context[App, Any], asked: Annotated[Question | None, Resolve(replacing_question)]
) -> Elicit[Consent] | Granted:
    """A yes or a no, where one is needed."""
    return Granted() if asked is None else confirm.ask(ctx, asked)


async def create_external_id_mapping(
    ctx: Context[App, Any],
    external_type: ExternalType,
    object_type: ObjectTypeArgument,
    external_id: ExternalId,
    object_id: ObjectId,
    asked: Annotated[Question | None, Resolve(replacing_question)],
    answered: Annotated[ElicitationResult[Consent], Resolve(ask_about_replacing)],
    replaces: ReplacedId = "",
) -> Annotated[CallToolResult, CreatedMapping]:
    """Create an external id mapping: give an existing Salesloft record the id it has in your system. Repeating it is
    safe. An id that belongs to another record is refused. Where replaces is given, the new id is mapped first, and
    then the old one is deleted."""
    app = ctx.request_context.lifespan_context
    key = MappingKey(external_type, object_type, external_id)
    old = await rekey.read_old(app, key, object_id, replaces)
    by = By(rekey.TOOL, confirm.settle(app, asked, rekey.about(app, key, old), answered))
    done = await acts.map_id(ctx, key, object_id, by)
    status: Status = "created" if done.status == "created" else "unchanged"
    said = f"{status}: mapped to {object_type} {object_id}"
    if old is not None:
        await rekey.delete_old(ctx, old, by, said)
    view = CreatedMapping(
        status=status,
        mapping_id=done.row.id,
        replaced_mapping_id=None if old is None else old.id,
        points_spent=current().points,
    )
    return answer(f"{said}.{'' if old is None else ' The old id is deleted.'}", view)
