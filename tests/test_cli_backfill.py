"""`salesloft-mcp backfill` from a file to a report, over commands that share a sandbox file."""

import csv
import io
import json
import os
import signal
import subprocess
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import pytest
from click.testing import CliRunner, Result

from salesloft_mcp.app import open_app
from salesloft_mcp.bulk.jobs import open_jobs
from salesloft_mcp.changes.undo import undo
from salesloft_mcp.cli import cli
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.settings import load

from .bulk.working import YES, Gate
from .hosting.program import COMMAND, HANG_SECONDS, clean_environment

PEOPLE = range(207550157, 207550157 - 100, -1)  # of the seeded sandbox
PLACE = 'SANDBOX (http://sandbox.localhost), team "Northwind Software (sandbox)" (100013)'
TO = ("--external-type", "crm_lead", "--object-type", "people")
Backfill = Callable[..., Result]


@pytest.fixture
def options(tmp_path: Path) -> list[str]:
    return ["--sandbox", "--sandbox-file", str(tmp_path / "box.db"), "--state-dir", str(tmp_path / "state")]


@pytest.fixture
def backfill(options: list[str]) -> Backfill:
    """Runs `salesloft-mcp backfill` here."""

    def run(*arguments: str, given: str | None = None) -> Result:
        return CliRunner().invoke(cli, ["backfill", *arguments, *options], input=given)

    return run


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """More rows than go unasked."""
    file = tmp_path / "many.jsonl"
    rows = ({"external_id": f"N{n}", "object_id": PEOPLE[n % 100]} for n in range(510))
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


@pytest.fixture
def few(tmp_path: Path) -> Path:
    file = tmp_path / "few.csv"
    file.write_text(f"external_id,object_id\n'=1,{PEOPLE[0]}\nN2,{PEOPLE[1]}\nN2,{PEOPLE[2]}\nN3,99\n")
    return file


def test_a_file_whose_name_is_not_utf_8_is_planned_like_any_other(
    backfill: Backfill, few: Path, tmp_path: Path
) -> None:
    try:
        odd = few.rename(tmp_path / os.fsdecode(b"caf\xe9.csv"))
    except OSError:
        pytest.skip("this file system has names of UTF-8 only")
    found = backfill("run", planned(backfill, str(odd)), "--json")
    assert found.exit_code == 0, found.output


def planned(backfill: Backfill, *source: str) -> str:
    result = backfill("plan", *source, *TO, "--json")
    assert result.exit_code == 0, result.output
    return str(json.loads(result.stdout)["plan"])


def test_from_a_file_to_a_report_that_can_be_planned_again(backfill: Backfill, few: Path, tmp_path: Path) -> None:
    plan = planned(backfill, str(few))
    status = backfill("status", plan)
    assert status.exit_code == 0
    assert "planned: 1 to create, 0 unchanged, 3 skipped. Nothing written." in status.stdout
    run = backfill("run", plan)
    assert (run.exit_code, run.stderr) == (0, f"In {PLACE}, mappings to create: 1\n")
    assert "finished: 1 of 1 done; 3 were skipped by the plan." in run.stdout
    report = tmp_path / "report.csv"
    assert backfill("report", plan, "--output", str(report)).output == ""
    rows = list(csv.DictReader(io.StringIO(report.read_text(), newline="")))
    assert [(row["line"], row["external_id"], row["plan"], row["outcome"]) for row in rows] == [
        ("2", "'=1", "create", "created"),
        ("3", "N2", "invalid", ""),
        ("4", "N2", "invalid", ""),
        ("5", "N3", "object unknown", ""),
    ]
    again = backfill("plan", str(report), *TO, "--json")
    assert json.loads(again.stdout)["counts"] == {"unchanged": 1, "invalid": 3}
    lines = [json.loads(line) for line in backfill("report", plan).stdout.splitlines()]
    assert [line["external_id"] for line in lines] == ["=1", "N2", "N2", "N3"]


def test_a_plan_tells_every_row_that_was_read(backfill: Backfill, tmp_path: Path) -> None:
    file = tmp_path / "ragged.csv"
    file.write_text(f'name,external_id,object_id\nACME, Inc.,N1,{PEOPLE[0]}\nBolt,N2,{PEOPLE[1]}\n19" rack,N3,1\n')
    result = backfill("plan", str(file), *TO, "--json")
    found = json.loads(result.stdout)
    assert (result.exit_code, found["rows_read"], found["counts"]) == (0, 3, {"create": 1, "invalid": 2})
    assert [(row["line"], row["note"].split(";")[0]) for row in found["rows"]] == [
        (2, "4 cells, the head has 3."),
        (4, "a quote is out of place, or is not closed"),
    ]


