"""The server over HTTP, on loopback only: nobody is asked for a name here, so nobody else may come in."""

import socket
from contextlib import nullcontext

import anyio
import uvicorn
from mcp.server import MCPServer

from salesloft_mcp.app import App
from salesloft_mcp.errors import SalesloftMcpError, SettingsError
from salesloft_mcp.hosting.stopping import exit_code_of_signal
from salesloft_mcp.settings import LOOPBACK

GRACE_SECONDS = 1  # a client keeps its listening stream open for ever; do not wait for it


async def serve_http(server: MCPServer[App], host: str, port: int) -> int:
    """Serve /mcp until a signal comes (130, 143).

    Raises:
        SettingsError: a host beyond loopback.
        SalesloftMcpError: the port is taken.
    """
    if host not in LOOPBACK:
        what = "only loopback addresses are served, because callers are not authenticated."
        raise SettingsError("--host", what, next_step="use 127.0.0.1, behind a proxy that authenticates callers.")
    bound = _bound(host, port)
    asgi = server.streamable_http_app(host=host)
    config = uvicorn.Config(
        asgi, host=host, port=port, log_level="warning", access_log=False, timeout_graceful_shutdown=GRACE_SECONDS
    )
    listener = uvicorn.Server(config)
    # uvicorn's own handlers end the process before anything is closed.
    listener.capture_signals = nullcontext  # type: ignore[method-assign,assignment]
    code = 0

    async def stop_by_signal() -> None:
        nonlocal code
        code = await exit_code_of_signal()
        listener.should_exit = True

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stop_by_signal)
        await listener.serve(sockets=[bound])
        tasks.cancel_scope.cancel()
    return code


def _bound(host: str, port: int) -> socket.socket:
    """Bound by ourselves: uvicorn would end the process from within when it cannot."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        what = f"cannot listen on {host} port {port}: {error.strerror}."
        raise SalesloftMcpError(what, next_step="choose another port with --port.") from None
