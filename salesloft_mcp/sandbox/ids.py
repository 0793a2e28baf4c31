"""Endpoints 7 and 8: Salesloft objects by external id, "a proxy to the relevant API endpoints"."""

from salesloft_mcp.sandbox.answers import MISSING, Answer, invalid, not_found
from salesloft_mcp.sandbox.body import external_id, read_body
from salesloft_mcp.sandbox.external import insert_mapping, live_configuration, live_mappings
from salesloft_mcp.sandbox.lists import listed, visible_only
from salesloft_mcp.sandbox.oddities import shown
from salesloft_mcp.sandbox.query import object_type
from salesloft_mcp.sandbox.records import change, insert
from salesloft_mcp.sandbox.render import created
from salesloft_mcp.sandbox.request import Request
from salesloft_mcp.sandbox.scopes import needed
from salesloft_mcp.sandbox.sections import ACCOUNTS, PEOPLE, SORT_COLUMNS, USERS, Section, show_user_in_the_guide

MOST_EXTERNAL_IDS = 100

SECTIONS = {section.table: section for section in (PEOPLE, ACCOUNTS, USERS)}


def list_objects(request: Request) -> Answer:
    """Source: "Salesloft will resolve the association to those Salesloft IDs and then return the list".

    Assumed: one object once, in the order of the proxied list, so not in the order asked for; pages as there, and
    users who are deactivated hidden as there; no ids at all, or more than 100, answer 422.
    """
    section = _section(request)
    request.require(needed("GET", section.table))
    external = _configured_type(request, section)
    external_ids = request.query.many("external_ids")
    if not external_ids:
        raise invalid("external_ids", MISSING)
    if len(external_ids) > MOST_EXTERNAL_IDS:
        raise invalid("external_ids", f"must be at most {MOST_EXTERNAL_IDS}")
    mapped = live_mappings(request.store, external, section.table, external_ids)
    in_guide = request.dialect == "guide" and section is USERS
    return listed(
        request,
        section.table,
        show_user_in_the_guide if in_guide else section.show,
        {"visible_only": visible_only} if section is USERS else {},
        sort=("id",) if request.dialect == "guide" else SORT_COLUMNS,
        among_ids=[row["object_id"] for row in mapped],
        lone_object=True,
    )


def upsert_object(request: Request) -> Answer:
    """Source: "check to see if the external ID mapping already exists": update if so, else create and map.

    Assumed: all or nothing, so when the create is refused no mapping is left.
    """
    section = _section(request)
    if section is USERS:
        raise invalid("object_type", "does not support users")
    request.require(needed("POST", section.table))
    external = _configured_type(request, section)
    identifier = read_body(request.segments, external_id=external_id)["external_id"]
    with request.store.transaction():
        mapped = live_mappings(request.store, external, section.table, [identifier])
        if mapped:
            row = change(section, request, mapped[0]["object_id"], request.body)
        else:
            row = insert(section, request, request.body)
            insert_mapping(request, external, section.table, identifier, row["id"])
    return created(request, shown(section.table, section.show(row), request.odd))


def _section(request: Request) -> Section:
    try:
        return SECTIONS[object_type(request.segments["object_type"])]
    except ValueError:
        raise not_found() from None


def _configured_type(request: Request, section: Section) -> str:
    """Assumed: a type that is not configured for these objects, or no longer, answers 404."""
    external = request.segments["external_type"]
    if not live_configuration(request.store, external, section.table):
        raise not_found()
    return external
