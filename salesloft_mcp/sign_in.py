"""Signing in: with what, how a person is asked on a page, and what is kept of it. For the command and the server."""

import secrets
import shlex
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, suppress
from dataclasses import dataclass

import anyio
import anyio.abc
from pydantic import SecretStr

from salesloft_mcp import __version__
from salesloft_mcp.browser.browser import Browser
from salesloft_mcp.browser.redirect import awaited_redirect, checked_redirect
from salesloft_mcp.errors import SalesloftMcpError, SignedOutError, StateError, UnauthorizedError, UnreachableError
from salesloft_mcp.program import program
from salesloft_mcp.salesloft.budget import Budget
from salesloft_mcp.salesloft.call import open_call
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.credential import Key, SignedIn
from salesloft_mcp.salesloft.http import open_http
from salesloft_mcp.salesloft.models import Team, User
from salesloft_mcp.salesloft.network import Network
from salesloft_mcp.salesloft.oauth import Accounts, Application, Asking, Metadata, Tokens, accounts_of, open_accounts
from salesloft_mcp.settings import Settings
from salesloft_mcp.state.credentials import Credentials, Grant, SignIn

AGENT = f"salesloft-mcp/{__version__}"
REDIRECT_URI = "http://localhost:8788/callback"  # unless the application has another one
WAIT_SECONDS = 600.0  # for a person to agree in the browser
AGAIN_SECONDS = 60.0  # a page is not opened again sooner: the person sees it already
WHO_SECONDS = 20.0  # for the question whose token it is, which is of no use without the sign-in that waits for it
_PAGE = "sign-in"  # what the browser is opened about


@dataclass(frozen=True, slots=True)
class Way:
    """With what somebody signs in, and where it is kept."""

    accounts_url: str
    application: Application
    redirect_uri: str
    in_keyring: bool = True
    scope: str = ""  # asked for; empty for that of the application


@dataclass(frozen=True, slots=True)
class Done:
    """A sign-in that is kept. `problem` says why nobody knows who it is."""

    sign_in: SignIn
    me: User | None
    team: Team | None
    problem: str


def sign_in_of(settings: Settings) -> SignedIn:
    """The sign-in that is kept for these settings, whether there is one or not."""
    credentials = Credentials(settings.state_dir, settings.base_url)
    return SignedIn(credentials, accounts_at, login_command(settings), settings.client_id or "")


def accounts_at(url: str) -> AbstractAsyncContextManager[Accounts]:
    """The authorization server at an address, over the network."""
    return open_accounts(url, Network(url), agent=AGENT)


def login_command(settings: Settings) -> str:
    """What a person types to sign in, in a terminal that knows none of these settings."""
    fields, words = type(settings).model_fields, [program(), "login"]
    if settings.base_url != fields["base_url"].default:
        words += ["--base-url", settings.base_url]
    if settings.state_dir != fields["state_dir"].get_default(call_default_factory=True):
        words += ["--state-dir", str(settings.state_dir)]
    return shlex.join(words)


async def asking_for(way: Way) -> Asking:
    """The request for a person's consent, as its server takes it."""
    metadata = Metadata()
    async with accounts_at(way.accounts_url) as accounts:
        with suppress(UnreachableError):
            metadata = await accounts.metadata()
    return Asking(way.accounts_url, way.application, way.redirect_uri, way.scope, pkce=not metadata.without_pkce)


async def tokens_for(way: Way, request: Mapping[str, str]) -> Tokens:
    """What the authorization server gives for a request. Raises what `Accounts.tokens` raises."""
    async with accounts_at(way.accounts_url) as accounts:
        return await accounts.tokens(way.application, request)


async def keep(settings: Settings, way: Way, grant: Grant, tokens: Tokens) -> Done:
    """Keep the tokens, with the team that they are for: a run of another team goes no further with them.

    Raises:
        StateError: they cannot be kept.
        UnauthorizedError: it is an API key that Salesloft does not know. What was kept before stays.
    """
    me, team, problem = await _who(settings, tokens.access)
    if grant == "api_key" and isinstance(problem, UnauthorizedError):
        raise UnauthorizedError("Salesloft does not know this API key. It is not kept.", next_step="copy it again.")
    found = SignIn(
        accounts_url=way.accounts_url,
        client_id=way.application.id,
        client_secret=way.application.secret,
        grant=grant,
        redirect_uri=way.redirect_uri,
        login=secrets.token_hex(8),
        access_token=tokens.access,
        refresh_token=tokens.refresh,
        expires_at=time.time() + tokens.lifetime if tokens.lifetime else 0.0,
        lifetime=tokens.lifetime,
        scope=tokens.scope,
        team=str(team.id) if team else "",
        asked=way.scope,
        kept="keyring" if way.in_keyring else "file",  # where there is a keyring
    )
    credentials = Credentials(settings.state_dir, settings.base_url)
    async with credentials.locked():
        return Done(await credentials.keep(found), me, team, str(problem or ""))


