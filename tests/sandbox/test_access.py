"""Who may call what, what a call costs, and what no route answers."""

import httpx
import pytest

from salesloft_mcp.sandbox import Sandbox

from .conftest import Client, Clock, Connect

pytestmark = pytest.mark.anyio

PERSON = {"email_address": "new@example.com"}
UPSERT = "/v2/external/ids/crm_lead/people/NEW-1"


@pytest.mark.parametrize("header", [{}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic abc"}])
async def test_a_call_without_a_known_bearer_token_is_a_401(sandbox: Sandbox, header: dict[str, str]) -> None:
    transport = httpx.ASGITransport(sandbox)
    async with httpx.AsyncClient(transport=transport, base_url="http://sandbox", headers=header) as client:
        answer = await client.get("/v2/me")
    assert answer.status_code == 401
    assert isinstance(answer.json()["error"], str)
    assert "x-ratelimit-remaining-minute" not in answer.headers


async def test_the_api_key_has_the_form_of_one_and_stays_the_same(sandbox: Sandbox) -> None:
    assert sandbox.api_key.startswith("ak")
    assert len(sandbox.api_key) == 66
    with Sandbox() as other:
        assert other.api_key == sandbox.api_key


@pytest.mark.parametrize(
    ("method", "path", "body", "scopes"),
    [
        ("GET", "/v2/external/configurations", None, ["external_id_configuration:read"]),
        ("DELETE", "/v2/external/configurations/228", None, ["external_id_configuration:manage"]),
        ("DELETE", "/v2/external/configurations/228", None, ["external_id_configuration:delete"]),
        ("GET", "/v2/external/mappings", None, ["external_id:read"]),
        ("DELETE", "/v2/external/mappings/5001", None, ["external_id:manage"]),
        ("DELETE", "/v2/external/mappings/5001", None, ["external_id:delete"]),
        ("POST", UPSERT, PERSON, ["external_id:manage", "person:manage"]),
        ("POST", UPSERT, PERSON, ["external_id:write", "people:write"]),
        ("GET", "/v2/external/ids/crm/users?external_ids[1]=abc", None, ["external_id:read", "user:view"]),
        ("GET", "/v2/external/ids/crm/users?external_ids[1]=abc", None, ["external_id:read", "users:read"]),
        ("GET", "/v2/people", None, ["person:view"]),
        ("GET", "/v2/people/578495206", None, ["people:read"]),
        ("GET", "/v2/accounts/13", None, ["account:view"]),
        ("DELETE", "/v2/accounts/13", None, ["accounts:delete"]),
        ("GET", "/v2/custom_fields", None, ["custom_fields:read"]),
    ],
)
async def test_each_spelling_of_the_scopes_opens_the_call_and_every_one_is_needed(
    sandbox: Sandbox, connect: Connect, method: str, path: str, body: dict[str, str] | None, scopes: list[str]
) -> None:
    for missing in scopes:
        others = [scope for scope in scopes if scope != missing]
        async with connect(sandbox, sandbox.issue_token(*others)) as client:
            refused = await client.request(method, path, json=body)
        assert refused.status_code == 403
        assert missing in refused.json()["error"]
    async with connect(sandbox, sandbox.issue_token(*scopes)) as client:
        assert (await client.request(method, path, json=body)).is_success


async def test_me_and_team_need_no_scope_and_name_the_same_team(sandbox: Sandbox, connect: Connect) -> None:
    async with connect(sandbox, sandbox.issue_token()) as client:
        me = (await client.get("/v2/me")).json()["data"]
        team = (await client.get("/v2/team")).json()["data"]
    assert me["team"]["id"] == team["id"] == 100013
    assert "sandbox" in team["name"]
    assert set(me["role"]) == {"id"}


@pytest.mark.parametrize(
    "path", ["/", "/v2", "/v2/nope", "/v2/people/", "/v2/people/abc", "/v2/external/ids/crm/users/"]
)
async def test_an_unknown_path_is_a_404_with_its_status_in_the_body(api: Client, path: str) -> None:
    answer = await api.get(path)
    assert answer.status_code == 404
    assert answer.json() == {"error": "Not Found", "status": 404}


async def test_a_known_path_with_another_method_is_a_405(api: Client) -> None:
    assert (await api.put("/v2/external/mappings/5001")).status_code == 405


@pytest.mark.parametrize("path", ["/v2/external/mappings/%FF", "/v2/people?crm_id[]=%FF"])
async def test_a_path_or_query_that_is_not_utf8_is_a_400(api: Client, path: str) -> None:
    assert (await api.get(path)).status_code == 400


@pytest.mark.parametrize("body", [b"{", b"[]", b'"text"', b"\xff", b'{"a": "\\ud800"}', b"[" * 99999])
async def test_a_body_that_is_no_json_object_is_a_400(api: Client, body: bytes) -> None:
    assert (await api.post("/v2/external/mappings", content=body)).status_code == 400


@pytest.mark.parametrize(
    ("page", "cost"),
    [(1, 1), (100, 1), (101, 3), (150, 3), (151, 8), (250, 8), (251, 10), (500, 10), (501, 30), (10**15, 30)],
)
async def test_deep_pages_cost_more_and_the_headers_say_so(api: Client, page: int, cost: int) -> None:
    answer = await api.get("/v2/external/mappings", params={"page": page})
    assert answer.json()["data"] == [] or page == 1
    assert answer.headers["x-ratelimit-endpoint-cost"] == str(cost)
    assert answer.headers["x-ratelimit-remaining-minute"] == str(600 - cost)


async def test_refusals_after_authentication_are_charged_and_carry_the_headers(api: Client) -> None:
    paths = ["/v2/nope", "/v2/people/1", "/v2/people?ids[]=x", "/v2/people?a=%FF"]
    for number, path in enumerate(paths, start=1):
        answer = await api.get(path)
        assert answer.is_client_error
        assert answer.headers["x-ratelimit-remaining-minute"] == str(600 - number)


async def test_a_call_that_would_exceed_the_minute_is_a_plain_429_that_costs_nothing(
    clock: Clock, connect: Connect
) -> None:
    with Sandbox(rate_limit=10, clock=clock) as sandbox:
        async with connect(sandbox) as client:
            assert (await client.get("/v2/people?page=151")).status_code == 200
            refused = await client.get("/v2/people?page=101")
            assert refused.status_code == 429
            assert refused.headers["content-type"].startswith("text/plain")
            assert refused.headers["x-ratelimit-remaining-minute"] == "2"
            assert "retry-after" not in refused.headers
            assert (await client.get("/v2/me")).status_code == 200


async def test_the_next_clock_minute_gives_all_points_back(clock: Clock, connect: Connect) -> None:
    with Sandbox(rate_limit=1, clock=clock) as sandbox:
        async with connect(sandbox) as client:
            assert (await client.get("/v2/me")).status_code == 200
            clock.now = clock.now // 60 * 60 + 59.999
            assert (await client.get("/v2/me")).status_code == 429
            clock.now += 0.001
            assert (await client.get("/v2/me")).status_code == 200


async def test_a_limit_of_zero_is_no_limit(connect: Connect) -> None:
    with Sandbox(rate_limit=0) as sandbox:
        async with connect(sandbox) as client:
            for _ in range(700):
                assert (await client.get("/v2/me")).status_code == 200


async def test_what_arrived_is_remembered_as_it_arrived(sandbox: Sandbox, api: Client) -> None:
    await api.get("/v2/external/ids/crm/a%2Fb?external_ids%5B1%5D=x&page=101")
    (request,) = sandbox.requests
    assert request.raw_path == b"/v2/external/ids/crm/a%2Fb"
    assert request.query == b"external_ids%5B1%5D=x&page=101"
    assert (request.method, request.status, request.cost) == ("GET", 404, 3)
