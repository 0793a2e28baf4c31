"""The MCP Inspector's command line, over both transports and in both protocol eras."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.hosting.program import HANG_SECONDS

pytestmark = pytest.mark.witness

TOOL_ERROR = 5  # the Inspector's exit code for a result with isError
RELIED_ON = {
    "get_connection",
    "resolve_external_ids",
    "list_external_id_configurations",
    "create_external_id_mapping",
}


class Seen(NamedTuple):
    code: int
    result: dict[str, Any]
    findings: list[Any]
    errors: str

    @property
    def structure(self) -> str:
        """The data of a tool's result; never its text, which may say less."""
        return json.dumps(self.result["structuredContent"])


Inspect = Callable[..., Seen]


@pytest.fixture(params=["stdio", "http"])
def target(request: pytest.FixtureRequest, server_command: list[str]) -> list[str]:
    if request.param == "stdio":
        return server_command
    return ["--transport", "http", "--server-url", request.getfixturevalue("http_server")]


@pytest.fixture(params=["modern", "legacy"])
def inspect(
    request: pytest.FixtureRequest,
    node_bin: Path,
    npm_package: Callable[[str], Path],
    target: list[str],
    environment: dict[str, str],
) -> Inspect:
    launcher = npm_package("@modelcontextprotocol/inspector") / "clients/launcher/build/index.js"
    patience = ["--connect-timeout", str(int(1_000 * HANG_SECONDS))]  # its own is 15 s
    start = [str(node_bin), str(launcher), "--cli", *target, "--protocol-era", request.param, *patience]

    def run(method: str, *options: str) -> Seen:
        command = [*start, "--format", "json", "--quiet", "--method", method, *options]
        done = subprocess.run(
            command, env=environment, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=HANG_SECONDS
        )
        said = json.loads(done.stdout) if done.stdout.strip() else {}
        return Seen(done.returncode, said.get("result", {}), said.get("schemaFindings", []), done.stderr)

    return run


def call(inspect: Inspect, tool: str, *options: str, **arguments: object) -> Seen:
    return inspect("tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments), *options)


def test_no_tool_schema_has_a_portability_finding(inspect: Inspect) -> None:
    seen = inspect("tools/list", "--strict")
    assert (seen.code, seen.findings) == (0, []), seen.errors
    assert {tool["name"] for tool in seen.result["tools"]} >= RELIED_ON
    assert all(tool["outputSchema"]["type"] == "object" for tool in seen.result["tools"])


def test_the_connection_names_itself_a_sandbox(inspect: Inspect) -> None:
    seen = call(inspect, "get_connection")
    assert seen.code == 0, seen.errors
    assert "sandbox" in seen.structure.lower()


def test_a_seeded_external_id_resolves_to_its_person(inspect: Inspect) -> None:
    seen = call(inspect, "resolve_external_ids", external_ids=["CONTACT3456"], external_type="crm_lead")
    assert seen.code == 0, seen.errors
    assert "578495206" in seen.structure


def test_the_configurations_can_be_listed(inspect: Inspect) -> None:
    seen = call(inspect, "list_external_id_configurations")
    assert seen.code == 0, seen.errors
    assert "crm_lead" in seen.structure


def test_a_mapping_without_an_external_id_is_a_tool_error(inspect: Inspect) -> None:
    seen = call(
        inspect,
        "create_external_id_mapping",
        external_type="crm_lead",
        object_type="person",
        external_id="",
        object_id=578495206,
    )
    assert seen.code == TOOL_ERROR, seen.errors
    assert seen.result["isError"] is True
    assert "external_id" in seen.result["content"][0]["text"]


def test_the_first_listed_resource_can_be_read(inspect: Inspect) -> None:
    listed = inspect("resources/list")
    assert listed.code == 0, listed.errors
    read = inspect("resources/read", "--uri", listed.result["resources"][0]["uri"])
    assert read.code == 0, read.errors
    assert read.result["contents"]


@pytest.mark.parametrize(
    ("method", "key"),
    [("prompts/list", "prompts"), ("resources/templates/list", "resourceTemplates")],
)
def test_what_is_offered_beside_tools_is_listed(inspect: Inspect, method: str, key: str) -> None:
    seen = inspect(method)
    assert seen.code == 0, seen.errors
    assert seen.result[key]


def test_sixty_calls_with_eight_in_flight_all_succeed(inspect: Inspect) -> None:
    load = ("--load", "--load-requests", "60", "--load-concurrency", "8")
    seen = call(inspect, "get_connection", *load)
    assert seen.code == 0, seen.errors
    assert (seen.result["ok"], seen.result["errorMessages"]) == (60, [])
