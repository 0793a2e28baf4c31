"""A run whose sign-in ends is paused: nothing fails, nothing is lost, and it goes on when somebody signs in."""

import json
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path

import anyio
import pytest
from click.testing import CliRunner, Result
from mcp.client import Client

from salesloft_mcp.app import App, open_app
from salesloft_mcp.bulk.sources import load_rows
from salesloft_mcp.bulk.status import operation_of
from salesloft_mcp.changes.change import Author
from salesloft_mcp.cli import cli
from salesloft_mcp.hosting.run import resume
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import chosen
from salesloft_mcp.settings import Settings
from salesloft_mcp.state.credentials import Credentials
from tests.conftest import Era
from tests.hosting.program import HANG_SECONDS
from tests.server.calling import call
from tests.signing_in import URL, everything_in_process, sign_in

from .running import AIM, creations

pytestmark = [pytest.mark.anyio, pytest.mark.steady]

ROWS, WRITTEN = 40, 15  # so many there are, and so many are written when the sign-in ends
CREATED = ("POST", b"/v2/external/mappings")


class Ending:
    """A sandbox in front of which something happens after so many writes."""

    def __init__(self, sandbox: Sandbox, what: Callable[[], Awaitable[object]]) -> None:
        self.sandbox, self.what, self.left = sandbox, what, WRITTEN

    async def __call__(self, scope: dict[str, object], receive: Callable[..., object], send: object) -> None:
        if (scope["method"], scope["raw_path"]) == CREATED:
            self.left -= 1
            if self.left == -1:
                await self.what()
        await self.sandbox(scope, receive, send)  # type: ignore[arg-type]


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(rate_limit=0) as sandbox:
        yield sandbox


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(state_dir=tmp_path / "state").model_copy(update={"base_url": URL, "rate_limit": 100_000})


@pytest.fixture
def kept(settings: Settings) -> Credentials:
    return Credentials(settings.state_dir, URL)


async def planned(app: App) -> str:
    plan = await app.jobs.plan(AIM, partial(load_rows, rows=creations(ROWS)), "rows")
    await app.jobs.wait(plan, HANG_SECONDS * 100)
    return plan


async def paused(app: App) -> str:
    """A run in the middle of which the sign-in has ended."""
    plan = await planned(app)
    await app.jobs.start(operation_of(await app.plans.status(plan)), Author("test"))
    status = await app.jobs.wait(plan, HANG_SECONDS * 100)
    assert status.state == "paused"
    assert status.refused == 0
    assert 0 < status.left < ROWS
    return plan


async def finished(app: App, plan: str) -> None:
    """Wait until it is, which nothing tells."""
    with anyio.fail_after(HANG_SECONDS * 100):
        while (await app.plans.status(plan)).state != "finished":  # noqa: ASYNC110 - no event tells it
            await anyio.sleep(1)


