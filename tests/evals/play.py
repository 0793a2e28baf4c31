"""A task: its data, the sandbox and the person that it needs, and an assistant who works on it through a client."""

import tempfile
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import anyio
from mcp.client import Client
from mcp.client.session import ClientRequestContext
from mcp_types import CallToolResult, ElicitRequestParams, ElicitResult

from salesloft_mcp.app import open_app
from salesloft_mcp.policy import Mode
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import chosen
from salesloft_mcp.settings import Settings
from tests.evals.judge import Call, Expected, difference, judge, state_of
from tests.server.human import text

FILES = sorted(Path(__file__).parent.glob("tasks_*.toml"))
WORKING = ("planning", "running", "cancelling", "undoing")
HANG_SECONDS = 30.0
Step = tuple[str, dict[str, Any]]
Setup = Literal["full", "no-delete", "read-only", "no key"]


@dataclass(frozen=True)
class Task:
    """A request, the place where it is made, what must come of it, and calls that do it."""

    name: str
    request: str
    setup: Setup
    person: Literal["agrees", "declines", "absent"]
    earlier: tuple[Step, ...]
    expected: Expected
    solution: tuple[Step, ...]
    questions: int | None = None  # how many times the person may be asked, where that matters


def tasks() -> list[Task]:
    """All tasks of the files."""
    return [_task(row) for file in FILES for row in tomllib.loads(file.read_text(encoding="utf-8"))["task"]]


def _task(row: dict[str, Any]) -> Task:
    solution = tuple((tool, arguments) for tool, arguments in row["solution"])
    calls = row.get("calls", len(solution))
    lists = {name: tuple(row.get(name, ())) for name in ("allowed", "state", "facts")}
    return Task(
        row["name"],
        row["request"],
        row.get("setup", "full"),
        row.get("person", "agrees"),
        tuple((tool, arguments) for tool, arguments in row.get("earlier", ())),
        Expected(calls=calls, **lists),
        solution,
        row.get("questions"),
    )


@dataclass
class Assistant:
    """The client of an assistant, which remembers its calls and the last answer that had each name."""

    client: Client
    calls: list[Call] = field(default_factory=list)
    known: dict[str, Any] = field(default_factory=dict)
    said: list[str] = field(default_factory=list)

    async def call(self, tool: str, arguments: dict[str, Any]) -> CallToolResult:
        """Call a tool. Asking again how far the same run is counts as one call."""
        one = Call(tool, arguments)
        if tool != "get_plan" or self.calls[-1:] != [one]:
            self.calls.append(one)
        result = await self.client.call_tool(tool, arguments)
        self.known.update(result.structured_content or {})
        self.said.append(text(result))
        return result

    async def follow(self, steps: tuple[Step, ...]) -> str:
        """Make the calls of a solution, a run being waited for. All that was answered is the answer."""
        for tool, arguments in steps:
            filled = {name: self._filled(value) for name, value in arguments.items()}
            with anyio.fail_after(HANG_SECONDS):
                await self.call(tool, filled)
                while tool == "get_plan" and self.known.get("state") in WORKING:
                    await anyio.sleep(0.005)
                    await self.call(tool, filled)
        return "\n".join(self.said)

    def _filled(self, value: Any) -> Any:
        """A value like "$plan" is what an earlier answer had under that name."""
        return self.known[value[1:]] if isinstance(value, str) and value.startswith("$") else value


Player = Callable[[Assistant, Task], Awaitable[str]]


async def follow_solution(assistant: Assistant, task: Task) -> str:
    """The player who knows how it is done."""
    return await assistant.follow(task.solution)


@dataclass(frozen=True)
class Outcome:
    """What an assistant did, and what was wrong with it."""

    task: Task
    problems: list[str]
    calls: list[Call]
    changed: list[str]
    answer: str


async def play(task: Task, player: Player, most_calls: int = 0) -> Outcome:
    """Let a player do a task on a fresh sandbox, in at most `most_calls` calls where that is given."""
    asked: list[str] = []
    with Sandbox() as sandbox:
        async with _client(task, sandbox, asked) as client:
            await Assistant(client).follow(task.earlier)
            before, assistant = state_of(sandbox), Assistant(client)
            asked.clear()
            answer = await player(assistant, task)
            await _until_idle(client, assistant.known)
            after = state_of(sandbox)
    expected = task.expected
    if most_calls:
        expected = Expected(expected.allowed, most_calls, expected.state, expected.facts)
    problems = judge(expected, before, after, assistant.calls, answer)
    if task.questions not in (None, len(asked)):
        problems.append(f"{len(asked)} questions, {task.questions} expected")
    return Outcome(task, problems, assistant.calls, difference(before, after), answer)


async def _until_idle(client: Client, known: dict[str, Any]) -> None:
    """Wait for a run that the player has not waited for."""
    state = known.get("state")
    with anyio.fail_after(HANG_SECONDS):
        while state in WORKING:
            await anyio.sleep(0.005)
            result = await client.call_tool("get_plan", {"plan": known["plan"]})
            state = (result.structured_content or {}).get("state")


@asynccontextmanager
async def _client(task: Task, sandbox: Sandbox, asked: list[str]) -> AsyncIterator[Client]:
    async def person(context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        asked.append(params.message)
        if task.person == "declines":
            return ElicitResult(action="decline")
        return ElicitResult(action="accept", content=_agreement(params))

    mode: Mode = "full" if task.setup == "no key" else task.setup
    with tempfile.TemporaryDirectory(prefix="evals-") as folder:
        settings = Settings(state_dir=Path(folder), mode=mode)
        async with open_app(settings, None if task.setup == "no key" else sandbox) as app:
            callback = None if task.person == "absent" else person
            async with Client(build_server(app, chosen(mode)), elicitation_callback=callback) as client:
                yield client


def _agreement(params: ElicitRequestParams) -> dict[str, Any]:
    """A yes, or the name that the question wants to have typed: it stands in its line about the external type."""
    names = [line.partition(": ")[2].strip('"') for line in params.message.splitlines() if "external type:" in line]
    wanted = getattr(params, "requested_schema", {}).get("properties", {})
    return {name: names[0] if name == "type_the_name" else True for name in wanted}
