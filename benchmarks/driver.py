"""A client of the benchmark's own: JSON lines over two pipes, so that what is measured is the server.

It speaks 2025-11-25, which every contestant does.
"""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Any

LONGEST_SECONDS = 120.0  # then a contestant hangs, and is ended
_HELLO = {
    "protocolVersion": "2025-11-25",
    "capabilities": {},
    "clientInfo": {"name": "benchmark", "version": "1"},
}


def environment(**more: str) -> dict[str, str]:
    """This process's environment without a developer's settings, and with bytecode written and read."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "SALESLOFT_"))}
    return kept | more


class Server:
    """A contestant, running. Time counts from the moment its process is asked for."""

    def __init__(self, command: list[str], env: dict[str, str]) -> None:
        self._command = command
        self._last_id = 0
        self.started = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, *command],
            env=env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._hanging = threading.Timer(LONGEST_SECONDS, self._process.kill)
        self._hanging.start()

    def __enter__(self) -> "Server":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._hanging.cancel()
        self._process.kill()
        self._process.communicate()

    def open(self) -> dict[str, Any]:
        """Shake hands and ask for the tools; the result of tools/list."""
        self.ask("initialize", _HELLO)
        self._send({"jsonrpc": "2.0", "method": "notifications/initialized"})
        return self.ask("tools/list", {})

    def call(self, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        """One tool call that has to succeed; its result."""
        result = self.ask("tools/call", {"name": tool, "arguments": arguments})
        if result.get("isError"):
            raise RuntimeError(f"{tool} failed: {json.dumps(result)[:500]}")
        return result

    def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """One request, and the result that comes back for it."""
        self._last_id += 1
        self._send({"jsonrpc": "2.0", "id": self._last_id, "method": method, "params": params})
        while True:
            answer = json.loads(self._line())
            if answer.get("id") == self._last_id:
                break
        if "error" in answer:
            raise RuntimeError(f"{method} failed: {answer['error']}")
        result: dict[str, Any] = answer["result"]
        return result

    def cpu_ms(self) -> float:
        """CPU time of all its threads until now; the system counts it in hundredths of a second."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rpartition(")")[2].split()
        return 1000 * (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident_mb(self) -> float:
        """Its resident memory now."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        kilobytes = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(kilobytes) / 1024

    def _send(self, message: dict[str, Any]) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(message).encode() + b"\n")
        self._process.stdin.flush()

    def _line(self) -> bytes:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"it ended early; see why with: {sys.executable} {' '.join(self._command)}")
        return line


def text(result: dict[str, Any]) -> str:
    """What a model reads of a result: its text."""
    return "".join(block.get("text", "") for block in result.get("content", ()))
