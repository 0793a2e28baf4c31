"""`salesloft-mcp serve`: the server, on stdio or over HTTP."""

import sys
from collections.abc import Mapping
from contextlib import nullcontext
from pathlib import Path

import anyio

from salesloft_mcp.app import open_app
from salesloft_mcp.commands.live import open_sandbox
from salesloft_mcp.commands.options import Option
from salesloft_mcp.errors import InputError, MisspeltError, SettingsError
from salesloft_mcp.hosting.run import run
from salesloft_mcp.placeholders import left_behind
from salesloft_mcp.policy import Policy
from salesloft_mcp.policy_file import installed
from salesloft_mcp.server.inventory import chosen
from salesloft_mcp.settings import Dialect, Settings, load


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
    """Serve MCP until it ends, and exit. A setting that cannot be right is told by every answer, and so is an option
    that a template left as it was; an option or a name that is misspelt stops the start.
    """
    policy = installed()
    settings = _settings(options, policy, http)
    tools, exclude_tools = tools.strip(), exclude_tools.strip()
    others = {"--tools": tools, "--exclude-tools": exclude_tools, "--sandbox-file": sandbox_file, "--dialect": dialect}
    settings = _fault_of(others) or settings
    if tools and not _names(tools) and not left_behind(tools):
        raise InputError("--tools", "names no tool.", next_step="leave it out for all of them.")
    mode = policy.modes[0] if isinstance(settings, SettingsError) else settings.mode
    entries = chosen(mode, _names(tools), _names(exclude_tools), policy)
    right = not isinstance(settings, SettingsError)
    with open_sandbox(sandbox_file, dialect) if sandbox and right else nullcontext() as box:
        opening = settings if isinstance(settings, SettingsError) else open_app(settings, box, policy)
        code = anyio.run(run, opening, entries, (host, port) if http else None)
    sys.exit(code)


def _settings(options: Mapping[str, Option], policy: Policy, http: bool) -> Settings | SettingsError:
    try:
        settings = load(options, policy)
    except MisspeltError:
        raise
    except SettingsError as fault:
        return fault
    return settings.model_copy(update={"files_dir": None}) if http else settings


def _fault_of(options: Mapping[str, object]) -> SettingsError | None:
    """What a template left in an option that is no setting; such a one is told, too."""
    for option, value in options.items():
        if value and (wrong := left_behind(str(value))):
            return SettingsError(option, f"{wrong}.", next_step="correct it and start again.")
    return None


def _names(text: str) -> tuple[str, ...]:
    """The names of a list; none where a template left something else."""
    if not text or left_behind(text):
        return ()
    return tuple(name.strip() for name in text.split(",") if name.strip())
