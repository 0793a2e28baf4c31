"""Pure: whether ids are asked for one by one, or their list is read whole; whichever costs less."""

from dataclasses import dataclass

from salesloft_mcp.salesloft.paging import points

# Below this many ids the length of a list that was never seen is not worth the point that the question costs.
WORTH_COUNTING = 10


@dataclass(frozen=True, slots=True)
class Plan:
    """Read the list, or ask for every id; and the points that this costs from now on."""

    read: bool
    points: int


def cheapest(ids: int, size: int | None, begun: bool = False) -> Plan:
    """The cheapest way to look up `ids` external ids in a list of `size` mappings; None is an unknown size.

    Asking costs a point an id, and no plan costs more. The one exception: from ten ids on, the first page of a list of
    unknown size is read, because it tells the size. `begun` says that it was read, and so is paid.
    """
    if size is None:
        counting = not begun and ids >= WORTH_COUNTING
        return Plan(read=True, points=1) if counting else Plan(read=False, points=ids)
    reading = points(size) - begun
    return Plan(read=True, points=reading) if reading <= ids else Plan(read=False, points=ids)
