"""A company's network on loopback: a proxy that looks into nothing, and servers behind it whose TLS is good or not."""

import asyncio
import base64
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import trustme

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

ISSUER = "Corp Inspection"
USER, PASSWORD = "ann", "s3cret/@"  # a slash and an @ have to be escaped in a variable
ESCAPED = "ann:s3cret%2F%40"
GOOD, OLD, EARLY, OTHER, FOREIGN = (f"{name}.salesloft.test" for name in ("api", "old", "early", "other", "foreign"))
PLAIN, CUT = "plain.salesloft.test", "cut.salesloft.test"
REFUSALS = {
    "forbidden.salesloft.test": b"403 Forbidden",
    "portal.salesloft.test": b"302 Found",
    "gateway.salesloft.test": b"502 Bad Gateway",
    "garbage.salesloft.test": b"",
}
NOTHING = b'{"data": []}'


@dataclass
class Company:
    """The network: where its proxy is, what it was asked to connect to, and the file with its own certificate."""

    root: Path
    proxy: str = ""
    tls_proxy: str = ""  # the same one, with TLS as `localhost`
    asked: list[str] = field(default_factory=list)
    credentials: str = ""  # that the proxy wants
    silent: str = ""  # who takes a request and never answers it: the proxy, or the site
    is_cut: bool = False  # whether each connection behind it breaks off when TLS begins
    answer: tuple[str, bytes] = ("200 OK", NOTHING)  # of every server with TLS
    requests: list[bytes] = field(default_factory=list)  # that reached one


@asynccontextmanager
async def company(folder: Path) -> AsyncIterator[Company]:
    """It is there until it is closed."""
    authority = trustme.CA(organization_name=ISSUER)
    authority.cert_pem.write_to_path(folder / "corp.pem")
    here, ports = Company(folder / "corp.pem"), {}
    async with AsyncExitStack() as stack:
        for host, tls in _contexts(authority).items():
            ports[host] = await _listening(stack, _site(here), tls)
        ports[PLAIN] = await _listening(stack, _plain)
        ports[CUT] = await _listening(stack, _cut)
        here.proxy = f"127.0.0.1:{await _listening(stack, _proxy(here, ports))}"
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost").configure_cert(tls)
        here.tls_proxy = f"localhost:{await _listening(stack, _proxy(here, ports), tls)}"
        yield here


def _contexts(authority: trustme.CA) -> dict[str, ssl.SSLContext]:
    past, future = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)
    certificates = {
        GOOD: authority.issue_cert(GOOD),
        OLD: authority.issue_cert(OLD, not_before=datetime(2019, 1, 1, tzinfo=UTC), not_after=past),
        EARLY: authority.issue_cert(EARLY, not_before=future),
        OTHER: authority.issue_cert("intranet.corp.test"),
        FOREIGN: trustme.CA(organization_name="Somebody\u202e Else").issue_cert(FOREIGN),
    }
    contexts = {host: ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) for host in certificates}
    for host, certificate in certificates.items():
        certificate.configure_cert(contexts[host])
    return contexts


async def _listening(stack: AsyncExitStack, serve: Serve, tls: ssl.SSLContext | None = None) -> int:
    """The port on which connections are served, each until it breaks off."""

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, ssl.SSLError):
            await serve(reader, writer)
        writer.close()

    server = await stack.enter_async_context(await asyncio.start_server(served, "127.0.0.1", 0, ssl=tls))
    port: int = server.sockets[0].getsockname()[1]
    return port


def _site(here: Company) -> Serve:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        here.requests.append(await reader.readuntil(b"\r\n\r\n"))
        if here.silent == "site":
            await reader.read()
        status, body = here.answer
        writer.write(f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body)
        await writer.drain()

    return serve


async def _plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
    await writer.drain()


async def _cut(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1)
    writer.transport.abort()


def _proxy(here: Company, ports: Mapping[str, int]) -> Serve:
    wanted = base64.b64encode(f"{USER}:{PASSWORD}".encode())

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if (head := await reader.readexactly(1)) == b"\x16":  # somebody begins TLS, which it does not speak
            return
        head += await reader.readuntil(b"\r\n\r\n")
        method, target, _ = head.split(b" ", 2)
        host = target.decode().partition(":")[0]
        here.asked.append(f"{method.decode()} {target.decode()}")
        if here.silent == "proxy":
            await reader.read()
        elif here.credentials and b"Basic " + wanted not in head:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
        elif host in REFUSALS:
            status = REFUSALS[host]
            writer.write(b"HTTP/1.1 " + status + b"\r\nContent-Length: 6\r\n\r\n<html>" if status else b"")
        else:
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            behind = await asyncio.open_connection("127.0.0.1", ports[CUT if here.is_cut else host])
            await asyncio.gather(_pump(reader, behind[1]), _pump(behind[0], writer))
        await writer.drain()

    return serve


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while some := await reader.read(65_536):
            writer.write(some)
            await writer.drain()
    writer.close()
