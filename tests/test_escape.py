"""Text from elsewhere can neither hide, nor break a line, nor pass for our words."""

import unicodedata
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesloft_mcp.text import escaped, quoted

HIDING: tuple[Literal["Cc", "Cf", "Co", "Cs", "Zl", "Zp"], ...] = ("Cc", "Cf", "Co", "Cs", "Zl", "Zp")
anything = st.text(st.characters()) | st.text(st.characters(categories=HIDING) | st.sampled_from('ab "\\u{}'))


def hidden(text: str) -> list[str]:
    return [char for char in text if unicodedata.category(char) in HIDING]


@given(anything)
def test_nothing_that_hides_or_reorders_is_left(text: str) -> None:
    assert hidden(escaped(text)) == []
    assert len(escaped(text).splitlines()) <= 1


@given(anything, st.integers(2, 100))
def test_quoted_text_is_one_short_line_with_quotes_at_its_ends_only(text: str, limit: int) -> None:
    shown = quoted(text, limit)
    assert hidden(shown) == []
    assert len(shown) <= limit + 2
    assert len(shown.splitlines()) == 1
    assert (shown[0], shown[-1]) == ('"', '"')
    assert '"' not in shown[1:-1]


@given(st.text(st.characters(categories=("L", "N", "P", "S", "Zs", "M"))))
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


def test_long_text_is_cut_and_says_so() -> None:
    assert quoted("x" * 81) == '"' + "x" * 79 + '…"'
    assert quoted("x" * 80) == '"' + "x" * 80 + '"'


def test_what_is_hidden_and_what_only_looks_escaped_stay_apart() -> None:
    assert escaped("a\u200bb") != escaped("a\\u{200b}b")
