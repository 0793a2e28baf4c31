"""Open the live parts, build the server over them, and let it meet the world."""

from dataclasses import dataclass

from salesloft_mcp.hosting.http import serve_http
from salesloft_mcp.hosting.stdio import serve_stdio
from salesloft_mcp.runtime import open_app
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import chosen
from salesloft_mcp.settings import Settings


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen for HTTP."""

    host: str
    port: int


async def serve(
    settings: Settings, sandbox: Sandbox | None, only: tuple[str, ...], without: tuple[str, ...], listen: Listen | None
) -> int:
    """Serve until told to stop; the exit code of the process.

    Raises:
        SettingsError: no credential, no such tool, or an address that may not be served.
    """
    entries = chosen(settings.mode, only, without)
    async with open_app(settings, sandbox) as app:
        server = build_server(app, entries)
        return await (serve_http(server, listen.host, listen.port) if listen else serve_stdio(server))
