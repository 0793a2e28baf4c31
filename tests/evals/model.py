"""A real model does the forty tasks: `python -m tests.evals.model --model NAME`, with its key in ANTHROPIC_API_KEY or
OPENAI_API_KEY. It works on a sandbox in this process; the requests to the model cost money.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple, Protocol

import anyio
import httpx
import stamina
from mcp_types import Tool

from tests.evals.play import Assistant, Outcome, Task, play, tasks
from tests.server.human import text

SECONDS = 120.0
LEEWAY = 3  # a model may make so many times the calls of the solution
MOST_TURNS = 30
ROLE = "You help people with Salesloft. Do what is asked with the tools, then answer in a few sentences with the facts."


class Wanted(NamedTuple):
    """A call that a model wants to be made."""

    id: str
    tool: str
    arguments: dict[str, Any]


class Answered(NamedTuple):
    """What came of it, in the words that a model gets."""

    id: str
    words: str
    failed: bool


class Talk(Protocol):
    """One conversation in the form of one provider."""

    path: str

    def headers(self, key: str) -> dict[str, str]:
        """What a request carries beside its body."""
        ...

    def body(self) -> dict[str, Any]:
        """The next request."""
        ...

    def read(self, answer: dict[str, Any]) -> tuple[str, list[Wanted]]:
        """The words of an answer, and the calls in it."""
        ...

    def tell(self, answers: Sequence[Answered]) -> None:
        """Add what the calls gave."""
        ...


class AnthropicTalk:
    """Anthropic's Messages (https://docs.claude.com/en/api/messages)."""

    path = "/v1/messages"

    def __init__(self, model: str, role: str, request: str, tools: Sequence[Tool]) -> None:
        named = [{"name": one.name, "description": one.description, "input_schema": one.input_schema} for one in tools]
        self._fixed = {"model": model, "max_tokens": 4096, "system": role, "tools": named}
        self._messages: list[dict[str, Any]] = [{"role": "user", "content": request}]

    def headers(self, key: str) -> dict[str, str]:
        return {"x-api-key": key, "anthropic-version": "2023-06-01"}

    def body(self) -> dict[str, Any]:
        return {**self._fixed, "messages": self._messages}

    def read(self, answer: dict[str, Any]) -> tuple[str, list[Wanted]]:
        blocks = answer["content"]
        self._messages.append({"role": "assistant", "content": blocks})
        said = "\n".join(one["text"] for one in blocks if one["type"] == "text")
        return said, [Wanted(one["id"], one["name"], one["input"]) for one in blocks if one["type"] == "tool_use"]

    def tell(self, answers: Sequence[Answered]) -> None:
        results = [
            {"type": "tool_result", "tool_use_id": one.id, "content": one.words, "is_error": one.failed}
            for one in answers
        ]
        self._messages.append({"role": "user", "content": results})


