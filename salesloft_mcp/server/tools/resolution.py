"""External ids to objects."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import islice
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult
from pydantic import Field

from salesloft_mcp.app import App
from salesloft_mcp.errors import ApiError, InputError
from salesloft_mcp.lookups.near_misses import Near
from salesloft_mcp.lookups.resolve import Resolution
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.salesloft.models import SINGULAR, Scope
from salesloft_mcp.salesloft.models import Mapping as MappingRow
from salesloft_mcp.server.answers import (
    MAX_CHARACTERS,
    ExternalIdField,
    ExternalTypeField,
    ObjectIdField,
    ObjectTypeField,
    PointsSpent,
    RecordView,
    View,
    count,
    read,
    record_view,
    size_of,
)
from salesloft_mcp.server.arguments import AnyExternalType, AnyObjectType, ManyExternalIds, typed
from salesloft_mcp.text import escaped, quoted

MOST_NEAR = 20
HIDDEN = "it is gone, or hidden from this token."


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
    near_types: list[str] | None = Field(
        None, description="The given type is not configured; these exist and are like it."
    )
    record: RecordView | None = Field(None, description="The record, where one id was asked for.")
    no_record: str | None = Field(None, description="Why the record is not shown. The mapping is right all the same.")
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
    if size > MAX_CHARACTERS:
        what = f"have {size} characters together, and an answer may hold {MAX_CHARACTERS}."
        raise InputError("external_ids", what, next_step="ask for fewer ids at a time.")


def _fitted(view: Resolved) -> Resolved:
    """The view without what nobody asked for, should it be too large otherwise."""
    return view if size_of(view) <= MAX_CHARACTERS else view.model_copy(update={"near": None})
