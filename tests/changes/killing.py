"""Every kind of operation is killed at every moment at which it matters, and the log tells the truth after one look.

    python -m tests.changes.killing [--all] [--kind "re-key"] [--not-unique]

A process carries out the operation on a sandbox over HTTP, and is killed with SIGKILL just before or just after a
commit of the log or a request: at the first, the middle and the last of these points, or with `--all` at each of
them. Then another process looks once at what was cut off, and goes on with a run. What the log says must be what
stands in the sandbox: from what stood there before, each change that counts as done, and no other, leads to what
stands there now.
"""

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from salesloft_mcp.app import App
from salesloft_mcp.changes import history
from salesloft_mcp.changes.change import DONE, UNSETTLED, Line
from salesloft_mcp.salesloft.paging import live_configurations
from tests.kills import ENDED, KILLED, Victims, victims

from .killed import KINDS, Kind, email

# A yes is spent by what ran, and given back when nothing did. That of a run also counts when it was only begun.
_SPENT = "SELECT id, consent IS NOT NULL AS spent FROM operations WHERE id > ? AND plan IS NULL"
FIELDS = ("email_address", "title", "custom_fields")
EMAILS = 5  # more than the people of one trial


@dataclass(slots=True)
class Standing:
    """What stands in the sandbox of one trial."""

    mappings: Counter[tuple[str, object]] = field(default_factory=Counter)  # external id, object id
    configurations: int = 0
    people: dict[object, dict[str, object]] = field(default_factory=dict)

    def after(self, lines: Iterable[Line]) -> "Standing":
        """What should stand there when exactly the changes were made that the log calls done."""
        found = Standing(
            Counter(self.mappings), self.configurations, {one: {**self.people[one]} for one in self.people}
        )
        for line in lines:
            if line.state in DONE:
                found._apply(line)
        return found

    def _apply(self, line: Line) -> None:
        change = line.change
        step = -1 if line.state == "deleted" else 1
        if change.kind == "mapping":
            self.mappings[(change.key.external_id, change.object_id)] += step
        elif change.kind == "configuration":
            self.configurations += step
        else:
            if line.state == "created":
                self.mappings[(change.key.external_id, change.object_id)] += 1
            person = self.people.setdefault(change.object_id, dict.fromkeys(FIELDS) | {"custom_fields": {}})
            for name, value in (change.after or {}).items():
                if isinstance(value, dict):
                    merged = {**dict(person[name] or {}), **value}  # type: ignore[call-overload]
                    person[name] = {one: value for one, value in merged.items() if value is not None}
                elif name in FIELDS:
                    person[name] = value


@dataclass(frozen=True, slots=True)
class Trial:
    """One kill: how the process ended, and what is not true after it."""

    point: int
    killed: bool
    untrue: list[str]


