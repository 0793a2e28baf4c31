"""Whether a field of a record holds a value, as Salesloft spells it, and what does not stand as it was sent. Pure."""

import json
import re
from collections.abc import Iterable

from pydantic import JsonValue

from salesloft_mcp.changes.change import Image
from salesloft_mcp.lookups.known_records import EMAILS, compared
from salesloft_mcp.salesloft.models import ObjectType
from salesloft_mcp.text import quoted

CUSTOM = "custom field"
REFERENCES = ("account_id", "owner_id", "person_stage_id", "import_id", "company_stage_id", "account_tier_id")
# Written under one name and shown under another (read in recorded answers of Salesloft).
SHOWN_AS = {"crm_id_type": "crm_object_type", **{name: name.removesuffix("_id") for name in REFERENCES}}

_PHONES = frozenset({"phone", "mobile_phone", "home_phone"})
_COUNTRY_CODE = 3  # the most digits of one
_SHORTEST_NUMBER = 7  # digits that a platform completes with a country code


def same(name: str, there: object, given: object) -> bool:
    """Whether a field holds a value, as Salesloft spells it: domains as hosts, e-mails in any case and in both
    forms of their domain, phones by their digits and perhaps with a country code, lists in any order, and texts that
    it shows as numbers.
    """
    there, given = as_text(name, there), as_text(name, given)
    if name in ("archived", "crm_id_type"):  # shown as a moment and as a kind of CRM object
        return bool(there) == bool(given)
    if given is None or given == []:  # what is emptied is shown as null or as empty
        return not there
    if isinstance(given, str) and isinstance(there, str):
        return _same_text(name, there.strip(), given.strip())
    if isinstance(given, dict):
        held = there if isinstance(there, dict) else {}
        return all(same(f"{CUSTOM} {one}", held.get(one), value) for one, value in given.items())
    if isinstance(given, list):
        return isinstance(there, list) and sorted(map(str, there)) == sorted(map(str, given))
    return there == given


def as_text(name: str, value: object) -> object:
    """A number where a field holds text, as it is written; anything else as it is."""
    if name in REFERENCES or isinstance(value, bool) or not isinstance(value, int | float):
        return value
    return json.dumps(value).removesuffix(".0")


def not_taken(sent: Image, stands: Image) -> list[str]:
    """The fields that hold something else than was sent, each with what stands there: Salesloft keeps a field as it
    was, without a word, where it does not know it or where the token may not write it.
    """
    return [
        f"{name} stands as {shown(there)}"
        for name, there, value in _pairs(sent, stands)
        if not same(name, there, value)
    ]


def spelled_otherwise(sent: Image, stands: Image) -> list[str]:
    """The fields that hold what was sent in another spelling, each with the one that stands there."""
    told = ((name, there, value) for name, there, value in _pairs(sent, stands) if isinstance(value, str))
    return [
        f"{name} stands as {shown(there)}"
        for name, there, value in told
        if name not in SHOWN_AS and there != value and same(name, there, value)
    ]


def shown(value: JsonValue) -> str:
    """A value as people are told."""
    if value is None or value == "":
        return "(empty)"
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, list):
        return quoted(", ".join(map(str, value))) if value else "(empty)"
    return quoted(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _same_text(name: str, there: str, given: str) -> bool:
    if name == "domain" or name in EMAILS:
        kind: ObjectType = "accounts" if name == "domain" else "people"
        return compared(kind, there) == compared(kind, given)
    if name in _PHONES and (digits := _digits(given)):
        more = _digits(there).removesuffix(digits)
        added = len(more) <= _COUNTRY_CODE and len(digits) >= _SHORTEST_NUMBER and there[:1] == "+" != given[:1]
        return _digits(there).endswith(digits) and (not more or added)
    return there == given


def _digits(phone: str) -> str:
    """The digits of a phone number; empty where it holds letters, such as an extension."""
    return "" if re.search(r"[^\W\d_]", phone) else re.sub(r"\D", "", phone)


def _pairs(sent: Image, stands: Image) -> Iterable[tuple[str, JsonValue, JsonValue]]:
    """Every field that was sent: its name, what stands there and what was sent; custom fields one by one."""
    for name, value in sent.items():
        there = stands.get(name)
        if name == "custom_fields" and isinstance(value, dict):
            held = there if isinstance(there, dict) else {}
            yield from ((f"custom field {quoted(one)}", held.get(one), each) for one, each in value.items())
        elif name != "id":
            yield name, there, value
