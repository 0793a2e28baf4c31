"""Who an assistant is told it is connected to."""

import pytest

from salesloft_mcp.sandbox import Fault, Sandbox
from tests.conftest import Connect
from tests.server.calling import call

pytestmark = pytest.mark.anyio


async def test_the_team_the_user_and_the_environment_are_told(connect: Connect) -> None:
    async with connect() as client:
        reply = await call(client, "get_connection")
    assert reply.words == f"SANDBOX, team {reply.data['team_id']}, user {reply.data['user_id']}, mode full."
    assert reply.data["team"]
    assert reply.data["points_spent"] == 2


@pytest.mark.parametrize("status", [403, 404])
async def test_a_team_that_cannot_be_read_is_left_out(connect: Connect, sandbox: Sandbox, status: int) -> None:
    sandbox.faults.add(Fault("status", path="/v2/team", status=status, times=None))
    async with connect() as client:
        reply = await call(client, "get_connection")
    assert not reply.failed, reply.words
    assert reply.words == f"SANDBOX, a team that cannot be read, user {reply.data['user_id']}, mode full."
    assert not {"team", "team_id"} & set(reply.data)
