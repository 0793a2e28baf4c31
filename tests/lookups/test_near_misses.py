"""Near misses are told with what differs, and nothing else passes for one."""

from salesloft_mcp.lookups.near_misses import MOST_EACH, MOST_TRIES, Neighbours, worth_trying
from salesloft_mcp.salesloft.models import Mapping, ObjectType, Scope

PEOPLE = Scope("crm", "people")


def row(external_id: str, external_type: str = "crm", object_type: ObjectType = "people", of: int = 7) -> Mapping:
    return Mapping(external_id=external_id, external_type=external_type, object_type=object_type, object_id=of)


def test_the_nearest_come_first_and_at_most_three() -> None:
    rows = [row(one) for one in (" 0a", "0a ", "0A", "a", "0a", "00a", "b")]
    near = Neighbours(rows, PEOPLE).of("0a")
    assert len(near) == MOST_EACH
    assert [one.why for one in near] == ["spaces", "spaces", "case"]


def test_a_slip_comes_before_what_may_be_another_record_however_many_others_there_are() -> None:
    others = [row("0a", f"erp{number}", of=number) for number in range(20)]
    near = Neighbours([*others, row("0a", "crm", "users"), row("a"), row(" 0a"), row("0A")], PEOPLE).of("0a")
    assert [one.why for one in near] == ["spaces", "case", "leading zeros"]
    near = Neighbours([*others, row("0a", "crm", "users"), row(" 0A")], PEOPLE).of("0a")
    assert [one.why for one in near] == ["object_type", "external_type", "external_type"]


def test_another_type_and_another_kind_of_object_are_told() -> None:
    rows = [row("a"), row("a", "erp"), row("a", "crm", "users"), row("a", "erp", "users")]
    found = [(one.why, one.mapping) for one in Neighbours(rows, PEOPLE).of("a")]
    assert found == [("object_type", rows[2]), ("external_type", rows[1]), ("external_type", rows[3])]
    assert [one.why for one in Neighbours(rows, Scope("", "accounts")).of("a")] == ["object_type"] * 3
    assert Neighbours(rows, Scope()).of("a") == []


def test_another_spelling_outside_of_where_was_looked_is_not_near() -> None:
    assert Neighbours([row("A", "erp"), row("A", "crm", "users")], PEOPLE).of("a") == []


def test_a_row_that_was_read_twice_is_offered_once() -> None:
    neighbours = Neighbours([row("A")], PEOPLE)
    neighbours.add([row("A"), row("A", of=8)])
    assert [one.mapping.object_id for one in neighbours.of("a")] == [7, 8]


def test_worth_a_look_are_the_same_id_in_any_type_and_then_the_likeliest_spelling_of_each() -> None:
    assert worth_trying(["a1", "Bb"], PEOPLE, held=()) == [
        ("", "a1"),
        ("", "Bb"),
        ("crm", "A1"),
        ("crm", "BB"),
        ("crm", "bb"),
    ]
    assert worth_trying(["a1"], PEOPLE, held=None) == [("", "a1")]
    assert worth_trying(["a1"], Scope(), held=None) == []
    assert worth_trying(["a1"], Scope(), held=()) == [("", "A1")]
    assert len(worth_trying([f"aB 0{one}" for one in range(5)], PEOPLE, held=())) == MOST_TRIES


def test_a_spelling_that_looks_like_what_is_there_is_tried_before_others() -> None:
    asked = ["x-1", "contact1003"]
    assert worth_trying(asked, Scope("crm"), held=["LEAD7"])[2:] == [("crm", "CONTACT1003"), ("crm", "X-1")]


def test_of_many_ids_the_likeliest_are_tried() -> None:
    """Where others were found, only what looks like these; where none was, any, and two of them in other types."""
    many = [*(f"x-{number}" for number in range(50)), "contact1003", "contact1004"]
    found = worth_trying(many, PEOPLE, held=["CONTACT1"], found=True)
    assert found == [("crm", "CONTACT1003"), ("crm", "CONTACT1004")]
    nothing = worth_trying(many, PEOPLE, held=["CONTACT1"])
    assert nothing[:5] == [("", "x-0"), ("", "contact1003"), *found, ("crm", "X-0")]
    assert len(nothing) == MOST_TRIES
    assert worth_trying(many, PEOPLE, held=None) == nothing[:2]
    assert ("crm", "CONTACT1003") in worth_trying(many, PEOPLE, held=["no-1"])
    assert worth_trying(many, PEOPLE, held=None, found=True) == []
