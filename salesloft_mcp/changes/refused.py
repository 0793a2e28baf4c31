"""What refuses a change of a run: it may be about that change alone, or about all of them. Pure."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from salesloft_mcp import errors
from salesloft_mcp.changes.change import OPEN, Outcome

ALIKE = 3  # refusals in a row with one status: they are believed to meet every change
MOST_SENDS = 2  # of a change that alone is refused: some proxies do so to a single request
_STATUSES: dict[type[errors.SalesloftMcpError], int] = {
    errors.UnauthorizedError: 401,
    errors.SignedOutError: 401,
    errors.ForbiddenError: 403,
    errors.NotFoundError: 404,
}
_PASSING = frozenset({408, 425, 429})  # these say that it may go through later


def refused_with(error: errors.SalesloftMcpError | None) -> int:
    """The status with which a request was refused, by Salesloft or by something in between; 0 for all that passes, and
    for values that were refused, unless it is the external type, which all changes of a run have in common.
    """
    if isinstance(error, errors.RejectedError) and "external_type" in error.fields:
        return 422
    if isinstance(error, errors.UnknownOutcomeError):
        return error.status if 300 <= error.status < 500 and error.status not in _PASSING else 0
    return _STATUSES.get(type(error), 0) if error is not None else 0


class _Held(NamedTuple):
    """A refusal that nobody knows the meaning of yet. One that is `known` from before says nothing of the others."""

    place: int
    outcome: Outcome
    known: bool


def _is_final(error: errors.SalesloftMcpError | None) -> bool:
    """Whether sending it again is of no use: what is not there is not there."""
    return isinstance(error, errors.NotFoundError)


@dataclass(slots=True)
class Refusals:
    """The refusals of one run. `of_all` is the one that meets every change, once it is known that there is one.

    A refusal is held back until a request that was sent after it has gone through, or the pass ends: then it is about
    its change alone, which is sent once more, and told when it is refused again. `seen` counts the outcomes so far.
    """

    of_all: errors.ApiError | None = None
    seen: int = 0
    _held: list[_Held] = field(default_factory=list)
    _of_line: Counter[int] = field(default_factory=Counter)
    _through: bool = False  # whether anything ever went through
    _reads: int = 0  # that were refused in a row

    def take(self, outcome: Outcome, since: int) -> list[Outcome]:
        """What can be told now; `since` is what `seen` was when the request of this outcome was sent."""
        self.seen += 1
        cause = refused_with(outcome.error)
        if not cause or self.of_all is not None:
            through = not cause and outcome.state not in OPEN
            self._through = self._through or through
            before = self._told(lambda one: one.place <= since) if through else []
            return [*before, _still_open(outcome) if cause else outcome]
        # It was refused before, in this run or in one that was stopped by that.
        known = self._of_line[outcome.line.id] > 0 or outcome.line.note == outcome.note
        sent = outcome.state == "failed" or isinstance(outcome.error, errors.UnknownOutcomeError)  # and not looked at
        self._of_line[outcome.line.id] += sent
        self._held.append(_Held(self.seen, outcome, known))
        alike = [one for one in self._held if not one.known and refused_with(one.outcome.error) == cause]
        return self._about_all(outcome) if cause == 401 or len(alike) >= ALIKE else []

    def rest(self) -> list[Outcome]:
        """What can be told at the end of a pass. Where nothing ever went through, the token may do nothing at all."""
        forbidden = [one.outcome for one in self._held if refused_with(one.outcome.error) == 403]
        return self._about_all(forbidden[-1]) if forbidden and not self._through else self._told(lambda _: True)

    def sent_enough(self, line: int) -> bool:
        """Whether a change was refused so often that it is not sent again."""
        return self._of_line[line] >= MOST_SENDS

    def read(self, error: errors.ApiError | None = None) -> None:
        """A read was refused so; without an error it went through."""
        cause = refused_with(error)
        self._reads = self._reads + 1 if cause else 0
        if cause == 401 or self._reads >= ALIKE:
            self.of_all = error

    def _told(self, which: Callable[[_Held], bool]) -> list[Outcome]:
        told = [one.outcome for one in self._held if which(one)]
        self._held = [one for one in self._held if not which(one)]
        return [one if _is_final(one.error) or self.sent_enough(one.line.id) else _still_open(one) for one in told]

    def _about_all(self, last: Outcome) -> list[Outcome]:
        if isinstance(last.error, errors.UnknownOutcomeError):
            what = f"{ALIKE} writes in a row were refused alike. The last word: {last.error.what}"
            self.of_all = errors.UpstreamError(what, next_step="resume it when that is mended.")
        elif isinstance(last.error, errors.ApiError):
            self.of_all = last.error
        return [_still_open(one) for one in self._told(lambda _: True)]


def _still_open(outcome: Outcome) -> Outcome:
    """No change has failed by what meets all of them."""
    return replace(outcome, state="planned", tried=False) if outcome.state == "failed" else outcome