def test_a_file_whose_quotes_hide_rows_is_refused_with_the_line(backfill: Backfill, tmp_path: Path) -> None:
    file = tmp_path / "open.csv"
    rows = (f"N{number},{PEOPLE[number]},ok\n" for number in range(20))
    file.write_text("external_id,object_id,note\n" + "".join(rows).replace("ok", '"call back', 1))
    result = backfill("plan", str(file), *TO)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "file: line 2: a quote is out of place, or is not closed" in result.stderr


def test_a_plan_shows_the_rows_that_need_attention_and_the_way_on(backfill: Backfill, few: Path) -> None:
    result = backfill("plan", str(few), *TO)
    assert result.exit_code == 0
    assert "line 5  external_id N3  given object_id 99  plan object unknown" in result.stdout
    assert "Run it with: salesloft-mcp backfill run " in result.stdout


def test_a_custom_field_is_a_source(backfill: Backfill) -> None:
    plan = planned(backfill, "--custom-field", "Legacy ID")
    assert json.loads(backfill("run", plan, "--json").stdout)["outcomes"] == {"created": 120}


def test_a_large_run_asks_and_enter_means_no(backfill: Backfill, many: Path) -> None:
    plan = planned(backfill, str(many))
    refused = backfill("run", plan, given="\n")
    assert refused.exit_code == 1
    assert f"Create these external id mappings in {PLACE}?" in refused.output
    assert "mappings to create: 510" in refused.output
    assert json.loads(backfill("status", plan, "--json").stdout)["state"] == "planned"
    agreed = backfill("run", plan, "--json", given="y\n")
    assert agreed.exit_code == 0
    assert '"created": 510' in agreed.output


def test_yes_answers_beforehand(backfill: Backfill, many: Path) -> None:
    run = backfill("run", planned(backfill, str(many)), "--yes")
    assert run.exit_code == 0
    assert f"Create these external id mappings in {PLACE}?" in run.stderr  # what was agreed to is shown all the same


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_a_run_and_resume_finishes_it(
    backfill: Backfill,
    options: list[str],
    many: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    number: signal.Signals,
) -> None:
    plan = planned(backfill, str(many))
    command = [*COMMAND, "backfill", "run", plan, "--yes", "--rate-limit", "40", *options]
    process = subprocess.Popen(
        command, env=clean_environment(tmp_path), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        while json.loads(backfill("status", plan, "--json").stdout).get("outcomes", {}).get("created", 0) < 20:
            assert process.poll() is None
        process.send_signal(number)
        _, told = process.communicate(timeout=HANG_SECONDS)
    finally:
        process.kill()
        process.wait()
    assert process.returncode == 128 + number
    assert f"Stopped. Go on with: salesloft-mcp backfill resume {plan}" in told
    assert "Traceback" not in told
    stopped = json.loads(backfill("status", plan, "--json").stdout)
    assert stopped["state"] == "cancelled"  # no server goes on with it by itself
    monkeypatch.setattr("salesloft_mcp.app.open_jobs", partial(open_jobs, quiet=0.0))
    assert backfill("resume", plan, given="\n").exit_code == 1  # asked again
    assert backfill("resume", plan, given="y\n").exit_code == 0
    assert json.loads(backfill("status", plan, "--json").stdout)["outcomes"] == {"created": 510}


def test_deletions_are_agreed_to_by_hand_and_never_beforehand(
    backfill: Backfill, few: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("salesloft_mcp.app.open_jobs", partial(open_jobs, quiet=0.0))
    plan = planned(backfill, str(few))
    assert backfill("run", plan).exit_code == 0

    async def cut_off() -> str:
        """Begin to take the run back, and end before anything was deleted."""
        with Sandbox(tmp_path / "box.db") as box:
            async with open_app(load({"state_dir": tmp_path / "state"}), box) as app:
                number = (await app.plans.status(plan)).plan.operation
                gate = Gate(app.salesloft, monkeypatch, 0, "delete_mapping")
                operation = await undo(app.changes, app.database, number)
                await app.jobs.start_undo(operation, YES)
                await gate.wait()
                return operation.plan

    undoing = anyio.run(cut_off)
    assert backfill("cancel", undoing).exit_code == 0
    refused = backfill("resume", undoing, "--yes")
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert "--yes" in refused.stderr
    assert "mappings to delete: 1" in refused.stderr
    assert json.loads(backfill("status", undoing, "--json").stdout)["state"] == "cancelled"
    assert backfill("resume", undoing, given="y\n").exit_code == 0
    assert json.loads(backfill("status", undoing, "--json").stdout)["outcomes"] == {"deleted": 1}


def test_a_row_that_is_refused_makes_the_run_fail(backfill: Backfill, few: Path, tmp_path: Path) -> None:
    first, second = planned(backfill, str(few)), tmp_path / "second.csv"
    second.write_text(f"external_id,object_id\n'=1,{PEOPLE[5]}\n")
    other = planned(backfill, str(second))
    assert backfill("run", other).exit_code == 0
    result = backfill("run", first)
    assert result.exit_code == 1
    assert "1 refused" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["plan", *TO], 2, "Give either FILE or --custom-field."),
        (["plan", "none.csv", *TO], 2, "does not exist"),
        (["plan", "--custom-field", "x", *TO[2:], "--external-type", "crm_leed"], 1, 'existing are "crm_lead"'),
        (["plan", "--custom-field", "Legcy ID", *TO], 1, 'did you mean "Legacy ID"?'),
        (["run", "nope"], 1, "there is no such plan here"),
        (["status", "../x"], 1, "there is no such plan here"),
        (["report", "nope"], 1, "there is no such plan here"),
        (["cancel", "nope"], 1, "there is no such plan here"),
        (["list", "--limit", "0"], 2, "--limit"),
    ],
)
def test_what_cannot_be_is_refused_in_words(backfill: Backfill, arguments: list[str], code: int, words: str) -> None:
    result = backfill(*arguments)
    assert result.exit_code == code
    assert words in result.stderr
    assert result.stdout == ""


