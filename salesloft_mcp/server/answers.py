"""What tools answer: small models whose schema is published, rows made concise, and one sentence beside them."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from mcp_types import CallToolResult, TextContent
from pydantic import BaseModel, ConfigDict

from salesloft_mcp.errors import SalesloftMcpError
from salesloft_mcp.salesloft.models import Account, Configuration, Mapping, Person, Record, User
from salesloft_mcp.text import escaped

# Hosts cut answers at 48 KB or 10,000 tokens; the ids that are missing and the protocol's envelope need some room.
MAX_RECORDS_BYTES = 40_000
MAX_ANSWER_BYTES = 46_000
_CONCISE: dict[type[Record], tuple[str, ...]] = {
    Person: ("email_address", "title", "crm_id"),
    Account: ("domain", "crm_id"),
    User: ("email", "role", "active"),
}


ViewT = TypeVar("ViewT", bound=BaseModel)


class View(BaseModel):
    """A structured answer. Fields that are unknown are left out."""


class MappingView(View):
    id: int | None = None
    external_type: str
    object_type: str
    external_id: str
    object_id: int
    inserted_at: str | None = None
    deleted: bool | None = None


class ConfigurationView(View):
    id: int
    external_type: str
    object_type: str
    source_type: str | None = None
    source_id: int | None = None
    deleted: bool | None = None


class RecordView(BaseModel):
    """A person, an account or a user: the fields one needs to recognise it, or all of them."""

    model_config = ConfigDict(extra="allow")

    id: int
    name: str | None = None


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
    """One sentence for people, the data for programs; never both in full. Unknown fields are left out."""
    return CallToolResult(
        content=[TextContent(type="text", text=sentence)],
        structured_content=view.model_dump(mode="json", exclude_none=True, exclude_defaults=False),
    )


def read(sentence: str, view: View) -> CallToolResult:
    """`answer`, where it is known to fit. Only for reads: a write that was done is never told as a failure.

    Raises:
        SalesloftMcpError: no host would take it whole.
    """
    size = len(view.model_dump_json(exclude_none=True).encode())
    if size > MAX_ANSWER_BYTES:
        what = f"the answer has {size} bytes, and hosts take about {MAX_ANSWER_BYTES}."
        raise SalesloftMcpError(what, next_step="ask for less at a time: fewer ids, a smaller limit, less detail.")
    return answer(sentence, view)


def fitting(rows: Sequence[ViewT]) -> list[ViewT]:
    """As many of `rows` as an answer may hold."""
    kept: list[ViewT] = []
    size = 0
    for row in rows:
        size += len(row.model_dump_json(exclude_none=True).encode())
        if kept and size > MAX_RECORDS_BYTES:
            break
        kept.append(row)
    return kept


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
