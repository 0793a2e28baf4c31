"""The redirect of OAuth to this machine (RFC 8252): a little server waits for it at exactly the registered address.

Some authorization servers take plain http for the name localhost alone, as
https://doorkeeper.gitbook.io/guides/ruby-on-rails/configuration has it. So that name is taken, too; it is served on
both addresses that it stands for.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar
from urllib.parse import urlsplit

import anyio

from salesloft_mcp.browser.loopback import HOST, Reply, Request, open_loopback, refusal
from salesloft_mcp.browser.pages import Page, rendered
from salesloft_mcp.errors import InputError, SalesloftMcpError

NAMES = (HOST, "localhost")
_DONE = ("You can close this window.", "The program that has asked for it goes on by itself.")
DoneT = TypeVar("DoneT")


@dataclass(frozen=True, slots=True)
class Redirect:
    """An address as it is registered: on this machine its name, port and path, elsewhere only the address."""

    address: str
    name: str = HOST
    port: int = 0
    path: str = ""


def checked_redirect(address: str, *, here: bool) -> Redirect:
    """An address to which a person is sent back; `here` wants one that this machine can serve.

    Raises:
        InputError: it is none.
    """
    try:
        parts = urlsplit(address)
        port = parts.port or 0
    except ValueError:
        parts, port = urlsplit(""), 0
    path = parts.path.removeprefix("/")
    if not here and parts.scheme in ("http", "https") and parts.hostname:
        return Redirect(address)
    plain = parts.username is None and not parts.query and not parts.fragment and path and "/" not in path
    if parts.scheme != "http" or parts.hostname not in NAMES or not port or not plain:
        what = "must be an address of this machine such as http://localhost:8788/callback, as the application has it."
        step = "give the Redirect URI of the OAuth application; with --no-browser it may be elsewhere."
        raise InputError("--redirect-uri", what, next_step=step)
    return Redirect(address, str(parts.hostname), port, path)


@dataclass
class Coming(Generic[DoneT]):
    """What the redirect will bring: `make` is given its query, once."""

    make: Callable[[dict[str, str]], Awaitable[DoneT]]
    _done: list[DoneT] = field(default_factory=list)
    _failed: list[SalesloftMcpError] = field(default_factory=list)
    _came: anyio.Event = field(default_factory=anyio.Event)
    _turn: anyio.Lock = field(default_factory=anyio.Lock)

    async def result(self) -> DoneT:
        """What was made of it, as soon as it has come.

        Raises:
            SalesloftMcpError: what went wrong with it.
        """
        await self._came.wait()
        if self._failed:
            raise self._failed[0]
        return self._done[0]

    async def answer(self, request: Request) -> Reply:
        """Take the redirect from the browser, and tell the person how it ended."""
        async with self._turn:
            if request.method != "GET" or request.rest or self._came.is_set():
                return refusal(404, "This page is closed", *_DONE)
            try:
                self._done.append(await self.make(dict(request.query)))
            except InputError as error:  # not of this sign-in: the right one may still come
                return refusal(400, "You are not signed in", error.what, error.next_step)
            except SalesloftMcpError as error:
                self._failed.append(error)
                self._came.set()
                return refusal(400, "You are not signed in", error.what, error.next_step)
            self._came.set()
            return Reply(rendered(Page("You are signed in", _DONE)))


@asynccontextmanager
async def awaited_redirect(
    redirect: Redirect, make: Callable[[dict[str, str]], Awaitable[DoneT]]
) -> AsyncIterator[Coming[DoneT]]:
    """Listen at `redirect` until this ends.

    Raises:
        InputError: the port is taken.
    """
    coming = Coming(make)
    async with open_loopback(redirect.port) as loopback:
        loopback.answers[redirect.path] = coming.answer
        loopback.names = (redirect.name,)
        try:
            await loopback.start()
        except OSError as error:
            what = f"cannot listen on port {redirect.port} ({error.strerror})."
            step = (
                "a server that has opened the page to sign in waits there for ten minutes: use that page, or "
                "--no-browser. If something else uses it, end that, or register another Redirect URI."
            )
            raise InputError("--redirect-uri", what, next_step=step) from None
        yield coming
