"""Pure: the only checks of ids and keys that people hand in.

An external id is kept byte for byte; what looks damaged is told, and a person decides. A key (an e-mail address, a
domain, a CRM id or Salesloft's own id) is only looked up, so it is trimmed, unwrapped and said so.
"""

import re
import unicodedata
from collections.abc import Sequence
from typing import NamedTuple

from salesloft_mcp.errors import InputError
from salesloft_mcp.intake import crm_ids
from salesloft_mcp.intake.characters import is_blank, misread, odd_character, trimmed, visible
from salesloft_mcp.intake.damage import (
    GUARD,
    GUARDED,
    IN_FIELDS,
    MASKED,
    MASKED_NUMBER,
    NO_VALUE,
    NO_VALUE_IN_SIGNS,
    PLAIN_FIELD,
    damage,
    placeholder,
    shape,
    written_as_code,
)
from salesloft_mcp.intake.domains import AROUND, HOST, SCHEME, bare, host, of_many
from salesloft_mcp.intake.emails import addresses_in, compared, of_nobody
from salesloft_mcp.intake.families import form as form
from salesloft_mcp.intake.families import several
from salesloft_mcp.intake.kinds import not_text
from salesloft_mcp.intake.near import salesforce_18
from salesloft_mcp.salesloft.models import SINGULAR, ObjectType
from salesloft_mcp.salesloft.requests import MAX_EXTERNAL_ID, checked
from salesloft_mcp.text import quoted, whole_number

MAX_KEY = 255  # characters
BLANK = "is blank: it holds only spaces or invisible characters."

_MAGIC = {"_is_null", "_is_not_null", "_unmapped"}  # Salesloft's filters take these, and Null, for commands
_KEY = {"email": "an e-mail address", "domain": "a domain", "crm_id": "a CRM id", "object_id": "a Salesloft id"}
# Most keys, for speed: what the careful way would return as it is.
_PLAIN_NUMBER = re.compile("[1-9][0-9]{0,17}")
_PLAIN_EMAIL = re.compile(r"(?=.{6,60}\Z)[a-z0-9]+(?:[._+-][a-z0-9]+)*@(?:[a-z0-9]+(?:-[a-z0-9]+)*[.])+[a-z]{2,20}")


class Key(NamedTuple):
    """What is looked up or written, and how it differs from what was given, in words that may follow it after a comma:
    `without the spaces around it`, `the domain of a URL`. They are empty where it does not.
    """

    text: str
    taken: str = ""

    def told(self, field: str) -> str:
        """What was made of what was given, as a sentence without its full stop; empty where nothing was."""
        return f"{field} was taken as {quoted(self.text)}, {self.taken}" if self.taken else ""


def external_id(value: object, field: str = "external_id", limit: int = MAX_EXTERNAL_ID) -> str:
    """An external id, or the name of an external type, exactly as it was given; `limit` is in characters.

    Raises:
        InputError: it is no text, is blank to the eye, or cannot be sent (`salesloft.requests.checked`).
    """
    text = _text(field, value)
    if text.isalnum() and text.isascii() and len(text) <= limit:
        return text  # as most are
    if text and is_blank(text):
        raise InputError(field, BLANK, next_step="give it exactly as your own system holds it.")
    return checked(field, text, limit)


def suspicious(external_id: str) -> str:
    """Why an id looks damaged on its way here, in a few words; empty when it does not. Nothing is ever repaired."""
    return odd_character(external_id) or damage(external_id) or several(external_id)


def field_damage(value: str) -> str:
    """Why the value of an ordinary field, such as a name, a title, a phone or a city, looks damaged, in a few words;
    empty where it does not.

    It is stricter than `suspicious`: `Test`, `Unknown`, `-`, `0`, `x`, a date or a tag may stand in a field. Told are
    what programs write for no value (`NULL`, `nan`, `N/A`, but not `Null`, which is a name), error cells, templates,
    objects, shortened numbers, a long number with `.0`, masked numbers, a spreadsheet's guards and formulas, codes of
    characters, and text in a wrong character code. What is blank to the eye (`characters.is_blank`) is not told here.
    """
    if PLAIN_FIELD.fullmatch(value) and value not in NO_VALUE:
        return ""
    text = value.strip()
    if text in NO_VALUE or NO_VALUE_IN_SIGNS.fullmatch(text):
        return "a word for nothing"
    if GUARDED.fullmatch(text):
        return GUARD
    if MASKED_NUMBER.fullmatch(text):
        return MASKED
    cause = shape(text)
    if cause in IN_FIELDS and text != "Array":
        return cause
    if cause == "a number with .0 at its end" and re.fullmatch(r"[+]?[0-9]{7,}[.]0", text):
        return cause
    return misread(text) or written_as_code(text)


