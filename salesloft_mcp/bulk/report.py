"""The report of a backfill: a line for every row, as JSONL or CSV, and the few that need attention."""

import csv
import json
from collections.abc import Iterator
from heapq import merge
from itertools import islice
from operator import attrgetter
from typing import Literal, TextIO

from salesloft_mcp.bulk.rows import formula_safe
from salesloft_mcp.state.journal import Journal, Line, RowState, Verdict

Format = Literal["jsonl", "csv"]
COLUMNS = ("line", "external_id", "object_id", "given", "value", "plan", "outcome", "note", "mapping_id")
RULED_OUT: tuple[Verdict, ...] = ("conflict", "object unknown", "invalid")
ENDED_BADLY: tuple[RowState, ...] = ("conflict", "failed", "unknown")

Cells = dict[str, str | int | None]


def cells(line: Line) -> Cells:
    """One row as every report shows it: what was given, what the plan said, and how it ended."""
    values = (line.line, line.external_id, line.object_id, line.by, line.ref, line.verdict, line.state, line.note)
    return dict(zip(COLUMNS, (*values, line.mapping_id), strict=True))


def every_line(journal: Journal) -> Iterator[Line]:
    """All rows in order, a batch at a time."""
    last = 0
    while lines := journal.lines(last):
        yield from lines
        last = lines[-1].line


def attention(journal: Journal, after: int, limit: int) -> list[Line]:
    """The next rows past line `after` that the plan ruled out, or that ended badly."""
    ruled_out = journal.lines(after, limit, RULED_OUT)
    ended_badly = journal.open_lines(ENDED_BADLY, after, limit)
    return list(islice(merge(ruled_out, ended_badly, key=attrgetter("line")), limit))


def write_report(journal: Journal, file: TextIO, form: Format) -> None:
    """Write all of it. In a CSV, text that a spreadsheet would run gets a quote before it."""
    if form == "jsonl":
        file.writelines(json.dumps(cells(line)) + "\n" for line in every_line(journal))
        return
    lines = csv.writer(file)
    lines.writerow(COLUMNS)
    for line in every_line(journal):
        lines.writerow(["" if cell is None else formula_safe(str(cell)) for cell in cells(line).values()])
