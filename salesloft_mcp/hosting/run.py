"""One process: open the live parts, build the server over them, and serve until the client or a signal ends it."""

import gc
import signal
import sys
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import dataclass

import anyio

from salesloft_mcp.app import App
from salesloft_mcp.hosting.http import bind, serve_http
from salesloft_mcp.hosting.stdio import serve_stdio
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import Entry

RUN = "run_plan"  # where this tool may not be called, no run is resumed either


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen for HTTP."""

    host: str
    port: int


async def run(
    opening: AbstractAsyncContextManager[App], entries: tuple[Entry, ...], listen: Listen | None = None
) -> int:
    """Serve on standard input and output, or where `listen` says; the exit code of the process.

    It is 0 when the client has closed standard input, 130 after SIGINT and 143 after SIGTERM.

    Raises:
        SettingsError: no credential, or an address that may not be served.
        SalesloftMcpError: the port is taken.
    """
    code = 0
    stop = anyio.Event()

    async def stop_on_signal() -> None:
        nonlocal code
        code = 128 + await _signal()
        stop.set()

    with bind(listen.host, listen.port) if listen else nullcontext() as bound:
        async with opening as app:
            server = build_server(app, entries)
            gc.freeze()  # what was made until now stays, so it need not be looked through again
            gc.enable()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(stop_on_signal)
                tasks.start_soon(resume, app, entries)
                await (serve_http(server, bound, stop) if bound else serve_stdio(server, stop))
                tasks.cancel_scope.cancel()
    return code


async def resume(app: App, entries: tuple[Entry, ...]) -> None:
    """Go on with the runs that a crash cut off, as far as these tools and this mode could begin them."""
    if RUN in {entry.name for entry in entries}:
        await app.jobs.resume_all(deletes=app.settings.mode == "full")


async def _signal() -> int:
    """Wait for SIGINT or SIGTERM. On Windows neither comes this way."""
    if sys.platform != "win32":
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for number in signals:
                return number
    await anyio.sleep_forever()
    raise AssertionError("sleeps for ever")
