"""Pure, on the way up: status and bytes become rows, or a member of the error tree. Nothing here awaits."""

from dataclasses import replace
from typing import TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from salesloft_mcp import errors
from salesloft_mcp.salesloft.causes import NoConnectionError
from salesloft_mcp.salesloft.models import Mapping, Page
from salesloft_mcp.salesloft.pages import is_page, stands_in, way_past
from salesloft_mcp.salesloft.received import Complaints, Received, complaints, described, read_json
from salesloft_mcp.salesloft.requests import MappingFilter, Request
from salesloft_mcp.text import quoted

RowT = TypeVar("RowT", bound=BaseModel)
AnyT = TypeVar("AnyT")

LONGEST_WORDS = 120  # characters of Salesloft's own words that are passed on, for each field
_REFUSALS = frozenset({400, 401, 403, 404, 422, 429})
_LOOK = "look whether it was done before sending it again."
_SLASH = "An id with a slash may not work here."  # whether Salesloft takes one in a path, nobody says
_ADDRESS = "correct it; by itself it is https://api.salesloft.com."
_SUPPORT = "tell Salesloft's support."

_ECHOED = ("external_type", "object_type", "external_id", "object_id")


def page(ask: Request, got: Received, *, kind: type[RowT]) -> Page[RowT]:
    """The rows of a list: `data` may be a list, a single object or null (the guide prints the first two).

    Raises:
        UnreadRowsError: there are rows that hold something, and none of them can be read.
    """
    envelope = _envelope(ask, got)
    data, metadata = envelope["data"], envelope.get("metadata")
    found = data if isinstance(data, list) else [] if data is None else [data]
    rows = tuple(one for one in (_usable(row, kind) for row in found) if one is not None)
    paging = metadata.get("paging") if isinstance(metadata, dict) else None
    paging = paging if isinstance(paging, dict) else {}
    total = paging.get("total_count")
    following = _next_page(ask, paging, len(found))
    if not rows and (odd := next((one for one in found if one is not None), None)) is not None:
        what = _lacking(odd, kind)
        raise errors.UnreadRowsError(what, next_step=_SUPPORT, unread=len(found), next_page=following)
    return Page(rows, following, total if type(total) is int else None, len(found) - len(rows))


def complete(found: Page[AnyT]) -> Page[AnyT]:
    """`found`, where a row that cannot be read must not pass for one that is not there.

    Raises:
        UnreadRowsError: there is one.
    """
    if not found.unread:
        return found
    what = f"Salesloft's answer has rows that cannot be read ({found.unread}), so what is there is not known."
    raise errors.UnreadRowsError(what, next_step=_SUPPORT, unread=found.unread, next_page=found.next_page)


def row(ask: Request, got: Received, *, kind: type[RowT]) -> RowT:
    """The one object of an answer, which echoes what was sent."""
    data = _envelope(ask, got)["data"]
    found = _row(ask, data[0] if isinstance(data, list) and len(data) == 1 else data, kind)
    sent = ask.body or {}
    wrong = [name for name in _ECHOED if name in sent and getattr(found, name, sent[name]) != sent[name]]
    if wrong:
        raise _broken(ask, f"Salesloft's answer has another {', '.join(wrong)} than was sent.")
    return found


def deleted(ask: Request, got: Received) -> None:
    """Only a 204 says that something was deleted; any other success may come from something in between.

    The guide has "Response Status Code: 204" for both deletions:
    https://developers.salesloft.com/docs/platform/guides/mapping-external-identifiers/

    Raises:
        UnknownOutcomeError: a success of another kind.
    """
    said = _success(ask, got)
    if got.status != 204:
        raise _unknown(f"{_answered(ask, got, said)}: that does not say that anything was deleted.", _look(got))


def only_asked(ask: Request, asked: MappingFilter, sent: MappingFilter, found: Page[Mapping]) -> Page[Mapping]:
    """`found` without rows that were not asked for, unless they show that a filter which was sent does not work."""
    if found.next_page is not None and not all(map(sent.fits, found.rows)):
        what = "Salesloft answered with mappings that were not asked for, so a filter does not work. Nothing was used."
        raise _broken(ask, what)
    rows = tuple(row for row in found.rows if asked.fits(row) and asked.deleted in (None, row.deleted))
    return replace(found, rows=rows)


