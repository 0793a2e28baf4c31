"""Endpoints 7 and 8: Salesloft objects by external id, "a proxy to the relevant API endpoints"."""

from collections.abc import Callable, Mapping
from typing import Any

from salesloft_mcp.sandbox import body, render, scopes, users
from salesloft_mcp.sandbox.accounts import ACCOUNTS
from salesloft_mcp.sandbox.configurations import live_configuration
from salesloft_mcp.sandbox.errors import MISSING, invalid, not_found
from salesloft_mcp.sandbox.filters import Selection
from salesloft_mcp.sandbox.mappings import insert_mapping, live_mappings
from salesloft_mcp.sandbox.people import PEOPLE
from salesloft_mcp.sandbox.query import object_type, read_paging, read_sorting
from salesloft_mcp.sandbox.records import SORT_COLUMNS, Section, change, insert
from salesloft_mcp.sandbox.request import Answer, Request
from salesloft_mcp.sandbox.scopes import Scope
from salesloft_mcp.sandbox.store import ObjectType, Row, among

MOST_EXTERNAL_IDS = 100

SECTIONS: Mapping[ObjectType, Section] = {"people": PEOPLE, "accounts": ACCOUNTS}
READ: Mapping[ObjectType, Scope] = {
    "people": scopes.READ_PEOPLE,
    "accounts": scopes.READ_ACCOUNTS,
    "users": scopes.READ_USERS,
}


def list_objects(request: Request) -> Answer:
    """Source: "Salesloft will resolve the association to those Salesloft IDs and then return the list".

    Assumed: one object once, in the order of the proxied list, so not in the order asked for; a page holds
    all that one call may ask for unless `per_page` says less; no ids at all, or more than 100, answer 422.
    """
    objects = _object_type(request)
    request.require(READ[objects])
    external = _configured_type(request, objects)
    mapped = live_mappings(request.store, external, objects, _external_ids(request))
    query = request.query
    return render.listed(
        request,
        objects,
        Selection([among("id", [row["object_id"] for row in mapped])], {}),
        read_paging(query, default=MOST_EXTERNAL_IDS),
        read_sorting(query, SORT_COLUMNS),
        _shown(request, objects),
        lone_object=True,
    )


def upsert_object(request: Request) -> Answer:
    """Source: "check to see if the external ID mapping already exists": update if so, else create and map.

    Assumed: all or nothing, so when the create is refused no mapping is left.
    """
    objects = _object_type(request)
    section = SECTIONS.get(objects)
    if section is None:
        raise invalid("object_type", "does not support users")
    request.require(section.write)
    external = _configured_type(request, objects)
    external_id = body.read_body(request.segments, external_id=body.external_id)["external_id"]
    with request.store.transaction():
        row = _upserted(section, request, external, external_id)
    return render.created(request.dialect, section.show(row))


def _upserted(section: Section, request: Request, external: str, external_id: str) -> Row:
    mapped = live_mappings(request.store, external, section.table, [external_id])
    if mapped:
        return change(section, request, mapped[0]["object_id"], request.body)
    row = insert(section, request, request.body)
    insert_mapping(request, external, section.table, external_id, row["id"])
    return row


def _object_type(request: Request) -> ObjectType:
    try:
        return object_type(request.segments["object_type"])
    except ValueError:
        raise not_found() from None


def _configured_type(request: Request, objects: ObjectType) -> str:
    """Assumed: a type that is not configured for these objects, or no longer, answers 404."""
    external = request.segments["external_type"]
    if not live_configuration(request.store, external, objects):
        raise not_found()
    return external


def _external_ids(request: Request) -> list[str]:
    external_ids = request.query.many("external_ids")
    if not external_ids:
        raise invalid("external_ids", MISSING)
    if len(external_ids) > MOST_EXTERNAL_IDS:
        raise invalid("external_ids", f"must be at most {MOST_EXTERNAL_IDS}")
    return external_ids


def _shown(request: Request, objects: ObjectType) -> Callable[[Row], Mapping[str, Any]]:
    if section := SECTIONS.get(objects):
        return section.show
    return users.show_for_guide if request.dialect == "guide" else users.show