class OpenAITalk:
    """OpenAI's Chat Completions (https://platform.openai.com/docs/api-reference/chat)."""

    path = "/v1/chat/completions"

    def __init__(self, model: str, role: str, request: str, tools: Sequence[Tool]) -> None:
        functions = [
            {"name": one.name, "description": one.description, "parameters": one.input_schema} for one in tools
        ]
        self._fixed = {"model": model, "tools": [{"type": "function", "function": one} for one in functions]}
        self._messages: list[dict[str, Any]] = [
            {"role": "system", "content": role},
            {"role": "user", "content": request},
        ]

    def headers(self, key: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {key}"}

    def body(self) -> dict[str, Any]:
        return {**self._fixed, "messages": self._messages}

    def read(self, answer: dict[str, Any]) -> tuple[str, list[Wanted]]:
        message = answer["choices"][0]["message"]
        self._messages.append(message)
        calls = [(one["id"], one["function"]) for one in message.get("tool_calls") or ()]
        wanted = [Wanted(number, one["name"], json.loads(one["arguments"] or "{}")) for number, one in calls]
        return message.get("content") or "", wanted

    def tell(self, answers: Sequence[Answered]) -> None:
        self._messages.extend({"role": "tool", "tool_call_id": one.id, "content": one.words} for one in answers)


class Provider(NamedTuple):
    """Where a model is reached."""

    talk: type[AnthropicTalk] | type[OpenAITalk]
    variable: str
    url: str


PROVIDERS = {
    "anthropic": Provider(AnthropicTalk, "ANTHROPIC_API_KEY", "https://api.anthropic.com"),
    "openai": Provider(OpenAITalk, "OPENAI_API_KEY", "https://api.openai.com"),
}


def _again(error: Exception) -> bool:
    """Whether the same request may succeed a little later."""
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code == 429 or error.response.status_code >= 500
    return isinstance(error, httpx.TransportError)


class Model:
    """A model that does tasks as a player."""

    def __init__(self, http: httpx.AsyncClient, provider: Provider, model: str, key: str) -> None:
        self._http, self._provider, self._model, self._key = http, provider, model, key

    async def __call__(self, assistant: Assistant, task: Task) -> str:
        """Do the task; the answer is what the model said last."""
        tools = (await assistant.client.list_tools()).tools
        role = f"{ROLE}\n\n{assistant.client.instructions or ''}"
        talk: Talk = self._provider.talk(self._model, role, task.request, tools)
        said = ""
        for _ in range(MOST_TURNS):
            said, wanted = talk.read(await self._asked(talk))
            if not wanted:
                break
            talk.tell([await self._made(assistant, one) for one in wanted])
        return said

    async def _asked(self, talk: Talk) -> dict[str, Any]:
        async for attempt in stamina.retry_context(on=_again, attempts=5, timeout=SECONDS):
            with attempt:
                answer = await self._http.post(talk.path, headers=talk.headers(self._key), json=talk.body())
                answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found

    async def _made(self, assistant: Assistant, wanted: Wanted) -> Answered:
        result = await assistant.call(wanted.tool, wanted.arguments)
        return Answered(wanted.id, text(result), bool(result.is_error))


def line(outcome: Outcome) -> str:
    """A line of the table, and one below it for each problem."""
    told = "failed" if outcome.problems else "done"
    row = f"{outcome.task.name:24} {told:7} {len(outcome.calls):3} calls, {len(outcome.task.solution)} in the solution"
    return "\n".join([row, *(f"    {one}" for one in outcome.problems)])


async def evaluate(provider: Provider, model: str, key: str, url: str, chosen: Sequence[Task]) -> int:
    """Do these tasks one after another and print the table. How many were done."""
    done = 0
    async with httpx.AsyncClient(base_url=url, timeout=SECONDS) as http:
        for task in chosen:
            outcome = await play(task, Model(http, provider, model, key), LEEWAY * task.expected.calls)
            print(line(outcome), flush=True)
            done += not outcome.problems
    print(f"{done} of {len(chosen)} tasks done by {model}.")
    return done


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where all tasks were done, 1 where one was not, 2 where there is no key."""
    parser = argparse.ArgumentParser(prog="python -m tests.evals.model", description=__doc__)
    parser.add_argument("--model", required=True, help="the name that the provider has for it")
    parser.add_argument("--provider", choices=PROVIDERS, help="by itself, the one whose key is set")
    parser.add_argument("--base-url", help="another address that speaks as the provider does")
    parser.add_argument("--task", action="append", help="only the task with this name; may be repeated")
    given = parser.parse_args(arguments)
    named = [name for name in PROVIDERS if os.environ.get(PROVIDERS[name].variable)]
    provider = PROVIDERS.get(given.provider or (named[0] if named else ""))
    if provider is None or not os.environ.get(provider.variable):
        print("Set ANTHROPIC_API_KEY or OPENAI_API_KEY to the key of the model's provider.", file=sys.stderr)
        return 2
    chosen = [task for task in tasks() if not given.task or task.name in given.task]
    url, key = given.base_url or provider.url, os.environ[provider.variable]
    done = anyio.run(evaluate, provider, given.model, key, url, chosen)
    return 0 if chosen and done == len(chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
