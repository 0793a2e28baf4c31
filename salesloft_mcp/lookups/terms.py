"""Pure: what records can be searched by, and whether a row holds what was asked for.

"Unknown filter names are silently ignored, so a typo lists everything": every row is held against the question.
"""

from collections.abc import Callable
from dataclasses import dataclass

from salesloft_mcp.intake.domains import host
from salesloft_mcp.intake.emails import compared
from salesloft_mcp.salesloft.models import ObjectType, Record, Reference

Fits = Callable[[Record, str], bool]
# Where people and users have their addresses.
EMAIL_FIELDS = ("email_address", "secondary_email_address", "personal_email_address", "email")


@dataclass(frozen=True, slots=True)
class Term:
    """One way to search: Salesloft's parameter, and whether a row holds a value."""

    parameter: str
    fits: Fits


def _text(record: Record, name: str) -> str:
    held = record.shown(name)
    return "" if held is None else str(held).casefold()


def _equal(*names: str) -> Fits:
    """One of these fields is the value, in whatever case."""
    return lambda record, value: value.casefold() in [_text(record, name) for name in names]


def _part(name: str) -> Fits:
    """Salesloft finds parts of a place, a title or an industry."""
    return lambda record, value: value.casefold() in _text(record, name)


def _words(*names: str) -> Fits:
    """Every word of the value is somewhere in these fields."""

    def fits(record: Record, value: str) -> bool:
        held = " ".join(_text(record, name) for name in names)
        return all(word in held for word in value.casefold().split())

    return fits


def _points_to(name: str) -> Fits:
    """A reference is shown as an object with an id, and now and then as the id itself."""

    def fits(record: Record, value: str) -> bool:
        held = record.shown(name)
        if isinstance(held, Reference):
            return str(held.id) == value
        return str(held.get("id") if isinstance(held, dict) else held) == value

    return fits


def _has_email(record: Record, value: str) -> bool:
    return compared(value) in [compared(_text(record, name)) for name in EMAIL_FIELDS]


def _is(name: str) -> Fits:
    """`archived` is shown as the moment at which it happened, `active` as a flag."""
    return lambda record, value: str(bool(record.shown(name))).casefold() == value.casefold()


def _custom(name: str) -> Fits:
    def fits(record: Record, value: str) -> bool:
        held = record.shown("custom_fields")
        text = held.get(name) if isinstance(held, dict) else None
        return text is not None and str(text).casefold() == value.casefold()

    return fits


EMAIL = Term("email_addresses[]", _has_email)
DOMAIN = Term("domain", lambda record, value: host(_text(record, "domain")) == host(value))
CRM_ID = Term("crm_id[]", _equal("crm_id"))
_OWNER = Term("owner_id[]", _points_to("owner"))
_PLACE = {name: Term(name, _part(name)) for name in ("city", "state", "country")}
_USER = Term("search", _words("name", "first_name", "last_name", "email"))
TERMS: dict[ObjectType, dict[str, Term]] = {
    "people": {
        "email": EMAIL,
        "crm_id": CRM_ID,
        "account_id": Term("account_id[]", _points_to("account")),
        "owner_id": _OWNER,
        "person_stage_id": Term("person_stage_id[]", _points_to("person_stage")),
        "title": Term("title", _part("title")),
        **_PLACE,
    },
    "accounts": {
        "name": Term("name[]", _equal("name")),
        "domain": DOMAIN,
        "crm_id": CRM_ID,
        "website": Term("website[]", _equal("website")),
        "owner_id": _OWNER,
        "industry": Term("industry", _part("industry")),
        "archived": Term("archived", _is("archived_at")),
        **_PLACE,
    },
    "users": {"name": _USER, "email": _USER, "active": Term("active", _is("active"))},
}
IDS = frozenset({"account_id", "owner_id", "person_stage_id"})
FLAGS = frozenset({"archived", "active"})
CUSTOM = "custom_fields["


def term(object_type: ObjectType, name: str) -> Term | None:
    """How to search by `name`; `custom_fields[Name]` is any custom field of people."""
    if object_type == "people" and name.startswith(CUSTOM) and name.endswith("]") and (field := name[len(CUSTOM) : -1]):
        return Term(name, _custom(field))
    return TERMS[object_type].get(name)
