"""Names are compared word by word, as people type them."""

import pytest

from salesloft_mcp.lookups.name_words import is_named, words
from salesloft_mcp.salesloft.models import Account, Person, Record


@pytest.mark.parametrize(
    ("typed", "held", "fits"),
    [
        ("kim", "Kimberly Lee", True),
        ("LEE kim", "Kimberly Lee", True),
        ("kim", "Joakim Lee", False),
        ("tomas", "Tomás García", True),
        ("Zoë", "Zoe Whitfield", True),
        ("strasse", "Anna Straße", True),
        ("jean luc", "Jean-Luc Picard", True),
        ("o'brien", "Miles O’Brien", True),
        ("mueller", "Anna Müller", False),
        ("muller", "Anna Müller", True),
        ("小明", "王小明", True),
        ("kim lee park", "Kimberly Lee", False),
    ],
)
def test_a_name_fits_where_each_word_begins_one_of_it(typed: str, held: str, fits: bool) -> None:
    first, _, last = held.partition(" ")
    records: tuple[Record, ...] = (Person(id=1, first_name=first, last_name=last), Account(id=1, name=held))
    assert [is_named(one, words(typed)) for one in records] == [fits, fits]
