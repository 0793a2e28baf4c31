"""What tools answer: one sentence, and data whose schema is published. The size of an answer is limited here."""

import json
from collections.abc import Callable, Iterable
from typing import Annotated, Any, TypeVar

from mcp_types import CallToolResult, TextContent
from pydantic import BaseModel, ConfigDict, Field

from salesloft_mcp.errors import SalesloftMcpError
from salesloft_mcp.salesloft.models import Account, Configuration, Mapping, ObjectType, Person, Record, User
from salesloft_mcp.text import escaped

# Hosts cut the text of an answer at 10,000 tokens of about four characters, or at 48 KB, whichever comes first.
MAX_CHARACTERS = 40_000
MAX_BYTES = 48_000
ROOM_FOR_ROWS = 36_000  # of these characters: the rest is for the sentence and for what stands beside the rows
_CONCISE: dict[type[Record], tuple[str, ...]] = {
    Person: ("email_address", "title", "crm_id"),
    Account: ("domain", "crm_id"),
    User: ("email", "role", "active"),
}

RowT = TypeVar("RowT", bound=BaseModel | dict[str, Any])


class View(BaseModel):
    """A structured answer. Fields that are unknown are left out."""


ExternalTypeField = Annotated[str, Field(description="The type of the external id.")]
ExternalIdField = Annotated[str, Field(description="The id in your own system.")]
ObjectTypeField = Annotated[ObjectType, Field(description="The kind of Salesloft record.")]
ObjectIdField = Annotated[int, Field(description="Salesloft's own id of the record.")]
MappingIdField = Annotated[int, Field(description="Salesloft's id of the mapping.")]
ConfigurationIdField = Annotated[int, Field(description="Salesloft's id of the configuration.")]
DeletedField = Annotated[bool, Field(description="True for one that was deleted; absent otherwise.")]
NextCursor = Annotated[str, Field(description="The cursor of the next page; absent on the last one.")]
PointsSpent = Annotated[int, Field(description="API points this call has spent, of the team's 600 a minute.")]


class MappingView(View):
    id: MappingIdField | None = None
    external_type: ExternalTypeField
    object_type: ObjectTypeField
    external_id: ExternalIdField
    object_id: ObjectIdField
    inserted_at: str | None = Field(None, description="When the mapping was created.")
    deleted: DeletedField | None = None


class ConfigurationView(View):
    id: ConfigurationIdField
    external_type: ExternalTypeField
    object_type: ObjectTypeField
    source_type: str | None = Field(None, description="What created it, where that was an OAuth application.")
    source_id: int | None = Field(None, description="The id of that application.")
    deleted: DeletedField | None = None


class RecordView(BaseModel):
    """A person, an account or a user: the fields one needs to recognise it, or all of them."""

    model_config = ConfigDict(extra="allow")

    id: ObjectIdField
    name: str | None = Field(None, description="The name of the account, or first and last name.")
    email_address: str | None = Field(None, description="The e-mail address of a person.")
    email: str | None = Field(None, description="The e-mail address of a user.")
    title: str | None = Field(None, description="The job title of a person.")
    domain: str | None = Field(None, description="The domain of an account.")
    crm_id: str | None = Field(None, description="The id of a person or an account in the connected CRM.")
    role: str | None = Field(None, description="The role of a user.")
    active: bool | None = Field(None, description="Whether a user is active.")
    do_not_contact: bool | None = Field(None, description="True where a person or an account must not be contacted.")


def mapping_view(row: Mapping) -> MappingView:
    """A mapping as tools show it; `deleted` appears only when it is true."""
    return MappingView(
        id=row.id,
        external_type=escaped(row.external_type),
        object_type=row.object_type,
        external_id=escaped(row.external_id),
        object_id=row.object_id,
        inserted_at=row.inserted_at and escaped(row.inserted_at),
        deleted=row.deleted or None,
    )


def configuration_view(row: Configuration) -> ConfigurationView:
    """A configuration as tools show it; the source appears only for those an OAuth app made."""
    return ConfigurationView(
        id=row.id,
        external_type=escaped(row.external_type),
        object_type=row.object_type,
        source_type=row.source_type and escaped(row.source_type),
        source_id=row.source_id,
        deleted=row.deleted or None,
    )


def record_view(record: Record, full: bool = False) -> RecordView:
    """A record, concise or with every field Salesloft gave."""
    if full:
        return RecordView.model_validate(safe(record.model_dump(mode="json", exclude_none=True)))
    found = {name: getattr(record, name) for name in _CONCISE[type(record)]}
    if isinstance(record, Person | Account) and record.do_not_contact:
        found["do_not_contact"] = True
    name = _name(record)
    return RecordView.model_validate(safe({"id": record.id, "name": name, **found}))


def answer(sentence: str, view: View) -> CallToolResult:
    """One sentence and the data. Fields that are unknown are left out.

    The data stands in the text too, because some hosts show a model nothing but the text and others nothing but the
    structured content.
    """
    data = view.model_dump(mode="json", exclude_none=True)
    text = TextContent(type="text", text=f"{sentence}\n{_compact(data)}")
    return CallToolResult(content=[text], structured_content=data)


def read(sentence: str, view: View) -> CallToolResult:
    """`answer`, where it is known to fit. Only for reads: a write that was done is never told as a failure.

    Raises:
        SalesloftMcpError: hosts would cut it.
    """
    size = size_of(view) + len(sentence)
    if size > MAX_CHARACTERS:
        what = f"the answer has {size} characters, and hosts take about {MAX_CHARACTERS}."
        raise SalesloftMcpError(what, next_step="ask for less at a time: fewer ids, a smaller limit, less detail.")
    return answer(sentence, view)


def size_of(value: BaseModel | dict[str, Any]) -> int:
    """How much of `MAX_CHARACTERS` this takes. Text of several bytes a character counts by its share of `MAX_BYTES`."""
    text = _compact(value.model_dump(mode="json", exclude_none=True) if isinstance(value, BaseModel) else value)
    return max(len(text), len(text.encode()) * MAX_CHARACTERS // MAX_BYTES)


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


def _compact(data: dict[str, Any]) -> str:
    return json.dumps(data, separators=(",", ":"), ensure_ascii=False)


def count(number: int, noun: str) -> str:
    """ "1 mapping", "3 mappings"."""
    plural = "people" if noun == "person" else f"{noun}s"
    return f"{number} {noun if number == 1 else plural}"


def _name(record: Record) -> str | None:
    if isinstance(record, Account) or (isinstance(record, User) and record.name):
        return record.name
    return " ".join(part for part in (record.first_name, record.last_name) if part) or None


def safe(value: Any, show: Callable[[str], str] = escaped) -> Any:  # noqa: ANN401 - any JSON
    """The same value without what is null, and with every text in it made safe to show."""
    if isinstance(value, str):
        return show(value)
    if isinstance(value, dict):
        return {escaped(str(name)): safe(one, show) for name, one in value.items() if one is not None}
    return [safe(one, show) for one in value] if isinstance(value, list) else value
