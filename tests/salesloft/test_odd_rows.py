"""Rows as other clients have seen them: only what makes a row one has to be usable."""

import json
from typing import Any

import anyio
import httpx
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from salesloft_mcp.errors import BrokenAnswerError
from salesloft_mcp.lookups.configurations import Configurations
from salesloft_mcp.lookups.resolve import Lookups
from salesloft_mcp.salesloft.budget import Budget
from salesloft_mcp.salesloft.models import RECORDS, MappingKey, ObjectType, Person, Scope, User
from salesloft_mcp.salesloft.paging import live_mappings, read_all

from .opened import always, answering, mapping

pytestmark = pytest.mark.anyio

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)
KINDS: tuple[ObjectType, ...] = ("people", "accounts", "users")
FIELDS = sorted({name for kind in KINDS for name in RECORDS[kind].model_fields} - {"id"})


def data(*rows: object) -> bytes:
    return json.dumps({"data": rows, "metadata": {"paging": {"next_page": None}}}).encode()


@pytest.mark.parametrize("kind", KINDS)
def test_whatever_an_optional_field_holds_hides_no_row(kind: ObjectType) -> None:
    async def listed(odd: dict[str, Any]) -> list[Any]:
        async with answering(always(200, data({"id": 1}, {**odd, "id": 2}, {"id": 3}))) as api:
            return list((await api.list_objects(kind, ())).rows)

    @settings(deadline=None)
    @given(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=4))
    @example({"account": {"id": None}, "owner": "0b1e-guid", "custom_fields": [], "crm_id": 7, "title": 1, "name": 2.5})
    @example({"role": {"id": 3}, "active": None})
    def holds(odd: dict[str, Any]) -> None:
        rows = anyio.run(listed, odd)
        assert [row.id for row in rows] == [1, 2, 3]
        for name, value in odd.items():
            if isinstance(value, list | dict) and name != "role":
                assert rows[1].model_dump()[name] == value

    holds()


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(["id", "tenant_id", "inserted_at", "extra"]), JSON))
def test_whatever_a_mapping_shows_beside_its_key_hides_no_mapping(odd: dict[str, Any]) -> None:
    async def listed() -> list[str]:
        rows = mapping(), {**mapping(external_id="B"), **odd}
        async with answering(always(200, data(*rows))) as api:
            return [row.external_id for row in (await api.list_mappings()).rows]

    assert anyio.run(listed) == ["A", "B"]


async def test_odd_values_are_kept_as_they_came_and_read_as_absent() -> None:
    row = {"id": 7, "account": {"id": None}, "owner": "0b1e-guid", "custom_fields": ["x"], "title": 3, "crm_id": 12}
    async with answering(always(200, data(row))) as api:
        (person,) = (await api.list_objects("people", ())).rows
    assert isinstance(person, Person)
    assert (person.account, person.owner, person.custom_fields) == (None, None, None)
    assert (person.title, person.crm_id) == ("3", "12")
    shown = person.model_dump()
    assert (shown["account"], shown["owner"], shown["custom_fields"]) == ({"id": None}, "0b1e-guid", ["x"])


async def test_a_role_may_be_a_number() -> None:
    async with answering(always(200, data({"id": 7, "role": {"id": 3}}))) as api:
        (user,) = (await api.list_objects("users", ())).rows
    assert isinstance(user, User)
    assert user.role == "3"


UNUSABLE: list[object] = [
    None, "x", {}, {**mapping(), "external_id": 7}, {**mapping(), "object_id": None}, {**mapping(), "object_id": True},
    {**mapping(), "object_type": "deals"}, {**mapping(), "deleted": "perhaps"},
]  # fmt: skip


@pytest.mark.parametrize("row", UNUSABLE, ids=str)
async def test_a_row_that_is_none_is_left_out_and_counted(row: object) -> None:
    async with answering(always(200, data(row, mapping(id=2, external_id="B")))) as api:
        found = await api.list_mappings()
    assert ([one.id for one in found.rows], found.unread) == ([2], 1)


@pytest.mark.parametrize("row", UNUSABLE, ids=str)
async def test_what_cannot_be_read_never_passes_for_what_is_not_there(row: object) -> None:
    async with answering(always(200, data(row, mapping(id=2, external_id="B")))) as api:
        with pytest.raises(BrokenAnswerError, match="cannot be read"):
            await live_mappings(api, MappingKey("crm_lead", "people", "7"))
        with pytest.raises(BrokenAnswerError):
            await read_all(api.list_mappings)
    async with answering(always(200, data(None, {"id": 2}))) as api:
        with pytest.raises(BrokenAnswerError, match="cannot be read"):
            await api.get_object("people", 1)
        assert (await api.get_object("people", 2)) is not None


async def test_a_number_in_place_of_an_external_id_equals_no_text() -> None:
    async with answering(always(200, data({**mapping(), "external_id": 7}))) as api:
        with pytest.raises(BrokenAnswerError, match="external_id"):
            await api.list_mappings(external_id="7")


@pytest.mark.parametrize("deleted", [None, False, "false"])
async def test_a_mapping_of_which_nobody_says_that_it_is_deleted_is_live(deleted: object) -> None:
    async with answering(always(200, data(mapping(deleted=deleted)))) as api:
        assert [row.deleted for row in (await api.list_mappings()).rows] == [False]


async def test_a_list_of_which_a_row_cannot_be_read_is_not_told_as_complete() -> None:
    def serve(request: httpx.Request) -> httpx.Response:
        asked = request.url.params.get("external_id")
        rows = [None, *(mapping(id=one, external_id=str(one)) for one in range(1, 12))]
        known = [row for row in rows if asked is None or (row and row["external_id"] == asked)]
        return httpx.Response(200, content=data(*(known or [None, mapping(id=99, external_id="Z")])))

    async with answering(serve) as api:
        lookups = Lookups(api, Configurations(api), Budget(600))
        with pytest.raises(BrokenAnswerError, match=r'what external id "12" is mapped to is not known.*cannot be read'):
            await lookups.resolve([str(one) for one in range(1, 13)], Scope("crm_lead"))
        found = await lookups.resolve([str(one) for one in range(1, 12)], Scope("crm_lead"))
    assert len(found.of("found")) == 11


async def test_a_list_of_nothing_but_null_is_an_empty_one_with_a_row_that_cannot_be_read() -> None:
    async with answering(always(200, data(None))) as api:
        found = await api.list_objects("people", ())
    assert (found.rows, found.unread) == ((), 1)


async def test_a_list_whose_rows_all_hold_something_else_is_no_list() -> None:
    async with answering(always(200, data({"name": "x"}, None))) as api:
        with pytest.raises(BrokenAnswerError, match="no usable"):
            await api.list_objects("people", ())
