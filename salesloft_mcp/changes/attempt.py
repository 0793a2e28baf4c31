"""One request to Salesloft, or one look, and what it says of a line of the log."""

from salesloft_mcp import errors
from salesloft_mcp.changes import records
from salesloft_mcp.changes.change import Image, Line, Outcome
from salesloft_mcp.changes.kinds import KINDS, conflict, judged, standing, stands_already
from salesloft_mcp.errors import Hint
from salesloft_mcp.salesloft.client import Salesloft

# The answer proves that nothing was sent, or that Salesloft did not do it.
_NOT_SENT = (errors.RateLimitedError, errors.UnreachableError)
_LOST = "the answer was lost, and something else stands there by now: nobody can tell whether this was done before."
_REFUSED = (errors.UnauthorizedError, errors.ForbiddenError, errors.InputError)


async def send(api: Salesloft, line: Line) -> Outcome:
    """Carry out a change that stands in the log as intended; every error becomes a state."""
    try:
        state, after = await KINDS[line.change.kind].send(api, line.change)
    except errors.UnknownOutcomeError as error:
        return Outcome(line, "unknown", note=error.what, error=error)
    except _NOT_SENT as error:
        return Outcome(line, "planned", note=error.what, tried=False, error=error)
    except _REFUSED as error:
        return Outcome(line, "failed", note=error.what, error=error)
    except errors.ConflictError as error:
        return Outcome(line, "conflict", note=error.what, error=error)
    except errors.ApiError as error:
        return await look(api, line, sent=line.tries > 1, refusal=error)
    return Outcome(line, state, None if after is None else line.change.part(after), _not_taken(line, after))


def _not_taken(line: Line, after: Image | None) -> str:
    """Of a row of a run, what a report tells of fields that stand otherwise than they were sent."""
    if line.line is None or line.change.kind != "record" or after is None:
        return ""
    fields = records.not_taken(line.change.after or {}, after)
    return f"Salesloft did not take all of it: {', '.join(fields)}" if fields else ""


async def look(api: Salesloft, line: Line, *, sent: bool, refusal: errors.ApiError | None = None) -> Outcome:
    """Read what stands at the key, and judge. A look that fails leaves what was sent as unknown as it was."""
    change = line.change
    try:
        verdict, rows = await judged(api, change)
    except errors.ApiError as error:
        why = refusal or error
        return Outcome(line, "unknown" if sent else "failed", note=why.what, error=why)
    match verdict:
        case "done":
            by_us = sent and not stands_already(change)  # what stood there already was never sent
            return Outcome(line, change.verb if by_us else "unchanged", standing(change, rows))
        case "conflict" if sent:  # it may have been done before that
            return Outcome(
                line, "lost", note=_LOST, error=errors.ConflictError(_LOST, next_step=(Hint.LIST_MAPPINGS, "."))
            )
        case "conflict":
            return Outcome(line, "conflict", note="something else stands there", error=conflict(change, rows))
        case _ if refusal is not None:
            return Outcome(line, "failed", note=refusal.what, error=refusal)
        case _:
            return Outcome(line, "planned")
