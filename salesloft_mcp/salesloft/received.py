"""What came over the wire: its headers, and its bytes as JSON or for what else they are. Pure."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from salesloft_mcp.salesloft.pages import is_page, page_described
from salesloft_mcp.text import quoted

LONGEST_WAIT = 86_400.0  # of a Retry-After header, in seconds

Complaints = dict[str, list[str]]  # by field; "" is the request as a whole


@dataclass(frozen=True, slots=True)
class Received:
    """An answer.

    `retry_after` is how long to wait, in seconds; `metered` says that the answer counts the team's points; `ahead` is
    by how many seconds the clock of this computer is ahead of the server's, None where the answer does not tell its
    time; `doubt` is why the token that was sent can hardly be one, where it was refused; `leads_to` is another
    address that a redirect leads to, which nobody follows.
    """

    status: int
    content: bytes
    retry_after: float
    metered: bool
    ahead: float | None = None
    doubt: str = ""
    leads_to: str = ""


def wait_asked(headers: Mapping[str, str], now: float) -> float | None:
    """The seconds of a Retry-After header, which is a number or a date; None when it says nothing usable.

    A date is the server's time, so it is held against that of its answer, and against `now` where there is none.
    """
    asked = headers.get("retry-after", "").strip()
    if asked.isascii() and asked.isdigit():
        return min(float(asked), LONGEST_WAIT)
    until, since = _moment(asked), _moment(headers.get("date", ""))
    return None if until is None else min(max(0.0, until - (now if since is None else since)), LONGEST_WAIT)


def seconds_ahead(headers: Mapping[str, str], now: float) -> float | None:
    """By how many seconds `now` is ahead of the Date of an answer, which has whole seconds; None where it has none."""
    sent = _moment(headers.get("date", ""))
    return None if sent is None else now - sent


def _moment(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (ValueError, OverflowError):
        return None


def is_metered(headers: Mapping[str, str]) -> bool:
    """Whether an answer counts the team's points, as Salesloft's own do: `x-ratelimit-remaining-minute` and others.

    The body of a 429 is not documented, so this is how one of Salesloft's is told from one of something in between.
    """
    return any(name.startswith("x-ratelimit-") for name in headers)


def read_json(content: bytes) -> object:
    """What the bytes hold; None when they are no JSON."""
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def complaints(found: object) -> Complaints:
    """What Salesloft complains about, in its own words; nothing for what is not of its error shape.

    That is `{"error": "…"}`, or `{"errors": {"field": ["message", …]}}` with a 422. A list or a text in place of the
    object is read, too, and so is the `error_description` of OAuth.
    """
    if not isinstance(found, dict):
        return {}
    errors, error = found.get("errors"), found.get("error")
    if errors and isinstance(errors, dict):
        return {str(name): _texts(texts) for name, texts in list(errors.items())[:10]}
    said = errors or error
    if said and isinstance(said, str | list):
        return {"": [*_texts(said), *_texts(found.get("error_description", []))]}
    return {}


def described(content: bytes) -> str:
    """For a person: what the bytes are that are no answer of the API, and how they begin."""
    if not content:
        return "0 bytes"
    if is_page(content):
        return page_described(content)
    kind = "that are no JSON" if read_json(content) is None else "of other JSON"
    return f"{len(content)} bytes {kind}, beginning {quoted(content[:60].decode('utf-8', 'backslashreplace'))}"


def _texts(said: object) -> list[str]:
    several = said if isinstance(said, list) else [said]
    return [one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) for one in several[:5]]


def without(content: bytes, *secrets: str) -> bytes:
    """Some servers repeat what they were sent. Nobody who reads an answer may find a secret in it."""
    # Escapes and wide characters could hide it.
    if (b"\\" in content or b"\0" in content[:4]) and (found := read_json(content)) is not None:
        content = json.dumps(found, ensure_ascii=False).encode("utf-8", "surrogatepass")
    for secret in filter(None, secrets):
        content = content.replace(secret.encode(), b"[token]")
    return content
