"""What registries and hosts are told of this package agrees with the package."""

import json
import os
import re
import sys
import tomllib
from pathlib import Path
from typing import Any, get_args

import pytest

from salesloft_mcp import __version__
from salesloft_mcp.policy import Mode
from salesloft_mcp.settings import PREFIX, Settings, load
from tests.hosting.program import HELLO, clean_environment, started

ROOT = Path(__file__).parent.parent
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
MANIFEST: dict[str, Any] = json.loads((ROOT / "bundle" / "manifest.json").read_text(encoding="utf-8"))
SERVER: dict[str, Any] = json.loads((ROOT / "server.json").read_text(encoding="utf-8"))
PACKAGE = SERVER["packages"][0]


def test_every_version_is_the_same_exact_one() -> None:
    found = {__version__, PROJECT["version"], MANIFEST["version"], SERVER["version"], PACKAGE["version"]}
    assert found == {PROJECT["version"]}


def test_every_name_is_that_of_the_package() -> None:
    assert {MANIFEST["name"], PACKAGE["identifier"], SERVER["name"].split("/")[1]} == {PROJECT["name"]}


def test_the_readme_proves_that_the_registry_entry_is_ours() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert f"<!-- mcp-name: {SERVER['name']} -->" in readme


def test_descriptions_fit_and_say_that_it_is_independent() -> None:
    assert len(SERVER["description"]) <= 100
    assert "Independent of Salesloft" in SERVER["description"]
    assert "Independent of Salesloft" in MANIFEST["description"]


def test_the_variables_that_are_set_are_settings() -> None:
    named = {one["name"] for one in PACKAGE["environmentVariables"]}
    named |= set(MANIFEST["server"]["mcp_config"]["env"]) - {"BUNDLE_SANDBOX"}
    assert named <= {f"{PREFIX}{name.upper()}" for name in Settings.model_fields}
    (mode,) = [one for one in PACKAGE["environmentVariables"] if one["name"] == "SALESLOFT_MODE"]
    assert mode["choices"] == list(get_args(Mode))


def test_each_field_of_the_form_goes_somewhere_and_a_blank_one_is_unset(monkeypatch: pytest.MonkeyPatch) -> None:
    """Claude Desktop passes the place-holder itself where a field has neither value nor default."""
    form = MANIFEST["user_config"]
    for name, value in MANIFEST["server"]["mcp_config"]["env"].items():
        key = re.fullmatch(r"\$\{user_config\.(\w+)\}", value)
        assert key is not None
        assert "default" in form[key[1]]
        if name.startswith(PREFIX):
            assert form[key[1]]["default"] == ""
            monkeypatch.setenv(name, form[key[1]]["default"])
    monkeypatch.delenv("SALESLOFT_STATE_DIR", raising=False)
    settings = load()
    assert settings.api_key is None
    assert settings.mode == "full"


def test_the_key_is_sensitive() -> None:
    assert MANIFEST["user_config"]["api_key"]["sensitive"] is True
    (key,) = [one for one in PACKAGE["environmentVariables"] if one["name"] == "SALESLOFT_API_KEY"]
    assert key["isSecret"] is True


@pytest.mark.parametrize("sandbox", [True, False])
def test_the_switch_of_the_form_decides_about_the_sandbox(sandbox: bool, tmp_path: Path) -> None:
    environment = clean_environment(tmp_path, BUNDLE_SANDBOX=str(sandbox).lower(), PYTHONPATH=os.fspath(ROOT))
    command = [sys.executable, str(ROOT / "bundle" / "start.py")]
    with started(command, environment, tmp_path / "log") as program:
        program.ask(1, "initialize", HELLO)
        said = program.receive()["result"]["instructions"]
    assert f"Connected to: {'SANDBOX' if sandbox else 'LIVE'}" in said
