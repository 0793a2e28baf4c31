"""The host goes away or a signal comes: the process ends by itself, and what it was doing can be explained."""

import signal
import sqlite3
from pathlib import Path

import pytest

from salesloft_mcp.hosting import http, stdio

from .conftest import Start, start_on
from .program import API_KEY, HANG_SECONDS, Era, SilentUpstream

ENDS = pytest.mark.parametrize(
    ("how", "code"),
    [(None, 0), (signal.SIGINT, 130), (signal.SIGTERM, 143)],
    ids=["the input ends", "SIGINT", "SIGTERM"],
)


@ENDS
def test_a_server_at_rest_ends_with_the_code_a_shell_expects(
    start: Start, how: signal.Signals | None, code: int
) -> None:
    with start() as program:
        program.shake_hands("auto")
        assert program.stop(how) == code
        assert program.rest() == []


def test_a_host_that_closes_our_output_first_ends_it_quietly(start: Start, era: Era, log: Path) -> None:
    with start() as program:
        program.shake_hands(era)
        program.close_output()
        program.call(7, "get_connection")
        assert program.process.wait(HANG_SECONDS) == 0
    assert log.read_text() == ""


def test_nothing_is_waited_for_on_purpose_as_long_as_a_host_waits() -> None:
    """Hosts give a process two seconds, and then they kill it."""
    assert max(stdio.GRACE_SECONDS, http.GRACE_SECONDS) <= 1


def test_a_server_does_not_wait_for_a_read_in_flight(
    quiet_reads: SilentUpstream, env: dict[str, str], log: Path, era: Era
) -> None:
    with start_on(quiet_reads, env, log) as program:
        program.shake_hands(era)
        program.call(7, "get_connection")
        assert quiet_reads.wait_for_hanging_request().startswith("GET /v2/me")
        assert program.stop(None) == 0
        assert [answer["error"]["message"] for answer in program.rest()] == ["Connection closed"]


@ENDS
def test_a_write_in_flight_stands_in_the_log_and_the_state_file_is_whole(
    quiet_writes: SilentUpstream,
    env: dict[str, str],
    log: Path,
    state_dir: Path,
    how: signal.Signals | None,
    code: int,
) -> None:
    with start_on(quiet_writes, env, log) as program:
        program.shake_hands("legacy")
        program.call(7, "create_external_id_configuration", external_type="erp", object_type="accounts")
        assert quiet_writes.wait_for_hanging_request() == "POST /v2/external/configurations HTTP/1.1"
        assert program.stop(how) == code
    assert logged_writes(state_dir) == [("create_external_id_configuration", "erp", "intended")]
    assert "Traceback" not in log.read_text()


def test_a_killed_server_leaves_its_write_in_the_log_and_no_token_in_its_files(
    quiet_writes: SilentUpstream, env: dict[str, str], log: Path, state_dir: Path
) -> None:
    with start_on(quiet_writes, env, log) as program:
        program.shake_hands("auto")
        program.call(7, "create_external_id_configuration", external_type="erp", object_type="accounts")
        quiet_writes.wait_for_hanging_request()
        assert program.stop(signal.SIGKILL) == -9
    assert API_KEY.encode() not in b"".join(file.read_bytes() for file in [log, *state_dir.iterdir()])
    assert logged_writes(state_dir) == [("create_external_id_configuration", "erp", "intended")]


def logged_writes(state_dir: Path) -> list[tuple[str, str, str]]:
    """What the state file says, read without our own code."""
    db = sqlite3.connect(state_dir / "state.db")
    try:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        lines = "SELECT title, external_type, outcome FROM changes JOIN operations ON operations.id = operation"
        return db.execute(lines).fetchall()
    finally:
        db.close()
