"""A card in hosts with MCP Apps: the facts of a question that waits for a person, and a way to its page.

The card can answer nothing, because a host would keep an app's tools from its model only if it wants to. Its link holds
no secret: whoever follows it makes the server open the page in the person's own browser.
https://github.com/modelcontextprotocol/ext-apps/blob/main/specification/2026-01-26/apps.mdx
"""

from importlib.resources import files
from typing import Any, cast

from mcp.server import ServerRequestContext
from mcp.server.apps import Apps, client_supports_apps
from mcp.server.context import CallNext, HandlerResult

from salesloft_mcp.browser.pages import Page

ADDRESS = "ui://salesloft_mcp/question.html"
KEY = "salesloft_mcp/question"  # of what a result holds for the card; a host hands it on, and shows no model of it
# A card may call no tool, and no model reads what is only for cards.
_TOOL = {"ui": {"resourceUri": ADDRESS, "visibility": ["model"]}}


def apps() -> Apps:
    """What is told of cards, and the document that hosts show."""
    apps = Apps()
    html = files("salesloft_mcp.server").joinpath("card.html").read_text(encoding="utf-8")
    apps.add_html_resource(ADDRESS, html, name="question", title="A question for a person", prefers_border=True)
    return apps


def card(page: Page, address: str, command: str) -> dict[str, Any]:
    """What the card of a question shows: its page as rows, the address that opens it, and the other way to answer."""
    facts = [
        (row.name, row.value if row.was is None else f"{row.was} → {row.value}")
        for table in page.tables
        for row in table.rows
    ]
    return {
        KEY: {"heading": page.heading, "follows": page.notice, "facts": facts, "address": address, "command": command}
    }


async def show_cards(names: frozenset[str], ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Middleware: only a host that shows cards is told of them, with the tools of these names."""
    result = await call_next(ctx)
    shown = cast(dict[str, Any], result)
    if ctx.method == "resources/list":  # hosts find the card by the tools
        shown["resources"] = [one for one in shown["resources"] if one["uri"] != ADDRESS]
    if ctx.method == "tools/list" and client_supports_apps(ctx):
        for tool in shown["tools"]:
            if tool["name"] in names:
                tool["_meta"] = _TOOL
    return result
