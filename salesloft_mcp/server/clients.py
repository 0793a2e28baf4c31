"""What is seen of a client is written down, so that a person can look up later why nobody was asked."""

from contextlib import suppress
from typing import Any

from mcp.server import ServerRequestContext
from mcp.server.context import CallNext, HandlerResult
from mcp.server.mcpserver import Context
from mcp_types import ClientCapabilities

from salesloft_mcp.app import App
from salesloft_mcp.errors import StateError

NO_ANSWER = "no answer"
ERROR = "an error"
UNREADABLE = "what cannot be read"
_NAME = 80  # characters of what a client says of itself
_HELLO = "initialize"  # whose client is known to the library only after it was answered


async def note_client(app: App, ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Middleware: who calls is written down, once in a while."""
    known = ctx.session.client_params
    if known is not None and ctx.method != _HELLO:
        client, asks = known.client_info, ways_to_ask(ctx.session.client_capabilities)
        with suppress(StateError):
            await app.clients.note(client.name[:_NAME], client.version[:_NAME], ctx.protocol_version, asks)
    return await call_next(ctx)


async def note_answer(ctx: Context[App, Any], answer: str, seconds: float) -> None:
    """How the client answered a question is written down, and after how many seconds: some decline unseen."""
    known = ctx.session.client_params
    if known is not None:
        with suppress(StateError):
            name = known.client_info.name[:_NAME]
            await ctx.request_context.lifespan_context.clients.answered(name, answer, seconds)


def ways_to_ask(capabilities: ClientCapabilities | None) -> str:
    """The ways to ask its person that a client declares: form, url, or both; empty for none. One that says no more than
    that it asks does so by form.
    """
    asking = capabilities.elicitation if capabilities is not None else None
    if asking is None:
        return ""
    ways = [name for name in ("form", "url") if getattr(asking, name) is not None]
    return " ".join(ways) or "form"
