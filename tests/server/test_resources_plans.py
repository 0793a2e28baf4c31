"""A plan by its address: how far it is, and the first lines of its report; told to clients when it changes."""

import json
from typing import Any

import pytest
from mcp import MCPError
from mcp.client import Client
from mcp_types import TextResourceContents

from salesloft_mcp.app import App
from tests.conftest import Connect, Era
from tests.server.addresses import plan_uri
from tests.server.calling import call
from tests.server.test_announce import listening

pytestmark = pytest.mark.anyio

LEADS: dict[str, Any] = {"external_type": "crm_lead", "object_type": "people"}
ROWS = [{"external_id": "N1", "object_id": 207550158}, {"external_id": "N2\u202e", "email": "nobody@x.test"}]


async def read(client: Client, uri: str) -> Any:
    (content,) = (await client.read_resource(uri)).contents
    assert isinstance(content, TextResourceContents)
    assert content.mime_type == "application/json"
    return json.loads(content.text)


async def test_it_tells_how_far_it_is_and_a_line_for_each_row(connect: Connect) -> None:
    async with connect() as client:
        planned = await call(client, "plan_backfill", **LEADS, rows=ROWS)
        uri = plan_uri(planned.data["plan"])
        before = await read(client, uri)
        await call(client, "run_plan", plan=planned.data["plan"])
        after = await client.read_resource(uri, cache_mode="bypass")
    assert before["state"] == "planned"
    assert before["counts"] == {"create": 1, "object unknown": 1}
    assert [(line["line"], line["external_id"], line["plan"]) for line in before["report"]] == [
        (1, "N1", "create"),
        (2, "N2\\u{202e}", "object unknown"),
    ]
    (content,) = after.contents
    assert isinstance(content, TextResourceContents)
    seen = json.loads(content.text)
    assert seen["state"] == "finished"
    assert seen["report"][0]["outcome"] == "created"
    assert seen["report"][0]["mapping_id"] > 0


async def test_it_holds_a_hundred_lines_and_never_more_than_a_host_takes(connect: Connect) -> None:
    long = [{"external_id": f"{n}" + "x" * 1_000, "email": "y" * 250} for n in range(300)]
    short = [{"external_id": f"{n}", "email": f"nobody{n}@x.test"} for n in range(300)]
    async with connect() as client:
        for rows, most in ((short, 100), (long, 40)):
            planned = await call(client, "plan_backfill", **LEADS, rows=rows)
            seen = await read(client, plan_uri(planned.data["plan"]))
            assert most - 20 <= len(seen["report"]) <= most
            assert len(json.dumps(seen)) < 46_000


@pytest.mark.parametrize("plan", ["nope", "0", "a%2Fb"])
async def test_an_address_of_none_is_refused(connect: Connect, app: App, plan: str) -> None:
    async with connect() as client:
        with pytest.raises(MCPError):
            await client.read_resource(f"salesloft://external/plans/{plan}")


async def test_a_run_and_a_cancel_are_told_to_clients_that_read_it(connect: Connect, era: Era) -> None:
    async with connect() as client:
        first = (await call(client, "plan_backfill", **LEADS, rows=ROWS)).data["plan"]
        second = (await call(client, "plan_backfill", **LEADS, rows=ROWS[:1])).data["plan"]
    async with listening(connect, era, {plan_uri(first), plan_uri(second)}) as (client, _):
        assert not (await call(client, "run_plan", plan=first)).failed
        assert not (await call(client, "cancel_plan", plan=second)).failed
