"""External types: which are configured, a new one, and one that goes."""

from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult
from pydantic import Field

from salesloft_mcp import errors
from salesloft_mcp.app import App
from salesloft_mcp.changes import configurations
from salesloft_mcp.changes.change import Change, Operation
from salesloft_mcp.changes.consent import BESIDE
from salesloft_mcp.changes.kinds import as_it_stands
from salesloft_mcp.intake.near import difference
from salesloft_mcp.salesloft.models import ObjectType, Scope
from salesloft_mcp.server import answers, arguments
from salesloft_mcp.server.writes import writing
from salesloft_mcp.text import quoted


class Configurations(answers.Answer):
    configurations: list[answers.ConfigurationView] = Field(description="The configurations on this page.")
    next_cursor: answers.NextCursor | None = None


async def list_external_id_configurations(
    ctx: Context[App, Any],
    external_type: arguments.OnlyType = "",
    object_type: arguments.OnlyKind = None,
    include_deleted: arguments.Deleted = False,
    limit: arguments.Limit = 50,
    cursor: arguments.Cursor = 0,
) -> Annotated[CallToolResult, Configurations]:
    """List external id configurations: the external types that exist, and the kind of record each is for."""
    app, scope = ctx.request_context.lifespan_context, Scope(external_type, object_type)
    found = await app.salesloft.list_configurations(page=cursor or 1, per_page=limit)
    fitting = [row for row in found.rows if row in scope and (include_deleted or not row.deleted)]
    rows = list(map(answers.ConfigurationView.model_validate, fitting))
    view = Configurations(configurations=rows, next_cursor=answers.cursor(found))
    by = answers.filtered(external_type=external_type, object_type=object_type, include_deleted=include_deleted)
    words = answers.listed(len(rows), "configuration", by, more=view.next_cursor is not None, first=not cursor)
    return answers.read(words + answers.left_out(found), view)


@writing
async def create_external_id_configuration(
    ctx: Context[App, Any], external_type: arguments.ExternalType, object_type: arguments.KindOfRecord
) -> Operation:
    """Create an external id configuration: allow external ids of a new type for people, accounts or users."""
    app = ctx.request_context.lifespan_context
    change = configurations.creation(configurations.key_of(external_type, object_type))
    change = await as_it_stands(app.salesloft, change)
    near = [] if change.before is not None else await _near_types(app, external_type, object_type)
    return Operation("", (change,), facts=((BESIDE, "; ".join(near)),) if near else ())


async def _near_types(app: App, external_type: str, object_type: ObjectType) -> list[str]:
    """Types of the same kind of record that are spelled nearly so, and in what they differ."""
    return [
        f"{quoted(row.external_type)} (configuration {row.id}), which differs in {why}"
        for row in await app.configurations.live()
        if row.object_type == object_type and (why := difference(external_type, row.external_type))
    ]


@writing
async def delete_external_id_configuration(
    ctx: Context[App, Any],
    external_type: arguments.ExternalType,
    object_type: arguments.KindOfRecord,
    configuration_id: arguments.WhichId = None,
) -> Operation:
    """Delete an external id configuration after a person has typed its name; its ids no longer find records.

    How much hangs on it is counted for one point.

    Raises:
        MissingError: none fits. ConflictError: several fit.
    """
    app = ctx.request_context.lifespan_context
    key = configurations.key_of(external_type, object_type)
    found = await configurations.read(app.salesloft, key)
    listed = ", ".join(str(row["id"]) for row in found[:5])
    rows = [row for row in found if configuration_id in (None, row["id"])]
    if not rows:
        what = "external_type: there is no such live configuration"
        step = "look with list_external_id_configurations; names are compared exactly."
        if found:
            what = f"configuration_id: this external type has no configuration {configuration_id} for {object_type}"
            step = f"leave it out, or give the right one: {listed}."
        raise errors.MissingError(f"{what}. Nothing was deleted.", next_step=step)
    if len(rows) > 1:
        step = f"give configuration_id: {listed}."
        what = "configuration_id: several configurations fit. Nothing was deleted."
        raise errors.ConflictError(what, next_step=step)
    change = Change("configuration", key, rows[0], None)
    return Operation("", (change,), carries=await configurations.count(app.salesloft, key))
