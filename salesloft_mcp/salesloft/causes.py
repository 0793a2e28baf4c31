"""Why no connection came about, in words for a person, and what to do about it. Pure.

An error of the network says little by itself ("All connection attempts failed"), so that it is read together with how
far the connection had come, by which route, and with which certificate.
"""

import os
import socket
import ssl
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

import httpx

from salesloft_mcp.salesloft.route import Route
from salesloft_mcp.text import quoted

UNSENT = "unsent"  # in the extensions of a request: why it was not sent when its time was over
LONGEST_NAME = 120  # characters of what a certificate says of itself
# What the operating systems say of a certificate: OpenSSL (x509_vfy.h), Windows (winerror.h), macOS (SecBase.h).
_OTHER_NAME = frozenset({62, 64, 0x800B010F, -67602})
_OUT_OF_TIME = frozenset({9, 10, 0x800B0101, -67818, -67819})


class NoConnectionError(httpx.ConnectError):
    """No connection, so that nothing was sent: `cause` and `step` are whole clauses for a person, without a secret.

    `passing` says whether the same request may come through a moment later.
    """

    def __init__(self, cause: str, step: str, *, passing: bool = False) -> None:
        super().__init__(cause)
        self.cause = cause
        self.step = step
        self.passing = passing


class Stage(Enum):
    """How far a request had come."""

    BEGUN = "waits for its turn"
    CONNECTING = "looks up a name and opens a connection"
    TLS_WITH_PROXY = "agrees on TLS with the proxy"
    ASKING_PROXY = "asks the proxy for a connection"
    TLS = "agrees on TLS with Salesloft"
    SENT = "may be on its way"