def email(value: object) -> Key:
    """An e-mail address in small letters, without a display name, `mailto:` and the signs around it.

    Raises:
        InputError: there is none, there are several, or a placeholder stands in its place.
    """
    if isinstance(value, str) and _PLAIN_EMAIL.fullmatch(value) and not of_nobody(value):
        return Key(value)
    given = _key("email", value)
    addresses, beside = addresses_in(given)
    found = list({compared(one): one for one in addresses}.values())
    if len(found) > 1:
        raise InputError("email", f"holds {len(found)} addresses.", next_step="give one of them.")
    if not found:
        raise InputError(
            "email", f"{quoted(given)} is no e-mail address.", next_step="give one, such as kat@example.com."
        )
    if what := of_nobody(found[0]):
        raise InputError("email", f"{quoted(found[0])} {what}.", next_step="give the address of the person.")
    times = ["which was given more than once"] * (len(addresses) > 1)
    without = ['"mailto:"'] * ("mailto:" in beside)
    rest = beside.replace("mailto:", "").strip(" ,;|/\r\n\t" if times else " ")
    without += ["the name beside it" if re.search(r"\w", rest) else "the signs around it"] * bool(rest)
    return _taken("email", value, found[0], times, without)


def domain(value: object) -> Key:
    """A domain in small letters: of a URL its host, without port and `www.`.

    Raises:
        InputError: there is none, there are several, or an e-mail address or a placeholder stands in its place.
    """
    whole = _key("domain", value)
    given = whole.strip(AROUND)
    local, _, name = given.rpartition("@")
    if local.removeprefix("mailto:") and HOST.fullmatch(name) and not SCHEME.match(given):
        step = f"give {quoted(name.lower())} if that is the account's own domain."
        raise InputError("domain", f"{quoted(given)} is an e-mail address.", next_step=step)
    if of_many(given):
        page = f"{quoted(given)} is a page on {bare(given)}, not the domain of the account."
        raise InputError("domain", page, next_step="give the domain of its own site.")
    pieces = [given] if SCHEME.match(given) and given.count("://") < 2 else re.split(r"[\s,;|]+", given)
    pieces = [one for one in pieces if re.search(r"\w", one)] or [given]
    hosts = {host(one): bare(one) for one in pieces}
    if len(hosts) > 1 and all(map(HOST.fullmatch, hosts.values())):
        raise InputError("domain", f"holds {len(hosts)} domains.", next_step="give one of them.")
    found = bare(pieces[0])
    if len(hosts) > 1 or not HOST.fullmatch(found):
        raise InputError("domain", f"{quoted(whole)} is no domain.", next_step="give one, such as example.com.")
    if cause := misread(whole):
        raise InputError(
            "domain", f"{quoted(whole)} is no domain: {cause}.", next_step="give it as the company writes it."
        )
    what = ["which was given more than once"] * (len(pieces) > 1)
    what += ["the domain of a URL"] * bool(re.search(r"[/?#:\\]", pieces[0]))
    without = ["the @ before it"] * given.startswith("@")
    without += ['"www."'] * (given.lower().startswith("www.") and not found.startswith("www.") and not what)
    without += ["the signs around it"] * ((pieces[0] != whole or given.startswith(".")) and not what)
    without += ["the dot at its end"] * given.endswith(".")
    return _taken("domain", value, found, what, without)


