"""Programs that start this server, installed without an account: each finds it after `install`, and uses it.

The model that they talk to is scripted. Only what a person types and clicks is counted; what surrounds it is there so
that nothing leaves this machine.
"""

import json
import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from salesloft_mcp.sandbox.sandbox import API_KEY
from salesloft_mcp.server.inventory import NAMES
from tests.hosting.program import free_port, listening
from tests.hosts.model import Model, scripted
from tests.witnesses import programs
from tests.witnesses.conftest import HOME, Package, absent
from tests.witnesses.measured import DELETE, OBJECT_ID, QUESTION, RESOLVE
from tests.witnesses.programs import SALESLOFT_MCP, Place, Words, claude_code, gemini_cli, place

pytestmark = pytest.mark.witness

MODULES = HOME / "node_modules"
CLICKER = Path(__file__).parent.parent / "hosts" / "clicker.py"
# What each declares here, where nobody sits at it, and answers by itself.
SEEN: dict[str, tuple[list[str], str | None]] = {
    "claude-code": (["form", "url"], "cancel"),
    "codex": (["form", "url"], "decline"),
    "gemini": ([], None),
}
MOST_COMMANDS, MOST_CLICKS = 2, 1


@pytest.fixture
def model() -> Iterator[Model]:
    with scripted(RESOLVE) as one:
        yield one


@dataclass
class Person:
    """Types commands and clicks, in a home of their own; both are counted."""

    here: Place
    commands: list[str] = field(default_factory=list)
    clicks: int = 0

    def types(self, *words: str | Path, click: str = "") -> str:
        """What a command prints; it has to succeed."""
        self.commands.append(" ".join(map(str, words)))
        self.clicks += bool(click)
        done = self.here.run(*words, given=click)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        return done.stdout + done.stderr


@pytest.fixture
def person(tmp_path: Path) -> Person:
    if not SALESLOFT_MCP.exists():
        absent(f"{SALESLOFT_MCP} is not installed")
    return Person(place(tmp_path))


@pytest.fixture
def gemini(npm_package: Package, node_bin: Path, person: Person, model: Model) -> Words:
    npm_package("@google/gemini-cli")
    _, script = gemini_cli(person.here, model.url, MODULES)
    return node_bin, script


@pytest.fixture
def claude(npm_package: Package, person: Person, model: Model) -> Words:
    npm_package("@anthropic-ai/claude-code")
    return claude_code(person.here, model.url, MODULES)


@pytest.fixture
def codex(npm_package: Package, person: Person, model: Model) -> Words:
    npm_package("@openai/codex")
    return programs.codex(person.here, model.url, MODULES)


def test_claude_code_answers_after_two_commands_and_one_click(claude: Words, person: Person, model: Model) -> None:
    person.types(SALESLOFT_MCP, "install", "claude-code", "--sandbox", click="y\n")
    said = person.types(*claude, "-p", QUESTION, "--allowedTools", f"mcp__salesloft__{RESOLVE.tool}")
    assert OBJECT_ID in said
    assert model.unseen(NAMES) == []
    assert len(person.commands) <= MOST_COMMANDS
    assert person.clicks <= MOST_CLICKS


def test_codex_answers_after_two_commands_and_one_click(codex: Words, person: Person, model: Model) -> None:
    person.types(SALESLOFT_MCP, "install", "codex", "--sandbox", click="y\n")
    said = person.types(*codex, "exec", "--skip-git-repo-check", QUESTION)
    assert OBJECT_ID in said
    assert model.unseen(NAMES) == []
    assert len(person.commands) <= MOST_COMMANDS
    assert person.clicks <= MOST_CLICKS


