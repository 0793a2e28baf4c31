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


def test_another_type_and_another_kind_of_object_are_told() -> None:
    rows = [row("a"), row("a", "erp"), row("a", "crm", "users"), row("a", "erp", "users")]
    found = [(one.why, one.mapping) for one in Neighbours(rows, PEOPLE).of("a")]
    assert found == [("external_type", rows[1]), ("object_type", rows[2]), ("external_type", rows[3])]
    assert [one.why for one in Neighbours(rows, Scope("", "accounts")).of("a")] == ["object_type"] * 3
    assert Neighbours(rows, Scope()).of("a") == []


def test_another_spelling_outside_of_where_was_looked_is_not_near() -> None:
    assert Neighbours([row("A", "erp"), row("A", "crm", "users")], PEOPLE).of("a") == []


def test_a_row_that_was_read_twice_is_offered_once() -> None:
    neighbours = Neighbours([row("A")], PEOPLE)
    neighbours.add([row("A"), row("A", of=8)])
    assert [one.mapping.object_id for one in neighbours.of("a")] == [7, 8]


def test_worth_a_look_are_the_same_id_in_any_type_and_then_the_likeliest_spelling_of_each() -> None:
    assert worth_trying(["a1", "Bb"], PEOPLE, spelled=True) == [
        ("", "a1"),
        ("", "Bb"),
        ("crm", "A1"),
        ("crm", "BB"),
        ("crm", "bb"),
    ]
    assert worth_trying(["a1"], PEOPLE, spelled=False) == [("", "a1")]
    assert worth_trying(["a1"], Scope(), spelled=True) == [("", "A1")]
    assert len(worth_trying([f"aB 0{one}" for one in range(9)], PEOPLE, spelled=True)) == MOST_TRIES
