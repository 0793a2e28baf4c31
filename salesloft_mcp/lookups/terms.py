"""Pure: what records can be searched by, and whether a row holds what was asked for.

"Unknown filter names are silently ignored, so a typo lists everything": every row is held against the question.

Reference: https://developers.salesloft.com/docs/api/people-index/, accounts-index and users-index beside it. "Supports
partial matching" is said there of titles, places and industries, "exact and case sensitive" of names of accounts, and
"space-separated list of keywords used to find case-insensitive substring matches against First Name, Last Name, or
Email" of the search for users.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from string import capwords
from typing import Literal, get_args

from salesloft_mcp.intake.domains import host
from salesloft_mcp.intake.emails import compared, forms
from salesloft_mcp.salesloft.fields import Seniority
from salesloft_mcp.salesloft.models import ObjectType, Record, Reference
from salesloft_mcp.salesloft.requests import NOT_NULL, NULL

Fits = Callable[[Record, str], bool]
# Where people and users have their addresses.
EMAIL_FIELDS = ("email_address", "secondary_email_address", "personal_email_address", "email")


@dataclass(frozen=True, slots=True)
class Term:
    """One way to search: Salesloft's parameter, whether a row holds a value, and how that is compared, in words.

    `kind` says what a value has to be. A parameter that ends in `[]` takes several values, of which one has to fit.
    """

    parameter: str
    fits: Fits
    compared: str = "exactly"
    kind: Literal["text", "id", "flag"] = "text"
    sent: Callable[[str], Iterable[str]] = lambda value: (value,)
    words: tuple[str, ...] = ()  # the values there are, where they are few

    @property
    def takes_several(self) -> bool:
        return self.parameter.endswith("[]") and self.kind != "flag"

    def holds(self, record: Record, values: Iterable[str]) -> bool:
        """Whether the record has one of the values."""
        return any(self.fits(record, value) for value in values)


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


def _cases(name: str) -> tuple[str, ...]:
    """As it is given, and in the cases that are likely: names of accounts are compared with their case."""
    return tuple(dict.fromkeys((name, capwords(name), name.upper(), name.lower())))


def _same_site(record: Record, value: str) -> bool:
    return host(_text(record, "website")) == host(value)


def _sites(website: str) -> tuple[str, ...]:
    name = host(website)
    likely = [f"{way}{www}{name}" for way in ("https://", "http://", "") for www in ("www.", "")] if name else []
    return tuple(dict.fromkeys((website, *(f"{one}{end}" for one in likely for end in ("", "/")))))


def _id(parameter: str, name: str) -> Term:
    return Term(f"{parameter}[]", _points_to(name), kind="id")


def _partly(name: str) -> Term:
    return Term(f"{name}[]", _part(name), "a part of it, in any case")


EMAIL = Term("email_addresses[]", _has_email, sent=lambda address: dict.fromkeys((address, *forms(address))))
DOMAIN = Term("domain", lambda record, value: host(_text(record, "domain")) == host(value), "its host")
CRM_ID = Term("crm_id[]", _equal("crm_id"))
_HAS_CRM_ID = Term(
    "crm_id[]",
    lambda record, value: bool(_text(record, "crm_id")) == (value.lower() == "true"),
    kind="flag",
    sent=lambda value: (NOT_NULL if value.lower() == "true" else NULL,),
)
_OWNER = _id("owner_id", "owner")
_PLACE = {name: _partly(name) for name in ("city", "state", "country")}
_USER = Term("search", _words("name", "first_name", "last_name", "email"), "every word of it, in any case")
TERMS: dict[ObjectType, dict[str, Term]] = {
    "people": {
        "email": EMAIL,
        "crm_id": CRM_ID,
        "has_crm_id": _HAS_CRM_ID,
        "account_id": _id("account_id", "account"),
        "owner_id": _OWNER,
        "title": _partly("title"),
        "job_seniority": Term(
            "job_seniority[]",
            _equal("job_seniority"),
            sent=lambda value: (value.lower(),),
            words=get_args(Seniority),
        ),
        **_PLACE,
        "person_stage_id": _id("person_stage_id", "person_stage"),
    },
    "accounts": {
        "name": Term("name[]", _equal("name"), "all of it, in any case", sent=_cases),
        "domain": DOMAIN,
        "crm_id": CRM_ID,
        "has_crm_id": _HAS_CRM_ID,
        "owner_id": _OWNER,
        "industry": _partly("industry"),
        "website": Term("website[]", _same_site, "its host", sent=_sites),
        **_PLACE,
        "account_stage_id": _id("account_stage_id", "company_stage"),
        "archived": Term("archived", _is("archived_at"), kind="flag"),
    },
    "users": {"name": _USER, "email": _USER, "active": Term("active", _is("active"), kind="flag")},
}
CUSTOM = "custom_fields["


def term(object_type: ObjectType, name: str) -> Term | None:
    """How to search by `name`; `custom_fields[Name]` is any custom field of people or of accounts."""
    is_custom = object_type != "users" and name.startswith(CUSTOM) and name.endswith("]")
    if is_custom and (field := name[len(CUSTOM) : -1]):
        return Term(name, _custom(field), "exactly, in any case")
    return TERMS[object_type].get(name)


def fits(terms: Mapping[str, Term], wanted: Mapping[str, Iterable[str]], record: Record) -> bool:
    """Whether a record has, of each term, one of the values that are wanted."""
    return all(one.holds(record, wanted[name]) for name, one in terms.items())
