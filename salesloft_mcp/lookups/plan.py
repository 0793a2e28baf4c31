"""Pure: whether ids are asked for one by one, or their list is read whole; whichever costs less."""

from salesloft_mcp.salesloft.paging import points

# Below this many ids the length of a list that was never seen is not worth the point that the question costs.
WORTH_COUNTING = 10


def cheapest(ids: int, size: int | None, begun: bool = False) -> int | None:
    """The points that reading a list of `size` mappings costs; None where asking for each of `ids` ids costs less.

    Asking costs a point an id, and no way costs more. The one exception: from ten ids on, the first page of a list of
    unknown size is read, because it tells the size. `begun` says that it was read, and so is paid.
    """
    if size is None:
        return 1 if not begun and ids >= WORTH_COUNTING else None
    reading = points(size) - begun
    return reading if reading <= ids else None
