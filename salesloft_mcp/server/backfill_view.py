"""How a backfill is shown: its numbers, and rows as small as they can be said."""

from typing import Any

from pydantic import Field

from salesloft_mcp.bulk.jobs import State, Status
from salesloft_mcp.bulk.plan import minutes
from salesloft_mcp.bulk.report import cells
from salesloft_mcp.server.answers import (
    ExternalIdField,
    ExternalTypeField,
    NextCursor,
    ObjectTypeField,
    PointsSpent,
    View,
)
from salesloft_mcp.state.journal import Line, RowState, Verdict
from salesloft_mcp.text import escaped

Json = dict[str, Any]


class AttentionRow(View):
    line: int = Field(description="The line of the input, or the number of the row.")
    external_id: ExternalIdField
    verdict: str = Field(description="What the plan said of it, or how it ended.")
    object_id: str | None = Field(None, description="The Salesloft id that was given for it.")
    email: str | None = Field(None, description="The e-mail address that was given for it.")
    domain: str | None = Field(None, description="The domain that was given for it.")
    crm_id: str | None = Field(None, description="The CRM id that was given for it.")
    note: str | None = Field(None, description="Why it was not created.")


class Backfill(View):
    backfill_id: str = Field(description="The id by which the other backfill tools find it.")
    state: State = Field(description="planned: run_backfill may start it; stopped and cancelled: it can be resumed.")
    external_type: ExternalTypeField
    object_type: ObjectTypeField
    source: str = Field(description="Where the rows came from.")
    digest: str | None = Field(None, description="The SHA-256 of the input, where it is known.")
    counts: dict[Verdict, int] = Field(description="How many rows the plan found of each kind.")
    outcomes: dict[RowState, int] | None = Field(None, description="How many rows ended in each way.")
    points: int = Field(description="API points that are still to be spent.")
    minutes: float = Field(description="About how many minutes that takes.")
    problem: str | None = Field(None, description="Why it stopped or failed.")
    rows: list[AttentionRow] = Field(description="Rows that need a human's attention.")
    next_cursor: NextCursor | None = None
    points_spent: PointsSpent


def facts(status: Status, points_a_minute: int) -> Json:
    """A backfill as a whole. `points` and `minutes` are what is still to be spent."""
    left = status.creates - status.done
    shown = {
        "backfill_id": status.id,
        "state": status.state,
        "external_type": escaped(status.aim.external_type),
        "object_type": status.aim.object_type,
        "source": escaped(status.source),
        "digest": status.digest,
        "counts": dict(status.verdicts),
        "outcomes": {name: number for name, number in status.states.items() if name},
        "points": left,
        "minutes": minutes(left, points_a_minute),
        "problem": escaped(status.problem),
    }
    return {name: value for name, value in shown.items() if value not in ("", {}) or name == "counts"}


def attention_row(line: Line) -> Json:
    """A row that needs a person: which, why, and what was given for its object."""
    verdict = line.state if line.verdict == "create" else line.verdict
    shown: Json = {"line": line.line, "external_id": escaped(line.external_id), "verdict": verdict}
    if line.by:
        shown[line.by] = escaped(line.ref)
    return {**shown, "note": escaped(line.note)} if line.note else shown


def report_row(line: Line) -> Json:
    """A row of the report, without what is empty."""
    shown = {name: escaped(cell) if isinstance(cell, str) else cell for name, cell in cells(line).items()}
    return {name: cell for name, cell in shown.items() if cell not in ("", None)}


def sentence(status: Status) -> str:
    """What it is, in numbers of ours."""
    unusable = sum(status.verdicts[name] for name in ("conflict", "object unknown", "invalid"))
    if status.state == "planned":
        unchanged = status.verdicts["unchanged"]
        return (
            f"planned: {status.creates} to create, {unchanged} unchanged, {unusable} that cannot be. Nothing written."
        )
    if status.state == "planning":
        return "planning: ask again with get_backfill. Nothing written."
    refused = f", {status.refused} refused" if status.refused else ""
    return f"{status.state}: {status.done} of {status.creates} done{refused}; {unusable} were ruled out by the plan."
