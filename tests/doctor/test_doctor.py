"""`salesloft-mcp doctor`: what is wrong comes first with how to mend it, and then how things are."""

import json
import os
import threading
from dataclasses import replace
from pathlib import Path
from typing import Any

import anyio
import pytest

from salesloft_mcp.app import way_to
from salesloft_mcp.cli import cli
from salesloft_mcp.doctor import examine
from salesloft_mcp.doctor.checks import CHECKS
from salesloft_mcp.doctor.readings import Chosen, Readings
from salesloft_mcp.hosts.entry import OPTIONS
from salesloft_mcp.policy import NO_LIMITS
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.settings import Settings
from salesloft_mcp.state.clients import Clients
from salesloft_mcp.state.credentials import Credentials
from salesloft_mcp.state.database import Database
from salesloft_mcp.state.learned import Learned
from tests.doctor.conftest import Told, Typed, files_below, program, write
from tests.hosting.program import free_port
from tests.signing_in import sign_in

BASE = "https://api.salesloft.com"
TEAM = "100013"


def wrong(found: dict[str, Any]) -> dict[str, list[str]]:
    """The findings that are failures, by check."""
    checks = found["checks"].items()
    return {name: ours for name, told in checks if (ours := [one["what"] for one in told["findings"] if one["wrong"]])}


def notes(found: dict[str, Any], check: str) -> list[str]:
    return [one["what"] for one in found["checks"][check]["findings"] if not one["wrong"]]


def facts(found: dict[str, Any], check: str) -> str:
    return "\n".join(found["checks"][check]["facts"])


@pytest.mark.usefixtures("live")
def test_a_sound_setup_is_one_screen_on_which_nothing_is_wrong(typed: Typed) -> None:
    result = typed()
    assert (result.exit_code, result.stderr) == (0, "")
    lines = result.stdout.splitlines()
    assert lines[0].endswith("UTC: nothing is wrong.")
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 40
    assert [line.split(" ")[0] for line in lines[2:] if not line.startswith(" ")] == list(CHECKS)
    assert 'team        "Northwind Software (sandbox)" (100013); user "Luis Castillo" (1)' in lines


def test_it_asks_eight_points_worth_of_reads_and_makes_or_changes_nothing(
    live: Sandbox, told: Told, home: Path
) -> None:
    before = files_below(home)
    found = told()
    assert files_below(home) == before
    assert {one.method for one in live.requests} == {"GET"}
    assert found["checks"]["scopes"]["data"]["points"] == len(live.requests) == 8
    assert set(found["checks"]["scopes"]["data"]["read"].values()) == {"granted"}
    assert "external_id:manage" in found["checks"]["scopes"]["data"]["untried"]


