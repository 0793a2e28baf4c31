"""What one row of a bulk upsert may hold by itself."""

from datetime import date, datetime

import pytest

from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.record_rows import row_of


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (493012345, "city: must be text in quotes; a number may have lost leading zeros."),
        (datetime(2024, 1, 2), "city: must be text, not a date or a time, which a program made of what stood there."),
        (date(2024, 1, 2), "city: must be text, not a date or a time, which a program made of what stood there."),
        (["Berlin"], "city: must be text, not a list."),
        (True, "city: must be text, not true or false."),
    ],
)
def test_a_value_that_is_no_text_is_named_for_what_it_is(value: object, words: str) -> None:
    row = row_of(
        1, {"external_id": "A-1", "email_address": "a@x.test", "city": value}, Aim("crm_lead", "people", "upsert")
    )
    assert (row.verdict, row.note) == ("invalid", words)
