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
    uris = dict.fromkeys(one for outcome in outcomes if outcome.state in DONE for one in _changed(outcome))
    if CONFIGURATIONS in uris:
        await ctx.notify_resources_changed()
        await ctx.session.send_resource_list_changed()
    await updated(ctx, *uris)


async def updated(ctx: Context[App, Any], *uris: str) -> None:
    """These resources read differently now."""
    for one in uris:
        await ctx.notify_resource_updated(one)
        await ctx.session.send_resource_updated(one)


def _changed(outcome: Outcome) -> list[str]:
    """The resources that read differently after a change."""
    change, key = outcome.line.change, asdict(outcome.line.change.key)
    if change.kind == "configuration":
        return [CONFIGURATIONS, uri(CONFIGURATION, **key)]
    if outcome.state == "updated":
        return []
    record = (outcome.after or {}).get("id") if change.kind == "record" else change.object_id
    return [uri(MAPPINGS, **key)] + ([] if record is None else [uri(OBJECT, **key, object_id=record)])
