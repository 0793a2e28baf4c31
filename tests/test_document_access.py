"""The document on scopes, the base URL, authentication, and the address of each endpoint."""

from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from mcp.client import Client
from pydantic import SecretStr

from salesloft_mcp import errors
from salesloft_mcp.app import open_app
from salesloft_mcp.salesloft.budget import Budget
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.credential import Key
from salesloft_mcp.salesloft.fields import PersonFields
from salesloft_mcp.salesloft.http import open_http
from salesloft_mcp.salesloft.oauth import SALESLOFT
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.server.build import build_server
from salesloft_mcp.server.inventory import chosen
from salesloft_mcp.settings import Dialect, Settings, load
from tests.conftest import Connect
from tests.document import proves
from tests.test_document import CONFIGURATIONS, IDS, MAPPINGS, call, raw

pytestmark = pytest.mark.anyio

Verb = Callable[[Salesloft], Awaitable[object]]
BASE = "https://api.salesloft.com/v2/external"
PERSON = PersonFields(email_address="new@person.test")


@dataclass(frozen=True)
class Endpoint:
    """One of the eight: as the document prints it, and as a typed call."""

    statement: str
    method: str
    path: str
    scopes: tuple[str, ...]
    verb: Verb
    body: dict[str, Any] | None = None

    async def ask(self, api: httpx.AsyncClient) -> int:
        """The status of the call the document prints."""
        return (await api.request(self.method, f"/v2/external{self.path}", json=self.body)).status_code


ENDPOINTS = (
    Endpoint(
        "CREATE-CONFIGURATION-ENDPOINT",
        "POST",
        "/configurations",
        ("external_id_configuration:manage",),
        lambda api: api.create_configuration("erp", "users"),
        {"external_type": "erp", "object_type": "users"},
    ),
    Endpoint(
        "VIEW-CONFIGURATIONS-ENDPOINT",
        "GET",
        "/configurations",
        ("external_id_configuration:read",),
        lambda api: api.list_configurations(),
    ),
    Endpoint(
        "CREATE-MAPPING-ENDPOINT",
        "POST",
        "/mappings",
        ("external_id:manage",),
        lambda api: api.create_mapping("crm", "users", "new", 1),
        {"external_type": "crm", "object_type": "users", "external_id": "new", "object_id": 1},
    ),
    Endpoint(
        "VIEW-MAPPINGS-ENDPOINT",
        "GET",
        "/mappings",
        ("external_id:read",),
        lambda api: api.list_mappings(),
    ),
    Endpoint(
        "DELETE-MAPPING-ENDPOINT",
        "DELETE",
        "/mappings/5001",
        ("external_id:manage",),
        lambda api: api.delete_mapping(5001),
    ),
    Endpoint(
        "DELETE-CONFIGURATION-ENDPOINT",
        "DELETE",
        "/configurations/228",
        ("external_id_configuration:manage",),
        lambda api: api.delete_configuration(228),
    ),
    Endpoint(
        "LIST-OBJECTS-ENDPOINT",
        "GET",
        "/ids/sdfc_account/accounts?external_ids[1]=ABC",
        ("external_id:read", "account:view"),
        lambda api: api.list_records("sdfc_account", "accounts", ["ABC"]),
    ),
    Endpoint(
        "UPSERT-ENDPOINT",
        "POST",
        "/ids/crm_lead/people/new",
        ("external_id:manage", "person:manage"),
        lambda api: api.upsert_person("crm_lead", "new", PERSON),
        PERSON.body(),
    ),
)
each_endpoint = pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda endpoint: endpoint.statement)
ENDPOINT_STATEMENTS = tuple(endpoint.statement for endpoint in ENDPOINTS)
SCOPE_STATEMENTS = (
    "SCOPE-CONFIGURATION-MANAGE",
    "SCOPE-CONFIGURATION-READ",
    "SCOPE-MAPPING-MANAGE",
    "SCOPE-MAPPING-READ",
    "SCOPE-TRADITIONAL",
    "VIEW-MAPPINGS-SCOPE",
)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(dialect="guide") as sandbox:
        yield sandbox


