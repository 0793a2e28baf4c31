"""How a plan and its run are shown, by tools and commands alike. Every text of others in it is made safe."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import BeforeValidator, Field

from salesloft_mcp.bulk.plan import minutes
from salesloft_mcp.bulk.status import REASONS, State, Status
from salesloft_mcp.changes.change import OPEN
from salesloft_mcp.changes.change import State as ChangeState
from salesloft_mcp.changes.records import Intent
from salesloft_mcp.salesloft.models import ObjectType
from salesloft_mcp.state.staging import Verdict
from salesloft_mcp.text import Shown, View

# The words of each verdict after a number of one and of several, in the order in which they are told.
_PLANNED = {
    "create": ("to create", "to create"),
    "update": ("to update", "to update"),
    "rename": ("to rename", "to rename"),
    "delete": ("to delete", "to delete"),
    "unchanged": ("unchanged", "unchanged"),
    "duplicate": ("duplicate", "duplicates"),
    "suspicious": ("suspicious", "suspicious"),
    "conflict": ("conflict", "conflicts"),
    "object unknown": ("of an unknown object", "of unknown objects"),
    "invalid": ("invalid", "invalid"),
}


class RowView(View):
    ours = frozenset({"note", "old", "new", "as_given"})  # `Shown` makes the last three safe

    line: int = Field(description="The line of the input on which the row begins.")
    external_id: str = Field(description="The id in your own system.")
    object_id: int | None = Field(None, description="Salesloft's own id of the record.")
    given: str = Field("", description="By what the record was named, and the value.")
    plan: Verdict = Field(description="What the plan says of the row; new: nothing yet.")
    outcome: Annotated[Literal[ChangeState, "renamed"] | None, BeforeValidator(lambda state: state or None)] = Field(
        None, description="How the write ended; absent when it was not begun."
    )
    note: str = Field("", description="Why it is not written, or what was made of it.")
    mapping_id: int | None = Field(None, description="Salesloft's id of the mapping.")
    old: Shown | None = Field(None, description="Of an upsert: the fields it writes, as they were.")
    new: Shown | None = Field(None, description="Of an upsert: the fields it writes, as they shall be.")
    as_given: Shown | None = Field(
        None, description="Keys, account and owner as the input has them, where something else was made of them."
    )


class PlanView(View):
    ours = frozenset({"problem", "notes"})

    plan: str = Field(description="The id of the plan.")
    state: State = Field(description="How far it is; paused: until somebody signs in.")
    problem: str = Field("", description="Why it stopped or failed.")
    change_id: int = Field(0, description="The number by which the run can be undone, once it was begun.")
    writes: int = Field(0, description="Of a run: how many writes it wants to make.")
    outcomes: dict[str, int] = Field({}, description="How many writes ended in which way, or are on their way.")
    counts: dict[str, int] = Field({}, description="Of a plan: how many rows it says what of.")
    asks: dict[str, int] = Field({}, description="Of a plan: why a person has to agree, and to how many rows.")
    points: int = Field(0, description="API points that are still to be spent.")
    minutes: float = Field(0.0, description="How many minutes that takes at the least.")
    external_type: str = Field("", description="The type of the external ids.")
    object_type: ObjectType | None = Field(None, description="The kind of Salesloft record.")
    new_external_type: str = Field("", description="Of a rename: the type that the mappings get.")
    intent: Intent | None = Field(None, description="Of a bulk upsert: what it may do.")
    source: str = Field("", description="Where the rows come from.")
    rows_read: int = Field(0, description="How many rows the input holds, invalid ones included.")
    notes: list[str] = Field([], description="What was assumed of the input, and what was passed over.")

    @classmethod
    def short(cls, status: Status, points_a_minute: int, **more: Any) -> Self:  # noqa: ANN401 - fields of a subclass
        """How far it is, for whoever looks again and again: what the plan is made of stands in `of`. As long as it was
        not begun, why a person has to agree and what was assumed is told, too.
        """
        whole = cls.of(status, points_a_minute, **more)
        kept = {"plan", "state", "problem", "change_id", "writes", "outcomes", "points", "minutes", *more}
        if status.state == "planned":
            kept |= {"counts", "asks", "notes"}
        left_out = {name: one.get_default() for name, one in cls.model_fields.items() if name not in kept}
        return whole.model_copy(update=left_out)

    @classmethod
    def of(cls, status: Status, points_a_minute: int, **more: Any) -> Self:  # noqa: ANN401 - fields of a subclass
        """A plan as a whole, and what a subclass shows besides."""
        row = status.plan
        return cls(
            plan=row.id,
            state=status.state,
            external_type=row.external_type,
            object_type=row.object_type,
            new_external_type=row.new_external_type,
            source=row.source,
            rows_read=0 if row.undoes else row.counts.total(),
            intent=row.intent or None,
            counts={name: number for name, number in row.counts.items() if number},
            asks={words: row.asks[name] for name, words in REASONS.items() if row.asks[name]},
            notes=list(row.notes),
            writes=row.writes if row.operation else 0,
            outcomes={str(name): number for name, number in status.outcomes.items() if number and name != "planned"},
            points=status.points,
            minutes=minutes(status.points, points_a_minute),
            change_id=row.operation,
            problem=status.problem,
            **more,
        )


def plan_sentence(status: Status, short: bool = False) -> str:
    """What it is, in numbers of ours: those of the rows add up to the rows that were read, and those of the writes to
    the writes that are done. In short, what was left out is no more than a number, and that at the end.
    """
    row, state, rows = status.plan, status.state, status.plan.counts.total()
    read = _read(rows, "mapping" if row.new_external_type else "row")
    writes = _numbers({name: row.counts[name] for name in row.written}, _PLANNED) or "none to write"
    left_out = _numbers({name: row.counts[name] for name in _PLANNED if name not in row.written}, _PLANNED)
    if state == "planned" and row.undoes:
        return f"planned: {_numbers(row.counts, _PLANNED)}. Nothing written yet."
    if state == "planned":
        told = ", ".join(filter(None, (writes, left_out)))
        return f"planned: of {read}, {told}. Nothing written."
    if state == "planning":
        return "planning: look again in a moment. Nothing written."
    if not row.operation and (not rows or status.problem):
        why = status.problem.partition("\n")[0]  # what to do next stands beside it, in the problem
        return f"{state}: {why or 'it was not planned to the end.'} Nothing written."
    ended = _numbers({name: status.outcomes[name] for name in get_args(ChangeState) if name not in OPEN}, {})
    done = f"{status.done:,} of {row.writes:,} done{f' ({ended})' if ended else ''}"
    since = {"undone": ", and taken back since", "undoing": ", and being taken back"}.get(state, "")
    others = f" Left out of {read}: {left_out}." if left_out and not row.undoes else ""
    if short and (status.under_way or status.problem):
        others = ""
    elif short and others and ", " in left_out:  # of several kinds
        others = f" Left out: {rows - sum(row.counts[name] for name in row.written):,} of {read}."
    flying = " The rows in flight may still be written." if state == "cancelling" else ""
    return f"{state}: {done}{since}.{others}{flying}"


def _numbers(numbers: Mapping[str, int], words: Mapping[str, tuple[str, str]]) -> str:
    """Those that are not 0, with their words for one and for several."""
    told = [(number, words.get(name, (name, name))) for name, number in numbers.items() if number]
    return ", ".join(f"{number:,} {one if number == 1 else several}" for number, (one, several) in told)


def _read(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
