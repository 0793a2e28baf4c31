"""The nouns: what Salesloft answers, in either dialect, with every unknown field kept."""

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar, Generic, Literal, Self, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)

ObjectType = Literal["people", "accounts", "users"]
OBJECT_TYPES: tuple[ObjectType, ...] = ("people", "accounts", "users")

SINGULAR: dict[ObjectType, str] = {"people": "person", "accounts": "account", "users": "user"}
_WORDS = {word: plural for plural, singular in SINGULAR.items() for word in (plural, singular)}


def one_record(object_type: ObjectType, object_id: object) -> str:
    """ "person 578495206"."""
    return f"{SINGULAR[object_type]} {object_id}"


def object_type_of(word: object) -> object:
    """The plural the guide uses, for a singular or a plural in any case; anything else as it came."""
    return _WORDS.get(word.strip().lower(), word) if isinstance(word, str) else word


def _no_flag(value: object) -> object:
    if isinstance(value, bool):
        raise ValueError("is no number")
    return value


def _role(value: object) -> object:
    """The guide shows a word, the platform `{"id": word}`, and some teams a number in its place."""
    word = value.get("id") if isinstance(value, dict) else value
    return str(word) if type(word) is int else word


AnyObjectType = Annotated[ObjectType, BeforeValidator(object_type_of)]
Number = Annotated[int, BeforeValidator(_no_flag)]
Deleted = Annotated[bool, BeforeValidator(lambda value: False if value is None else value)]
Shown = Annotated[str | None, Field(coerce_numbers_to_str=True)]  # a number is read as its text
RowT = TypeVar("RowT")


class _Answered(BaseModel):
    """A row of an answer. Only what has no default, and what `decisive` names, has to be usable.

    Anything else of another kind than is promised is kept as it came, in `model_extra` and so in every dump of the row;
    the attribute of that name is as if the field were absent.
    """

    model_config = ConfigDict(extra="allow", frozen=True)
    decisive: ClassVar[frozenset[str]] = frozenset()

    def shown(self, name: str) -> object:
        """What the answer holds under `name`, of whatever kind; None for nothing."""
        return (self.model_extra or {}).get(name, getattr(self, name, None))

    @model_validator(mode="wrap")
    @classmethod
    def _odd_kept(cls, row: object, read: ModelWrapValidatorHandler[Self]) -> Self:
        try:
            return read(row)
        except ValidationError as error:
            if not isinstance(row, dict):
                raise
            odd = {str(one["loc"][0]) for one in error.errors(include_url=False, include_input=False) if one["loc"]}
            strict = {name for name, field in cls.model_fields.items() if field.is_required()} | cls.decisive
            if not odd or odd & strict:
                raise
            found = read({name: value for name, value in row.items() if name not in odd})
            assert found.model_extra is not None  # extra fields are allowed
            found.model_extra.update({name: row[name] for name in odd})
            return found


class _Row(_Answered):
    id: Number


class Configuration(_Row):
    """That external ids of a type may be given to one kind of object."""

    decisive = frozenset({"deleted"})

    external_type: str
    object_type: AnyObjectType
    source_type: str | None = None
    source_id: int | None = None
    deleted: Deleted = False

    @model_validator(mode="before")
    @classmethod
    def _unswap_source(cls, row: object) -> object:
        """The guide's OAuth example prints the two source fields the wrong way round."""
        if isinstance(row, dict) and isinstance(kind := row.get("source_id"), str) and not kind.isdecimal():
            return {**row, "source_type": kind, "source_id": row.get("source_type")}
        return row


class Mapping(_Answered):
    """One external id of one object. The guide never shows the `id` that a deletion needs, so it may be absent.

    An external id is text. A number in its place is not read: 7 may stand for "7" or for "007".
    """

    decisive = frozenset({"deleted"})

    id: Number | None = None
    tenant_id: int | None = None
    object_type: AnyObjectType
    object_id: Number
    external_type: str
    external_id: str
    inserted_at: Shown = None
    deleted: Deleted = False


class Reference(_Row):
    """A pointer to another object."""


class Person(_Row):
    """A buyer. Only the fields this product reads are named; the rest are kept."""

    email_address: Shown = None
    first_name: Shown = None
    last_name: Shown = None
    title: Shown = None
    crm_id: Shown = None
    do_not_contact: bool | None = None
    account: Reference | None = None
    owner: Reference | None = None
    custom_fields: dict[str, Any] | None = None
    updated_at: str | None = None


class Account(_Row):
    """A company."""

    name: Shown = None
    domain: Shown = None
    crm_id: Shown = None
    do_not_contact: bool | None = None
    owner: Reference | None = None
    custom_fields: dict[str, Any] | None = None
    updated_at: str | None = None


class User(_Row):
    """A seller."""

    name: Shown = None
    first_name: Shown = None
    last_name: Shown = None
    email: Shown = None
    active: bool | None = None
    role: Annotated[str | None, BeforeValidator(_role)] = None


Record = Person | Account | User
RECORDS: dict[ObjectType, type[Any]] = {"people": Person, "accounts": Account, "users": User}


def name_of(record: Record) -> str:
    """The name of an account or a user, the first and last name of a person; empty where there is none."""
    if isinstance(record, Account):
        return record.name or ""
    whole = " ".join(part for part in (record.first_name, record.last_name) if part)
    return (record.name or whole) if isinstance(record, User) else whole


class CustomField(_Row):
    """A field that a team added to its people (`person`), accounts (`company`) or opportunities."""

    name: str | None = None
    field_type: str | None = None


class Team(_Row):
    """The team the token belongs to; its id is the `tenant_id` of mappings."""

    name: Shown = None


@dataclass(frozen=True, slots=True)
class Page(Generic[RowT]):
    """One page of a list. `next_page` is None on the last; `total` is known only when counts were asked for.

    `unread` counts the rows that cannot be read, because they are null or lack what makes them one, and are left out.
    """

    rows: tuple[RowT, ...]
    next_page: int | None = None
    total: int | None = None
    unread: int = 0


@dataclass(frozen=True, slots=True)
class MappingKey:
    """What names a mapping: no endpoint shows one by id."""

    external_type: str
    object_type: ObjectType
    external_id: str


@dataclass(frozen=True, slots=True)
class Scope:
    """Where to look for mappings: an external type and an object type, each optional."""

    external_type: str = ""
    object_type: ObjectType | None = None

    def __contains__(self, row: Mapping | Configuration) -> bool:
        return self.external_type in ("", row.external_type) and self.object_type in (None, row.object_type)