async def sent(verb: Verb, of: str = SALESLOFT) -> httpx.Request:
    """The request a typed call makes, to a Salesloft that knows nothing, with a token for the address `of`."""
    seen: list[httpx.Request] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(404, json={"error": "Not Found"})

    async with open_http(
        of, Key(SecretStr("a-token")), httpx.MockTransport(refuse), Budget(100), agent="tests"
    ) as http:
        http.base_url = SALESLOFT
        with pytest.raises(errors.NotFoundError):
            await verb(Salesloft(http))
    (request,) = seen
    return request


@proves("BASE-URL", "LIST-OBJECTS-METHOD", "UPSERT-METHOD", *ENDPOINT_STATEMENTS)
@each_endpoint
async def test_each_endpoint_is_called_as_printed_under_the_base_url(endpoint: Endpoint) -> None:
    assert f"{Settings().base_url}/v2/external" == BASE
    request = await sent(endpoint.verb)
    expected = httpx.URL(BASE + endpoint.path)
    assert (request.method, request.url.copy_with(query=None)) == (endpoint.method, expected.copy_with(query=None))
    assert dict(expected.params).items() <= dict(request.url.params).items()


@proves("BASE-URL")
@each_endpoint
@pytest.mark.parametrize("end", ["", "/", "/v2", "/v2/", "/v2/external", "/v2/external/"])
async def test_the_base_url_may_be_given_as_it_is_printed(endpoint: Endpoint, end: str) -> None:
    seen: list[httpx.Request] = []

    def refuse(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(404, json={"error": "Not Found"})

    base = load({"base_url": f"https://api.salesloft.com{end}"}).base_url
    async with httpx.AsyncClient(transport=httpx.MockTransport(refuse), base_url=base) as http:
        with pytest.raises(errors.NotFoundError):
            await endpoint.verb(Salesloft(http))
    assert str(seen[0].url).startswith((BASE + endpoint.path).partition("?")[0])


@proves("SCOPE-MAPPING-READ", "VIEW-MAPPINGS-SCOPE", "VIEW-MAPPINGS-RESOLVE-BEFORE")
@pytest.mark.parametrize("dialect", ["guide", "reference"])
@pytest.mark.parametrize("external_id", ["CONTACT3456", "contact3456"])
async def test_one_id_is_resolved_with_no_more_than_the_scope_for_mappings(
    settings: Settings, dialect: Dialect, external_id: str
) -> None:
    with Sandbox(dialect=dialect) as sandbox:
        sandbox.api_key = sandbox.issue_token("external_id:read")
        async with open_app(settings, sandbox) as app, Client(build_server(app, chosen("full"))) as client:
            found = await call(client, "resolve_external_ids", external_ids=[external_id], external_type="crm_lead")
    if external_id == "contact3456":
        assert (found["missing"], list(found["near"])) == ([external_id], [external_id])
    else:
        assert found["found"][0]["ids"] == {"CONTACT3456": 578495206}
        assert "record" not in found
        assert "person:view" in found["no_record"]


@proves("LIST-OBJECTS-ENDPOINT", "UPSERT-ENDPOINT")
async def test_what_the_printed_paths_leave_open_is_percent_encoded() -> None:
    listed = await sent(lambda api: api.list_records("my crm/2", "people", ["a/b", "ä"]))
    query = b"external_ids%5B1%5D=a%2Fb&external_ids%5B2%5D=%C3%A4&per_page=100&page=1"
    assert listed.url.raw_path == b"/v2/external/ids/my%20crm%2F2/people?" + query
    upserted = await sent(lambda api: api.upsert_person("crm_lead", "a/b?c", PERSON))
    assert upserted.url.raw_path == b"/v2/external/ids/crm_lead/people/a%2Fb%3Fc"


@proves("UPSERT-ENDPOINT")
@pytest.mark.parametrize("external_id", [".", "..", ""])
async def test_an_id_that_no_path_can_hold_is_refused_before_anything_is_sent(
    sandbox: Sandbox, external_id: str
) -> None:
    async with raw(sandbox) as http:
        with pytest.raises(errors.InputError, match="external_id"):
            await Salesloft(http).upsert_person("crm_lead", external_id, PERSON)
    assert not sandbox.requests


@proves(*SCOPE_STATEMENTS, *ENDPOINT_STATEMENTS)
@each_endpoint
async def test_an_endpoint_needs_the_scopes_of_the_document_and_no_more(sandbox: Sandbox, endpoint: Endpoint) -> None:
    for missing in endpoint.scopes:
        others = (scope for scope in endpoint.scopes if scope != missing)
        async with raw(sandbox, sandbox.issue_token(*others)) as api:
            assert await endpoint.ask(api) == 403
    async with raw(sandbox, sandbox.issue_token(*endpoint.scopes)) as api:
        assert await endpoint.ask(api) in (200, 201, 204)


@proves(*SCOPE_STATEMENTS)
@each_endpoint
async def test_a_missing_scope_is_named_as_the_document_spells_it(sandbox: Sandbox, endpoint: Endpoint) -> None:
    async with raw(sandbox, sandbox.issue_token("none")) as http:
        with pytest.raises(errors.ForbiddenError) as refusal:
            await endpoint.verb(Salesloft(http))
    assert all(scope in refusal.value.next_step for scope in endpoint.scopes)


@proves("SCOPE-TRADITIONAL")
@pytest.mark.parametrize(
    ("path", "scope"),
    [("crm_lead/people", "person:view"), ("sdfc_account/accounts", "account:view"), ("crm/users", "user:view")],
)
async def test_each_kind_of_object_needs_its_own_traditional_scope(sandbox: Sandbox, path: str, scope: str) -> None:
    url = f"{IDS}/{path}?external_ids[1]=abc"
    async with raw(sandbox, sandbox.issue_token("external_id:read")) as api:
        assert (await api.get(url)).status_code == 403
    async with raw(sandbox, sandbox.issue_token("external_id:read", scope)) as api:
        assert (await api.get(url)).status_code == 200


@proves("SCOPE-TRADITIONAL")
async def test_the_traditional_scopes_alone_open_no_mapping(sandbox: Sandbox) -> None:
    async with raw(sandbox, sandbox.issue_token("person:view", "person:manage", "account:view")) as api:
        assert (await api.get(MAPPINGS)).status_code == 403


@proves("AUTH-ALWAYS")
@each_endpoint
async def test_no_endpoint_answers_without_a_token(sandbox: Sandbox, endpoint: Endpoint) -> None:
    async with raw(sandbox) as api:
        del api.headers["Authorization"]
        assert await endpoint.ask(api) == 401


@proves("AUTH-ALWAYS")
async def test_without_a_credential_nothing_is_sent_and_a_wrong_one_is_told_as_such(
    settings: Settings, sandbox: Sandbox
) -> None:
    async with open_app(settings) as app:
        with pytest.raises(errors.SignedOutError, match="no credential"):
            await app.salesloft.list_configurations()
    async with raw(sandbox, "expired") as http:
        with pytest.raises(errors.UnauthorizedError, match="does not accept this token"):
            await Salesloft(http).list_configurations()


@proves("AUTH-HEADER")
@each_endpoint
async def test_every_call_carries_the_header_of_the_document(endpoint: Endpoint) -> None:
    request = await sent(endpoint.verb)
    assert request.headers.get_list("Authorization") == ["Bearer a-token"]


@proves("AUTH-HEADER")
async def test_the_token_goes_to_no_other_origin() -> None:
    request = await sent(lambda api: api.list_configurations(), "https://elsewhere.test")
    assert "Authorization" not in request.headers


@proves("AUTH-HEADER", "SUPPORTED-CUSTOMERS")
async def test_a_tool_reaches_salesloft_with_the_api_key(sandbox: Sandbox, connect: Connect) -> None:
    async with connect() as client:
        await call(client, "list_external_id_configurations")
    assert [(request.raw_path, request.status) for request in sandbox.requests] == [(CONFIGURATIONS.encode(), 200)]


@proves("AUTH-OAUTH", "SUPPORTED-PARTNERS")
@each_endpoint
async def test_an_oauth_token_is_taken_wherever_an_api_key_is(sandbox: Sandbox, endpoint: Endpoint) -> None:
    async with raw(sandbox, sandbox.oauth_token) as http:
        await endpoint.verb(Salesloft(http))
    assert sandbox.requests[-1].status in (200, 201, 204)
