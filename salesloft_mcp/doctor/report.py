"""What is told of a setup: a screen for a person or a ticket, and the same for programs. Pure."""

import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from salesloft_mcp import __version__
from salesloft_mcp.doctor.readings import Unread
from salesloft_mcp.errors import SalesloftMcpError
from salesloft_mcp.text import escaped, safe

WIDTH = 80  # columns
_HEAD = 12  # columns of the first word of a line

Status = Literal["ok", "wrong", "unknown"]


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that should be otherwise, and how to mend it. What is not `wrong` is worth a word, and no failure."""

    what: str
    mend: str
    wrong: bool = True


@dataclass(frozen=True, slots=True)
class Told:
    """What one check tells: facts in words, findings, and the facts as data. `known` is False where it had to guess."""

    facts: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
    data: Mapping[str, Any] = field(default_factory=dict)
    known: bool = True

    @property
    def status(self) -> Status:
        if any(one.wrong for one in self.findings):
            return "wrong"
        return "ok" if self.known else "unknown"


def finding(error: SalesloftMcpError, otherwise: str, *, wrong: bool = True) -> Finding:
    """An error as a finding; `otherwise` is how to mend it where the error does not say."""
    return Finding(error.what, error.next_step or otherwise, wrong)


def unread(part: Unread) -> Told:
    """What is told of something that was not read. That it failed, or took too long, is a finding."""
    if part.how == "untried":
        return Told((part.why,), known=False)
    stands = Finding(part.why, "try again; if it stays so, look at what stands in its way.")
    return Told(("see above",), (stands,), known=False)


@dataclass(frozen=True, slots=True)
class Report:
    """What every check tells, by name and in its order, at a time in seconds since 1970."""

    at: float
    told: Mapping[str, Told]

    @property
    def wrong(self) -> int:
        """How many things are wrong."""
        return sum(one.wrong for told in self.told.values() for one in told.findings)

    def text(self) -> str:
        """One screen of 80 columns: what is wrong first, then what is worth a word, then the facts."""
        return "\n".join(self._lines())

    def data(self) -> dict[str, Any]:
        """The same for programs. Every check is always there, with the same keys."""
        return {
            "time": shown_time(self.at),
            "version": __version__,
            "wrong": self.wrong,
            "checks": {
                name: {
                    "status": told.status,
                    "facts": list(told.facts),
                    "findings": [{"what": one.what, "mend": one.mend, "wrong": one.wrong} for one in told.findings],
                    "data": dict(told.data),
                }
                for name, told in self.told.items()
            },
        }

    def reworded(self, words: Callable[[str], str]) -> "Report":
        """The same with every text as `words` gives it, wherever it came from. In the data nothing hides or breaks a
        line; in words, text of others is quoted already.
        """

        def cleaned(told: Told) -> Told:
            findings = tuple(Finding(words(one.what), words(one.mend), one.wrong) for one in told.findings)
            data = safe(dict(told.data), lambda text: escaped(words(text)), nulls=True)
            return Told(tuple(map(words, told.facts)), findings, data, told.known)

        return Report(self.at, {name: cleaned(told) for name, told in self.told.items()})

    def _lines(self) -> Iterator[str]:
        yield from _wrapped(f"salesloft-mcp {__version__}, {shown_time(self.at)}: {_several(self.wrong)}.", indent=0)
        for wrong in (True, False):
            for name, told in self.told.items():
                for one in told.findings:
                    if one.wrong == wrong:
                        yield from _row("WRONG" if wrong else "note", f"{name}: {one.what}")
                        yield from _row("", f"Next: {one.mend}")
        yield ""
        for name, told in self.told.items():
            for number, fact in enumerate(told.facts):
                yield from _row("" if number else name, fact)


def shown_time(at: float) -> str:
    """A time for people: UTC, to the second."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%d %H:%M:%S} UTC"


def _several(wrong: int) -> str:
    return f"{wrong} things are wrong" if wrong > 1 else "1 thing is wrong" if wrong else "nothing is wrong"


def _row(head: str, text: str) -> list[str]:
    return _wrapped(f"{head:<{_HEAD}}{text}", indent=_HEAD)


def _wrapped(text: str, indent: int) -> list[str]:
    """Lines of 80 columns, but for words that are longer, such as paths: these are copied whole."""
    return textwrap.wrap(
        text, WIDTH, subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False
    ) or [""]
