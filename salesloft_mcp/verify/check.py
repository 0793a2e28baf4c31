"""One assumption, and how it is tried.

"The guide" is https://developers.salesloft.com/docs/platform/guides/mapping-external-identifiers/ and "the reference"
is https://developers.salesloft.com/docs/api/ with its pages of configurations and mappings.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from salesloft_mcp.verify.bench import Bench

NOBODY = "nobody documents it"


@dataclass(frozen=True, slots=True)
class Check:
    """`seen` says in a few words what Salesloft does, and every one of `expected` is what the client counts on.

    Its name is that of the sandbox's oddity in which only this is otherwise. `points` is what it costs at the most,
    `means` what follows for whoever uses this product when it is otherwise.
    """

    name: str
    assumption: str
    source: str
    how: str
    expected: tuple[str, ...]
    means: str
    points: int
    seen: Callable[[Bench], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class NotTried:
    """An assumption that no check tries, and why."""

    assumption: str
    why: str
    source: str = NOBODY
