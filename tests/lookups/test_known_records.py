"""What is there already: near ids, and the records of e-mails and domains, many at once for few points."""

import httpx
import pytest

from salesloft_mcp.lookups.known_records import named, near_ids, records_of, records_with
from salesloft_mcp.salesloft.models import Account, Person, Scope
from salesloft_mcp.sandbox import Sandbox
from tests.salesloft.opened import always, answering, opened

pytestmark = pytest.mark.anyio

LEADS = Scope("crm_lead", "people")
BEATRIZ = "beatriz.haddad1@beacon-analytics.test"


async def test_near_ids_of_many_are_looked_up_at_once(sandbox: Sandbox) -> None:
    async with opened(sandbox) as api:
        found, _ = await near_ids(api, LEADS, ["contact3456", "CONTACT1001", " CONTACT1002", "nobody"])
    assert {one: [near.mapping.external_id for near in rows] for one, rows in found.items()} == {
        "contact3456": ["CONTACT3456"],
        " CONTACT1002": ["CONTACT1002"],
    }


async def test_an_id_that_has_no_other_spelling_costs_nothing(sandbox: Sandbox) -> None:
    async with opened(sandbox) as api:
        assert await near_ids(api, LEADS, ["12345"]) == ({}, [])
    assert len(sandbox.requests) == 0


async def test_near_ids_of_another_type_or_kind_are_not_near(sandbox: Sandbox) -> None:
    async with opened(sandbox) as api:
        assert await near_ids(api, Scope("marketing", "accounts"), ["contact3456"]) == ({}, [])


async def test_a_hundred_addresses_cost_a_point_and_their_records_another(sandbox: Sandbox) -> None:
    values = [f"nobody{number}@x.test" for number in range(90)] + [BEATRIZ.upper(), f" {BEATRIZ}"]
    async with opened(sandbox) as api:
        found = await records_with(api, "people", values)
    assert {value: [row.id for row in rows] for value, rows in found.items()} == {
        BEATRIZ.upper(): [578495206],
        f" {BEATRIZ}": [578495206],
    }
    assert len(sandbox.requests) == 2


@pytest.mark.parametrize("more", [0, 60])
async def test_accounts_are_found_by_any_spelling_of_their_domain(sandbox: Sandbox, more: int) -> None:
    values = ["https://www.Beacon-Analytics.test/en/", *(f"nobody{number}.test" for number in range(more))]
    async with opened(sandbox) as api:
        found = await records_with(api, "accounts", values)
    assert {value: [row.id for row in rows] for value, rows in found.items()} == {values[0]: [9872]}


async def test_where_records_cannot_be_read_nothing_is_found(sandbox: Sandbox) -> None:
    async with answering(always(403, b'{"error": "no"}')) as api:
        assert await records_with(api, "people", [BEATRIZ]) == {}
        assert await records_of(api, "people", [1]) == {}


async def test_records_that_were_not_asked_for_are_not_used() -> None:
    async with answering(lambda _: httpx.Response(200, json={"data": [{"id": 1}, {"id": 2}]})) as api:
        assert list(await records_of(api, "people", [2])) == [2]


def test_a_record_is_named_as_far_as_it_is_known() -> None:
    people = {1: Person(id=1, first_name='A"\u202e', last_name="B"), 2: Person(id=2)}
    assert named("people", 1, people) == '"A\'\\u{202e} B" (person 1)'
    assert named("people", 2, people) == "person 2"
    assert named("accounts", 3, {3: Account(id=3, name="Acme")}) == '"Acme" (account 3)'
    assert named("accounts", 3, {}) == "account 3"
