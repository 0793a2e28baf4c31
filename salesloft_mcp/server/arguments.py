"""The arguments tools take, each checked once: ids are byte-exact text, numbers are never guessed."""

from collections.abc import Collection
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from salesloft_mcp import errors
from salesloft_mcp.salesloft.models import OBJECT_TYPES, ObjectType, object_type_of
from salesloft_mcp.salesloft.requests import MAX_EXTERNAL_TYPE, checked

MAX_OBJECT_ID = 2**63 - 1


def _external_type(value: str) -> str:
    return _value_error(value, "external type", MAX_EXTERNAL_TYPE)


def _external_id(value: str) -> str:
    return _value_error(value, "external id", 1_024)


def _value_error(value: str, name: str, limit: int) -> str:
    try:
        return checked(name, value, limit)
    except errors.InputError as error:
        raise ValueError(str(error).removeprefix(f"{name}: ")) from None


def _optional(check: AfterValidator) -> AfterValidator:
    return AfterValidator(lambda value: check.func(value) if value else value)  # type: ignore[call-arg]


def whole(value: object) -> object:
    """A positive whole number, or digits that stand for one."""
    number = int(value) if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 20 else value
    if isinstance(number, bool) or not isinstance(number, int) or not 0 < number <= MAX_OBJECT_ID:
        raise ValueError("must be a whole number above 0, such as 578495206.")
    return number


def _optional_whole(value: object) -> object:
    return 0 if value in ("", 0) and not isinstance(value, bool) else whole(value)


def _optional_object_type(value: str) -> str:
    known = object_type_of(value)
    if known not in ("", *OBJECT_TYPES):
        raise ValueError("must be people, accounts or users.")
    return str(known)


def _cursor(value: str) -> str:
    if value and not (value.isascii() and value.isdigit() and int(value[:9]) > 0 and len(value) < 7):
        raise ValueError("is not a cursor of an earlier answer; leave it out to begin anew.")
    return value


_check_type, _check_id = AfterValidator(_external_type), AfterValidator(_external_id)

_KINDS = list(OBJECT_TYPES)

ExternalType = Annotated[
    str, Field(strict=True, description="The type of the external ids, such as crm_lead."), _check_type
]
AnyExternalType = Annotated[
    str, Field(strict=True, description="Only external ids of this type."), _optional(_check_type)
]
ExternalId = Annotated[
    str, Field(strict=True, description="The id in your own system, as text; it is compared exactly."), _check_id
]
AnyExternalId = Annotated[str, Field(strict=True, description="Only this external id."), _optional(_check_id)]
ReplacedId = Annotated[
    str,
    Field(strict=True, description="The record's old external id; it is deleted after a person has agreed."),
    _optional(_check_id),
]
MoveFrom = Annotated[
    int,
    BeforeValidator(_optional_whole),
    WithJsonSchema(
        {"type": "integer", "description": "The Salesloft id of the record that has the external id now, to move it."}
    ),
]
ExternalIds = Annotated[
    list[Annotated[str, Field(strict=True), _check_id]],
    Field(min_length=1, max_length=100, description="1 to 100 external ids, as text; they are compared exactly."),
]
ManyExternalIds = Annotated[
    list[Annotated[str, Field(strict=True), _check_id]],
    Field(min_length=1, max_length=1_000, description="1 to 1000 external ids, as text; they are compared exactly."),
]
ObjectTypeArgument = Annotated[
    ObjectType, BeforeValidator(object_type_of), Field(description="The kind of Salesloft record.")
]
AnyObjectType = Annotated[
    str,
    Field(strict=True),
    AfterValidator(_optional_object_type),
    WithJsonSchema({"type": "string", "enum": _KINDS, "description": "Only this kind of Salesloft record."}),
]
ObjectId = Annotated[
    int,
    BeforeValidator(whole),
    WithJsonSchema({"type": "integer", "minimum": 1, "description": "Salesloft's own id of the record."}),
]
AnyObjectId = Annotated[
    int,
    BeforeValidator(_optional_whole),
    WithJsonSchema({"type": "integer", "minimum": 1, "description": "Only the record with this Salesloft id."}),
]
WhichId = Annotated[
    int,
    BeforeValidator(_optional_whole),
    WithJsonSchema({"type": "integer", "minimum": 1, "description": "Needed only when several fit."}),
]
Limit = Annotated[
    int,
    Field(strict=True, ge=1, le=100),
    WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 100, "description": "How many rows to return."}),
]
NEXT_CURSOR = "The next_cursor of an earlier answer."
Cursor = Annotated[str, Field(strict=True, description=NEXT_CURSOR), AfterValidator(_cursor)]
Detail = Annotated[
    Literal["concise", "full"],
    Field(description="concise: the fields by which a record is recognised; full: every field."),
]
Deleted = Annotated[bool, Field(strict=True, description="Whether to list deleted ones too.")]


def given(arguments: dict[str, Any], known: Collection[str]) -> dict[str, Any]:
    """`arguments` without those that are null: some clients send null for everything they leave out.

    Names that are not `known` stay, so that they are refused.
    """
    return {name: value for name, value in arguments.items() if value is not None or name not in known}


def typed(object_type: str) -> ObjectType | None:
    """The object type of an `AnyObjectType` argument; None where it was left empty."""
    return next((one for one in OBJECT_TYPES if one == object_type), None)
