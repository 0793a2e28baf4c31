"""A server starts over whatever a killed process left behind, and says in words what it cannot use."""

import os
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from mcp.client import Client

from salesloft_mcp.app import App, open_app
from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import chosen
from salesloft_mcp.settings import Settings
from salesloft_mcp.state.staging import Staging
from tests.hosting.program import COMMAND, clean_environment, started
from tests.server.calling import call, refused

from .working import planned

pytestmark = pytest.mark.anyio

Leave = Callable[[Path], None]


def garbage(file: Path) -> None:
    file.write_bytes(b"\x00garbage\xff" * 1_000)


def damaged(file: Path) -> None:
    """Whole at its beginning, and overwritten where its rows are."""
    content = bytearray(file.read_bytes())
    content[4096:] = b"\xff" * len(content[4096:])
    file.write_bytes(content)


def of_something_else(file: Path) -> None:
    with closing(sqlite3.connect(file)) as db:
        db.execute("DROP TABLE rows")
        db.execute("CREATE TABLE rows (what TEXT)")


LEFT: dict[str, Leave] = {
    "gone": Path.unlink,
    "garbage": garbage,
    "truncated": lambda file: os.truncate(file, 6_000),
    "damaged": damaged,
    "of something else": of_something_else,
}


async def planned_and_left(app: App, settings: Settings, leave: Leave) -> str:
    """A plan whose rows were then spoiled."""
    plan = await planned(app, 3)
    file = settings.state_dir / "plans" / f"{plan}.db"
    for beside in file.parent.glob(f"{plan}.db-*"):
        beside.unlink()
    leave(file)
    return plan


@pytest.mark.parametrize("left", LEFT)
async def test_rows_that_cannot_be_read_are_told_in_words_and_keep_nothing_else_from_working(
    settings: Settings, sandbox: Sandbox, left: str
) -> None:
    async with open_app(settings, sandbox) as app, Client(build_server(app, chosen("full"))) as client:
        plan = await planned_and_left(app, settings, LEFT[left])
        assert (await call(client, "get_plan", plan=plan)).data["counts"] == {"create": 3}
        words = await refused(client, "get_plan", plan=plan, rows="all")
        assert "Next: plan" in words
        assert "inside the server" not in words
        ran = await call(client, "run_plan", plan=plan)
        assert ran.data["state"] == "stopped"
        assert "Next: plan" in ran.data["problem"]
        rows = [{"external_id": "NEW-1", "object_id": 207550001}]
        again = await call(client, "plan_backfill", external_type="sdfc_lead", object_type="people", rows=rows)
        assert (await call(client, "run_plan", plan=again.data["plan"])).data["state"] == "finished"


async def test_a_plan_whose_process_was_killed_while_it_was_made_has_failed(
    settings: Settings, sandbox: Sandbox
) -> None:
    async with open_app(settings, sandbox) as app:
        await app.plans.add("0badc0de", Aim("crm_lead", "people"), "rows", state="planning")
        status = await app.plans.status("0badc0de")
        assert (status.state, status.problem.split("\n")[0]) == ("failed", "it was cut off while it was planned.")
        await app.jobs.resume_all()


@pytest.mark.skipif(sys.platform != "linux", reason="file names of any bytes")
def test_a_server_starts_over_all_of_it(tmp_path: Path) -> None:
    for folder in ("plans", "backfills"):
        (tmp_path / "state" / folder).mkdir(parents=True)
        for name in (b"caf\xe9.db", b"0badc0de.db", b".db", b"0badc0de.lock", b"my notes.db"):
            (tmp_path / "state" / folder / os.fsdecode(name)).write_bytes(b"\x00garbage")
    with Staging(tmp_path / "state" / "plans" / "00000000.db"):
        pass
    env = clean_environment(tmp_path, SALESLOFT_STATE_DIR=str(tmp_path / "state"))
    with started([*COMMAND, "serve", "--sandbox"], env, tmp_path / "stderr.log") as program:
        program.shake_hands("auto")
        program.call(2, "get_connection")
        assert program.receive()["id"] == 2
    assert "Traceback" not in (tmp_path / "stderr.log").read_text()
