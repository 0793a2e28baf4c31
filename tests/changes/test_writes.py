"""Writes under faults: the outcome is looked up, never guessed, and nothing is written twice."""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack

import httpx
import pytest

from salesloft_mcp import errors
from salesloft_mcp.changes.writes import create_configuration, create_mapping, delete
from salesloft_mcp.salesloft import Salesloft
from salesloft_mcp.salesloft.models import MappingKey
from salesloft_mcp.salesloft.paging import live_configurations
from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.settings import Dialect
from tests.salesloft.opened import PLENTY, opened, over

pytestmark = [pytest.mark.anyio, pytest.mark.steady]

KEY = MappingKey("crm_lead", "people", "NEW-1")
ANN, BEN = 207550001, 207550002
MAPPINGS, CONFIGURATIONS = "/v2/external/mappings*", "/v2/external/configurations*"
LOSSES = [
    Fault("status", status=500),
    Fault("status", status=503),
    Fault("reset"),
    Fault("lost_answer"),
    Fault("truncated"),
    Fault("delay", seconds=5),
    Fault("raw", status=200, body=b"<html>"),
    Fault("lost_answer", times=3),
    Fault("truncated", times=3),
]
loss = pytest.mark.parametrize("fault", LOSSES, ids=lambda fault: f"{fault.kind}-{fault.status}-{fault.times}")


@pytest.fixture(params=[True, False], ids=["unique", "not unique"])
def sandbox(request: pytest.FixtureRequest, dialect: Dialect) -> Iterator[Sandbox]:
    with Sandbox(dialect=dialect, rate_limit=PLENTY, enforce_unique=request.param) as sandbox:
        yield sandbox


@pytest.fixture
async def api(sandbox: Sandbox) -> AsyncIterator[Salesloft]:
    async with opened(sandbox, seconds=0.05) as api:
        yield api


def on(fault: Fault, method: str, path: str) -> Fault:
    return Fault(
        fault.kind, method, path, times=fault.times, status=fault.status, seconds=fault.seconds, body=fault.body
    )


async def held(api: Salesloft) -> list[int]:
    return [row.object_id for row in (await api.list_mappings(external_id="NEW-1", deleted=False)).rows]


@loss
async def test_a_mapping_is_created_exactly_once(sandbox: Sandbox, api: Salesloft, fault: Fault) -> None:
    sandbox.faults.add(on(fault, "POST", MAPPINGS))
    written = await create_mapping(api, KEY, ANN, quiet=0)
    assert (written.status, written.row.object_id) == ("created", ANN)
    assert await held(api) == [ANN]


@loss
async def test_a_configuration_is_created_exactly_once(sandbox: Sandbox, api: Salesloft, fault: Fault) -> None:
    sandbox.faults.add(on(fault, "POST", CONFIGURATIONS))
    assert (await create_configuration(api, "erp", "users", quiet=0)).status == "created"
    assert [row.object_type for row in await live_configurations(api) if row.external_type == "erp"] == ["users"]


async def test_creating_twice_is_one_write_and_says_so(sandbox: Sandbox, api: Salesloft) -> None:
    await create_mapping(api, KEY, ANN, quiet=0)
    sandbox.requests.clear()
    assert (await create_mapping(api, KEY, ANN, quiet=0)).status == "unchanged"
    assert [one.method for one in sandbox.requests] == ["GET"]
    assert (await create_configuration(api, "crm", "users", quiet=0)).status == "unchanged"
    assert await held(api) == [ANN]


async def test_a_taken_external_id_is_a_conflict_that_names_the_holder(sandbox: Sandbox, api: Salesloft) -> None:
    await create_mapping(api, KEY, ANN, quiet=0)
    with pytest.raises(errors.ConflictError, match=str(ANN)) as caught:
        await create_mapping(api, KEY, BEN, quiet=0)
    assert caught.value.next_step
    assert await held(api) == [ANN]


async def test_a_deleted_mapping_does_not_count_as_there(api: Salesloft) -> None:
    found = await api.list_mappings(external_type="crm_lead", deleted=True, per_page=1)
    gone = found.rows[0]
    key = MappingKey("crm_lead", "people", gone.external_id)
    assert (await create_mapping(api, key, gone.object_id, quiet=0)).status == "created"


