"""People, accounts and users: by their external ids, or by what Salesloft itself knows of them."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult
from pydantic import BeforeValidator, Field, WithJsonSchema

from salesloft_mcp.app import App
from salesloft_mcp.changes.refusals import unless_configured
from salesloft_mcp.errors import InputError, NotFoundError
from salesloft_mcp.intake import values
from salesloft_mcp.intake.characters import trimmed
from salesloft_mcp.lookups.objects import search
from salesloft_mcp.salesloft.models import SINGULAR, ObjectType, Scope
from salesloft_mcp.salesloft.paging import pages
from salesloft_mcp.server import answers, arguments

MORE_FILTERS = "Other fields and their values: title, city, account_id, owner_id, custom_fields[Name], industry."


def _as_texts(value: object) -> object:
    """Numbers and flags as Salesloft reads them in a query; nothing, in whatever form, is no filter."""
    if not isinstance(value, dict):
        return value
    shown = {name: str(one).lower() if isinstance(one, bool) else one for name, one in value.items()}
    texts = {name: str(one) if type(one) is int else one for name, one in shown.items()}
    return {name: one for name, one in texts.items() if one not in (None, "", [], {})}


Term = Annotated[str, Field(strict=True, max_length=255)]
Filters = Annotated[
    dict[str, Term], BeforeValidator(_as_texts), WithJsonSchema({"type": "object", "description": MORE_FILTERS})
]
NO_FILTERS: dict[str, str] = {}


class Records(answers.Answer):
    records: list[answers.RecordView] = Field(description="The records that were found.")
    missing: list[str] = Field([], description="The external ids that no record has.")
    not_shown: list[str] = Field(
        [], description="The external ids of records that are gone, or hidden from this token."
    )
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


async def search_records(
    ctx: Context[App, Any],
    object_type: arguments.KindOfRecord,
    email: Annotated[Term, Field(description="The e-mail address of people or users.")] = "",
    name: Annotated[Term, Field(description="The exact name of accounts, or a part of the name of users.")] = "",
    domain: Annotated[Term, Field(description="The domain of accounts.")] = "",
    crm_id: Annotated[Term, Field(description="The id of people or accounts in the connected CRM.")] = "",
    filters: Filters = NO_FILTERS,
    limit: arguments.Limit = 10,
    cursor: arguments.Cursor = 0,
) -> Annotated[CallToolResult, Search]:
    """Search Salesloft records by e-mail, name, domain, CRM id or other fields, for example to find the object_id of a
    record that is to be mapped."""
    app = ctx.request_context.lifespan_context
    terms = {"email": email, "name": name, "domain": domain, "crm_id": crm_id}
    given = {term: value for term, value in terms.items() if value}
    if twice := next((term for term in filters if term in given), None):
        raise InputError(twice, "is given by itself and in filters.", next_step="leave one of them out.")
    given |= filters
    keys = _keys(object_type, given)
    given |= {term: key.text for term, key in keys.items()}
    found = await search(app.salesloft, object_type, given, page=cursor or 1, per_page=limit)
    view = Search(records=list(map(answers.record_view, found.rows)), next_cursor=answers.cursor(found))
    found_here = len(found.rows)
    sentence = f"{found_here} {SINGULAR[object_type] if found_here == 1 else object_type} on this page."
    notes = [f" {told}." for term, key in keys.items() if (told := key.told(term))]
    return answers.read(sentence + answers.left_out(found) + "".join(notes), view)


def _keys(object_type: ObjectType, given: Mapping[str, str]) -> dict[str, values.Key]:
    """Those of the terms that a record must hold as they are, checked and taken out of what stands around them."""
    checks: dict[str, Callable[[str], values.Key]] = {"crm_id": partial(values.crm_id, object_type=object_type)}
    if object_type != "users":  # whose search takes a part of an address
        checks["email"] = values.email
    checks["domain"] = _domain
    return {term: check(given[term]) for term, check in checks.items() if term in given}


def _domain(text: str) -> values.Key:
    """A URL stays one, because an account may hold all of it; its host is looked for after it."""
    key = values.domain(text)
    return values.Key(trimmed(text)) if "/" in text else key
