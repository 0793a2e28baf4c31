"""People, accounts and users: by their external ids, or by what Salesloft itself knows of them."""

from functools import partial
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult
from pydantic import Field

from salesloft_mcp.app import App
from salesloft_mcp.changes.refusals import unless_configured
from salesloft_mcp.errors import NotFoundError
from salesloft_mcp.lookups.objects import search
from salesloft_mcp.salesloft.models import Scope
from salesloft_mcp.salesloft.paging import read_all
from salesloft_mcp.server import answers, arguments

Term = Annotated[str, Field(strict=True, max_length=255)]


class Records(answers.Answer):
    records: list[answers.RecordView] = Field(description="The records that were found.")
    missing: list[str] = Field([], description="The external ids that no record has.")
    omitted: int = Field(0, description="How many records did not fit; ask for fewer ids.")


class Search(answers.Answer):
    records: list[answers.RecordView] = Field(description="The records that were found.")
    next_cursor: answers.NextCursor | None = None


async def get_records_by_external_id(
    ctx: Context[App, Any],
    external_type: arguments.ExternalType,
    object_type: arguments.KindOfRecord,
    external_ids: arguments.ExternalIds,
    detail: arguments.Detail = "concise",
) -> Annotated[CallToolResult, Records]:
    """Get Salesloft records by external id: people, accounts or users with ids of one type. Tells which ids are
    missing, but not which record belongs to which id; resolve_external_ids does that."""
    app = ctx.request_context.lifespan_context
    wanted = list(dict.fromkeys(external_ids))
    try:
        rows = await read_all(partial(app.salesloft.list_records, external_type, object_type, wanted))
    except NotFoundError as error:
        raise await unless_configured(app.configurations, error, external_type, object_type) from error
    if rows and len(wanted) > 1:  # as many records as ids are no proof: one id may stand for several of them
        missing = list((await app.lookups.resolve(wanted, Scope(external_type, object_type))).of("missing"))
    else:
        missing = [] if rows else wanted
    shown = answers.fitting([answers.record_view(row, full=detail == "full") for row in rows])
    sentence = f"{answers.count(len(rows), 'record')} for {answers.count(len(wanted), 'id')}, {len(missing)} missing."
    return answers.read(sentence, Records(records=shown, missing=missing, omitted=len(rows) - len(shown)))


async def search_records(
    ctx: Context[App, Any],
    object_type: arguments.KindOfRecord,
    email: Annotated[Term, Field(description="The e-mail address of people or users.")] = "",
    name: Annotated[Term, Field(description="The exact name of accounts, or a part of the name of users.")] = "",
    domain: Annotated[Term, Field(description="The domain of accounts.")] = "",
    crm_id: Annotated[Term, Field(description="The id of people or accounts in the connected CRM.")] = "",
    limit: arguments.Limit = 10,
    cursor: arguments.Cursor = 0,
) -> Annotated[CallToolResult, Search]:
    """Search Salesloft records by e-mail, name, domain or CRM id, for example to find the object_id of a record that
    is to be mapped."""
    app = ctx.request_context.lifespan_context
    terms = {"email": email, "name": name, "domain": domain, "crm_id": crm_id}
    given = {term: value for term, value in terms.items() if value}
    found = await search(app.salesloft, object_type, given, page=cursor or 1, per_page=limit)
    view = Search(records=list(map(answers.record_view, found.rows)), next_cursor=answers.cursor(found))
    return answers.read(f"{answers.count(len(found.rows), 'record')} of {object_type} on this page.", view)
