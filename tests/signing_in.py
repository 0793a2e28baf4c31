"""A person who signs in to a sandbox of this process, and the parts that keep and renew what comes of it."""

import secrets
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import anyio
import anyio.lowlevel
import httpx
import pytest
from pydantic import SecretStr

from salesloft_mcp.salesloft.credential import SignedIn
from salesloft_mcp.salesloft.inprocess import InProcess
from salesloft_mcp.salesloft.oauth import Application, Asking, Tokens, open_accounts, query_of
from salesloft_mcp.sandbox import Sandbox
from salesloft_mcp.sandbox.serve import serve
from salesloft_mcp.state.credentials import Credentials, SignIn
from tests.hosting.program import free_port

URL = "http://sandbox.localhost"
HOW = "salesloft-mcp login"


def application(sandbox: Sandbox) -> Application:
    """The OAuth application of a sandbox."""
    client = sandbox.authority.client
    return Application(client.id, SecretStr(client.secret))


async def agreed(sandbox: Sandbox, address: str, decision: str = "authorize") -> str:
    """Where a person is sent who presses a button on the page at `address`."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(sandbox)) as browser:
        answer = await browser.post(address, data={"decision": decision})
    assert answer.status_code == 302, answer.text
    return answer.headers["location"]


async def tokens_of(sandbox: Sandbox, scope: str = "") -> Tokens:
    """What the consent of a person gives."""
    asking = Asking(URL, application(sandbox), sandbox.authority.client.redirect_uri, scope)
    request = asking.came_back(query_of(await agreed(sandbox, asking.address)))
    async with open_accounts(URL, InProcess(sandbox), agent="tests") as accounts:
        return await accounts.tokens(application(sandbox), request)


async def sign_in(
    sandbox: Sandbox,
    credentials: Credentials,
    *,
    scope: str = "",
    team: str = "100013",
    clock: Callable[[], float] = time.time,
) -> SignIn:
    """Keep a sign-in as the command does."""
    tokens = await tokens_of(sandbox, scope)
    own = application(sandbox)
    found = SignIn(
        accounts_url=URL,
        client_id=own.id,
        client_secret=own.secret,
        grant="authorization_code",
        redirect_uri=sandbox.authority.client.redirect_uri,
        login=secrets.token_hex(8),
        access_token=tokens.access,
        refresh_token=tokens.refresh,
        expires_at=clock() + tokens.lifetime,
        lifetime=tokens.lifetime,
        scope=tokens.scope,
        team=team,
    )
    return await credentials.keep(found)


def over(
    sandbox: Sandbox, credentials: Credentials, clock: Callable[[], float] = time.time, client_id: str = ""
) -> SignedIn:
    """The sign-in that is kept, renewed at that sandbox."""
    opening = partial(open_accounts, wire=InProcess(sandbox), agent="tests")
    return SignedIn(credentials, opening, HOW, client_id, clock)


def token_requests(sandbox: Sandbox) -> int:
    """How often anybody has asked for tokens."""
    return sum(request.raw_path == b"/oauth/token" for request in sandbox.requests)


def everything_in_process(monkeypatch: pytest.MonkeyPatch, sandbox: Sandbox) -> None:
    """The live API, and its authorization server, are that sandbox."""

    def wire(url: str) -> InProcess:
        return InProcess(sandbox)

    for module in ("salesloft_mcp.app", "salesloft_mcp.sign_in"):
        monkeypatch.setattr(f"{module}.Network", wire)


@dataclass
class Clock:
    """Stands still until it is told to move."""

    now: float = field(default=1_750_000_020.25)

    def __call__(self) -> float:
        return self.now


class Ring:
    """A keyring in memory, which may refuse, keep less than it is given, or wait for its password."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], str] = {}
        self.works = True
        self.keeps = 100_000
        self.refusal: Exception | None = None
        self.unlocked = threading.Event()
        self.unlocked.set()

    def get_password(self, service: str, username: str) -> str | None:
        self._check()
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._check()
        self.held[service, username] = password[: self.keeps]

    def delete_password(self, service: str, username: str) -> None:
        self._check()
        self.held.pop((service, username), None)

    def _check(self) -> None:
        from keyring.errors import KeyringLocked

        self.unlocked.wait()
        if self.refusal:
            raise self.refusal
        if not self.works:
            raise KeyringLocked("locked")


@asynccontextmanager
async def served(sandbox: Sandbox) -> AsyncIterator[str]:
    """A sandbox over HTTP in this process; its address."""
    port = free_port()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(partial(serve, sandbox, port=port))
        while True:
            try:
                await (await anyio.connect_tcp("127.0.0.1", port)).aclose()
                break
            except OSError:
                await anyio.lowlevel.checkpoint()
        yield f"http://127.0.0.1:{port}"
        tasks.cancel_scope.cancel()


def kept_in(folder: Path) -> Credentials:
    """The sign-in of one state directory."""
    return Credentials(folder, URL)
