"""Programs that start this server, installed without an account: each finds it after `install`, and uses it.

The model that they talk to is scripted. Only what a person types and clicks is counted; what surrounds it is there so
that nothing leaves this machine.
"""

import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from salesloft_mcp.sandbox.sandbox import API_KEY
from salesloft_mcp.server.inventory import NAMES
from tests.hosting.program import HANG_SECONDS, clean_environment, free_port, listening
from tests.hosts.model import Model, scripted
from tests.witnesses.conftest import absent

pytestmark = pytest.mark.witness

SALESLOFT_MCP = Path(sys.executable).with_name("salesloft-mcp")
TOOL = "resolve_external_ids"
ANSWER = "578495206"  # whom CONTACT3456 of crm_lead stands for
DELETE = "delete_external_id_mapping"
CLICKER = Path(__file__).parent.parent / "hosts" / "clicker.py"
ASKED = "Who is CONTACT3456?"
# What each declares here, where nobody sits at it, and answers by itself.
SEEN: dict[str, tuple[list[str], str | None]] = {
    "claude-code": (["form"], "cancel"),
    "codex": (["form", "url"], "decline"),
    "gemini": ([], None),
}
MOST_COMMANDS, MOST_CLICKS = 2, 1

Package = Callable[[str], Path]


@pytest.fixture
def model() -> Iterator[Model]:
    with scripted(TOOL, external_ids=["CONTACT3456"], external_type="crm_lead") as one:
        yield one


@dataclass
class Person:
    """Types commands and clicks, in a home of their own; both are counted."""

    environment: dict[str, str]
    folder: Path
    commands: list[str] = field(default_factory=list)
    clicks: int = 0

    def types(self, *words: str | Path, click: str = "") -> str:
        """What a command prints; it has to succeed."""
        self.commands.append(" ".join(map(str, words)))
        self.clicks += bool(click)
        done = subprocess.run(
            words,
            env=self.environment,
            cwd=self.folder,
            input=click,
            capture_output=True,
            text=True,
            timeout=HANG_SECONDS,
            check=False,
        )
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr


@pytest.fixture
def person(tmp_path: Path) -> Person:
    if not SALESLOFT_MCP.exists():
        absent(f"{SALESLOFT_MCP} is not installed")
    folder = tmp_path / "work"
    folder.mkdir()
    return Person(clean_environment(tmp_path), folder)


def binary(package: Path, *places: str) -> Path:
    """The program of this platform, which npm puts beside the package."""
    found = [file for place in places for file in package.parent.glob(place)]
    if not found:
        absent(f"{package.name} has no program for this platform")
    return found[0]


@pytest.fixture
def gemini(npm_package: Package, node_bin: Path, person: Person, model: Model, tmp_path: Path) -> tuple[Path, ...]:
    """Gemini CLI, with a way to sign in that somebody has chosen already."""
    (tmp_path / ".gemini").mkdir()
    (tmp_path / ".gemini" / "settings.json").write_text('{"security": {"auth": {"selectedType": "gemini-api-key"}}}')
    person.environment |= {
        "GEMINI_API_KEY": "none",
        "GOOGLE_GEMINI_BASE_URL": model.url,
        "GEMINI_CLI_TRUST_WORKSPACE": "true",
    }
    return node_bin, npm_package("@google/gemini-cli") / "bundle" / "gemini.js"


@pytest.fixture
def claude(npm_package: Package, person: Person, model: Model) -> Path:
    person.environment |= {
        "ANTHROPIC_BASE_URL": model.url,
        "ANTHROPIC_API_KEY": "none",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "DISABLE_AUTOUPDATER": "1",
        "MCP_TIMEOUT": str(int(1_000 * HANG_SECONDS)),  # for a slow machine; its own is 30 s
        "ENABLE_TOOL_SEARCH": "false",  # the scripted model searches for nothing
    }
    return binary(npm_package("@anthropic-ai/claude-code"), "claude-code-linux-*/claude", "claude-code-darwin-*/claude")


@pytest.fixture
def codex(npm_package: Package, person: Person, model: Model, tmp_path: Path) -> Path:
    """Codex, with a configuration that somebody has already."""
    (tmp_path / ".codex").mkdir()
    (tmp_path / ".codex" / "config.toml").write_text(
        'model = "scripted" # not a real one\nmodel_provider = "here"\n\n[model_providers.here]\nname = "here"\n'
        f'base_url = "{model.url}/v1"\nwire_api = "responses"\n'
    )
    return binary(npm_package("@openai/codex"), "codex-linux-*/vendor/*/bin/codex", "codex-darwin-*/vendor/*/bin/codex")


def test_claude_code_answers_after_two_commands_and_one_click(claude: Path, person: Person, model: Model) -> None:
    person.types(SALESLOFT_MCP, "install", "claude-code", "--sandbox", click="y\n")
    said = person.types(claude, "-p", ASKED, "--allowedTools", f"mcp__salesloft__{TOOL}")
    assert ANSWER in said
    assert {f"mcp__salesloft__{name}" for name in NAMES} <= model.seen
    assert len(person.commands) <= MOST_COMMANDS
    assert person.clicks <= MOST_CLICKS


