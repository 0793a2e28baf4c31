"""`install` and `uninstall` as a person types them."""

import json
import os
import stat
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import anyio
import platformdirs
import pytest
from click.testing import CliRunner, Result

from salesloft_mcp.cli import cli
from salesloft_mcp.hosts.files import MOST_KEPT
from salesloft_mcp.hosts.table import HOSTS
from salesloft_mcp.state.credentials import Credentials
from tests.state.test_credentials import FOUND

KEY = "ak" + "5" * 64
FILES = {
    "claude-desktop": ".config/Claude/claude_desktop_config.json",
    "claude-code": ".claude.json",
    "cursor": ".cursor/mcp.json",
    "vscode": ".config/Code/User/mcp.json",
    "codex": ".codex/config.toml",
    "gemini": ".gemini/settings.json",
}
OTHERS = '{\r\n\t"z": 1, // kept\r\n\t"mcpServers": {\r\n\t\t"other": {"command": "x"}\r\n\t}\r\n}\r\n'

Type = Callable[..., Result]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, and nothing of the developer's environment."""
    for name in ("XDG_CONFIG_HOME", "XDG_STATE_HOME", "CODEX_HOME", "CLAUDE_CONFIG_DIR", "GEMINI_CLI_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name in [name for name in os.environ if name.startswith("SALESLOFT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("sys.platform", "linux")
    return tmp_path


@pytest.fixture
def typed(home: Path) -> Type:
    """Type a command; answer what it asks."""

    def run(*words: str, answer: str = "") -> Result:
        return CliRunner().invoke(cli, words, input=answer, prog_name="salesloft-mcp")

    return run


def values(file: Path) -> dict[str, Any]:
    text = file.read_text()
    return tomllib.loads(text) if file.suffix == ".toml" else json.loads(text)


def entry(home: Path, host: str, name: str = "salesloft") -> dict[str, Any]:
    found: dict[str, Any] = values(home / FILES[host])[HOSTS[host].container][name]
    return found


def write(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(text.encode())
    return file


@pytest.mark.parametrize("host", HOSTS)
def test_an_entry_starts_the_installed_command_by_its_absolute_path(home: Path, typed: Type, host: str) -> None:
    result = typed("install", host, "--sandbox", "--yes")
    assert result.exit_code == 0, result.output
    found = entry(home, host)
    assert Path(found["command"]).is_absolute()
    assert os.access(found["command"], os.X_OK)
    assert found["args"] == ["serve", "--sandbox"]


@pytest.mark.parametrize("host", HOSTS)
def test_a_second_time_there_is_nothing_to_do_and_it_says_so(home: Path, typed: Type, host: str) -> None:
    typed("install", host, "--sandbox", "--yes")
    before = {file: file.read_bytes() for file in home.rglob("*") if file.is_file()}
    result = typed("install", host, "--sandbox", "--yes")
    assert result.exit_code == 0
    assert "Nothing to do" in result.output
    assert {file: file.read_bytes() for file in home.rglob("*") if file.is_file()} == before


@pytest.mark.parametrize("host", HOSTS)
def test_print_shows_the_block_and_its_place_and_writes_nothing(home: Path, typed: Type, host: str) -> None:
    result = typed("install", host, "--sandbox", "--print")
    assert result.exit_code == 0
    assert str(home / FILES[host]) in result.stderr
    block = tomllib.loads(result.stdout) if host == "codex" else json.loads(result.stdout)
    assert block[HOSTS[host].container]["salesloft"]["args"] == ["serve", "--sandbox"]
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("host", HOSTS)
def test_uninstall_takes_back_what_install_wrote(home: Path, typed: Type, host: str) -> None:
    file = write(home / FILES[host], "a = 1\n" if host == "codex" else '{\n  "a": 1\n}\n')
    before = values(file)
    typed("install", host, "--yes")
    result = typed("uninstall", host, "--yes")
    assert result.exit_code == 0, result.output
    left = values(file)
    assert {name: value for name, value in left.items() if value} == before
    assert "Nothing to do" in typed("uninstall", host, "--yes").output


def test_the_change_is_shown_and_asked_for_and_a_no_writes_nothing(home: Path, typed: Type) -> None:
    file = write(home / FILES["cursor"], OTHERS)
    result = typed("install", "cursor", "--sandbox", answer="n\n")
    assert result.exit_code == 1
    assert '+\t\t"salesloft": {' in result.output
    assert file.read_bytes() == OTHERS.encode()
    assert [one.name for one in file.parent.iterdir()] == ["mcp.json"]


def test_everything_else_stays_byte_for_byte_and_the_old_file_is_kept_beside_it(home: Path, typed: Type) -> None:
    file = write(home / FILES["cursor"], "\ufeff" + OTHERS)
    file.chmod(0o640)
    result = typed("install", "cursor", "--sandbox", answer="y\n")
    assert result.exit_code == 0, result.output
    new = file.read_bytes().decode()
    assert new.startswith("\ufeff{\r\n\t")
    assert "\n" not in new.replace("\r\n", "")
    (kept,) = file.parent.glob("*.bak")
    assert kept.read_bytes() == ("\ufeff" + OTHERS).encode()
    assert [stat.S_IMODE(one.stat().st_mode) for one in (kept, file)] == [0o600, 0o640]
    typed("uninstall", "cursor", answer="y\n")
    assert file.read_bytes() == ("\ufeff" + OTHERS).encode()
    assert len(list(file.parent.glob("*.bak"))) == 2  # within one second, too


def test_the_same_old_file_is_kept_once_and_five_at_the_most_with_the_first_among_them(home: Path, typed: Type) -> None:
    file = write(home / FILES["cursor"], "{}")
    for _ in range(2):
        typed("install", "cursor", "--sandbox", "--yes")
        typed("uninstall", "cursor", "--yes")
        file.write_text("{}")
    assert len(list(file.parent.glob("*.bak"))) == 2
    for number in range(MOST_KEPT):
        file.write_text(f'{{"a": {number}}}')
        typed("install", "cursor", "--sandbox", "--yes")
    kept = [one.read_text() for one in file.parent.glob("*.bak")]
    assert len(kept) == MOST_KEPT
    assert {"{}", '{"a": 4}', '{"a": 3}'} < set(kept)


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() != 0, reason="needs the rights of root")
def test_under_sudo_files_and_folders_belong_to_the_person(home: Path, typed: Type) -> None:
    os.chown(home, 12345, 12345)
    file = write(home / FILES["gemini"], "{}")
    os.chown(file, 12345, 12345)
    for host in ("gemini", "cursor"):
        typed("install", host, "--sandbox", "--yes")
    made = [*file.parent.glob("settings*"), home / ".cursor", home / FILES["cursor"]]
    assert len(made) == 4
    assert {one.stat().st_uid for one in made} == {12345}


def test_a_long_text_somewhere_in_the_file_holds_nothing_up(home: Path, typed: Type) -> None:
    write(home / FILES["claude-code"], json.dumps({"history": ["a1" * 100_000, "a" * 1_900, "a b" * 900]}))
    assert typed("install", "claude-code", "--sandbox", "--yes").exit_code == 0


def test_a_file_made_here_is_private(home: Path, typed: Type) -> None:
    typed("install", "cursor", "--sandbox", "--yes")
    assert stat.S_IMODE((home / FILES["cursor"]).stat().st_mode) == 0o600


def test_a_link_stays_a_link(home: Path, typed: Type) -> None:
    real = write(home / "dotfiles" / "mcp.json", "{}")
    link = home / FILES["cursor"]
    link.parent.mkdir()
    link.symlink_to(real)
    assert typed("install", "cursor", "--sandbox", "--yes").exit_code == 0
    assert link.is_symlink()
    assert "salesloft" in real.read_text()


@pytest.mark.parametrize("text", ["", "  \n", "\ufeff"])
def test_an_empty_file_is_one_without_entries(home: Path, typed: Type, text: str) -> None:
    write(home / FILES["claude-desktop"], text)
    assert typed("install", "claude-desktop", "--sandbox", "--yes").exit_code == 0
    assert "salesloft" in (home / FILES["claude-desktop"]).read_text()


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (b'{\n  "a": 1\n  "b": 2\n}', "line 3, column 3: a comma or } is missing"),
        (b'{"mcpServers": []}', "line 1, column 16: mcpServers is no object"),
        (b"[]", "line 1, column 1: it holds no object"),
        ('{"a": 1}'.encode("utf-16"), "is UTF-16"),
        (b'{\n"a": "\xff"}', "is not UTF-8 in line 2"),
    ],
    ids=["a comma", "an array", "no object", "UTF-16", "Latin 1"],
)
def test_a_file_that_cannot_be_read_is_refused_with_its_place_and_left_as_it_is(
    home: Path, typed: Type, raw: bytes, told: str
) -> None:
    file = home / FILES["cursor"]
    file.parent.mkdir()
    file.write_bytes(raw)
    result = typed("install", "cursor", "--sandbox", "--yes")
    assert result.exit_code == 2
    assert told in result.output
    assert file.read_bytes() == raw
    assert [one.name for one in file.parent.iterdir()] == ["mcp.json"]


