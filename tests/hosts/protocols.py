"""The protocols of models: what a program shows its model, and how the model's turn is sent back, whole or in pieces.

Anthropic's Messages (https://docs.claude.com/en/api/messages), OpenAI's Responses
(https://platform.openai.com/docs/api-reference/responses) and Chat Completions
(https://platform.openai.com/docs/api-reference/chat), and Gemini's generateContent
(https://ai.google.dev/api/generate-content).
"""

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
Event = tuple[str, Json]

USAGE = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}


@dataclass(frozen=True)
class Tool:
    """A tool, as a program shows it to its model."""

    name: str
    description: str
    schema: Json
    space: str = ""  # the namespace that it is packed into


@dataclass(frozen=True)
class Result:
    """What a tool answered, as a program shows it to its model."""

    tool: str
    shown: Any


@dataclass(frozen=True)
class Call:
    """A call of a tool, under the name that the program gives it."""

    tool: str
    arguments: Json
    space: str = ""


Turn = Call | str  # what a model does: it calls a tool, or says something


@dataclass(frozen=True)
class Protocol:
    """`tools` and `results` read a request; `whole` makes the answer to it, `events` the same in pieces."""

    tools: Callable[[Json], list[Tool]]
    results: Callable[[Json], list[Result]]
    whole: Callable[[Json, Turn], Json]
    events: Callable[[Json], Iterator[Event]]


def text(shown: Any) -> str:
    """The text of an answer of a tool, however it is packed."""
    if isinstance(shown, list):
        return " ".join(text(one.get("text", one) if isinstance(one, dict) else one) for one in shown)
    if isinstance(shown, dict) and len(shown) == 1:  # Gemini's {"output": …} and {"error": …}
        return text(*shown.values())
    return shown if isinstance(shown, str) else json.dumps(shown, ensure_ascii=False)


def _blocks(asked: Json) -> list[Json]:
    return [one for turn in asked["messages"] if isinstance(turn["content"], list) for one in turn["content"]]


def _messages_tools(asked: Json) -> list[Tool]:
    return [
        Tool(one["name"], one.get("description", ""), one.get("input_schema", {})) for one in asked.get("tools", [])
    ]


def _messages_results(asked: Json) -> list[Result]:
    blocks = _blocks(asked)
    names = {one["id"]: one["name"] for one in blocks if one.get("type") == "tool_use"}
    answers = [one for one in blocks if one.get("type") == "tool_result"]
    return [Result(names.get(one["tool_use_id"], ""), one.get("content", "")) for one in answers]


def _message(asked: Json, turn: Turn) -> Json:
    if isinstance(turn, Call):
        content = {
            "type": "tool_use",
            "id": f"toolu_{len(_blocks(asked))}",
            "name": turn.tool,
            "input": turn.arguments,
        }
    else:
        content = {"type": "text", "text": turn}
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": asked["model"],
        "content": [content],
        "stop_reason": "tool_use" if isinstance(turn, Call) else "end_turn",
        "stop_sequence": None,
        "usage": USAGE,
    }


def _message_events(whole: Json) -> Iterator[Event]:
    (content,) = whole["content"]
    if content["type"] == "tool_use":
        begun: Json = {**content, "input": {}}
        delta: Json = {"type": "input_json_delta", "partial_json": json.dumps(content["input"])}
    else:
        begun, delta = {**content, "text": ""}, {"type": "text_delta", "text": content["text"]}
    yield "message_start", {"message": {**whole, "content": [], "stop_reason": None}}
    yield "content_block_start", {"index": 0, "content_block": begun}
    yield "content_block_delta", {"index": 0, "delta": delta}
    yield "content_block_stop", {"index": 0}
    ended = {"stop_reason": whole["stop_reason"], "stop_sequence": None}
    yield "message_delta", {"delta": ended, "usage": USAGE}
    yield "message_stop", {}


def _responses_tools(asked: Json) -> list[Tool]:
    """They may be packed into namespaces."""
    given: list[Json] = asked.get("tools") or []
    spaces = [("", one) for one in given if one["type"] == "function"]
    spaces += [(space["name"], one) for space in given if space["type"] == "namespace" for one in space["tools"]]
    return [Tool(one["name"], one.get("description", ""), one.get("parameters", {}), space) for space, one in spaces]


def _responses_results(asked: Json) -> list[Result]:
    given = asked["input"] if isinstance(asked["input"], list) else []
    names = {one["call_id"]: one["name"] for one in given if one.get("type") == "function_call"}
    answers = [one for one in given if one.get("type") == "function_call_output"]
    return [Result(names.get(one["call_id"], ""), one["output"]) for one in answers]


