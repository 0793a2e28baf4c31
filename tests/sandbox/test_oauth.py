"""The authorization server of the sandbox: consent, codes, tokens that end, rotation, revocation, and its errors."""

import base64
import hashlib
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from salesloft_mcp.sandbox import Fault, Sandbox
from salesloft_mcp.sandbox.sandbox import CLIENT_ID, CLIENT_SECRET, REDIRECT_URI

from .conftest import Client, Clock, Connect

pytestmark = pytest.mark.anyio

VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"  # RFC 7636, appendix B, with its challenge
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
APPLICATION = {"client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
ASKED = {"client_id": CLIENT_ID, "redirect_uri": REDIRECT_URI, "response_type": "code", "state": "s t"}
CHALLENGED = {**ASKED, "code_challenge": CHALLENGE, "code_challenge_method": "S256"}
PEOPLE = "/v2/people"


@pytest.fixture
def web(sandbox: Sandbox, connect: Connect) -> Client:
    """A browser, or a program, without a token."""
    http = connect(sandbox)
    del http.headers["Authorization"]
    return http


async def sent_back(web: Client, decision: str = "authorize", **asked: str) -> dict[str, str]:
    """What the redirect carries after a person has pressed a button."""
    answer = await web.post("/oauth/authorize", params={**CHALLENGED, **asked}, data={"decision": decision})
    assert answer.status_code == 302
    address = urlsplit(answer.headers["location"])
    assert f"{address.scheme}://{address.netloc}{address.path}" == REDIRECT_URI
    return {name: values[0] for name, values in parse_qs(address.query, keep_blank_values=True).items()}


async def exchanged(web: Client, back: dict[str, str], **changed: str) -> httpx.Response:
    """The answer to a token request for what came back."""
    own = {name: back[name] for name in ("code", "context", "scope")}
    grant = {"grant_type": "authorization_code", "redirect_uri": REDIRECT_URI, "code_verifier": VERIFIER}
    return await web.post("/oauth/token", json={**APPLICATION, **grant, **own, **changed})


async def signed_in(web: Client, **asked: str) -> dict[str, Any]:
    found: dict[str, Any] = (await exchanged(web, await sent_back(web, **asked))).json()
    return found


async def renewed(web: Client, token: str) -> httpx.Response:
    return await web.post("/oauth/token", json={**APPLICATION, "grant_type": "refresh_token", "refresh_token": token})


async def status_with(web: Client, token: str, path: str = PEOPLE) -> int:
    return (await web.get(path, headers={"Authorization": f"Bearer {token}"})).status_code


def test_the_challenge_is_the_one_of_the_standard() -> None:
    digest = hashlib.sha256(VERIFIER.encode()).digest()
    assert base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == CHALLENGE


async def test_a_person_agrees_on_a_page_and_the_code_becomes_tokens(web: Client) -> None:
    page = await web.get("/oauth/authorize", params=CHALLENGED)
    assert page.status_code == 200
    assert "Authorize" in page.text
    back = await sent_back(web)
    assert back["state"] == "s t"
    answer = await exchanged(web, back)
    tokens = answer.json()
    assert (tokens["token_type"], tokens["expires_in"]) == ("bearer", 7200)
    assert answer.headers["cache-control"] == "no-store"
    assert await status_with(web, tokens["access_token"]) == 200


async def test_the_page_shows_what_was_sent_as_text(web: Client) -> None:
    asked = {**ASKED, "client_id": "<script>"}
    assert "<script>" not in (await web.get("/oauth/authorize", params=asked)).text


@pytest.mark.parametrize("changed", [{"client_id": "another"}, {"redirect_uri": "https://elsewhere.test/"}])
async def test_an_unknown_application_or_redirect_is_told_on_the_page_and_sent_nowhere(
    web: Client, changed: dict[str, str]
) -> None:
    for answer in (
        await web.get("/oauth/authorize", params={**ASKED, **changed}),
        await web.post("/oauth/authorize", params={**ASKED, **changed}, data={"decision": "authorize"}),
    ):
        assert answer.status_code == 400
        assert "location" not in answer.headers


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": "external_id:read everything"}, "invalid_scope"),
    ],
)
async def test_a_request_that_cannot_be_is_sent_back_with_its_error(
    web: Client, changed: dict[str, str], error: str
) -> None:
    back = await sent_back(web, **changed)
    assert (back["error"], back["state"]) == (error, "s t")
    assert "code" not in back


async def test_a_person_may_deny_it(web: Client) -> None:
    back = await sent_back(web, decision="deny")
    assert (back["error"], "code" in back) == ("access_denied", False)


