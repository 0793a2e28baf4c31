"""Pure: external ids that differ as text, and yet look as if a person or a spreadsheet had changed one of them.

A suspicion to look at, never a reason to merge: ids are byte-exact everywhere else.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import reduce
from itertools import combinations

# Key prefix, instance, a reserved zero, counter; the 18-character form ends with three that spell the case of the rest.
_SALESFORCE = re.compile(r"[0-9aA][0-9A-Za-z]{4}0[0-9A-Za-z]{9}(?:[A-Za-z0-5]{3})?")
_CHECK_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def near_key(external_id: str) -> str:
    """Equal for ids that differ only in case, spaces, leading zeros, look-alike forms of characters, or in being the
    15- or the 18-character form of one Salesforce id.

    In the short form of those, case tells two records apart, and many differ in nothing else: they are not near.
    """
    text = _no_spaces(_plain(external_id))
    return f"salesforce {long_form(text).casefold()}" if _is_salesforce(text) else _no_zeros(text.casefold())


def difference(one: str, other: str) -> str:
    """In what two near ids differ, in as few words as do; empty when they are the same, or not near at all."""
    if one == other or near_key(one) != near_key(other):
        return ""
    return next(" and ".join(names) for names in _DIFFERENCES if _folded(one, names) == _folded(other, names))


def spellings(external_id: str) -> list[str]:
    """Other spellings that are near an id and likely to be the right one, the likeliest first."""
    bare = _no_spaces(_plain(external_id))
    forms = (bare.upper(), bare.lower(), bare, long_form(bare), bare[:15], _no_zeros(bare))
    return [one for one in dict.fromkeys(forms) if difference(external_id, one)]


def long_form(external_id: str) -> str:
    """The 18-character form of a 15-character Salesforce id; any other id as it is."""
    return salesforce_18(external_id) if len(external_id) == 15 and _is_salesforce(external_id) else external_id


def salesforce_18(short: str) -> str:
    """The form of a Salesforce id that survives a change of case: three digits say where the capitals were.

    Each digit stands for five characters, the first of which is the lowest bit.
    """
    fives = (short[start : start + 5] for start in (0, 5, 10))
    capitals = (sum(1 << bit for bit, one in enumerate(five) if "A" <= one <= "Z") for five in fives)
    return short + "".join(_CHECK_DIGITS[bits] for bits in capitals)


def _is_salesforce(text: str) -> bool:
    return _SALESFORCE.fullmatch(text) is not None and not text.isdigit()


def _plain(text: str) -> str:
    if text.isascii():
        return text
    return "".join(char for char in unicodedata.normalize("NFKC", text) if unicodedata.category(char) != "Cf")


def _no_spaces(text: str) -> str:
    return "".join(text.split())


def _no_zeros(text: str) -> str:
    return text.lstrip("0") or text[:1]


# In this order: zeros lead where no space stands before them, and a Salesforce id tells itself by its capitals.
_STEPS: dict[str, Callable[[str], str]] = {
    "look-alike characters": _plain,
    "spaces": _no_spaces,
    "15- or 18-character form": long_form,
    "leading zeros": _no_zeros,
    "case": str.casefold,
}
_DIFFERENCES = [names for size in range(1, len(_STEPS) + 1) for names in combinations(_STEPS, size)]


def _folded(text: str, names: Iterable[str]) -> str:
    return reduce(lambda folded, name: _STEPS[name](folded), names, text)
