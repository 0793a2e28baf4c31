"""Pure, on the way up: status and bytes become rows, or a member of the error tree. Nothing here awaits."""

import json
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import NoReturn, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from salesloft_mcp import errors
from salesloft_mcp.salesloft.models import Mapping, Page
from salesloft_mcp.salesloft.requests import MappingFilter, Method, Request
from salesloft_mcp.text import quoted

RowT = TypeVar("RowT", bound=BaseModel)

LONGEST_WAIT = 86_400.0  # of a Retry-After header, in seconds
_LOOK = "look whether it was done before sending it again."


@dataclass(frozen=True, slots=True)
class Received:
    """What came over the wire. `retry_after` is the wait Salesloft asked for, in seconds."""

    status: int
    content: bytes
    retry_after: float | None = None


# The guide's word and the current catalogue's word for the scope each call needs.
_SCOPES: dict[tuple[Method, str], str] = {
    ("GET", "configurations"): "external_id_configuration:read",
    ("POST", "configurations"): "external_id_configuration:manage (or :write)",
    ("DELETE", "configurations"): "external_id_configuration:manage (or :delete)",
    ("GET", "mappings"): "external_id:read",
    ("POST", "mappings"): "external_id:manage (or :write)",
    ("DELETE", "mappings"): "external_id:manage (or :delete)",
    ("GET", "ids"): "external_id:read and {one}:view (or {many}:read)",
    ("POST", "ids"): "external_id:manage (or :write) and {one}:manage (or {many}:write)",
}
_ECHOED = ("external_type", "object_type", "external_id", "object_id")
_SINGULAR = {"people": "person", "accounts": "account", "users": "user"}


def page(ask: Request, got: Received, *, adapter: TypeAdapter[RowT]) -> Page[RowT]:
    """The rows of a list: `data` may be a list, a single object or null (the guide prints the first two)."""
    envelope = _envelope(ask, got)
    data = envelope["data"]
    found = data if isinstance(data, list) else [] if data is None else [data]
    paging = _paging(envelope)
    total = paging.get("total_count")
    return Page(
        tuple(_row(ask, one, adapter) for one in found),
        _next_page(ask, paging, len(found)),
        total if isinstance(total, int) else None,
    )


def row(ask: Request, got: Received, *, adapter: TypeAdapter[RowT]) -> RowT:
    """The one object of an answer, which echoes what was sent."""
    data = _envelope(ask, got)["data"]
    found = _row(ask, data[0] if isinstance(data, list) and len(data) == 1 else data, adapter)
    sent = ask.body or {}
    wrong = [name for name in _ECHOED if name in sent and getattr(found, name, sent[name]) != sent[name]]
    if wrong:
        raise errors.BrokenAnswerError(
            f"Salesloft's answer has another {', '.join(wrong)} than was sent.",
            request=ask.name,
            status=got.status,
            next_step="tell Salesloft's support.",
        )
    return found


def done(ask: Request, got: Received) -> None:
    """A success without a body."""
    if not 200 <= got.status < 300:
        _refuse(ask, got)


def only_asked(ask: Request, asked: MappingFilter, found: Page[Mapping]) -> Page[Mapping]:
    """`found` without rows that were not asked for, unless they show that a filter does not work at all."""
    if found.next_page is not None and not all(map(asked.sent.fits, found.rows)):
        what = "Salesloft answered with mappings that were not asked for, so a filter does not work. Nothing was used."
        raise errors.BrokenAnswerError(what, request=ask.name, next_step="tell Salesloft's support.")
    rows = tuple(row for row in found.rows if asked.fits(row) and asked.deleted in (None, row.deleted))
    return Page(rows, found.next_page, found.total)


def never_sent(ask: Request, why: str) -> errors.UnreachableError:
    """No connection: the request is known not to have run."""
    what = f"no connection to Salesloft ({why}); nothing was sent."
    return errors.UnreachableError(what, request=ask.name, next_step="check the network, then try again.")


def lost(ask: Request, why: str) -> errors.ApiError:
    """The request may have run, its answer did not arrive. For a write that is an unknown outcome."""
    if ask.writes:
        what = f"the answer to {ask.name} was lost ({why}); whether it was done is unknown."
        return errors.UnknownOutcomeError(what, request=ask.name, next_step=_LOOK)
    what = f"Salesloft's answer to {ask.name} was lost ({why}); it was a read, nothing changed."
    return errors.UnreachableError(what, request=ask.name, next_step="try again.")


def _envelope(ask: Request, got: Received) -> dict[str, object]:
    done(ask, got)
    found = _json(got.content)
    if isinstance(found, dict) and "data" in found:
        return found
    start = quoted(got.content[:60].decode("utf-8", "backslashreplace"))
    what = f"Salesloft answered {got.status} with {len(got.content)} bytes that are no answer, beginning {start}."
    raise errors.BrokenAnswerError(what, request=ask.name, status=got.status, next_step="try again in a minute.")


