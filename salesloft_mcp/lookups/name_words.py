"""Pure: names as people type them, held against names as Salesloft has them.

Salesloft has no filter for the names of people, and finds accounts by the whole of their names alone, so parts of names
are compared here.
"""

import re
import unicodedata

from salesloft_mcp.salesloft.models import Record, name_of

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


def _begins(held: str, word: str) -> bool:
    return word in held if unicodedata.east_asian_width(word[0]) in _WIDE else held.startswith(word)
