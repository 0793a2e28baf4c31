"""Completions: external types that exist, and the three object types."""

from mcp_types import Completion, CompletionArgument, CompletionContext, PromptReference, ResourceTemplateReference

from salesloft_mcp.app import App
from salesloft_mcp.errors import SalesloftMcpError
from salesloft_mcp.salesloft.call import open_call
from salesloft_mcp.salesloft.models import object_type_of
from salesloft_mcp.server.prompts import prompts
from salesloft_mcp.server.resources import CONFIGURATIONS_TOOL, LIST_SECONDS, TEMPLATES
from salesloft_mcp.text import escaped

MOST = 100  # what the protocol allows in one answer


async def complete(
    app: App,
    ref: PromptReference | ResourceTemplateReference,
    argument: CompletionArgument,
    context: CompletionContext | None,
) -> Completion:
    """Values that begin with what was typed. An argument we know nothing about has none."""
    given = (context.arguments if context else None) or {}
    values: list[str] = []
    if _takes(ref, argument.name):
        if argument.name == "object_type":
            values = list(app.policy.object_types)
        elif argument.name == "external_type":
            values = await _types(app, given.get("object_type", ""))
    fitting = [value for value in values if value.lower().startswith(argument.value.lower())]
    return Completion(values=fitting[:MOST], total=len(fitting), has_more=len(fitting) > MOST)


def _takes(ref: PromptReference | ResourceTemplateReference, name: str) -> bool:
    if isinstance(ref, ResourceTemplateReference):
        return ref.uri in TEMPLATES and f"{{{name}}}" in ref.uri
    return any(argument.name == name for one in prompts() if one.name == ref.name for argument in one.arguments or ())


async def _types(app: App, object_type: str) -> list[str]:
    if not app.policy.allows_tool(CONFIGURATIONS_TOOL):
        return []
    try:
        with open_call(LIST_SECONDS):
            known = await app.configurations.live()
    except SalesloftMcpError:
        return []  # a completion is an offer; the call itself will tell what is wrong
    wanted = object_type_of(object_type)
    return sorted(
        {
            escaped(row.external_type)
            for row in known
            if wanted in ("", row.object_type) and row.object_type in app.policy.object_types
        }
    )