@pytest.fixture
def ending(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    async def end() -> None:
        sandbox.authority.end_sign_ins()

    everything_in_process(monkeypatch, Ending(sandbox, end))  # type: ignore[arg-type]


def mapped_twice(sandbox: Sandbox) -> int:
    """How many rows were created more than once, or not at all."""
    made = [one.status for one in sandbox.requests if (one.method, one.raw_path) == CREATED and one.status != 401]
    return abs(len(made) - ROWS)


async def test_it_is_told_in_get_plan_with_the_way_on(
    settings: Settings, sandbox: Sandbox, kept: Credentials, ending: None, era: Era
) -> None:
    await sign_in(sandbox, kept)
    async with open_app(settings) as app, Client(build_server(app, chosen("full")), mode=era) as client:
        plan = await paused(app)
        reply = await call(client, "get_plan", plan=plan)
    assert reply.data["state"] == "paused"
    assert reply.words.startswith("paused: ")
    assert "the sign-in to Salesloft has ended" in reply.data["problem"]
    assert "salesloft-mcp login" in reply.data["problem"]
    assert not set(reply.data["outcomes"]) & {"failed", "lost", "conflict", "unknown", "intended"}


async def test_a_running_server_goes_on_with_it_as_soon_as_somebody_signs_in(
    settings: Settings, sandbox: Sandbox, kept: Credentials, ending: None
) -> None:
    await sign_in(sandbox, kept)
    async with open_app(settings) as app, anyio.create_task_group() as tasks:
        tasks.start_soon(resume, app, chosen("full"))
        plan = await paused(app)
        await anyio.sleep(60)
        assert (await app.plans.status(plan)).state == "paused"
        await sign_in(sandbox, kept)
        await finished(app, plan)
        tasks.cancel_scope.cancel()
    assert mapped_twice(sandbox) == 0


async def test_of_two_servers_one_goes_on_with_it_and_the_other_says_nothing(
    settings: Settings, sandbox: Sandbox, kept: Credentials, ending: None
) -> None:
    await sign_in(sandbox, kept)
    async with open_app(settings) as app, open_app(settings) as other:
        plan = await paused(app)
        await sign_in(sandbox, kept)
        async with anyio.create_task_group() as tasks:
            for one in (app, other):
                tasks.start_soon(one.jobs.resume_all)
        await finished(app, plan)
        assert (await app.plans.status(plan)).problem == ""
    assert mapped_twice(sandbox) == 0


async def test_the_next_server_goes_on_with_it_when_somebody_has_signed_in(
    settings: Settings, sandbox: Sandbox, kept: Credentials, ending: None
) -> None:
    await sign_in(sandbox, kept)
    async with open_app(settings) as app:
        plan = await paused(app)
    async with open_app(settings) as app:
        await app.jobs.resume_all()
        status = await app.plans.status(plan)
        assert (status.state, "has ended" in status.problem) == ("paused", True)
    await sign_in(sandbox, kept)
    async with open_app(settings) as app:
        await app.jobs.resume_all()
        assert (await app.jobs.wait(plan, HANG_SECONDS * 100)).state == "finished"
    assert mapped_twice(sandbox) == 0


async def test_it_waits_for_somebody_of_its_own_team(
    settings: Settings, sandbox: Sandbox, kept: Credentials, ending: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sign_in(sandbox, kept)
    async with open_app(settings) as app:
        plan = await paused(app)
        await sign_in(sandbox, kept, team="7")
        before = len(sandbox.requests)
        monkeypatch.setattr("salesloft_mcp.sandbox.team.TENANT_ID", 7)
        await app.jobs.resume_all()
        status = await app.plans.status(plan)
        assert (status.state, "it was made for team 100013" in status.problem) == ("paused", True)
        assert CREATED not in {(one.method, one.raw_path) for one in list(sandbox.requests)[before:]}


async def test_it_can_be_cancelled_and_undone(
    settings: Settings, sandbox: Sandbox, kept: Credentials, ending: None
) -> None:
    await sign_in(sandbox, kept)
    async with open_app(settings) as app:
        plan = await paused(app)
        await app.jobs.cancel(plan)
        assert (await app.plans.status(plan)).state == "cancelled"


async def test_a_run_writes_nothing_for_another_team_whose_person_signs_in_meanwhile(
    settings: Settings, sandbox: Sandbox, kept: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def sign_in_elsewhere() -> None:
        await sign_in(sandbox, kept, team="7")

    everything_in_process(monkeypatch, Ending(sandbox, sign_in_elsewhere))  # type: ignore[arg-type]
    await sign_in(sandbox, kept)
    async with open_app(settings) as app:
        plan = await paused(app)
        assert "signed in for another team" in (await app.plans.status(plan)).problem
        await sign_in(sandbox, kept)
        await app.jobs.resume_all()
        assert (await app.jobs.wait(plan, HANG_SECONDS * 100)).state == "finished"
    assert mapped_twice(sandbox) == 0


def test_a_person_at_a_terminal_is_told_and_goes_on_with_it(
    tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch, ending: None
) -> None:
    url, state = "http://localhost:9", tmp_path / "state"
    rows = tmp_path / "rows.jsonl"
    rows.write_text("".join(json.dumps(row) + "\n" for row in creations(ROWS)))
    where = {"SALESLOFT_BASE_URL": url, "SALESLOFT_STATE_DIR": str(state), "SALESLOFT_RATE_LIMIT": "100000"}

    def typed(*arguments: str) -> Result:
        return CliRunner().invoke(cli, arguments, env=where)

    anyio.run(sign_in, sandbox, Credentials(state, url))
    aim = ("--external-type", AIM.external_type, "--object-type", AIM.object_type)
    plan = json.loads(typed("backfill", "plan", str(rows), *aim, "--json").stdout)["plan"]
    begun = typed("runs", "start", plan, "--yes")
    assert begun.exit_code == 1
    assert "salesloft-mcp login" in begun.stdout
    assert f"Go on with: salesloft-mcp runs resume {plan}" in begun.stdout
    shown = json.loads(typed("runs", "status", plan, "--json").stdout)
    assert (shown["state"], "has ended" in shown["problem"]) == ("paused", True)
    anyio.run(sign_in, sandbox, Credentials(state, url))
    assert typed("runs", "resume", plan, "--yes").exit_code == 0
    assert mapped_twice(sandbox) == 0
