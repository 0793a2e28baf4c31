"""JSON: one thing in its envelope, and parts of it."""

from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

from salesloft_mcp.sandbox.answers import Answer, json_answer
from salesloft_mcp.sandbox.request import Request

API = "https://api.salesloft.com/v2"
TENANT_ID = 100013


def item(data: Mapping[str, Any], status: int = 200) -> Answer:
    return json_answer(status, {"data": data})


def created(request: Request, data: Mapping[str, Any]) -> Answer:
    """201 in the guide, 200 in the reference (D3, D4)."""
    return item(data, 201 if request.dialect == "guide" else 200)


def picked(values: Mapping[str, Any], names: str) -> dict[str, Any]:
    return {name: values.get(name) for name in names.split()}


def times(row: Mapping[str, Any], names: str) -> dict[str, Any]:
    """The id, and times in one of two zones, as different services of the platform write them."""
    return {"id": row["id"], **{name: _local(row[name], row["id"]) for name in names.split()}}


def flags(values: Mapping[str, Any], names: str) -> dict[str, bool]:
    return {name: bool(values.get(name)) for name in names.split()}


def links(values: Mapping[str, Any], names: str) -> dict[str, Any]:
    """What `owner_id` and the like refer to, under `owner`."""
    found: dict[str, Any] = {}
    for name in names.split():
        one, path = values.get(f"{name}_id"), "users" if name == "owner" else f"{name}s"
        found[name] = None if one is None else {"id": one, "_href": f"{API}/{path}/{one}"}
    return found


def _local(when: str, row_id: int) -> str:
    moment = datetime.fromisoformat(when)
    hours = 0 if row_id % 2 else -4 if 3 <= moment.month <= 10 else -5
    return moment.astimezone(timezone(timedelta(hours=hours))).isoformat(timespec="microseconds")
