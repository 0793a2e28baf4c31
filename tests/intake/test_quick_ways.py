"""Most ids and keys leave the checks by a quick way. It has to say what the careful way would have said."""

import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesloft_mcp.errors import InputError
from salesloft_mcp.intake import characters, damage, near, values
from salesloft_mcp.salesloft.requests import checked

NEVER = re.compile(r"(?!)")
IDS = st.one_of(
    st.from_regex(r"[0-9A-Za-z]{1,20}", fullmatch=True),
    st.from_regex(r"[A-Za-z]{1,9}[-_]?[0-9]{1,4}", fullmatch=True),
    st.from_regex(r"0{0,15}[A-Z]{3}|[0-9]{1,9}(?:EUR|USD|e[0-9]{1,3})|(?:EUR|null|test)[0-9]{0,9}", fullmatch=True),
    st.from_regex(r"00[1356Q][0-9A-Za-z]{12}(?:[A-Z0-5]{3})?", fullmatch=True),
    st.from_regex(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", fullmatch=True),
)
ADDRESSES = st.from_regex(
    r"(?:[a-z0-9]{1,3}[._+-]?){0,3}(?:no.?e?mail|none|nan|unknown|test|kat)@(?:(?:[a-z0-9-]{1,5}|test)[.]){0,3}(?:[a-z]{1,4}|invalid)",
    fullmatch=True,
)
NUMBERS = st.from_regex(r"[0-9]{1,20}", fullmatch=True)


def outcome(check: Callable[[object], values.Key], value: str) -> values.Key | str:
    """What a check says, or how it refuses."""
    try:
        return check(value)
    except InputError as error:
        return str(error)


@given(IDS)
def test_an_ordinary_id_is_judged_as_carefully(text: str) -> None:
    quick = damage.damage(text), damage.placeholder(text), characters.odd_character(text), near.near_key(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(damage, "_ORDINARY", NEVER)
        careful = damage.damage(text), damage.placeholder(text)
    assert quick == (*careful, "", near._folded(text, near._STEPS.values()))
    assert values.external_id(text) == checked("external_id", text)


@pytest.mark.parametrize(
    ("check", "pattern", "texts"),
    [(values.email, "_PLAIN_EMAIL", ADDRESSES), (values.object_id, "_PLAIN_NUMBER", NUMBERS)],
    ids=["email", "object_id"],
)
@given(data=st.data())
def test_an_ordinary_key_is_taken_as_carefully(
    check: Callable[[object], values.Key], pattern: str, texts: st.SearchStrategy[str], data: st.DataObject
) -> None:
    text = data.draw(texts)
    quick = outcome(check, text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(values, pattern, NEVER)
        assert quick == outcome(check, text)