def first_tls(route: Route) -> Stage:
    """With whom TLS is agreed on over a connection that was just opened."""
    return Stage.TLS if route.proxy is None else Stage.TLS_WITH_PROXY


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says of itself, in the words of whoever made it."""

    issuer: str
    by_itself: bool  # nobody else has signed it
    names: tuple[str, ...]
    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Failed:
    """A request that was not sent: where it was going, and how far it had come."""

    url: httpx.URL
    route: Route
    stage: Stage

    @property
    def target(self) -> str:
        """What was to be reached behind all proxies."""
        return self.url.host

    @property
    def place(self) -> str:
        """The proxy, or the host itself where there is none."""
        if self.route.proxy is None:
            host = f"[{self.url.host}]" if ":" in self.url.host else self.url.host
            return f"{host}:{self.url.port}" if self.url.port else host
        return f"the proxy {self.route.proxy_place} ({self.route.source})"

    @property
    def check(self) -> str:
        """What names the place, so that it can be wrong."""
        return "SALESLOFT_BASE_URL" if self.route.proxy is None else self.route.source


def certificate_error(error: BaseException) -> ssl.SSLCertVerificationError | None:
    """What was wrong with a certificate, where that is what an error came of."""
    return next((one for one in _chain(error) if isinstance(one, ssl.SSLCertVerificationError)), None)


def no_connection(error: Exception, failed: Failed, seen: Certificate | None, now: datetime) -> NoConnectionError:
    """The cause of an error: `seen` is the certificate of the other side, where it is known and of interest."""
    if isinstance(error, httpx.ProxyError):
        return _by_proxy(str(error)[:3], failed)
    if wrong := certificate_error(error):
        return _certificate(wrong, failed, seen, now)
    if failed.stage in (Stage.TLS, Stage.TLS_WITH_PROXY):
        return _tls(error, failed)
    if failed.stage is Stage.ASKING_PROXY:
        late = isinstance(error, httpx.TimeoutException)
        said = "does not answer" if late else "takes the connection and closes it without an answer of a proxy"
        step = f"check {failed.check}, and whether this is an HTTP proxy; then try again."
        return NoConnectionError(f"{failed.place} {said}", step, passing=True)
    return _unopened(error, failed)


def _unopened(error: Exception, failed: Failed) -> NoConnectionError:
    """No way to the host, or to the proxy."""
    causes = list(_chain(error))
    if any(isinstance(one, socket.gaierror) for one in causes):
        host = failed.route.proxy_place.rpartition(":")[0] or failed.target
        step = f"check {failed.check}, the name server, and whether a VPN has to be on{_perhaps_proxy(failed)}."
        return NoConnectionError(f"the name {host} is not found", step, passing=True)
    if any(isinstance(one, ConnectionRefusedError) for one in causes):
        step = f"check {failed.check}: nothing listens there, or a firewall refuses it{_perhaps_proxy(failed)}."
        return NoConnectionError(f"{failed.place} refuses the connection", step, passing=True)
    step = f"check the network, and whether a firewall keeps this computer from it{_perhaps_proxy(failed)}."
    if isinstance(error, httpx.TimeoutException):
        return NoConnectionError(f"{failed.place} does not answer, the time for it is over", step, passing=True)
    number = next((one.errno for one in causes if isinstance(one, OSError) and one.errno), None)
    words = f" ({os.strerror(number)})" if number else ""
    return NoConnectionError(f"there is no way to {failed.place}{words}", step, passing=True)


def _by_proxy(status: str, failed: Failed) -> NoConnectionError:
    """The proxy was asked for a connection to Salesloft, and refused: RFC 9110, 9.3.6."""
    proxy, route = failed.place, failed.route
    if status == "407":
        has = route.proxy is not None and route.proxy.raw_auth is not None
        what = "does not accept the name and the password for it" if has else "wants a name and a password"
        step = (
            f"write them into {route.source} as http://NAME:PASSWORD@HOST:PORT, with %40 for an @. Only the kind "
            "Basic is supported: for Kerberos or NTLM, ask for an exception, or use a helper that signs in to it."
        )
        return NoConnectionError(f"{proxy} {what} (407)", step)
    if status[:1] == "3" or status == "511":
        step = f"open https://{failed.target} in a browser on this computer, sign in to the network, then try again."
        return NoConnectionError(f"{proxy} answers with a page of its own ({status})", step)
    if status in ("502", "503", "504"):
        step = "try again in a minute; if it stays so, ask whoever runs the proxy."
        return NoConnectionError(f"{proxy} cannot reach {failed.target} ({status})", step, passing=True)
    step = f"have whoever runs it allow {failed.target}, or name that in NO_PROXY if it may be reached directly."
    return NoConnectionError(f"{proxy} refuses to connect to {failed.target} ({status})", step)


def _tls(error: Exception, failed: Failed) -> NoConnectionError:
    """TLS did not come about, for another reason than the certificate."""
    broken = next((one for one in _chain(error) if isinstance(one, ssl.SSLError) and one.reason), None)
    reason = f" ({broken.reason.replace('_', ' ').lower()})" if broken else ""
    if failed.stage is Stage.TLS_WITH_PROXY:
        step = f"write http:// in place of https:// in {failed.check}, which most proxies need."
        return NoConnectionError(f"{failed.place} does not speak TLS{reason}", step)
    step = (
        f"a firewall, a VPN or a proxy cuts or changes it, or {failed.check} names a port without TLS: ask whoever "
        f"runs the network whether {failed.target} may be reached, then try again."
    )
    late = isinstance(error, httpx.TimeoutException)
    said = "is not answered" if late else f"is broken by something in between{reason}"
    return NoConnectionError(f"TLS with {failed.target} {said}", step, passing=True)


def _certificate(
    wrong: ssl.SSLCertVerificationError, failed: Failed, seen: Certificate | None, now: datetime
) -> NoConnectionError:
    """Whose certificate it is that is not believed, and why not."""
    whose = failed.place if failed.stage is Stage.TLS_WITH_PROXY else failed.target
    code = getattr(wrong, "verify_code", None)
    if code in _OTHER_NAME:
        names = ", ".join(map(quoted, seen.names[:3])) if seen else ""
        step = f"check {failed.check}; otherwise something in between answers in its place: ask who runs the network."
        return NoConnectionError(f"the certificate of {whose} is for another name{names and f': {names}'}", step)
    if when := _out_of_time(seen, now) or ("has expired, or one that it stands on" if code in _OUT_OF_TIME else ""):
        step = "check the date and time of this computer; otherwise whoever runs that server has to renew it."
        return NoConnectionError(f"the certificate of {whose} {when}", step)
    if failed.route.cert_file or failed.route.cert_dir:
        named = "SSL_CERT_FILE" if failed.route.cert_file else "SSL_CERT_DIR"
        step = f"the certificates that {named} names count in place of those of the operating system: add that of the"
        step += " issuer to them if it is your company's, or leave the variable out."
    else:
        step = "if the issuer is your company's, which looks into connections, name the file with its certificate (PEM)"
        step += " in SSL_CERT_FILE, or have it added to those of the operating system; if it is not, do not trust it."
    return NoConnectionError(f"the certificate of {whose} is not trusted{_issued_by(seen)}", step)


def _issued_by(seen: Certificate | None) -> str:
    if seen is None or not seen.issuer:
        return ""
    by = "it is signed by itself," if seen.by_itself else "it was issued by"
    return f": {by} {quoted(seen.issuer, LONGEST_NAME)}"


def _out_of_time(seen: Certificate | None, now: datetime) -> str:
    if seen is None or seen.begins <= now <= seen.ends:
        return ""
    return f"expired on {seen.ends:%Y-%m-%d}" if seen.ends < now else f"is valid from {seen.begins:%Y-%m-%d} on"


def _perhaps_proxy(failed: Failed) -> str:
    """Networks that let programs out through a proxy only are often the reason."""
    if failed.route.proxy is not None:
        return ""
    if failed.route.source == "NO_PROXY":
        return "; NO_PROXY keeps it from the proxy"
    return "; where the network wants a proxy, name it in HTTPS_PROXY"


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error, and those it came of."""
    following: BaseException | None = error
    while following is not None:
        yield following
        if isinstance(following, BaseExceptionGroup):
            yield from (one for each in following.exceptions for one in _chain(each))
        following = following.__cause__ or following.__context__
