"""People, accounts and users, by what Salesloft itself knows of them."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult
from pydantic import BeforeValidator, Field, WithJsonSchema

from salesloft_mcp.app import App
from salesloft_mcp.errors import InputError
from salesloft_mcp.intake import values
from salesloft_mcp.intake.characters import trimmed
from salesloft_mcp.lookups.objects import search
from salesloft_mcp.salesloft.models import SINGULAR, ObjectType
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


class Search(answers.Answer):
    records: list[answers.RecordView] = Field(description="The records that were found.")
    next_cursor: answers.NextCursor | None = None


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
