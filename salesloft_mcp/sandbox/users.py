"""Users (sellers): read only."""

from typing import Any

from salesloft_mcp.sandbox import render
from salesloft_mcp.sandbox.errors import not_found
from salesloft_mcp.sandbox.filters import field, many, search, select
from salesloft_mcp.sandbox.query import integer, read_paging, read_sorting, text
from salesloft_mcp.sandbox.request import Answer, Request
from salesloft_mcp.sandbox.store import Row

FILTERS = (
    many("ids", integer, "id"),
    many("guid", text, field("guid")),
    search("search", field("name"), field("email")),
)


def list_users(request: Request) -> Answer:
    query = request.query
    return render.listed(
        request, "users", select(query, FILTERS), read_paging(query), read_sorting(query, ["id"]), show
    )


def show_user(request: Request) -> Answer:
    row = request.store.by_id("users", request.id)
    if row is None:
        raise not_found()
    return render.item(200, show(row))


def show(row: Row) -> dict[str, Any]:
    """Source: "User `role` is `{"id": str}`, not a string"."""
    fields = row["fields"]
    return {
        "id": row["id"],
        "guid": fields["guid"],
        "created_at": row["created_at"],
        "updated_at": row["updated_at"],
        "name": fields["name"],
        "first_name": fields["first_name"],
        "last_name": fields["last_name"],
        "email": fields["email"],
        "active": fields["active"],
        "job_role": fields["role"],
        "role": {"id": fields["role"]},
        "time_zone": fields["time_zone"],
    }


def show_for_guide(row: Row) -> dict[str, Any]:
    """The guide's rows of endpoint 7 say `"role": "Sales Representative"`."""
    return {**show(row), "role": row["fields"]["role"]}
