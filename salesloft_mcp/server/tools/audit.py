"""What is wrong with the mappings, and how much of the team they cover."""

import json
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult
from pydantic import AfterValidator, Field

from salesloft_mcp.app import App
from salesloft_mcp.audit.findings import KINDS, Finding, Row
from salesloft_mcp.audit.report import Audit
from salesloft_mcp.audit.scan import audit
from salesloft_mcp.errors import InputError, MissingError
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.salesloft.models import Scope
from salesloft_mcp.server.answers import MAX_RECORDS_BYTES, View, count, read
from salesloft_mcp.server.arguments import AnyExternalType, AnyObjectType, Limit, typed
from salesloft_mcp.text import did_you_mean, escaped

MOST_POINTS = 300  # half of what the whole team has in a minute, and about ten seconds of reading
MOST_COVERAGE = 100
MOST_ROWS_BYTES = 4_000

Json = dict[str, Any]


def _kind(value: str) -> str:
    if value not in ("", *KINDS):
        raise ValueError(f"is no kind of finding; {did_you_mean(value, KINDS)}")
    return value


Kind = Annotated[
    str, Field(strict=True, description=f"Only {', '.join(KINDS[:-1])} or {KINDS[-1]}"), AfterValidator(_kind)
]
Cursor = Annotated[str, Field(strict=True)]


class Summary(View):
    coverage: list[Json] | None = None
    counts: Json | None = None
    findings: list[Json] | None = None
    next_cursor: str | None = None
    points_spent: int


async def audit_external_ids(
    ctx: Context[App, Any],
    external_type: AnyExternalType = "",
    object_type: AnyObjectType = "",
    kind: Kind = "",
    limit: Limit = 20,
    cursor: Cursor = "",
) -> Annotated[CallToolResult, Summary]:
    """Audit all mappings. First a summary with coverage; its next_cursor lists the findings."""
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
        coverage=[row.data() for row in rows],
        counts=found.counts | hidden,
        next_cursor=f"{name}.0" if found.findings else None,
        points_spent=current().points,
    )
    return read(found.sentence, view)


def _page(found: Audit, name: str, start: int, kind: str, limit: int) -> CallToolResult:
    """Places count in all findings, so one cursor serves every kind."""
    rest = [
        (place, one) for place, one in enumerate(found.findings) if place >= start and (not kind or one.kind == kind)
    ]
    shown: list[Json] = []
    size = 0
    for _, one in rest[:limit]:
        row = _finding(one, named=not kind)
        size += _bytes(row)
        if shown and size > MAX_RECORDS_BYTES:
            break
        shown.append(row)
    view = Summary(
        findings=shown,
        next_cursor=f"{name}.{rest[len(shown)][0]}" if len(shown) < len(rest) else None,
        points_spent=current().points,
    )
    return read(f"{len(shown)} of {count(len(rest), 'finding')} from here on.", view)


def _finding(finding: Finding, named: bool) -> Json:
    """Its mappings, with what they have in common said once."""
    rows = [_row(row) for row in finding.rows]
    same = {name: value for name, value in rows[0].items() if all(row[name] == value for row in rows)}
    view: Json = {"kind": finding.kind, **same} if named else same
    if len(rows) == 1:
        return view
    shown: list[Json] = []
    size = 0
    for row in rows:
        differing = {name: value for name, value in row.items() if name not in same and value is not None}
        size += _bytes(differing)
        if shown and size > MOST_ROWS_BYTES:
            break
        shown.append(differing)
    more = {"more": len(rows) - len(shown)} if len(shown) < len(rows) else {}
    return {**view, "mappings": shown, **more}


def _row(row: Row) -> Json:
    return {
        "external_type": escaped(row.external_type),
        "object_type": row.object_type,
        "external_id": escaped(row.external_id),
        "object_id": row.object_id,
        "mapping_id": row.mapping_id,
    }


def _bytes(row: Json) -> int:
    return len(json.dumps(row, ensure_ascii=False).encode())
