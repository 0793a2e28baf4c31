"""A write here changed something that clients may have read: tell both eras of the protocol."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from urllib.parse import quote

from mcp.server.mcpserver import Context

from salesloft_mcp.app import App
from salesloft_mcp.changes.change import DONE, Outcome

CONFIGURATIONS = "salesloft://external/configurations"
CONFIGURATION = "salesloft://external/configurations/{external_type}/{object_type}"
MAPPINGS = "salesloft://external/mappings/{external_type}/{object_type}/{external_id}"
OBJECT = "salesloft://external/objects/{object_type}/{object_id}/mappings"
PLAN = "salesloft://external/plans/{plan}"


def uri(template: str, **parts: object) -> str:
    """The resource of which `template` is the form."""
    return template.format(**{name: quote(str(part), safe="") for name, part in parts.items()})


async def written(ctx: Context[App, Any], outcomes: Sequence[Outcome]) -> None:
    """These changes were made here."""
    for change in (one.line.change for one in outcomes if one.state in DONE):
        if change.kind == "configuration":
            await ctx.notify_resources_changed()
            await ctx.session.send_resource_list_changed()
            await updated(ctx, CONFIGURATIONS, uri(CONFIGURATION, **asdict(change.key)))
        elif change.kind == "mapping" or change.before is None:
            await updated(ctx, uri(MAPPINGS, **asdict(change.key)))
    for object_type, object_id in {_object(one) for one in outcomes if one.state in DONE}:
        if object_id is not None:
            await updated(ctx, uri(OBJECT, object_type=object_type, object_id=object_id))


async def updated(ctx: Context[App, Any], *uris: str) -> None:
    """These resources read differently now."""
    for one in uris:
        await ctx.notify_resource_updated(one)
        await ctx.session.send_resource_updated(one)


def _object(outcome: Outcome) -> tuple[str, int | None]:
    """The record whose external ids are others now."""
    change = outcome.line.change
    if change.kind == "configuration" or outcome.state == "updated":
        return change.key.object_type, None
    found = (outcome.after or {}).get("id") if change.kind == "record" else change.object_id
    return change.key.object_type, found if isinstance(found, int) else None
