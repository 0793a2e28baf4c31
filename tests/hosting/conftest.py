"""A server over stdio for each test, on the sandbox or on an upstream that never answers."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from .program import API_KEY, COMMAND, Program, SilentUpstream, clean_environment, started

Start = Callable[..., AbstractContextManager[Program]]


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def env(tmp_path: Path, state_dir: Path) -> dict[str, str]:
    return clean_environment(tmp_path, SALESLOFT_STATE_DIR=str(state_dir))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where the program under test writes its standard error."""
    return tmp_path / "stderr.log"


@pytest.fixture
def start(env: dict[str, str], log: Path) -> Start:
    """Starts `salesloft-mcp serve --sandbox`; options go to `started`."""
    return partial(started, [*COMMAND, "serve", "--sandbox"], env, log)


@pytest.fixture
def quiet_reads() -> Iterator[SilentUpstream]:
    """An upstream on which even reads hang."""
    upstream = SilentUpstream(answers_reads=False)
    yield upstream
    upstream.close()


@pytest.fixture
def quiet_writes() -> Iterator[SilentUpstream]:
    """An upstream on which writes hang."""
    upstream = SilentUpstream(answers_reads=True)
    yield upstream
    upstream.close()


def start_on(upstream: SilentUpstream, env: dict[str, str], log: Path) -> AbstractContextManager[Program]:
    """A server that works on `upstream`."""
    there = {**env, "SALESLOFT_BASE_URL": upstream.url, "SALESLOFT_API_KEY": API_KEY}
    return started([*COMMAND, "serve"], there, log)


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """One session for the tests that must not end it."""
    home = tmp_path_factory.mktemp("home")
    env = clean_environment(home, SALESLOFT_STATE_DIR=str(home / "state"))
    with started([*COMMAND, "serve", "--sandbox"], env, home / "stderr.log") as program:
        program.shake_hands("legacy")
        yield program
