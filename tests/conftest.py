"""What every test stands on: a sandbox in both dialects, the live parts over it, and clients of both eras."""

import gc
import importlib.util
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, Literal, Protocol

import jsonschema  # type: ignore[import-untyped]
import pytest
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings
from mcp.client import Client

from salesloft_mcp.app import App, open_app
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import chosen
from salesloft_mcp.settings import NETWORK_VARIABLES, Dialect, Settings
from salesloft_mcp.state import database
from tests.browser.desk import Desk, sit_down
from tests.hosting.program import NO_KEYRING
from tests.steady import STEADY

# The first two measure how busy the machine is, not what the code does.
hypothesis_settings.register_profile(
    "steady",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    max_examples=40,
)
hypothesis_settings.load_profile("steady")

# Tests start the program some hundred times, and where nothing compiled may be kept each start takes twice as long.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# No test takes the power away, and what a killed process had written is there without waiting for the disk.
database.SYNCHRONOUS = "OFF"

# Without it, each request to a sandbox in process would look for it through all of the path.
if importlib.util.find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]

# A shell starts its background jobs with SIGINT ignored, and nohup whatever it runs with SIGHUP ignored. Every process
# that a test starts would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)

# Each client checks the schema of each tool that it calls, which takes longer than the call; the same one need not be
# checked again in the next test.
_check_schema = jsonschema.Draft202012Validator.check_schema
_checked: set[str] = set()


def _check_once(schema: Any, **options: Any) -> None:
    text = json.dumps(schema)
    if text not in _checked:
        _check_schema(schema, **options)
        _checked.add(text)


jsonschema.Draft202012Validator.check_schema = _check_once

Era = Literal["auto", "legacy"]


def pytest_collection_finish() -> None:
    """What was imported stays until the end; the collector of garbage need not look at it again and again."""
    gc.freeze()


class Connect(Protocol):
    """Opens a client of the era under test on the server under test."""

    def __call__(self, **options: Any) -> AbstractAsyncContextManager[Client]: ...


@pytest.fixture
def anyio_backend(request: pytest.FixtureRequest) -> object:
    """asyncio, and for tests marked `steady` without a clock."""
    return STEADY if request.node.get_closest_marker("steady") else "asyncio"


@pytest.fixture(autouse=True)
def _clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """No developer's own settings reach a test, and no test reaches a developer's own state."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.getbasetemp() / "state"))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", NO_KEYRING)
    monkeypatch.setenv("SSH_CONNECTION", "nobody sits at this machine")  # so that no test opens a browser unasked
    monkeypatch.setattr("salesloft_mcp.policy_file.place", lambda: tmp_path_factory.getbasetemp() / "no policy.toml")
    for name in list(os.environ):
        if name.startswith("SALESLOFT_") or name.upper() in NETWORK_VARIABLES:
            monkeypatch.delenv(name)


@pytest.fixture(params=["reference", "guide"])
def dialect(request: pytest.FixtureRequest) -> Dialect:
    """Both readings of the documents, where they disagree."""
    found: Dialect = request.param
    return found


@pytest.fixture(params=["auto", "legacy"])
def era(request: pytest.FixtureRequest) -> Era:
    """`auto` speaks 2026-07-28, `legacy` 2025-11-25."""
    found: Era = request.param
    return found


@pytest.fixture
def one_era() -> Era:
    """For a module that says `era = one_era`: its tests ask nobody anything, and differ in nothing but the wire."""
    return "auto"


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """A seeded sandbox in memory, in the reference dialect."""
    sandbox = Sandbox()
    yield sandbox
    sandbox.close()


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    """Somebody sits at this machine, and the browser hands what it is told to open to the test."""
    desk = Desk(tmp_path / "desk")
    sit_down(monkeypatch, desk)
    yield desk
    desk.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path / "state")


@pytest.fixture
async def app(settings: Settings, sandbox: Sandbox) -> AsyncIterator[App]:
    """The live parts over the sandbox, in process."""
    async with open_app(settings, sandbox) as app:
        yield app


@pytest.fixture
def connect(app: App, era: Era) -> Connect:
    """A client of each era in turn; options go to `mcp.client.Client`."""

    def connecting(**options: Any) -> AbstractAsyncContextManager[Client]:
        return Client(build_server(app, chosen(app.settings.mode)), mode=era, **options)

    return connecting
