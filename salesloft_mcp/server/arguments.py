"""The arguments tools take, each checked once: ids are byte-exact text, numbers are never guessed."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    ValidatorFunctionWrapHandler,
    WithJsonSchema,
    WrapValidator,
)

from salesloft_mcp import errors
from salesloft_mcp.intake.values import external_id
from salesloft_mcp.salesloft.models import ObjectType, object_type_of
from salesloft_mcp.salesloft.requests import MAX_EXTERNAL_TYPE
from salesloft_mcp.text import whole_number

MAX_OBJECT_ID = 2**63 - 1
NEXT_CURSOR = "An earlier next_cursor."


def _by(check: Callable[[str], str]) -> AfterValidator:
    """What `check` makes of a text, its refusals in the form that arguments have: one next step for all of them."""

    def checked_by(value: str) -> str:
        try:
            return check(value)
        except errors.InputError as error:
            raise ValueError(error.what.removeprefix(f"{error.field}: ")) from None

    return AfterValidator(checked_by)


def whole(value: object) -> int:
    """A positive whole number, or digits that stand for one."""
    number = whole_number(value, 19) if isinstance(value, str) else value
    if isinstance(number, bool) or not isinstance(number, int) or not 0 < number <= MAX_OBJECT_ID:
        raise ValueError("must be a whole number above 0, such as 578495206.")
    return number


def _ids_or_true(value: object, ids: ValidatorFunctionWrapHandler) -> object:
    """`true`, or ids: a model that names what it wants, and not what it has, means `with_external_ids`."""
    return True if value is True else ids(value)


def _cursor(value: object) -> int:
    with suppress(ValueError):
        return whole(value)
    raise ValueError("is not a cursor of an earlier answer; leave it out to begin anew.")


ExternalType = Annotated[
    str,
    Field(strict=True, description="The id's system, such as crm_lead."),
    _by(partial(external_id, field="external_type", limit=MAX_EXTERNAL_TYPE)),
]
ExternalId = Annotated[
    str,
    Field(strict=True, description="Your own system's id, exactly."),
    _by(external_id),
]
ExactId = Annotated[str, Field(strict=True), _by(external_id)]
ExternalIds = Annotated[
    list[ExactId],
    Field(max_length=100, description="Up to 100, exact."),
    WrapValidator(_ids_or_true),
]
ManyExternalIds = Annotated[
    list[ExactId],
    Field(min_length=1, max_length=1_000, description="Up to 1000, compared exactly."),
]
KindOfRecord = Annotated[ObjectType, BeforeValidator(object_type_of), Field(description="Kind of record.")]
ObjectId = Annotated[int, BeforeValidator(whole), Field(description="Salesloft's own id of the record.")]
# What may be left out. A text is then empty and never null, because a text that may be null is read as JSON, in which
# the id "null" is no id at all.
OnlyType = Annotated[ExternalType, Field(description="Only ids of this type.")]
TypeOfIds = Annotated[ExternalType, Field(description="The type of external_ids.")]
OnlyExternalId = Annotated[ExternalId, Field(description="Only this external id.")]
OnlyKind = Annotated[KindOfRecord | None, Field(description="Only this kind.")]
ObjectIds = Annotated[
    list[Annotated[int, BeforeValidator(whole)]],
    Field(max_length=100, description="Up to 100 Salesloft ids."),
]
WithExternalIds = Annotated[bool, Field(strict=True, description="Tell the ids each has.")]
OnlyObjectId = Annotated[ObjectId | None, Field(description="Only this Salesloft id.")]
WhichId = Annotated[ObjectId | None, Field(description="Needed only when several fit.")]
Limit = Annotated[int, Field(strict=True, ge=1, le=100, description="How many rows.")]
Cursor = Annotated[int, BeforeValidator(_cursor), WithJsonSchema({"type": "string", "description": NEXT_CURSOR})]
Deleted = Annotated[bool, Field(strict=True, description="List deleted ones too.")]
Records = Annotated[
    bool,
    Field(strict=True, description="Tell names of up to 100 ids; false saves points."),
]
Detail = Annotated[
    Literal["concise", "full"],
    Field(description="concise: what identifies a record; full: every field."),
]
