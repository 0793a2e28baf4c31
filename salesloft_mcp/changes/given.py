"""What a caller gives of a person or an account: fields, which of them to empty, and others by their external ids.

Pure. What is empty counts as left out, because some hosts fill everything that is optional with null, "", [] or 0: a
field is emptied only where `clear` names it.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, model_validator

from salesloft_mcp import errors
from salesloft_mcp.intake.characters import is_blank
from salesloft_mcp.intake.values import Key, crm_id, domain, email
from salesloft_mcp.salesloft.fields import AccountFields, PersonFields, Text
from salesloft_mcp.salesloft.models import MappingKey, ObjectType
from salesloft_mcp.salesloft.requests import MAX_EXTERNAL_ID, MAX_EXTERNAL_TYPE
from salesloft_mcp.text import did_you_mean, quoted

CUSTOM = "custom_fields."
_LISTS = ("tags", "contact_restrictions")
_NEVER_EMPTY = ("name", "domain")  # "strings name*, domain* (both required to create)"
# What has to be right to the letter, because Salesloft tells records apart by it.
_KEYS: dict[str, Callable[[object], Key]] = {
    "email_address": email,
    "secondary_email_address": email,
    "personal_email_address": email,
    "domain": domain,
}
_CRM_ID_LENGTH = 18
_TYPES: dict[str, ObjectType] = {"person": "people", "account": "accounts"}
_CRM_PREFIXES = {"person": ("00Q", "003"), "account": ("001",)}
_CORRECT = "correct this and call again; nothing was sent."


class ExternalReference(BaseModel):
    """A record that is named by its own external id."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    external_type: Annotated[Text, Field(max_length=MAX_EXTERNAL_TYPE)]
    external_id: Annotated[Text, Field(max_length=MAX_EXTERNAL_ID)]


Clear = Annotated[list[Text], Field(description="Fields to empty; custom_fields.NAME for one of those.")]


class GivenPerson(PersonFields):
    """The fields of a person, its account and its owner by external id, and what to empty."""

    account: ExternalReference | None = None
    owner: ExternalReference | None = None
    clear: Clear | None = None

    @model_validator(mode="before")
    @classmethod
    def _left_out(cls, data: object) -> object:
        return _given(data, cls)


class GivenAccount(AccountFields):
    """The fields of an account, its owner by external id, and what to empty."""

    owner: ExternalReference | None = None
    clear: Clear | None = None

    @model_validator(mode="before")
    @classmethod
    def _left_out(cls, data: object) -> object:
        return _given(data, cls)


Given = GivenPerson | GivenAccount


class Wanted(NamedTuple):
    """The body of an upsert, in which null or an empty list stands for what is emptied; and what was made of the
    e-mails and domains that were given, in sentences without their full stops.
    """

    fields: PersonFields | AccountFields
    taken: tuple[str, ...]


def fields_to_write(given: Given) -> Wanted:
    """What is to be written.

    Raises:
        InputError: nothing is given, or something of it cannot be right.
    """
    noun = noun_of(given)
    if not given.model_fields_set:
        what = "has no field to write; one that is left out or empty stays as it is."
        raise errors.InputError(noun, what, next_step="give at least one field; to empty one, name it in clear.")
    body: dict[str, Any] = given.model_dump(exclude_unset=True, exclude={"account", "owner", "clear"})
    checks: dict[str, Callable[[object], Key]] = {**_KEYS, "crm_id": partial(crm_id, object_type=_TYPES[noun])}
    keys = {name: _key(noun, name, checks[name], body[name]) for name in checks if name in body}
    body |= {name: key.text for name, key in keys.items()}
    body |= _crm_type(noun, body)
    custom: dict[str, str | None] = {**body.pop("custom_fields", {})}
    own = body.keys() | references(given)
    for name in dict.fromkeys(given.clear or ()):
        if name.startswith(CUSTOM) and name != CUSTOM:
            _check_cleared(given, noun, name, name.removeprefix(CUSTOM) in custom)
            custom[name.removeprefix(CUSTOM)] = None
        else:
            _check_cleared(given, noun, name, name in own)
            body |= {name: [] if name in _LISTS else None} | ({"crm_id_type": None} if name == "crm_id" else {})
    body |= {"custom_fields": custom} if custom else {}
    model = PersonFields if isinstance(given, GivenPerson) else AccountFields
    taken = tuple(told for name, key in keys.items() if (told := key.told(name)))
    return Wanted(model.model_validate(body), taken)


