"""A model over HTTP does a task, in the form of each provider; here the model is a script on loopback."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.evals.model import PROVIDERS, main

KEY: dict[str, Any] = {"external_type": "crm_lead", "external_ids": ["CONTACT1003"]}
Script = list[tuple[str, dict[str, Any]] | str]


def as_anthropic(said: tuple[str, dict[str, Any]] | str) -> dict[str, Any]:
    if isinstance(said, str):
        return {"content": [{"type": "text", "text": said}]}
    return {"content": [{"type": "tool_use", "id": "1", "name": said[0], "input": said[1]}]}


def as_openai(said: tuple[str, dict[str, Any]] | str) -> dict[str, Any]:
    if isinstance(said, str):
        return {"choices": [{"message": {"role": "assistant", "content": said}}]}
    call = {"id": "1", "type": "function", "function": {"name": said[0], "arguments": json.dumps(said[1])}}
    return {"choices": [{"message": {"role": "assistant", "content": None, "tool_calls": [call]}}]}


FORMS = {"anthropic": as_anthropic, "openai": as_openai}


@contextmanager
def model(provider: str, script: Script) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The address of a model that says these things one after another, and what it was asked."""
    asked: list[dict[str, Any]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            body = json.dumps(FORMS[provider](script[len(asked) - 1])).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", asked
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_model_reads_the_tools_makes_a_call_and_is_judged_by_what_it_says(
    provider: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(PROVIDERS[provider].variable, "not-a-key")
    script: Script = [("resolve_external_ids", KEY), "It is Elena Castillo."]
    with model(provider, script) as (url, asked):
        code = main(["--model", "scripted", "--provider", provider, "--base-url", url, "--task", "who"])
    assert code == 0, capsys.readouterr().out
    assert "1 of 1 tasks done by scripted." in capsys.readouterr().out
    assert "delete_external_id_mapping" in json.dumps(asked[0]["tools"])
    assert "Elena Castillo" in json.dumps(asked[1]["messages"][-1])


def test_a_model_that_says_something_else_has_not_done_the_task(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "not-a-key")
    with model("openai", ["I cannot know."]) as (url, _):
        assert main(["--model", "scripted", "--provider", "openai", "--base-url", url, "--task", "who"]) == 1
    assert "not in the answer: Elena Castillo" in capsys.readouterr().out


def test_without_a_key_nothing_is_done(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for provider in PROVIDERS.values():
        monkeypatch.delenv(provider.variable, raising=False)
    assert main(["--model", "any"]) == 2
    assert "ANTHROPIC_API_KEY" in capsys.readouterr().err
