"""Pure: ids that are nearly the one that is missing. They are offered to a person or model, never applied."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import reduce
from itertools import combinations

from salesloft_mcp.intake.near import salesforce_18
from salesloft_mcp.salesloft.models import Mapping, ObjectType

MOST_EACH = 3
_SALESFORCE = re.compile(r"[0-9A-Za-z]{15}([0-5A-Z]{3})?", re.ASCII)

Step = Callable[[str], str]


@dataclass(frozen=True, slots=True)
class Near:
    """A mapping that exists, and in what it differs from the one that was asked for."""

    mapping: Mapping
    why: str


def _short(external_id: str) -> str:
    if len(external_id) == 18 and _SALESFORCE.fullmatch(external_id) and salesforce_18(external_id[:15]) == external_id:
        return external_id[:15]
    return external_id


def _no_spaces(external_id: str) -> str:
    return "".join(external_id.split())


def _no_zeros(external_id: str) -> str:
    return external_id.lstrip("0") or external_id[:1]


# In this order: a Salesforce id tells itself by its capitals, and zeros lead where no space stands before them.
_STEPS: dict[str, Step] = {
    "spaces": _no_spaces,
    "15- or 18-character form": _short,
    "leading zeros": _no_zeros,
    "case": str.casefold,
}
_DIFFERENCES = [names for size in range(1, len(_STEPS) + 1) for names in combinations(_STEPS, size)]


def why_near(asked: str, held: str) -> str:
    """In what two ids differ, as few words as do; empty when they are the same or not near at all."""
    if asked == held:
        return ""
    return next((" and ".join(names) for names in _DIFFERENCES if _folded(asked, names) == _folded(held, names)), "")


class Neighbours:
    """Rows that were read anyway, to be searched for what is nearly a missing id."""

    def __init__(self, rows: Iterable[Mapping]) -> None:
        self._by_fold: dict[str, list[Mapping]] = {}
        for row in rows:
            self._by_fold.setdefault(_folded(row.external_id, _STEPS), []).append(row)

    def of(self, external_id: str) -> list[Near]:
        """The nearest ones first, at most three."""
        rows = self._by_fold.get(_folded(external_id, _STEPS), ())
        near = [Near(row, why) for row in rows if (why := why_near(external_id, row.external_id))]
        return sorted(near, key=lambda one: len(one.why.split(" and ")))[:MOST_EACH]


def elsewhere(rows: Iterable[Mapping], external_type: str, object_type: ObjectType | None) -> list[Near]:
    """The same id outside of where it was looked for: another external type holds it, or another kind of object."""
    outside = [row for row in rows if external_type not in ("", row.external_type)]
    beside = [row for row in rows if row not in outside and object_type not in (None, row.object_type)]
    return [*(Near(row, "object_type") for row in beside), *(Near(row, "external_type") for row in outside)][:MOST_EACH]


def _folded(external_id: str, names: Iterable[str]) -> str:
    return reduce(lambda text, name: _STEPS[name](text), names, external_id)
