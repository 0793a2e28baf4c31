"""Endpoints 4 to 6: which external id names which object."""

from salesloft_mcp.sandbox import render
from salesloft_mcp.sandbox.body import external_id, external_type, object_id, object_word, read_body
from salesloft_mcp.sandbox.configurations import live_configuration
from salesloft_mcp.sandbox.errors import TAKEN, invalid, not_found
from salesloft_mcp.sandbox.filters import one, select
from salesloft_mcp.sandbox.query import boolean, integer, object_type, read_paging, read_sorting, text
from salesloft_mcp.sandbox.request import Answer, Request
from salesloft_mcp.sandbox.store import Condition, ObjectType, Row, Store, among, equal

FILTERS = (
    one("external_type", text),
    one("external_id", text),
    one("object_type", object_type),
    one("object_id", integer),
    one("deleted", boolean),
)


def live_mappings(store: Store, external: str, objects: str, external_ids: list[str]) -> list[Row]:
    return store.select("mappings", _live(external, objects, external_ids))


def _live(external: str, objects: str, external_ids: list[str]) -> list[Condition]:
    return [
        among("external_id", external_ids),
        equal("external_type", external),
        equal("object_type", objects),
        equal("deleted", 0),
    ]


def insert_mapping(request: Request, external: str, objects: str, identifier: str, target: int) -> Row:
    return request.store.insert(
        "mappings",
        {
            "external_type": external,
            "object_type": objects,
            "external_id": identifier,
            "object_id": target,
            "inserted_at": f"{request.now:%Y-%m-%dT%H:%M:%SZ}",
        },
    )


def forget_object(store: Store, objects: ObjectType, target: int) -> None:
    """Assumed: "deleted (boolean): If the object still exists": its mappings are marked when it goes."""
    store.update("mappings", {"deleted": 1}, equal("object_id", target), equal("object_type", objects))


def list_mappings(request: Request) -> Answer:
    """Assumed: without `deleted` the live and the deleted rows are listed alike."""
    query = request.query
    return render.listed(
        request,
        "mappings",
        select(query, FILTERS),
        read_paging(query),
        read_sorting(query, ["id"]),
        lambda row: render.mapping(row, request.dialect),
        lone_object=True,
    )


def create_mapping(request: Request) -> Answer:
    """Source: "Once a mapping is created, it cannot be updated. But it can be deleted".

    Assumed: the type must be configured, the object must exist, and a live (type, object type, external id)
    is refused, for the same object too. One object may have several ids in one type.
    """
    body = read_body(
        request.body,
        external_type=external_type,
        object_type=object_word,
        external_id=external_id,
        object_id=object_id,
    )
    external, identifier, target = body["external_type"], body["external_id"], body["object_id"]
    objects: ObjectType = body["object_type"]
    if not live_configuration(request.store, external, objects):
        raise invalid("external_type", f"is not configured for {objects}")
    if not request.store.by_id(objects, target):
        raise invalid("object_id", "does not exist")
    if request.enforce_unique and live_mappings(request.store, external, objects, [identifier]):
        raise invalid("external_id", TAKEN)
    row = insert_mapping(request, external, objects, identifier, target)
    return render.created(request.dialect, render.mapping(row, request.dialect))


def delete_mapping(request: Request) -> Answer:
    """Source: "Deletes a mapping created by the user". Assumed: soft, and a second delete answers 404."""
    if not request.store.mark_deleted("mappings", request.id):
        raise not_found()
    return Answer(204)
