"""A backfill in the chaos test: mappings by every kind of reference, and some of everything else."""

import random
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.rows import row_of
from salesloft_mcp.changes.change import Line
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.sandbox.store import equal

from .chaos_trial import Row, reported
from .naive import Given, Pair, verdicts

AIM = Aim("marketing_automation", "people")


@dataclass(frozen=True, slots=True)
class World:
    """The team before the backfill: people and their e-mails, and what is mapped."""

    people: Sequence[Any]
    held: Sequence[Pair]

    def find(self, by: str, ref: str) -> list[int]:
        """The objects of a reference."""
        if by == "object_id":
            return [one["id"] for one in self.people if str(one["id"]) == ref]
        name = "email_address" if by == "email" else by
        return [one["id"] for one in self.people if (one["fields"].get(name) or "").lower() == ref.lower()]


class Backfill:
    """Rows, and the mappings that should come of them."""

    aim = AIM

    def __init__(self, sandbox: Sandbox, count: int, chance: random.Random) -> None:
        self._store = sandbox.store
        self._held = self._mapped()
        world = World(self._store.select("people"), self._held)
        self.rows = _rows(world, count, chance)
        self._expected = verdicts([_given(row) for row in self.rows], world.find, world.held)
        self.writes = self._expected.creates.total()

    def before_the_run(self) -> None:
        pass

    async def after_the_run(self, folder: Path, plan: str) -> list[str]:
        """Mappings that are not as planned, rows without the line in the report that they should have, and creations
        in the log that were none.
        """
        rows, lines = await reported(folder, plan, "created")
        told = [(row.line, row.plan, row.outcome) for row in rows]
        right = [
            (number, verdict, "created" if verdict == "create" else "")
            for number, verdict in enumerate(self._expected.each, 1)
        ]
        problems = list(_misplaced(self._held, self._mapped(), self._expected.creates))
        problems += [f"reported {got} for {want}" for got, want in zip(told, right, strict=False) if got != want]
        problems += [f"{len(told)} lines for {len(right)} rows"] if len(told) != len(right) else []
        return problems + [f"logged as created: {pair}" for pair in _pairs(lines) - self._expected.creates]

    def before_the_undo(self) -> None:
        pass

    async def after_the_undo(self, folder: Path, plan: str) -> list[str]:
        """Mappings that are not as they were, and those that were created and are not told once as deleted."""
        rows, lines = await reported(folder, plan, "deleted")
        problems = list(_misplaced(self._held, self._mapped(), Counter()))
        problems += [f"reported {row.outcome} for {row.external_id}" for row in rows if row.outcome != "deleted"]
        return problems + [f"not told: {pair}" for pair in self._expected.creates - _pairs(lines)]

    def _mapped(self) -> list[Pair]:
        rows = self._store.select("mappings", [equal("external_type", AIM.external_type), equal("deleted", 0)])
        return [(row["external_id"], row["object_id"]) for row in rows if row["object_type"] == AIM.object_type]


def _rows(world: World, count: int, chance: random.Random) -> list[Row]:
    """Mostly mappings to create, by every kind of reference, and some of everything else."""
    with_crm = [one for one in world.people if one["fields"].get("crm_id")]

    def good(number: int) -> Row:
        one, name = chance.choice(world.people), f"Ü/{number} 100%"
        ways: list[Row] = [{"object_id": one["id"]}, {"email": one["fields"]["email_address"].upper()}]
        return {"external_id": name, **chance.choice([*ways, {"crm_id": chance.choice(with_crm)["fields"]["crm_id"]}])}

    def odd(number: int) -> Row:
        external_id, object_id = chance.choice(world.held)
        other = next(one["id"] for one in world.people if one["id"] != object_id)
        return chance.choice(
            [
                {"external_id": external_id, "object_id": object_id},
                {"external_id": external_id, "object_id": other},
                {"external_id": f"nobody {number}", "email": "nobody@nowhere.test"},
                {"external_id": number, "object_id": object_id},
                {"external_id": f"Ü/{number - 1} 100%", "object_id": object_id},
            ]
        )

    rows = [odd(number) if chance.random() < 0.15 else good(number) for number in range(count)]
    return [rows[number - 7] if number % 23 == 22 else row for number, row in enumerate(rows)]


def _given(row: Row) -> Given:
    found = row_of(0, row, AIM)
    return Given(found.external_id, found.by, found.ref, found.note)


def _misplaced(before: Sequence[Pair], after: Sequence[Pair], creates: Counter[Pair]) -> Iterator[str]:
    """Where what is mapped now is not what was mapped before and what was to be created."""
    planned, now = Counter(before) + creates, Counter(after)
    yield from (f"lost: {pair}" for pair in planned - now)
    yield from (f"{'twice' if pair in planned else 'wrong'}: {pair}" for pair in now - planned)


def _pairs(lines: Sequence[Line]) -> Counter[Pair]:
    return Counter((line.change.key.external_id, line.change.object_id or 0) for line in lines)
