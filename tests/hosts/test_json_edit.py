"""Edits of JSON leave everything else as it is, comments, order, indentation and line ends."""

import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from salesloft_mcp.hosts import json_edit
from salesloft_mcp.hosts.json_tree import ParseError, comments, parse

ENTRY = {"command": "/x/salesloft-mcp", "args": ["serve", "--sandbox"]}
GAPS = st.sampled_from(["", "", " ", "\n", "\r\n", "\n\n\t", "  ", " // said\n", "/* said */", "\n  // a, b }\r\n"])
NAMES = st.sampled_from(["a", "b c", "mcpServers", "é", 'q"', "//", "salesloft2"])
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(-99, 99), st.sampled_from(["", "x // y", "/*", "}", "\\", "ü"])
)


@st.composite
def objects(draw: st.DrawFn, /, depth: int = 2) -> str:
    """The text of an object, written in some way."""
    members: list[str] = []
    for name in draw(st.lists(NAMES, max_size=3, unique=True)):
        deeper = depth > 0 and draw(st.sampled_from([True, False]))
        value = draw(objects(depth=depth - 1)) if deeper else json.dumps(draw(SCALARS))
        gaps = [draw(GAPS) for _ in range(4)]
        members.append(f"{gaps[0]}{json.dumps(name)}{gaps[1]}:{gaps[2]}{value}{gaps[3]}")
    trailing = draw(st.sampled_from(["", ","])) + draw(GAPS) if members else ""
    return "{" + (",".join(members) or draw(GAPS)) + trailing + "}"


def files() -> st.SearchStrategy[str]:
    return st.builds(lambda before, text, after: before + text + after, GAPS, objects(), GAPS)


def words(text: str) -> str:
    """The text without white space, which may change where an object was empty."""
    return "".join(text.split())


def said(text: str) -> list[str]:
    """Its comments; in strings of these texts is none."""
    return [
        found[0]
        for found in comments(text.replace('"x // y"', '""').replace('"/*"', '""').replace('"//"', '""'), 0, len(text))
    ]


@given(files(), st.sampled_from(["salesloft", "with space"]))
def test_a_new_entry_is_there_and_nothing_else_is_different(text: str, name: str) -> None:
    wanted = parse(text).root.plain()
    container = wanted.setdefault("mcpServers", {})
    if not isinstance(container, dict):
        with pytest.raises(ParseError):
            json_edit.with_member(text, ["mcpServers", name], ENTRY)
        return
    container[name] = ENTRY
    new = json_edit.with_member(text, ["mcpServers", name], ENTRY)
    assert parse(new).root.plain() == wanted
    assert said(new) == said(text)


@given(files())
@example('{"a":{} \n}')
def test_what_was_added_is_taken_out_again_byte_for_byte(text: str) -> None:
    new = json_edit.with_member(text, ["salesloft"], ENTRY)
    back = json_edit.without_part(new, [], len(parse(new).root.parts) - 1)
    if parse(text).root.parts:
        assert back == text
    else:
        assert words(back) == words(text)


@given(files(), st.data())
def test_a_member_that_is_taken_out_leaves_all_others_and_all_comments(text: str, data: st.DataObject) -> None:
    root = parse(text).root
    if not root.parts:
        return
    index = data.draw(st.integers(0, len(root.parts) - 1))
    gone = root.parts[index]
    new = json_edit.without_part(text, [], index)
    left = [(part.key, text[part.start : part.node.end]) for part in root.parts if part is not gone]
    tree = parse(new)
    assert [(part.key, new[part.start : part.node.end]) for part in tree.root.parts] == left
    inside = said(text[gone.start : gone.node.end])
    assert sorted([*said(new), *inside]) == sorted(said(text))


@given(files(), SCALARS)
def test_a_value_that_is_replaced_changes_only_there(text: str, value: Any) -> None:
    root = parse(text).root
    if not root.parts:
        return
    node = root.parts[-1].node
    new = json_edit.with_member(text, [root.parts[-1].key], value)
    assert new == text[: node.start] + json.dumps(value, ensure_ascii=False) + text[node.end :]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('{\n\t"a": 1 // one\n}\n', '{\n\t"a": 1, // one\n\t"s": {\n\t\t"n": 1\n\t}\n}\n'),
        ('{\r\n    "a": 1,\r\n}', '{\r\n    "a": 1,\r\n    "s": {\r\n        "n": 1\r\n    },\r\n}'),
        ('{"a": 1}', '{"a": 1, "s": {"n": 1}}'),
        ("{}", '{\n  "s": {\n    "n": 1\n  }\n}'),
    ],
    ids=["tabs and a comment", "Windows and a trailing comma", "one line", "empty"],
)
def test_what_is_added_is_written_as_the_file_is(text: str, wanted: str) -> None:
    assert json_edit.with_member(text, ["s"], {"n": 1}) == wanted


