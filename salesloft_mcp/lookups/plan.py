"""Pure: what a look-up costs each way, and which way is the cheapest."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from salesloft_mcp.salesloft.models import OBJECT_TYPES, ObjectType
from salesloft_mcp.salesloft.requests import PAGE_SIZE, page_points

# Below this many ids the size of a list that was never seen is not worth the point that the question costs.
WORTH_COUNTING = 10
LAST_FLAT_PAGE = 100  # later ones cost more

# The whole list in question, or what it holds of one object type.
Part = ObjectType | None


@dataclass(frozen=True, slots=True)
class Reading:
    """A list to be read whole: that many pages from its newest row on, and from its oldest row where it is long."""

    part: Part
    newest: int
    oldest: int = 0

    def points(self, begun: bool) -> int:
        """What its pages cost; the first one is paid already when the list was begun."""
        newest = sum(map(page_points, range(1 + begun, self.newest + 1)))
        return newest + sum(map(page_points, range(1, self.oldest + 1)))


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do for the ids that are asked for: each is in `ask`, or found by reading `read`.

    `begin` names lists whose first page comes before anything else: it tells their size, and then one plans anew.
    """

    ask: tuple[str, ...] = ()
    read: tuple[Reading, ...] = ()
    begin: tuple[Part, ...] = ()
    points: int = 0


def pages(mappings: int) -> int:
    """List pages of a scan; there is one, even when it is empty."""
    return max(1, -(-mappings // PAGE_SIZE))


def scan_points(mappings: int, pages_read: int = 0) -> int:
    """Points of the pages of a plain scan that are still to read; the deep ones cost more."""
    return sum(map(page_points, range(pages_read + 1, pages(mappings) + 1)))


def cheapest(
    ids: Collection[str],
    counts: Mapping[Part, int],
    begun: Collection[Part] = (),
    splits: bool = False,
) -> Plan:
    """The plan that costs the fewest points, given how many mappings each list holds.

    Its points are never more than there are ids, which is what asking for each costs. What is known already are the
    sizes in `counts`, and the lists whose first page was read (`begun`). A list whose size nobody told is worth a
    question (`begin`) from ten ids on; that one point is all that can be lost by it. `splits` says that the whole list
    may be read by object type, too. How long those parts are takes two points more to find out, spent only where the
    list has more than two hundred pages and there are more ids than pages.
    """
    rest = tuple(dict.fromkeys(ids))
    if not rest:
        return Plan()
    ways = [_scan(parts, counts, begun) for parts in ((None,), OBJECT_TYPES if splits else (None,))]
    best = min((way for way in ways if way is not None), key=lambda way: way.points, default=None)
    if best is not None and best.points <= len(rest):
        begin = tuple(one.part for one in best.read if one.part not in begun)
        plan = Plan((), best.read, begin, best.points)
    else:
        plan = Plan(rest, points=len(rest))
    return _question(plan, len(rest), counts, begun, splits) or plan


def reading(part: Part, mappings: int) -> Reading:
    """How to read a list: from both ends where it has more than a hundred pages, so that no page gets deep."""
    every = pages(mappings)
    newest = max(min(every, LAST_FLAT_PAGE), -(-every // 2))
    return Reading(part, newest, every - newest)


def _scan(parts: Collection[Part], counts: Mapping[Part, int], begun: Collection[Part]) -> Plan | None:
    counts = _completed(counts)
    if any(part not in counts for part in parts):
        return None
    read = tuple(reading(part, counts[part]) for part in parts)
    return Plan(read=read, points=sum(one.points(one.part in begun) for one in read))


def _completed(counts: Mapping[Part, int]) -> Mapping[Part, int]:
    """Two parts and the whole tell the third part."""
    *others, last = OBJECT_TYPES
    if last in counts or any(part not in counts for part in (None, *others)):
        return counts
    return {**counts, last: max(0, counts[None] - sum(counts[part] for part in others))}


def _question(plan: Plan, ids: int, counts: Mapping[Part, int], begun: Collection[Part], splits: bool) -> Plan | None:
    """A plan that first asks for a size, where knowing it may well save points."""
    begin: tuple[Part, ...] = ()
    if None not in counts:
        begin = (None,) if None not in begun and ids >= WORTH_COUNTING else ()
    elif splits and reading(None, counts[None]).oldest > LAST_FLAT_PAGE:
        least = pages(counts[None]) + 2
        begin = (
            tuple(one for one in OBJECT_TYPES[:2] if one not in counts and one not in begun)
            if least < plan.points
            else ()
        )
    return Plan(plan.ask, plan.read, begin, plan.points) if begin else None
