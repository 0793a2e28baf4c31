"""Company networks: a real proxy and real TLS on loopback, and each cause of a failure in its own words."""

import logging
import os
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from salesloft_mcp import errors
from salesloft_mcp.salesloft.budget import Budget
from salesloft_mcp.salesloft.causes import Failed, Stage, no_connection
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.credential import Key
from salesloft_mcp.salesloft.http import open_http
from salesloft_mcp.salesloft.network import Network
from salesloft_mcp.salesloft.oauth import Application, open_accounts
from salesloft_mcp.salesloft.route import route_to

from .opened import TOKEN
from .proxied import CUT, EARLY, ESCAPED, FOREIGN, GOOD, ISSUER, OLD, OTHER, PASSWORD, PLAIN, Company, company

pytestmark = pytest.mark.anyio


@pytest.fixture
async def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Company]:
    """A company's network, named by the variables; what may come through later is not tried again here."""
    monkeypatch.setattr("salesloft_mcp.salesloft.retry.ATTEMPTS", 1)
    async with company(tmp_path) as here:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{ESCAPED}@{here.proxy}")
        monkeypatch.setenv("SSL_CERT_FILE", str(here.root))
        yield here


@asynccontextmanager
async def client(url: str) -> AsyncIterator[Salesloft]:
    async with open_http(url, Key(SecretStr(TOKEN)), Network(url), Budget(1000), agent="tests") as http:
        yield Salesloft(http)


async def refused(url: str) -> errors.UnreachableError:
    """What a write is told that finds no way to this address."""
    async with client(url) as api:
        with pytest.raises(errors.UnreachableError) as caught:
            await api.delete_mapping(5)
    assert caught.value.what.startswith("no connection to Salesloft: ")
    assert caught.value.what.endswith("; nothing was sent.")
    assert not any(secret in str(caught.value) for secret in (TOKEN, PASSWORD, ESCAPED, "s3cret"))
    return caught.value


async def test_the_live_address_is_reached_through_the_proxy_and_believed_by_the_named_certificate(
    here: Company, caplog: pytest.LogCaptureFixture
) -> None:
    here.credentials = "wanted"
    caplog.set_level(logging.DEBUG)
    async with client(f"https://{GOOD}") as api:
        assert (await api.list_mappings()).rows == ()
    assert here.asked == [f"CONNECT {GOOD}:443"]
    assert f"Bearer {TOKEN}".encode() in here.requests[0]
    assert b"Proxy-Authorization" not in here.requests[0]
    assert "s3cret" not in caplog.text


