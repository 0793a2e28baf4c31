"""Which of several reasons a person is asked about."""

from dataclasses import replace

import pytest

from salesloft_mcp.changes import configurations
from salesloft_mcp.changes.change import ByRun, Change, Last, Operation, Place
from salesloft_mcp.changes.consent import BESIDE, MOST_UNASKED, needed, question
from salesloft_mcp.salesloft.models import MappingKey
from salesloft_mcp.text import is_named

CONFIGURATION = Change("configuration", configurations.key_of("crm", "people"), {"id": 1}, None)
MANY = MOST_UNASKED + 1


def headline(operation: Operation, unconfirmed: int = 0) -> str:
    rule = needed(operation, unconfirmed)
    return "" if rule is None else rule.headline


def test_many_creates_are_asked_about_where_there_is_no_weightier_reason() -> None:
    """What else goes with them is worse, and has a question of its own."""
    assert headline(Operation("a test", (), by_run=ByRun("p", creates=MANY))) == "Create these external id mappings"
    assert headline(Operation("a test", (), by_run=ByRun("p", creates=MANY, deletes=1))).startswith("Delete these")
    gone = Operation("a test", (CONFIGURATION,), by_run=ByRun("p", creates=MANY))
    assert headline(gone) == "Delete this external id configuration"


def test_creates_count_together_with_those_that_nobody_agreed_to() -> None:
    assert headline(Operation("a test", (), by_run=ByRun("p", creates=1)), MOST_UNASKED - 1) == ""
    assert headline(Operation("a test", (), by_run=ByRun("p", creates=1)), MOST_UNASKED).startswith("Create these")
    assert headline(Operation("a test", (), by_run=ByRun("p")), MANY) == ""


def test_a_record_beside_one_that_is_nearly_the_same_is_the_weightier_reason() -> None:
    """It cannot be deleted again, and what else is written is told with it."""
    stop = Change("record", MappingKey("crm", "people", "1"), None, {"do_not_contact": True})
    beside = Operation("a test", (stop,), facts=((BESIDE, '"01" is person 5'),))
    assert headline(replace(beside, facts=())) == "Set do_not_contact"
    assert headline(beside) == "Create a record beside one that is nearly the same"
    rule = needed(beside)
    assert rule is not None
    asked = question(beside, rule, Place("here"), Last())
    assert 'there already: "01" is person 5' in asked.text
    assert "field do_not_contact: true" in asked.text
    assert "cannot delete it again; the person, or every person of the account, leaves all running" in asked.text
    assert asked.found == 'There already: "01" is person 5.'


def test_no_reason_for_which_nobody_is_asked_here_is_told_as_a_consequence() -> None:
    change = Change("record", MappingKey("crm", "people", "7"), {"id": 1, "title": "Old"}, {"do_not_contact": True})
    update = Operation("upsert", (change,))
    rule = needed(update)
    assert rule is not None
    asked = question(update, rule, Place("here"), Last())
    assert "leaves all running cadences" in asked.text
    assert "fields that are empty get a value" not in asked.text


def test_what_a_run_overwrites_is_told_beside_what_it_deletes() -> None:
    run = ByRun("p", "people", creates=1, updates=2, deletes=3, remaps=True)
    both = Operation("a test", (), by_run=run)
    rule = needed(both)
    assert rule is not None
    (told,) = [line for line in question(both, rule, Place("here"), Last()).text.splitlines() if "what happens" in line]
    assert "no longer found" in told
    assert "fields that are written lose" in told
    assert "a mapping cannot be changed later" in told


def test_other_facts_make_another_question() -> None:
    one = Operation("a test", (), facts=((BESIDE, '"01" is person 5'),))
    other = replace(one, facts=((BESIDE, '"01" is person 6'),))
    assert one.digest(Place("here"), Last()) != other.digest(Place("here"), Last())


@pytest.mark.parametrize(
    ("name", "typed", "named"),
    [
        ("erp", "erp", True),
        ("erp ", "erp", True),
        ("e\u200brp", "e\\u{200b}rp", True),
        ("Bu\u0308ro", "B\u00fcro", True),
        ("erp", "ERP", False),
        ("erp", "", False),
        (" ", "", False),
        ("erp", "e rp", False),
    ],
)
def test_a_name_is_typed_as_it_shows(name: str, typed: str, named: bool) -> None:
    assert is_named(name, typed) is named
