"""A small web server on this machine that begins when it is first needed and ends with the program.

It answers only what is addressed to exactly its own origin, so that no name which was made to point at this machine
leads here, and lets a browser take nothing from elsewhere. What it answers is up to whoever gives it an `Answer`.
"""

import errno
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, MutableMapping
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import anyio
from anyio.abc import TaskGroup

from salesloft_mcp.browser.pages import STYLE_HASH, Page, rendered
from salesloft_mcp.errors import SalesloftMcpError

if TYPE_CHECKING:
    import uvicorn

HOST, HOST_6 = "127.0.0.1", "::1"
_AGAIN = "Load this page again: it shows whether something was decided."
MOST_BYTES = 16_384  # of a body; a form of ours has fewer than 2,000
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{STYLE_HASH}'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
)
# With `no-referrer` a browser would send `Origin: null` with a form, so that ours could not be told from another one.
HEADERS = (
    ("content-security-policy", _POLICY),
    ("cache-control", "no-store"),
    ("x-content-type-options", "nosniff"),
    ("x-frame-options", "DENY"),
    ("referrer-policy", "same-origin"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
)
Scope = Mapping[str, Any]
Receive = Callable[[], Awaitable[Mapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Request:
    """What a browser asked for. `rest` is the path behind its first segment. A field that came twice is left out."""

    method: str
    rest: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    form: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Reply:
    """A page, or with `to` the way to another address."""

    page: str = ""
    status: int = 200
    to: str = ""
    headers: tuple[tuple[str, str], ...] = ()


Answer = Callable[[Request], Awaitable[Reply]]


def refusal(status: int, heading: str, *told: str) -> Reply:
    """A page that says why nothing is shown, and what to do."""
    return Reply(rendered(Page(heading, told)), status)


@dataclass
class Loopback:
    """The server. `answers` holds who answers for the first segment of a path, `names` by which names it is reached."""

    tasks: TaskGroup
    port: int = 0
    answers: dict[str, Answer] = field(default_factory=dict)
    names: tuple[str, ...] = (HOST,)
    origin: str = ""  # empty until it was started
    _server: "uvicorn.Server | None" = None

    async def start(self) -> str:
        """The origin of the server, such as http://127.0.0.1:49152; it listens when this returns.

        Raises:
            OSError: the port is taken.
        """
        if not self.origin:
            bound = _bound(self.port, any(name != HOST for name in self.names))
            self.origin = f"http://{HOST}:{bound[0].getsockname()[1]}"
            self._server = _server(self._app)
            self.tasks.start_soon(self._serve, self._server, bound)
        return self.origin

    def end(self) -> None:
        """Serve no more."""
        if self._server is not None:
            self._server.should_exit = True

    async def _serve(self, server: "uvicorn.Server", bound: list[socket.socket]) -> None:
        with ExitStack() as open_ones:
            for one in bound:
                open_ones.enter_context(one)
            await server.serve(sockets=bound)

    async def _app(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        reply = await self._reply(scope, receive)
        body = reply.page.encode("utf-8", "backslashreplace")
        headers = [("content-type", "text/html; charset=utf-8"), ("content-length", str(len(body))), *HEADERS]
        headers += [*reply.headers, *([("location", reply.to)] if reply.to else [])]
        raw = [(name.encode(), value.encode()) for name, value in headers]
        await send({"type": "http.response.start", "status": reply.status, "headers": raw})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    async def _reply(self, scope: Scope, receive: Receive) -> Reply:
        headers = _headers(scope)
        port = self.origin.rpartition(":")[2]
        if headers.get("host") not in [f"{name}:{port}" for name in self.names]:
            return refusal(421, "This address is not served here", "Open the page by the address it was opened with.")
        if scope["method"] not in ("GET", "POST"):
            return refusal(405, "A browser does not ask in this way", "Open the page in a browser.")
        # A browser sends the origin with every form; with an address that was clicked or typed, it sends none.
        if headers.get("origin", self.origin if scope["method"] == "GET" else "") != self.origin:
            return refusal(403, "Another page has sent this", "Nothing was done. Answer on the page itself.")
        body = await _body(receive)
        if body is None:
            return refusal(413, "That is more than a form of this page holds", "Nothing was done.")
        first, _, rest = scope["path"].removeprefix("/").partition("/")
        answer = self.answers.get(first)
        if answer is None:
            what = "Nothing is here. A page of this program is opened by the program itself."
            return refusal(404, "There is no such page", what)
        query = _fields(scope["query_string"])
        try:
            return await answer(Request(scope["method"], rest, query, headers, _fields(body)))
        except SalesloftMcpError as error:  # the file of approvals is busy, for one
            return refusal(503, "That did not work at this moment", error.what, error.next_step, _AGAIN)


@asynccontextmanager
async def open_loopback(port: int = 0) -> AsyncIterator[Loopback]:
    """A server that listens once it is started, on any free port unless one is given; it ends with this context."""
    try:
        async with anyio.create_task_group() as tasks:
            loopback = Loopback(tasks, port)
            try:
                yield loopback
            finally:
                loopback.end()
    except ExceptionGroup as group:
        # What a caller raised inside is to reach whoever opened this, as if no server had been there.
        raise group.exceptions[0] from group


def _bound(port: int, by_name: bool) -> list[socket.socket]:
    """Sockets that listen on this machine alone. A name such as localhost stands for both of its addresses: what comes
    to the one that nobody listens on could be taken by a program of another user.

    Raises:
        OSError: the port is taken, on either.
    """
    with ExitStack() as opened:
        bound = [opened.enter_context(socket.create_server((HOST, port)))]
        if by_name:
            try:
                second = socket.create_server((HOST_6, bound[0].getsockname()[1]), family=socket.AF_INET6)
                bound.append(opened.enter_context(second))
            except OSError as error:
                if error.errno == errno.EADDRINUSE:
                    raise
        for one in bound:
            one.setblocking(False)
        opened.pop_all()  # whoever serves closes them
    return bound


def _headers(scope: Scope) -> dict[str, str]:
    """By lower-case name. One that came twice is joined, and so equals nothing that is looked for."""
    found: dict[str, str] = {}
    for name, value in scope["headers"]:
        key, text = name.decode("latin-1").lower(), value.decode("latin-1")
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


async def _body(receive: Receive) -> bytes | None:
    """The body of a request; None when it is larger than a form of ours, or was broken off: half of it is no answer."""
    body, more = b"", True
    while more and len(body) <= MOST_BYTES:
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        more = message.get("more_body", False)
    return None if len(body) > MOST_BYTES else body


def _fields(data: bytes) -> dict[str, str]:
    """The fields of a query or a form. What came twice may mean two things, and is left out."""
    pairs = parse_qsl(data.decode("ascii", "replace"), keep_blank_values=True)
    names = [name for name, _ in pairs]
    return {name: value for name, value in pairs if names.count(name) == 1}


def _server(app: Callable[[Scope, Receive, Send], Awaitable[None]]) -> "uvicorn.Server":
    import uvicorn  # when the first page is opened: most programs open none

    class Quiet(uvicorn.Server):
        """It leaves signals to the process, which closes everything in its order."""

        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            yield

    config = uvicorn.Config(
        app,
        interface="asgi3",
        http="h11",
        ws="none",
        lifespan="off",
        log_config=None,
        log_level="warning",  # below, it would write addresses
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=32,
        timeout_keep_alive=2,
        timeout_graceful_shutdown=1,
    )
    return Quiet(config)
