"""Open the live parts, build the server over them, and let it meet the world."""

import gc
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

from salesloft_mcp.app import App
from salesloft_mcp.hosting.http import serve_http
from salesloft_mcp.hosting.stdio import serve_stdio
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import Entry

RUN = "run_plan"


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen for HTTP."""

    host: str
    port: int


async def serve(
    opening: AbstractAsyncContextManager[App], entries: tuple[Entry, ...], listen: Listen | None = None
) -> int:
    """Serve on stdio, or where `listen` says, until told to stop; the exit code of the process.

    Raises:
        SettingsError: no credential, or an address that may not be served.
    """
    async with opening as app:
        server = build_server(app, entries)
        if RUN in {entry.name for entry in entries}:  # where runs are allowed at all
            await app.jobs.resume_all()
        gc.freeze()  # what was made until now stays, so it need not be looked through again
        gc.enable()
        return await (serve_http(server, listen.host, listen.port) if listen else serve_stdio(server))
