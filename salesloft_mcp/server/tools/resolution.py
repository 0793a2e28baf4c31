"""External ids to objects."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from operator import itemgetter
from typing import Annotated, Any, TypeVar

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult
from pydantic import Field

from salesloft_mcp.app import App
from salesloft_mcp.errors import InputError
from salesloft_mcp.lookups.names import MOST, WIDTH, Names, read_names
from salesloft_mcp.lookups.near_misses import Near
from salesloft_mcp.lookups.resolve import Resolution
from salesloft_mcp.salesloft import models
from salesloft_mcp.server import answers, arguments
from salesloft_mcp.text import View

MOST_NEAR = 20
ROOM_WITH_NAMES = 9_600  # characters of the data; with its sentence, an answer with names has at most 2,500 tokens
ROOM_FOR_ONE = 550  # of them for one id, so that an answer has at most 150
WIDTHS = (WIDTH, 40, 30, 24, 18, 12)  # of each part of a name; the first that fits that room is taken
UNNAMED = Names()


class Objects(View):
    external_type: answers.ExternalTypeField
    object_type: answers.ObjectTypeField
    ids: dict[str, int] = Field(description="Each external id with Salesloft's id of its record.")
    names: dict[str, str] = Field({}, description="Each external id with name, title or e-mail, and account.")


class Candidate(View):
    external_type: answers.ExternalTypeField
    object_type: answers.ObjectTypeField
    object_id: answers.ObjectIdField
    name: str | None = Field(
        None, description="Name, title or e-mail, and account; with the first of the rows of one record."
    )


CandidateT = TypeVar("CandidateT", bound=Candidate)


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
        {}, description="Mappings that look like a missing id, the likeliest first. They are offered and never used."
    )
    suspicious: dict[str, str] = Field({}, description="Why missing ids look damaged, or like something else.")
    near_types: list[str] | None = Field(
        None, description="The given type is not configured; these exist, the nearest first."
    )
    record: answers.RecordView | None = Field(None, description="The record, where one id was asked for.")
    no_record: str | None = Field(
        None, description="Why records, or names, are not shown. The ids are right all the same."
    )


async def resolve_external_ids(
    ctx: Context[App, Any],
    external_ids: arguments.ManyExternalIds,
    external_type: arguments.OnlyType = "",
    object_type: arguments.OnlyKind = None,
    records: arguments.Records = True,
) -> Annotated[CallToolResult, Resolved]:
    """Resolve external ids: look up which person, account or user each stands for, with name and object_id, and which
    are missing or ambiguous."""
    app = ctx.request_context.lifespan_context
    _check_size(external_ids)
    resolution = await app.lookups.resolve(external_ids, models.Scope(external_type, object_type))
    near, names = _nearest(resolution.near), UNNAMED
    if records and len(resolution.mappings) <= MOST:
        shown = [*_rows(resolution.of("found")), *_rows(resolution.of("ambiguous"))]
        shown += [one.mapping for misses in near.values() for one in misses]
        objects = [(row.object_type, row.object_id) for row in shown]
        names = await read_names(app.salesloft, app.budget, app.policy.object_types, objects)
    view = _fitting(resolution, near, names)
    if answers.size_of(view) > answers.MAX_CHARACTERS:
        view.near, view.suspicious = {}, {}  # nobody asked for these
    return answers.read(_sentence(resolution, external_type, object_type, view), view)


def _fitting(resolution: Resolution, near: Mapping[str, Sequence[Near]], names: Names) -> Resolved:
    """The answer with names as long as there is room for."""
    room = ROOM_FOR_ONE if len(resolution.mappings) == 1 else ROOM_WITH_NAMES
    for width in WIDTHS:
        view = _view(resolution, near, names, width)
        if not names.records or answers.size_of(view) <= room:
            return view
    if answers.size_of(view) <= answers.MAX_CHARACTERS:
        return view
    return _view(resolution, near, Names(problems=("ids of this length leave no room for it; ask for fewer.",)), WIDTH)


def _view(resolution: Resolution, near: Mapping[str, Sequence[Near]], names: Names, width: int) -> Resolved:
    found, ambiguous = resolution.of("found"), resolution.of("ambiguous")
    single = next(_rows(found), None) if len(resolution.mappings) == 1 else None
    record = names.records.get((single.object_type, single.object_id)) if single else None
    return Resolved(
        found=_grouped(found, UNNAMED if single else names, width),
        ambiguous={one: _once([_candidate(row, names, width) for row in rows]) for one, rows in ambiguous.items()},
        missing=list(resolution.of("missing")),
        near={one: _once([_near_miss(miss, names, width) for miss in misses]) for one, misses in near.items()},
        suspicious=dict(islice(resolution.suspicious.items(), MOST_NEAR)),
        near_types=resolution.near_types,
        record=_shown(record, names) if record else None,
        no_record=_lacking(names, bool(single)),
    )


def _shown(record: models.Record, names: Names) -> answers.RecordView:
    view = answers.record_view(record, account=names.account_of(record))
    view.crm_url = answers.web_address(record.shown("crm_url"))
    return view


def _candidate(row: models.Mapping, names: Names, width: int) -> Candidate:
    name = names.line((row.object_type, row.object_id), width)
    return Candidate(external_type=row.external_type, object_type=row.object_type, object_id=row.object_id, name=name)


def _near_miss(miss: Near, names: Names, width: int) -> NearMiss:
    candidate = _candidate(miss.mapping, names, width)
    return NearMiss(**dict(candidate), external_id=miss.mapping.external_id, why=miss.why)


def _once(rows: list[CandidateT]) -> list[CandidateT]:
    """A record that stands there several times is named once."""
    told: set[tuple[str, int]] = set()
    for row in rows:
        if (key := (row.object_type, row.object_id)) in told:
            row.name = None
        told.add(key)
    return rows


def _lacking(names: Names, single: bool) -> str | None:
    """Why some records, or their accounts, are not shown: the ids are worth telling all the same."""
    what = "it is" if single else "1 record is" if names.lacking == 1 else f"{names.lacking} records are"
    gone = [f"{what} gone, or hidden from this token."] if names.lacking else []
    return " ".join([*gone, *names.problems]) or None


def _sentence(resolution: Resolution, external_type: str, object_type: models.ObjectType | None, view: Resolved) -> str:
    if len(resolution.mappings) > 1:
        words = f"{len(resolution.of('found'))} of {answers.count(len(resolution.mappings), 'id')} resolved"
        words += "".join(f", {len(ids)} {one}" for one in ("ambiguous", "missing") if (ids := resolution.of(one)))
        words += f", {len(view.near)} of them with a near miss." if view.near else "."
        lacking = " Not every record is shown:"
    else:
        (rows,) = resolution.mappings.values()
        words = _one_id(rows, [miss for misses in view.near.values() for miss in misses])
        words += "".join(f" What is odd about it: {why}." for why in view.suspicious.values() if not view.near)
        lacking = " Its account is not shown:" if view.record else " Its record is not shown:"
    if view.no_record:
        words += f"{lacking} {view.no_record}"
    if resolution.near_types is not None:
        words += f" {answers.not_configured(external_type, object_type)}."
    return words


def _one_id(rows: Sequence[models.Mapping], near: Sequence[NearMiss]) -> str:
    objects = {(row.object_type, row.object_id) for row in rows}
    if len(objects) == 1:
        return f"It is {models.one_record(rows[0].object_type, rows[0].object_id)}."
    if objects:
        apart = ("external_type", "object_type")
        wanted = next((f"; give {one}" for one in apart if len({getattr(row, one) for row in rows}) > 1), "")
        return f"It stands for {len(objects)} records{wanted}."
    same = [one for one in near if one.why in ("external_type", "object_type")]
    types = answers.count(len({one.external_type for one in same}), "other type")
    where = "of another object_type" if any(one.why == "object_type" for one in same) else f"under {types}"
    told = [f"The same id is mapped {where}."] if same else []
    if nearly := len(near) - len(same):
        told += [f"{answers.count(nearly, 'mapping')} {'is' if nearly == 1 else 'are'} nearly the same."]
    return " ".join([f"It is not mapped{' as asked' if same else ''}.", *told])


def _rows(found: Mapping[str, Sequence[models.Mapping]]) -> Iterator[models.Mapping]:
    return (row for rows in found.values() for row in rows)


def _grouped(found: Mapping[str, Sequence[models.Mapping]], names: Names, width: int) -> list[Objects]:
    groups: dict[tuple[str, models.ObjectType], list[tuple[str, int]]] = {}
    for external_id, (row, *_) in found.items():
        groups.setdefault((row.external_type, row.object_type), []).append((external_id, row.object_id))
    return [
        Objects(
            external_type=kind,
            object_type=of,
            ids=dict(ids),
            names={one: line for one, object_id in ids if (line := names.line((of, object_id), width))},
        )
        for (kind, of), ids in groups.items()
    ]


def _nearest(near: Mapping[str, Sequence[Near]]) -> dict[str, list[Near]]:
    """At most twenty of them: the likeliest of each id before the second of any, in the order of the ids."""
    ranked = [(rank, asked) for asked, misses in near.items() for rank in range(len(misses))]
    shown = Counter(asked for _, asked in sorted(ranked, key=itemgetter(0))[:MOST_NEAR])
    return {asked: list(misses[: shown[asked]]) for asked, misses in near.items() if shown[asked]}


def _check_size(external_ids: Sequence[str]) -> None:
    """Refuse what no host could take the answer of, before points are spent on it: it holds each id at least once."""
    size = sum(len(one) + 3 for one in dict.fromkeys(external_ids))
    if size > answers.MAX_CHARACTERS:
        what = f"have {size} characters together, and an answer may hold {answers.MAX_CHARACTERS}."
        raise InputError("external_ids", what, next_step="ask for fewer ids at a time.")
