"""The server over standard input and output, ended within two seconds by a signal or by a host that goes away."""

import stat
import sys
from os import fstat
from typing import Any, cast

import anyio
from mcp.server import MCPServer
from mcp.server.stdio import stdio_server

from salesloft_mcp.app import App
from salesloft_mcp.hosting.lines import Input, Pipes, Typed
from salesloft_mcp.hosting.stopping import exit_code_of_signal
from salesloft_mcp.server.build import run_over

GRACE_SECONDS = 0.5  # for calls in flight when the host has closed its end


async def serve_stdio(server: MCPServer[App]) -> int:
    """Serve until the host closes standard input (0) or a signal comes (130, 143)."""
    code = 0

    async def stop_by_signal() -> None:
        nonlocal code
        code = await exit_code_of_signal()
        tasks.cancel_scope.cancel()

    async def stop_after_input(lines: Input) -> None:
        await lines.ended.wait()
        await anyio.sleep(GRACE_SECONDS)
        tasks.cancel_scope.cancel()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(stop_by_signal)
        if not _waitable():
            typed = None if sys.platform == "win32" else cast(Any, Typed(GRACE_SECONDS))
            async with stdio_server(stdin=typed) as streams:
                await run_over(server, *streams)
        else:
            async with Pipes() as (lines, output):
                tasks.start_soon(stop_after_input, lines)
                async with stdio_server(stdin=cast(Any, lines), stdout=cast(Any, output)) as streams:
                    await run_over(server, *streams)
        tasks.cancel_scope.cancel()
    return code


def _waitable() -> bool:
    """Whether both ends are pipes or sockets. Windows keeps the library's own way, a terminal or a file ours."""
    if sys.platform == "win32":
        return False
    return all(stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) for mode in (fstat(0).st_mode, fstat(1).st_mode))
