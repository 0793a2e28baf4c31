"""Salesloft's authorization server: where a person agrees, and how a code or a refresh token becomes tokens.

Source: https://developers.salesloft.com/docs/platform/api-basics/oauth-authentication/ and …/client-creds/.
"""

import base64
import hashlib
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

import anyio
import httpx
from pydantic import SecretStr

from salesloft_mcp import errors
from salesloft_mcp.salesloft.causes import NoConnectionError
from salesloft_mcp.salesloft.pages import is_page, way_past
from salesloft_mcp.salesloft.received import complaints, described, read_json, without
from salesloft_mcp.text import quoted

SALESLOFT, ACCOUNTS = "https://api.salesloft.com", "https://accounts.salesloft.com"
ANSWER_SECONDS = 10.0  # for an answer of the authorization server, with every try
MOST_BYTES = 65_536
TRIES = 3  # of a request that was not answered; a token request that was lost may be repeated
PAUSE_SECONDS = 0.5
METADATA = "/.well-known/oauth-authorization-server"  # RFC 8414; Salesloft documents none
NO_TOKEN = SecretStr("")


def accounts_of(base_url: str) -> str:
    """Where one signs in for an address of the API: Salesloft's own, or the same address for any other server."""
    return ACCOUNTS if base_url == SALESLOFT else base_url


class RefusedGrantError(errors.SalesloftMcpError):
    """The code, the refresh token or the application's secret is not accepted; to try again is of no use."""


