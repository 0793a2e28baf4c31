"""What can be read by address: configurations, one mapping, all mappings of an object, a plan."""

from collections.abc import Awaitable, Callable
from functools import wraps
from typing import ParamSpec

from mcp.server import MCPServer
from mcp.server.mcpserver import ResourceSecurity
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp_types import Resource
from pydantic import BaseModel, TypeAdapter

from salesloft_mcp.app import App
from salesloft_mcp.bulk.report import every_row
from salesloft_mcp.bulk.views import PlanView, RowView, plan_view, row_view
from salesloft_mcp.errors import InputError, MissingError, NotFoundError, SalesloftMcpError
from salesloft_mcp.salesloft.call import open_call
from salesloft_mcp.salesloft.models import Mapping, ObjectType, Page, object_type_of
from salesloft_mcp.salesloft.requests import checked
from salesloft_mcp.server.announce import CONFIGURATIONS_URI, ROOT, configuration_uri
from salesloft_mcp.server.answers import configuration_view, fitting, mapping_view
from salesloft_mcp.server.arguments import MAX_OBJECT_ID, typed
from salesloft_mcp.server.tool_errors import TOOL_SECONDS, worded
from salesloft_mcp.text import escaped

JSON = "application/json"
LIST_SECONDS = 5.0  # clients read lists while they start, and offer completions while somebody types
CONFIGURATION = f"{CONFIGURATIONS_URI}/{{external_type}}/{{object_type}}"
MAPPINGS = f"{ROOT}/mappings/{{external_type}}/{{object_type}}/{{external_id}}"
OBJECT = f"{ROOT}/objects/{{object_type}}/{{object_id}}/mappings"
PLAN = f"{ROOT}/plans/{{plan}}"
TEMPLATES = (CONFIGURATION, MAPPINGS, OBJECT, PLAN)
REPORT_LINES = 100
# External ids and types are the customer's free text, and checked as such below.
_FREE = ResourceSecurity(exempt_params={"external_type", "external_id"})
P = ParamSpec("P")


class PlanReport(PlanView):
    """A plan with the first lines of its report."""

    report: list[RowView]


def add_resources(server: MCPServer[App], app: App) -> None:
    """The fixed resource and the templates."""

    @server.resource(CONFIGURATIONS_URI, title="Configurations", mime_type=JSON)
    @_told
    async def configurations() -> str:
        """All live external id configurations of the team."""
        return _json([configuration_view(row) for row in await app.configurations.live()])

    @server.resource(CONFIGURATION, title="Configuration", mime_type=JSON, security=_FREE)
    @_told
    async def configuration(external_type: str, object_type: str) -> str:
        """One live configuration."""
        known = await app.configurations.live()
        key = external_type, _object_type(object_type)
        found = [configuration_view(row) for row in known if (row.external_type, row.object_type) == key]
        if not found:
            raise MissingError("there is no such live configuration.")
        return _json(found[0])

    @server.resource(MAPPINGS, title="Mappings of an external id", mime_type=JSON, security=_FREE)
    @_told
    async def mapping(external_type: str, object_type: str, external_id: str) -> str:
        """The live mappings of one external id."""
        found = await app.salesloft.list_mappings(
            external_type=external_type,
            external_id=checked("external_id", external_id),
            object_type=_object_type(object_type),
            deleted=False,
        )
        return _all(found)

    @server.resource(OBJECT, title="External ids of an object", mime_type=JSON)
    @_told
    async def mappings_of_object(object_type: str, object_id: str) -> str:
        """The live external ids of one person, account or user."""
        found = await app.salesloft.list_mappings(
            object_type=_object_type(object_type), object_id=_object_id(object_id), deleted=False
        )
        return _all(found)

    _add_plans(server, app)


def _add_plans(server: MCPServer[App], app: App) -> None:
    @server.resource(PLAN, title="Plan", mime_type=JSON)
    @_told
    async def plan(plan: str) -> str:
        """How far a plan is, and the first lines of its report."""
        status = await app.plans.status(plan)
        rows = [row_view(row) async for row in every_row(app.plans, app.changes.log, status, 0, REPORT_LINES)]
        return _json(PlanReport(**dict(plan_view(status, app.budget.bulk)), report=fitting(rows)))


async def live_resources(app: App) -> list[Resource]:
    """One listed resource for each live configuration; none while Salesloft cannot be asked."""
    try:
        with open_call(LIST_SECONDS):
            known = await app.configurations.live()
    except SalesloftMcpError:
        # The list is read at start: a wrong token should be told by the first tool, not hide the whole server.
        return []
    return [
        Resource(
            uri=configuration_uri(row.external_type, row.object_type),
            name=f"{escaped(row.external_type)} of {row.object_type}",
            mime_type=JSON,
        )
        for row in known
    ]


def _object_type(word: str) -> ObjectType:
    found = typed(str(object_type_of(word)))
    if found is None:
        raise InputError("object_type", "must be people, accounts or users.")
    return found


def _object_id(digits: str) -> int:
    number = int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 20 else 0
    if not 0 < number <= MAX_OBJECT_ID:
        raise InputError("object_id", "must be a whole number above 0.")
    return number


def _all(found: Page[Mapping]) -> str:
    """A resource is read whole: one page is all there is, or the reader is sent to the tool that has pages."""
    if found.next_page is not None:
        what = f"there are more than {len(found.rows)} mappings."
        raise SalesloftMcpError(what, next_step="read them with list_external_id_mappings.")
    return _json([mapping_view(row) for row in found.rows])


def _told(read: Callable[P, Awaitable[str]]) -> Callable[P, Awaitable[str]]:
    """Errors of ours become resource errors with our words."""

    @wraps(read)
    async def reading(*args: P.args, **kwargs: P.kwargs) -> str:
        try:
            with open_call(TOOL_SECONDS):
                return await read(*args, **kwargs)
        except (InputError, MissingError, NotFoundError) as error:
            raise ResourceNotFoundError(worded(error)) from error
        except SalesloftMcpError as error:
            raise ResourceError(worded(error)) from error

    return reading


def _json(value: BaseModel | list[BaseModel]) -> str:
    return TypeAdapter(object).dump_json(value, exclude_none=True).decode()
