"""`doctor` as a person types it, on a machine with nothing of the developer's, against a Salesloft in this process."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from salesloft_mcp.cli import cli
from salesloft_mcp.sandbox import Sandbox
from tests.signing_in import everything_in_process

Typed = Callable[..., Result]
Told = Callable[..., dict[str, Any]]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty home, and a state folder in it."""
    for name in ("XDG_CONFIG_HOME", "CODEX_HOME", "CLAUDE_CONFIG_DIR", "GEMINI_CLI_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SALESLOFT_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setattr("sys.platform", "linux")
    return tmp_path


@pytest.fixture
def live(monkeypatch: pytest.MonkeyPatch, home: Path, sandbox: Sandbox) -> Sandbox:
    """A Salesloft that is no sandbox for the command, and a key that it knows."""
    everything_in_process(monkeypatch, sandbox)
    monkeypatch.setenv("SALESLOFT_API_KEY", sandbox.api_key)
    return sandbox


@pytest.fixture
def typed(home: Path) -> Typed:
    def run(*words: str) -> Result:
        found = CliRunner().invoke(cli, ["doctor", *words], prog_name="salesloft-mcp")
        assert found.exception is None or isinstance(found.exception, SystemExit), found.exception
        return found

    return run


@pytest.fixture
def told(typed: Typed) -> Told:
    """What it tells programs."""

    def run(*words: str) -> dict[str, Any]:
        result = typed(*words, "--json")
        found: dict[str, Any] = json.loads(result.stdout)
        assert result.exit_code == (1 if found["wrong"] else 0)
        findings = [one for told_of in found["checks"].values() for one in told_of["findings"]]
        assert all(one["what"] and one["mend"] for one in findings)
        return found

    return run


def files_below(folder: Path) -> dict[str, tuple[int, int]]:
    """Every file and folder, with its mode and when it was changed."""
    return {str(one): (one.stat().st_mode, one.stat().st_mtime_ns) for one in sorted(folder.rglob("*"))}


def write(file: Path, text: str) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    return file


def program(folder: Path) -> str:
    """A command that can be started."""
    file = write(folder / "bin" / "salesloft-mcp", "#!/bin/sh\n")
    file.chmod(0o755)
    assert os.access(file, os.X_OK)
    return str(file)
