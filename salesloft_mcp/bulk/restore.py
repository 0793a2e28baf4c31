"""Mappings that were saved are created again where they are gone: a backfill of its own, forgotten afterwards."""

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from salesloft_mcp import errors
from salesloft_mcp.bulk import plan
from salesloft_mcp.bulk.plan import Aim
from salesloft_mcp.bulk.run import Outcomes, Run
from salesloft_mcp.changes.writes import QUIET_SECONDS
from salesloft_mcp.salesloft.client import Salesloft
from salesloft_mcp.salesloft.models import ObjectType
from salesloft_mcp.state.journal import Journal, Line

Pair = tuple[str, int]  # external id, object id
_OPEN = ("", "intended", "unknown")


@dataclass(frozen=True, slots=True)
class Restored:
    """How it ended: `refused` belong to something else now, or to nothing; `problem` says why some are left."""

    created: Sequence[Pair] = ()
    unchanged: Sequence[Pair] = ()
    refused: Sequence[Pair] = ()
    left: Sequence[Pair] = ()
    problem: str = ""


async def restore_mappings(
    api: Salesloft,
    external_type: str,
    object_type: ObjectType,
    wanted: Sequence[Pair],
    *,
    settled: Callable[[Outcomes], None] = lambda _: None,
    enough: Callable[[], bool] = lambda: False,
) -> Restored:
    """Look what is there, and create what is missing until it is `enough`. What was begun is always brought to its end.

    It may be called again with what is left.
    """
    aim = Aim(external_type, object_type)
    with tempfile.TemporaryDirectory() as folder, Journal(Path(folder) / "restore.db") as journal:
        fields = ({"external_id": external_id, "object_id": object_id} for external_id, object_id in wanted)
        plan.load(journal, enumerate(fields, 1), aim)
        problem = ""
        try:
            await plan.make(api, journal, aim)
            run = Run(api, journal, aim, settled=settled, cancelled=enough, quiet=QUIET_SECONDS)
            await run.finish()
        except errors.ApiError as error:
            problem = error.what
        return _sorted(journal.lines(limit=len(wanted)), wanted, problem)


def _sorted(lines: Sequence[Line], wanted: Sequence[Pair], problem: str) -> Restored:
    kinds: dict[str, list[Pair]] = {"created": [], "unchanged": [], "refused": [], "left": []}
    for line in lines:
        kinds[_kind(line)].append(wanted[line.line - 1])
    return Restored(**kinds, problem=problem)


def _kind(line: Line) -> str:
    how = line.state if line.verdict == "create" else line.verdict
    if how in ("created", "unchanged"):
        return how
    return "left" if how in (*_OPEN, "new") else "refused"
