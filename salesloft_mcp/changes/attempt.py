"""One request to Salesloft, or one look, and what it says of a line of the log."""

from collections.abc import Sequence
from dataclasses import replace

from salesloft_mcp import errors
from salesloft_mcp.changes import records
from salesloft_mcp.changes.change import DONE, Image, Line, Outcome, Verdict
from salesloft_mcp.changes.kinds import KINDS, conflict, held_against, judged, standing, stands_already, taken_in_part
from salesloft_mcp.changes.spelling import not_taken
from salesloft_mcp.errors import Hint
from salesloft_mcp.lookups.standing import UNCLEAR, holders
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import one_record
from salesloft_mcp.text import some

# The answer proves that nothing was sent, or that Salesloft did not do it.
_NOT_SENT = (errors.RateLimitedError, errors.UnreachableError)
_LOST = "the answer was lost, and something else stands there by now: nobody can tell whether this was done before."
_NOT_TOLD = f"the answer was lost. {UNCLEAR} Nobody can tell whether this was done."
_REFUSED = (errors.UnauthorizedError, errors.ForbiddenError, errors.InputError)


async def send(api: Salesloft, line: Line) -> Outcome:
    """Carry out a change that stands in the log as intended; every error becomes a state."""
    try:
        state, after = await KINDS[line.change.kind].send(api, line.change)
    except errors.UnknownOutcomeError as error:
        unknown = Outcome(line, "unknown", note=error.what, error=error)
        if not error.status or error.status != api.spellings.duplicate or line.change.kind != "mapping":
            return unknown
        found = await look(api, line, sent=True)  # it is there already, as far as is known
        return found if found.state in DONE | {"unchanged"} else unknown
    except _NOT_SENT as error:
        return Outcome(line, "planned", note=error.what, tried=False, error=error)
    except _REFUSED as error:
        return Outcome(line, "failed", note=error.what, error=error)
    except errors.ConflictError as error:
        return Outcome(line, "conflict", note=error.what, error=error)
    except errors.ApiError as error:
        return await look(api, line, sent=line.tries > 1, refusal=error)
    told, was = _not_taken(line, after), line.change.object_id
    if state == "created" and line.change.before is not None:  # so nothing stood there any more
        instead = f"the external id does not stand for {one_record(line.change.key.object_type, was)} any more, so that"
        told = "; ".join(filter(None, (f"{instead} this was created instead of updating it", told)))
        line = replace(line, change=replace(line.change, before=None))
    return Outcome(line, state, None if after is None else line.change.part(after), told)


def _not_taken(line: Line, after: Image | None) -> str:
    """Of a row of a run, what a report tells of fields that stand otherwise than they were sent."""
    if line.line is None or line.change.kind != "record" or after is None:
        return ""
    fields = some(not_taken(line.change.after or {}, after))
    return f"Salesloft did not take all of it: {', '.join(fields)}" if fields else ""


async def look(api: Salesloft, line: Line, *, sent: bool, refusal: errors.ApiError | None = None) -> Outcome:
    """Read what stands at the key, and judge. A look that fails leaves what was sent as unknown as it was."""
    change = line.change
    try:
        verdict, rows = await judged(api, change)
    except errors.UnreadRowsError as error:  # no later look will tell
        if sent and line.line is not None:
            return Outcome(line, "lost", note=_NOT_TOLD, error=refusal or error)
        return Outcome(line, "unknown" if sent else "failed", note=error.what, error=refusal or error)
    except errors.ApiError as error:
        why = refusal or error
        return Outcome(line, "unknown" if sent else "failed", note=why.what, error=why)
    return _said(line, verdict, rows, sent, refusal)


async def look_together(api: Salesloft, lines: Sequence[Line]) -> list[Outcome]:
    """The same for upserts of one run that are not on their way, for a few points altogether.

    Raises:
        ApiError: what stands at their keys cannot be read.
    """
    key, model = lines[0].change.key, records.fields_of(lines[0].change.key).model_fields
    expected = {line.change.key.external_id: line.change.object_id for line in lines}
    there = await holders(api, key.external_type, key.object_type, expected)
    found = []
    for line in lines:
        if line.change.key.external_id in there.unclear:
            found.append(Outcome(line, "unknown" if line.tries > 0 else "failed", note=UNCLEAR))
            continue
        held = sorted(there.held[line.change.key.external_id])
        rows = [records.image(there.records[one], model) for one in held if one in there.records]
        if line.change.before is None:  # those that cannot be read have the external id all the same
            rows = rows or [{"id": one} for one in held]
        found.append(_said(line, *held_against(line.change, rows), line.tries > 0))
    return found


def _said(
    line: Line, verdict: Verdict, rows: list[Image], sent: bool, refusal: errors.ApiError | None = None
) -> Outcome:
    change = line.change
    match verdict:
        case "done":
            by_us = sent and not stands_already(change)  # what stood there already was never sent
            return Outcome(line, change.verb if by_us else "unchanged", standing(change, rows))
        case "conflict" if sent and (there := taken_in_part(change, rows)) is not None:
            return Outcome(line, change.verb, there, _not_taken(line, there))
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
