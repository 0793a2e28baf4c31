"""People, accounts and users: by their external ids, or by what Salesloft itself knows of them."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult
from pydantic import Field

from salesloft_mcp.app import App
from salesloft_mcp.changes.refusals import unless_configured
from salesloft_mcp.errors import NotFoundError
from salesloft_mcp.lookups.objects import search
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.salesloft.models import Scope
from salesloft_mcp.salesloft.paging import read_all
from salesloft_mcp.server.answers import NextCursor, PointsSpent, RecordView, View, count, fitting, read, record_view
from salesloft_mcp.server.arguments import Cursor, Detail, ExternalIds, ExternalType, Limit, ObjectTypeArgument
from salesloft_mcp.text import escaped

Term = Annotated[str, Field(strict=True, max_length=255)]


class Records(View):
    records: list[RecordView] = Field(description="The records that were found.")
    missing: list[str] | None = Field(None, description="The external ids that no record has.")
    omitted: int | None = Field(None, description="How many records did not fit; ask for fewer ids.")
    points_spent: PointsSpent


class Search(View):
    records: list[RecordView] = Field(description="The records that were found.")
    next_cursor: NextCursor | None = None
    points_spent: PointsSpent


async def get_records_by_external_id(
    ctx: Context[App, Any],
    external_type: ExternalType,
    object_type: ObjectTypeArgument,
    external_ids: ExternalIds,
    detail: Detail = "concise",
) -> Annotated[CallToolResult, Records]:
    """Get Salesloft records by external id: people, accounts or users with ids of one type. Tells which ids are
    missing, but not which record belongs to which id; resolve_external_ids does that."""
    app = ctx.request_context.lifespan_context
    wanted = list(dict.fromkeys(external_ids))
    try:
        rows = await read_all(partial(app.salesloft.list_records, external_type, object_type, wanted))
    except NotFoundError as error:
        raise await unless_configured(app.configurations, error, external_type, object_type) from error
    missing = await _missing(app, wanted, len(rows), Scope(external_type, object_type))
    views = [record_view(row, full=detail == "full") for row in rows]
    shown = fitting(views)
    view = Records(
        records=shown,
        missing=[escaped(one) for one in missing] or None,
        omitted=len(views) - len(shown) or None,
        points_spent=current().points,
    )
    return read(f"{count(len(rows), 'record')} for {count(len(wanted), 'id')}, {len(missing)} missing.", view)


async def search_records(
    ctx: Context[App, Any],
    object_type: ObjectTypeArgument,
    email: Annotated[Term, Field(description="The e-mail address of people or users.")] = "",
    name: Annotated[Term, Field(description="The exact name of accounts, or a part of the name of users.")] = "",
    domain: Annotated[Term, Field(description="The domain of accounts.")] = "",
    crm_id: Annotated[Term, Field(description="The id of people or accounts in the connected CRM.")] = "",
    limit: Limit = 10,
    cursor: Cursor = "",
) -> Annotated[CallToolResult, Search]:
    """Search Salesloft records by e-mail, name, domain or CRM id, for example to find the object_id of a record that
    is to be mapped."""
    app = ctx.request_context.lifespan_context
    terms = {"email": email, "name": name, "domain": domain, "crm_id": crm_id}
    given = {term: value for term, value in terms.items() if value}
    found = await search(app.salesloft, object_type, given, page=int(cursor or 1), per_page=limit)
    view = Search(
        records=[record_view(row) for row in found.rows],
        next_cursor=str(found.next_page) if found.next_page else None,
        points_spent=current().points,
    )
    return read(f"{count(len(found.rows), 'record')} of {object_type} on this page.", view)


async def _missing(app: App, wanted: Sequence[str], records: int, scope: Scope) -> Sequence[str]:
    """A hundred answers cost a point, and prove the two clear cases; else the mappings have to tell.

    More records than ids mean that one id stands for several, so another may be missing all the same.
    """
    if records == 0:
        return wanted
    if records == len(wanted) or len(wanted) == 1:
        return []
    return list((await app.lookups.resolve(wanted, scope)).of("missing"))
