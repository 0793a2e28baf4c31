"""The hosts that `install` knows: where each keeps its servers, and in which shape. A new host is a new row.

Sources, read in November 2026: https://modelcontextprotocol.io/docs/develop/connect-local-servers (Claude Desktop, and
https://github.com/anthropics/claude-code/issues/26073 for where a packaged one on Windows reads),
https://code.claude.com/docs/en/mcp, https://cursor.com/docs/context/mcp,
https://code.visualstudio.com/docs/copilot/reference/mcp-configuration,
https://github.com/openai/codex/blob/main/docs/config.md and
https://github.com/google-gemini/gemini-cli/blob/main/docs/tools/mcp-server.md. How they call themselves:
https://github.com/apify/mcp-client-capabilities.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

KEY = "SALESLOFT_API_KEY"
INPUT = "salesloft-api-key"
# What a host has to hand on by name when it gives a server a nearly empty environment: what shows whether somebody sits
# at this machine and opens a page there, the way to the keyring, and the way out of the network of a company.
NAMED = (
    *("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "XDG_RUNTIME_DIR", "BROWSER", "SSH_CONNECTION"),
    "DBUS_SESSION_BUS_ADDRESS",
    *("HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy", "NO_PROXY", "no_proxy", "SSL_CERT_FILE", "SSL_CERT_DIR"),
)


@dataclass(frozen=True, slots=True)
class System:
    """What decides where files are: `platform` as in `sys.platform`, the home directory, and the environment."""

    platform: str
    home: Path
    environment: Mapping[str, str]

    def folder(self, variable: str, *otherwise: str) -> Path:
        """The folder that the variable names, or the one below the home directory."""
        return Path(self.environment.get(variable, "").strip() or self.home.joinpath(*otherwise))

    def app_data(self) -> Path:
        """Where programs with windows keep what belongs to their user."""
        if self.platform == "win32":
            return self.folder("APPDATA", "AppData", "Roaming")
        if self.platform == "darwin":
            return self.home / "Library" / "Application Support"
        return self.folder("XDG_CONFIG_HOME", ".config")


@dataclass(frozen=True, slots=True)
class Host:
    """A program that starts servers, and the file in which it reads which.

    `container` is the name under which they stand there. `before` and `then` are what a person does so that it takes
    effect. `more` is what an entry has beside command and arguments, and `for_key` what it needs so that the host gives
    the server a key: one of its own environment, or where it has `inputs`, one that it asks for. None: it has no way
    to. `strict` hosts read no comments, and `windowed` ones may run on Windows, their user in a Linux there. `client`
    is how the name begins that it gives itself to a server, in small letters and with hyphens for spaces.
    """

    name: str
    title: str
    client: str
    file: Callable[[System], Path]
    then: str
    container: str = "mcpServers"
    form: Literal["json", "toml"] = "json"
    before: str = ""
    more: Mapping[str, Any] = field(default_factory=dict)
    strict: bool = False
    windowed: bool = False
    inputs: bool = False
    for_key: Mapping[str, Any] | None = field(default_factory=dict)


def _claude_desktop(system: System) -> Path:
    name = "claude_desktop_config.json"
    if system.platform == "win32":
        # An installed package has a file system of its own: what it calls %APPDATA% is here.
        packages = system.folder("LOCALAPPDATA", "AppData", "Local") / "Packages"
        for packaged in sorted(packages.glob("Claude_*/LocalCache/Roaming/Claude")):
            return packaged / name
    return system.app_data() / "Claude" / name


def _claude_code(system: System) -> Path:
    old = system.folder("CLAUDE_CONFIG_DIR", ".claude") / ".config.json"  # where it is, nothing else is read
    return old if old.exists() else system.folder("CLAUDE_CONFIG_DIR") / ".claude.json"


def _vscode(system: System) -> Path:
    places = [system.app_data() / name / "User" for name in ("Code", "Code - Insiders", "VSCodium")]
    return next((place for place in places if place.is_dir()), places[0]) / "mcp.json"


def _codex(system: System) -> Path:
    return system.folder("CODEX_HOME", ".codex") / "config.toml"


def _gemini(system: System) -> Path:
    return system.folder("GEMINI_CLI_HOME") / ".gemini" / "settings.json"


def is_client_of(host: Host, name: str) -> bool:
    """Whether a client that calls itself so is this host; it may call itself as it likes."""
    return name.strip().lower().replace(" ", "-").startswith(host.client)


HOSTS = {
    host.name: host
    for host in (
        Host(
            "claude-desktop",
            "Claude Desktop",
            "claude-ai",
            _claude_desktop,
            "Start it again.",
            before="Quit Claude Desktop completely first, also in the tray: while it runs, it may write its own copy"
            " over the file.",
            strict=True,
            windowed=True,
            for_key=None,  # a program with windows has no environment of a terminal
        ),
        Host(
            "claude-code",
            "Claude Code",
            "claude-code",
            _claude_code,
            "Start `claude`; a session that runs already does not see it.",
            more={"type": "stdio"},
            strict=True,
        ),
        Host(
            "cursor",
            "Cursor",
            "cursor",
            lambda system: system.home / ".cursor" / "mcp.json",
            "Switch it on in Cursor under Settings, Tools & MCP, if it is not.",
            windowed=True,
            for_key={"env": {KEY: f"${{env:{KEY}}}"}},
        ),
        Host(
            "vscode",
            "VS Code",
            "visual-studio-code",
            _vscode,
            "Start it in VS Code with the command `MCP: List Servers`.",
            container="servers",
            more={"type": "stdio"},
            inputs=True,
            windowed=True,
            for_key={"env": {KEY: f"${{input:{INPUT}}}"}},
        ),
        Host(
            "codex",
            "Codex",
            "codex",
            _codex,
            "Start `codex`; a session that runs already does not see it. Before you remove this program, run"
            " `salesloft-mcp uninstall codex`: Codex starts no session without a server that is required.",
            container="mcp_servers",
            form="toml",
            # A server that is not required has one second to start; then the first turn goes without its tools
            # (https://github.com/openai/codex/issues/38689). The first start of all may take longer than the 10 seconds
            # that Codex waits. A call may wait 20 seconds for Salesloft and 45 for a person, and it gives up after 60.
            more={"required": True, "startup_timeout_sec": 30, "tool_timeout_sec": 120, "env_vars": list(NAMED)},
            for_key={"env_vars": [KEY, *NAMED]},  # it hands on only what is named
        ),
        Host(
            "gemini",
            "Gemini CLI",
            "gemini-cli",
            _gemini,
            "Start `gemini` in a folder that it trusts; in others it starts no server.",
            for_key={"env": {KEY: f"${KEY}"}},  # it hands on no variable that looks like a secret
        ),
    )
}
