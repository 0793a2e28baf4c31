"""A search that cannot end in one call tells what it has found, and where it goes on."""

import pytest

from salesloft_mcp.lookups.searches import find
from salesloft_mcp.salesloft.call import open_call
from salesloft_mcp.sandbox import Sandbox
from tests.salesloft.opened import opened

pytestmark = pytest.mark.anyio


async def test_a_call_whose_time_runs_out_stops_with_a_cursor(sandbox: Sandbox) -> None:
    async with opened(sandbox) as api:
        with open_call(seconds=6):
            found = await find(api, "people", {}, "crm_lead", None, 100)
    assert found.stopped
    assert found.following is not None


async def test_a_call_whose_points_run_out_does_so_too(sandbox: Sandbox) -> None:
    async with opened(sandbox, points=2) as api:
        with open_call(seconds=15):
            found = await find(api, "people", {"name": ("Aiden",)}, "", None, 100)
    assert found.rows
    assert found.stopped
    async with opened(sandbox) as api:
        rest = await find(api, "people", {"name": ("Aiden",)}, "", found.following, 100)
        every = await find(api, "people", {"name": ("Aiden",)}, "", None, 100)
    assert [row.id for row in found.rows + rest.rows] == [row.id for row in every.rows]
    assert rest.following is None
