"""One process: open the live parts, build the server over them, and serve until the client or a signal ends it."""

import gc
import logging
import signal
import sys
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, nullcontext
from typing import Any

import anyio
from mcp.server import MCPServer

from salesloft_mcp.app import App
from salesloft_mcp.errors import SettingsError, StateError
from salesloft_mcp.hosting.http import Listener, bind
from salesloft_mcp.hosting.logs import log_to_standard_error
from salesloft_mcp.hosting.stdio import serve_stdio
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.faulty import build_faulty_server
from salesloft_mcp.server.inventory import Entry

log = logging.getLogger("salesloft_mcp")


async def run(
    opening: AbstractAsyncContextManager[App] | SettingsError,
    entries: tuple[Entry, ...],
    address: tuple[str, int] | None = None,
) -> int:
    """Serve on standard input and output, or over HTTP at `address`; the exit code of the process. Where a setting
    cannot be right, what is served tells that.

    It is 0 when the client has closed standard input, 130 after SIGINT and 143 after SIGTERM.

    Raises:
        SettingsError: an address that may not be served.
        SalesloftMcpError: the port is taken.
    """
    log_to_standard_error()
    code = 0

    async def end_on_signal(end: Callable[[], None]) -> None:
        nonlocal code
        if sys.platform == "win32":  # where neither signal comes this way
            return
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            code = 128 + await anext(signals)
        end()

    with bind(*address) if address else nullcontext() as bound:
        async with AsyncExitStack() as stack:
            app = await _opened(stack, opening)
            server = _built(app, entries)
            gc.freeze()  # what was made until now stays, so it need not be looked through again
            gc.enable()
            async with anyio.create_task_group() as tasks:
                if isinstance(app, App):
                    tasks.start_soon(resume, app, entries)
                if bound:
                    listener = Listener(server, bound)
                    tasks.start_soon(end_on_signal, listener.end)
                    await listener.serve(sockets=[bound])
                else:
                    tasks.start_soon(end_on_signal, tasks.cancel_scope.cancel)
                    await serve_stdio(server)
                tasks.cancel_scope.cancel()
    return code


async def _opened(
    stack: AsyncExitStack, opening: AbstractAsyncContextManager[App] | SettingsError
) -> App | SettingsError:
    """The live parts, or why they cannot be opened."""
    if isinstance(opening, SettingsError):
        return opening
    try:
        return await stack.enter_async_context(opening)
    except SettingsError as fault:
        return fault


def _built(app: App | SettingsError, entries: tuple[Entry, ...]) -> MCPServer[Any]:
    if isinstance(app, SettingsError):
        log.error("A setting is wrong, and every call is answered with that: %s", app.what)
        return build_faulty_server(app, entries)
    if app.policy.line:
        log.warning("The policy of this computer holds: %s", app.policy.line)
    return build_server(app, entries)


async def resume(app: App, entries: tuple[Entry, ...]) -> None:
    """Go on with the runs that a crash cut off, as far as these tools, this mode and the policy allow; and whenever
    somebody signs in, with those that waited for it.
    """
    names = {entry.name for entry in entries}
    if "run_plan" not in names:
        return  # no run is begun here, and so none is resumed
    await _go_on(app, "undo_change" in names)
    if app.signed_in is not None:
        async for _ in app.signed_in.logins():
            await _go_on(app, "undo_change" in names)


async def _go_on(app: App, undoings: bool) -> None:
    try:
        await app.jobs.resume_all(undoings)
    except StateError as error:  # a file that is busy at this moment ends no server
        log.warning("no run could be resumed: %s", error.what)
