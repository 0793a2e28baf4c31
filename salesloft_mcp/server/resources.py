"""What can be read by address: configurations, one mapping, all mappings of an object, a plan."""

from collections.abc import Awaitable, Callable
from functools import partial, wraps
from typing import Any, ParamSpec

from mcp.server import MCPServer
from mcp.server.mcpserver import ResourceSecurity
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp_types import Resource
from pydantic import TypeAdapter

from salesloft_mcp.app import App
from salesloft_mcp.bulk.report import every_row
from salesloft_mcp.bulk.views import PlanView, RowView
from salesloft_mcp.errors import Hint, InputError, MissingError, NotFoundError, SalesloftMcpError
from salesloft_mcp.intake import values
from salesloft_mcp.salesloft.call import open_call
from salesloft_mcp.salesloft.models import OBJECT_TYPES, Configuration, ObjectType, object_type_of
from salesloft_mcp.salesloft.requests import MAX_EXTERNAL_TYPE
from salesloft_mcp.server import announce, answers
from salesloft_mcp.server.allowed import allowed_plan
from salesloft_mcp.server.arguments import whole
from salesloft_mcp.server.signed_out import require_sign_in
from salesloft_mcp.server.tool_errors import TOOL_SECONDS, worded
from salesloft_mcp.text import escaped

JSON = "application/json"
LIST_SECONDS = 5.0  # clients read lists while they start, and offer completions while somebody types
TEMPLATES = (announce.CONFIGURATION, announce.MAPPINGS, announce.OBJECT, announce.PLAN)
REPORT_LINES = 100
# What a resource tells, a tool does, too: where the policy takes the tool away, it takes the resource away.
CONFIGURATIONS_TOOL = "list_external_id_configurations"
MAPPINGS_TOOL = "list_external_id_mappings"
PLAN_TOOL = "get_plan"
# External ids and types are the customer's free text, and checked as such below.
_FREE = ResourceSecurity(exempt_params={"external_type", "external_id"})
P = ParamSpec("P")


class PlanReport(PlanView):
    """A plan with the first lines of its report."""

    report: list[RowView]


def add_resources(server: MCPServer[App], app: App) -> None:
    """The fixed resource and the templates."""
    of_configurations, of_mappings = partial(_told, app, CONFIGURATIONS_TOOL), partial(_told, app, MAPPINGS_TOOL)

    @server.resource(announce.CONFIGURATIONS, title="Configurations", mime_type=JSON)
    @of_configurations
    async def configurations() -> object:
        """All live external id configurations of the team."""
        return list(map(answers.ConfigurationView.model_validate, await _configurations(app)))

    @server.resource(announce.CONFIGURATION, title="Configuration", mime_type=JSON, security=_FREE)
    @of_configurations
    async def configuration(external_type: str, object_type: str) -> object:
        """One live configuration."""
        key = external_type, _object_type(app, object_type)
        for row in await app.configurations.live():
            if (row.external_type, row.object_type) == key:
                return answers.ConfigurationView.model_validate(row)
        raise MissingError("there is no such live configuration.", next_step=(Hint.LIST_CONFIGURATIONS, "."))

    @server.resource(announce.MAPPINGS, title="Mappings of an external id", mime_type=JSON, security=_FREE)
    @of_mappings
    async def mapping(external_type: str, object_type: str, external_id: str) -> object:
        """The live mappings of one external id."""
        of, wanted = _object_type(app, object_type), values.external_id(external_id)
        external_type = values.external_id(external_type, "external_type", MAX_EXTERNAL_TYPE)
        return await _mappings(app, external_type=external_type, external_id=wanted, object_type=of)

    @server.resource(announce.OBJECT, title="External ids of an object", mime_type=JSON)
    @of_mappings
    async def mappings_of_object(object_type: str, object_id: str) -> object:
        """The live external ids of one person, account or user."""
        return await _mappings(app, object_type=_object_type(app, object_type), object_id=_number(object_id))

    @server.resource(announce.PLAN, title="Plan", mime_type=JSON)
    @partial(_told, app, PLAN_TOOL)
    async def plan(plan: str) -> object:
        """How far a plan is, and the first lines of its report."""
        status = await allowed_plan(app, plan)
        rows = [row async for row in every_row(app.plans, app.changes.log, status, 0, REPORT_LINES)]
        shown = answers.fitting(map(RowView.model_validate, rows))
        return PlanReport.of(status, app.budget.bulk, report=shown)


async def live_resources(app: App) -> list[Resource]:
    """One listed resource for each live configuration; none while Salesloft cannot be asked, or may not be."""
    if not app.policy.allows_tool(CONFIGURATIONS_TOOL):
        return []
    try:
        with open_call(LIST_SECONDS):
            known = await _configurations(app)
    except SalesloftMcpError:
        # The list is read at start: a wrong token should be told by the first tool, not hide the whole server.
        return []
    return [
        Resource(
            uri=announce.uri(announce.CONFIGURATION, external_type=row.external_type, object_type=row.object_type),
            name=f"{escaped(row.external_type)} of {row.object_type}",
            mime_type=JSON,
        )
        for row in known
    ]


async def _configurations(app: App) -> list[Configuration]:
    """The live ones, of the kinds of record that are allowed here."""
    return [row for row in await app.configurations.live() if row.object_type in app.policy.object_types]


def _object_type(app: App, word: str) -> ObjectType:
    for known in OBJECT_TYPES:
        if known == object_type_of(word):
            app.policy.require_object_type(known)
            return known
    raise InputError("object_type", "must be people, accounts or users.")


def _number(object_id: str) -> int:
    try:
        return whole(object_id)
    except ValueError as error:
        raise InputError("object_id", str(error)) from None


async def _mappings(app: App, **asked: Any) -> list[answers.MappingView]:  # noqa: ANN401 - what to filter by
    """A resource is read whole: one page is all there is, or the reader is sent to the tool that has pages."""
    found = await app.salesloft.list_mappings(**asked, deleted=False)
    if found.next_page is not None:
        what = f"there are more than {len(found.rows)} mappings."
        raise SalesloftMcpError(what, next_step="read them with list_external_id_mappings.")
    return list(map(answers.MappingView.model_validate, found.rows))


def _told(app: App, tool: str, read: Callable[P, Awaitable[object]]) -> Callable[P, Awaitable[str]]:
    """What is read becomes JSON, and errors of ours become resource errors with our words. `tool` tells the same."""

    @wraps(read)
    async def reading(*args: P.args, **kwargs: P.kwargs) -> str:
        try:
            app.policy.require_tool(tool, tool)
            with open_call(TOOL_SECONDS):
                await require_sign_in(app)
                value = await read(*args, **kwargs)
        except (InputError, MissingError, NotFoundError) as error:
            raise ResourceNotFoundError(worded(error)) from error
        except SalesloftMcpError as error:
            raise ResourceError(worded(error)) from error
        return TypeAdapter(object).dump_json(value, exclude_defaults=True).decode()

    return reading
