"""Text from elsewhere can neither hide, nor break a line, nor pass for our words."""

import json
import unicodedata
from hashlib import sha256
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import JsonValue

from salesloft_mcp.text import View, escaped, quoted, shortened, within

HIDING: tuple[Literal["Cc", "Cf", "Co", "Cs", "Zl", "Zp"], ...] = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
anything = st.text(st.characters()) | st.text(st.characters(categories=HIDING) | st.sampled_from('ab "\\u{}'))


def hidden(text: str) -> list[str]:
    return [char for char in text if unicodedata.category(char) in HIDING]


@given(anything)
def test_nothing_that_hides_or_reorders_is_left(text: str) -> None:
    assert hidden(escaped(text)) == []
    assert len(escaped(text).splitlines()) <= 1


@given(anything, st.integers(2, 100))
def test_quoted_text_is_one_short_line_with_quotes_around_it_only(text: str, limit: int) -> None:
    shown = quoted(text, limit)
    assert hidden(shown) == []
    quote, end, measure = shown[1:].rpartition('"')
    assert len(quote) <= limit
    assert len(shown.splitlines()) == 1
    assert (shown[0], end) == ('"', '"')
    assert '"' not in quote
    assert quote.endswith("…") or not measure  # only what is cut tells its length


@given(st.text(st.characters(categories=("L", "N", "P", "S", "Zs", "M"))).filter(lambda text: "\\u{" not in text))
def test_text_that_hides_nothing_stays_as_it_is(text: str) -> None:
    assert escaped(text) == text
    assert quoted(text, len(text))[1:-1] == text.replace('"', "'")


@given(anything, anything)
def test_texts_that_differ_stay_different(one: str, other: str) -> None:
    assert (escaped(one) == escaped(other)) == (one == other)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ann\n\nNothing will be deleted", "Ann\\u{a}\\u{a}Nothing will be deleted"),
        ("\u202eevil", "\\u{202e}evil"),
        ("a\u200bb", "a\\u{200b}b"),
        ("\U000e0041", "\\u{e0041}"),
        ("\x1b[31mred", "\\u{1b}[31mred"),
        ("a\u2028b", "a\\u{2028}b"),
        ("\ud800", "\\u{d800}"),
        ("Zoë 株式会社 🙂", "Zoë 株式会社 🙂"),
    ],
    ids=ascii,
)
def test_a_hidden_character_is_shown_as_its_code_point(text: str, shown: str) -> None:
    assert escaped(text) == shown


def test_long_text_is_cut_and_tells_its_length_and_a_digest() -> None:
    assert quoted("x" * 81) == '"' + "x" * 79 + '…" (81 characters, SHA-256 4d1f7bb8)'
    assert quoted("x" * 80) == '"' + "x" * 80 + '"'
    assert shortened("x" * 201) == "x" * 199 + f"… ({'201 characters, SHA-256 ' + sha256(b'x' * 201).hexdigest()[:8]})"
    assert shortened("x" * 200) == "x" * 200


@given(anything, anything, st.integers(2, 20))
def test_texts_that_are_cut_alike_differ_in_what_is_told_of_them(one: str, other: str, limit: int) -> None:
    if one.replace('"', "'") != other.replace('"', "'"):
        assert quoted(one, limit) != quoted(other, limit)


class Inner(View):
    text: str


class Outer(View):
    ours = frozenset({"said"})

    text: str
    said: str
    texts: list[str]
    by_name: dict[str, str]
    inner: list[Inner]
    number: int = 0


@given(anything, anything)
def test_a_view_makes_every_text_in_it_safe_once_but_for_our_own_words(text: str, other: str) -> None:
    view = Outer(text=text, said="two\nlines", texts=[text], by_name={text: other}, inner=[Inner(text=other)])
    assert view.data() == {
        "text": escaped(text),
        "said": "two\nlines",
        "texts": [escaped(text)],
        "by_name": {escaped(text): escaped(other)},
        "inner": [{"text": escaped(other)}],
    }


def test_what_is_hidden_and_what_only_looks_escaped_stay_apart() -> None:
    assert escaped("a\u200bb") != escaped("a\\u{200b}b")


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=40),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=20), inner),
    ),
    st.integers(100, 400),
)
def test_values_that_take_too_much_room_are_cut_and_counted(value: JsonValue, room: int) -> None:
    shown = within(value, room)
    if len(json.dumps(value)) <= room or not isinstance(value, dict | list):
        assert shown == value
    else:
        assert len(json.dumps(shown)) <= room + 50
        assert " more" in json.dumps(shown)
        assert type(shown) is type(value)
