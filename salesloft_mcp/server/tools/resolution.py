"""External ids to objects."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult
from pydantic import Field, WithJsonSchema

from salesloft_mcp.app import App
from salesloft_mcp.errors import ApiError, InputError, SalesloftMcpError
from salesloft_mcp.lookups.near_misses import Near
from salesloft_mcp.lookups.resolve import Resolution
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.salesloft.models import SINGULAR, Scope
from salesloft_mcp.salesloft.models import Mapping as MappingRow
from salesloft_mcp.server.answers import RecordView, View, count, read, record_view
from salesloft_mcp.server.arguments import AnyExternalType, AnyObjectType, ManyExternalIds, typed
from salesloft_mcp.text import escaped, quoted

MOST_NEAR = 20
MOST_CHARACTERS = 39_000  # of an answer: hosts cut at 10,000 tokens of about four
HIDDEN = "it is gone, or hidden from this token."


class Objects(View):
    external_type: str
    object_type: str
    ids: Annotated[dict[str, int], Field(description="external id to object id")]


class Candidate(View):
    external_type: str
    object_type: str
    object_id: int


class NearMiss(Candidate):
    external_id: str
    why: str


class Resolved(View):
    found: list[Objects]
    ambiguous: Annotated[dict[str, list[Candidate]] | None, Field(description="Ids of several objects")] = None
    missing: list[str] | None = None
    near: Annotated[
        dict[str, list[NearMiss]] | None,
        WithJsonSchema({"type": "object", "description": "Near misses of missing ids, never used; why: what differs"}),
    ] = None
    near_types: Annotated[list[str] | None, Field(description="The type is not configured; existing ones near it")] = (
        None
    )
    record: RecordView | None = None
    no_record: Annotated[str | None, Field(description="Why the record is not here; the mapping is right")] = None
    points_spent: int


async def resolve_external_ids(
    ctx: Context[App, Any],
    external_ids: ManyExternalIds,
    external_type: AnyExternalType = "",
    object_type: AnyObjectType = "",
) -> Annotated[CallToolResult, Resolved]:
    """Find which Salesloft person, account or user each external id stands for. One id also gives the record."""
    app = ctx.request_context.lifespan_context
    _check_size(external_ids)
    resolution = await app.lookups.resolve(external_ids, Scope(external_type, typed(object_type)))
    found, ambiguous = resolution.of("found"), resolution.of("ambiguous")
    record, no_record = None, None
    if len(resolution.mappings) == len(found) == 1:
        record, no_record = await _record(app, *found.values())
    view = Resolved(
        found=_grouped(found),
        ambiguous={escaped(one): [_candidate(row) for row in rows] for one, rows in ambiguous.items()} or None,
        missing=[escaped(one) for one in resolution.of("missing")] or None,
        near=_near_misses(resolution.near),
        near_types=None if resolution.near_types is None else [escaped(one) for one in resolution.near_types],
        record=record,
        no_record=no_record,
        points_spent=current().points,
    )
    return read(_sentence(resolution, external_type, no_record), _fitted(view))


async def _record(app: App, rows: Sequence[MappingRow]) -> tuple[RecordView | None, str | None]:
    """The record that is mapped, or why it cannot be shown: the mapping is worth telling all the same."""
    try:
        record = await app.salesloft.get_object(rows[0].object_type, rows[0].object_id)
    except ApiError as error:
        return None, f"{error.what} {error.next_step}".strip()
    return (None, HIDDEN) if record is None else (record_view(record), None)


def _sentence(resolution: Resolution, external_type: str, no_record: str | None) -> str:
    if len(resolution.mappings) > 1:
        words = f"{len(resolution.of('found'))} of {count(len(resolution.mappings), 'id')} resolved."
    elif found := resolution.of("found"):
        ((row, *_),) = found.values()
        words = f"It is {SINGULAR[row.object_type]} {row.object_id}."
    elif resolution.of("ambiguous"):
        words = "It stands for several objects; give external_type."
    else:
        words = "It is not mapped."
    if no_record:
        words += f" Its record is not shown: {no_record}"
    if resolution.near_types is not None:
        words += f" The type {quoted(external_type)} is not configured."
    return words


def _grouped(found: Mapping[str, Sequence[MappingRow]]) -> list[Objects]:
    groups: dict[tuple[str, str], dict[str, int]] = {}
    for external_id, (row, *_) in found.items():
        groups.setdefault((escaped(row.external_type), row.object_type), {})[escaped(external_id)] = row.object_id
    return [Objects(external_type=kind, object_type=of, ids=ids) for (kind, of), ids in groups.items()]


def _candidate(row: MappingRow) -> Candidate:
    return Candidate(external_type=escaped(row.external_type), object_type=row.object_type, object_id=row.object_id)


def _near_misses(near: Mapping[str, Iterable[Near]]) -> dict[str, list[NearMiss]] | None:
    """At most twenty of them, in the order of the ids they are for."""
    offers = islice(((asked, one) for asked, rows in near.items() for one in rows), MOST_NEAR)
    shown: dict[str, list[NearMiss]] = {}
    for asked, one in offers:
        held = escaped(one.mapping.external_id)
        miss = NearMiss(**_candidate(one.mapping).model_dump(), external_id=held, why=one.why)
        shown.setdefault(escaped(asked), []).append(miss)
    return shown or None


def _check_size(external_ids: Sequence[str]) -> None:
    """Refuse what no host could take the answer of, before points are spent on it: it holds each id at least once."""
    size = sum(len(one) + 3 for one in dict.fromkeys(external_ids))
    if size > MOST_CHARACTERS:
        what = f"have {size} characters together, and an answer may hold {MOST_CHARACTERS}."
        raise InputError("external_ids", what, next_step="ask for fewer ids at a time.")


def _fitted(view: Resolved) -> Resolved:
    """The view without what nobody asked for, should it be too large otherwise.

    Raises:
        SalesloftMcpError: that does not help either.
    """
    if len(view.model_dump_json(exclude_none=True)) > MOST_CHARACTERS:
        view = view.model_copy(update={"near": None})
    if (size := len(view.model_dump_json(exclude_none=True))) > MOST_CHARACTERS:
        what = f"the answer has {size} characters, and hosts take about {MOST_CHARACTERS}."
        raise SalesloftMcpError(what, next_step="ask for fewer ids at a time.")
    return view
