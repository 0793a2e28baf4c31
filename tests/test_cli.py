"""The command line as a person meets it: quick help, mistakes answered with the way on, truthful exit codes."""

import inspect
import signal
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import httpx
import pytest
from click.testing import CliRunner

from salesloft_mcp.cli import cli
from salesloft_mcp.commands.options import Later
from salesloft_mcp.errors import SettingsError

from .hosting.program import (
    API_KEY,
    COMMAND,
    HANG_SECONDS,
    Json,
    clean_environment,
    free_port,
    listening,
    run,
    started,
)

COMMANDS = (
    "approvals",
    "audit",
    "backfill",
    "bulk-upsert",
    "changes",
    "demo",
    "install",
    "doctor",
    "login",
    "logout",
    "rename",
    "resolve",
    "runs",
    "sandbox",
    "serve",
    "uninstall",
    "verify",
)
HELP = """
import sys
from click.testing import CliRunner
from salesloft_mcp.cli import cli
for command in ([], *([name] for name in sys.argv[1:])):
    result = CliRunner().invoke(cli, [*command, "--help"])
    assert result.exit_code == 0, result.output
    assert "Exit codes: 0 done, 1 failed, 2 wrong" in result.output
print([name for name in ("mcp", "pydantic", "httpx", "uvicorn", "rich") if name in sys.modules])
"""


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return clean_environment(tmp_path, SALESLOFT_STATE_DIR=str(tmp_path / "state"))


def test_help_of_every_command_works_and_loads_none_of_the_heavy_libraries(env: dict[str, str]) -> None:
    assert set(cli.commands) == set(COMMANDS)
    done = subprocess.run(
        [sys.executable, "-c", HELP, *COMMANDS], env=env, capture_output=True, text=True, timeout=HANG_SECONDS
    )
    assert (done.stdout, done.stderr) == ("[]\n", "")


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "demo"])
def test_the_options_of_a_command_are_what_its_function_takes(name: str) -> None:
    declared = cli.commands[name]
    for command in declared.commands.values() if isinstance(declared, click.Group) else [declared]:
        assert isinstance(command, Later)
        assert command.callback
        work = getattr(import_module(f"salesloft_mcp.commands.{name.replace('-', '_')}"), command.callback.__name__)
        inspect.signature(work).bind(**{str(option.name): None for option in command.params})


@pytest.mark.parametrize(
    "arguments",
    [["demo"], ["resolve", "--sandbox", "--json", *map(str, range(5_000))]],
    ids=["rich", "many lines"],
)
def test_a_reader_that_goes_away_ends_a_command_quietly(env: dict[str, str], arguments: list[str]) -> None:
    process = subprocess.Popen(
        [*COMMAND, *arguments], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.close()
    _, told = process.communicate(timeout=HANG_SECONDS)
    assert (process.returncode, told) == (1, "")


def test_a_terminal_that_knows_few_characters_gets_the_others_written_out(env: dict[str, str]) -> None:
    done = run("resolve", "--sandbox", "Ł漢", env={**env, "PYTHONIOENCODING": "cp1252"})
    assert "\\u0141\\u6f22" in done.stdout
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "nearest"),
    [
        (["serv"], "serve"),
        (["sandbx"], "sandbox"),
        (["backfill", "pln"], "plan"),
        (["serve", "--sandbx"], "--sandbox"),
        (["serve", "--exclude-tool", "x"], "--exclude-tools"),
        (["serve", "--sandbox", "--tools", "get_conection"], "get_connection"),
        (["serve", "--sandbox", "--exclude-tools", "get_connection,delete_mapping"], "delete_external_id_mapping"),
        (["serve", "--sandbox", "--mode", "readonly"], "read-only"),
        (["sandbox", "--odd", "odd-value"], "odd-values"),
        (["sandbox", "--scopes", "external_id:read,external_id:mange"], "did you mean external_id:manage?"),
        (["sandbox", "--scopes", "person:set_crm"], "did you mean person:set_crm_id?"),
    ],
)
def test_a_misspelt_word_stops_the_start_with_the_nearest_one(arguments: list[str], nearest: str) -> None:
    result = CliRunner().invoke(cli, arguments)
    assert result.exit_code == 2
    assert nearest in result.stderr
    assert result.stdout == ""