@pytest.mark.parametrize(
    ("text", "place", "what"),
    [
        ('{"a": 1 "b": 2}', 8, "a comma or } is missing"),
        ('{"a": }', 6, "a value is missing"),
        ("{'a': 1}", 1, 'a name in " is missing'),
        ('{"a" 1}', 5, "a colon is missing"),
        ('{"a": "C:\\Users"}', 6, "a text holds a backslash that means nothing; write two"),
        ('{"a": "x\n"}', 6, "a text does not end, or holds a line break"),
        ('{"a": 1', 7, "it ends too early"),
        ('{"a": 1}}', 8, "something follows after the end"),
        ('{"a": True}', 6, "a value is missing"),
        ("", 0, "it ends too early"),
        ("[" * 300, 201, "it is nested deeper than 200 levels"),
    ],
)
def test_a_fault_is_told_with_its_place(text: str, place: int, what: str) -> None:
    with pytest.raises(ParseError) as caught:
        parse(text)
    assert (caught.value.offset, caught.value.what) == (place, what)


@given(st.text(alphabet='{}[]",:/*\\ \n1atrue', max_size=30))
def test_what_plain_json_is_is_read_alike_and_no_text_is_too_odd(text: str) -> None:
    try:
        wanted = json.loads(text, parse_constant=lambda word: pytest.fail(word))
    except ValueError:
        with suppress(ParseError):  # comments and trailing commas are read, too
            parse(text)
    else:
        tree = parse(text)
        assert tree.root.plain() == wanted
        assert tree.lenient == -1


def test_of_two_members_with_one_name_the_last_is_meant_as_programs_read_it() -> None:
    new = json_edit.with_member('{"m": {"a": 1}, "m": {"b": 2}}', ["m", "s"], 3)
    assert new == '{"m": {"a": 1}, "m": {"b": 2, "s": 3}}'


def test_a_number_of_any_length_is_read() -> None:
    assert parse('{"a": ' + "1" * 5_000 + "}").root.plain()["a"] > 1e300


@pytest.mark.parametrize(
    ("word", "secret"),
    [
        ("Authorization: Bearer s3cret", True),
        ("Authorization:${AUTH_HEADER}", False),
        ("see eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N", True),
        ("https://h.test/mcp?api_key=s3cret", True),
        ("https://h.test/s/NjIxMmY5ZTgtN2Q0ZC00ZmQ5LWE2/mcp", True),
        ("--env=API_KEY=s3cret", True),
        ("Server=h;Password=s3cret", True),
        ("https://auth.h.test:8080/mcp", False),
        ("C:\\Users\\me\\token-server\\dist-2024-10-11-builds-of-everything\\index.js", False),
        ("/home/me/.cache/archive-v0/abcdefghijklmnopqrstuvwxyz0123456789/bin/x", False),
        ("@scope/keys-server@1.2.3", False),
        ("git+https://h.test/them/salesloft@0123456789abcdef0123456789abcdef01234567", False),
    ],
)
def test_a_word_that_may_hold_a_secret_is_told_from_others(word: str, secret: bool) -> None:
    assert ("***" in json_edit.masked(json.dumps({"args": [word]}))) is secret


SECRETS = ["ak0123", "hunter2", "0123456789abcdef0123456789abcdef01", "s3cr3t"]


def test_secrets_are_not_shown_wherever_they_stand() -> None:
    text = json.dumps(
        {
            "mcpServers": {
                "a": {"env": {"ANY": SECRETS[0]}, "args": ["--api-key", SECRETS[1], f"--token={SECRETS[3]}", "serve"]},
                "b": {"url": f"https://u:{SECRETS[1]}@h", "headers": {"X": SECRETS[1]}, "args": [SECRETS[2]]},
            },
            "oauthToken": SECRETS[3],
            "kept": "${input:x}",
        }
    )
    shown = json_edit.masked(text)
    assert not [secret for secret in SECRETS if secret in shown]
    assert '"serve"' in shown
    assert "${input:x}" in shown
