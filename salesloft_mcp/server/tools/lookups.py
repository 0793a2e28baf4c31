"""External ids to records, and records to be mapped."""

from collections.abc import Sequence
from itertools import islice
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult
from pydantic import Field

from salesloft_mcp.app import App
from salesloft_mcp.changes.refusals import unless_configured
from salesloft_mcp.errors import InputError, NotFoundError
from salesloft_mcp.lookups.configurations import nearest_types
from salesloft_mcp.lookups.near_misses import Near, elsewhere
from salesloft_mcp.lookups.resolve import Answer, Found, Scope
from salesloft_mcp.lookups.search import TERMS, search
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.salesloft.models import Mapping, ObjectType
from salesloft_mcp.server.answers import (
    MAX_CHARACTERS,
    ROOM_FOR_ROWS,
    ExternalIdField,
    ExternalTypeField,
    NextCursor,
    ObjectIdField,
    ObjectTypeField,
    PointsSpent,
    RecordView,
    View,
    count,
    fitting,
    read,
    record_view,
    size_of,
)
from salesloft_mcp.server.arguments import (
    AnyExternalType,
    AnyObjectType,
    Cursor,
    Detail,
    ExternalIds,
    ExternalType,
    Limit,
    ManyExternalIds,
    ObjectTypeArgument,
    typed,
)
from salesloft_mcp.text import escaped

MOST_NEAR = 20

Term = Annotated[str, Field(strict=True, max_length=255)]


class Objects(View):
    external_type: ExternalTypeField
    object_type: ObjectTypeField
    ids: dict[str, int] = Field(description="Each external id with Salesloft's id of its record.")


class Candidate(View):
    external_type: ExternalTypeField
    object_type: ObjectTypeField
    object_id: ObjectIdField


class NearMiss(Candidate):
    external_id: ExternalIdField
    why: str = Field(description="What differs from the id that was asked for.")


class Resolved(View):
    found: list[Objects] = Field(description="The ids that stand for one record each, by type.")
    ambiguous: dict[str, list[Candidate]] | None = Field(
        None, description="The ids that stand for several records, each with all of them. None is chosen."
    )
    missing: list[str] | None = Field(None, description="The ids that are not mapped.")
    near: dict[str, list[NearMiss]] | None = Field(
        None, description="Mappings that look like a missing id. They are offered and never used."
    )
    near_types: list[str] | None = Field(None, description="External types that exist and are like the given one.")
    record: RecordView | None = Field(None, description="The record, where one id was asked for.")
    points_spent: PointsSpent


class Records(View):
    records: list[RecordView] = Field(description="The records that were found.")
    missing: list[str] | None = Field(None, description="The external ids that no record has.")
    omitted: int | None = Field(None, description="How many records did not fit; ask for fewer ids.")
    points_spent: PointsSpent


class Search(View):
    records: list[RecordView] = Field(description="The records that were found.")
    next_cursor: NextCursor | None = None
    points_spent: PointsSpent


async def resolve_external_ids(
    ctx: Context[App, Any],
    external_ids: ManyExternalIds,
    external_type: AnyExternalType = "",
    object_type: AnyObjectType = "",
) -> Annotated[CallToolResult, Resolved]:
    """Resolve external ids to Salesloft people, accounts or users. Tells the object_id of each id, and which ids are
    missing or ambiguous. A single id also gives its record."""
    app = ctx.request_context.lifespan_context
    scope = Scope(external_type, typed(object_type))
    _check_size(external_ids)
    answer = await app.lookups.resolve(external_ids, scope)
    found = answer.found
    single, ambiguous, missing = _sorted_out(found)
    record = await _only_record(app, found, single)
    nothing_found = len(missing) == len(found)  # a hit proves that the type exists
    near_types = await _near_types(app, scope) if external_type and nothing_found else None
    view = Resolved(
        found=_grouped(single),
        ambiguous={escaped(one): _candidates(rows) for one, rows in ambiguous.items()} or None,
        missing=[escaped(one) for one in missing] or None,
        near=_near(answer.near | await _elsewhere(app, answer, missing, scope)),
        near_types=near_types,
        record=record,
        points_spent=current().points,
    )
    return read(_resolved_sentence(found, single, ambiguous), _fitted(view))


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
        rows = await app.salesloft.list_records(external_type, object_type, wanted)
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
    given = _searchable(object_type, {term: value for term, value in terms.items() if value})
    found = await search(app.salesloft, object_type, given, page=int(cursor or 1), per_page=limit)
    view = Search(
        records=[record_view(row) for row in found.rows],
        next_cursor=str(found.next_page) if found.next_page else None,
        points_spent=current().points,
    )
    return read(f"{count(len(found.rows), 'record')} of {object_type} on this page.", view)


