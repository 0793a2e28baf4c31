"""What people, accounts and users have in common: list, show, create, update, delete."""

from collections.abc import Mapping
from typing import Any

from salesloft_mcp.sandbox.answers import TAKEN, Answer, Complaints, not_found, unprocessable
from salesloft_mcp.sandbox.external import forget_object
from salesloft_mcp.sandbox.fields import Fields, known_fields, merged, wrong_crm_id
from salesloft_mcp.sandbox.lists import field, listed
from salesloft_mcp.sandbox.oddities import shown
from salesloft_mcp.sandbox.query import stamp
from salesloft_mcp.sandbox.render import created, item
from salesloft_mcp.sandbox.request import Request
from salesloft_mcp.sandbox.scopes import SINGULAR
from salesloft_mcp.sandbox.sections import Section
from salesloft_mcp.sandbox.store import Condition, Row, equal


def list_records(section: Section, request: Request) -> Answer:
    return listed(
        request, section.table, section.show, section.filters, sort=section.sort, only_paged=section.only_paged
    )


def show_record(section: Section, request: Request) -> Answer:
    row = section.show(existing(section, request, request.id))
    return item(shown(section.table, row, request.odd))


def create_record(section: Section, request: Request) -> Answer:
    return created(request, section.show(insert(section, request, request.body)))


def update_record(section: Section, request: Request) -> Answer:
    return item(section.show(change(section, request, request.id, request.body)))


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
    """A new record, or a 422 that names what the body lacks or may not hold. Only an update archives."""
    given = {name: value for name, value in body.items() if name != "archived"}
    fields = known_fields(section.shapes, given, section.custom)
    check(section, request, fields, section.lacking(fields), own_id=0)
    times = dict.fromkeys(("created_at", "updated_at"), stamp(request.now))
    return request.store.insert(section.table, {**times, "fields": merged({}, fields)})


def change(section: Section, request: Request, record_id: int, body: Mapping[str, Any]) -> Row:
    """The record with the given fields changed; `updated_at` moves even when nothing else does (assumed)."""
    row = existing(section, request, record_id)
    changes = known_fields(section.shapes, body, section.custom)
    check(section, request, changes, {}, own_id=record_id)
    if "archived" in changes:
        since = row["fields"].get("archived_at") or stamp(request.now)
        changes["archived_at"] = since if changes.pop("archived") else None
    after = {"updated_at": stamp(request.now), "fields": merged(row["fields"], changes)}
    request.store.update(section.table, after, equal("id", record_id))
    return {**row, **after}


def check(section: Section, request: Request, fields: Fields, lacking: Complaints, own_id: int) -> None:
    """Refuse a reference to nothing, and a value that has to be the team's only one and is not."""
    complaints = dict(lacking)
    if fields.get("crm_id") is not None:
        request.require((f"{SINGULAR[section.table]}:set_crm_id",))
        complaints |= wrong_crm_id(fields, section.crm_prefixes)
    for name, table in section.references.items():
        if fields.get(name) is not None and not request.store.by_id(table, fields[name]):
            complaints[name] = ["does not exist"]
    value = fields.get(section.unique)
    same = Condition(f"lower({field(section.unique)}) = lower(?) AND id <> ?", (value, own_id))
    if value and request.store.first(section.table, same):
        complaints[section.unique] = [TAKEN]
    if complaints:
        raise unprocessable(complaints)
