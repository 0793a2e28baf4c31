"""Pure: external ids that differ as text, and yet look as if a person or a spreadsheet had changed one of them.

A suspicion to look at, never a reason to merge: ids are byte-exact everywhere else.
"""

import re
import unicodedata

from salesloft_mcp.lookup.near import salesforce_18

# Key prefix, instance, a reserved zero, counter; the 18-character form ends with three that spell the case of the rest.
_SALESFORCE = re.compile(r"[0-9aA][0-9A-Za-z]{4}0[0-9A-Za-z]{9}(?:[A-Za-z0-5]{3})?")


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
