"""A scripted model on loopback: it makes the calls of its script, one a turn, and then says what the last one answered.

It speaks the protocols of `protocols.py`, streamed and not, so that programs which need a model can be run without one.
Everything that it was shown is kept: a test reads there what a real model would have read.
"""

import json
import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.hosts.protocols import COMPLETIONS, Call, Event, Json, Protocol, Result, Tool, Turn, spoken, text

WAIT = "WaitForMcpServers"  # Claude Code offers it while servers start
SEARCH = "ToolSearch"  # and this one instead of most tools, of which it tells the names only
MOST_WAITS = 30
MOST_SEARCHES = 10
AGAIN = "make the same call again"  # what a refusal says where a client has answered by itself


@dataclass(frozen=True)
class Asked:
    """A request of a program: its path without the query, and its body."""

    path: str
    body: Json

    @property
    def protocol(self) -> Protocol:
        """What it speaks."""
        return spoken(self.path)


class Model(ThreadingHTTPServer):
    """`script` are the calls to make, with the names that tools have on the server. With `insists`, a call is made once
    more when its answer says so. `log` are the requests, in their order.
    """

    daemon_threads = True

    def __init__(self, script: Sequence[Call]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script = script
        self.insists = False
        self.log: list[Asked] = []

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def tools(self) -> dict[str, Tool]:
        """Every tool that it was offered, under the name that the program gives it."""
        return {tool.name: tool for asked in self.log for tool in asked.protocol.tools(asked.body)}

    @property
    def by_name(self) -> bool:
        """Whether a program told it the names of tools, and let it search for the rest."""
        return SEARCH in self.tools

    def unseen(self, names: Iterable[str]) -> list[str]:
        """Those of these tools that it never heard of."""
        heard = set(self.tools)
        if self.by_name:
            heard |= {word for asked in self.log for word in re.findall(r"mcp__\w+", text(asked.body["messages"]))}
        return [name for name in names if not any(one.endswith(name) for one in heard)]

    @property
    def told(self) -> list[str]:
        """What the tools of the script answered, in the order of the calls, as the program shows it to its model."""
        every = [self._answers(asked.protocol.results(asked.body)) for asked in self.log]
        return max(every, key=len, default=[])

    def turn(self, asked: Asked) -> Turn:
        """What to do next."""
        offered = asked.protocol.tools(asked.body)
        results = asked.protocol.results(asked.body)
        answers = self._answers(results)
        over = self._over(answers)
        if over < len(self.script):
            wanted = self.script[over]
            names = [tool.name for tool in offered]
            if WAIT in names and _count(results, WAIT) < MOST_WAITS:
                return Call(WAIT, {})
            for tool in offered:
                if tool.name.endswith(wanted.tool):
                    return Call(tool.name, wanted.arguments, tool.space)
            if SEARCH in names and _count(results, SEARCH) < MOST_SEARCHES:
                return Call(SEARCH, {"query": wanted.tool, "max_results": 1})
        return answers[-1] if answers else "ok"

    def _answers(self, results: list[Result]) -> list[str]:
        return [text(one.shown) for one in results if any(one.tool.endswith(call.tool) for call in self.script)]

    def _over(self, answers: list[str]) -> int:
        """How many calls of the script are done with."""
        over, repeated = 0, False
        for answer in answers:
            repeated = self.insists and not repeated and AGAIN in answer
            over += not repeated
        return over


def _count(results: list[Result], tool: str) -> int:
    return sum(one.tool == tool for one in results)


@contextmanager
def scripted(*script: Call) -> Iterator[Model]:
    """A model that listens, and makes these calls."""
    with Model(script) as model:
        thread = threading.Thread(target=model.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield model
        finally:
            model.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    """One request of a program."""

    server: Model

    def do_GET(self) -> None:
        """Lists of models, and whatever else is looked at."""
        self._answer(json.dumps({"data": [], "models": []}).encode(), "application/json")

    def do_POST(self) -> None:
        """A turn."""
        path = self.path.partition("?")[0]
        body: Json = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if path.endswith(("/count_tokens", ":countTokens")):
            return self._answer(b'{"input_tokens": 1, "totalTokens": 1}', "application/json")
        asked = Asked(path, body)
        self.server.log.append(asked)
        whole = asked.protocol.whole(body, self.server.turn(asked))
        if body.get("stream") or ":stream" in path:
            pieces = [*map(_packed, asked.protocol.events(whole))]
            if asked.protocol is COMPLETIONS:
                pieces.append(b"data: [DONE]\n\n")
            return self._answer(b"".join(pieces), "text/event-stream")
        return self._answer(json.dumps(whole).encode(), "application/json")

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
