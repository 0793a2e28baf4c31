"""`salesloft-mcp runs`: from a plan to its report, and back again."""

import csv
import io
import json
import os
import signal
import subprocess
from functools import partial
from pathlib import Path

import anyio
import pytest
from click.testing import CliRunner

from salesloft_mcp.app import open_app
from salesloft_mcp.bulk.jobs import open_jobs
from salesloft_mcp.changes import configurations
from salesloft_mcp.changes.change import Change, Operation
from salesloft_mcp.changes.undo import undo
from salesloft_mcp.cli import cli
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.settings import load

from .bulk.working import YES, Gate
from .hosting.program import COMMAND, HANG_SECONDS, clean_environment
from .terminal import PEOPLE, PLACE, TO, Terminal, few_rows, many_rows


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    return Terminal(tmp_path)


@pytest.fixture
def few(tmp_path: Path) -> str:
    return few_rows(tmp_path)


@pytest.fixture
def many(tmp_path: Path) -> str:
    return many_rows(tmp_path)


@pytest.fixture
def _no_quiet_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that a run had in flight before can arrive any more."""
    monkeypatch.setattr("salesloft_mcp.app.open_jobs", partial(open_jobs, quiet=0.0))


def test_from_a_file_to_a_report_that_can_be_planned_again(terminal: Terminal, few: str, tmp_path: Path) -> None:
    plan = terminal.planned(few)
    status = terminal("runs", "status", plan)
    assert status.exit_code == 0
    left_out = "1 of an unknown object, 2 invalid"
    assert f"planned: of 4 rows, 1 to create, {left_out}. Nothing written." in status.stdout
    run = terminal("runs", "start", plan)
    assert (run.exit_code, run.stderr) == (0, f"In {PLACE}: 1 mapping to create\n")
    assert f"finished: 1 of 1 done (1 created). Left out of 4 rows: {left_out}." in run.stdout
    assert f"Every row: {terminal.typed('runs', 'report', plan, '--output', f'{plan}.csv')}\n" in run.stdout
    report = tmp_path / "report.csv"
    assert terminal("runs", "report", plan, "--output", str(report)).output == ""
    rows = list(csv.DictReader(io.StringIO(report.read_text(), newline="")))
    assert [(row["line"], row["external_id"], row["plan"], row["outcome"]) for row in rows] == [
        ("2", "'@1", "create", "created"),
        ("3", "N2", "invalid", ""),
        ("4", "N2", "invalid", ""),
        ("5", "N3", "object unknown", ""),
    ]
    again = terminal("backfill", "plan", str(report), *TO, "--json")
    assert json.loads(again.stdout)["counts"] == {"unchanged": 1, "invalid": 3}
    lines = [json.loads(line) for line in terminal("runs", "report", plan).stdout.splitlines()]
    assert [line["external_id"] for line in lines] == ["@1", "N2", "N2", "N3"]


def test_a_custom_field_is_a_source(terminal: Terminal) -> None:
    plan = terminal.planned("--custom-field", "Legacy ID")
    assert json.loads(terminal("runs", "start", plan, "--json", given="y\n").stdout)["outcomes"] == {"created": 120}


def test_a_large_run_asks_and_enter_means_no(terminal: Terminal, many: str) -> None:
    plan = terminal.planned(many)
    refused = terminal("runs", "start", plan, given="\n")
    assert refused.exit_code == 1
    assert f"Create these external id mappings in {PLACE}?" in refused.output
    assert "changes: 510 mappings to create" in refused.output
    assert terminal.state_of(plan) == "planned"
    agreed = terminal("runs", "start", plan, "--json", given="y\n")
    assert agreed.exit_code == 0
    assert '"created": 510' in agreed.output


def test_yes_answers_beforehand(terminal: Terminal, many: str) -> None:
    run = terminal("runs", "start", terminal.planned(many), "--yes")
    assert run.exit_code == 0
    assert f"Create these external id mappings in {PLACE}?" in run.stderr  # what was agreed to is shown all the same


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
@pytest.mark.usefixtures("_no_quiet_time")
def test_a_signal_stops_a_run_and_resume_finishes_it(
    terminal: Terminal, many: str, tmp_path: Path, number: signal.Signals
) -> None:
    plan = terminal.planned(many)
    command = [*COMMAND, "runs", "start", plan, "--yes", "--rate-limit", "40", *terminal.options]
    process = subprocess.Popen(
        command, env=clean_environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        while terminal.outcomes(plan).get("created", 0) < 20:
            assert process.poll() is None
        too_early = terminal("runs", "undo", plan)
        process.send_signal(number)
        _, told = process.communicate(timeout=HANG_SECONDS)
    finally:
        process.kill()
        process.wait()
    cancel = terminal.typed("runs", "cancel", plan)
    assert (too_early.exit_code, f"{cancel}; when" in too_early.stderr) == (1, True)
    assert process.returncode == 128 + number
    assert f"Stopped. Go on with: {terminal.typed('runs', 'resume', plan)}\n" in told
    assert "Traceback" not in told
    assert terminal.state_of(plan) == "cancelled"  # no server goes on with it by itself
    status = terminal("runs", "status", plan)
    assert f"Go on with: {terminal.typed('runs', 'resume', plan)}\n" in status.stdout
    assert terminal("runs", "resume", plan, given="\n").exit_code == 1  # asked again
    assert terminal("runs", "resume", plan, given="y\n").exit_code == 0
    assert terminal.outcomes(plan) == {"created": 510}


def test_a_run_is_taken_back_after_a_yes_by_hand_and_that_is_taken_back_like_any_run(
    terminal: Terminal, few: str
) -> None:
    plan = terminal.planned(few)
    assert terminal("runs", "start", plan).exit_code == 0
    beforehand = terminal("runs", "undo", plan, "--yes")
    assert (beforehand.exit_code, beforehand.stdout) == (2, "")
    assert "changes: 1 mapping to delete" in beforehand.stderr
    refused = terminal("runs", "undo", plan, given="\n")
    assert (refused.exit_code, terminal.state_of(plan)) == (1, "finished")
    undone = terminal("runs", "undo", plan, given="y\n")
    assert undone.exit_code == 0
    assert f"delete these external id mappings in {PLACE}?" in undone.stderr
    undoing = undone.stdout.splitlines()[-1].removeprefix("Every row: salesloft-mcp runs report ").split()[0]
    assert "undone: 1 of 1 done (1 created), and taken back since." in terminal("runs", "status", plan).stdout
    assert (terminal.outcomes(undoing), terminal.state_of(plan)) == ({"deleted": 1}, "undone")
    (row,) = [json.loads(line) for line in terminal("runs", "report", undoing).stdout.splitlines()]
    assert (row["external_id"], row["plan"], row["outcome"]) == ("@1", "delete", "deleted")
    again = terminal("runs", "undo", plan)
    assert (again.exit_code, again.stdout) == (1, "")
    assert again.stderr.endswith(f"\nNext: to take that back: {terminal.typed('runs', 'undo', undoing)}\n")
    spent = terminal("runs", "start", plan)
    assert (spent.exit_code, "is undone. Nothing was started.\nNext: plan it again" in spent.stderr) == (1, True)
    assert f"runs undo 1 (plan {undoing}): 1 deleted" in terminal.changes()
    assert terminal("runs", "undo", undoing).exit_code == 0  # which creates one mapping, and needs no yes
    assert terminal.state_of(plan) == "finished"


def test_a_pipe_agrees_to_no_deletion(terminal: Terminal, few: str) -> None:
    plan = terminal.planned(few)
    assert terminal("runs", "start", plan).exit_code == 0
    piped = CliRunner().invoke(cli, ["runs", "undo", plan, *terminal.options], input="y\n")
    assert (piped.exit_code, piped.stdout) == (2, "")
    assert "a person agrees to that at a terminal, which this is not. Nothing was done." in piped.stderr
    assert terminal.state_of(plan) == "finished"


@pytest.mark.parametrize("command", ["undo", "resume"])
@pytest.mark.usefixtures("_no_quiet_time")
def test_an_undo_that_was_stopped_is_gone_on_with_by_the_same_command_or_as_any_run(
    terminal: Terminal, many: str, tmp_path: Path, command: str
) -> None:
    plan = terminal.planned(many)
    assert terminal("runs", "start", plan, "--yes").exit_code == 0
    undoing = "undo-1"
    ours, theirs = os.openpty()
    process = subprocess.Popen(
        [*COMMAND, "runs", "undo", plan, "--rate-limit", "60", *terminal.options],
        env=clean_environment(tmp_path),
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stderr is not None
        asked = ""
        while not asked.endswith("Agree?"):
            more = process.stderr.read(1)
            assert more, asked
            asked += more
        os.write(ours, b"y\n")
        while not terminal("runs", "list").stdout.startswith(undoing) or not terminal.outcomes(undoing).get("deleted"):
            assert process.poll() is None
        under_way = terminal("runs", "undo", plan)
        process.send_signal(signal.SIGTERM)
        _, told = process.communicate(timeout=HANG_SECONDS)
    finally:
        process.kill()
        process.wait()
        os.close(ours)
        os.close(theirs)
    assert (under_way.exit_code, under_way.stdout) == (1, "")
    assert f"salesloft-mcp runs status {undoing}" in under_way.stderr
    assert process.returncode == 128 + signal.SIGTERM
    assert f"Stopped. Go on with: {terminal.typed('runs', 'undo', plan)}\n" in told
    assert (terminal.state_of(undoing), terminal.state_of(plan)) == ("cancelled", "undoing")
    on = {"undo": plan, "resume": undoing}[command]
    assert terminal("runs", command, on, given="\n").exit_code == 1  # asked again
    assert terminal("runs", command, on, given="y\n").exit_code == 0
    assert (terminal.outcomes(undoing), terminal.state_of(plan)) == ({"deleted": 510}, "undone")


@pytest.mark.usefixtures("_no_quiet_time")
def test_a_deletion_that_was_cut_off_is_resumed_by_hand_and_never_beforehand(
    terminal: Terminal, few: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = terminal.planned(few)
    assert terminal("runs", "start", plan).exit_code == 0

    async def cut_off() -> str:
        """Begin to take the run back, and end before anything was deleted."""
        with Sandbox(terminal.box) as box:
            async with open_app(load({"state_dir": terminal.state}), box) as app:
                number = (await app.plans.status(plan)).plan.operation
                gate = Gate(app.salesloft, monkeypatch, 0, "delete_mapping")
                operation = await undo(app.changes, app.database, number)
                await app.jobs.start_undo(operation, YES)
                await gate.wait()
                return operation.by_run.plan

    undoing = anyio.run(cut_off)
    assert terminal("runs", "cancel", undoing).exit_code == 0
    refused = terminal("runs", "resume", undoing, "--yes")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "--yes" in refused.stderr
    assert "changes: 1 mapping to delete" in refused.stderr
    assert terminal.state_of(undoing) == "cancelled"
    assert terminal("runs", "resume", undoing, given="y\n").exit_code == 0
    assert terminal.outcomes(undoing) == {"deleted": 1}


def test_a_run_that_brought_the_mappings_of_a_configuration_back_is_not_undone_without_the_configuration(
    terminal: Terminal,
) -> None:
    async def brought_back() -> Operation:
        """Delete a configuration, and take that back."""
        with Sandbox(terminal.box) as box:
            async with open_app(load({"state_dir": terminal.state}), box) as app:
                key = configurations.key_of("marketing", "accounts")
                deletion = Change("configuration", key, {"id": 227}, None)
                gone = Operation("tests", (deletion,), carries=await configurations.count(app.salesloft, key))
                operation = await undo(app.changes, app.database, (await app.changes.apply(gone, YES)).number)
                done = await app.changes.apply(operation, YES)
                await app.jobs.start_undo(operation, YES, done.number)
                await app.jobs.wait(operation.by_run.plan, HANG_SECONDS)
                return operation

    operation = anyio.run(brought_back)
    refused = terminal("runs", "undo", operation.by_run.plan, given="y\n")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "have an assistant call undo_change 2, which takes back both." in refused.stderr
    assert terminal.outcomes(operation.by_run.plan) == {"unchanged": operation.by_run.creates}


def test_a_row_that_is_refused_makes_the_run_fail(terminal: Terminal, few: str, tmp_path: Path) -> None:
    first, second = terminal.planned(few), tmp_path / "second.csv"
    second.write_text(f"external_id,object_id\n@1,{PEOPLE[5]}\n")
    other = terminal.planned(str(second))
    assert terminal("runs", "start", other).exit_code == 0
    result = terminal("runs", "start", first)
    assert result.exit_code == 1
    assert "1 of 1 done (1 conflict)" in result.stdout
    assert 'line 2: "@1"' in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["start", "nope"], 1, "there is no such plan here"),
        (["undo", "nope"], 1, "there is no such plan here"),
        (["status", "../x"], 1, "there is no such plan here"),
        (["report", "nope"], 1, "there is no such plan here"),
        (["cancel", "nope"], 1, "there is no such plan here"),
        (["list", "--limit", "0"], 2, "--limit"),
        (["reprot", "nope"], 2, "Did you mean 'report'?"),
    ],
)
def test_what_cannot_be_is_refused_in_words(terminal: Terminal, arguments: list[str], code: int, words: str) -> None:
    result = terminal("runs", *arguments)
    assert (result.exit_code, result.stdout) == (code, "")
    assert words in result.stderr


def test_only_what_was_begun_is_resumed_or_undone_and_only_what_can_run_is_run(terminal: Terminal, few: str) -> None:
    plan = terminal.planned(few)
    assert f"salesloft-mcp runs start {plan}" in terminal("runs", "resume", plan).stderr
    undo = terminal("runs", "undo", plan)
    wrong, step = undo.stderr.splitlines()
    assert (undo.exit_code, wrong) == (1, "salesloft-mcp: plan: it was not begun, so there is nothing to undo.")
    assert step.startswith("Next: choose one that was begun; salesloft-mcp runs list")
    assert terminal("runs", "start", plan).exit_code == 0
    again = terminal("runs", "start", plan)
    assert (again.exit_code, "plan: it is finished. Nothing was started." in again.stderr) == (1, True)


def test_a_plan_that_was_cancelled_is_not_run_by_a_server_and_can_be_resumed(terminal: Terminal, few: str) -> None:
    plan = terminal.planned(few)
    cancelled = terminal("runs", "cancel", plan, "--json")
    assert (cancelled.exit_code, json.loads(cancelled.stdout)["state"]) == (0, "cancelled")
    assert terminal("runs", "resume", plan).exit_code == 0
    again = terminal("runs", "cancel", plan)
    assert (again.exit_code, "plan: it is finished. Nothing was cancelled." in again.stderr) == (1, True)


def test_all_plans_are_listed_newest_first_with_how_far_they_are(terminal: Terminal, few: str) -> None:
    assert terminal("runs", "list").stdout == "No plan was made in SANDBOX (http://sandbox.localhost).\n"
    first, second = terminal.planned(few), terminal.planned("--custom-field", "Legacy ID")
    terminal("runs", "start", first)
    assert terminal("runs", "list").stdout.splitlines() == [
        f"{second}  crm_lead people, custom field Legacy ID: planned: of 120 rows, 120 to create. Nothing written.",
        f"{first}  crm_lead people, file few.csv: finished: 1 of 1 done (1 created). "
        "Left out of 4 rows: 1 of an unknown object, 2 invalid.",
    ]
    (newest,) = json.loads(terminal("runs", "list", "--limit", "1", "--json").stdout)
    assert (newest["plan"], newest["state"]) == (second, "planned")


def test_how_far_it_is_says_in_which_environment_and_for_which_team(terminal: Terminal, few: str) -> None:
    shown = " ".join(terminal("runs", "status", terminal.planned(few)).stdout.split())
    assert "environment SANDBOX (http://sandbox.localhost) team 100013" in shown


def test_a_report_that_cannot_be_written_says_so(terminal: Terminal, few: str, tmp_path: Path) -> None:
    result = terminal("runs", "report", terminal.planned(few), "--output", str(tmp_path / "none" / "report.csv"))
    assert result.exit_code == 2
    assert "--output: cannot be written" in result.stderr
