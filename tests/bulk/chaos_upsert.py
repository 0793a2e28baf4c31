"""A bulk upsert in the chaos test. What each row should come to is known from how the row was made, and what should
stand in the end from plain dictionaries over the sandbox's own store.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.changes.change import Line
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.sandbox.store import equal

from .chaos_trial import Row, reported

AIM = Aim("marketing_automation", "people", "upsert")
NO_ACCOUNT = 999_999_999
OTHERS = {"inserted_at": "2024-02-01T12:00:00Z", "external_type": AIM.external_type, "object_type": "people"}
ACCOUNTS, USERS = range(9001, 9059), range(1, 25)

Fields = dict[str, Any]
Move = Callable[[], None]


@dataclass(slots=True)
class Expected:
    """A row, what the plan should say of it, and how its write should end; `outcome` is empty where there is none."""

    row: Row
    plan: str
    outcome: str = ""
    person: int = 0  # whom it updates
    meanwhile: Move | None = None  # what others do after the plan

    @property
    def external_id(self) -> str:
        """As a report tells it, also where it is a number, which is no external id."""
        return str(self.row["external_id"])


@dataclass(slots=True)
class Team:
    """What stands in the sandbox: people with their fields, and the person of each external id."""

    people: dict[int, Fields] = field(default_factory=dict)
    mapped: Counter[tuple[str, int]] = field(default_factory=Counter)


class Upsert:
    """Rows, and the people that should come of them."""

    aim = AIM

    def __init__(self, sandbox: Sandbox, count: int, chance: random.Random) -> None:
        self._store = sandbox.store
        self._chance = chance
        self._free = iter([self._known(number) for number in range(count)])
        self._taken = [row["fields"]["email_address"] for row in self._store.select("people")[:20]]
        self._expected = [self._any(number) for number in range(count)]
        for number in range(22, count, 23):
            first = self._expected[number - 7]
            if first.plan != "invalid":
                self._expected[number] = Expected(first.row, "duplicate")
        self.rows = [one.row for one in self._expected]
        self.writes = sum(one.outcome in ("created", "updated") for one in self._expected)
        self._before = self._ran = self._team()

    def before_the_run(self) -> None:
        """Somebody changes people and mappings that the plan is about."""
        for one in self._expected:
            if one.meanwhile:
                one.meanwhile()
        self._before = self._team()

    async def after_the_run(self, folder: Path, plan: str) -> list[str]:
        """Everything that is not as it should be, in the sandbox, in the report and in the log."""
        now, right = self._team(), deepcopy(self._before)
        problems: list[str] = []
        for one in self._expected:
            if one.outcome == "updated":
                right.people[one.person] = written(right.people[one.person], one.row)
            elif one.outcome == "created":
                own = [person for external_id, person in now.mapped if external_id == one.external_id]
                new = [person for person in own if person not in self._before.people]
                problems += [] if len(new) == 1 else [f"{'twice' if new else 'lost'}: {one.external_id}"]
                for person in new[:1]:
                    one.person = person
                    right.people[person] = written({}, one.row)
                    right.mapped[(one.external_id, person)] += 1
                    problems += self._sent_again(person)
        problems += list(_unlike(now, right))
        self._ran = now
        return problems + await self._misreported(folder, plan)

    def before_the_undo(self) -> None:
        """Somebody changes some of what the run has written."""
        for one in self._expected:
            if one.outcome in ("created", "updated") and self._chance.random() < 0.1:
                self._change_again(one)
        self._ran = self._team()

    async def after_the_undo(self, folder: Path, plan: str) -> list[str]:
        """Fields that are not as they were, mappings of new people that are still there, and whatever else changed."""
        right, told = deepcopy(self._ran), Counter[tuple[str, str]]()
        for one in self._expected:
            if one.outcome == "updated":
                right.people[one.person], changed = self._back(one)
                told[(one.external_id, "updated" if changed else "conflict")] += 1
            elif one.outcome == "created":
                stands = right.mapped.pop((one.external_id, one.person), 0)
                told[(one.external_id, "deleted" if stands else "unchanged")] += 1
        rows, _ = await reported(folder, plan)
        found = Counter((row.external_id, row.outcome) for row in rows)
        problems = [f"reported {one}, which is not so" for one in found - told]
        problems += [f"not reported: {one}" for one in told - found]
        return problems + list(_unlike(self._team(), right))

    def _team(self) -> Team:
        rows = self._store.select("mappings", [equal("external_type", AIM.external_type), equal("deleted", 0)])
        people = {row["id"]: _plain(row["fields"]) for row in self._store.select("people")}
        return Team(people, Counter((row["external_id"], row["object_id"]) for row in rows))

    def _sent_again(self, person: int) -> list[str]:
        """A person who was upserted once more after it was created."""
        (row,) = self._store.select("people", [equal("id", person)])
        return [] if row["created_at"] == row["updated_at"] else [f"sent twice: {person}"]

    def _known(self, number: int) -> tuple[str, int, Fields]:
        """A person who is mapped before."""
        fields = {
            "first_name": "Kim",
            "last_name": f"Known {number}",
            "email_address": f"known{number}@chaos.test",
            "phone": f"+1 404 555 {number:04d}",
            "title": "Analyst",
            "city": None if number % 3 else "Austin",
            "tags": ["newsletter"] if number % 2 else [],
            "owner_id": USERS[number % 7],
            "account_id": ACCOUNTS[number % 11],
            "custom_fields": {"Lead Source": "fair"} if number % 5 else {},
        }
        times = dict.fromkeys(("created_at", "updated_at"), "2024-01-01T00:00:00.000000+00:00")
        person = self._store.insert("people", {**times, "fields": fields})["id"]
        external_id = f"Ü/known {number} 100%"
        self._map(external_id, person)
        return external_id, person, fields

    def _map(self, external_id: str, person: int) -> None:
        self._store.insert("mappings", {**OTHERS, "external_id": external_id, "object_id": person})

    def _unmap(self, external_id: str) -> None:
        self._store.update("mappings", {"deleted": 1}, equal("external_id", external_id))

    def _move(self, external_id: str, person: int) -> None:
        self._unmap(external_id)
        self._map(external_id, person)

    def _remove(self, external_id: str, person: int) -> None:
        self._unmap(external_id)
        self._store.remove("people", person)

    def _set(self, person: int, row: Row) -> None:
        (there,) = self._store.select("people", [equal("id", person)])
        self._store.update("people", {"fields": written(there["fields"], row)}, equal("id", person))

    def _any(self, number: int) -> Expected:
        kinds = (self._creation, self._update, self._unchanged, self._ruled_out, self._refused, self._overtaken)
        return self._chance.choices(kinds, (34, 34, 8, 10, 5, 9))[0](number)

    def _creation(self, number: int) -> Expected:
        name = {"last_name": f"New {number}", "phone": f"+1 212 555 {number:04d}"}
        ways: list[Row] = [{"email_address": f"new{number}@chaos.test"}, {**name, "title": "CFO"}]
        row = {"external_id": f"Ü/{number} 100%", **self._chance.choice(ways), "city": f"City {number}"}
        return Expected(row, "create", "created")

    def _update(self, number: int) -> Expected:
        external_id, person, fields = next(self._free)
        new: list[Row] = [
            {"title": f"Title {number}"},
            {"city": f"City {number}", "mobile_phone": f"+1 303 556 {number:04d}"},
            {"tags": [f"tag {number}", "newsletter"]},
            {"custom_fields": {"Legacy ID": f"L-{number}", "Lead Source": f"list {number}"}},
            {"owner_id": 20, "account_id": 9050},
            {"do_not_contact": True, "email_address": f"moved{number}@chaos.test"},
            {"clear": ["phone"]},
        ]
        row: Row = {"external_id": external_id, "last_name": fields["last_name"]}
        for more in self._chance.sample(new, self._chance.randint(1, 3)):
            row |= more
        return Expected(row, "update", "updated", person)

    def _unchanged(self, number: int) -> Expected:
        external_id, person, fields = next(self._free)
        row = {"external_id": external_id, "title": fields["title"], "email_address": fields["email_address"].upper()}
        return Expected(row, "unchanged", person=person)

    def _ruled_out(self, number: int) -> Expected:
        """By the plan."""
        external_id, _, _ = next(self._free)
        name, taken = f"Ü/{number} 100%", self._chance.choice(self._taken)
        ways = [
            Expected({"external_id": name, "title": "CFO"}, "invalid"),
            Expected({"external_id": number, "email_address": f"new{number}@chaos.test"}, "invalid"),
            Expected({"external_id": external_id, "do_not_contact": "perhaps"}, "invalid"),
            Expected({"external_id": name, "email_address": taken}, "conflict"),
            Expected({"external_id": external_id, "email_address": taken}, "conflict"),
        ]
        return self._chance.choice(ways)

    def _refused(self, number: int) -> Expected:
        """By Salesloft."""
        one = self._chance.choice([self._creation, self._update])(number)
        return Expected({**one.row, "account_id": NO_ACCOUNT}, one.plan, "failed")

    def _overtaken(self, number: int) -> Expected:
        """By somebody who writes between the plan and the run."""
        old, new, (_, spare, _) = self._update(number), self._creation(number), next(self._free)
        old.row["title"] = f"Title {number}"
        ways: list[tuple[Expected, str, Move]] = [
            (new, "conflict", lambda: self._map(new.external_id, spare)),
            (old, "conflict", lambda: self._set(old.person, {"title": "Somebody's"})),
            (old, "conflict", lambda: self._unmap(old.external_id)),
            (old, "conflict", lambda: self._move(old.external_id, spare)),
            (old, "conflict", lambda: self._remove(old.external_id, old.person)),
            (old, "unchanged", lambda: self._set(old.person, old.row)),
        ]
        one, outcome, meanwhile = self._chance.choice(ways)
        return replace(one, outcome=outcome, meanwhile=meanwhile)

    async def _misreported(self, folder: Path, plan: str) -> list[str]:
        """Rows without the line in the report that they should have, and lines of the log that are not so."""
        rows, lines = await reported(folder, plan)
        told = [(row.external_id, row.plan, row.outcome) for row in rows]
        right = [(one.external_id, one.plan, one.outcome) for one in self._expected]
        problems = [f"reported {got} for {want}" for got, want in zip(told, right, strict=False) if got != want]
        problems += [f"{len(told)} lines for {len(right)} rows"] if len(told) != len(right) else []
        by_line = {line.line: line for line in lines}
        for number, one in enumerate(self._expected, 1):
            if one.outcome in ("created", "updated") and number in by_line:
                problems += self._unlike_the_log(one, by_line[number])
        return problems

    def _unlike_the_log(self, one: Expected, line: Line) -> Iterator[str]:
        change, before = line.change, self._before.people.get(one.person, {})
        if (change.object_id, line.state) != (one.person, one.outcome):
            yield f"logged {change.object_id} {line.state} for {one}"
        after, old = written(before, one.row), _plain(change.before or {})
        for name in set(change.after or {}) - {"id"}:
            if one.outcome == "updated" and not _holds(before.get(name), old.get(name)):
                yield f"logged {old.get(name)!r} as the old {name} of {one.external_id}, not {before.get(name)!r}"
            if not _holds(after.get(name), (change.after or {})[name]):
                yield f"logged {(change.after or {})[name]!r} as the new {name} of {one.external_id}"

    def _change_again(self, one: Expected) -> None:
        if one.outcome == "created":
            self._unmap(one.external_id)
        else:
            self._set(one.person, {"title": "Changed again"})

    def _back(self, one: Expected) -> tuple[Fields, bool]:
        """A person with the old values of what the run has changed, where nobody has changed it again since."""
        was, ran = self._before.people[one.person], self._ran.people[one.person]
        wrote = written(was, one.row)
        mine = {name for name in wrote.keys() | was.keys() if wrote.get(name) != was.get(name)}
        mine = {name for name in mine if wrote.get(name) == ran.get(name)}
        return _plain({**ran, **{name: was.get(name) for name in mine}}), bool(mine)


def written(fields: Mapping[str, Any], row: Row) -> Fields:
    """The fields of a person after a row was written."""
    after = {**fields, **{name: value for name, value in row.items() if name not in ("external_id", "clear")}}
    after["custom_fields"] = {**(fields.get("custom_fields") or {}), **row.get("custom_fields", {})}
    return _plain({**after, **dict.fromkeys(row.get("clear", ()))})


def _plain(fields: Mapping[str, Any]) -> Fields:
    """What is empty counts as not there."""
    return {name: value for name, value in fields.items() if value and name != "id"}


def _holds(there: Any, logged: Any) -> bool:
    """Whether a field is as the log has it, which keeps of custom fields only those that were written."""
    if isinstance(logged, dict):
        return all((there or {}).get(name) == value for name, value in logged.items())
    return (there or None) == (logged or None)


def _unlike(now: Team, right: Team) -> Iterator[str]:
    """Where the sandbox is not as it should be."""
    yield from (f"no mapping {one}" for one in right.mapped - now.mapped)
    yield from (f"mapped and should not be: {one}" for one in now.mapped - right.mapped)
    for person in now.people.keys() | right.people.keys():
        if person not in now.people or person not in right.people:
            yield f"person {person} should {'not ' * (person in now.people)}be there"
        elif now.people[person] != right.people[person]:
            yield f"person {person} is {now.people[person]} and should be {right.people[person]}"