def _check_size(external_ids: Sequence[str]) -> None:
    """Refuse what no host could take the answer of, before points are spent on it: it holds each id at least once."""
    size = sum(len(one) + 3 for one in dict.fromkeys(external_ids))
    if size > MAX_CHARACTERS:
        what = f"have {size} characters together, and an answer may hold {MAX_CHARACTERS}."
        raise InputError("external_ids", what, next_step="ask for fewer ids at a time.")


def _fitted(view: Resolved) -> Resolved:
    """The view without what nobody asked for, should it be too large otherwise."""
    return view if size_of(view) <= ROOM_FOR_ROWS else view.model_copy(update={"near": None})


def _sorted_out(found: Found) -> tuple[dict[str, Mapping], dict[str, list[Mapping]], list[str]]:
    single, ambiguous, missing = {}, {}, []
    for external_id, rows in found.items():
        objects = {(row.object_type, row.object_id) for row in rows}
        if len(objects) > 1:
            ambiguous[external_id] = rows
        elif rows:
            single[external_id] = rows[0]
        else:
            missing.append(external_id)
    return single, ambiguous, missing


def _grouped(single: dict[str, Mapping]) -> list[Objects]:
    groups: dict[tuple[str, str], dict[str, int]] = {}
    for external_id, row in single.items():
        groups.setdefault((escaped(row.external_type), row.object_type), {})[escaped(external_id)] = row.object_id
    return [Objects(external_type=kind, object_type=of, ids=ids) for (kind, of), ids in groups.items()]


def _candidates(rows: Sequence[Mapping]) -> list[Candidate]:
    return [
        Candidate(external_type=escaped(row.external_type), object_type=row.object_type, object_id=row.object_id)
        for row in rows
    ]


async def _only_record(app: App, found: Found, single: dict[str, Mapping]) -> RecordView | None:
    if len(found) != 1 or not single:
        return None
    row = next(iter(single.values()))
    record = await app.salesloft.get_object(row.object_type, row.object_id)
    return None if record is None else record_view(record)


async def _near_types(app: App, scope: Scope) -> list[str] | None:
    known = await app.configurations.live()
    object_type = scope.object_type
    if any(one.external_type == scope.external_type and object_type in (None, one.object_type) for one in known):
        return None
    return [escaped(one) for one in nearest_types(scope.external_type, object_type, known)] or None


async def _elsewhere(app: App, answer: Answer, missing: list[str], scope: Scope) -> dict[str, list[Near]]:
    """One id alone is worth a point to see whether it is held outside of `scope`; others are offered what was seen."""
    if len(missing) != 1 or scope == Scope() or missing[0] in answer.near:
        return {}
    outside = await app.lookups.resolve(missing, Scope())
    found = elsewhere(outside.found[missing[0]], scope.external_type, scope.object_type)
    return {missing[0]: found} if found else {}


def _near(near: dict[str, list[Near]]) -> dict[str, list[NearMiss]] | None:
    """At most twenty of them, in the order of the ids they are for."""
    offers = islice(((asked, one) for asked, rows in near.items() for one in rows), MOST_NEAR)
    shown: dict[str, list[NearMiss]] = {}
    for asked, one in offers:
        (candidate,) = _candidates([one.mapping])
        miss = NearMiss(**candidate.model_dump(), external_id=escaped(one.mapping.external_id), why=one.why)
        shown.setdefault(escaped(asked), []).append(miss)
    return shown or None


async def _missing(app: App, wanted: list[str], records: int, scope: Scope) -> list[str]:
    """A hundred answers cost a point, and prove the two clear cases; else the mappings have to tell.

    More records than ids mean that one id stands for several, so another may be missing all the same.
    """
    if records == 0:
        return wanted
    if records == len(wanted) or len(wanted) == 1:
        return []
    answer = await app.lookups.resolve(wanted, scope)
    return [external_id for external_id, rows in answer.found.items() if not rows]


def _resolved_sentence(found: Found, single: dict[str, Mapping], ambiguous: dict[str, list[Mapping]]) -> str:
    if len(found) == 1 and single:
        row = next(iter(single.values()))
        return f"It is {row.object_type} {row.object_id}."
    if len(found) == 1:
        return "It stands for several objects; give external_type." if ambiguous else "It is not mapped."
    return f"{len(single)} of {count(len(found), 'id')} resolved."


def _searchable(object_type: ObjectType, terms: dict[str, str]) -> dict[str, str]:
    usable = TERMS[object_type]
    for term in terms:
        if term not in usable:
            what = f"Salesloft cannot search {object_type} by {term}."
            raise InputError(term, what, next_step=f"use {' or '.join(usable)} for {object_type}.")
    if not terms:
        raise InputError("search", "nothing to search for.", next_step=f"give {' or '.join(usable)}.")
    if len({usable[term].parameter for term in terms}) < len(terms):
        what = f"Salesloft searches {object_type} by one of these at a time."
        raise InputError(next(iter(terms)), what, next_step=f"give one of {' and '.join(usable)}.")
    return terms
