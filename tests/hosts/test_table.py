"""Where each host keeps its servers, on each system."""

from pathlib import Path

import click
import pytest

from salesloft_mcp.cli import cli
from salesloft_mcp.errors import InputError
from salesloft_mcp.hosts.entry import COMMAND, installed, is_ours
from salesloft_mcp.hosts.table import HOSTS, System

HOME = Path("/home/me")
PLACES = {
    ("claude-desktop", "linux"): ".config/Claude/claude_desktop_config.json",
    ("claude-desktop", "darwin"): "Library/Application Support/Claude/claude_desktop_config.json",
    ("claude-desktop", "win32"): "AppData/Roaming/Claude/claude_desktop_config.json",
    ("claude-code", "linux"): ".claude.json",
    ("claude-code", "darwin"): ".claude.json",
    ("claude-code", "win32"): ".claude.json",
    ("cursor", "linux"): ".cursor/mcp.json",
    ("cursor", "darwin"): ".cursor/mcp.json",
    ("cursor", "win32"): ".cursor/mcp.json",
    ("vscode", "linux"): ".config/Code/User/mcp.json",
    ("vscode", "darwin"): "Library/Application Support/Code/User/mcp.json",
    ("vscode", "win32"): "AppData/Roaming/Code/User/mcp.json",
    ("codex", "linux"): ".codex/config.toml",
    ("codex", "darwin"): ".codex/config.toml",
    ("codex", "win32"): ".codex/config.toml",
    ("gemini", "linux"): ".gemini/settings.json",
    ("gemini", "darwin"): ".gemini/settings.json",
    ("gemini", "win32"): ".gemini/settings.json",
}
VARIABLES = {
    "claude-desktop": ("linux", "XDG_CONFIG_HOME", "/e/Claude/claude_desktop_config.json"),
    "claude-code": ("linux", "CLAUDE_CONFIG_DIR", "/e/.claude.json"),
    "vscode": ("win32", "APPDATA", "/e/Code/User/mcp.json"),
    "codex": ("darwin", "CODEX_HOME", "/e/config.toml"),
    "gemini": ("linux", "GEMINI_CLI_HOME", "/e/.gemini/settings.json"),
}


@pytest.mark.parametrize(("host", "platform"), PLACES)
def test_each_host_has_its_file_on_each_system(host: str, platform: str) -> None:
    assert HOSTS[host].file(System(platform, HOME, {})) == HOME / PLACES[host, platform]


@pytest.mark.parametrize("host", VARIABLES)
def test_variables_that_move_a_host_are_followed_and_blank_ones_are_not(host: str) -> None:
    platform, variable, place = VARIABLES[host]
    assert HOSTS[host].file(System(platform, HOME, {variable: "/e"})) == Path(place)
    assert HOSTS[host].file(System(platform, HOME, {variable: " "})) == HOME / PLACES[host, platform]


def test_the_old_file_of_claude_code_is_read_where_it_is(tmp_path: Path) -> None:
    (tmp_path / ".claude").mkdir()
    old = tmp_path / ".claude" / ".config.json"
    old.write_text("{}")
    assert HOSTS["claude-code"].file(System("linux", tmp_path, {})) == old


def test_where_there_are_the_insiders_of_vs_code_alone_their_file_is_meant(tmp_path: Path) -> None:
    insiders = tmp_path / ".config" / "Code - Insiders" / "User"
    insiders.mkdir(parents=True)
    assert HOSTS["vscode"].file(System("linux", tmp_path, {})) == insiders / "mcp.json"
    (tmp_path / ".config" / "Code" / "User").mkdir(parents=True)
    assert HOSTS["vscode"].file(System("linux", tmp_path, {})) == tmp_path / ".config/Code/User/mcp.json"


def test_a_packaged_claude_desktop_reads_the_file_of_its_package(tmp_path: Path) -> None:
    inside = tmp_path / "AppData/Local/Packages/Claude_pzs8sxrjxfjjc/LocalCache/Roaming/Claude"
    inside.mkdir(parents=True)
    found = HOSTS["claude-desktop"].file(System("win32", tmp_path, {}))
    assert found == inside / "claude_desktop_config.json"


def test_the_command_knows_every_host_of_the_table() -> None:
    for name in ("install", "uninstall"):
        (argument,) = [one for one in cli.commands[name].params if one.name == "host"]
        assert isinstance(argument.type, click.Choice)
        assert list(argument.type.choices) == list(HOSTS)


@pytest.mark.parametrize(
    ("entry", "ours"),
    [
        ({"command": "/opt/venv/bin/salesloft-mcp", "args": ["serve"]}, True),
        ({"command": "C:\\x\\Salesloft-MCP.exe", "args": ["serve", "--sandbox"]}, True),
        ({"command": "/usr/bin/python3", "args": ["-m", "salesloft_mcp", "serve"]}, True),
        ({"command": "uvx", "args": ["--from", "x", "salesloft-mcp", "serve"]}, True),
        ({"command": "uvx", "args": ["salesloft-mcp@latest", "serve"]}, True),
        ({"command": "serve", "args": ["salesloft-mcp"]}, False),
        ({"args": ["salesloft-mcp", "serve"]}, False),
        ({"command": "npx", "args": ["salesloft-mcp-other", "serve"]}, False),
        ({"command": "/opt/venv/bin/salesloft-mcp", "args": ["sandbox"]}, False),
        ({"url": "https://h/mcp"}, False),
        ({"command": 7, "args": "serve"}, False),
        ("text", False),
        (None, False),
    ],
)
def test_an_entry_is_ours_when_it_starts_this_server(entry: object, ours: bool) -> None:
    assert is_ours(entry) is ours


def program(folder: Path, name: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name
    file.write_text("#!/bin/sh\n")
    file.chmod(0o755)
    return file


@pytest.mark.parametrize(
    ("prefix", "runner", "words"),
    [
        ("/home/me/.cache/uv/archive-v0/Ab3_xyz", "uvx", ("--from",)),
        ("/home/me/.cache/uv/environments-v2/abc", "uvx", ("--from",)),
        ("/home/me/.local/share/pipx/.cache/8fbe41c2c0c55d1", "pipx", ("run", "--spec")),
        ("/home/me/.cache/pipx/8fbe41c2c0c55d1", "pipx", ("run", "--spec")),
    ],
)
def test_from_an_environment_that_is_thrown_away_the_program_that_makes_it_is_written(
    prefix: str, runner: str, words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = program(tmp_path / "bin", runner)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    start = installed(prefix)
    assert start.command == str(found)
    assert start.arguments[: len(words)] == words
    assert start.arguments[-1] == COMMAND
    monkeypatch.setenv("PATH", "")
    with pytest.raises(InputError, match="throws away"):
        installed(prefix)


@pytest.mark.parametrize(
    "prefix",
    [
        "/home/me/.local/share/pipx/venvs/salesloft-mcp",
        "/home/me/.local/share/uv/tools/salesloft-mcp",
        "/opt/sales/.venv",
    ],
)
def test_from_an_environment_that_stays_its_own_command_is_written(prefix: str, tmp_path: Path) -> None:
    script = program(tmp_path / "bin", COMMAND)
    start = installed(prefix, str(tmp_path / "bin"))
    assert start.command == str(script)
    assert "temporary folder" in start.warning  # as all of this test is


def test_without_a_script_python_starts_the_package(tmp_path: Path) -> None:
    assert installed("/opt/sales/.venv", str(tmp_path)).arguments == ("-P", "-m", "salesloft_mcp")
