"""What programs show their models of this server: the request that each sends to its model is read.

Four run here, the others by `python -m tests.witnesses.hosts`.
"""

from pathlib import Path
from typing import Any

import pytest

from tests.witnesses.conftest import HOME, Package, absent
from tests.witnesses.measured import RESOLVE, UNKNOWN, answers, faults, form, measure, shows
from tests.witnesses.programs import FROM_NPM, SALESLOFT_MCP, place

pytestmark = pytest.mark.witness

FORMS = {"Claude Code": "structured", "Codex": "structured", "Gemini CLI": "text", "opencode": "text"}


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the server says to a client of our own."""
    return answers(place(tmp_path_factory.mktemp("own")))


@pytest.mark.parametrize("title", FROM_NPM)
def test_a_model_sees_every_tool_and_reads_data_refusals_and_errors_whole(
    title: str, said: dict[str, Any], npm_package: Package, node_bin: Path, tmp_path: Path
) -> None:
    if not SALESLOFT_MCP.exists():
        absent(f"{SALESLOFT_MCP} is not installed")
    host, here = FROM_NPM[title], place(tmp_path)
    npm_package(host.package)
    here.environment["PATH"] = f"{node_bin.parent}:{here.environment['PATH']}"
    shown = measure(host, HOME / "node_modules", here)
    assert faults(shown, said) == []
    assert form(shown.resolved, said[RESOLVE.tool]) == FORMS[title]
    assert shows(shown.unknown, said[UNKNOWN.tool])
