"""What keeps a host from using an entry that stands in its file. It is told, and not changed: a person decided it."""

from collections.abc import Iterator, Mapping
from typing import Any

from salesloft_mcp.hosts.table import Host, System


def obstacles(host: Host, values: Mapping[str, Any], name: str) -> Iterator[str]:
    """A word on each place in the file by which the host does not start the entry of this name, or starts another."""
    entry = _table(values.get(host.container)).get(name)
    for switch, off in (("enabled", False), ("disabled", True)):
        if _table(entry).get(switch) is off:
            yield f'"{name}" is switched off there, by "{switch}", and stays so until you change that.'
    if host.name == "gemini":
        yield from _of_gemini(_table(values.get("mcp")), name)
    if host.name == "claude-code":
        yield from _of_claude_code(_table(values.get("projects")), name)


def elsewhere(host: Host, system: System) -> Iterator[str]:
    """A word where the program runs on another system than this one, and reads the file of that one."""
    if host.windowed and system.environment.get("WSL_DISTRO_NAME"):
        yield (
            f"This is a Linux within Windows. {host.title} on Windows reads its own file there: install this server on"
            " Windows, and run this command in a terminal of Windows."
        )


def _of_gemini(limits: Mapping[str, Any], name: str) -> Iterator[str]:
    """Its lists of servers (https://github.com/google-gemini/gemini-cli/blob/main/docs/tools/mcp-server.md)."""
    allowed, excluded = limits.get("allowed"), limits.get("excluded")
    if isinstance(allowed, list) and allowed and name not in allowed:
        yield f'Gemini CLI starts only what "mcp.allowed" of that file names: add "{name}" to it.'
    if isinstance(excluded, list) and name in excluded:
        yield 'Gemini CLI does not start it, because "mcp.excluded" of that file names it.'


def _of_claude_code(projects: Mapping[str, Any], name: str) -> Iterator[str]:
    """What holds in one folder alone, and wins there (https://code.claude.com/docs/en/mcp)."""
    for folder, settings in projects.items():
        if name in _table(_table(settings).get("mcpServers")):
            yield f'In {folder} another "{name}" wins. To remove it, there: claude mcp remove {name} -s local'
        switched_off = _table(settings).get("disabledMcpServers")
        if isinstance(switched_off, list) and name in switched_off:
            yield f'In {folder} "{name}" is switched off; /mcp switches it on.'


def _table(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
