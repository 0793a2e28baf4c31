"""The policy of a computer: who may have written it, what it may say, and that no setting goes beyond it."""

import os
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import get_args

import platformdirs
import pytest

from salesloft_mcp import policy_file
from salesloft_mcp.errors import PolicyError
from salesloft_mcp.policy import ASKS, CONFIRMS, KINDS, MODES, NO_LIMITS, Policy
from salesloft_mcp.policy_file import place, read
from salesloft_mcp.salesloft.models import OBJECT_TYPES, ObjectType
from salesloft_mcp.server.inventory import check_policy
from salesloft_mcp.settings import Settings, load

ME = os.getuid()
SOMEBODY = 4_711  # no user of this machine
DOCUMENT = (Path(__file__).parent.parent / "docs" / "policy.md").read_text(encoding="utf-8")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that belongs to the administrator of this test, and to nobody else."""
    made = tmp_path / "etc"
    made.mkdir(mode=0o755)
    return made


@pytest.fixture
def file(folder: Path) -> Path:
    """A policy that is safely owned."""
    return written(folder / "policy.toml", 'mode = "no-delete"\n')


def written(file: Path, content: str | bytes) -> Path:
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    file.chmod(0o644)
    return file


def refusal(file: Path, administrator: int = ME) -> str:
    """Why a file is not used as a policy."""
    with pytest.raises(PolicyError) as refused:
        read(file, administrator)
    said = str(refused.value)
    assert said.startswith(f"{file}: the policy of this computer cannot be used: ")
    assert "administrator" in said.partition("\n")[2]
    return said


def test_without_a_file_nothing_is_limited(folder: Path) -> None:
    assert read(folder / "policy.toml", ME) == NO_LIMITS == Policy()
    assert read(folder / "not there" / "policy.toml", ME).line == ""


def test_the_example_of_the_document_is_a_policy(folder: Path) -> None:
    (example,) = re.findall(r"```toml\n(.*?)```", DOCUMENT, re.DOTALL)
    found = read(written(folder / "policy.toml", example), ME)
    assert (found.mode, found.ask, found.confirm) == ("no-delete", "overwrites", "outside")
    assert found.exclude_tools == ("undo_change",)
    assert found.object_types == ("people", "accounts")
    check_policy(found)
    other = example.replace("exclude_tools", "# ", 1).replace("# tools", "tools")
    check_policy(read(written(folder / "policy.toml", other), ME))
    assert found.line == (
        "mode no-delete, ask overwrites, confirm outside, exclude tools undo_change, object types people and accounts"
        f" ({folder / 'policy.toml'})"
    )


def test_the_kinds_of_record_are_those_of_salesloft() -> None:
    assert set(KINDS) == set(OBJECT_TYPES) == set(get_args(ObjectType))


# Who may have written it


def test_a_file_of_somebody_else_is_no_policy(file: Path) -> None:
    administrator = ME
    if ME == 0:
        os.chown(file, SOMEBODY, SOMEBODY)
    else:
        administrator = SOMEBODY
    said = refusal(file, administrator)
    assert re.search(r"belongs to the user \d+, and not to root", said)
    assert "an administrator looks at it, and then runs: chown root" in said


@pytest.mark.skipif(ME != 0, reason="only root can give folders away; CI runs this in its container")
@pytest.mark.parametrize("given_away", ["folder", "link", "folder of the target", "target"])
def test_whatever_leads_to_a_policy_has_to_be_of_the_administrator(folder: Path, given_away: str) -> None:
    elsewhere = folder.parent / "elsewhere"
    elsewhere.mkdir(mode=0o755)
    target, link = written(elsewhere / "real.toml", 'mode = "full"\n'), folder / "policy.toml"
    link.symlink_to(Path("..", "elsewhere", "real.toml"))
    assert read(link).mode == "full"
    ways = {"folder": folder, "link": link, "folder of the target": elsewhere, "target": target}
    os.chown(ways[given_away], SOMEBODY, SOMEBODY, follow_symlinks=False)
    assert f"{ways[given_away]} belongs to the user {SOMEBODY}" in refusal(link).replace("/etc/..", "")


@pytest.mark.skipif(ME != 0, reason="only root can give folders away; CI runs this in its container")
def test_a_link_in_a_folder_of_a_user_is_seen_though_it_leads_to_a_file_of_root(folder: Path, file: Path) -> None:
    """Else the user could have it lead to any other file of root, later."""
    home = folder.parent / "home"
    home.mkdir(mode=0o755)
    (home / "step").symlink_to(file)
    (folder / "link.toml").symlink_to(home / "step")
    assert read(folder / "link.toml").mode == "no-delete"
    os.chown(home, SOMEBODY, SOMEBODY)
    assert f"{home} belongs to the user {SOMEBODY}" in refusal(folder / "link.toml")


@pytest.mark.parametrize("mode", [0o664, 0o646, 0o666])
def test_a_file_that_others_may_write_is_no_policy(file: Path, mode: int) -> None:
    file.chmod(mode)
    said = refusal(file)
    assert f"others than its owner may write to {file}." in said
    assert f"chmod go-w {file}" in said


@pytest.mark.parametrize("mode", [0o775, 0o757])
def test_a_folder_in_which_others_may_write_holds_no_policy(folder: Path, file: Path, mode: int) -> None:
    folder.chmod(mode)
    assert f"others than its owner may write to {folder}." in refusal(file)
    folder.chmod(mode | 0o1000)  # sticky: nobody moves what is not his own
    assert read(file, ME).mode == "no-delete"


def dangling(file: Path) -> None:
    file.symlink_to(file.with_name("not there"))


def dangling_folder(file: Path) -> None:
    file.parent.rmdir()
    file.parent.symlink_to(file.parent.with_name("not mounted"))


def circle(file: Path) -> None:
    file.symlink_to(file)


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (dangling, "it cannot be read"),
        (dangling_folder, "it cannot be read"),
        (circle, "it cannot be read"),
        (Path.mkdir, "it is not a file."),
        (os.mkfifo, "it is not a file."),
    ],
)
def test_what_is_there_and_cannot_be_read_is_never_passed_over(
    folder: Path, make: Callable[[Path], None], told: str
) -> None:
    make(folder / "policy.toml")
    (folder / "policy.toml").chmod(0o755) if (folder / "policy.toml").exists() else None
    assert told in refusal(folder / "policy.toml")


@pytest.mark.skipif(ME == 0, reason="root reads everything")
def test_a_policy_that_this_user_may_not_read_stops_the_start(file: Path) -> None:
    file.chmod(0)
    assert "it cannot be read (Permission denied)" in refusal(file)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such variable")
def test_no_variable_of_a_user_leads_to_another_policy(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.undo()  # what keeps the policy of this machine out of the tests
    monkeypatch.delenv("XDG_CONFIG_DIRS", raising=False)
    usual = place()
    assert usual == Path(platformdirs.site_config_dir("salesloft_mcp"), "policy.toml")
    for name in ("XDG_CONFIG_DIRS", "XDG_CONFIG_HOME", "XDG_DATA_DIRS", "HOME", "WIN_PD_OVERRIDE_COMMON_APPDATA"):
        monkeypatch.setenv(name, str(tmp_path))
    assert place() == usual
    assert str(tmp_path) in platformdirs.site_config_dir("salesloft_mcp")  # which would have followed it


# What it may say


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "it limits nothing"),
        ("# mode = 'read-only'\n", "it limits nothing"),
        ("mode = 'full'\nmode = 'read-only'\n", "it is not TOML: Cannot overwrite a value (at line 2"),
        ("mode: read-only\n", "it is not TOML: "),
        ("mode = read-only\n", "it is not TOML: "),
        ('{"mode": "read-only"}', "it is not TOML: "),
        ("mode = 'read-only'\n".encode("utf-16"), "it is not text in UTF-8."),
        (b"mode = '\xff'\n", "it is not text in UTF-8."),
        (b"\0" * 100, "it is not TOML: "),
        ("a = " + "[" * 100_000, "it is not TOML: "),
        ("a = " + "9" * 5_000, "it is not TOML: "),
        ("mod = 'read-only'\n", '"mod" is no key of a policy; did you mean mode?'),
        ("[policy]\nmode = 'read-only'\n", '"policy" is no key of a policy; '),
        ("api_key = 'x'\n", '"api_key" is no key of a policy; '),
        ("mode = 'readonly'\n", "mode must be one of full, no-delete, read-only."),
        ("mode = 1\n", "mode must be one of "),
        ("mode = ['read-only']\n", "mode must be one of "),
        ("ask = true\n", "ask must be one of deletes, overwrites, all."),
        ("confirm = ''\n", "confirm must be one of auto, elicit, outside."),
        ("tools = 'get_connection'\n", "tools must be a list of at least one of names of tools."),
        ("tools = []\n", "tools must be a list"),
        ("tools = ['']\n", "tools must be a list"),
        ("exclude_tools = [1]\n", "exclude_tools must be a list"),
        ("object_types = []\n", "object_types must be a list of at least one of people, accounts, users."),
        ("object_types = ['person']\n", "object_types must be a list"),
        ("object_types = {people = true}\n", "object_types must be a list"),
        ("tools = ['a']\nexclude_tools = ['a']\n", "a stands in tools and in exclude_tools."),
    ],
    ids=lambda value: ascii(value)[:30],
)
def test_a_file_that_is_no_policy_stops_the_start(folder: Path, content: str | bytes, told: str) -> None:
    assert told in refusal(written(folder / "policy.toml", content))


def test_a_byte_order_mark_and_line_ends_of_windows_change_nothing(folder: Path) -> None:
    content = "\ufeffmode = 'read-only'\r\nobject_types = ['users', 'people', 'users']\r\n"
    found = read(written(folder / "policy.toml", content), ME)
    assert (found.mode, found.object_types) == ("read-only", ("people", "users"))


def test_a_policy_that_names_no_tool_does_not_limit_what_it_means_to() -> None:
    meant = Policy(exclude_tools=("undo_changes",), file="/etc/policy.toml")
    with pytest.raises(PolicyError, match=r'/etc/policy.toml: .* there is no tool "undo_changes"') as refused:
        check_policy(meant)
    assert "did you mean undo_change?" in str(refused.value)


# No setting goes beyond it (T49)

LADDERS: dict[str, tuple[str, ...]] = {"mode": MODES, "ask": ASKS, "confirm": CONFIRMS}
WITHIN: dict[tuple[str, str], tuple[str, ...]] = {
    **{("mode", most): MODES[MODES.index(most) :] for most in MODES},
    **{("ask", least): ASKS[ASKS.index(least) :] for least in ASKS},
    ("confirm", "auto"): CONFIRMS,
    ("confirm", "elicit"): ("elicit",),
    ("confirm", "outside"): ("outside",),
}


@pytest.mark.parametrize("by", ["option", "environment", "nobody", "a blank option", "a blank variable"])
@pytest.mark.parametrize(
    ("name", "limit", "value"), [(name, limit, value) for name, limit in WITHIN for value in LADDERS[name]]
)
def test_no_setting_goes_beyond_the_policy(
    monkeypatch: pytest.MonkeyPatch, file: Path, name: str, limit: str, value: str, by: str
) -> None:
    policy = read(written(file, f"{name} = '{limit}'\n"), ME)
    options = {name: value} if by == "option" else {name: " "} if by == "a blank option" else {}
    if by == "environment":
        monkeypatch.setenv(f"SALESLOFT_{name.upper()}", value)
    if by == "a blank variable":
        monkeypatch.setenv(f"SALESLOFT_{name.upper()}", "")
    if by in ("option", "environment") and value not in WITHIN[name, limit]:
        with pytest.raises(PolicyError) as refused:
            load(options, policy)
        chosen = f"--{name}" if by == "option" else f"SALESLOFT_{name.upper()}"
        said = str(refused.value)
        assert said.startswith(f"{chosen}: {value} is beyond the policy of this computer ({name} in {file}).\nNext: ")
        assert f"use {' or '.join(WITHIN[name, limit])}, or leave it out" in said
        return
    expected = value if by in ("option", "environment") else limit
    assert getattr(load(options, policy), name) == expected


def test_the_policy_of_the_computer_holds_by_itself(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    monkeypatch.setattr(policy_file, "place", lambda: file)
    monkeypatch.setattr(policy_file, "read", lambda found: read(found, ME))
    assert load().mode == "no-delete"
    with pytest.raises(PolicyError):
        load({"mode": "full"})
    file.chmod(0o666)
    with pytest.raises(PolicyError):
        load()


def test_settings_stricter_than_the_policy_stay(file: Path) -> None:
    policy = read(file, ME)
    assert load({"mode": "read-only", "ask": "all"}, policy).mode == "read-only"
    own = policy.narrowed("read-only", "all", "auto")
    with pytest.raises(PolicyError) as refused:
        own.require_write(removes=False)
    assert str(file) not in str(refused.value)  # the user asked for that, and not the administrator
    assert "policy" not in Settings.model_fields  # nothing of it comes from the environment
