"""Pure: ids of records in a CRM: how one is taken out of a text, and what Salesforce's tell by themselves."""

import re

from salesloft_mcp.errors import InputError
from salesloft_mcp.intake.characters import plain
from salesloft_mcp.intake.damage import damage
from salesloft_mcp.intake.emails import is_address
from salesloft_mcp.intake.near import restored
from salesloft_mcp.text import quoted

# What a CRM id may look like: its signs are taken off, and another CRM's has no last three characters to fit.
_NO_HARM = {
    *("", "the sign by which a spreadsheet marks text or a formula", "quotes around it"),
    *("a sign that separates values, at its end", "a sign that separates values, at its beginning"),
    "its last three characters do not fit the rest",
}
AROUND = "\"'=<>,;"
_ID = re.compile("00[1356QqDd][0-9A-Za-z]{12}(?:[0-9A-Za-z]{3})?")
URL = re.compile(r"https?://\S*?\b((?:00[135Q])[0-9A-Za-z]{12}(?:[0-9A-Za-z]{3})?)\b\S*")
KINDS = {"001": "an account", "003": "a contact", "00Q": "a lead", "005": "a user", "006": "an opportunity"}
KINDS_OF = {"people": ("003", "00Q"), "accounts": ("001",), "users": ("005",)}


def one_id(given: str) -> str:
    """The id of a CRM without the signs around it.

    Raises:
        InputError: it is plainly no id, but damaged, several, or something else.
    """
    bare = given.strip(AROUND)
    if _ID.fullmatch(bare):
        return bare
    pieces = [one.strip(AROUND) for one in re.split(r"[\s,;|]+", bare)]
    if not all(map(_ID.fullmatch, pieces)):
        pieces = [one.strip() for one in re.split("[,;\n]", bare) if one.strip()]
    if not re.search(r"\w", bare):
        what = "is no CRM id."
    elif is_address(bare.lower()):
        what = "is an e-mail address, not a CRM id."
    elif re.match(r"[=+]\s*[A-Za-z.]+\(", given):
        what = "is a formula of a spreadsheet, not a CRM id."
    elif cause := next((one for one in (damage(given), damage(bare)) if one not in _NO_HARM), ""):
        what = f"is no CRM id: {cause}."
    elif "://" in bare:
        what = "is a URL without the id of a Salesforce record."
    elif len(set(pieces)) > 1:
        raise InputError("crm_id", f"holds {len(set(pieces))} ids.", next_step="give one of them.")
    elif _ID.fullmatch("".join(plain(bare).split())) and len(pieces) == 1:
        what = "has a space or a letter of another alphabet in it."
    else:
        return pieces[0]
    raise InputError("crm_id", f"{quoted(given)} {what}", next_step="give the id as the CRM shows it.")


def with_its_capitals(text: str) -> str:
    """A Salesforce id of 18 characters as its last three say: a program may have written it all small or all large."""
    right = restored(text) if re.fullmatch("[A-Za-z0-5]{3}", text[15:]) else ""
    if right and (right[:15] == text[:15] or text[:15] in (text[:15].upper(), text[:15].lower())):
        return right
    what = f"the last three characters of {quoted(text)} do not fit its capitals, so that it is mistyped."
    raise InputError("crm_id", what, next_step="copy the id from the CRM once more.")
