"""Pure: names as people type them, held against names as Salesloft has them.

Salesloft has no filter for the names of people, and finds accounts by the whole of their names alone, so parts of names
are compared here.
"""

import re
import unicodedata
from collections.abc import Iterable
from difflib import SequenceMatcher

from salesloft_mcp.salesloft.models import Record, name_of

ALIKE = 0.8  # how alike two names are that may be one, misspelt
MOST_NEAR = 3  # of these that are told
_WORD = re.compile(r"\w+")
_WIDE = ("W", "F")  # scripts that are written without spaces between words


def words(text: str) -> list[str]:
    """The words of a name without case and accents: `Tomás  ØRSTED-Kim` is tomas, ørsted and kim.

    An accent is what Unicode takes apart from its letter. Letters that are written in two ways (ü and ue, ø and oe)
    stay two: which of them are the same depends on the language, and nobody tells that.
    """
    apart = unicodedata.normalize("NFKD", text.casefold())
    return _WORD.findall("".join(one for one in apart if unicodedata.category(one) != "Mn"))


def is_named(record: Record, wanted: list[str]) -> bool:
    """Whether each of these words begins a word of the record's name, so that Kim is Kimberly, and not Joakim."""
    held = words(name_of(record))
    return all(any(_begins(one, word) for one in held) for word in wanted)


class Called:
    """Which records are called by one of some names. Of the others those are kept whose names are nearly these."""

    def __init__(self, names: Iterable[str]) -> None:
        self._wanted = [words(name) for name in names]
        self._alike: list[tuple[float, Record]] = []

    def is_so(self, record: Record) -> bool:
        """Whether this one is; without names every record is."""
        if not self._wanted or any(is_named(record, each) for each in self._wanted):
            return True
        held = " ".join(words(name_of(record)))
        for each in self._wanted:
            compared = SequenceMatcher(None, held, " ".join(each))
            if compared.real_quick_ratio() >= ALIKE and compared.quick_ratio() >= ALIKE <= (alike := compared.ratio()):
                self._alike.append((alike, record))
        return False

    @property
    def near(self) -> tuple[Record, ...]:
        """The few that were nearly called so, the likeliest first."""
        return tuple(record for _, record in sorted(self._alike, key=lambda one: -one[0])[:MOST_NEAR])


def _begins(held: str, word: str) -> bool:
    return word in held if unicodedata.east_asian_width(word[0]) in _WIDE else held.startswith(word)
