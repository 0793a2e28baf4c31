"""The nouns: what Salesloft answers, in either dialect, with every unknown field kept."""

from dataclasses import dataclass
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, model_validator

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


AnyObjectType = Annotated[ObjectType, BeforeValidator(object_type_of)]
RowT = TypeVar("RowT")


class _Row(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)

    id: int


class Configuration(_Row):
    """That external ids of a type may be given to one kind of object."""

    external_type: str
    object_type: AnyObjectType
    source_type: str | None = None
    source_id: int | None = None
    deleted: bool = False

    @model_validator(mode="before")
    @classmethod
    def _unswap_source(cls, row: object) -> object:
        """The guide's OAuth example prints the two source fields the wrong way round."""
        if isinstance(row, dict) and isinstance(kind := row.get("source_id"), str) and not kind.isdecimal():
            return {**row, "source_type": kind, "source_id": row.get("source_type")}
        return row


class Mapping(BaseModel):
    """One external id of one object. The guide never shows the `id` that a deletion needs, so it may be absent."""

    model_config = ConfigDict(extra="allow", frozen=True)

    id: int | None = None
    tenant_id: int | None = None
    object_type: AnyObjectType
    object_id: int
    external_type: str
    external_id: str
    inserted_at: str | None = None
    deleted: bool = False


class Reference(_Row):
    """A pointer to another object."""


class Person(_Row):
    """A buyer. Only the fields this product reads are named; the rest are kept."""

    email_address: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    title: str | None = None
    crm_id: str | None = None
    do_not_contact: bool | None = None
    account: Reference | None = None
    owner: Reference | None = None
    custom_fields: dict[str, Any] | None = None
    updated_at: str | None = None


class Account(_Row):
    """A company."""

    name: str | None = None
    domain: str | None = None
    crm_id: str | None = None
    do_not_contact: bool | None = None
    owner: Reference | None = None
    custom_fields: dict[str, Any] | None = None
    updated_at: str | None = None


class User(_Row):
    """A seller. `role` is a word in the guide and `{"id": word}` on the platform."""

    name: str | None = None
    first_name: str | None = None
    last_name: str | None = None
    email: str | None = None
    active: bool | None = None
    role: Annotated[str | None, BeforeValidator(lambda role: role.get("id") if isinstance(role, dict) else role)] = None


Record = Person | Account | User
RECORDS: dict[ObjectType, type[Any]] = {"people": Person, "accounts": Account, "users": User}


class Team(_Row):
    """The team the token belongs to; its id is the `tenant_id` of mappings."""

    name: str | None = None


@dataclass(frozen=True, slots=True)
class Page(Generic[RowT]):
    """One page of a list. `next_page` is None on the last; `total` is known only when counts were asked for."""

    rows: tuple[RowT, ...]
    next_page: int | None = None
    total: int | None = None


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