def test_a_misspelt_name_in_the_environment_stops_the_start() -> None:
    result = CliRunner().invoke(cli, ["serve", "--sandbox"], env={"SALESLOFT_API_KYE": API_KEY})
    assert (result.exit_code, result.stdout) == (2, "")
    assert "did you mean SALESLOFT_API_KEY?" in result.stderr
    assert API_KEY not in result.stderr


@pytest.mark.parametrize(
    ("arguments", "needed"),
    [
        (["--sandbox-file", "box.db"], "--sandbox"),
        (["--dialect", "guide"], "--sandbox"),
        (["--port", "8001"], "--http"),
        (["--host", "127.0.0.1"], "--http"),
    ],
)
def test_an_option_that_would_be_ignored_is_refused(arguments: list[str], needed: str) -> None:
    result = CliRunner().invoke(cli, ["serve", *arguments], env={"SALESLOFT_API_KEY": API_KEY})
    assert result.exit_code == 2
    assert f"needs {needed}." in result.stderr


@pytest.mark.parametrize("command", [["resolve", "A"], ["audit"], ["runs", "list"]], ids=" ".join)
def test_without_a_credential_a_command_ends_and_shows_the_three_ways_on(
    env: dict[str, str], command: list[str]
) -> None:
    done = CliRunner(env=env).invoke(cli, command)
    assert (done.exit_code, done.stdout) == (2, "")
    for way in ("SALESLOFT_API_KEY", "API key", "OAuth access token", "`salesloft-mcp login", "--sandbox"):
        assert way in done.stderr
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize("command", [["resolve", "A"], ["audit"], ["runs", "list"]], ids=" ".join)
def test_a_setting_that_cannot_be_right_ends_a_command_without_being_shown(command: list[str]) -> None:
    result = CliRunner().invoke(cli, command, env={"SALESLOFT_API_KEY": f"{API_KEY} {API_KEY}"})
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr.startswith("salesloft-mcp: SALESLOFT_API_KEY: has a space")
    assert API_KEY not in result.stderr


@pytest.mark.parametrize(
    ("name", "value"), [("SALESLOFT_API_KEY", "${user_config.key}"), ("SALESLOFT_STATE_DIR", "/dev/null/state")]
)
def test_a_server_with_such_a_setting_starts_and_answers_with_it(
    env: dict[str, str], tmp_path: Path, name: str, value: str
) -> None:
    answer = _call({**env, name: value}, tmp_path / "log")
    assert answer["isError"]
    assert answer["content"][0]["text"].startswith(f"{name}: ")
    told = f"ERROR salesloft_mcp: A setting is wrong, and every call is answered with that: {name}: "
    assert told in (tmp_path / "log").read_text()
    assert "user_config" not in str(answer)


