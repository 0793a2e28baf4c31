"""The requests are whole, and a choice is counted rightly. The figures themselves come from `tests.evals.choice`."""

from collections.abc import Sequence

from tests.evals.choice import Asked, Taken, eager, halves, plain, report, requests, taken, within
from tests.server.snapshot import listed


def test_there_are_150_different_requests_and_every_tool_is_right_for_some() -> None:
    asked = requests()
    assert len({one.request for one in asked}) == len(asked) == 150
    assert {tool["name"] for tool in listed()} <= {name for one in asked for name in one.right}


def test_a_right_tool_counts_wherever_it_stands_among_the_first() -> None:
    chosen = [Taken(Asked("Who?", ("b",)), ["a", "b"]), Taken(Asked("What?", ("a", "c")), ["c", "a"])]
    assert [within(chosen, first) for first in (1, 2)] == [1, 2]
    assert "b < a: Who?" in report(chosen, wrong=True)


def test_the_title_and_the_description_count_alike() -> None:
    def similar(these: Sequence[str], those: Sequence[str]) -> list[list[float]]:
        assert those == ["a title", "a words", "b title", "b words"]
        return [[0.9, 0.1, 0.6, 0.5] for _ in these]

    texts = {"a": ("a title", "a words"), "b": ("b title", "b words")}
    assert taken([Asked("Who?", ("a",))], texts, similar)[0].tools == ["b", "a"]


def test_every_third_request_is_held_out_and_never_shown() -> None:
    chosen = [Taken(Asked(f"Request {number}", ("b",)), ["a", "b"]) for number in range(150)]
    looked, held = halves(chosen)
    assert (len(looked), len(held)) == (100, 50)
    assert not any(f"b < a: {one.asked.request}" in report(chosen, wrong=True).splitlines() for one in held)


def test_a_deletion_is_too_eager_only_where_none_was_asked_for() -> None:
    unasked = Taken(Asked("Undo that", ("undo_change",)), ["delete_external_id_mapping"])
    wanted = Taken(Asked("Remove X", ("delete_external_id_mapping",)), ["delete_external_id_configuration"])
    assert eager([unasked, wanted]) == [unasked]


def test_ids_are_no_words() -> None:
    assert plain("Who is CONTACT3456 or 00Q5e?") == "Who is id or id?"