async def _who(settings: Settings, token: SecretStr) -> tuple[User | None, Team | None, SalesloftMcpError | None]:
    """Whose token it is, as far as it may say so."""
    wire = Network(settings.base_url)
    budget, me = Budget(settings.rate_limit), None
    async with open_http(settings.base_url, Key(token), wire, budget, agent=AGENT) as http:
        try:
            with open_call(WHO_SECONDS):
                me = await Salesloft(http).me()
                return me, await Salesloft(http).team(), None
        except SalesloftMcpError as error:
            return me, None, error


class SignInPage:
    """Opens Salesloft's own page in the person's browser, and takes the redirect."""

    def __init__(self, settings: Settings, signed_in: SignedIn, browser: Browser, tasks: anyio.abc.TaskGroup) -> None:
        self._settings = settings
        self._signed_in = signed_in
        self._browser = browser
        self._tasks = tasks
        self._opened_at = -AGAIN_SECONDS
        self._turn = anyio.Lock()
        self._asking: Asking | None = None  # the one whose redirect is waited for

    async def told(self, error: SignedOutError) -> SignedOutError:
        """The error, with the page as the way on where one can be opened. Opens it, unless that was a moment ago."""
        if not error.by_page or not await self._open():
            return error
        step = (
            "a person signs in on the page that has opened in the browser; then make the same call again. Otherwise: "
        )
        return SignedOutError(error.what, next_step=(step, *error.steps))

    async def _open(self) -> bool:
        """Whether a page stands open whose redirect is waited for."""
        if self._browser.desktop is None or self._browser.failed(_PAGE) or (way := await self._way()) is None:
            return False
        async with self._turn:
            is_recent = anyio.current_time() < self._opened_at + AGAIN_SECONDS
            if self._asking is not None:
                return is_recent or await self._show(self._asking)
            # The page of a sign-in that has just ended leads nowhere, and another one is not opened so soon.
            return not is_recent and bool(await self._tasks.start(self._hold, way))

    async def _way(self) -> Way | None:
        """The application with which somebody signed in before, or that of the settings; None without its secret, and
        for one that no person signs in with.
        """
        try:
            before = await self._signed_in.sign_in()
        except StateError:
            before = None
        given = self._settings
        if before and given.client_id in (None, before.client_id):
            if before.grant != "authorization_code":
                return None
            application = Application(
                before.client_id, given.client_secret or before.client_secret
            )  # it may be a new one
            return Way(before.accounts_url, application, before.redirect_uri, before.kept == "keyring", before.asked)
        if given.client_id and given.client_secret:
            application = Application(given.client_id, given.client_secret)
            return Way(accounts_of(given.base_url), application, REDIRECT_URI)
        return None

    async def _show(self, asking: Asking) -> bool:
        self._opened_at = anyio.current_time()
        return await self._browser.lead(_PAGE, asking.address)

    async def _hold(self, way: Way, *, task_status: anyio.abc.TaskStatus[bool] = anyio.TASK_STATUS_IGNORED) -> None:
        """Wait for the redirect, and keep what it brings. Says whether the page was opened."""

        async def make(query: dict[str, str]) -> Done:
            tokens = await tokens_for(way, asking.came_back(query))
            return await keep(self._settings, way, "authorization_code", tokens)

        is_open = False
        with suppress(SalesloftMcpError):  # the port is taken; what goes wrong later stands on the page
            redirect, asking = checked_redirect(way.redirect_uri, here=True), await asking_for(way)
            async with awaited_redirect(redirect, make) as coming:
                if is_open := await self._show(asking):
                    self._asking = asking
                    task_status.started(True)
                    with anyio.move_on_after(WAIT_SECONDS):
                        await coming.result()
        self._asking = None
        if not is_open:
            task_status.started(False)


@asynccontextmanager
async def open_sign_in_page(
    settings: Settings, signed_in: SignedIn | None, browser: Browser
) -> AsyncIterator[SignInPage | None]:
    """A page that ends with this context; None where nobody has to sign in."""
    try:
        async with anyio.create_task_group() as tasks:
            yield SignInPage(settings, signed_in, browser, tasks) if signed_in else None
            tasks.cancel_scope.cancel()
    except ExceptionGroup as group:
        # What a caller raised inside is to reach whoever opened this, as if nothing had been there.
        raise group.exceptions[0] from group