def _paging(answer: dict[str, object]) -> dict[str, object]:
    metadata = answer.get("metadata")
    paging = metadata.get("paging") if isinstance(metadata, dict) else None
    return paging if isinstance(paging, dict) else {}


def _next_page(ask: Request, paging: dict[str, object], rows: int) -> int | None:
    """The page after this one. Paging may be absent: then a page as full as was asked for is not the last."""
    if "next_page" not in paging:
        return ask.page + 1 if rows == ask.per_page else None
    found = paging["next_page"]
    if found is None:
        return None
    if type(found) is not int or found <= ask.page:
        what = f"Salesloft's answer names no usable next page after page {ask.page}. Nothing of it was used."
        raise errors.BrokenAnswerError(what, request=ask.name, next_step="tell Salesloft's support.")
    return found


def _row(ask: Request, data: object, adapter: TypeAdapter[RowT]) -> RowT:
    try:
        return adapter.validate_python(data)
    except ValidationError as error:
        names = sorted({".".join(map(str, one["loc"])) or "data" for one in error.errors(include_input=False)})
        what = f"Salesloft's answer has no usable {', '.join(map(quoted, names[:5]))}."
        raise errors.BrokenAnswerError(what, request=ask.name, next_step="tell Salesloft's support.") from None


def _refuse(ask: Request, got: Received) -> NoReturn:
    """Raises the member of the error tree that fits the status."""
    match got.status:
        case 401:
            what = "Salesloft does not accept this token (401)."
            raise errors.UnauthorizedError(what, request=ask.name, next_step="set a current SALESLOFT_API_KEY.")
        case 403:
            what = f"the token may not call {ask.name} (403)."
            raise errors.ForbiddenError(what, request=ask.name, next_step=f"grant it {_scope(ask)}.")
        case 404:
            what = f"Salesloft knows nothing at {ask.name} (404)."
            raise errors.NotFoundError(what, request=ask.name, next_step=_not_found(ask))
        case 422:
            raise _rejected(ask, _field_messages(_json(got.content)))
        case 429:
            what = "the team's points for this minute are spent (429), by this or another integration."
            wait = 60.0 if got.retry_after is None else got.retry_after
            raise errors.RateLimitedError(what, request=ask.name, retry_after_seconds=wait)
        case status if status >= 500 and ask.writes:
            what = f"Salesloft answered {status} to {ask.name}; whether it was done is unknown."
            raise errors.UnknownOutcomeError(what, request=ask.name, status=status, next_step=_LOOK)
        case status:
            what = f"Salesloft answered {status} to {ask.name}."
            raise errors.UpstreamError(what, request=ask.name, status=status, next_step="try again in a minute.")


def _rejected(ask: Request, fields: dict[str, list[str]]) -> errors.RejectedError:
    said = "; ".join(f"{quoted(name)}: {quoted(', '.join(texts))}" for name, texts in fields.items())
    what = f"Salesloft refused the values (422). It says {said or 'no more'}."
    return errors.RejectedError(what, request=ask.name, fields=fields, next_step="correct them and call again.")


def _scope(ask: Request) -> str:
    parts = ask.path.split("/")
    section = parts[3] if len(parts) > 3 and parts[2] == "external" else ""
    kind = parts[5] if section == "ids" and len(parts) > 5 else parts[2]
    if not section and kind not in _SINGULAR:
        return "the right to call this, or use another token"
    scope = _SCOPES.get((ask.method, section), "{one}:view (or {many}:read)")
    return "the scope " + scope.format(one=_SINGULAR.get(kind, kind), many=kind)


def _not_found(ask: Request) -> str:
    """Why a path may lead nowhere. Whether Salesloft takes an id with a slash in its path, nobody says."""
    if not ask.path.startswith("/v2/external/ids/"):
        return "list what is there; it may be deleted already."
    if "%2F" in ask.path:
        return "an id with a slash may not work here; look it up with list_external_id_mappings instead."
    return "check with list_external_id_configurations that this type is configured."


def _json(content: bytes) -> object:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        return None


def _field_messages(problem: object) -> dict[str, list[str]]:
    found = problem.get("errors") if isinstance(problem, dict) else None
    if not isinstance(found, dict):
        return {}
    return {
        str(name): [str(text) for text in (texts if isinstance(texts, list) else [texts])][:5]
        for name, texts in list(found.items())[:10]
    }


def wait_asked(header: str | None, now: float) -> float | None:
    """The seconds of a Retry-After header, which is a number or a date; None when it says nothing usable."""
    if not header:
        return None
    digits = header.strip()
    if digits.isascii() and digits.isdigit():
        return min(float(digits), LONGEST_WAIT)
    try:
        return min(max(0.0, parsedate_to_datetime(header).timestamp() - now), LONGEST_WAIT)
    except (ValueError, OverflowError):
        return None
