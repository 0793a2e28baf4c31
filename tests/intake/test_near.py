"""Which ids look like spellings of one id, and which only look alike to someone who does not know them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesloft_mcp.intake.near import difference, long_form, near_key, salesforce_18, spellings

SHORT = "003Dn00000AbCdE"
LONG = "003Dn00000AbCdEIAX"

NEAR = (
    ("CONTACT3456", "contact3456"),
    ("CONTACT3456", " CONTACT3456"),
    ("CONTACT3456", "CONTACT 3456\t"),
    ("CONTACT3456", "CONTACT\u00a03456"),
    ("CONTACT3456", "CONTACT\u200b3456"),
    ("CONTACT3456", "CONTACT３４５６"),
    ("007", "7"),
    ("0", "000"),
    ("00A-1", "a-1"),
    ("Straße", "STRASSE"),
    ("Zoë", "Zoe\u0308"),
)
FAR = (
    ("CONTACT3456", "CONTACT3457"),
    ("CONTACT-3456", "CONTACT3456"),
    ("70", "7"),
    ("0", "1"),
    ("a", "b"),
)


@pytest.mark.parametrize(("one", "other"), NEAR)
def test_spellings_of_one_id_are_near(one: str, other: str) -> None:
    assert near_key(one) == near_key(other)


@pytest.mark.parametrize(("one", "other"), FAR)
def test_other_ids_are_not(one: str, other: str) -> None:
    assert near_key(one) != near_key(other)


def test_both_forms_of_a_salesforce_id_are_near_in_any_case_of_the_long_one() -> None:
    long = near_key(SHORT).removeprefix("salesforce ")
    assert len(long) == 18
    assert near_key(long) == near_key(long.upper()) == near_key(SHORT) == near_key(f" {SHORT}")


def test_a_published_pair_of_forms_is_near() -> None:
    assert near_key("a0CA00000037IaD") == near_key("a0CA00000037IaDMAU")


def test_short_salesforce_ids_that_differ_in_case_are_two_records_and_not_near() -> None:
    assert near_key("003Dn00000AbCdE") != near_key("003Dn00000abCdE")


@given(st.text(min_size=1, max_size=12), st.text(min_size=1, max_size=12))
def test_a_key_never_fails_and_is_equal_for_equal_ids(one: str, other: str) -> None:
    assert near_key(one) == near_key(one)
    assert near_key(f" {one}") == near_key(one) == near_key(f"{one} ")
    if near_key(one) != near_key(other):
        assert one != other


@given(st.from_regex(r"[A-Z]{1,6}-[0-9]{1,6}", fullmatch=True), st.integers(0, 5))
def test_case_and_leading_zeros_never_matter(external_id: str, zeros: int) -> None:
    assert near_key("0" * zeros + external_id.lower()) == near_key(external_id)


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        ("contact1", "CONTACT1", "case"),
        ("straße", "STRASSE", "case"),
        (" A1", "A1", "spaces"),
        ("A 1", "A1\u00a0", "spaces"),
        ("A1", "Ａ1", "look-alike characters"),
        ("A1\u200b", "a1", "look-alike characters and case"),
        ("42", "00042", "leading zeros"),
        ("0", "000", "leading zeros"),
        ("0a", "A", "leading zeros and case"),
        (" 07", "7", "spaces and leading zeros"),
        ("001D000000IRFma", "001D000000IRFmaIAH", "15- or 18-character form"),
        (" 001D000000IRFma", "001D000000IRFmaIAH", "spaces and 15- or 18-character form"),
        ("001D000000IRFma", "001d000000irfmaiah", "15- or 18-character form and case"),
        ("001D000000IRFma", "001D000000IRFmaIAB", ""),
        ("001D000000IRFma", "001d000000irfma", ""),
        ("A1", "A1", ""),
        ("A1", "A2", ""),
        ("10", "1", ""),
        ("a-1", "a1", ""),
    ],
)
def test_what_differs_is_told_in_as_few_words_as_do(one: str, other: str, why: str) -> None:
    assert difference(one, other) == difference(other, one) == why


TEXTS = st.text(st.sampled_from("aA0 \u00a0\u200bßＡ１b"), max_size=6) | st.text(max_size=4)


@given(one=TEXTS, other=TEXTS)
def test_two_ids_differ_in_something_exactly_when_they_are_near_and_not_the_same(one: str, other: str) -> None:
    assert bool(difference(one, other)) == (one != other and near_key(one) == near_key(other))


@pytest.mark.parametrize(
    ("external_id", "expected"),
    [
        ("contact1003", ["CONTACT1003"]),
        ("CONTACT1003 ", ["CONTACT1003", "contact1003"]),
        ("007", ["7"]),
        ("7", []),
        ("001D000000IRFma", ["001D000000IRFmaIAH"]),
        ("001D000000IRFmaIAH", ["001D000000IRFMAIAH", "001d000000irfmaiah", "001D000000IRFma"]),
    ],
)
def test_the_likeliest_other_spellings_of_an_id(external_id: str, expected: list[str]) -> None:
    assert spellings(external_id) == expected


@given(st.text(max_size=20))
def test_every_other_spelling_is_near(external_id: str) -> None:
    assert all(near_key(one) == near_key(external_id) and one != external_id for one in spellings(external_id))


@pytest.mark.parametrize(
    "long", ["001D000000IRFmaIAH", "003000000000001AAA", "ABCDEFGHIJKLMNO555", "abcdeABCDE01234A5A"]
)
def test_the_long_form_of_a_salesforce_id_says_where_its_capitals_are(long: str) -> None:
    assert salesforce_18(long[:15]) == long


SALESFORCE = st.from_regex(r"[0-9]{2}[A-Z][0-9A-Za-z]{2}0[0-9A-Za-z]{9}", fullmatch=True)


@given(one=SALESFORCE, other=SALESFORCE)
def test_both_forms_of_a_salesforce_id_are_near_and_two_ids_never_become_one(one: str, other: str) -> None:
    assert difference(one, long_form(one)) == "15- or 18-character form"
    if one != other:
        assert long_form(one).casefold() != long_form(other).casefold()