def never_sent(error: Exception) -> errors.UnreachableError:
    """No connection: the request is known not to have run."""
    if isinstance(error, NoConnectionError):
        what = f"no connection to Salesloft: {error.cause}; nothing was sent."
        return errors.UnreachableError(what, next_step=error.step)
    what = f"no connection to Salesloft ({_cause(error)}); nothing was sent."
    return errors.UnreachableError(what, next_step="check the network, then try again.")


def lost(ask: Request, error: Exception) -> errors.ApiError:
    """The request may have run, its answer did not arrive. For a write that is an unknown outcome."""
    if ask.writes:
        return _unknown(f"the answer to {ask.name} was lost ({_cause(error)}).")
    what = f"Salesloft's answer to {ask.name} was lost ({_cause(error)}); it was a read, nothing changed."
    return errors.UnreachableError(what, next_step="try again.")


def too_late(ask: Request) -> errors.ApiError:
    """The time of the call was over before the request could be sent."""
    what = f"Salesloft is slow, and the time of this call was over before {ask.name} was sent."
    return errors.UnreachableError(what, next_step="try again, or ask for less at a time.")


def _success(ask: Request, got: Received) -> object:
    """The JSON of a success, or None.

    Only a refusal by the API itself proves that a write was not done, and any other answer leaves that unknown. A
    refusal by the API is JSON of its error shape under a status that it refuses with; anything else may come from
    something in between.
    """
    found = read_json(got.content)
    if 200 <= got.status < 300:
        return found
    said = complaints(found)
    if got.status in _REFUSALS and (said or (got.status == 429 and got.metered)):
        raise _refusal(ask, got, said)
    what = f"{_answered(ask, got, found)}."
    if ask.writes:
        raise _unknown(what, f"{_LOOK} {_SLASH}" if got.status == 404 and "%2F" in ask.path else _look(got), got.status)
    if got.status == 429:
        raise errors.RateLimitedError(what, retry_after_seconds=got.retry_after)
    if (got.status >= 500 and got.status != 511) or got.status == 408:
        raise errors.UpstreamError(what, next_step="try again in a minute.")
    raise errors.UpstreamError(what, next_step=_SUPPORT if said else _past(got))


def _envelope(ask: Request, got: Received) -> dict[str, object]:
    found = _success(ask, got)
    said = complaints(found)
    if isinstance(found, dict) and "data" in found and not (said and found["data"] is None):
        return found
    if said:
        step = "correct what it names, or " + _SUPPORT
    elif found is None and not is_page(got.content):
        step = "try again; if it stays so, " + _SUPPORT
    else:
        step = _past(got)
    what = f"{_answered(ask, got, found)}: that is no answer of the API."
    raise _unknown(what, _look(got)) if ask.writes else errors.BrokenAnswerError(what, next_step=step)


def _past(got: Received) -> str:
    return way_past(got.status, got.content, got.leads_to)


def _look(got: Received) -> str:
    """What to do after a write that was answered by something else than the API."""
    if not stands_in(got.status, got.content, got.leads_to):
        return _LOOK
    return f"{_LOOK} Something in between answered: {_past(got)}"


def _broken(ask: Request, what: str) -> errors.ApiError:
    """An answer that cannot be believed. A write may have been done all the same."""
    return _unknown(what) if ask.writes else errors.BrokenAnswerError(what, next_step=_SUPPORT)


def _unknown(what: str, step: str = _LOOK, status: int = 0) -> errors.UnknownOutcomeError:
    return errors.UnknownOutcomeError(f"{what} {errors.UNKNOWN}", next_step=step, status=status)


def _cause(error: Exception) -> str:
    """What became of an answer; where that is not known, the kind of failure with its own words."""
    if isinstance(error, httpx.PoolTimeout):
        return "no connection became free in time"
    if isinstance(error, TimeoutError | httpx.TimeoutException):
        return "no answer in time"
    if isinstance(error, httpx.ReadError | httpx.WriteError | httpx.CloseError):
        return "the connection broke off"
    if isinstance(error, httpx.ProtocolError):  # its words are bytes of the answer: a server may repeat the token there
        return "the connection broke off, or what came is no HTTP"
    words = str(error)
    return f"{type(error).__name__}: {quoted(words, LONGEST_WORDS)}" if words else type(error).__name__


