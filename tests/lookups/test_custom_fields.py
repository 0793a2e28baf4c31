"""Custom fields are remembered for a short while, and a name that is not known gets its nearest."""

import httpx
import pytest

from salesloft_mcp.errors import InputError, UnreadRowsError, UpstreamError
from salesloft_mcp.lookups.configurations import FRESH_SECONDS
from salesloft_mcp.lookups.custom_fields import CustomFields, unknown
from salesloft_mcp.sandbox import Fault, Sandbox
from tests.lookups.test_configurations import Clock
from tests.salesloft.opened import answering, opened

pytestmark = pytest.mark.anyio


async def test_they_are_read_once_in_half_a_minute_for_each_kind_of_record(sandbox: Sandbox) -> None:
    clock = Clock()
    async with opened(sandbox) as api:
        fields = CustomFields(api, clock)
        people, accounts = await fields.names("people") or frozenset(), await fields.names("accounts") or frozenset()
        assert {"Legacy ID", "Preferred Language", "Lead Source"} <= people
        assert {"Legacy Account ID", "Renewal Quarter"} <= accounts
        assert not people & accounts
        clock.now += FRESH_SECONDS
        await fields.names("people")
        assert len(sandbox.requests) == 2
        clock.now += 1
        await fields.names("people")
        assert len(sandbox.requests) == 3


async def test_nothing_is_asked_where_no_custom_field_is_given(sandbox: Sandbox) -> None:
    async with opened(sandbox) as api:
        await CustomFields(api).check("people", ())
    assert len(sandbox.requests) == 0


@pytest.mark.parametrize("status", [403, 404])
async def test_where_they_cannot_be_read_no_name_is_refused(sandbox: Sandbox, status: int) -> None:
    sandbox.faults.add(Fault("status", status=status))
    async with opened(sandbox) as api:
        fields = CustomFields(api)
        await fields.check("people", ["anything"])
        assert await fields.names("people") is None
    assert len(sandbox.requests) == 1


async def test_an_answer_that_is_none_is_no_reason_to_write_on(sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("raw", status=400, body=b'{"error": "no"}', times=None))
    async with opened(sandbox) as api:
        with pytest.raises(UpstreamError):
            await CustomFields(api).check("people", ["Legacy ID"])


async def test_a_wrong_name_is_told_with_the_nearest(sandbox: Sandbox) -> None:
    async with opened(sandbox) as api:
        with pytest.raises(InputError, match='people have no custom field "Legacy": did you mean "Legacy ID"'):
            await CustomFields(api).check("people", ["Lead Source", "Legacy"])


def test_names_of_a_team_are_quoted() -> None:
    assert unknown("accounts", "x\ny", frozenset()) == 'accounts have no custom field "x\\u{a}y": there are none.'


async def test_one_that_cannot_be_read_stands_only_in_the_way_of_names_that_it_may_have() -> None:
    rows = [{"id": 1, "name": "Region", "field_type": "person"}, None]
    async with answering(lambda _: httpx.Response(200, json={"data": rows, "metadata": {}})) as api:
        await CustomFields(api).check("people", ["Region"])
        with pytest.raises(UnreadRowsError):
            await CustomFields(api).check("people", ["Tier"])
