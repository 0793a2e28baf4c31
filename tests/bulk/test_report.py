"""The report: a line a row, that nobody's spreadsheet runs and that can be read back as it was written."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesloft_mcp.bulk.report import COLUMNS, attention, every_line, write_report
from salesloft_mcp.bulk.rows import rows_in
from salesloft_mcp.intake.formulas import FORMULA_STARTS, formula_safe, unformula
from salesloft_mcp.intake.tables import Invalid
from salesloft_mcp.state import journal as journal_module
from salesloft_mcp.state.journal import Journal

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
CELL = st.one_of(TEXT, st.builds(str.__add__, st.sampled_from([*FORMULA_STARTS, "'", "'=", "''="]), TEXT))


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with Journal(tmp_path / "one.db") as journal:
        yield journal


def written(journal: Journal, form: str) -> str:
    file = io.StringIO(newline="")
    write_report(journal, file, "csv" if form == "csv" else "jsonl")
    return file.getvalue()


@given(CELL)
def test_a_cell_comes_back_as_it_was_and_runs_nowhere(cell: str) -> None:
    safe = formula_safe(cell)
    assert unformula(safe) == cell
    assert not safe.startswith(FORMULA_STARTS)


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_external_ids_of_a_report_read_back_are_the_ones_that_went_in(
    tmp_path_factory: pytest.TempPathFactory, form: str
) -> None:
    folder = tmp_path_factory.mktemp("reports")

    @given(st.lists(CELL, max_size=8))
    def check(ids: list[str]) -> None:
        file = folder / "one.db"
        file.unlink(missing_ok=True)
        with Journal(file) as journal:
            journal.add((n, one, "email", one, "invalid", one) for n, one in enumerate(ids, 1))
            text = written(journal, form)
        rows = rows_in(io.BytesIO(text.encode()), f".{form}")
        back = [fields for _, fields in rows if not isinstance(fields, Invalid)]
        assert [(row["external_id"], row["value"], row["note"]) for row in back] == [(one, one, one) for one in ids]

    check()


def test_a_csv_has_no_cell_that_a_spreadsheet_would_run(journal: Journal) -> None:
    journal.add((n, f"{start}1+1", "email", f"{start}x", "invalid", "") for n, start in enumerate(FORMULA_STARTS, 1))
    head, *rows = csv.reader(io.StringIO(written(journal, "csv"), newline=""))
    assert tuple(head) == COLUMNS
    assert len(rows) == len(FORMULA_STARTS)
    assert not [cell for row in rows for cell in row if cell.startswith(FORMULA_STARTS)]


def test_every_row_has_its_line_however_many_there_are(journal: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal_module, "BATCH", 7)
    journal.add((n, f"id{n}", "object_id", str(n), "create", "") for n in range(1, 100))
    assert [line.line for line in every_line(journal)] == list(range(1, 100))
    lines = [json.loads(line) for line in written(journal, "jsonl").splitlines()]
    assert [line["external_id"] for line in lines] == [f"id{n}" for n in range(1, 100)]
    assert tuple(lines[0]) == COLUMNS


def test_attention_is_for_what_was_ruled_out_and_what_ended_badly(journal: Journal) -> None:
    verdicts = ["create", "unchanged", "conflict", "object unknown", "invalid", "duplicate", "create", "create"]
    journal.add((n, f"id{n}", "object_id", str(n), verdict, "") for n, verdict in enumerate(verdicts, 1))
    journal.settle([(1, "created", "", 5), (7, "failed", "refused", None), (8, "conflict", "is mapped", 9)])
    assert [line.line for line in attention(journal, 0, 100)] == [3, 4, 5, 7, 8]
    assert [line.line for line in attention(journal, 4, 2)] == [5, 7]
