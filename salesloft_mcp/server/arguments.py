"""The arguments tools take, each checked once: ids are byte-exact text, numbers are never guessed."""

from contextlib import suppress
from typing import Annotated, Literal, TypeVar

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema

from salesloft_mcp import errors
from salesloft_mcp.salesloft.models import ObjectType, object_type_of
from salesloft_mcp.salesloft.requests import MAX_EXTERNAL_ID, MAX_EXTERNAL_TYPE, checked
from salesloft_mcp.text import whole_number

MAX_OBJECT_ID = 2**63 - 1
NEXT_CURSOR = "The next_cursor of an earlier answer."

ValueT = TypeVar("ValueT")


def _text(name: str, limit: int) -> AfterValidator:
    def check(value: str) -> str:
        try:
            return checked(name, value, limit)
        except errors.InputError as error:
            raise ValueError(str(error).removeprefix(f"{name}: ")) from None

    return AfterValidator(check)


def whole(value: object) -> int:
    """A positive whole number, or digits that stand for one."""
    number = whole_number(value, 19) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int) or not 0 < number <= MAX_OBJECT_ID:
        raise ValueError("must be a whole number above 0, such as 578495206.")
    return number


def _cursor(value: object) -> int:
    with suppress(ValueError):
        return 0 if value == "" else whole(value)
    raise ValueError("is not a cursor of an earlier answer; leave it out to begin anew.")


def _unless_empty(value: object) -> object:
    """Some clients send an empty text or a 0 for what they leave out."""
    return None if value in ("", 0) and value is not False else value


LeftOut = Annotated[ValueT | None, BeforeValidator(_unless_empty)]
ExternalType = Annotated[
    str,
    Field(strict=True, description="The type of the external ids, such as crm_lead."),
    _text("external type", MAX_EXTERNAL_TYPE),
]
ExternalId = Annotated[
    str,
    Field(strict=True, description="The id in your own system, as text; it is compared exactly."),
    _text("external id", MAX_EXTERNAL_ID),
]
ExactId = Annotated[str, Field(strict=True), _text("external id", MAX_EXTERNAL_ID)]
ExternalIds = Annotated[
    list[ExactId],
    Field(min_length=1, max_length=100, description="1 to 100 external ids, as text; they are compared exactly."),
]
ManyExternalIds = Annotated[
    list[ExactId],
    Field(min_length=1, max_length=1_000, description="1 to 1000 external ids, as text; they are compared exactly."),
]
KindOfRecord = Annotated[
    ObjectType, BeforeValidator(object_type_of), Field(description="The kind of Salesloft record.")
]
ObjectId = Annotated[int, BeforeValidator(whole), Field(description="Salesloft's own id of the record.")]
OnlyType = Annotated[LeftOut[ExternalType], Field(description="Only external ids of this type.")]
OnlyExternalId = Annotated[LeftOut[ExternalId], Field(description="Only this external id.")]
OnlyKind = Annotated[LeftOut[KindOfRecord], Field(description="Only this kind of Salesloft record.")]
OnlyObjectId = Annotated[LeftOut[ObjectId], Field(description="Only the record with this Salesloft id.")]
WhichId = Annotated[LeftOut[ObjectId], Field(description="Needed only when several fit.")]
Limit = Annotated[int, Field(strict=True, ge=1, le=100, description="How many rows to return.")]
Cursor = Annotated[int, BeforeValidator(_cursor), WithJsonSchema({"type": "string", "description": NEXT_CURSOR})]
Deleted = Annotated[bool, Field(strict=True, description="Whether to list deleted ones too.")]
Detail = Annotated[
    Literal["concise", "full"],
    Field(description="concise: the fields by which a record is recognised; full: every field."),
]
