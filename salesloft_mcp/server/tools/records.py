"""The records behind external ids."""

from functools import partial
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult
from pydantic import Field

from salesloft_mcp.app import App
from salesloft_mcp.changes.refusals import unless_configured
from salesloft_mcp.errors import NotFoundError
from salesloft_mcp.salesloft.models import Scope
from salesloft_mcp.salesloft.paging import pages
from salesloft_mcp.server import answers, arguments


class Records(answers.Answer):
    records: list[answers.RecordView] = Field(description="The records that were found.")
    missing: list[str] = Field([], description="The external ids that no record has.")
    not_shown: list[str] = Field(
        [], description="The external ids of records that are gone, or hidden from this token."
    )
    omitted: int = Field(0, description="How many records did not fit; ask for fewer ids.")


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
        listed = pages(partial(app.salesloft.list_records, external_type, object_type, wanted))
        rows = [row async for some in listed for row in some]
    except NotFoundError as error:
        raise await unless_configured(app.configurations, error, external_type, object_type) from error
    missing: list[str] = []
    not_shown: list[str] = []
    if len(rows) != 1 or len(wanted) > 1:  # as many records as ids are no proof: one id may stand for several of them
        mapped = (await app.lookups.resolve(wanted, Scope(external_type, object_type))).mappings
        there = {row.id for row in rows}
        missing = [one for one, held in mapped.items() if not held]
        not_shown = [one for one, held in mapped.items() if held and there.isdisjoint(row.object_id for row in held)]
    shown = answers.fitting([answers.record_view(row, full=detail == "full") for row in rows])
    sentence = f"{answers.count(len(rows), 'record')} for {answers.count(len(wanted), 'id')}, {len(missing)} missing."
    if not_shown:
        what = "1 record is" if len(not_shown) == 1 else f"{len(not_shown)} records are"
        sentence += f" {what} mapped, but gone or hidden from this token."
    view = Records(records=shown, missing=missing, not_shown=not_shown, omitted=len(rows) - len(shown))
    return answers.read(sentence, view)