def _next_page(ask: Request, paging: dict[str, object], rows: int) -> int | None:
    """The page after this one. Paging may be absent: then a page as full as was asked for is not the last."""
    if "next_page" not in paging:
        return ask.page + 1 if str(rows) == dict(ask.query).get("per_page") else None
    found = paging["next_page"]
    if found is None:
        return None
    if type(found) is not int or found <= ask.page:
        what = f"Salesloft's answer names no usable next page after page {ask.page}. Nothing of it was used."
        raise _broken(ask, what)
    return found


def _usable(data: object, kind: type[RowT]) -> RowT | None:
    try:
        return kind.model_validate(data)
    except ValidationError:
        return None


def _row(ask: Request, data: object, kind: type[RowT]) -> RowT:
    found = _usable(data, kind)
    if found is None:
        raise _broken(ask, _lacking(data, kind))
    return found


def _lacking(data: object, kind: type[BaseModel]) -> str:
    """What makes that no row of this kind."""
    names: set[str] = set()
    try:
        kind.model_validate(data)
    except ValidationError as error:
        names = {".".join(map(str, one["loc"])) or "data" for one in error.errors(include_input=False)}
    return f"Salesloft's answer has no usable {', '.join(map(quoted, sorted(names)[:5]))}."


def _refusal(ask: Request, got: Received, said: Complaints) -> errors.ApiError:
    """The member of the error tree for one of Salesloft's own refusals. Nothing was done."""
    words = f" It says {_shown(said)}." if said else ""
    match got.status:
        case 401:
            doubt = f" What is set {got.doubt}." if got.doubt else ""
            what = f"Salesloft does not accept this token (401).{doubt}{words}"
            step = "correct SALESLOFT_API_KEY." if got.doubt else "set a current SALESLOFT_API_KEY."
            return errors.UnauthorizedError(what, next_step=step)
        case 403:
            return errors.ForbiddenError(f"the token may not call {ask.name} (403).{words}", next_step=_grant(ask))
        case 404 if ask.always_there:
            there = f"{ask.name}, which it always has, is not there (404)"
            what = f"SALESLOFT_BASE_URL: Salesloft's API is not at this address: {there}.{words}"
            return errors.NotFoundError(what, next_step=_ADDRESS)
        case 404:
            what = f"Salesloft knows nothing at {ask.name} (404).{words}"
            return errors.NotFoundError(what, next_step=_not_found(ask))
        case 422:
            what = f"Salesloft refused the values (422).{words}"
            fields = {name: texts for name, texts in said.items() if name}
            return errors.RejectedError(what, fields=fields, next_step="correct them and call again.")
        case 429:
            what = f"the team's points for this minute are spent (429), by this or another integration.{words}"
            return errors.RateLimitedError(what, retry_after_seconds=got.retry_after)
        case status:
            what = f"Salesloft refused {ask.name} ({status}).{words}"
            return errors.UpstreamError(what, next_step="correct what it names and call again.")


def _answered(ask: Request, got: Received, found: object) -> str:
    """What was answered to what: Salesloft's own words, or else what the bytes are and how they begin."""
    said = complaints(found)
    leads = f", leading to {quoted(got.leads_to)}," if got.leads_to else ""
    return f"{ask.name} was answered {got.status}{leads} with {_shown(said) if said else described(got.content)}"


def _shown(said: Complaints) -> str:
    """Salesloft's own words, quoted and cut."""
    fields = ((name, quoted(", ".join(texts), LONGEST_WORDS)) for name, texts in said.items())
    return "; ".join(f"{quoted(name)}: {words}" if name else words for name, words in fields)


def _grant(ask: Request) -> str:
    """What the token lacks, under each name that Salesloft has for it."""
    if not ask.scopes:
        return "grant it the right to call this, or use another token."
    wanted = " and ".join(f"{first} (or {' or '.join(others)})" if others else first for first, *others in ask.scopes)
    return f"grant it {wanted}."


def _not_found(ask: Request) -> errors.Step:
    """Why a path may lead nowhere."""
    if not ask.path.startswith("/v2/external/ids/"):
        return "list what is there; it may be deleted already."
    if "%2F" in ask.path:
        return errors.Hint.LIST_MAPPINGS, f" with this external id instead. {_SLASH}"
    return errors.Hint.LIST_CONFIGURATIONS, " to see whether this type is configured."
