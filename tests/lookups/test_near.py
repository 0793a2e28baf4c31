"""Near misses are told with what differs, and nothing else passes for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from salesloft_mcp.intake.near import salesforce_18
from salesloft_mcp.lookups.near_misses import MOST_EACH, Neighbours, elsewhere, why_near
from salesloft_mcp.salesloft import Mapping, ObjectType

SALESFORCE = st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz", min_size=15, max_size=15)


def row(external_id: str, external_type: str = "crm", object_type: ObjectType = "people") -> Mapping:
    return Mapping(external_id=external_id, external_type=external_type, object_type=object_type, object_id=7)


@pytest.mark.parametrize(
    ("asked", "held", "why"),
    [
        ("contact1", "CONTACT1", "case"),
        ("straße", "STRASSE", "case"),
        (" A1", "A1", "spaces"),
        ("A 1", "A1\u00a0", "spaces"),
        ("42", "00042", "leading zeros"),
        ("0", "000", "leading zeros"),
        ("0a", "A", "leading zeros and case"),
        (" 07", "7", "spaces and leading zeros"),
        ("001D000000IRFma", "001D000000IRFmaIAH", "15- or 18-character form"),
        ("001D000000IRFmaIAH", "001D000000IRFma", "15- or 18-character form"),
        (" 001D000000IRFma", "001D000000IRFmaIAH", "spaces and 15- or 18-character form"),
        ("001D000000IRFma", "001D000000IRFmaIAB", ""),
        ("001D000000IRFma", "001d000000irfma", "case"),
        ("A1", "A1", ""),
        ("A1", "A2", ""),
        ("10", "1", ""),
        ("a-1", "a1", ""),
    ],
)
def test_what_differs_is_told_in_as_few_words_as_do(asked: str, held: str, why: str) -> None:
    assert why_near(asked, held) == why_near(held, asked) == why
    assert [one.why for one in Neighbours([row(held)]).of(asked)] == ([why] if why else [])


@pytest.mark.parametrize(
    "long", ["001D000000IRFmaIAH", "003000000000001AAA", "ABCDEFGHIJKLMNO555", "abcdeABCDE01234A5A"]
)
def test_the_long_form_of_a_salesforce_id_says_where_its_capitals_are(long: str) -> None:
    assert salesforce_18(long[:15]) == long


@given(one=SALESFORCE, other=SALESFORCE)
def test_both_forms_of_a_salesforce_id_are_near_and_two_ids_never_become_one(one: str, other: str) -> None:
    assert why_near(one, salesforce_18(one)) == "15- or 18-character form"
    if one != other:
        assert salesforce_18(one).casefold() != salesforce_18(other).casefold()


@given(asked=st.text(), held=st.text())
def test_nearness_has_no_direction_and_nothing_is_near_itself(asked: str, held: str) -> None:
    assert why_near(asked, held) == why_near(held, asked)
    assert why_near(asked, asked) == ""


def test_the_nearest_come_first_and_at_most_three() -> None:
    rows = [row(one) for one in (" 0a", "0a ", "0A", "a", "0a", "00a", "b")]
    near = Neighbours(rows).of("0a")
    assert len(near) == MOST_EACH
    assert [one.why for one in near] == ["spaces", "spaces", "case"]


def test_another_type_and_another_kind_of_object_are_told() -> None:
    rows = [row("a"), row("a", "erp"), row("a", "crm", "users"), row("a", "erp", "users")]
    found = [(one.why, one.mapping) for one in elsewhere(rows, "crm", "people")]
    assert found == [("object_type", rows[2]), ("external_type", rows[1]), ("external_type", rows[3])]
    assert [one.why for one in elsewhere(rows, "", "accounts")] == ["object_type"] * 3
    assert elsewhere(rows, "", None) == []
