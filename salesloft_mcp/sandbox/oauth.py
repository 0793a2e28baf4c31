"""The authorization server: a person agrees on a page, a code becomes tokens, and tokens are renewed and revoked.

Source: "OAuth - Authorization Code" and "OAuth - Client Credentials",
https://developers.salesloft.com/docs/platform/api-basics/oauth-authentication/ and …/client-creds/. What they leave
open is as RFC 6749, 7009, 7636 and 8414 have it (assumed).
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from html import escape
from typing import Literal
from urllib.parse import parse_qsl, urlencode

from salesloft_mcp.sandbox.answers import Answer, ApiError, json_answer
from salesloft_mcp.sandbox.request import Call, decode_json
from salesloft_mcp.sandbox.scopes import Caller, known

AUTHORIZE, TOKEN, REVOKE = b"/oauth/authorize", b"/oauth/token", b"/oauth/revoke"
METADATA = b"/.well-known/oauth-authorization-server"
PATHS = frozenset({AUTHORIZE, TOKEN, REVOKE, METADATA})
CODE_SECONDS = 600.0
CONTEXT = "sandbox-context"  # what it is for, Salesloft does not say; a token request repeats it

Fields = Mapping[str, str]


@dataclass(frozen=True)
class Client:
    """An OAuth application of the team. One of an administrator's own may have tokens without a person."""

    id: str
    secret: str
    redirect_uri: str


@dataclass(frozen=True)
class _Grant:
    """What a person agreed to; `challenge` is the one of PKCE, empty where none was sent."""

    client: str
    scope: str
    redirect_uri: str = ""
    challenge: str = ""
    until: float = 0.0