def test_without_a_credential_it_says_how_to_get_one_and_that_salesloft_is_reached(
    live: Sandbox, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SALESLOFT_API_KEY")
    found = told()
    assert wrong(found) == {"credential": ["there is none."]}
    (finding,) = found["checks"]["credential"]["findings"]
    assert finding["mend"].startswith("run `salesloft-mcp login --state-dir ")
    assert "\nthe first answer came after " in facts(found, "network")
    assert [one.raw_path for one in live.requests] == [b"/v2/me"]


def test_an_entry_with_a_key_of_its_own_makes_a_terminal_without_one_a_note(
    live: Sandbox, told: Told, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SALESLOFT_API_KEY")
    write(home / ".cursor/mcp.json", _servers(program(home), "serve", env={"SALESLOFT_API_KEY": "${env:X}"}))
    found = told()
    assert not wrong(found)
    assert notes(found, "credential") == ["there is none here."]
    assert facts(found, "credential") == "none here; of its own, which is not tried: Cursor"


@pytest.mark.usefixtures("live")
def test_the_way_through_a_proxy_is_told_without_its_password(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:c4n4ry@proxy.test:3128")
    said = typed().stdout
    assert "network     through the proxy proxy.test:3128, named by HTTPS_PROXY;" in said
    assert "c4n4ry" not in said


@pytest.mark.usefixtures("home")
def test_a_proxy_that_cannot_be_one_is_told_once_and_without_its_value(
    told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALESLOFT_API_KEY", "ak-x")
    monkeypatch.setenv("HTTPS_PROXY", "ftp://me:c4n4ry@proxy.test")
    found = told()
    assert wrong(found) == {"network": ["HTTPS_PROXY: is not the address of a proxy."]}
    assert "c4n4ry" not in json.dumps(found)


def test_an_address_that_is_not_salesloft_s_is_a_failure(live: Sandbox, told: Told) -> None:
    live.faults.add(Fault("raw", status=404, times=None, body=b'{"error": "Not Found"}'))
    found = told()
    assert list(wrong(found)) == ["address"]
    assert "it is not the address of Salesloft's API" in wrong(found)["address"][0]


@pytest.mark.usefixtures("live")
def test_a_name_in_the_environment_that_is_no_setting_is_a_note(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESLOFT_REGION", "eu")
    result = typed()
    assert (result.exit_code, result.stderr) == (0, "")
    assert 'note        settings: "SALESLOFT_REGION" is not a setting of this server' in result.stdout


def test_a_token_that_is_refused_is_told_once(live: Sandbox, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESLOFT_API_KEY", "ak-of-yesterday")
    found = told()
    assert list(wrong(found)) == ["credential"]
    assert "does not accept this token (401)" in wrong(found)["credential"][0]
    assert len(live.requests) == 1


def test_a_right_that_everything_needs_is_a_failure_and_others_are_notes_with_what_to_grant(
    live: Sandbox, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = live.issue_token("external_id_configuration:read", "person:view", "user:view", "custom_field:view")
    monkeypatch.setenv("SALESLOFT_API_KEY", token)
    found = told()
    assert wrong(found) == {"scopes": ["the token may not read mappings."]}
    assert notes(found, "scopes") == ["the token may not read accounts."]
    mend = [one["mend"] for one in found["checks"]["scopes"]["findings"]]
    assert mend == ["grant it external_id:read.", "grant it account:view (or accounts:read)."]


def test_a_row_that_cannot_be_read_is_no_refusal_and_kinds_beyond_the_policy_are_not_tried(
    live: Sandbox, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    rules = replace(NO_LIMITS, object_types=("people",), file="/etc/policy.toml", limits=("object_types",))
    monkeypatch.setattr("salesloft_mcp.commands.doctor.installed", lambda: rules)
    live.faults.add(Fault("raw", path="/v2/people", status=200, body=b'{"data": [{"no": "id"}]}'))
    tried = told()["checks"]["scopes"]["data"]["read"]
    assert tried["person:view"] == "granted"
    assert not {"account:view", "user:view"} & tried.keys()


def test_offline_all_that_is_on_this_computer_is_told(told: Told, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESLOFT_BASE_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("SALESLOFT_API_KEY", "ak-x")
    write(home / ".cursor/mcp.json", _servers(program(home), "serve"))
    found = told()
    assert list(wrong(found)) == ["network"]
    assert "nothing was sent" in wrong(found)["network"][0]
    assert 'Cursor, "salesloft" in ~/.cursor/mcp.json: ~/bin/salesloft-mcp serve' in facts(found, "hosts")


def test_offline_is_a_note_where_every_entry_starts_the_sandbox_and_there_is_no_key(
    told: Told, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALESLOFT_BASE_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.delenv("SALESLOFT_API_KEY", raising=False)
    write(home / ".cursor/mcp.json", _servers(program(home), "serve", "--sandbox"))
    assert not wrong(found := told())
    assert "nothing was sent" in notes(found, "network")[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [("SALESLOFT_API_KEY", "${KEY}"), ("SALESLOFT_MODE", "reed-only"), ("SALESLOFT_MOED", "reed-only")],
)
def test_faulty_settings_are_named_nothing_is_sent_and_the_rest_is_told(
    live: Sandbox, told: Told, home: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)
    write(home / ".cursor/mcp.json", _servers(program(home), "serve"))
    found = told()
    assert wrong(found)["settings"][0].startswith(f"{name}: ")
    assert value not in json.dumps(found)
    assert not live.requests
    assert "Cursor" in facts(found, "hosts")


@pytest.mark.usefixtures("live")
def test_each_setting_is_told_with_where_it_comes_from(told: Told, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rules = replace(NO_LIMITS, mode="no-delete", file="/etc/policy.toml", limits=("mode",))
    monkeypatch.setattr("salesloft_mcp.commands.doctor.installed", lambda: rules)
    found = told("--ask", "all")
    assert found["checks"]["settings"]["facts"] == [
        "api_key set (SALESLOFT_API_KEY)",
        "ask all (--ask)",
        "state_dir ~/state (SALESLOFT_STATE_DIR)",
        "by the policy: mode no-delete",
        "by default: base_url https://api.salesloft.com, confirm auto, rate_limit 570",
    ]
    assert found["checks"]["settings"]["data"]["mode"] == {"value": "no-delete", "from": "by the policy"}
    assert facts(found, "policy") == "mode no-delete (/etc/policy.toml)"


def test_all_faults_of_the_settings_are_told_at_once_and_what_they_leave_is_looked_at(
    live: Sandbox, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("SALESLOFT_API_KEY", "SALESLOFT_BASE_URL", "SALESLOFT_MODE", "SALESLOFT_ASSK"):
        monkeypatch.setenv(name, "<fill this in>")
    found = told("--rate-limit", "0")
    assert {one.split(":")[0] for one in wrong(found)["settings"]} == {
        *("SALESLOFT_API_KEY", "SALESLOFT_BASE_URL", "SALESLOFT_MODE", "SALESLOFT_ASSK", "--rate-limit")
    }
    assert list(wrong(found)) == ["settings"]
    assert facts(found, "state") == "~/state, not there yet: a server makes it"
    assert facts(found, "address") == facts(found, "credential") == "see above"
    assert facts(found, "settings").startswith("state_dir ~/state (SALESLOFT_STATE_DIR)\nby default: ask deletes, ")
    assert not live.requests


def test_a_policy_that_cannot_be_used_is_a_failure(
    live: Sandbox, told: Told, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(home / "policy.toml", 'moed = "full"\n')
    monkeypatch.setattr("salesloft_mcp.policy_file.place", lambda: file)
    assert list(wrong(told())) == ["policy"]
    assert not live.requests


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda folder: write(folder, "a file"), "it is no folder"),
        (lambda folder: write(folder / "state.db", "no database" * 100), "cannot hold our state"),
        (lambda folder: folder.symlink_to(folder), "cannot be used"),
        (lambda folder: folder.symlink_to("gone"), "it is not there, and nothing can be made in"),
    ],
    ids=["a file", "another file in it", "a link to itself", "a link to nothing"],
)
@pytest.mark.usefixtures("live")
def test_a_state_folder_that_cannot_be_used_is_a_failure(told: Told, home: Path, make: Any, words: str) -> None:
    make(home / "state")
    (home / "state").chmod(0o700) if (home / "state").is_dir() else None
    found = told()
    assert list(wrong(found)) == ["state"]
    assert words in wrong(found)["state"][0]


@pytest.mark.usefixtures("live")
def test_a_state_folder_that_others_may_look_into_is_a_failure_and_stays_as_it_is(told: Told, home: Path) -> None:
    folder = home / "state"
    folder.mkdir(mode=0o755)
    folder.chmod(0o755)
    found = told()
    assert "others may look into ~/state (mode 0755)" in wrong(found)["state"][0]
    (folder / "of another program").touch()  # which would be shut out
    told_then = wrong(told())["state"]
    assert "it is open to others and holds other things" in told_then[0]
    assert "chmod" not in str(told_then)
    assert folder.stat().st_mode & 0o777 == 0o755


@pytest.mark.usefixtures("live")
def test_a_state_folder_without_the_rights_to_use_it_is_a_failure(
    told: Told, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (home / "state").mkdir(mode=0o700)
    monkeypatch.setattr("salesloft_mcp.doctor.local.os.access", lambda *_: False)  # root may do everything
    assert "it may not be read and written" in wrong(told())["state"][0]


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
@pytest.mark.usefixtures("live")
def test_a_state_folder_of_somebody_else_is_a_failure(told: Told, home: Path) -> None:
    (home / "state").mkdir(mode=0o700)
    os.chown(home / "state", 4_711, -1)
    assert "it belongs to the user 4711" in wrong(told())["state"][0]


def _servers(command: str, *arguments: str, **more: Any) -> str:
    return json.dumps({"mcpServers": {"salesloft": {"command": command, "args": list(arguments), **more}}})


async def _kept(folder: Path, environment: str = BASE) -> None:
    """What a server saw of Cursor, which declined, and of a client that is in no table; and what `verify` saw."""
    database = Database(folder)
    clients = Clients(database, environment, lambda: 1_700_000_000.0)
    await clients.note("cursor-vscode", "1.9", "2025-11-25", "form")
    await clients.answered("cursor-vscode", "decline", 0.004)
    await clients.note("an-inspector\n", "0.1", "2026-07-28", "")
    await Learned(database, environment, lambda: 1_700_000_000.0).keep(
        TEAM, {"delete-status": "204", "second-delete": "204", "object-type-filter": "only the singular"}
    )
    database.close()


@pytest.mark.usefixtures("live")
def test_each_host_is_told_with_what_a_server_last_saw_of_it(told: Told, home: Path) -> None:
    anyio.run(_kept, home / "state")
    write(home / ".cursor/mcp.json", _servers(program(home), "serve", "--mode", "read-only"))
    found = told()
    assert not wrong(found)
    assert found["checks"]["hosts"]["facts"] == [
        'Cursor, "salesloft" in ~/.cursor/mcp.json: ~/bin/salesloft-mcp serve --mode read-only',
        '- seen 2023-11-14 22:13:20 UTC: "cursor-vscode" "1.9", protocol 2025-11-25, declares that it asks a person'
        " (form); answered decline after 4 ms, 2023-11-14 22:13:20 UTC",
        "no entry: Claude Desktop, Claude Code, VS Code, Codex, Gemini CLI",
        'other client: seen 2023-11-14 22:13:20 UTC: "an-inspector\\u{a}" "0.1", protocol 2026-07-28, declares no way'
        " to ask",
    ]
    seen = found["checks"]["hosts"]["data"]["hosts"]["cursor"]["entries"][0]["seen"]
    assert (seen["answer"], seen["answered_in_ms"], seen["asks"]) == ("decline", 4, ["form"])


@pytest.mark.usefixtures("live")
def test_what_was_seen_is_looked_for_in_the_state_folder_that_an_entry_names(told: Told, home: Path) -> None:
    anyio.run(_kept, home / "other")
    write(home / ".cursor/mcp.json", _servers(program(home), "serve", "--state-dir", str(home / "other")))
    assert '"cursor-vscode" "1.9"' in facts(told(), "hosts")


@pytest.mark.usefixtures("live")
def test_an_entry_whose_command_is_gone_is_a_failure_and_a_file_that_cannot_be_read_a_note(
    told: Told, home: Path
) -> None:
    write(home / ".claude.json", _servers(str(home / "gone/salesloft-mcp"), "serve"))
    write(home / ".cursor/mcp.json", "{")
    found = told()
    (finding,) = [one for one in found["checks"]["hosts"]["findings"] if one["wrong"]]
    assert finding["what"] == '"salesloft" in ~/.claude.json starts ~/gone/salesloft-mcp, which cannot be run.'
    assert "`salesloft-mcp install claude-code`" in finding["mend"]
    assert "line 1, column" in notes(found, "hosts")[0]


@pytest.mark.usefixtures("live")
def test_an_entry_whose_program_or_option_is_misspelt_is_a_failure(told: Told, home: Path) -> None:
    write(home / ".claude.json", _servers(str(home / "bin/salesloft-mpc"), "serve", "--sandbox"))
    write(home / ".cursor/mcp.json", _servers(program(home), "serve", "--sandbx", "--mode=full"))
    found = told()
    assert [one["what"] for one in found["checks"]["hosts"]["findings"] if one["wrong"]] == [
        '"salesloft" in ~/.claude.json starts ~/bin/salesloft-mpc, which cannot be run.',
        '"salesloft" in ~/.cursor/mcp.json gives --sandbx, which `serve` does not know.',
    ]
    assert "~/bin/salesloft-mpc serve --sandbox" in facts(found, "hosts")


def test_the_options_that_an_entry_may_give_are_those_of_serve() -> None:
    assert {option for one in cli.commands["serve"].params for option in one.opts} == OPTIONS


@pytest.mark.parametrize(
    "entry",
    [
        {"command": "x", "args": ["salesloft-mcp", "serve", None, "--state-dir"], "env": []},
        {"command": "salesloft-mcp", "args": ["serve", "--state-dir", "\0"], "env": {"SALESLOFT_STATE_DIR": 7}},
        {"command": "salesloft-mcp", "args": ["serve", "--state-dir=~nobody-there/x\u202e\x1b[2J"], "disabled": "\n"},
    ],
)
@pytest.mark.usefixtures("live")
def test_whatever_stands_in_the_file_of_a_host_is_told_on_lines_of_their_own(
    typed: Typed, home: Path, monkeypatch: pytest.MonkeyPatch, entry: dict[str, Any]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    write(home / ".cursor/mcp.json", json.dumps({"mcpServers": {"a\n\x1b": entry}}))
    said = typed().stdout
    assert 'Cursor, "a\\u{a}\\u{1b}" in ~/.cursor/mcp.json: ' in " ".join(said.split())
    assert said.replace("\n", "").isprintable()
    assert ", which cannot be run." in " ".join(said.split())


@pytest.mark.usefixtures("live")
def test_what_keeps_a_host_from_starting_an_entry_is_a_note(told: Told, home: Path) -> None:
    write(home / ".cursor/mcp.json", _servers(program(home), "serve", disabled=True))
    found = told()
    assert not wrong(found)
    assert notes(found, "hosts")[0].startswith('Cursor: "salesloft" is switched off there')


@pytest.mark.usefixtures("live")
def test_what_verify_saw_of_this_team_is_told(told: Told, home: Path) -> None:
    anyio.run(_kept, home / "state")
    found = told()["checks"]["behaviour"]
    assert found["data"]["otherwise"] == {"second-delete": "204", "object-type-filter": "only the singular"}
    assert found["facts"][:2] == [
        'used: mappings are filtered by "person" and come with their ids, 100 ids a call',
        "tried at 2023-11-14 22:13:20 UTC: 1 as assumed, 2 otherwise",
    ]


def test_a_sign_in_is_told_with_its_end_and_its_scopes(
    live: Sandbox, told: Told, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SALESLOFT_API_KEY")
    kept = anyio.run(sign_in, live, Credentials(home / "state", BASE))
    (home / "state").chmod(0o700)
    found = told()
    assert not wrong(found)
    assert facts(found, "credential").startswith("signed in by a person, kept in a private file\nthe token ends at ")
    assert found["checks"]["credential"]["data"]["scopes"] == kept.scope.split()


@pytest.mark.parametrize("ahead", [-300.0, 300.0])
def test_a_clock_that_is_wrong_is_a_failure(
    live: Sandbox, told: Told, monkeypatch: pytest.MonkeyPatch, ahead: float
) -> None:
    monkeypatch.setattr("salesloft_mcp.salesloft.client.seconds_ahead", lambda headers, now: ahead)
    found = told()
    way = "ahead of" if ahead > 0 else "behind"
    assert f"300 seconds {way} Salesloft's" in wrong(found)["clock"][0]
    assert found["checks"]["clock"]["data"]["seconds_ahead"] == ahead


CANARY = "c4n4ry"


def _in_odd_places(key: str) -> dict[str, Any]:
    """Entries of ours with a key, or a password, where nobody expects one."""
    command, variable = "salesloft-mcp", f"SALESLOFT_API_KEY={key}"
    return {
        key: {"command": f"/{key}/{command}", "args": ["serve", "--state-dir", f"/tmp/{key}"]},
        "command": {"command": f"{variable} {command}", "args": [command, "serve", "-k", CANARY, "full", key]},
        "address": {"command": command, "args": ["serve", "--base-url", f"http://{CANARY}@x"], "env": {variable: ""}},
    }


@pytest.mark.parametrize("words", [(), ("--json",)], ids=["text", "json"])
def test_no_secret_is_shown_wherever_it_stands(
    live: Sandbox, typed: Typed, home: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    live.faults.add(Fault("raw", path="/v2/team", status=500, body=f'{{"error": "ak-{CANARY}"}}'.encode()))
    kept = anyio.run(sign_in, live, Credentials(home / "state", BASE))
    monkeypatch.setenv("SALESLOFT_API_KEY", f"ak-{CANARY}")
    monkeypatch.setenv("SALESLOFT_CLIENT_SECRET", f"secret-{CANARY}")
    key = {"SALESLOFT_API_KEY": f"ak-{CANARY}-entry"}
    write(home / ".cursor/mcp.json", _servers(program(home), "serve", "--token", f"{CANARY}", env=key))
    write(home / ".gemini/settings.json", json.dumps({"mcpServers": _in_odd_places(f"ak_{'c4fe' * 16}")}))
    write(home / ".claude.json", '{"mcpServers": {"x": {"headers": {"Authorization": "' + CANARY)
    said = typed(*words)
    for secret in (CANARY, "c4fe", kept.access_token, kept.refresh_token, kept.client_secret):
        assert (secret if isinstance(secret, str) else secret.get_secret_value()) not in said.stdout + said.stderr
    monkeypatch.setenv("SALESLOFT_API_KEY", f"'{CANARY}'")
    said = typed(*words)
    assert CANARY not in said.stdout + said.stderr


def test_a_place_holder_for_a_key_does_not_take_the_place_of_our_own_words(
    told: Told, live: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SALESLOFT_API_KEY", "key")
    assert told()["checks"]["credential"]["data"]["kind"] == "key"
    assert live.requests


def test_programs_get_every_check_with_the_same_keys_whatever_is_wrong(
    live: Sandbox, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    sound = told()
    monkeypatch.setenv("SALESLOFT_MODE", "none of these")
    faulty = told()
    for found in (sound, faulty):
        assert list(found) == ["time", "version", "wrong", "checks"]
        assert list(found["checks"]) == list(CHECKS)
        for name, told_of in found["checks"].items():
            assert list(told_of) == ["status", "facts", "findings", "data"]
            assert told_of["status"] in ("ok", "wrong", "unknown")
            assert told_of["facts"]
            assert set(told_of["data"]) == set(CHECKS[name].names)


def test_what_does_not_answer_is_given_up_and_told(live: Sandbox, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr(examine, "SECONDS", 0.05)
    monkeypatch.setattr(examine, "read_live", lambda *_: anyio.sleep_forever())

    async def a_disk_that_hangs(*_: object) -> None:
        release.wait()

    monkeypatch.setattr(examine, "read_state", a_disk_that_hangs)

    async def examined() -> Readings:
        settings = Settings()
        readings = await examine.readings_of(Chosen(settings, NO_LIMITS), way_to(settings, None))
        release.set()
        return readings

    readings = anyio.run(examined)
    report = examine.judged(readings).data()
    assert {"network", "state"} <= set(wrong(report))
    assert not live.requests
