"""Completions: external types that exist, and the three object types."""

from mcp_types import Completion, CompletionArgument, CompletionContext, PromptReference, ResourceTemplateReference

from salesloft_mcp.api.models import OBJECT_TYPES
from salesloft_mcp.app import App
from salesloft_mcp.errors import SalesloftMcpError
from salesloft_mcp.escape import escaped

MOST = 100  # what the protocol allows in one answer


async def complete(
    app: App,
    ref: PromptReference | ResourceTemplateReference,
    argument: CompletionArgument,
    context: CompletionContext | None,
) -> Completion:
    """Values that begin with what was typed. An argument we know nothing about has none."""
    given = (context.arguments if context else None) or {}
    if argument.name == "object_type":
        values: list[str] = list(OBJECT_TYPES)
    elif argument.name == "external_type":
        values = await _types(app, given.get("object_type", ""))
    else:
        values = []
    fitting = [value for value in values if value.lower().startswith(argument.value.lower())]
    return Completion(values=fitting[:MOST], total=len(fitting), has_more=len(fitting) > MOST)


async def _types(app: App, object_type: str) -> list[str]:
    try:
        known = await app.configurations.live()
    except SalesloftMcpError:
        return []  # a completion is an offer; the call itself will tell what is wrong
    return sorted({escaped(row.external_type) for row in known if object_type in ("", row.object_type)})
