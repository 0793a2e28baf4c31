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
from salesloft_mcp.salesloft import models
from salesloft_mcp.server import answers, arguments
from salesloft_mcp.text import View

MOST_NEAR = 20
HIDDEN = "it is gone, or hidden from this token."


class Objects(View):
    external_type: answers.ExternalTypeField
    object_type: answers.ObjectTypeField
    ids: dict[str, int] = Field(description="Each external id with Salesloft's id of its record.")


class Candidate(View):
    external_type: answers.ExternalTypeField
    object_type: answers.ObjectTypeField
    object_id: answers.ObjectIdField


class NearMiss(Candidate):
    external_id: answers.ExternalIdField
    why: str = Field(description="What differs from the id that was asked for.")


class Resolved(answers.Answer):
    ours = frozenset({"no_record"})

    found: list[Objects] = Field(description="The ids that stand for one record each, by type.")
    ambiguous: dict[str, list[Candidate]] = Field(
        {}, description="The ids that stand for several records, each with all of them. None is chosen."
    )
    missing: list[str] = Field([], description="The ids that are not mapped.")
    near: dict[str, list[NearMiss]] = Field(
        {}, description="Mappings that look like a missing id. They are offered and never used."
    )
    suspicious: dict[str, str] = Field({}, description="Why missing ids look as if a program had damaged them.")
    near_types: list[str] | None = Field(
        None, description="The given type is not configured; these exist, the nearest first."
    )
    record: answers.RecordView | None = Field(None, description="The record, where one id was asked for.")
    no_record: str | None = Field(None, description="Why the record is not shown. The mapping is right all the same.")


async def resolve_external_ids(
    ctx: Context[App, Any],
    external_ids: arguments.ManyExternalIds,
    external_type: arguments.OnlyType = "",
    object_type: arguments.OnlyKind = None,
) -> Annotated[CallToolResult, Resolved]:
    """Resolve external ids to Salesloft people, accounts or users. Tells the object_id of each id, and which ids are
    missing or ambiguous. A single id also gives its record."""
    app = ctx.request_context.lifespan_context
    _check_size(external_ids)
    resolution = await app.lookups.resolve(external_ids, models.Scope(external_type, object_type))
    found, ambiguous = resolution.of("found"), resolution.of("ambiguous")
    record, no_record = None, None
    if len(resolution.mappings) == len(found) == 1:
        record, no_record = await _record(app, *found.values())
    view = Resolved(
        found=_grouped(found),
        ambiguous={one: [Candidate.model_validate(row) for row in rows] for one, rows in ambiguous.items()},
        missing=list(resolution.of("missing")),
        near=_near_misses(resolution.near),
        suspicious=dict(islice(resolution.suspicious.items(), MOST_NEAR)),
        near_types=resolution.near_types,
        record=record,
        no_record=no_record,
    )
    if answers.size_of(view) > answers.MAX_CHARACTERS:
        view.near, view.suspicious = {}, {}  # nobody asked for these
    return answers.read(_sentence(resolution, external_type, object_type, no_record), view)


async def _record(app: App, rows: Sequence[models.Mapping]) -> tuple[answers.RecordView | None, str | None]:
    """The record that is mapped, or why it cannot be shown: the mapping is worth telling all the same."""
    try:
        record = await app.salesloft.get_object(rows[0].object_type, rows[0].object_id)
    except ApiError as error:
        return None, f"{error.what} {error.next_step}".strip()
    return (None, HIDDEN) if record is None else (answers.record_view(record), None)


def _sentence(
    resolution: Resolution, external_type: str, object_type: models.ObjectType | None, no_record: str | None
) -> str:
    if len(resolution.mappings) > 1:
        others = ", ".join(f"{len(ids)} {one}" for one in ("ambiguous", "missing") if (ids := resolution.of(one)))
        words = f"{len(resolution.of('found'))} of {answers.count(len(resolution.mappings), 'id')} resolved"
        words += f", {others}." if others else "."
    elif found := resolution.of("found"):
        ((row, *_),) = found.values()
        words = f"It is {models.one_record(row.object_type, row.object_id)}."
    elif ambiguous := resolution.of("ambiguous"):
        ((*rows,),) = ambiguous.values()
        apart = ("external_type", "object_type")
        wanted = next((f"; give {one}" for one in apart if len({getattr(row, one) for row in rows}) > 1), "")
        words = f"It stands for several objects{wanted}."
    else:
        words = "It is not mapped."
    if no_record:
        words += f" Its record is not shown: {no_record}"
    if resolution.near_types is not None:
        words += f" {answers.not_configured(external_type, object_type)}."
    return words


def _grouped(found: Mapping[str, Sequence[models.Mapping]]) -> list[Objects]:
    groups: dict[tuple[str, models.ObjectType], dict[str, int]] = {}
    for external_id, (row, *_) in found.items():
        groups.setdefault((row.external_type, row.object_type), {})[external_id] = row.object_id
    return [Objects(external_type=kind, object_type=of, ids=ids) for (kind, of), ids in groups.items()]


def _near_misses(near: Mapping[str, Iterable[Near]]) -> dict[str, list[NearMiss]]:
    """At most twenty of them, in the order of the ids they are for."""
    shown: dict[str, list[NearMiss]] = {}
    for asked, one in islice(((asked, one) for asked, rows in near.items() for one in rows), MOST_NEAR):
        shown.setdefault(asked, []).append(NearMiss.model_validate({**dict(one.mapping), "why": one.why}))
    return shown


def _check_size(external_ids: Sequence[str]) -> None:
    """Refuse what no host could take the answer of, before points are spent on it: it holds each id at least once."""
    size = sum(len(one) + 3 for one in dict.fromkeys(external_ids))
    if size > answers.MAX_CHARACTERS:
        what = f"have {size} characters together, and an answer may hold {answers.MAX_CHARACTERS}."
        raise InputError("external_ids", what, next_step="ask for fewer ids at a time.")