def test_only_what_was_begun_is_resumed_and_only_what_can_run_is_run(backfill: Backfill, few: Path) -> None:
    plan = planned(backfill, str(few))
    assert f"salesloft-mcp backfill run {plan}" in backfill("resume", plan).stderr
    assert backfill("run", plan).exit_code == 0
    again = backfill("run", plan)
    assert (again.exit_code, "plan: it is finished. Nothing was started." in again.stderr) == (1, True)


def test_a_plan_that_was_cancelled_is_not_run_by_a_server_and_can_be_resumed(backfill: Backfill, few: Path) -> None:
    plan = planned(backfill, str(few))
    cancelled = backfill("cancel", plan, "--json")
    assert (cancelled.exit_code, json.loads(cancelled.stdout)["state"]) == (0, "cancelled")
    assert backfill("resume", plan).exit_code == 0
    again = backfill("cancel", plan)
    assert (again.exit_code, "plan: it is finished. Nothing was cancelled." in again.stderr) == (1, True)


def test_all_plans_are_listed_newest_first_with_how_far_they_are(backfill: Backfill, few: Path) -> None:
    assert backfill("list").stdout == "No plan was made in SANDBOX (http://sandbox.localhost).\n"
    first, second = planned(backfill, str(few)), planned(backfill, "--custom-field", "Legacy ID")
    backfill("run", first)
    assert backfill("list").stdout.splitlines() == [
        f"{second}  crm_lead people, custom field Legacy ID: planned: 120 to create, 0 unchanged, 0 skipped."
        " Nothing written.",
        f"{first}  crm_lead people, file few.csv: finished: 1 of 1 done; 3 were skipped by the plan.",
    ]
    (newest,) = json.loads(backfill("list", "--limit", "1", "--json").stdout)
    assert (newest["plan"], newest["state"]) == (second, "planned")


def test_how_far_it_is_says_in_which_environment_and_for_which_team(backfill: Backfill, few: Path) -> None:
    shown = " ".join(backfill("status", planned(backfill, str(few))).stdout.split())
    assert "environment SANDBOX (http://sandbox.localhost) team 100013" in shown


def test_a_report_that_cannot_be_written_says_so(backfill: Backfill, few: Path, tmp_path: Path) -> None:
    result = backfill("report", planned(backfill, str(few)), "--output", str(tmp_path / "none" / "report.csv"))
    assert result.exit_code == 2
    assert "--output: cannot be written" in result.stderr


@pytest.mark.parametrize("environment", [{}, {"SALESLOFT_FILES_DIR": "/"}])
def test_files_are_never_read_over_http(
    tmp_path: Path, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[Any] = []
    monkeypatch.setattr("salesloft_mcp.commands.serve.open_app", lambda settings, _: seen.append(settings.files_dir))
    monkeypatch.setattr("anyio.run", lambda *_: 0)
    where = ["--sandbox", "--state-dir", str(tmp_path)]
    CliRunner().invoke(cli, ["serve", *where, "--http"], env=environment)
    CliRunner().invoke(cli, ["serve", *where, "--files-dir", str(tmp_path)], env=environment)
    assert seen == [None, tmp_path]
    both = CliRunner().invoke(cli, ["serve", *where, "--http", "--files-dir", str(tmp_path)])
    assert both.exit_code == 2
    assert "--http and --files-dir exclude each other" in both.stderr
