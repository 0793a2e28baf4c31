"""Programs that use a model and MCP servers, set up so that they talk to a scripted model and need no account.

What each gets in its environment and its files is there so that nothing leaves this machine, and that a slow machine
counts for nothing; all else is as it comes. The four that people talk to come from npm, and `salesloft-mcp install`
writes their entry where it knows them; the four frameworks come from PyPI (the dependency groups of their names in
pyproject.toml), and are used as their documentation says (`frameworks/`).
"""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.hosting.program import HANG_SECONDS, clean_environment

SALESLOFT_MCP = Path(sys.executable).with_name("salesloft-mcp")
SERVE = (str(SALESLOFT_MCP), "serve", "--sandbox")
SCRIPTS = Path(__file__).with_name("frameworks")
Words = tuple[str | Path, ...]


class AbsentError(Exception):
    """A program is not installed, or not for this platform."""


@dataclass(frozen=True)
class Place:
    """A home where nobody was before, a folder to work in, and the environment that programs get."""

    home: Path
    folder: Path
    environment: dict[str, str]

    def run(self, *words: str | Path, given: str = "") -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            words,
            env=self.environment,
            cwd=self.folder,
            input=given,
            capture_output=True,
            text=True,
            timeout=HANG_SECONDS,
            check=False,
        )


Start = Callable[[Place, str, Path], Words]


def place(home: Path) -> Place:
    """An empty home."""
    folder = home / "work"
    folder.mkdir()
    return Place(home, folder, clean_environment(home))


def claude_code(here: Place, model: str, installed: Path) -> Words:
    """Claude Code searches for tools here, as it does by itself."""
    here.environment.update(
        ANTHROPIC_BASE_URL=model,
        ANTHROPIC_API_KEY="none",
        CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC="1",
        DISABLE_AUTOUPDATER="1",
        MCP_TIMEOUT=str(int(1_000 * HANG_SECONDS)),  # its own is 30 s
    )
    return (_first(installed, "@anthropic-ai/claude-code-linux-*/claude", "@anthropic-ai/claude-code-darwin-*/claude"),)


def codex(here: Place, model: str, installed: Path) -> Words:
    """Codex, with a configuration that somebody has already."""
    (here.home / ".codex").mkdir()
    (here.home / ".codex" / "config.toml").write_text(
        'model = "scripted" # not a real one\nmodel_provider = "here"\n\n[model_providers.here]\nname = "here"\n'
        f'base_url = "{model}/v1"\nwire_api = "responses"\n'
    )
    return (_first(installed, "@openai/codex-linux-*/vendor/*/bin/codex", "@openai/codex-darwin-*/vendor/*/bin/codex"),)


def gemini_cli(here: Place, model: str, installed: Path) -> Words:
    """Gemini CLI, with a way to sign in that somebody has chosen already."""
    settings = {"security": {"auth": {"selectedType": "gemini-api-key"}}, "privacy": {"usageStatisticsEnabled": False}}
    (here.home / ".gemini").mkdir()
    (here.home / ".gemini" / "settings.json").write_text(json.dumps(settings))
    here.environment.update(GEMINI_API_KEY="none", GOOGLE_GEMINI_BASE_URL=model, GEMINI_CLI_TRUST_WORKSPACE="true")
    return "node", _first(installed, "@google/gemini-cli/bundle/gemini.js")


def opencode(here: Place, model: str, installed: Path) -> Words:
    """opencode, with the block of docs/hosts.md."""
    folder = here.home / ".config" / "opencode"
    folder.mkdir(parents=True)
    provider = {
        "npm": "@ai-sdk/openai-compatible",
        "options": {"baseURL": f"{model}/v1", "apiKey": "none"},
        "models": {"scripted": {}},
    }
    settings = {
        "model": "here/scripted",
        "small_model": "here/scripted",
        "autoupdate": False,
        "share": "disabled",
        "provider": {"here": provider},
        "mcp": {"salesloft": {"type": "local", "command": SERVE}},
    }
    (folder / "opencode.json").write_text(json.dumps(settings))
    here.environment.update(OPENCODE_DISABLE_MODELS_FETCH="1", OPENCODE_DISABLE_LSP_DOWNLOAD="1")
    return (_first(installed, "opencode-linux-*/bin/opencode", "opencode-darwin-*/bin/opencode"),)


def _first(installed: Path, *places: str) -> Path:
    """The program of this platform, which npm puts beside the package."""
    found = [file for one in places for file in sorted(installed.glob(one))]
    if not found:
        raise AbsentError(f"no file is at {' or '.join(places)} in {installed}")
    return found[0]


def _framework(script: str) -> Start:
    """A framework, by a script that uses it."""

    def start(here: Place, model: str, installed: Path) -> Words:
        here.environment.update(MCP_USE_ANONYMIZED_TELEMETRY="false", LANGSMITH_TRACING="false")
        return installed, SCRIPTS / script, model

    return start


@dataclass(frozen=True)
class Host:
    """A program: its package, how it is set up, and what is typed before and after a question.

    `start` sets it up for a model at an address, and gives what to type first; it takes the folder of the npm packages,
    or for a framework its Python. `install` is how `salesloft-mcp install` calls it, empty where it does not know it.
    """

    package: str
    start: Start
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    install: str = ""


FROM_NPM = {
    "Claude Code": Host(
        "@anthropic-ai/claude-code", claude_code, ("--allowedTools", "mcp__salesloft", "-p"), install="claude-code"
    ),
    "Codex": Host(
        "@openai/codex",
        codex,
        (
            *("-c", f"mcp_servers.salesloft.startup_timeout_sec={HANG_SECONDS:.0f}"),  # 30 s stand in the entry
            *("exec", "--skip-git-repo-check", "--dangerously-bypass-approvals-and-sandbox"),
        ),
        install="codex",
    ),
    "Gemini CLI": Host(
        "@google/gemini-cli", gemini_cli, ("--model", "gemini-2.5-pro", "--yolo", "--prompt"), install="gemini"
    ),
    "opencode": Host("opencode-ai", opencode, ("run",)),
}
FROM_PYPI = {
    "openai-agents": Host("openai-agents", _framework("openai_agents.py"), after=SERVE),
    "langchain-mcp-adapters": Host("langchain-mcp-adapters", _framework("langchain_adapters.py"), after=SERVE),
    "pydantic-ai": Host("pydantic-ai-slim", _framework("pydantic_ai_agent.py"), after=SERVE),
    "mcp-use": Host("mcp-use", _framework("mcp_use_agent.py"), after=SERVE),
}
HOSTS = FROM_NPM | FROM_PYPI