class Killer:
    """Kills operations of every kind."""

    def __init__(self, victims: Victims) -> None:
        self._victims = victims
        self._trials = 0

    def points(self, kind: Kind) -> int:
        """How many points the operation has when nobody kills it."""
        trial, folder = self._trial(kind, 0)
        assert (trial.killed, trial.untrue) == (False, []), trial
        return self._victims.counted(folder)

    def kill(self, kind: Kind, point: int) -> Trial:
        """Prepare, carry out until the point, look once, and compare."""
        return self._trial(kind, point)[0]

    def _trial(self, kind: Kind, point: int) -> tuple[Trial, Path]:
        self._trials += 1
        tag, folder = f"t{self._trials}", self._victims.folder / f"t{self._trials}"
        before = anyio.run(self._prepare, kind, tag, folder)
        ended = self._victims.killed(folder, point, kind.name, tag)
        assert ended in (KILLED, ENDED), f"{kind.name} at {point}: {ended}"
        return Trial(point, ended == KILLED, anyio.run(self._untrue, before, tag, folder)), folder

    async def _prepare(self, kind: Kind, tag: str, folder: Path) -> tuple[Standing, int]:
        async with self._victims.opened(folder) as app:
            await kind.prepare(app, tag)
            numbers = [one.id for one in await history.find(app.database, limit=1)]
            return await standing(app, tag), max(numbers, default=0)

    async def _untrue(self, before: tuple[Standing, int], tag: str, folder: Path) -> list[str]:
        """What is wrong in the log after one look, in words."""
        stood, last = before
        async with self._victims.opened(folder) as app:
            await app.changes.look_back()
            await app.jobs.resume_all()
            for status in await app.plans.newest(2):
                ended = await app.jobs.wait(status.plan.id, 60)
                if ended.state not in ("planned", "finished", "undoing", "undone"):  # undoing: before that was begun
                    return [f"the run is {ended.state}: {ended.problem}"]
            found = [one for one in await history.find(app.database) if one.id > last]
            lines = [line for one in reversed(found) for line in await app.changes.log.lines(one.id)]
            spent = await app.database.read(lambda tx: tx.rows(_SPENT, last))
            stands, told = await standing(app, tag), stood.after(lines)
        wrong = (
            [f"the log says {told}, and there stands {stands}"]
            if +told.mappings != stands.mappings
            or (
                told.configurations,
                told.people,
            )
            != (stands.configurations, stands.people)
            else []
        )
        ran = {line.operation for line in lines if line.state in DONE}
        wrong += [f"the yes of {row['id']}: {row['spent']}" for row in spent if row["spent"] != (row["id"] in ran)]
        wrong += [f"not settled: {line}" for line in lines if line.state in UNSETTLED]
        return wrong


async def standing(app: App, tag: str) -> Standing:
    """All that belongs to a trial."""
    api, external_type = app.salesloft, f"erp {tag}"
    rows = (await api.list_mappings(external_type=external_type, deleted=False, per_page=100)).rows
    live, _ = await live_configurations(api)
    emails = tuple(("email_addresses[]", email(tag, number)) for number in range(EMAILS))
    people = (await api.list_objects("people", emails)).rows
    return Standing(
        Counter((row.external_id, row.object_id) for row in rows),
        sum(one.external_type == external_type for one in live),
        {one.id: {name: getattr(one, name, None) for name in FIELDS} for one in people},
    )


@contextmanager
def killer(*, enforce_unique: bool) -> Iterator[Killer]:
    """On a sandbox of its own."""
    with victims("tests.changes.killed", enforce_unique=enforce_unique) as found:
        yield Killer(found)


def first_middle_last(points: int) -> list[int]:
    """The points of the short form."""
    return sorted({1, (points + 1) // 2, points})


def main() -> int:
    """The table: kind, points, killed, true; and what is not true."""
    parser = argparse.ArgumentParser(description="Kill every kind of operation, and hold the log against the sandbox.")
    parser.add_argument("--all", action="store_true", help="at every point, not only at the first, middle and last")
    parser.add_argument("--kind", choices=KINDS, help="only this kind")
    parser.add_argument("--not-unique", action="store_true", help="on a Salesloft that takes an external id twice")
    asked = parser.parse_args()
    wrong = 0
    with killer(enforce_unique=not asked.not_unique) as found:
        print(f"{'kind':<28} points  killed  true", flush=True)
        for kind in [KINDS[asked.kind]] if asked.kind else KINDS.values():
            points = found.points(kind)
            tried = range(1, points + 1) if asked.all else first_middle_last(points)
            trials = [found.kill(kind, point) for point in tried]
            untrue = [one for one in trials if one.untrue]
            print(
                f"{kind.name:<28} {len(trials):6} {sum(one.killed for one in trials):7} {len(trials) - len(untrue):5}",
                flush=True,
            )
            for one in untrue:
                print(f"    point {one.point}: {'; '.join(one.untrue)}", flush=True)
            wrong += len(untrue)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
