"""The report of a plan: a line for every row, from what was planned and what the change log says of it."""

import csv
import json
from collections.abc import AsyncIterator, Mapping, Set
from typing import Literal, NamedTuple, TextIO

import anyio.to_thread

from salesloft_mcp.bulk.plans import Plans
from salesloft_mcp.bulk.record_rows import fields_in
from salesloft_mcp.bulk.status import LEFT_OUT, Status
from salesloft_mcp.changes.change import Image, Line
from salesloft_mcp.changes.change import State as ChangeState
from salesloft_mcp.changes.log import ALL, END, ChangeLog
from salesloft_mcp.intake.formulas import formula_safe
from salesloft_mcp.salesloft.models import MappingKey
from salesloft_mcp.state.staging import StagedRow, Verdict

Format = Literal["jsonl", "csv"]
BATCH = 5_000
COLUMNS = (
    *("line", "external_id", "object_id", "given", "value", "plan", "outcome", "note", "mapping_id", "old", "new"),
    "as_given",
)
RULED_OUT: tuple[Verdict, ...] = ("suspicious", *LEFT_OUT)
ENDED_BADLY: frozenset[ChangeState] = frozenset({"conflict", "failed", "unknown", "lost"})


class ReportRow(NamedTuple):
    """One row: what was given, what the plan said, and how it ended; the outcome is empty when it was not begun."""

    line: int
    external_id: str
    object_id: int | None
    by: str
    value: str
    plan: str
    outcome: str
    note: str
    mapping_id: int | None
    old: Image | None = None  # of an upsert: the fields that it writes, as they were and as they shall be
    new: Image | None = None
    as_given: Image | None = None  # keys, account and owner as they came, where something else was made of them

    @property
    def given(self) -> str:
        """By what the record was named, and the value."""
        return f"{self.by} {self.value}" if self.by else ""


async def every_row(
    plans: Plans, log: ChangeLog, status: Status, after: int = 0, most: int = 2**63, only: tuple[Verdict, ...] = ()
) -> AsyncIterator[ReportRow]:
    """The rows past line `after` in order, of some verdicts or of all, at most so many, a batch at a time."""
    while most > 0 and (rows := await _batch(plans, log, status, after, min(most, BATCH), only)):
        after, most = rows[-1].line, most - len(rows)
        for row in rows:
            yield row


async def attention(plans: Plans, log: ChangeLog, status: Status, after: int, limit: int) -> list[ReportRow]:
    """The next rows past line `after` that the plan ruled out, or that ended badly."""
    bad = await ended_badly(plans, log, status, after, limit)
    if status.plan.undoes:
        return bad
    with plans.staging(status.plan.id) as staging:
        ruled_out = tuple(name for name in RULED_OUT if name not in status.plan.written)
        rows = [_joined(row, None) for row in await anyio.to_thread.run_sync(staging.lines, after, limit, ruled_out)]
    known = {row.line for row in rows}
    rows += [row for row in bad if row.line not in known]
    return sorted(rows, key=lambda row: row.line)[:limit]


async def all_attention(plans: Plans, log: ChangeLog, status: Status) -> AsyncIterator[ReportRow]:
    """All of these rows, a batch at a time."""
    after = 0
    while rows := await attention(plans, log, status, after, BATCH):
        after = rows[-1].line
        for row in rows:
            yield row


async def ended_badly(plans: Plans, log: ChangeLog, status: Status, after: int, limit: int) -> list[ReportRow]:
    """The next rows past line `after` whose write did not end well."""
    number = status.plan.operation
    if status.plan.undoes:
        bad = await log.lines(number, ENDED_BADLY, after, limit=limit, by="line")
        return [_of_line(line) for line in bad]
    # The deletions of a rename have numbers past those of its rows; the lines of a file may be more than its rows.
    last = status.plan.counts.total() if status.plan.new_external_type else END
    bad = await log.lines(number, ENDED_BADLY, after, last, limit=limit, by="line")
    deletions = await _deletions(log, status, after, last, ENDED_BADLY, limit)
    numbers = sorted({*(line.line or 0 for line in bad), *deletions})[:limit]
    with plans.staging(status.plan.id) as staging:
        staged = [row for one in numbers for row in staging.lines(one - 1, 1)]
    created = {line.line: line for line in bad}
    return [_joined(row, created.get(row.line), deletions.get(row.line)) for row in staged]