def _response(asked: Json, turn: Turn) -> Json:
    if isinstance(turn, Call):
        item: Json = {
            "type": "function_call",
            "id": "fc_1",
            "call_id": f"call_{len(_responses_results(asked))}",
            "name": turn.tool,
            "arguments": json.dumps(turn.arguments),
            **({"namespace": turn.space} if turn.space else {}),
        }
    else:
        content = {"type": "output_text", "text": turn, "annotations": []}
        item = {"type": "message", "id": "msg_1", "role": "assistant", "content": [content]}
    details = {"input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0}}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 0,
        "status": "completed",
        "model": asked["model"],
        "output": [{**item, "status": "completed"}],
        "usage": {**USAGE, **details},
        "parallel_tool_calls": False,
        "tool_choice": "auto",
        "tools": [],
    }


def _response_events(whole: Json) -> Iterator[Event]:
    (item,) = whole["output"]
    yield "response.created", {"response": {**whole, "status": "in_progress", "output": []}}
    yield "response.output_item.added", {"output_index": 0, "item": {**item, "status": "in_progress"}}
    yield "response.output_item.done", {"output_index": 0, "item": item}
    yield "response.completed", {"response": whole}


def _chat_tools(asked: Json) -> list[Tool]:
    functions = [one["function"] for one in asked.get("tools") or []]
    return [Tool(one["name"], one.get("description", ""), one.get("parameters", {})) for one in functions]


def _chat_results(asked: Json) -> list[Result]:
    calls = [call for turn in asked["messages"] for call in turn.get("tool_calls") or []]
    names = {call["id"]: call["function"]["name"] for call in calls}
    answers = [turn for turn in asked["messages"] if turn["role"] == "tool"]
    return [Result(names.get(turn["tool_call_id"], ""), turn["content"]) for turn in answers]


def _completion(asked: Json, turn: Turn) -> Json:
    message: Json = {"role": "assistant", "content": None if isinstance(turn, Call) else turn}
    if isinstance(turn, Call):
        function = {"name": turn.tool, "arguments": json.dumps(turn.arguments)}
        call = {"id": f"call_{len(_chat_results(asked))}", "type": "function", "function": function}
        message["tool_calls"] = [call]
    reason = "tool_calls" if isinstance(turn, Call) else "stop"
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 0,
        "model": asked["model"],
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }


def _completion_events(whole: Json) -> Iterator[Event]:
    (choice,) = whole["choices"]
    message = choice["message"]
    calls = [{"index": number, **call} for number, call in enumerate(message.get("tool_calls", []))]
    delta = {**message, **({"tool_calls": calls} if calls else {})}
    same = {**whole, "object": "chat.completion.chunk", "usage": None}
    yield "", {**same, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]}
    ended = {"index": 0, "delta": {}, "finish_reason": choice["finish_reason"]}
    yield "", {**same, "choices": [ended], "usage": whole["usage"]}


def _gemini_tools(asked: Json) -> list[Tool]:
    declared = [one for tool in asked.get("tools", []) for one in tool.get("functionDeclarations", [])]
    schemas = [one.get("parametersJsonSchema") or one.get("parameters") or {} for one in declared]
    return [
        Tool(one["name"], one.get("description", ""), schema) for one, schema in zip(declared, schemas, strict=True)
    ]


def _gemini_results(asked: Json) -> list[Result]:
    parts = [part for turn in asked["contents"] for part in turn["parts"]]
    answers = [part["functionResponse"] for part in parts if "functionResponse" in part]
    return [Result(one["name"], one["response"]) for one in answers]


def _generated(asked: Json, turn: Turn) -> Json:
    del asked
    if isinstance(turn, Call):
        part: Json = {"functionCall": {"name": turn.tool, "args": turn.arguments}}
    else:
        part = {"text": turn}
    said = {"index": 0, "content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}
    return {"candidates": [said], "modelVersion": "scripted"}


MESSAGES = Protocol(_messages_tools, _messages_results, _message, _message_events)
RESPONSES = Protocol(_responses_tools, _responses_results, _response, _response_events)
COMPLETIONS = Protocol(_chat_tools, _chat_results, _completion, _completion_events)
GEMINI = Protocol(_gemini_tools, _gemini_results, _generated, lambda whole: iter([("", whole)]))


def spoken(path: str) -> Protocol:
    """The protocol of an address, without its query."""
    ends = {"/messages": MESSAGES, "/responses": RESPONSES, "/chat/completions": COMPLETIONS}
    return next((protocol for end, protocol in ends.items() if path.endswith(end)), GEMINI)
