"""Whether a field of a record holds a value, as Salesloft spells it. Pure."""

import re

from salesloft_mcp.lookups.known_records import EMAILS, compared
from salesloft_mcp.salesloft.models import ObjectType

_PHONES = frozenset({"phone", "mobile_phone", "home_phone"})
_COUNTRY_CODE = 3  # the most digits of one
_SHORTEST_NUMBER = 7  # digits that a platform completes with a country code


def same(name: str, there: object, given: object) -> bool:
    """Whether a field holds a value, as Salesloft spells it: domains as hosts, e-mails in any case and in both
    forms of their domain, phones by their digits and perhaps with a country code, lists in any order.
    """
    if name in ("archived", "crm_id_type"):  # shown as a moment and as a kind of CRM object
        return bool(there) == bool(given)
    if given is None or given == []:  # what is emptied is shown as null or as empty
        return not there
    if isinstance(given, str) and isinstance(there, str):
        return _same_text(name, there.strip(), given.strip())
    if isinstance(given, dict):
        held = there if isinstance(there, dict) else {}
        return all(same(f"custom field {one}", held.get(one), value) for one, value in given.items())
    if isinstance(given, list):
        return isinstance(there, list) and sorted(map(str, there)) == sorted(map(str, given))
    return there == given


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
