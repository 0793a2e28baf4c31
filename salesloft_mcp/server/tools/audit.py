"""What is wrong with the mappings, and how much of the team they cover."""

from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult
from pydantic import AfterValidator, Field, WithJsonSchema

from salesloft_mcp.app import App
from salesloft_mcp.audit.findings import KINDS, Finding, Kind, Row
from salesloft_mcp.audit.report import Audit
from salesloft_mcp.audit.scan import audit
from salesloft_mcp.errors import InputError, MissingError
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.salesloft.models import Scope
from salesloft_mcp.server.answers import (
    ExternalIdField,
    ExternalTypeField,
    MappingIdField,
    NextCursor,
    ObjectIdField,
    ObjectTypeField,
    PointsSpent,
    View,
    count,
    fitting,
    read,
)
from salesloft_mcp.server.arguments import NEXT_CURSOR, AnyExternalType, AnyObjectType, Limit, typed
from salesloft_mcp.text import did_you_mean, escaped

MOST_POINTS = 300  # half of what the whole team has in a minute, and about ten seconds of reading
MOST_COVERAGE = 100
ROOM_FOR_MAPPINGS = 4_000  # characters, of one finding

Json = dict[str, Any]


def _kind(value: str) -> str:
    if value not in ("", *KINDS):
        raise ValueError(f"is no kind of finding; {did_you_mean(value, KINDS)}")
    return value


AnyKind = Annotated[
    str,
    Field(strict=True),
    AfterValidator(_kind),
    WithJsonSchema({"type": "string", "enum": list(KINDS), "description": "List only findings of this kind."}),
]
Cursor = Annotated[str, Field(strict=True, description=NEXT_CURSOR)]


class CoverageView(View):
    external_type: ExternalTypeField
    object_type: ObjectTypeField
    mappings: int = Field(description="How many live mappings there are of this type.")
    ids: int = Field(description="How many different external ids they have.")
    objects: int = Field(description="How many records they lead to.")
    of: int | None = Field(None, description="How many records of this kind the team has, where that is known.")
    percent: float | None = Field(None, description="The share of these records that has an id of this type.")
    configured: bool | None = Field(None, description="False where no live configuration has this type.")


class Counts(View):
    shared_ids: int = Field(description="External ids that stand for several records.")
    several_ids: int = Field(description="Records with several external ids of one type.")
    orphans: int = Field(description="Mappings to records that are gone or hidden from this token.")
    near_duplicates: int = Field(description="Groups of external ids that look like one id.")
    deleted_mappings: int | None = Field(None, description="Deleted mappings, which were passed over.")
    types_not_shown: int | None = Field(None, description="External types that coverage had no room for.")


class RowView(View):
    external_type: ExternalTypeField | None = None
    object_type: ObjectTypeField | None = None
    external_id: ExternalIdField | None = None
    object_id: ObjectIdField | None = None
    mapping_id: MappingIdField | None = None


class FindingView(RowView):
    """What its mappings have in common stands beside them, and only the rest in each of them."""

    kind: Kind | None = Field(None, description="Absent where one kind was asked for.")
    mappings: list[RowView] | None = Field(None, description="The mappings it is about, where they are several.")
    more: int | None = Field(None, description="How many mappings did not fit.")


class Summary(View):
    coverage: list[CoverageView] | None = Field(None, description="How far the ids of each type reach.")
    counts: Counts | None = Field(None, description="How many findings there are of each kind.")
    findings: list[FindingView] | None = Field(None, description="The findings on this page.")
    next_cursor: NextCursor | None = None
    points_spent: PointsSpent


async def audit_external_ids(
    ctx: Context[App, Any],
    external_type: AnyExternalType = "",
    object_type: AnyObjectType = "",
    kind: AnyKind = "",
    limit: Limit = 20,
    cursor: Cursor = "",
) -> Annotated[CallToolResult, Summary]:
    """Audit external ids for duplicates, orphans and coverage. Without kind and cursor it gives a summary; the
    next_cursor of that lists the findings."""
    app = ctx.request_context.lifespan_context
    scope = Scope(external_type, typed(object_type))
    if cursor:
        name, start, found = _kept(app, cursor, scope)
    else:
        found = await audit(app.salesloft, scope, MOST_POINTS)
        name, start = app.audits.keep(found), 0
    return _page(found, name, start, kind, limit) if cursor or kind else _summary(found, name)


def _kept(app: App, cursor: str, scope: Scope) -> tuple[str, int, Audit]:
    """The audit a cursor belongs to, and the place in it. A cursor that is gone never begins a new audit unasked."""
    name, _, place = cursor.partition(".")
    if not (place.isascii() and place.isdigit() and len(place) < 8):
        raise InputError("cursor", "is not a cursor of an earlier answer.", next_step="leave it out to audit anew.")
    found = app.audits.get(name)
    if found is None:
        what = "cursor: the audit it belongs to is not kept any more."
        raise MissingError(what, next_step="run the audit again, without cursor.")
    if scope not in (Scope(), found.scope):
        what = "belongs to an audit of another external_type or object_type."
        raise InputError("cursor", what, next_step="leave one of them out.")
    return name, int(place), found


def _summary(found: Audit, name: str) -> CallToolResult:
    rows = found.coverage[:MOST_COVERAGE]
    hidden = {"types_not_shown": len(found.coverage) - len(rows)} if len(rows) < len(found.coverage) else {}
    view = Summary(
        coverage=[CoverageView(**row.data()) for row in rows],
        counts=Counts(**found.counts, **hidden),
        next_cursor=f"{name}.0" if found.findings else None,
        points_spent=current().points,
    )
    return read(found.sentence, view)


def _page(found: Audit, name: str, start: int, kind: str, limit: int) -> CallToolResult:
    """Places count in all findings, so one cursor serves every kind."""
    rest = [
        (place, one) for place, one in enumerate(found.findings) if place >= start and (not kind or one.kind == kind)
    ]
    shown = fitting(_finding(one, named=not kind) for _, one in rest[:limit])
    view = Summary(
        findings=shown,
        next_cursor=f"{name}.{rest[len(shown)][0]}" if len(shown) < len(rest) else None,
        points_spent=current().points,
    )
    return read(f"{len(shown)} of {count(len(rest), 'finding')} from here on.", view)


def _finding(finding: Finding, named: bool) -> FindingView:
    """Its mappings, with what they have in common said once."""
    rows = [_row(row) for row in finding.rows]
    same = {name: value for name, value in rows[0].items() if all(row[name] == value for row in rows)}
    view = FindingView(kind=finding.kind if named else None, **same)
    if len(rows) == 1:
        return view
    differing = [RowView(**{name: value for name, value in row.items() if name not in same}) for row in rows]
    shown = fitting(differing, ROOM_FOR_MAPPINGS)
    return view.model_copy(update={"mappings": shown, "more": len(rows) - len(shown) or None})


def _row(row: Row) -> Json:
    return {
        "external_type": escaped(row.external_type),
        "object_type": row.object_type,
        "external_id": escaped(row.external_id),
        "object_id": row.object_id,
        "mapping_id": row.mapping_id,
    }
