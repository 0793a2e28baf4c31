"""The server where a setting cannot be right: it starts, sends nothing, and answers whatever is asked with that.

Hosts hide what a server prints when it ends at once, so a person would never learn what to correct.
"""

from functools import partial
from typing import Any

from mcp import MCPError
from mcp.server import MCPServer, ServerRequestContext
from mcp.server.context import CallNext, HandlerResult
from mcp_types import INTERNAL_ERROR

from salesloft_mcp import __version__
from salesloft_mcp.errors import SettingsError
from salesloft_mcp.server.build import NAME
from salesloft_mcp.server.inventory import Entry, build_tool
from salesloft_mcp.server.prompts import instructions, prompts
from salesloft_mcp.server.tool_errors import failure, worded

_THEN = "Settings are read when the server starts: whoever configured it corrects this and starts it anew."


def build_faulty_server(fault: SettingsError, entries: tuple[Entry, ...]) -> MCPServer[None]:
    """A server that lists its tools and prompts, so that a host shows it, and tells the fault instead of any work."""
    told = f"{worded(fault)}\n{_THEN} Nothing was sent."
    server = MCPServer[None](
        NAME,
        title="Salesloft external ids (a setting is wrong)",
        version=__version__,
        instructions=instructions(f"nothing, because a setting is wrong. Tell the user this: {told}"),
        tools=[build_tool(entry) for entry in entries],
        middleware=[partial(_answer, told)],
        log_level="WARNING",
    )
    for prompt in prompts():
        server.add_prompt(prompt)
    return server


async def _answer(told: str, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    if ctx.method == "tools/call":
        return failure(told)
    if ctx.method in ("resources/read", "completion/complete"):
        raise MCPError(INTERNAL_ERROR, told)
    return await call_next(ctx)
