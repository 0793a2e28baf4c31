"""The conformance suite of the protocol's own authors, over HTTP, at both revisions we serve.

Every server scenario that the suite has for a revision is either run here or named with the reason it
cannot be: most of the others call tools, prompts and resources that only the suite's example server has.
"""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.hosting.program import HANG_SECONDS

pytestmark = pytest.mark.witness

OLD, NEW = "2025-11-25", "2026-07-28"

BOTH = (
    "completion-complete",
    "dns-rebinding-protection",
    "prompts-list",
    "resources-list",
    "server-sse-multiple-streams",
    "tools-list",
)
RUN = {
    OLD: (*BOTH, "ping", "server-initialize", "server-session-lifecycle"),
    NEW: (
        *BOTH,
        "caching",
        "http-header-validation",
        "input-required-result-unsupported-methods",
        "sep-2164-resource-not-found",
        "server-stateless",
    ),
}

# Checks inside a scenario that is run, which say nothing about a server without the suite's own tool.
NEEDS_A_TOOL_OF_THE_SUITE = {
    "server-stateless": {
        "sep-2575-server-rejects-undeclared-capability": "test_missing_capability",
        "sep-2575-missing-capability-http-400": "test_missing_capability",
        "sep-2575-http-server-no-independent-requests-on-stream": "test_streaming_elicitation",
        "sep-2575-server-no-log-without-loglevel": "test_logging_tool",
        "sep-2575-server-sends-prompts-list-changed-on-subscription": "test_trigger_prompt_change",
        "sep-2575-server-sends-tools-list-changed-on-subscription": "test_trigger_tool_change",
    }
}
# At 2026-07-28 the suite notes plain JSON answers instead of judging them: a stream is optional there.
OPTIONAL = {"server-sse-streams-functional"}

TOOL = "calls a test_* tool that only the suite's example server has"
NOTHING = "calls a test_* tool, and takes the refusal of an unknown tool for a pass or a warning"
RESOURCE = "reads a test:// resource that only the suite's example server has"
PROMPT = "gets a test_* prompt that only the suite's example server has"
NOT_RUN = {
    "elicitation-sep1034-defaults": TOOL,
    "elicitation-sep1330-enums": TOOL,
    "http-custom-header-server-validation": "needs a tool with an x-mcp-header parameter; we have none",
    "input-required-result-basic-elicitation": TOOL,
    "input-required-result-basic-list-roots": TOOL,
    "input-required-result-basic-sampling": TOOL,
    "input-required-result-capability-check": TOOL,
    "input-required-result-ignore-extra-params": NOTHING,
    "input-required-result-missing-input-response": NOTHING,
    "input-required-result-multi-round": TOOL,
    "input-required-result-multiple-input-requests": TOOL,
    "input-required-result-non-tool-request": PROMPT,
    "input-required-result-request-state": TOOL,
    "input-required-result-result-type": TOOL,
    "input-required-result-tampered-state": TOOL,
    "input-required-result-validate-input": NOTHING,
    "json-schema-2020-12": "looks for the tool json_schema_2020_12_tool of the suite's example server",
    "logging-set-level": "the server declares no logging capability, so the method is rightly unknown",
    "prompts-get-embedded-resource": PROMPT,
    "prompts-get-simple": PROMPT,
    "prompts-get-with-args": PROMPT,
    "prompts-get-with-image": PROMPT,
    "resources-read-binary": RESOURCE,
    "resources-read-text": RESOURCE,
    "resources-subscribe": RESOURCE,
    "resources-templates-read": RESOURCE,
    "resources-unsubscribe": RESOURCE,
    "server-sse-polling": TOOL,
    "tools-call-audio": TOOL,
    "tools-call-elicitation": TOOL,
    "tools-call-embedded-resource": TOOL,
    "tools-call-error": NOTHING,
    "tools-call-image": TOOL,
    "tools-call-mixed-content": TOOL,
    "tools-call-sampling": TOOL,
    "tools-call-simple-text": NOTHING,
    "tools-call-with-logging": TOOL,
    "tools-call-with-progress": TOOL,
}


class Check(NamedTuple):
    name: str
    status: str
    message: str


Suite = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def suite(node_bin: Path, npm_package: Callable[[str], Path], environment: dict[str, str]) -> Suite:
    program = npm_package("@modelcontextprotocol/conformance") / "dist/index.js"

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(node_bin), str(program), *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=HANG_SECONDS)

    return run


def verdicts(folder: Path) -> list[Check]:
    """What the suite wrote down. Its exit code alone is too kind: it is 0 with warnings."""
    (report,) = folder.glob("*/checks.json")
    checks = json.loads(report.read_text())
    return [Check(check["id"], check["status"], check.get("errorMessage", "")) for check in checks]


def falls_short(check: Check) -> bool:
    noted = check.name in OPTIONAL and check.status == "INFO"
    return check.status != "SUCCESS" and not noted


@pytest.mark.parametrize(("revision", "scenario"), [(when, name) for when in RUN for name in RUN[when]])
def test_the_server_passes_the_scenario(
    suite: Suite, http_server: str, tmp_path: Path, revision: str, scenario: str
) -> None:
    where = ("--url", http_server, "--output-dir", str(tmp_path))
    done = suite("server", *where, "--spec-version", revision, "--scenario", scenario)
    left_out = NEEDS_A_TOOL_OF_THE_SUITE.get(scenario, {})
    checks = verdicts(tmp_path)
    judged = [check for check in checks if check.name not in left_out]
    assert [check for check in judged if falls_short(check)] == [], done.stdout
    assert any(check.status == "SUCCESS" for check in judged), done.stdout
    assert left_out.keys() <= {check.name for check in checks}
    assert left_out or done.returncode == 0, done.stdout


def test_every_scenario_of_the_suite_is_run_or_has_a_reason(suite: Suite) -> None:
    left_out: set[str] = set()
    for revision, run in RUN.items():
        scenarios = scenarios_for(suite, revision)
        assert scenarios >= set(run)
        left_out |= scenarios - set(run)
    assert left_out == NOT_RUN.keys()


def scenarios_for(suite: Suite, revision: str) -> set[str]:
    listed = suite("list", "--server", "--spec-version", revision).stdout.splitlines()
    return {line.split()[1] for line in listed if line.startswith("  - ")}