@pytest.mark.parametrize("holder", [ANN, BEN])
async def test_a_write_that_somebody_else_did_first_is_told_as_it_is(sandbox: Sandbox, holder: int) -> None:
    """The rival's mapping appears between our look and our write."""
    async with AsyncExitStack() as stack:
        rival = await stack.enter_async_context(opened(sandbox))
        api = await stack.enter_async_context(opened(sandbox))
        posted = False

        async def meddle(request: httpx.Request) -> None:
            nonlocal posted
            if request.method == "POST" and not posted:
                posted = True
                await rival.create_mapping("crm_lead", "people", "NEW-1", holder)

        api._http.event_hooks["request"] = [meddle]
        if not sandbox.app.enforce_unique:
            assert (await create_mapping(api, KEY, ANN, quiet=0)).status == "created"
        elif holder == ANN:
            assert (await create_mapping(api, KEY, ANN, quiet=0)).status == "unchanged"
        else:
            with pytest.raises(errors.ConflictError, match=str(BEN)):
                await create_mapping(api, KEY, ANN, quiet=0)


async def test_a_refusal_is_no_unknown_outcome(api: Salesloft) -> None:
    with pytest.raises(errors.RejectedError) as caught:
        await create_mapping(api, MappingKey("nowhere", "people", "A"), ANN, quiet=0)
    assert list(caught.value.fields) == ["external_type"]


async def test_an_outcome_that_stays_unknown_is_told_as_unknown(sandbox: Sandbox, api: Salesloft) -> None:
    sandbox.faults.add(Fault("reset", "POST", times=None))
    with pytest.raises(errors.UnknownOutcomeError):
        await create_mapping(api, KEY, ANN, quiet=0)
    assert [one.method for one in sandbox.requests].count("POST") == 3


@pytest.mark.parametrize("status", [401, 403, 503])
async def test_an_unknown_outcome_that_cannot_be_looked_up_is_not_called_unchanged(
    sandbox: Sandbox, api: Salesloft, status: int
) -> None:
    async def lose(request: httpx.Request) -> None:
        if request.method == "POST":
            sandbox.faults.add(Fault("lost_answer", "POST"), Fault("status", "GET", times=None, status=status))

    api._http.event_hooks["request"] = [lose]
    with pytest.raises(errors.UnknownOutcomeError, match="unknown"):
        await create_mapping(api, KEY, ANN, quiet=0)
    sandbox.faults.clear()
    assert await held(api) == [ANN]


@loss
async def test_a_deletion_is_done_once_its_outcome_is_known(sandbox: Sandbox, api: Salesloft, fault: Fault) -> None:
    sandbox.faults.add(on(fault, "DELETE", CONFIGURATIONS))
    if fault.times == 3:
        sandbox.faults.replace([Fault("lost_answer", "DELETE", CONFIGURATIONS)])
    await delete(lambda: api.delete_configuration(226), quiet=0)
    assert 226 not in [row.id for row in await live_configurations(api)]


async def test_deleting_what_was_gone_at_first_is_not_found(api: Salesloft) -> None:
    await delete(lambda: api.delete_configuration(226), quiet=0)
    with pytest.raises(errors.NotFoundError):
        await delete(lambda: api.delete_configuration(226), quiet=0)


async def test_a_deletion_never_answered_stays_unknown(sandbox: Sandbox, api: Salesloft) -> None:
    sandbox.faults.add(Fault("reset", "DELETE", times=None))
    with pytest.raises(errors.UnknownOutcomeError):
        await delete(lambda: api.delete_configuration(226), quiet=0)
    assert [one.method for one in sandbox.requests] == ["DELETE"] * 3


async def test_a_second_try_that_cannot_leave_does_not_make_the_first_undone() -> None:
    answers = iter([httpx.ReadError("reset"), *[httpx.ConnectError("refused")] * 9])

    def serve(_: httpx.Request) -> httpx.Response:
        raise next(answers)

    async with over(httpx.MockTransport(serve)) as api:
        with pytest.raises(errors.UnknownOutcomeError):
            await delete(lambda: api.delete_configuration(226), quiet=0)
