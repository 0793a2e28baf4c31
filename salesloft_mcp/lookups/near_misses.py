"""Pure: mappings that are nearly what was asked for. They are offered to a person or a model, never used."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice, zip_longest

from salesloft_mcp.intake.near import RESPECTS, difference, near_key, shape, spellings
from salesloft_mcp.salesloft.models import Mapping, Scope

MOST_EACH = 3  # offered for one id
MOST_ALIKE = 100  # rows of one key that are looked at
MOST_COMPARED = 6  # of these that are compared with an id
MOST_TRIES = 10
FEW = 5  # of so many missing ids each one is worth a try
# In what an id and its near miss differ: what an id collects on its way, then what a person mistypes, then what may as
# well be another record.
LIKELY = (*RESPECTS, "object_type", "external_type")


@dataclass(frozen=True, slots=True)
class Near:
    """A mapping that exists, and in what it differs from the one that was asked for."""

    mapping: Mapping
    why: str


class Neighbours:
    """Rows that were read, to be searched for what is nearly a missing id. `types` are external types that may have
    been meant, the nearest first.
    """

    def __init__(self, rows: Iterable[Mapping], scope: Scope, types: Sequence[str] = ()) -> None:
        self._scope = scope
        self._rank = {one: rank for rank, one in enumerate(types)}
        self._alike: dict[str, dict[Mapping, None]] = {}  # the rows are kept in order, and each once
        self.add(rows)

    def add(self, rows: Iterable[Mapping]) -> None:
        """Search these, too."""
        for row in rows:
            self._alike.setdefault(near_key(row.external_id), {})[row] = None

    def of(self, external_id: str) -> list[Near]:
        """The same id outside of the scope, or another spelling of it inside; at most three, the likeliest first."""
        alike = self._alike.get(near_key(external_id), ())
        rows = [row for row in islice(alike, MOST_ALIKE) if row in self._scope or row.external_id == external_id]
        rows.sort(key=partial(self._distance, external_id))
        near = [Near(row, why) for row in rows[:MOST_COMPARED] if (why := self._why(external_id, row))]
        return sorted(near, key=_unlikely)[:MOST_EACH]

    def _distance(self, asked: str, row: Mapping) -> tuple[bool, bool, bool, int]:
        elsewhere = row.external_type != self._scope.external_type
        rank = self._rank.get(row.external_type, len(self._rank))
        return row not in self._scope, elsewhere, row.external_id.casefold() != asked.casefold(), rank

    def _why(self, asked: str, row: Mapping) -> str:
        if row.external_id != asked:
            return difference(asked, row.external_id) if row in self._scope else ""
        if self._scope.external_type not in ("", row.external_type):
            return "external_type"
        return "" if row in self._scope else "object_type"


def worth_trying(
    external_ids: Sequence[str], scope: Scope, held: Iterable[str] | None, found: bool = False
) -> list[tuple[str, str]]:
    """At most ten (external type, external id) that are worth an exact look-up each: ids as they are in any type, and
    likely spellings of them in the same one.

    `held` are ids that are known to be there: a spelling that looks like one of them is the likeliest. None says that
    no other spelling is there. Of a few ids all are tried. Of many, two are tried in other types, where nothing was
    `found`; where something was, only spellings that look like what is there. One id of each shape comes before a
    second one, because what is true of one is true of all that are alike.
    """
    few = len(external_ids) <= FEW
    alike: dict[str, list[str]] = {}
    for one in external_ids:
        alike.setdefault(shape(one), []).append(one)
    wanted = [one for turn in zip_longest(*alike.values()) for one in turn if one]
    elsewhere = [("", one) for one in wanted if scope.external_type and (few or not found)]
    shapes = {shape(one) for one in held or ()}
    spelled = [(rank, other) for one in wanted if held is not None for rank, other in enumerate(spellings(one))]
    ranked = sorted((shape(other) not in shapes, rank, number) for number, (rank, other) in enumerate(spelled))
    likely = [spelled[number][1] for strange, _, number in ranked if few or not found or not strange]
    return [*(elsewhere if few else elsewhere[:2]), *((scope.external_type, one) for one in likely)][:MOST_TRIES]


def _unlikely(near: Near) -> tuple[int, int]:
    """What differs in one respect comes before what differs in several, and a slip before another record."""
    respects = near.why.split(" and ")
    return len(respects), max(LIKELY.index(one) for one in respects)
