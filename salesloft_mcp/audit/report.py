"""Pure: findings and coverage as one report, in a sentence, in plain data, and kept between two pages of it."""

import secrets
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any

from pydantic import Field

from salesloft_mcp.audit.findings import KINDS, Finding, Object, Row, findings
from salesloft_mcp.salesloft.models import SINGULAR, ObjectType, Scope
from salesloft_mcp.text import View

KEPT_AUDITS = 4
KEPT_SECONDS = 900.0

Configured = tuple[str, ObjectType]
_UNREAD = " of Salesloft's answers cannot be read: a record that counts as gone may be there."
# What one of them is, and what several are.
_WORDS: dict[str, tuple[str, str]] = {
    "shared_ids": ("id stands for several objects", "ids stand for several objects"),
    "several_ids": ("object has several ids of one type", "objects have several ids of one type"),
    "orphans": (
        "mapping leads to an object that is gone or hidden from this token",
        "mappings lead to objects that are gone or hidden from this token",
    ),
    "near_duplicates": ("group of ids looks like one id", "groups of ids look like one id each"),
    "suspicious_ids": ("mapping has an id that looks damaged", "mappings have ids that look damaged"),
}


class Coverage(View):
    """How far the ids of one type reach."""

    external_type: str = Field(description="The type of the external id.")
    object_type: ObjectType = Field(description="The kind of Salesloft record.")
    mappings: int = Field(description="How many live mappings there are of this type.")
    ids: int = Field(description="How many different external ids they have.")
    objects: int = Field(description="How many records they lead to.")
    of: int | None = Field(None, description="How many records of this kind the team has, where that is known.")
    percent: float | None = Field(None, description="The share of these records that has an id of this type.")
    configured: bool = Field(True, description="False where no live configuration has this type.")


class Counts(View):
    """How many findings there are of each kind, and what no finding tells of."""

    shared_ids: int = Field(description="External ids that stand for several records.")
    several_ids: int = Field(description="Records with several external ids of one type.")
    orphans: int = Field(description="Mappings to records that are gone or hidden from this token.")
    near_duplicates: int = Field(description="Groups of external ids that look like one id.")
    suspicious_ids: int = Field(description="Mappings whose external id looks damaged; each says why.")
    deleted_mappings: int | None = Field(None, description="Deleted mappings, which were passed over.")
    types_not_shown: int = Field(0, description="External types that coverage had no room for.")


@dataclass(frozen=True, slots=True)
class Audit:
    """Everything one look at the mappings has found. `reached` are the objects that have any id at all; `unread` counts
    the rows of Salesloft's answers that could not be read, and are no part of it.
    """

    scope: Scope
    coverage: tuple[Coverage, ...]
    findings: tuple[Finding, ...]
    reached: Mapping[ObjectType, int]
    totals: Mapping[ObjectType, int | None]
    deleted: int | None
    unread: int = 0

    @property
    def found(self) -> dict[str, int]:
        """How many findings of each kind, in the order they come."""
        counted = Counter(one.kind for one in self.findings)
        return {kind: counted[kind] for kind in KINDS}

    @property
    def counts(self) -> Counts:
        """How many findings of each kind, and how many deleted mappings were passed over."""
        return Counts(**self.found, deleted_mappings=self.deleted)

    def data(self) -> dict[str, Any]:
        """The summary for programs."""
        coverage = [one.data() for one in self.coverage]
        return {"summary": self.sentence, "coverage": coverage, "counts": self.counts.data()}

    @property
    def sentence(self) -> str:
        """The result, to be read out. It holds no text of others."""
        kinds = {one.object_type for one in self.coverage if self.scope.external_type} or set(self.totals)
        reached = [_reached(of, self.reached[of], total) for of, total in self.totals.items() if of in kinds]
        found = [f"{number} {_WORDS[kind][number != 1]}" for kind, number in self.found.items() if number]
        have = "has" if sum(self.reached.values()) == 1 else "have"
        which = " of this type" if self.scope.external_type else ""
        told = (
            f"{_and(reached)} {have} an external id{which}. {_and(found) if found else 'Nothing suspicious was found'}."
        )
        return f"{told} {self.unread:,} row{'s' if self.unread > 1 else ''}{_UNREAD}" if self.unread else told


def audit_of(
    scope: Scope,
    rows: Sequence[Row],
    gone: Set[Object],
    configured: Iterable[Configured],
    totals: Mapping[ObjectType, int | None],
    deleted: int | None,
    unread: int = 0,
) -> Audit:
    """What `rows` amount to, `gone` being the objects among them that are not there any more."""
    there = {row.object for row in rows} - gone
    return Audit(
        scope=scope,
        coverage=tuple(_coverage(rows, gone, set(configured), totals)),
        findings=findings(rows, gone),
        reached={of: sum(kind == of for kind, _ in there) for of in totals},
        totals=totals,
        deleted=deleted,
        unread=unread,
    )


def percent(part: int, total: int | None, digits: int = 1) -> float | None:
    """Rounded, yet never to all or none of it; None of nothing, or of a total that is not known or cannot be right."""
    if not total or part > total:
        return None
    least = 10.0**-digits
    rounded = round(100 * part / total, digits)
    return min(max(rounded, least), 100 - least) if 0 < part < total else rounded


class Audits:
    """The last few audits, so that the next page of one does not cost another."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._kept: OrderedDict[str, tuple[float, Audit]] = OrderedDict()

    def keep(self, audit: Audit) -> str:
        """Keep an audit for a quarter of an hour; the id it is found by."""
        name = secrets.token_hex(8)
        self._kept[name] = (self._clock(), audit)
        while len(self._kept) > KEPT_AUDITS:
            self._kept.popitem(last=False)
        return name

    def get(self, name: str) -> Audit | None:
        """The audit of that id, unless it is too old or was crowded out."""
        for old in [one for one, (at, _) in self._kept.items() if self._clock() - at > KEPT_SECONDS]:
            del self._kept[old]
        return self._kept[name][1] if name in self._kept else None


def _coverage(
    rows: Iterable[Row], gone: Set[Object], configured: Set[Configured], totals: Mapping[ObjectType, int | None]
) -> Iterator[Coverage]:
    groups: dict[Configured, list[Row]] = {one: [] for one in configured}
    for row in rows:
        groups.setdefault((row.external_type, row.object_type), []).append(row)
    for (external_type, object_type), found in sorted(groups.items(), key=lambda one: (-len(one[1]), one[0])):
        objects, total = len({row.object for row in found} - gone), totals.get(object_type)
        yield Coverage(
            external_type=external_type,
            object_type=object_type,
            mappings=len(found),
            ids=len({row.external_id for row in found}),
            objects=objects,
            of=total,
            percent=percent(objects, total),
            configured=(external_type, object_type) in configured,
        )


def _reached(of: ObjectType, reached: int, total: int | None) -> str:
    share = percent(reached, total, digits=0)
    among = "" if total is None else f" of {total}"
    noun = SINGULAR[of] if (reached if total is None else total) == 1 else of
    return f"{reached}{among} {noun}" + ("" if share is None else f" ({int(share)} %)")


def _and(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
