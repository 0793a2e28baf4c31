"""Who an assistant is told it is connected to."""

import json

import pytest

from salesloft_mcp.app import App
from salesloft_mcp.salesloft import environment
from salesloft_mcp.salesloft.budget import Budget
from salesloft_mcp.sandbox import Fault, Sandbox
from tests.conftest import Connect
from tests.server.calling import call
from tests.server.human import YES, Human

pytestmark = pytest.mark.anyio


async def test_the_team_the_user_and_the_environment_are_told(connect: Connect) -> None:
    async with connect() as client:
        reply = await call(client, "get_connection")
    assert reply.words.startswith(f"SANDBOX, team {reply.data['team_id']}, user {reply.data['user_id']}. A person is")
    assert "568 of 570 points a minute are left" in reply.words
    assert reply.data["team"]
    assert reply.data["points_spent"] == 2


@pytest.mark.parametrize("status", [403, 404])
async def test_a_team_that_cannot_be_read_is_left_out(connect: Connect, sandbox: Sandbox, status: int) -> None:
    sandbox.faults.add(Fault("status", path="/v2/team", status=status, times=None))
    async with connect() as client:
        reply = await call(client, "get_connection")
    assert not reply.failed, reply.words
    assert reply.words.startswith(f"SANDBOX, a team that cannot be read, user {reply.data['user_id']}. ")
    assert not {"team", "team_id"} & set(reply.data)


def test_an_environment_is_named_by_what_it_is() -> None:
    named = {
        "SANDBOX (http://sandbox.localhost)": "SANDBOX (http://sandbox.localhost)",
        "http://127.0.0.1:8765": "LOCAL (http://127.0.0.1:8765)",
        "http://localhost:9": "LOCAL (http://localhost:9)",
        "http://[::1]:9": "LOCAL (http://[::1]:9)",
        "https://api.salesloft.com": "LIVE (https://api.salesloft.com)",
        "https://localhost.example.com": "LIVE (https://localhost.example.com)",
    }
    assert {one: environment.named(one) for one in named} == named


async def test_how_a_person_is_asked_is_told_as_it_is_for_this_client(connect: Connect, app: App) -> None:
    async with connect(elicitation_callback=Human(YES)) as client:
        assert (await call(client, "get_connection")).data["asked"] == "through this client"
    async with connect() as client:
        assert (await call(client, "get_connection")).data["asked"] == "in a terminal"


async def test_the_limit_and_when_its_points_are_back_are_told_and_no_file(connect: Connect) -> None:
    async with connect() as client:
        reply = await call(client, "get_connection")
    assert (reply.data["limit"], reply.data["points_left"]) == (570, 568)
    assert 0 < reply.data["back_in"] <= 60
    assert "/" not in json.dumps(reply.data)


def test_points_are_back_a_minute_after_the_last_was_spent() -> None:
    now = [0.0]
    budget = Budget(10, clock=lambda: now[0], wall=lambda: 30.0)
    assert budget.whole_in() == 0
    budget.spend(2)
    now[0] = 20.0
    assert (budget.left(), budget.whole_in()) == (8, 40)
    budget.learn(3)  # Salesloft's own minute ends in 30 seconds, and the last of ours in 40
    assert (budget.left(), budget.whole_in()) == (3, 40)
    now[0] = 61.0
    assert (budget.left(), budget.whole_in()) == (10, 0)
