"""A write here changed something that clients may have read: tell both eras of the protocol."""

from typing import Any
from urllib.parse import quote

from mcp.server.mcpserver import Context

from salesloft_mcp.app import App
from salesloft_mcp.salesloft.models import MappingKey

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


def backfill_uri(backfill_id: str) -> str:
    """The resource of one backfill."""
    return f"{ROOT}/backfills/{backfill_id}"


async def mapped(ctx: Context[App, Any], key: MappingKey, object_id: int) -> None:
    """An external id was given to an object, or taken off it."""
    await updated(
        ctx,
        mapping_uri(key.external_type, key.object_type, key.external_id),
        object_uri(key.object_type, object_id),
    )


async def configured(ctx: Context[App, Any], external_type: str, object_type: str) -> None:
    """A configuration came or went."""
    await listed(ctx)
    await updated(ctx, CONFIGURATIONS_URI, configuration_uri(external_type, object_type))


async def updated(ctx: Context[App, Any], *uris: str) -> None:
    """These resources read differently now."""
    for uri in uris:
        await ctx.notify_resource_updated(uri)
        await ctx.session.send_resource_updated(uri)


async def listed(ctx: Context[App, Any]) -> None:
    """The list of resources is another one now."""
    await ctx.notify_resources_changed()
    await ctx.session.send_resource_list_changed()
