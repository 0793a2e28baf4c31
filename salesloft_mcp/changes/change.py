"""A write is a compare-and-set: at a key stands one image, and another shall stand there. Pure; nothing here awaits."""

import hashlib
import json
import math
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import astuple, dataclass, field, replace
from typing import Literal, NamedTuple

from pydantic import JsonValue

from salesloft_mcp.errors import SalesloftMcpError
from salesloft_mcp.salesloft.environment import named
from salesloft_mcp.salesloft.models import SINGULAR, MappingKey
from salesloft_mcp.text import quoted

# What stands at a key, as the log keeps it: the ids of a mapping or configuration, or some fields of a record.
Image = Mapping[str, JsonValue]
Kind = Literal["mapping", "configuration", "record"]
Verdict = Literal["done", "open", "conflict"]
Verb = Literal["created", "updated", "deleted"]

# How a change stands. `planned` was not sent, `intended` may be on its way, `unknown` was sent and its answer was lost.
# `carried` went along with another change, `lost` was sent, and what became of it will never be found out.
State = Literal[
    Verb, "planned", "intended", "unknown", "unchanged", "conflict", "failed", "declined", "carried", "lost"
]
DONE: frozenset[State] = frozenset({"created", "updated", "deleted"})
OPEN: frozenset[State] = frozenset({"planned", "intended", "unknown"})
UNSETTLED: frozenset[State] = frozenset({"intended", "unknown"})
_ONE = {"mappings": "mapping", **{str(plural): singular for plural, singular in SINGULAR.items()}}


class Fact(NamedTuple):
    """What a person is told of something: its name and value, made safe to show; `was` is what the value replaces."""

    name: str
    value: str
    was: str = ""

    @property
    def told(self) -> str:
        """The value; where it replaces another one, both."""
        return f"{self.was} → {self.value}" if self.was else self.value


@dataclass(frozen=True, slots=True)
class Change:
    """One request to Salesloft: at `key`, `before` (as it was read) becomes `after`. None means that nothing is there.

    The key of a configuration has an empty external id.
    """

    kind: Kind
    key: MappingKey
    before: Image | None
    after: Image | None

    @property
    def verb(self) -> Verb:
        """What has happened when it is done."""
        return "deleted" if self.after is None else "created" if self.before is None else "updated"

    @property
    def inverse(self) -> "Change":
        """The same change the other way round."""
        return replace(self, before=self.after, after=self.before)

    @property
    def object_id(self) -> int | None:
        """The Salesloft id of the record it is about, where that is known."""
        images = {**(self.before or {}), **(self.after or {})}
        found = images.get("id" if self.kind == "record" else "object_id")
        return found if isinstance(found, int) else None

    def part(self, row: Image) -> Image:
        """What of a row at its key it is about: the id, and what it writes."""
        wanted = {"id": None, **(self.after or {})}
        return {name: _part(value, wanted[name]) for name, value in row.items() if name in wanted}

    def over(self, row: Image) -> "Change":
        """The same change, which begins with what of a row at its key it is about."""
        return replace(self, before=self.part(row))


@dataclass(frozen=True, slots=True)
class ByRun:
    """What an operation leaves to the run of a plan, because it is too much to be held here: how many changes.

    Where nothing is left to a run, `plan` is empty.
    """

    plan: str = ""
    of: str = "mappings"  # what it updates, and mostly what it creates
    creates: int = 0
    updates: int = 0
    deletes: int = 0  # of mappings; nothing else can be deleted
    suspicious: bool = False  # whether suspicious rows are written, too
    doubtful: int = 0  # how many of these are suspicious, at the most
    asks: int = 0  # rows that a person has to agree to, however few there are
    remaps: bool = False  # whether what it creates are mappings, though it updates records: so does an undo
    renames: bool = False  # whether mappings go from one external type to another

    @property
    def writes(self) -> int:
        """How many changes there are."""
        return self.creates + self.updates + self.deletes

    @property
    def makes(self) -> str:
        """What it creates."""
        return "mappings" if self.remaps else self.of

    @property
    def told(self) -> str:
        """All of it in one line: "2 people to create, 1 person to update; 1 of them suspicious"."""
        numbers = ", ".join(f"{what} to {verb}" for verb, what in self.by_verb.items()) or "nothing to write"
        return f"{numbers}; {self.doubtful:,} of them suspicious" if self.doubtful else numbers

    @property
    def by_verb(self) -> dict[str, str]:
        """How many there are of what to create, update and delete: "2 people"."""
        numbers = {"create": (self.creates, self.makes), "update": (self.updates, self.of)}
        numbers["delete"] = (self.deletes, "mappings")
        return {
            verb: f"{number:,} {_ONE.get(what, what) if number == 1 else what}"
            for verb, (number, what) in numbers.items()
            if number
        }


