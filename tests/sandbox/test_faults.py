"""Faults on demand, in process and over a real socket."""

import socket
from collections.abc import AsyncIterator

import anyio
import httpx
import pytest

from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.sandbox.faults import FaultKind
from salesloft_mcp.sandbox.serve import serve
from tests.hosting.program import HANG_SECONDS

from .conftest import Client, Connect

pytestmark = pytest.mark.anyio

CONFIGURATIONS = "/v2/external/configurations"
BODY = {"external_type": "erp", "object_type": "people"}


async def configured(api: Client) -> bool:
    return bool((await api.get(CONFIGURATIONS, params={"external_type": "erp"})).json()["data"])


@pytest.fixture
async def served(sandbox: Sandbox) -> AsyncIterator[Client]:
    """A client of the same sandbox behind uvicorn, one new connection a call."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: serve(sandbox, port=port))
        await listening(port)
        headers = {"Authorization": f"Bearer {sandbox.api_key}", "Connection": "close"}
        url = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=url, headers=headers, trust_env=False) as client:
            yield client
        group.cancel_scope.cancel()


async def listening(port: int) -> None:
    with anyio.fail_after(HANG_SECONDS):
        while True:
            try:
                stream = await anyio.connect_tcp("127.0.0.1", port)
            except OSError:
                await anyio.lowlevel.checkpoint()
            else:
                await stream.aclose()
                return


async def test_a_status_is_answered_and_the_work_not_done(sandbox: Sandbox, api: Client) -> None:
    sandbox.faults.add(Fault("status", status=429, retry_after=7))
    answer = await api.post(CONFIGURATIONS, json=BODY)
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "7")
    assert answer.headers["content-type"].startswith("text/plain")
    assert not await configured(api)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (403, {"error": "The sandbox was told to fail"}),
        (422, {"errors": {"base": ["The sandbox was told to fail"]}}),
    ],
)
async def test_a_refusal_has_the_body_that_the_document_shows(
    sandbox: Sandbox, api: Client, status: int, body: object
) -> None:
    sandbox.faults.add(Fault("status", status=status))
    answer = await api.post(CONFIGURATIONS, json=BODY)
    assert (answer.status_code, answer.json()) == (status, body)


async def test_a_reset_comes_before_the_work(sandbox: Sandbox, api: Client) -> None:
    sandbox.faults.add(Fault("reset"))
    with pytest.raises(ConnectionResetError):
        await api.post(CONFIGURATIONS, json=BODY)
    assert not await configured(api)


async def test_a_lost_answer_comes_after_the_work(sandbox: Sandbox, api: Client) -> None:
    sandbox.faults.add(Fault("lost_answer"))
    with pytest.raises(ConnectionResetError):
        await api.post(CONFIGURATIONS, json=BODY)
    assert sandbox.requests[-1].status is None
    assert await configured(api)


async def test_a_truncated_answer_is_whole_http_and_half_json(sandbox: Sandbox, api: Client) -> None:
    sandbox.faults.add(Fault("truncated"))
    answer = await api.post(CONFIGURATIONS, json=BODY)
    assert answer.status_code == 200
    assert int(answer.headers["content-length"]) == len(answer.content)
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        answer.json()
    assert await configured(api)


async def test_raw_bytes_are_answered_as_they_are(sandbox: Sandbox, api: Client) -> None:
    sandbox.faults.add(Fault("raw", status=200, body=b'{"data": {"id": 1}, {"id": 2}}'))
    answer = await api.get(CONFIGURATIONS)
    assert (answer.status_code, answer.content) == (200, b'{"data": {"id": 1}, {"id": 2}}')


@pytest.mark.steady
async def test_a_caller_that_leaves_during_a_delay_leaves_nothing(sandbox: Sandbox, api: Client) -> None:
    sandbox.faults.add(Fault("delay", seconds=60))
    with anyio.move_on_after(0.01) as scope:
        await api.post(CONFIGURATIONS, json=BODY)
    assert scope.cancelled_caught
    assert sandbox.requests[-1].status is None
    assert not await configured(api)


@pytest.mark.steady
async def test_a_late_commit_comes_after_the_caller_has_looked(sandbox: Sandbox, api: Client) -> None:
    sandbox.faults.add(Fault("late_commit", seconds=0.05))
    with anyio.move_on_after(0.01) as scope:
        await api.post(CONFIGURATIONS, json=BODY)
    assert scope.cancelled_caught
    assert not await configured(api)
    await anyio.sleep(0.05)
    assert await configured(api)


async def test_a_delay_that_is_waited_for_changes_nothing(sandbox: Sandbox, api: Client) -> None:
    for fault in (Fault("delay"), Fault("late_commit")):
        sandbox.faults.add(fault)
        assert (await api.get("/v2/me")).status_code == 200


async def test_a_fault_hits_the_calls_it_names_as_often_as_it_says(sandbox: Sandbox, api: Client) -> None:
    sandbox.faults.add(Fault("status", method="GET", path="/v2/external/*", times=2))
    assert (await api.get("/v2/me")).status_code == 200
    assert (await api.post(CONFIGURATIONS, json=BODY)).status_code == 200
    statuses = [(await api.get(CONFIGURATIONS)).status_code for _ in range(3)]
    assert statuses == [503, 503, 200]


async def test_a_fault_without_a_count_lasts_until_it_is_cleared(sandbox: Sandbox, api: Client) -> None:
    sandbox.faults.add(Fault("status", times=None))
    assert [(await api.get("/v2/me")).status_code for _ in range(5)] == [503] * 5
    sandbox.faults.clear()
    assert (await api.get("/v2/me")).status_code == 200


async def test_an_unlikely_fault_happens_now_and_then_and_the_same_way_each_time(connect: Connect) -> None:
    runs = []
    for _ in range(2):
        with Sandbox() as sandbox:
            sandbox.faults.add(Fault("status", times=None, probability=0.3))
            async with connect(sandbox) as api:
                runs.append([(await api.get("/v2/me")).status_code for _ in range(100)])
    assert runs[0] == runs[1]
    assert 15 < runs[0].count(503) < 45


async def test_an_unknown_kind_of_fault_is_refused() -> None:
    with pytest.raises(ValueError, match="earthquake"):
        Fault("earthquake")  # type: ignore[arg-type]


async def test_switching_faults_over_http_leaves_no_trace_of_itself(sandbox: Sandbox, api: Client) -> None:
    faults = [{"kind": "status", "status": 500}, {"kind": "raw", "status": 200, "body": "<html>"}]
    assert (await api.post("/_sandbox/faults", json=faults)).json() == {"data": 2}
    assert (await api.get("/v2/me")).status_code == 500
    assert (await api.get("/v2/me?x=1")).text == "<html>"
    await api.post("/_sandbox/faults", json=faults)
    assert (await api.delete("/_sandbox/faults")).status_code == 204
    assert (await api.get("/v2/me")).status_code == 200
    requests = (await api.get("/_sandbox/requests")).json()["data"]
    assert [request["status"] for request in requests] == [500, 200, 200]
    assert requests[1] == {"method": "GET", "path": "/v2/me", "query": "x=1", "status": 200, "cost": 1}


@pytest.mark.parametrize("faults", [{}, [1], [{}], [{"kind": "x"}], [{"kind": "reset", "unknown": 1}]])
async def test_faults_that_make_no_sense_are_a_422(api: Client, faults: object) -> None:
    assert (await api.post("/_sandbox/faults", json=faults)).status_code == 422


async def test_the_control_calls_need_the_key_and_have_no_others(sandbox: Sandbox, connect: Connect) -> None:
    async with connect(sandbox, "nonsense") as stranger:
        assert (await stranger.delete("/_sandbox/faults")).status_code == 401
    async with connect(sandbox) as client:
        assert (await client.get("/_sandbox/nope")).status_code == 404


async def test_over_a_socket_the_path_arrives_undecoded(sandbox: Sandbox, served: Client) -> None:
    path = "/v2/external/ids/crm_lead/people/a%2Fb%2e%2e"
    assert (await served.post(path, json={"email_address": "a@b.test"})).status_code == 200
    assert sandbox.requests[-1].raw_path == path.encode()
    assert (await served.get("/v2/external/mappings?external_id=a/b..")).json()["data"][0]["object_id"]


@pytest.mark.parametrize(("kind", "done"), [("reset", False), ("lost_answer", True)])
async def test_over_a_socket_a_lost_connection_is_a_broken_answer(
    sandbox: Sandbox, served: Client, kind: FaultKind, done: bool
) -> None:
    sandbox.faults.add(Fault(kind))
    with pytest.raises(httpx.RemoteProtocolError):
        await served.post(CONFIGURATIONS, json=BODY)
    assert await configured(served) is done


async def test_over_a_socket_a_truncated_answer_arrives_whole(sandbox: Sandbox, served: Client) -> None:
    sandbox.faults.add(Fault("truncated"))
    answer = await served.get("/v2/me")
    assert answer.status_code == 200
    assert not answer.text.endswith("}")


async def test_over_a_socket_the_work_of_a_late_commit_is_done_without_its_caller(
    sandbox: Sandbox, served: Client
) -> None:
    sandbox.faults.add(Fault("late_commit", seconds=0.1))
    with pytest.raises(httpx.ReadTimeout):
        await served.post(CONFIGURATIONS, json=BODY, timeout=httpx.Timeout(HANG_SECONDS, read=0.02))
    with anyio.fail_after(HANG_SECONDS):
        while not await configured(served):
            await anyio.lowlevel.checkpoint()