async def test_no_proxy_is_asked_for_loopback_nor_for_what_no_proxy_names(
    here: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    for url in ("http://127.0.0.1:1", "http://localhost:1", "https://127.0.0.1:1"):
        assert "refuses the connection" in (await refused(url)).what
    monkeypatch.setenv("no_proxy", ".salesloft.test")
    monkeypatch.setattr(socket, "getaddrinfo", nothing_found)
    error = await refused(f"https://{GOOD}")
    assert f"the name {GOOD} is not found" in error.what
    assert "NO_PROXY keeps it from the proxy" in error.next_step
    assert here.asked == []


def nothing_found(*_: object, **__: object) -> None:
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.mark.parametrize(
    ("host", "cause", "step"),
    [
        (FOREIGN, f'{FOREIGN} is not trusted: it was issued by "Somebody\\u{{202e}} Else', "SSL_CERT_FILE"),
        (OLD, f"the certificate of {OLD} expired on 2020-01-01", "date and time"),
        (EARLY, f"the certificate of {EARLY} is valid from 2100-01-01 on", "date and time"),
        (OTHER, f'the certificate of {OTHER} is for another name: "intranet.corp.test"', "in between"),
        (PLAIN, f"TLS with {PLAIN} is broken by something in between (", "firewall"),
        (CUT, f"TLS with {CUT} is broken by something in between", "firewall"),
        ("forbidden.salesloft.test", "refuses to connect to forbidden.salesloft.test (403)", "whoever runs it"),
        ("portal.salesloft.test", "answers with a page of its own (302)", "in a browser"),
        ("gateway.salesloft.test", "cannot reach gateway.salesloft.test (502)", "whoever runs the proxy"),
        ("garbage.salesloft.test", "closes it without an answer of a proxy", "an HTTP proxy"),
    ],
)
async def test_each_cause_is_told_in_its_own_words(here: Company, host: str, cause: str, step: str) -> None:
    error = await refused(f"https://{host}")
    assert cause in error.what
    assert step in error.next_step
    assert here.requests == []


async def test_however_often_tls_fails_behind_a_proxy_the_cause_is_told_and_what_is_mended_works(
    here: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("salesloft_mcp.salesloft.network.LIMITS", httpx.Limits(max_connections=2))
    url = f"https://{GOOD}"
    async with client(url) as api:
        for _ in range(3):
            here.is_cut = True
            with pytest.raises(errors.UnreachableError, match=r"TLS with \S+ is broken"):
                await api.delete_mapping(5)
        here.is_cut = False
        await api.list_configurations(per_page=1)
    assert len(here.requests) == 1


async def test_a_write_whose_time_is_over_is_unknown_only_where_it_may_have_been_sent(
    here: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("salesloft_mcp.salesloft.budget.ANSWER_SECONDS", 0.3)
    here.silent = "proxy"
    assert "does not answer; nothing was sent" in (await refused(f"https://{GOOD}")).what
    assert here.requests == []
    here.silent = "site"
    async with client(f"https://{GOOD}") as api:
        with pytest.raises(errors.UnknownOutcomeError):
            await api.delete_mapping(5)
    assert len(here.requests) == 1


async def test_a_proxy_that_wants_a_password_is_told_and_one_that_refuses_it(
    here: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.credentials = "wanted"
    monkeypatch.setenv("HTTPS_PROXY", f"ann:wrong-s3cret@{here.proxy}")
    error = await refused(f"https://{GOOD}")
    assert f"the proxy {here.proxy} (HTTPS_PROXY) does not accept the name and the password for it (407)" in error.what
    monkeypatch.setenv("HTTPS_PROXY", here.proxy)
    error = await refused(f"https://{GOOD}")
    assert "wants a name and a password (407)" in error.what
    assert "http://NAME:PASSWORD@HOST:PORT" in error.next_step
    assert len(here.asked) == 2  # the same would come of a second try


async def test_a_proxy_that_is_not_there_and_one_without_tls_are_told(
    here: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    error = await refused(f"https://{GOOD}")
    assert "the proxy 127.0.0.1:1 (HTTPS_PROXY) refuses the connection" in error.what
    assert error.next_step.startswith("check HTTPS_PROXY")
    monkeypatch.setenv("HTTPS_PROXY", f"https://{here.proxy}")
    assert f"the proxy {here.proxy} (HTTPS_PROXY) does not speak TLS" in (await refused(f"https://{GOOD}")).what


async def test_an_issuer_that_nobody_trusts_is_named_with_where_its_certificate_belongs(
    here: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    error = await refused(f"https://{GOOD}")
    assert f'the certificate of {GOOD} is not trusted: it was issued by "{ISSUER}' in error.what
    assert "in SSL_CERT_FILE, or have it added to those of the operating system" in error.next_step
    directly = await refused(f"https://{here.tls_proxy}")
    assert f'the certificate of localhost is not trusted: it was issued by "{ISSUER}' in directly.what


async def test_a_proxy_with_tls_is_believed_like_a_server_before_it_gets_a_password(
    here: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.credentials = "wanted"
    monkeypatch.setenv("HTTPS_PROXY", f"https://{ESCAPED}@{here.tls_proxy}")
    async with client(f"https://{GOOD}") as api:
        assert (await api.list_mappings()).rows == ()
    assert 'was issued by "Somebody' in (await refused(f"https://{FOREIGN}")).what
    assert here.asked == [f"CONNECT {GOOD}:443", *[f"CONNECT {FOREIGN}:443"] * 2]
    monkeypatch.delenv("SSL_CERT_FILE")
    told = (await refused(f"https://{GOOD}")).what
    assert f"the certificate of the proxy {here.tls_proxy} (HTTPS_PROXY) is not trusted" in told
    assert f'it was issued by "{ISSUER}' in told
    assert len(here.asked) == 3


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("SSL_CERT_FILE", "{folder}/absent.pem", "SSL_CERT_FILE: names a file that cannot be read"),
        ("SSL_CERT_FILE", "{folder}/empty.pem", "SSL_CERT_FILE: names a file without a certificate"),
        ("SSL_CERT_DIR", "{folder}/absent", "SSL_CERT_DIR: names no folder"),
        ("HTTPS_PROXY", "http://ann:12/s3cret@{folder}", "HTTPS_PROXY: is not the address of a proxy"),
    ],
)
async def test_a_variable_that_cannot_be_right_is_named_and_nothing_is_sent(
    here: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    (tmp_path / "empty.pem").write_text("")
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setenv(name, value.format(folder=tmp_path))
    assert told in (await refused(f"https://{GOOD}")).what
    assert here.asked == []


async def test_the_authorization_server_is_reached_by_the_same_way(
    here: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    here.answer = ("200 OK", b'{"access_token": "new", "expires_in": 7200}')
    url = f"https://{GOOD}"
    async with open_accounts(url, Network(url), agent="tests") as accounts:
        tokens = await accounts.tokens(Application("id", SecretStr("")), {"grant_type": "client_credentials"})
    assert tokens.access.get_secret_value() == "new"
    assert here.asked == [f"CONNECT {GOOD}:443"]
    url = f"https://{FOREIGN}"
    async with open_accounts(url, Network(url), agent="tests") as accounts:
        with pytest.raises(
            errors.UnreachableError, match=f"did not answer: the certificate of {FOREIGN} is not trusted"
        ):
            await accounts.tokens(Application("id", SecretStr("")), {"grant_type": "client_credentials"})


@pytest.mark.parametrize(("code", "told"), [(-67602, "another name"), (0x800B0101, "expired"), (-67843, "not trusted")])
def test_what_other_operating_systems_say_of_a_certificate_is_read_too(code: int, told: str) -> None:
    wrong = ssl.SSLCertVerificationError("in another language")
    wrong.verify_code = code
    assert told in cause(wrong, Stage.TLS)


def test_a_silent_host_and_a_network_without_a_way_are_told() -> None:
    assert "api.salesloft.com does not answer, the time for it is over" in cause(TimeoutError(), Stage.CONNECTING)
    assert "no way to api.salesloft.com (Network is unreachable)" in cause(OSError(101, "x"), Stage.CONNECTING)
    assert "TLS with api.salesloft.com is not answered" in cause(TimeoutError(), Stage.TLS)


def cause(of: Exception, stage: Stage) -> str:
    error = (httpx.ConnectTimeout if isinstance(of, TimeoutError) else httpx.ConnectError)("")
    error.__cause__ = of
    url = "https://api.salesloft.com"
    return no_connection(error, Failed(httpx.URL(url), route_to(url, {}), stage), None, datetime.now(UTC)).cause