def test_codex_answers_after_two_commands_and_one_click(codex: Path, person: Person, model: Model) -> None:
    person.types(SALESLOFT_MCP, "install", "codex", "--sandbox", click="y\n")
    said = person.types(codex, "exec", "--skip-git-repo-check", ASKED)
    assert ANSWER in said
    assert set(NAMES) <= model.seen
    assert len(person.commands) <= MOST_COMMANDS
    assert person.clicks <= MOST_CLICKS


@pytest.mark.parametrize("host", ["codex", "claude-code"])
def test_a_host_hands_on_the_key_of_its_environment_which_stands_in_no_file(
    host: str, request: pytest.FixtureRequest, person: Person, model: Model, tmp_path: Path
) -> None:
    program = request.getfixturevalue("codex" if host == "codex" else "claude")
    words = (
        ("exec", "--skip-git-repo-check") if host == "codex" else ("--allowedTools", f"mcp__salesloft__{TOOL}", "-p")
    )
    port = free_port()
    with listening(["sandbox", "--port", str(port)], port, person.environment, tmp_path / "sandbox.log"):
        person.environment["SALESLOFT_API_KEY"] = API_KEY
        person.types(SALESLOFT_MCP, "install", host, "--base-url", f"http://127.0.0.1:{port}", "--yes")
        assert ANSWER in person.types(program, *words, ASKED)
    files = [file for file in tmp_path.rglob("*") if file.suffix in (".json", ".toml", ".bak")]
    assert not [file for file in files if API_KEY in file.read_text()]


def test_claude_code_lists_the_server_as_connected_and_not_after_uninstall(claude: Path, person: Person) -> None:
    person.types(SALESLOFT_MCP, "install", "claude-code", "--sandbox", "--yes")
    listed = person.types(claude, "mcp", "list")
    assert "salesloft" in listed
    assert "Connected" in listed
    person.types(SALESLOFT_MCP, "uninstall", "claude-code", "--yes")
    assert "salesloft" not in person.types(claude, "mcp", "list")


def test_gemini_lists_the_server_and_not_after_uninstall(gemini: tuple[Path, ...], person: Person) -> None:
    person.types(SALESLOFT_MCP, "install", "gemini", "--sandbox", "--yes")
    assert "salesloft" in person.types(*gemini, "mcp", "list")  # it waits 5 seconds for it to be connected
    person.types(SALESLOFT_MCP, "uninstall", "gemini", "--yes")
    assert "salesloft" not in person.types(*gemini, "mcp", "list")


@pytest.mark.parametrize("host", ["claude-code", "codex", "gemini"])
def test_a_person_deletes_with_one_click_on_the_page(
    host: str, request: pytest.FixtureRequest, chromium: str, person: Person, model: Model, tmp_path: Path
) -> None:
    """None of these asks its person here: two answer by themselves, and one says that it cannot ask."""
    model.tool, model.arguments = DELETE, {**model.arguments, "object_type": "people", "external_id": "CONTACT3456"}
    del model.arguments["external_ids"]
    clicked = tmp_path / "clicked"
    del person.environment["SSH_CONNECTION"]
    browser = shlex.join([sys.executable, str(CLICKER), chromium, "Delete", str(clicked)])
    person.environment |= {"DISPLAY": ":0", "BROWSER": f"{browser} %s"}
    words: dict[str, tuple[str | Path, ...]] = {
        "claude-code": ("--allowedTools", f"mcp__salesloft__{DELETE}", "-p"),
        "codex": ("exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox"),
        "gemini": ("--model", "gemini-2.5-pro", "--yolo", "--prompt"),
    }
    program = request.getfixturevalue(host.removesuffix("-code"))
    person.types(SALESLOFT_MCP, "install", host, "--sandbox", "--yes")
    said = person.types(*(program if isinstance(program, tuple) else (program,)), *words[host], "Delete it.")
    assert "agreed on a page in the browser" in said
    assert clicked.read_text().splitlines() == ["Delete this external id mapping?", "Answered: Delete"]
    told = json.loads(person.types(SALESLOFT_MCP, "doctor", "--sandbox", "--json"))
    (entry,) = told["checks"]["hosts"]["data"]["hosts"][host]["entries"]
    asks, answer = SEEN[host]
    assert (entry["can_start"], entry["seen"]["asks"], entry["seen"]["answer"]) == (True, asks, answer)


def test_codex_lists_the_server_and_not_after_uninstall(codex: Path, person: Person, tmp_path: Path) -> None:
    file = tmp_path / ".codex" / "config.toml"
    before = file.read_bytes()
    person.types(SALESLOFT_MCP, "install", "codex", "--sandbox", "--yes")
    assert "salesloft" in person.types(codex, "mcp", "list")
    person.types(SALESLOFT_MCP, "uninstall", "codex", "--yes")
    assert file.read_bytes() == before
    assert "salesloft" not in person.types(codex, "mcp", "list")
