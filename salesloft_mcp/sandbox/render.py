"""The envelope, and where the guide and the reference answer differently."""

from collections.abc import Callable, Mapping
from typing import Any

from salesloft_mcp.sandbox.filters import Selection
from salesloft_mcp.sandbox.query import Paging, Sorting
from salesloft_mcp.sandbox.request import Answer, Dialect, Request, json_answer
from salesloft_mcp.sandbox.store import Row, Table

API = "https://api.salesloft.com/v2"
TENANT_ID = 100013

SINGULAR = {"people": "person", "accounts": "account", "users": "user"}


def item(status: int, data: Mapping[str, Any]) -> Answer:
    return json_answer(status, {"data": data})


def created(dialect: Dialect, data: Mapping[str, Any]) -> Answer:
    """201 in the guide, 200 in the reference (D3, D4)."""
    return item(201 if dialect == "guide" else 200, data)


def listed(
    request: Request,
    table: Table,
    selection: Selection,
    paging: Paging,
    sorting: Sorting,
    row_json: Callable[[Row], Mapping[str, Any]],
    *,
    lone_object: bool = False,
) -> Answer:
    """One page of a table in the envelope; `lone_object` lists show a single hit bare in the guide (D11)."""
    found = request.store.select(
        table, selection.conditions, sorting.sql, limit=paging.per_page + 1, offset=paging.offset
    )
    data = [row_json(row) for row in found[: paging.per_page]]
    total = request.store.count(table, selection.conditions) if paging.counts else None
    bare = lone_object and request.dialect == "guide" and len(data) == 1
    return json_answer(
        200,
        {
            "data": data[0] if bare else data,
            "metadata": {
                "filtering": selection.echo,
                "paging": _paging(paging, more=len(found) > paging.per_page, total=total),
                "sorting": {"sort_by": sorting.column, "sort_direction": f"{sorting.direction} NULLS LAST"},
            },
        },
    )


def _paging(paging: Paging, *, more: bool, total: int | None) -> dict[str, int | None]:
    shown: dict[str, int | None] = {
        "per_page": paging.per_page,
        "current_page": paging.page,
        "next_page": paging.page + 1 if more else None,
        "prev_page": paging.page - 1 if paging.page > 1 else None,
    }
    if total is not None:
        shown |= {"total_pages": -(-total // paging.per_page), "total_count": total}
    return shown


def configuration(row: Row, dialect: Dialect) -> dict[str, Any]:
    """The guide's OAuth example swaps source_id and source_type (D7), so its dialect does."""
    source_type, source_id = row["source_type"], row["source_id"]
    if dialect == "guide":
        source_type, source_id = source_id, source_type
    return {
        "deleted": bool(row["deleted"]),
        "external_type": row["external_type"],
        "id": row["id"],
        "object_type": row["object_type"],
        "source_id": source_id,
        "source_type": source_type,
    }


def mapping(row: Row, dialect: Dialect) -> dict[str, Any]:
    """The guide: no id (D1), plural words, a full time. The reference: an id, singulars (D2), a date."""
    shown = {
        "deleted": bool(row["deleted"]),
        "external_type": row["external_type"],
        "object_type": row["object_type"],
        "external_id": row["external_id"],
        "inserted_at": row["inserted_at"],
        "object_id": row["object_id"],
        "tenant_id": TENANT_ID,
    }
    if dialect == "guide":
        return shown
    day = row["inserted_at"].partition("T")[0]
    return {"id": row["id"], **shown, "object_type": SINGULAR[row["object_type"]], "inserted_at": day}


def reference(collection: str, object_id: int | None) -> dict[str, Any] | None:
    return None if object_id is None else {"id": object_id, "_href": f"{API}/{collection}/{object_id}"}
