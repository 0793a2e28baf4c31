"""Which ids look like spellings of one id, and which only look alike to someone who does not know them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesloft_mcp.intake.near import near_key

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
