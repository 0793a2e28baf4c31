"""Pure: external ids that differ as text, and yet look as if a person or a program had changed one of them.

This is the one notion of near, for look-ups, audits, plans, upserts and mappings. A suspicion to look at, never a
reason to merge: ids are byte-exact everywhere else.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Iterable
from contextlib import suppress

from salesloft_mcp.intake.characters import plain, visible

# Key prefix (000 is none), instance, a reserved zero, counter; the 18-character form ends with three that spell the
# case of the rest.
_SALESFORCE = re.compile(r"(?!000)[0-9aA][0-9A-Za-z]{4}0[0-9A-Za-z]{9}(?:[A-Za-z0-5]{3})?")
_CHECK_DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_HIGH = {code: "1" if 65 <= code <= 90 else "0" for code in range(128)}  # where the capitals are
_DIGIT_OF = {f"{bits:05b}"[::-1]: digit for bits, digit in enumerate(_CHECK_DIGITS)}
_HEX = "[0-9A-Fa-f]"
GUID = re.compile(
    rf"(?:[Uu][Rr][Nn]:)?(?:[Uu][Uu][Ii][Dd]:)?[{{(]?({_HEX}{{8}})(-?)({_HEX}{{4}})\2({_HEX}{{4}})\2({_HEX}{{4}})\2"
    rf"({_HEX}{{12}})[}})]?"
)
ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#[Xx][0-9A-Fa-f]{1,6}|[A-Za-z]{2,8}[0-9]{0,2});")
ESCAPED = re.compile(r"(?:%[0-9A-Fa-f]{2})+")
_DECIMAL_ZERO = re.compile(r"[0-9]+(?=[.,]0{1,2}\Z)")
_ORDINARY = re.compile(r"[0-9A-Za-z_/#|@.:+-]*")  # of these, one pass takes off all that there is
_SAME_KIND = re.compile(r"([0-9]+)|([A-Z]+)|[a-z]+")
_HEX_DIGIT = re.compile(_HEX)
_PASSES = 4  # what one step uncovers another may take off; an id that is wrapped more often is not worth the time


def near_key(external_id: str) -> str:
    """Equal for ids that differ only in case, spaces, leading zeros, spreadsheet guards, commas and semicolons at their
    ends, the `.0` of a number, invisible or look-alike characters, encoding, the spelling of a GUID, or in being the
    15- or the 18-character form of one Salesforce id.

    In the short form of those, case tells two records apart, and many differ in nothing else: they are not near.
    """
    if external_id.isalnum() and external_id.isascii():
        return long_form(_no_zeros(external_id)).lower()  # as most are
    if _ORDINARY.fullmatch(external_id):
        return long_form(_bare_guid(_no_zeros(_whole(external_id)))).lower()
    return _folded(external_id, _STEPS.values())


def difference(one: str, other: str) -> str:
    """In what two near ids differ, in as few words as do; empty when they are the same, or not near at all."""
    if one == other or near_key(one) != near_key(other):
        return ""
    changing = _changing(one) | _changing(other)
    needed = {name: step for name, step in _STEPS.items() if name in changing}
    for name, step in needed.items():
        if step(one) == step(other):
            return name
    for name in list(needed):
        fewer = [step for kept, step in needed.items() if kept != name]
        if _folded(one, fewer) == _folded(other, fewer):
            del needed[name]
    return " and ".join(needed)


def spellings(external_id: str) -> list[str]:
    """Other spellings that are near an id and likely to be the right one, the likeliest first; without the id itself.

    These are: without what was put around it; the 15 and 18 characters of a Salesforce id, or the usual spellings of a
    GUID; capitals and small letters; without leading zeros.
    """
    seen = _no_spaces(visible(external_id)) if external_id != external_id.strip() else external_id
    bare = _folded(external_id, [step for name, step in _STEPS.items() if name in _WRAPPINGS])
    forms = [visible(external_id).strip(), seen, bare, *_salesforce_forms(bare), *_guid_forms(bare)]
    forms += [bare.upper(), bare.lower(), _no_zeros(bare)]
    key = near_key(external_id)
    return [one for one in dict.fromkeys(forms) if one != external_id and near_key(one) == key]


def shape(external_id: str) -> str:
    """Equal for ids that look as if one system had made them: "A0" for CONTACT1003 and for LEAD7, "a0" for contact1003.

    Salesforce ids of one length have one shape, and so do GUIDs that are written in one way.
    """
    if is_salesforce(external_id):
        return f"Salesforce {len(external_id)}"
    if GUID.fullmatch(external_id):
        return _HEX_DIGIT.sub("h" if external_id == external_id.lower() else "H", external_id)
    return _SAME_KIND.sub(lambda run: "0" if run[1] else "A" if run[2] else "a", external_id)


def long_form(external_id: str) -> str:
    """The 18-character form of a 15-character Salesforce id; any other id as it is."""
    return salesforce_18(external_id) if len(external_id) == 15 and is_salesforce(external_id) else external_id


def salesforce_18(short: str) -> str:
    """The form of a Salesforce id that survives a change of case: three digits say where the capitals were.

    Each digit stands for five characters, the first of which is the lowest bit.
    """
    high = short.translate(_HIGH)
    return short + _DIGIT_OF[high[:5]] + _DIGIT_OF[high[5:10]] + _DIGIT_OF[high[10:]]


def restored(long: str) -> str:
    """An 18-character Salesforce id with the capitals that its last three characters tell of; these fit them."""
    high = "".join(f"{_CHECK_DIGITS.index(one):05b}"[::-1] for one in long[15:].upper())
    return salesforce_18(
        "".join(one.upper() if up == "1" else one.lower() for one, up in zip(long, high, strict=False))
    )


def is_salesforce(external_id: str) -> bool:
    """Whether it has the shape of a Salesforce id, of 15 or 18 characters. A number does not count as one."""
    return _SALESFORCE.fullmatch(external_id) is not None and not external_id.isdigit()


def _salesforce_forms(bare: str) -> list[str]:
    if not is_salesforce(bare):
        return []
    right = long_form(bare) if len(bare) == 15 else restored(bare)
    return [right, right[:15]]


def _guid_forms(bare: str) -> list[str]:
    found = GUID.fullmatch(bare)
    if found is None:
        return []
    dashed = "-".join(found.group(1, 3, 4, 5, 6))
    low, high = dashed.lower(), dashed.upper()
    return [low, high, f"{{{high}}}", f"{{{low}}}", low.replace("-", ""), high.replace("-", ""), f"urn:uuid:{low}"]


def _decoded(text: str) -> str:
    for _ in range(_PASSES):
        before = text
        text = ENTITY.sub(lambda found: html.unescape(found[0]), text) if "&" in text else text
        text = ESCAPED.sub(_unescaped, text) if "%" in text else text
        if text == before:
            break
    return text


def _unescaped(found: re.Match[str]) -> str:
    with suppress(UnicodeDecodeError):
        return bytes.fromhex(found[0].replace("%", "")).decode()
    return found[0]


def _no_spaces(text: str) -> str:
    return "".join(text.split())


def _not_separated(text: str) -> str:
    return text.strip(",;") or text


def _unguarded(text: str) -> str:
    bare = text.lstrip("='\"")
    return text if bare == text else bare.rstrip("'\"") or text


def _bare_guid(text: str) -> str:
    found = GUID.fullmatch(text) if len(text) >= 32 else None
    return "".join(found.group(1, 3, 4, 5, 6)) if found else text


def _whole(text: str) -> str:
    found = _DECIMAL_ZERO.match(text)
    return found[0] if found else text


def _no_zeros(text: str) -> str:
    """Without leading zeros, but for those of GUIDs and Salesforce ids, which always have as many characters."""
    if not text.startswith("0") or is_salesforce(text) or (len(text) >= 32 and GUID.fullmatch(text)):
        return text
    return text.lstrip("0") or "0"


def _no_case(text: str) -> str:
    return text.lower() if text.isascii() else unicodedata.normalize("NFC", text.casefold())


# In this order: what is around an id comes off first, and a Salesforce id tells itself by its length and capitals.
_STEPS: dict[str, Callable[[str], str]] = {
    "encoding": _decoded,
    "look-alike characters": plain,
    "invisible characters": visible,
    "spaces": _no_spaces,
    "separators at its ends": _not_separated,
    "spreadsheet guards": _unguarded,
    "the .0 of a number": _whole,
    "leading zeros": _no_zeros,
    "the spelling of a GUID": _bare_guid,
    "15- or 18-character form": long_form,
    "case": _no_case,
}
_LATE = {"spaces", "invisible characters", "case", "leading zeros"}
# In what two ids may differ, the likeliest first.
RESPECTS = ("spaces", "invisible characters", *(name for name in _STEPS if name not in _LATE), "case", "leading zeros")
_WRAPPINGS = {
    *("encoding", "look-alike characters", "invisible characters"),
    *("spaces", "separators at its ends", "spreadsheet guards", "the .0 of a number"),
}


def _folded(text: str, steps: Iterable[Callable[[str], str]]) -> str:
    steps = list(steps)
    for _ in range(_PASSES):
        before = text
        for step in steps:
            text = step(text)
        if text == before:
            break
    return text


def _changing(text: str) -> set[str]:
    """The names of the steps that change anything on the way to the key."""
    names: set[str] = set()
    for _ in range(_PASSES):
        before = text
        for name, step in _STEPS.items():
            if (changed := step(text)) != text:
                names.add(name)
                text = changed
        if text == before:
            break
    return names
