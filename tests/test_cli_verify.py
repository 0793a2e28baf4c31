"""`salesloft-mcp verify` at a terminal: who agrees, what is shown, and what a report holds."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import filelock
import pytest
from anyio.from_thread import start_blocking_portal
from click.testing import CliRunner, Result

from salesloft_mcp.cli import cli
from salesloft_mcp.commands import verify as command
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.sandbox.faults import Fault
from salesloft_mcp.sandbox.serve import serve
from salesloft_mcp.verify.bench import MAIN, PREFIX
from salesloft_mcp.verify.table import CHECKS, NOT_TRIED
from tests.hosting.program import COMMAND, HANG_SECONDS, clean_environment, free_port
from tests.sandbox.test_faults import listening
from tests.verify.conftest import standing


@pytest.fixture
def state(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def real(monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
    """A Salesloft on loopback, which for the command is no sandbox."""
    port = free_port()
    with Sandbox(odd=["second-delete"], rate_limit=0) as box, start_blocking_portal() as portal:
        serving = portal.start_task_soon(lambda: serve(box, port=port))
        portal.call(listening, port)
        monkeypatch.setenv("SALESLOFT_BASE_URL", f"http://127.0.0.1:{port}")
        monkeypatch.setenv("SALESLOFT_API_KEY", box.api_key)
        yield box
        serving.cancel()


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is typed comes from a person."""
    monkeypatch.setattr(command, "at_terminal", lambda: True)


def verified(state: Path, *options: str, given: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["verify", "--state-dir", str(state), *options], input=given)


def paragraphs(result: Result) -> list[str]:
    """What is shown, without the line ends that only make it narrow."""
    found: list[str] = []
    for line in result.stdout.splitlines():
        if found and (line.startswith(" ") or found[-1].startswith("In ")):
            found[-1] += f" {line.strip()}"
        else:
            found.append(" ".join(line.split()))
    return found


@pytest.mark.parametrize("dialect", ["reference", "guide"])
def test_the_sandbox_passes_in_both_dialects_and_asks_nobody(state: Path, dialect: str) -> None:
    result = verified(state, "--sandbox", "--dialect", dialect)
    assert (result.exit_code, result.stderr) == (0, "")
    lines = paragraphs(result)
    assert ", 0 otherwise, " in lines[-1]
    left = [line for line in lines if line.startswith("left ")]
    assert len(left) == (2 if dialect == "guide" else 0)
    assert all(line.endswith("Salesloft shows no id to delete it by") for line in left)


