"""A plan as its table holds it, how far it is, and what its run would do. Pure."""

import json
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Literal

from salesloft_mcp import errors
from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.changes.change import OPEN, ByRun, Operation
from salesloft_mcp.changes.change import State as ChangeState
from salesloft_mcp.changes.history import RESTRICTED_AGAIN
from salesloft_mcp.changes.records import Intent
from salesloft_mcp.changes.run import BATCH
from salesloft_mcp.errors import Hint
from salesloft_mcp.lookups.standing import questions
from salesloft_mcp.salesloft.models import ObjectType
from salesloft_mcp.salesloft.requests import PAGE_SIZE
from salesloft_mcp.state.database import Row, Value
from salesloft_mcp.state.staging import Verdict
from salesloft_mcp.text import quoted

LEFT_OUT: tuple[Verdict, ...] = ("conflict", "object unknown", "invalid")
SECOND_ID = "second id"  # why a person has to agree to a row
RENAMED = "renamed"  # mappings that are deleted under the type they have
SUSPICIOUS_UPDATE = "suspicious update"  # rows that are held back, and would update a record
# Why a person has to agree to rows of a plan, as the person is told.
REASONS = {
    "configuration": "configurations to create first",
    RENAMED: "mappings to delete under the old type",
    SECOND_ID: "records that get one more external id of this type",
    "do_not_contact": "records that leave all running cadences (do_not_contact)",
    "contact_restrictions": "people whom nobody may contact any more",
    "archived": "accounts to archive",
    RESTRICTED_AGAIN: "records whose contact is restricted again, or which are archived again",
}

Fact = Value | Counter[str] | tuple[str, ...]
State = Literal[
    "planning",
    "planned",
    "running",
    "cancelling",
    "paused",
    "stopped",
    "cancelled",
    "finished",
    "failed",
    "undoing",
    "undone",
]


@dataclass(frozen=True, slots=True)
class PlanRow:
    """A plan as the table holds it, made `at` a moment. `asks` is why a person has to agree to rows, and to how many;
    `notes` are what was assumed of the input. `suspicious` says that its run writes suspicious rows, too. `agreed` is
    how many writes a person said yes to, until the run is cancelled; `cancelled` is how often its end was asked for
    since it was begun. Where `new_external_type` is not empty, mappings go from the one type to the other, and the run
    that takes that back has the same two types.
    """

    id: str
    at: float
    state: State
    external_type: str
    object_type: ObjectType
    intent: Intent | Literal[""]
    new_external_type: str
    source: str
    digest: str
    team: str
    counts: Counter[str]
    asks: Counter[str]
    notes: tuple[str, ...]
    suspicious: bool
    operation: int
    undoes: int
    agreed: int
    problem: str
    cancelled: int

    @property
    def aim(self) -> Aim:
        """What it is for."""
        return Aim(self.external_type, self.object_type, self.intent or None, self.new_external_type)

    @property
    def written(self) -> tuple[Verdict, ...]:
        """The verdicts of the rows that its run writes."""
        found: tuple[Verdict, ...] = ("rename", "delete") if self.new_external_type else ("create", "update")
        return (*found, "suspicious") if self.suspicious else found

    @property
    def by_verb(self) -> Counter[str]:
        """How many changes it wants to make, of records or mappings to create, to update and to delete. A mapping that
        is renamed is created and deleted.
        """
        counts, doubtful = self.counts, self.counts["suspicious"] if self.suspicious else 0
        if self.new_external_type and not self.undoes:
            renamed = counts["rename"] + doubtful
            return Counter(create=renamed, delete=renamed + counts["delete"])
        damaged = self.asks[SUSPICIOUS_UPDATE] if self.suspicious else 0
        creates = counts["create"] + doubtful - damaged
        return Counter(create=creates, update=counts["update"] + damaged, delete=counts["delete"])

    @property
    def writes(self) -> int:
        """Changes that it wants to make."""
        return self.by_verb.total()