@dataclass(frozen=True, slots=True)
class Application:
    """An OAuth application as Salesloft knows it."""

    id: str
    secret: SecretStr

    def fields(self) -> dict[str, str]:
        """As a token request names it. An application without a secret leaves it out."""
        secret = self.secret.get_secret_value()
        return {"client_id": self.id, **({"client_secret": secret} if secret else {})}


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a token request gave. `lifetime` is in seconds, 0 where it is not told."""

    access: SecretStr
    refresh: SecretStr = NO_TOKEN
    lifetime: float = 0.0
    scope: str = ""


@dataclass(frozen=True, slots=True)
class Metadata:
    """What an authorization server says of itself (RFC 8414). Salesloft documents no such page."""

    revocation: str = ""  # the address at which tokens are revoked; empty where there is none
    without_pkce: bool = False  # it lists what it knows of PKCE, and S256 is not among that


@dataclass(frozen=True, slots=True)
class Asking:
    """One request for a person's consent: where it is asked for, and what has to come back with the answer.

    The challenge of PKCE (RFC 7636) is sent unless the server says that it knows no S256: one that knows nothing of
    PKCE ignores it (RFC 6749, 3.1).
    """

    accounts_url: str
    application: Application
    redirect_uri: str
    scope: str = ""
    pkce: bool = True
    state: str = field(default_factory=lambda: secrets.token_urlsafe(24))
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48), repr=False)

    @property
    def address(self) -> str:
        """Where the person agrees."""
        asked = {"client_id": self.application.id, "redirect_uri": self.redirect_uri, "response_type": "code"}
        asked |= {"state": self.state} | ({"scope": self.scope} if self.scope else {})
        if self.pkce:
            digest = hashlib.sha256(self.verifier.encode()).digest()
            challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            asked |= {"code_challenge": challenge, "code_challenge_method": "S256"}
        return f"{self.accounts_url}/oauth/authorize?{urlencode(asked)}"

    def came_back(self, query: Mapping[str, str]) -> dict[str, str]:
        """The token request that the redirect allows. "Upon approval, your redirect_uri is redirected to with the
        follow query parameters: [code, context, scope]", which the request repeats.

        Raises:
            InputError: the redirect does not belong to this request.
            UnconfirmedError: the person did not agree.
        """
        if not secrets.compare_digest(query.get("state", "").encode(), self.state.encode()):
            what = "it does not belong to this sign-in. Nothing was kept."
            raise errors.InputError("redirect", what, next_step="use the page of this sign-in, or begin anew.")
        if error := query.get("error"):
            words = quoted(": ".join(filter(None, (error, query.get("error_description")))))
            what = f"Salesloft did not let the application in: {words}. Nothing was kept."
            raise errors.UnconfirmedError(what, next_step="begin anew, and agree on Salesloft's page.")
        if not query.get("code"):
            raise errors.InputError("redirect", "has no code.", next_step="begin anew.")
        request = {"grant_type": "authorization_code", "redirect_uri": self.redirect_uri, "code": query["code"]}
        request |= {name: query[name] for name in ("context", "scope") if name in query}
        return request | ({"code_verifier": self.verifier} if self.pkce else {})


def query_of(redirect: str) -> dict[str, str]:
    """The query of an address that somebody pasted. What came twice may mean two things, and is left out."""
    pairs = parse_qsl(urlsplit(redirect.strip()).query, keep_blank_values=True)
    names = [name for name, _ in pairs]
    return {name: value for name, value in pairs if names.count(name) == 1}


class Accounts:
    """The authorization server at one address. Redirects are never followed, and nothing goes to another address."""

    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        self.url = url
        self._http = http

    async def metadata(self) -> Metadata:
        """What it says of itself; nothing where it says nothing that can be read.

        Raises:
            UnreachableError: it does not answer at all.
        """
        status, content = await self._sent("GET", METADATA)
        found = read_json(content) if status == 200 else None
        if not isinstance(found, dict):
            return Metadata()
        revocation, methods = found.get("revocation_endpoint"), found.get("code_challenge_methods_supported")
        own = isinstance(revocation, str) and revocation.startswith(f"{self.url}/")
        return Metadata(str(revocation) if own else "", isinstance(methods, list) and "S256" not in methods)

    async def tokens(
        self, application: Application, request: Mapping[str, str], hidden: tuple[SecretStr, ...] = ()
    ) -> Tokens:
        """Ask for tokens. What is refused is told apart from what only did not work at this moment.

        Nothing that was sent, nor what is `hidden`, is repeated from the words of an answer.

        Raises:
            RefusedGrantError: the authorization server refuses it for good.
            UnreachableError: it was not answered, or in a way that says nothing of the request.
        """
        status, content = await self._sent("POST", "/oauth/token", {**application.fields(), **request})
        step = way_past(status, content, "") if is_page(content) else "try again in a minute."
        if 200 <= status < 300:
            if read := _tokens(read_json(content)):
                return read
            what = f"{self.url} answered the request for a token {status} without one that can be used."
            raise errors.UnreachableError(what, next_step=step)
        secrets = [request[name] for name in _SECRETS if name in request]
        values = [one.get_secret_value() for one in (application.secret, *hidden)]
        content = without(content, *secrets, *values)
        if status in (400, 401) and (said := complaints(read_json(content))):
            words = quoted(": ".join(text for texts in said.values() for text in texts))
            step = "check the client id, its secret and the redirect address; then begin anew."
            raise RefusedGrantError(f"{self.url} refused it ({status}): {words}.", next_step=step)
        what = f"{self.url} answered the request for a token {status} with {described(content)}."
        raise errors.UnreachableError(what, next_step=step)

    async def revoke(self, address: str, application: Application, token: SecretStr) -> bool:
        """Revoke a token at an address that the server named (RFC 7009). Whether it says that it did."""
        body = {**application.fields(), "token": token.get_secret_value()}
        try:
            status, _ = await self._sent("POST", address.removeprefix(self.url), body)
        except errors.UnreachableError:
            return False
        return status == 200

    async def _sent(self, method: str, path: str, body: Mapping[str, str] | None = None) -> tuple[int, bytes]:
        """The status and the bytes of an answer.

        Raises:
            UnreachableError: none came.
        """
        try:
            with anyio.fail_after(ANSWER_SECONDS):
                for number in range(1, TRIES + 1):
                    try:
                        return await self._once(method, path, body)
                    except (httpx.NetworkError, httpx.ProtocolError) as error:
                        if number == TRIES or (isinstance(error, NoConnectionError) and not error.passing):
                            raise
                    await anyio.sleep(PAUSE_SECONDS)
                raise AssertionError("the last try returns or raises")
        except NoConnectionError as error:
            what = f"{self.url} did not answer: {error.cause}."
            raise errors.UnreachableError(what, next_step=error.step) from None
        except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
            what = f"{self.url} did not answer ({type(error).__name__})."
            raise errors.UnreachableError(what, next_step="check the network, then try again.") from None

    async def _once(self, method: str, path: str, body: Mapping[str, str] | None) -> tuple[int, bytes]:
        content = bytearray()
        async with self._http.stream(method, self.url + path, json=body) as response:
            async for chunk in response.aiter_bytes():
                content += chunk
                if len(content) > MOST_BYTES:
                    raise httpx.DecodingError("larger than any answer of it can be")
        return response.status_code, bytes(content)


@asynccontextmanager
async def open_accounts(url: str, wire: httpx.AsyncBaseTransport, *, agent: str) -> AsyncIterator[Accounts]:
    """The authorization server at `url`, over `wire`, which is closed with it."""
    headers = {"User-Agent": agent, "Accept": "application/json"}
    timeout = httpx.Timeout(ANSWER_SECONDS, connect=5.0)
    async with httpx.AsyncClient(transport=wire, timeout=timeout, follow_redirects=False, headers=headers) as http:
        yield Accounts(url, http)


_SECRETS = ("code", "refresh_token", "code_verifier")  # of a token request


def _tokens(found: object) -> Tokens | None:
    """What an answer holds; None where it holds no token that could be sent."""
    if not isinstance(found, dict):
        return None
    access, refresh, scope = found.get("access_token"), found.get("refresh_token"), found.get("scope")
    if not isinstance(access, str) or not access or not all(33 <= ord(char) <= 126 for char in access):
        return None
    return Tokens(
        SecretStr(access),
        SecretStr(refresh) if isinstance(refresh, str) else NO_TOKEN,
        _lifetime(found.get("expires_in")),
        " ".join(map(str, scope)) if isinstance(scope, list) else scope if isinstance(scope, str) else "",
    )


def _lifetime(seconds: object) -> float:
    if isinstance(seconds, str) and seconds.isdecimal():
        return float(seconds)
    return max(0.0, float(seconds)) if isinstance(seconds, int | float) and not isinstance(seconds, bool) else 0.0
