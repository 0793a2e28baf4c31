"""What tools answer: one sentence, and data whose schema is published. The size of an answer is limited here."""

import json
from collections.abc import Iterable
from typing import Annotated, Any, TypeVar
from urllib.parse import urlsplit

from mcp_types import CallToolResult, TextContent
from pydantic import BaseModel, ConfigDict, Field, field_validator

from salesloft_mcp.errors import SalesloftMcpError
from salesloft_mcp.salesloft.call import current
from salesloft_mcp.salesloft.models import Account, Mapping, ObjectType, Page, Person, Record, User, name_of
from salesloft_mcp.text import View, escaped, quoted, safe

# Hosts cut the text of an answer at 10,000 tokens of about four characters, or at 48 KB, whichever comes first.
MAX_CHARACTERS = 40_000
MAX_BYTES = 48_000
UNFILTERED = ", unfiltered"
SHORT = 120  # characters of a field that stands before the long ones
ROOM_FOR_ROWS = 36_000  # of these characters: the rest is for the sentence and for what stands beside the rows
_CONCISE: dict[type[Record], tuple[str, ...]] = {
    Person: ("email_address", "title", "crm_id"),
    Account: ("domain", "crm_id"),
    User: ("email", "role", "active"),
}

ExternalTypeField = Annotated[str, Field(description="The type of the external id.")]
ExternalIdField = Annotated[str, Field(description="The id in your own system.")]
ObjectTypeField = Annotated[ObjectType, Field(description="The kind of Salesloft record.")]
ObjectIdField = Annotated[int, Field(description="Salesloft's own id of the record.")]
MappingIdField = Annotated[int, Field(description="Salesloft's id of the mapping.")]
ConfigurationIdField = Annotated[int, Field(description="Salesloft's id of the configuration.")]
DeletedField = Annotated[bool, Field(description="True for one that was deleted; absent otherwise.")]
NextCursor = Annotated[str, Field(description="The cursor of the next page; absent on the last one.")]


def _always_told(schema: dict[str, Any]) -> None:
    schema.setdefault("required", []).append("points_spent")


class Answer(View):
    """The data of an answer. `answer` adds the points of the call to those that something else has spent for it."""

    model_config = ConfigDict(json_schema_extra=_always_told)

    points_spent: int = Field(0, description="API points this call has spent, of the team's 600 a minute.")


class MappingView(View):
    id: MappingIdField | None = None
    external_type: ExternalTypeField
    object_type: ObjectTypeField
    external_id: ExternalIdField
    object_id: ObjectIdField
    inserted_at: str | None = Field(None, description="When the mapping was created.")
    deleted: DeletedField = False


class ConfigurationView(View):
    id: ConfigurationIdField
    external_type: ExternalTypeField
    object_type: ObjectTypeField
    source_type: str | None = Field(None, description="What created it, where that was an OAuth application.")
    source_id: int | None = Field(None, description="The id of that application.")
    deleted: DeletedField = False


class RecordView(BaseModel):
    """A person, an account or a user: the fields one needs to recognise it, or all of them."""

    model_config = ConfigDict(extra="allow")

    id: ObjectIdField
    name: str | None = Field(None, description="The name of the account, or first and last name.")
    email_address: str | None = Field(None, description="The e-mail address of a person.")
    email: str | None = Field(None, description="The e-mail address of a user.")
    title: str | None = Field(None, description="The job title of a person.")
    domain: str | None = Field(None, description="The domain of an account.")
    account_id: int | None = Field(None, description="Salesloft's own id of the account of a person.")
    account_name: str | None = Field(None, description="The name of that account, where it is known.")
    crm_id: str | None = Field(None, description="The id of a person or an account in the connected CRM.")
    crm_url: str | None = Field(None, description="The address of that record in the connected CRM.")
    role: str | None = Field(None, description="The role of a user.")
    active: bool | None = Field(None, description="Whether a user is active.")
    do_not_contact: bool | None = Field(None, description="True where a person or an account must not be contacted.")
    external_ids: dict[str, list[str]] | None = Field(
        None, description="The external ids of the record, by type, where they were asked for."
    )

    @field_validator(
        *("name", "email_address", "email", "title", "domain", "account_name", "crm_id", "crm_url", "role"),
        mode="before",
    )
    @classmethod
    def _as_text(cls, value: object) -> str | None:
        """Salesloft may hold something else than text there."""
        return value if value is None or isinstance(value, str) else json.dumps(value, ensure_ascii=False)

    @field_validator("external_ids", mode="before")
    @classmethod
    def _told_by_us(cls, _: object) -> None:
        """A field of that name in Salesloft's answer is not it."""

    @field_validator("account_id", mode="before")
    @classmethod
    def _as_number(cls, value: object) -> int | None:
        return value if type(value) is int else None

    @field_validator("active", "do_not_contact", mode="before")
    @classmethod
    def _as_flag(cls, value: object) -> bool | None:
        return value if isinstance(value, bool) else None


RowT = TypeVar("RowT", bound=BaseModel)


