"""The server, put together from tables. Nothing here touches the network."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from mcp.server import MCPServer, NotificationOptions, ServerRequestContext
from mcp.shared._stream_protocols import ReadStream, WriteStream
from mcp.shared.message import SessionMessage
from mcp_types import (
    ListResourcesResult,
    PaginatedRequestParams,
)

from salesloft_mcp import __version__
from salesloft_mcp.app import App
from salesloft_mcp.server.completions import complete
from salesloft_mcp.server.inventory import Entry, build_tool
from salesloft_mcp.server.prompts import instructions, prompts
from salesloft_mcp.server.requests import NameCheck
from salesloft_mcp.server.resources import add_resources, live_resources

NAME = "salesloft_mcp"


def build_server(app: App, entries: tuple[Entry, ...]) -> MCPServer[App]:
    """An MCP server over the live parts in `app`, with the tools in `entries`. It serves both eras."""
    place = "SANDBOX (a local imitation, no real data)" if app.sandbox else f"LIVE ({app.base_url})"
    known_prompts = {prompt.name: prompt for prompt in prompts()}
    server = MCPServer[App](
        NAME,
        title="Salesloft external ids" + (" (SANDBOX)" if app.sandbox else ""),
        version=__version__,
        instructions=instructions(place),
        tools=[build_tool(entry) for entry in entries],
        lifespan=partial(_lifespan, app),
        middleware=[NameCheck(tuple(entry.name for entry in entries), known_prompts, app.mode)],
        log_level="WARNING",
    )
    for prompt in known_prompts.values():
        server.add_prompt(prompt)
    add_resources(server, app)

    server.completion()(partial(complete, app))  # type: ignore[no-untyped-call]
    _list_live_resources(server, app)
    return server


async def run_over(
    server: MCPServer[App], read: ReadStream[SessionMessage | Exception], write: WriteStream[SessionMessage]
) -> None:
    """Serve one client over a pair of message streams, until the reading one ends."""
    lowlevel = server._lowlevel_server
    await lowlevel.run(read, write, lowlevel.create_initialization_options())


@asynccontextmanager
async def _lifespan(app: App, _: MCPServer[App]) -> AsyncIterator[App]:
    yield app


def _list_live_resources(server: MCPServer[App], app: App) -> None:
    """The library has no public hook for a list that changes, nor for telling older clients that it does."""
    lowlevel = server._lowlevel_server

    async def handler(_: ServerRequestContext[App, Any], __: PaginatedRequestParams | None) -> ListResourcesResult:
        return ListResourcesResult(resources=[*await server.list_resources(), *await live_resources(app)])

    lowlevel.add_request_handler("resources/list", PaginatedRequestParams, handler)
    changing = NotificationOptions(resources_changed=True)
    lowlevel.create_initialization_options = partial(lowlevel.create_initialization_options, changing)  # type: ignore[method-assign]