@pytest.mark.parametrize("host", ["codex", "claude-code"])
def test_a_host_hands_on_the_key_of_its_environment_which_stands_in_no_file(
    host: str, request: pytest.FixtureRequest, person: Person, model: Model, tmp_path: Path
) -> None:
    program = request.getfixturevalue("codex" if host == "codex" else "claude")
    words = (
        ("exec", "--skip-git-repo-check")
        if host == "codex"
        else ("--allowedTools", f"mcp__salesloft__{RESOLVE.tool}", "-p")
    )
    port = free_port()
    with listening(["sandbox", "--port", str(port)], port, person.here.environment, tmp_path / "sandbox.log"):
        person.here.environment["SALESLOFT_API_KEY"] = API_KEY
        person.types(SALESLOFT_MCP, "install", host, "--base-url", f"http://127.0.0.1:{port}", "--yes")
        assert OBJECT_ID in person.types(*program, *words, QUESTION)
    files = [file for file in tmp_path.rglob("*") if file.suffix in (".json", ".toml", ".bak")]
    assert not [file for file in files if API_KEY in file.read_text()]


def test_claude_code_lists_the_server_as_connected_and_not_after_uninstall(claude: Words, person: Person) -> None:
    person.types(SALESLOFT_MCP, "install", "claude-code", "--sandbox", "--yes")
    listed = person.types(*claude, "mcp", "list")
    assert "salesloft" in listed
    assert "Connected" in listed
    person.types(SALESLOFT_MCP, "uninstall", "claude-code", "--yes")
    assert "salesloft" not in person.types(*claude, "mcp", "list")


def test_gemini_lists_the_server_and_not_after_uninstall(gemini: Words, person: Person) -> None:
    person.types(SALESLOFT_MCP, "install", "gemini", "--sandbox", "--yes")
    assert "salesloft" in person.types(*gemini, "mcp", "list")  # it waits 5 seconds for it to be connected
    person.types(SALESLOFT_MCP, "uninstall", "gemini", "--yes")
    assert "salesloft" not in person.types(*gemini, "mcp", "list")


@pytest.mark.parametrize("host", ["claude-code", "codex", "gemini"])
def test_a_person_deletes_with_one_click_on_the_page(
    host: str, request: pytest.FixtureRequest, chromium: str, person: Person, model: Model, tmp_path: Path
) -> None:
    """None of these asks its person here: two answer by themselves, and one says that it cannot ask."""
    model.script, model.insists = [DELETE], True
    clicked = tmp_path / "clicked"
    del person.here.environment["SSH_CONNECTION"]
    browser = shlex.join([sys.executable, str(CLICKER), chromium, "Delete", str(clicked)])
    person.here.environment.update({"DISPLAY": ":0", "BROWSER": f"{browser} %s"})
    words: dict[str, tuple[str | Path, ...]] = {
        "claude-code": ("--allowedTools", f"mcp__salesloft__{DELETE.tool}", "-p"),
        "codex": ("exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox"),
        "gemini": ("--model", "gemini-2.5-pro", "--yolo", "--prompt"),
    }
    program = request.getfixturevalue(host.removesuffix("-code"))
    person.types(SALESLOFT_MCP, "install", host, "--sandbox", "--yes")
    said = person.types(*program, *words[host], "Delete it.")
    assert "agreed on a page in the browser" in said
    assert clicked.read_text().splitlines() == ["Delete this external id mapping?", "Answered: Delete"]
    told = json.loads(person.types(SALESLOFT_MCP, "doctor", "--sandbox", "--json"))
    (entry,) = told["checks"]["hosts"]["data"]["hosts"][host]["entries"]
    asks, answer = SEEN[host]
    assert (entry["can_start"], entry["seen"]["asks"], entry["seen"]["answer"]) == (True, asks, answer)


def test_codex_lists_the_server_and_not_after_uninstall(codex: Words, person: Person, tmp_path: Path) -> None:
    file = tmp_path / ".codex" / "config.toml"
    before = file.read_bytes()
    person.types(SALESLOFT_MCP, "install", "codex", "--sandbox", "--yes")
    assert "salesloft" in person.types(*codex, "mcp", "list")
    person.types(SALESLOFT_MCP, "uninstall", "codex", "--yes")
    assert file.read_bytes() == before
    assert "salesloft" not in person.types(*codex, "mcp", "list")
