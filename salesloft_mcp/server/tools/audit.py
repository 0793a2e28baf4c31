"""What is wrong with the mappings, and how much of the team they cover."""

from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult
from pydantic import Field

from salesloft_mcp.app import App
from salesloft_mcp.audit.findings import Finding, Kind
from salesloft_mcp.audit.report import Audit, Counts, Coverage
from salesloft_mcp.audit.scan import audit
from salesloft_mcp.errors import InputError, MissingError
from salesloft_mcp.salesloft.models import Scope
from salesloft_mcp.server import answers, arguments
from salesloft_mcp.text import View, whole_number

MOST_POINTS = 300  # half of what the whole team has in a minute, and about ten seconds of reading
MOST_COVERAGE = 100
ROOM_FOR_MAPPINGS = 4_000  # characters, of one finding

OnlyFindings = Annotated[Kind | None, Field(description="List only findings of this kind.")]
Cursor = Annotated[str, Field(strict=True, description=arguments.NEXT_CURSOR)]


class RowView(View):
    external_type: answers.ExternalTypeField | None = None
    object_type: answers.ObjectTypeField | None = None
    external_id: answers.ExternalIdField | None = None
    object_id: answers.ObjectIdField | None = None
    mapping_id: answers.MappingIdField | None = None


class FindingView(RowView):
    """What its mappings have in common stands beside them, and only the rest in each of them."""

    kind: Kind | None = Field(None, description="Absent where one kind was asked for.")
    why: str | None = Field(None, description="Why the external id looks damaged.")
    mappings: list[RowView] | None = Field(None, description="The mappings it is about, where they are several.")
    more: int = Field(0, description="How many mappings did not fit.")


class Summary(answers.Answer):
    coverage: list[Coverage] | None = Field(None, description="How far the ids of each type reach.")
    counts: Counts | None = Field(None, description="How many findings there are of each kind.")
    findings: list[FindingView] | None = Field(None, description="The findings on this page.")
    next_cursor: answers.NextCursor | None = None


async def audit_external_ids(
    ctx: Context[App, Any],
    external_type: arguments.OnlyType = "",
    object_type: arguments.OnlyKind = None,
    kind: OnlyFindings = None,
    limit: arguments.Limit = 20,
    cursor: Cursor = "",
) -> Annotated[CallToolResult, Summary]:
    """Audit external ids: how many records have one, and duplicates, orphans and broken ids. Without kind and cursor it
    gives a summary, whose next_cursor lists the findings."""
    app = ctx.request_context.lifespan_context
    scope = Scope(external_type, object_type)
    if cursor:
        name, start, found = _kept(app, cursor, scope)
    else:
        found = await audit(app.salesloft, scope, MOST_POINTS)
        name, start = app.audits.keep(found), 0
    return _page(found, name, start, kind, limit) if cursor or kind else _summary(found, name)


def _kept(app: App, cursor: str, scope: Scope) -> tuple[str, int, Audit]:
    """The audit a cursor belongs to, and the place in it. A cursor that is gone never begins a new audit unasked."""
    name, _, digits = cursor.partition(".")
    place = whole_number(digits, 7)
    if place is None:
        raise InputError("cursor", "is not a cursor of an earlier answer.", next_step="leave it out to audit anew.")
    found = app.audits.get(name)
    if found is None:
        what = "cursor: the audit it belongs to is not kept any more."
        raise MissingError(what, next_step="run the audit again, without cursor.")
    kept = found.scope
    if scope.external_type not in ("", kept.external_type) or scope.object_type not in (None, kept.object_type):
        what = "belongs to an audit of another external_type or object_type."
        raise InputError("cursor", what, next_step="leave these two out, or the cursor to audit anew.")
    return name, place, found


def _summary(found: Audit, name: str) -> CallToolResult:
    hidden = max(0, len(found.coverage) - MOST_COVERAGE)
    view = Summary(
        coverage=list(found.coverage[:MOST_COVERAGE]),
        counts=found.counts.model_copy(update={"types_not_shown": hidden}),
        next_cursor=f"{name}.0" if found.findings else None,
    )
    return answers.read(found.sentence, view)


def _page(found: Audit, name: str, start: int, kind: Kind | None, limit: int) -> CallToolResult:
    """Places count in all findings, so one cursor serves every kind."""
    rest = [(place, one) for place, one in enumerate(found.findings) if place >= start and kind in (None, one.kind)]
    shown = answers.fitting(_finding(one, named=kind is None) for _, one in rest[:limit])
    cursor = f"{name}.{rest[len(shown)][0]}" if len(shown) < len(rest) else None
    of = f" of kind {kind}" if kind else ""
    sentence = f"{len(shown)} of {answers.count(len(rest), 'finding')}{of}{' from here on' if start else ''}."
    if not rest:
        sentence = f"No{' other' if start else ''} finding{of}."
    return answers.read(sentence, Summary(findings=shown, next_cursor=cursor))


def _finding(finding: Finding, named: bool) -> FindingView:
    """Its mappings, with what they have in common said once."""
    rows: list[dict[str, Any]] = [row._asdict() for row in finding.rows]
    same = {name: value for name, value in rows[0].items() if all(row[name] == value for row in rows)}
    view = FindingView(kind=finding.kind if named else None, why=finding.why or None, **same)
    if len(rows) > 1:
        differing = [RowView(**{name: value for name, value in row.items() if name not in same}) for row in rows]
        view.mappings = answers.fitting(differing, ROOM_FOR_MAPPINGS)
        view.more = len(rows) - len(view.mappings)
    return view