def test_every_assumption_is_on_one_screen_by_its_name_or_with_why_it_was_not_tried(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    result = verified(state, "--sandbox")
    (met,) = [line for line in paragraphs(result) if line.startswith("as assumed ")]
    assert met.removeprefix("as assumed ").split(", ") == [check.name for check in CHECKS]
    untried = [line for line in paragraphs(result) if line.startswith("not tried ")]
    for one in NOT_TRIED:
        assert [line for line in untried if one.assumption in line and line.endswith(f"({one.why})")], one
    assert len(result.stdout.splitlines()) <= 36
    assert max(map(len, result.stdout.splitlines())) <= 80


@pytest.mark.usefixtures("terminal")
def test_a_person_sees_what_is_made_where_and_agrees_first(real: Sandbox, state: Path) -> None:
    result = verified(state, given="y\n")
    assert result.exit_code == 1  # something is otherwise
    asked = result.stderr
    assert "Verify how Salesloft behaves in LOCAL (http://127.0.0.1:" in asked
    assert '"Northwind Software (sandbox)" (100013)?' in asked
    assert f"at most 3 configurations of types called {PREFIX}…, and 6 mappings of your own user" in asked
    first = paragraphs(result)[0]
    assert first.startswith(
        "DIFFERS Deleting a mapping a second time is a 404 (second-delete) seen: 204; assumed: 404 "
    )
    assert first.endswith("may be told as deleted here.")
    assert standing(real) == []
    log = CliRunner().invoke(cli, ["changes", "--state-dir", str(state)]).stdout
    assert "verify: created" in log
    assert "terminal · asked in a terminal" in log


@pytest.mark.usefixtures("terminal")
@pytest.mark.parametrize("answer", ["n\n", "\n", ""])
def test_without_a_yes_nothing_is_written(real: Sandbox, state: Path, answer: str) -> None:
    assert verified(state, given=answer).exit_code == 1
    assert {one.method for one in real.requests} == {"GET"}


@pytest.mark.usefixtures("terminal")
def test_a_yes_counts_for_the_team_that_was_named(real: Sandbox, state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def agreed(*_: object, **__: object) -> bool:
        other = b'{"data": {"id": 7, "name": "Another"}}'
        real.faults.add(Fault("raw", "GET", "/v2/team", status=200, body=other, times=None))
        return True

    monkeypatch.setattr("click.confirm", agreed)
    result = verified(state)
    assert result.exit_code == 1
    assert "Nothing was done" in result.stderr
    assert {one.method for one in real.requests} == {"GET"}


def test_a_pipe_is_refused_before_anything_is_asked(real: Sandbox, state: Path) -> None:
    result = verified(state, given="y\n")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "a person agrees at a terminal, and this is none" in result.stderr
    assert not real.requests


@pytest.mark.usefixtures("terminal")
def test_on_a_live_address_nobody_agrees_by_an_option(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESLOFT_API_KEY", "ak-test")
    result = verified(state, "--yes")
    assert result.exit_code == 2
    assert "--yes: agrees to no deletions on a live address" in result.stderr


@pytest.mark.parametrize("mode", ["read-only", "no-delete"])
def test_a_mode_that_allows_no_deletion_allows_no_trial(
    real: Sandbox, state: Path, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALESLOFT_MODE", mode)
    result = verified(state, "--yes")
    assert result.exit_code == 2
    assert f"SALESLOFT_MODE: is {mode}" in result.stderr
    assert not real.requests


def test_the_report_is_written_whole_and_names_what_is_otherwise(real: Sandbox, state: Path, tmp_path: Path) -> None:
    output = tmp_path / "report.json"
    result = verified(state, "--yes", "--output", str(output), "--json")
    found: dict[str, Any] = json.loads(output.read_text(encoding="utf-8"))
    assert json.loads(result.stdout) == found
    assert found["team"] == 100013
    assert len(found["findings"]) == len(CHECKS) + len(NOT_TRIED)
    (differs,) = [one for one in found["findings"] if one["verdict"] == "differs"]
    assert (differs["name"], differs["seen"], differs["expected"]) == ("second-delete", "204", ["404"])
    assert found["summary"].startswith(f"{len(CHECKS) - 1} as assumed, 1 otherwise")
    assert "Sandbox" not in json.dumps(found["findings"])


@pytest.mark.parametrize("name", ["report.txt", "no/such/folder/report.json"])
def test_a_report_that_cannot_be_written_is_told_before_anything_is_made(
    real: Sandbox, state: Path, tmp_path: Path, name: str
) -> None:
    result = verified(state, "--yes", "--output", str(tmp_path / name))
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("salesloft-mcp: --output: ")
    assert not real.requests


def test_a_second_one_does_not_take_the_first_ones_things(real: Sandbox, state: Path) -> None:
    state.mkdir(mode=0o700)
    with filelock.FileLock(state / command.LOCK):
        result = verified(state, "--yes")
    assert result.exit_code == 1
    assert "another one is under way" in result.stderr
    assert not real.requests


def test_what_an_earlier_one_has_left_is_told_in_the_question_and_removed_first(state: Path, tmp_path: Path) -> None:
    box = ("--sandbox", "--sandbox-file", str(tmp_path / "box.db"))
    assert verified(state, *box, "--dialect", "guide").exit_code == 0
    again = verified(state, *box)  # this dialect shows ids
    assert again.exit_code == 0
    assert "Of earlier trials 2 were removed." in paragraphs(again)[-1]
    with Sandbox(tmp_path / "box.db") as sandbox:
        assert standing(sandbox) == []


def test_what_cannot_be_removed_is_listed_by_what_it_is(state: Path) -> None:
    lines = paragraphs(verified(state, "--sandbox", "--dialect", "guide"))
    (left,) = [line for line in lines if f'mapping "{MAIN}" of {PREFIX}' in line]
    assert left.startswith("left ")
    assert "4 configurations and mappings were created, and 2 are left, as told above." in lines[-1]


def test_without_a_credential_it_says_so(state: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "at_terminal", lambda: True)
    result = verified(state)
    assert result.exit_code == 2
    assert "SALESLOFT_API_KEY" in result.stderr


def test_a_person_types_the_yes_and_ctrl_c_takes_away_what_was_made(state: Path, tmp_path: Path) -> None:
    """At a real terminal, in a process of its own, which waits for points when it is stopped."""
    pty = pytest.importorskip("pty", reason="Windows has no pseudo terminals")
    port = free_port()
    with Sandbox(rate_limit=0) as box, start_blocking_portal() as portal:
        box.faults.add(Fault("status", "GET", "/v2/people", status=429, retry_after=300))
        serving = portal.start_task_soon(lambda: serve(box, port=port))
        portal.call(listening, port)
        where = {"SALESLOFT_BASE_URL": f"http://127.0.0.1:{port}", "SALESLOFT_API_KEY": box.api_key}
        env = clean_environment(tmp_path, SALESLOFT_STATE_DIR=str(state), **where)
        ours, its = pty.openpty()
        process = subprocess.Popen(
            [*COMMAND, "verify"], env=env, stdin=its, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        assert process.stderr is not None
        asked = ""
        while not asked.endswith("Agree?"):
            more = process.stderr.read(1)
            assert more, asked
            asked += more
        os.write(ours, b"y\n")
        portal.call(_until_it_waits, box)
        made = len(standing(box))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=HANG_SECONDS)
        left = len(standing(box))
        serving.cancel()
        os.close(ours)
        os.close(its)
    assert (process.returncode, made, left) == (130, 4, 0)


async def _until_it_waits(box: Sandbox) -> None:
    """It was told to ask again in five minutes."""
    with anyio.fail_after(HANG_SECONDS):
        while not box.requests or box.requests[-1].status != 429:
            await anyio.lowlevel.checkpoint()
