"""`salesloft-mcp sandbox`: the sandbox over HTTP."""

import sys
from functools import partial
from pathlib import Path

import anyio
import click

from salesloft_mcp.commands.live import open_sandbox
from salesloft_mcp.sandbox.serve import serve
from salesloft_mcp.settings import Dialect


def sandbox(port: int, dialect: Dialect, file: Path | None, rate_limit: int) -> None:
    """Serve the sandbox until it is stopped."""
    with open_sandbox(file, dialect, rate_limit) as box:
        click.echo(f"# SANDBOX, no real data. Ctrl-C stops it.\nSALESLOFT_BASE_URL=http://127.0.0.1:{port}")
        click.echo(f"SALESLOFT_API_KEY={box.api_key}")
        try:
            anyio.run(partial(serve, box, port=port))
        except SystemExit:  # how uvicorn ends after it has said that the port is taken
            sys.exit(1)
