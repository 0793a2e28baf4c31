"""Pure: which family an id belongs to, such as numbers, GUIDs or a word and a number, and how it is spelled there."""

import re

from salesloft_mcp.intake.emails import is_address
from salesloft_mcp.intake.near import GUID, is_salesforce

_NUMBERED = re.compile(r"([^\W\d_](?:[^\W\d]|[-./:# ]){0,39})[0-9]{1,40}")  # words, and a number after them
_WORDS = re.compile(r"[^\W\d_]+")
# What stands between several ids in one cell. Between two numbers, a comma or a space may be part of one.
_BETWEEN = re.compile(r";|,\s|\s(?:[/|&+]|and|or|und|oder|et|ou|y|o)\s")
_BETWEEN_ALL = re.compile(rf"{_BETWEEN.pattern}|[\s,]")
_DIGIT = re.compile("[0-9@]")  # or the sign of an address
_PARTED = re.compile(r"[;,\s]")  # one of these is in each of them
_NUMBER, _PART = "a number", 2  # digits of what may be a part of one id
_LONG = 12  # characters: as many, and as many in each, are hardly ever by chance


def form(external_id: str) -> tuple[str, str]:
    """The family of ids it belongs to, and how it is spelled among them; two empty texts where there is no family.

    A column that spells one family in several ways is mixed, and the rarer spellings are suspicious. Numbers are of
    one family where they have as many digits without leading zeros: 000123 among 123456 is no other spelling, and 123
    among 000124 is one. Words before a number are one family in capitals and small letters, with any sign in between.
    """
    size = len(external_id)
    if external_id.isdecimal():
        bare = external_id.lstrip("0")
        zeros = size - len(bare)
        return f"number of {len(bare)} digits", f"{zeros or 'no'} leading zero{'s' * (zeros != 1)}"
    if size in (15, 18) and is_salesforce(external_id):
        return "Salesforce id", f"{size} characters"
    if size >= 32 and (found := GUID.fullmatch(external_id)):
        sign = external_id[0] if external_id[0] in "{(" else "urn" if ":" in external_id else ""
        around = {"{": "braces", "(": "brackets", "urn": "urn:uuid:"}.get(sign, "dashes" if found[2] else "no dashes")
        low, high = external_id.islower(), "".join(found.group(1, 3, 4, 5, 6)).isupper()
        return "GUID", f"{around}, {'lower' if low else 'upper' if high else 'mixed'} case"
    if found := _NUMBERED.fullmatch(external_id):
        words = " ".join(_WORDS.findall(found[1].casefold()))
        return f'"{words}" and a number', f'"{found[1]}" before it'  # of letters and few signs: nothing to escape
    return "", ""


def several(text: str) -> str:
    """Whether a text is several ids of one family, in the words that say so; else empty. `ACME|7`, `1;2` and `A,B` may
    be one id of two parts.
    """
    if not _PARTED.search(text):
        return ""
    for between in (_BETWEEN, _BETWEEN_ALL):
        first, *others = [piece.strip() for piece in between.split(text)]
        if (
            not others
            or not _DIGIT.search(first)
            or not (kind := _kind(first))
            or (between is _BETWEEN_ALL and kind == _NUMBER)
        ):
            continue
        if all(_kind(piece) == kind for piece in others):
            return f"{len(others) + 1} ids in one"
    return ""


def _kind(piece: str) -> str:
    if piece.isdecimal():
        return _NUMBER if len(piece) > _PART else ""
    if found := form(piece)[0]:
        return found
    if is_address(piece.lower()):
        return "an address"
    return f"{len(piece)} letters and digits" if len(piece) >= _LONG and piece.isalnum() else ""
