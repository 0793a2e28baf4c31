"""The fields a person or account body may set, and what each may hold."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, NamedTuple

from salesloft_mcp.sandbox.answers import MISSING, Complaints, unprocessable

Fields = dict[str, Any]

# Those of the team, of people and of accounts: the platform has none for users.
OF_PEOPLE = ("Legacy ID", "Preferred Language", "Lead Source", "Region", "Tier")
OF_ACCOUNTS = ("Legacy Account ID", "Renewal Quarter")


class Shape(NamedTuple):
    """What a field may hold, the complaint when it holds something else, and how it is kept."""

    accepts: Callable[[object], bool]
    complaint: str
    lower_case: bool = False


def is_string(value: object) -> bool:
    return isinstance(value, str)


def is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**63


def is_strings(value: object) -> bool:
    return isinstance(value, list) and all(is_string(one) for one in value)


def is_custom(value: object) -> bool:
    return isinstance(value, dict) and all(one is None or is_string(one) for one in value.values())


STRING = Shape(is_string, "must be a string")
LOWER_CASE_STRING = Shape(is_string, "must be a string", lower_case=True)
INTEGER = Shape(is_integer, "must be an integer")
BOOLEAN = Shape(lambda value: isinstance(value, bool), "must be true or false")
STRINGS = Shape(is_strings, "must be a list of strings")
CUSTOM = Shape(is_custom, "must be an object of string values")


def word_of(*words: str) -> Shape:
    return Shape(lambda value: value in words, f"must be one of {', '.join(words)}")


def words_of(*words: str) -> Shape:
    def accepts(value: object) -> bool:
        return isinstance(value, list) and all(one in words for one in value)

    return Shape(accepts, f"must be a list of {', '.join(words)}")


def shapes(shape: Shape, names: str) -> dict[str, Shape]:
    return dict.fromkeys(names.split(), shape)


def known_fields(shapes: Mapping[str, Shape], body: Mapping[str, Any], custom: Collection[str]) -> Fields:
    """The fields of a body that the section knows; others are ignored, null clears, a wrong type is a 422.

    Custom fields that the team does not have are ignored, too.
    """
    given = {name: value for name, value in body.items() if name in shapes}
    wrong: Complaints = {
        name: [shapes[name].complaint]
        for name, value in given.items()
        if value is not None and not shapes[name].accepts(value)
    }
    if wrong:
        raise unprocessable(wrong)
    if given.get("custom_fields"):
        given["custom_fields"] = {name: one for name, one in given["custom_fields"].items() if name in custom}
    return {name: value.lower() if value and shapes[name].lower_case else value for name, value in given.items()}


def wrong_crm_id(given: Fields, prefixes: Collection[str]) -> Complaints:
    """Source: "exactly 18 characters (people 00Q or 003, accounts 001)", and accepted only with its type."""
    if given.get("crm_id_type") is None:
        return {"crm_id_type": [MISSING]}
    crm_id = given["crm_id"]
    if len(crm_id) != 18 or crm_id[:3] not in prefixes:
        return {"crm_id": [f"must be 18 characters long and begin with {' or '.join(prefixes)}"]}
    return {}


def merged(fields: Fields, changes: Fields) -> Fields:
    """The fields after an update: custom fields merge one by one, everything else is replaced (assumed)."""
    after = {**fields, **changes}
    if changes.get("custom_fields") is not None:
        custom = {**(fields.get("custom_fields") or {}), **changes["custom_fields"]}
        after["custom_fields"] = {name: value for name, value in custom.items() if value is not None}
    return after
