"""Pure: what a look-up costs either way, and which way is cheaper."""

from typing import Literal

MAPPINGS_A_PAGE = 100
SHALLOW_PAGES = 100  # from page 101 on a list page costs 3 points and more

# A scan begins by asking for the first page and its count. Below this many ids that question is not worth its point.
WORTH_COUNTING = 10


def pages(mappings: int) -> int:
    """List pages, and so points, of a scan that stays shallow."""
    return max(1, -(-mappings // MAPPINGS_A_PAGE))


def cheaper(ids: int, mappings: int, pages_read: int = 0) -> Literal["scan", "each"]:
    """Whether to read the rest of the list or to ask for each of `ids`, when the list holds `mappings` rows."""
    total = pages(mappings)
    return "scan" if total <= SHALLOW_PAGES and total - pages_read <= ids else "each"