@dataclass
class Authority:
    """The applications, codes and tokens of one sandbox. `callers` is who holds which access token.

    A refresh revokes every older refresh token of its application.
    """

    client: Client
    callers: dict[str, Caller]
    seconds: float
    clock: Callable[[], float]
    _codes: dict[str, _Grant] = field(default_factory=dict)
    _refresh: dict[str, _Grant] = field(default_factory=dict)

    def answer(self, call: Call) -> Answer:
        """What is answered to a call of one of `PATHS`."""
        try:
            match call.method, call.raw_path:
                case "GET", b"/.well-known/oauth-authorization-server":
                    return json_answer(200, self._metadata(call))
                case "GET", b"/oauth/authorize":
                    return self._page(_decoded(call.query))
                case "POST", b"/oauth/authorize":
                    return self._decided({**_decoded(call.query), **_decoded(call.body)})
                case "POST", b"/oauth/token":
                    return json_answer(200, self._tokens(_fields(call.body)), _PRIVATE)
                case "POST", b"/oauth/revoke":
                    return self._revoked(_fields(call.body))
        except ApiError as error:
            return error.answer
        return json_answer(405, {"error": "Method Not Allowed", "status": 405})

    def end_sign_ins(self) -> None:
        """As when an administrator takes the application's rights away: no token of it is good any more."""
        self._refresh.clear()
        for token in [token for token, caller in self.callers.items() if caller.client == self.client.id]:
            del self.callers[token]

    def _metadata(self, call: Call) -> dict[str, object]:
        """RFC 8414. The addresses are those by which the caller came."""
        origin = call.origin
        return {
            "issuer": origin,
            "authorization_endpoint": origin + AUTHORIZE.decode(),
            "token_endpoint": origin + TOKEN.decode(),
            "revocation_endpoint": origin + REVOKE.decode(),
            "response_types_supported": ["code"],
            "grant_types_supported": ["authorization_code", "refresh_token", "client_credentials"],
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": ["client_secret_post"],
            "scopes_supported": known(),
        }

    def _page(self, asked: Fields) -> Answer:
        """The page on which a person agrees. What is wrong with the application is told here, and sent nowhere."""
        if asked.get("client_id") != self.client.id or asked.get("redirect_uri") != self.client.redirect_uri:
            return _html(400, "<h1>Unknown application</h1><p>The client id or the redirect address is not known.</p>")
        if wrong := _wrong_request(asked):
            return self._back(asked, error=wrong[0], error_description=wrong[1])
        scopes = ", ".join(asked.get("scope", "").split()) or "everything that the user may do"
        return _html(
            200,
            "<h1>Sandbox: let an application in?</h1>"
            f"<p>{escape(self.client.id)} wants to use this sandbox for you: {escape(scopes)}.</p>"
            '<form method="post"><button name="decision" value="authorize">Authorize</button> '
            '<button name="decision" value="deny">Deny</button></form>',
        )

    def _decided(self, given: Fields) -> Answer:
        page = self._page(given)
        if page.status != 200:
            return page
        if given.get("decision") != "authorize":
            return self._back(given, error="access_denied", error_description="The person has denied it")
        code, scope = secrets.token_urlsafe(24), given.get("scope", "")
        until = self.clock() + CODE_SECONDS
        self._codes[code] = _Grant(self.client.id, scope, given["redirect_uri"], given.get("code_challenge", ""), until)
        return self._back(given, code=code, context=CONTEXT, scope=scope)

    def _back(self, asked: Fields, **told: str) -> Answer:
        state = {"state": asked["state"]} if "state" in asked else {}
        address = f"{self.client.redirect_uri}?{urlencode({**told, **state})}"
        return Answer(302, headers={"location": address, **_PRIVATE})

    def _tokens(self, given: Fields) -> dict[str, object]:
        self._check_client(given)
        match given.get("grant_type"):
            case "authorization_code":
                return self._issued(self._by_code(given))
            case "refresh_token":
                # Strictly once: what comes a second time ends nothing else, and is refused.
                grant = self._refresh.get(given.get("refresh_token", ""))
                if grant is None:
                    raise _refused("invalid_grant", "The refresh token is invalid, expired or revoked")
                return self._issued(grant)
            case "client_credentials":
                return self._issued(_Grant(self.client.id, given.get("scope", "")), renewable=False)
        raise _refused("unsupported_grant_type", "There is no such grant type")

    def _by_code(self, given: Fields) -> _Grant:
        grant = self._codes.pop(given.get("code", ""), None)  # a code counts once, also when it is used wrongly
        if grant is None or grant.until < self.clock() or given.get("redirect_uri") != grant.redirect_uri:
            raise _refused("invalid_grant", "The authorization code is invalid, expired or used")
        if given.get("context") != CONTEXT or given.get("scope", "") != grant.scope:
            raise _refused("invalid_request", "context and scope must be those of the redirect")
        if grant.challenge and not hmac.compare_digest(grant.challenge, _challenge(given.get("code_verifier", ""))):
            raise _refused("invalid_grant", "The code verifier does not fit the challenge")
        return grant

    def _issued(self, grant: _Grant, *, renewable: bool = True) -> dict[str, object]:
        access, refresh = (f"sandbox-{kind}-{secrets.token_urlsafe(32)}" for kind in ("access", "refresh"))
        scopes = frozenset(grant.scope.split()) or None
        self.callers[access] = Caller("oauth", scopes, self.clock() + self.seconds, grant.client)
        answer = {
            "access_token": access,
            "token_type": "bearer",
            "expires_in": int(self.seconds),
            "scope": grant.scope,
            "created_at": int(self.clock()),
        }
        if renewable:
            self._refresh = {refresh: grant}  # every older one is revoked
            answer["refresh_token"] = refresh
        return answer

    def _revoked(self, given: Fields) -> Answer:
        """RFC 7009: a token that is not known is revoked, too. A refresh token goes with its access tokens."""
        self._check_client(given)
        token = given.get("token", "")
        if token in self._refresh:
            self.end_sign_ins()
        if token in self.callers and self.callers[token].client == self.client.id:
            del self.callers[token]
        return json_answer(200, {})

    def _check_client(self, given: Fields) -> None:
        secret = given.get("client_secret", "").encode()
        if given.get("client_id") != self.client.id or not hmac.compare_digest(secret, self.client.secret.encode()):
            raise _refused("invalid_client", "The client id or its secret is wrong", 401)


_PRIVATE = {"cache-control": "no-store"}
_Wrong = tuple[Literal["unsupported_response_type", "invalid_request", "invalid_scope"], str]


def _wrong_request(asked: Fields) -> _Wrong | None:
    if asked.get("response_type") != "code":
        return "unsupported_response_type", "response_type must be code"
    if "code_challenge" in asked and asked.get("code_challenge_method") != "S256":
        return "invalid_request", "code_challenge_method must be S256"
    if unknown := set(asked.get("scope", "").split()) - set(known()):
        return "invalid_scope", f"There is no scope {sorted(unknown)[0]}"
    return None


def _challenge(verifier: str) -> str:
    digest = hashlib.sha256(verifier.encode("utf-8", "replace")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _refused(error: str, description: str, status: int = 400) -> ApiError:
    return ApiError(status, {"error": error, "error_description": description})


def _fields(body: bytes) -> dict[str, str]:
    """The members of a JSON object or the fields of a form. Source: the token endpoint takes both."""
    if not body.lstrip().startswith(b"{"):
        return _decoded(body)
    found = decode_json(body)
    assert isinstance(found, dict)
    return {str(name): value for name, value in found.items() if isinstance(value, str)}


def _decoded(form: bytes) -> dict[str, str]:
    return dict(parse_qsl(form.decode("ascii", "replace"), keep_blank_values=True))


def _html(status: int, body: str) -> Answer:
    page = f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Sandbox</title><body>{body}</body></html>'
    return Answer(status, page.encode(), "text/html; charset=utf-8", _PRIVATE)