@pytest.mark.parametrize(
    ("changed", "status", "error"),
    [
        ({"code_verifier": "wrong"}, 400, "invalid_grant"),
        ({"code_verifier": ""}, 400, "invalid_grant"),
        ({"redirect_uri": "http://localhost:1/callback"}, 400, "invalid_grant"),
        ({"code": "guessed"}, 400, "invalid_grant"),
        ({"context": "another"}, 400, "invalid_request"),
        ({"scope": "external_id:read"}, 400, "invalid_request"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
        ({"client_secret": "wrong"}, 401, "invalid_client"),
        ({"client_id": "another"}, 401, "invalid_client"),
    ],
)
async def test_a_token_request_that_does_not_fit_is_refused(
    web: Client, changed: dict[str, str], status: int, error: str
) -> None:
    answer = await exchanged(web, await sent_back(web), **changed)
    assert (answer.status_code, answer.json()["error"]) == (status, error)
    assert answer.json()["error_description"]


async def test_a_code_counts_once_and_for_ten_minutes(web: Client, clock: Clock) -> None:
    back = await sent_back(web)
    assert (await exchanged(web, back)).status_code == 200
    assert (await exchanged(web, back)).status_code == 400
    late = await sent_back(web)
    clock.now += 601
    assert (await exchanged(web, late)).status_code == 400


async def test_a_wrong_verifier_spends_the_code(web: Client) -> None:
    back = await sent_back(web)
    assert (await exchanged(web, back, code_verifier="wrong")).status_code == 400
    assert (await exchanged(web, back)).status_code == 400


async def test_without_a_challenge_no_verifier_is_needed(web: Client) -> None:
    back = await sent_back(web, code_challenge="", code_challenge_method="S256")
    assert (await exchanged(web, back, code_verifier="")).status_code == 200


async def test_a_refresh_revokes_every_older_refresh_token(web: Client) -> None:
    first = (await signed_in(web))["refresh_token"]
    second = (await renewed(web, first)).json()["refresh_token"]
    answer = await renewed(web, first)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    assert (await renewed(web, second)).status_code == 200


async def test_an_access_token_ends_and_is_then_as_good_as_none(web: Client, clock: Clock) -> None:
    tokens = await signed_in(web)
    clock.now += 7199
    assert await status_with(web, tokens["access_token"]) == 200
    clock.now += 1
    assert await status_with(web, tokens["access_token"]) == 401
    newer = (await renewed(web, tokens["refresh_token"])).json()
    assert await status_with(web, newer["access_token"]) == 200


async def test_tokens_live_as_shortly_as_one_likes(connect: Connect, clock: Clock) -> None:
    with Sandbox(clock=clock, token_seconds=5) as sandbox:
        async with connect(sandbox) as http:
            assert (await signed_in(http))["expires_in"] == 5


async def test_a_token_may_do_what_a_person_agreed_to_and_its_renewals_too(web: Client) -> None:
    tokens = await signed_in(web, scope="external_id:read person:view")
    assert tokens["scope"] == "external_id:read person:view"
    for token in (tokens["access_token"], (await renewed(web, tokens["refresh_token"])).json()["access_token"]):
        assert await status_with(web, token) == 200
        assert await status_with(web, token, "/v2/accounts") == 403


async def test_a_private_application_has_tokens_without_a_person_and_without_a_refresh_token(web: Client) -> None:
    answer = await web.post("/oauth/token", json={**APPLICATION, "grant_type": "client_credentials"})
    assert "refresh_token" not in answer.json()
    assert await status_with(web, answer.json()["access_token"]) == 200


async def test_the_token_endpoint_takes_a_form_too(web: Client) -> None:
    answer = await web.post("/oauth/token", data={**APPLICATION, "grant_type": "client_credentials"})
    assert answer.status_code == 200


@pytest.mark.parametrize("which", ["refresh_token", "access_token"])
async def test_a_revoked_token_is_good_for_nothing(web: Client, which: str) -> None:
    tokens = await signed_in(web)
    revoked = await web.post("/oauth/revoke", json={**APPLICATION, "token": tokens[which]})
    assert revoked.status_code == 200
    assert await status_with(web, tokens["access_token"]) == 401
    assert (await renewed(web, tokens["refresh_token"])).status_code == (400 if which == "refresh_token" else 200)


async def test_a_stranger_revokes_nothing_and_an_unknown_token_is_revoked_already(web: Client) -> None:
    tokens = await signed_in(web)
    stranger = await web.post(
        "/oauth/revoke", json={**APPLICATION, "client_secret": "x", "token": tokens["refresh_token"]}
    )
    assert stranger.status_code == 401
    assert (await web.post("/oauth/revoke", json={**APPLICATION, "token": "unknown"})).status_code == 200
    assert await status_with(web, tokens["access_token"]) == 200


async def test_the_key_of_the_sandbox_is_not_revoked_by_an_application(web: Client, sandbox: Sandbox) -> None:
    await web.post("/oauth/revoke", json={**APPLICATION, "token": sandbox.api_key})
    assert await status_with(web, sandbox.api_key) == 200


async def test_it_says_where_its_endpoints_are(web: Client) -> None:
    found = (await web.get("/.well-known/oauth-authorization-server")).json()
    assert found["token_endpoint"] == "http://sandbox/oauth/token"
    assert found["code_challenge_methods_supported"] == ["S256"]


async def test_no_call_of_it_costs_points_and_faults_happen_to_it_too(web: Client, sandbox: Sandbox) -> None:
    sandbox.faults.add(Fault("status", path="/oauth/token", status=503))
    back = await sent_back(web)
    assert (await exchanged(web, back)).status_code == 503
    assert (await exchanged(web, back)).status_code == 200
    assert {request.cost for request in sandbox.requests} == {0}


@pytest.mark.parametrize("body", [b"{", b'{"grant_type": 1}', b"\xff"])
async def test_a_body_that_cannot_be_read_is_refused(web: Client, body: bytes) -> None:
    assert (await web.post("/oauth/token", content=body)).status_code in (400, 401)


async def test_another_method_is_refused(web: Client) -> None:
    assert (await web.get("/oauth/token")).status_code == 405
