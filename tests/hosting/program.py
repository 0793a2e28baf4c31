"""The program as a user starts it, spoken to line by line, and an upstream that goes quiet on purpose."""

import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

Era = Literal["auto", "legacy"]
Ends = Literal["pipes", "sockets", "one socket"]
Json = dict[str, Any]

COMMAND = (sys.executable, "-m", "salesloft_mcp")
API_KEY = "ak-test-0123456789"
HANG_SECONDS = 120.0  # only against a test that would hang: nothing here depends on how fast the machine is
NO_KEYRING = "keyring.backends.null.Keyring"
PLACE = {
    "io.modelcontextprotocol/protocolVersion": "2026-07-28",
    "io.modelcontextprotocol/clientInfo": {"name": "test", "version": "1"},
    "io.modelcontextprotocol/clientCapabilities": {},
}
HELLO = {"protocolVersion": "2025-11-25", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}


def clean_environment(home: Path, **more: str) -> dict[str, str]:
    """Nothing of the developer's own: no settings, no credentials, no desktop, an empty home."""
    own = {"PATH": os.environ["PATH"], "HOME": str(home), "SSH_CONNECTION": "nobody sits here"}
    return {**own, "PYTHON_KEYRING_BACKEND": NO_KEYRING, **more}


def run(*arguments: str, env: Mapping[str, str], given: str = "") -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return subprocess.run(
        [*COMMAND, *arguments], env=env, input=given, capture_output=True, text=True, timeout=HANG_SECONDS
    )


class Program:
    """A running server, its two ends, and what it wrote so far."""

    def __init__(self, process: subprocess.Popen[bytes], to: int, back: int) -> None:
        self.process = process
        self.raw = b""  # everything that ever came out of standard output
        self._to = to
        self._from = back
        self._rest = b""
        self._era: Era = "legacy"

    def send(self, message: Json | bytes) -> None:
        """Write one line."""
        data = message if isinstance(message, bytes) else json.dumps(message).encode()
        left = memoryview(data + b"\n")
        while left:
            left = left[os.write(self._to, left) :]

    def receive(self) -> Json:
        """The next line."""
        deadline = time.monotonic() + HANG_SECONDS
        while b"\n" not in self._rest:
            ready, _, _ = select.select([self._from], [], [], max(0.0, deadline - time.monotonic()))
            chunk = os.read(self._from, 65_536) if ready else b""
            assert chunk, f"no line came, only {self._rest[:200]!r}"
            self._rest += chunk
            self.raw += chunk
        line, _, self._rest = self._rest.partition(b"\n")
        found: Json = json.loads(line)
        return found

    def shake_hands(self, era: Era) -> None:
        """Get to the point where requests are answered."""
        self._era = era
        if era == "legacy":
            self.ask(1, "initialize", HELLO)
            assert self.receive()["result"]["serverInfo"]["name"] == "salesloft_mcp"
            self.send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        else:
            self.ask(1, "server/discover", {})
            assert "2026-07-28" in self.receive()["result"]["supportedVersions"]

    def ask(self, number: int | str, method: str, params: Json) -> None:
        """Send a request of the era that was agreed on."""
        full = {**params, "_meta": PLACE} if self._era == "auto" else params
        self.send({"jsonrpc": "2.0", "id": number, "method": method, "params": full})

    def call(self, number: int | str, tool: str, **arguments: object) -> None:
        """Send a call of a tool."""
        self.ask(number, "tools/call", {"name": tool, "arguments": arguments})

    def close_input(self) -> None:
        """The host goes away."""
        os.close(self._to)
        self._to = -1

    def close_output(self) -> None:
        """The host reads no more."""
        os.close(self._from)
        self._from = -1

    def stop(self, how: signal.Signals | None) -> int:
        """Send a signal, or close standard input; the exit code."""
        if how is None:
            self.close_input()
        else:
            self.process.send_signal(how)
        return self.process.wait(HANG_SECONDS)

    def rest(self) -> list[Json]:
        """Every line that is still to come."""
        while chunk := os.read(self._from, 65_536):
            self._rest += chunk
            self.raw += chunk
        lines, self._rest = self._rest.splitlines(), b""
        return [json.loads(line) for line in lines]

    def end(self) -> None:
        """Leave nothing behind."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for end in {self._to, self._from} - {-1}:
            os.close(end)


@contextmanager
def started(command: list[str], env: Mapping[str, str], log: Path, *, ends: Ends = "pipes") -> Iterator[Program]:
    """The server over whatever hosts use. Its standard error goes to `log`."""
    given, to, back, taken = _opened(ends)
    with log.open("wb") as errors:
        process = subprocess.Popen(command, env=env, stdin=given, stdout=taken, stderr=errors)
    for end in {given, taken}:
        os.close(end)
    program = Program(process, to, back)
    try:
        yield program
    finally:
        program.end()


def _opened(ends: Ends) -> tuple[int, int, int, int]:
    """The server's input, our end of it, our end of its output, the server's output."""
    if ends == "pipes":
        back, taken = os.pipe()
        return *os.pipe(), back, taken
    given, to = (one.detach() for one in socket.socketpair())
    if ends == "one socket":
        return given, to, to, given
    back, taken = (one.detach() for one in socket.socketpair())
    return given, to, back, taken


class SilentUpstream:
    """Takes connections, answers GETs with an empty list, and anything else never."""

    def __init__(self, *, answers_reads: bool) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(HANG_SECONDS)
        self._answers_reads = answers_reads
        self._open: list[socket.socket] = []
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def wait_for_hanging_request(self) -> str:
        """Serve until a request hangs; its first line."""
        connection, _ = self._listener.accept()
        connection.settimeout(HANG_SECONDS)
        self._open.append(connection)
        while True:
            head = b""
            while b"\r\n\r\n" not in head:
                head += connection.recv(65_536)
            first = head.partition(b"\r\n")[0].decode()
            if not (self._answers_reads and first.startswith("GET")):
                return first
            connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 11\r\n\r\n")
            connection.sendall(b'{"data":[]}')

    def close(self) -> None:
        """Let go of everything."""
        for one in (*self._open, self._listener):
            one.close()


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def listening(arguments: list[str], port: int, env: Mapping[str, str], log: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that listens on `port`, ended at the end."""
    with log.open("w") as errors:
        process = subprocess.Popen(
            [*COMMAND, *arguments], env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors, text=True
        )
    try:
        _wait_until_it_listens(process, port, log)
        yield process
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def _wait_until_it_listens(process: subprocess.Popen[str], port: int, log: Path) -> None:
    deadline = time.monotonic() + HANG_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=HANG_SECONDS).close()
        except ConnectionRefusedError:
            select.select([], [], [], 0.02)
        else:
            return
    raise AssertionError(f"nothing listens on {port}:\n{log.read_text()}")
