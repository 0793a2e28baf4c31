"""How a plan and its run are shown, by tools and commands alike. Every text of others in it is made safe."""

from typing import Any, Self

from pydantic import Field

from salesloft_mcp.bulk.plan import minutes
from salesloft_mcp.bulk.status import LEFT_OUT, REASONS, Status
from salesloft_mcp.text import Shown, View


class RowView(View):
    ours = frozenset({"note", "old", "new"})  # `Shown` makes the last two safe

    line: int = Field(description="The line of the input on which the row begins.")
    external_id: str = Field(description="The id in your own system.")
    object_id: int | None = Field(None, description="Salesloft's own id of the record.")
    given: str = Field("", description="By what the record was named, and the value.")
    plan: str = Field(
        description=(
            "What the plan says: create, update, unchanged, suspicious, conflict, object unknown, invalid or duplicate."
        )
    )
    outcome: str = Field("", description="How the write ended; absent when it was not begun.")
    note: str = Field("", description="Why it is not written.")
    mapping_id: int | None = Field(None, description="Salesloft's id of the mapping.")
    old: Shown | None = Field(None, description="Of an upsert: the fields it writes, as they were.")
    new: Shown | None = Field(None, description="Of an upsert: the fields it writes, as they shall be.")


class PlanView(View):
    ours = frozenset({"problem", "notes"})

    plan: str = Field(description="The id of the plan.")
    state: str = Field(
        description="planning, planned, running, cancelling, stopped, cancelled, finished, failed, undoing, undone."
    )
    external_type: str = Field(description="The type of the external ids.")
    object_type: str = Field(description="The kind of Salesloft record.")
    source: str = Field(description="Where the rows come from.")
    rows_read: int = Field(0, description="How many rows the input holds, invalid ones included.")
    intent: str = Field("", description="Of a bulk upsert: upsert, create_only or update_only.")
    counts: dict[str, int] = Field(description="How many rows the plan says what of.")
    asks: dict[str, int] = Field({}, description="Why a person has to agree, and to how many rows.")
    notes: list[str] = Field([], description="What was assumed of the input, and what was passed over.")
    outcomes: dict[str, int] = Field({}, description="How many writes ended in which way.")
    points: int = Field(description="API points that are still to be spent.")
    minutes: float = Field(description="How many minutes that takes at the least.")
    change_id: int = Field(0, description="The number by which the run can be undone, once it was begun.")
    problem: str = Field("", description="Why it stopped or failed.")

    @classmethod
    def of(cls, status: Status, points_a_minute: int, **more: Any) -> Self:  # noqa: ANN401 - fields of a subclass
        """A plan as a whole, and what a subclass shows besides."""
        row = status.plan
        return cls(
            plan=row.id,
            state=status.state,
            external_type=row.external_type,
            object_type=row.object_type,
            source=row.source,
            rows_read=0 if row.undoes else row.counts.total(),
            intent=row.intent,
            counts=row.counts,
            asks={words: row.asks[name] for name, words in REASONS.items() if row.asks[name]},
            notes=list(row.notes),
            outcomes={str(name): number for name, number in status.outcomes.items() if number},
            points=status.points,
            minutes=minutes(status.points, points_a_minute),
            change_id=row.operation,
            problem=status.problem,
            **more,
        )


def plan_sentence(status: Status) -> str:
    """What it is, in numbers of ours."""
    counts = status.plan.counts
    skipped = sum(counts[name] for name in LEFT_OUT)
    match status.state:
        case "planned" if status.plan.undoes:
            return f"planned: {status.plan.writes} to write. Nothing written yet."
        case "planned":
            duplicates = "duplicate" if counts["duplicate"] == 1 else "duplicates"
            told = {"create": "to create", "update": "to update", "duplicate": duplicates}
            told |= {name: name for name in ("unchanged", "suspicious")}
            numbers = [f"{counts[name]} {words}" for name, words in told.items() if counts[name] or name == "create"]
            return f"planned: {', '.join(numbers)}, {skipped} skipped. Nothing written."
        case "planning":
            return "planning: look again in a moment. Nothing written."
        case state:
            refused = f", {status.refused} refused" if status.refused else ""
            left_out = f"; {skipped} were skipped by the plan" if skipped else ""
            if counts["suspicious"] and not status.plan.suspicious:
                left_out += f"; {counts['suspicious']} are suspicious and were not run"
            flying = " The rows in flight may still be written." if state == "cancelling" else ""
            return f"{state}: {status.done} of {status.plan.writes} done{refused}{left_out}.{flying}"
