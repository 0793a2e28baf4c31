"""Edits of TOML leave everything else as it is."""

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesloft_mcp.hosts import toml_edit
from salesloft_mcp.hosts.json_tree import ParseError

PATH = ("mcp_servers", "salesloft")
ENTRY = {"command": "/x/salesloft-mcp", "args": ["serve"], "startup_timeout_sec": 30, "env_vars": ["SALESLOFT_API_KEY"]}
BLOCKS = (
    'model = "gpt-x" # the one we pay for\n',
    "# a comment by itself\n\n",
    '[mcp_servers.other]\ncommand = "other"\nargs = [\n  "a", # first\n  "b",\n]\n',
    '\n[mcp_servers.other.env]\nOTHER_KEY = "s3cret"\n',
    "[profiles.fast]\nmodel='x'\n",
    "[[hooks]]\nname = 1\n[[hooks]]\nname = 2\n",
    "[tui]   # about windows\nnotifications = [ 'x','y' ]\n\n",
    '[projects."/home/a b"]\ntrust_level = "trusted"\n',
    's = """\n[mcp_servers.salesloft]\n"""\n',
    "\n",
)
# Each at most once and in this order, so that it is TOML.
FILES = st.sets(st.sampled_from(range(len(BLOCKS)))).map(lambda chosen: "".join(BLOCKS[one] for one in sorted(chosen)))


@given(FILES, st.booleans())
def test_a_new_table_is_there_and_every_old_line_stays_in_its_order(text: str, windows: bool) -> None:
    old = text.replace("\n", "\r\n") if windows else text
    new = toml_edit.with_member(old, PATH, ENTRY)
    wanted = tomllib.loads(old)
    wanted.setdefault("mcp_servers", {})["salesloft"] = ENTRY
    assert tomllib.loads(new) == wanted
    lines = iter(new.splitlines(keepends=True))
    assert all(any(line == one for one in lines) for line in old.splitlines(keepends=True) if line.strip())
    if "\r\n" in old:
        assert "\n" not in new.replace("\r\n", "")


@given(FILES)
def test_what_was_added_is_taken_out_again(text: str) -> None:
    back = toml_edit.without_member(toml_edit.with_member(text, PATH, ENTRY), PATH)
    assert [line for line in back.splitlines() if line] == [line for line in text.splitlines() if line]
    assert tomllib.loads(back) == tomllib.loads(text)


@pytest.mark.parametrize(
    "text", ["", 'model = "x"\n', 'a = 1\n[mcp_servers.b]\ncommand = "b"\n', "a = 1\r\n[b]\r\nc = 2\r\n"]
)
def test_an_ordinary_file_is_the_same_again_byte_for_byte(text: str) -> None:
    assert toml_edit.without_member(toml_edit.with_member(text, PATH, ENTRY), PATH) == text


def test_a_comment_above_the_next_table_stays_there() -> None:
    text = '[mcp_servers.a]\ncommand = "b"\n\n# about c\n[c]\nd = 1\n'
    new = toml_edit.with_member(text, PATH, ENTRY)
    assert new.startswith(text)
    assert toml_edit.without_member(new, PATH) == text
    ours = (
        '[mcp_servers.salesloft]\ncommand = "salesloft-mcp" # ours\n\n[mcp_servers.salesloft.env]\n# ours\nA = "b"\n\n'
    )
    assert (
        toml_edit.without_member(f"a = 1\n\n{ours}# about c\n[c]\nd = 1\n", PATH) == "a = 1\n\n# about c\n[c]\nd = 1\n"
    )


def test_one_value_is_replaced_and_its_comment_stays() -> None:
    text = '[mcp_servers."salesloft"]\ncommand = "old" # mine\n\n[mcp_servers.salesloft.env]\nA = "b"\n'
    assert toml_edit.with_member(text, (*PATH, "command"), "new") == text.replace('"old"', '"new"')


def test_what_is_not_there_is_not_taken_out() -> None:
    assert toml_edit.without_member("a=1\n", PATH) == "a=1\n"
    assert toml_edit.without_member("mcp_servers=1\n", PATH) == "mcp_servers=1\n"


@pytest.mark.parametrize(
    ("text", "place"), [("a = 1\nb = \n", 10), ("[x\n", 2), ("a=1\na=2\n", 4), ("mcp_servers = 1\n", 0)]
)
def test_a_fault_is_told_with_its_place(text: str, place: int) -> None:
    with pytest.raises(ParseError) as caught:
        toml_edit.with_member(text, PATH, ENTRY)
    assert abs(caught.value.offset - place) <= 4
    assert caught.value.what


def test_secrets_are_not_shown_wherever_they_stand() -> None:
    text = (
        '[mcp_servers.a]\nargs = ["--api-key", "ak1", "serve"]\nbearer_token = "tok2"\n'
        '[mcp_servers.a.env]\nANY = "val3"\n[mcp_servers.b]\nhttp_headers = { X = "hdr4" }\nurl = "https://h"\n'
        '[[profiles]]\ntoken = "aot5"\n'
    )
    shown: Any = toml_edit.masked(text)
    assert not [secret for secret in ("ak1", "tok2", "val3", "hdr4", "aot5") if secret in shown]
    assert "https://h" in shown
    assert '"serve"' in shown
