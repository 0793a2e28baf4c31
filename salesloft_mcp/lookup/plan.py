"""Pure: what a look-up costs either way, and which way is cheaper."""

from typing import Literal

from salesloft_mcp.api.request import page_points

MAPPINGS_A_PAGE = 100

# A scan begins by asking for the first page and its count. Below this many ids that question is not worth its point.
WORTH_COUNTING = 10


def pages(mappings: int) -> int:
    """List pages of a scan."""
    return max(1, -(-mappings // MAPPINGS_A_PAGE))


def scan_points(mappings: int, pages_read: int = 0) -> int:
    """Points of the pages of a scan that are still to read; the deep ones cost more."""
    return sum(map(page_points, range(pages_read + 1, pages(mappings) + 1)))


def cheaper(ids: int, mappings: int, pages_read: int = 0) -> Literal["scan", "each"]:
    """Whether to read the rest of the list or to ask for each of `ids`, when the list holds `mappings` rows."""
    return "scan" if scan_points(mappings, pages_read) <= ids else "each"