def record_view(record: Record, full: bool = False, account: Account | None = None) -> RecordView:
    """A record, concise or with every field Salesloft gave; with the name of its account where that was read."""
    if full:
        return RecordView.model_validate(safe(record.model_dump(mode="json", exclude_none=True)))
    found = {name: getattr(record, name) for name in _CONCISE[type(record)]}
    if isinstance(record, Person | Account) and record.do_not_contact:
        found["do_not_contact"] = True
    if isinstance(record, Person) and record.account:  # some references bring the name along
        found["account_id"] = record.account.id
        found["account_name"] = account.name if account else record.account.shown("name")
    return RecordView.model_validate(safe({"id": record.id, "name": name_of(record) or None, **found}))


def by_type(rows: Iterable[Mapping]) -> dict[str, list[str]]:
    """The external ids of one record, by type."""
    found: dict[str, list[str]] = {}
    for row in sorted(rows, key=lambda row: (row.external_type, row.external_id)):
        found.setdefault(escaped(row.external_type), []).append(escaped(row.external_id))
    return found


def web_address(value: object) -> str | None:
    """What a record says is an address, where it is one that a browser opens."""
    if not isinstance(value, str) or not value.isprintable() or " " in value:
        return None
    try:
        parts = urlsplit(value)
    except ValueError:  # a bracket that is not closed
        return None
    return value if parts.scheme in ("http", "https") and parts.netloc else None


def answer(sentence: str, view: Answer, most: int | None = None) -> CallToolResult:
    """One sentence and the data, of at most so many characters.

    The data stands in the text too, because some hosts show a model nothing but the text and others nothing but the
    structured content.

    Raises:
        SalesloftMcpError: hosts would cut it.
    """
    data = view.data()
    data["points_spent"] = data.pop("points_spent", 0) + current().points
    data = dict(sorted(data.items(), key=_weight))
    text = f"{sentence}\n{_compact(data)}"
    if most is not None and (size := _size(text)) > most:
        what = f"the answer has {size} characters, and hosts take about {most}."
        raise SalesloftMcpError(what, next_step="ask for less at a time: fewer ids, a smaller limit, less detail.")
    return CallToolResult(content=[TextContent(type="text", text=text)], structured_content=data)


def read(sentence: str, view: Answer) -> CallToolResult:
    """`answer`, where it is known to fit. Only for reads: a write that was done is never told as a failure."""
    return answer(sentence, view, MAX_CHARACTERS)


def cursor(page: Page[Any]) -> str | None:
    """The cursor of the page after this one."""
    return None if page.next_page is None else str(page.next_page)


def left_out(page: Page[Any]) -> str:
    """What to add to the sentence about a page of which some rows cannot be read."""
    return f" {count(page.unread, 'row')} of Salesloft's answer cannot be read." if page.unread else ""


def size_of(row: BaseModel) -> int:
    """How much of `MAX_CHARACTERS` this takes."""
    return _size(_compact(row.model_dump(mode="json", exclude_defaults=True)))


def fitting(rows: Iterable[RowT], room: int = ROOM_FOR_ROWS) -> list[RowT]:
    """The first of `rows`, and as many more as fit into `room` characters."""
    kept: list[RowT] = []
    size = 0
    for row in rows:
        size += size_of(row) + 1
        if kept and size > room:
            break
        kept.append(row)
    return kept


def count(number: int, noun: str) -> str:
    """ "1 mapping", "3 mappings"."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def listed(number: int, noun: str, by: str, *, more: bool, first: bool = True, total: int | None = None) -> str:
    """What a page of a list holds: "88 mappings by external_type.", "10 of 160 mappings, unfiltered; more with
    next_cursor.", "No mapping was found by object_id.".

    `by` is what `filtered` tells, `total` is how many there are on all pages, where that is known, and `more` says that
    others follow.
    """
    follows = "; more with next_cursor." if more else "."
    if total not in (None, number):
        return f"{number} of {total:,} {noun}s{by}{follows}"
    if not number:
        by = "" if by == UNFILTERED else by
        return f"No {noun} {'was found' if first and not more else 'is on this page'}{by}{follows}"
    return (
        f"{count(number, noun)}{'' if first else ' on this page'}{by}{follows if first or more else ', the last one.'}"
    )


def filtered(**given: object) -> str:
    """ " by name and title", of the filters that were given, to stand after the name of what is listed.

    Some programs drop a filter whose name is misspelt, so that only the answer can tell which ones were read.
    """
    names = [name for name, value in given.items() if value]
    return f" by {', '.join(names[:-1])}{' and ' if names[1:] else ''}{names[-1]}" if names else UNFILTERED


def not_configured(external_type: str, object_type: ObjectType | None) -> str:
    """That there is no such external type, for these records or for any; without a full stop."""
    return f"The type {quoted(external_type)} is not configured{f' for {object_type}' if object_type else ''}"


def _size(text: str) -> int:
    """In characters. Text of several bytes a character counts by its share of `MAX_BYTES`."""
    return max(len(text), len(text.encode()) * MAX_CHARACTERS // MAX_BYTES)


def _weight(item: tuple[str, Any]) -> int:
    """Where a field of an answer stands: what is short, then long text, then long lists, because some hosts cut what
    comes last (one after 839 characters). What weighs the same keeps its order.
    """
    value = item[1]
    if isinstance(value, str):
        return 0 if len(value) <= SHORT else 1
    return 2 if isinstance(value, list | dict) and len(_compact(value)) > SHORT else 0


def _compact(data: object) -> str:
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False)
