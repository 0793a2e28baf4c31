"""`salesloft-mcp serve`: the server, on stdio or over HTTP."""

import sys
from contextlib import nullcontext
from pathlib import Path

import anyio

from salesloft_mcp.app import open_app
from salesloft_mcp.commands.live import open_sandbox
from salesloft_mcp.commands.options import Option
from salesloft_mcp.errors import InputError
from salesloft_mcp.hosting.run import run
from salesloft_mcp.policy_file import installed
from salesloft_mcp.server.inventory import chosen
from salesloft_mcp.settings import Dialect, load


def serve(
    http: bool,
    host: str,
    port: int,
    sandbox: bool,
    sandbox_file: Path | None,
    dialect: Dialect,
    tools: str,
    exclude_tools: str,
    **options: Option,
) -> None:
    """Serve MCP until it ends, and exit."""
    policy = installed()
    settings = load(options, policy)
    if http:
        settings = settings.model_copy(update={"files_dir": None})
    if tools and not _names(tools):
        raise InputError("--tools", "names no tool.", next_step="leave it out for all of them.")
    entries = chosen(settings.mode, _names(tools), _names(exclude_tools), policy)
    with open_sandbox(sandbox_file, dialect) if sandbox else nullcontext() as box:
        code = anyio.run(run, open_app(settings, box, policy), entries, (host, port) if http else None)
    sys.exit(code)


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())
