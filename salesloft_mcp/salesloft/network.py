"""The wire: the real network, by the route that the environment names, and why no connection comes about."""

import os
import ssl
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import anyio
import httpx
import truststore
from anyio.to_thread import run_sync

from salesloft_mcp.errors import SettingsError
from salesloft_mcp.salesloft.causes import (
    UNSENT,
    Certificate,
    Failed,
    NoConnectionError,
    Stage,
    certificate_error,
    first_tls,
    no_connection,
)
from salesloft_mcp.salesloft.certificates import read
from salesloft_mcp.salesloft.route import Route, route_here

LIMITS = httpx.Limits(max_connections=16)  # the connection pool of httpx grows slower with every further one
TLS = "start_tls"  # as httpcore calls it
LOOK_SECONDS = 5.0  # for the certificate of a server that is not believed


class Network(httpx.AsyncBaseTransport):
    """The network to one address, made ready by the first call, so that a start does not wait for it.

    Reading the system's certificates takes a quarter of a second; that happens in a thread, and for https only.
    """

    def __init__(self, url: str) -> None:
        self._url = url
        self._ready: tuple[Route, ssl.SSLContext | None, _Pool] | None = None
        self._readying = anyio.Lock()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it, and raise NoConnectionError where it is certain that it was not sent. Where this is cancelled before
        that, the error is left under `UNSENT` in the extensions of the request.
        """
        async with self._readying:
            if self._ready is None:
                self._ready = await _made_ready(self._url)
        route, trust, pool = self._ready
        progress = _Progress(route)
        request.extensions = {**request.extensions, "trace": progress.trace, UNSENT: None}
        try:
            return await pool.handle_async_request(request)
        except httpx.TransportError as error:
            if not progress.never_sent:
                raise
            failed = Failed(request.url, route, progress.stage)
            seen = await _certificate(failed, trust) if certificate_error(error) else None
            raise no_connection(error, failed, seen, datetime.now(UTC)) from error
        except anyio.get_cancelled_exc_class():
            if progress.never_sent:
                late, failed = httpx.ConnectTimeout(""), Failed(request.url, route, progress.stage)
                request.extensions[UNSENT] = no_connection(late, failed, None, datetime.now(UTC))
            raise
        finally:
            if progress.has_lost_its_place:
                if self._ready == (route, trust, pool):
                    self._ready = (route, trust, _Pool(_transport(route, trust, trust)))
                await pool.aclose()

    async def aclose(self) -> None:
        if self._ready is not None:
            await self._ready[-1].aclose(at_once=True)


class _Pool:
    """The connections that are kept, until another pool takes their place.

    httpcore never gives free the place of a connection through a proxy over which TLS did not come about: after
    `LIMITS` of them, no request finds a place any more, whatever has become of the network.
    """

    def __init__(self, wire: httpx.AsyncHTTPTransport) -> None:
        self._wire = wire
        self._under_way = 0
        self._replaced = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._under_way += 1
        response = None
        try:
            response = await self._wire.handle_async_request(request)
        finally:
            if response is None:
                await self._ended()
        assert isinstance(response.stream, httpx.AsyncByteStream)
        response.stream = _Body(response.stream, self._ended)
        return response

    async def aclose(self, *, at_once: bool = False) -> None:
        """Close them as soon as nothing is under way over any of them, or `at_once`."""
        self._replaced = True
        if at_once or not self._under_way:
            await self._wire.aclose()

    async def _ended(self) -> None:
        self._under_way -= 1
        if self._replaced and not self._under_way:
            await self._wire.aclose()


class _Body(httpx.AsyncByteStream):
    """The body of an answer, of which somebody else wants to know when it is done with."""

    def __init__(self, stream: httpx.AsyncByteStream, ended: Callable[[], Awaitable[None]]) -> None:
        self._stream = stream
        self._ended = ended
        self._is_closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            yield part

    async def aclose(self) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        try:
            await self._stream.aclose()
        finally:
            await self._ended()


class _Progress:
    """How far a request has come, as httpcore tells it while it works
    (https://www.python-httpx.org/advanced/extensions/#trace).

    A name that it does not know stands for a request that is on its way: such a one is not taken for one never sent.
    """

    def __init__(self, route: Route) -> None:
        self.stage = Stage.BEGUN
        self._route = route
        first, tls = f"connection.{TLS}", f"proxy.{TLS}"
        self._known = {"connection.connect_tcp": Stage.CONNECTING, first: first_tls(route), tls: Stage.TLS}
        # With the last of them the way is open, and the request is the next that goes over it.
        self._last = tls if route.proxy else first if route.tls else "connection.connect_tcp"

    async def trace(self, event: str, info: Mapping[str, Any]) -> None:
        work, _, state = event.rpartition(".")
        if state == "complete" and work == self._last:
            self.stage = Stage.SENT
        elif state == "started" and work != "http11.response_closed":  # which says nothing of how far it had come
            asking = getattr(info.get("request"), "method", None) == b"CONNECT"
            self.stage = Stage.ASKING_PROXY if asking else self._known.get(work, Stage.SENT)

    @property
    def never_sent(self) -> bool:
        """Whether that is certain. One for which the pool has no place is no matter of the network."""
        return self.stage not in (Stage.BEGUN, Stage.SENT)

    @property
    def has_lost_its_place(self) -> bool:
        """Whether its connection holds a place of the pool for ever, once this request has ended."""
        return self._route.proxy is not None and self.stage is Stage.TLS


async def _made_ready(url: str) -> tuple[Route, ssl.SSLContext | None, _Pool]:
    try:
        route = route_here(url)
        trust = await run_sync(trusted, route) if route.tls else None
    except SettingsError as error:
        raise NoConnectionError(error.what.rstrip("."), error.next_step) from error
    return route, trust, _Pool(_transport(route, trust, trust))


def _transport(
    route: Route, trust: ssl.SSLContext | None, trust_of_proxy: ssl.SSLContext | None
) -> httpx.AsyncHTTPTransport:
    proxy = route.proxy
    if proxy is not None and proxy.url.scheme == "https":
        proxy = httpx.Proxy(proxy.url, ssl_context=trust_of_proxy, auth=proxy.auth)
    return httpx.AsyncHTTPTransport(verify=trust or False, limits=LIMITS, proxy=proxy)


def trusted(route: Route) -> ssl.SSLContext:
    """What certificates are held against: those that the route names, or else the operating system's.

    Raises:
        SettingsError: SSL_CERT_FILE or SSL_CERT_DIR names nothing that can be read.
    """
    if not route.cert_file and not route.cert_dir:
        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trust = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    trust.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN  # a company may hand out one that another one has signed
    step = "name one with certificates in PEM form, or leave the variable out."
    if route.cert_dir:
        if not any(os.path.isdir(one) for one in route.cert_dir.split(os.pathsep)):
            raise SettingsError("SSL_CERT_DIR", "names no folder.", next_step=step)
        trust.load_verify_locations(capath=route.cert_dir)
    if route.cert_file:
        try:
            if not stat.S_ISREG(os.stat(route.cert_file).st_mode):  # a pipe may never end
                raise SettingsError("SSL_CERT_FILE", "names no regular file.", next_step=step)
            trust.load_verify_locations(cafile=route.cert_file)
        except ssl.SSLError:
            what = "names a file without a certificate in PEM form."
            raise SettingsError("SSL_CERT_FILE", what, next_step=step) from None
        except (OSError, ValueError) as error:
            what = f"names a file that cannot be read ({getattr(error, 'strerror', None) or error})."
            raise SettingsError("SSL_CERT_FILE", what, next_step=step) from None
    return trust


class _SeenError(Exception):
    """The certificate is there, and nothing more is wanted of this connection."""


async def _certificate(failed: Failed, trust: ssl.SSLContext | None) -> Certificate | None:
    """The certificate that is not believed, as it is shown on a second connection; None where there is none.

    Python does not hand over a certificate that it refuses. Over this connection nothing is sent, and it is closed as
    soon as the certificate is known. A password for a proxy goes to one that is believed alone.
    """
    seen = b""
    wanted = f"connection.{TLS}.complete" if failed.stage is first_tls(failed.route) else f"proxy.{TLS}.complete"

    async def trace(event: str, info: Mapping[str, Any]) -> None:
        nonlocal seen
        if event == wanted:
            stream = info["return_value"]
            seen = stream.get_extra_info("ssl_object").getpeercert(binary_form=True) or b""
            await stream.aclose()  # nobody else knows it yet
            raise _SeenError

    blind = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    blind.check_hostname, blind.verify_mode = False, ssl.CERT_NONE
    request = httpx.Request("HEAD", failed.url.join("/"), extensions={"trace": trace})
    wire = _transport(failed.route, blind, blind if failed.stage is Stage.TLS_WITH_PROXY else trust)
    try:
        with anyio.move_on_after(LOOK_SECONDS):
            await wire.handle_async_request(request)
    except (_SeenError, httpx.TransportError):
        pass
    finally:
        await wire.aclose()
    return read(seen)