@dataclass(frozen=True, slots=True)
class Operation:
    """What a person agrees to at once: changes in their order, and what is left to a run. Nothing after a change that
    failed is sent.

    `carries` says how many mappings go along with a configuration; None means that nobody knows.
    """

    title: str
    changes: tuple[Change, ...]
    carries: int | None = 0
    undoes: int | None = None
    by_run: ByRun = ByRun()
    facts: tuple[tuple[str, str], ...] = ()  # what a person is told beside the changes
    left: tuple[str, ...] = ()  # what an undo cannot bring back
    notes: tuple[str, ...] = ()  # what was changed of what was given, in words
    read_at: float = 0.0  # on the monotonic clock
    # Reads the facts again, where they can change while a person thinks.
    facts_now: Callable[[], Awaitable[tuple[tuple[str, str], ...]]] | None = field(default=None, compare=False)

    @property
    def removes(self) -> bool:
        """Whether anything is deleted by it."""
        return self.by_run.deletes > 0 or any(one.after is None for one in self.changes)

    def digest(self, place: "Place", last: "Last") -> str:
        """Stands for exactly this: the same writes of one team, on the same facts, unshortened, after the same last
        operation.
        """
        changes = [[one.kind, *astuple(one.key), one.before, one.after] for one in self.changes]
        run = [*astuple(self.by_run), self.undoes, self.facts]
        facts = [place.environment, place.team_key, self.title, changes, self.carries, run, last.number, last.begun]
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Last:
    """The last operation on a key or of a plan, how often that was begun, and the last one not refused; 0 for none."""

    number: int = 0
    begun: int = 0
    written: int = 0


@dataclass(frozen=True, slots=True)
class Place:
    """Where a write goes: the environment, and the team behind the token."""

    environment: str
    team_id: int | None = None
    team: str = ""

    def __str__(self) -> str:
        """As a person is told."""
        team = f"{quoted(self.team)} ({self.team_id})" if self.team else self.team_key
        return f"{self.named}, team {team}" if team else self.named

    @property
    def named(self) -> str:
        """The environment, as a person is told of it."""
        return named(self.environment)

    @property
    def team_named(self) -> str:
        """The team by name and id, as far as they are known; the name is text of others."""
        return f"{self.team} ({self.team_id})" if self.team else self.team_key

    @property
    def team_key(self) -> str:
        """The team as the log keeps it; empty when it is not known."""
        return "" if self.team_id is None else str(self.team_id)


@dataclass(frozen=True, slots=True)
class Author:
    """On whose account an operation is done. `how` a person agreed is empty when nobody had to."""

    who: str = "local"
    how: str = ""
    consent: str = ""  # the digest of the question that was answered with yes


class Fed(NamedTuple):
    """A change that a run begins with, and its line in the input. In another state than `intended` it is not sent.

    `alone_since` is when it was looked at what a new mapping would stand beside, where nothing did; nobody has agreed
    to what came later.
    """

    line: int
    change: Change
    state: State = "intended"
    note: str = ""
    alone_since: float = math.inf


class NotYetError(Exception):
    """What follows in a run waits for the end of what was announced already."""


@dataclass(frozen=True, slots=True)
class Line:
    """A change as the log holds it. `line` is its line in the input of a bulk run."""

    id: int
    operation: int
    change: Change
    state: State
    note: str = ""
    tries: int = 0
    at: float = 0.0
    line: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the change of a line stands now. `after` is what was found or answered, `error` why it is not done.

    `tried` is False when this try is known to have had no effect, so that it does not count.
    """

    line: Line
    state: State
    after: Image | None = None
    note: str = ""
    tried: bool = True
    error: SalesloftMcpError | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Done:
    """An operation that was worked through, under its number in the change log."""

    number: int
    place: Place
    how: str
    outcomes: tuple[Outcome, ...]
    carried: int = 0

    @property
    def error(self) -> SalesloftMcpError | None:
        """Why the first change that is not done is not."""
        return next((one.error for one in self.outcomes if one.error is not None), None)


def holds(row: Image, wanted: Image) -> bool:
    """Whether a row has every wanted value."""
    return all(row.get(name) == value for name, value in wanted.items())


def judge(change: Change, now: Iterable[Image], fits: Callable[[Image, Image], bool] = holds) -> Verdict:
    """What the rows that stand at the key now say of a change. Every look in the product ends here.

    `done`: it is as it shall be. `open`: it is as it was before. `conflict`: something else stands there.
    """
    rows = list(now)
    if change.after is None:
        return "open" if any(fits(row, change.before or {}) for row in rows) else "done"
    if any(fits(row, change.after) for row in rows):
        return "done"
    if change.before is None:
        return "conflict" if rows else "open"
    return "open" if any(fits(row, change.before) for row in rows) else "conflict"


def _part(value: JsonValue, wanted: JsonValue) -> JsonValue:
    """Of custom fields, which are merged one by one, only those that are wanted."""
    return {name: value.get(name) for name in wanted} if isinstance(value, dict) and isinstance(wanted, dict) else value
