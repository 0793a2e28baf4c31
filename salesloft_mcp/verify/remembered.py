"""What earlier trials saw of a Salesloft, in words, for whoever wants to know how it behaves."""

from dataclasses import dataclass

from salesloft_mcp.state.database import Database
from salesloft_mcp.state.learned import Learned
from salesloft_mcp.text import utc
from salesloft_mcp.verify.table import CHECKS


@dataclass(frozen=True, slots=True)
class Otherwise:
    """An assumption that was not met: what was seen instead, and what follows."""

    name: str
    assumption: str
    seen: str
    expected: tuple[str, ...]
    means: str


@dataclass(frozen=True, slots=True)
class Remembered:
    """The newest trial of a team: when it was, in seconds, how many assumptions it saw met, and which it did not."""

    at: float
    as_assumed: int
    otherwise: tuple[Otherwise, ...]

    @property
    def time(self) -> str:
        """When it was, for people: UTC, to the second."""
        return utc(self.at)


async def remembered(database: Database, environment: str, team: str) -> Remembered | None:
    """What is known of a team (as `Place.team_key` names it); None where nobody has looked yet."""
    facts = {fact.name: fact for fact in await Learned(database, environment).facts(team)}
    known = [(check, facts[check.name].seen) for check in CHECKS if check.name in facts]
    if not known:
        return None
    otherwise = [
        Otherwise(check.name, check.assumption, seen, check.expected, check.means)
        for check, seen in known
        if seen not in check.expected
    ]
    return Remembered(max(fact.at for fact in facts.values()), len(known) - len(otherwise), tuple(otherwise))
