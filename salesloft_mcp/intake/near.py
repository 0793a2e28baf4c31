"""Pure: external ids that differ as text, and yet look as if a person or a spreadsheet had changed one of them.

A suspicion to look at, never a reason to merge: ids are byte-exact everywhere else.
"""

import re
import unicodedata

# Key prefix, instance, a reserved zero, counter; the 18-character form ends with three that spell the case of the rest.
_SALESFORCE = re.compile(r"[0-9aA][0-9A-Za-z]{4}0[0-9A-Za-z]{9}(?:[A-Za-z0-5]{3})?")
_CHECK_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def near_key(external_id: str) -> str:
    """Equal for ids that differ only in case, spaces, leading zeros, look-alike forms of characters, or in being the
    15- or the 18-character form of one Salesforce id.

    In the short form of those, case tells two records apart, and many differ in nothing else: they are not near.
    """
    plain = unicodedata.normalize("NFKC", external_id)
    text = "".join(char for char in plain if not char.isspace() and unicodedata.category(char) != "Cf")
    if _SALESFORCE.fullmatch(text) and not text.isdigit():
        return "salesforce " + (text if len(text) == 18 else salesforce_18(text)).casefold()
    return text.casefold().lstrip("0") or text[:1]


def salesforce_18(short: str) -> str:
    """The form of a Salesforce id that survives a change of case: three digits say where the capitals were.

    Each digit stands for five characters, the first of which is the lowest bit.
    """
    fives = (short[start : start + 5] for start in (0, 5, 10))
    capitals = (sum(1 << bit for bit, one in enumerate(five) if "A" <= one <= "Z") for five in fives)
    return short + "".join(_CHECK_DIGITS[bits] for bits in capitals)
