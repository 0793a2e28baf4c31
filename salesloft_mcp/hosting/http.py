"""The server over HTTP, on loopback only: callers are not authenticated, so nobody else may come in."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from mcp.server import MCPServer
from mcp.server.transport_security import TransportSecuritySettings

from salesloft_mcp.app import App
from salesloft_mcp.errors import SalesloftMcpError, SettingsError
from salesloft_mcp.hosting.gate import Gate
from salesloft_mcp.settings import LOOPBACK

PATH = "/mcp"
GRACE_SECONDS = 1  # a client keeps its listening stream open for ever; do not wait for it


class Listener(uvicorn.Server):
    """Serves /mcp on a socket of `bind` until it is told to end.

    It leaves signals to the process: uvicorn's own handlers end it before anything is closed.
    """

    def __init__(self, server: MCPServer[App], bound: socket.socket) -> None:
        checked = TransportSecuritySettings(enable_dns_rebinding_protection=False)  # by the gate
        asgi = server.streamable_http_app(streamable_http_path=PATH, transport_security=checked)
        config = uvicorn.Config(
            Gate(asgi, PATH),
            interface="asgi3",  # it cannot tell by itself
            log_config=None,  # its lines go where ours do
            log_level="warning",
            access_log=False,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        super().__init__(config)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    def end(self) -> None:
        """Serve no more; what is in flight has a moment."""
        self.should_exit = True


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. uvicorn would end the process from within when it cannot have one.

    Raises:
        SettingsError: a host beyond loopback.
        SalesloftMcpError: the port is taken.
    """
    if host not in LOOPBACK:
        what = "only loopback addresses are served, because callers are not authenticated."
        raise SettingsError("--host", what, next_step="use 127.0.0.1, behind a proxy that authenticates callers.")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        bound = socket.create_server((host, port), family=family)
    except OSError as error:
        what = f"cannot listen on {host} port {port}: {error.strerror}."
        raise SalesloftMcpError(what, next_step="choose another port with --port.") from None
    # Made anew from its descriptor, the socket knows that it speaks TCP. asyncio switches Nagle's algorithm off only
    # for such a one, and otherwise every answer waits 40 ms for an acknowledgement.
    return socket.socket(fileno=bound.detach())
