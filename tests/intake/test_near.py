"""Which ids look like spellings of one id, and which only look alike to someone who does not know them."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesloft_mcp.intake.near import difference, long_form, near_key, restored, salesforce_18, shape, spellings

SHORT = "003Dn00000AbCdE"
LONG = "003Dn00000AbCdEIAV"

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
    ("00000000000012A", "12a"),
    ("Straße", "STRASSE"),
    ("Zoë", "Zoe\u0308"),
    ('="00123"', "123"),
    ("'CONTACT3456", "CONTACT3456"),
    ('"CONTACT3456"', "CONTACT3456"),
    ("CONTACT3456,", "CONTACT3456"),
    ("'CONTACT3456',", "CONTACT3456"),
    ("1001.0", "1001"),
    ("1001,00", "01001"),
    ("A&amp;B-1", "A&B-1"),
    ("A%20B%2F1", "A B/1"),
    ("A&amp;amp;B", "A&B"),
    ("A\u20131", "A-1"),
    ("O\u2019Brien-1", "O'Brien-1"),
    ("C\u041eNTACT1", "CONTACT1"),
    ("\u0410\u0412\u0421-1", "abc-1"),
    ("\u0391-1", "A-1"),
    ("\ufeffINV-6", "INV-6"),
    ("{3F2504E0-4F89-41D3-9A0C-0305E82C3301}", "3f2504e0-4f89-41d3-9a0c-0305e82c3301"),
    ("3F2504E04F8941D39A0C0305E82C3301", "3f2504e0-4f89-41d3-9a0c-0305e82c3301"),
    ("urn:uuid:3F2504E0-4F89-41D3-9A0C-0305E82C3301", "(3f2504e0-4f89-41d3-9a0c-0305e82c3301)"),
    ("'003Dn00000AbCdE", "003dn00000abcdeiav"),
)
FAR = (
    ("CONTACT3456", "CONTACT3457"),
    ("CONTACT-3456", "CONTACT3456"),
    ("70", "7"),
    ("0", "1"),
    ("a", "b"),
    ("1.000", "1"),
    ("1001.5", "1001"),
    ("50%FFa", "50%FEa"),
    ("AT&T", "AT"),
    ("3f2504e0-4f89-41d3-9a0c-0305e82c3301", "3f2504e0-4f89-41d3-9a0c-0305e82c3302"),
    ("\u041c\u043e\u0441\u043a\u0432\u0430-1", "\u041c\u0438\u043d\u0441\u043a-1"),
)


@pytest.mark.parametrize(("one", "other"), NEAR)
def test_spellings_of_one_id_are_near(one: str, other: str) -> None:
    assert near_key(one) == near_key(other)


@pytest.mark.parametrize(("one", "other"), FAR)
def test_other_ids_are_not(one: str, other: str) -> None:
    assert near_key(one) != near_key(other)


def test_both_forms_of_a_salesforce_id_are_near_in_any_case_of_the_long_one() -> None:
    long = near_key(SHORT)
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
        ("A1\u200b", "a1", "invisible characters and case"),
        ("42", "00042", "leading zeros"),
        ("0", "000", "leading zeros"),
        ("0a", "A", "leading zeros and case"),
        (" 07", "7", "spaces and leading zeros"),
        ("001D000000IRFma", "001D000000IRFmaIAH", "15- or 18-character form"),
        (" 001D000000IRFma", "001D000000IRFmaIAH", "spaces and 15- or 18-character form"),
        ("001D000000IRFma", "001d000000irfmaiah", "15- or 18-character form and case"),
        ("001D000000IRFma", "001D000000IRFmaIAB", ""),
        ("001D000000IRFma", "001d000000irfma", ""),
        ('="007"', "7", "spreadsheet guards and leading zeros"),
        ("A-1;", "A-1", "separators at its ends"),
        ("7.0", "7", "the .0 of a number"),
        ("A&amp;B", "A&B", "encoding"),
        ("A\u20131", "A-1", "look-alike characters"),
        ("{3F2504E0-4F89-41D3-9A0C-0305E82C3301}", "3F2504E04F8941D39A0C0305E82C3301", "the spelling of a GUID"),
        (
            "{3F2504E0-4F89-41D3-9A0C-0305E82C3301}",
            "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
            "the spelling of a GUID and case",
        ),
        ("A1", "A1", ""),
        ("A1", "A2", ""),
        ("10", "1", ""),
        ("a-1", "a1", ""),
    ],
)
def test_what_differs_is_told_in_as_few_words_as_do(one: str, other: str, why: str) -> None:
    assert difference(one, other) == difference(other, one) == why


ALPHABET = ",;aA0 \u00a0\u200bßＡ１b.,'=\"-\u2013\u0410\u0430&%2{}"
SALESFORCE = st.from_regex(r"(?!000)[0-9]{2}[A-Z][0-9A-Za-z]{2}0[0-9A-Za-z]{9}", fullmatch=True)
WRAPPED = st.builds(
    lambda left, text, right: left + text + right,
    st.sampled_from(["", " ", "0", '="', "'", "{", "\u200b", "%20"]),
    st.sampled_from(["7", "aB", "003Dn00000AbCdE", "003dn00000abcdeiav", "3F2504E0-4F89-41D3-9A0C-0305E82C3301"]),
    st.sampled_from(["", " ", ".0", '"', "}", "\u00a0", "&amp;"]),
)
TEXTS = st.text(st.sampled_from(ALPHABET), max_size=6) | st.text(max_size=4) | WRAPPED | SALESFORCE


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
        ("001D000000IRFmaIAH", ["001D000000IRFma", "001D000000IRFMAIAH", "001d000000irfmaiah"]),
        ("001d000000irfmaiah", ["001D000000IRFmaIAH", "001D000000IRFma", "001D000000IRFMAIAH"]),
        (" A B ", ["A B", "AB", "ab"]),
        ("'0a1\u200b", ["'0a1", "0a1", "0A1", "a1"]),
        ('="007"', ["007", "7"]),
        ("12.0", ["12"]),
        (
            "{3F2504E0-4F89-41D3-9A0C-0305E82C3301}",
            [
                "3f2504e0-4f89-41d3-9a0c-0305e82c3301",
                "3F2504E0-4F89-41D3-9A0C-0305E82C3301",
                "{3f2504e0-4f89-41d3-9a0c-0305e82c3301}",
                "3f2504e04f8941d39a0c0305e82c3301",
                "3F2504E04F8941D39A0C0305E82C3301",
                "urn:uuid:3f2504e0-4f89-41d3-9a0c-0305e82c3301",
            ],
        ),
    ],
)
def test_the_likeliest_other_spellings_of_an_id(external_id: str, expected: list[str]) -> None:
    assert spellings(external_id) == expected


@given(TEXTS | st.text(max_size=20))
def test_every_other_spelling_is_near_and_told_once(external_id: str) -> None:
    found = spellings(external_id)
    assert all(difference(external_id, one) for one in found)
    assert len(set(found)) == len(found)


@given(TEXTS)
def test_a_key_is_near_to_its_id(external_id: str) -> None:
    assert near_key(near_key(external_id)) == near_key(external_id)


@given(st.from_regex(r"[0-9A-Za-z_/#|@.:+-]{0,20}", fullmatch=True) | WRAPPED | SALESFORCE)
def test_ordinary_ids_have_the_key_that_they_would_have_among_others(external_id: str) -> None:
    """They take a shorter way: a space sends them on the long one."""
    assert near_key(external_id) == near_key(f"{external_id} ")


@given(SALESFORCE, st.sampled_from([str.upper, str.lower, str]))
def test_a_long_salesforce_id_tells_its_own_capitals(short: str, changed: Callable[[str], str]) -> None:
    assert restored(changed(salesforce_18(short))) == salesforce_18(short)


@pytest.mark.parametrize(
    "long", ["001D000000IRFmaIAH", "003000000000001AAA", "ABCDEFGHIJKLMNO555", "abcdeABCDE01234A5A"]
)
def test_the_long_form_of_a_salesforce_id_says_where_its_capitals_are(long: str) -> None:
    assert salesforce_18(long[:15]) == long


@given(one=SALESFORCE, other=SALESFORCE)
def test_both_forms_of_a_salesforce_id_are_near_and_two_ids_never_become_one(one: str, other: str) -> None:
    assert difference(one, long_form(one)) == "15- or 18-character form"
    if one != other:
        assert long_form(one).casefold() != long_form(other).casefold()


def test_ids_that_one_system_made_have_one_shape() -> None:
    assert shape("CONTACT1003") == shape("LEAD7") != shape("contact1003")
    assert shape("mkto-00001") == shape("x-7") != shape("mkto00001")
    assert shape("003Dn00000AbCdEIAV") == shape("001D000000IRFmaIAH") != shape("001D000000IRFma")
    guid = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"
    assert shape(guid) == shape(guid.replace("3f", "a1")) != shape(guid.upper())
