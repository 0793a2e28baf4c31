"""Pure: mappings that are nearly what was asked for. They are offered to a person or a model, never used."""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from operator import itemgetter

from salesloft_mcp.intake.near import difference, near_key, spellings
from salesloft_mcp.salesloft.models import Mapping, Scope

MOST_EACH = 3  # offered for one id
MOST_COMPARED = 6  # alike rows that are compared with an id
MOST_TRIES = 10


@dataclass(frozen=True, slots=True)
class Near:
    """A mapping that exists, and in what it differs from the one that was asked for."""

    mapping: Mapping
    why: str


class Neighbours:
    """Rows that were read, to be searched for what is nearly a missing id."""

    def __init__(self, rows: Iterable[Mapping], scope: Scope) -> None:
        self._scope = scope
        self._alike: dict[str, dict[Mapping, None]] = {}  # the rows are kept in order, and each once
        self.add(rows)

    def add(self, rows: Iterable[Mapping]) -> None:
        """Search these, too."""
        for row in rows:
            self._alike.setdefault(near_key(row.external_id), {})[row] = None

    def of(self, external_id: str) -> list[Near]:
        """The same id outside of the scope, or another spelling of it inside; at most three, the nearest first."""
        near: list[Near] = []
        for row in islice(self._alike.get(near_key(external_id), ()), MOST_COMPARED):
            if why := self._why(external_id, row):
                near.append(Near(row, why))
            if sum(" and " not in one.why for one in near) == MOST_EACH:
                break  # nothing is nearer than what differs in one respect
        return sorted(near, key=lambda one: len(one.why.split(" and ")))[:MOST_EACH]

    def _why(self, asked: str, row: Mapping) -> str:
        if row.external_id != asked:
            return difference(asked, row.external_id) if row in self._scope else ""
        if self._scope.external_type not in ("", row.external_type):
            return "external_type"
        return "" if row in self._scope else "object_type"


def worth_trying(external_ids: Iterable[str], scope: Scope, spelled: bool) -> list[tuple[str, str]]:
    """A few (external type, external id) that are worth an exact look-up each: in any type and, `spelled` otherwise,
    in the same one."""
    wanted = list(external_ids)
    elsewhere = [("", one) for one in wanted if scope.external_type]
    ranked = [(rank, other) for one in wanted if spelled for rank, other in enumerate(spellings(one))]
    ranked.sort(key=itemgetter(0))  # the likeliest spelling of each id comes before the second of any
    return [*elsewhere, *((scope.external_type, other) for _, other in ranked)][:MOST_TRIES]
