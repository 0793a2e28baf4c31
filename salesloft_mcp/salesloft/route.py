"""By which way an address is reached: through a proxy or not, and by whose certificates a server is believed.

The variables are read as most programs read them: HTTPS_PROXY for https, ALL_PROXY where it is not set, NO_PROXY for
exceptions, each also in small letters, which win (https://everything.curl.dev/usingcurl/proxies/env.html);
SSL_CERT_FILE and SSL_CERT_DIR as OpenSSL reads them
(https://docs.openssl.org/master/man3/SSL_CTX_load_verify_locations/), on every operating system.
"""

import re
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import httpx

from salesloft_mcp.errors import SettingsError
from salesloft_mcp.settings import network_variables
from salesloft_mcp.text import quoted

SYSTEM = "the settings of the operating system"
_PORTS = {"http": 80, "https": 443}
_NAME = re.compile(r"[a-z0-9]([a-z0-9._-]*[a-z0-9])?", re.IGNORECASE)
_FORM = "use the form http://proxy.example.com:8080, with a name and a password before an @ where the proxy wants them"


@dataclass(frozen=True, slots=True)
class Route:
    """The way to one address.

    `source` names what chose the proxy, or what took it away: a variable, the operating system, or nothing.
    """

    tls: bool
    proxy: httpx.Proxy | None = field(default=None, repr=False)  # holds its password
    source: str = ""
    cert_file: str = ""  # in place of the operating system's certificates, as `cert_dir` is
    cert_dir: str = ""

    @property
    def proxy_place(self) -> str:
        """HOST:PORT of the proxy, empty without one. The name and the password for it are never shown."""
        if self.proxy is None:
            return ""
        url = self.proxy.url
        host = f"[{url.host}]" if ":" in url.host else url.host
        return f"{host}:{url.port or _PORTS[url.scheme]}"

    @property
    def told(self) -> str:
        """For a person: how the address is reached. It holds no secret."""
        if self.proxy is not None:
            return f"through the proxy {self.proxy_place}, named by {self.source}"
        if self.source == "HTTP_PROXY":
            return "directly; HTTP_PROXY counts for http:// addresses only, HTTPS_PROXY for this one"
        return f"directly, by {self.source}" if self.source else "directly"

    @property
    def trust_told(self) -> str:
        """For a person: whose certificates are believed; empty where there is no TLS."""
        if not self.tls:
            return ""
        named = (("SSL_CERT_FILE", "file", self.cert_file), ("SSL_CERT_DIR", "folder", self.cert_dir))
        places = [f"the {kind} {quoted(value)} that {name} names" for name, kind, value in named if value]
        return f"by the certificates of {' and '.join(places)}" if places else "by the operating system's certificates"


def route_here(url: str) -> Route:
    """The way to `url` from here and now. Raises what `route_to` raises."""
    system: dict[str, str] = {}
    if sys.platform in ("win32", "darwin") and not urllib.request.proxy_bypass(httpx.URL(url).host):
        system = urllib.request.getproxies()
    return route_to(url, network_variables(), system)


def route_to(url: str, variables: Mapping[str, str], system: Mapping[str, str] | None = None) -> Route:
    """Pure: the way to `url`, as `variables` of the environment have it, named in capitals; where none of them names a
    proxy, as `system`, the operating system's own proxies by scheme. Loopback is always reached directly.

    Raises:
        SettingsError: a variable is no address of a proxy. Its value is never shown: it may hold a password.
    """
    to = httpx.URL(url)
    proxy, source = _proxy_to(to, variables, system or {})
    files = variables.get("SSL_CERT_FILE", ""), variables.get("SSL_CERT_DIR", "")
    return Route(to.scheme == "https", proxy, source, *files)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine by its very name, and so nothing that a proxy could reach."""
    host = host.rstrip(".").lower()
    address = _address(host)
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return (
        address.is_loopback or address.is_unspecified if address else host == "localhost" or host.endswith(".localhost")
    )


def _proxy_to(to: httpx.URL, variables: Mapping[str, str], system: Mapping[str, str]) -> tuple[httpx.Proxy | None, str]:
    """The proxy, and what chose it or took it away."""
    if is_loopback(to.host):
        return None, ""
    for name in (f"{to.scheme.upper()}_PROXY", "ALL_PROXY"):
        if value := variables.get(name):
            excepted = _excepted(to.host, to.port or _PORTS[to.scheme], variables.get("NO_PROXY", ""))
            return (None, "NO_PROXY") if excepted else (_proxy(name, value), name)
    if variables.get("HTTP_PROXY"):
        return None, "HTTP_PROXY"
    value = system.get(to.scheme)
    return (_proxy(SYSTEM, value), SYSTEM) if value else (None, "")


def _proxy(name: str, value: str) -> httpx.Proxy:
    """The proxy that a variable names; without a scheme it is one over http.

    A name or a password with a slash in it would be read as a host and a path, and then be shown.
    """
    try:
        url = httpx.URL(value if "://" in value else f"http://{value}")
    except httpx.InvalidURL:
        raise SettingsError(name, "is not the address of a proxy.", next_step=f"{_FORM}.") from None
    if url.scheme.startswith("socks"):
        step = "name an http proxy in HTTPS_PROXY, or the host of SALESLOFT_BASE_URL in NO_PROXY."
        raise SettingsError(name, "is a SOCKS proxy, which is not supported.", next_step=step)
    usable = _address(url.host) or _NAME.fullmatch(url.host)
    if url.scheme not in _PORTS or not usable or url.raw_path != b"/" or url.fragment or (url.port or 1) > 65_535:
        step = f"{_FORM}; there, any of / ? # @ is written in its escaped form, %2F for a slash."
        raise SettingsError(name, "is not the address of a proxy.", next_step=step)
    return httpx.Proxy(url)


def _excepted(host: str, port: int, exceptions: str) -> bool:
    """Whether NO_PROXY excepts a host: by `*`, its name or that of a domain above it, its address, or a network that
    holds its address; each also with a port.
    """
    host = host.rstrip(".").lower()
    return any(_covers(entry, host, port) for entry in re.split(r"[,\s]+", exceptions.lower()) if entry)


def _covers(entry: str, host: str, port: int) -> bool:
    if entry == "*":
        return True
    named, only = entry, ""
    if found := re.fullmatch(r"\[(.+)\](?::(\d+))?", entry) or re.fullmatch(r"([^:]+):(\d+)", entry):
        named, only = found[1], found[2] or ""
    if only and int(only) != port:
        return False
    if address := _address(host):
        try:
            return address in ip_network(named, strict=False)
        except ValueError:
            return False
    domain = named.removeprefix("*").strip(".")
    return bool(domain) and (host == domain or host.endswith(f".{domain}"))


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None
