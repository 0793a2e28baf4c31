"""The environment is read once, and what cannot be right stops the start without being repeated."""

import string
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesloft_mcp.cli import cli
from salesloft_mcp.errors import SettingsError
from salesloft_mcp.settings import Settings, chosen_by, load

from .hosting.program import API_KEY

PLAIN = string.ascii_letters + string.digits + "-._~+/="


def refusal(monkeypatch: pytest.MonkeyPatch, **environment: str) -> str:
    """What is said about an environment that cannot be right."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as refused:
        load()
    return str(refused.value)


@pytest.mark.parametrize(
    "token",
    [
        "ak-se cret",
        "ak-secret ",
        "ak-secret\n",
        "ak-\r\nX-Evil: 1",
        "ak-\x7f",
        "ak-secret\t",
        "ak-sécret",
        "ak-​x",
    ],
    ids=ascii,
)
def test_a_token_that_cannot_be_one_is_refused_and_not_repeated(monkeypatch: pytest.MonkeyPatch, token: str) -> None:
    said = refusal(monkeypatch, SALESLOFT_API_KEY=token)
    assert "SALESLOFT_API_KEY" in said
    assert "copy it again" in said
    assert token.strip() not in said
    assert "secret" not in said


def test_a_token_that_was_copied_with_its_header_is_told_which_word_to_leave_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said = refusal(monkeypatch, SALESLOFT_API_KEY="Bearer ak-secret")
    assert 'SALESLOFT_API_KEY: begins with the word "Bearer"; leave it out' in said
    assert "secret" not in said


@given(st.text().filter(lambda text: text.strip() and not all("!" <= char <= "~" for char in text)))
def test_no_text_beyond_visible_ascii_is_a_token(token: str) -> None:
    with pytest.raises(SettingsError) as refused:
        load({"api_key": token})
    assert str(refused.value).count("\n") == 1


@given(st.text(PLAIN, min_size=1, max_size=300).filter(lambda text: text.lower() not in ("undefined", "null", "none")))
def test_any_visible_token_is_kept_exactly(token: str) -> None:
    key = load({"api_key": token}).api_key
    assert key is not None
    assert key.get_secret_value() == token


def test_the_key_never_shows_in_any_form_of_the_settings() -> None:
    settings = load({"api_key": API_KEY})
    forms = (repr(settings), str(settings), settings.model_dump_json(), repr(settings.model_dump()), f"{settings}")
    assert all(API_KEY not in form for form in forms)


@pytest.mark.parametrize(
    ("given_url", "kept"),
    [
        ("https://api.salesloft.com", "https://api.salesloft.com"),
        ("https://api.salesloft.com/", "https://api.salesloft.com"),
        ("HTTPS://API.Salesloft.com:443", "https://api.salesloft.com"),
        ("http://127.0.0.1:80/Mock", "http://127.0.0.1/Mock"),
        ("https://crm.test:8443/v2", "https://crm.test:8443"),
        ("https://api.salesloft.com:", "https://api.salesloft.com"),
        ("https://proxy.example:8443/salesloft/", "https://proxy.example:8443/salesloft"),
        ("http://127.0.0.1:8765", "http://127.0.0.1:8765"),
        ("http://localhost", "http://localhost"),
        ("http://[::1]:8765", "http://[::1]:8765"),
        ("https://my_mock.internal", "https://my_mock.internal"),
        ("https://api.salesloft.com/v2", "https://api.salesloft.com"),
        ("https://api.salesloft.com/v2/", "https://api.salesloft.com"),
        ("https://api.salesloft.com/v2/external", "https://api.salesloft.com"),
        ("https://api.salesloft.com/v2/external/", "https://api.salesloft.com"),
        ("https://proxy.example/salesloft/v2", "https://proxy.example/salesloft"),
        ("https://proxy.example/v2/salesloft", "https://proxy.example/v2/salesloft"),
        ("https://proxy.example/sv2", "https://proxy.example/sv2"),
        ("https://proxy.example/external", "https://proxy.example/external"),
    ],
)
def test_https_anywhere_and_http_on_loopback_are_addresses_of_the_api(
    monkeypatch: pytest.MonkeyPatch, given_url: str, kept: str
) -> None:
    monkeypatch.setenv("SALESLOFT_BASE_URL", given_url)
    assert load().base_url == kept


@pytest.mark.parametrize(
    "url",
    [
        "http://api.salesloft.com",
        "HTTP://api.salesloft.com",
        "http://0.0.0.0:8765",
        "http://127.0.0.1.evil.example",
        "http://localhost.evil.example",
        "http://localhost@evil.example",
        "https://user@api.salesloft.com",
        "https://user:password@api.salesloft.com",
        "https://@api.salesloft.com",
        "https://api.salesloft.com?",
        "https://api.salesloft.com?to=evil.example",
        "https://api.salesloft.com#",
        "https://api.salesloft.com\\@evil.example",
        "https://api.salesloft.com\n",
        " https://api.salesloft.com",
        "https://api.salesloft.com evil.example",
        "https://аpi.salesloft.com",
        "https://api.salesloft.com:99999",
        "https://api.salesloft.com:0",
        "https://api.salesloft.com:port",
        "https://x:ak-password",
        "https://[::1",
        "http://[::1]evil.com",
        "https://[v1.x]",
        "https://[::1]:x",
        "https://[1.2.3.4]",
        "https://1.2.3",
        "https://0x7f.1",
        "https://api.sales%6Coft.com",
        "https:///api.salesloft.com",
        "https://1.2.3.256",
        "https://api..salesloft.com",
        f"https://{'a' * 64}.example",
        "https://xn--\u200b",
        "https://<host>",
        "https://${HOST}",
        "https://",
        "https:api.salesloft.com",
        "ftp://api.salesloft.com",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "//api.salesloft.com",
        "api.salesloft.com",
    ],
    ids=ascii,
)
def test_any_other_address_is_refused(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    said = refusal(monkeypatch, SALESLOFT_BASE_URL=url)
    assert said.startswith("SALESLOFT_BASE_URL: ")
    assert "password" not in said


@given(st.text(st.characters(codec="utf-8") | st.sampled_from(":/@?#[]\\% \n"), max_size=40))
def test_whatever_follows_https_is_an_address_or_a_refusal(rest: str) -> None:
    try:
        url = load({"base_url": f"https://{rest}"}).base_url
    except SettingsError:
        return
    assert url.startswith("https://")
    assert not set(url) & set(" @?#\\\n")
    assert httpx.URL(url).host  # what the client makes of it


@pytest.mark.parametrize(
    ("name", "nearest"),
    [
        ("SALESLOFT_APIKEY", "SALESLOFT_API_KEY"),
        ("SALESLOFT_API_TOKEN", "SALESLOFT_API_KEY"),
        ("SALESLOFT_BASEURL", "SALESLOFT_BASE_URL"),
        ("salesloft_mod", "SALESLOFT_MODE"),
        ("SALESLOFT_STATE", "SALESLOFT_STATE_DIR"),
        ("SALESLOFT_READ_ONLY", "SALESLOFT_MODE"),
        ("SALESLOFT_NO_DELETES", "SALESLOFT_MODE"),
        ("SALESLOFT_MCP_MODE", "SALESLOFT_MODE"),
        ("SALESLOFT_SANDBOX", "the option --sandbox"),
    ],
)
def test_a_misspelt_name_stops_the_start_with_the_nearest_one(
    monkeypatch: pytest.MonkeyPatch, name: str, nearest: str
) -> None:
    said = refusal(monkeypatch, **{name: "secret"})
    assert said.startswith(f"{name}: is not a setting.")
    assert f"did you mean {nearest}?" in said
    assert "secret" not in said


def test_a_setting_in_two_spellings_stops_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    said = refusal(monkeypatch, SALESLOFT_MODE="read-only", salesloft_mode="full")
    assert said.split("\n")[0].endswith(": is set twice, in two spellings.")


@pytest.mark.parametrize("name", ["SALESLOFT_WORKSPACE", "SALESLOFT_WEBHOOK_SECRET", "salesloft_team"])
def test_a_name_of_another_program_is_ignored_and_told(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    monkeypatch.setenv(name, "secret")
    assert load() == Settings()
    assert f'"{name}" is not a setting' in caplog.text
    assert "secret" not in caplog.text


@pytest.mark.parametrize("name", ["SALESLOFT_WORKSPACE", "SALESLOFT_APIKEY"])
def test_a_blank_name_that_is_no_setting_is_nothing(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    monkeypatch.setenv(name, " ")
    assert load() == Settings()
    assert not caplog.text


BLANKS = ["", " ", "\t", " \n", "\u00a0"]
each_setting = pytest.mark.parametrize("name", Settings.model_fields)
each_blank = pytest.mark.parametrize("blank", BLANKS, ids=ascii)


@each_setting
@each_blank
def test_a_blank_setting_is_unset(monkeypatch: pytest.MonkeyPatch, name: str, blank: str) -> None:
    unset = load()
    monkeypatch.setenv(f"SALESLOFT_{name.upper()}", blank)
    assert load() == unset
    assert load({name: blank}) == unset


@each_blank
def test_a_blank_option_leaves_the_environment_as_it_is(monkeypatch: pytest.MonkeyPatch, blank: str) -> None:
    monkeypatch.setenv("SALESLOFT_MODE", "read-only")
    assert load({"mode": blank}).mode == "read-only"


@each_blank
def test_a_blank_option_of_the_command_line_is_not_given(blank: str) -> None:
    """A setting that has no option is read from the environment only."""
    for command in cli.commands.values():
        valued = [param for param in command.params if not getattr(param, "is_flag", False)]
        flags = {param.name: param.opts[0] for param in valued if param.name in Settings.model_fields}
        given = [part for flag in flags.values() for part in (flag, blank)]
        if command.name == "sandbox" or not flags:
            continue  # its rate limit is that of the sandbox
        required = {"resolve": ["X"], "install": ["cursor"], "uninstall": ["cursor"]}.get(str(command.name), [])
        params = command.make_context(command.name, [*given, *required]).params
        assert {name: params[name] for name in flags} == dict.fromkeys(flags)


@each_setting
@pytest.mark.parametrize(
    "value",
    ["${SECRET}", "${env:SECRET}", "$SECRET/x", "$(secret)", "{{ secret }}", "<your secret>", "%SECRET%", "undefined"],
)
def test_a_place_holder_that_nobody_filled_in_stops_the_start_by_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    said = refusal(monkeypatch, **{f"SALESLOFT_{name.upper()}": value})
    assert said.startswith(f"SALESLOFT_{name.upper()}: is a place-holder")
    assert "secret" not in said.removeprefix(f"SALESLOFT_{name.upper()}").lower()


@each_setting
@pytest.mark.parametrize("quote", ['"', "'", "`", "\u201c"])
def test_quotation_marks_around_a_value_stop_the_start(monkeypatch: pytest.MonkeyPatch, name: str, quote: str) -> None:
    said = refusal(monkeypatch, **{f"SALESLOFT_{name.upper()}": f"{quote}secret{quote}"})
    assert said.startswith(f"SALESLOFT_{name.upper()}: has quotation marks")
    assert "secret" not in said


def test_a_folder_for_files_has_to_be_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for wrong in (tmp_path / "nope", file):
        assert refusal(monkeypatch, SALESLOFT_FILES_DIR=str(wrong)).startswith("SALESLOFT_FILES_DIR: is not a folder")
    monkeypatch.setenv("SALESLOFT_FILES_DIR", str(tmp_path))
    assert load().files_dir == tmp_path


@pytest.mark.parametrize("name", ["state_dir", "files_dir"])
@pytest.mark.parametrize("path", [".", "state", "./state", "..", "a/b"])
def test_no_path_of_the_environment_means_where_a_host_happens_to_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, path: str
) -> None:
    (tmp_path / "work" / "state").mkdir(parents=True)
    (tmp_path / "work" / "a" / "b").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work")
    assert getattr(load({name: Path(path)}), name) == Path(path).absolute()  # at a terminal it is plain
    said = refusal(monkeypatch, **{f"SALESLOFT_{name.upper()}": path})
    assert said.startswith(f"SALESLOFT_{name.upper()}: is relative")
    assert said.endswith("Next: give the whole path.")


def test_a_home_that_is_no_path_does_not_lead_to_where_a_host_happens_to_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "undefined")
    assert refusal(monkeypatch, SALESLOFT_STATE_DIR="~/state").startswith("SALESLOFT_STATE_DIR: is relative")
    monkeypatch.delenv("SALESLOFT_STATE_DIR")
    monkeypatch.setattr("platformdirs.user_state_path", lambda _: Path("undefined/state"))  # as some versions have it
    assert refusal(monkeypatch).startswith("SALESLOFT_STATE_DIR: is relative")


@pytest.mark.parametrize("name", ["SALESLOFT_STATE_DIR", "SALESLOFT_FILES_DIR"])
def test_the_home_of_nobody_is_refused(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert "home directory" in refusal(monkeypatch, **{name: "~nouser-here/x"})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SALESLOFT_MODE", "readonly"),
        ("SALESLOFT_MODE", "FULL"),
        ("SALESLOFT_CONFIRM", "never"),
        ("SALESLOFT_RATE_LIMIT", "0"),
        ("SALESLOFT_RATE_LIMIT", "100001"),
        ("SALESLOFT_RATE_LIMIT", "many"),
    ],
)
def test_a_value_that_is_not_allowed_is_refused_by_its_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    said = refusal(monkeypatch, **{name: value})
    assert said.startswith(f"{name}: ")
    assert "http" not in said
    assert "readonly" not in said


def test_a_mode_that_is_not_allowed_is_answered_with_those_that_are(monkeypatch: pytest.MonkeyPatch) -> None:
    said = refusal(monkeypatch, SALESLOFT_MODE="readonly")
    assert all(mode in said for mode in ("full", "no-delete", "read-only"))


def test_the_command_line_wins_over_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESLOFT_MODE", "full")
    monkeypatch.setenv("SALESLOFT_RATE_LIMIT", "100")
    settings = load({"mode": "read-only", "rate_limit": None})
    assert (settings.mode, settings.rate_limit) == ("read-only", 100)


def test_a_team_may_have_more_points_than_most(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESLOFT_RATE_LIMIT", "1200")
    assert load().rate_limit == 1_200


def test_it_can_be_told_where_each_setting_was_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SALESLOFT_MODE", "full")
    monkeypatch.setenv("Salesloft_Ask", "all")
    monkeypatch.setenv("SALESLOFT_CONFIRM", " ")
    chosen = chosen_by({"mode": "read-only", "rate_limit": 5, "state_dir": None})
    assert chosen == {"mode": "--mode", "rate_limit": "--rate-limit", "ask": "SALESLOFT_ASK"}


@pytest.mark.parametrize("name", ["mode", "ask", "rate_limit", "files_dir", "base_url"])
def test_an_option_that_a_template_left_as_it_was_is_refused_where_all_settings_are(name: str) -> None:
    option = f"--{name.replace('_', '-')}"
    given = cli.commands["serve"].make_context("serve", [option, "${user_config.x}"]).params[name]
    with pytest.raises(SettingsError, match=f"^{option}: is a place-holder"):
        load({name: given})


def test_an_option_that_is_no_setting_is_refused() -> None:
    with pytest.raises(SettingsError):
        load({"api_kee": "secret"})


def test_without_any_setting_the_live_api_is_meant_and_no_credential_is_assumed() -> None:
    settings = Settings()
    assert settings.base_url == "https://api.salesloft.com"
    assert settings.api_key is None