def crm_id(value: object, object_type: ObjectType) -> Key:
    """The id of a record in a CRM: of a Salesforce id its 18 characters, of another CRM's the text as it is.

    Raises:
        InputError: a placeholder, a Salesforce id of another kind of record, or one that was cut or mistyped.
    """
    number = str(value) if type(value) is int and value.bit_length() < 64 else value
    given = _key("crm_id", number)
    url = crm_ids.URL.fullmatch(given)
    text = url[1] if url else crm_ids.one_id(given)
    times = ["which was given more than once"] * (text != given.strip(crm_ids.AROUND))
    words = ["the id in a URL"] if url else times
    without = ["the signs around it"] * (not words and text != given)
    kind, wanted = crm_ids.KINDS.get(text[:3].replace("q", "Q"), ""), crm_ids.KINDS_OF[object_type]
    if not kind or not re.fullmatch("[0-9A-Za-z]{10,24}", text) or (text.isdigit() and len(text) not in (15, 18)):
        return _taken("crm_id", number, text, words, without)
    if len(text) not in (15, 18):
        raise InputError("crm_id", f"{quoted(text)} has {len(text)} characters; a Salesforce id has 15 or 18.")
    if text[:3].replace("q", "Q") not in wanted:
        what = f"{quoted(text)} is the id of {kind}; those of {object_type} begin with {' or '.join(wanted)}."
        raise InputError("crm_id", what, next_step=f"give the id of the {SINGULAR[object_type]}.")
    if len(text) == 15:
        return _taken("crm_id", number, salesforce_18(text), [*words, "the 18 characters of the 15 given"], without)
    long = crm_ids.with_its_capitals(text)
    changed = "last three characters" if long[:15] == text[:15] else "capitals"
    words += [f"with the {changed} that it must have"] * (long != text)
    return _taken("crm_id", number, long, words, without)


def object_id(value: object) -> Key:
    """Salesloft's own id as digits, without leading zeros.

    Raises:
        InputError: it is no whole number above 0, or a larger one than Salesloft has.
    """
    if type(value) is int and value.bit_length() < 64:
        value = str(value)
    if isinstance(value, str) and _PLAIN_NUMBER.fullmatch(value):
        return Key(value)
    whole = _key("object_id", value)
    given = whole.strip(crm_ids.AROUND)
    number = whole_number(given, 19)
    if number is None or not 0 < number < 2**63:
        reason = damage(given)
        what = f"{quoted(given)} is not a Salesloft id{f': {reason}' if reason else ''}."
        raise InputError("object_id", what, next_step="give a whole number, such as 578495206.")
    without = ["the signs around it"] * (given != whole) + ["the leading zeros"] * given.startswith("0")
    return _taken("object_id", value, str(number), without=without)


def _text(field: str, value: object) -> str:
    if isinstance(value, str):
        return value
    raise InputError(field, not_text(value, _KEY.get(field, "text")))


def _key(field: str, value: object) -> str:
    """The text of a key, without spaces around it and invisible characters, when it may be one."""
    given = unicodedata.normalize("NFC", trimmed(_text(field, value)))
    if not given:
        raise InputError(field, "is empty." if value == "" else BLANK)
    if len(given) > 4 * MAX_KEY:  # before anything that takes longer the longer it is
        raise InputError(field, f"has {len(given):,} characters; at most {MAX_KEY} are allowed.")
    if cause := placeholder(given):
        why = "" if cause == "a placeholder" else f" ({cause})"
        raise InputError(field, f"{quoted(given)} is a placeholder{why}, not {_KEY[field]}.")
    if given.lower() in _MAGIC:
        raise InputError(field, f"{quoted(given)} is a command to Salesloft's filters, not {_KEY[field]}.")
    return given


def _taken(field: str, value: object, text: str, what: Sequence[str] = (), without: Sequence[str] = ()) -> Key:
    """A key that is `what` of that which was given, and that came `without` some of it."""
    if isinstance(value, str):
        checked(field, trimmed(value))  # what was taken off may hold what is no text
        if visible(value) != value:
            without = [*without, "invisible characters"]
        elif value != value.strip():
            without = [*without, "the spaces around it"]
    *first, last = without or [""]
    words = [*what, *([f"without {', '.join(first)} and {last}" if first else f"without {last}"] if last else [])]
    return Key(checked(field, text, MAX_KEY), ", ".join(words))
