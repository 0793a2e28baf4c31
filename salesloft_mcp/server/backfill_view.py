"""How a backfill is shown: its numbers, and rows as small as they can be said."""

from typing import Any

from pydantic import ConfigDict

from salesloft_mcp.bulk.jobs import Status
from salesloft_mcp.bulk.plan import minutes
from salesloft_mcp.bulk.report import cells
from salesloft_mcp.server.answers import View
from salesloft_mcp.state.journal import Line
from salesloft_mcp.text import escaped

Json = dict[str, Any]


class Backfill(View):
    """A backfill with everything in `facts`. The schema names only what a caller cannot do without: it is paid for
    by every tool that answers with it, in every conversation.
    """

    model_config = ConfigDict(extra="allow")

    state: str
    points_spent: int


class Planned(Backfill):
    """The same, where it is seen first."""

    backfill_id: str
    counts: Json
    rows: list[Json]


def facts(status: Status, points_a_minute: int) -> Json:
    """A backfill as a whole. `points` and `minutes` are what is still to be spent."""
    left = status.creates - status.done
    shown = {
        "backfill_id": status.id,
        "state": status.state,
        "external_type": escaped(status.aim.external_type),
        "object_type": status.aim.object_type,
        "source": escaped(status.source),
        "digest": status.digest,
        "counts": dict(status.verdicts),
        "outcomes": {name: number for name, number in status.states.items() if name},
        "points": left,
        "minutes": minutes(left, points_a_minute),
        "problem": escaped(status.problem),
    }
    return {name: value for name, value in shown.items() if value not in ("", {}) or name == "counts"}


def attention_row(line: Line) -> Json:
    """A row that needs a person: which, why, and what was given for its object."""
    verdict = line.state if line.verdict == "create" else line.verdict
    shown: Json = {"line": line.line, "external_id": escaped(line.external_id), "verdict": verdict}
    if line.by:
        shown[line.by] = escaped(line.ref)
    return {**shown, "note": escaped(line.note)} if line.note else shown


def report_row(line: Line) -> Json:
    """A row of the report, without what is empty."""
    shown = {name: escaped(cell) if isinstance(cell, str) else cell for name, cell in cells(line).items()}
    return {name: cell for name, cell in shown.items() if cell not in ("", None)}


def sentence(status: Status) -> str:
    """What it is, in numbers of ours."""
    unusable = sum(status.verdicts[name] for name in ("conflict", "object unknown", "invalid"))
    if status.state == "planned":
        unchanged = status.verdicts["unchanged"]
        return (
            f"planned: {status.creates} to create, {unchanged} unchanged, {unusable} that cannot be. Nothing written."
        )
    if status.state == "planning":
        return "planning: ask again with get_backfill. Nothing written."
    refused = f", {status.refused} refused" if status.refused else ""
    return f"{status.state}: {status.done} of {status.creates} done{refused}; {unusable} were ruled out by the plan."
