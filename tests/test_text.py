"""The nearest right name for a wrong one."""

import pytest

from salesloft_mcp.text import did_you_mean

FIELDS = ["country", "email_address", "first_name", "last_name", "person_company_name", "person_stage_id", "state"]


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("company", "did you mean person_company_name?"),  # and not country
        ("stage", "did you mean person_stage_id?"),  # and not state
        ("name", "did you mean last_name, first_name or person_company_name?"),
        ("contry", "did you mean country?"),
        ("emial_adress", "did you mean email_address?"),
        (
            "zzz",
            "there are country, email_address, first_name, last_name, person_company_name, person_stage_id, state.",
        ),
    ],
)
def test_a_name_that_holds_the_word_comes_before_one_that_shares_letters(typed: str, told: str) -> None:
    assert did_you_mean(typed, FIELDS) == told