def test_an_option_that_a_template_left_as_it_was_is_answered_with_too_and_a_blank_one_is_unset(
    env: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    served: list[object] = []

    async def run(opening: object, *_: object) -> int:
        served.append(opening)
        return 0

    monkeypatch.setattr("salesloft_mcp.commands.serve.run", run)
    for option in ("--tools", "--exclude-tools", "--sandbox-file", "--dialect", "--mode"):
        for value in ("${user_config.x}", " "):
            assert CliRunner(env=env).invoke(cli, ["serve", "--sandbox", option, value]).exit_code == 0
        wrong, blank = served[-2:]
        assert str(wrong).startswith(f"{option}: is a place-holder")
        assert not isinstance(blank, SettingsError)
    for option in ("--sandbox-file", "--dialect"):  # which need --sandbox where they say anything
        assert CliRunner(env=env).invoke(cli, ["serve", option, "${x}"]).exit_code == 0
        assert CliRunner(env=env).invoke(cli, ["serve", option, " "]).exit_code == 0
        assert isinstance(served[-2], SettingsError)
        assert not isinstance(served[-1], SettingsError)
    assert CliRunner(env=env).invoke(cli, ["sandbox", "--dialect", "${x}"]).exit_code == 2


def test_the_option_wins_over_the_environment(env: dict[str, str], tmp_path: Path) -> None:
    command = [*COMMAND, "serve", "--sandbox", "--mode", "read-only"]
    with started(command, {**env, "SALESLOFT_MODE": "full"}, tmp_path / "log") as program:
        program.shake_hands("auto")
        program.call(2, "get_connection")
        assert program.receive()["result"]["structuredContent"]["mode"] == "read-only"


def test_a_sandbox_over_http_serves_a_server_by_what_it_printed_and_a_wrong_token_never_falls_back(
    env: dict[str, str], tmp_path: Path
) -> None:
    port = free_port()
    with listening(["sandbox", "--port", str(port)], port, env, tmp_path / "sandbox.log") as box:
        printed = _printed(box)
        assert printed["SALESLOFT_BASE_URL"] == f"http://127.0.0.1:{port}"
        answer = _call({**env, **printed}, tmp_path / "log")
        assert answer["isError"] is False
        assert answer["structuredContent"]["team_id"] == 100013
        assert answer["structuredContent"]["base_url"] == printed["SALESLOFT_BASE_URL"]
        refused = _call({**env, **printed, "SALESLOFT_API_KEY": API_KEY}, tmp_path / "log")
        assert refused["isError"] is True
        assert "does not accept this token (401)" in refused["content"][0]["text"]
        assert "structuredContent" not in refused
        assert API_KEY not in (tmp_path / "log").read_text()
        box.send_signal(signal.SIGINT)
        assert box.wait(HANG_SECONDS) == 130


@pytest.mark.parametrize(
    ("options", "statuses", "source"),
    [
        (["--oauth"], (200, 200), "integration"),
        (["--scopes", "external_id_configuration:manage,external_id:read"], (403, 200), None),
    ],
    ids=["oauth", "may write"],
)
def test_a_sandbox_prints_a_token_with_which_a_403_and_oauth_can_be_tried(
    env: dict[str, str], tmp_path: Path, options: list[str], statuses: tuple[int, int], source: str | None
) -> None:
    port = free_port()
    with listening(["sandbox", "--port", str(port), *options], port, env, tmp_path / "log") as box:
        printed = _printed(box)
        with httpx.Client(base_url=printed["SALESLOFT_BASE_URL"]) as api:
            api.headers["Authorization"] = f"Bearer {printed['SALESLOFT_API_KEY']}"
            configurations = "/v2/external/configurations"
            listed = api.get(configurations)
            made = api.post(configurations, json={"external_type": "external_id", "object_type": "accounts"})
        assert (listed.status_code, made.status_code) == statuses
        if made.is_success:
            assert made.json()["data"]["source_type"] == source
        box.send_signal(signal.SIGINT)
        assert box.wait(HANG_SECONDS) == 130


def _printed(box: "subprocess.Popen[str]") -> dict[str, str]:
    """The settings a sandbox prints at its start."""
    assert box.stdout is not None
    head = box.stdout.readline()
    assert head.startswith("# SANDBOX, no real data")
    assert "export" in head  # what is only set in a shell does not reach the next command
    return dict(box.stdout.readline().strip().split("=", 1) for _ in range(2))


def _call(env: dict[str, str], log: Path) -> Json:
    with started([*COMMAND, "serve"], env, log) as program:
        program.shake_hands("legacy")
        program.call(2, "get_connection")
        result: Json = program.receive()["result"]
        return result


def test_a_sandbox_on_a_taken_port_ends_with_exit_1(env: dict[str, str], tmp_path: Path) -> None:
    port = free_port()
    with listening(["sandbox", "--port", str(port)], port, env, tmp_path / "log") as box:
        done = run("sandbox", "--port", str(port), env=env)
        box.send_signal(signal.SIGTERM)
        assert box.wait(HANG_SECONDS) in (143, -signal.SIGTERM)
    assert done.returncode == 1
    assert "in use" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device that is always full, as on Linux")
def test_where_nothing_can_be_written_one_line_says_why(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(
            [*COMMAND, "changes"], env=clean_environment(tmp_path), stdout=full, stderr=subprocess.PIPE, text=True
        )
    assert (done.returncode, done.stderr) == (1, "salesloft-mcp: No space left on device\n")


def test_a_file_that_is_no_sandbox_is_refused_in_words(env: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / "contacts.csv"
    file.write_text("external_id\n1\n")
    done = CliRunner(env=env).invoke(cli, ["resolve", "A", "--sandbox", "--sandbox-file", str(file)])
    assert done.exit_code == 2
    assert done.stderr.startswith(f"salesloft-mcp: {file}: cannot hold a sandbox (file is not a database).\nNext: ")
