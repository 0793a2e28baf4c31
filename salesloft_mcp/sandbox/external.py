"""Endpoints 1 to 6: which external types exist for which objects, and which external id names which object."""

from typing import Any

from salesloft_mcp.sandbox.answers import TAKEN, Answer, invalid, not_found
from salesloft_mcp.sandbox.body import external_id, external_type, object_id, read_body
from salesloft_mcp.sandbox.lists import bracketed, listed, one
from salesloft_mcp.sandbox.query import boolean, integer, object_type
from salesloft_mcp.sandbox.render import TENANT_ID, created, picked
from salesloft_mcp.sandbox.request import Dialect, Request
from salesloft_mcp.sandbox.scopes import SINGULAR
from salesloft_mcp.sandbox.store import ObjectType, Row, Store, among, equal

INTEGRATION_ID = 1121

FILTERS = {"external_type": one(str), "object_type": one(object_type), "deleted": one(boolean)}
MAPPING_FILTERS = {
    "external_type": one(str),
    "external_id": one(str),
    "object_type": one(object_type),
    "object_id": one(integer),
    "deleted": one(boolean),
}
PRINTED_FILTERS = {**MAPPING_FILTERS, "external_id": bracketed(str), "object_id": bracketed(integer)}


def show_configuration(row: Row, dialect: Dialect, names: str = "external_type id object_type") -> dict[str, Any]:
    """The guide's OAuth example swaps source_id and source_type (D7), so its dialect does."""
    sources = row["source_id"], row["source_type"]
    source_id, source_type = reversed(sources) if dialect == "guide" else sources
    return {
        "deleted": bool(row["deleted"]),
        **picked(row, names),
        "source_id": source_id,
        "source_type": source_type,
    }


def show_mapping(row: Row, request: Request) -> dict[str, Any]:
    """The guide: no id (D1), plural words, a full time. The reference: an id, singulars (D2), a date.

    `ids-in-plain-lists` shows an id only in a list that is not narrowed by external id.
    """
    shown = {
        "deleted": bool(row["deleted"]),
        **picked(row, "external_type object_type external_id inserted_at object_id"),
        "tenant_id": TENANT_ID,
    }
    if request.dialect == "reference":
        day = row["inserted_at"].partition("T")[0]
        shown |= {"object_type": SINGULAR[row["object_type"]], "inserted_at": day}
    with_id = request.dialect == "reference"
    if "ids-in-plain-lists" in request.odd:
        with_id = request.call.method == "GET" and request.query.one("external_id") is None
    return {"id": row["id"], **shown} if with_id else shown


def live_configuration(store: Store, external: str, objects: str) -> Row | None:
    return store.first(
        "configurations", equal("external_type", external), equal("object_type", objects), equal("deleted", 0)
    )


def live_mappings(store: Store, external: str, objects: str, external_ids: list[str]) -> list[Row]:
    conditions = [among("external_id", external_ids), equal("external_type", external)]
    return store.select("mappings", [*conditions, equal("object_type", objects), equal("deleted", 0)])


def insert_mapping(request: Request, external: str, objects: str, identifier: str, target: int) -> Row:
    row = {"external_type": external, "object_type": objects, "external_id": identifier, "object_id": target}
    return request.store.insert("mappings", {**row, "inserted_at": f"{request.now:%Y-%m-%dT%H:%M:%SZ}"})


def forget_object(store: Store, objects: ObjectType, target: int) -> None:
    """Assumed: "deleted (boolean): If the object still exists": its mappings are marked when it goes."""
    store.update("mappings", {"deleted": 1}, equal("object_id", target), equal("object_type", objects))


def list_configurations(request: Request) -> Answer:
    """Source: "List all configurations on a Salesloft team". The filters are assumed."""
    return listed(request, "configurations", lambda row: show_configuration(row, request.dialect), FILTERS)


def create_configuration(request: Request) -> Answer:
    """Source: "Set the name of your external identifier and choose the Salesloft object" it relates to.

    Assumed: a type and object that have a live configuration already are refused.
    """
    body = read_body(request.body, external_type=external_type, object_type=object_type)
    if live_configuration(request.store, body["external_type"], body["object_type"]):
        raise invalid("external_type", TAKEN)
    if request.caller.kind == "oauth":
        body |= {"source_type": "integration", "source_id": INTEGRATION_ID}
    row = request.store.insert("configurations", body)
    return created(request, show_configuration(row, request.dialect, "external_type object_type id"))


def delete_configuration(request: Request) -> Answer:
    """Assumed: soft, a second delete answers 404, and the mappings of the type stay."""
    if not request.store.mark_deleted("configurations", request.id):
        raise not_found()
    return Answer(204)


def list_mappings(request: Request) -> Answer:
    """Assumed: without `deleted` the live and the deleted rows are listed alike."""
    filters = PRINTED_FILTERS if request.dialect == "guide" else MAPPING_FILTERS
    return listed(request, "mappings", lambda row: show_mapping(row, request), filters, lone_object=True)


def create_mapping(request: Request) -> Answer:
    """Source: "Once a mapping is created, it cannot be updated. But it can be deleted".

    Assumed: the type must be configured, the object must exist, and a live (type, object type, external id)
    is refused, for the same object too. One object may have several ids in one type.
    """
    body = read_body(
        request.body,
        external_type=external_type,
        object_type=object_type,
        external_id=external_id,
        object_id=object_id,
    )
    external, objects, identifier, target = body.values()
    if not live_configuration(request.store, external, objects):
        raise invalid("external_type", f"is not configured for {objects}")
    if not request.store.by_id(objects, target):
        raise invalid("object_id", "does not exist")
    if request.enforce_unique and live_mappings(request.store, external, objects, [identifier]):
        raise invalid("external_id", TAKEN)
    row = insert_mapping(request, external, objects, identifier, target)
    return created(request, show_mapping(row, request))


def delete_mapping(request: Request) -> Answer:
    """Source: "Deletes a mapping created by the user". Assumed: soft, and a second delete answers 404."""
    if not request.store.mark_deleted("mappings", request.id):
        raise not_found()
    return Answer(204)
