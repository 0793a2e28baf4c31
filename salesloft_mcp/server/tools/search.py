"""People, accounts and users, by what Salesloft itself knows of them."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult
from pydantic import BeforeValidator, Field, WithJsonSchema

from salesloft_mcp.app import App
from salesloft_mcp.errors import ApiError, InputError
from salesloft_mcp.intake import values
from salesloft_mcp.intake.characters import trimmed
from salesloft_mcp.lookups.names import Names, read_names
from salesloft_mcp.lookups.searches import Found, Wanted, find, usable_names
from salesloft_mcp.lookups.terms import term
from salesloft_mcp.lookups.whose import Whose, account_of, owner_of
from salesloft_mcp.salesloft.models import SINGULAR, ObjectType, Page, Record, name_of, one_record
from salesloft_mcp.server import answers, arguments, search_cursor
from salesloft_mcp.text import quoted

MORE_FILTERS = (
    "Other fields, a value or a list each: city, state, country, job_seniority, person_stage_id, industry, website, "
    "has_crm_id, archived, active, custom_fields[Name]."
)
# What is compared as it is written, and may be written otherwise.
_PLACES = ' Places are compared as they are stored, which may be "TX" or "Texas", "USA" or "United States".'
OTHERWISE = {
    "title": ' Titles are written in many ways; filters {"job_seniority": "vice_president"} finds them all.',
    "state": _PLACES,
    "country": _PLACES,
}


def _id_as_text(value: object) -> object:
    """An id is a number in JSON, and a text in a query."""
    is_whole = type(value) is int or (isinstance(value, float) and value.is_integer())
    return str(int(value)) if is_whole and isinstance(value, int | float) else value


def _as_text(value: object) -> object:
    """Numbers and flags as Salesloft reads them in a query."""
    return str(value).lower() if isinstance(value, bool) else _id_as_text(value)


def _as_texts(value: object) -> object:
    """Each filter with a list of texts; nothing, in whatever form, is no filter."""
    if not isinstance(value, dict):
        return value
    custom = value.get("custom_fields")
    if isinstance(custom, dict) and not any(f"custom_fields[{name}]" in value for name in custom):
        value = {name: one for name, one in value.items() if name != "custom_fields"}
        value |= {f"custom_fields[{name}]": one for name, one in custom.items()}
    several = {name: one if isinstance(one, list) else [one] for name, one in value.items()}
    texts = {name: [_as_text(each) for each in one if each not in (None, "", [], {})] for name, one in several.items()}
    return {name: one for name, one in texts.items() if one}


Term = Annotated[str, Field(strict=True, max_length=255)]
NameOrId = Annotated[Term, BeforeValidator(_id_as_text)]
Filters = Annotated[
    dict[str, list[Term]], BeforeValidator(_as_texts), WithJsonSchema({"type": "object", "description": MORE_FILTERS})
]
NO_FILTERS: dict[str, list[str]] = {}


class Search(answers.Answer):
    records: list[answers.RecordView] = Field(description="The records that were found.")
    next_cursor: answers.NextCursor | None = None


async def search_records(
    ctx: Context[App, Any],
    object_type: arguments.KindOfRecord,
    name: Annotated[Term, Field(description="The name or words of it.")] = "",
    email: Annotated[Term, Field(description="The e-mail address.")] = "",
    account: Annotated[NameOrId, Field(description="The account of people: name, domain or id.")] = "",
    title: Annotated[Term, Field(description="A part of the job title.")] = "",
    owner: Annotated[NameOrId, Field(description="The owner: name, e-mail, id or me.")] = "",
    domain: Annotated[Term, Field(description="The domain of accounts.")] = "",
    crm_id: Annotated[Term, Field(description="The id in the CRM.")] = "",
    without_external_type: Annotated[
        arguments.ExternalType, Field(description="Only records without an id of this type.")
    ] = "",
    filters: Filters = NO_FILTERS,
    limit: arguments.Limit = 10,
    cursor: search_cursor.Given = None,
) -> Annotated[CallToolResult, Search]:
    """Search records by their own fields, such as name, e-mail, account, domain, title or city; also without an
    external id, or to find an object_id."""
    app = ctx.request_context.lifespan_context
    own = {"name": name, "email": email, "account": account, "title": title, "owner": owner, "domain": domain}
    wanted, notes = _wanted(object_type, {**own, "crm_id": crm_id}, filters)
    if not wanted and not without_external_type:
        raise InputError("search", "nothing to search for.", next_step=f"give {usable_names(object_type)}.")
    if without_external_type:
        await _check_type(app, without_external_type, object_type)
    by = answers.filtered(**{quoted(name, 40) if "[" in name else name: True for name in wanted}) if wanted else ""
    whose = await _whose(app, object_type, wanted)
    wanted |= {f"{field}_id": [str(one.id)] for field, one in whose.items()}
    found = await find(app.salesloft, object_type, wanted, without_external_type, cursor, limit)
    if not found.rows and not found.looked:
        notes += [await _nobody(app, object_type, wanted, whose)]
    notes = [f" {field.capitalize()}: {_named(one)}." for field, one in whose.items() if one.name] + notes
    records = await _shown(app, found.rows, whose)
    sentence = _sentence(object_type, found, without_external_type, by, cursor is not None)
    view = Search(records=records, next_cursor=search_cursor.written(found.following))
    return answers.read(sentence + answers.left_out(Page((), unread=found.unread)) + "".join(notes), view)


def _wanted(
    object_type: ObjectType, own: Mapping[str, str], filters: Mapping[str, list[str]]
) -> tuple[dict[str, Sequence[str]], list[str]]:
    """What is searched for by each name, and what was taken out of what stood around it."""
    given: dict[str, Sequence[str]] = {field: [value] for field, value in own.items() if value}
    if twice := next((field for field in filters if field in given or f"{field}_id" in filters), None):
        raise InputError(twice, "is given by itself and in filters.", next_step="leave one of them out.")
    given |= filters
    notes: list[str] = []
    for field, check in _keys(object_type).items():
        keys = [check(value) for value in given.get(field, ())]
        notes += [f" {told}." for key in keys if (told := key.told(field))]
        given |= {field: [key.text for key in keys]} if keys else {}
    return given, notes


def _keys(object_type: ObjectType) -> dict[str, Callable[[str], values.Key]]:
    """The fields that a record must hold as they are, and how they are taken out of what stands around them."""
    checks: dict[str, Callable[[str], values.Key]] = {"crm_id": partial(values.crm_id, object_type=object_type)}
    if object_type != "users":  # whose search takes a part of an address
        checks["email"] = values.email
    checks["domain"] = _domain
    return checks


def _domain(text: str) -> values.Key:
    """A URL stays one, because an account may hold all of it; its host is looked for after it."""
    key = values.domain(text)
    return values.Key(trimmed(text)) if "/" in text else key


async def _check_type(app: App, external_type: str, object_type: ObjectType) -> None:
    """
    Raises:
        InputError: nobody could have an id of this type, and so everybody would lack one.
    """
    near = await app.configurations.nearest(external_type, object_type)
    if near is not None:
        what = f"{quoted(external_type)} is not configured for {object_type}."
        step = f"existing are {', '.join(map(quoted, near))}." if near else "there are no external types for them yet."
        raise InputError("without_external_type", what, next_step=step)


async def _whose(app: App, object_type: ObjectType, wanted: dict[str, Sequence[str]]) -> dict[str, Whose]:
    """The account and the owner that are named, taken out of what is wanted."""
    ways = {"account": account_of} if object_type == "people" else {}
    ways |= {"owner": owner_of} if object_type != "users" else {}
    whose: dict[str, Whose] = {}
    for field, way in ways.items():
        given = wanted.pop(field, ())
        if len(given) > 1 or (given and f"{field}_id" in wanted):
            what = "is given several times, and is one record here."
            raise InputError(field, what, next_step=f"give the ids as a list, as {field}_id in filters.")
        if given:
            kind: ObjectType = "accounts" if field == "account" else "users"
            app.lookups.policy.require_object_type(kind, field)
            whose[field] = await way(app.salesloft, given[0])
    return whose


async def _shown(app: App, rows: Sequence[Record], whose: Mapping[str, Whose]) -> list[answers.RecordView]:
    """The records; of people with the names of their accounts, for a point, because people are known by their company.
    Where these cannot be read the records are worth telling without them.
    """
    views = list(map(answers.record_view, rows))
    if "account" in whose and (name := whose["account"].name):
        for view in views:
            view.account_name = name
    lacking = dict.fromkeys(one.account_id for one in views if one.account_id and not one.account_name)
    accounts: list[tuple[ObjectType, int]] = [("accounts", one) for one in lacking]
    names = await read_names(app.salesloft, app.budget, app.policy.object_types, accounts) if accounts else Names()
    return [answers.record_view(row, account=names.account_of(row)) for row in rows] if names.records else views


async def _nobody(app: App, object_type: ObjectType, wanted: Wanted, whose: Mapping[str, Whose]) -> str:
    """What was compared, where nothing was found; and whether the account or owner of an id is there at all."""
    for field, one in whose.items():
        with suppress(ApiError):  # that nothing was found is worth telling all the same
            if one.name is None and await app.salesloft.get_object(one.object_type, one.id) is None:
                return f" {field.capitalize()}: there is no {one_record(one.object_type, one.id)}, or it is hidden."
    compared = {field: term(object_type, field) for field in wanted}
    told = [
        f"{quoted(field, 40) if one is None or '[' in field else field} ({one.compared if one else 'its words'})"
        for field, one in compared.items()
    ]
    hints = "".join(dict.fromkeys(hint for field, hint in OTHERWISE.items() if field in wanted))
    return f" Compared: {', '.join(told)}. Try fewer fields, or less of a name.{hints}" if told else ""


def _named(one: Whose) -> str:
    return f"{quoted(one.name or '')} ({one_record(one.object_type, one.id)})"


def _sentence(object_type: ObjectType, found: Found, without: str, by: str, goes_on: bool) -> str:
    """How many records there are of how many that were looked at, and whether there may be more."""
    rows, more = len(found.rows), found.following is not None
    which = "the next " if goes_on else "the first " if more else ""
    looked = f"{which}{found.looked} {object_type if found.looked != 1 else SINGULAR[object_type]}"
    kind = object_type if rows != 1 else SINGULAR[object_type]
    bound = " This is as far as one call reads." if found.stopped else ""
    if found.by_words and not (rows or more):
        near = ", ".join(f"{quoted(name_of(one))} ({one_record(object_type, one.id)})" for one in found.near)
        elsewhere = " A company belongs into account, a job into title." if object_type == "people" else ""
        bound = f" Each word has to begin a word of the name.{f' Nearly so called: {near}.' if near else elsewhere}"
    if without and found.looked:
        have = "has" if rows == 1 else "have"
        words = f"{rows} of {looked}{by} {have} no {quoted(without)} id"
    elif found.by_words and found.looked:
        words = f"{rows} {kind}{by}; the names of {looked} were compared"
    elif not rows and not goes_on:
        words = f"No {SINGULAR[object_type]} fits"
    else:
        page = " on this page" if goes_on else ""
        words = f"{rows} {kind}{page}{by}{', the last one' if page and rows and not more else ''}"
    return f"{words}{'; more with next_cursor' if more else ''}.{bound}"
