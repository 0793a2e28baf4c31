"""A scripted model on loopback: it calls one tool, once more when that is what it answers, and then says the answer.

It speaks three protocols with streaming, so that programs which need a model can be run without one: Anthropic's
Messages (https://docs.claude.com/en/api/messages-streaming), OpenAI's Responses
(https://platform.openai.com/docs/api-reference/responses-streaming) and Gemini's generateContent
(https://ai.google.dev/api/generate-content).
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Json = dict[str, Any]
Event = tuple[str, Json]

WAIT = "WaitForMcpServers"  # Claude Code offers it while servers start
MOST_WAITS = 30
AGAIN = "make the same call again"  # what a refusal says where a client has answered by itself
USAGE = {"input_tokens": 1, "output_tokens": 1, "total_tokens": 2}


class Model(ThreadingHTTPServer):
    """`seen` are the names of the tools that were offered, `requests` what was asked for."""

    daemon_threads = True

    def __init__(self, tool: str, arguments: Json) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.tool = tool
        self.arguments = arguments
        self.seen: set[str] = set()
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def called(self, names: list[str]) -> str:
        """The tool to call, as this program names it; "" where it is not offered."""
        self.seen.update(names)
        return next((name for name in names if name.endswith(self.tool)), "")


@contextmanager
def scripted(tool: str, **arguments: Any) -> Iterator[Model]:
    """A model that listens, and calls this tool once."""
    with Model(tool, arguments) as model:
        thread = threading.Thread(target=model.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield model
        finally:
            model.shutdown()
            thread.join()


def _text(content: Any) -> str:
    """The text of an answer of a tool, however it is packed."""
    if isinstance(content, list):
        return " ".join(_text(one.get("text", one) if isinstance(one, dict) else one) for one in content)
    return content if isinstance(content, str) else json.dumps(content)


def _once_more(answers: list[Any]) -> bool:
    """Whether the last answer of the tool, and that alone, says to call it again."""
    return [number for number, one in enumerate(answers) if AGAIN in _text(one)] == [len(answers) - 1]


def messages(model: Model, asked: Json) -> Iterator[Event]:
    """Anthropic's Messages."""
    turns = [one for turn in asked["messages"] if isinstance(turn["content"], list) for one in turn["content"]]
    names = [one["name"] for one in asked.get("tools", [])]
    tool = model.called(names)
    results = [one for one in turns if one.get("type") == "tool_result"]
    given: Json = model.arguments
    if WAIT in names and len(results) < MOST_WAITS:
        tool, results, given = WAIT, [], {}
    elif results and not any(one.get("name") == tool for one in turns):
        results = []  # those are of the waiting
    yield (
        "message_start",
        {
            "message": {
                "id": "msg_1",
                "type": "message",
                "role": "assistant",
                "model": asked["model"],
                "content": [],
                "stop_reason": None,
                "stop_sequence": None,
                "usage": USAGE,
            }
        },
    )
    if tool and (not results or _once_more([one["content"] for one in results])):
        block: Json = {"type": "tool_use", "id": f"toolu_{len(turns)}", "name": tool, "input": {}}
        delta: Json = {"type": "input_json_delta", "partial_json": json.dumps(given)}
    else:
        block = {"type": "text", "text": ""}
        delta = {"type": "text_delta", "text": _text(results[-1]["content"]) if results else "ok"}
    yield "content_block_start", {"index": 0, "content_block": block}
    yield "content_block_delta", {"index": 0, "delta": delta}
    yield "content_block_stop", {"index": 0}
    reason = "tool_use" if block["type"] == "tool_use" else "end_turn"
    yield "message_delta", {"delta": {"stop_reason": reason, "stop_sequence": None}, "usage": USAGE}
    yield "message_stop", {}


def responses(model: Model, asked: Json) -> Iterator[Event]:
    """OpenAI's Responses. Tools may be packed into a namespace."""
    results = [one for one in asked["input"] if one.get("type") == "function_call_output"]
    spaces = {one["name"]: one["tools"] for one in asked.get("tools", []) if one["type"] == "namespace"}
    names = [one["name"] for one in asked.get("tools", []) if one["type"] == "function"]
    names += [one["name"] for tools in spaces.values() for one in tools]
    tool = model.called(names)
    if tool and (not results or _once_more([one["output"] for one in results])):
        space = next((name for name, tools in spaces.items() if tool in [one["name"] for one in tools]), "")
        item: Json = {
            "type": "function_call",
            "id": "fc_1",
            "call_id": f"call_{len(results)}",
            "name": tool,
            "arguments": json.dumps(model.arguments),
            **({"namespace": space} if space else {}),
        }
    else:
        said = _text(results[-1]["output"]) if results else "ok"
        item = {
            "type": "message",
            "id": "msg_1",
            "role": "assistant",
            "content": [{"type": "output_text", "text": said, "annotations": []}],
        }
    whole = {"id": "resp_1", "object": "response", "model": asked["model"], "output": [item], "usage": USAGE}
    yield "response.created", {"response": {**whole, "status": "in_progress", "output": []}}
    yield "response.output_item.added", {"output_index": 0, "item": item}
    yield "response.output_item.done", {"output_index": 0, "item": {**item, "status": "completed"}}
    yield "response.completed", {"response": {**whole, "status": "completed"}}


def contents(model: Model, asked: Json) -> Iterator[Event]:
    """Gemini's generateContent."""
    parts = [part for turn in asked["contents"] for part in turn["parts"]]
    results = [part["functionResponse"]["response"] for part in parts if "functionResponse" in part]
    declared = [one for tool in asked.get("tools", []) for one in tool.get("functionDeclarations", [])]
    tool = model.called([one["name"] for one in declared])
    if tool and (not results or _once_more(results)):
        part: Json = {"functionCall": {"name": tool, "args": model.arguments}}
    else:
        part = {"text": _text(results[-1]) if results else "ok"}
    answer = {"role": "model", "parts": [part]}
    yield "", {"candidates": [{"index": 0, "content": answer, "finishReason": "STOP"}], "modelVersion": "scripted"}


class _Handler(BaseHTTPRequestHandler):
    """One request of a program."""

    server: Model

    def do_GET(self) -> None:
        """Lists of models, and whatever else is looked at."""
        self._answer(json.dumps({"data": [], "models": []}).encode(), "application/json")

    def do_POST(self) -> None:
        """A turn."""
        asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
        path = self.path.partition("?")[0]
        self.server.requests.append(path)
        if path.endswith("/count_tokens") or ":countTokens" in path:
            return self._answer(b'{"input_tokens": 1, "totalTokens": 1}', "application/json")
        speak = messages if path.endswith("/messages") else responses if path.endswith("/responses") else contents
        events = list(speak(self.server, asked))
        if asked.get("stream") or ":stream" in path:
            return self._answer(b"".join(map(_packed, events)), "text/event-stream")
        if speak is messages:
            started, begun, said = events[0][1]["message"], events[1][1]["content_block"], events[2][1]["delta"]
            whole = {**started, "content": [{**begun, **({"text": said["text"]} if "text" in said else {})}]}
            return self._answer(json.dumps({**whole, "stop_reason": "end_turn"}).encode(), "application/json")
        last = events[-1][1]
        return self._answer(json.dumps(last.get("response", last)).encode(), "application/json")

    def _answer(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


def _packed(event: Event) -> bytes:
    kind, data = event
    named = f"event: {kind}\n" if kind else ""
    return f"{named}data: {json.dumps({'type': kind, **data} if kind else data)}\n\n".encode()
