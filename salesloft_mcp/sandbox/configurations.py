"""Endpoints 1 to 3: which external types exist, for which objects."""

from salesloft_mcp.sandbox import render
from salesloft_mcp.sandbox.body import external_type, object_word, read_body
from salesloft_mcp.sandbox.errors import TAKEN, invalid, not_found
from salesloft_mcp.sandbox.filters import one, select
from salesloft_mcp.sandbox.query import boolean, object_type, read_paging, read_sorting, text
from salesloft_mcp.sandbox.request import Answer, Request
from salesloft_mcp.sandbox.store import Row, Store, equal

INTEGRATION_ID = 1121

FILTERS = (one("external_type", text), one("object_type", object_type), one("deleted", boolean))


def live_configuration(store: Store, external: str, objects: str) -> Row | None:
    return store.first(
        "configurations", equal("external_type", external), equal("object_type", objects), equal("deleted", 0)
    )


def list_configurations(request: Request) -> Answer:
    """Source: "List all configurations on a Salesloft team". The filters are assumed."""
    query = request.query
    return render.listed(
        request,
        "configurations",
        select(query, FILTERS),
        read_paging(query),
        read_sorting(query, ["id"]),
        lambda row: render.configuration(row, request.dialect),
    )


def create_configuration(request: Request) -> Answer:
    """Source: "Set the name of your external identifier and choose the Salesloft object" it relates to.

    Assumed: a type and object that have a live configuration already are refused.
    """
    body = read_body(request.body, external_type=external_type, object_type=object_word)
    if live_configuration(request.store, body["external_type"], body["object_type"]):
        raise invalid("external_type", TAKEN)
    oauth = request.caller.kind == "oauth"
    source = {
        "source_type": "integration" if oauth else None,
        "source_id": INTEGRATION_ID if oauth else None,
    }
    row = request.store.insert("configurations", {**body, **source})
    return render.created(request.dialect, render.configuration(row, request.dialect))


def delete_configuration(request: Request) -> Answer:
    """Assumed: soft, a second delete answers 404, and the mappings of the type stay."""
    if not request.store.mark_deleted("configurations", request.id):
        raise not_found()
    return Answer(204)
