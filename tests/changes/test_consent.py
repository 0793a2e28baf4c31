"""Which of several reasons a person is asked about."""

from salesloft_mcp.changes import configurations
from salesloft_mcp.changes.change import Change, Operation
from salesloft_mcp.changes.consent import MOST_UNASKED, needed

CONFIGURATION = Change("configuration", configurations.key_of("crm", "people"), {"id": 1}, None)
MANY = MOST_UNASKED + 1


def headline(operation: Operation, unconfirmed: int = 0) -> str:
    rule = needed(operation, unconfirmed)
    return "" if rule is None else rule.headline


def test_many_creates_are_asked_about_where_there_is_no_weightier_reason() -> None:
    """What else goes with them is worse, and has a question of its own."""
    assert headline(Operation("a test", (), plan="p", creates=MANY)) == "Create these external id mappings"
    assert headline(Operation("a test", (), plan="p", creates=MANY, deletes=1)).startswith("Delete these")
    gone = Operation("a test", (CONFIGURATION,), plan="p", creates=MANY)
    assert headline(gone) == "Delete this external id configuration"


def test_creates_count_together_with_those_that_nobody_agreed_to() -> None:
    assert headline(Operation("a test", (), plan="p", creates=1), MOST_UNASKED - 1) == ""
    assert headline(Operation("a test", (), plan="p", creates=1), MOST_UNASKED).startswith("Create these")
    assert headline(Operation("a test", (), plan="p"), MANY) == ""