async def write_report(rows: AsyncIterator[ReportRow], file: TextIO, form: Format) -> None:
    """Write all of it. In a CSV, text that a spreadsheet would run gets a quote before it."""
    lines = csv.writer(file)
    if form == "csv":
        lines.writerow(COLUMNS)
    async for row in rows:
        if form == "jsonl":
            file.write(json.dumps(dict(zip(COLUMNS, row, strict=True))) + "\n")
        else:
            lines.writerow(map(_cell, row))


def _cell(value: object) -> str:
    if value is None:
        return ""
    return formula_safe(json.dumps(value) if isinstance(value, Mapping) else str(value))


async def _batch(
    plans: Plans, log: ChangeLog, status: Status, after: int, limit: int, only: tuple[Verdict, ...]
) -> list[ReportRow]:
    number = status.plan.operation
    if status.plan.undoes:
        return [_of_line(line) for line in await log.lines(number, after=after, limit=limit, by="line")]
    with plans.staging(status.plan.id) as staging:
        rows = await anyio.to_thread.run_sync(staging.lines, after, limit, only)
    lines = await log.lines(number, (), after, rows[-1].line, by="line") if rows and number else []
    ended = {line.line: line for line in lines}
    deletions = await _deletions(log, status, after, rows[-1].line) if rows and number else {}
    return [_joined(row, ended.get(row.line), deletions.get(row.line)) for row in rows]


async def _deletions(
    log: ChangeLog, status: Status, after: int, last: int, states: Set[ChangeState] = frozenset(), limit: int = ALL
) -> dict[int, Line]:
    """Of a rename, how the mappings of rows past line `after` and up to `last` were deleted under the old type."""
    rows_read = status.plan.counts.total()
    if not status.plan.new_external_type:
        return {}
    span = (after + rows_read, last + rows_read)
    lines = await log.lines(status.plan.operation, states, *span, limit=limit, by="line")
    return {(line.line or 0) - rows_read: line for line in lines}


def _joined(row: StagedRow, line: Line | None, deletion: Line | None = None) -> ReportRow:
    if deletion is not None:
        created = _joined(row, line)
        done = deletion.state == "deleted" and created.outcome in ("created", "unchanged")
        outcome = "renamed" if done else deletion.state
        note = deletion.note if deletion.state in ENDED_BADLY else created.note
        return created._replace(outcome=outcome, note=created.note if created.outcome in ENDED_BADLY else note)
    given = (row.line, row.external_id, row.object_id, row.by, row.ref, row.verdict)
    fields = fields_in(row.fields)
    images = (_fields(fields_in(row.before)), _fields(fields), _as_given(row, fields))
    planned = "; ".join(filter(None, (row.taken, row.note)))
    if line is None:
        return ReportRow(*given, "", planned, row.mapping_id, *images)
    given = (row.line, row.external_id, line.change.object_id or row.object_id, row.by, row.ref, row.verdict)
    mapping_id = _mapping_id(line) if line.change.kind == "mapping" else row.mapping_id
    return ReportRow(*given, line.state, line.note or planned, mapping_id, *images)


def _of_line(line: Line) -> ReportRow:
    """A row of a run that takes an operation back: it was never in any input."""
    change = line.change
    again = change.kind == "mapping" and change.after is not None  # whatever stands there: no mapping can be updated
    verb = "create" if again else change.verb.removesuffix("d")
    told = (line.line or 0, change.key.external_id, change.object_id, "", "", verb, line.state)
    if change.kind == "record":
        return ReportRow(*told, line.note, None, _fields(change.before or {}), _fields(change.after or {}))
    return ReportRow(*told, line.note, _mapping_id(line))


def _as_given(row: StagedRow, fields: Image) -> Image | None:
    """The keys that were taken as something else, and the account and owner of whom Salesloft's id was found."""
    named = {name.removesuffix("_id"): key for name, key in fields_in(row.refs).items()}
    parts = {
        name: {"external_type": key.external_type, "external_id": key.external_id}
        for name, key in ((name, MappingKey(*key)) for name, key in named.items())
        if name not in fields
    }
    return {**fields_in(row.given), **parts} or None


def _fields(image: Image) -> Image | None:
    """The fields of a record, without its id."""
    return {name: value for name, value in image.items() if name != "id"} or None


def _mapping_id(line: Line) -> int | None:
    found = (line.change.after or line.change.before or {}).get("id")
    return found if isinstance(found, int) else None
