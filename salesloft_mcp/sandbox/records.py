"""What people and accounts have in common: list, show, create, update, delete."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from salesloft_mcp.sandbox import render
from salesloft_mcp.sandbox.errors import TAKEN, Complaints, not_found, unprocessable
from salesloft_mcp.sandbox.fields import Fields, Shape, known_fields, merged
from salesloft_mcp.sandbox.filters import Filter, field, select
from salesloft_mcp.sandbox.mappings import forget_object
from salesloft_mcp.sandbox.query import read_paging, read_sorting
from salesloft_mcp.sandbox.request import Answer, Request
from salesloft_mcp.sandbox.scopes import Scope
from salesloft_mcp.sandbox.store import Condition, ObjectType, Row, equal

SORT_COLUMNS = ("updated_at", "created_at", "id")


@dataclass(frozen=True)
class Section:
    """How people differ from accounts."""

    table: Literal["people", "accounts"]
    shapes: Mapping[str, Shape]
    references: Mapping[str, ObjectType]
    unique: str
    lacking: Callable[[Fields], Complaints]
    filters: tuple[Filter, ...]
    show: Callable[[Row], dict[str, Any]]
    write: Scope
    update_only: frozenset[str] = frozenset()


def list_records(section: Section, request: Request) -> Answer:
    query = request.query
    return render.listed(
        request,
        section.table,
        select(query, section.filters),
        read_paging(query),
        read_sorting(query, SORT_COLUMNS),
        section.show,
    )


def show_record(section: Section, request: Request) -> Answer:
    return render.item(200, section.show(existing(section, request, request.id)))


def create_record(section: Section, request: Request) -> Answer:
    return render.created(request.dialect, section.show(insert(section, request, request.body)))


def update_record(section: Section, request: Request) -> Answer:
    return render.item(200, section.show(change(section, request, request.id, request.body)))


def delete_record(section: Section, request: Request) -> Answer:
    with request.store.transaction():
        if not request.store.remove(section.table, request.id):
            raise not_found()
        forget_object(request.store, section.table, request.id)
    return Answer(204)


def existing(section: Section, request: Request, record_id: int) -> Row:
    row = request.store.by_id(section.table, record_id)
    if row is None:
        raise not_found()
    return row


def insert(section: Section, request: Request, body: Mapping[str, Any]) -> Row:
    """A new record, or a 422 that names what the body lacks or may not hold."""
    given = {name: value for name, value in body.items() if name not in section.update_only}
    fields = known_fields(section.shapes, given)
    check(section, request, fields, section.lacking(fields), own_id=0)
    row = {"created_at": request.stamp, "updated_at": request.stamp, "fields": merged({}, fields)}
    return request.store.insert(section.table, row)


def change(section: Section, request: Request, record_id: int, body: Mapping[str, Any]) -> Row:
    """The record with the given fields changed; `updated_at` moves even when nothing else does (assumed)."""
    row = existing(section, request, record_id)
    changes = known_fields(section.shapes, body)
    check(section, request, changes, {}, own_id=record_id)
    after = {"updated_at": request.stamp, "fields": merged(row["fields"], changes)}
    request.store.update(section.table, after, equal("id", record_id))
    return {**row, **after}


def check(section: Section, request: Request, fields: Fields, lacking: Complaints, own_id: int) -> None:
    """Refuse a reference to nothing, and a value that has to be the team's only one and is not."""
    complaints = dict(lacking)
    for name, table in section.references.items():
        if fields.get(name) is not None and not request.store.by_id(table, fields[name]):
            complaints[name] = ["does not exist"]
    value = fields.get(section.unique)
    same = Condition(f"lower({field(section.unique)}) = lower(?) AND id <> ?", (value, own_id))
    if value and request.store.first(section.table, same):
        complaints[section.unique] = [TAKEN]
    if complaints:
        raise unprocessable(complaints)
