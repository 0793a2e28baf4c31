"""A write here changed something that clients may have read: tell both eras of the protocol."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from mcp.server.mcpserver import Context

from salesloft_mcp.app import App
from salesloft_mcp.changes.change import DONE, Outcome

ROOT = "salesloft://external"
CONFIGURATIONS_URI = f"{ROOT}/configurations"


def configuration_uri(external_type: str, object_type: str) -> str:
    """The resource of one configuration."""
    return f"{CONFIGURATIONS_URI}/{quote(external_type, safe='')}/{object_type}"


def mapping_uri(external_type: str, object_type: str, external_id: str) -> str:
    """The resource of one external id."""
    return f"{ROOT}/mappings/{quote(external_type, safe='')}/{object_type}/{quote(external_id, safe='')}"


def object_uri(object_type: str, object_id: int) -> str:
    """The resource of all external ids of one object."""
    return f"{ROOT}/objects/{object_type}/{object_id}/mappings"


def plan_uri(plan: str) -> str:
    """The resource of one plan."""
    return f"{ROOT}/plans/{plan}"


async def written(ctx: Context[App, Any], outcomes: Sequence[Outcome]) -> None:
    """These changes were made here."""
    for change in (one.line.change for one in outcomes if one.state in DONE):
        key = change.key
        if change.kind == "configuration":
            await listed(ctx)
            await updated(ctx, CONFIGURATIONS_URI, configuration_uri(key.external_type, key.object_type))
        elif change.kind == "mapping" or change.before is None:
            await updated(ctx, mapping_uri(key.external_type, key.object_type, key.external_id))
    for object_type, object_id in {_object(one) for one in outcomes if one.state in DONE}:
        if object_id is not None:
            await updated(ctx, object_uri(object_type, object_id))


async def updated(ctx: Context[App, Any], *uris: str) -> None:
    """These resources read differently now."""
    for uri in uris:
        await ctx.notify_resource_updated(uri)
        await ctx.session.send_resource_updated(uri)


async def listed(ctx: Context[App, Any]) -> None:
    """The list of resources is another one now."""
    await ctx.notify_resources_changed()
    await ctx.session.send_resource_list_changed()


def _object(outcome: Outcome) -> tuple[str, int | None]:
    """The record whose external ids are others now."""
    change = outcome.line.change
    if change.kind == "configuration" or outcome.state == "updated":
        return change.key.object_type, None
    found = (outcome.after or {}).get("id") if change.kind == "record" else change.object_id
    return change.key.object_type, found if isinstance(found, int) else None
