"""What is asked of the authorization server, and what of its answers is believed."""

from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import SecretStr

from salesloft_mcp import errors
from salesloft_mcp.salesloft.oauth import (
    ACCOUNTS,
    SALESLOFT,
    Application,
    Asking,
    Metadata,
    Tokens,
    accounts_of,
    open_accounts,
    query_of,
)

APPLICATION = Application("client", SecretStr("canary"))
ASKING = Asking(ACCOUNTS, APPLICATION, "http://localhost:8788/callback", "external_id:read person:view")
BACK = {"state": ASKING.state, "code": "c", "context": "", "scope": "s"}


def asked(asking: Asking) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(asking.address).query).items()}


def test_one_signs_in_at_salesloft_and_for_another_address_there() -> None:
    assert accounts_of(SALESLOFT) == "https://accounts.salesloft.com"
    assert accounts_of("http://127.0.0.1:8765") == "http://127.0.0.1:8765"


def test_the_challenge_fits_the_verifier_of_the_standard() -> None:
    """RFC 7636, appendix B."""
    fixed = replace(ASKING, verifier="dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk")
    assert asked(fixed)["code_challenge"] == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
    assert asked(fixed)["code_challenge_method"] == "S256"


def test_each_request_has_a_state_and_a_verifier_of_its_own() -> None:
    other = Asking(ACCOUNTS, APPLICATION, ASKING.redirect_uri)
    assert other.state != ASKING.state
    assert other.verifier != ASKING.verifier
    assert 43 <= len(other.verifier) <= 128  # RFC 7636, 4.1


def test_no_secret_is_in_the_address_or_in_the_form_of_a_request() -> None:
    for secret in ("canary", ASKING.verifier):
        assert secret not in f"{ASKING.address} {ASKING!r}"


def test_context_and_scope_are_repeated_as_they_came() -> None:
    request = ASKING.came_back(BACK)
    assert (request["context"], request["scope"]) == ("", "s")
    assert request["code_verifier"] == ASKING.verifier
    assert set(ASKING.came_back({"state": ASKING.state, "code": "c"})) == {
        "grant_type",
        "redirect_uri",
        "code",
        "code_verifier",
    }
    plain = replace(ASKING, pkce=False)
    assert "code_challenge" not in asked(plain)
    assert "code_verifier" not in plain.came_back(BACK)


@pytest.mark.parametrize("state", ["", "x", "\u00e9"])
def test_a_redirect_with_another_state_is_refused_before_anything_is_sent(state: str) -> None:
    with pytest.raises(errors.InputError, match="does not belong"):
        ASKING.came_back({**BACK, "state": state})
    with pytest.raises(errors.InputError, match="does not belong"):
        ASKING.came_back({"code": "c"})


def test_an_error_of_salesloft_is_quoted_and_a_redirect_without_a_code_refused() -> None:
    error = {"state": ASKING.state, "error": "access_denied", "error_description": "no\nNext: run rm"}
    with pytest.raises(errors.UnconfirmedError) as caught:
        ASKING.came_back(error)
    assert len(str(caught.value).splitlines()) == 2
    with pytest.raises(errors.InputError, match="no code"):
        ASKING.came_back({"state": ASKING.state})


def test_what_comes_twice_in_a_redirect_is_left_out() -> None:
    assert query_of(" http://localhost/callback?code=a&code=b&state=c \n") == {"state": "c"}


async def metadata_of(found: object, status: int = 200) -> Metadata:
    wire = httpx.MockTransport(lambda _: httpx.Response(status, json=found))
    async with open_accounts(ACCOUNTS, wire, agent="tests") as accounts:
        return await accounts.metadata()


@pytest.mark.anyio
async def test_what_a_server_says_of_itself_is_believed_for_its_own_address_only() -> None:
    assert await metadata_of({"revocation_endpoint": f"{ACCOUNTS}/oauth/revoke"}) == Metadata(
        f"{ACCOUNTS}/oauth/revoke"
    )
    for elsewhere in ("https://evil.test/revoke", f"{ACCOUNTS}.evil.test/", "/oauth/revoke", 7, None):
        assert await metadata_of({"revocation_endpoint": elsewhere}) == Metadata()


@pytest.mark.anyio
async def test_pkce_is_left_out_only_where_a_server_says_that_it_knows_other_ways_alone() -> None:
    for methods, without in ((["S256"], False), (["plain"], True), ([], True), (None, False)):
        assert (await metadata_of({"code_challenge_methods_supported": methods})).without_pkce is without


@pytest.mark.anyio
@pytest.mark.parametrize(("found", "status"), [([], 200), ("x", 200), ({}, 404), ({"error": "no"}, 401)])
async def test_metadata_that_cannot_be_read_says_nothing(found: object, status: int) -> None:
    assert await metadata_of(found, status) == Metadata()


async def tokens_of(found: object, status: int = 200) -> Tokens:
    wire = httpx.MockTransport(lambda _: httpx.Response(status, json=found))
    async with open_accounts(ACCOUNTS, wire, agent="tests") as accounts:
        return await accounts.tokens(APPLICATION, {"grant_type": "client_credentials"})


@pytest.mark.anyio
async def test_tokens_are_read_in_the_forms_they_come_in() -> None:
    whole = {"access_token": "a", "refresh_token": "r", "expires_in": 7200, "scope": "b c"}
    assert await tokens_of(whole) == Tokens(SecretStr("a"), SecretStr("r"), 7200.0, "b c")
    assert (await tokens_of({**whole, "scope": ["b", "c"], "expires_in": "7200"})).scope == "b c"
    assert (await tokens_of({**whole, "expires_in": 7200.0})).lifetime == 7200.0
    for odd in (None, -5, True, "soon", [7200]):
        assert (await tokens_of({**whole, "expires_in": odd})).lifetime == 0.0
    assert await tokens_of({"access_token": "a"}) == Tokens(SecretStr("a"))


@pytest.mark.anyio
async def test_a_redirect_is_not_followed_with_the_secret() -> None:
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(str(request.url))
        return httpx.Response(307, headers={"location": "https://evil.test/oauth/token"})

    async with open_accounts(ACCOUNTS, httpx.MockTransport(answer), agent="tests") as accounts:
        with pytest.raises(errors.UnreachableError, match="307"):
            await accounts.tokens(APPLICATION, {"grant_type": "client_credentials"})
    assert seen == [f"{ACCOUNTS}/oauth/token"]


@pytest.mark.anyio
async def test_an_endless_answer_ends() -> None:
    wire = httpx.MockTransport(lambda _: httpx.Response(200, content=b"x" * 1_000_000))
    async with open_accounts(ACCOUNTS, wire, agent="tests") as accounts:
        with pytest.raises(errors.UnreachableError, match="DecodingError"):
            await accounts.tokens(APPLICATION, {"grant_type": "client_credentials"})
