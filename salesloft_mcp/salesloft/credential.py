"""Whose token a request carries: a key that somebody else keeps fresh, or a sign-in that is renewed here.

A refresh revokes every older refresh token. So one process at a time renews a sign-in, whoever waited for it takes what
that one kept, and the new tokens are on disk before they are used.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from typing import Protocol

import anyio
from pydantic import SecretStr

from salesloft_mcp.errors import SalesloftMcpError, SignedOutError, StateError, UnreachableError
from salesloft_mcp.salesloft.call import Call, Lane, current
from salesloft_mcp.salesloft.oauth import Accounts, Application, RefusedGrantError
from salesloft_mcp.state.credentials import LOCK_SECONDS, Credentials, SignIn

EARLY_SECONDS = 120.0  # before its end a token is renewed; of one that lives shortly, a tenth of its life before
LOOK_SECONDS = 2.0  # between two looks whether somebody has signed in
GRACE_SECONDS = 1.5  # that a renewal under way has when the process is told to end

OpenAccounts = Callable[[str], AbstractAsyncContextManager[Accounts]]


class Credential(Protocol):
    """What a request to Salesloft is sent with."""

    renewable: bool

    async def token(self) -> SecretStr:
        """The token of the next request.

        Raises:
            SignedOutError: there is none.
        """

    async def renewed(self, refused: SecretStr) -> SecretStr | None:
        """A newer token than the one that Salesloft has refused; None where there is none, and the refusal stands.

        Raises:
            SignedOutError: there will be none until somebody signs in.
        """


class Key:
    """An API key, or an OAuth access token that somebody else keeps fresh."""

    renewable = False

    def __init__(self, token: SecretStr) -> None:
        self._token = token

    async def token(self) -> SecretStr:
        return self._token

    async def renewed(self, refused: SecretStr) -> SecretStr | None:
        return None


class SignedIn:
    """The sign-in that `credentials` keeps, if there is one: whatever process has changed it, the next request knows.

    `how` is what a person types to sign in. `client_id` is the application of the settings, and a sign-in with another
    one does not count. `on_login` holds what is called when it is another sign-in than before, maybe of another team.
    """

    renewable = True

    def __init__(
        self,
        credentials: Credentials,
        open_accounts: OpenAccounts,
        how: str,
        client_id: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.credentials = credentials
        self.how = how
        self.on_login: list[Callable[[], None]] = []
        self._open_accounts = open_accounts
        self._client_id = client_id
        self._clock = clock
        self._stamp: object = None
        self._known: SignIn | None = None
        self._unkept: tuple[str, SignIn] | None = None  # renewed from which token, and not on disk yet

    async def sign_in(self) -> SignIn | None:
        """The sign-in as it is kept now.

        Raises:
            StateError: it cannot be read.
        """
        stamp = self.credentials.stamp()
        if stamp != self._stamp or stamp is None:
            found = None if stamp is None else await self.credentials.read()
            before, self._known, self._stamp = self._known, found, stamp
            if (found and found.login) != (before and before.login):
                for forget in self.on_login:
                    forget()
        return self._known

    async def require(self) -> SignIn:
        """The same, where there has to be one. It may have ended. A call that began for one team ends for that one.

        Raises:
            SignedOutError: nobody has signed in, or with another application, or it cannot be read.
        """
        try:
            found = await self.sign_in()
        except StateError as error:
            raise SignedOutError(error.what, next_step=error.steps) from error
        if found is None:
            raise SignedOutError(
                "there is no credential for Salesloft. Nothing was sent.", next_step=_ways(self.how, current().lane)
            )
        if found.grant != "api_key" and self._client_id not in ("", found.client_id):
            what = "the sign-in is of another application than SALESLOFT_CLIENT_ID names. Nothing was sent."
            raise SignedOutError(what, next_step=f"run `{self.how}` in a terminal.")
        call = current()
        if _may_be_of_another_team(found, call):  # a person agreed to it, or a plan was made, for the other
            known = "for another team" if found.team and call.team else "anew, and maybe for another team,"
            what = f"somebody has signed in {known} while this was under way. Nothing more was sent."
            step = "look at the connection, then make the same call again; a run waits for somebody of its own team."
            raise SignedOutError(what, next_step=step, by_page=False)
        call.team, call.login = call.team or found.team, found.login
        return found

    async def logins(self) -> AsyncIterator[None]:
        """Comes round each time that somebody has signed in, in whatever process."""
        before = await self._login()
        while True:
            await anyio.sleep(LOOK_SECONDS)
            now = await self._login()
            if now and now != before:
                yield
            before = now

    async def _login(self) -> str:
        """Which sign-in it is; empty while there is none that works."""
        try:
            found = await self.sign_in()
        except StateError:
            return ""
        return found.login if found and not found.ended else ""

    async def token(self) -> SecretStr:
        found = await self.require()
        left = found.expires_at - self._clock()
        if not found.expires_at or left > min(EARLY_SECONDS, found.lifetime / 10):
            return found.access_token
        if not found.ended:
            try:
                found = await self._renewed(found)
            except UnreachableError:
                if left <= 0:
                    raise
        if found.ended and found.expires_at <= self._clock():
            raise self._over(found)
        return found.access_token

    async def renewed(self, refused: SecretStr) -> SecretStr | None:
        found = await self.require()
        if found.access_token != refused:  # somebody has renewed it, or signed in, meanwhile
            return found.access_token
        if found.grant == "api_key":  # nothing is written down: Salesloft may know it again
            raise self._over(replace(found, ended="Salesloft does not know the API key any more."))
        if not found.ended:
            found = await self._renewed(found)
        if found.ended:
            raise self._over(found)
        return None if found.access_token == refused else found.access_token

    async def _renewed(self, stale: SignIn) -> SignIn:
        """The sign-in after somebody has renewed it: this process, or the one that came first.

        Raises:
            UnreachableError: it cannot be renewed at this moment. The request that needs it was not sent.
        """
        try:
            async with self.credentials.locked(min(LOCK_SECONDS, max(0.0, current().patience()))):
                now = await self.credentials.recovered()
                if now is not None and now.access_token == stale.access_token:
                    return now if now.ended else await _to_its_end(lambda: self._renew(now))
            self._stamp = None  # whoever was killed between the keyring and the file has left the latter as it was
            return await self.require()  # somebody was quicker; it may be another sign-in by now, or none
        except StateError as error:
            raise UnreachableError(error.what, next_step=error.steps) from error

    async def _renew(self, now: SignIn) -> SignIn:
        """Renew it and keep what came, before anybody uses it. What could not be kept is kept by the next attempt."""
        old = now.access_token.get_secret_value()
        if self._unkept is None or self._unkept[0] != old:
            self._unkept = old, await self._newer(now)
        kept = await self.credentials.keep(self._unkept[1])
        self._unkept = None
        return kept

    async def _newer(self, now: SignIn) -> SignIn:
        request = {"grant_type": str(now.grant), **({"scope": now.asked} if now.asked else {})}
        if now.grant == "authorization_code":
            request = {"grant_type": "refresh_token", "refresh_token": now.refresh_token.get_secret_value()}
            if not now.refresh_token.get_secret_value():
                return replace(now, ended="Salesloft gave no refresh token.")
        try:
            async with self._open_accounts(now.accounts_url) as accounts:
                application = Application(now.client_id, now.client_secret)
                tokens = await accounts.tokens(application, request, hidden=(now.access_token,))
        except RefusedGrantError as error:
            return replace(now, ended=error.what)
        return replace(
            now,
            access_token=tokens.access,
            refresh_token=tokens.refresh if tokens.refresh.get_secret_value() else now.refresh_token,
            expires_at=self._clock() + tokens.lifetime if tokens.lifetime else 0.0,
            lifetime=tokens.lifetime,
            scope=tokens.scope or now.scope,
        )

    def _over(self, found: SignIn) -> SignedOutError:
        what = f"the sign-in to Salesloft has ended, and cannot be renewed: {found.ended}"
        return SignedOutError(what, next_step=f"run `{self.how}` in a terminal; what waits then goes on.")


def _may_be_of_another_team(found: SignIn, call: Call) -> bool:
    """Whether a call that is under way may not go on with a sign-in. Not every token may say which team it is of."""
    if found.team and call.team:
        return found.team != call.team
    return call.login not in ("", found.login)


def _ways(how: str, lane: Lane) -> str:
    """The sandbox is a way to begin, and none for a run, which belongs to a team."""
    key = f"(1) sign in: run `{how}` in a terminal; or (2) set SALESLOFT_API_KEY to an API key or an OAuth access token"
    return f"{key}." if lane == "bulk" else f"{key}; or (3) add --sandbox to try everything without an account."


async def _to_its_end(work: Callable[[], Awaitable[SignIn]]) -> SignIn:
    """Do `work` even when whoever waits for it is cancelled, within a short grace: between the answer to a refresh and
    the disk, the only good refresh token is in this process.
    """
    shield, ended = anyio.CancelScope(shield=True), anyio.Event()
    done: list[SignIn] = []
    failed: list[SalesloftMcpError] = []

    async def working() -> None:
        with shield:
            try:
                done.append(await work())
            except SalesloftMcpError as error:
                failed.append(error)
        ended.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(working)
        try:
            await ended.wait()
        except anyio.get_cancelled_exc_class():
            shield.deadline = anyio.current_time() + GRACE_SECONDS
            raise
    if failed:
        raise failed[0]
    return done[0]
