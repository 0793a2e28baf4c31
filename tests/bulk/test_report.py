"""The report: a line a row, that nobody's spreadsheet runs and that can be read back as it was written."""

import csv
import io
import json
from collections.abc import AsyncIterator, Mapping, Sequence

import anyio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesloft_mcp.app import App
from salesloft_mcp.bulk import report
from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.report import COLUMNS, Format, ReportRow, attention, every_row, write_report
from salesloft_mcp.bulk.status import Status
from salesloft_mcp.changes import mappings
from salesloft_mcp.changes.change import Author, ByRun, Fed, Operation, Outcome, State
from salesloft_mcp.intake.formulas import FORMULA_STARTS, REPORT_HEADS, formula_safe, unformula
from salesloft_mcp.intake.heads import Wanted
from salesloft_mcp.intake.tables import Invalid, open_table
from salesloft_mcp.salesloft.models import MappingKey
from salesloft_mcp.state.staging import NewRow, Verdict

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
CELL = st.one_of(TEXT, st.builds(str.__add__, st.sampled_from([*FORMULA_STARTS, "'", "'=", "''="]), TEXT))


def text_of(rows: Sequence[ReportRow], form: Format) -> str:
    async def each() -> AsyncIterator[ReportRow]:
        for row in rows:
            yield row

    file = io.StringIO(newline="")
    anyio.run(write_report, each(), file, form)
    return file.getvalue()


def reported(line: int, cell: str) -> ReportRow:
    return ReportRow(line, cell, None, "email", cell, "invalid", "", cell, None)


async def run_of(app: App, verdicts: Sequence[Verdict], ends: Mapping[int, State]) -> Status:
    """A plan whose rows have these verdicts, and a run in which some lines came to an end."""
    plan = "abc"
    await app.plans.add(plan, Aim("crm_lead", "people"), "rows", state="finished")
    with app.plans.new_staging(plan) as staging:
        of = {n: NewRow(n, f"id{n}", "object_id", str(n), note="planned") for n in range(1, len(verdicts) + 1)}
        staging.add(of[n]._replace(verdict=verdict) for n, verdict in enumerate(verdicts, 1))
    number = await app.changes.log.begin_run(
        Operation("run_plan", (), by_run=ByRun(plan)), await app.changes.place(), Author("tests")
    )
    await app.plans.note(plan, operation=number)
    fed = [Fed(n, mappings.creation(MappingKey("crm_lead", "people", f"id{n}"), n)) for n in ends]
    for line in await app.changes.log.announce(number, 0, fed):
        state = ends[line.line or 0]
        after = {"id": 70 + (line.line or 0), "object_id": 1} if state == "created" else None
        await app.changes.settle([Outcome(line, state, after, "" if state == "created" else "refused")])
    return await app.plans.status(plan)


@given(CELL)
def test_a_cell_comes_back_as_it_was_and_runs_nowhere(cell: str) -> None:
    safe = formula_safe(cell)
    assert unformula(safe) == cell
    assert not safe.startswith(FORMULA_STARTS)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
@given(cells=st.lists(CELL.filter(lambda cell: "\0" not in cell), max_size=8))
def test_external_ids_of_a_report_read_back_are_the_ones_that_went_in(form: Format, cells: list[str]) -> None:
    text = text_of([reported(n, cell) for n, cell in enumerate(cells, 1)], form)
    wanted = Wanted(frozenset({"external_id", "value", "note"}))
    rows = open_table(io.BytesIO(text.encode()), f"report.{form}", wanted).rows if text else iter(())
    back = [fields for _, fields in rows if not isinstance(fields, Invalid)]
    assert [(row["external_id"], row["value"], row["note"]) for row in back] == [(cell,) * 3 for cell in cells]


def test_a_csv_has_no_cell_that_a_spreadsheet_would_run() -> None:
    given_rows = [reported(n, f"{start}1+1") for n, start in enumerate(FORMULA_STARTS, 1)]
    head, *rows = csv.reader(io.StringIO(text_of(given_rows, "csv"), newline=""))
    assert tuple(head) == COLUMNS
    assert len(rows) == len(FORMULA_STARTS)
    assert not [cell for row in rows for cell in row if cell.startswith(FORMULA_STARTS)]


def test_a_report_can_be_told_from_files_of_others_by_its_head() -> None:
    assert set(COLUMNS) > REPORT_HEADS


def test_a_line_of_json_has_every_column() -> None:
    (line,) = text_of([reported(1, "a")], "jsonl").splitlines()
    assert tuple(json.loads(line)) == COLUMNS


@pytest.mark.anyio
async def test_every_row_has_its_line_however_many_there_are(app: App, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report, "BATCH", 7)
    status = await run_of(app, ["create", "unchanged", "create"] * 33, {1: "created", 99: "failed"})
    rows = [row async for row in every_row(app.plans, app.changes.log, status)]
    assert [row.line for row in rows] == list(range(1, 100))
    assert [(row.line, row.outcome, row.mapping_id) for row in rows if row.outcome] == [
        (1, "created", 71),
        (99, "failed", None),
    ]
    assert {row.note for row in rows} == {"planned", "refused"}
    part = [row.line async for row in every_row(app.plans, app.changes.log, status, 10, 9)]
    assert part == list(range(11, 20))


@pytest.mark.anyio
async def test_attention_is_for_what_was_ruled_out_and_what_ended_badly(app: App) -> None:
    verdicts: list[Verdict] = ["create", "unchanged", "conflict", "object unknown", "invalid", "duplicate"]
    status = await run_of(app, [*verdicts, "create", "create"], {1: "created", 7: "failed", 8: "conflict"})
    found = [row.line for row in await attention(app.plans, app.changes.log, status, 0, 100)]
    assert found == [3, 4, 5, 7, 8]
    assert [row.line for row in await attention(app.plans, app.changes.log, status, 4, 2)] == [5, 7]


@pytest.mark.anyio
async def test_a_suspicious_row_that_was_written_because_it_was_asked_for_needs_no_attention(app: App) -> None:
    await run_of(app, ["suspicious", "suspicious", "invalid"], {1: "created", 2: "failed"})
    await app.plans.note("abc", suspicious=True)
    found = await attention(app.plans, app.changes.log, await app.plans.status("abc"), 0, 100)
    assert [(row.line, row.outcome) for row in found] == [(2, "failed"), (3, "")]
