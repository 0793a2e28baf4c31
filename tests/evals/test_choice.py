"""The requests are whole, and a choice is counted rightly. The figures themselves come from `tests.evals.choice`."""

from tests.evals.choice import Asked, Taken, eager, plain, report, requests, within
from tests.server.snapshot import listed


def test_there_are_150_different_requests_and_every_tool_is_right_for_some() -> None:
    asked = requests()
    assert len({one.request for one in asked}) == len(asked) == 150
    assert {tool["name"] for tool in listed()} <= {name for one in asked for name in one.right}


def test_a_right_tool_counts_wherever_it_stands_among_the_first() -> None:
    chosen = [Taken(Asked("Who?", ("b",)), ["a", "b"]), Taken(Asked("What?", ("a", "c")), ["c", "a"])]
    assert [within(chosen, first) for first in (1, 2)] == [1, 2]
    assert "1 × b went to a" in report(chosen)


def test_a_deletion_is_too_eager_only_where_none_was_asked_for() -> None:
    unasked = Taken(Asked("Undo that", ("undo_change",)), ["delete_external_id_mapping"])
    wanted = Taken(Asked("Remove X", ("delete_external_id_mapping",)), ["delete_external_id_configuration"])
    assert eager([unasked, wanted]) == [unasked]


def test_ids_are_no_words() -> None:
    assert plain("Who is CONTACT3456 or 00Q5e?") == "Who is id or id?"
