"""What the plan of a bulk upsert should say of each row, read in the plainest way: lists in memory, no SQL."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from salesloft_mcp.changes.records import Intent
from salesloft_mcp.intake.near import difference
from salesloft_mcp.intake.values import suspicious
from salesloft_mcp.state.staging import Verdict

from .naive import misspelled

Fields = Mapping[str, object]


class Given(NamedTuple):
    """A row: an external id, and the fields that are given."""

    external_id: str
    fields: Fields


@dataclass(frozen=True, slots=True)
class World:
    """The people by their Salesloft ids, each with its fields, and what is mapped: (external id, Salesloft id)."""

    people: Mapping[int, Fields]
    held: Sequence[tuple[str, int]]

    def of(self, external_id: str) -> set[int]:
        """The people that an external id stands for."""
        return {one for held, one in self.held if held == external_id}

    def holder(self, email: object) -> int | None:
        """The person who has an e-mail, whatever its case."""
        return next((one for one, fields in self.people.items() if same(fields.get("email_address"), email)), None)


def same(one: object, other: object) -> bool:
    """Whether two e-mails are one."""
    return str(one).lower() == str(other).lower()


def verdicts(rows: Sequence[Given], world: World, intent: Intent) -> list[tuple[Verdict, bool]]:
    """The verdict of each row, and whether a person has to agree to it."""
    rows = [Given(row.external_id, _cleaned(row.fields)) for row in rows]
    each: list[Verdict] = ["new" if row.fields else "invalid" for row in rows]
    _rule_out_contradictions(each, rows)
    targets = [next(iter(world.of(row.external_id)), None) for row in rows]
    for number, row in enumerate(rows):
        if each[number] == "new" and len(world.of(row.external_id)) > 1:
            each[number] = "conflict"
    _rule_out_twins(each, rows, targets)
    _rule_out_taken(each, rows, targets, world)
    for number, row in enumerate(rows):
        if each[number] == "new":
            each[number] = _judged(row, world.people[target] if (target := targets[number]) else None, intent)
    ids = {held for held, _ in world.held} | {row.external_id for n, row in enumerate(rows) if each[n] == "create"}
    odd = misspelled([row.external_id for row in rows])
    for number, row in enumerate(rows):
        near = any(difference(row.external_id, other) for other in ids)
        if each[number] == "create" and (near or row.external_id in odd or suspicious(row.external_id)):
            each[number] = "suspicious"
    return [(each[number], _asks(each[number], row, targets[number], world)) for number, row in enumerate(rows)]


def _cleaned(fields: Fields) -> Fields:
    """E-mails are written in small letters."""
    email = fields.get("email_address")
    return {**fields, "email_address": str(email).lower()} if email else fields


def _rule_out_contradictions(each: list[Verdict], rows: Sequence[Given]) -> None:
    """What an earlier row said already is a duplicate; of different rows of one external id, none is right for sure."""
    for number, row in enumerate(rows):
        if each[number] == "new" and row in rows[:number]:
            each[number] = "duplicate"
    for number, row in enumerate(rows):
        others = [one for one in rows if one.external_id == row.external_id and one.fields]
        if each[number] == "new" and any(one != row for one in others):
            each[number] = "invalid"


def _rule_out_twins(each: list[Verdict], rows: Sequence[Given], targets: Sequence[int | None]) -> None:
    """Several external ids of one record: the same fields are one row, and different ones contradict each other."""
    here = [number for number in range(len(rows)) if each[number] == "new" and targets[number] is not None]
    for number in here:
        if any(targets[n] == targets[number] and rows[n].fields == rows[number].fields for n in here if n < number):
            each[number] = "duplicate"
    here = [number for number in here if each[number] == "new"]
    for number in here:
        if any(targets[n] == targets[number] for n in here if n != number):
            each[number] = "conflict"


def _rule_out_taken(each: list[Verdict], rows: Sequence[Given], targets: Sequence[int | None], world: World) -> None:
    """An e-mail is one record's alone."""
    for number, row in enumerate(rows):
        email = row.fields.get("email_address")
        if each[number] == "new" and email and world.holder(email) not in (None, targets[number]):
            each[number] = "conflict"
    emails = {number: row.fields.get("email_address") for number, row in enumerate(rows) if each[number] == "new"}
    for number, email in emails.items():
        if email and any(same(email, other) for n, other in emails.items() if other and n != number):
            each[number] = "conflict"


def _judged(row: Given, record: Fields | None, intent: Intent) -> Verdict:
    if record is None:
        return "conflict" if intent == "update_only" else "create" if row.fields.get("email_address") else "invalid"
    if intent == "create_only":
        return "conflict"
    changed = [
        name
        for name, value in row.fields.items()
        if not (same(record.get(name), value) if name == "email_address" else record.get(name) == value)
    ]
    return "update" if changed else "unchanged"


def _asks(verdict: Verdict, row: Given, target: int | None, world: World) -> bool:
    """Whoever is not to be contacted any more leaves all cadences."""
    before = world.people[target].get("do_not_contact") if target else None
    written = verdict in ("create", "update", "suspicious")
    return written and row.fields.get("do_not_contact") is True and before is not True
