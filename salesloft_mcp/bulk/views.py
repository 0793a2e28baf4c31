"""How a plan and its run are shown, by tools and commands alike. Every text of others in it is made safe."""

from typing import Annotated

from pydantic import BaseModel, Field

from salesloft_mcp.bulk.jobs import Status
from salesloft_mcp.bulk.plan import minutes
from salesloft_mcp.bulk.report import ReportRow
from salesloft_mcp.text import escaped


class RowView(BaseModel):
    line: Annotated[int, Field(description="Line of the input on which the row begins")]
    external_id: str
    object_id: int | None = None
    given: Annotated[str | None, Field(description="By what the record was named, and the value")] = None
    plan: Annotated[str, Field(description="create, unchanged, conflict, object unknown, invalid or duplicate")]
    outcome: Annotated[str | None, Field(description="How the write ended; absent when it was not begun")] = None
    note: str | None = None
    mapping_id: int | None = None


class PlanView(BaseModel):
    plan: Annotated[str, Field(description="For run_plan, get_plan and cancel_plan")]
    state: Annotated[
        str,
        Field(description="planning, planned, running, stopped (run_plan goes on), cancelled, finished or failed"),
    ]
    external_type: str
    object_type: str
    source: str
    counts: Annotated[dict[str, int], Field(description="Rows by what the plan says of them")]
    outcomes: Annotated[dict[str, int] | None, Field(description="Rows by how their writes ended")] = None
    points: Annotated[int, Field(description="API points that are still to be spent")]
    minutes: Annotated[float, Field(description="How long that takes at the least")]
    change_id: Annotated[int | None, Field(description="For undo_change, once it was begun")] = None
    problem: str | None = None


def plan_view(status: Status, points_a_minute: int) -> PlanView:
    """A plan as a whole."""
    row = status.plan
    return PlanView(
        plan=row.id,
        state=status.state,
        external_type=escaped(row.external_type),
        object_type=row.object_type,
        source=escaped(row.source),
        counts=dict(row.counts),
        outcomes={str(name): number for name, number in status.outcomes.items() if number} or None,
        points=status.left,
        minutes=minutes(status.left, points_a_minute),
        change_id=row.operation or None,
        problem=escaped(status.problem) or None,
    )


def row_view(row: ReportRow) -> RowView:
    """A row, without what is empty."""
    return RowView(
        line=row.line,
        external_id=escaped(row.external_id),
        object_id=row.object_id,
        given=f"{row.given} {escaped(row.value)}" if row.given else None,
        plan=row.plan,
        outcome=row.outcome or None,
        note=escaped(row.note) or None,
        mapping_id=row.mapping_id,
    )


def plan_sentence(status: Status) -> str:
    """What it is, in numbers of ours."""
    counts = status.plan.counts
    skipped = sum(counts[name] for name in ("conflict", "object unknown", "invalid"))
    match status.state:
        case "planned" if status.plan.undoes:
            return f"planned: {status.writes} to write. Nothing written yet."
        case "planned":
            return (
                f"planned: {counts['create']} to create, {counts['unchanged']} unchanged, {skipped} skipped. "
                "Nothing written."
            )
        case "planning":
            return "planning: ask again with get_plan. Nothing written."
        case state:
            refused = f", {status.refused} refused" if status.refused else ""
            left_out = f"; {skipped} were skipped by the plan" if skipped else ""
            return f"{state}: {status.done} of {status.writes} done{refused}{left_out}."