def test_a_codex_file_that_cannot_be_read_is_refused_with_its_line(home: Path, typed: Type) -> None:
    write(home / FILES["codex"], "a = 1\nb = \n")
    result = typed("install", "codex", "--sandbox", "--yes")
    assert result.exit_code == 2
    assert "line 2" in result.output
    assert "--print" in result.output


def test_a_read_only_file_is_refused(home: Path, typed: Type) -> None:
    file = write(home / FILES["cursor"], "{}")
    file.chmod(0o400)
    result = typed("install", "cursor", "--sandbox", "--yes")
    assert result.exit_code == 2
    assert "read-only" in result.output
    assert file.read_text() == "{}"


def test_a_file_that_its_program_writes_meanwhile_is_left_to_it(
    home: Path, typed: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(home / FILES["cursor"], "{}")

    def agreed(*_: object, **__: object) -> bool:
        file.write_text('{"mcpServers": {"new": {}}}')
        return True

    monkeypatch.setattr("click.confirm", agreed)
    result = typed("install", "cursor", "--sandbox")
    assert result.exit_code == 2
    assert "changed by another program" in result.output
    assert file.read_text() == '{"mcpServers": {"new": {}}}'


def test_what_starts_something_else_is_replaced_only_by_a_person(home: Path, typed: Type) -> None:
    file = write(home / FILES["cursor"], '{"mcpServers": {"salesloft": {"command": "npx", "args": ["other"]}}}')
    before = file.read_bytes()
    for command in (("install", "cursor", "--sandbox"), ("uninstall", "cursor")):
        refused = typed(*command, "--yes")
        assert refused.exit_code == 2
        assert "something else" in refused.output
        assert file.read_bytes() == before
    assert typed("install", "cursor", "--sandbox", answer="y\n").exit_code == 0
    assert entry(home, "cursor")["args"] == ["serve", "--sandbox"]


def test_an_entry_of_ours_gets_the_new_options_and_keeps_what_a_person_added(home: Path, typed: Type) -> None:
    ours = {
        "command": "C:\\old\\salesloft-mcp.exe",
        "args": ["serve"],
        "env": {"SALESLOFT_API_KEY": KEY},
        "disabled": True,
    }
    write(home / FILES["cursor"], json.dumps({"mcpServers": {"salesloft": ours}}, indent=4))
    result = typed("install", "cursor", "--mode", "no-delete", "--yes")
    assert result.exit_code == 0
    found = entry(home, "cursor")
    assert found["args"] == ["serve", "--mode", "no-delete"]
    assert found["disabled"] is True
    assert found["env"] == {"SALESLOFT_API_KEY": KEY}
    assert KEY not in result.output
    assert "plain text" in result.output


def test_what_a_person_set_in_a_table_of_codex_stays(home: Path, typed: Type) -> None:
    kept = 'required = false\ntool_timeout_sec = 300.5\nenv_vars = ["MINE"]\n'
    write(home / FILES["codex"], f'[mcp_servers.salesloft]\ncommand = "salesloft-mcp"\nargs = ["serve"]\n{kept}')
    assert typed("install", "codex", "--yes").exit_code == 0
    found = entry(home, "codex")
    assert (found["required"], found["tool_timeout_sec"]) == (False, 300.5)
    assert found["env_vars"][:2] == ["MINE", "SALESLOFT_API_KEY"]


@pytest.mark.parametrize("env", [None, [], {}])
def test_an_entry_of_ours_whose_environment_is_empty_gets_one(
    home: Path, typed: Type, monkeypatch: pytest.MonkeyPatch, env: object
) -> None:
    monkeypatch.setenv("SALESLOFT_API_KEY", KEY)
    ours = {"command": "salesloft-mcp", "args": ["serve"], "env": env}
    write(home / FILES["cursor"], json.dumps({"mcpServers": {"salesloft": ours}}))
    assert typed("install", "cursor", "--yes").exit_code == 0
    assert entry(home, "cursor")["env"] == {"SALESLOFT_API_KEY": "${env:SALESLOFT_API_KEY}"}


def test_options_that_install_cannot_be_given_stay(home: Path, typed: Type) -> None:
    args = [
        "serve",
        "--mode",
        "read-only",
        "--exclude-tools",
        "undo_change",
        "--rate-limit=50",
        "--sandbox",
        "--dialect",
        "guide",
    ]
    ours = {"command": "salesloft-mcp", "args": args}
    write(home / FILES["cursor"], json.dumps({"mcpServers": {"salesloft": ours}}))
    assert typed("install", "cursor", "--ask", "all", "--yes").exit_code == 0
    kept = ["--exclude-tools", "undo_change", "--rate-limit=50"]
    assert [one for one in entry(home, "cursor")["args"] if one in (*kept, *args)] == ["serve", *kept]


def test_an_option_that_serve_does_not_know_is_told_to_be_taken_out(home: Path, typed: Type) -> None:
    ours = {"command": "salesloft-mcp", "args": ["serve", "--sandbx"]}
    write(home / FILES["cursor"], json.dumps({"mcpServers": {"salesloft": ours}}))
    assert f"take --sandbx out of {home / FILES['cursor']}." in typed("install", "cursor", "--sandbox", "--yes").output


def test_options_that_an_entry_had_until_now_are_told_before_they_go(home: Path, typed: Type) -> None:
    typed("install", "cursor", "--mode", "read-only", "--confirm", "outside", "--yes")
    result = typed("install", "cursor", "--ask", "all", answer="n\n")
    assert "were --mode read-only --confirm outside, and are --ask all now" in result.output
    assert entry(home, "cursor")["args"] == ["serve", "--mode", "read-only", "--confirm", "outside"]


def test_an_old_entry_under_another_name_is_told_once(home: Path, typed: Type) -> None:
    write(home / FILES["cursor"], '{"mcpServers": {"crm": {"command": "salesloft-mcp", "args": ["serve"]}}}')
    result = typed("install", "cursor", "--sandbox", "--yes")
    assert "salesloft-mcp uninstall cursor --name crm" in result.output
    assert typed("uninstall", "cursor", "--yes").output.count("--name crm") == 1
    assert typed("install", "cursor", "--sandbox", "--yes").exit_code == 0
    assert typed("uninstall", "cursor", "--name", "crm", "--yes").exit_code == 0
    assert list(values(home / FILES["cursor"])["mcpServers"]) == ["salesloft"]


def test_names_that_the_host_does_not_read_are_told(home: Path, typed: Type) -> None:
    write(home / FILES["claude-desktop"], '{\n  // mine\n  "mcpservers": {}\n}')
    result = typed("install", "claude-desktop", "--sandbox", "--yes")
    assert '"mcpservers", which Claude Desktop does not read' in result.output
    assert "Line 2 has a comment" in result.output


@pytest.mark.parametrize(
    ("host", "text", "told"),
    [
        (
            "codex",
            '[mcp_servers.salesloft]\ncommand = "salesloft-mcp"\nargs = ["serve"]\nenabled = false\n',
            '"enabled"',
        ),
        (
            "cursor",
            '{"mcpServers": {"salesloft": {"command": "salesloft-mcp", "args": ["serve"], "disabled": true}}}',
            '"disabled"',
        ),
        ("gemini", '{"mcp": {"allowed": ["other"]}}', '"mcp.allowed"'),
        ("gemini", '{"mcp": {"excluded": ["salesloft"]}}', '"mcp.excluded"'),
        ("claude-code", '{"projects": {"/a": {"mcpServers": {"salesloft": {}}}}}', "In /a another"),
        ("claude-code", '{"projects": {"/a": {"disabledMcpServers": ["salesloft"]}}}', "/mcp switches it on"),
    ],
)
def test_what_keeps_a_host_from_using_the_entry_is_told_each_time(
    home: Path, typed: Type, host: str, text: str, told: str
) -> None:
    write(home / FILES[host], text)
    assert told in typed("install", host, "--sandbox", "--yes").output
    assert told in typed("install", host, "--sandbox", "--yes").output


def test_a_program_of_windows_does_not_read_the_file_in_its_linux(
    home: Path, typed: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WSL_DISTRO_NAME", "Ubuntu")
    assert "on Windows" in typed("install", "vscode", "--sandbox", "--print").stderr
    assert "on Windows" not in typed("install", "codex", "--sandbox", "--print").stderr


def test_options_go_into_the_entry_and_folders_as_whole_paths(
    home: Path, typed: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "in").mkdir()
    monkeypatch.chdir(home)
    options = ["--base-url", "http://127.0.0.1:9", "--mode", "read-only", "--ask", "all", "--confirm", "elicit"]
    options += ["--tools", "get_connection", "--state-dir", "mine", "--files-dir", "in", "--name", "crm"]
    result = typed("install", "cursor", *options, "--yes")
    assert result.exit_code == 0, result.output
    wanted = ["serve", *options[:8], "--state-dir", f"{home}/mine", "--files-dir", f"{home}/in"]
    assert sorted(entry(home, "cursor", "crm")["args"]) == sorted([*wanted, "--tools", "get_connection"])


def test_settings_of_the_terminal_go_into_the_entry_because_hosts_do_not_hand_them_on(
    home: Path, typed: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALESLOFT_MODE", "read-only")
    monkeypatch.setenv("SALESLOFT_ASK", " ")
    monkeypatch.setenv("SALESLOFT_BASE_URL", "https://a.test")
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "x"))
    typed("install", "claude-desktop", "--sandbox", "--yes")
    state = ["--state-dir", str(platformdirs.user_state_path("salesloft_mcp"))]
    assert entry(home, "claude-desktop")["args"] == ["serve", "--sandbox", "--mode", "read-only", *state]
    typed("install", "claude-desktop", "--mode", "no-delete", "--state-dir", str(home / "y"), "--yes")
    found = entry(home, "claude-desktop")["args"]
    assert found == ["serve", "--base-url", "https://a.test", "--mode", "no-delete", "--state-dir", f"{home}/y"]


def test_codex_hands_on_what_the_page_the_keyring_and_the_network_need(home: Path, typed: Type) -> None:
    typed("install", "codex", "--sandbox", "--yes")
    found = set(entry(home, "codex")["env_vars"])
    assert {"DISPLAY", "WAYLAND_DISPLAY", "SSH_CONNECTION", "DBUS_SESSION_BUS_ADDRESS", "HTTPS_PROXY"} <= found


@pytest.mark.parametrize(
    "options",
    [
        ["--tools", "get_conection"],
        ["--base-url", "http://example.com"],
        ["--name", "two words"],
        ["--name", "x" * 25],
        ["--sandbox", "--base-url", "https://a.test"],
        ["--mode", "all"],
    ],
    ids=" ".join,
)
def test_what_serve_would_refuse_is_refused_before_anything_is_written(
    home: Path, typed: Type, options: list[str]
) -> None:
    assert typed("install", "cursor", *options, "--yes").exit_code == 2
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("host", HOSTS)
def test_no_key_is_ever_written(home: Path, typed: Type, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESLOFT_API_KEY", KEY)
    result = typed("install", host, "--yes")
    assert result.exit_code == 0
    assert KEY not in result.output
    assert not [file for file in home.rglob("*") if file.is_file() and KEY in file.read_text()]


def test_hosts_of_a_terminal_hand_on_the_key_that_is_set(
    home: Path, typed: Type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALESLOFT_API_KEY", KEY)
    for host in ("codex", "gemini", "cursor"):
        typed("install", host, "--yes")
    assert entry(home, "codex")["env_vars"][0] == "SALESLOFT_API_KEY"
    assert entry(home, "gemini")["env"] == {"SALESLOFT_API_KEY": "$SALESLOFT_API_KEY"}
    assert entry(home, "cursor")["env"] == {"SALESLOFT_API_KEY": "${env:SALESLOFT_API_KEY}"}


def test_vs_code_asks_for_the_key_once_and_uninstall_takes_the_question_back(home: Path, typed: Type) -> None:
    text = '{\n\t"servers": {\n\t\t"o": {"command": "x"}\n\t},\n\t"inputs": [\n\t\t{"id": "o"}\n\t]\n}\n'
    file = write(home / FILES["vscode"], text)
    typed("install", "vscode", "--yes")
    typed("install", "vscode", "--mode", "read-only", "--yes")
    inputs = values(file)["inputs"]
    assert [one["id"] for one in inputs] == ["o", "salesloft-api-key"]
    assert (inputs[1]["type"], inputs[1]["password"]) == ("promptString", True)
    assert entry(home, "vscode")["env"] == {"SALESLOFT_API_KEY": "${input:salesloft-api-key}"}
    typed("uninstall", "vscode", "--yes")
    assert file.read_text() == text


@pytest.mark.parametrize("host", ["vscode", "cursor", "gemini"])
def test_what_asks_for_a_key_goes_when_none_is_needed_any_more(
    home: Path, typed: Type, host: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALESLOFT_API_KEY", KEY)
    typed("install", host, "--yes")
    assert "env" in entry(home, host)
    typed("install", host, "--sandbox", "--yes")
    assert "SALESLOFT_API_KEY" not in (home / FILES[host]).read_text()
    assert "salesloft-api-key" not in (home / FILES[host]).read_text()


def test_with_a_sign_in_nothing_asks_for_a_key(home: Path, typed: Type) -> None:
    stored = Credentials(home / ".local" / "state" / "salesloft_mcp", "https://api.salesloft.com")
    anyio.run(stored.keep, FOUND)
    result = typed("install", "vscode", "--yes")
    assert "sign-in that is kept" in result.output
    assert "env" not in entry(home, "vscode")


def test_without_any_credential_it_says_what_to_do(home: Path, typed: Type) -> None:
    for host in ("claude-desktop", "codex"):
        assert "salesloft-mcp login" in typed("install", host, "--yes").output


def test_the_command_to_sign_in_can_be_typed_as_it_is(home: Path, typed: Type, monkeypatch: pytest.MonkeyPatch) -> None:
    installed = write(home / "a b" / "salesloft-mcp", "")
    monkeypatch.setattr("sys.argv", [str(installed), "install"])
    monkeypatch.setenv("PATH", str(home))
    result = typed("install", "codex", "--base-url", "https://a.test", "--yes")
    assert f"`'{installed}' login --base-url https://a.test`" in result.output
    installed.chmod(0o755)
    monkeypatch.setenv("PATH", str(installed.parent))
    assert "`salesloft-mcp login`" in typed("install", "codex", "--yes").output


def test_a_foreign_secret_in_the_lines_around_is_not_shown(home: Path, typed: Type) -> None:
    others = {"mcpServers": {"o": {"command": "x", "env": {"PASSWORD_OF_O": "hunter2"}}}}
    write(home / FILES["cursor"], json.dumps(others, indent=1))
    assert "hunter2" not in typed("install", "cursor", "--sandbox", "--yes").output
    assert "hunter2" in (home / FILES["cursor"]).read_text()
