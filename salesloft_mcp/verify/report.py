"""What a trial has found, without personal data: no user, no record, nothing that was said about one."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from salesloft_mcp.text import utc
from salesloft_mcp.verify.removal import Left

Verdict = Literal["as assumed", "differs", "not tried"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One assumption. `seen` is what Salesloft does, or why it was not tried; `means` what follows when it differs."""

    name: str
    verdict: Verdict
    assumption: str
    source: str
    how: str
    expected: tuple[str, ...]
    seen: str
    means: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """What a trial made under `external_type` and names that begin so, and what of it is `left`, of earlier trials as
    well; `earlier` is how much of those was removed first.
    """

    external_type: str
    number: int
    earlier: int
    left: Sequence[Left]


@dataclass(frozen=True, slots=True)
class Report:
    """A trial: where and when, in seconds, what it found, what it made, and the points it took."""

    environment: str
    team: int | None
    at: float
    findings: Sequence[Finding]
    made: Made
    points: int

    def of(self, verdict: Verdict) -> list[Finding]:
        """The findings of one verdict."""
        return [one for one in self.findings if one.verdict == verdict]

    @property
    def sentence(self) -> str:
        """All of it in one."""
        numbers = {verdict: len(self.of(verdict)) for verdict in ("as assumed", "differs", "not tried")}
        return f"{numbers['as assumed']} as assumed, {numbers['differs']} otherwise, {numbers['not tried']} not tried."

    @property
    def time(self) -> str:
        """When it was, for people: UTC, to the second."""
        return utc(self.at)

    def data(self) -> dict[str, Any]:
        """For programs."""
        return {"summary": self.sentence, **asdict(self), "at": self.time}
