"""The server, put together from tables. Nothing here touches the network."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, cast

from mcp.server import MCPServer, ServerRequestContext
from mcp.server.context import CallNext, HandlerResult

from salesloft_mcp import __version__
from salesloft_mcp.app import App
from salesloft_mcp.policy import Mode
from salesloft_mcp.salesloft.environment import named, word_of
from salesloft_mcp.server.card import apps, show_cards
from salesloft_mcp.server.clients import note_client
from salesloft_mcp.server.completions import complete
from salesloft_mcp.server.inventory import Entry, build_tool
from salesloft_mcp.server.prompts import instructions, prompts
from salesloft_mcp.server.requests import check_names
from salesloft_mcp.server.resources import add_resources, live_resources

NAME = "salesloft_mcp"
_MODES: dict[Mode, str] = {
    "full": "",
    "no-delete": ". Nothing can be deleted here (mode no-delete)",
    "read-only": ". Nothing can be written here (mode read-only)",
}


def build_server(app: App, entries: tuple[Entry, ...]) -> MCPServer[App]:
    """An MCP server over the live parts in `app`, with the tools in `entries`. It serves both protocol versions."""
    place = "SANDBOX (a local imitation, no real data)" if app.sandbox else named(app.environment)
    word = word_of(app.environment)
    place += _MODES[app.settings.mode]
    if "object_types" in app.policy.limits:
        place += f". The policy of this computer allows {', '.join(app.policy.object_types)} only"
    known_prompts = {prompt.name: prompt for prompt in prompts()}
    names = partial(check_names, tuple(entry.name for entry in entries), known_prompts, app.settings.mode, app.policy)
    asking = frozenset(entry.name for entry in entries if entry.asks)
    server = MCPServer[App](
        NAME,
        title="Salesloft external ids" + ("" if word == "LIVE" else f" ({word})"),
        version=__version__,
        instructions=instructions(place),
        tools=[build_tool(entry) for entry in entries],
        lifespan=partial(_lifespan, app),
        middleware=[
            partial(note_client, app),
            names,
            partial(_list_configurations, app),
            partial(show_cards, asking),
        ],
        extensions=[apps()],
        log_level="WARNING",
    )
    for prompt in known_prompts.values():
        server.add_prompt(prompt)
    add_resources(server, app)
    server.completion()(partial(complete, app))  # type: ignore[no-untyped-call]
    return server


@asynccontextmanager
async def _lifespan(app: App, _: MCPServer[App]) -> AsyncIterator[App]:
    yield app


async def _list_configurations(app: App, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Middleware: the list of resources names each live configuration, and clients are told that it changes.

    The library keeps a fixed list, and promises no changes of it to clients of the older protocol version.
    """
    result = await call_next(ctx)
    if ctx.method == "initialize":
        cast(dict[str, Any], result)["capabilities"]["resources"]["listChanged"] = True
    if ctx.method == "resources/list":
        live = [one.model_dump(mode="json", by_alias=True, exclude_none=True) for one in await live_resources(app)]
        cast(dict[str, Any], result)["resources"].extend(live)
    return result