@dataclass(frozen=True, slots=True)
class Status:
    """How far a plan is. `stopped` was begun and is run by nobody now: run it again to go on. `paused` goes on
    by itself as soon as somebody signs in. `ended` is how many rows were not written, by what was to be done: create,
    update or delete.
    """

    plan: PlanRow
    state: State
    problem: str
    outcomes: Counter[ChangeState]
    ended: Counter[str] = field(default_factory=Counter)

    @property
    def done(self) -> int:
        """Rows to write that have come to their end."""
        return sum(number for state, number in self.outcomes.items() if state not in OPEN)

    @property
    def left(self) -> int:
        """Rows that are still to be written."""
        return max(0, self.plan.writes - self.done)

    @property
    def points(self) -> int:
        """API points that these cost at most: one each, what it takes to look once more, in batches, whose the external
        ids of records are, what was mapped meanwhile, by others and by the batch before, and two where the external
        type is to be looked for and configured first. What has to wait for points is looked at again, and where much
        was mapped meanwhile, that is read: neither is counted here.
        """
        plan, size = self.plan, min(self.left, BATCH)
        if plan.new_external_type:
            return self._points_of_rename
        found = {name: min(plan.counts[name], size) for name in plan.written}
        free = sum(found.values()) - found["update"] if plan.intent else 0
        first = 2 if plan.asks["configuration"] and self.left and not plan.operation else 0
        batches = -(-self.left // BATCH)
        maps = batches > 0 and not plan.undoes and found["update"] < sum(found.values())
        new = 1 + (batches - 1) * -(-BATCH // PAGE_SIZE) if maps else 0
        return first + new + self.left + batches * questions(found["update"], min(free, size))

    @property
    def _points_of_rename(self) -> int:
        """One each; what was mapped meanwhile, by others and by the batch before; and, in batches, whether the mapping
        of the other type stands: before one is created, unless it comes back, and before one is deleted. Of two types
        that differ in spelling alone each is looked up.
        """
        plan, verbs = self.plan, left_by_verb(self.plan, self, self.left)
        first = 2 if plan.asks["configuration"] and self.left and not plan.operation else 0
        looked = verbs["delete"] if plan.undoes else verbs["delete"] + verbs["create"]
        batches = -(-verbs["create"] // BATCH)
        new = 1 + (batches - 1) * -(-BATCH // PAGE_SIZE) if batches and not plan.undoes else 0
        if plan.aim.is_respelled:
            return first + new + self.left + looked
        found = [verbs["delete"]] if plan.undoes else [verbs["create"], verbs["delete"]]
        return first + new + self.left + sum(-(-one // BATCH) * questions(min(one, BATCH), 0) for one in found)

    @property
    def under_way(self) -> bool:
        """Whether somebody works on it now."""
        return self.state in ("planning", "running", "cancelling")

    @property
    def waits(self) -> bool:
        """Whether it was begun, and is for the next server, or whoever signs in, to go on with."""
        return self.state in ("stopped", "paused")

    @property
    def refused(self) -> int:
        """Rows that were to be written and are not, as far as anybody knows."""
        return self.outcomes["conflict"] + self.outcomes["failed"] + self.outcomes["lost"]


def plan_row(row: Row) -> PlanRow:
    """A row of the table."""
    counters = {name: Counter(json.loads(row[name])) for name in ("counts", "asks")}
    return PlanRow(
        **{**row, **counters, "notes": tuple(json.loads(row["notes"])), "suspicious": bool(row["suspicious"])}
    )


def values_of(facts: dict[str, Fact]) -> dict[str, Value]:
    """Facts about a plan as the table holds them."""
    return {name: json.dumps(one) if isinstance(one, Counter | tuple) else one for name, one in facts.items()}


def operation_of(status: Status, title: str = "run", suspicious: bool = False) -> Operation:
    """What a run of a plan would do now, for a person to agree to; `title` is the tool or command that asks. With
    `suspicious` it writes the suspicious rows, too.

    Raises:
        ConflictError: it cannot be run; or it was begun without its suspicious rows.
    """
    row = status.plan
    _check_startable(status, suspicious)
    row = replace(row, suspicious=suspicious or row.suspicious)
    left = replace(status, plan=row).left
    told = {"plan": row.id, "external type": quoted(row.external_type)}
    if row.new_external_type:
        told["new external type"] = quoted(row.new_external_type)
    told["object type"] = row.object_type
    told["from"] = quoted(row.source)
    if row.digest:
        told["digest of the input"] = f"SHA-256 {row.digest[:16]}…"
    left_out = LEFT_OUT if row.suspicious else ("suspicious", *LEFT_OUT)
    told |= {f"{name} rows left out": str(row.counts[name]) for name in left_out if row.counts[name]}
    asks = row.asks + Counter({name: row.asks[f"suspicious {name}"] for name in REASONS if row.suspicious})
    told |= {words: str(asks[name]) for name, words in REASONS.items() if asks[name]}
    unclear = row.suspicious and row.counts["suspicious"] > 0
    cost = replace(status, plan=row).points
    told["cost"] = f"{cost} point{'s' * (cost != 1)}"
    writes = left_by_verb(row, status, left)
    return Operation(
        title,
        (),
        undoes=row.undoes or None,
        by_run=ByRun(
            row.id,
            of=row.object_type if row.intent or row.counts["update"] else "mappings",
            creates=writes["create"],
            updates=writes["update"],
            deletes=writes["delete"],
            suspicious=row.suspicious,
            doubtful=min(row.counts["suspicious"], left) if row.suspicious else 0,
            asks=(sum(asks[name] for name in REASONS) or int(unclear)) if left else 0,
            remaps=bool(row.undoes and row.counts["update"] and writes["create"]),
            renames=bool(row.new_external_type and writes["delete"]),
        ),
        facts=tuple(told.items()),
    )


def _check_startable(status: Status, suspicious: bool) -> None:
    """
    Raises:
        ConflictError: its run cannot begin or go on, or not with its suspicious rows.
    """
    row = status.plan
    if suspicious and row.operation and not row.suspicious and status.state == "finished":
        what = "plan: its run ended without its suspicious rows. Nothing was started."
        step = (Hint.PLAN_AGAIN, " for them; what was written comes out as unchanged.")
        raise errors.ConflictError(what, next_step=step)
    if row.state in ("planning", "undone") or status.state not in ("planned", "paused", "stopped", "cancelled"):
        again = "" if status.under_way or status.state == "undoing" else (Hint.PLAN_AGAIN, ", to write anew.")
        raise errors.ConflictError(f"plan: it is {status.state}. Nothing was started.", next_step=again)
    if suspicious and row.operation and not row.suspicious:
        what = "plan: it was begun without its suspicious rows, and goes on without them. Nothing was started."
        raise errors.ConflictError(what, next_step=(Hint.PLAN_AGAIN, " for them, when it has ended."))


def left_by_verb(row: PlanRow, status: Status, left: int) -> Counter[str]:
    """What of `left` is to be created, updated and deleted. What was found as it shall be may be any of these."""
    outcomes = status.outcomes
    rest = row.by_verb - Counter(create=outcomes["created"], update=outcomes["updated"], delete=outcomes["deleted"])
    rest -= status.ended
    for what in tuple(rest):
        rest[what] -= min(rest[what], rest.total() - left)
    return rest
