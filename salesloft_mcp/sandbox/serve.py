"""The sandbox over HTTP."""

import asyncio
import logging

import anyio
import uvicorn

from salesloft_mcp.sandbox.sandbox import Sandbox


async def serve(sandbox: Sandbox, *, host: str = "127.0.0.1", port: int) -> None:
    """Serve until cancelled or interrupted. The caller closes the sandbox."""
    logging.getLogger("uvicorn.error").addFilter(_is_no_fault)
    config = uvicorn.Config(sandbox, host=host, port=port, ws="none", log_level="warning", access_log=False)
    server = uvicorn.Server(config)
    try:
        await server.serve()
    except asyncio.CancelledError:
        if server.started:
            with anyio.CancelScope(shield=True):
                await server.shutdown()
        raise


def _is_no_fault(record: logging.LogRecord) -> bool:
    """A connection lost on purpose is no error of the application, so it leaves no traceback in the log."""
    return not (record.exc_info and isinstance(record.exc_info[1], ConnectionResetError))
