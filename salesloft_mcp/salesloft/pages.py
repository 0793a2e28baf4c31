"""What stands in for an answer of Salesloft: a page of a proxy or a gateway, or of a network that wants a sign-in."""

import html
import re

import httpx

from salesloft_mcp.text import quoted

LONGEST_TITLE = 60
_LOOKED_AT = 65_536  # bytes of a page
_TITLE = re.compile(rb"<title(?:\s[^<>]{0,200})?>([^<]{1,500})", re.IGNORECASE)
_SIGN_IN = re.compile(rb"""type\s{0,3}=\s{0,3}["']?password|name\s{0,3}=\s{0,3}["']?SAMLRequest""", re.IGNORECASE)
_CHECK = "check SALESLOFT_BASE_URL, and whether a proxy, a firewall or a sign-in page stands in between."


def is_page(content: bytes) -> bool:
    """Whether this is HTML, or XML, and so from a proxy, a firewall or a sign-in page."""
    return content.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")


def page_described(content: bytes) -> str:
    """For a person: which page it is, by its title or else by how it begins."""
    kind = "of a sign-in page" if _signs_in(content) else "of a page"
    found = _TITLE.search(content[:_LOOKED_AT])
    title = " ".join(html.unescape(found[1].decode("utf-8", "backslashreplace")).split()) if found else ""
    if title:
        return f"{len(content)} bytes {kind} with the title {quoted(title, LONGEST_TITLE)}"
    return f"{len(content)} bytes {kind}, beginning {quoted(content[:60].decode('utf-8', 'backslashreplace'))}"


def stands_in(status: int, content: bytes, leads_to: str) -> bool:
    """Whether an answer shows by itself that it came of something in between."""
    return is_page(content) or bool(leads_to) or status in (407, 511)


def way_past(status: int, content: bytes, leads_to: str) -> str:
    """What to do about something in between that answers in Salesloft's place.

    407 is the answer of a proxy that wants a password (RFC 9110, 15.5.8), 511 of a network that wants a sign-in (RFC
    6585, 6).
    """
    if status == 407:
        return "a proxy stands in between and wants a name and a password: name it, with these, in HTTPS_PROXY."
    if status == 511 or leads_to or _signs_in(content):
        return "open the address of SALESLOFT_BASE_URL in a browser here, sign in to the network, and try again."
    return _CHECK


def leads_to(response: httpx.Response) -> str:
    """The other address to which a redirect leads; of it no more than the host, because the rest may hold a secret."""
    if not response.has_redirect_location:
        return ""
    try:
        to = response.request.url.join(response.headers["location"])
    except httpx.InvalidURL:
        return ""
    return "" if to.host == response.request.url.host else f"{to.scheme}://{to.host}"


def _signs_in(content: bytes) -> bool:
    return is_page(content) and _SIGN_IN.search(content[:_LOOKED_AT]) is not None