def references(given: Given) -> dict[str, MappingKey]:
    """What is named by an external id, under the field that Salesloft's id of it is written to.

    Raises:
        InputError: that field is given, too.
    """
    named: dict[str, tuple[ObjectType, ExternalReference | None]] = {"owner": ("users", given.owner)}
    if isinstance(given, GivenPerson):
        named = {"account": ("accounts", given.account), **named}
    found: dict[str, MappingKey] = {}
    for name, (object_type, one) in named.items():
        if one is None:
            continue
        if f"{name}_id" in given.model_fields_set:
            what = f"is given together with {name}_id."
            raise errors.InputError(f"{noun_of(given)}.{name}", what, next_step="give one of the two.")
        found[f"{name}_id"] = MappingKey(one.external_type, object_type, one.external_id)
    return found


def noun_of(given: Given) -> Literal["person", "account"]:
    """The argument under which it is given."""
    return "person" if isinstance(given, GivenPerson) else "account"


def _given(data: object, model: type[Given]) -> object:
    """`data` without what is empty. Names that are not known stay, so that they are refused."""
    if not isinstance(data, dict):
        return data
    data = {name: _inner(value) for name, value in data.items()}
    return {name: value for name, value in data.items() if name not in model.model_fields or not _empty(name, value)}


def _inner(value: object) -> object:
    if isinstance(value, list):
        return [one for one in value if not _empty("", one)]
    return {name: one for name, one in value.items() if not _empty("", one)} if isinstance(value, dict) else value


def _empty(name: str, value: object) -> bool:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return value == 0 and name.endswith("_id")
    if isinstance(value, str):
        return not value or is_blank(value)
    return value is None or value in ([], {})


def _key(noun: str, name: str, check: Callable[[object], Key], value: str) -> Key:
    try:
        return check(value)
    except errors.InputError as error:
        what = error.what.removeprefix(f"{error.field}: ")
        raise errors.InputError(f"{noun}.{name}", what, next_step=error.steps) from error


def _check_cleared(given: Given, noun: str, name: str, also_given: bool) -> None:
    model = PersonFields if isinstance(given, GivenPerson) else AccountFields
    if also_given:
        what = f"{quoted(name)} is given, too."
        raise errors.InputError(f"{noun}.clear", what, next_step="either give a field or clear it.")
    if name == "custom_fields" or name == CUSTOM:
        what = "custom fields are emptied one by one."
        raise errors.InputError(f"{noun}.clear", what, next_step=f"name each as {CUSTOM}NAME.")
    if name.startswith(CUSTOM):
        return
    if name not in model.model_fields:
        what = f"{quoted(name)} is no field of {noun}: {did_you_mean(name, model.model_fields)}"
        raise errors.InputError(f"{noun}.clear", what, next_step=_CORRECT)
    if name in _NEVER_EMPTY and model is AccountFields:
        raise errors.InputError(f"{noun}.clear", f"the {name} of an account can never be empty.", next_step=_CORRECT)
    if name == "crm_id_type" and "crm_id" not in (given.clear or ()):
        raise errors.InputError(f"{noun}.clear", "crm_id_type is emptied together with crm_id.", next_step=_CORRECT)


def _crm_type(noun: Literal["person", "account"], body: Mapping[str, Any]) -> dict[str, str]:
    """ "`crm_id` must be exactly 18 characters (people 00Q or 003, accounts 001)", and comes with its type, of which
    there is one.
    """
    text = body.get("crm_id")
    if text is None:
        if "crm_id_type" in body:
            what = "Salesloft takes it only together with crm_id."
            raise errors.InputError(f"{noun}.crm_id_type", what, next_step="give crm_id too.")
        return {}
    if len(text) != _CRM_ID_LENGTH or not text.startswith(_CRM_PREFIXES[noun]):
        prefixes = " or ".join(_CRM_PREFIXES[noun])
        what = f"{quoted(text)} is no Salesforce id of 18 characters that begins with {prefixes}."
        raise errors.InputError(f"{noun}.crm_id", f"{what} Salesloft takes no other.", next_step=_CORRECT)
    return {"crm_id_type": "salesforce"}
