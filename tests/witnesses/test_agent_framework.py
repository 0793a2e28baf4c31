"""An agent of the OpenAI Agents SDK, with its own scripted model: a real run without a key."""

import asyncio
import json
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from tests.hosting.program import HANG_SECONDS

if TYPE_CHECKING:
    from agents.mcp import MCPServerStdio, MCPServerStreamableHttp
    from agents.testing import ScriptedModel

pytestmark = [pytest.mark.witness, pytest.mark.usefixtures("agent_framework")]

Call = tuple[str, dict[str, object]]
GET_CONNECTION: Call = ("get_connection", {})
RESOLVE: Call = (
    "resolve_external_ids",
    {"external_ids": ["CONTACT3456"], "external_type": "crm_lead", "object_type": ""},
)
CREATE_WITHOUT_ID: Call = (
    "create_external_id_mapping",
    {"external_type": "crm_lead", "object_type": "person", "external_id": "", "object_id": 578495206},
)
Connect = Callable[[], "MCPServerStdio | MCPServerStreamableHttp"]


@pytest.fixture(params=["stdio", "http"])
def connect(
    request: pytest.FixtureRequest,
    server_command: list[str],
    environment: dict[str, str],
) -> Connect:
    if request.param == "stdio":
        return lambda: over_stdio(server_command, environment)
    url = request.getfixturevalue("http_server")
    return lambda: over_http(url)


def over_stdio(command: list[str], environment: dict[str, str]) -> "MCPServerStdio":
    from agents.mcp import MCPServerStdio

    return MCPServerStdio(
        {"command": command[0], "args": command[1:], "env": environment},
        use_structured_content=True,
        client_session_timeout_seconds=HANG_SECONDS,
    )


def over_http(url: str) -> "MCPServerStreamableHttp":
    from agents.mcp import MCPServerStreamableHttp

    return MCPServerStreamableHttp(
        {"url": url},
        use_structured_content=True,
        client_session_timeout_seconds=HANG_SECONDS,
    )


def script(*calls: Call) -> "ScriptedModel":
    """A model that makes these calls, one a turn, and then says it is done."""
    from agents.testing import ScriptedModel, assistant_message, function_call

    turns = [[function_call(name, given, call_id=f"call-{n}")] for n, (name, given) in enumerate(calls)]
    return ScriptedModel([*turns, [assistant_message("done")]])


async def converse(connect: Connect, model: "ScriptedModel") -> None:
    from agents import Agent, RunConfig, Runner

    async with connect() as server:
        agent = Agent(
            name="witness",
            model=model,
            mcp_servers=[server],
            mcp_config={"convert_schemas_to_strict": True},
        )
        run = await Runner.run(agent, "Who is CONTACT3456?", run_config=RunConfig(tracing_disabled=True))
    model.assert_complete()
    assert run.final_output == "done"


def told(model: "ScriptedModel") -> list[Any]:
    """What the tools answered, as the model got to read it."""
    last = model.calls[-1].input
    return [item["output"] for item in last if item.get("type") == "function_call_output"]


def test_an_agent_gets_from_the_question_to_the_person(connect: Connect) -> None:
    model = script(GET_CONNECTION, RESOLVE)
    asyncio.run(converse(connect, model))
    connection, resolved = told(model)
    assert "sandbox" in connection.lower()
    assert "578495206" in json.dumps(json.loads(resolved))


def test_a_refused_write_is_told_to_the_model_and_the_run_goes_on(connect: Connect) -> None:
    model = script(CREATE_WITHOUT_ID, RESOLVE)
    asyncio.run(converse(connect, model))
    refused, resolved = told(model)
    assert "external_id" in json.dumps(refused)
    assert "578495206" in resolved


def test_the_tools_we_rely_on_fit_the_strict_schemas_of_openai(connect: Connect) -> None:
    model = script()
    asyncio.run(converse(connect, model))
    strict = {tool.name for tool in model.calls[0].tools if getattr(tool, "strict_json_schema", False)}
    assert strict >= {name for name, _ in (GET_CONNECTION, RESOLVE, CREATE_WITHOUT_ID)}
