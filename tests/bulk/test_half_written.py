"""A server starts over whatever a killed process left behind, and says in words what it cannot use."""

import os
import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from mcp.client import Client
from salesloft_mcp.state.journal import Journal

from salesloft_mcp.app import open_app
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import chosen
from salesloft_mcp.settings import Settings
from tests.hosting.program import COMMAND, clean_environment, started
from tests.server.calling import call, refused

pytestmark = pytest.mark.anyio

BACKFILL = "0badc0de"
FACTS = ("external_type", "object_type", "environment", "source", "digest", "state", "at")
ENVIRONMENT = "SANDBOX (http://sandbox.localhost)"
Leave = Callable[[Path], None]


def with_facts(count: int) -> Leave:
    """A journal into which only the first facts were written."""

    def leave(file: Path) -> None:
        facts = dict.fromkeys(FACTS[:count], "people") | ({"environment": ENVIRONMENT} if count > 2 else {})
        with Journal(file) as journal:
            journal.note(**facts)

    return leave


def damaged(file: Path) -> None:
    """Whole at its beginning, and overwritten where its rows are."""
    with_facts(len(FACTS))(file)
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xff" * len(content[4096:])
    file.write_bytes(content)


def garbage(file: Path) -> None:
    file.write_bytes(b"\x00garbage\xff" * 1_000)


def truncated(file: Path) -> None:
    with_facts(len(FACTS))(file)
    os.truncate(file, 6_000)


def of_something_else(file: Path) -> None:
    with closing(sqlite3.connect(file)) as db:
        db.execute("CREATE TABLE facts (what TEXT)")


LEFT: dict[str, Leave] = {
    "empty": Path.touch,
    "garbage": garbage,
    "a directory": Path.mkdir,
    "truncated": truncated,
    "damaged": damaged,
    "of something else": of_something_else,
    **{f"{count} facts": with_facts(count) for count in range(len(FACTS) - 1)},
}


@pytest.fixture
def folder(settings: Settings) -> Path:
    folder = settings.state_dir / "backfills"
    folder.mkdir(parents=True)
    return folder


@pytest.mark.parametrize("left", LEFT)
async def test_what_is_half_written_is_passed_over_at_a_start_and_told_when_asked_for(
    settings: Settings, sandbox: Sandbox, folder: Path, left: str, caplog: pytest.LogCaptureFixture
) -> None:
    LEFT[left](folder / f"{BACKFILL}.db")
    async with open_app(settings, sandbox) as app:
        assert app.backfills.stopped() == []
        assert f"{BACKFILL}.db" in caplog.text
        async with Client(build_server(app, chosen("full"))) as client:
            for tool in ("get_backfill", "run_backfill", "cancel_backfill"):
                words = await refused(client, tool, backfill_id=BACKFILL)
                assert "Next: plan it again with plan_backfill" in words
                assert "inside the server" not in words


@pytest.mark.parametrize("name", [b"caf\xe9.db", "café.db".encode(), b"my notes.db", b".db", b"-x.db"])
async def test_a_file_that_no_plan_can_have_made_is_passed_over_and_left_as_it_is(
    settings: Settings, sandbox: Sandbox, folder: Path, name: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    file = folder / os.fsdecode(name)
    try:
        file.write_bytes(b"notes")
    except OSError:
        pytest.skip("this file system has names of UTF-8 only")
    async with open_app(settings, sandbox) as app:
        assert app.backfills.stopped() == []
    assert "passed over" in caplog.text
    assert file.read_bytes() == b"notes"


async def test_a_backfill_beside_what_is_half_written_works_as_ever(
    settings: Settings, sandbox: Sandbox, folder: Path
) -> None:
    for number, leave in enumerate(LEFT.values()):
        leave(folder / f"{number:08x}.db")
    rows = [{"external_id": "NEW-1", "object_id": 207550001}]
    async with open_app(settings, sandbox) as app, Client(build_server(app, chosen("full"))) as client:
        planned = await call(client, "plan_backfill", external_type="crm_lead", object_type="people", rows=rows)
        ran = await call(client, "run_backfill", backfill_id=planned.data["backfill_id"])
        assert ran.data["state"] == "finished", ran


def test_a_server_starts_over_all_of_it(tmp_path: Path) -> None:
    state = tmp_path / "state"
    (state / "backfills").mkdir(parents=True)
    for number, leave in enumerate(LEFT.values()):
        leave(state / "backfills" / f"{number:08x}.db")
    if sys.platform == "linux":
        (state / "backfills" / os.fsdecode(b"caf\xe9.db")).touch()
    env = clean_environment(tmp_path, SALESLOFT_STATE_DIR=str(state))
    log = tmp_path / "stderr.log"
    with started([*COMMAND, "serve", "--sandbox"], env, log) as program:
        program.shake_hands("auto")
        program.call(2, "get_connection")
        assert program.receive()["id"] == 2
    words = log.read_text()
    assert "Traceback" not in words
    assert all(f"{number:08x}.db" in words for number in range(len(LEFT)))
    shutil.rmtree(state)
