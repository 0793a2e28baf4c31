"""The bundle and the registry entry, checked and packed by tools that others wrote."""

import importlib.util
import json
import sys
import zipfile
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import pytest

from tests.hosting.program import HELLO, clean_environment, started
from tests.witnesses.conftest import absent

pytestmark = pytest.mark.witness

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture
def bundle(npm_package: Callable[[str], Path], node_bin: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The bundle as the official tool packs it, after it has accepted the manifest."""
    npm_package("@anthropic-ai/mcpb")
    monkeypatch.syspath_prepend(str(ROOT / "bundle"))
    import build  # type: ignore[import-not-found]

    packed = tmp_path / "salesloft-mcp.mcpb"
    build.build(packed, str(node_bin))
    return packed


def test_the_bundle_holds_the_server_and_starts_it(bundle: Path, tmp_path: Path) -> None:
    unpacked = tmp_path / "unpacked"
    with zipfile.ZipFile(bundle) as file:
        file.extractall(unpacked)
    tops = {path.name for path in unpacked.iterdir()}
    assert {"manifest.json", "start.py", "pyproject.toml", "salesloft_mcp", "prompts"} <= tops
    assert not [path for path in unpacked.rglob("*") if path.name in ("__pycache__", "tests", ".venv")]
    left_as_they_are = {"SALESLOFT_API_KEY": "${user_config.api_key}", "SALESLOFT_MODE": "${user_config.mode}"}
    environment = clean_environment(tmp_path, BUNDLE_SANDBOX="true", PYTHONPATH=str(unpacked), **left_as_they_are)
    with started([sys.executable, str(unpacked / "start.py")], environment, tmp_path / "log") as program:
        program.ask(1, "initialize", HELLO)
        assert "Connected to: SANDBOX" in program.receive()["result"]["instructions"]


def test_the_registry_entry_is_of_its_schema() -> None:
    """The schema of https://static.modelcontextprotocol.io, as the linter skillsaw brings it."""
    if importlib.util.find_spec("skillsaw") is None:
        absent("skillsaw is not installed")
    import jsonschema  # type: ignore[import-untyped]

    schemas = resources.files("skillsaw") / "schemas" / "mcp_registry"
    schema = json.loads((schemas / "v2025_12_11" / "server.schema.json").read_text(encoding="utf-8"))
    entry = json.loads((ROOT / "server.json").read_text(encoding="utf-8"))
    assert entry["$schema"] == schema["$id"]
    jsonschema.validate(entry, schema)
